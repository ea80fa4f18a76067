// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What one would use instead: files, written in place at one offset after the other, and
 * a backup at a socket. Owns the files it makes. Unlike a checkpoint none of them says
 * after a power cut whether what it holds is whole: they are the least that one costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/stat.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "../common/timing.h"
#include "peers.h"
#include "report.h"

#define SMALL_FILE	(8 * MIB)

struct peer_file {
	struct peers *peers;
	const char *dir;	/* or NULL: not measured */
	int fd;
	char *map;
	uint64_t size;
	uint64_t at;
};

struct peers {
	struct peer_file dax;
	struct peer_file disk;
	struct backup *backup;
	const void *data;
	uint64_t len;
};

static uint64_t next_place(struct peer_file *f, uint64_t len)
{
	uint64_t at = f->at;

	if (at + len > f->size)
		at = 0;
	f->at = at + ((len + 63) & ~63ULL);
	return at;
}

static int op_pwrite(struct series *s)
{
	struct peer_file *f = s->context;
	struct peers *p = f->peers;

	if (timing_pwrite_durably(f->fd, p->data, p->len, next_place(f, p->len)))
		return bench_fail("%s: %s", f->dir, strerror(errno));
	return 0;
}

static int op_msync(struct series *s)
{
	struct peer_file *f = s->context;
	struct peers *p = f->peers;
	uint64_t at = next_place(f, p->len);
	uint64_t page = at & ~4095ULL;

	memcpy(f->map + at, p->data, p->len);
	if (msync(f->map + page, at + p->len - page, MS_SYNC))
		return bench_fail("%s: %s", f->dir, strerror(errno));
	return 0;
}

static int op_send(struct series *s)
{
	struct peers *p = s->context;

	return backup_send(p->backup, p->data, p->len);
}

/*
 * Blocks that are there: what a file system does to give new ones is not meant here.
 * With DAX it is mapped, too.
 */
static int grow(struct peer_file *f, uint64_t size)
{
	static const char zero[65536];
	uint64_t before = f->size;

	if (!f->dir || size <= f->size)
		return 0;
	for (; f->size < size; f->size += sizeof(zero))
		if (pwrite(f->fd, zero, sizeof(zero), (off_t)f->size) != sizeof(zero))
			return bench_fail("%s: %s", f->dir, strerror(errno));
	if (fsync(f->fd))
		return bench_fail("%s: %s", f->dir, strerror(errno));
	if (f == &f->peers->disk)
		return 0;
	if (f->map)
		munmap(f->map, before);
	f->map = mmap(NULL, f->size, PROT_READ | PROT_WRITE, MAP_SHARED, f->fd, 0);
	if (f->map != MAP_FAILED)
		return 0;
	f->map = NULL;
	return bench_fail("%s: %s", f->dir, strerror(errno));
}

static int is_dax(int fd)
{
	struct statx st;

	return !statx(fd, "", AT_EMPTY_PATH, 0, &st) && st.stx_attributes & STATX_ATTR_DAX;
}

static int is_memory(int fd)
{
	struct statfs fs;

	return !fstatfs(fd, &fs) && (fs.f_type == TMPFS_MAGIC || fs.f_type == RAMFS_MAGIC);
}

static int open_file(struct peers *p, struct peer_file *f, const char *dir)
{
	char path[4096];

	f->peers = p;
	f->fd = -1;
	if (!dir)
		return 0;
	if (snprintf(path, sizeof(path), "%s/npmu-bench.XXXXXX", dir) >= (int)sizeof(path))
		return bench_fail("%s: too long a name", dir);
	f->fd = mkstemp(path);
	if (f->fd < 0)
		return bench_fail("%s: %s", dir, strerror(errno));
	unlink(path);
	f->dir = dir;
	if (f == &p->dax && !is_dax(f->fd))
		return bench_fail("--dax-dir %s: files there are not DAX: mount -o dax a file system on pmem",
				  dir);
	if (f == &p->disk && is_memory(f->fd))
		return bench_fail("--disk-dir %s is memory: name a directory on a disk", dir);
	return grow(f, SMALL_FILE);
}

static void close_file(struct peer_file *f)
{
	if (f->map)
		munmap(f->map, f->size);
	if (f->fd >= 0)
		close(f->fd);
}

void peers_close(struct peers *p)
{
	if (!p)
		return;
	backup_stop(p->backup);
	close_file(&p->dax);
	close_file(&p->disk);
	free(p);
}

int peers_open(struct bench *b, const char *dax_dir, const char *disk_dir)
{
	struct peers *p = calloc(1, sizeof(*p));

	if (!p)
		return bench_fail("out of memory");
	b->peers = p;
	p->dax.fd = -1;
	p->disk.fd = -1;
	p->backup = backup_start();
	if (!p->backup || open_file(p, &p->dax, dax_dir) || open_file(p, &p->disk, disk_dir))
		return -1;
	if (!dax_dir)
		report_note(b->report, "commit", "dax", "--dax-dir names no directory");
	if (!disk_dir)
		report_note(b->report, "commit", "disk", "--disk-dir names no directory");
	return 0;
}

int peers_series(struct peers *p, struct series *s, const void *data, uint64_t len)
{
	int n = 0;

	p->data = data;
	p->len = len;
	if (grow(&p->dax, len) || grow(&p->disk, len))
		return -1;
	if (p->dax.dir) {
		s[n++] = (struct series){ .what = "dax_pwrite_fdatasync", .op = op_pwrite,
					  .context = &p->dax };
		s[n++] = (struct series){ .what = "dax_mmap_msync", .op = op_msync,
					  .context = &p->dax };
	}
	if (p->disk.dir)
		s[n++] = (struct series){ .what = "disk_pwrite_fdatasync", .op = op_pwrite,
					  .context = &p->disk };
	s[n++] = (struct series){ .what = "socket", .op = op_send, .context = p };
	return n;
}

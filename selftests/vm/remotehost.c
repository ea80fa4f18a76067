// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A checkpoint over the wire through the public calls of the library, see remotehost.h.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "remotehost.h"

struct npmu_error remote_err;

struct npmu_region *remote_open(const char *name, unsigned int flags)
{
	struct npmu_region *region;

	if (npmu_region_open(name, flags, &region, &remote_err)) {
		fprintf(stderr, "# %s\n", remote_err.text);
		return NULL;
	}
	return region;
}

struct npmu_region *remote_mapped(const char *name, unsigned int flags)
{
	struct npmu_region *region = remote_open(name, flags);
	int code;

	if (!region)
		return NULL;
	/* That a client before has gone the unit may not have seen yet. */
	VM_UNTIL((code = npmu_region_map(region, flags ? NPMU_MAP_WRITE : 0)) != -EBUSY, 10000);
	if (!code)
		return region;
	fprintf(stderr, "# map: %s\n", npmu_region_error(region));
	npmu_region_close(region);
	return NULL;
}

int remote_write_key(const char *path, const char *principal, mode_t mode)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];
	FILE *file;
	size_t i;

	ni_key(principal, key);
	unlink(path);
	file = fopen(path, "w");
	if (!file)
		return -errno;
	for (i = 0; i < sizeof(key); i++)
		fprintf(file, "%02x", key[i]);
	fputc('\n', file);
	fclose(file);
	return chmod(path, mode) ? -errno : 0;
}

struct npmu_append_writer *remote_writer(struct npmu_region *region, unsigned int flags)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = flags,
		.ring_size = MIB,
	};
	struct npmu_append_writer *w = NULL;

	if (npmu_append_writer_open(region, &options, &w, &remote_err))
		fprintf(stderr, "# writer: %s\n", remote_err.text);
	return w;
}

/* What update number @n consists of. */
void remote_make_update(char *buf, size_t len, uint64_t n)
{
	vm_fill(buf, len, n * 8192, 5);
}

int remote_update(struct npmu_append_writer *w, uint64_t n, size_t len)
{
	char buf[8192];
	struct iovec iov[2] = { { buf, len / 2 }, { buf + len / 2, len - len / 2 } };
	int code;

	remote_make_update(buf, len, n);
	code = npmu_append_update(w, iov, 2, n);
	if (code)
		fprintf(stderr, "# update %llu: %s\n", (unsigned long long)n,
			npmu_append_writer_error(w));
	return code;
}

/* All updates that are there are number @from and those after it. Return: how many. */
int remote_read_updates(struct npmu_append_reader *r, uint64_t from)
{
	struct npmu_append_item item;
	char buf[8192];
	int n = 0, code;

	while (!(code = npmu_append_next(r, &item))) {
		remote_make_update(buf, item.length, item.tag);
		if (item.tag != from + (uint64_t)n || memcmp(buf, item.data, item.length)) {
			CHECK(false, "update %llu is not %llu, or its data are not",
			      (unsigned long long)item.tag, (unsigned long long)(from + n));
			return -1;
		}
		n++;
	}
	if (code != -ENODATA)
		fprintf(stderr, "# next: %d: %s\n", code, npmu_append_reader_error(r));
	return code == -ENODATA ? n : code;
}

int remote_read_base(struct npmu_append_reader *r, size_t len, uint64_t seed)
{
	struct npmu_append_item item;
	int code = npmu_append_read_base(r, &item);

	if (code) {
		fprintf(stderr, "# base: %s\n", npmu_append_reader_error(r));
		return code;
	}
	if (item.length != len || vm_compare(item.data, len, 0, seed) != -1)
		return -EBADMSG;
	return npmu_append_recheck(r, &item);
}

int remote_base(struct npmu_append_writer *w, size_t len, uint64_t seed)
{
	char *buf = malloc(len);
	struct iovec iov = { buf, len };
	int code;

	vm_fill(buf, len, 0, seed);
	code = npmu_append_base(w, &iov, 1, 0);
	if (code)
		fprintf(stderr, "# base: %s\n", npmu_append_writer_error(w));
	free(buf);
	return code;
}

int remote_program(void *args)
{
	execv("/proc/self/exe", args);
	return 127;
}

int remote_up(uint64_t size)
{
	int code = ni_up();

	if (!code)
		code = ni_load_key("alice");
	if (!code)
		code = vm_dram("u", size + size / 8 + 8 * MIB);
	if (!code)
		code = vm_region("u", "r", size);
	if (!code)
		code = ni_grant("r", "alice", NI_RW, 0, 0);
	if (!code)
		code = remote_write_key(REMOTE_KEY, "alice", 0600);
	setenv("NPMU_KEY_FILE", REMOTE_KEY, 1);
	return code;
}

int remote_down(void)
{
	int code = ni_down();

	unlink(REMOTE_KEY);
	return vm_drop("u") ?: code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Media of a block device or an image file, for the check. Reads only. Knows
 * nothing of the format.
 */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "mediacheck.h"

static int file_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	const int *fd = ctx;
	char *p = buf;

	while (len) {
		ssize_t n = pread(*fd, p, len, off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			return -EIO;	/* truncated under our hands */
		p += n;
		off += n;
		len -= n;
	}
	return 0;
}

/*
 * A device is read past the page cache: the module stores into pmem directly,
 * so cached pages of the block device may be older than the media.
 */
static int open_media(const char *path, uint64_t *size)
{
	struct stat st;
	off_t end;
	int fd, direct;

	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0)
		return -errno;
	if (fstat(fd, &st)) {
		int err = -errno;

		close(fd);
		return err;
	}
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode)) {
		close(fd);
		return S_ISDIR(st.st_mode) ? -EISDIR : -ENOTBLK;
	}
	end = lseek(fd, 0, SEEK_END);
	if (end < 0) {
		int err = -errno;

		close(fd);
		return err;
	}
	*size = end;
	if (S_ISBLK(st.st_mode)) {
		direct = open(path, O_RDONLY | O_CLOEXEC | O_DIRECT);
		if (direct >= 0) {
			close(fd);
			fd = direct;
		} else {
			posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
		}
	}
	return fd;
}

int npmu_mediacheck_path(const char *path, const struct npmu_check_report *report,
			 struct npmu_check_summary *sum)
{
	struct npmu_media_source src = { .read = file_read };
	int fd, err;

	*sum = (struct npmu_check_summary){ 0 };
	fd = open_media(path, &src.size);
	if (fd < 0)
		return fd;
	src.ctx = &fd;
	err = npmu_mediacheck(&src, report, sum);
	close(fd);
	return err;
}

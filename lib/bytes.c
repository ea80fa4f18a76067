// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes of a region in the caller's memory, and back, without a mapping. Knows nothing of
 * what they mean.
 */
#include <errno.h>
#include <unistd.h>

#include "handle.h"
#include "remote.h"

static int failed(struct npmu_region *region, int code)
{
	return npmu_region_fail(region, code, code == -ESTALE ?
				"this open is dead: open the region again" :
				code == -EIO ? "the media failed" : "the kernel refused the request");
}

static int check(struct npmu_region *region, uint64_t offset, const void *buf, size_t len)
{
	if (!npmu_within(offset, len, region->size) || (len && !buf))
		return npmu_region_fail(region, -EINVAL, "the range is not within the region");
	return 0;
}

int npmu_region_read(struct npmu_region *region, uint64_t offset, void *buf, size_t len)
{
	char *at = buf;
	ssize_t n;
	int code = check(region, offset, buf, len);

	if (code)
		return code;
	if (region->remote)
		return region->remote->ops->read(region, offset, buf, len);
	while (len) {
		n = pread(region->fd, at, len, (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(region, n ? -errno : -EIO);
		at += n;
		offset += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

/* Of a region the kernel makes it durable, of a plain file as far as that can be said. */
static int settle(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	if (!region->is_file)
		return npmu_region_sync(region, offset, len);
	return fdatasync(region->fd) ? failed(region, -errno) : 0;
}

int npmu_region_write(struct npmu_region *region, uint64_t offset, const void *buf, size_t len)
{
	const char *at = buf;
	uint64_t start = offset;
	ssize_t n;
	int code = check(region, offset, buf, len);

	if (code)
		return code;
	code = npmu_region_lost(region);
	if (code)
		return npmu_region_fail(region, code, npmu_region_error(region));
	if (!npmu_region_is_writer(region))
		return npmu_region_fail(region, -EPERM, "this open is not the writer: claim the region");
	if (region->remote)
		return region->remote->ops->write(region, offset, buf, len);
	while (at != (const char *)buf + len) {
		n = pwrite(region->fd, at, (size_t)((const char *)buf + len - at), (off_t)offset);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return failed(region, n ? -errno : -EIO);
		at += n;
		offset += (uint64_t)n;
	}
	return len ? settle(region, start, len) : 0;
}

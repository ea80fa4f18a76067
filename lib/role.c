// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The ioctls of a region: information, the writer role, kick and wait, persist;
 * and for a plain file what stands in for them. Knows no checkpoint.
 */
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>

#include "handle.h"
#include "remote.h"

#define FILE_POLL_NS	1000000

static const char *why_not(int code)
{
	switch (code) {
	case -EBUSY:
		return "another process is the writer, or a fence is not done: npmu-admin tpt list";
	case -EBADF:
		return "the region is not open for writing";
	case -EROFS:
		return "the region is read-only";
	case -ESTALE:
		return "another fence epoch is current, or this open is dead";
	case -ETIMEDOUT:
		return "something of the former writer is still inside, or the time is over";
	case -EPERM:
		return "this open is not the writer";
	case -EINVAL:
		return "the range is not within the region, or not aligned";
	case -EIO:
		return "the media could not be written";
	default:
		return "the kernel refused the request";
	}
}

static int request(struct npmu_region *region, unsigned long op, void *arg)
{
	int code;

	if (!ioctl(region->fd, op, arg))
		return 0;
	code = -errno;
	return npmu_region_fail(region, code, why_not(code));
}

const volatile struct npmu_status *
npmu_region_status(const struct npmu_region *region)
{
	return region->status;
}

int npmu_region_is_writer(const struct npmu_region *region)
{
	return region->status->writer == region->entry_id;
}

uint64_t npmu_region_fence_epoch(const struct npmu_region *region)
{
	return region->status->fence_epoch;
}

static void file_info(const struct npmu_region *region,
		      struct npmu_ioc_info *info)
{
	int writer = npmu_region_is_writer(region);

	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->region_size = region->size;
	info->fence_epoch = npmu_region_fence_epoch(region);
	info->entry_id = region->entry_id;
	info->writer_id = writer ? region->entry_id : 0;
	info->persistence_class = region->persistence_class;
	info->access = NPMU_ACCESS_READ;
	if (region->flags & NPMU_OPEN_WRITE)
		info->access |= NPMU_ACCESS_WRITE;
	info->role = writer ? NPMU_ROLE_HELD : NPMU_ROLE_VACANT;
	strcpy((char *)info->unit_name, "file");
	strcpy((char *)info->region_name, "file");
}

int npmu_region_info(struct npmu_region *region, struct npmu_ioc_info *info)
{
	if (!info)
		return npmu_region_fail(region, -EINVAL, "no place for the answer");
	if (region->is_file) {
		file_info(region, info);
		return 0;
	}
	if (region->remote)
		return region->remote->ops->info(region, info);
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return request(region, NPMU_IOC_INFO, info);
}

static int file_become_writer(struct npmu_region *region, uint64_t *fence_epoch)
{
	struct npmu_status *status = region->own_status;

	if (!(region->flags & NPMU_OPEN_WRITE))
		return npmu_region_fail(region, -EBADF, why_not(-EBADF));
	status->fence_epoch++;
	status->writer = region->entry_id;
	if (fence_epoch)
		*fence_epoch = status->fence_epoch;
	return 0;
}

void npmu_region_epoch_above(struct npmu_region *region, uint64_t fence_epoch)
{
	if (region->is_file && region->own_status->fence_epoch <= fence_epoch)
		region->own_status->fence_epoch = fence_epoch + 1;
}

int npmu_region_claim(struct npmu_region *region, uint64_t *fence_epoch)
{
	struct npmu_ioc_claim arg = { .size = sizeof(arg) };
	int code;

	if (region->remote)
		return region->remote->ops->claim(region, fence_epoch);
	if (region->is_file) {
		if (!npmu_region_is_writer(region))
			return file_become_writer(region, fence_epoch);
		arg.fence_epoch = npmu_region_fence_epoch(region);
	} else {
		code = request(region, NPMU_IOC_CLAIM, &arg);
		if (code)
			return code;
	}
	if (fence_epoch)
		*fence_epoch = arg.fence_epoch;
	return 0;
}

int npmu_region_takeover(struct npmu_region *region, uint64_t expected_epoch,
			 uint64_t *fence_epoch)
{
	struct npmu_ioc_takeover arg = {
		.size = sizeof(arg),
		.expected_epoch = expected_epoch,
	};
	int code;

	if (region->remote)
		return region->remote->ops->takeover(region, expected_epoch, fence_epoch);
	if (region->is_file) {
		if (expected_epoch == npmu_region_fence_epoch(region))
			return file_become_writer(region, fence_epoch);
		arg.fence_epoch = npmu_region_fence_epoch(region);
		code = npmu_region_fail(region, -ESTALE, why_not(-ESTALE));
	} else {
		code = request(region, NPMU_IOC_TAKEOVER, &arg);
	}
	if (fence_epoch && (!code || code == -ESTALE))
		*fence_epoch = arg.fence_epoch;
	return code;
}

int npmu_region_resign(struct npmu_region *region)
{
	struct npmu_ioc_resign arg = { .size = sizeof(arg) };

	if (region->remote)
		return region->remote->ops->resign(region);
	if (!region->is_file)
		return request(region, NPMU_IOC_RESIGN, &arg);
	if (!npmu_region_is_writer(region))
		return npmu_region_fail(region, -EPERM, why_not(-EPERM));
	region->own_status->writer = 0;
	return 0;
}

int npmu_region_sink(struct npmu_region *region)
{
	struct npmu_ioc_sink arg = { .size = sizeof(arg) };

	/* Touches of a mirror meet private pages anyway. */
	if (region->is_file || region->remote)
		return 0;
	return request(region, NPMU_IOC_SINK, &arg);
}

int npmu_region_kick(struct npmu_region *region)
{
	struct npmu_ioc_kick arg = { .size = sizeof(arg) };

	if (region->remote)
		return region->remote->ops->kick(region);
	if (!region->is_file)
		return request(region, NPMU_IOC_KICK, &arg);
	if (!npmu_region_is_writer(region))
		return npmu_region_fail(region, -EPERM, why_not(-EPERM));
	region->own_status->kick_wanted = 0;
	region->own_status->kicks++;
	return 0;
}

static int file_wait(struct npmu_region *region, struct npmu_ioc_wait *arg)
{
	const struct timespec pause = { .tv_nsec = FILE_POLL_NS };
	uint64_t waited = 0;

	if (arg->flags & NPMU_WAIT_F_COMPARE &&
	    (!region->addr || arg->offset % 8 ||
	     !npmu_within(arg->offset, 8, region->length)))
		return npmu_region_fail(region, -EINVAL, why_not(-EINVAL));
	if (arg->flags & NPMU_WAIT_F_ARM)
		return 0;
	for (;;) {
		if (arg->flags & NPMU_WAIT_F_COMPARE) {
			const volatile uint64_t *word = (void *)
				((char *)region->addr + arg->offset);

			if (*word != arg->value) {
				arg->events = NPMU_WAIT_CHANGED;
				return 0;
			}
		} else if (waited) {
			return 0;
		}
		if (waited >= arg->timeout_ns)
			return npmu_region_fail(region, -ETIMEDOUT,
						why_not(-ETIMEDOUT));
		if (nanosleep(&pause, NULL))
			return npmu_region_fail(region, -EINTR, "interrupted");
		waited += FILE_POLL_NS;
	}
}

int npmu_region_wait(struct npmu_region *region, unsigned int flags,
		     uint64_t offset, uint64_t value, uint64_t timeout_ns,
		     uint32_t *events)
{
	struct npmu_ioc_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.value = value,
		.timeout_ns = timeout_ns,
	};
	int code;

	if (!npmu_flags_known(flags, NPMU_WAIT_F_ARM | NPMU_WAIT_F_COMPARE))
		return npmu_region_fail(region, -EINVAL, "unknown flag");
	if (region->is_file)
		code = file_wait(region, &arg);
	else if (region->remote)
		code = region->remote->ops->wait(region, &arg);
	else
		code = request(region, NPMU_IOC_WAIT, &arg);
	if (events)
		*events = code ? 0 : arg.events;
	return code;
}

static int file_sync(struct npmu_region *region, uint64_t offset, uint64_t length)
{
	uint64_t start = offset & ~(NPMU_GRANULE_SIZE - 1);

	if (!region->addr || !npmu_within(offset, length, region->length))
		return npmu_region_fail(region, -EINVAL, why_not(-EINVAL));
	if (msync((char *)region->addr + start, (size_t)(offset - start + length),
		  MS_SYNC))
		return npmu_region_fail(region, -errno, why_not(-EIO));
	return 0;
}

int npmu_region_sync(struct npmu_region *region, uint64_t offset,
		     uint64_t length)
{
	struct npmu_ioc_persist arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};

	if (region->is_file)
		return file_sync(region, offset, length);
	if (region->remote) {
		if (!region->addr || !npmu_within(offset, length, region->length))
			return npmu_region_fail(region, -EINVAL, why_not(-EINVAL));
		region->remote->ops->stored(region, offset, length);
		return region->remote->ops->commit(region);
	}
	return request(region, NPMU_IOC_PERSIST, &arg);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Mapping a region and touching it beforehand. Knows nothing of what the bytes
 * mean.
 */
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "handle.h"
#include "remote.h"

/* Up to here every 4 KiB is touched: some 20 ms at the most. */
#define TOUCH_ALL	(1ULL << 30)

/*
 * MAP_POPULATE and its kin do nothing for a mapping of this kind, and a write
 * would change the region. Of a large region each 2 MiB is touched, since the
 * kernel maps it in such pieces wherever it can.
 */
static void touch(const volatile char *addr, size_t len)
{
	size_t step = len <= TOUCH_ALL ? NPMU_GRANULE_SIZE : NPMU_CHUNK_SIZE;
	size_t i;

	for (i = 0; i < len; i += step)
		(void)addr[i];
}

/* Its size may have changed since it was opened. */
static int current_size(struct npmu_region *region, uint64_t *size)
{
	struct npmu_ioc_info info;
	struct stat st;
	int code;

	if (region->is_file) {
		/* Touching past the end of a file would be a SIGBUS. */
		if (fstat(region->fd, &st))
			return npmu_region_fail(region, -errno,
						"the file cannot be looked at");
		*size = (uint64_t)st.st_size & ~(NPMU_GRANULE_SIZE - 1);
		return *size ? 0 : npmu_region_fail(region, -EINVAL,
						    "the file is too short now");
	}
	code = npmu_region_info(region, &info);
	if (code)
		return code;
	*size = info.region_size;
	return 0;
}

static const char *why_not(int code)
{
	switch (code) {
	case -EBUSY:
		return "another process is the writer, or a fence is not done: npmu-admin tpt list";
	case -ESTALE:
		return "this open is dead: open the region again";
	case -EACCES:
		return "the region is not open for writing";
	case -ENOMEM:
		return "out of memory, or of address space";
	default:
		return "the region cannot be mapped";
	}
}

/* Makes the mapping; of a plain file a writable one claims the role, too. */
static int map_at(struct npmu_region *region, int prot, size_t size, unsigned int flags,
		  void **addr)
{
	int code;

	*addr = mmap(NULL, size, prot, MAP_SHARED, region->fd, 0);
	if (*addr == MAP_FAILED) {
		code = -errno;
		return npmu_region_fail(region, code, why_not(code));
	}
	if (!(flags & NPMU_MAP_FORK) && madvise(*addr, size, MADV_DONTFORK)) {
		code = -errno;
		munmap(*addr, size);
		return npmu_region_fail(region, code,
					"the mapping cannot be kept out of children");
	}
	code = region->is_file && flags & NPMU_MAP_WRITE ?
	       npmu_region_claim(region, NULL) : 0;
	if (code)
		munmap(*addr, size);
	return code;
}

int npmu_region_map_beside(struct npmu_region *region)
{
	unsigned int flags = (region->map_flags & NPMU_MAP_FORK) | NPMU_MAP_WRITE;
	void *addr;
	int code;

	if (region->map_flags & NPMU_MAP_WRITE)
		return 0;
	/* The mirror has what was read; the role is what lets it be written back. */
	if (region->remote) {
		region->map_flags = flags;
		return 0;
	}
	code = map_at(region, PROT_READ | PROT_WRITE, region->length, flags, &addr);
	if (code)
		return code;
	region->addr_before = region->addr;
	region->addr = addr;
	region->map_flags = flags;
	return 0;
}

int npmu_region_map(struct npmu_region *region, unsigned int flags)
{
	int prot = PROT_READ;
	uint64_t size;
	void *addr;
	int code;

	if (!npmu_flags_known(flags, NPMU_MAP_WRITE | NPMU_MAP_FORK | NPMU_MAP_LAZY))
		return npmu_region_fail(region, -EINVAL, "unknown flag");
	if (region->addr)
		return npmu_region_fail(region, -EBUSY, "mapped already");
	if (flags & NPMU_MAP_WRITE) {
		if (!(region->flags & NPMU_OPEN_WRITE))
			return npmu_region_fail(region, -EACCES, why_not(-EACCES));
		prot |= PROT_WRITE;
	}
	if (region->remote) {
		if (flags & NPMU_MAP_FORK)
			return npmu_region_fail(region, -EOPNOTSUPP,
						"a remote region is not for forked children");
		code = flags & NPMU_MAP_WRITE ? npmu_region_claim(region, NULL) : 0;
		return code ? code : region->remote->ops->map(region, flags);
	}
	code = current_size(region, &size);
	if (code)
		return code;
	if (size > SIZE_MAX)
		return npmu_region_fail(region, -ENOMEM, why_not(-ENOMEM));
	code = map_at(region, prot, (size_t)size, flags, &addr);
	if (code)
		return code;
	if (!(flags & NPMU_MAP_LAZY))
		touch(addr, (size_t)size);
	region->size = size;
	region->length = (size_t)size;
	region->map_flags = flags;
	region->addr = addr;
	return 0;
}

void npmu_region_unmap(struct npmu_region *region)
{
	if (!region->addr)
		return;
	if (region->remote)
		region->remote->ops->unmap(region);
	else
		munmap(region->addr, region->length);
	if (region->addr_before)
		munmap(region->addr_before, region->length);
	region->addr_before = NULL;
	region->addr = NULL;
	region->length = 0;
	region->map_flags = 0;
}

void *npmu_region_addr(const struct npmu_region *region)
{
	return region->addr;
}

size_t npmu_region_length(const struct npmu_region *region)
{
	return region->length;
}

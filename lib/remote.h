/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A region on another host, as the rest of the library sees it. Its mapping is a mirror:
 * private memory into which is fetched what is looked at, and from which is written what
 * was stored. So code that judges bytes is the same for both, and says by the calls here
 * when it looks, and what it has stored. Of a local region they do nothing.
 *
 * What is fetched by one call is read after that call began: an order in which things must
 * be looked at is an order of calls. What is judged not to be there has to be fetched anew.
 */
#ifndef NPMU_LIB_REMOTE_H
#define NPMU_LIB_REMOTE_H

#include "handle.h"
#include "remote_url.h"

/* All return 0 or a negative errno, by npmu_region_fail(). Offsets are in the mapping. */
struct npmu_remote_ops {
	void (*close)(struct npmu_region *region);
	int (*map)(struct npmu_region *region, unsigned int flags);
	void (*unmap)(struct npmu_region *region);
	/* Bring [offset, offset + len) into the mirror now. */
	int (*fetch)(struct npmu_region *region, uint64_t offset, uint64_t len);
	/* Note that it was stored into the mirror. */
	void (*stored)(struct npmu_region *region, uint64_t offset, uint64_t len);
	/* Write what was stored, make it durable, wake readers. */
	int (*commit)(struct npmu_region *region);
	/* Make durable what was seen there. */
	int (*persist)(struct npmu_region *region, uint64_t offset, uint64_t len);
	int (*claim)(struct npmu_region *region, uint64_t *fence_epoch);
	int (*takeover)(struct npmu_region *region, uint64_t expected, uint64_t *fence_epoch);
	int (*resign)(struct npmu_region *region);
	int (*kick)(struct npmu_region *region);
	int (*info)(struct npmu_region *region, struct npmu_ioc_info *info);
	int (*wait)(struct npmu_region *region, struct npmu_ioc_wait *arg);
};

struct npmu_remote {
	const struct npmu_remote_ops *ops;
	/* 0, or why nothing goes any more: -ESTALE: fenced; -ENOTCONN: nobody knows. */
	int lost;
	/* What a walk has fetched ahead, in the mapping; see npmu_remote_ahead(). */
	uint64_t ahead_from, ahead_to;
	uint64_t ahead_step;
	bool ahead_durable;
};

/*
 * Open a region by its URL. Weak: a program that is linked statically without the files
 * that know RDMA has none.
 */
int npmu_remote_open(const char *url, unsigned int flags, struct npmu_region **out,
		     struct npmu_error *err) __attribute__((weak));

/* Bring what is going to be looked at. A failure is noted: see npmu_region_lost(). */
static inline int npmu_look(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	return region->remote ? region->remote->ops->fetch(region, offset, len) : 0;
}

/* Is what the mirror holds of no use, because the connection is gone? 0, or why. */
static inline int npmu_region_lost(const struct npmu_region *region)
{
	return region->remote ? region->remote->lost : 0;
}

/* Bytes of the mapping were stored. */
static inline void npmu_stored(struct npmu_region *region, const void *at, size_t len)
{
	if (region->remote)
		region->remote->ops->stored(region, (uint64_t)((const char *)at -
							       (char *)region->addr), len);
}

/* Make durable what was said by npmu_stored(); of a local region the range. */
static inline int npmu_persist_stored(struct npmu_region *region, const void *at, size_t len)
{
	return region->remote ? region->remote->ops->commit(region) :
				npmu_persist(region, at, len);
}

/* Make durable what was seen, and stored by somebody else. */
static inline int npmu_persist_seen(struct npmu_region *region, const void *at, size_t len)
{
	if (region->remote)
		return region->remote->ops->persist(region, (uint64_t)((const char *)at -
					(char *)region->addr), len);
	return npmu_persist(region, at, len);
}

#endif /* NPMU_LIB_REMOTE_H */

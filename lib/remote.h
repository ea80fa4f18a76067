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

#include "gather.h"
#include "handle.h"
#include "remote_url.h"

/* Commits that may be under way at once. */
#define NPMU_REMOTE_COMMITS	6

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
	/*
	 * The same, without waiting: all up to *@number is durable when that is complete.
	 * -ETIMEDOUT: not until then, a time of npmu_now_ns().
	 */
	int (*submit)(struct npmu_region *region, uint64_t *number);
	int (*complete)(struct npmu_region *region, uint64_t number, uint64_t until);
	/* Make durable what was seen there. */
	int (*persist)(struct npmu_region *region, uint64_t offset, uint64_t len);
	/*
	 * Note the pieces as stored at @dst in the mirror: with @direct from where they lie,
	 * if that is registered, and so until the commit, which comes next; else copied there.
	 * Return: as npmu_gather_store().
	 */
	uint32_t (*gather)(struct npmu_region *region, char *dst, const struct iovec *iov, int n,
			   bool sum, bool direct);
	int (*register_memory)(struct npmu_region *region, const void *addr, size_t len);
	int (*unregister_memory)(struct npmu_region *region, const void *addr);
	enum npmu_persist_method (*method)(const struct npmu_region *region);
	int (*claim)(struct npmu_region *region, uint64_t *fence_epoch);
	int (*takeover)(struct npmu_region *region, uint64_t expected, uint64_t *fence_epoch);
	int (*resign)(struct npmu_region *region);
	int (*kick)(struct npmu_region *region);
	int (*info)(struct npmu_region *region, struct npmu_ioc_info *info);
	int (*wait)(struct npmu_region *region, struct npmu_ioc_wait *arg);
	int (*read)(struct npmu_region *region, uint64_t offset, void *buf, size_t len);
	int (*write)(struct npmu_region *region, uint64_t offset, const void *buf, size_t len);
	int (*reconnect)(struct npmu_region *region, struct npmu_error *err);
	/* As in reader_entry.h; -ENODEV: no named reader; -ERANGE: the grant is too narrow. */
	int (*reader_attach)(struct npmu_region *region, const char *name, unsigned int flags,
			     uint64_t instance, uint64_t *position);
	int (*reader_ack)(struct npmu_region *region, uint64_t position);
	int (*reader_detach)(struct npmu_region *region, const char *name);
};

struct npmu_remote {
	const struct npmu_remote_ops *ops;
	/* 0, or why nothing goes any more: -ESTALE: fenced; -ENOTCONN: nobody knows. */
	int lost;
	/* Counts them: who has something at the unit has it by one connection. */
	uint64_t connection;
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

/* As npmu_region_create(), which is the same of a region by its URL. */
int npmu_remote_create(const char *url, uint64_t size, struct npmu_error *err)
	__attribute__((weak));

/* Bring what is going to be looked at. A failure is noted: see npmu_region_lost(). */
static inline int npmu_look(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	return region->remote ? region->remote->ops->fetch(region, offset, len) : 0;
}

/* Which connection is it? Of a local region always the same. */
static inline uint64_t npmu_connection(const struct npmu_region *region)
{
	return region->remote ? region->remote->connection : 0;
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

/* Store pieces behind each other, see npmu_gather_store() and struct npmu_remote_ops. */
static inline uint32_t npmu_store_pieces(struct npmu_region *region, char *dst,
					 const struct iovec *iov, int n, bool sum, bool direct)
{
	if (region->remote)
		return region->remote->ops->gather(region, dst, iov, n, sum, direct);
	return npmu_gather_store(dst, iov, n, sum);
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

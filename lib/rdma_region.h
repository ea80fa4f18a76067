/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A region that is reached by RDMA: rdma_region.c opens it and asks the unit, rdma_mirror.c
 * moves its bytes.
 */
#ifndef NPMU_LIB_RDMA_REGION_H
#define NPMU_LIB_RDMA_REGION_H

#include "rdma_conn.h"
#include "remote.h"

#define REGION_TIMEOUT	30000	/* ms for an answer of a unit that is alive */

/* Work requests in flight; below what a connection takes. */
#define REGION_OPS	32

struct rdma_extent {
	uint64_t from;
	uint64_t to;
};

struct rdma_region {
	struct npmu_remote remote;	/* first */
	struct npmu_remote_url url;
	struct rdma_conn *c;
	uint64_t pm_address;
	uint64_t offset;		/* in the region, of the mirror's first byte */
	uint64_t writer_epoch;		/* of this open as the writer, 0: it never was */
	uint32_t nr_keys;
	struct npmu_wire_key keys[NPMU_WIRE_MAX_KEYS];
	uint8_t unit_uuid[NPMU_UUID_LEN];
	uint8_t region_uuid[NPMU_UUID_LEN];

	/* The unit's news: last heard, what of it the caller knows, and is more to come? */
	uint64_t kicks, kicks_seen;
	uint64_t role, role_seen;
	uint64_t last_epoch;
	bool writer;
	bool watching;

	/* The mirror, registered in pieces. */
	struct ibv_mr **mr;
	size_t nr_mr;
	struct rdma_op ops[REGION_OPS];
	unsigned int next_op;
	struct rdma_extent *dirty;	/* in order of storing */
	size_t nr_dirty, room_dirty;
	bool dirty_lost;		/* out of memory: cannot commit */
};

static inline struct rdma_region *rdma_region_of(const struct npmu_region *region)
{
	return (struct rdma_region *)region->remote;
}

int npmu_rdma_map(struct npmu_region *region, unsigned int flags);
void npmu_rdma_unmap(struct npmu_region *region);
int npmu_rdma_fetch(struct npmu_region *region, uint64_t offset, uint64_t len);
void npmu_rdma_stored(struct npmu_region *region, uint64_t offset, uint64_t len);
int npmu_rdma_commit(struct npmu_region *region);
int npmu_rdma_persist(struct npmu_region *region, uint64_t offset, uint64_t len);

/*
 * Ask the unit. What is an end of the connection is noted, after finding out whether it was
 * a fence.
 */
int npmu_rdma_request(struct npmu_region *region, uint16_t type, void *msg, size_t len,
		      const void **answer);

/* The connection is of no use any more: note why. Return: that. */
int npmu_rdma_lose(struct npmu_region *region);

#endif /* NPMU_LIB_RDMA_REGION_H */

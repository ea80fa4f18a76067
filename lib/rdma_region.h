/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A region that is reached by RDMA: rdma_region.c opens it and asks the unit, rdma_mirror.c
 * moves its bytes, rdma_commit.c makes them durable, rdma_flight.c waits for that,
 * rdma_memory.c has those of the caller's.
 */
#ifndef NPMU_LIB_RDMA_REGION_H
#define NPMU_LIB_RDMA_REGION_H

#include <unistd.h>

#include "rdma_conn.h"
#include "rdma_flush.h"
#include "remote.h"

#define REGION_TIMEOUT	30000	/* ms for an answer of a unit that is alive */

/* Work requests in flight; below what a connection takes. */
#define REGION_OPS	32

/* Commits under way, or parts of a large one. */
#define REGION_FLIGHTS	NPMU_REMOTE_COMMITS
_Static_assert(REGION_FLIGHTS <= RDMA_LATER, "each may be a message");

/* Durable when @flushed is done; or when @asked is, with its status. */
struct rdma_flight {
	bool message;
	struct rdma_op flushed;
	struct rdma_request asked;
	unsigned int first_op, end_op;	/* its WRITEs, where they have work requests of their own */
	uint64_t deadline;		/* then the unit is taken for dead */
};

/* Bytes of the region: in the mirror, or in memory of the caller's that @mr covers. */
struct rdma_extent {
	uint64_t from;
	uint64_t to;
	const char *at;
	const struct ibv_mr *mr;
};

/* Memory of the caller's; @mr: as long as there is a connection, or not yet needed. */
struct rdma_memory {
	uintptr_t from;
	uintptr_t to;
	struct ibv_mr *mr;
};

struct rdma_region {
	struct npmu_remote remote;	/* first */
	struct npmu_remote_url url;
	struct rdma_conn *c;
	uint64_t pm_address;
	uint64_t offset;		/* in the region, of the mirror's first byte */
	pid_t owner;			/* a forked child must not touch what is its parent's */
	uint64_t writer_epoch;		/* of this open as the writer, 0: it never was */
	uint32_t nr_keys;
	struct npmu_wire_key keys[NPMU_WIRE_MAX_KEYS];
	uint8_t unit_uuid[NPMU_UUID_LEN];
	uint8_t region_uuid[NPMU_UUID_LEN];

	/* The unit's news: last heard, what of it the caller knows, and is more to come? */
	uint64_t kicks, kicks_seen;
	uint64_t role, role_seen;
	uint64_t last_epoch;
	uint64_t heard_ns;
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

	struct rdma_memory *memory;	/* by address */
	size_t nr_memory;

	bool flush;			/* commits are made durable by RDMA FLUSH */

	struct rdma_flight flight[REGION_FLIGHTS];	/* by number */
	uint64_t flights;		/* that were posted, the number of the last */
	uint64_t landed;
	int failed;			/* what the unit said of one, until it is asked for */
	uint64_t failed_number;
};

static inline bool rdma_region_is_ours(const struct rdma_region *r)
{
	return r->owner == getpid();
}

static inline struct rdma_region *rdma_region_of(const struct npmu_region *region)
{
	return (struct rdma_region *)region->remote;
}

int npmu_rdma_map(struct npmu_region *region, unsigned int flags);
void npmu_rdma_unmap(struct npmu_region *region);
int npmu_rdma_fetch(struct npmu_region *region, uint64_t offset, uint64_t len);

/* Post WRITEs of what is in the mirror. */
int npmu_rdma_send(struct npmu_region *region, uint64_t offset, uint64_t len);

/* What of [offset, offset + len) of the mirror one work request can move, and to where. */
int npmu_rdma_aim_mirror(struct npmu_region *region, uint64_t offset, uint64_t len,
			 struct rdma_piece *piece);
/* The same of memory at @at, which @mr covers. */
int npmu_rdma_aim(struct npmu_region *region, uint64_t offset, uint64_t len, const void *at,
		  const struct ibv_mr *mr, struct rdma_piece *piece);

/* Could they be made durable by RDMA FLUSH? Asked before it is known what the unit offers. */
bool npmu_rdma_may_flush(const struct rdma_conn *c);
/* How commits of this open are to be made durable, of what the unit offers. */
int npmu_rdma_choose_persist(struct rdma_region *r, uint32_t offered, struct npmu_error *err);
enum npmu_persist_method npmu_rdma_method(const struct npmu_region *region);
void npmu_rdma_stored(struct npmu_region *region, uint64_t offset, uint64_t len);
/* The same of what is not in the mirror, but at @at, which @mr covers, until it is committed. */
void npmu_rdma_stored_at(struct npmu_region *region, uint64_t offset, uint64_t len,
			 const void *at, const struct ibv_mr *mr);
int npmu_rdma_submit(struct npmu_region *region, uint64_t *number);
int npmu_rdma_commit(struct npmu_region *region);

/*
 * A place for one more flight, which is to be posted and then counted; waits for the oldest if
 * there is none. @first_op: next_op before its WRITEs. NULL and *code.
 */
struct rdma_flight *npmu_rdma_take_off(struct npmu_region *region, unsigned int first_op,
				       bool message, int *code);

/*
 * Wait, at most until that time, for all up to @number. 0: durable; -ETIMEDOUT: not yet; what the
 * unit says of the first that failed; as npmu_rdma_lose().
 */
int npmu_rdma_land(struct npmu_region *region, uint64_t number, uint64_t until);

/* Nothing goes from anybody's memory any more. What came of it is for npmu_rdma_land(). */
void npmu_rdma_land_all(struct npmu_region *region);
int npmu_rdma_persist(struct npmu_region *region, uint64_t offset, uint64_t len);

/*
 * Post what one work request can move, of @len bytes between @offset and @at, which @mr covers:
 * within one key. Return: bytes, or a negative errno.
 */
int64_t npmu_rdma_piece(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
			uint64_t len, const void *at, const struct ibv_mr *mr);
int npmu_rdma_wait_op(struct npmu_region *region, struct rdma_op *op);
int npmu_rdma_wait_all(struct npmu_region *region);

/* One message: what is durable when it is answered. NPMU_WIRE_COMMIT_*. */
int npmu_rdma_commit_message(struct npmu_region *region, const struct rdma_extent *extent,
			     size_t n, uint32_t flags);

/* As npmu_region_register() and npmu_region_unregister(). */
int npmu_rdma_register(struct npmu_region *region, const void *addr, size_t len);
int npmu_rdma_unregister(struct npmu_region *region, const void *addr);
/* The connection goes: the memory stays in the table. */
void npmu_rdma_unpin(struct rdma_region *r);
/* See struct npmu_remote_ops. */
uint32_t npmu_rdma_gather(struct npmu_region *region, char *dst, const struct iovec *iov, int n,
			  bool sum, bool direct);

/* As npmu_region_read() and npmu_region_write(), within the region. */
int npmu_rdma_read(struct npmu_region *region, uint64_t offset, void *buf, size_t len);
int npmu_rdma_write(struct npmu_region *region, uint64_t offset, const void *buf, size_t len);

int npmu_rdma_reader_attach(struct npmu_region *region, const char *name, unsigned int flags,
			    uint64_t instance, uint64_t *position);
int npmu_rdma_reader_ack(struct npmu_region *region, uint64_t position);
int npmu_rdma_reader_detach(struct npmu_region *region, const char *name);

/*
 * Ask the unit. What is an end of the connection is noted, after finding out whether it was
 * a fence.
 */
int npmu_rdma_request(struct npmu_region *region, uint16_t type, void *msg, size_t len,
		      const void **answer);

/* What the unit said, of npmu_rdma_ask(), as an errno and its phrase. */
int npmu_rdma_say(struct npmu_region *region, int code);

/* Connects and proves who we are. */
int npmu_rdma_meet(const struct npmu_remote_url *url, struct rdma_conn **c,
		   struct npmu_error *err);

/* As npmu_region_create(). */
int npmu_rdma_create(const struct npmu_remote_url *url, uint64_t size, struct npmu_error *err);

/*
 * Connects, proves who we are, opens. 0; a negative errno with a text; or of the unit, as
 * npmu_rdma_ask(). But for 0 there is no connection. @opened is good until the next request.
 */
int npmu_rdma_reach(struct rdma_region *r, uint32_t access, struct rdma_conn **c,
		    const struct npmu_wire_opened **opened, struct npmu_error *err);
void npmu_rdma_take_keys(struct rdma_region *r, const struct npmu_wire_key *keys, uint32_t nr);

/* The handle's descriptor becomes readable by what comes on this connection. */
int npmu_rdma_wake_by(struct npmu_region *region, struct rdma_conn *c);

/* As npmu_region_reconnect(). */
int npmu_rdma_reconnect(struct npmu_region *region, struct npmu_error *err);

/* What belonged to the connection that is going: registered memory, what was not committed. */
void npmu_rdma_forget(struct npmu_region *region);

/* Ask for news, once; what there is already is heard at once. */
int npmu_rdma_watch(struct npmu_region *region);
int npmu_rdma_region_wait(struct npmu_region *region, struct npmu_ioc_wait *arg);

/* The connection is of no use any more: note why. Return: that. */
int npmu_rdma_lose(struct npmu_region *region);

#endif /* NPMU_LIB_RDMA_REGION_H */

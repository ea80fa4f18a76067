// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * How what was stored into the mirror of a remote region becomes durable there: by RDMA FLUSH,
 * or by a message that names it. Knows nothing of checkpoints, nor how the mirror is made.
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rdma_flush.h"
#include "rdma_region.h"

/* @extent begins to reach over what is next to it. */
static bool join(struct rdma_extent *extent, uint64_t from, uint64_t to)
{
	if (from > extent->to || to < extent->from)
		return false;
	if (from < extent->from)
		extent->from = from;
	if (to > extent->to)
		extent->to = to;
	return true;
}

void npmu_rdma_stored(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	npmu_rdma_stored_at(region, offset, len, NULL, NULL);
}

void npmu_rdma_stored_at(struct npmu_region *region, uint64_t offset, uint64_t len,
			 const void *at, const struct ibv_mr *mr)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_extent *last = r->nr_dirty ? &r->dirty[r->nr_dirty - 1] : NULL;
	struct rdma_extent *more;

	if (!len || (last && !last->mr && !mr && join(last, offset, offset + len)))
		return;
	if (r->nr_dirty == r->room_dirty) {
		more = realloc(r->dirty, (r->room_dirty + 64) * sizeof(*more));
		if (!more) {
			r->dirty_lost = true;
			return;
		}
		r->dirty = more;
		r->room_dirty += 64;
	}
	r->dirty[r->nr_dirty++] = (struct rdma_extent){ offset, offset + len, at, mr };
}

/* A commit message, as it is sent. */
struct message {
	struct npmu_wire_commit msg;
	struct npmu_wire_range range[NPMU_WIRE_MAX_RANGES];
};

/* Return: its bytes. */
static size_t compose(const struct rdma_region *r, const struct rdma_extent *extent, size_t n,
		      uint32_t flags, struct message *m)
{
	size_t i;

	m->msg = (struct npmu_wire_commit){
		.flags = htole32(flags),
		.nr_ranges = htole32((uint32_t)n),
	};
	for (i = 0; i < n; i++) {
		m->range[i].offset = htole64(r->offset + extent[i].from);
		m->range[i].length = htole64(extent[i].to - extent[i].from);
	}
	return sizeof(m->msg) + n * sizeof(m->range[0]);
}

int npmu_rdma_commit_message(struct npmu_region *region, const struct rdma_extent *extent,
			     size_t n, uint32_t flags)
{
	struct message m;
	size_t len = compose(rdma_region_of(region), extent, n, flags, &m);

	return npmu_rdma_request(region, NPMU_WIRE_COMMIT, &m, len, NULL);
}

/* Post WRITEs of it. */
static int post(struct npmu_region *region, const struct rdma_extent *extent)
{
	uint64_t offset = extent->from;

	if (!extent->mr)
		return npmu_rdma_send(region, offset, extent->to - offset);
	while (offset < extent->to) {
		int64_t n = npmu_rdma_piece(region, IBV_WR_RDMA_WRITE, offset,
					    extent->to - offset,
					    extent->at + (offset - extent->from), extent->mr);

		if (n < 0)
			return (int)n;
		offset += (uint64_t)n;
	}
	return 0;
}

/* What is to be committed from *@i on, as the ranges of one message. Return: how many. */
static size_t ranges(const struct rdma_region *r, size_t *i, struct rdma_extent *range)
{
	size_t n = 0;

	for (; *i < r->nr_dirty; ++*i) {
		const struct rdma_extent *extent = &r->dirty[*i];

		if (n && join(&range[n - 1], extent->from, extent->to))
			continue;
		if (n == NPMU_WIRE_MAX_RANGES)
			break;
		range[n++] = *extent;
	}
	return n;
}

static int submit_by_message(struct npmu_region *region)
{
	struct rdma_extent range[NPMU_WIRE_MAX_RANGES];
	struct rdma_region *r = rdma_region_of(region);
	unsigned int first_op = r->next_op;
	struct rdma_flight *flight;
	struct message m;
	int code = 0;
	size_t i, n;

	for (i = 0; i < r->nr_dirty && !code; i++)
		code = post(region, &r->dirty[i]);
	/* The message stands behind the WRITEs: no need to wait for them before. */
	for (i = 0; i < r->nr_dirty && !code; ) {
		n = ranges(r, &i, range);
		flight = npmu_rdma_take_off(region, first_op, true, &code);
		if (!flight)
			break;
		n = compose(r, range, n, NPMU_WIRE_COMMIT_KICK, &m);
		if (npmu_rdma_ask_later(r->c, NPMU_WIRE_COMMIT, &m, n, &flight->asked))
			code = npmu_rdma_lose(region);
		else
			r->flights++;
	}
	return code;
}

/* Posts the chain. */
static int flush(struct npmu_region *region, struct rdma_piece *piece, unsigned int nr)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_flight *flight;
	int code;

	flight = npmu_rdma_take_off(region, r->next_op, false, &code);
	if (!flight)
		return code;
	if (npmu_rdma_write_flush(r->c, piece, nr, &flight->flushed))
		return npmu_rdma_lose(region);
	r->flights++;
	return 0;
}

static int aim(struct npmu_region *region, const struct rdma_extent *extent, uint64_t offset,
	       struct rdma_piece *piece)
{
	if (!extent->mr)
		return npmu_rdma_aim_mirror(region, offset, extent->to - offset, piece);
	return npmu_rdma_aim(region, offset, extent->to - offset,
			     extent->at + (offset - extent->from), extent->mr, piece);
}

static int submit_by_flush(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_piece piece[RDMA_FLUSH_PIECES];
	unsigned int nr = 0;
	size_t i;

	for (i = 0; i < r->nr_dirty; i++) {
		uint64_t at = r->dirty[i].from;

		while (at < r->dirty[i].to) {
			int code = aim(region, &r->dirty[i], at, &piece[nr]);

			if (code)
				return code;
			at += piece[nr++].sge.length;
			if (nr < RDMA_FLUSH_PIECES)
				continue;
			code = flush(region, piece, nr);
			if (code)
				return code;
			nr = 0;
		}
	}
	return nr ? flush(region, piece, nr) : 0;
}

int npmu_rdma_submit(struct npmu_region *region, uint64_t *number)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = region->remote->lost;

	if (!code && r->dirty_lost)
		code = npmu_region_fail(region, -ENOMEM, "out of memory");
	if (!code)
		code = r->flush ? submit_by_flush(region) : submit_by_message(region);
	r->nr_dirty = 0;
	r->dirty_lost = false;
	/* What was posted of it goes from the caller's memory still. */
	if (code) {
		npmu_rdma_land_all(region);
		npmu_rdma_wait_all(region);
	}
	*number = r->flights;
	return code;
}

int npmu_rdma_commit(struct npmu_region *region)
{
	uint64_t number;
	int code = npmu_rdma_submit(region, &number);

	return code ? code : npmu_rdma_land(region, number, UINT64_MAX);
}

int npmu_rdma_persist(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	struct npmu_remote *remote = region->remote;
	struct rdma_extent extent = { .from = offset, .to = offset + len };
	bool ahead = remote->ahead_from <= offset && offset + len <= remote->ahead_to;
	int code = remote->lost;

	if (code || !len || (ahead && remote->ahead_durable))
		return code;
	/* A walk asks for each of its steps: once for all that was fetched. */
	if (ahead)
		extent = (struct rdma_extent){ .from = remote->ahead_from, .to = remote->ahead_to };
	code = npmu_rdma_commit_message(region, &extent, 1, NPMU_WIRE_COMMIT_SEEN);
	if (!code && ahead)
		remote->ahead_durable = true;
	return code;
}

bool npmu_rdma_may_flush(const struct rdma_conn *c)
{
	const char *asked = secure_getenv("NPMU_PERSIST");

	return c->can_flush && !(asked && !strcmp(asked, "message"));
}

int npmu_rdma_choose_persist(struct rdma_region *r, uint32_t offered, struct npmu_error *err)
{
	const char *asked = secure_getenv("NPMU_PERSIST");
	bool can = r->c->can_flush && offered & NPMU_WIRE_PERSIST_FLUSH;

	r->flush = can;
	if (!asked || !*asked)
		return 0;
	if (!strcmp(asked, "message")) {
		r->flush = false;
		return 0;
	}
	if (strcmp(asked, "flush"))
		return npmu_error_set(err, -EINVAL, "NPMU_PERSIST is message or flush, not %s",
				      asked);
	if (can)
		return 0;
	return npmu_error_set(err, -EOPNOTSUPP, r->c->can_flush ?
			      "NPMU_PERSIST=flush: the unit does not offer RDMA FLUSH: its class is not persistent, or its device has none" :
			      "NPMU_PERSIST=flush: the device here has no RDMA FLUSH, or libnpmu was built with an rdma-core before 56");
}

enum npmu_persist_method npmu_rdma_method(const struct npmu_region *region)
{
	return rdma_region_of(region)->flush ? NPMU_PERSIST_FLUSH : NPMU_PERSIST_MESSAGE;
}

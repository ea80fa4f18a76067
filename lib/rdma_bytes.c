// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Bytes between the caller's memory and a remote region, without a copy: the memory is
 * registered for as long as it is moved, a window of it at a time, the next while the one
 * before is under way. Must not know the mirror.
 */
#include <errno.h>

#include "rdma_region.h"

/* Two are registered at once: what ulimit -l lets anybody. */
#define WINDOW	(2ULL << 20)

/* What is under way: memory, and which of the region's work requests. */
struct window {
	struct ibv_mr *mr;
	unsigned int first, end;
};

static int finish(struct npmu_region *region, struct window *w)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = 0;

	for (; w->first != w->end; w->first++)
		if (!code && !r->ops[w->first % REGION_OPS].done)
			code = npmu_rdma_wait_op(region, &r->ops[w->first % REGION_OPS]);
	if (w->mr)
		ibv_dereg_mr(w->mr);
	w->mr = NULL;
	return code;
}

static int begin(struct npmu_region *region, enum ibv_wr_opcode opcode, struct window *w,
		 uint64_t offset, char *at, uint64_t len)
{
	struct rdma_region *r = rdma_region_of(region);
	int64_t n = 0;

	w->mr = opcode == IBV_WR_RDMA_READ ? npmu_rdma_reg_sink(r->c, at, len) :
					     ibv_reg_mr(r->c->pd, at, len, 0);
	if (!w->mr)
		return npmu_region_fail(region, -errno,
					"the caller's memory cannot be registered: ulimit -l");
	w->first = r->next_op;
	while (len && n >= 0) {
		n = npmu_rdma_piece(region, opcode, offset, len, at, w->mr);
		if (n > 0) {
			offset += (uint64_t)n;
			at += n;
			len -= (uint64_t)n;
		}
	}
	w->end = r->next_op;
	return n < 0 ? (int)n : 0;
}

static int move(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
		char *at, uint64_t len)
{
	struct window w[2] = { 0 };
	int i = 0, code = region->remote->lost, ended;
	uint64_t n;

	if (code)
		return npmu_region_fail(region, code, npmu_region_error(region));
	for (; len && !code; len -= n, i = !i) {
		n = len < WINDOW ? len : WINDOW;
		code = finish(region, &w[i]);
		if (!code)
			code = begin(region, opcode, &w[i], offset, at, n);
		offset += n;
		at += n;
	}
	/* The memory is not the caller's before nothing goes there any more. */
	for (i = 0; i < 2; i++) {
		ended = finish(region, &w[i]);
		code = code ?: ended;
	}
	return code;
}

int npmu_rdma_read(struct npmu_region *region, uint64_t offset, void *buf, size_t len)
{
	return move(region, IBV_WR_RDMA_READ, offset, buf, len);
}

int npmu_rdma_write(struct npmu_region *region, uint64_t offset, const void *buf, size_t len)
{
	struct rdma_extent extent = { .from = offset, .to = offset + len };
	int code;

	code = move(region, IBV_WR_RDMA_WRITE, offset, (char *)buf, len);
	if (code || !len)
		return code;
	return npmu_rdma_commit_message(region, &extent, 1, NPMU_WIRE_COMMIT_KICK);
}

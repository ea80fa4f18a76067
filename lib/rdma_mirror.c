// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bytes of a remote region: a mirror in private memory, registered in pieces, into which
 * RDMA READs go and from which RDMA WRITEs come. Must not know what the bytes mean, nor when they
 * are durable (rdma_commit.c).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

#include "rdma_region.h"

#define CHUNK		(4ULL << 20)	/* registered at once */
#define PIECE		(1ULL << 20)	/* moved by one work request */

int npmu_rdma_map(struct npmu_region *region, unsigned int flags)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t size = (size_t)region->size;
	void *addr;

	addr = mmap(NULL, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED)
		return npmu_region_fail(region, -errno, "out of address space");
	r->nr_mr = (size + CHUNK - 1) / CHUNK;
	r->mr = calloc(r->nr_mr, sizeof(struct ibv_mr *));
	/* What a device writes to must stay where it is when a child stores. */
	if (!r->mr || madvise(addr, size, MADV_DONTFORK)) {
		munmap(addr, size);
		free(r->mr);
		r->mr = NULL;
		return npmu_region_fail(region, -ENOMEM, "out of memory");
	}
	region->addr = addr;
	region->length = size;
	region->map_flags = flags;
	return 0;
}

void npmu_rdma_forget(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t i;

	for (i = 0; i < r->nr_mr; i++) {
		if (r->mr[i])
			ibv_dereg_mr(r->mr[i]);
		r->mr[i] = NULL;
	}
	npmu_rdma_unpin(r);
	r->landed = r->flights;
	r->failed = 0;
	r->nr_dirty = 0;
	r->dirty_lost = false;
	r->remote.ahead_from = 0;
	r->remote.ahead_to = 0;
}

void npmu_rdma_unmap(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);

	/* In a child there is no mirror. */
	if (!rdma_region_is_ours(r))
		return;
	/* What is under way goes from here. */
	npmu_rdma_land_all(region);
	npmu_rdma_forget(region);
	free(r->mr);
	r->mr = NULL;
	r->nr_mr = 0;
	munmap(region->addr, region->length);
}

static struct ibv_mr *chunk_mr(struct npmu_region *region, uint64_t offset)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t i = (size_t)(offset / CHUNK);
	uint64_t len = region->length - i * CHUNK;

	if (!r->mr[i])
		r->mr[i] = npmu_rdma_reg_sink(r->c, (char *)region->addr + i * CHUNK,
					      (size_t)(len < CHUNK ? len : CHUNK));
	return r->mr[i];
}

static const struct npmu_wire_key *key_of(const struct rdma_region *r, uint64_t address)
{
	uint32_t i;

	for (i = 0; i < r->nr_keys; i++)
		if (address - le64toh(r->keys[i].address) < le64toh(r->keys[i].length))
			return &r->keys[i];
	return NULL;
}

int npmu_rdma_wait_op(struct npmu_region *region, struct rdma_op *op)
{
	struct rdma_region *r = rdma_region_of(region);

	return npmu_rdma_wait(r->c, op, REGION_TIMEOUT) ? npmu_rdma_lose(region) : 0;
}

int npmu_rdma_aim(struct npmu_region *region, uint64_t offset, uint64_t len, const void *at,
		  const struct ibv_mr *mr, struct rdma_piece *piece)
{
	struct rdma_region *r = rdma_region_of(region);
	const struct npmu_wire_key *key = key_of(r, r->pm_address + offset);
	uint64_t left;

	if (!key || !mr)
		return npmu_region_fail(region, mr ? -EINVAL : -ENOMEM, mr ?
					"no key covers this range" :
					"memory cannot be registered: ulimit -l");
	piece->address = r->pm_address + offset;
	piece->rkey = le32toh(key->rkey);
	left = le64toh(key->address) + le64toh(key->length) - piece->address;
	len = len < left ? len : left;
	piece->sge.addr = (uintptr_t)at;
	piece->sge.length = (uint32_t)(len < PIECE ? len : PIECE);
	piece->sge.lkey = mr->lkey;
	return 0;
}

int64_t npmu_rdma_piece(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
			uint64_t len, const void *at, const struct ibv_mr *mr)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_op *op = &r->ops[r->next_op % REGION_OPS];
	struct rdma_piece piece;
	struct ibv_send_wr wr = {
		.sg_list = &piece.sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
	};
	int code;

	code = npmu_rdma_aim(region, offset, len, at, mr, &piece);
	if (!code && !op->done)
		code = npmu_rdma_wait_op(region, op);
	if (code)
		return code;
	wr.wr.rdma.remote_addr = piece.address;
	wr.wr.rdma.rkey = piece.rkey;
	r->next_op++;
	if (npmu_rdma_post(r->c, &wr, op)) {
		op->done = true;
		return npmu_rdma_lose(region);
	}
	return piece.sge.length;
}

/* How much of @len is within one of the mirror's chunks. */
static uint64_t in_chunk(uint64_t offset, uint64_t len)
{
	uint64_t left = CHUNK - offset % CHUNK;

	return len < left ? len : left;
}

int npmu_rdma_aim_mirror(struct npmu_region *region, uint64_t offset, uint64_t len,
			 struct rdma_piece *piece)
{
	return npmu_rdma_aim(region, offset, in_chunk(offset, len),
			     (char *)region->addr + offset, chunk_mr(region, offset), piece);
}

static int64_t move(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
		    uint64_t len)
{
	return npmu_rdma_piece(region, opcode, offset, in_chunk(offset, len),
			       (char *)region->addr + offset, chunk_mr(region, offset));
}

static int move_all(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
		    uint64_t len)
{
	while (len) {
		int64_t n = move(region, opcode, offset, len);

		if (n < 0)
			return (int)n;
		offset += (uint64_t)n;
		len -= (uint64_t)n;
	}
	return 0;
}

int npmu_rdma_wait_all(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	unsigned int i;
	int code = 0;

	for (i = 0; i < REGION_OPS && !code; i++)
		if (!r->ops[i].done)
			code = npmu_rdma_wait_op(region, &r->ops[i]);
	return code;
}

int npmu_rdma_send(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	return move_all(region, IBV_WR_RDMA_WRITE, offset, len);
}

int npmu_rdma_fetch(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	int code = region->remote->lost;
	int waited;

	if (code)
		return code;
	if (!npmu_within(offset, len, region->length))
		return npmu_region_fail(region, -EINVAL, "the range is not within the mapping");
	code = move_all(region, IBV_WR_RDMA_READ, offset, len);
	/* Also what was posted before an error. */
	waited = npmu_rdma_wait_all(region);
	if (waited)
		code = waited;
	/* A mirror that is not what is there must not be judged. */
	if (code && !region->remote->lost)
		region->remote->lost = code;
	return code;
}

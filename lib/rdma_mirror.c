// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The bytes of a remote region: a mirror in private memory, registered in pieces, into which
 * RDMA READs go and from which RDMA WRITEs come. Must not know what the bytes mean.
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

void npmu_rdma_unmap(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t i;

	for (i = 0; i < r->nr_mr; i++)
		if (r->mr[i])
			ibv_dereg_mr(r->mr[i]);
	free(r->mr);
	r->mr = NULL;
	r->nr_mr = 0;
	r->nr_dirty = 0;
	r->remote.ahead_from = 0;
	r->remote.ahead_to = 0;
	munmap(region->addr, region->length);
}

static struct ibv_mr *chunk_mr(struct npmu_region *region, uint64_t offset)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t i = (size_t)(offset / CHUNK);
	uint64_t len = region->length - i * CHUNK;

	if (!r->mr[i])
		r->mr[i] = ibv_reg_mr(r->c->pd, (char *)region->addr + i * CHUNK,
				      (size_t)(len < CHUNK ? len : CHUNK),
				      IBV_ACCESS_LOCAL_WRITE);
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

static int wait_op(struct npmu_region *region, struct rdma_op *op)
{
	struct rdma_region *r = rdma_region_of(region);

	return npmu_rdma_wait(r->c, op, REGION_TIMEOUT) ? npmu_rdma_lose(region) : 0;
}

/* Post what one work request can move. Return: bytes, or a negative errno. */
static int64_t move(struct npmu_region *region, enum ibv_wr_opcode opcode, uint64_t offset,
		    uint64_t len)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_op *op = &r->ops[r->next_op % REGION_OPS];
	const struct npmu_wire_key *key = key_of(r, r->pm_address + offset);
	struct ibv_mr *mr = chunk_mr(region, offset);
	struct ibv_sge sge = { .addr = (uintptr_t)region->addr + offset };
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma.remote_addr = r->pm_address + offset,
	};
	uint64_t left;
	int code;

	if (!key || !mr)
		return npmu_region_fail(region, mr ? -EINVAL : -ENOMEM, mr ?
					"no key covers this range" :
					"memory cannot be registered: ulimit -l");
	left = le64toh(key->address) + le64toh(key->length) - wr.wr.rdma.remote_addr;
	len = len < left ? len : left;
	left = CHUNK - offset % CHUNK;
	len = len < left ? len : left;
	len = len < PIECE ? len : PIECE;
	wr.wr.rdma.rkey = le32toh(key->rkey);
	sge.length = (uint32_t)len;
	sge.lkey = mr->lkey;
	if (!op->done) {
		code = wait_op(region, op);
		if (code)
			return code;
	}
	r->next_op++;
	if (npmu_rdma_post(r->c, &wr, op)) {
		op->done = true;
		return npmu_rdma_lose(region);
	}
	return (int64_t)len;
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

static int wait_all(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	unsigned int i;
	int code = 0;

	for (i = 0; i < REGION_OPS && !code; i++)
		if (!r->ops[i].done)
			code = wait_op(region, &r->ops[i]);
	return code;
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
	waited = wait_all(region);
	if (waited)
		code = waited;
	/* A mirror that is not what is there must not be judged. */
	if (code && !region->remote->lost)
		region->remote->lost = code;
	return code;
}

void npmu_rdma_stored(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_extent *last = r->nr_dirty ? &r->dirty[r->nr_dirty - 1] : NULL;
	struct rdma_extent *more;

	if (!len)
		return;
	if (last && offset <= last->to && offset + len >= last->from) {
		if (offset < last->from)
			last->from = offset;
		if (offset + len > last->to)
			last->to = offset + len;
		return;
	}
	if (r->nr_dirty == r->room_dirty) {
		more = realloc(r->dirty, (r->room_dirty + 64) * sizeof(*more));
		if (!more) {
			r->dirty_lost = true;
			return;
		}
		r->dirty = more;
		r->room_dirty += 64;
	}
	r->dirty[r->nr_dirty++] = (struct rdma_extent){ offset, offset + len };
}

/* One message: what is durable when it is answered. */
static int commit_message(struct npmu_region *region, const struct rdma_extent *extent,
			  size_t n, uint32_t flags)
{
	struct rdma_region *r = rdma_region_of(region);
	struct {
		struct npmu_wire_commit msg;
		struct npmu_wire_range range[NPMU_WIRE_MAX_RANGES];
	} m = { .msg = { .flags = htole32(flags), .nr_ranges = htole32((uint32_t)n) } };
	size_t i;

	for (i = 0; i < n; i++) {
		m.range[i].offset = htole64(r->offset + extent[i].from);
		m.range[i].length = htole64(extent[i].to - extent[i].from);
	}
	return npmu_rdma_request(region, NPMU_WIRE_COMMIT, &m,
				 sizeof(m.msg) + n * sizeof(m.range[0]), NULL);
}

int npmu_rdma_commit(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = region->remote->lost;
	size_t i, n;

	if (!code && r->dirty_lost)
		code = npmu_region_fail(region, -ENOMEM, "out of memory");
	for (i = 0; i < r->nr_dirty && !code; i++)
		code = move_all(region, IBV_WR_RDMA_WRITE, r->dirty[i].from,
				r->dirty[i].to - r->dirty[i].from);
	/* The message stands behind the WRITEs: no need to wait for them before. */
	for (i = 0; i < r->nr_dirty && !code; i += n) {
		n = r->nr_dirty - i;
		n = n < NPMU_WIRE_MAX_RANGES ? n : NPMU_WIRE_MAX_RANGES;
		code = commit_message(region, &r->dirty[i], n, NPMU_WIRE_COMMIT_KICK);
	}
	r->nr_dirty = 0;
	return wait_all(region) ?: code;
}

int npmu_rdma_persist(struct npmu_region *region, uint64_t offset, uint64_t len)
{
	struct npmu_remote *remote = region->remote;
	struct rdma_extent extent = { offset, offset + len };
	bool ahead = remote->ahead_from <= offset && offset + len <= remote->ahead_to;
	int code = remote->lost;

	if (code || !len || (ahead && remote->ahead_durable))
		return code;
	/* A walk asks for each of its steps: once for all that was fetched. */
	if (ahead)
		extent = (struct rdma_extent){ remote->ahead_from, remote->ahead_to };
	code = commit_message(region, &extent, 1, NPMU_WIRE_COMMIT_SEEN);
	if (!code && ahead)
		remote->ahead_durable = true;
	return code;
}

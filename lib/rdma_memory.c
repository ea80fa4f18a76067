// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The caller's own memory, registered so that commits go from where it lies. Owns the table
 * of what was registered, and what of the pieces of a commit is copied. Knows no format.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crc32c.h"
#include "gather.h"
#include "rdma_region.h"

/* What is shorter is copied: that costs less than a work request of its own. */
#define LEAST	4096

static struct ibv_mr *pin(struct rdma_region *r, struct rdma_memory *m)
{
	/* Of the connection before there is nothing left. */
	if (!m->mr)
		m->mr = ibv_reg_mr(r->c->pd, (void *)m->from, m->to - m->from, 0);
	return m->mr;
}

/* The first that ends above @at. */
static size_t place_of(const struct rdma_region *r, uintptr_t at)
{
	size_t low = 0, high = r->nr_memory;

	while (low < high) {
		size_t middle = (low + high) / 2;

		if (r->memory[middle].to <= at)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int npmu_rdma_register(struct npmu_region *region, const void *addr, size_t len)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_memory m = { .from = (uintptr_t)addr, .to = (uintptr_t)addr + len };
	size_t i = place_of(r, m.from);
	struct rdma_memory *more;
	int code = region->remote->lost;

	if (code)
		return npmu_region_fail(region, code, "the connection to the unit is gone");
	if (i < r->nr_memory && r->memory[i].from < m.to)
		return npmu_region_fail(region, -EEXIST, "some of that memory is registered already");
	more = realloc(r->memory, (r->nr_memory + 1) * sizeof(m));
	if (!more)
		return npmu_region_fail(region, -ENOMEM, "out of memory");
	r->memory = more;
	if (!pin(r, &m))
		return npmu_region_fail(region, -errno,
					"the caller's memory cannot be registered: ulimit -l");
	memmove(&more[i + 1], &more[i], (r->nr_memory - i) * sizeof(m));
	more[i] = m;
	r->nr_memory++;
	return 0;
}

int npmu_rdma_unregister(struct npmu_region *region, const void *addr)
{
	struct rdma_region *r = rdma_region_of(region);
	size_t i = place_of(r, (uintptr_t)addr), j;

	if (i == r->nr_memory || r->memory[i].from != (uintptr_t)addr)
		return npmu_region_fail(region, -ENOENT, "that memory is not registered");
	/* What is under way goes from there; what could not be committed does not, later. */
	npmu_rdma_land_all(region);
	for (j = 0; j < r->nr_dirty; j++)
		r->dirty_lost |= r->dirty[j].mr && r->dirty[j].mr == r->memory[i].mr;
	if (r->memory[i].mr)
		ibv_dereg_mr(r->memory[i].mr);
	r->nr_memory--;
	memmove(&r->memory[i], &r->memory[i + 1], (r->nr_memory - i) * sizeof(r->memory[0]));
	return 0;
}

void npmu_rdma_unpin(struct rdma_region *r)
{
	size_t i;

	for (i = 0; i < r->nr_memory; i++) {
		if (r->memory[i].mr)
			ibv_dereg_mr(r->memory[i].mr);
		r->memory[i].mr = NULL;
	}
}

static const struct ibv_mr *find(struct rdma_region *r, const struct iovec *piece)
{
	uintptr_t at = (uintptr_t)piece->iov_base;
	size_t i = place_of(r, at);

	if (piece->iov_len < LEAST || i == r->nr_memory || at < r->memory[i].from ||
	    piece->iov_len > r->memory[i].to - at)
		return NULL;
	return pin(r, &r->memory[i]);
}

uint32_t npmu_rdma_gather(struct npmu_region *region, char *dst, const struct iovec *iov, int n,
			  bool sum, bool direct)
{
	struct rdma_region *r = rdma_region_of(region);
	uint64_t offset = (uint64_t)(dst - (char *)region->addr);
	uint64_t length = 0;
	uint32_t crc = 0;
	int i;

	direct = direct && r->nr_memory;
	for (i = 0; i < n && !direct; i++)
		length += iov[i].iov_len;
	if (!direct) {
		npmu_rdma_stored(region, offset, length);
		return npmu_gather_store(dst, iov, n, sum);
	}
	/* The mirror is not going to hold what is there. */
	region->remote->ahead_to = 0;
	for (i = 0; i < n; i++) {
		const struct ibv_mr *mr = find(r, &iov[i]);

		if (sum)
			crc = npmu_crc32c(crc, iov[i].iov_base, iov[i].iov_len);
		if (mr) {
			npmu_rdma_stored_at(region, offset, iov[i].iov_len, iov[i].iov_base, mr);
		} else if (iov[i].iov_len) {
			memcpy((char *)region->addr + offset, iov[i].iov_base, iov[i].iov_len);
			npmu_rdma_stored(region, offset, iov[i].iov_len);
		}
		offset += iov[i].iov_len;
	}
	return crc;
}

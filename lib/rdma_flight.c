// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commits of a remote region that are under way: posted, and not yet known to be durable. They
 * are numbered in the order in which they were posted, and end in that order. Must not know how
 * one is made durable (rdma_commit.c).
 */
#include <errno.h>

#include "clock.h"
#include "rdma_region.h"

/* Its WRITEs, too: the memory they were sent from is the caller's again. */
static int wait_writes(struct npmu_region *region, const struct rdma_flight *flight)
{
	struct rdma_region *r = rdma_region_of(region);
	unsigned int i;
	int code = 0;

	for (i = flight->first_op; i != flight->end_op && !code; i++)
		/* Else another has the slot, and waited for this one. */
		if (r->next_op - i <= REGION_OPS && !r->ops[i % REGION_OPS].done)
			code = npmu_rdma_wait_op(region, &r->ops[i % REGION_OPS]);
	return code;
}

/* 1: it is under way still, and may be. */
static int land(struct npmu_region *region, struct rdma_flight *flight, uint64_t until)
{
	struct rdma_region *r = rdma_region_of(region);
	uint64_t end = until < flight->deadline ? until : flight->deadline;
	int ms = npmu_ms_until(end);
	int code;

	code = flight->message ? npmu_rdma_answered(r->c, &flight->asked, ms) :
				 npmu_rdma_wait(r->c, &flight->flushed, ms);
	if (code == -ETIMEDOUT && npmu_now_ns() < flight->deadline)
		return 1;
	if (code)
		return npmu_rdma_lose(region);
	if (flight->message && flight->asked.status == NPMU_WIRE_E_MALFORMED)
		return npmu_rdma_lose(region);
	if (flight->message && flight->asked.status)
		return npmu_rdma_say(region, -(int)flight->asked.status - NPMU_RDMA_STATUS);
	/* What came before the end of this was taken before: so a writer looks behind its commit. */
	if (!flight->message)
		region->own_status->kick_wanted = r->c->kick_wanted;
	return wait_writes(region, flight);
}

/* What the first that failed says is kept for who asks for it. */
static int wait_until(struct npmu_region *region, uint64_t number, uint64_t until)
{
	struct rdma_region *r = rdma_region_of(region);
	int code;

	while (!region->remote->lost && r->landed < number) {
		code = land(region, &r->flight[(r->landed + 1) % REGION_FLIGHTS], until);
		if (code > 0)
			return -ETIMEDOUT;
		r->landed++;
		if (code && !r->failed) {
			r->failed = code;
			r->failed_number = r->landed;
		}
	}
	return region->remote->lost;
}

int npmu_rdma_land(struct npmu_region *region, uint64_t number, uint64_t until)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = wait_until(region, number, until);

	if (!code && r->failed && r->failed_number <= number) {
		code = r->failed;
		r->failed = 0;
	}
	return code;
}

void npmu_rdma_land_all(struct npmu_region *region)
{
	wait_until(region, rdma_region_of(region)->flights, UINT64_MAX);
}

struct rdma_flight *npmu_rdma_take_off(struct npmu_region *region, unsigned int first_op,
				       bool message, int *code)
{
	struct rdma_region *r = rdma_region_of(region);
	struct rdma_flight *flight = &r->flight[(r->flights + 1) % REGION_FLIGHTS];

	*code = region->remote->lost;
	if (!*code && r->flights - r->landed == REGION_FLIGHTS)
		*code = npmu_rdma_land(region, r->landed + 1, UINT64_MAX);
	if (*code)
		return NULL;
	flight->message = message;
	flight->first_op = first_op;
	flight->end_op = r->next_op;
	flight->deadline = npmu_deadline_in(REGION_TIMEOUT);
	return flight;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a unit tells of a remote region: the news that a watch asks for, and waiting for them.
 * Must not know what they mean for who waits.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "rdma_region.h"

/* A unit that is gone sends nothing that would say so: who waits asks now and then. */
#define ASK_NS	2000000000ULL

static void heard(struct npmu_region *region, const struct npmu_wire_changed *changed)
{
	struct rdma_region *r = rdma_region_of(region);

	r->heard_ns = npmu_now_ns();
	r->kicks = le64toh(changed->kicks);
	r->role = le64toh(changed->role);
	r->last_epoch = le64toh(changed->last_epoch);
	r->writer = changed->writer;
	region->own_status->kicks = r->kicks;
	region->own_status->fence_epoch = le64toh(changed->fence_epoch);
}

int npmu_rdma_watch(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	struct npmu_wire_watch msg = {
		.kicks = htole64(r->kicks),
		.role = htole64(r->role),
	};
	const void *answer = NULL;
	uint64_t kicks = r->kicks, role = r->role;
	int code;

	code = npmu_rdma_request(region, NPMU_WIRE_WATCH, &msg, sizeof(msg), &answer);
	if (code)
		return code;
	heard(region, answer);
	/* It tells later only what it has not told now. */
	r->watching = r->kicks == kicks && r->role == role;
	return 0;
}

static uint32_t news(const struct rdma_region *r)
{
	return (r->kicks != r->kicks_seen ? NPMU_WAIT_KICKED : 0) |
	       (r->role != r->role_seen ? NPMU_WAIT_ROLE : 0);
}

/* A word of the unit's memory tells nobody that it changed. */
static int wait_compare(struct npmu_region *region, struct npmu_ioc_wait *arg)
{
	const struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t start = npmu_now_ns();
	const volatile uint64_t *word;
	int code;

	if (!region->addr || arg->offset % 8 || !npmu_within(arg->offset, 8, region->length))
		return npmu_region_fail(region, -EINVAL, "not a word of the mapping");
	word = (void *)((char *)region->addr + arg->offset);
	for (;;) {
		code = npmu_rdma_fetch(region, arg->offset, 8);
		if (code)
			return code;
		if (*word != arg->value) {
			arg->events = NPMU_WAIT_CHANGED;
			return 0;
		}
		if (!npmu_time_left(arg->timeout_ns, start))
			return npmu_region_fail(region, -ETIMEDOUT, "the time is over");
		nanosleep(&pause, NULL);
	}
}

int npmu_rdma_region_wait(struct npmu_region *region, struct npmu_ioc_wait *arg)
{
	struct rdma_region *r = rdma_region_of(region);
	struct npmu_wire_changed changed;
	uint64_t start = npmu_now_ns(), left;
	bool asked;
	int code;

	if (arg->flags & NPMU_WAIT_F_COMPARE)
		return wait_compare(region, arg);
	for (;;) {
		/* What came meanwhile ends the watch that it was for. */
		code = region->remote->lost ? 0 : npmu_rdma_notice(r->c, &changed, 0);
		if (code > 0) {
			heard(region, &changed);
			r->watching = false;
		}
		code = code < 0 && code != -EINTR ? npmu_rdma_lose(region) : region->remote->lost;
		asked = !code && (!r->watching || npmu_now_ns() - r->heard_ns > ASK_NS);
		if (asked)
			code = npmu_rdma_watch(region);
		if (code)
			return code;
		/* That asked, and took what wakes: who sleeps on the descriptor needs it armed. */
		if (asked && r->watching && arg->flags & NPMU_WAIT_F_ARM)
			continue;
		arg->events = news(r);
		if (arg->events || arg->flags & NPMU_WAIT_F_ARM)
			break;
		left = npmu_time_left(arg->timeout_ns, start);
		if (!left)
			return npmu_region_fail(region, -ETIMEDOUT, "the time is over");
		left = left / 1000000 + 1;
		code = npmu_rdma_notice(r->c, &changed, left < 1000 ? (int)left : 1000);
		if (code == -EINTR)
			return npmu_region_fail(region, code, "interrupted");
		if (code < 0)
			return npmu_rdma_lose(region);
		if (code) {
			heard(region, &changed);
			r->watching = false;
		}
	}
	r->kicks_seen = r->kicks;
	return 0;
}

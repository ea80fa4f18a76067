/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time that passes, for waits with a limit. */
#ifndef NPMU_LIB_CLOCK_H
#define NPMU_LIB_CLOCK_H

#include <stdint.h>
#include <time.h>

static inline uint64_t npmu_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000 + (uint64_t)ts.tv_nsec;
}

/* What is left of a time limit that began at @start; UINT64_MAX: there is none. */
static inline uint64_t npmu_time_left(uint64_t limit, uint64_t start)
{
	uint64_t spent;

	if (limit == UINT64_MAX)
		return limit;
	spent = npmu_now_ns() - start;
	return spent < limit ? limit - spent : 0;
}

/* When a wait that begins now is over, and how long that is still. */
static inline uint64_t npmu_deadline_in(int ms)
{
	return npmu_now_ns() + (uint64_t)ms * 1000000;
}

static inline int npmu_ms_until(uint64_t deadline)
{
	uint64_t now = npmu_now_ns();

	return now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
}

#endif /* NPMU_LIB_CLOCK_H */

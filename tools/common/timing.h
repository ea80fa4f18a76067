/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What measuring needs in more than one tool: the clock, and a write to a file that
 * is durable when it returns. Knows nothing of npmu.
 */
#ifndef NPMU_TIMING_H
#define NPMU_TIMING_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t timing_now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* What one does without persistent memory. Return: 0, or -1 with errno. */
static inline int timing_pwrite_durably(int fd, const void *data, size_t len, uint64_t at)
{
	return pwrite(fd, data, len, (off_t)at) != (ssize_t)len || fdatasync(fd) ? -1 : 0;
}

#endif /* NPMU_TIMING_H */

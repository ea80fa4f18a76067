/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the unit's module counted.
 */
#ifndef NPMU_BENCH_COUNT_H
#define NPMU_BENCH_COUNT_H

#include <stdint.h>

#define COUNT_PORT	"7474"

/* Of all connections together that there are. */
struct count {
	uint64_t completions;	/* times that a handler was entered */
	uint64_t commits;	/* by message */
};

/* @fd: of tcp_connect(). Return: 0 or -1, with words on stderr. */
int count_ask(int fd, struct count *out);

/* The other end, on the unit's host. Return: -1. */
int count_serve(const char *unused);

#endif /* NPMU_BENCH_COUNT_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the programs of the package perftest measure on the same wire: ib_write_bw, ib_read_bw
 * and ib_write_lat.
 */
#ifndef NPMU_BENCH_PERFTEST_H
#define NPMU_BENCH_PERFTEST_H

#include <stdint.h>

#define PERFTEST_PORT	"7475"		/* of the one that starts the other side */

struct perftest;

/*
 * @why: static: what is missing, when it returns -1: here, there, or the server.
 */
int perftest_open(struct perftest **out, const char *host, const char **why);
void perftest_close(struct perftest *t);

/*
 * Return: nanoseconds for @size bytes, and back where it is a latency; 0: it did not end in a
 * minute; -1 with words on stderr.
 */
double perftest_run(struct perftest *t, const char *name, uint64_t size);

/* The other end. Return: -1. */
int perftest_serve(const char *unused);

#endif /* NPMU_BENCH_PERFTEST_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Several things measured side by side.
 */
#ifndef NPMU_BENCH_ROUNDS_H
#define NPMU_BENCH_ROUNDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct series - one thing that is measured
 * @what: its key in the report
 * @size: bytes of each record, or what else it is measured by
 * @op: does it once; 0; 1: not this time, the round counts for nothing; -1 when it has said
 *	what went wrong
 * @before: not measured, ahead of each @op; or NULL
 * @after: not measured, behind each @op that succeeded; or NULL
 * @context: of these
 * @each: records of one @op; 0: 1
 * @batch: ops between two looks at the clock; 0: 1. With @before: 1
 * @limit: what it is compared with, in the same rounds; or NULL
 * @quiet: not for the report
 * @elapsed: for an @op that measures itself: nanoseconds, set by it; else 0
 * @mean: nanoseconds a record, of each round; NAN: of a slow one not every round
 * @single: nanoseconds a record, of ops measured alone, less the cost of the clock
 * @nr_mean: rounds
 * @nr_single: how many
 * @spent: nanoseconds spent with it
 */
struct series {
	const char *what;
	uint64_t size;
	int (*op)(struct series *s);
	int (*before)(struct series *s);
	int (*after)(struct series *s);
	void *context;
	unsigned int each;
	unsigned int batch;
	const struct series *limit;
	bool quiet;
	double elapsed;
	double *mean;
	double *single;
	size_t nr_mean;
	size_t nr_single;
	double spent;
};

/*
 * Measures @n series in @rounds rounds, in each round one after the other, beginning with
 * another each time, so that whatever disturbs the machine disturbs all alike. Return: 0 or -1.
 */
int rounds_run(struct series *s, size_t n, unsigned int rounds);

/* Free the results. */
void rounds_free(struct series *s, size_t n);

#endif /* NPMU_BENCH_ROUNDS_H */

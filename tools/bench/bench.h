/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * npmu-bench: what the command line hands to the measuring, and back.
 */
#ifndef NPMU_BENCH_H
#define NPMU_BENCH_H

#include <stddef.h>

#include <npmu/region.h>

#define BENCH_MAX_SIZE	(4 << 20)

struct bench_options {
	struct npmu_region *region;
	unsigned int rounds;
};

/* Medians over the rounds, in nanoseconds. */
struct bench_result {
	size_t size;		/* in: bytes of the state */
	double raw_ns;		/* non-temporal stores of it and one sfence */
	double commit_ns;	/* npmu_ckpt_commit() */
	double commit_p99_ns;
	double ratio;		/* median of commit / raw, round by round */
	double partial_ns;	/* npmu_ckpt_commit_ranges() of 64 bytes */
	double two_fences_ns;	/* data, sfence, commit word, sfence */
	double read_ns;		/* npmu_ckpt_read() of a new state */
};

/* All print what went wrong. Return: 0 or -1. */
int bench_open(struct bench_options *o, const char *file, const char *region);
int bench_local(const struct bench_options *o, struct bench_result *r);

void bench_close(struct bench_options *o);

/* Persistence class of what is measured. */
const char *bench_class(const struct bench_options *o);

#endif /* NPMU_BENCH_H */

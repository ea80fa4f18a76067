/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What was measured, and what was not.
 */
#ifndef NPMU_BENCH_REPORT_H
#define NPMU_BENCH_REPORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench.h"
#include "rounds.h"

/* NAN: not measured. */
struct result {
	const char *group;	/* commit, bandwidth, follow, fence, takeover */
	const char *what;
	const char *limit;	/* what it was compared with, or NULL */
	uint64_t size;
	double mean_ns;		/* median of the rounds' means */
	double p50_ns;
	double p99_ns;
	double p999_ns;
	double ratio;		/* median of mean / mean of the limit, round by round */
	size_t rounds;		/* in which it was measured */
	double count;		/* what was counted, not timed */
};

struct report *report_new(void);
void report_free(struct report *report);

/* Takes the series that are not quiet. Return: 0 or -1. */
int report_add(struct report *report, const char *group, struct series *s, size_t n);

/* Something that was counted. Return: 0 or -1. */
int report_count(struct report *report, const char *group, const char *what, double count);

/* Something is not measured. */
void report_note(struct report *report, const char *group, const char *what, const char *why);

/* NULL: there is none. */
const struct result *report_find(const struct report *report, const char *group,
				 const char *what, uint64_t size);
const struct result *report_at(const struct report *report, size_t i);

void report_print(const struct report *report, const struct bench *b);

/*
 * check.c: what must hold; prints each. Return: how many do not, or were
 * not measured although their group was.
 */
int check_print(const struct report *report, bool over_a_wire, bool json);

/* json.c; with @check what must hold, too. Return: as check_print(). */
int json_print(const struct report *report, const struct bench *b, bool check);

/* The notes, for json.c. */
bool report_note_at(const struct report *report, size_t i, const char **group,
		    const char **what, const char **why);

/* plot.c: files in @dir, and pictures if there is gnuplot. Return: 0 or -1. */
int plot_write(const struct report *report, const char *dir);

#endif /* NPMU_BENCH_REPORT_H */

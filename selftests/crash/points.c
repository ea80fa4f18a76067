// SPDX-License-Identifier: GPL-2.0-or-later
/* The list of persist points, put together by the linker. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "jobs.h"
#include "points.h"

extern struct crash_point __start_crash_points[], __stop_crash_points[];

struct crash_point *crash_point_last;
/* By number of the point: of the processes that ended. */
static _Atomic unsigned long *collected;

const char *crash_point_file(const struct crash_point *point)
{
	const char *slash = strrchr(point->file, '/');

	return slash ? slash + 1 : point->file;
}

static size_t nr_points(void)
{
	/* Two ends of a section, which a compiler takes for two objects. */
	return ((uintptr_t)__stop_crash_points - (uintptr_t)__start_crash_points) /
	       sizeof(struct crash_point);
}

void crash_points_share(void)
{
	collected = jobs_memory(nr_points() * sizeof(*collected));
}

void crash_points_collect(void)
{
	size_t i;

	for (i = 0; i < nr_points(); i++)
		collected[i] += __start_crash_points[i].hits;
}

static int same(const struct crash_point *a, const struct crash_point *b)
{
	return a->line == b->line && !strcmp(a->what, b->what) && !strcmp(a->file, b->file);
}

unsigned int crash_points_report(int verbose)
{
	unsigned int missed = 0, nr = 0;
	struct crash_point *p, *q;

	/* The linker says where the array ends. */
	/* cppcheck-suppress comparePointers */
	for (p = __start_crash_points; p < __stop_crash_points; p++) {
		unsigned long hits = 0;

		/* A line of a header is there for each file that includes it. */
		for (q = __start_crash_points; q < p && !same(p, q); q++)
			;
		if (q < p)
			continue;
		for (; q < __stop_crash_points; q++)
			hits += same(p, q) ? collected[q - __start_crash_points] : 0;
		nr++;
		missed += !hits;
		if (verbose || !hits)
			printf("# persist point %s:%d %s: %s%lu\n", crash_point_file(p),
			       p->line, p->what, hits ? "" : "NOT REACHED, ", hits);
	}
	printf("# %u persist points, %u not reached\n", nr, missed);
	return missed;
}

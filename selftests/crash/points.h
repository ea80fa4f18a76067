/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Persist points: the places in the code under test that store, write back or
 * fence. Each stands in a section of its own from the time it is compiled, so that
 * one that is never reached is known, too.
 */
#ifndef CRASH_POINTS_H
#define CRASH_POINTS_H

struct crash_point {
	const char *file;
	const char *what;
	unsigned long hits;
	int line;
	int spare;
} __attribute__((aligned(32)));

/* The one that was passed last. */
extern struct crash_point *crash_point_last;

#define CRASH_POINT(what_) ({						\
	static struct crash_point point_				\
		__attribute__((section("crash_points"), used)) = {	\
		.file = __FILE__, .what = (what_), .line = __LINE__ };	\
									\
	point_.hits++;							\
	crash_point_last = &point_;					\
})

/* Before a process is begun, and in each at its end: what they passed counts for all. */
void crash_points_share(void);
void crash_points_collect(void);

/* Prints all of them. Return: how many were not reached. */
unsigned int crash_points_report(int verbose);

/* The file without the way to it. */
const char *crash_point_file(const struct crash_point *point);

#endif /* CRASH_POINTS_H */

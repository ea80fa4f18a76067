// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Collects what was measured and prints it as tables for people. Knows the names of what
 * is measured only as text.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "report.h"
#include "stat.h"

#define MAX_RESULTS	512
#define MAX_NOTES	16
#define MAX_COLUMNS	12

struct report {
	struct result result[MAX_RESULTS];
	size_t n;
	struct note {
		const char *group, *what, *why;
	} note[MAX_NOTES];
	size_t nr_notes;
};

enum metric { MEAN, P50, P99, P999, RATIO, SPEED, SHARE, COUNT };

struct table {
	const char *group;
	const char *title;
	enum metric metric;
};

static const struct table tables[] = {
	{ "commit", "Commit by size, one after the other: us each", MEAN },
	{ "commit", "Commit by size, one after the other: times the raw store", RATIO },
	{ "commit", "Commit by size, alone: median, us", P50 },
	{ "commit", "Commit by size, alone: p99, us", P99 },
	{ "commit", "Commit by size, alone: p99.9, us", P999 },
	{ "bandwidth", "Bandwidth by size of the state: GB/s", SPEED },
	{ "bandwidth", "Bandwidth by size of the state: percent of memcpy", SHARE },
	{ "follow", "Commit to reader awake: median, us", P50 },
	{ "follow", "Commit to reader awake: p99, us", P99 },
	{ "follow", "Commit to reader awake: times an eventfd", RATIO },
	{ "fence", "Fence of a live writer by bytes it has mapped: median, us", P50 },
	{ "fence", "Fence of a live writer by bytes it has mapped: times munmap alone", RATIO },
	{ "takeover", "Takeover from a dead writer by size of the state: median, us", P50 },
	{ "takeover", "Takeover from a dead writer by size of the state: times that of the smallest", RATIO },
	{ "remote_commit", "Commit by message by size, one after the other: us each", MEAN },
	{ "remote_commit", "Commit by message by size: update times raw, the others times update", RATIO },
	{ "remote_commit", "Commit by message by size, alone: median, us", P50 },
	{ "remote_commit", "Commit by message by size, alone: p99, us", P99 },
	{ "remote_flush", "Commit by RDMA FLUSH by size, one after the other: us each", MEAN },
	{ "remote_flush", "Commit by RDMA FLUSH by size: update times raw, the others times update", RATIO },
	{ "remote_flush", "Commit by RDMA FLUSH by size, alone: median, us", P50 },
	{ "remote_flush", "Commit by RDMA FLUSH by size, alone: p99, us", P99 },
	{ "remote_entered", "Times that the unit's module was entered for a commit", COUNT },
	{ "polled", "The wire and the library over it, in events and polled: us each", MEAN },
	{ "polled", "Polled times the same in events; ib_write_lat times the first", RATIO },
	{ "connections", "Commit over the wire of 64 B by connections: us each", MEAN },
	{ "connections", "Commit over the wire of 64 B by connections: times raw", RATIO },
	{ "remote_bandwidth", "Bandwidth over the wire: GB/s", SPEED },
	{ "remote_bandwidth", "Bandwidth over the wire: percent of a raw WRITE or READ", SHARE },
	{ "remote_takeover", "Takeover from a live writer over the wire: median, us", P50 },
	{ "remote_takeover", "Takeover from a live writer over the wire: times a message and its answer", RATIO },
};

struct report *report_new(void)
{
	return calloc(1, sizeof(struct report));
}

void report_free(struct report *report)
{
	free(report);
}

int report_add(struct report *report, const char *group, struct series *s, size_t n)
{
	struct result *r;
	size_t i, j;

	for (i = 0; i < n; i++) {
		if (s[i].quiet)
			continue;
		if (report->n == MAX_RESULTS)
			return bench_fail("too many results");
		r = &report->result[report->n++];
		*r = (struct result){
			.group = group,
			.what = s[i].what,
			.size = s[i].size,
			.mean_ns = stat_median(s[i].mean, s[i].nr_mean),
			.p50_ns = stat_quantile(s[i].single, s[i].nr_single, 0.5),
			.p99_ns = stat_quantile(s[i].single, s[i].nr_single, 0.99),
			.p999_ns = stat_quantile(s[i].single, s[i].nr_single, 0.999),
			.ratio = NAN,
			.count = NAN,
		};
		if (s[i].limit) {
			r->limit = s[i].limit->what;
			r->ratio = stat_median_ratio(s[i].mean, s[i].limit->mean, s[i].nr_mean);
		}
		for (j = 0; j < s[i].nr_mean; j++)
			r->rounds += !isnan(s[i].mean[j]);
	}
	return 0;
}

int report_count(struct report *report, const char *group, const char *what, double count)
{
	if (report->n == MAX_RESULTS)
		return bench_fail("too many results");
	report->result[report->n++] = (struct result){
		.group = group, .what = what, .mean_ns = NAN, .p50_ns = NAN, .p99_ns = NAN,
		.p999_ns = NAN, .ratio = NAN, .count = count,
	};
	return 0;
}

void report_note(struct report *report, const char *group, const char *what, const char *why)
{
	if (report->nr_notes < MAX_NOTES)
		report->note[report->nr_notes++] = (struct note){ group, what, why };
}

bool report_note_at(const struct report *report, size_t i, const char **group,
		    const char **what, const char **why)
{
	if (i >= report->nr_notes)
		return false;
	*group = report->note[i].group;
	*what = report->note[i].what;
	*why = report->note[i].why;
	return true;
}

const struct result *report_at(const struct report *report, size_t i)
{
	return i < report->n ? &report->result[i] : NULL;
}

const struct result *report_find(const struct report *report, const char *group,
				 const char *what, uint64_t size)
{
	size_t i;

	for (i = 0; i < report->n; i++) {
		const struct result *r = &report->result[i];

		if (!strcmp(r->group, group) && !strcmp(r->what, what) && r->size == size)
			return r;
	}
	return NULL;
}

static double value(const struct result *r, enum metric metric)
{
	switch (metric) {
	case MEAN:
		return r->mean_ns / 1e3;
	case P50:
		return r->p50_ns / 1e3;
	case P99:
		return r->p99_ns / 1e3;
	case P999:
		return r->p999_ns / 1e3;
	case RATIO:
		return r->ratio;
	case SPEED:
		return (double)r->size / r->mean_ns;
	case SHARE:
		return 100 / r->ratio;
	case COUNT:
		return r->count;
	}
	return NAN;
}

static void print_size(uint64_t size)
{
	if (size >= GIB)
		printf(" %5llu GiB", (unsigned long long)(size / GIB));
	else if (size >= MIB)
		printf(" %5llu MiB", (unsigned long long)(size / MIB));
	else if (size >= KIB)
		printf(" %5llu KiB", (unsigned long long)(size / KIB));
	else
		printf(" %7llu B", (unsigned long long)size);
}

static void print_value(double v)
{
	if (isnan(v))
		printf(" %9s", "-");
	else
		printf(" %9.*f", v < 10 ? 2 : v < 100 ? 1 : 0, v);
}

/* The sizes of a group, ascending. */
static size_t columns(const struct report *report, const char *group, uint64_t *sizes)
{
	size_t i, j, n = 0;

	for (i = 0; i < report->n; i++) {
		uint64_t size = report->result[i].size;

		if (strcmp(report->result[i].group, group))
			continue;
		for (j = 0; j < n && sizes[j] < size; j++)
			;
		if ((j < n && sizes[j] == size) || n == MAX_COLUMNS)
			continue;
		memmove(&sizes[j + 1], &sizes[j], (n - j) * sizeof(*sizes));
		sizes[j] = size;
		n++;
	}
	return n;
}

static void print_row(const struct report *report, const struct table *t, const char *what,
		      const uint64_t *sizes, size_t n)
{
	const struct result *r;
	bool any = false;
	size_t i;

	for (i = 0; i < n; i++) {
		r = report_find(report, t->group, what, sizes[i]);
		any |= r && !isnan(value(r, t->metric));
	}
	if (!any)
		return;
	printf("  %-24s", what);
	for (i = 0; i < n; i++) {
		r = report_find(report, t->group, what, sizes[i]);
		print_value(r ? value(r, t->metric) : NAN);
	}
	putchar('\n');
}

static void print_table(const struct report *report, const struct table *t)
{
	uint64_t sizes[MAX_COLUMNS];
	size_t i, j, n = columns(report, t->group, sizes);

	if (!n)
		return;
	printf("\n%s\n", t->title);
	if (sizes[n - 1]) {
		printf("  %-24s", "");
		for (i = 0; i < n; i++)
			/* They are no bytes. */
			if (!strcmp(t->group, "connections"))
				printf(" %9llu", (unsigned long long)sizes[i]);
			else
				print_size(sizes[i]);
		putchar('\n');
	}
	for (i = 0; i < report->n; i++) {
		const struct result *r = &report->result[i];

		if (strcmp(r->group, t->group))
			continue;
		for (j = 0; j < i; j++)
			if (!strcmp(report->result[j].group, r->group) &&
			    !strcmp(report->result[j].what, r->what))
				break;
		if (j == i)
			print_row(report, t, r->what, sizes, n);
	}
}

void report_print(const struct report *report, const struct bench *b)
{
	size_t i;

	printf("%s: class %s, up to %u rounds; the ratios are medians over rounds\n", b->name,
	       b->class_name, b->rounds);
	for (i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		print_table(report, &tables[i]);
	if (report->nr_notes)
		putchar('\n');
	for (i = 0; i < report->nr_notes; i++)
		printf("not measured: %s, %s: %s\n", report->note[i].group, report->note[i].what,
		       report->note[i].why);
}

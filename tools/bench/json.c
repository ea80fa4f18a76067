// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report for programs. Its keys are documented in npmu-bench(8) and stay.
 */
#include <math.h>
#include <stdio.h>

#include "report.h"

static void print_string(const char *s)
{
	putchar('"');
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putchar('\\');
		if ((unsigned char)*s < ' ')
			printf("\\u%04x", *s);
		else
			putchar(*s);
	}
	putchar('"');
}

static void print_number(const char *key, double v)
{
	if (isfinite(v))
		printf(", \"%s\": %.3f", key, v);
	else
		printf(", \"%s\": null", key);
}

static void print_result(const struct result *r)
{
	printf("    {\"group\": \"%s\", \"what\": \"%s\", \"size\": %llu", r->group, r->what,
	       (unsigned long long)r->size);
	print_number("mean_ns", r->mean_ns);
	print_number("p50_ns", r->p50_ns);
	print_number("p99_ns", r->p99_ns);
	print_number("p999_ns", r->p999_ns);
	if (r->limit)
		printf(", \"limit\": \"%s\"", r->limit);
	else
		printf(", \"limit\": null");
	print_number("ratio", r->ratio);
	if (!isnan(r->count))
		print_number("count", r->count);
	printf(", \"rounds\": %zu}", r->rounds);
}

int json_print(const struct report *report, const struct bench *b, bool check)
{
	const char *group, *what, *why;
	const struct result *r;
	int missed = 0;
	size_t i;

	printf("{\n  \"name\": ");
	print_string(b->name);
	printf(",\n  \"class\": \"%s\",\n  \"rounds\": %u,\n  \"results\": [", b->class_name,
	       b->rounds);
	for (i = 0; (r = report_at(report, i)); i++) {
		printf(i ? ",\n" : "\n");
		print_result(r);
	}
	printf("\n  ],\n  \"not_measured\": [");
	for (i = 0; report_note_at(report, i, &group, &what, &why); i++) {
		printf("%s    {\"group\": \"%s\", \"what\": \"%s\", \"why\": ", i ? ",\n" : "\n",
		       group, what);
		print_string(why);
		putchar('}');
	}
	printf("\n  ]");
	if (check) {
		printf(",\n  \"checks\": [\n");
		missed = check_print(report, b->is_remote, true);
		printf("  ]");
	}
	printf("\n}\n");
	return missed;
}

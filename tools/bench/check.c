// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold of what was measured, as ratios within one run. Owns the limits.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

/* @most of the ratio, which is of times: a share of bandwidth is one over it. */
static const struct check {
	const char *name;
	const char *group;
	const char *what;
	uint64_t size;
	double most;
	const char *text;
} checks[] = {
	{ "update_64_crc", "commit", "update_crc", 64, 1.5,
	  "an update of 64 B with CRC takes at most 1.5 times the raw store" },
	{ "update_64_no_crc", "commit", "update_no_crc", 64, 2.5,
	  "an update of 64 B without CRC takes at most 2.5 times the raw store" },
	{ "base_crc", "bandwidth", "base_crc", 64 * MIB, 1 / 0.75,
	  "a base of 64 MiB with CRC has at least 75 % of memcpy's bandwidth" },
	{ "base_no_crc", "bandwidth", "base_no_crc", 64 * MIB, 1 / 0.9,
	  "a base of 64 MiB without CRC has at least 90 % of memcpy's bandwidth" },
	{ "takeover_1g", "takeover", "takeover", GIB, 1.5,
	  "takeover with a state of 1 GiB takes at most 1.5 times that with 1 MiB" },
};

static void print_json(const struct check *c, double ratio, const char *result, bool last)
{
	printf("    {\"name\": \"%s\", \"limit\": %.3f, \"ratio\": ", c->name, c->most);
	if (isnan(ratio))
		printf("null");
	else
		printf("%.3f", ratio);
	printf(", \"result\": \"%s\"}%s\n", result, last ? "" : ",");
}

static void print_text(const struct check *c, double ratio, const char *result)
{
	if (isnan(ratio))
		printf("  %-12s %5s %5.2f  %s\n", result, "-", c->most, c->text);
	else
		printf("  %-12s %5.2f %5.2f  %s\n", result, ratio, c->most, c->text);
}

static bool has_group(const struct report *report, const char *group)
{
	const struct result *r;
	size_t i;

	for (i = 0; (r = report_at(report, i)); i++)
		if (!strcmp(r->group, group))
			return true;
	return false;
}

int check_print(const struct report *report, bool json)
{
	size_t i, n = sizeof(checks) / sizeof(checks[0]);
	int missed = 0;

	if (!json)
		printf("\nWhat must hold, natively on memory (ratio of times: measured, limit)\n");
	for (i = 0; i < n; i++) {
		const struct check *c = &checks[i];
		const struct result *r = report_find(report, c->group, c->what, c->size);
		double ratio = r ? r->ratio : NAN;
		const char *result = ratio <= c->most ? "holds" : "missed";

		if (isnan(ratio))
			result = "not measured";
		/* A part that was not asked for is not missed. */
		if (!(ratio <= c->most) && has_group(report, c->group))
			missed++;
		if (json)
			print_json(c, ratio, result, i + 1 == n);
		else
			print_text(c, ratio, result);
	}
	return missed;
}

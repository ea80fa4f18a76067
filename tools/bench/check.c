// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must hold of what was measured, as ratios within one run. Owns the limits.
 */
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "report.h"

/*
 * @most of the ratio, which is of times: a share of bandwidth is one over it. With @other it is
 * that of @what's median to that of @other, not to that of its limit.
 */
struct check {
	const char *name;
	const char *group;
	const char *what;
	uint64_t size;
	double most;
	const char *text;
	const char *other;
};

static const struct check local[] = {
	{ "update_64_crc", "commit", "update_crc", 64, 1.5,
	  "an update of 64 B with CRC takes at most 1.5 times the raw store", NULL },
	{ "update_64_no_crc", "commit", "update_no_crc", 64, 2.5,
	  "an update of 64 B without CRC takes at most 2.5 times the raw store", NULL },
	{ "base_crc", "bandwidth", "base_crc", 64 * MIB, 1 / 0.75,
	  "a base of 64 MiB with CRC has at least 75 % of memcpy's bandwidth", NULL },
	{ "base_no_crc", "bandwidth", "base_no_crc", 64 * MIB, 1 / 0.9,
	  "a base of 64 MiB without CRC has at least 90 % of memcpy's bandwidth", NULL },
	{ "takeover_1g", "takeover", "takeover", GIB, 1.5,
	  "takeover with a state of 1 GiB takes at most 1.5 times that with 1 MiB", NULL },
};

static const struct check remote[] = {
	{ "message_64", "remote_commit", "update_message", 64, 1.3,
	  "an update of 64 B by message takes at most 1.3 times a raw WRITE and message", NULL },
	{ "flush_64", "remote_flush", "update_flush", 64, 1.2,
	  "an update of 64 B by FLUSH takes at most 1.2 times a raw WRITE and FLUSH", NULL },
	{ "message_nvme_64", "remote_commit", "update_message", 64, 1 / 1.5,
	  "NVMe over RDMA and fdatasync takes at least 1.5 times as long as that by message",
	  "nvme_fdatasync" },
	{ "flush_nvme_64", "remote_flush", "update_flush", 64, 1 / 3.0,
	  "NVMe over RDMA and fdatasync takes at least 3 times as long as that by FLUSH",
	  "nvme_fdatasync" },
	{ "remote_base_no_crc", "remote_bandwidth", "base_no_crc", 64 * MIB, 1 / 0.85,
	  "a base of 64 MiB without CRC has at least 85 % of the raw WRITE's bandwidth", NULL },
	{ "remote_base_perftest", "remote_bandwidth", "base_no_crc", 64 * MIB, 1 / 0.85,
	  "a base of 64 MiB without CRC has at least 85 % of ib_write_bw", "ib_write_bw" },
	{ "flush_entered", "remote_entered", "update_flush", 0, 0,
	  "no handler of the unit's module is entered for an update by FLUSH", NULL },
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

static double ratio_of(const struct report *report, const struct check *c)
{
	const struct result *r = report_find(report, c->group, c->what, c->size);
	const struct result *other;

	if (r && !isnan(r->count))
		return r->count;
	if (!r || !c->other)
		return r ? r->ratio : NAN;
	other = report_find(report, c->group, c->other, c->size);
	return other ? r->mean_ns / other->mean_ns : NAN;
}

int check_print(const struct report *report, bool over_a_wire, bool json)
{
	const struct check *c = over_a_wire ? remote : local;
	size_t n = over_a_wire ? sizeof(remote) / sizeof(*c) : sizeof(local) / sizeof(*c);
	int missed = 0;

	if (!json)
		printf("\nWhat must hold, %s (ratio of times: measured, limit)\n",
		       over_a_wire ? "over a wire" : "natively on memory");
	for (; n--; c++) {
		double ratio = ratio_of(report, c);
		const char *result = ratio <= c->most ? "holds" : "missed";

		if (isnan(ratio))
			result = "not measured";
		/* A part that was not asked for is not missed. */
		if (!(ratio <= c->most) && has_group(report, c->group))
			missed++;
		if (json)
			print_json(c, ratio, result, !n);
		else
			print_text(c, ratio, result);
	}
	return missed;
}

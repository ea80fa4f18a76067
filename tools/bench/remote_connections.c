// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a commit costs while others are connected and idle.
 */
#include <stdio.h>

#include "remote_part.h"

#define MAX_IDLE	256

static int connections_of(struct part *p, unsigned int n)
{
	bool flush = p->r->raw.can_flush &&
		     npmu_region_persist_method(p->region) == NPMU_PERSIST_FLUSH;
	struct series s[2] = {
		{ .what = flush ? "raw_write_flush" : "raw_write_message",
		  .op = flush ? part_write_flush : part_write_message, .quiet = true },
		{ .what = "update_64", .op = part_update, .limit = &s[0] },
	};
	size_t first = p->r->peer ? 0 : 1;
	size_t i;

	for (i = 0; i < 2; i++) {
		s[i].size = n;
		s[i].batch = PART_BATCH;
	}
	if (first)
		s[1].limit = NULL;
	return part_measure(p, "connections", &s[first], 2 - first, p->r->rounds / 2 + 1);
}

/* Return: 0; -1: no more, and why is in @why. */
static int one_more(const struct remote *r, struct npmu_region **idle, char *why, size_t len)
{
	struct npmu_error err;

	if (!npmu_region_open(r->url, NPMU_OPEN_READ, idle, &err))
		return 0;
	snprintf(why, len, "%s", err.text);
	return -1;
}

int remote_connections(struct remote *r)
{
	static const unsigned int counts[] = { 1, 16, 64, 256 };
	static char why[sizeof(((struct npmu_error *)0)->text)];
	struct npmu_region *idle[MAX_IDLE];
	struct part p = { .r = r, .length = 64 };
	int code = remote_writer(r, PART_BLOCK, true, &p.region, &p.writer);
	unsigned int n = 0;
	bool more = true;
	size_t i;

	for (i = 0; !code && more && i < sizeof(counts) / sizeof(counts[0]); i++) {
		while (more && n < counts[i] - 1) {
			more = !one_more(r, &idle[n], why, sizeof(why));
			n += more;
		}
		if (more)
			code = connections_of(&p, counts[i]);
		else
			report_note(r->report, "connections", "update_64, more of them", why);
	}
	while (n--)
		npmu_region_close(idle[n]);
	part_end(&p);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Small durable commits over the wire, by message and by RDMA FLUSH; and how often the
 * unit's module was entered for one.
 */
#include <stdlib.h>

#include "count.h"
#include "remote_part.h"

#define COUNTED	100

static const uint64_t sizes[] = { 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB };

#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))

/* @limit: what the wire gives by the same way, or NULL. */
static int commits_of(struct part *p, const char *group, uint64_t size, struct series *limit,
		      const char *what)
{
	struct series s[6];
	const struct series *update;
	size_t i, n = 0;

	if (limit)
		s[n++] = *limit;
	limit = n ? &s[0] : NULL;
	update = &s[n];
	s[n++] = (struct series){ .what = what, .op = part_update, .limit = limit };
	if (p->r->disk >= 0)
		s[n++] = (struct series){ .what = "nvme_fdatasync", .op = part_disk };
	if (p->r->tcp >= 0)
		s[n++] = (struct series){ .what = "tcp_fdatasync", .op = part_tcp };
	if (p->r->rpma) {
		s[n++] = (struct series){ .what = "rpma_flush", .op = part_rpma_flush };
		s[n++] = (struct series){ .what = "rpma_message", .op = part_rpma_message };
	}
	for (i = 0; i < n; i++) {
		s[i].size = size;
		s[i].batch = PART_BATCH;
		if (&s[i] > update)
			s[i].limit = update;
	}
	return part_measure(p, group, s, n, p->r->rounds);
}

/* Commits of 64 B, between two looks at the counters of the unit. */
static int entered(struct part *p, const char *what)
{
	struct series s = { .size = 64, .context = p };
	struct count before, after;
	int i;

	if (p->r->count < 0)
		return 0;
	if (count_ask(p->r->count, &before))
		return -1;
	for (i = 0; i < COUNTED; i++)
		if (part_update(&s))
			return -1;
	if (count_ask(p->r->count, &after))
		return -1;
	return report_count(p->r->report, "remote_entered", what,
			    (double)(after.completions - before.completions) / COUNTED);
}

int remote_commits(struct remote *r)
{
	struct series raw = { .what = "raw_write_message", .op = part_write_message };
	struct part p = { .r = r };
	size_t i;
	int code;

	setenv("NPMU_PERSIST", "message", 1);
	code = remote_writer(r, PART_BLOCK, true, &p.region, &p.writer);
	unsetenv("NPMU_PERSIST");
	for (i = 0; !code && i < NR_SIZES; i++)
		code = commits_of(&p, "remote_commit", sizes[i], r->peer ? &raw : NULL,
				  "update_message");
	if (!code)
		code = entered(&p, "update_message");
	part_end(&p);
	return code;
}

int remote_flushes(struct remote *r)
{
	struct series raw = { .what = "raw_write_flush", .op = part_write_flush };
	struct part p = { .r = r };
	int code = remote_writer(r, PART_BLOCK, true, &p.region, &p.writer);
	size_t i;

	if (!code && npmu_region_persist_method(p.region) != NPMU_PERSIST_FLUSH) {
		report_note(r->report, "remote_flush", "update_flush",
			    "not offered, or not there: NPMU_PERSIST=flush says why");
		part_end(&p);
		return 0;
	}
	if (!code && r->peer && !r->raw.can_flush)
		report_note(r->report, "remote_flush", "raw_write_flush",
			    "the peer's memory is not persistent: npmu-bench serve --memory");
	for (i = 0; !code && i < NR_SIZES; i++)
		code = commits_of(&p, "remote_flush", sizes[i], r->raw.can_flush ? &raw : NULL,
				  "update_flush");
	if (!code)
		code = entered(&p, "update_flush");
	part_end(&p);
	return code;
}

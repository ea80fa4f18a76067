// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Rights of principals in the media check: which copy of the creators counts, and what
 * is granted. Must not know how regions are walked.
 */
#include <inttypes.h>

#include "../drivers/npmu/grant.h"
#include "mediacheck_int.h"

static void tell_creators(struct check *c, const struct place *at,
			  const struct npmu_creators_block *blk)
{
	struct npmu_creators list;
	uint32_t i;

	npmu_creators_load(&list, blk);
	for (i = 0; i < list.nr; i++)
		check_finding(c, NPMU_NOTE, at,
			      "principal %s may create %" PRIu32 " regions of %llu bytes together",
			      list.of[i].principal, list.of[i].max_regions, list.of[i].quota);
	c->sum->creators = list.nr;
}

void check_creators(struct check *c)
{
	static const uint64_t offset[2] = { NPMU_CREATORS_COPY0, NPMU_CREATORS_COPY1 };
	struct npmu_creators_block *blk = c->b->creators;
	u64 epoch[2] = { 0, 0 };
	struct npmu_pick pick;
	int verdict[2], i;

	for (i = 0; i < 2; i++) {
		verdict[i] = check_read(c, offset[i], &blk[i]);
		if (!verdict[i])
			verdict[i] = npmu_creators_check(&blk[i], c->sb);
		if (!verdict[i])
			epoch[i] = le64_to_cpu(blk[i].media_epoch);
	}
	pick = npmu_record_pick(verdict, epoch, !memcmp(&blk[0], &blk[1], NPMU_RECORD_SIZE));
	for (i = 0; i < 2; i++) {
		struct place at = { NPMU_WHAT_CREATORS, i, -1, "", offset[i] };

		if (verdict[i])
			check_finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING, &at, "%s",
				      check_verdict_text(verdict[i]));
		else if (pick.repair && !verdict[!i] && i != pick.current_copy)
			check_finding(c, NPMU_WARNING, &at,
				      "differs from copy %d: media epoch %llu, there %llu",
				      pick.current_copy, epoch[i], epoch[pick.current_copy]);
	}
	if (pick.current_copy >= 0) {
		struct place at = { NPMU_WHAT_CREATORS, pick.current_copy, -1, "",
				    offset[pick.current_copy] };

		if (epoch[pick.current_copy] > c->sum->media_epoch)
			c->sum->media_epoch = epoch[pick.current_copy];
		tell_creators(c, &at, &blk[pick.current_copy]);
	}
}

void check_grants(struct check *c, const struct npmu_region_record *rec, const struct place *at)
{
	struct npmu_grant g[NPMU_MAX_GRANTS];
	uint32_t nr = le32_to_cpu(rec->nr_grants);
	uint32_t i;

	npmu_grants_load(g, rec->grants, nr);
	for (i = 0; i < nr; i++) {
		const char *may = g[i].access & NPMU_GRANT_WRITE ? "read and write" : "read";
		struct place where = *at;

		where.what = NPMU_WHAT_GRANT;
		if (g[i].len)
			check_finding(c, NPMU_NOTE, &where,
				      "principal %s may %s %llu bytes from %llu on",
				      g[i].principal, may, g[i].len, g[i].offset);
		else
			check_finding(c, NPMU_NOTE, &where, "principal %s may %s all of it",
				      g[i].principal, may);
	}
	c->sum->grants += nr;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The bad list in the media check: which copy of it counts, and what its ranges hit.
 * Must not know how regions are walked.
 */
#include <inttypes.h>

#include "mediacheck_int.h"

void check_bad_list(struct check *c)
{
	static const uint64_t offset[2] = { NPMU_BAD_COPY0, NPMU_BAD_COPY1 };
	struct npmu_bad_block *blk = c->b->bad;
	u64 epoch[2] = { 0, 0 };
	struct npmu_pick pick;
	int verdict[2], i;

	for (i = 0; i < 2; i++) {
		verdict[i] = check_read(c, offset[i], &blk[i]);
		if (!verdict[i])
			verdict[i] = npmu_bad_check(&blk[i], c->sb);
		if (!verdict[i])
			epoch[i] = le64_to_cpu(blk[i].media_epoch);
	}
	pick = npmu_record_pick(verdict, epoch, !memcmp(&blk[0], &blk[1], NPMU_RECORD_SIZE));
	for (i = 0; i < 2; i++) {
		struct place at = { NPMU_WHAT_BAD, i, -1, "", offset[i] };

		if (verdict[i])
			check_finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING, &at, "%s",
				      check_verdict_text(verdict[i]));
		else if (pick.repair && !verdict[!i] && i != pick.current_copy)
			check_finding(c, NPMU_WARNING, &at,
				      "differs from copy %d: media epoch %llu, there %llu",
				      pick.current_copy, epoch[i], epoch[pick.current_copy]);
	}
	if (pick.current_copy < 0)
		return;
	npmu_bad_load(&c->bad, &blk[pick.current_copy]);
	c->sum->bad_bytes = npmu_bad_bytes(&c->bad, 0, c->sum->size);
	if (epoch[pick.current_copy] > c->sum->media_epoch)
		c->sum->media_epoch = epoch[pick.current_copy];
	if (c->bad.incomplete) {
		struct place at = { NPMU_WHAT_BAD, pick.current_copy, -1, "",
				    offset[pick.current_copy] };

		check_finding(c, NPMU_ERROR, &at,
			      "the list is not complete: nothing is allocated on this unit");
	}
}

void check_bad_owned(struct check *c, const struct place *at, uint64_t start, uint64_t len)
{
	uint64_t end = start + len;
	uint32_t i;

	for (i = npmu_bad_find(&c->bad, start);
	     i < c->bad.nr && c->bad.ranges[i].start < end; i++) {
		struct npmu_bad_range *r = &c->bad.ranges[i];
		uint64_t from = max_t(uint64_t, start, r->start);
		uint64_t stop = min_t(uint64_t, end, r->start + r->len);
		struct place where = *at;

		where.what = NPMU_WHAT_BAD;
		where.copy = -1;
		where.offset = from;
		check_finding(c, NPMU_ERROR, &where,
			      "%" PRIu64 " bytes failed and are lost", stop - from);
	}
}

/* The runs of a range that are free, one granule after the other. */
static void tell_free(struct check *c, uint64_t start, uint64_t end)
{
	struct place at = { NPMU_WHAT_BAD, -1, -1, "", start };
	uint64_t from = start;

	for (; start <= end; start += NPMU_GRANULE_SIZE) {
		if (start < end && npmu_alloc_is_free(&c->alloc, start, NPMU_GRANULE_SIZE))
			continue;
		at.offset = from;
		if (from < start)
			check_finding(c, NPMU_NOTE, &at,
				      "%" PRIu64 " bytes failed and are out of use",
				      start - from);
		from = start + NPMU_GRANULE_SIZE;
	}
}

void check_bad_free(struct check *c)
{
	uint32_t i;

	for (i = 0; i < c->bad.nr; i++) {
		struct npmu_bad_range *r = &c->bad.ranges[i];

		tell_free(c, r->start, r->start + r->len);
		npmu_alloc_mark_rest(&c->alloc, r->start, r->len);
	}
}

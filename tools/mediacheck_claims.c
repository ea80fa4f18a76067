// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What regions claim of a unit: their extents and list blocks, whether they can be
 * read, add up, and are claimed by nobody else. Must not know how the current copy
 * of a record is found.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "mediacheck_int.h"

/* Called for each run that a region claims; false when it cannot have it. */
typedef bool claim_fn(struct check *c, const struct place *at, uint64_t start,
		      uint64_t len);

static bool claim_mark(struct check *c, const struct place *at, uint64_t start,
		       uint64_t len)
{
	check_bad_owned(c, at, start, len);
	if (!npmu_alloc_mark(&c->alloc, start, len))
		return true;
	if (c->told++ < MAX_TOLD)
		check_finding(c, NPMU_ERROR, at,
			      "bytes %" PRIu64 " to %" PRIu64
			      " are claimed already", start, start + len - 1);
	if (c->nr_clashes < MAX_CLASHES)
		c->clash[c->nr_clashes++] =
			(struct clash){ start, len, at->slot };
	/* What of it is nobody else's is not free either. */
	npmu_alloc_mark_rest(&c->alloc, start, len);
	return false;
}

/* Only to see whether the region is sound. */
static bool claim_none(struct check *c, const struct place *at, uint64_t start,
		       uint64_t len)
{
	(void)c;
	(void)at;
	(void)start;
	(void)len;
	return true;
}

/* The second pass: who else claims what clashed. */
static bool claim_compare(struct check *c, const struct place *at,
			  uint64_t start, uint64_t len)
{
	uint32_t i;

	for (i = 0; i < c->nr_clashes; i++) {
		const struct clash *k = &c->clash[i];

		if (k->slot != (uint32_t)at->slot &&
		    start < k->start + k->len && k->start < start + len &&
		    c->told++ < MAX_TOLD)
			check_finding(c, NPMU_ERROR, at,
				      "bytes %" PRIu64 " to %" PRIu64
				      " are also claimed by slot %" PRIu32,
				      start, start + len - 1, k->slot);
	}
	return true;
}

/* Claim extents that passed a record's check; false when one clashed. */
static bool claim_extents(struct check *c, const struct place *at,
			  const struct npmu_extent_rec *e, uint32_t nr,
			  uint64_t *sum, claim_fn *claim)
{
	struct place where = *at;
	bool ok = true;
	uint32_t i;

	where.what = NPMU_WHAT_EXTENT;
	for (i = 0; i < nr; i++) {
		if (!claim(c, &where, le64_to_cpu(e[i].start),
			   le64_to_cpu(e[i].len)))
			ok = false;
		*sum += le64_to_cpu(e[i].len);
	}
	return ok;
}

/* Read both copies of a list block. Returns a valid one or NULL. */
static const struct npmu_list_block *
read_list_block(struct check *c, const struct place at[2],
		const struct npmu_list_ref *ref,
		const struct npmu_region_record *rec, uint32_t left, bool loud)
{
	int verdict[2], i;

	for (i = 0; i < 2; i++) {
		verdict[i] = check_read(c, at[i].offset, &c->b->blk[i]);
		if (!verdict[i])
			verdict[i] = npmu_list_check(&c->b->blk[i], ref, c->sb,
						     at[i].slot, rec->uuid,
						     left);
	}
	for (i = 0; i < 2 && loud; i++)
		if (verdict[i])
			check_finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING,
				      &at[i], "%s",
				      check_verdict_text(verdict[i]));
	if (verdict[0] && verdict[1])
		return NULL;
	return &c->b->blk[verdict[0] ? 1 : 0];
}

/*
 * Go through all that a region has, and claim it; false when it is not whole.
 * What is wrong with lists and sizes is said when loud. It ends, and the sum does
 * not wrap, since the checks bound the number and the length of extents.
 */
static bool walk_region(struct check *c, const struct npmu_region_record *rec,
			const struct place *at, claim_fn *claim, bool loud)
{
	uint64_t size = le64_to_cpu(rec->size), sum = 0;
	uint32_t left = le32_to_cpu(rec->nr_extents);
	uint32_t nr = min_t(uint32_t, left, NPMU_INLINE_EXTENTS);
	struct npmu_list_ref ref = rec->list;
	bool ok;

	ok = claim_extents(c, at, rec->extents, nr, &sum, claim);
	for (left -= nr; left && sum < size; left -= nr) {
		struct place where[2] = { *at, *at };
		const struct npmu_list_block *blk;
		int i;

		for (i = 0; i < 2; i++) {
			where[i].what = NPMU_WHAT_LIST;
			where[i].copy = i;
			where[i].offset = le64_to_cpu(ref.addr[i]);
			if (!claim(c, &where[i], where[i].offset,
				   NPMU_RECORD_SIZE))
				ok = false;
		}
		blk = read_list_block(c, where, &ref, rec, left, loud);
		if (!blk)
			return false;
		i = blk == &c->b->blk[1];
		nr = le32_to_cpu(blk->nr);
		ref = blk->next;
		if (!claim_extents(c, &where[i], blk->extents, nr, &sum, claim))
			ok = false;
	}
	if (left || sum != size) {
		if (loud)
			check_finding(c, NPMU_ERROR, at, "%s",
				      npmu_format_error_text(NPMU_FMT_SUM));
		return false;
	}
	return ok;
}

bool check_sound(struct check *c, const struct npmu_region_record *rec,
		 const struct place *at, bool loud)
{
	return walk_region(c, rec, at, claim_none, loud);
}

static bool claim_note(struct check *c, const struct place *at, uint64_t start, uint64_t len)
{
	struct npmu_extent *e = &c->extents[c->nr_extents];

	if (at->what != NPMU_WHAT_EXTENT)
		return true;
	*e = (struct npmu_extent){ .start = start, .len = len };
	if (c->nr_extents++)
		e->off = e[-1].off + e[-1].len;
	return true;
}

int check_map(struct check *c, uint32_t slot, const struct npmu_region_record **rec)
{
	struct place at;

	*rec = check_record(c, slot, &at, false);
	if (!*rec || le32_to_cpu((*rec)->state) != NPMU_SLOT_REGION)
		return -ENOENT;
	c->extents = calloc(le32_to_cpu((*rec)->nr_extents), sizeof(*c->extents));
	c->nr_extents = 0;
	if (!c->extents)
		return -ENOMEM;
	if (walk_region(c, *rec, &at, claim_note, false))
		return 0;
	free(c->extents);
	c->extents = NULL;
	return -ENOENT;
}

/* Of two that claim the same, attach lets the one of the higher epoch have it. */
static int seen_by_epoch(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->media_epoch != y->media_epoch)
		return x->media_epoch < y->media_epoch ? 1 : -1;
	return (x->slot > y->slot) - (x->slot < y->slot);
}

/* Walk a region that was sound; the media may have changed since. */
static bool claim_all(struct check *c, uint32_t slot, claim_fn *claim)
{
	const struct npmu_region_record *rec;
	struct place at;

	c->told = 0;
	rec = check_record(c, slot, &at, false);
	return rec && le32_to_cpu(rec->state) == NPMU_SLOT_REGION &&
	       walk_region(c, rec, &at, claim, false);
}

void check_claims(struct check *c)
{
	uint32_t i;

	qsort(c->seen, c->nr_seen, sizeof(*c->seen), seen_by_epoch);
	/* As in attach: only a region that is sound claims anything. */
	for (i = 0; i < c->nr_seen; i++) {
		struct seen *s = &c->seen[i];

		if (s->whole)
			s->whole = claim_all(c, s->slot, claim_mark);
		if (s->whole)
			c->sum->regions++;
		else
			c->sum->damaged++;
	}
	/* Those that lost have said what they clash with. */
	for (i = 0; i < c->nr_seen && c->nr_clashes; i++)
		if (c->seen[i].whole)
			claim_all(c, c->seen[i].slot, claim_compare);
}

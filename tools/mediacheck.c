// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The offline check of a unit's media, over the module's own pure code: what it
 * calls valid, attach calls valid. Reads through a callback, one record at a
 * time; the only memory that grows is the bitmap and one line for each region.
 * Must not know how findings are shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../drivers/npmu/alloc.h"
#include "../drivers/npmu/format.h"
#include "mediacheck.h"

/* Overlaps for which the second claimant is looked up. */
#define MAX_CLASHES	64

/* What must be compared across regions. */
struct seen {
	char name[NPMU_REGION_NAME_LEN];
	uint8_t uuid[NPMU_UUID_LEN];
	uint32_t slot;
	bool whole;
};

struct clash {
	uint64_t start;
	uint64_t len;
	uint32_t slot;
};

/* Aligned, so that a source may read past the page cache. */
struct buffers {
	struct npmu_superblock sb[2];
	struct npmu_region_record rec[2];
	struct npmu_list_block blk[2];
};

struct check {
	const struct npmu_media_source *src;
	npmu_report_fn *report;
	void *ctx;
	struct npmu_check_summary *sum;
	struct buffers *b;
	const struct npmu_superblock *sb;
	struct npmu_alloc alloc;
	void *alloc_mem;
	struct seen *seen;
	uint32_t nr_seen;
	struct clash clash[MAX_CLASHES];
	uint32_t nr_clashes;
};

/* Where a finding stands; the rest of it is said at each place. */
struct place {
	enum npmu_finding_what what;
	int copy;
	int slot;
	const char *region;
	uint64_t offset;
};

const char *npmu_finding_what_text(enum npmu_finding_what what)
{
	switch (what) {
	case NPMU_WHAT_SUPERBLOCK:
		return "superblock";
	case NPMU_WHAT_RECORD:
		return "record";
	case NPMU_WHAT_LIST:
		return "list";
	case NPMU_WHAT_EXTENT:
		return "extent";
	}
	return "unknown";
}

const char *npmu_severity_text(enum npmu_severity severity)
{
	return severity == NPMU_ERROR ? "error" : "warning";
}

__attribute__((format(printf, 4, 5)))
static void finding(struct check *c, enum npmu_severity severity,
		    const struct place *at, const char *fmt, ...)
{
	char text[256];
	struct npmu_finding f = {
		.severity = severity,
		.what = at->what,
		.copy = at->copy,
		.slot = at->slot,
		.region = at->region,
		.offset = at->offset,
		.text = text,
	};
	va_list ap;

	if (severity == NPMU_ERROR)
		c->sum->errors++;
	else
		c->sum->warnings++;
	if (!c->report)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->report(c->ctx, &f);
}

/* A verdict is 0, an enum npmu_format_error or, from reading, -errno. */
static const char *verdict_text(int verdict)
{
	return verdict < 0 ? strerror(-verdict) :
			     npmu_format_error_text(verdict);
}

static int read_record(struct check *c, uint64_t off, void *buf)
{
	return c->src->read(c->src->ctx, off, buf, NPMU_RECORD_SIZE);
}

/* --- superblock --- */

static int check_superblocks(struct check *c)
{
	static const uint64_t offset[2] = { 0, NPMU_SB_COPY1 };
	const struct npmu_superblock *sb;
	int verdict[2], i;

	for (i = 0; i < 2; i++) {
		verdict[i] = NPMU_FMT_TRUNCATED;
		if (c->src->size >= offset[i] + NPMU_RECORD_SIZE) {
			verdict[i] = read_record(c, offset[i], &c->b->sb[i]);
			if (!verdict[i])
				verdict[i] = npmu_sb_check(&c->b->sb[i],
							   c->src->size);
		}
	}
	for (i = 0; i < 2; i++) {
		struct place at = { NPMU_WHAT_SUPERBLOCK, i, -1, "", offset[i] };

		if (verdict[i])
			finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING, &at,
				"%s", verdict_text(verdict[i]));
	}
	if (verdict[0] && verdict[1])
		return -1;
	if (!verdict[0] && !verdict[1] &&
	    memcmp(&c->b->sb[0], &c->b->sb[1], NPMU_RECORD_SIZE)) {
		struct place at = { NPMU_WHAT_SUPERBLOCK, 1, -1, "", offset[1] };

		finding(c, NPMU_WARNING, &at, "differs from copy 0");
	}

	sb = &c->b->sb[verdict[0] ? 1 : 0];
	c->sb = sb;
	c->sum->found_unit = 1;
	memcpy(c->sum->unit_name, sb->name, sizeof(c->sum->unit_name));
	memcpy(c->sum->uuid, sb->uuid, sizeof(c->sum->uuid));
	c->sum->size = le64_to_cpu(sb->size);
	c->sum->data_bytes = c->sum->size - le64_to_cpu(sb->data_start);
	c->sum->max_regions = le32_to_cpu(sb->max_regions);
	return 0;
}

/* --- extents and list blocks --- */

/* Called for each run that a region claims; false when it cannot have it. */
typedef bool claim_fn(struct check *c, const struct place *at, uint64_t start,
		      uint64_t len);

static bool claim_mark(struct check *c, const struct place *at, uint64_t start,
		       uint64_t len)
{
	if (!npmu_alloc_mark(&c->alloc, start, len))
		return true;
	finding(c, NPMU_ERROR, at,
		"bytes %" PRIu64 " to %" PRIu64 " are claimed already", start,
		start + len - 1);
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
		    start < k->start + k->len && k->start < start + len)
			finding(c, NPMU_ERROR, at,
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
		verdict[i] = read_record(c, at[i].offset, &c->b->blk[i]);
		if (!verdict[i])
			verdict[i] = npmu_list_check(&c->b->blk[i], ref, c->sb,
						     at[i].slot, rec->uuid,
						     left);
	}
	for (i = 0; i < 2 && loud; i++)
		if (verdict[i])
			finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING,
				&at[i], "%s", verdict_text(verdict[i]));
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
			finding(c, NPMU_ERROR, at, "%s",
				npmu_format_error_text(NPMU_FMT_SUM));
		return false;
	}
	return ok;
}

/* --- region records --- */

/* Read both copies and choose; findings only in the first pass. */
static const struct npmu_region_record *
read_slot(struct check *c, uint32_t slot, struct place *at, bool first)
{
	const struct npmu_region_record *rec;
	u64 epoch[2] = { 0, 0 };
	struct npmu_pick pick;
	int verdict[2], i;
	bool same;

	*at = (struct place){ NPMU_WHAT_RECORD, -1, slot, "", 0 };
	for (i = 0; i < 2; i++) {
		verdict[i] = read_record(c, npmu_record_offset(c->sb, slot, i),
					 &c->b->rec[i]);
		if (!verdict[i])
			verdict[i] = npmu_region_check(&c->b->rec[i], c->sb,
						       slot);
		if (!verdict[i])
			epoch[i] = le64_to_cpu(c->b->rec[i].media_epoch);
	}
	same = !memcmp(&c->b->rec[0], &c->b->rec[1], NPMU_RECORD_SIZE);
	/*
	 * Copies that differ come from the middle of a commit, and then the older
	 * one serves if the list of the newer one is bad.
	 */
	for (i = 0; i < 2 && !same; i++)
		if (!verdict[i] && !walk_region(c, &c->b->rec[i], at, claim_none,
						 false))
			verdict[i] = NPMU_FMT_LIST_REF;
	pick = npmu_record_pick(verdict, epoch, same);
	if (pick.current_copy >= 0) {
		at->copy = pick.current_copy;
		at->offset = npmu_record_offset(c->sb, slot, at->copy);
		at->region = (const char *)c->b->rec[at->copy].name;
	}
	for (i = 0; i < 2 && first; i++) {
		struct place where = *at;

		where.copy = i;
		where.offset = npmu_record_offset(c->sb, slot, i);
		if (verdict[i])
			finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING,
				&where, "%s", verdict_text(verdict[i]));
		else if (pick.repair && !verdict[!i] && i != at->copy)
			finding(c, NPMU_WARNING, &where,
				"differs from copy %d: media epoch %llu, there %llu",
				at->copy, epoch[i], epoch[at->copy]);
	}
	if (pick.current_copy < 0)
		return NULL;
	rec = &c->b->rec[at->copy];
	if (epoch[at->copy] > c->sum->media_epoch)
		c->sum->media_epoch = epoch[at->copy];
	return rec;
}

static void check_slot(struct check *c, uint32_t slot)
{
	const struct npmu_region_record *rec;
	struct place at;
	struct seen *seen;

	rec = read_slot(c, slot, &at, true);
	if (!rec) {
		c->sum->damaged++;
		return;
	}
	if (le32_to_cpu(rec->state) == NPMU_SLOT_FREE)
		return;
	seen = &c->seen[c->nr_seen++];
	memcpy(seen->name, rec->name, sizeof(seen->name));
	memcpy(seen->uuid, rec->uuid, sizeof(seen->uuid));
	seen->slot = slot;
	/* As in attach: only a region that is sound claims anything. */
	seen->whole = walk_region(c, rec, &at, claim_none, true) &&
		      walk_region(c, rec, &at, claim_mark, false);
	if (seen->whole)
		c->sum->regions++;
	else
		c->sum->damaged++;
}

/* Regions that are not whole have said what they clash with. */
static void name_clashes(struct check *c)
{
	uint32_t i;

	for (i = 0; i < c->nr_seen; i++) {
		const struct npmu_region_record *rec;
		struct place at;

		if (!c->seen[i].whole)
			continue;
		rec = read_slot(c, c->seen[i].slot, &at, false);
		if (rec && le32_to_cpu(rec->state) == NPMU_SLOT_REGION)
			walk_region(c, rec, &at, claim_compare, false);
	}
}

/* --- across regions --- */

static int seen_by_name(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int cmp = strcmp(x->name, y->name);

	return cmp ? cmp : (x->slot > y->slot) - (x->slot < y->slot);
}

static int seen_by_uuid(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;
	int cmp = memcmp(x->uuid, y->uuid, sizeof(x->uuid));

	return cmp ? cmp : (x->slot > y->slot) - (x->slot < y->slot);
}

static void check_unique(struct check *c)
{
	uint32_t i;

	qsort(c->seen, c->nr_seen, sizeof(*c->seen), seen_by_name);
	for (i = 1; i < c->nr_seen; i++) {
		const struct seen *s = &c->seen[i];
		struct place at = { NPMU_WHAT_RECORD, -1, s->slot, s->name,
				    npmu_record_offset(c->sb, s->slot, 0) };

		if (!strcmp(s->name, s[-1].name))
			finding(c, NPMU_ERROR, &at,
				"slot %" PRIu32 " has the same name",
				s[-1].slot);
	}
	qsort(c->seen, c->nr_seen, sizeof(*c->seen), seen_by_uuid);
	for (i = 1; i < c->nr_seen; i++) {
		const struct seen *s = &c->seen[i];
		struct place at = { NPMU_WHAT_RECORD, -1, s->slot, s->name,
				    npmu_record_offset(c->sb, s->slot, 0) };

		if (!memcmp(s->uuid, s[-1].uuid, sizeof(s->uuid)))
			finding(c, NPMU_ERROR, &at,
				"slot %" PRIu32 " has the same uuid",
				s[-1].slot);
	}
}

static int check_regions(struct check *c)
{
	uint64_t size = c->sum->size;
	uint32_t slot;

	/* No skew: how chunks lie does not matter to what is taken. */
	c->alloc_mem = calloc(1, npmu_alloc_bytes(size, 0));
	c->seen = calloc(c->sum->max_regions, sizeof(*c->seen));
	if (!c->alloc_mem || !c->seen)
		return -ENOMEM;
	npmu_alloc_init(&c->alloc, c->alloc_mem,
			le64_to_cpu(c->sb->data_start), size, 0);
	for (slot = 0; slot < c->sum->max_regions; slot++)
		check_slot(c, slot);
	if (c->nr_clashes)
		name_clashes(c);
	check_unique(c);
	c->sum->free_bytes = npmu_alloc_available(&c->alloc);
	return 0;
}

int npmu_mediacheck(const struct npmu_media_source *src, npmu_report_fn *report,
		    void *ctx, struct npmu_check_summary *sum)
{
	struct check c = {
		.src = src, .report = report, .ctx = ctx, .sum = sum,
	};
	int err = 0;

	memset(sum, 0, sizeof(*sum));
	sum->device_size = src->size;
	c.b = aligned_alloc(NPMU_RECORD_SIZE, sizeof(*c.b));
	if (!c.b)
		return -ENOMEM;
	memset(c.b, 0, sizeof(*c.b));
	if (!check_superblocks(&c))
		err = check_regions(&c);
	free(c.seen);
	free(c.alloc_mem);
	free(c.b);
	return err;
}

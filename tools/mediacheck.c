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

#include "mediacheck_int.h"

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
	case NPMU_WHAT_BAD:
		return "bad";
	case NPMU_WHAT_CREATORS:
		return "creators";
	case NPMU_WHAT_GRANT:
		return "grant";
	}
	return "unknown";
}

const char *npmu_severity_text(enum npmu_severity severity)
{
	static const char *const names[] = {
		[NPMU_NOTE] = "note",
		[NPMU_WARNING] = "warning",
		[NPMU_ERROR] = "error",
	};

	return names[severity];
}

void check_finding(struct check *c, enum npmu_severity severity,
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
	else if (severity == NPMU_WARNING)
		c->sum->warnings++;
	if (!c->report || !c->report->finding)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	c->report->finding(c->report->ctx, &f);
}

const char *check_verdict_text(int verdict)
{
	return verdict < 0 ? strerror(-verdict) :
			     npmu_format_error_text(verdict);
}

int check_read(struct check *c, uint64_t off, void *buf)
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
			verdict[i] = check_read(c, offset[i], &c->b->sb[i]);
			if (!verdict[i])
				verdict[i] = npmu_sb_check(&c->b->sb[i],
							   c->src->size);
		}
	}
	for (i = 0; i < 2; i++) {
		struct place at = { NPMU_WHAT_SUPERBLOCK, i, -1, "", offset[i] };

		if (verdict[i])
			check_finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING, &at,
				      "%s", check_verdict_text(verdict[i]));
	}
	if (verdict[0] && verdict[1])
		return -1;
	if (!verdict[0] && !verdict[1] &&
	    memcmp(&c->b->sb[0], &c->b->sb[1], NPMU_RECORD_SIZE)) {
		struct place at = { NPMU_WHAT_SUPERBLOCK, 1, -1, "", offset[1] };

		check_finding(c, NPMU_WARNING, &at, "differs from copy 0");
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

/* --- region records --- */

const struct npmu_region_record *check_record(struct check *c, uint32_t slot,
					      struct place *at, bool loud)
{
	const struct npmu_region_record *rec;
	u64 epoch[2] = { 0, 0 };
	struct npmu_pick pick;
	int verdict[2], i;
	bool same;

	*at = (struct place){ NPMU_WHAT_RECORD, -1, slot, "", 0 };
	for (i = 0; i < 2; i++) {
		verdict[i] = check_read(c, npmu_record_offset(c->sb, slot, i),
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
		if (!verdict[i] && !check_sound(c, &c->b->rec[i], at, false))
			verdict[i] = NPMU_FMT_LIST_REF;
	pick = npmu_record_pick(verdict, epoch, same);
	if (pick.current_copy >= 0) {
		at->copy = pick.current_copy;
		at->offset = npmu_record_offset(c->sb, slot, at->copy);
		at->region = (const char *)c->b->rec[at->copy].name;
	}
	for (i = 0; i < 2 && loud; i++) {
		struct place where = *at;

		where.copy = i;
		where.offset = npmu_record_offset(c->sb, slot, i);
		if (verdict[i])
			check_finding(c, verdict[!i] ? NPMU_ERROR : NPMU_WARNING,
				      &where, "%s", check_verdict_text(verdict[i]));
		else if (pick.repair && !verdict[!i] && i != at->copy)
			check_finding(c, NPMU_WARNING, &where,
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

	rec = check_record(c, slot, &at, true);
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
	seen->media_epoch = le64_to_cpu(rec->media_epoch);
	seen->whole = check_sound(c, rec, &at, true);
	check_grants(c, rec, &at);
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
			check_finding(c, NPMU_ERROR, &at,
				      "slot %" PRIu32 " has the same name",
				      s[-1].slot);
	}
	qsort(c->seen, c->nr_seen, sizeof(*c->seen), seen_by_uuid);
	for (i = 1; i < c->nr_seen; i++) {
		const struct seen *s = &c->seen[i];
		struct place at = { NPMU_WHAT_RECORD, -1, s->slot, s->name,
				    npmu_record_offset(c->sb, s->slot, 0) };

		if (!memcmp(s->uuid, s[-1].uuid, sizeof(s->uuid)))
			check_finding(c, NPMU_ERROR, &at,
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
	check_bad_list(c);
	check_creators(c);
	for (slot = 0; slot < c->sum->max_regions; slot++)
		check_slot(c, slot);
	check_claims(c);
	check_unique(c);
	check_bad_free(c);
	c->sum->free_bytes = npmu_alloc_available(&c->alloc);
	return check_checkpoints(c);
}

int npmu_mediacheck(const struct npmu_media_source *src,
		    const struct npmu_check_report *report, struct npmu_check_summary *sum)
{
	struct check c = {
		.src = src, .report = report, .sum = sum,
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

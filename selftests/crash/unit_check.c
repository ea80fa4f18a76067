// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recovery of a unit after a cut: the module's own attach, and the invariants of
 * the media. Owns what must hold; which cut it was is for explore.c.
 */
#include "media.h"
#include "mediacheck.h"
#include "rec_backing.h"
#include "unit_ops.h"

static u8 *at(u64 off)
{
	return (u8 *)model_line(0) + off;
}

/* Every granule has one owner at most, and is taken exactly when it has one. */
static const char *check_owners(struct npmu_unit *unit)
{
	const struct npmu_badlist *bad = npmu_media_badlist(unit->media);
	const struct npmu_alloc *alloc = &unit->media->alloc;
	u64 nr = model_size() >> NPMU_GRANULE_SHIFT, i, g;
	static u8 owned[1 << 16];
	struct npmu_region *region;
	unsigned long slot;
	u32 e;

	SHIM_ASSERT(nr <= sizeof(owned));
	memset(owned, 0, nr);
	xa_for_each(&unit->regions, slot, region) {
		const struct npmu_extmap *map = region->map;

		for (e = 0; e < map->nr; e++)
			for (i = 0; i < map->extents[e].len >> NPMU_GRANULE_SHIFT; i++) {
				g = (map->extents[e].start >> NPMU_GRANULE_SHIFT) + i;
				if (owned[g]++)
					return "an extent is owned twice";
			}
		for (e = 0; e < map->nr_list; e++)
			if (owned[map->list[e] >> NPMU_GRANULE_SHIFT]++)
				return "a list block is owned twice";
	}
	for (g = alloc->lo >> NPMU_GRANULE_SHIFT; g < alloc->hi >> NPMU_GRANULE_SHIFT; g++)
		if (npmu_alloc_is_free(alloc, g << NPMU_GRANULE_SHIFT, NPMU_GRANULE_SIZE) ==
		    (owned[g] || npmu_bad_meets(bad, g << NPMU_GRANULE_SHIFT, 1)))
			return owned[g] ? "an owned granule is free" :
					  "a granule leaked, or a bad one is free";
	return NULL;
}

static const char *check_copies(struct npmu_unit *unit)
{
	const struct npmu_superblock *sb = unit->media->sb;
	struct npmu_region *region;
	unsigned long slot;
	u32 i;

	if (memcmp(at(0), at(NPMU_SB_COPY1), NPMU_RECORD_SIZE))
		return "the copies of the superblock differ";
	if (memcmp(at(NPMU_BAD_COPY0), at(NPMU_BAD_COPY1), NPMU_RECORD_SIZE))
		return "the copies of the bad list differ";
	if (memcmp(at(NPMU_CREATORS_COPY0), at(NPMU_CREATORS_COPY1), NPMU_RECORD_SIZE))
		return "the copies of the creators differ";
	for (i = 0; i < le32_to_cpu(sb->max_regions); i++)
		if (memcmp(at(npmu_record_offset(sb, i, 0)), at(npmu_record_offset(sb, i, 1)),
			   NPMU_RECORD_SIZE))
			return "the copies of a record differ";
	xa_for_each(&unit->regions, slot, region)
		for (i = 0; i < region->map->nr_list; i += 2)
			if (memcmp(at(region->map->list[i]), at(region->map->list[i + 1]),
				   NPMU_RECORD_SIZE))
				return "the copies of a list block differ";
	return NULL;
}

static int read_memory(void *ctx, uint64_t off, void *buf, size_t len)
{
	(void)ctx;
	memcpy(buf, at(off), len);
	return 0;
}

/* The offline check has nothing to say; @repaired: not even what attach mends. */
static const char *check_offline(const struct snap *s, bool repaired)
{
	struct npmu_media_source src = { .size = model_size(), .read = read_memory };
	struct npmu_check_summary sum;

	if (npmu_mediacheck(&src, NULL, &sum))
		return "unit check: cannot read";
	if ((sum.errors && !run_now->lost) || sum.damaged)
		return "unit check: errors";
	if (repaired && (sum.warnings || sum.regions != s->nr || sum.free_bytes != s->free ||
			 sum.media_epoch != s->media_epoch))
		return "unit check: warnings, or another count";
	return NULL;
}

/* One of the states that may be there; with the reason why the last one is not it. */
static const struct snap *match(struct npmu_unit *unit, const struct explore_at *where,
				int *raised, const char **why)
{
	struct unit_run *run = run_now;
	const struct run_op *op;
	const char *first;

	*raised = -1;
	first = snap_compare(&run->snap[where->answered], unit, -1);
	*why = first;
	if (!first)
		return &run->snap[where->answered];
	if (where->inflight == EXPLORE_NONE)
		return NULL;
	*why = snap_compare(&run->snap[where->inflight + 1], unit, -1);
	if (!*why)
		return &run->snap[where->inflight + 1];
	op = &run->op[where->inflight];
	if (op->raised >= 0) {
		*raised = op->raised;
		*why = snap_compare(&run->snap[where->answered], unit, *raised);
		if (!*why)
			return &run->snap[where->answered];
	}
	*why = first;
	return NULL;
}

static const char *check_unit(struct npmu_unit *unit, const struct explore_at *where,
			      const struct snap **found, int *raised)
{
	struct unit_run *run = run_now;
	bool in_op = where->inflight != EXPLORE_NONE;
	const char *why;

	*found = match(unit, where, raised, &why);
	if (!*found)
		return why;
	if (!in_op && !where->spoilt && unit->media->repaired)
		return "nothing was under way, and yet attach had to repair";
	why = check_owners(unit);
	if (!why)
		why = check_copies(unit);
	if (!why && (in_op || where->deep))
		why = snap_compare_data(*found, where->deep ? -1 :
					run->op[where->inflight].touched);
	return why;
}

static struct npmu_unit *attach(const char **why)
{
	struct npmu_unit *unit = npmu_unit_attach_pmem("recording", NULL, NULL);

	*why = NULL;
	if (!IS_ERR(unit))
		return unit;
	*why = PTR_ERR(unit) == -EUCLEAN ? "no unit" : "attach refused";
	return NULL;
}

static void detach(struct npmu_unit *unit)
{
	char name[NPMU_UNIT_NAME_LEN];

	strscpy(name, unit->name);
	npmu_unit_put(unit);
	SHIM_ASSERT(!npmu_unit_detach(name, NULL));
}

static bool may_be_absent(const struct explore_at *where)
{
	struct unit_run *run = run_now;

	return run->snap[where->answered].absent ||
	       (where->inflight != EXPLORE_NONE && run->op[where->inflight].absent);
}

static bool is_durable(const struct model_log *log)
{
	size_t i = log->nr;

	while (i-- > 0 && log->event[i].kind != MODEL_FENCE)
		if (log->event[i].kind <= MODEL_STREAM)
			return false;
	return true;
}

static const char *unit_recover(const struct explore_at *where)
{
	struct model_log *log = model_record(NULL);
	const struct snap *found;
	struct npmu_unit *unit;
	const char *why;
	u64 hash;
	int raised;

	if (where->deep && !may_be_absent(where)) {
		why = check_offline(NULL, false);
		if (why)
			return why;
	}
	hash = model_hash;
	model_record(log);
	unit = attach(&why);
	if (log && !is_durable(log) && !why)
		why = "attach answered before its repairs were durable";
	model_mark(MODEL_END, 0);
	model_record(NULL);
	if (!unit) {
		if (model_hash != hash)
			return "a refused attach changed something";
		return may_be_absent(where) ? NULL : why;
	}
	if (!why)
		why = check_unit(unit, where, &found, &raised);
	detach(unit);
	if (why)
		return why;

	/* Once more: nothing is left to be repaired, and it is the same. */
	hash = model_hash;
	unit = attach(&why);
	if (!unit)
		return "the second attach is refused";
	why = snap_compare(found, unit, raised);
	if (unit->media->repaired || model_hash != hash)
		why = "the second attach changed something";
	detach(unit);
	if (!why && where->deep && raised < 0)
		why = check_offline(found, true);
	return why;
}

/* --- one copy rotten --- */

static bool crc_good(u64 off, size_t crc_at)
{
	u8 copy[NPMU_RECORD_SIZE];
	u32 crc;

	memcpy(copy, at(off), sizeof(copy));
	memcpy(&crc, copy + crc_at, sizeof(crc));
	memset(copy + crc_at, 0, sizeof(crc));
	return npmu_crc32c(0, copy, sizeof(copy)) == le32_to_cpu(crc);
}

static void spoil(u64 off, uint64_t random)
{
	u8 junk[NPMU_RECORD_SIZE];
	u32 i;

	memcpy(junk, at(off), sizeof(junk));
	switch (random % 4) {
	case 0:		/* one bit */
		junk[(random >> 8) % sizeof(junk)] ^= 1U << (random >> 4) % 8;
		break;
	case 1:
		memset(junk, 0, sizeof(junk));
		break;
	case 2:		/* a line of it */
		memset(junk + (random >> 8) % 64 * 64, 0xff, 64);
		junk[(random >> 8) % 64 * 64] ^= (u8)random | 1;
		break;
	default:
		for (i = 0; i < sizeof(junk); i += 8) {
			u64 word = model_random(&random);

			memcpy(junk + i, &word, 8);
		}
	}
	for (i = 0; i < sizeof(junk); i += MODEL_LINE)
		model_poke((u32)((off + i) / MODEL_LINE), 0, junk + i, MODEL_LINE);
}

static const char *rot_superblock(uint64_t random)
{
	u64 off = random % 2 ? NPMU_SB_COPY1 : 0;

	if (npmu_sb_check((void *)at(NPMU_SB_COPY1 - off), model_size()))
		return NULL;
	spoil(off, random >> 8);
	return off ? "superblock copy 1" : "superblock copy 0";
}

static const char *rot_bad_list(uint64_t random)
{
	u64 off = random % 2 ? NPMU_BAD_COPY1 : NPMU_BAD_COPY0;
	u64 twin = NPMU_BAD_COPY0 + NPMU_BAD_COPY1 - off;

	/* One that is zero is as good as none. */
	if (npmu_bytes_zero(at(twin), NPMU_RECORD_SIZE) ||
	    npmu_bad_check((void *)at(twin), (void *)at(0)))
		return NULL;
	spoil(off, random >> 8);
	return off == NPMU_BAD_COPY1 ? "bad list copy 1" : "bad list copy 0";
}

static const char *rot_creators(uint64_t random)
{
	u64 off = random % 2 ? NPMU_CREATORS_COPY1 : NPMU_CREATORS_COPY0;
	u64 twin = NPMU_CREATORS_COPY0 + NPMU_CREATORS_COPY1 - off;

	/* One that is zero is as good as none. */
	if (npmu_bytes_zero(at(twin), NPMU_RECORD_SIZE) ||
	    npmu_creators_check((void *)at(twin), (void *)at(0)))
		return NULL;
	spoil(off, random >> 8);
	return off == NPMU_CREATORS_COPY1 ? "creators copy 1" : "creators copy 0";
}

static const char *rot_record(const struct explore_at *where, uint64_t random)
{
	const struct npmu_superblock *sb = (void *)at(0);
	static char text[64];
	u32 slot, copy = random % 2;
	int touched = -1;

	if (npmu_sb_check(sb, model_size()))
		sb = (void *)at(NPMU_SB_COPY1);
	if (npmu_sb_check(sb, model_size()))
		return NULL;
	if (where->inflight != EXPLORE_NONE)
		touched = run_now->op[where->inflight].touched;
	else if (where->answered)
		touched = run_now->op[where->answered - 1].touched;
	/* Where something just happened, by preference. */
	slot = touched >= 0 && random & 2 ? (u32)touched :
	       (u32)((random >> 8) % le32_to_cpu(sb->max_regions));
	if (npmu_region_check((void *)at(npmu_record_offset(sb, slot, !copy)), sb, slot))
		return NULL;
	spoil(npmu_record_offset(sb, slot, copy), random >> 16);
	snprintf(text, sizeof(text), "copy %u of the record of slot %u", copy, slot);
	return text;
}

static const char *rot_list(const struct explore_at *where, uint64_t random)
{
	const struct snap *s = &run_now->snap[where->answered + (random & 1 &&
							where->inflight != EXPLORE_NONE)];
	u32 i, r = s->nr ? (u32)((random >> 1) % s->nr) : 0;
	u64 off, twin;

	for (i = 0; i < s->nr && !s->r[r].nr_list; i++)
		r = (r + 1) % s->nr;
	if (i == s->nr)
		return NULL;
	i = (u32)((random >> 16) % s->r[r].nr_list);
	off = s->r[r].list[i];
	twin = s->r[r].list[i ^ 1];
	if (memcmp(at(off), at(twin), NPMU_RECORD_SIZE) ||
	    !crc_good(off, offsetof(struct npmu_list_block, crc)))
		return NULL;
	spoil(off, random >> 24);
	return i & 1 ? "copy 1 of a list block" : "copy 0 of a list block";
}

static const char *unit_rot(const struct explore_at *where, uint64_t random)
{
	const char *what = NULL;

	switch (random % 4) {
	case 0:
		what = rot_superblock(random >> 2);
		break;
	case 1:
		what = rot_list(where, random >> 2);
		break;
	case 2:
		what = random & 4 ? rot_bad_list(random >> 3) : rot_creators(random >> 3);
		break;
	}
	return what ?: rot_record(where, random >> 2);
}

const struct explore_ops unit_explore_ops = {
	.recover = unit_recover,
	.rot = unit_rot,
};

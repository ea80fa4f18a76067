// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Workloads on units: each operation alone, with its inline extents and with list
 * blocks, and random sequences. Owns the sequences and nothing else.
 */
#include "media.h"
#include "unit_ops.h"
#include "workload.h"

uint32_t accesses(struct explore *x, struct explore_stat *stat);
uint32_t named_readers(struct explore *x, struct explore_stat *stat);
uint32_t random_readers(struct explore *x, struct explore_stat *stat);
uint32_t rights(struct explore *x, struct explore_stat *stat);
uint32_t random_rights(struct explore *x, struct explore_stat *stat);

#define UNIT_SIZE	(4ULL << 20)
#define PAGE		NPMU_GRANULE_SIZE

static uint32_t explore(struct unit_run *run, struct explore *x, struct explore_stat *stat)
{
	u32 wrong, i;

	run_end(run);
	wrong = run->wrong;
	x->log = &run->log;
	x->ops = &unit_explore_ops;
	x->first = run->first;
	explore_run(x, stat);
	if (stat->failed || wrong)
		for (i = run->first; i < run->nr; i++)
			printf("#   operation %u: %s\n", i, run->op[i].text);
	run_free(run);
	return wrong;
}

/* A formatted, attached unit. What was done so far is not explored. */
static struct unit_run *begin(struct explore *x, u64 skew)
{
	struct unit_run *run = run_begin(UNIT_SIZE, skew, x->seed, true);

	run_format(run, 8, true);
	run_attach(run);
	run->first = run->nr;
	return run;
}

static uint32_t format_fresh(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = run_begin(UNIT_SIZE, 0, x->seed, false);

	run_format(run, 8, false);
	run_attach(run);
	run_create(run, "first", PAGE, 0600);
	return explore(run, x, stat);
}

static uint32_t format_over_junk(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = run_begin(UNIT_SIZE, 0, x->seed, true);

	if (run_format(run, 8, false) != -EEXIST)
		run->wrong++;
	run_format(run, 8, true);
	run_attach(run);
	return explore(run, x, stat);
}

static uint32_t format_over_unit(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);

	run_create(run, "old", 3 * PAGE, 0600);
	run_detach(run);
	run->first = run->nr;
	run_format(run, 9, true);
	run_attach(run);
	run_create(run, "new", PAGE, 0600);
	return explore(run, x, stat);
}

static uint32_t create_delete(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0x5000);

	run_create(run, "a", 2 * PAGE, 0640);
	run_create(run, "a", PAGE, 0640);
	run_store(run, "a", 0, 2);
	run_persist(run, "a", 0, 2);
	run_create(run, "b", PAGE, 0600);
	run_delete(run, "a", false);
	/* Into what was a's. */
	run_create(run, "c", 3 * PAGE, 0600);
	run_delete(run, "c", false);
	run_delete(run, "b", false);
	return explore(run, x, stat);
}

static uint32_t attributes(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);
	struct npmu_region_attr a = { .name = "renamed", .uid = { 1000 }, .gid = { 1001 },
				      .mode = 0440, .flags = NPMU_REGION_F_READ_ONLY };

	run_create(run, "a", PAGE, 0666);
	run_create(run, "b", PAGE, 0666);
	run->first = run->nr;
	a.valid = NPMU_ATTR_NAME;
	run_set(run, "a", &a, false);
	run_set(run, "b", &a, false);
	a.valid = NPMU_ATTR_UID | NPMU_ATTR_GID;
	run_set(run, "renamed", &a, false);
	a.valid = NPMU_ATTR_MODE;
	run_set(run, "renamed", &a, false);
	a.valid = NPMU_ATTR_FLAGS;
	run_set(run, "renamed", &a, false);
	a.flags = 0;
	run_set(run, "renamed", &a, false);
	return explore(run, x, stat);
}

static uint32_t sizes(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0x1ff000);

	run_create(run, "a", 2 * PAGE, 0600);
	run_store(run, "a", 1, 1);
	run_persist(run, "a", 1, 1);
	run_resize(run, "a", 4 * PAGE, false);
	run_store(run, "a", 3, 1);
	run_persist(run, "a", 3, 1);
	run_resize(run, "a", PAGE, false);
	run_create(run, "b", 2 * PAGE, 0600);
	run_resize(run, "a", 3 * PAGE, false);
	run_resize(run, "a", UNIT_SIZE, false);
	return explore(run, x, stat);
}

static uint32_t roles(struct explore *x, struct explore_stat *stat)
{
	struct npmu_region_attr a = { .valid = NPMU_ATTR_FLAGS,
				      .flags = NPMU_REGION_F_READ_ONLY };
	struct unit_run *run = begin(x, 0);

	run_create(run, "a", 3 * PAGE, 0600);
	run->first = run->nr;
	run_open(run, 0, "a", true);
	run_open(run, 1, "a", true);
	run_claim(run, 0);
	run_claim(run, 1);
	run_takeover(run, 1, 1);
	run_takeover(run, 1, 0);
	run_takeover(run, 1, 0);
	run_resign(run, 1);
	run_claim(run, 1);
	run_fence(run, "a", -1);
	run_fence(run, "a", 0);
	run_fence(run, "a", 0);
	run_close(run, 0);
	run_close(run, 1);
	run_open(run, 0, "a", true);
	run_claim(run, 0);
	run_resize(run, "a", PAGE, false);
	run_resize(run, "a", PAGE, true);
	run_close(run, 0);
	run_open(run, 0, "a", true);
	run_claim(run, 0);
	run_set(run, "a", &a, false);
	run_set(run, "a", &a, true);
	a.flags = 0;
	run_set(run, "a", &a, false);
	run_close(run, 0);
	run_open(run, 0, "a", true);
	run_claim(run, 0);
	run_delete(run, "a", false);
	run_delete(run, "a", true);
	return explore(run, x, stat);
}

/* Two regions that grow in turn: each has @nr extents of one granule. */
static void fragment(struct unit_run *run, u32 nr)
{
	u32 i;

	run_create(run, "x", PAGE, 0600);
	run_create(run, "y", PAGE, 0600);
	for (i = 2; i <= nr; i++) {
		run_resize(run, "x", i * PAGE, false);
		run_resize(run, "y", i * PAGE, false);
	}
}

static uint32_t lists(struct explore *x, struct explore_stat *stat)
{
	struct npmu_region_attr a = { .valid = NPMU_ATTR_MODE, .mode = 0400 };
	struct unit_run *run = begin(x, 0);

	fragment(run, 128);
	run->first = run->nr;
	run_resize(run, "x", 129 * PAGE, false);
	run_resize(run, "y", 129 * PAGE, false);
	run_resize(run, "x", 130 * PAGE, false);
	run_store(run, "x", 126, 4);
	run_persist(run, "x", 126, 4);
	run_set(run, "x", &a, false);
	run_fence(run, "x", 0);
	run_resize(run, "x", 129 * PAGE, false);
	run_resize(run, "y", 120 * PAGE, false);
	run_resize(run, "x", 100 * PAGE, false);
	run_delete(run, "y", false);
	return explore(run, x, stat);
}

/* Lists of two blocks, in space that is all in pieces. */
static uint32_t long_lists(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);

	fragment(run, 384);
	run_delete(run, "y", false);
	run->first = run->nr;
	run_create(run, "z", 380 * PAGE, 0600);
	run_store(run, "z", 377, 3);
	run_persist(run, "z", 377, 3);
	run_fence(run, "z", 0);
	run_resize(run, "z", 377 * PAGE, false);
	run_resize(run, "z", 384 * PAGE, false);
	run_delete(run, "x", false);
	run_resize(run, "z", 200 * PAGE, false);
	run_delete(run, "z", false);
	return explore(run, x, stat);
}

/* Bytes that were stored and never written back may arrive whenever they like. */
static uint32_t stray_stores(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);

	run_create(run, "a", 2 * PAGE, 0600);
	run->first = run->nr;
	run_store(run, "a", 0, 2);
	run_resize(run, "a", PAGE, false);
	run_create(run, "b", PAGE, 0600);
	run_delete(run, "a", false);
	run_create(run, "c", 2 * PAGE, 0600);
	return explore(run, x, stat);
}

/* Memory that fails: free, once owned and given back, and under the metadata. */
static uint32_t failures(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);
	const struct npmu_superblock *sb = run->unit->media->sb;
	u64 data = le64_to_cpu(sb->data_start);
	struct snap_region *r;

	run_create(run, "a", 3 * PAGE, 0600);
	run->first = run->nr;
	run_fail(run, data + 40 * PAGE);
	run_fail(run, data + 41 * PAGE);
	run_fail(run, data + 41 * PAGE);
	run_create(run, "b", PAGE, 0600);
	r = snap_find(run_snap(run), "b");
	data = r->extents[0].start + r->extents[0].len;
	run_delete(run, "b", false);
	run_fail(run, data - PAGE);
	run_fail(run, data + PAGE);
	run_create(run, "b", 4 * PAGE, 0600);
	run_fail(run, 0);
	run_fail(run, NPMU_BAD_COPY0);
	run_fail(run, NPMU_SB_COPY1 - PAGE);
	run_fail(run, NPMU_SB_COPY1);
	run_fail(run, NPMU_BAD_COPY1);
	run_fail(run, npmu_record_offset(sb, 0, 0));
	run_fail(run, npmu_record_offset(sb, 1, 1));
	run_resize(run, "a", 5 * PAGE, false);
	/* Of regions, which give it back. */
	run_fail(run, snap_find(run_snap(run), "a")->extents[0].start + 2 * PAGE);
	run_fail(run, snap_find(run_snap(run), "b")->extents[0].start);
	run_resize(run, "a", PAGE, false);
	run_delete(run, "b", false);
	run_detach(run);
	run_attach(run);
	run_create(run, "c", 2 * PAGE, 0600);
	return explore(run, x, stat);
}

/* --- random sequences --- */

static const char *const names[] = { "r0", "r1", "r2", "r3", "r4", "r5", "r6", "r7", "r8" };

static const char *pick_region(struct unit_run *run, uint64_t random)
{
	struct snap *s = run_snap(run);

	return s->nr ? s->r[random % s->nr].name : NULL;
}

static void random_set(struct unit_run *run, const char *name, uint64_t random)
{
	struct npmu_region_attr a = {
		.valid = 1 + random % 31,
		.name = names[(random >> 8) % 9],
		.uid = { (random >> 16) % 3 },
		.gid = { (random >> 20) % 3 },
		.mode = (random >> 24) & 0666,
		.flags = (random >> 34) % 2,
	};

	run_set(run, name, &a, random >> 36 & 1);
}

static void random_data(struct unit_run *run, const char *name, uint64_t random)
{
	struct snap_region *r = snap_find(run_snap(run), name);
	u64 pages = r->size / PAGE, page = random % pages;

	if (r->pages[page].sure != r->pages[page].maybe)
		run_persist(run, name, page, 1);
	else
		run_store(run, name, page, 1);
}

static void random_open(struct unit_run *run, const char *name, uint64_t random)
{
	u32 i = random % 4;

	if (!run->open[i].entry)
		run_open(run, i, name, random & 16 || random & 32);
	else if (random >> 8 & 1)
		run_close(run, i);
	else
		run_resign(run, i);
}

static void random_role(struct unit_run *run, uint64_t random)
{
	u32 i = random % 4;

	if (!run->open[i].entry || run->open[i].entry->region->state != NPMU_REGION_LIVE)
		return;
	if (random >> 8 & 1)
		run_claim(run, i);
	else
		run_takeover(run, i, (random >> 9) % 8 ? 0 : 1);
}

static void random_op(struct unit_run *run, uint64_t random)
{
	const char *found = pick_region(run, random >> 32);
	u64 size = (1 + (random >> 40) % 6) * PAGE;
	char name[NPMU_REGION_NAME_LEN];

	if (random >> 44 & 1)
		size *= 1 + (random >> 45) % 4;
	if (!found) {
		run_create(run, names[random % 9], size, 0600);
		return;
	}
	strcpy(name, found);
	random >>= 4;
	switch (random % 20) {
	case 0 ... 2:
		run_create(run, names[(random >> 8) % 9], size, 0600);
		break;
	case 3 ... 4:
		run_delete(run, name, random >> 8 & 1);
		break;
	case 5 ... 8:
		run_resize(run, name, size, random >> 8 & 1);
		break;
	case 9 ... 10:
		random_set(run, name, random >> 8);
		break;
	case 11 ... 12:
		random_data(run, name, random >> 8);
		break;
	case 13 ... 15:
		random_open(run, name, random >> 8);
		break;
	case 16 ... 17:
		random_role(run, random >> 8);
		break;
	case 18:
		run_fence(run, name, (random >> 8) % 8 ? 0 : -1);
		break;
	case 19:
		if (random >> 8 & 1)
			return;
		for (size = 0; size < RUN_OPENS; size++)
			run_close(run, (u32)size);
		run_detach(run);
		run_attach(run);
		break;
	}
}

static uint32_t sequence(struct unit_run *run, struct explore *x, struct explore_stat *stat)
{
	uint64_t random = x->seed;
	u32 i;

	run->first = run->nr;
	for (i = 0; i < 24; i++)
		random_op(run, model_random(&random));
	return explore(run, x, stat);
}

static uint32_t random_sequence(struct explore *x, struct explore_stat *stat)
{
	return sequence(begin(x, (x->seed % 512) * PAGE), x, stat);
}

/* The same in a unit whose free space is in pieces. */
static uint32_t random_fragmented(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = begin(x, 0);

	fragment(run, 130 + (u32)(x->seed % 240));
	run_delete(run, "y", false);
	/* More than its record holds. */
	run_create(run, "r0", (129 + x->seed % 3) * PAGE, 0600);
	return sequence(run, x, stat);
}

const struct workload unit_workloads[] = {
	{ "format-fresh", false, format_fresh },
	{ "format-over-junk", false, format_over_junk },
	{ "format-over-unit", false, format_over_unit },
	{ "create-delete", false, create_delete },
	{ "attributes", false, attributes },
	{ "sizes", false, sizes },
	{ "roles", false, roles },
	{ "lists", false, lists },
	{ "long-lists", false, long_lists },
	{ "stray-stores", false, stray_stores },
	{ "failures", false, failures },
	{ "rights", false, rights },
	{ "named-readers", false, named_readers },
	{ "random", true, random_sequence },
	{ "random-fragmented", true, random_fragmented },
	{ "random-readers", true, random_readers },
	{ "accesses", true, accesses },
	{ "random-rights", true, random_rights },
};

const unsigned int nr_unit_workloads = sizeof(unit_workloads) / sizeof(unit_workloads[0]);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Named readers of a checkpoint: the module's attach, ack and detach of them. Owns what
 * the table of readers must hold when the power was cut: said here by names, and looked
 * for by the module's own attach. The checkpoint has no writer.
 */
#include "ckpt.h"
#include "media.h"
#include "reader.h"
#include "unit_ops.h"

#define UNIT_SIZE	(4ULL << 20)
#define REGION		(64ULL << 10)
#define SLOT		NPMU_CKPT_SLOT_ALIGN
#define INSTANCE	0x1122334455667788ULL
#define AREA		NPMU_CKPT_SLOTS_START
#define TABLE_END	(NPMU_CKPT_READERS + NPMU_CKPT_NR_READERS * NPMU_CKPT_READER_SIZE)
#define READERS		4	/* opens; the one behind them is for a recovery */
#define OPS		24
#define NONE		(~0ULL)
/* Where one begins who comes after the cut, and goes on to. */
#define SUCCESSOR	(1000 * NPMU_CKPT_UPDATE_ALIGN)
#define GOES_ON		(SUCCESSOR + NPMU_CKPT_UPDATE_ALIGN)

uint32_t named_readers(struct explore *x, struct explore_stat *stat);
uint32_t random_readers(struct explore *x, struct explore_stat *stat);

static const u8 name[][NPMU_CKPT_READER_NAME_LEN] = { "alpha", "beta", "a", "fifteen-letters",
						      "delta", "after-the-cut" };
#define NAMES		(sizeof(name) / sizeof(name[0]) - 1)	/* but that of the successor */

/**
 * struct table - what there is between two operations
 * @position: of each name, or NONE: there is no entry
 * @area: the bytes before the slots of the checkpoint
 */
struct table {
	u64 position[NAMES];
	u8 area[AREA];
};

/**
 * struct readers - of the run that is explored
 * @run: the unit and its opens
 * @where: offset of the region in the unit
 * @table: before each operation, and after the last
 * @text: of the operations, @nr of them
 * @is: which name an open has, or -1
 */
static struct readers {
	struct unit_run *run;
	u64 where;
	struct table table[OPS + 1];
	char text[OPS][48];
	u32 nr;
	int is[READERS];
} now;

static const u8 *area(void)
{
	return (u8 *)model_line(0) + now.where;
}

/* --- recording --- */

static void make_checkpoint(u8 *at)
{
	struct npmu_ckpt_header h = {
		.magic = cpu_to_le64(NPMU_CKPT_MAGIC),
		.version = cpu_to_le32(NPMU_CKPT_VERSION),
		.form = cpu_to_le32(NPMU_CKPT_FORM_APPEND),
		.generation = cpu_to_le64(3),
		.instance = cpu_to_le64(INSTANCE),
		.slot_offset = { cpu_to_le64(AREA), cpu_to_le64(AREA + SLOT) },
		.slot_size = cpu_to_le64(SLOT),
		.capacity = cpu_to_le64(SLOT - NPMU_CKPT_SLOT_HEADER),
		.append.ring_offset = cpu_to_le64(AREA + 2 * SLOT),
		.append.ring_size = cpu_to_le64(NPMU_CKPT_MIN_RING),
	};

	h.crc = cpu_to_le32(npmu_crc32c(0, &h, sizeof(h)));
	memcpy(at + NPMU_CKPT_HEADER0, &h, sizeof(h));
	memcpy(at + NPMU_CKPT_HEADER1, &h, sizeof(h));
}

/* Places that are free hold entries of a checkpoint that is no more; one is damaged. */
static void fill_table(u8 *at)
{
	struct npmu_ckpt_named old = { .name = "old", .position = 77 * 64 };
	struct npmu_ckpt_reader_entry *e = (void *)(at + NPMU_CKPT_READERS);
	u32 i;

	for (i = 0; i < NPMU_CKPT_NR_READERS; i += 2)
		npmu_ckpt_make_reader(&e[i], INSTANCE + !!i, &old);
	e[0].crc ^= 1;
}

/* The log begins where there is a checkpoint, with a table that was used before. */
static void begin(u64 seed)
{
	struct unit_run *run = run_begin(UNIT_SIZE, 0, seed, true);
	u32 i;

	memset(&now, 0, sizeof(now));
	now.run = run;
	run_format(run, 8, true);
	run_attach(run);
	run_create(run, "a", REGION, 0600);
	now.where = snap_find(run_snap(run), "a")->extents[0].start;
	for (i = 0; i < READERS; i++) {
		SHIM_ASSERT(!run_open(run, i, "a", false));
		now.is[i] = -1;
	}
	model_record(NULL);
	make_checkpoint((u8 *)area());
	fill_table((u8 *)area());
	for (i = 0; i < NAMES; i++)
		now.table[0].position[i] = NONE;
	memcpy(now.table[0].area, area(), AREA);
	memcpy(run->before, model_line(0), model_size());
	model_log_clear(&run->log);
	model_record(&run->log);
}

static struct table *op_begin(const char *what, u32 open, u32 which)
{
	SHIM_ASSERT(now.nr < OPS);
	snprintf(now.text[now.nr], sizeof(now.text[0]), "%s %s by open %u", what,
		 (const char *)name[which], open);
	now.table[now.nr + 1] = now.table[now.nr];
	model_mark(MODEL_BEGIN, now.nr);
	return &now.table[now.nr + 1];
}

static void op_end(int ret, bool right)
{
	model_mark(MODEL_END, now.nr);
	if (ret || !right) {
		now.run->wrong++;
		printf("# WRONG: %s: %d\n", now.text[now.nr], ret);
	}
	memcpy(now.table[++now.nr].area, area(), AREA);
}

static void attach(u32 open, u32 which, u64 position)
{
	struct table *t = op_begin("attach", open, which);
	u64 want = t->position[which] == NONE ? position : t->position[which];
	u32 slot;
	int ret = npmu_reader_attach(now.run->open[open].entry, true, INSTANCE, name[which],
				     &position, &slot);

	t->position[which] = want;
	now.is[open] = (int)which;
	op_end(ret, position == want);
}

static void ack(u32 open, u64 on)
{
	struct table *t = op_begin("ack", open, (u32)now.is[open]);
	u64 *position = &t->position[now.is[open]];

	*position += on;
	op_end(npmu_reader_ack(now.run->open[open].entry, *position), true);
}

/* Any open may detach a name: all are root's. */
static void detach(u32 open, u32 which)
{
	static const u8 own[NPMU_CKPT_READER_NAME_LEN];
	struct table *t = op_begin("detach", open, which);
	bool is_own = now.is[open] == (int)which;
	u32 i;

	t->position[which] = NONE;
	for (i = 0; i < READERS; i++)
		if (now.is[i] == (int)which)
			now.is[i] = -1;
	op_end(npmu_reader_detach(now.run->open[open].entry, is_own ? own : name[which]), true);
}

/* The entry stays. */
static void leave(u32 open)
{
	op_begin("leave", open, (u32)now.is[open]);
	npmu_reader_leave(now.run->open[open].entry);
	now.is[open] = -1;
	op_end(0, true);
}

/* --- the recovery --- */

static u64 find(u32 which)
{
	struct npmu_tpt_entry *entry = now.run->open[READERS].entry;
	u64 position = 0;
	u32 slot;

	if (npmu_reader_attach(entry, false, INSTANCE, name[which], &position, &slot))
		return NONE;
	npmu_reader_leave(entry);
	return position;
}

/* Does each name have what it has there? */
static bool is_table(const struct table *t)
{
	u32 i;

	for (i = 0; i < NAMES; i++)
		if (find(i) != t->position[i])
			return false;
	return true;
}

/* What was there before and is there afterwards does not change. */
static const char *check_area(const struct table *old, const struct table *new)
{
	const u8 *there = area();
	u32 at;

	if (memcmp(there, old->area, NPMU_CKPT_READERS) ||
	    memcmp(there + TABLE_END, old->area + TABLE_END, AREA - TABLE_END))
		return "bytes beside the table of readers changed";
	for (at = NPMU_CKPT_READERS; at < TABLE_END; at += NPMU_CKPT_READER_SIZE) {
		const struct npmu_ckpt_reader_entry *e = (const void *)(old->area + at);

		if (le64_to_cpu(e->instance) == INSTANCE &&
		    !memcmp(e, new->area + at, NPMU_CKPT_READER_SIZE) &&
		    memcmp(e, there + at, NPMU_CKPT_READER_SIZE))
			return "an entry changed that nobody changed";
	}
	return NULL;
}

/* Another reader comes, and takes a place. */
static const char *go_on(const struct table *t)
{
	struct npmu_tpt_entry *entry = now.run->open[READERS].entry;
	u64 position = SUCCESSOR;
	u32 slot;

	if (npmu_reader_attach(entry, true, INSTANCE, name[NAMES], &position, &slot))
		return "the next reader cannot attach";
	if (npmu_reader_ack(entry, GOES_ON))
		return "the next reader cannot acknowledge";
	npmu_reader_leave(entry);
	if (find(NAMES) != GOES_ON)
		return "the next reader's position is another";
	return is_table(t) ? NULL : "the next reader changed another one";
}

static const char *check(const struct explore_at *at)
{
	const struct table *old = &now.table[at->answered];
	const struct table *new = at->inflight == EXPLORE_NONE ? old :
				  &now.table[at->inflight + 1];
	u64 next = find(NAMES);
	const char *why;

	if (next != NONE && !(at->nested && (next == SUCCESSOR || next == GOES_ON)))
		return "an entry of a name that nobody attached, or with another position";
	why = check_area(old, new);
	if (why)
		return why;
	if (is_table(old))
		return go_on(old);
	return is_table(new) ? go_on(new) : "the readers are neither those before nor after";
}

static const char *recover(const struct explore_at *at)
{
	struct unit_run *run = now.run;
	const char *why;

	run->unit = npmu_unit_attach_pmem("recording", NULL, NULL);
	if (IS_ERR(run->unit)) {
		run->unit = NULL;
		return "attach of the unit refused";
	}
	SHIM_ASSERT(!run_open(run, READERS, "a", false));
	why = check(at);
	npmu_reader_leave(run->open[READERS].entry);
	run_close(run, READERS);
	run_detach(run);
	return why;
}

static const struct explore_ops ops = { .recover = recover };

static uint32_t explore(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run = now.run;
	u32 wrong, i;

	for (i = 0; i < READERS; i++)
		npmu_reader_leave(run->open[i].entry);
	run_end(run);
	wrong = run->wrong;
	x->log = &run->log;
	x->ops = &ops;
	x->first = 0;
	explore_run(x, stat);
	if (stat->failed || wrong)
		for (i = 0; i < now.nr; i++)
			printf("#   operation %u: %s\n", i, now.text[i]);
	run_free(run);
	return wrong;
}

/* --- workloads --- */

uint32_t named_readers(struct explore *x, struct explore_stat *stat)
{
	begin(x->seed);
	attach(0, 0, 64 * 64);
	attach(1, 1, 3 * 64);
	ack(0, 128);
	ack(1, 64);
	/* The same once more. */
	ack(1, 0);
	detach(0, 0);
	/* Into the place that it had. */
	attach(0, 2, 7 * 64);
	attach(2, 3, 0);
	ack(2, 1ULL << 40);
	leave(1);
	attach(3, 1, 9 * 64);
	ack(3, 64);
	detach(0, 1);
	attach(3, 4, 5 * 64);
	detach(3, 4);
	return explore(x, stat);
}

static bool is_attached(u32 which)
{
	u32 i;

	for (i = 0; i < READERS; i++)
		if (now.is[i] == (int)which)
			return true;
	return false;
}

static void random_op(u64 random)
{
	u32 open = random % READERS, which = (random >> 8) % NAMES;

	if (now.is[open] < 0) {
		if (!is_attached(which))
			attach(open, which, (random >> 16) % 1000 * 64);
		return;
	}
	switch ((random >> 32) % 8) {
	case 0:
		detach(open, (u32)now.is[open]);
		break;
	case 1:
		if (now.table[now.nr].position[which] != NONE)
			detach(open, which);
		break;
	case 2:
		leave(open);
		break;
	default:
		ack(open, (random >> 16) % 1000 * 64);
	}
}

uint32_t random_readers(struct explore *x, struct explore_stat *stat)
{
	uint64_t random = x->seed;
	u32 i;

	begin(x->seed);
	for (i = 0; i < OPS; i++)
		random_op(model_random(&random));
	return explore(x, stat);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the module does to a region's bytes for an open: write(2), and the commit of a
 * remote writer, whose stores come by themselves: persist, then store the word. What was
 * answered is there; a word that is there has its data.
 */
#include "access.h"
#include "unit_ops.h"

#define UNIT_SIZE	(4ULL << 20)
#define REGION		(64ULL << 10)
#define AREA		8192U		/* of the data; the word is behind it */
#define LONGEST		600U
#define OPS		16

uint32_t accesses(struct explore *x, struct explore_stat *stat);

/**
 * struct access - one operation
 * @at: first byte of its data
 * @len: bytes
 * @commit: by a remote writer
 */
struct access {
	u32 at;
	u32 len;
	bool commit;
};

/**
 * struct accesses - of the run that is explored
 * @run: the unit and its open
 * @where: offset of the region in the unit
 * @image: the area and the word before each operation, and after the last
 * @of: the operations
 */
static struct accesses {
	struct unit_run *run;
	u64 where;
	u8 image[OPS + 1][AREA + sizeof(u64)];
	struct access of[OPS];
} now;

static u8 *area(void)
{
	return (u8 *)model_line(0) + now.where;
}

static void begin(u64 seed)
{
	struct unit_run *run = run_begin(UNIT_SIZE, 0, seed, true);

	memset(&now, 0, sizeof(now));
	now.run = run;
	run_format(run, 8, true);
	run_attach(run);
	run_create(run, "a", REGION, 0600);
	now.where = snap_find(run_snap(run), "a")->extents[0].start;
	SHIM_ASSERT(!run_open(run, 0, "a", true));
	SHIM_ASSERT(!run_claim(run, 0));
	memcpy(run->before, model_line(0), model_size());
	model_log_clear(&run->log);
}

static int remote_commit(struct npmu_tpt_entry *entry, const struct access *a, const u8 *data,
			 u64 word)
{
	int ret;

	model_store(area() + a->at, data, a->len);
	ret = npmu_tpt_persist(entry, a->at, a->len);
	return ret ?: npmu_tpt_store(entry, AREA, &word);
}

static void one(u32 op, uint64_t random)
{
	struct npmu_tpt_entry *entry = now.run->open[0].entry;
	struct access *a = &now.of[op];
	u64 word = op + 1;
	u8 *want = now.image[op + 1];
	u8 data[LONGEST];
	u32 i;
	int ret;

	*a = (struct access){
		.at = (u32)(random % (AREA - LONGEST)),
		.len = 1 + (u32)(random >> 32) % LONGEST,
		.commit = op % 2,
	};
	for (i = 0; i < a->len; i++)
		data[i] = (u8)(model_random(&random) >> 16);
	memcpy(want, now.image[op], sizeof(now.image[op]));
	memcpy(want + a->at, data, a->len);
	if (a->commit)
		memcpy(want + AREA, &word, sizeof(word));
	model_mark(MODEL_BEGIN, op);
	ret = a->commit ? remote_commit(entry, a, data, word) :
			  npmu_tpt_write(entry, a->at, data, a->len);
	model_mark(MODEL_END, op);
	if (ret || memcmp(area(), want, sizeof(now.image[0]))) {
		now.run->wrong++;
		printf("# WRONG: operation %u: %d\n", op, ret);
	}
}

static const char *recover(const struct explore_at *at)
{
	const u8 *there = area(), *old = now.image[at->answered];
	const u8 *new = at->inflight == EXPLORE_NONE ? old : now.image[at->inflight + 1];
	u32 i;

	for (i = 0; i < AREA; i++)
		if (there[i] != old[i] && there[i] != new[i])
			return "a byte is neither old nor new";
	if (!memcmp(there + AREA, old + AREA, sizeof(u64)))
		return NULL;
	if (memcmp(there + AREA, new + AREA, sizeof(u64)))
		return "the word is neither old nor new";
	return memcmp(there, new, AREA) ? "the word is there before its data" : NULL;
}

static const struct explore_ops ops = { .recover = recover };

uint32_t accesses(struct explore *x, struct explore_stat *stat)
{
	struct unit_run *run;
	uint64_t random = x->seed;
	u32 wrong, op;

	begin(x->seed);
	run = now.run;
	memcpy(now.image[0], area(), sizeof(now.image[0]));
	model_record(&run->log);
	for (op = 0; op < OPS; op++)
		one(op, model_random(&random));
	run_end(run);
	wrong = run->wrong;
	x->log = &run->log;
	x->ops = &ops;
	x->first = 0;
	explore_run(x, stat);
	run_free(run);
	return wrong;
}

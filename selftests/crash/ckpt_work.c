// SPDX-License-Identifier: GPL-2.0-or-later
/* Workloads on checkpoints, with each way of making stores durable. */
#include "ckpt_ops.h"
#include "workload.h"

uint32_t persist_calls(struct explore *x, struct explore_stat *stat);

static uint32_t make(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, false);

	ckpt_open(run, 1000, 0);
	ckpt_commit(run, 10, x->seed);
	/* Anew: what was there is dropped in one step. */
	ckpt_open(run, 600, NPMU_CKPT_INIT);
	ckpt_commit(run, 70, x->seed);
	ckpt_open(run, 0, 0);
	ckpt_commit(run, 300, x->seed);
	return ckpt_explore(run, x, stat);
}

static uint32_t make_over_junk(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLFLUSH, true, false);

	ckpt_open(run, 0, NPMU_CKPT_INIT);
	ckpt_commit(run, 100, x->seed);
	ckpt_open(run, 0, NPMU_CKPT_INIT);
	return ckpt_explore(run, x, stat);
}

static uint32_t mend_header(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLFLUSHOPT, false, false);
	int i;

	for (i = 0; i < 2; i++) {
		ckpt_open(run, 1000, 0);
		ckpt_commit(run, 200, x->seed);
		ckpt_lose_header(run, i);
		ckpt_open(run, 0, 0);
		ckpt_commit(run, 64, x->seed);
		ckpt_lose_header(run, i);
		ckpt_open(run, 0, NPMU_CKPT_INIT);
	}
	return ckpt_explore(run, x, stat);
}

static uint32_t commits(struct explore *x, struct explore_stat *stat)
{
	static const size_t lengths[] = { 1, 0, 8, 63, 64, 65, 256, 300, 500, 1, 500, 769 };
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, false);
	unsigned int i;

	ckpt_open(run, 1000, 0);
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++)
		ckpt_commit(run, lengths[i], x->seed + i);
	return ckpt_explore(run, x, stat);
}

static uint32_t commit_ranges(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, false);
	unsigned int i;

	ckpt_open(run, 4000, 0);
	ckpt_commit(run, 3333, x->seed);
	for (i = 0; i < 12; i++) {
		if (i == 8)
			ckpt_commit(run, 3000, x->seed);
		ckpt_ranges(run, i == 5 ? CKPT_RANGES : i % 5, x->seed + i);
	}
	return ckpt_explore(run, x, stat);
}

static uint32_t takeovers(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, false);
	unsigned int i;

	ckpt_open(run, 500, 0);
	for (i = 0; i < 4; i++) {
		ckpt_commit(run, 100 * i + 7, x->seed + i);
		ckpt_takeover(run);
		ckpt_ranges(run, 1, x->seed + i);
	}
	return ckpt_explore(run, x, stat);
}

/* A successor goes on from what it saw of a commit that never reached its fence. */
static uint32_t usurpers(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLFLUSHOPT, false, false);
	unsigned int i;

	ckpt_open(run, 1000, 0);
	ckpt_commit(run, 100, x->seed);
	for (i = 0; i < 4; i++) {
		ckpt_usurped(run, 200 + 100 * i, x->seed + i);
		ckpt_commit(run, 100, x->seed);
	}
	return ckpt_explore(run, x, stat);
}

/* What a reader was given stays, fenced by the writer or not. */
static uint32_t readers(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, false);
	unsigned int i;

	ckpt_open(run, 1000, 0);
	ckpt_commit(run, 100, x->seed);
	ckpt_wait(run);
	ckpt_readers(run, true);
	for (i = 0; i < 5; i++)
		ckpt_commit(run, 150 * i, x->seed + i);
	for (i = 0; i < 5; i++)
		ckpt_ranges(run, 2, x->seed + i);
	ckpt_readers(run, false);
	return ckpt_explore(run, x, stat);
}

/* Where the kernel has to write back. */
static uint32_t by_kernel(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, LIB_CLWB, false, true);

	ckpt_open(run, 1000, 0);
	ckpt_commit(run, 400, x->seed);
	ckpt_commit(run, 600, x->seed + 1);
	ckpt_ranges(run, 2, x->seed);
	ckpt_lose_header(run, 0);
	ckpt_takeover(run);
	ckpt_commit(run, 64, x->seed);
	return ckpt_explore(run, x, stat);
}

static uint32_t random_commits(struct explore *x, struct explore_stat *stat)
{
	struct ckpt_run *run = ckpt_begin(x->seed, x->seed % 3, x->seed % 5 == 0,
					  x->seed % 7 == 0);
	uint64_t random = x->seed, choice;
	unsigned int i;

	ckpt_open(run, 2000, run->snap[0].what == CKPT_FOREIGN ? NPMU_CKPT_INIT : 0);
	for (i = 0; i < 24; i++) {
		choice = model_random(&random);
		switch (choice % 12) {
		case 0 ... 3:
			ckpt_commit(run, (choice >> 8) % 700, choice);
			break;
		case 4:
			ckpt_commit(run, (choice >> 8) % 2000, choice);
			break;
		case 5 ... 7:
			ckpt_ranges(run, (choice >> 8) % 5, choice);
			break;
		case 8:
			ckpt_takeover(run);
			break;
		case 9:
			ckpt_open(run, 0, choice & 0x300 ? 0 : NPMU_CKPT_INIT);
			break;
		case 10:
			ckpt_readers(run, choice & 0x100);
			break;
		case 11:
			ckpt_lose_header(run, choice >> 8 & 1);
			ckpt_open(run, 0, 0);
			break;
		}
	}
	return ckpt_explore(run, x, stat);
}

const struct workload ckpt_workloads[] = {
	{ "ckpt-make", false, make },
	{ "ckpt-make-over-junk", false, make_over_junk },
	{ "ckpt-mend-header", false, mend_header },
	{ "ckpt-commits", false, commits },
	{ "ckpt-ranges", false, commit_ranges },
	{ "ckpt-takeovers", false, takeovers },
	{ "ckpt-usurpers", false, usurpers },
	{ "ckpt-readers", false, readers },
	{ "ckpt-by-kernel", false, by_kernel },
	{ "persist-calls", true, persist_calls },
	{ "ckpt-random", true, random_commits },
};

const unsigned int nr_ckpt_workloads = sizeof(ckpt_workloads) / sizeof(ckpt_workloads[0]);

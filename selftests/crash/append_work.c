// SPDX-License-Identifier: GPL-2.0-or-later
/* Workloads on checkpoints in the append form, with CRC and with commit words. */
#include "append_ops.h"
#include "workload.h"

static uint32_t make(struct explore *x, struct explore_stat *stat)
{
	struct append_run *run = append_begin(x->seed, LIB_CLWB, 0, false);

	append_open(run, false);
	append_update(run, 30, x->seed);	/* before any base */
	append_named(run);
	append_base(run, 10, x->seed);
	append_update(run, 30, x->seed);
	append_open(run, true);
	append_base(run, 70, x->seed);
	append_update(run, 0, x->seed);
	append_open(run, false);
	append_open(run, false);
	append_base(run, 300, x->seed);
	append_named(run);
	return append_explore(run, x, stat);
}

static const size_t lengths[] = {
	1, 0, 8, 63, 64, 65, 256, 700, 1, 1900, 900, 128, 1984, 0, 1984, 64, 1500, 300,
};

#define NR_LENGTHS	(sizeof(lengths) / sizeof(lengths[0]))

/* The ring is full again and again; its end is filled up. */
static uint32_t laps(struct explore *x, struct explore_stat *stat, unsigned int flags)
{
	struct append_run *run = append_begin(x->seed, LIB_CLFLUSHOPT, flags, false);
	unsigned int i;

	append_open(run, false);
	append_base(run, 100, x->seed);
	for (i = 0; i < 2 * NR_LENGTHS; i++) {
		append_update(run, lengths[i % NR_LENGTHS], x->seed + i);
		if (i % 9 == 8)
			append_base(run, lengths[i % NR_LENGTHS], x->seed + i);
	}
	return append_explore(run, x, stat);
}

static uint32_t updates(struct explore *x, struct explore_stat *stat)
{
	return laps(x, stat, 0);
}

static uint32_t updates_no_crc(struct explore *x, struct explore_stat *stat)
{
	return laps(x, stat, NPMU_APPEND_NO_CRC);
}

static uint32_t bases(struct explore *x, struct explore_stat *stat, unsigned int flags)
{
	struct append_run *run = append_begin(x->seed, LIB_CLWB, flags, false);
	unsigned int i;

	append_open(run, false);
	for (i = 0; i < 8; i++) {
		append_base(run, lengths[i], x->seed + i);
		append_base(run, lengths[i + 1], x->seed + i);
		append_update(run, 40, x->seed + i);
	}
	return append_explore(run, x, stat);
}

static uint32_t bases_crc(struct explore *x, struct explore_stat *stat)
{
	return bases(x, stat, 0);
}

static uint32_t bases_no_crc(struct explore *x, struct explore_stat *stat)
{
	return bases(x, stat, NPMU_APPEND_NO_CRC);
}

static uint32_t batches(struct explore *x, struct explore_stat *stat, unsigned int flags)
{
	static const unsigned int nr[] = { 1, 2, 16, 5, 17, 3, 20 };
	struct append_run *run = append_begin(x->seed, LIB_CLWB, flags, false);
	unsigned int i;

	append_open(run, false);
	for (i = 0; i < sizeof(nr) / sizeof(nr[0]); i++) {
		append_batch_alone(run, nr[i], x->seed + i);
		if (i == 2)
			append_base(run, 200, x->seed);
		/* A batch that nobody commits: the next writer finds what it finds. */
		append_batch(run, 3, false, x->seed + i);
		if (i % 2)
			append_open(run, false);
		else
			append_takeover(run, i % 4);
	}
	return append_explore(run, x, stat);
}

static uint32_t batches_crc(struct explore *x, struct explore_stat *stat)
{
	return batches(x, stat, 0);
}

static uint32_t batches_no_crc(struct explore *x, struct explore_stat *stat)
{
	return batches(x, stat, NPMU_APPEND_NO_CRC);
}

static uint32_t takeovers(struct explore *x, struct explore_stat *stat)
{
	struct append_run *run = append_begin(x->seed, LIB_CLWB, 0, false);
	unsigned int i;

	append_open(run, false);
	append_base(run, 50, x->seed);
	for (i = 0; i < 6; i++) {
		append_update(run, 100 * i + 7, x->seed + i);
		append_takeover(run, i % 2);
		append_batch(run, 2, true, x->seed + i);
		if (i == 3)
			append_base(run, 400, x->seed);
	}
	return append_explore(run, x, stat);
}

/* A successor goes on from what it saw of a commit that never reached its fence. */
static uint32_t usurpers(struct explore *x, struct explore_stat *stat, unsigned int flags)
{
	struct append_run *run = append_begin(x->seed, LIB_CLFLUSHOPT, flags, false);
	unsigned int i;

	append_open(run, false);
	append_base(run, 100, x->seed);
	for (i = 0; i < 4; i++) {
		append_usurped(run, 200 + 100 * i, x->seed + i);
		append_update(run, 100, x->seed);
	}
	return append_explore(run, x, stat);
}

static uint32_t usurpers_crc(struct explore *x, struct explore_stat *stat)
{
	return usurpers(x, stat, 0);
}

static uint32_t usurpers_no_crc(struct explore *x, struct explore_stat *stat)
{
	return usurpers(x, stat, NPMU_APPEND_NO_CRC);
}

/* What a reader was given stays, fenced by the writer or not. */
static uint32_t readers(struct explore *x, struct explore_stat *stat, unsigned int flags)
{
	struct append_run *run = append_begin(x->seed, LIB_CLWB, flags, false);
	unsigned int i;

	append_open(run, false);
	append_readers(run, true);
	append_base(run, 100, x->seed);
	for (i = 0; i < 12; i++)
		append_update(run, 150 * i, x->seed + i);
	append_batch(run, 6, true, x->seed);
	append_base(run, 200, x->seed);
	append_takeover(run, true);
	append_batch(run, 6, true, x->seed);
	append_readers(run, false);
	return append_explore(run, x, stat);
}

static uint32_t readers_crc(struct explore *x, struct explore_stat *stat)
{
	return readers(x, stat, 0);
}

static uint32_t readers_no_crc(struct explore *x, struct explore_stat *stat)
{
	return readers(x, stat, NPMU_APPEND_NO_CRC);
}

/* Where the kernel has to write back. */
static uint32_t by_kernel(struct explore *x, struct explore_stat *stat)
{
	struct append_run *run = append_begin(x->seed, LIB_CLWB, x->seed % 2 ?
					      NPMU_APPEND_NO_CRC : 0, true);
	unsigned int i;

	append_open(run, false);
	append_base(run, 400, x->seed);
	for (i = 0; i < 8; i++)
		append_update(run, 60 * i, x->seed);
	append_batch(run, 4, true, x->seed);
	append_takeover(run, false);
	append_base(run, 64, x->seed);
	append_update(run, 64, x->seed);
	return append_explore(run, x, stat);
}

static uint32_t random_work(struct explore *x, struct explore_stat *stat)
{
	struct append_run *run = append_begin(x->seed, x->seed % 3, x->seed % 2 ?
					      NPMU_APPEND_NO_CRC : 0, x->seed % 7 == 0);
	uint64_t random = x->seed, choice;
	bool reading = false;
	unsigned int i;

	append_open(run, false);
	for (i = 0; i < 30; i++) {
		choice = model_random(&random);
		switch (choice % 12) {
		case 0 ... 4:
			append_update(run, (choice >> 8) % (choice & 0x30 ? 300 : 1985), choice);
			break;
		case 5:
			append_base(run, (choice >> 8) % 2000, choice);
			break;
		case 6 ... 7:
			append_batch(run, (choice >> 8) % 7, choice & 0x30, choice);
			break;
		case 8:
			append_takeover(run, choice & 0x100);
			break;
		case 9:
			append_open(run, !reading && choice % 5 == 0);
			break;
		case 10:
			reading = choice & 0x100;
			append_readers(run, reading);
			break;
		case 11:
			if (!reading)
				append_usurped(run, (choice >> 8) % 500, choice);
			else
				append_named(run);
			break;
		}
	}
	return append_explore(run, x, stat);
}

const struct workload append_workloads[] = {
	{ "append-make", false, make },
	{ "append-updates", false, updates },
	{ "append-updates-no-crc", false, updates_no_crc },
	{ "append-bases", false, bases_crc },
	{ "append-bases-no-crc", false, bases_no_crc },
	{ "append-batches", false, batches_crc },
	{ "append-batches-no-crc", false, batches_no_crc },
	{ "append-takeovers", false, takeovers },
	{ "append-usurpers", false, usurpers_crc },
	{ "append-usurpers-no-crc", false, usurpers_no_crc },
	{ "append-readers", false, readers_crc },
	{ "append-readers-no-crc", false, readers_no_crc },
	{ "append-by-kernel", false, by_kernel },
	{ "append-random", true, random_work },
};

const unsigned int nr_append_workloads = sizeof(append_workloads) / sizeof(append_workloads[0]);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it takes to commit and to read a state of the overwrite form, by size, beside raw
 * stores of the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include <npmu/ckpt.h>

#include "bench.h"
#include "report.h"
#include "rounds.h"

#define MAX_SIZE	MIB
#define RAW_START	(16 * MIB)
#define USED		(RAW_START + 2 * MAX_SIZE)
#define PART		64		/* bytes that a partial commit changes */
#define BATCH_BYTES	65536
#define MAX_BATCH	64

static const uint64_t sizes[] = { 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB };

struct overwrite {
	struct npmu_region *region;
	struct npmu_ckpt_writer *writer;
	struct npmu_ckpt_reader *reader;
	char *state;
	char *copy;
	uint64_t turn;
};

/* Two places in turn, as the slots are. */
static int op_raw(struct series *s)
{
	struct overwrite *o = s->context;
	char *at = (char *)npmu_region_addr(o->region) + RAW_START + o->turn++ % 2 * MAX_SIZE;

	++*o->state;
	return npmu_memcpy_persist(o->region, at, o->state, s->size);
}

static int op_commit(struct series *s)
{
	struct overwrite *o = s->context;

	++*o->state;
	if (!npmu_ckpt_commit(o->writer, o->state, s->size, 0))
		return 0;
	return bench_fail("commit: %s", npmu_ckpt_writer_error(o->writer));
}

static int op_partial(struct series *s)
{
	struct overwrite *o = s->context;
	struct npmu_ckpt_range range = { .length = PART };

	range.offset = ++o->turn * 4096 % (s->size - PART + 1);
	++o->state[range.offset];
	if (!npmu_ckpt_commit_ranges(o->writer, o->state, s->size, &range, 1, 0))
		return 0;
	return bench_fail("partial commit: %s", npmu_ckpt_writer_error(o->writer));
}

/* After whole commits the first partial ones bring both slots up to date. */
static int before_partial(struct series *s)
{
	return op_partial(s) || op_partial(s) ? -1 : 0;
}

static int op_read(struct series *s)
{
	struct overwrite *o = s->context;

	if (!npmu_ckpt_read(o->reader, o->copy, s->size, NULL))
		return 0;
	return bench_fail("read: the state is not there");
}

static int measure_size(const struct bench *b, struct overwrite *o, uint64_t size)
{
	struct series s[] = {
		{ .what = "raw", .op = op_raw, .quiet = true },
		{ .what = "overwrite", .op = op_commit },
		{ .what = "overwrite_part_64", .op = op_partial, .before = before_partial },
		{ .what = "overwrite_read", .op = op_read },
	};
	size_t i, n = sizeof(s) / sizeof(s[0]);
	struct npmu_error err;
	int code;

	if (npmu_ckpt_writer_open(o->region, size, NPMU_CKPT_INIT, &o->writer, &err) ||
	    npmu_ckpt_reader_open(o->region, &o->reader, &err))
		return bench_fail("checkpoint: %s", err.text);
	for (i = 0; i < n; i++) {
		s[i].size = size;
		s[i].context = o;
		s[i].limit = i ? &s[0] : NULL;
		s[i].batch = size > BATCH_BYTES / MAX_BATCH ? (unsigned int)(BATCH_BYTES / size) :
			     MAX_BATCH;
	}
	code = rounds_run(s, n, size >= MIB ? b->rounds / 8 + 1 : b->rounds);
	if (!code)
		code = report_add(b->report, "commit", s, n);
	rounds_free(s, n);
	npmu_ckpt_reader_close(o->reader);
	npmu_ckpt_writer_close(o->writer);
	return code;
}

int overwrite_measure(const struct bench *b)
{
	struct overwrite o = { 0 };
	int code = -1;
	size_t i;

	if (place_open(b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE, &o.region))
		return -1;
	o.state = malloc(MAX_SIZE);
	o.copy = malloc(MAX_SIZE);
	if (!o.state || !o.copy)
		bench_fail("out of memory");
	else
		code = place_clear(o.region, USED);
	for (i = 0; i < MAX_SIZE && !code; i++)
		o.state[i] = (char)(i * 2654435761u >> 13);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !code; i++)
		code = measure_size(b, &o, sizes[i]);
	free(o.state);
	free(o.copy);
	npmu_region_close(o.region);
	return code;
}

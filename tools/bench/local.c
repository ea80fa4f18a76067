// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measuring commits against raw stores on one memory. Each round does a batch of
 * every kind in turn, so that whatever disturbs the machine disturbs all alike.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <npmu/ckpt.h>

#include "bench.h"

#define FILE_SIZE	(64 << 20)
#define PART		64	/* bytes that a partial commit changes */
/* Enough of a round that reading the clock does not show. */
#define BATCH_BYTES	65536
#define MAX_BATCH	64

enum kind { RAW, COMMIT, PARTIAL, TWO_FENCES, READ, KINDS };

struct bench {
	const struct bench_options *o;
	struct npmu_ckpt_writer *writer;
	struct npmu_ckpt_reader *reader;
	size_t size;
	unsigned int batch;
	char *state;
	char *copy;
	char *raw;		/* two places, used in turn as the slots are */
	size_t raw_step;
	unsigned long turn;
	double *ns[KINDS];
	double *ratio;
};

static double now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec * 1e9 + (double)ts.tv_nsec;
}

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double quantile(double *v, unsigned int n, double q)
{
	qsort(v, n, sizeof(*v), by_value);
	return v[(unsigned int)((n - 1) * q)];
}

static int complain(const char *what, const char *why)
{
	fprintf(stderr, "npmu-bench: %s: %s\n", what, why);
	return -1;
}

int bench_open(struct bench_options *o, const char *file, const char *region)
{
	struct npmu_error err;
	struct stat st;
	int fd;

	if (file) {
		fd = open(file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || fstat(fd, &st) ||
		    (st.st_size < FILE_SIZE && ftruncate(fd, FILE_SIZE))) {
			perror(file);
			if (fd >= 0)
				close(fd);
			return -1;
		}
		close(fd);
	}
	if (file ? npmu_region_open_file(file, NPMU_OPEN_WRITE, &o->region, &err) :
		   npmu_region_open(region, NPMU_OPEN_WRITE, &o->region, &err))
		return complain("open", err.text);
	if (npmu_region_map(o->region, NPMU_MAP_WRITE)) {
		complain("map", npmu_region_error(o->region));
		npmu_region_close(o->region);
		return -1;
	}
	return 0;
}

void bench_close(struct bench_options *o)
{
	npmu_region_close(o->region);
}

const char *bench_class(const struct bench_options *o)
{
	return npmu_class_name(npmu_region_class(o->region));
}

static int do_raw(struct bench *b)
{
	char *at = b->raw + (b->turn++ % 2) * b->raw_step;

	memcpy(b->state, &b->turn, sizeof(b->turn));
	return npmu_memcpy_persist(b->o->region, at, b->state, b->size);
}

/* What a commit without a CRC has to do: the record after the data is durable. */
static int do_two_fences(struct bench *b)
{
	char *at = b->raw + (b->turn++ % 2) * b->raw_step;
	uint64_t word = b->turn;

	memcpy(b->state, &b->turn, sizeof(b->turn));
	npmu_memcpy_persist(b->o->region, at + 64, b->state, b->size);
	return npmu_memcpy_persist(b->o->region, at, &word, sizeof(word));
}

static int do_commit(struct bench *b)
{
	b->turn++;
	memcpy(b->state, &b->turn, sizeof(b->turn));
	return npmu_ckpt_commit(b->writer, b->state, b->size, 0);
}

static int do_partial(struct bench *b)
{
	struct npmu_ckpt_range range = { .length = PART };

	if (b->size < PART)
		range.length = b->size;
	range.offset = ++b->turn * 4096 % (b->size - range.length + 1);
	memcpy(b->state + range.offset, &b->turn,
	       range.length < sizeof(b->turn) ? range.length : sizeof(b->turn));
	return npmu_ckpt_commit_ranges(b->writer, b->state, b->size, &range, 1, 0);
}

static int do_read(struct bench *b)
{
	return npmu_ckpt_read(b->reader, b->copy, b->size, NULL);
}

static int (*const actions[KINDS])(struct bench *b) = {
	[RAW] = do_raw,
	[COMMIT] = do_commit,
	[PARTIAL] = do_partial,
	[TWO_FENCES] = do_two_fences,
	[READ] = do_read,
};

static int measure(struct bench *b, enum kind what, double *ns)
{
	double start;
	unsigned int i;
	int code = 0;

	/* After whole commits the first partial ones bring both slots up to date. */
	if (what == PARTIAL)
		code = do_partial(b) || do_partial(b);
	start = now_ns();
	for (i = 0; i < b->batch && !code; i++)
		code = actions[what](b);
	*ns = (now_ns() - start) / b->batch;
	return code ? complain("measuring", npmu_ckpt_writer_error(b->writer)) : 0;
}

static int measure_all(struct bench *b, struct bench_result *r)
{
	unsigned int i, rounds = b->o->rounds;
	double ns;
	int k;

	for (i = 0; i < rounds + rounds / 10; i++) {
		/* The first tenth warms up; then raw and commit change places. */
		unsigned int at = i < rounds / 10 ? 0 : i - rounds / 10;

		for (k = 0; k < KINDS; k++) {
			enum kind kind = k < 2 && i % 2 ? 1 - k : k;

			if (measure(b, kind, &ns))
				return -1;
			b->ns[kind][at] = ns;
		}
		b->ratio[at] = b->ns[COMMIT][at] / b->ns[RAW][at];
	}
	r->ratio = quantile(b->ratio, rounds, 0.5);
	r->raw_ns = quantile(b->ns[RAW], rounds, 0.5);
	r->commit_ns = quantile(b->ns[COMMIT], rounds, 0.5);
	r->commit_p99_ns = quantile(b->ns[COMMIT], rounds, 0.99);
	r->partial_ns = quantile(b->ns[PARTIAL], rounds, 0.5);
	r->two_fences_ns = quantile(b->ns[TWO_FENCES], rounds, 0.5);
	r->read_ns = quantile(b->ns[READ], rounds, 0.5);
	return 0;
}

static int prepare(struct bench *b)
{
	struct npmu_region *region = b->o->region;
	size_t used, need, i;
	struct npmu_error err;

	/* The checkpoint at the start of the region, the raw stores behind it. */
	used = NPMU_CKPT_SLOTS_START + 2 * (b->size + 2 * NPMU_CKPT_SLOT_ALIGN);
	b->raw_step = b->size + NPMU_CKPT_SLOT_ALIGN;
	b->raw_step -= b->raw_step % NPMU_CKPT_SLOT_ALIGN;
	used -= used % NPMU_CKPT_SLOT_ALIGN;
	need = used + 2 * b->raw_step + NPMU_CKPT_SLOT_ALIGN;
	if (need > npmu_region_length(region)) {
		fprintf(stderr, "npmu-bench: %zu bytes need a region of %zu bytes\n",
			b->size, need);
		return -1;
	}
	b->raw = (char *)npmu_region_addr(region) + used;
	if (npmu_ckpt_writer_open(region, b->size, NPMU_CKPT_INIT, &b->writer, &err) ||
	    npmu_ckpt_reader_open(region, &b->reader, &err))
		return complain("checkpoint", err.text);
	b->batch = (unsigned int)(BATCH_BYTES / b->size);
	if (b->batch > MAX_BATCH)
		b->batch = MAX_BATCH;
	if (!b->batch)
		b->batch = 1;
	b->state = malloc(b->size + sizeof(b->turn));
	b->copy = malloc(b->size);
	b->ratio = calloc(b->o->rounds, sizeof(*b->ratio));
	if (!b->state || !b->copy || !b->ratio)
		return complain("memory", "out of memory");
	for (i = 0; i < KINDS; i++) {
		b->ns[i] = calloc(b->o->rounds, sizeof(double));
		if (!b->ns[i])
			return complain("memory", "out of memory");
	}
	for (i = 0; i < b->size; i++)
		b->state[i] = (char)(i * 2654435761u >> 13);
	return 0;
}

int bench_local(const struct bench_options *o, struct bench_result *r)
{
	struct bench b = { .o = o, .size = r->size };
	int i, code;

	code = prepare(&b);
	if (!code)
		code = measure_all(&b, r);
	for (i = 0; i < KINDS; i++)
		free(b.ns[i]);
	free(b.ratio);
	free(b.state);
	free(b.copy);
	npmu_ckpt_reader_close(b.reader);
	npmu_ckpt_writer_close(b.writer);
	return code;
}

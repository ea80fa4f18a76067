// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Checkpoints: recording what the writer does, and what a reader and the next writer
 * must find after a cut. It must not know how libnpmu goes about it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ckpt_ops.h"
#include "handle.h"

#define SUCCESSOR	0x5cce55u

struct ckpt_run *ckpt_now;

static void die(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	fflush(stdout);
	abort();
}

static void fill(unsigned char *p, size_t len, uint64_t seed)
{
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (unsigned char)(model_random(&seed) >> 24);
}

struct ckpt_run *ckpt_begin(uint64_t seed, enum lib_cpu cpu, bool junk, bool kernel)
{
	struct ckpt_run *run = calloc(1, sizeof(*run));
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	struct npmu_error err;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lib_cpu = cpu;
	lib_random = seed;
	if (!run || fd < 0 || ftruncate(fd, CKPT_REGION))
		die("no memory", "");
	if (npmu_region_open_file(path, NPMU_OPEN_WRITE, &run->region, &err))
		die("open", err.text);
	close(fd);
	if (npmu_region_map(run->region, NPMU_MAP_WRITE))
		die("map", npmu_region_error(run->region));
	run->region->persistence_class = NPMU_CLASS_PERSISTENT;
	if (kernel)
		run->region->ops = &npmu_persist_kernel;
	run->room = 16;
	run->snap = calloc(run->room + 1, sizeof(*run->snap));
	run->text = calloc(run->room, sizeof(*run->text));
	run->before = malloc(CKPT_REGION);
	if (!run->snap || !run->text || !run->before)
		die("no memory", "");
	run->snap[0].what = junk ? CKPT_FOREIGN : CKPT_NONE;
	if (junk)
		fill(run->region->addr, CKPT_REGION, seed + 1);
	memcpy(run->before, run->region->addr, CKPT_REGION);
	model_memory(run->region->addr, CKPT_REGION);
	model_record(&run->log);
	ckpt_now = run;
	return run;
}

uint32_t ckpt_explore(struct ckpt_run *run, struct explore *x, struct explore_stat *stat)
{
	uint32_t wrong, i;

	lib_before_fence = NULL;
	npmu_ckpt_writer_close(run->writer);
	model_record(NULL);
	if (model_unseen(&run->log, run->before) >= 0) {
		run->wrong++;
		printf("# WRONG: a store went past the model at 0x%lx\n",
		       model_unseen(&run->log, run->before) * MODEL_LINE);
	}
	memcpy(run->region->addr, run->before, CKPT_REGION);
	wrong = run->wrong;
	x->log = &run->log;
	x->ops = &ckpt_explore_ops;
	x->first = run->first;
	explore_run(x, stat);
	if (stat->failed || wrong)
		for (i = run->first; i < run->nr; i++)
			printf("#   operation %u: %s\n", i, run->text[i]);
	for (i = 0; i <= run->nr; i++)
		free(run->snap[i].data);
	npmu_region_close(run->region);
	model_log_free(&run->log);
	model_memory(NULL, 0);
	free(run->snap);
	free(run->text);
	free(run->before);
	free(run);
	ckpt_now = NULL;
	return wrong;
}

/* The snapshot after the operation that begins: first as before it. */
static struct ckpt_snap *op_begin(struct ckpt_run *run, const char *text)
{
	struct ckpt_snap *s;

	if (run->nr == run->room) {
		run->room *= 2;
		run->snap = realloc(run->snap, (run->room + 1) * sizeof(*run->snap));
		run->text = realloc(run->text, run->room * sizeof(*run->text));
		if (!run->snap || !run->text)
			die("no memory", "");
	}
	snprintf(run->text[run->nr], sizeof(run->text[0]), "%s", text);
	s = &run->snap[run->nr + 1];
	*s = run->snap[run->nr];
	s->data = malloc(CKPT_MOST);
	if (!s->data)
		die("no memory", "");
	if (s->len)
		memcpy(s->data, run->snap[run->nr].data, s->len);
	model_mark(MODEL_BEGIN, run->nr);
	return s;
}

static void op_end(struct ckpt_run *run, int code)
{
	if (code) {
		run->wrong++;
		printf("# WRONG: %s: %d\n", run->text[run->nr], code);
	}
	model_mark(MODEL_END, run->nr++);
}

void ckpt_open(struct ckpt_run *run, uint64_t capacity, unsigned int flags)
{
	struct ckpt_snap *s = op_begin(run, flags ? "open anew" : "open");
	struct npmu_error err;

	if (flags & NPMU_CKPT_INIT) {
		s->what = CKPT_NONE;
		s->len = 0;
	}
	npmu_ckpt_writer_close(run->writer);
	run->writer = NULL;
	if (npmu_ckpt_writer_open(run->region, capacity, flags, &run->writer, &err))
		die("writer", err.text);
	op_end(run, 0);
}

void ckpt_takeover(struct ckpt_run *run)
{
	uint64_t epoch;

	if (npmu_region_takeover(run->region, npmu_region_fence_epoch(run->region), &epoch))
		die("takeover", npmu_region_error(run->region));
	ckpt_open(run, 0, 0);
}

static void committed(struct ckpt_run *run, struct ckpt_snap *s)
{
	s->what = CKPT_STATE;
	s->tag = run->tag;
	s->fence_epoch = npmu_region_fence_epoch(run->region);
	s->len = run->len;
	memcpy(s->data, run->data, run->len);
}

void ckpt_commit(struct ckpt_run *run, size_t len, uint64_t random)
{
	struct ckpt_snap *s;
	char text[48];

	snprintf(text, sizeof(text), "commit of %zu", len);
	s = op_begin(run, text);
	fill(run->data, len, random);
	run->len = len;
	run->tag++;
	committed(run, s);
	op_end(run, npmu_ckpt_commit(run->writer, run->data, len, run->tag));
}

/* On another CPU, while the last commit is visible and not yet fenced. */
static void usurp(void)
{
	enum model_agent before = model_agent(MODEL_OTHER_CPU);
	struct ckpt_run *run = ckpt_now;
	struct npmu_error err;
	uint64_t epoch;

	if (npmu_region_takeover(run->region, npmu_region_fence_epoch(run->region), &epoch) ||
	    npmu_ckpt_writer_open(run->region, 0, 0, &run->usurper, &err))
		die("usurper", err.text);
	/* It goes on from what it saw, so that must not be lost any more. */
	model_mark(MODEL_END, run->nr++);
	lib_before_fence = NULL;
	fill(run->data, 333, run->tag);
	run->len = 333;
	run->tag++;
	committed(run, op_begin(run, "commit of the usurper"));
	op_end(run, npmu_ckpt_commit(run->usurper, run->data, 333, run->tag));
	model_agent(before);
}

void ckpt_usurped(struct ckpt_run *run, size_t len, uint64_t random)
{
	unsigned char *data = malloc(len + !len);

	if (!data)
		die("no memory", "");
	fill(data, len, random);
	memcpy(run->data, data, len);
	run->len = len;
	run->tag++;
	committed(run, op_begin(run, "commit, usurped"));
	lib_before_fence = usurp;
	if (npmu_ckpt_commit(run->writer, data, len, run->tag) != -ESTALE) {
		run->wrong++;
		printf("# WRONG: a commit that was usurped succeeded\n");
	}
	lib_before_fence = NULL;
	npmu_ckpt_writer_close(run->writer);
	run->writer = run->usurper;
	free(data);
}

void ckpt_ranges(struct ckpt_run *run, unsigned int nr, uint64_t random)
{
	static struct npmu_ckpt_range range[CKPT_RANGES];
	struct ckpt_snap *s = op_begin(run, "commit of ranges");
	unsigned int i;

	for (i = 0; i < nr && i < CKPT_RANGES && run->len; i++) {
		range[i].offset = model_random(&random) % run->len;
		range[i].length = model_random(&random) % 700;
		if (range[i].length > run->len - range[i].offset)
			range[i].length = run->len - range[i].offset;
		fill(run->data + range[i].offset, range[i].length, model_random(&random));
	}
	run->tag++;
	committed(run, s);
	op_end(run, npmu_ckpt_commit_ranges(run->writer, run->data, run->len, range, i, run->tag));
}

void ckpt_lose_header(struct ckpt_run *run, int copy)
{
	unsigned char junk[256];

	fill(junk, sizeof(junk), run->tag);
	op_begin(run, "header lost");
	model_stream((char *)run->region->addr + (copy ? NPMU_CKPT_HEADER1 : NPMU_CKPT_HEADER0),
		     junk, sizeof(junk));
	model_fence();
	op_end(run, 0);
}

/* --- recovery --- */

/* Does a reader get just this? */
static bool is_snap(const struct ckpt_snap *s, int code, const struct npmu_ckpt_info *info,
		    const unsigned char *data)
{
	switch (s->what) {
	case CKPT_FOREIGN:
		return code == -EMEDIUMTYPE;
	case CKPT_NONE:
		return code == -ENODATA;
	default:
		return !code && info->tag == s->tag && info->length == s->len &&
		       info->fence_epoch == s->fence_epoch && !memcmp(data, s->data, s->len);
	}
}

static int read_state(struct npmu_region *region, struct npmu_ckpt_info *info,
		      unsigned char *data)
{
	struct npmu_ckpt_reader *reader;
	int code;

	if (npmu_ckpt_reader_open(region, &reader, NULL))
		die("reader", "");
	memset(info, 0, sizeof(*info));
	code = npmu_ckpt_read(reader, data, CKPT_MOST, info);
	npmu_ckpt_reader_close(reader);
	return code;
}

/* Another CPU reads while a commit is not fenced; what it got is given out. */
static void read_meanwhile(void)
{
	enum model_agent before = model_agent(MODEL_OTHER_CPU);
	static unsigned char data[CKPT_MOST];
	struct ckpt_run *run = ckpt_now;
	struct npmu_ckpt_info info;
	int code = read_state(run->region, &info, data);

	/* That there is nothing is not given out: it may change with a cut. */
	if (is_snap(&run->snap[run->nr + 1], code, &info, data)) {
		if (!code)
			model_mark(MODEL_END, run->nr);
	} else if (!is_snap(&run->snap[run->nr], code, &info, data)) {
		run->wrong++;
		printf("# WRONG: a reader beside a writer got neither state: %d\n", code);
	}
	model_agent(before);
}

void ckpt_readers(struct ckpt_run *run, bool on)
{
	(void)run;
	lib_before_fence = on ? read_meanwhile : NULL;
}

void ckpt_wait(struct ckpt_run *run)
{
	struct npmu_ckpt_reader *reader;

	op_begin(run, "wait");
	if (npmu_ckpt_reader_open(run->region, &reader, NULL))
		die("reader", "");
	op_end(run, npmu_ckpt_wait(reader, 0, 0));
	npmu_ckpt_reader_close(reader);
}

/* A successor opens what was left, goes on, and is read. */
static const char *go_on(const struct ckpt_snap *found, const struct npmu_ckpt_info *info)
{
	struct npmu_region *region = ckpt_now->region;
	unsigned int flags = found->what == CKPT_FOREIGN ? NPMU_CKPT_INIT : 0;
	unsigned char data[100], got[CKPT_MOST];
	struct npmu_ckpt_writer *writer;
	struct npmu_ckpt_info after;
	const char *why = NULL;

	memset(data, 0x77, sizeof(data));
	if (npmu_ckpt_writer_open(region, 0, flags, &writer, NULL))
		return "the next writer cannot open it";
	if (memcmp((char *)region->addr + NPMU_CKPT_HEADER0,
		   (char *)region->addr + NPMU_CKPT_HEADER1, NPMU_CKPT_HEADER_SIZE))
		why = "the copies of the header differ after an open";
	else if (npmu_ckpt_commit(writer, data, sizeof(data), SUCCESSOR))
		why = "the next writer cannot commit";
	else if (read_state(region, &after, got) || after.tag != SUCCESSOR ||
		 after.sequence <= info->sequence || memcmp(data, got, sizeof(data)))
		why = "the next writer's state is not read";
	npmu_ckpt_writer_close(writer);
	return why;
}

static const char *ckpt_recover(const struct explore_at *at)
{
	const struct ckpt_snap *snap = ckpt_now->snap, *found = NULL;
	static unsigned char data[CKPT_MOST];
	struct npmu_ckpt_info info;
	static char text[96];
	int code = read_state(ckpt_now->region, &info, data);

	if (is_snap(&snap[at->answered], code, &info, data))
		found = &snap[at->answered];
	else if (at->inflight != EXPLORE_NONE &&
		 is_snap(&snap[at->inflight + 1], code, &info, data))
		found = &snap[at->inflight + 1];
	if (!found && at->nested && !code && info.tag == SUCCESSOR)
		return NULL;
	/* A recovery that makes a checkpoint where there was something else. */
	if (!found && at->nested && code == -ENODATA && snap[at->answered].what == CKPT_FOREIGN)
		return NULL;
	if (!found) {
		snprintf(text, sizeof(text), "read: %d, tag %llu of %llu bytes, expected %llu",
			 code, (unsigned long long)info.tag, (unsigned long long)info.length,
			 (unsigned long long)snap[at->answered].tag);
		return text;
	}
	return go_on(found, &info);
}

static const char *ckpt_rot(const struct explore_at *at, uint64_t random)
{
	static const uint64_t offset[2] = { NPMU_CKPT_HEADER0, NPMU_CKPT_HEADER1 };
	const unsigned char *base = ckpt_now->region->addr;
	unsigned char junk[NPMU_CKPT_HEADER_SIZE];
	int copy = (int)(random & 1);
	size_t i;

	(void)at;
	/* The other copy is as good, so this one's loss must not matter. */
	if (memcmp(base + offset[0], base + offset[1], sizeof(junk)) ||
	    memcmp(base, "NPMUCKPT", 8))
		return NULL;
	memcpy(junk, base + offset[copy], sizeof(junk));
	if (random & 2)
		junk[(random >> 8) % sizeof(junk)] ^= 1U << (random >> 4) % 8;
	else
		fill(junk, sizeof(junk), random);
	for (i = 0; i < sizeof(junk); i += MODEL_LINE)
		model_poke((uint32_t)((offset[copy] + i) / MODEL_LINE), 0, junk + i, MODEL_LINE);
	return copy ? "checkpoint header 1" : "checkpoint header 0";
}

const struct explore_ops ckpt_explore_ops = {
	.recover = ckpt_recover,
	.rot = ckpt_rot,
};

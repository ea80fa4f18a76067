// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form: recording what a writer does. It must not know how libnpmu goes
 * about it, nor what is asked after a cut (append_recover.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "append_ops.h"
#include "handle.h"

struct append_run *append_now;

static const struct explore_ops append_explore_ops = { .recover = append_recover };

static void die(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	fflush(stdout);
	abort();
}

static void wrong(struct append_run *run, const char *what, int code)
{
	run->wrong++;
	printf("# WRONG: %s: %s: %d\n", run->text[run->nr], what, code);
}

void append_bytes(const struct append_entry *e, unsigned char *buf)
{
	uint64_t random = e->random;
	size_t i;

	for (i = 0; i < e->len; i++)
		buf[i] = (unsigned char)(model_random(&random) >> 24);
}

bool append_is_behind(const struct append_run *run, uint16_t low, uint16_t high)
{
	while (high != low && high != APPEND_ROOT)
		high = run->item[high].parent;
	return high == low;
}

enum how { WRITE_BASE, UPDATE, ADD };

static int write_base(struct npmu_append_writer *w, void *context);

struct append_run *append_begin(uint64_t seed, enum lib_cpu cpu, unsigned int flags,
				bool kernel)
{
	struct append_run *run = calloc(1, sizeof(*run));
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	struct npmu_error err;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lib_cpu = cpu;
	lib_random = seed;
	if (!run || fd < 0 || ftruncate(fd, APPEND_REGION))
		die("no memory", "");
	if (npmu_region_open_file(path, NPMU_OPEN_WRITE, &run->region, &err))
		die("open", err.text);
	close(fd);
	if (npmu_region_map(run->region, NPMU_MAP_WRITE))
		die("map", npmu_region_error(run->region));
	run->region->persistence_class = NPMU_CLASS_PERSISTENT;
	if (kernel)
		run->region->ops = &npmu_persist_kernel;
	run->options.size = sizeof(run->options);
	run->options.flags = flags;
	run->options.base_capacity = APPEND_BASE;
	run->options.ring_size = APPEND_RING;
	run->options.full = NPMU_APPEND_FULL_BASE;
	run->options.write_base = write_base;
	run->options.context = run;
	run->items = 1;
	run->before = calloc(1, APPEND_REGION);
	if (!run->before)
		die("no memory", "");
	model_memory(run->region->addr, APPEND_REGION);
	model_record(&run->log);
	append_now = run;
	return run;
}

uint32_t append_explore(struct append_run *run, struct explore *x, struct explore_stat *stat)
{
	uint32_t nr_wrong, i;

	lib_before_fence = NULL;
	npmu_append_writer_close(run->writer);
	model_record(NULL);
	if (model_unseen(&run->log, run->before) >= 0) {
		run->wrong++;
		printf("# WRONG: a store went past the model at 0x%lx\n",
		       model_unseen(&run->log, run->before) * MODEL_LINE);
	}
	memcpy(run->region->addr, run->before, APPEND_REGION);
	nr_wrong = run->wrong;
	x->log = &run->log;
	x->ops = &append_explore_ops;
	x->first = 0;
	explore_run(x, stat);
	if (stat->failed || nr_wrong)
		for (i = 0; i < run->nr; i++)
			printf("#   operation %u: %s\n", i, run->text[i]);
	npmu_region_close(run->region);
	model_log_free(&run->log);
	model_memory(NULL, 0);
	free(run->before);
	free(run);
	append_now = NULL;
	return nr_wrong;
}

/* --- operations --- */

/* While it is under way, all that was sure before is; more may be there. */
static struct append_snap *op_begin(struct append_run *run, const char *text)
{
	if (run->nr == APPEND_OPS)
		die(text, "too many operations");
	snprintf(run->text[run->nr], sizeof(run->text[0]), "%s", text);
	run->snap[run->nr + 1] = run->snap[run->nr];
	run->snap[run->nr + 1].tried = run->snap[run->nr].high;
	run->snap[run->nr + 1].anew = false;
	model_mark(MODEL_BEGIN, run->nr);
	return &run->snap[run->nr + 1];
}

static void op_end(struct append_run *run)
{
	model_mark(MODEL_END, run->nr++);
}

/* All that was stored is sure now: an operation ends here, and another goes on. */
static void op_sure(struct append_run *run, uint16_t low)
{
	run->snap[run->nr + 1].low = low;
	op_end(run);
	op_begin(run, "  goes on");
}

static uint16_t item_new(struct append_run *run, bool base, size_t len, uint64_t random)
{
	uint16_t nr = run->items++;

	if (nr == APPEND_ITEMS)
		die("items", "too many");
	run->item[nr] = (struct append_entry){
		.parent = run->added,
		.base = base,
		.tag = nr,
		.fence_epoch = npmu_region_fence_epoch(run->region),
		.len = (uint16_t)len,
		.random = random,
	};
	run->added = nr;
	run->snap[run->nr + 1].high = nr;
	run->snap[run->nr + 1].tried = nr;
	return nr;
}

static int store(struct append_run *run, struct npmu_append_writer *w, uint16_t nr,
		 enum how how)
{
	unsigned char buf[APPEND_MOST];
	const struct append_entry *e = &run->item[nr];
	size_t cut = e->len ? e->random % e->len : 0;
	struct iovec iov[2] = { { buf, cut }, { buf + cut, e->len - cut } };

	append_bytes(e, buf);
	if (how == WRITE_BASE)
		return npmu_append_base(w, iov, 2, e->tag);
	return how == UPDATE ? npmu_append_update(w, iov, 2, e->tag) :
			  npmu_append_add(w, iov, 2, e->tag);
}

/* The ring is full: what is about to be stored comes behind a base. */
static int write_base(struct npmu_append_writer *w, void *context)
{
	struct append_run *run = context;
	uint16_t next = run->added, base;
	int code;

	run->nr_moved++;
	run->added = run->item[next].parent;
	base = item_new(run, true, 64, next);
	code = store(run, w, base, WRITE_BASE);
	run->item[next].parent = base;
	run->added = next;
	run->snap[run->nr + 1].high = next;
	run->snap[run->nr + 1].tried = next;
	if (!code)
		op_sure(run, base);
	return code;
}

/* What is read now is what there is: a writer goes on behind it. */
static void go_on_behind(struct append_run *run)
{
	struct append_snap *s = &run->snap[run->nr + 1];
	struct append_found found;

	append_look(run, s->anew ? APPEND_ROOT : s->high, &found);
	if (found.code || found.why)
		wrong(run, found.why ? found.why : "no base after an open", found.code);
	if (!s->anew && !append_is_behind(run, s->low, found.last))
		wrong(run, "a new writer forgets", found.last);
	s->made = true;
	s->low = found.last;
	s->high = found.last;
	run->added = found.last;
}

void append_open(struct append_run *run, bool anew)
{
	struct npmu_append_options options = run->options;
	struct npmu_error err;

	op_begin(run, anew ? "open anew" : "open")->anew = anew;
	npmu_append_writer_close(run->writer);
	run->writer = NULL;
	if (anew)
		options.flags |= NPMU_APPEND_INIT;
	if (npmu_append_writer_open(run->region, &options, &run->writer, &err))
		die("writer", err.text);
	go_on_behind(run);
	op_end(run);
}

static int take_over(struct append_run *run, bool by_reader, struct npmu_append_writer **out)
{
	struct npmu_append_options options = run->options;
	uint64_t epoch = npmu_region_fence_epoch(run->region);
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	int code;

	if (!by_reader) {
		code = npmu_region_takeover(run->region, epoch, NULL);
		return code ? code : npmu_append_writer_open(run->region, &options, out, NULL);
	}
	options.flags = 0;
	options.base_capacity = 0;
	options.ring_size = 0;
	if (npmu_append_reader_open(run->region, &r, NULL))
		die("reader", "");
	code = npmu_append_read_base(r, &item);
	/* Half of what is there is unread. */
	if (!code && run->nr % 2)
		npmu_append_next(r, &item);
	if (!code)
		code = npmu_append_takeover(r, epoch, &options, out, NULL);
	npmu_append_reader_close(r);
	return code;
}

void append_takeover(struct append_run *run, bool by_reader)
{
	struct npmu_append_writer *w;
	int code;

	op_begin(run, by_reader ? "takeover by a reader" : "takeover");
	code = take_over(run, by_reader, &w);
	if (code)
		die("takeover", npmu_region_error(run->region));
	npmu_append_writer_close(run->writer);
	run->writer = w;
	go_on_behind(run);
	op_end(run);
}

/* All that was stored so far was committed. */
static void committed(struct append_run *run, int code)
{
	if (code)
		wrong(run, npmu_append_writer_error(run->writer), code);
	run->snap[run->nr + 1].low = run->added;
	op_end(run);
}

void append_base(struct append_run *run, size_t len, uint64_t random)
{
	char text[48];

	snprintf(text, sizeof(text), "base of %zu", len);
	op_begin(run, text);
	committed(run, store(run, run->writer, item_new(run, true, len, random), WRITE_BASE));
}

void append_update(struct append_run *run, size_t len, uint64_t random)
{
	char text[48];

	snprintf(text, sizeof(text), "update of %zu", len);
	op_begin(run, text);
	committed(run, store(run, run->writer, item_new(run, false, len, random), UPDATE));
}

void append_batch(struct append_run *run, unsigned int nr, bool commit, uint64_t random)
{
	int code = 0;

	op_begin(run, commit ? "batch" : "batch without a commit");
	while (nr-- && !code)
		code = store(run, run->writer,
			     item_new(run, false, model_random(&random) % 150, random), ADD);
	if (!code && commit)
		code = npmu_append_commit(run->writer);
	if (commit || code)
		committed(run, code);
	else
		op_end(run);
}

void append_batch_alone(struct append_run *run, unsigned int nr, uint64_t random)
{
	unsigned long most = run->options.flags & NPMU_APPEND_NO_CRC ? 2 : 1;
	unsigned long fences = lib_nr_fences;
	uint32_t moved = run->nr_moved;

	append_batch(run, nr, true, random);
	/* A full ring asks for a base, which has fences of its own. */
	if (run->nr_moved == moved && lib_nr_fences - fences != most)
		wrong(run, "so many CPU fences for a batch", (int)(lib_nr_fences - fences));
}

/* --- what others do in the middle --- */

/* On another CPU, while the last commit may be visible and is not fenced. */
static void usurp(void)
{
	struct append_run *run = append_now;
	enum model_agent before;

	if (lib_fenced)
		return;
	before = model_agent(MODEL_OTHER_CPU);
	if (take_over(run, run->nr % 3 == 0, &run->usurper))
		die("usurper", npmu_region_error(run->region));
	/* It goes on from what it saw, so that must not be lost any more. */
	go_on_behind(run);
	op_end(run);
	op_begin(run, "update of the usurper");
	if (store(run, run->usurper, item_new(run, false, 333, run->nr), UPDATE))
		wrong(run, "the usurper cannot commit", -1);
	run->snap[run->nr + 1].low = run->added;
	op_end(run);
	model_agent(before);
	/* Of the former writer nothing lands any more. */
	lib_fenced = true;
}

void append_usurped(struct append_run *run, size_t len, uint64_t random)
{
	struct npmu_append_writer *old = run->writer;

	/* Not in the middle of a base that has to come first. */
	if (npmu_append_free(old) < 3 * APPEND_RING / 4)
		append_base(run, len, random);
	op_begin(run, "update, usurped");
	lib_before_fence = usurp;
	if (store(run, old, item_new(run, false, len, random), UPDATE) != -ESTALE)
		wrong(run, "a commit that was usurped succeeded", 0);
	lib_before_fence = NULL;
	lib_fenced = false;
	npmu_append_writer_close(old);
	run->writer = run->usurper;
}

/* Another CPU reads while a commit is not fenced; what it got is given out. */
static void read_meanwhile(void)
{
	enum model_agent before = model_agent(MODEL_OTHER_CPU);
	struct append_run *run = append_now;
	const struct append_snap *s = &run->snap[run->nr + 1];
	struct append_found found;

	append_look(run, s->high, &found);
	if (found.code != -ENODATA || s->made) {
		if (found.code || found.why)
			wrong(run, found.why ? found.why : "beside a writer", found.code);
		else if (!append_is_behind(run, s->low, found.last))
			wrong(run, "a reader beside a writer misses something", 0);
		else if (s->made)
			op_sure(run, found.last);
	}
	model_agent(before);
}

void append_readers(struct append_run *run, bool on)
{
	(void)run;
	lib_before_fence = on ? read_meanwhile : NULL;
}

void append_named(struct append_run *run)
{
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	int code;

	op_begin(run, "named reader");
	if (npmu_append_reader_open(run->region, &r, NULL))
		die("reader", "");
	code = npmu_append_attach(r, "crash", NPMU_APPEND_CREATE);
	if (code == 1)
		code = npmu_append_read_base(r, &item);
	/* What is there already is not waited for. */
	if (!code && run->snap[run->nr].low != APPEND_ROOT && npmu_append_position(r) == 0)
		code = npmu_append_wait(r, 0);
	while (!code)
		code = npmu_append_next(r, &item);
	if (code == -ENODATA)
		code = npmu_append_ack(r, npmu_append_position(r));
	if (!code)
		code = npmu_append_detach(r, NULL);
	if (code)
		wrong(run, npmu_append_reader_error(r), code);
	npmu_append_reader_close(r);
	op_end(run);
}

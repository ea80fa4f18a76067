// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Power cuts in the middle of a commit, and readers beside a running writer. Of a
 * commit that has not reached its fence any aligned 8-byte words may have arrived:
 * a reader gets the state before or the state after, never anything else.
 */
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>

#include "../../lib/handle.h"
#include "lib_memory.h"

#define SIZE	(64 << 10)
#define WORDS	(SIZE / 8)
#define MAX	20000

static uint64_t before[WORDS], after[WORDS];
static unsigned char old_state[MAX], new_state[MAX], got[MAX];
static uint64_t seed = 17;

struct expected {
	size_t old_len, new_len;
	bool old_there;
};

/* Which words of a commit arrive: none, all, a prefix, whole lines, any. */
static void tear(uint64_t *image, const size_t *word, size_t n, int how)
{
	size_t cut = tap_random(&seed) % (n + 1), i;
	uint64_t lines = tap_random(&seed);
	unsigned int share = 1 + tap_random(&seed) % 7;

	memcpy(image, before, SIZE);
	for (i = 0; i < n; i++) {
		bool here;

		if (how % 4 == 0)
			here = i < cut;
		else if (how % 4 == 1)
			here = i >= cut;
		else if (how % 4 == 2)
			here = lines >> (word[i] / 8 % 64) & 1;
		else
			here = tap_random(&seed) % 8 < share;
		if (here)
			image[word[i]] = after[word[i]];
	}
}

static void check_image(struct npmu_ckpt_reader *r, const struct expected *e,
			bool all_there, const char *what)
{
	struct npmu_ckpt_info info;
	int code = npmu_ckpt_read(r, got, sizeof(got), &info);

	if (code == -ENODATA && !e->old_there) {
		CHECK(!all_there, "%s: complete, but not read", what);
		return;
	}
	if (!CHECK(!code, "%s: %d", what, code))
		return;
	if (info.tag == 1)
		CHECK(e->old_there && !all_there && info.length == e->old_len &&
		      !memcmp(got, old_state, e->old_len), "%s: old", what);
	else
		/* The zeros behind its last byte may still be missing. */
		CHECK(info.length == e->new_len &&
		      !memcmp(got, new_state, e->new_len), "%s: new", what);
}

/*
 * @before and @after are images of a region around one commit of tag 2 after one
 * of tag 1 (or none): try many ways in which it may have been torn.
 */
static void check_tears(const struct expected *e, int ways, const char *what)
{
	static size_t word[WORDS];
	struct npmu_region *torn = memory_new(SIZE);
	uint64_t *image = npmu_region_addr(torn);
	struct npmu_ckpt_reader *r = reader_new(torn);
	struct npmu_ckpt_writer *w;
	size_t i, n = 0;
	int way;

	for (i = 0; i < WORDS; i++)
		if (before[i] != after[i])
			word[n++] = i;
	CHECK(n > 0, "%s: nothing changed", what);
	for (way = 0; way < ways; way++) {
		tear(image, word, n, way);
		check_image(r, e, !memcmp(image, after, SIZE), what);
		if (way % 16)
			continue;
		/* A successor goes on from it. */
		w = writer_new(torn, 0, 0);
		CHECK(!npmu_ckpt_commit(w, "successor", 9, 3), "commit");
		CHECK(!npmu_ckpt_read(r, got, sizeof(got), NULL) &&
		      !memcmp(got, "successor", 9), "%s: successor", what);
		npmu_ckpt_writer_close(w);
	}
	npmu_ckpt_reader_close(r);
	npmu_region_close(torn);
}

static void commit__torn_at_any_words(void)
{
	static const size_t lengths[] = { 0, 1, 8, 63, 64, 65, 256, 300, 5000 };
	size_t a, b, n = sizeof(lengths) / sizeof(lengths[0]);

	for (a = 0; a < n; a++)
		for (b = 0; b < n; b++) {
			struct npmu_region *region = memory_new(SIZE);
			struct npmu_ckpt_writer *w = writer_new(region, 6000, 0);
			struct expected e = { lengths[a], lengths[b], true };

			fill(old_state, e.old_len, tap_random(&seed));
			fill(new_state, e.new_len, tap_random(&seed));
			/* The other slot holds something too. */
			npmu_ckpt_commit(w, new_state, e.old_len / 2, 0);
			npmu_ckpt_commit(w, old_state, e.old_len, 1);
			memcpy(before, npmu_region_addr(region), SIZE);
			npmu_ckpt_commit(w, new_state, e.new_len, 2);
			memcpy(after, npmu_region_addr(region), SIZE);
			check_tears(&e, 400, "whole");
			npmu_ckpt_writer_close(w);
			npmu_region_close(region);
		}
}

static void commit__first_one_torn(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 6000, 0);
	struct expected e = { 0, 256, false };

	fill(new_state, 256, 9);
	memcpy(before, npmu_region_addr(region), SIZE);
	npmu_ckpt_commit(w, new_state, 256, 2);
	memcpy(after, npmu_region_addr(region), SIZE);
	check_tears(&e, 4000, "first");
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

/* The slots still hold another instance's states, of higher sequences. */
static void commit__first_one_torn_over_another_instance(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 6000, 0);
	struct expected e = { 0, 256, false };
	int i;

	fill(new_state, 256, 9);
	for (i = 0; i < 5; i++)
		npmu_ckpt_commit(w, new_state, 200, 1);
	npmu_ckpt_writer_close(w);
	w = writer_new(region, 6000, NPMU_CKPT_INIT);
	memcpy(before, npmu_region_addr(region), SIZE);
	npmu_ckpt_commit(w, new_state, 256, 2);
	memcpy(after, npmu_region_addr(region), SIZE);
	check_tears(&e, 4000, "first over another instance");
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static void commit_ranges__torn_at_any_words(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, MAX, 0);
	struct expected e = { MAX, MAX, true };
	struct npmu_ckpt_range range[2];
	int round, i;

	fill(new_state, MAX, 1);
	for (round = 0; round < 60; round++) {
		memcpy(old_state, new_state, MAX);
		/* What was tag 2 becomes tag 1: the state before. */
		CHECK(!npmu_ckpt_commit_ranges(w, old_state, MAX, NULL, 0, 1), "0");
		for (i = 0; i < 2; i++) {
			range[i].offset = tap_random(&seed) % (MAX - 100);
			range[i].length = 1 + tap_random(&seed) % 100;
			fill(new_state + range[i].offset, range[i].length,
			     tap_random(&seed));
		}
		memcpy(before, npmu_region_addr(region), SIZE);
		CHECK(!npmu_ckpt_commit_ranges(w, new_state, MAX, range, 2, 2), "2");
		memcpy(after, npmu_region_addr(region), SIZE);
		check_tears(&e, 200, "partial");
	}
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

/*
 * Where the kernel is asked to persist, the library waits for it: what was stored
 * before is durable afterwards. Stands in for the C library's, and keeps an image
 * of each such moment.
 */
#define MAX_STEPS	32

static uint64_t (*steps)[WORDS];
static unsigned int nr_steps;
static const void *recorded;

int msync(void *addr, size_t len, int flags)
{
	(void)addr;
	(void)len;
	(void)flags;
	if (recorded && nr_steps < MAX_STEPS)
		memcpy(steps[nr_steps++], recorded, SIZE);
	return 0;
}

/* Between two steps any of the words stored meanwhile may have arrived. */
static void check_step(struct npmu_region *torn, struct npmu_ckpt_reader *r,
		       const uint64_t *from, const uint64_t *to, bool fresh,
		       bool *made)
{
	uint64_t *image = npmu_region_addr(torn);
	struct npmu_ckpt_writer *w;
	struct npmu_error err;
	bool dropped = false, kept;
	int way, code;
	size_t i;

	for (way = 0; way < 200; way++) {
		memcpy(image, from, SIZE);
		for (i = 0; i < WORDS; i++)
			if (from[i] != to[i] && (!way || tap_random(&seed) & 1))
				image[i] = to[i];
		code = npmu_ckpt_read(r, got, sizeof(got), NULL);
		kept = !code && !memcmp(got, "kept", 4);
		CHECK(code == -ENODATA || (kept && !fresh), "read: %d", code);
		CHECK(!kept || !*made, "what was dropped is back");
		code = npmu_ckpt_writer_open(torn, 0, 0, &w, &err);
		CHECK(!code, "writer: %s", err.text);
		npmu_ckpt_writer_close(w);
		if (!way)
			dropped = !fresh && !kept;
	}
	*made |= dropped;
}

/*
 * A header is made in steps: a cut at any point leaves what was there, or the new
 * checkpoint, or (in a fresh region) none.
 */
static void init__torn_at_any_words(void)
{
	struct npmu_region *region = memory_new(SIZE), *torn = memory_new(SIZE);
	struct npmu_ckpt_reader *r = reader_new(torn);
	struct npmu_ckpt_writer *w;
	unsigned int i, turn;
	bool made;

	steps = calloc(MAX_STEPS, sizeof(*steps));
	region->ops = &npmu_persist_kernel;
	/* A fresh region; anew over two good copies; over one alone. */
	for (turn = 0; turn < 4; turn++) {
		if (turn >= 2)
			memset((char *)npmu_region_addr(region) +
			       (turn - 2) * NPMU_CKPT_HEADER1, 0x55, 100);
		nr_steps = 1;
		memcpy(steps[0], npmu_region_addr(region), SIZE);
		recorded = npmu_region_addr(region);
		w = writer_new(region, 1000, turn ? NPMU_CKPT_INIT : 0);
		npmu_ckpt_writer_close(w);
		recorded = NULL;
		CHECK(nr_steps >= 7 && nr_steps < MAX_STEPS, "%u steps", nr_steps);
		made = false;
		for (i = 1; i < nr_steps; i++)
			check_step(torn, r, steps[i - 1], steps[i], !turn, &made);
		CHECK(!turn || made, "never made anew");
		w = writer_new(region, 0, 0);
		npmu_ckpt_commit(w, "kept", 4, 1);
		npmu_ckpt_writer_close(w);
	}
	free(steps);
	npmu_ckpt_reader_close(r);
	npmu_region_close(torn);
	npmu_region_close(region);
}

/* A torn commit has begun to use its sequence: its successor uses another. */
static void sequence__is_not_used_twice(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 1000, 0);
	unsigned char *base = npmu_region_addr(region);

	npmu_ckpt_commit(w, "one", 3, 1);	/* slot 0 */
	npmu_ckpt_commit(w, "two", 3, 2);	/* slot 1 */
	npmu_ckpt_commit(w, "three", 5, 3);	/* slot 0 */
	npmu_ckpt_writer_close(w);
	base[NPMU_CKPT_SLOTS_START + NPMU_CKPT_SLOT_HEADER] ^= 1;
	w = writer_new(region, 0, 0);
	CHECK(npmu_ckpt_writer_sequence(w) == 2, "found the second");
	npmu_ckpt_commit(w, "four", 4, 4);
	CHECK(npmu_ckpt_writer_sequence(w) == 4, "the third is spent");
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

struct shared {
	struct npmu_region *region;
	struct npmu_ckpt_writer *writer;
	size_t len;
	_Atomic uint64_t done;		/* the last commit that returned */
	_Atomic int stop;
};

/* State n is filled with n, so that a mixture shows. */
static void *commit_in_a_loop(void *arg)
{
	struct shared *s = arg;
	uint64_t *state = calloc(1, s->len);
	struct npmu_ckpt_range all = { 0, s->len };
	uint64_t n, i;

	for (n = 1; !s->stop; n++) {
		for (i = 0; i < s->len / 8; i++)
			state[i] = n;
		if (n % 2)
			npmu_ckpt_commit(s->writer, state, s->len, n);
		else
			npmu_ckpt_commit_ranges(s->writer, state, s->len, &all, 1, n);
		s->done = n;
		if (s->len < 1000 && n % 64 == 0)
			usleep(1);	/* on one CPU let the reader in */
	}
	free(state);
	return NULL;
}

static bool all_equal(const uint64_t *p, size_t len, uint64_t n)
{
	size_t i;

	for (i = 0; i < len / 8; i++)
		if (p[i] != n)
			return false;
	return true;
}

static void read_beside_a_writer(size_t len)
{
	struct shared s = { .region = memory_new(SIZE), .len = len };
	struct npmu_ckpt_reader *r = reader_new(s.region);
	struct npmu_ckpt_info info;
	uint64_t last = 0, done, again = 0, torn = 0, rechecked = 0;
	const void *data;
	pthread_t thread;
	bool equal;
	int i, code;

	s.writer = writer_new(s.region, len, 0);
	pthread_create(&thread, NULL, commit_in_a_loop, &s);
	while (!s.done)
		usleep(100);
	for (i = 0; i < 30000; i++) {
		done = s.done;
		if (i & 1) {
			code = npmu_ckpt_read(r, got, sizeof(got), &info);
			equal = !code && all_equal((void *)got, len, info.tag);
			CHECK(code || equal, "a mixture was read");
		} else {
			code = npmu_ckpt_peek(r, &data, &info);
			equal = !code && all_equal(data, len, info.tag);
			if (!code && npmu_ckpt_recheck(r, &info))
				code = -EAGAIN;
			torn += code == -EAGAIN && !equal;
			rechecked += !code;
			CHECK(code || equal, "a mixture passed the recheck");
		}
		if (code) {
			CHECK(code == -EAGAIN, "%d", code);
			again++;
			continue;
		}
		CHECK(info.tag >= last && info.tag >= done,
		      "state %llu after %llu, %llu returned",
		      (unsigned long long)info.tag, (unsigned long long)last,
		      (unsigned long long)done);
		last = info.tag;
	}
	s.stop = 1;
	pthread_join(thread, NULL);
	printf("# %zu bytes: %llu commits, %llu times -EAGAIN, %llu peeks held, %llu were overwritten and noticed\n",
	       len, (unsigned long long)s.done, (unsigned long long)again,
	       (unsigned long long)rechecked, (unsigned long long)torn);
	CHECK(again < 15000 + 14000, "hardly ever a state");
	npmu_ckpt_writer_close(s.writer);
	npmu_ckpt_reader_close(r);
	npmu_region_close(s.region);
}

static void reader__beside_a_writer_small(void)
{
	read_beside_a_writer(256);
}

static void reader__beside_a_writer_large(void)
{
	read_beside_a_writer(16384);
}

int main(void)
{
	TAP_RUN(commit__torn_at_any_words);
	TAP_RUN(commit__first_one_torn);
	TAP_RUN(commit__first_one_torn_over_another_instance);
	TAP_RUN(commit_ranges__torn_at_any_words);
	TAP_RUN(init__torn_at_any_words);
	TAP_RUN(sequence__is_not_used_twice);
	TAP_RUN(reader__beside_a_writer_small);
	TAP_RUN(reader__beside_a_writer_large);
	return tap_end();
}

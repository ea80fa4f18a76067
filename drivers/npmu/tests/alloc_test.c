// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator against a naive twin: one byte for each granule. Random marks,
 * frees and allocations, on units of odd sizes and physical addresses; after
 * each the answer, the twin and the allocator's summaries must agree.
 */

#include "alloc.h"
#include "check.h"

#define G	NPMU_GRANULE_SIZE
#define CHUNK	NPMU_CHUNK_SIZE
#define PER	((u32)(CHUNK / G))

struct pair {
	struct kunit *test;
	struct npmu_alloc a;
	void *mem;
	u8 *twin;		/* by granule of the unit: taken */
	u64 lo, hi, skew;
};

static void pair_begin(struct kunit *test, struct pair *p, u64 lo, u64 hi, u64 skew)
{
	p->test = test;
	p->lo = lo;
	p->hi = hi;
	p->skew = skew % CHUNK;
	p->mem = kunit_kzalloc(test, npmu_alloc_bytes(hi, skew), GFP_KERNEL);
	p->twin = kunit_kzalloc(test, hi / G, GFP_KERNEL);
	memset(p->twin, 1, lo / G);
	npmu_alloc_init(&p->a, p->mem, lo, hi, skew);
}

/* Count of taken granules of the unit among granules [g, g + n). */
static u64 twin_taken(const struct pair *p, u64 g, u64 n)
{
	u64 taken = 0;

	while (n--)
		taken += p->twin[g++];
	return taken;
}

/* Granule of the unit where the next whole chunk begins, from g on. */
static u64 chunk_from(const struct pair *p, u64 g)
{
	while ((g * G + p->skew) % CHUNK)
		g++;
	return g;
}

static bool twin_whole(const struct pair *p, u64 g)
{
	return g + PER <= p->hi / G && !twin_taken(p, g, PER);
}

/* Longest run of whole free chunks, and how many there are in all. */
static u64 twin_longest(const struct pair *p, u64 *chunks)
{
	u64 best = 0, run = 0, g;

	*chunks = 0;
	for (g = chunk_from(p, 0); g + PER <= p->hi / G; g += PER) {
		run = twin_whole(p, g) ? run + 1 : 0;
		*chunks += run != 0;
		if (run > best)
			best = run;
	}
	return best;
}

/*
 * In chunks that are in use partly (all that are not whole): the longest free
 * run inside one chunk.
 */
static u64 twin_part(const struct pair *p)
{
	u64 best = 0, run = 0, g;

	for (g = 0; g < p->hi / G; g++) {
		if ((g * G + p->skew) % CHUNK == 0) {
			run = 0;
			if (twin_whole(p, g)) {
				g += PER - 1;
				continue;
			}
		}
		run = p->twin[g] ? 0 : run + 1;
		if (run > best)
			best = run;
	}
	return best;
}

static void check_state(const struct pair *p)
{
	struct kunit *test = p->test;
	u64 g, free = 0, whole = 0, chunks;

	for (g = 0; g < p->hi / G; g++)
		free += !p->twin[g];
	twin_longest(p, &chunks);
	for (g = 0; g < p->a.nr_chunks; g++)
		whole += p->a.used[g] == 0;
	CHECK(npmu_alloc_available(&p->a) == free * G, "available %llu of %llu",
	      npmu_alloc_available(&p->a), free * G);
	CHECK(p->a.nr_whole == chunks && whole == chunks,
	      "whole chunks: %llu, %llu of %llu", p->a.nr_whole, whole, chunks);
	for (g = 0; g < p->hi / G; g++)
		CHECK(npmu_alloc_is_free(&p->a, g * G, G) == !p->twin[g],
		      "granule %llu", g);
}

static void do_mark(struct pair *p, u64 g, u64 n)
{
	struct kunit *test = p->test;
	int err = npmu_alloc_mark(&p->a, g * G, n * G);

	if (g * G < p->lo || n == 0 || g + n > p->hi / G) {
		CHECK(err == -EINVAL, "mark out of bounds: %d", err);
	} else if (twin_taken(p, g, n)) {
		CHECK(err == -EEXIST, "mark of taken: %d", err);
	} else {
		CHECK(err == 0, "mark: %d", err);
		memset(p->twin + g, 1, n);
	}
}

static void do_free(struct pair *p, u64 g, u64 n)
{
	npmu_alloc_free(&p->a, g * G, n * G);
	for (; n-- && g < p->hi / G; g++)
		if (g >= p->lo / G)
			p->twin[g] = 0;
}

/* One allocation, with all that is promised about it. */
static struct npmu_extent do_one(struct pair *p, u64 off, u64 near, u64 want)
{
	struct kunit *test = p->test;
	u64 chunks, longest = twin_longest(p, &chunks);
	u64 part = twin_part(p);
	u64 room = CHUNK - off % CHUNK;
	u64 before = npmu_alloc_available(&p->a);
	struct npmu_extent e = { 0, 0, 0 };
	bool merged;
	int err;

	err = npmu_alloc_one(&p->a, off, near, want, &e);
	if (!before) {
		CHECK(err == -ENOSPC, "full: %d", err);
		return e;
	}
	CHECK(err == 0, "one: %d", err);
	if (err)
		return e;
	CHECK(e.off == off && e.len && e.len <= want && e.len % G == 0 &&
	      e.start % G == 0 && e.start >= p->lo && e.start < p->hi &&
	      e.len <= p->hi - e.start, "extent %llu + %llu", e.start, e.len);
	CHECK(!twin_taken(p, e.start / G, e.len / G), "handed out twice");
	merged = e.start == near;

	if (off % CHUNK == 0 && want >= CHUNK && chunks) {
		u64 most = want / CHUNK < longest ? want / CHUNK : longest;

		CHECK((e.start + p->skew) % CHUNK == 0 && e.len % CHUNK == 0,
		      "not whole chunks: %llu + %llu", e.start, e.len);
		CHECK(merged || e.len == most * CHUNK || most > 1,
		      "shorter than could be");
	} else {
		u64 most = want < room ? want : room;

		CHECK(e.len <= most, "across a chunk of the region");
		if (part) {
			u64 g = e.start / G;

			while ((g * G + p->skew) % CHUNK && g)
				g--;
			CHECK((g * G + p->skew) % CHUNK || !twin_whole(p, g),
			      "broke a chunk too early");
			CHECK(merged || e.len == (most < part * G ? most :
								    part * G),
			      "run of %llu, there was %llu", e.len, part * G);
		} else {
			CHECK(e.len == most, "a whole chunk gave %llu", e.len);
		}
	}
	memset(p->twin + e.start / G, 1, e.len / G);
	return e;
}

static u64 play(struct kunit *test, u64 lo, u64 hi, u64 skew, u64 seed, int rounds)
{
	u64 hash = 0, near = 0;
	struct pair p;
	int i;

	pair_begin(test, &p, lo, hi, skew);
	check_state(&p);
	for (i = 0; i < rounds; i++) {
		u64 g = seeded_random(&seed) % (hi / G + 2);
		u64 n = seeded_random(&seed) % (seeded_random(&seed) % 4 ? 40 : 2000);
		struct npmu_extent e;

		switch (seeded_random(&seed) % 8) {
		case 0:
			do_mark(&p, g, n);
			break;
		case 1:
		case 2:
			do_free(&p, g, n);
			break;
		case 3:
			e = do_one(&p, (u64)(g % 4) * CHUNK, near, (n + 1) * G);
			hash = hash * 31 + e.start + e.len;
			near = e.start + e.len;
			break;
		default:
			e = do_one(&p, g * G, g & 1 ? near : g * G, (n + 1) * G);
			hash = hash * 31 + e.start + e.len;
			near = e.start + e.len;
		}
		if (i % 64 == 0)
			check_state(&p);
	}
	check_state(&p);
	do_free(&p, 0, hi / G + 1);
	check_state(&p);
	CHECK(npmu_alloc_available(&p.a) == hi - lo, "all free in the end");
	return hash;
}

static void alloc__agrees_with_a_naive_twin(struct kunit *test)
{
	static const struct {
		u64 lo, hi, skew;
	} rows[] = {
		{ 0, 8 * CHUNK, 0 },
		{ 48 * G, 8 * CHUNK, 0 },
		{ 48 * G, 8 * CHUNK + G, 0 },
		{ 48 * G, 8 * CHUNK, G },
		{ 48 * G, 8 * CHUNK, CHUNK - G },
		{ 511 * G, 8 * CHUNK - 3 * G, 100 * G },
		{ 700 * G, 4 * CHUNK + 17 * G, 5 * CHUNK + 211 * G },
		{ 48 * G, 49 * G, 3 * G },
		{ 48 * G, 500 * G, 300 * G },
		{ 64 * G, 130 * G, 0 },
	};
	size_t i;
	int seed;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		for (seed = 1; seed <= ROUNDS(4); seed++)
			play(test, rows[i].lo, rows[i].hi, rows[i].skew, seed, ROUNDS(600));
}

static void alloc__same_calls_same_answers(struct kunit *test)
{
	u64 a = play(test, 48 * G, 8 * CHUNK, 7 * G, 42, ROUNDS(500));
	u64 b = play(test, 48 * G, 8 * CHUNK, 7 * G, 42, ROUNDS(500));

	CHECK(a == b, "two runs differ");
	CHECK(a != play(test, 48 * G, 8 * CHUNK, 7 * G, 43, ROUNDS(500)), "the hash is blind");
}

/* All of a unit, in one region: every byte once, then nothing. */
static void alloc__every_byte_once(struct kunit *test)
{
	u64 off = 0, near = 0;
	struct npmu_extent e;
	struct pair p;

	pair_begin(test, &p, 48 * G, 8 * CHUNK + 5 * G, 9 * G);
	while (npmu_alloc_available(&p.a)) {
		e = do_one(&p, off, near, npmu_alloc_available(&p.a));
		if (!e.len)
			break;
		off += e.len;
		near = e.start + e.len;
	}
	CHECK(off == 8 * CHUNK + 5 * G - 48 * G, "only %llu", off);
	CHECK(npmu_alloc_one(&p.a, 0, 0, G, &e) == -ENOSPC, "more than all");
	check_state(&p);
	npmu_alloc_free(&p.a, 99 * G, G);
	p.twin[99] = 0;
	e = do_one(&p, 0, 0, 64 * CHUNK);
	CHECK(e.start == 99 * G && e.len == G, "the last granule");
}

static void alloc__arguments_out_of_bounds(struct kunit *test)
{
	static const u64 bad[][2] = {
		{ 48 * G, 0 }, { 0, G }, { 47 * G, G }, { 47 * G, 2 * G },
		{ 8 * CHUNK, G }, { 8 * CHUNK - G, 2 * G }, { 48 * G + 1, G },
		{ 48 * G, G + 1 }, { -G, G }, { -G, 2 * G }, { 48 * G, -G },
		{ -G, -G }, { U64_MAX, U64_MAX }, { 1ULL << 63, 1ULL << 63 },
	};
	struct npmu_extent e = { 1, 2, 3 };
	struct pair p;
	size_t i;

	pair_begin(test, &p, 48 * G, 8 * CHUNK, 0);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		CHECK(npmu_alloc_mark(&p.a, bad[i][0], bad[i][1]) == -EINVAL,
		      "mark row %zu", i);
		CHECK(!npmu_alloc_is_free(&p.a, bad[i][0], bad[i][1]),
		      "is_free row %zu", i);
		npmu_alloc_free(&p.a, bad[i][0], bad[i][1]);
	}
	CHECK(npmu_alloc_one(&p.a, 0, 0, 0, &e) == -EINVAL, "want 0");
	CHECK(npmu_alloc_one(&p.a, 0, 0, G + 1, &e) == -EINVAL, "want odd");
	CHECK(npmu_alloc_one(&p.a, 1, 0, G, &e) == -EINVAL, "off odd");
	CHECK(e.off == 1 && e.start == 2 && e.len == 3, "out was touched");
	check_state(&p);

	/* A free with an end past all ends is clipped, never wraps. */
	CHECK(!npmu_alloc_mark(&p.a, 48 * G, 8 * CHUNK - 48 * G), "mark all");
	npmu_alloc_free(&p.a, 100 * G, U64_MAX);
	memset(p.twin + 48, 1, 100 - 48);
	check_state(&p);
	npmu_alloc_free(&p.a, 0, U64_MAX);
	memset(p.twin + 48, 0, 100 - 48);
	check_state(&p);

	/* What is free of a run that is partly taken. */
	do_free(&p, 0, p.hi / G);
	do_mark(&p, 100, 10);
	do_mark(&p, 2000, 500);
	CHECK(npmu_alloc_mark(&p.a, 90 * G, 3000 * G) == -EEXIST, "partly taken");
	npmu_alloc_mark_rest(&p.a, 90 * G, 3000 * G);
	memset(p.twin + 90, 1, 3000);
	check_state(&p);
	npmu_alloc_mark_rest(&p.a, 40 * G, 20 * G);
	memset(p.twin + 48, 1, 60 - 48);
	check_state(&p);
	npmu_alloc_mark_rest(&p.a, 4000 * G, U64_MAX);
	memset(p.twin + 4000, 1, p.hi / G - 4000);
	check_state(&p);
	npmu_alloc_mark_rest(&p.a, U64_MAX, U64_MAX);
	check_state(&p);
	do_free(&p, 0, p.hi / G);

	/* Any near is good enough not to crash. */
	CHECK(!npmu_alloc_one(&p.a, 0, U64_MAX, G, &e), "near 2^64 - 1");
	CHECK(!npmu_alloc_one(&p.a, 0, 8 * CHUNK, G, &e), "near the end");
	CHECK(!npmu_alloc_one(&p.a, 0, -G, CHUNK, &e), "near 2^64 - 4096");
	CHECK(!npmu_alloc_one(&p.a, 0, 5, CHUNK, &e), "near odd");
	CHECK(!npmu_alloc_one(&p.a, 0, 1ULL << 40, CHUNK, &e), "near far, chunk");
	CHECK(!npmu_alloc_one(&p.a, 0, 1ULL << 40, G, &e), "near far, granule");
}

/* A region that grows by small steps ends up in as few extents as can be. */
static void alloc__grows_where_it_ended(struct kunit *test)
{
	static struct npmu_extent all[64];
	struct npmu_extent e;
	u32 nr = 0, i;
	struct pair p;
	u64 off = 0;

	pair_begin(test, &p, 48 * G, 16 * CHUNK, 0);
	for (i = 0; i < 4 * PER; i++) {
		u64 near = nr ? all[nr - 1].start + all[nr - 1].len : 0;

		e = do_one(&p, off, near, G);
		nr = npmu_extent_append(all, nr, e.start, e.len);
		off += e.len;
		if (nr == 64)
			break;
	}
	CHECK(nr <= 6, "%u extents for four chunks", nr);

	/* In chunks: the second two follow the first two. */
	do_free(&p, 0, p.hi / G);
	e = do_one(&p, 0, 0, 2 * CHUNK);
	do_one(&p, 0, 0, CHUNK);
	do_free(&p, (e.start + e.len) / G, PER);
	off = e.start + e.len;
	e = do_one(&p, 2 * CHUNK, off, 2 * CHUNK);
	CHECK(e.start == off && e.len == 2 * CHUNK, "not behind the last");
}

/* What a region of several chunks and a tail gets on a fresh unit. */
static void alloc__chunks_before_granules(struct kunit *test)
{
	struct npmu_extent e;
	struct pair p;

	pair_begin(test, &p, 48 * G, 16 * CHUNK, 3 * G);
	e = do_one(&p, 0, 0, 5 * CHUNK + 7 * G);
	CHECK(e.len == 5 * CHUNK, "chunks first: %llu", e.len);
	e = do_one(&p, 5 * CHUNK, e.start + e.len, 7 * G);
	CHECK(e.len == 7 * G && e.start == 48 * G, "tail in the first chunk");
	/* Growing over the chunk boundary of the region stops there once. */
	e = do_one(&p, 5 * CHUNK + 7 * G, e.start + e.len, 2 * CHUNK);
	CHECK(e.len < CHUNK && e.start == 55 * G, "the rest of the chunk");
}

static struct kunit_case alloc_cases[] = {
	KUNIT_CASE(alloc__agrees_with_a_naive_twin),
	KUNIT_CASE(alloc__same_calls_same_answers),
	KUNIT_CASE(alloc__every_byte_once),
	KUNIT_CASE(alloc__arguments_out_of_bounds),
	KUNIT_CASE(alloc__grows_where_it_ended),
	KUNIT_CASE(alloc__chunks_before_granules),
	{}
};

static struct kunit_suite alloc_suite = {
	.name = "npmu_alloc",
	.test_cases = alloc_cases,
};

kunit_test_suite(alloc_suite);

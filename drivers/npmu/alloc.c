// SPDX-License-Identifier: GPL-2.0-only
/*
 * The allocator of granules and chunks, over memory that the caller brings.
 * Must not know what is stored in what it hands out, nor of any lock.
 *
 * Granules and chunks are numbered in physical space: granule 0 is the first of
 * the chunk in which the unit begins. Two summaries (whole, part) make every
 * search one over bits of chunks: 64 KiB of them for a terabyte.
 */
#include "alloc.h"
#include "range.h"

#define CHUNK_GRANULES	((u32)(NPMU_CHUNK_SIZE / NPMU_GRANULE_SIZE))
#define CHUNK_WORDS	(CHUNK_GRANULES / 64)
#define GRANULE_MASK	(NPMU_GRANULE_SIZE - 1)
#define CHUNK_MASK	(NPMU_CHUNK_SIZE - 1)

/*
 * Bounds of one search. Beyond them the best that was seen is taken, so that a
 * region in many pieces does not cost the square of their number.
 */
#define MAX_RUNS	1024	/* runs of free chunks, or of granules */
#define MAX_PARTS	256	/* chunks that are in use partly */

/* --- bits --- */

static u64 bit_words(u64 bits)
{
	return (bits + 63) / 64;
}

static bool bit_test(const u64 *map, u64 bit)
{
	return map[bit / 64] >> (bit % 64) & 1;
}

static void bit_assign(u64 *map, u64 bit, bool value)
{
	if (value)
		map[bit / 64] |= 1ULL << (bit % 64);
	else
		map[bit / 64] &= ~(1ULL << (bit % 64));
}

/* The first bit in [from, end) that is equal to value, or end. */
static u64 bit_next(const u64 *map, u64 from, u64 end, bool value)
{
	u64 flip = value ? 0 : ~0ULL;
	u64 i, word;

	if (from >= end)
		return end;
	i = from / 64;
	word = (map[i] ^ flip) & (~0ULL << (from % 64));
	while (!word) {
		if (++i * 64 >= end)
			return end;
		word = map[i] ^ flip;
	}
	return min_t(u64, i * 64 + __ffs64(word), end);
}

/* The bits of word number i that lie in [from, end). */
static u64 bit_mask(u64 i, u64 from, u64 end)
{
	u64 mask = ~0ULL;

	if (from > i * 64)
		mask &= ~0ULL << (from - i * 64);
	if (end < (i + 1) * 64)
		mask &= ~(~0ULL << (end - i * 64));
	return mask;
}

/* --- granules --- */

static u64 granule_of(const struct npmu_alloc *a, u64 start)
{
	return (start + a->skew) >> NPMU_GRANULE_SHIFT;
}

static u64 start_of(const struct npmu_alloc *a, u64 granule)
{
	return (granule << NPMU_GRANULE_SHIFT) - a->skew;
}

/* Bring the summaries up to date after used[c] changed. */
static void chunk_update(struct npmu_alloc *a, u64 c)
{
	bool whole = a->used[c] == 0;
	bool part = !whole && a->used[c] < CHUNK_GRANULES;

	if (whole != bit_test(a->whole, c)) {
		bit_assign(a->whole, c, whole);
		a->nr_whole += whole ? 1 : -1;
	}
	bit_assign(a->part, c, part);
	if (part && c < a->next_part)
		a->next_part = c;
}

/* Take (or free) granules [from, end), whatever state each of them is in. */
static void granules_assign(struct npmu_alloc *a, u64 from, u64 end, bool taken)
{
	while (from < end) {
		u64 c = from / CHUNK_GRANULES;
		u64 stop = min_t(u64, end, (c + 1) * CHUNK_GRANULES);
		u32 changed = 0;
		u64 i;

		for (i = from / 64; i * 64 < stop; i++) {
			u64 mask = bit_mask(i, from, stop);

			mask &= taken ? ~a->taken[i] : a->taken[i];
			a->taken[i] ^= mask;
			changed += hweight64(mask);
		}
		if (taken) {
			a->used[c] += changed;
			a->free -= changed;
		} else {
			a->used[c] -= changed;
			a->free += changed;
		}
		chunk_update(a, c);
		from = stop;
	}
}

static bool granules_free(const struct npmu_alloc *a, u64 from, u64 end)
{
	return bit_next(a->taken, from, end, true) == end;
}

/* --- begin, mark, free --- */

static u64 chunks_of(u64 size, u64 skew)
{
	return ((size + (skew & CHUNK_MASK) - 1) >> NPMU_CHUNK_SHIFT) + 1;
}

size_t npmu_alloc_bytes(u64 size, u64 skew)
{
	u64 chunks = chunks_of(size, skew);

	return (chunks * CHUNK_WORDS + 2 * bit_words(chunks)) * sizeof(u64) +
	       chunks * sizeof(u16);
}

void npmu_alloc_init(struct npmu_alloc *a, void *mem, u64 data_start, u64 size,
		     u64 skew)
{
	u64 chunks = chunks_of(size, skew);
	u64 i;

	a->lo = data_start;
	a->hi = size;
	a->skew = skew & CHUNK_MASK;
	a->free = chunks * CHUNK_GRANULES;
	a->nr_chunks = chunks;
	a->nr_whole = chunks;
	a->next_chunk = 0;
	a->next_part = chunks;
	a->taken = mem;
	a->whole = a->taken + chunks * CHUNK_WORDS;
	a->part = a->whole + bit_words(chunks);
	a->used = (u16 *)(a->part + bit_words(chunks));

	for (i = 0; i < bit_words(chunks); i++)
		a->whole[i] = bit_mask(i, 0, chunks);
	granules_assign(a, 0, granule_of(a, data_start), true);
	granules_assign(a, granule_of(a, size), chunks * CHUNK_GRANULES, true);
}

int npmu_alloc_mark(struct npmu_alloc *a, u64 start, u64 len)
{
	u64 from, end;

	if (!npmu_span_ok(start, len, a->lo, a->hi))
		return -EINVAL;
	from = granule_of(a, start);
	end = granule_of(a, start + len);
	if (!granules_free(a, from, end))
		return -EEXIST;
	granules_assign(a, from, end, true);
	return 0;
}

/* Take or free what [start, start + len) has in common with [lo, hi). */
static void clip_assign(struct npmu_alloc *a, u64 start, u64 len, bool taken)
{
	u64 end;

	if (start >= a->hi)
		return;
	end = start + min_t(u64, len, a->hi - start);
	start = max_t(u64, start, a->lo);
	if (start < end)
		granules_assign(a, granule_of(a, start + GRANULE_MASK),
				granule_of(a, end), taken);
}

void npmu_alloc_mark_rest(struct npmu_alloc *a, u64 start, u64 len)
{
	clip_assign(a, start, len, true);
}

void npmu_alloc_free(struct npmu_alloc *a, u64 start, u64 len)
{
	clip_assign(a, start, len, false);
}

bool npmu_alloc_is_free(const struct npmu_alloc *a, u64 start, u64 len)
{
	return npmu_span_ok(start, len, a->lo, a->hi) &&
	       granules_free(a, granule_of(a, start),
			     granule_of(a, start + len));
}

/* --- search --- */

/* A run of granules. */
struct run {
	u64 from;
	u64 nr;
};

/* The granule at near, where near is a byte of the unit at all; else ~0. */
static u64 near_granule(const struct npmu_alloc *a, u64 near)
{
	if (near & GRANULE_MASK || near < a->lo || near >= a->hi)
		return ~0ULL;
	return granule_of(a, near);
}

/* Whole chunks from chunk c on, at most want of them. */
static u64 chunks_at(const struct npmu_alloc *a, u64 c, u64 want)
{
	u64 end = c + min_t(u64, want, a->nr_chunks - c);

	return bit_next(a->whole, c, end, false) - c;
}

/*
 * The first run of want whole chunks, or the longest among those looked at. The
 * search goes on where the last one took something, and comes round.
 */
static struct run find_chunks(struct npmu_alloc *a, u64 near, u64 want)
{
	u64 pos = a->next_chunk, end = a->nr_chunks;
	u64 best = 0, best_nr = 0, c;
	u32 runs;

	c = near / CHUNK_GRANULES;
	if (near % CHUNK_GRANULES == 0 && bit_test(a->whole, c)) {
		best = c;
		best_nr = chunks_at(a, c, want);
		goto found;
	}
	for (runs = 0; runs < MAX_RUNS && best_nr < want; runs++) {
		u64 nr;

		c = bit_next(a->whole, pos, end, true);
		if (c == end && end == a->nr_chunks && a->next_chunk) {
			/* Come round: up to where the search began. */
			end = a->next_chunk;
			c = bit_next(a->whole, 0, end, true);
		}
		if (c == end)
			break;
		nr = chunks_at(a, c, want);
		if (nr > best_nr) {
			best = c;
			best_nr = nr;
		}
		pos = c + nr;
	}
found:
	a->next_chunk = best + best_nr < a->nr_chunks ? best + best_nr : 0;
	return (struct run){ best * CHUNK_GRANULES, best_nr * CHUNK_GRANULES };
}

/*
 * The first run of want free granules of a chunk, or its longest. Counts the
 * runs it looked at.
 */
static struct run find_in_chunk(const struct npmu_alloc *a, u64 c, u64 want,
				u32 *runs)
{
	u64 pos = c * CHUNK_GRANULES, end = pos + CHUNK_GRANULES;
	struct run best = { 0, 0 };

	while (best.nr < want) {
		u64 from = bit_next(a->taken, pos, end, false);

		if (from == end)
			break;
		pos = bit_next(a->taken, from, min_t(u64, end, from + want),
			       true);
		++*runs;
		if (pos - from > best.nr) {
			best.from = from;
			best.nr = pos - from;
		}
	}
	return best;
}

/*
 * At most want granules of chunks that are in use partly: behind near where
 * that is free, else the first run of want, else the longest among those looked
 * at. Nothing where no chunk is in use partly.
 */
static struct run find_part(struct npmu_alloc *a, u64 near, u64 want)
{
	struct run best = { 0, 0 };
	u64 c = near / CHUNK_GRANULES;
	u32 parts, runs = 0;

	if (near != ~0ULL && bit_test(a->part, c) && !bit_test(a->taken, near)) {
		u64 end = min_t(u64, near + want, (c + 1) * CHUNK_GRANULES);

		best.from = near;
		best.nr = bit_next(a->taken, near, end, true) - near;
		return best;
	}
	c = bit_next(a->part, a->next_part, a->nr_chunks, true);
	a->next_part = c;
	for (parts = 0; c < a->nr_chunks && parts < MAX_PARTS &&
	     runs < MAX_RUNS; parts++) {
		/* A chunk with no more free granules cannot have a longer run. */
		if (CHUNK_GRANULES - a->used[c] > best.nr) {
			struct run run = find_in_chunk(a, c, want, &runs);

			if (run.nr > best.nr)
				best = run;
			if (best.nr == want)
				break;
		}
		c = bit_next(a->part, c + 1, a->nr_chunks, true);
	}
	return best;
}

int npmu_alloc_one(struct npmu_alloc *a, u64 off, u64 near, u64 want,
		   struct npmu_extent *out)
{
	u64 to_chunk = NPMU_CHUNK_SIZE - (off & CHUNK_MASK);
	u64 at = near_granule(a, near);
	struct run run;

	if (!want || (want | off) & GRANULE_MASK)
		return -EINVAL;
	if (!a->free)
		return -ENOSPC;

	if (a->nr_whole && !(off & CHUNK_MASK) && want >= NPMU_CHUNK_SIZE) {
		run = find_chunks(a, at, want >> NPMU_CHUNK_SHIFT);
	} else {
		want = min_t(u64, want, to_chunk) >> NPMU_GRANULE_SHIFT;
		run = find_part(a, at, want);
		if (!run.nr) {
			run = find_chunks(a, ~0ULL, 1);
			run.nr = min_t(u64, run.nr, want);
		}
	}
	granules_assign(a, run.from, run.from + run.nr, true);
	out->off = off;
	out->start = start_of(a, run.from);
	out->len = run.nr << NPMU_GRANULE_SHIFT;
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extent arithmetic against a naive twin: an array with the place of every
 * granule of the region. Random extents, every granule looked up, every cut.
 */

#include "check.h"
#include "extent.h"

#define G	NPMU_GRANULE_SIZE
#define MAX_NR	40
#define MAX_LEN	6		/* granules of one extent */
#define LO	(16 * G)
#define HI	(1024 * G)
#define TWIN	(MAX_NR * MAX_LEN)

struct set {
	struct npmu_extent e[MAX_NR + 1];
	u32 nr;
	u64 twin[TWIN];		/* where each granule of the region lies */
	u32 granules;
};

/* Random extents, appended one by one: now and then adjacent to the last. */
static void set_random(struct kunit *test, struct set *s, u64 *seed)
{
	u32 adds = 1 + seeded_random(seed) % MAX_NR;
	u32 i, k;

	s->nr = 0;
	s->granules = 0;
	for (i = 0; i < adds; i++) {
		u64 len = 1 + seeded_random(seed) % MAX_LEN;
		u64 start = LO / G + seeded_random(seed) % ((HI - LO) / G - len);
		u32 before = s->nr;
		bool adjacent;

		if (s->nr && seeded_random(seed) % 3 == 0)
			start = s->e[s->nr - 1].start / G +
				s->e[s->nr - 1].len / G;
		if (start + len > HI / G)
			start = LO / G;
		adjacent = s->granules &&
			   s->twin[s->granules - 1] + G == start * G;
		s->nr = npmu_extent_append(s->e, s->nr, start * G, len * G);
		CHECK(s->nr == before + !adjacent, "append: %u of %u", s->nr,
		      before);
		for (k = 0; k < len; k++)
			s->twin[s->granules++] = (start + k) * G;
	}
}

static void find__agrees_with_a_naive_twin(struct kunit *test)
{
	u64 seed = 1;
	static struct set s;
	int round;

	for (round = 0; round < ROUNDS(2000); round++) {
		u32 g;

		set_random(test, &s, &seed);
		CHECK(npmu_extents_size(s.e, s.nr) == s.granules * G, "size");
		CHECK(npmu_extents_check(s.e, s.nr, s.granules * G, LO, HI),
		      "a good array is refused");
		for (g = 0; g < s.granules; g++) {
			u64 in = seeded_random(&seed) % G;
			u64 off = g * G + in;
			const struct npmu_extent *e;

			e = npmu_extent_find(s.e, s.nr, off);
			CHECK(e && e->start + (off - e->off) ==
			      s.twin[g] + in, "round %d off %llu", round, off);
		}
		CHECK(!npmu_extent_find(s.e, s.nr, s.granules * G), "at the end");
		CHECK(!npmu_extent_find(s.e, s.nr, s.granules * G + G), "past it");
		CHECK(!npmu_extent_find(s.e, s.nr, U64_MAX), "at 2^64 - 1");
		CHECK(!npmu_extent_find(s.e, 0, 0), "in nothing");
	}
}

static void cut__at_every_size(struct kunit *test)
{
	u64 seed = 2;
	static struct set s;
	int round;

	for (round = 0; round < ROUNDS(300); round++) {
		u64 size;

		set_random(test, &s, &seed);
		for (size = 0; size <= (s.granules + 1) * G; size += G) {
			struct npmu_extent_cut cut;
			static struct npmu_extent left[MAX_NR + 1];
			u64 kept, gone;
			u32 i;

			cut = npmu_extents_cut(s.e, s.nr, size);
			memcpy(left, s.e, sizeof(left));
			if (cut.keep)
				left[cut.keep - 1].len = cut.keep_len;
			kept = npmu_extents_size(left, cut.keep);
			if (size > s.granules * G) {
				CHECK(kept == s.granules * G && !cut.tail.len &&
				      cut.keep == s.nr, "grown by a cut");
				continue;
			}
			CHECK(kept == size, "kept %llu of %llu", kept, size);
			CHECK(!size || npmu_extents_check(left, cut.keep, size,
							  LO, HI),
			      "what is left is no good");
			gone = cut.tail.len;
			if (gone)
				CHECK(cut.tail.start == s.twin[size / G] &&
				      cut.tail.off == size, "tail");
			for (i = cut.keep; i < s.nr; i++)
				gone += s.e[i].len;
			CHECK(gone == s.granules * G - size, "gone %llu", gone);
		}
	}
}

static void load__gives_what_was_stored(struct kunit *test)
{
	u64 seed = 3;
	int round;

	for (round = 0; round < ROUNDS(500); round++) {
		static struct npmu_extent_rec rec[MAX_NR + 1];
		static struct npmu_extent back[MAX_NR + 1];
		static struct set s;
		u32 half;
		u64 off;

		set_random(test, &s, &seed);
		memset(rec, 0xee, sizeof(rec));
		npmu_extents_store(rec, s.e, s.nr);
		CHECK(((u8 *)&rec[s.nr])[0] == 0xee, "stored too much");
		half = seeded_random(&seed) % (s.nr + 1);
		off = npmu_extents_load(back, rec, half, 0);
		off = npmu_extents_load(back + half, rec + half, s.nr - half, off);
		CHECK(off == s.granules * G, "load: end");
		CHECK(!memcmp(back, s.e, s.nr * sizeof(*back)), "load: other");
	}
}

/* Whatever is changed in a good array, it is no longer good. */
static void check__refuses_what_was_changed(struct kunit *test)
{
	static const u64 delta[] = {
		1, G, -G, -1ULL, 1ULL << 63, U64_MAX - G + 1, 4095, G / 2,
	};
	u64 seed = 4;
	int round;

	for (round = 0; round < ROUNDS(2000); round++) {
		u64 d = delta[seeded_random(&seed) % (ARRAY_SIZE(delta))];
		static struct set s;
		u64 size;
		u32 i;

		set_random(test, &s, &seed);
		size = s.granules * G;
		i = seeded_random(&seed) % s.nr;
		s.e[i].off += d;
		CHECK(!npmu_extents_check(s.e, s.nr, size, LO, HI), "off");
		s.e[i].off -= d;
		s.e[i].len += d;
		CHECK(!npmu_extents_check(s.e, s.nr, size, LO, HI), "len");
		s.e[i].len -= d;
		s.e[i].start += d;
		/* A whole granule further may be as good. */
		CHECK((d & (G - 1)) == 0 ||
		      !npmu_extents_check(s.e, s.nr, size, LO, HI), "start");
		s.e[i].start -= d;
		CHECK(!npmu_extents_check(s.e, s.nr, size + G, LO, HI), "larger");
		CHECK(!npmu_extents_check(s.e, s.nr, size - G, LO, HI), "smaller");
		CHECK(!npmu_extents_check(s.e, s.nr - 1, size, LO, HI), "fewer");
		CHECK(!npmu_extents_check(s.e, s.nr, size, s.e[i].start + G, HI),
		      "below lo");
		CHECK(!npmu_extents_check(s.e, s.nr, size, LO,
					  s.e[i].start + s.e[i].len - G),
		      "above hi");
		CHECK(npmu_extents_check(s.e, s.nr, size, LO, HI), "good again");
	}
	CHECK(!npmu_extents_check(NULL, 0, 0, LO, HI), "nothing is no region");
}

/* Lengths that add up to the size only modulo 2^64. */
static void check__refuses_sums_that_wrap(struct kunit *test)
{
	struct npmu_extent_rec rec[4];
	struct npmu_extent e[4];
	int i;

	for (i = 0; i < 4; i++) {
		rec[i].start = cpu_to_le64(G);
		rec[i].len = cpu_to_le64((1ULL << 62) + G);
	}
	npmu_extents_load(e, rec, 4, 0);
	CHECK(!npmu_extents_check(e, 4, 4 * G, G, U64_MAX), "sum wraps");
	e[0] = (struct npmu_extent){ 0, -G, G };
	CHECK(!npmu_extents_check(e, 1, G, 0, U64_MAX), "end wraps");
	e[0] = (struct npmu_extent){ 0, G, -G };
	CHECK(!npmu_extents_check(e, 1, -G, 0, U64_MAX), "length wraps");
}

static void append__merges_only_what_follows(struct kunit *test)
{
	struct npmu_extent e[3];
	u32 nr;

	nr = npmu_extent_append(e, 0, 8 * G, 2 * G);
	CHECK(nr == 1 && e[0].off == 0 && e[0].start == 8 * G, "first");
	nr = npmu_extent_append(e, nr, 6 * G, 2 * G);
	CHECK(nr == 2 && e[1].off == 2 * G, "before the last is not merged");
	nr = npmu_extent_append(e, nr, 8 * G, G);
	CHECK(nr == 2 && e[1].len == 3 * G, "behind the last is merged");
	nr = npmu_extent_append(e, nr, 10 * G, G);
	CHECK(nr == 3 && e[2].off == 5 * G, "with a gap is not");
}

static struct kunit_case extent_cases[] = {
	KUNIT_CASE(find__agrees_with_a_naive_twin),
	KUNIT_CASE(cut__at_every_size),
	KUNIT_CASE(load__gives_what_was_stored),
	KUNIT_CASE(check__refuses_what_was_changed),
	KUNIT_CASE(check__refuses_sums_that_wrap),
	KUNIT_CASE(append__merges_only_what_follows),
	{}
};

static struct kunit_suite extent_suite = {
	.name = "npmu_extent",
	.test_cases = extent_cases,
};

kunit_test_suite(extent_suite);

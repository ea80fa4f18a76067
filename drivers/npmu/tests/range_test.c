// SPDX-License-Identifier: GPL-2.0-only
/*
 * The range check and what the pure code needs of its surroundings: at the limits
 * of 64 bits, and against arithmetic that is wide enough.
 */
#include "check.h"
#include "range.h"

static void range__never_wraps(struct kunit *test)
{
	static const struct {
		u64 off, len, size;
		bool want;
	} rows[] = {
		{ 0, 0, 0, true },
		{ 0, 1, 0, false },
		{ 1, 0, 0, false },
		{ 0, 4096, 4096, true },
		{ 1, 4096, 4096, false },
		{ 4096, 0, 4096, true },
		{ 4096, 1, 4096, false },
		{ 4097, 0, 4096, false },
		{ U64_MAX, 0, U64_MAX, true },
		{ U64_MAX, 1, U64_MAX, false },
		{ U64_MAX, U64_MAX, U64_MAX, false },
		{ U64_MAX, 1, 4096, false },
		{ 1, U64_MAX, 4096, false },
		{ 4095, U64_MAX, 4096, false },
		{ 1, U64_MAX, U64_MAX, false },
		{ 0, U64_MAX, U64_MAX, true },
		{ U64_MAX - 4095, 4096, U64_MAX, false },
		{ 1ULL << 63, 1ULL << 63, U64_MAX, false },
		{ 1ULL << 63, 1ULL << 63, 4096, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK(npmu_range_ok(rows[i].off, rows[i].len, rows[i].size) == rows[i].want,
		      "row %zu", i);
}

static void span__whole_granules_in_bounds(struct kunit *test)
{
	static const struct {
		u64 start, len, lo, hi;
		bool want;
	} spans[] = {
		{ 4096, 4096, 4096, 8192, true },
		{ 4096, 0, 4096, 8192, false },
		{ 0, 4096, 4096, 8192, false },
		{ 4096, 8192, 4096, 8192, false },
		{ 8192, 4096, 4096, 8192, false },
		{ 4097, 4096, 4096, 16384, false },
		{ 4096, 4097, 4096, 16384, false },
		{ -4096ULL, 4096, 4096, 8192, false },
		{ -4096ULL, 8192, 4096, 8192, false },
		{ 4096, -4096ULL, 4096, 8192, false },
		{ -4096ULL, 4096, 0, U64_MAX, false },
		{ -8192ULL, 4096, 0, U64_MAX, true },
		{ 4096, 4096, 8192, 4096, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(spans); i++)
		CHECK(npmu_span_ok(spans[i].start, spans[i].len, spans[i].lo, spans[i].hi) ==
		      spans[i].want, "row %zu", i);
}

/* A number near a limit of its width, near a granule, or any. */
static u64 telling_number(u64 *seed)
{
	u64 n = seeded_random(seed);
	u64 near = 1ULL << (n >> 8) % 64;

	switch (n % 4) {
	case 0:
		return near + (n >> 16) % 3 - 1;
	case 1:
		return -near + (n >> 16) % 3 - 1;
	case 2:
		return (n >> 16) % 64 * NPMU_GRANULE_SIZE;
	default:
		return n;
	}
}

static void range__agrees_with_128_bits(struct kunit *test)
{
	u64 seed = 1;
	int i;

	for (i = 0; i < ROUNDS(200000); i++) {
		u64 a = telling_number(&seed), len = telling_number(&seed);
		u64 lo = telling_number(&seed), hi = telling_number(&seed);
		unsigned __int128 end = (unsigned __int128)a + len;
		bool span = len && a % NPMU_GRANULE_SIZE == 0 &&
			    len % NPMU_GRANULE_SIZE == 0 && a >= lo && end <= hi;

		CHECK(npmu_range_ok(a, len, hi) == (end <= hi), "range %llu %llu %llu", a, len, hi);
		CHECK(npmu_span_ok(a, len, lo, hi) == span, "span %llu %llu %llu %llu", a, len,
		      lo, hi);
	}
}

static void bytes__zero_or_not_at_each_place(struct kunit *test)
{
	u8 buf[67] = {};
	size_t len, at;

	for (len = 0; len <= sizeof(buf); len++) {
		CHECK(npmu_bytes_zero(buf, len), "%zu zeros", len);
		for (at = 0; at < sizeof(buf); at++) {
			buf[at] = 0x80;
			CHECK(npmu_bytes_zero(buf, len) == (at >= len), "%zu bytes, one at %zu",
			      len, at);
			buf[at] = 0;
		}
	}
}

static void crc__test_vector(struct kunit *test)
{
	static const u8 zeros[4096];

	CHECK(npmu_crc32c(0, "123456789", 9) == 0xe3069283, "of 123456789");
	CHECK(npmu_crc32c(npmu_crc32c(0, "12345", 5), "6789", 4) == 0xe3069283, "in two parts");
	CHECK(npmu_crc32c(0, zeros, sizeof(zeros)) == 0x98f94189, "of zeros");
	CHECK(npmu_crc32c(0, "", 0) == 0, "of nothing");
}

static struct kunit_case range_cases[] = {
	KUNIT_CASE(range__never_wraps),
	KUNIT_CASE(span__whole_granules_in_bounds),
	KUNIT_CASE(range__agrees_with_128_bits),
	KUNIT_CASE(bytes__zero_or_not_at_each_place),
	KUNIT_CASE(crc__test_vector),
	{}
};

static struct kunit_suite range_suite = {
	.name = "npmu_range",
	.test_cases = range_cases,
};

kunit_test_suite(range_suite);

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * CRC32C against a bitwise twin.
 */
#include "../../lib/crc32c.h"

#include <string.h>

#include "tap.h"

#define POLY	0x82f63b78U

static uint32_t twin(uint32_t crc, const uint8_t *p, size_t len)
{
	int bit;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? POLY : 0);
	}
	return ~crc;
}

static uint8_t buf[20000];

static void crc32c__check_value(void)
{
	CHECK(npmu_crc32c(0, "123456789", 9) == 0xe3069283, "fast");
	CHECK(npmu_crc32c_table(0, "123456789", 9) == 0xe3069283, "table");
	CHECK(npmu_crc32c(0, "", 0) == 0, "empty");
}

static void crc32c__every_length_and_alignment(void)
{
	size_t len, at;

	for (len = 0; len <= 1000; len++)
		for (at = 0; at < 16; at++) {
			uint32_t want = twin(0, buf + at, len);

			if (!CHECK(npmu_crc32c(0, buf + at, len) == want &&
				   npmu_crc32c_table(0, buf + at, len) == want,
				   "length %zu at %zu", len, at))
				return;
		}
}

static void crc32c__long_buffers(void)
{
	size_t len;

	for (len = 1000; len < sizeof(buf); len += 61)
		if (!CHECK(npmu_crc32c(7, buf, len) == twin(7, buf, len),
			   "length %zu", len))
			return;
}

static void crc32c__goes_on(void)
{
	size_t cut;

	for (cut = 0; cut <= 700; cut++)
		CHECK(npmu_crc32c(npmu_crc32c(0, buf, cut), buf + cut, 700 - cut) ==
		      twin(0, buf, 700), "cut at %zu", cut);
}

static void mul__equals_its_twin(void)
{
	uint64_t state = 1;
	int i;

	for (i = 0; i < 20000; i++) {
		uint32_t a = (uint32_t)tap_random(&state);
		uint32_t b = (uint32_t)tap_random(&state);

		CHECK(npmu_crc32c_mul(a, b) == npmu_crc32c_mul_table(a, b),
		      "%08x * %08x", a, b);
	}
	CHECK(npmu_crc32c_mul(0x80000000U, 0x12345678U) == 0x12345678U, "one");
}

static void xpow__joins_two_parts(void)
{
	size_t len;

	for (len = 0; len <= 3000; len++) {
		uint32_t a = npmu_crc32c(0, buf, 100);
		uint32_t b = npmu_crc32c(0, buf + 100, len);

		CHECK((npmu_crc32c_mul(a, npmu_crc32c_xpow(len)) ^ b) ==
		      twin(0, buf, 100 + len), "length %zu", len);
	}
}

int main(void)
{
	uint64_t state = 42;
	size_t i;

	for (i = 0; i < sizeof(buf); i++)
		buf[i] = (uint8_t)tap_random(&state);
	TAP_RUN(crc32c__check_value);
	TAP_RUN(crc32c__every_length_and_alignment);
	TAP_RUN(crc32c__long_buffers);
	TAP_RUN(crc32c__goes_on);
	TAP_RUN(mul__equals_its_twin);
	TAP_RUN(xpow__joins_two_parts);
	return tap_end();
}

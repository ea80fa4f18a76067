// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The parsers of size.c: what is accepted, what is refused, and that a refusal
 * leaves the result alone. TAP.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "../size.h"

static int tests, failures;

static void ok(bool good, const char *what, const char *text)
{
	tests++;
	failures += !good;
	printf("%sok %d - %s '", good ? "" : "not ", tests, what);
	for (; *text; text++)
		putchar(*text >= ' ' && *text <= '~' && *text != '#' ? *text : '?');
	printf("'\n");
}

static void size__good(void)
{
	static const struct { const char *text; uint64_t bytes; } good[] = {
		{ "1", 1 }, { "4096", 4096 }, { "4K", 4096 }, { "4k", 4096 }, { "4KiB", 4096 },
		{ "64MiB", 64ULL << 20 }, { "64M", 64ULL << 20 }, { "1G", 1ULL << 30 },
		{ "1GiB", 1ULL << 30 }, { "16T", 16ULL << 40 }, { "0004K", 4096 },
		{ "16777215T", 16777215ULL << 40 }, { "17179869183G", 17179869183ULL << 30 },
		{ "18446744073709551615", UINT64_MAX },
	};
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		uint64_t bytes = 0;

		ok(!parse_size(good[i].text, &bytes) && bytes == good[i].bytes, "size__good",
		   good[i].text);
	}
}

static void size__bad(void)
{
	static const struct { const char *text; const char *why; } bad[] = {
		{ "", "empty" }, { "0", "zero" }, { "0G", "zero" }, { "-1", "negative" },
		{ "-4K", "negative" }, { "+4K", "digit" }, { " 4K", "digit" }, { "4K ", "follows" },
		{ "4 K", "follows" }, { "K", "digit" }, { "4KB", "follows" }, { "4B", "follows" },
		{ "4Ki", "follows" }, { "4KIB", "follows" }, { "4KiBs", "follows" },
		{ "0x1000", "follows" }, { "1e9", "follows" }, { "1.5G", "whole" },
		{ "1,5G", "whole" }, { "4P", "follows" }, { "1GG", "follows" }, { "nan", "digit" },
		{ "18446744073709551616", "large" }, { "99999999999999999999999999", "large" },
		{ "16777216T", "large" }, { "17179869184G", "large" },
		{ "18014398509481984K", "large" }, { "4K\n", "follows" }, { "\xff", "digit" },
	};
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		uint64_t bytes = 77;
		const char *why = parse_size(bad[i].text, &bytes);

		ok(why && strstr(why, bad[i].why) && bytes == 77, "size__bad", bad[i].text);
	}
}

static void number__bounds(void)
{
	uint64_t number = 0;

	ok(!parse_number("8", 8, 10000, &number) && number == 8, "number__bounds", "8");
	ok(!parse_number("10000", 8, 10000, &number) && number == 10000, "number__bounds", "10000");
	ok(parse_number("7", 8, 10000, &number), "number__bounds", "7");
	ok(parse_number("10001", 8, 10000, &number), "number__bounds", "10001");
	ok(parse_number("", 0, 9, &number), "number__bounds", "");
	ok(parse_number("-1", 0, UINT64_MAX, &number), "number__bounds", "-1");
	ok(parse_number("1K", 0, 9999, &number), "number__bounds", "1K");
	ok(parse_number("18446744073709551616", 0, UINT64_MAX, &number), "number__bounds", "2^64");
	ok(number == 10000, "number__bounds", "a refusal changes nothing");
}

static void mode__bounds(void)
{
	uint32_t mode = 1;

	ok(!parse_mode("0660", &mode) && mode == 0660, "mode__bounds", "0660");
	ok(!parse_mode("600", &mode) && mode == 0600, "mode__bounds", "600");
	ok(!parse_mode("0", &mode) && mode == 0, "mode__bounds", "0");
	ok(!parse_mode("0666", &mode) && mode == 0666, "mode__bounds", "0666");
	ok(parse_mode("0700", &mode), "mode__bounds", "0700");
	ok(parse_mode("0667", &mode), "mode__bounds", "0667");
	ok(parse_mode("4600", &mode), "mode__bounds", "4600");
	ok(parse_mode("0800", &mode), "mode__bounds", "0800");
	ok(parse_mode("rw", &mode), "mode__bounds", "rw");
	ok(parse_mode("", &mode), "mode__bounds", "");
	ok(parse_mode("40000000000000000000660", &mode), "mode__bounds", "wraps");
	ok(mode == 0666, "mode__bounds", "a refusal changes nothing");
}

static void name__limits(void)
{
	char name[80];

	memset(name, 'a', sizeof(name));
	name[31] = '\0';
	ok(!check_unit_name(name), "name__limits", "31 bytes");
	name[31] = 'a';
	name[32] = '\0';
	ok(check_unit_name(name), "name__limits", "32 bytes");
	ok(!check_region_name(name), "name__limits", "32 bytes, region");
	name[32] = 'a';
	name[63] = '\0';
	ok(!check_region_name(name), "name__limits", "63 bytes");
	name[63] = 'a';
	name[64] = '\0';
	ok(check_region_name(name), "name__limits", "64 bytes");
	ok(!check_unit_name("A-z_0.9+:"), "name__limits", "all kinds of bytes");
	ok(check_unit_name(""), "name__limits", "");
	ok(check_unit_name("."), "name__limits", ".");
	ok(check_unit_name(".."), "name__limits", "..");
	ok(check_unit_name("a b"), "name__limits", "a b");
	ok(check_unit_name("a/b"), "name__limits", "a/b");
	ok(check_unit_name("a!b"), "name__limits", "a!b");
	ok(check_unit_name("\xc3\xa4"), "name__limits", "not ASCII");
	ok(check_unit_name("a\n"), "name__limits", "newline");
}

static void target__parts(void)
{
	struct target target = { "x", "y" };

	ok(!parse_region_target("u0/r0", &target) && !strcmp(target.unit, "u0") &&
	   !strcmp(target.region, "r0"), "target__parts", "u0/r0");
	ok(!parse_any_target("u1", &target) && !strcmp(target.unit, "u1") && !*target.region,
	   "target__parts", "u1");
	ok(parse_region_target("u0", &target), "target__parts", "u0");
	ok(parse_region_target("u0/", &target), "target__parts", "u0/");
	ok(parse_region_target("/r0", &target), "target__parts", "/r0");
	ok(parse_region_target("u0/r0/x", &target), "target__parts", "u0/r0/x");
	ok(parse_region_target("u0//r0", &target), "target__parts", "u0//r0");
	ok(parse_region_target("../r0", &target), "target__parts", "../r0");
	ok(parse_region_target("u0/..", &target), "target__parts", "u0/..");
	ok(parse_region_target("u0/.", &target), "target__parts", "u0/.");
	ok(parse_region_target("u0/...", &target), "target__parts", "u0/...");
	ok(parse_region_target("u0/.a b", &target), "target__parts", "u0/.a b");
	ok(parse_region_target(".u0/r0", &target), "target__parts", ".u0/r0");
	ok(parse_any_target("", &target), "target__parts", "");
	ok(!strcmp(target.unit, "u1"), "target__parts", "a refusal changes nothing");
	/* As the module calls what it found damaged. */
	ok(!parse_region_target("u0/.lost-slot-3", &target) &&
	   !strcmp(target.region, ".lost-slot-3"), "target__parts", "u0/.lost-slot-3");
}

int main(void)
{
	size__good();
	size__bad();
	number__bounds();
	mode__bounds();
	name__limits();
	target__parts();
	printf("1..%d\n", tests);
	return failures != 0;
}

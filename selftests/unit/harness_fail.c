// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A test program that must fail, in the way its argument names. The Makefile
 * runs it and is content only when it does: a harness that cannot fail proves
 * nothing.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

static void test_good(void)
{
	CHECK(1, "good");
}

static void test_bad(void)
{
	CHECK(0, "meant to fail");
}

static void test_empty(void)
{
}

int main(int argc, char **argv)
{
	const char *way = argc > 1 ? argv[1] : "";
	volatile int n = INT_MAX;

	TAP_RUN(test_good);
	if (!strcmp(way, "check"))
		TAP_RUN(test_bad);
	if (!strcmp(way, "empty"))
		TAP_RUN(test_empty);
	if (!strcmp(way, "address")) {
		volatile char *p = malloc(n & 7);

		p[n & 7] = 1;
		free((void *)p);
	}
	if (!strcmp(way, "undefined"))
		n++;
	if (!strcmp(way, "leak")) {
		volatile char *p = malloc(100);

		p[0] = 1;
		p = NULL;
	}
	return tap_end();
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites stand on. Those of the pure code (L0) run twice: in npmu.ko
 * under KUnit, and in user space under sanitizers, where selftests/unit/kunit
 * stands for KUnit.
 */
#ifndef _NPMU_TESTS_CHECK_H
#define _NPMU_TESTS_CHECK_H

#include <kunit/test.h>

#include "pure.h"

/* Goes on when it fails. In a function with a struct kunit *test. */
#define CHECK(cond, ...)	KUNIT_EXPECT_TRUE_MSG(test, cond, __VA_ARGS__)

/*
 * How often to try at random. The kernel that runs suites checks each access and
 * is mostly emulated; user space does the large numbers.
 */
#ifdef __KERNEL__
#define ROUNDS(n)	DIV_ROUND_UP(n, 20)
#else
#define ROUNDS(n)	(n)
#endif

/* splitmix64: the same numbers everywhere for the same seed. */
static inline u64 seeded_random(u64 *state)
{
	u64 z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif /* _NPMU_TESTS_CHECK_H */

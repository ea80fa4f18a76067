/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small TAP harness for one-file test programs:
 *
 *	int main(void)
 *	{
 *		TAP_RUN(test_this);
 *		TAP_RUN(test_that);
 *		return tap_end();
 *	}
 *
 * A test is a void function that calls CHECK(condition, "printf-like why", ...).
 * It goes on after a failed check; the first few are shown as diagnostics.
 */
#ifndef NPMU_TAP_H
#define NPMU_TAP_H

#include <stdint.h>
#include <stdio.h>

#define TAP_SHOWN	10	/* failed checks shown for a test */

static unsigned int tap_tests, tap_failed_tests;
static unsigned long tap_checks, tap_failures;

__attribute__((format(printf, 4, 5), unused))
static int tap_check(int ok, const char *file, int line, const char *fmt, ...)
{
	__builtin_va_list ap;

	tap_checks++;
	if (ok || tap_failures++ >= TAP_SHOWN)
		return ok;
	printf("# %s:%d: ", file, line);
	__builtin_va_start(ap, fmt);
	vprintf(fmt, ap);
	__builtin_va_end(ap);
	printf("\n");
	return ok;
}

/* True when the condition holds. */
#define CHECK(cond, ...) \
	tap_check(!!(cond), __FILE__, __LINE__, __VA_ARGS__)

__attribute__((unused))
static unsigned long tap_begin(void)
{
	tap_failures = 0;
	return tap_checks;
}

__attribute__((unused))
static void tap_finish(const char *name, unsigned long before)
{
	if (tap_checks == before)
		tap_check(0, __FILE__, __LINE__, "a test without a check");
	if (tap_failures > TAP_SHOWN)
		printf("# ... %lu failed checks in all\n", tap_failures);
	tap_failed_tests += !!tap_failures;
	printf("%sok %u %s (%lu checks)\n", tap_failures ? "not " : "",
	       ++tap_tests, name, tap_checks - before);
	fflush(stdout);
}

#define TAP_RUN(test) do {						\
	unsigned long before_ = tap_begin();				\
									\
	test();								\
	tap_finish(#test, before_);					\
} while (0)

/* Prints the plan. Return: the exit status of the program. */
__attribute__((unused))
static int tap_end(void)
{
	printf("1..%u\n# %u of %u tests failed, %lu checks\n", tap_tests,
	       tap_failed_tests, tap_tests, tap_checks);
	return tap_failed_tests || !tap_tests;
}

/* splitmix64: the same numbers everywhere for the same seed. */
__attribute__((unused))
static uint64_t tap_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif /* NPMU_TAP_H */

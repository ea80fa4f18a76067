/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * As much of KUnit as the suites of the pure code need (drivers/npmu/tests), so
 * that the same files are programs here, under the sanitizers. A file is one suite.
 */
#ifndef NPMU_KUNIT_TEST_H
#define NPMU_KUNIT_TEST_H

#include <stddef.h>
#include <stdlib.h>

#include "tap.h"

/* The suites have one of their own. */
#undef CHECK

/* Memory that goes at the end of a test. */
struct kunit_block {
	struct kunit_block *next;
	max_align_t bytes[];
};

struct kunit {
	struct kunit_block *blocks;
	void *priv;
};

struct kunit_case {
	void (*run_case)(struct kunit *test);
	const char *name;
};

struct kunit_suite {
	const char name[64];
	int (*init)(struct kunit *test);
	void (*exit)(struct kunit *test);
	struct kunit_case *test_cases;
};

#define KUNIT_CASE(function)	{ .run_case = function, .name = #function }
#define GFP_KERNEL		0
#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))
#define sizeof_field(type, field)	sizeof(((type *)0)->field)

#define KUNIT_EXPECT_TRUE_MSG(test, cond, ...) do {			\
	(void)(test);							\
	tap_check(!!(cond), __FILE__, __LINE__, __VA_ARGS__);		\
} while (0)

static inline void *kunit_kzalloc(struct kunit *test, size_t size, int gfp)
{
	struct kunit_block *block = calloc(1, sizeof(*block) + size);

	(void)gfp;
	if (!block)
		abort();
	block->next = test->blocks;
	test->blocks = block;
	return block->bytes;
}

static inline int kunit_run_suite(struct kunit_suite *suite)
{
	struct kunit_case *c;

	for (c = suite->test_cases; c->run_case; c++) {
		unsigned long before = tap_begin();
		struct kunit test = { 0 };

		if (!suite->init || !suite->init(&test))
			c->run_case(&test);
		if (suite->exit)
			suite->exit(&test);
		while (test.blocks) {
			struct kunit_block *block = test.blocks;

			test.blocks = block->next;
			free(block);
		}
		tap_finish(c->name, before);
	}
	return tap_end();
}

#define kunit_test_suite(suite)						\
	int main(void)							\
	{								\
		return kunit_run_suite(&(suite));			\
	}								\
	struct kunit

#endif /* NPMU_KUNIT_TEST_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The allocator at full size: terabytes, and regions in very many pieces. The
 * cost of one call must not grow with what was taken before. The limits are far
 * above what it takes (under the sanitizers, on a slow machine), and far below
 * what a quadratic search would.
 */
#include <sys/mman.h>
#include <time.h>

#include "alloc.h"
#include "tap.h"

#define G	NPMU_GRANULE_SIZE
#define CHUNK	NPMU_CHUNK_SIZE
#define TIB	(1ULL << 40)

static struct npmu_alloc a;
static void *mem;
static size_t mem_len;

/* Memory of pages that are never touched costs nothing. */
static void begin(u64 lo, u64 size, u64 skew)
{
	mem_len = npmu_alloc_bytes(size, skew);
	mem = mmap(NULL, mem_len, PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (!CHECK(mem != MAP_FAILED, "no %zu bytes", mem_len))
		return;
	npmu_alloc_init(&a, mem, lo, size, skew);
}

static void end(void)
{
	munmap(mem, mem_len);
}

/* Bytes of mem that are backed by pages. */
static size_t resident(void)
{
	static unsigned char vec[1 << 18];
	size_t page = 4096, sum = 0, at, i;

	for (at = 0; at < mem_len; at += sizeof(vec) * page) {
		size_t len = mem_len - at;

		if (len > sizeof(vec) * page)
			len = sizeof(vec) * page;
		if (mincore((char *)mem + at, len, vec))
			return ~0UL;
		for (i = 0; i < (len + page - 1) / page; i++)
			sum += (vec[i] & 1) * page;
	}
	return sum;
}

static double cpu_seconds(void)
{
	return (double)clock() / CLOCKS_PER_SEC;
}

/* Take want bytes as one region. Return: number of calls, 0 when it failed. */
static unsigned long take(u64 want)
{
	u64 off = 0, near = 0;
	unsigned long calls = 0;

	while (want) {
		struct npmu_extent e;

		if (npmu_alloc_one(&a, off, near, want, &e))
			return 0;
		off += e.len;
		want -= e.len;
		near = e.start + e.len;
		calls++;
	}
	return calls;
}

/* 10,000 single granules, each of them alone, as one region. */
static void test_scattered(void)
{
	unsigned long calls;
	double t;
	u64 i;

	begin(16 * CHUNK, 64 * CHUNK, 0);
	CHECK(!npmu_alloc_mark(&a, 16 * CHUNK, 48 * CHUNK), "mark all");
	for (i = 0; i < 10000; i++)
		npmu_alloc_free(&a, 16 * CHUNK + 2 * i * G, G);
	t = cpu_seconds();
	calls = take(10000 * G);
	t = cpu_seconds() - t;
	CHECK(calls == 10000, "%lu extents", calls);
	CHECK(npmu_alloc_available(&a) == 0, "all taken");
	printf("# 10,000 single granules: %.3f s\n", t);
	CHECK(t < 1, "took %.3f s", t);
	end();
}

/* Two regions that grow by turns, a granule at a time. */
static void test_by_turns(void)
{
	u64 off[2] = { 0, 0 }, near[2] = { 0, 0 };
	double t = cpu_seconds();
	int i;

	begin(16 * CHUNK, TIB, 5 * G);
	for (i = 0; i < 20000; i++) {
		struct npmu_extent e;

		if (!CHECK(!npmu_alloc_one(&a, off[i & 1], near[i & 1], G, &e),
			   "turn %d", i))
			break;
		off[i & 1] += e.len;
		near[i & 1] = e.start + e.len;
	}
	t = cpu_seconds() - t;
	printf("# 20,000 turns: %.3f s\n", t);
	CHECK(t < 2, "took %.3f s", t);
	end();
}

/* Every second chunk of a terabyte is taken; the others as one region. */
static void test_every_second_chunk(void)
{
	unsigned long calls;
	double t = cpu_seconds();
	u64 c;

	begin(CHUNK, TIB, 0);
	for (c = 1; c < TIB / CHUNK; c += 2)
		CHECK(!npmu_alloc_mark(&a, c * CHUNK, CHUNK), "mark");
	t = cpu_seconds() - t;
	printf("# %llu marks: %.3f s\n", TIB / CHUNK / 2, t);
	t = cpu_seconds();
	calls = take(npmu_alloc_available(&a));
	t = cpu_seconds() - t;
	CHECK(calls == TIB / CHUNK / 2 - 1, "%lu extents", calls);
	printf("# %lu single chunks: %.3f s\n", calls, t);
	CHECK(t < 60, "took %.3f s", t);
	end();
}

/* A fresh unit of the largest size: one extent, and little memory for it. */
static void test_largest(void)
{
	struct npmu_extent e;
	double t = cpu_seconds();
	size_t touched;

	begin(CHUNK, NPMU_MAX_UNIT_SIZE, 0);
	touched = resident();
	printf("# %zu bytes, %zu touched\n", mem_len, touched);
	CHECK(mem_len < 600UL << 20, "%zu bytes", mem_len);
	CHECK(touched < 8UL << 20, "%zu bytes touched", touched);
	CHECK(npmu_alloc_available(&a) == NPMU_MAX_UNIT_SIZE - CHUNK, "free");
	CHECK(!npmu_alloc_one(&a, 0, 0, TIB, &e) && e.len == TIB, "a terabyte");
	CHECK(!npmu_alloc_one(&a, 0, 0, G, &e) && e.len == G, "a granule");
	CHECK(npmu_alloc_mark(&a, NPMU_MAX_UNIT_SIZE - G, G) == 0, "the last");
	CHECK(npmu_alloc_mark(&a, NPMU_MAX_UNIT_SIZE - G, G) == -EEXIST,
	      "the last again");
	npmu_alloc_free(&a, CHUNK, TIB);
	CHECK(npmu_alloc_available(&a) == NPMU_MAX_UNIT_SIZE - CHUNK - 2 * G,
	      "free again");
	t = cpu_seconds() - t;
	printf("# largest unit: %.3f s\n", t);
	CHECK(t < 20, "took %.3f s", t);
	end();
}

/* One small hole low, one whole chunk at the far end, over and over. */
static void test_far_apart(void)
{
	double t;
	int i;

	begin(CHUNK, 4 * TIB, 0);
	CHECK(!npmu_alloc_mark(&a, CHUNK, 4 * TIB - CHUNK), "mark all");
	t = cpu_seconds();
	for (i = 0; i < 2000; i++) {
		struct npmu_extent e;

		npmu_alloc_free(&a, 4 * TIB - CHUNK, CHUNK);
		npmu_alloc_free(&a, CHUNK + G, G);
		CHECK(!npmu_alloc_one(&a, 0, 0, 4 * CHUNK, &e) &&
		      e.start == 4 * TIB - CHUNK && e.len == CHUNK, "chunk");
		CHECK(!npmu_alloc_one(&a, 0, 0, 4 * CHUNK, &e) &&
		      e.start == CHUNK + G && e.len == G, "granule");
	}
	t = cpu_seconds() - t;
	printf("# 2,000 times over 4 TiB: %.3f s\n", t);
	CHECK(t < 10, "took %.3f s", t);
	end();
}

int main(void)
{
	TAP_RUN(test_scattered);
	TAP_RUN(test_by_turns);
	TAP_RUN(test_every_second_chunk);
	TAP_RUN(test_largest);
	TAP_RUN(test_far_apart);
	return tap_end();
}

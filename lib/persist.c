// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making stores durable: non-temporal copies, cache line write-back, fences.
 * Owns the choice of instructions; knows no checkpoint and no writer role.
 */
#include <errno.h>
#include <string.h>

#include "handle.h"
#include "remote.h"

#define LINE	64

const struct npmu_persist_ops npmu_persist_kernel = { .name = "kernel" };

#ifdef __x86_64__

#include <cpuid.h>
#include <immintrin.h>

#define FOR_EACH_LINE(p, addr, len) \
	for (p = (uintptr_t)(addr) & ~(uintptr_t)(LINE - 1); \
	     p < (uintptr_t)(addr) + (len); p += LINE)

__attribute__((target("clwb")))
static void flush_clwb(const void *addr, size_t len)
{
	uintptr_t p;

	FOR_EACH_LINE(p, addr, len)
		_mm_clwb((void *)p);
}

__attribute__((target("clflushopt")))
static void flush_clflushopt(const void *addr, size_t len)
{
	uintptr_t p;

	FOR_EACH_LINE(p, addr, len)
		_mm_clflushopt((void *)p);
}

static void flush_clflush(const void *addr, size_t len)
{
	uintptr_t p;

	FOR_EACH_LINE(p, addr, len)
		_mm_clflush((void *)p);
}

static const struct npmu_persist_ops clwb = { "clwb", flush_clwb };
static const struct npmu_persist_ops clflushopt = { "clflushopt", flush_clflushopt };
static const struct npmu_persist_ops clflush = { "clflush", flush_clflush };

const struct npmu_persist_ops *npmu_persist_choose(void)
{
	unsigned int a, b, c, d;

	if (__get_cpuid_count(7, 0, &a, &b, &c, &d)) {
		if (b & (1U << 24))
			return &clwb;
		if (b & (1U << 23))
			return &clflushopt;
	}
	return &clflush;	/* every x86-64 has it */
}

static inline void store_line(__m128i *dst, const __m128i *src)
{
	__m128i a = _mm_loadu_si128(src);
	__m128i b = _mm_loadu_si128(src + 1);
	__m128i c = _mm_loadu_si128(src + 2);
	__m128i d = _mm_loadu_si128(src + 3);

	_mm_stream_si128(dst, a);
	_mm_stream_si128(dst + 1, b);
	_mm_stream_si128(dst + 2, c);
	_mm_stream_si128(dst + 3, d);
}

void npmu_copy_lines(void *dst, const void *src, size_t len)
{
	uint8_t last[LINE];
	size_t i;

	for (i = 0; len - i >= LINE; i += LINE)
		store_line((void *)((char *)dst + i),
			   (const void *)((const char *)src + i));
	if (i == len)
		return;
	memset(last, 0, sizeof(last));
	memcpy(last, (const char *)src + i, len - i);
	store_line((void *)((char *)dst + i), (const void *)last);
}

void npmu_store_line(void *dst, const uint64_t word[8])
{
	int i;

	for (i = 0; i < 8; i++)
		_mm_stream_si64((long long *)dst + i, (long long)word[i]);
}

void npmu_store_word(void *dst, uint64_t word)
{
	_mm_stream_si64(dst, (long long)word);
}

/* Non-temporal stores need aligned words: what is left is stored and flushed. */
static void copy_edge(const struct npmu_persist_ops *ops, char *dst,
		      const char *src, size_t len)
{
	if (!len)
		return;
	memcpy(dst, src, len);
	ops->flush(dst, len);
}

static void copy_words(const struct npmu_persist_ops *ops, char *dst,
		       const char *src, size_t len)
{
	size_t head = -(uintptr_t)dst % 8;
	long long word;

	if (head > len)
		head = len;
	copy_edge(ops, dst, src, head);
	dst += head;
	src += head;
	len -= head;
	while (len >= 8) {
		if ((uintptr_t)dst % LINE == 0 && len >= LINE) {
			size_t lines = len & ~(size_t)(LINE - 1);

			npmu_copy_lines(dst, src, lines);
			dst += lines;
			src += lines;
			len -= lines;
			continue;
		}
		memcpy(&word, src, sizeof(word));
		_mm_stream_si64((void *)dst, word);
		dst += 8;
		src += 8;
		len -= 8;
	}
	copy_edge(ops, dst, src, len);
}

static void drain_cpu(void)
{
	_mm_sfence();
}

#else /* !__x86_64__ */

const struct npmu_persist_ops *npmu_persist_choose(void)
{
	return &npmu_persist_kernel;
}

void npmu_copy_lines(void *dst, const void *src, size_t len)
{
	size_t tail = -len % LINE;

	memcpy(dst, src, len);
	memset((char *)dst + len, 0, tail);
}

void npmu_store_line(void *dst, const uint64_t word[8])
{
	memcpy(dst, word, LINE);
}

void npmu_store_word(void *dst, uint64_t word)
{
	__atomic_store_n((uint64_t *)dst, word, __ATOMIC_RELAXED);
}

static void copy_words(const struct npmu_persist_ops *ops, char *dst,
		       const char *src, size_t len)
{
	(void)ops;
	memcpy(dst, src, len);
}

static void drain_cpu(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif

int npmu_persist(struct npmu_region *region, const void *addr, size_t len)
{
	uint64_t offset;

	if (region->ops->flush) {
		region->ops->flush(addr, len);
		drain_cpu();
		return 0;
	}
	offset = (uint64_t)((uintptr_t)addr - (uintptr_t)region->addr);
	if (!npmu_within(offset, len, region->length))
		return npmu_region_fail(region, -EINVAL,
					"the range is not within the mapping");
	return npmu_region_sync(region, offset, len);
}

void npmu_flush(struct npmu_region *region, const void *addr, size_t len)
{
	if (region->ops->flush)
		region->ops->flush(addr, len);
	npmu_stored(region, addr, len);
}

void npmu_memcpy_nodrain(struct npmu_region *region, void *dst, const void *src,
			 size_t len)
{
	if (region->ops->flush)
		copy_words(region->ops, dst, src, len);
	else
		memcpy(dst, src, len);
	npmu_stored(region, dst, len);
}

int npmu_drain(struct npmu_region *region)
{
	drain_cpu();
	if (region->ops->flush)
		return 0;
	if (region->remote)
		return region->remote->ops->commit(region);
	return npmu_region_sync(region, 0, region->length);
}

int npmu_memcpy_persist(struct npmu_region *region, void *dst, const void *src,
			size_t len)
{
	npmu_memcpy_nodrain(region, dst, src, len);
	if (region->ops->flush)
		return npmu_drain(region);
	return npmu_persist_stored(region, dst, len);
}

int npmu_region_register(struct npmu_region *region, const void *addr, size_t len)
{
	if (!addr || !len || (uintptr_t)addr + len < (uintptr_t)addr)
		return npmu_region_fail(region, -EINVAL, "no memory");
	return region->remote ? region->remote->ops->register_memory(region, addr, len) : 0;
}

int npmu_region_unregister(struct npmu_region *region, const void *addr)
{
	return region->remote ? region->remote->ops->unregister_memory(region, addr) : 0;
}

enum npmu_persist_method npmu_region_persist_method(const struct npmu_region *region)
{
	if (region->remote)
		return region->remote->ops->method(region);
	return region->ops->flush ? NPMU_PERSIST_STORE : NPMU_PERSIST_KERNEL;
}

const char *npmu_persist_method_name(enum npmu_persist_method method)
{
	static const char *const name[] = {
		[NPMU_PERSIST_STORE] = "store",
		[NPMU_PERSIST_KERNEL] = "kernel",
		[NPMU_PERSIST_MESSAGE] = "message",
		[NPMU_PERSIST_FLUSH] = "flush",
	};

	return (size_t)method < sizeof(name) / sizeof(name[0]) ? name[method] : "?";
}

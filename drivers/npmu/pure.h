/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the pure code (L0) of npmu needs of its surroundings. The same sources
 * are compiled into npmu.ko and into user-space tests, fuzzers and tools; only
 * this header knows the difference. Pure code takes no lock, allocates nothing
 * and never sleeps.
 */
#ifndef NPMU_PURE_H
#define NPMU_PURE_H

#ifdef __KERNEL__

#include <linux/bitops.h>
#include <linux/build_bug.h>
#include <linux/crc32c.h>
#include <linux/errno.h>
#include <linux/export.h>
#include <linux/limits.h>
#include <linux/minmax.h>
#include <linux/stddef.h>
#include <linux/string.h>
#include <linux/types.h>

/**
 * npmu_crc32c - CRC32C (Castagnoli), initial value and inversion included
 * @crc: 0 to start, or the result of the bytes before
 * @buf: bytes
 * @len: how many
 *
 * Return: the CRC; of "123456789" it is 0xe3069283.
 */
static inline u32 npmu_crc32c(u32 crc, const void *buf, size_t len)
{
	return ~crc32c(~crc, buf, len);
}

#else /* user space */

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <linux/types.h>

typedef __u8 u8;
typedef __u16 u16;
typedef __u32 u32;
typedef __u64 u64;

#define U64_MAX			((u64)~0ULL)

#define cpu_to_le16(x)		htole16(x)
#define le16_to_cpu(x)		le16toh(x)
#define cpu_to_le32(x)		htole32(x)
#define cpu_to_le64(x)		htole64(x)
#define le32_to_cpu(x)		le32toh(x)
#define le64_to_cpu(x)		le64toh(x)

#define min_t(type, a, b) \
	({ type a_ = (a); type b_ = (b); a_ < b_ ? a_ : b_; })
#define max_t(type, a, b) \
	({ type a_ = (a); type b_ = (b); a_ > b_ ? a_ : b_; })

#define __ffs64(x)		((unsigned int)__builtin_ctzll(x))
#define hweight64(x)		((unsigned int)__builtin_popcountll(x))

/* lib/crc32c.c; the same convention as in the kernel. */
u32 npmu_crc32c(u32 crc, const void *buf, size_t len);

#endif

#include <linux/npmu_format.h>

/**
 * npmu_bytes_zero - are @len bytes all zero
 * @buf: bytes
 * @len: how many
 *
 * Return: true if they are; of none, true.
 */
static inline bool npmu_bytes_zero(const void *buf, size_t len)
{
#ifdef __KERNEL__
	return !memchr_inv(buf, 0, len);
#else
	const u8 *p = buf;

	/* Each byte equals the one before it, and the first is zero. */
	return !len || (!p[0] && !memcmp(p, p + 1, len - 1));
#endif
}

#endif /* NPMU_PURE_H */

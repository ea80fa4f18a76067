/* SPDX-License-Identifier: GPL-2.0-only */
/* The range check. There is no other one, and it subtracts, never adds. */
#ifndef NPMU_RANGE_H
#define NPMU_RANGE_H

#include "pure.h"

/**
 * npmu_range_ok - does [off, off + len) lie within [0, size)
 * @off: first byte
 * @len: bytes; an empty range is good up to and including @off == @size
 * @size: bytes there are
 *
 * Cannot wrap, whatever the arguments.
 *
 * Return: true if it does.
 */
static inline bool npmu_range_ok(u64 off, u64 len, u64 size)
{
	return off <= size && len <= size - off;
}

/**
 * npmu_span_ok - is [start, start + len) a run of whole granules in [lo, hi)
 * @start: first byte
 * @len: bytes, not zero
 * @lo: first byte allowed
 * @hi: first byte no longer allowed
 *
 * Return: true if it is.
 */
static inline bool npmu_span_ok(u64 start, u64 len, u64 lo, u64 hi)
{
	return len && !((start | len) & (NPMU_GRANULE_SIZE - 1)) &&
	       start >= lo && npmu_range_ok(start, len, hi);
}

#endif /* NPMU_RANGE_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Extent arithmetic: from an offset in a region to a byte offset in the unit,
 * over an array of extents in order of offset. Knows neither who owns the array
 * nor which bytes of the unit are free (alloc.h).
 */
#ifndef NPMU_EXTENT_H
#define NPMU_EXTENT_H

#include "pure.h"

/**
 * struct npmu_extent - a run of bytes of a region
 * @off: offset of its first byte in the region
 * @start: offset of its first byte in the unit
 * @len: bytes, a multiple of the granule, not zero
 */
struct npmu_extent {
	u64 off;
	u64 start;
	u64 len;
};

/**
 * npmu_extents_load - append extents of a record or list block to an array
 * @dst: at least @nr free entries
 * @src: @nr entries that passed npmu_region_check() or npmu_list_check()
 * @nr: how many
 * @off: offset in the region of the first of them
 *
 * Return: offset in the region behind the last of them, @off of the next call.
 * It means nothing (and may have wrapped) until npmu_extents_check() passed over
 * the whole array, which finds the first extent that is too much.
 */
u64 npmu_extents_load(struct npmu_extent *dst,
		      const struct npmu_extent_rec *src, u32 nr, u64 off);

/**
 * npmu_extents_store - write extents in media form
 * @dst: at least @nr entries; what follows them is left alone
 * @src: @nr extents
 * @nr: how many
 */
void npmu_extents_store(struct npmu_extent_rec *dst,
			const struct npmu_extent *src, u32 nr);

/**
 * npmu_extents_check - is a whole array what a region of @size must have
 * @e: extents, not trusted
 * @nr: how many
 * @size: size of the region
 * @lo: first byte of the unit that extents may use (data_start)
 * @hi: first byte they may no longer use (size of the unit)
 *
 * Contiguous in offset from 0, granule-aligned, in bounds, adding up to @size.
 * Whether two of them overlap in the unit is found by npmu_alloc_mark().
 *
 * Return: true if it is.
 */
bool npmu_extents_check(const struct npmu_extent *e, u32 nr, u64 size,
			u64 lo, u64 hi);

/**
 * npmu_extent_find - find the extent that holds an offset
 * @e: valid array
 * @nr: how many
 * @off: offset in the region
 *
 * Return: the extent, or NULL when @off is at or past the end. O(log nr).
 */
const struct npmu_extent *npmu_extent_find(const struct npmu_extent *e, u32 nr,
					   u64 off);

/**
 * npmu_extent_append - put an extent behind the last one
 * @e: array with room for @nr + 1 entries
 * @nr: entries in use
 * @start: offset in the unit
 * @len: bytes
 *
 * Lengthens the last entry instead where @start follows it in the unit.
 *
 * Return: entries in use now: @nr or @nr + 1.
 */
u32 npmu_extent_append(struct npmu_extent *e, u32 nr, u64 start, u64 len);

/**
 * npmu_extents_size - size of the region that an array describes
 * @e: valid array
 * @nr: how many
 *
 * Return: bytes; 0 for no extents.
 */
static inline u64 npmu_extents_size(const struct npmu_extent *e, u32 nr)
{
	return nr ? e[nr - 1].off + e[nr - 1].len : 0;
}

/**
 * struct npmu_extent_cut - what a shrink leaves and what it takes away
 * @keep: entries that remain, the last of them with @keep_len bytes
 * @keep_len: length of entry @keep - 1 afterwards
 * @tail: the part cut off entry @keep - 1; its len is 0 where the cut falls
 *	between two entries
 *
 * Taken away is @tail (if any) and the entries from @keep on. The array itself
 * is not changed, so that a commit that fails changes nothing.
 */
struct npmu_extent_cut {
	u32 keep;
	u64 keep_len;
	struct npmu_extent tail;
};

/**
 * npmu_extents_cut - where to cut for a new size
 * @e: valid array
 * @nr: how many
 * @size: new size, a multiple of the granule. 0 takes all away, the old size or
 *	more nothing
 *
 * Return: what remains and what is taken away.
 */
struct npmu_extent_cut npmu_extents_cut(const struct npmu_extent *e, u32 nr,
					u64 size);

#endif /* NPMU_EXTENT_H */

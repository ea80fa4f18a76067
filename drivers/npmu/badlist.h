/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The list of bytes of the data area that failed: at most NPMU_MAX_BAD ranges, in
 * order, apart, without any allocation. Also what makes the block of the media
 * valid that it is read from.
 */
#ifndef NPMU_BADLIST_H
#define NPMU_BADLIST_H

#include "pure.h"

/**
 * struct npmu_bad_range - a run of granules of the data area
 * @start: offset in the unit
 * @len: bytes, not zero
 */
struct npmu_bad_range {
	u64 start;
	u64 len;
};

/**
 * struct npmu_badlist - the list
 * @nr: ranges in use
 * @incomplete: there is more that failed than @ranges has room for
 * @ranges: in order of start; between two of them is a granule at least
 */
struct npmu_badlist {
	u32 nr;
	bool incomplete;
	struct npmu_bad_range ranges[NPMU_MAX_BAD];
};

/**
 * npmu_bad_check - validate one copy of the block completely
 * @blk: hostile bytes
 * @sb: valid superblock
 *
 * A block of zeros, which format leaves, is valid: an empty list of epoch 0.
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_bad_check(const struct npmu_bad_block *blk, const struct npmu_superblock *sb);

/* The list of a block that passed the check. */
void npmu_bad_load(struct npmu_badlist *list, const struct npmu_bad_block *blk);

/* The sealed block of a list. */
void npmu_bad_store(struct npmu_bad_block *blk, const struct npmu_badlist *list,
		    const struct npmu_superblock *sb, u64 media_epoch);

/**
 * npmu_bad_add - enter a range
 * @list: list
 * @start: offset in the unit
 * @len: bytes; a run of granules of the data area
 *
 * What it overlaps or touches becomes one with it. A range that finds no room
 * makes the list incomplete.
 *
 * Return: has the list changed?
 */
bool npmu_bad_add(struct npmu_badlist *list, u64 start, u64 len);

/**
 * npmu_bad_find - the first range that ends behind an offset
 * @list: list
 * @off: offset in the unit
 *
 * Return: its index, @list->nr when there is none. O(log nr).
 */
u32 npmu_bad_find(const struct npmu_badlist *list, u64 off);

/* Does a range of the list overlap [start, start + len)? */
bool npmu_bad_meets(const struct npmu_badlist *list, u64 start, u64 len);

/* Bytes of [start, start + len) that are in the list. */
u64 npmu_bad_bytes(const struct npmu_badlist *list, u64 start, u64 len);

#endif /* NPMU_BADLIST_H */

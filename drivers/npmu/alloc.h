/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The allocator: which granules of a unit are taken. It is not on the media;
 * attach rebuilds it by marking every extent and list block. It knows nothing
 * of regions and takes no lock: the caller holds one over every call.
 */
#ifndef NPMU_ALLOC_H
#define NPMU_ALLOC_H

#include "extent.h"

/**
 * struct npmu_alloc - granules of a unit; all fields are private
 * @lo: first byte that may be handed out
 * @hi: first byte that may no longer be handed out
 * @skew: physical address of the unit's first byte modulo the chunk size
 * @free: free granules
 * @nr_chunks: chunks that the unit touches, by physical address
 * @nr_whole: chunks that are entirely free
 * @next_chunk: where the search for whole chunks goes on
 * @next_part: no chunk below has both free and taken granules
 * @taken: a bit for each granule, set when taken
 * @whole: a bit for each chunk, set when it is entirely free
 * @part: a bit for each chunk, set when some of it is free and some taken
 * @used: taken granules of each chunk
 *
 * A chunk is NPMU_CHUNK_SIZE bytes aligned by physical address: byte @start of
 * the unit is in chunk (start + skew) / NPMU_CHUNK_SIZE. Bytes of the first and
 * last chunk that are not in [@lo, @hi) are taken for good.
 */
struct npmu_alloc {
	u64 lo;
	u64 hi;
	u64 skew;
	u64 free;
	u64 nr_chunks;
	u64 nr_whole;
	u64 next_chunk;
	u64 next_part;
	u64 *taken;
	u64 *whole;
	u64 *part;
	u16 *used;
};

/**
 * npmu_alloc_bytes - memory that an allocator needs
 * @size: size of the unit, at most NPMU_MAX_UNIT_SIZE
 * @skew: see npmu_alloc_init(); taken modulo the chunk size
 *
 * Return: bytes, about 33 MiB for a unit of 1 TiB.
 */
size_t npmu_alloc_bytes(u64 size, u64 skew);

/**
 * npmu_alloc_init - begin with everything in [@data_start, @size) free
 * @a: allocator
 * @mem: npmu_alloc_bytes() bytes that are ZERO (vzalloc, calloc), aligned to 8.
 *	Not cleared here, so that a sparse terabyte stays sparse in memory
 * @data_start: first byte that may be handed out, multiple of the granule
 * @size: size of the unit, multiple of the granule, above @data_start
 * @skew: physical address of the unit's first byte; only its remainder modulo
 *	the chunk size matters, and that must be a multiple of the granule
 *
 * There is no teardown: free @mem.
 */
void npmu_alloc_init(struct npmu_alloc *a, void *mem, u64 data_start, u64 size,
		     u64 skew);

/**
 * npmu_alloc_mark - take a given run
 * @a: allocator
 * @start: offset in the unit
 * @len: bytes
 *
 * Return: 0; -EEXIST when a granule of it is taken already; -EINVAL when it is
 * not a run of granules of [data_start, size). On error nothing has changed.
 */
int npmu_alloc_mark(struct npmu_alloc *a, u64 start, u64 len);

/**
 * npmu_alloc_mark_rest - take what is free of a given run
 * @a: allocator
 * @start: offset in the unit
 * @len: bytes
 *
 * For a run that npmu_alloc_mark() found partly taken, and whose rest must stay
 * out of use too. Clipped as for npmu_alloc_free(); never fails. Costs by words
 * of the bitmap, not by granules, so that ten thousand hostile regions that each
 * claim the whole unit do not hold up an attach.
 */
void npmu_alloc_mark_rest(struct npmu_alloc *a, u64 start, u64 len);

/**
 * npmu_alloc_free - give a run back; never fails
 * @a: allocator
 * @start: offset in the unit
 * @len: bytes
 *
 * Granules that are free already, or not part of [data_start, size), are left
 * as they are.
 */
void npmu_alloc_free(struct npmu_alloc *a, u64 start, u64 len);

/**
 * npmu_alloc_one - take the best next extent of a region
 * @a: allocator
 * @off: offset in the region where it will be appended
 * @near: offset in the unit behind the region's last extent, or 0. Preferred
 *	where it is free, so that the extent can be merged with the last
 * @want: bytes wanted, a multiple of the granule, not zero
 * @out: off is @off; len is at most @want
 *
 * Where @off is a multiple of the chunk size and at least a chunk is wanted:
 * whole chunks, so that the region can be mapped and registered by chunks.
 * Else, up to the next such offset: a run in a chunk that is in use partly; a
 * chunk is broken last. When no whole chunk is left: fragments.
 *
 * The caller calls until it has all it wants, and gives back what it got when
 * it cannot. The same calls give the same answers. The search is bounded: time
 * does not grow with the number of extents taken so far.
 *
 * Return: 0, -ENOSPC when nothing at all is free, -EINVAL for a bad @want.
 */
int npmu_alloc_one(struct npmu_alloc *a, u64 off, u64 near, u64 want,
		   struct npmu_extent *out);

/**
 * npmu_alloc_available - bytes that are free
 * @a: allocator
 *
 * Return: bytes, whole granules.
 */
static inline u64 npmu_alloc_available(const struct npmu_alloc *a)
{
	return a->free << NPMU_GRANULE_SHIFT;
}

/**
 * npmu_alloc_is_free - is a whole run free
 * @a: allocator
 * @start: offset in the unit
 * @len: bytes
 *
 * Return: true if nothing of it is taken or out of bounds.
 */
bool npmu_alloc_is_free(const struct npmu_alloc *a, u64 start, u64 len);

#endif /* NPMU_ALLOC_H */

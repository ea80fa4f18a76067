// SPDX-License-Identifier: GPL-2.0-only
/*
 * Extent arithmetic over an array in order of offset. Must not know who owns
 * the array, how it is locked, or which bytes of the unit are free.
 */
#include "extent.h"
#include "range.h"

u64 npmu_extents_load(struct npmu_extent *dst,
		      const struct npmu_extent_rec *src, u32 nr, u64 off)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		dst[i].off = off;
		dst[i].start = le64_to_cpu(src[i].start);
		dst[i].len = le64_to_cpu(src[i].len);
		off += dst[i].len;
	}
	return off;
}

void npmu_extents_store(struct npmu_extent_rec *dst,
			const struct npmu_extent *src, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		dst[i].start = cpu_to_le64(src[i].start);
		dst[i].len = cpu_to_le64(src[i].len);
	}
}

bool npmu_extents_check(const struct npmu_extent *e, u32 nr, u64 size,
			u64 lo, u64 hi)
{
	u64 left = size;
	u32 i;

	for (i = 0; i < nr; i++) {
		/* left never exceeds size, so size - left is the offset due */
		if (e[i].off != size - left || e[i].len > left ||
		    !npmu_span_ok(e[i].start, e[i].len, lo, hi))
			return false;
		left -= e[i].len;
	}
	return size && !left;
}

const struct npmu_extent *npmu_extent_find(const struct npmu_extent *e, u32 nr,
					   u64 off)
{
	u32 lo = 0, hi = nr;

	/* The last extent that does not begin behind off. */
	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (e[mid].off <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (!lo || off - e[lo - 1].off >= e[lo - 1].len)
		return NULL;
	return &e[lo - 1];
}

u32 npmu_extent_append(struct npmu_extent *e, u32 nr, u64 start, u64 len)
{
	struct npmu_extent *last = nr ? &e[nr - 1] : NULL;

	/* start >= last->start makes the difference safe to compare */
	if (last && start >= last->start && start - last->start == last->len) {
		last->len += len;
		return nr;
	}
	e[nr].off = npmu_extents_size(e, nr);
	e[nr].start = start;
	e[nr].len = len;
	return nr + 1;
}

struct npmu_extent_cut npmu_extents_cut(const struct npmu_extent *e, u32 nr,
					u64 size)
{
	struct npmu_extent_cut cut = { .keep = 0 };
	const struct npmu_extent *last;

	if (!size || !nr)
		return cut;
	last = npmu_extent_find(e, nr, size - 1);
	if (!last) {
		cut.keep = nr;
		cut.keep_len = e[nr - 1].len;
		return cut;
	}
	cut.keep = last - e + 1;
	cut.keep_len = size - last->off;
	cut.tail.off = size;
	cut.tail.start = last->start + cut.keep_len;
	cut.tail.len = last->len - cut.keep_len;
	return cut;
}

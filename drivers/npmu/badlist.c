// SPDX-License-Identifier: GPL-2.0-only
/*
 * The list of bytes that failed, and the block it is kept in. Takes hostile bytes.
 * Must not know who owns what failed, nor how the block comes to the media.
 */
#include "badlist.h"
#include "format.h"
#include "range.h"

/* The layout is on media for ever. */
static_assert(sizeof(struct npmu_bad_block) == NPMU_RECORD_SIZE, "frozen");
static_assert(offsetof(struct npmu_bad_block, magic) == 0, "frozen");
static_assert(offsetof(struct npmu_bad_block, crc) == 4, "frozen");
static_assert(offsetof(struct npmu_bad_block, nr) == 8, "frozen");
static_assert(offsetof(struct npmu_bad_block, flags) == 12, "frozen");
static_assert(offsetof(struct npmu_bad_block, media_epoch) == 16, "frozen");
static_assert(offsetof(struct npmu_bad_block, unit_uuid) == 24, "frozen");
static_assert(offsetof(struct npmu_bad_block, reserved) == 40, "frozen");
static_assert(offsetof(struct npmu_bad_block, ranges) == 96, "frozen");

/* Legal, in order and apart: what npmu_bad_add() makes, and nothing else. */
static int ranges_check(const struct npmu_extent_rec *e, u32 nr,
			const struct npmu_superblock *sb)
{
	u64 lo = le64_to_cpu(sb->data_start);
	u64 hi = le64_to_cpu(sb->size);
	u64 free = lo;
	u32 i;

	for (i = 0; i < nr; i++) {
		u64 start = le64_to_cpu(e[i].start);
		u64 len = le64_to_cpu(e[i].len);

		if (!npmu_span_ok(start, len, lo, hi))
			return NPMU_FMT_EXTENT;
		if (start < free)
			return NPMU_FMT_ORDER;
		free = start + len + NPMU_GRANULE_SIZE;
	}
	return NPMU_FMT_OK;
}

int npmu_bad_check(const struct npmu_bad_block *blk, const struct npmu_superblock *sb)
{
	u32 nr = le32_to_cpu(blk->nr);

	if (npmu_bytes_zero(blk, sizeof(*blk)))
		return NPMU_FMT_OK;
	if (le32_to_cpu(blk->magic) != NPMU_BAD_MAGIC)
		return NPMU_FMT_MAGIC;
	if (le32_to_cpu(blk->crc) != npmu_record_crc(blk, offsetof(struct npmu_bad_block, crc)))
		return NPMU_FMT_CRC;
	if (memcmp(blk->unit_uuid, sb->uuid, sizeof(blk->unit_uuid)))
		return NPMU_FMT_FOREIGN;
	if (le64_to_cpu(blk->media_epoch) > NPMU_EPOCH_MAX)
		return NPMU_FMT_EPOCH;
	if (le32_to_cpu(blk->flags) & ~NPMU_BAD_F_ALL)
		return NPMU_FMT_FLAGS;
	if (nr > NPMU_MAX_BAD)
		return NPMU_FMT_NR_BAD;
	if (!npmu_bytes_zero(blk->reserved, sizeof(blk->reserved)) ||
	    !npmu_bytes_zero(blk->ranges + nr, (NPMU_MAX_BAD - nr) * sizeof(blk->ranges[0])))
		return NPMU_FMT_RESERVED;
	return ranges_check(blk->ranges, nr, sb);
}

void npmu_bad_load(struct npmu_badlist *list, const struct npmu_bad_block *blk)
{
	u32 i;

	memset(list, 0, sizeof(*list));
	list->nr = le32_to_cpu(blk->nr);
	list->incomplete = le32_to_cpu(blk->flags) & NPMU_BAD_F_INCOMPLETE;
	for (i = 0; i < list->nr; i++) {
		list->ranges[i].start = le64_to_cpu(blk->ranges[i].start);
		list->ranges[i].len = le64_to_cpu(blk->ranges[i].len);
	}
}

void npmu_bad_store(struct npmu_bad_block *blk, const struct npmu_badlist *list,
		    const struct npmu_superblock *sb, u64 media_epoch)
{
	u32 i;

	memset(blk, 0, sizeof(*blk));
	blk->magic = cpu_to_le32(NPMU_BAD_MAGIC);
	blk->nr = cpu_to_le32(list->nr);
	blk->flags = cpu_to_le32(list->incomplete ? NPMU_BAD_F_INCOMPLETE : 0);
	blk->media_epoch = cpu_to_le64(media_epoch);
	memcpy(blk->unit_uuid, sb->uuid, sizeof(blk->unit_uuid));
	for (i = 0; i < list->nr; i++) {
		blk->ranges[i].start = cpu_to_le64(list->ranges[i].start);
		blk->ranges[i].len = cpu_to_le64(list->ranges[i].len);
	}
	blk->crc = cpu_to_le32(npmu_record_crc(blk, offsetof(struct npmu_bad_block, crc)));
}

u32 npmu_bad_find(const struct npmu_badlist *list, u64 off)
{
	u32 lo = 0, hi = list->nr;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (list->ranges[mid].start + list->ranges[mid].len <= off)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

bool npmu_bad_add(struct npmu_badlist *list, u64 start, u64 len)
{
	/* One that ends where this one starts is joined to it, too. */
	u32 first = npmu_bad_find(list, start ? start - 1 : 0);
	u64 end = start + len;
	u32 next = first;
	bool changed;

	while (next < list->nr && list->ranges[next].start <= end) {
		struct npmu_bad_range *r = &list->ranges[next++];

		if (r->start <= start && r->start + r->len >= end)
			return false;
		start = min_t(u64, start, r->start);
		end = max_t(u64, end, r->start + r->len);
	}
	if (next == first && list->nr == NPMU_MAX_BAD) {
		changed = !list->incomplete;
		list->incomplete = true;
		return changed;
	}
	/* One range in the place of those in [first, next). */
	memmove(&list->ranges[first + 1], &list->ranges[next],
		(list->nr - next) * sizeof(list->ranges[0]));
	list->nr = list->nr + first + 1 - next;
	list->ranges[first].start = start;
	list->ranges[first].len = end - start;
	/* What is not in use is zero: two equal lists are equal bytes. */
	memset(&list->ranges[list->nr], 0, (NPMU_MAX_BAD - list->nr) * sizeof(list->ranges[0]));
	return true;
}

bool npmu_bad_meets(const struct npmu_badlist *list, u64 start, u64 len)
{
	u32 i = npmu_bad_find(list, start);

	return len && i < list->nr && list->ranges[i].start < start + len;
}

u64 npmu_bad_bytes(const struct npmu_badlist *list, u64 start, u64 len)
{
	u64 end = start + len;
	u64 sum = 0;
	u32 i;

	for (i = npmu_bad_find(list, start); i < list->nr && list->ranges[i].start < end; i++) {
		const struct npmu_bad_range *r = &list->ranges[i];

		sum += min_t(u64, end, r->start + r->len) - max_t(u64, start, r->start);
	}
	return sum;
}

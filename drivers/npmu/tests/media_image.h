/* SPDX-License-Identifier: GPL-2.0-only */
/* Builds valid media records for tests: a unit of a few regions. */
#ifndef NPMU_MEDIA_IMAGE_H
#define NPMU_MEDIA_IMAGE_H

#ifdef __KERNEL__
#include <linux/sprintf.h>
#else
#include <stdio.h>
#endif

#include "format.h"

/* A sealed superblock of a unit of size bytes. */
static inline void image_superblock(struct npmu_superblock *sb, u64 size,
				    u32 max_regions)
{
	memset(sb, 0, sizeof(*sb));
	memset(sb->uuid, 0xa5, sizeof(sb->uuid));
	memcpy(sb->name, "unit0", 5);
	sb->created = cpu_to_le64(1700000000);
	npmu_layout_fill(sb, size, max_regions);
	npmu_sb_seal(sb);
}

/* An extent of a record. */
static inline struct npmu_extent_rec image_extent(u64 start, u64 len)
{
	return (struct npmu_extent_rec){ cpu_to_le64(start), cpu_to_le64(len) };
}

/* A sealed record of a region with one extent. */
static inline void image_region(struct npmu_region_record *rec,
				const struct npmu_superblock *sb, u32 slot,
				u64 start, u64 len)
{
	memset(rec, 0, sizeof(*rec));
	rec->slot = cpu_to_le32(slot);
	rec->state = cpu_to_le32(NPMU_SLOT_REGION);
	rec->media_epoch = cpu_to_le64(7);
	memcpy(rec->unit_uuid, sb->uuid, sizeof(rec->unit_uuid));
	memset(rec->uuid, 0x5a, sizeof(rec->uuid));
	memcpy(rec->uuid, &rec->slot, sizeof(rec->slot));
	rec->pm_addr = cpu_to_le64(npmu_pm_addr(slot));
	rec->size = cpu_to_le64(len);
	rec->fence_epoch = cpu_to_le64(3);
	rec->uid = cpu_to_le32(1000);
	rec->gid = cpu_to_le32(1000);
	rec->mode = cpu_to_le32(0640);
	rec->nr_extents = cpu_to_le32(1);
	snprintf((char *)rec->name, sizeof(rec->name), "region-%u", slot);
	rec->extents[0] = image_extent(start, len);
	npmu_region_seal(rec);
}

/*
 * A sealed record of nr > NPMU_INLINE_EXTENTS extents of one granule, every other
 * granule from start on, and its list blocks. The blocks stand at lists, each
 * followed by its second copy.
 */
static inline void image_region_list(struct npmu_region_record *rec,
				     struct npmu_list_block *blk,
				     const struct npmu_superblock *sb, u32 slot,
				     u64 start, u32 nr, u64 lists)
{
	struct npmu_list_ref ref = { 0 };
	u32 blocks = npmu_list_blocks(nr);
	u32 i, b;

	image_region(rec, sb, slot, start, NPMU_GRANULE_SIZE);
	rec->nr_extents = cpu_to_le32(nr);
	rec->size = cpu_to_le64((u64)nr * NPMU_GRANULE_SIZE);
	for (i = 0; i < NPMU_INLINE_EXTENTS; i++)
		rec->extents[i] = image_extent(start + 2 * i * NPMU_GRANULE_SIZE,
					       NPMU_GRANULE_SIZE);
	/* From the last, since each names its successor by its CRC. */
	for (b = blocks; b-- > 0;) {
		u32 from = NPMU_INLINE_EXTENTS + b * NPMU_LIST_EXTENTS;
		u32 n = nr - from < NPMU_LIST_EXTENTS ? nr - from :
							NPMU_LIST_EXTENTS;

		memset(&blk[b], 0, sizeof(blk[b]));
		blk[b].slot = cpu_to_le32(slot);
		blk[b].nr = cpu_to_le32(n);
		memcpy(blk[b].region_uuid, rec->uuid, sizeof(rec->uuid));
		blk[b].next = ref;
		for (i = 0; i < n; i++)
			blk[b].extents[i] =
				image_extent(start + 2 * (from + i) *
						     NPMU_GRANULE_SIZE,
					     NPMU_GRANULE_SIZE);
		ref.crc = cpu_to_le32(npmu_list_seal(&blk[b]));
		ref.addr[0] = cpu_to_le64(lists + 2 * b * NPMU_RECORD_SIZE);
		ref.addr[1] = cpu_to_le64(lists + (2 * b + 1) * NPMU_RECORD_SIZE);
	}
	rec->list = ref;
	npmu_region_seal(rec);
}

#endif /* NPMU_MEDIA_IMAGE_H */

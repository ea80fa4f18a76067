/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * npmu media format, version 1: what lies on the persistent bytes of a unit.
 *
 * All fields are little-endian. Every reserved byte is zero. Every record
 * carries a CRC32C (Castagnoli, initial value and final inversion all ones)
 * over its whole length with the crc field itself taken as zero.
 *
 *	0		superblock, copy 0
 *	NPMU_BAD_COPY0	bad list, copy 0
 *	NPMU_CREATORS_COPY0	who may create regions, copy 0
 *	NPMU_SB_COPY1	superblock, copy 1
 *	NPMU_BAD_COPY1	bad list, copy 1
 *	NPMU_CREATORS_COPY1	who may create regions, copy 1
 *	table[0]	region records, copy 0: max_regions slots of 4 KiB
 *	table[1]	region records, copy 1
 *	data_start	granules: extents of regions and list blocks, to size
 *
 * At rest both copies of a record are equal. A change is written whole to one of
 * them, persisted, and is then current by its higher media epoch; the other copy
 * follows before the change is answered, so that the loss of either gives nothing
 * back that was taken away.
 */
#ifndef _UAPI_LINUX_NPMU_FORMAT_H
#define _UAPI_LINUX_NPMU_FORMAT_H

#include <linux/types.h>

#define NPMU_FORMAT_VERSION	1

#define NPMU_GRANULE_SHIFT	12
#define NPMU_GRANULE_SIZE	(1ULL << NPMU_GRANULE_SHIFT)
#define NPMU_CHUNK_SHIFT	21
#define NPMU_CHUNK_SIZE		(1ULL << NPMU_CHUNK_SHIFT)

#define NPMU_RECORD_SIZE	4096
#define NPMU_SB_COPY1		0x8000ULL	/* offset of superblock copy 1 */
#define NPMU_BAD_COPY0		0x1000ULL	/* offsets of the bad list's copies */
#define NPMU_BAD_COPY1		0x9000ULL
#define NPMU_CREATORS_COPY0	0x2000ULL	/* offsets of the creators' copies */
#define NPMU_CREATORS_COPY1	0xa000ULL
#define NPMU_TABLE_START	0x10000ULL	/* offset of table[0] */

#define NPMU_MAX_REGIONS	10000
#define NPMU_MIN_REGIONS	8
#define NPMU_MIN_UNIT_SIZE	(4ULL << 20)
#define NPMU_MAX_UNIT_SIZE	(1ULL << 44)

/* With the terminating zero. Unused bytes of a name are zero. */
#define NPMU_UNIT_NAME_LEN	32
#define NPMU_REGION_NAME_LEN	64
#define NPMU_PRINCIPAL_LEN	32
#define NPMU_UUID_LEN		16

/* A region's PM addresses are [(slot + 1) << SHIFT, that + size). */
#define NPMU_PM_ADDR_SHIFT	44

/* Little-endian "NPMUNIT1", "NPMR", "NPML", "NPMB" and "NPMC". */
#define NPMU_SB_MAGIC		0x3154494e554d504eULL
#define NPMU_REGION_MAGIC	0x524d504eU
#define NPMU_LIST_MAGIC		0x4c4d504eU
#define NPMU_BAD_MAGIC		0x424d504eU
#define NPMU_CREATORS_MAGIC	0x434d504eU

/*
 * Feature bits. A bit of incompat that is not known: the unit is refused.
 * Of ro_compat: refused too, since there is no read-only attach. Of compat:
 * ignored.
 */
#define NPMU_FEATURES_COMPAT	0ULL
#define NPMU_FEATURES_RO_COMPAT	0ULL
#define NPMU_FEATURES_INCOMPAT	0ULL

/**
 * struct npmu_superblock - what a unit is; written by format, never changed
 * @magic: NPMU_SB_MAGIC
 * @crc: CRC32C of the 4096 bytes with this field zero
 * @version: NPMU_FORMAT_VERSION
 * @compat: features that may be ignored
 * @ro_compat: features that forbid writing when not known
 * @incompat: features that forbid attaching when not known
 * @uuid: identity of the unit
 * @name: name the unit is attached under unless another is given
 * @size: bytes of the device in use, a multiple of 4 KiB
 * @table: offsets of the two copies of the region table
 * @data_start: offset of the first granule
 * @created: seconds since 1970
 * @max_regions: number of slots in each table
 * @reserved: zero
 */
struct npmu_superblock {
	__le64 magic;
	__le32 crc;
	__le32 version;
	__le64 compat;
	__le64 ro_compat;
	__le64 incompat;
	__u8 uuid[NPMU_UUID_LEN];
	__u8 name[NPMU_UNIT_NAME_LEN];
	__le64 size;
	__le64 table[2];
	__le64 data_start;
	__le64 created;
	__le32 max_regions;
	__u8 reserved[3964];
};

/**
 * struct npmu_extent_rec - a run of bytes of the unit
 * @start: byte offset from the start of the unit, a multiple of 4 KiB
 * @len: bytes, a multiple of 4 KiB, not zero
 */
struct npmu_extent_rec {
	__le64 start;
	__le64 len;
};

/**
 * struct npmu_list_ref - names a list block by address and CRC
 * @addr: byte offsets of its two copies, both zero where there is none
 * @crc: CRC32C of the 4096 bytes of the block with its crc field zero
 * @reserved: zero
 */
struct npmu_list_ref {
	__le64 addr[2];
	__le32 crc;
	__le32 reserved;
};

/* What a grant allows. Only WRITE with READ: a writer must see where it goes on. */
#define NPMU_GRANT_READ		(1U << 0)
#define NPMU_GRANT_WRITE	(1U << 1)	/* and to make durable what it wrote */
#define NPMU_GRANT_ALL		(NPMU_GRANT_READ | NPMU_GRANT_WRITE)

#define NPMU_MAX_GRANTS		28

/**
 * struct npmu_grant_rec - a principal's right to a range of a region
 * @principal: name: 1 to 31 bytes of [A-Za-z0-9._+@:-], not starting with '.'
 * @offset: first byte in the region, a multiple of 4 KiB
 * @len: bytes, a multiple of 4 KiB, within the region. 0: the whole region, also
 *	as it grows; @offset is 0 then
 * @access: NPMU_GRANT_READ, with NPMU_GRANT_WRITE or without
 * @flags: zero
 * @reserved: zero
 */
struct npmu_grant_rec {
	__u8 principal[NPMU_PRINCIPAL_LEN];
	__le64 offset;
	__le64 len;
	__le32 access;
	__le32 flags;
	__le64 reserved;
};

#define NPMU_INLINE_EXTENTS	128
#define NPMU_LIST_EXTENTS	250

/* Region record states. */
#define NPMU_SLOT_FREE		0
#define NPMU_SLOT_REGION	1

/* Region flags. */
#define NPMU_REGION_F_READ_ONLY	(1U << 0)	/* no writer is admitted */
#define NPMU_REGION_F_ALL	NPMU_REGION_F_READ_ONLY

/**
 * struct npmu_region_record - one slot of the region table
 * @magic: NPMU_REGION_MAGIC
 * @crc: CRC32C of the 4096 bytes with this field zero
 * @slot: index of this slot: a record in the wrong place is not valid
 * @state: NPMU_SLOT_FREE or NPMU_SLOT_REGION. In a free slot all fields but
 *	magic, crc, slot, state, media_epoch and unit_uuid are zero
 * @media_epoch: of two valid copies the higher is current; never goes back,
 *	not even when the slot is freed and used again
 * @unit_uuid: the superblock's: a record of another unit is not valid
 * @uuid: identity of the region, never used twice
 * @pm_addr: (slot + 1) << NPMU_PM_ADDR_SHIFT
 * @size: bytes, a multiple of 4 KiB, at least 4 KiB; the sum of the extents
 * @fence_epoch: raised by each claim, takeover and fence; starts at 0
 * @uid: owner
 * @gid: group
 * @mode: permission bits, at most 0666
 * @flags: NPMU_REGION_F_*
 * @nr_extents: extents in all; the first NPMU_INLINE_EXTENTS are in @extents,
 *	the others in the list blocks from @list on
 * @nr_grants: used entries of @grants, 0 to NPMU_MAX_GRANTS
 * @list: first list block
 * @creator: the principal that made the region, whose quota it counts for; zero: it
 *	was made by the host
 * @reserved: zero
 * @name: region name: 1 to 63 bytes of [A-Za-z0-9._+:-], not starting with '.'
 * @extents: in order of offset in the region; unused ones are zero
 * @grants: one for each principal; unused ones are zero
 */
struct npmu_region_record {
	__le32 magic;
	__le32 crc;
	__le32 slot;
	__le32 state;
	__le64 media_epoch;
	__u8 unit_uuid[NPMU_UUID_LEN];
	__u8 uuid[NPMU_UUID_LEN];
	__le64 pm_addr;
	__le64 size;
	__le64 fence_epoch;
	__le32 uid;
	__le32 gid;
	__le32 mode;
	__le32 flags;
	__le32 nr_extents;
	__le32 nr_grants;
	struct npmu_list_ref list;
	__u8 creator[NPMU_PRINCIPAL_LEN];
	__u8 reserved[32];
	__u8 name[NPMU_REGION_NAME_LEN];
	struct npmu_extent_rec extents[NPMU_INLINE_EXTENTS];
	struct npmu_grant_rec grants[NPMU_MAX_GRANTS];
};

/**
 * struct npmu_list_block - further extents of a region; copy-on-write
 * @magic: NPMU_LIST_MAGIC
 * @crc: CRC32C of the 4096 bytes with this field zero; equals the reference's
 * @slot: slot of the region it belongs to
 * @nr: used entries of @extents, 1 to NPMU_LIST_EXTENTS; every block but the
 *	last is full
 * @region_uuid: the region it belongs to
 * @next: the next block of the list
 * @extents: in order of offset in the region; unused ones are zero
 * @reserved: zero
 */
struct npmu_list_block {
	__le32 magic;
	__le32 crc;
	__le32 slot;
	__le32 nr;
	__u8 region_uuid[NPMU_UUID_LEN];
	struct npmu_list_ref next;
	__u8 reserved[40];
	struct npmu_extent_rec extents[NPMU_LIST_EXTENTS];
};

#define NPMU_MAX_BAD		250

/* Bad list flags. */
#define NPMU_BAD_F_INCOMPLETE	(1U << 0)	/* there is more than is listed */
#define NPMU_BAD_F_ALL		NPMU_BAD_F_INCOMPLETE

/**
 * struct npmu_bad_block - bytes of the data area that failed: never handed out
 * @magic: NPMU_BAD_MAGIC
 * @crc: CRC32C of the 4096 bytes with this field zero
 * @nr: used entries of @ranges, 0 to NPMU_MAX_BAD
 * @flags: NPMU_BAD_F_*
 * @media_epoch: as in a region record
 * @unit_uuid: the superblock's: a list of another unit is not valid
 * @reserved: zero
 * @ranges: in order of start, apart from each other; unused ones are zero
 *
 * Format leaves both copies zero, which is an empty list of media epoch 0.
 */
struct npmu_bad_block {
	__le32 magic;
	__le32 crc;
	__le32 nr;
	__le32 flags;
	__le64 media_epoch;
	__u8 unit_uuid[NPMU_UUID_LEN];
	__u8 reserved[56];
	struct npmu_extent_rec ranges[NPMU_MAX_BAD];
};

#define NPMU_MAX_CREATORS	62

/**
 * struct npmu_creator_rec - a principal that may create regions in the unit
 * @principal: name, as in struct npmu_grant_rec
 * @quota: bytes that the regions it made may have together when it makes another;
 *	a multiple of 4 KiB, not zero
 * @max_regions: how many they may be, 1 to NPMU_MAX_REGIONS
 * @flags: zero
 * @reserved: zero
 */
struct npmu_creator_rec {
	__u8 principal[NPMU_PRINCIPAL_LEN];
	__le64 quota;
	__le32 max_regions;
	__le32 flags;
	__u8 reserved[16];
};

/**
 * struct npmu_creators_block - who may create regions in the unit
 * @magic: NPMU_CREATORS_MAGIC
 * @crc: CRC32C of the 4096 bytes with this field zero
 * @nr: used entries of @creators, 0 to NPMU_MAX_CREATORS
 * @flags: zero
 * @media_epoch: as in a region record
 * @unit_uuid: the superblock's: a block of another unit is not valid
 * @reserved: zero
 * @creators: one for each principal; unused ones are zero
 *
 * Format leaves both copies zero, which is an empty list of media epoch 0.
 */
struct npmu_creators_block {
	__le32 magic;
	__le32 crc;
	__le32 nr;
	__le32 flags;
	__le64 media_epoch;
	__u8 unit_uuid[NPMU_UUID_LEN];
	__u8 reserved[88];
	struct npmu_creator_rec creators[NPMU_MAX_CREATORS];
};

#endif /* _UAPI_LINUX_NPMU_FORMAT_H */

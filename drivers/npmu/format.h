/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Validation and sealing of media records (npmu_format.h). Every check takes
 * hostile bytes and answers with a typed error; a record that passed has no
 * field left to doubt. Nothing here reads the media by itself.
 */
#ifndef NPMU_FORMAT_H
#define NPMU_FORMAT_H

#include "pure.h"

/*
 * enum npmu_format_error - why a record, a name or a layout is not valid
 *
 * 0 is valid; the others are positive. npmu_format_error_text() words them.
 */
enum npmu_format_error {
	NPMU_FMT_OK,
	NPMU_FMT_MAGIC,		/* not this kind of record at all */
	NPMU_FMT_CRC,		/* damaged */
	NPMU_FMT_VERSION,	/* another format version */
	NPMU_FMT_FEATURES,	/* an unknown incompat or ro_compat feature */
	NPMU_FMT_RESERVED,	/* a reserved or unused byte is not zero */
	NPMU_FMT_UUID,		/* identity is all zero */
	NPMU_FMT_NAME,		/* illegal name or padding */
	NPMU_FMT_TOO_SMALL,	/* unit below NPMU_MIN_UNIT_SIZE or no room */
	NPMU_FMT_TOO_LARGE,	/* unit above NPMU_MAX_UNIT_SIZE */
	NPMU_FMT_TRUNCATED,	/* the unit is larger than the device */
	NPMU_FMT_UNIT_SIZE,	/* unit size is not a multiple of the granule */
	NPMU_FMT_MAX_REGIONS,	/* number of slots out of bounds */
	NPMU_FMT_LAYOUT,	/* tables or data area overlap or lie outside */
	NPMU_FMT_SLOT,		/* record of another slot */
	NPMU_FMT_FOREIGN,	/* record of another unit or region */
	NPMU_FMT_STATE,		/* unknown state */
	NPMU_FMT_EPOCH,		/* an epoch above NPMU_EPOCH_MAX */
	NPMU_FMT_PM_ADDR,	/* PM address is not that of the slot */
	NPMU_FMT_SIZE,		/* region size */
	NPMU_FMT_MODE,		/* mode above 0666 */
	NPMU_FMT_FLAGS,		/* unknown region flag */
	NPMU_FMT_NR_EXTENTS,	/* number of extents */
	NPMU_FMT_EXTENT,	/* extent empty, not aligned or out of bounds */
	NPMU_FMT_SUM,		/* extents do not add up to the size */
	NPMU_FMT_LIST_REF,	/* list reference missing, surplus or illegal */
	NPMU_FMT_NR_BAD,	/* number of bad ranges */
	NPMU_FMT_ORDER,		/* bad ranges out of order, or not apart */
	NPMU_FMT_NR_GRANTS,	/* number of grants or creators */
	NPMU_FMT_PRINCIPAL,	/* name of a principal, or its padding */
	NPMU_FMT_GRANT,		/* range or access of a grant */
	NPMU_FMT_QUOTA,		/* limits of a creator */
	NPMU_FMT_TWICE,		/* two grants for one principal */
	NPMU_FMT_NR_ERRORS
};

/*
 * Highest epoch a valid record may carry, so that raising one never wraps. No
 * counter gets there by itself.
 */
#define NPMU_EPOCH_MAX		(U64_MAX >> 1)

/*
 * Extents of one region. Bounds what attach allocates and walks for a hostile
 * record; whole chunks reach 2 TiB with it however scattered they are.
 */
#define NPMU_MAX_EXTENTS	1048576U

/**
 * npmu_format_error_text - words for an error, to follow "...: "
 * @err: enum npmu_format_error; anything else gives "unknown error"
 *
 * Return: a constant string, never NULL.
 */
const char *npmu_format_error_text(int err);

/**
 * npmu_record_crc - CRC of a record of NPMU_RECORD_SIZE bytes
 * @rec: the record
 * @crc_off: offset of its crc field, which is taken as zero
 *
 * Return: the CRC, in this machine's byte order.
 */
u32 npmu_record_crc(const void *rec, size_t crc_off);

/**
 * npmu_name_ok - is @name legal for a unit or a region
 * @name: at least @max readable bytes, or zero-terminated before
 * @max: NPMU_UNIT_NAME_LEN or NPMU_REGION_NAME_LEN
 *
 * 1 to @max - 1 bytes of [A-Za-z0-9._+:-], not starting with '.'.
 *
 * Return: true if it is.
 */
bool npmu_name_ok(const char *name, size_t max);

/* May the name of a unit or a region have this byte? */
static inline bool npmu_name_char_ok(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '.' || c == '_' || c == '+' ||
	       c == ':' || c == '-';
}

/**
 * npmu_name_field_ok - is a name field of a record legal and zero-padded
 * @field: the field
 * @len: its whole length
 *
 * Return: true if it is both.
 */
bool npmu_name_field_ok(const u8 *field, size_t len);

/**
 * npmu_layout_fill - lay a new unit out
 * @sb: magic, version, features, size, table, data_start and max_regions are
 *	filled in; uuid, name, created and crc are the caller's affair
 * @size: bytes of the device; rounded down to the granule
 * @max_regions: slots, or 0 for a default: one for each MiB, at least 64
 *
 * Both tables together never take more than an eighth of the unit; the default
 * is lowered to that, a number that was asked for is refused.
 *
 * Return: 0, NPMU_FMT_TOO_SMALL, NPMU_FMT_TOO_LARGE or NPMU_FMT_MAX_REGIONS.
 */
int npmu_layout_fill(struct npmu_superblock *sb, u64 size, u32 max_regions);

/**
 * npmu_sb_check - validate a superblock completely
 * @sb: hostile bytes
 * @device_size: bytes there are
 *
 * NPMU_FMT_MAGIC means that there is no unit here (or this copy is damaged).
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_sb_check(const struct npmu_superblock *sb, u64 device_size);

/**
 * npmu_sb_seal - set the magic and the CRC
 * @sb: otherwise complete
 */
void npmu_sb_seal(struct npmu_superblock *sb);

/**
 * npmu_record_offset - where a region record stands
 * @sb: valid superblock
 * @slot: below max_regions
 * @copy: 0 or 1
 *
 * Return: byte offset from the start of the unit.
 */
u64 npmu_record_offset(const struct npmu_superblock *sb, u32 slot,
		       unsigned int copy);

/**
 * npmu_region_check - validate a region record completely, free slot or region
 * @rec: hostile bytes
 * @sb: valid superblock
 * @slot: where it was found
 *
 * The list blocks are not looked at: npmu_list_check().
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_region_check(const struct npmu_region_record *rec,
		      const struct npmu_superblock *sb, u32 slot);

/**
 * npmu_region_seal - set the magic and the CRC
 * @rec: otherwise complete
 */
void npmu_region_seal(struct npmu_region_record *rec);

/**
 * npmu_region_fill_free - make the sealed record of a free slot
 * @rec: overwritten
 * @sb: valid superblock
 * @slot: slot
 * @media_epoch: media epoch
 */
void npmu_region_fill_free(struct npmu_region_record *rec,
			   const struct npmu_superblock *sb, u32 slot,
			   u64 media_epoch);

/**
 * npmu_pm_addr - PM address of a region's first byte
 * @slot: slot
 *
 * Return: the address; never 0.
 */
static inline u64 npmu_pm_addr(u32 slot)
{
	return ((u64)slot + 1) << NPMU_PM_ADDR_SHIFT;
}

/**
 * npmu_list_ref_present - does a reference name a block
 * @ref: reference of a record or list block that passed its check
 *
 * Return: true if it does.
 */
static inline bool npmu_list_ref_present(const struct npmu_list_ref *ref)
{
	return ref->addr[0] || ref->addr[1];
}

/**
 * npmu_list_check - validate one copy of a list block completely
 * @blk: hostile bytes
 * @ref: the reference that names it, of a record or block that is valid
 * @sb: valid superblock
 * @slot: slot of the region
 * @region_uuid: identity of the region
 * @remaining: extents of the region that are not read yet, this block's
 *	included: nr_extents - NPMU_INLINE_EXTENTS at the first block, then less
 *	the nr of each block that is read
 *
 * Every block but the last is full, and it has a successor exactly when extents
 * remain. So a walk that follows next while it is present ends with all extents
 * read, after npmu_list_blocks() blocks, even when the references form a ring.
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_list_check(const struct npmu_list_block *blk,
		    const struct npmu_list_ref *ref,
		    const struct npmu_superblock *sb, u32 slot,
		    const u8 *region_uuid, u32 remaining);

/**
 * npmu_list_seal - set the magic and the CRC
 * @blk: otherwise complete
 *
 * Return: the CRC, for the reference that will name the block.
 */
u32 npmu_list_seal(struct npmu_list_block *blk);

/**
 * npmu_list_blocks - list blocks that a region of @nr_extents needs
 * @nr_extents: extents in all
 *
 * Each stands on the media twice.
 *
 * Return: blocks; 0 when the record holds them all.
 */
static inline u32 npmu_list_blocks(u32 nr_extents)
{
	if (nr_extents <= NPMU_INLINE_EXTENTS)
		return 0;
	return (nr_extents - NPMU_INLINE_EXTENTS - 1) / NPMU_LIST_EXTENTS + 1;
}

/**
 * struct npmu_pick - which copy of a record counts
 * @current_copy: 0 or 1; -1: neither is valid
 * @repair: the other copy is to be overwritten with the current one
 */
struct npmu_pick {
	int current_copy;
	bool repair;
};

/**
 * npmu_record_pick - choose between two copies of a region record
 * @verdict: what the checks of each said, 0 valid. May include the verdict on
 *	the list blocks: a commit writes them before the record, and frees those
 *	of its predecessor only when both copies are written
 * @media_epoch: media epoch of each; not looked at where the verdict is bad
 * @same: the bytes of both are equal
 *
 * Of two valid ones the higher media epoch is current. Equal epochs with
 * different bytes do not come from a power cut; copy 0 is taken then, since two
 * attaches must not answer differently.
 *
 * Return: which copy is current, if any, and whether the other is to be repaired.
 */
struct npmu_pick npmu_record_pick(const int verdict[2],
				  const u64 media_epoch[2], bool same);

#endif /* NPMU_FORMAT_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The media format: what makes a superblock, a region record or a list block
 * valid, and how one is sealed. Takes hostile bytes. Must not know where they
 * came from, nor which granules of the unit are taken.
 */
#include "format.h"
#include "grant.h"
#include "range.h"

/* The layout is on media for ever. */
static_assert(sizeof(struct npmu_superblock) == NPMU_RECORD_SIZE, "frozen");
static_assert(offsetof(struct npmu_superblock, magic) == 0, "frozen");
static_assert(offsetof(struct npmu_superblock, crc) == 8, "frozen");
static_assert(offsetof(struct npmu_superblock, version) == 12, "frozen");
static_assert(offsetof(struct npmu_superblock, compat) == 16, "frozen");
static_assert(offsetof(struct npmu_superblock, ro_compat) == 24, "frozen");
static_assert(offsetof(struct npmu_superblock, incompat) == 32, "frozen");
static_assert(offsetof(struct npmu_superblock, uuid) == 40, "frozen");
static_assert(offsetof(struct npmu_superblock, name) == 56, "frozen");
static_assert(offsetof(struct npmu_superblock, size) == 88, "frozen");
static_assert(offsetof(struct npmu_superblock, table) == 96, "frozen");
static_assert(offsetof(struct npmu_superblock, data_start) == 112, "frozen");
static_assert(offsetof(struct npmu_superblock, created) == 120, "frozen");
static_assert(offsetof(struct npmu_superblock, max_regions) == 128, "frozen");
static_assert(offsetof(struct npmu_superblock, reserved) == 132, "frozen");

static_assert(sizeof(struct npmu_extent_rec) == 16, "frozen");
static_assert(offsetof(struct npmu_extent_rec, start) == 0, "frozen");
static_assert(offsetof(struct npmu_extent_rec, len) == 8, "frozen");

static_assert(sizeof(struct npmu_list_ref) == 24, "frozen");
static_assert(offsetof(struct npmu_list_ref, addr) == 0, "frozen");
static_assert(offsetof(struct npmu_list_ref, crc) == 16, "frozen");
static_assert(offsetof(struct npmu_list_ref, reserved) == 20, "frozen");

static_assert(sizeof(struct npmu_region_record) == NPMU_RECORD_SIZE, "frozen");
static_assert(offsetof(struct npmu_region_record, magic) == 0, "frozen");
static_assert(offsetof(struct npmu_region_record, crc) == 4, "frozen");
static_assert(offsetof(struct npmu_region_record, slot) == 8, "frozen");
static_assert(offsetof(struct npmu_region_record, state) == 12, "frozen");
static_assert(offsetof(struct npmu_region_record, media_epoch) == 16, "frozen");
static_assert(offsetof(struct npmu_region_record, unit_uuid) == 24, "frozen");
static_assert(offsetof(struct npmu_region_record, uuid) == 40, "frozen");
static_assert(offsetof(struct npmu_region_record, pm_addr) == 56, "frozen");
static_assert(offsetof(struct npmu_region_record, size) == 64, "frozen");
static_assert(offsetof(struct npmu_region_record, fence_epoch) == 72, "frozen");
static_assert(offsetof(struct npmu_region_record, uid) == 80, "frozen");
static_assert(offsetof(struct npmu_region_record, gid) == 84, "frozen");
static_assert(offsetof(struct npmu_region_record, mode) == 88, "frozen");
static_assert(offsetof(struct npmu_region_record, flags) == 92, "frozen");
static_assert(offsetof(struct npmu_region_record, nr_extents) == 96, "frozen");
static_assert(offsetof(struct npmu_region_record, nr_grants) == 100, "frozen");
static_assert(offsetof(struct npmu_region_record, list) == 104, "frozen");
static_assert(offsetof(struct npmu_region_record, creator) == 128, "frozen");
static_assert(offsetof(struct npmu_region_record, reserved) == 160, "frozen");
static_assert(offsetof(struct npmu_region_record, name) == 192, "frozen");
static_assert(offsetof(struct npmu_region_record, extents) == 256, "frozen");
static_assert(offsetof(struct npmu_region_record, grants) == 2304, "frozen");

static_assert(sizeof(struct npmu_list_block) == NPMU_RECORD_SIZE, "frozen");
static_assert(offsetof(struct npmu_list_block, magic) == 0, "frozen");
static_assert(offsetof(struct npmu_list_block, crc) == 4, "frozen");
static_assert(offsetof(struct npmu_list_block, slot) == 8, "frozen");
static_assert(offsetof(struct npmu_list_block, nr) == 12, "frozen");
static_assert(offsetof(struct npmu_list_block, region_uuid) == 16, "frozen");
static_assert(offsetof(struct npmu_list_block, next) == 32, "frozen");
static_assert(offsetof(struct npmu_list_block, reserved) == 56, "frozen");
static_assert(offsetof(struct npmu_list_block, extents) == 96, "frozen");

/* A region's PM address range must hold the largest unit, for every slot. */
static_assert(NPMU_MAX_UNIT_SIZE <= 1ULL << NPMU_PM_ADDR_SHIFT, "ranges");
static_assert(NPMU_MAX_REGIONS + 1ULL < 1ULL << (64 - NPMU_PM_ADDR_SHIFT),
	      "ranges");

const char *npmu_format_error_text(int err)
{
	static const char * const text[NPMU_FMT_NR_ERRORS] = {
		[NPMU_FMT_OK] = "valid",
		[NPMU_FMT_MAGIC] = "no npmu magic number",
		[NPMU_FMT_CRC] = "checksum does not match, damaged",
		[NPMU_FMT_VERSION] = "unknown format version",
		[NPMU_FMT_FEATURES] = "features that are not known here",
		[NPMU_FMT_RESERVED] = "reserved or unused bytes are not zero",
		[NPMU_FMT_UUID] = "uuid is zero",
		[NPMU_FMT_NAME] = "name is not legal",
		[NPMU_FMT_TOO_SMALL] = "too small for a unit",
		[NPMU_FMT_TOO_LARGE] = "too large for a unit",
		[NPMU_FMT_TRUNCATED] = "unit is larger than the device",
		[NPMU_FMT_UNIT_SIZE] = "unit size is not a multiple of 4096",
		[NPMU_FMT_MAX_REGIONS] = "number of regions is out of bounds",
		[NPMU_FMT_LAYOUT] = "tables or data area are misplaced",
		[NPMU_FMT_SLOT] = "belongs to another slot",
		[NPMU_FMT_FOREIGN] = "belongs to another unit or region",
		[NPMU_FMT_STATE] = "unknown state",
		[NPMU_FMT_EPOCH] = "epoch is out of bounds",
		[NPMU_FMT_PM_ADDR] = "PM address is not that of the slot",
		[NPMU_FMT_SIZE] = "region size is out of bounds",
		[NPMU_FMT_MODE] = "mode has more than 0666",
		[NPMU_FMT_FLAGS] = "unknown flags",
		[NPMU_FMT_NR_EXTENTS] = "number of extents is out of bounds",
		[NPMU_FMT_EXTENT] = "extent is empty, unaligned or out of bounds",
		[NPMU_FMT_SUM] = "extents do not add up to the size",
		[NPMU_FMT_LIST_REF] = "list reference is missing or not legal",
		[NPMU_FMT_NR_BAD] = "number of bad ranges is out of bounds",
		[NPMU_FMT_ORDER] = "bad ranges are out of order or overlap",
		[NPMU_FMT_NR_GRANTS] = "number of grants is out of bounds",
		[NPMU_FMT_PRINCIPAL] = "name of a principal is not legal",
		[NPMU_FMT_GRANT] = "range or access of a grant is not legal",
		[NPMU_FMT_QUOTA] = "quota of a principal is out of bounds",
		[NPMU_FMT_TWICE] = "a principal is named twice",
	};

	if (err < 0 || err >= NPMU_FMT_NR_ERRORS)
		return "unknown error";
	return text[err];
}

u32 npmu_record_crc(const void *rec, size_t crc_off)
{
	static const u8 zero[4];
	const u8 *p = rec;
	u32 crc;

	crc = npmu_crc32c(0, p, crc_off);
	crc = npmu_crc32c(crc, zero, sizeof(zero));
	crc_off += sizeof(zero);
	return npmu_crc32c(crc, p + crc_off, NPMU_RECORD_SIZE - crc_off);
}

bool npmu_name_ok(const char *name, size_t max)
{
	size_t n;

	if (name[0] == '\0' || name[0] == '.')
		return false;
	for (n = 0; n < max; n++) {
		if (name[n] == '\0')
			return true;
		if (!npmu_name_char_ok(name[n]))
			return false;
	}
	return false;
}

bool npmu_name_field_ok(const u8 *field, size_t len)
{
	size_t n;

	if (!npmu_name_ok((const char *)field, len))
		return false;
	n = strnlen((const char *)field, len);
	return npmu_bytes_zero(field + n, len - n);
}

/* --- superblock --- */

/* Bytes of one table. */
static u64 table_bytes(u32 max_regions)
{
	return (u64)max_regions * NPMU_RECORD_SIZE;
}

int npmu_layout_fill(struct npmu_superblock *sb, u64 size, u32 max_regions)
{
	u64 most, start;

	if (size < NPMU_MIN_UNIT_SIZE)
		return NPMU_FMT_TOO_SMALL;
	if (size > NPMU_MAX_UNIT_SIZE)
		return NPMU_FMT_TOO_LARGE;
	size &= ~(NPMU_GRANULE_SIZE - 1);

	/* Two tables in an eighth of the unit. At 4 MiB that is 64 slots. */
	most = min_t(u64, size / 8 / 2 / NPMU_RECORD_SIZE, NPMU_MAX_REGIONS);
	if (!max_regions)
		max_regions = min_t(u64, max_t(u64, size >> 20, 64), most);
	if (max_regions < NPMU_MIN_REGIONS || max_regions > most)
		return NPMU_FMT_MAX_REGIONS;

	start = NPMU_TABLE_START;
	sb->magic = cpu_to_le64(NPMU_SB_MAGIC);
	sb->version = cpu_to_le32(NPMU_FORMAT_VERSION);
	sb->compat = cpu_to_le64(NPMU_FEATURES_COMPAT);
	sb->ro_compat = cpu_to_le64(NPMU_FEATURES_RO_COMPAT);
	sb->incompat = cpu_to_le64(NPMU_FEATURES_INCOMPAT);
	sb->size = cpu_to_le64(size);
	sb->max_regions = cpu_to_le32(max_regions);
	sb->table[0] = cpu_to_le64(start);
	sb->table[1] = cpu_to_le64(start + table_bytes(max_regions));
	sb->data_start = cpu_to_le64(start + 2 * table_bytes(max_regions));
	return NPMU_FMT_OK;
}

/* Tables and data area: in order, apart, inside the unit. */
static bool sb_layout_ok(const struct npmu_superblock *sb)
{
	u64 bytes = table_bytes(le32_to_cpu(sb->max_regions));
	u64 size = le64_to_cpu(sb->size);
	u64 data = le64_to_cpu(sb->data_start);
	u64 t0 = le64_to_cpu(sb->table[0]);
	u64 t1 = le64_to_cpu(sb->table[1]);

	return npmu_span_ok(data, NPMU_GRANULE_SIZE, NPMU_TABLE_START, size) &&
	       npmu_span_ok(t0, bytes, NPMU_TABLE_START, t1) &&
	       npmu_span_ok(t1, bytes, NPMU_TABLE_START, data);
}

int npmu_sb_check(const struct npmu_superblock *sb, u64 device_size)
{
	u64 size = le64_to_cpu(sb->size);
	u32 max_regions = le32_to_cpu(sb->max_regions);

	if (le64_to_cpu(sb->magic) != NPMU_SB_MAGIC)
		return NPMU_FMT_MAGIC;
	if (le32_to_cpu(sb->crc) !=
	    npmu_record_crc(sb, offsetof(struct npmu_superblock, crc)))
		return NPMU_FMT_CRC;
	if (le32_to_cpu(sb->version) != NPMU_FORMAT_VERSION)
		return NPMU_FMT_VERSION;
	if ((le64_to_cpu(sb->incompat) & ~NPMU_FEATURES_INCOMPAT) ||
	    (le64_to_cpu(sb->ro_compat) & ~NPMU_FEATURES_RO_COMPAT))
		return NPMU_FMT_FEATURES;
	if (!npmu_bytes_zero(sb->reserved, sizeof(sb->reserved)))
		return NPMU_FMT_RESERVED;
	if (npmu_bytes_zero(sb->uuid, sizeof(sb->uuid)))
		return NPMU_FMT_UUID;
	if (!npmu_name_field_ok(sb->name, sizeof(sb->name)))
		return NPMU_FMT_NAME;
	if (size < NPMU_MIN_UNIT_SIZE)
		return NPMU_FMT_TOO_SMALL;
	if (size > NPMU_MAX_UNIT_SIZE)
		return NPMU_FMT_TOO_LARGE;
	if (size & (NPMU_GRANULE_SIZE - 1))
		return NPMU_FMT_UNIT_SIZE;
	if (size > device_size)
		return NPMU_FMT_TRUNCATED;
	if (max_regions < NPMU_MIN_REGIONS || max_regions > NPMU_MAX_REGIONS)
		return NPMU_FMT_MAX_REGIONS;
	if (!sb_layout_ok(sb))
		return NPMU_FMT_LAYOUT;
	return NPMU_FMT_OK;
}

void npmu_sb_seal(struct npmu_superblock *sb)
{
	const size_t crc = offsetof(struct npmu_superblock, crc);

	sb->magic = cpu_to_le64(NPMU_SB_MAGIC);
	sb->crc = cpu_to_le32(npmu_record_crc(sb, crc));
}

u64 npmu_record_offset(const struct npmu_superblock *sb, u32 slot,
		       unsigned int copy)
{
	return le64_to_cpu(sb->table[copy & 1]) + table_bytes(slot);
}

/* --- extents and list references, as records carry them --- */

/*
 * The first nr extents are legal and the others of max zero; adds the lengths
 * up. At most NPMU_LIST_EXTENTS times NPMU_MAX_UNIT_SIZE: the sum cannot wrap.
 */
static int extents_check(const struct npmu_extent_rec *e, u32 nr, u32 max,
			 const struct npmu_superblock *sb, u64 *sum)
{
	u64 lo = le64_to_cpu(sb->data_start);
	u64 hi = le64_to_cpu(sb->size);
	u32 i;

	*sum = 0;
	for (i = 0; i < nr; i++) {
		if (!npmu_span_ok(le64_to_cpu(e[i].start),
				  le64_to_cpu(e[i].len), lo, hi))
			return NPMU_FMT_EXTENT;
		*sum += le64_to_cpu(e[i].len);
	}
	if (!npmu_bytes_zero(e + nr, (max - nr) * sizeof(*e)))
		return NPMU_FMT_RESERVED;
	return NPMU_FMT_OK;
}

/* Both addresses legal and different where wanted, all zero where not. */
static int list_ref_check(const struct npmu_list_ref *ref, bool wanted,
			  const struct npmu_superblock *sb)
{
	u64 lo = le64_to_cpu(sb->data_start);
	u64 hi = le64_to_cpu(sb->size);
	u64 a = le64_to_cpu(ref->addr[0]);
	u64 b = le64_to_cpu(ref->addr[1]);

	if (!wanted)
		return npmu_bytes_zero(ref, sizeof(*ref)) ? NPMU_FMT_OK :
							    NPMU_FMT_LIST_REF;
	if (ref->reserved)
		return NPMU_FMT_RESERVED;
	if (a == b || !npmu_span_ok(a, NPMU_RECORD_SIZE, lo, hi) ||
	    !npmu_span_ok(b, NPMU_RECORD_SIZE, lo, hi))
		return NPMU_FMT_LIST_REF;
	return NPMU_FMT_OK;
}

/* --- region record --- */

static int region_check_used(const struct npmu_region_record *rec,
			     const struct npmu_superblock *sb, u32 slot)
{
	u64 data_bytes = le64_to_cpu(sb->size) - le64_to_cpu(sb->data_start);
	u64 size = le64_to_cpu(rec->size);
	u32 nr = le32_to_cpu(rec->nr_extents);
	bool list = nr > NPMU_INLINE_EXTENTS;
	u64 sum;
	int err;

	if (!npmu_bytes_zero(rec->reserved, sizeof(rec->reserved)))
		return NPMU_FMT_RESERVED;
	if (npmu_bytes_zero(rec->uuid, sizeof(rec->uuid)))
		return NPMU_FMT_UUID;
	if (!npmu_name_field_ok(rec->name, sizeof(rec->name)))
		return NPMU_FMT_NAME;
	if (le64_to_cpu(rec->pm_addr) != npmu_pm_addr(slot))
		return NPMU_FMT_PM_ADDR;
	if (le64_to_cpu(rec->fence_epoch) > NPMU_EPOCH_MAX)
		return NPMU_FMT_EPOCH;
	if (le32_to_cpu(rec->mode) & ~0666U)
		return NPMU_FMT_MODE;
	if (le32_to_cpu(rec->flags) & ~NPMU_REGION_F_ALL)
		return NPMU_FMT_FLAGS;
	if (!size || size > data_bytes || size & (NPMU_GRANULE_SIZE - 1))
		return NPMU_FMT_SIZE;
	/* Each extent has a granule at least. */
	if (!nr || nr > NPMU_MAX_EXTENTS || nr > size >> NPMU_GRANULE_SHIFT)
		return NPMU_FMT_NR_EXTENTS;
	err = list_ref_check(&rec->list, list, sb);
	if (err)
		return err;
	err = extents_check(rec->extents, min_t(u32, nr, NPMU_INLINE_EXTENTS),
			    NPMU_INLINE_EXTENTS, sb, &sum);
	if (err)
		return err;
	if (list ? sum >= size : sum != size)
		return NPMU_FMT_SUM;
	if (!npmu_bytes_zero(rec->creator, sizeof(rec->creator)) &&
	    !npmu_principal_field_ok(rec->creator))
		return NPMU_FMT_PRINCIPAL;
	return npmu_grants_check(rec->grants, le32_to_cpu(rec->nr_grants), size);
}

int npmu_region_check(const struct npmu_region_record *rec,
		      const struct npmu_superblock *sb, u32 slot)
{
	const size_t head = offsetof(struct npmu_region_record, uuid);

	if (le32_to_cpu(rec->magic) != NPMU_REGION_MAGIC)
		return NPMU_FMT_MAGIC;
	if (le32_to_cpu(rec->crc) !=
	    npmu_record_crc(rec, offsetof(struct npmu_region_record, crc)))
		return NPMU_FMT_CRC;
	if (le32_to_cpu(rec->slot) != slot ||
	    slot >= le32_to_cpu(sb->max_regions))
		return NPMU_FMT_SLOT;
	if (memcmp(rec->unit_uuid, sb->uuid, sizeof(rec->unit_uuid)))
		return NPMU_FMT_FOREIGN;
	if (le64_to_cpu(rec->media_epoch) > NPMU_EPOCH_MAX)
		return NPMU_FMT_EPOCH;

	switch (le32_to_cpu(rec->state)) {
	case NPMU_SLOT_FREE:
		return npmu_bytes_zero((const u8 *)rec + head,
				       sizeof(*rec) - head) ?
			NPMU_FMT_OK : NPMU_FMT_RESERVED;
	case NPMU_SLOT_REGION:
		return region_check_used(rec, sb, slot);
	default:
		return NPMU_FMT_STATE;
	}
}

void npmu_region_seal(struct npmu_region_record *rec)
{
	const size_t crc = offsetof(struct npmu_region_record, crc);

	rec->magic = cpu_to_le32(NPMU_REGION_MAGIC);
	rec->crc = cpu_to_le32(npmu_record_crc(rec, crc));
}

void npmu_region_fill_free(struct npmu_region_record *rec,
			   const struct npmu_superblock *sb, u32 slot,
			   u64 media_epoch)
{
	memset(rec, 0, sizeof(*rec));
	rec->slot = cpu_to_le32(slot);
	rec->state = cpu_to_le32(NPMU_SLOT_FREE);
	rec->media_epoch = cpu_to_le64(media_epoch);
	memcpy(rec->unit_uuid, sb->uuid, sizeof(rec->unit_uuid));
	npmu_region_seal(rec);
}

/* --- list block --- */

int npmu_list_check(const struct npmu_list_block *blk,
		    const struct npmu_list_ref *ref,
		    const struct npmu_superblock *sb, u32 slot,
		    const u8 *region_uuid, u32 remaining)
{
	u32 nr = le32_to_cpu(blk->nr);
	u64 sum;
	int err;

	if (le32_to_cpu(blk->magic) != NPMU_LIST_MAGIC)
		return NPMU_FMT_MAGIC;
	/* A whole block that is not the one referred to is no better. */
	if (blk->crc != ref->crc ||
	    le32_to_cpu(blk->crc) !=
	    npmu_record_crc(blk, offsetof(struct npmu_list_block, crc)))
		return NPMU_FMT_CRC;
	if (le32_to_cpu(blk->slot) != slot)
		return NPMU_FMT_SLOT;
	if (memcmp(blk->region_uuid, region_uuid, sizeof(blk->region_uuid)))
		return NPMU_FMT_FOREIGN;
	if (!npmu_bytes_zero(blk->reserved, sizeof(blk->reserved)))
		return NPMU_FMT_RESERVED;
	/* Room for the addresses of npmu_list_blocks() blocks is enough. */
	if (!nr || nr != min_t(u32, remaining, NPMU_LIST_EXTENTS))
		return NPMU_FMT_NR_EXTENTS;
	err = list_ref_check(&blk->next, nr < remaining, sb);
	if (err)
		return err;
	return extents_check(blk->extents, nr, NPMU_LIST_EXTENTS, sb, &sum);
}

u32 npmu_list_seal(struct npmu_list_block *blk)
{
	u32 crc;

	blk->magic = cpu_to_le32(NPMU_LIST_MAGIC);
	crc = npmu_record_crc(blk, offsetof(struct npmu_list_block, crc));
	blk->crc = cpu_to_le32(crc);
	return crc;
}

/* --- two copies --- */

struct npmu_pick npmu_record_pick(const int verdict[2],
				  const u64 media_epoch[2], bool same)
{
	struct npmu_pick pick = { .current_copy = -1, .repair = false };

	if (verdict[0] && verdict[1])
		return pick;
	if (verdict[0])
		pick.current_copy = 1;
	else if (verdict[1])
		pick.current_copy = 0;
	else
		pick.current_copy = media_epoch[1] > media_epoch[0];
	pick.repair = verdict[0] || verdict[1] || !same;
	return pick;
}

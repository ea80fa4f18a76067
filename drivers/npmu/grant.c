// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants on the media: what makes those of a region record and the block of creators
 * valid, and how they are read and written. Takes hostile bytes. Must not know who
 * proves to be a principal, nor what it does with its right.
 */
#include "format.h"
#include "grant.h"
#include "range.h"

/* The layout is on media for ever. */
static_assert(sizeof(struct npmu_grant_rec) == 64, "frozen");
static_assert(offsetof(struct npmu_grant_rec, principal) == 0, "frozen");
static_assert(offsetof(struct npmu_grant_rec, offset) == 32, "frozen");
static_assert(offsetof(struct npmu_grant_rec, len) == 40, "frozen");
static_assert(offsetof(struct npmu_grant_rec, access) == 48, "frozen");
static_assert(offsetof(struct npmu_grant_rec, flags) == 52, "frozen");
static_assert(offsetof(struct npmu_grant_rec, reserved) == 56, "frozen");

static_assert(sizeof(struct npmu_creator_rec) == 64, "frozen");
static_assert(offsetof(struct npmu_creator_rec, principal) == 0, "frozen");
static_assert(offsetof(struct npmu_creator_rec, quota) == 32, "frozen");
static_assert(offsetof(struct npmu_creator_rec, max_regions) == 40, "frozen");
static_assert(offsetof(struct npmu_creator_rec, flags) == 44, "frozen");
static_assert(offsetof(struct npmu_creator_rec, reserved) == 48, "frozen");

static_assert(sizeof(struct npmu_creators_block) == NPMU_RECORD_SIZE, "frozen");
static_assert(offsetof(struct npmu_creators_block, magic) == 0, "frozen");
static_assert(offsetof(struct npmu_creators_block, crc) == 4, "frozen");
static_assert(offsetof(struct npmu_creators_block, nr) == 8, "frozen");
static_assert(offsetof(struct npmu_creators_block, flags) == 12, "frozen");
static_assert(offsetof(struct npmu_creators_block, media_epoch) == 16, "frozen");
static_assert(offsetof(struct npmu_creators_block, unit_uuid) == 24, "frozen");
static_assert(offsetof(struct npmu_creators_block, reserved) == 40, "frozen");
static_assert(offsetof(struct npmu_creators_block, creators) == 128, "frozen");

bool npmu_principal_field_ok(const u8 *field)
{
	size_t n;

	if (!npmu_principal_ok((const char *)field))
		return false;
	n = strnlen((const char *)field, NPMU_PRINCIPAL_LEN);
	return npmu_bytes_zero(field + n, NPMU_PRINCIPAL_LEN - n);
}

/* --- grants of a region --- */

bool npmu_grant_range_ok(u64 offset, u64 len, u32 access, u64 size)
{
	if (access != NPMU_GRANT_READ && access != NPMU_GRANT_ALL)
		return false;
	return len ? npmu_span_ok(offset, len, 0, size) : !offset;
}

int npmu_grants_check(const struct npmu_grant_rec *g, u32 nr, u64 size)
{
	u32 i, k;

	if (nr > NPMU_MAX_GRANTS)
		return NPMU_FMT_NR_GRANTS;
	for (i = 0; i < nr; i++) {
		if (!npmu_principal_field_ok(g[i].principal))
			return NPMU_FMT_PRINCIPAL;
		if (!npmu_grant_range_ok(le64_to_cpu(g[i].offset), le64_to_cpu(g[i].len),
					 le32_to_cpu(g[i].access), size))
			return NPMU_FMT_GRANT;
		if (g[i].flags || g[i].reserved)
			return NPMU_FMT_RESERVED;
		for (k = 0; k < i; k++)
			if (!memcmp(g[k].principal, g[i].principal, NPMU_PRINCIPAL_LEN))
				return NPMU_FMT_TWICE;
	}
	if (!npmu_bytes_zero(g + nr, (NPMU_MAX_GRANTS - nr) * sizeof(*g)))
		return NPMU_FMT_RESERVED;
	return NPMU_FMT_OK;
}

void npmu_grants_load(struct npmu_grant *dst, const struct npmu_grant_rec *src, u32 nr)
{
	u32 i;

	for (i = 0; i < nr; i++) {
		memcpy(dst[i].principal, src[i].principal, NPMU_PRINCIPAL_LEN);
		dst[i].offset = le64_to_cpu(src[i].offset);
		dst[i].len = le64_to_cpu(src[i].len);
		dst[i].access = le32_to_cpu(src[i].access);
	}
}

void npmu_grants_store(struct npmu_grant_rec *dst, const struct npmu_grant *src, u32 nr)
{
	u32 i;

	memset(dst, 0, NPMU_MAX_GRANTS * sizeof(*dst));
	for (i = 0; i < nr; i++) {
		memcpy(dst[i].principal, src[i].principal, NPMU_PRINCIPAL_LEN);
		dst[i].offset = cpu_to_le64(src[i].offset);
		dst[i].len = cpu_to_le64(src[i].len);
		dst[i].access = cpu_to_le32(src[i].access);
	}
}

u32 npmu_grants_find(const struct npmu_grant *g, u32 nr, const char *principal)
{
	u32 i;

	for (i = 0; i < nr; i++)
		if (!strcmp(g[i].principal, principal))
			break;
	return i;
}

/* --- creators of a unit --- */

bool npmu_creator_limits_ok(u64 quota, u32 max_regions)
{
	return npmu_span_ok(0, quota, 0, NPMU_MAX_UNIT_SIZE) && max_regions &&
	       max_regions <= NPMU_MAX_REGIONS;
}

static int creators_check(const struct npmu_creator_rec *c, u32 nr)
{
	u32 i, k;

	for (i = 0; i < nr; i++) {
		if (!npmu_principal_field_ok(c[i].principal))
			return NPMU_FMT_PRINCIPAL;
		if (!npmu_creator_limits_ok(le64_to_cpu(c[i].quota),
					    le32_to_cpu(c[i].max_regions)))
			return NPMU_FMT_QUOTA;
		if (c[i].flags || !npmu_bytes_zero(c[i].reserved, sizeof(c[i].reserved)))
			return NPMU_FMT_RESERVED;
		for (k = 0; k < i; k++)
			if (!memcmp(c[k].principal, c[i].principal, NPMU_PRINCIPAL_LEN))
				return NPMU_FMT_TWICE;
	}
	return NPMU_FMT_OK;
}

int npmu_creators_check(const struct npmu_creators_block *blk,
			const struct npmu_superblock *sb)
{
	u32 nr = le32_to_cpu(blk->nr);

	if (npmu_bytes_zero(blk, sizeof(*blk)))
		return NPMU_FMT_OK;
	if (le32_to_cpu(blk->magic) != NPMU_CREATORS_MAGIC)
		return NPMU_FMT_MAGIC;
	if (le32_to_cpu(blk->crc) !=
	    npmu_record_crc(blk, offsetof(struct npmu_creators_block, crc)))
		return NPMU_FMT_CRC;
	if (memcmp(blk->unit_uuid, sb->uuid, sizeof(blk->unit_uuid)))
		return NPMU_FMT_FOREIGN;
	if (le64_to_cpu(blk->media_epoch) > NPMU_EPOCH_MAX)
		return NPMU_FMT_EPOCH;
	if (blk->flags)
		return NPMU_FMT_FLAGS;
	if (nr > NPMU_MAX_CREATORS)
		return NPMU_FMT_NR_GRANTS;
	if (!npmu_bytes_zero(blk->reserved, sizeof(blk->reserved)) ||
	    !npmu_bytes_zero(blk->creators + nr,
			     (NPMU_MAX_CREATORS - nr) * sizeof(blk->creators[0])))
		return NPMU_FMT_RESERVED;
	return creators_check(blk->creators, nr);
}

void npmu_creators_load(struct npmu_creators *list, const struct npmu_creators_block *blk)
{
	u32 i;

	memset(list, 0, sizeof(*list));
	list->nr = le32_to_cpu(blk->nr);
	for (i = 0; i < list->nr; i++) {
		memcpy(list->of[i].principal, blk->creators[i].principal, NPMU_PRINCIPAL_LEN);
		list->of[i].quota = le64_to_cpu(blk->creators[i].quota);
		list->of[i].max_regions = le32_to_cpu(blk->creators[i].max_regions);
	}
}

void npmu_creators_store(struct npmu_creators_block *blk, const struct npmu_creators *list,
			 const struct npmu_superblock *sb, u64 media_epoch)
{
	const size_t crc = offsetof(struct npmu_creators_block, crc);
	u32 i;

	memset(blk, 0, sizeof(*blk));
	blk->magic = cpu_to_le32(NPMU_CREATORS_MAGIC);
	blk->nr = cpu_to_le32(list->nr);
	blk->media_epoch = cpu_to_le64(media_epoch);
	memcpy(blk->unit_uuid, sb->uuid, sizeof(blk->unit_uuid));
	for (i = 0; i < list->nr; i++) {
		memcpy(blk->creators[i].principal, list->of[i].principal, NPMU_PRINCIPAL_LEN);
		blk->creators[i].quota = cpu_to_le64(list->of[i].quota);
		blk->creators[i].max_regions = cpu_to_le32(list->of[i].max_regions);
	}
	blk->crc = cpu_to_le32(npmu_record_crc(blk, crc));
}

u32 npmu_creators_find(const struct npmu_creators *list, const char *principal)
{
	u32 i;

	for (i = 0; i < list->nr; i++)
		if (!strcmp(list->of[i].principal, principal))
			break;
	return i;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Grants in pure form: names of principals, the grants of a region and the creators
 * of a unit, as the media has them. Every check takes hostile bytes; nothing here
 * knows who a principal is, nor what follows from a right.
 */
#ifndef NPMU_GRANT_H
#define NPMU_GRANT_H

#include "format.h"

/**
 * struct npmu_grant - a principal's right to a range of a region
 * @principal: legal name, zero-padded
 * @offset: first byte
 * @len: bytes; 0: the whole region, also as it grows
 * @access: NPMU_GRANT_*
 * @id: rises with each grant of an attached unit; not on the media
 */
struct npmu_grant {
	char principal[NPMU_PRINCIPAL_LEN];
	u64 offset;
	u64 len;
	u32 access;
	u64 id;
};

/**
 * struct npmu_creator - a principal's right to create regions
 * @principal: legal name, zero-padded
 * @quota: bytes of the regions it made, together
 * @max_regions: how many
 * @id: rises with each grant of an attached unit; not on the media
 */
struct npmu_creator {
	char principal[NPMU_PRINCIPAL_LEN];
	u64 quota;
	u32 max_regions;
	u64 id;
};

/**
 * struct npmu_creators - who may create regions in a unit
 * @nr: used entries
 * @of: one for each principal
 */
struct npmu_creators {
	u32 nr;
	struct npmu_creator of[NPMU_MAX_CREATORS];
};

/**
 * npmu_principal_ok - is @name legal for a principal
 * @name: at least NPMU_PRINCIPAL_LEN readable bytes, or zero-terminated before
 *
 * 1 to 31 bytes of [A-Za-z0-9._+@:-], not starting with '.'.
 *
 * Return: true if it is.
 */
static inline bool npmu_principal_ok(const char *name)
{
	size_t n;

	if (name[0] == '\0' || name[0] == '.')
		return false;
	for (n = 0; n < NPMU_PRINCIPAL_LEN; n++) {
		if (name[n] == '\0')
			return true;
		if (!npmu_name_char_ok(name[n]) && name[n] != '@')
			return false;
	}
	return false;
}

/* Is a principal's field of a record legal and zero-padded? */
bool npmu_principal_field_ok(const u8 *field);

/**
 * npmu_grant_range_ok - may a grant have this range and access
 * @offset: first byte
 * @len: bytes
 * @access: NPMU_GRANT_*
 * @size: of the region
 *
 * Return: true if it may.
 */
bool npmu_grant_range_ok(u64 offset, u64 len, u32 access, u64 size);

/* May a creator have this quota and number of regions? */
bool npmu_creator_limits_ok(u64 quota, u32 max_regions);

/**
 * npmu_grants_check - validate the grants of a record completely
 * @g: hostile bytes: all NPMU_MAX_GRANTS
 * @nr: hostile number of used ones
 * @size: of the region, valid
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_grants_check(const struct npmu_grant_rec *g, u32 nr, u64 size);

/* From and to the form of the media; load only what passed the check. */
void npmu_grants_load(struct npmu_grant *dst, const struct npmu_grant_rec *src, u32 nr);
void npmu_grants_store(struct npmu_grant_rec *dst, const struct npmu_grant *src, u32 nr);

/* The index of a principal's grant, @nr: it has none. */
u32 npmu_grants_find(const struct npmu_grant *g, u32 nr, const char *principal);

/**
 * npmu_creators_check - validate one copy of the block completely
 * @blk: hostile bytes
 * @sb: valid superblock
 *
 * A block of zeros, which format leaves, is valid: nobody, at epoch 0.
 *
 * Return: 0 or an enum npmu_format_error.
 */
int npmu_creators_check(const struct npmu_creators_block *blk,
			const struct npmu_superblock *sb);

/* The list of a block that passed the check. */
void npmu_creators_load(struct npmu_creators *list, const struct npmu_creators_block *blk);

/* The sealed block of a list. */
void npmu_creators_store(struct npmu_creators_block *blk, const struct npmu_creators *list,
			 const struct npmu_superblock *sb, u64 media_epoch);

/* The index of a principal in the list, its nr: it is not there. */
u32 npmu_creators_find(const struct npmu_creators *list, const char *principal);

#endif /* NPMU_GRANT_H */

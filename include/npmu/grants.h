/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: rights of principals, who come over the network: grants of regions, and the
 * right to create regions in a unit. See npmu/control.h for handles and errors.
 *
 * The name of a principal is 1 to 31 bytes of [A-Za-z0-9._+@:-] and does not begin with a
 * dot. A principal has one grant of a region, and one right to create in a unit.
 */
#ifndef NPMU_GRANTS_H
#define NPMU_GRANTS_H

#include <npmu/control.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

/**
 * struct npmu_grant_info - a grant, or a right to create regions
 * @unit: name of the unit
 * @region: name of the region; empty: a right to create, of which the last four count
 * @principal: whose it is
 * @offset: first byte of the region
 * @length: bytes; 0: the whole region, also as it grows
 * @access: NPMU_ACCESS_*
 * @max_regions: how many regions it may make
 * @quota: bytes they may have together when it makes another
 * @used: bytes they have
 * @regions: how many there are
 * @reserved: 0
 */
struct npmu_grant_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	char principal[NPMU_PRINCIPAL_LEN];
	uint64_t offset;
	uint64_t length;
	uint32_t access;
	uint32_t max_regions;
	uint64_t quota;
	uint64_t used;
	uint32_t regions;
	uint32_t reserved;
};

/* See npmu_region_fn. */
typedef int npmu_grant_fn(void *ctx, const struct npmu_grant_info *info);

/**
 * npmu_ctl_grant_add - grant a range of a region to a principal
 * @ctl: handle
 * @unit: name of the unit
 * @region: name of the region
 * @principal: who gets it
 * @access: NPMU_ACCESS_READ, or with NPMU_ACCESS_WRITE
 * @offset: first byte, a multiple of 4096
 * @length: bytes, a multiple of 4096; 0: the whole region, also as it grows, and @offset
 *	is 0, too
 *
 * Return: 0; -EEXIST: it has a grant of this region; -ENOSPC: the region has
 * NPMU_MAX_GRANTS; -EUCLEAN: the region is damaged or quarantined.
 */
int npmu_ctl_grant_add(struct npmu_ctl *ctl, const char *unit, const char *region,
		       const char *principal, uint32_t access, uint64_t offset,
		       uint64_t length);

/**
 * npmu_ctl_creator_add - let a principal create regions in a unit
 * @ctl: handle
 * @unit: name of the unit
 * @principal: who may
 * @quota: bytes that the regions it makes may have together, rounded up to 4 KiB
 * @max_regions: how many they may be; 0: as many as there can be
 *
 * Return: 0; -EEXIST: it may already; -ENOSPC: NPMU_MAX_CREATORS may.
 */
int npmu_ctl_creator_add(struct npmu_ctl *ctl, const char *unit, const char *principal,
			 uint64_t quota, uint32_t max_regions);

/**
 * npmu_ctl_grant_remove - take a grant away
 * @ctl: handle
 * @unit: name of the unit
 * @region: name of the region; NULL: the right to create regions
 * @principal: whose it is
 *
 * On return the principal has nothing open in the region any more, and where it was the
 * writer, it is fenced. Regions that it made stay.
 *
 * Return: 0; -ENOENT: it has none; -ETIMEDOUT: it is gone and what was open is dead, but
 * somebody is still inside: try again.
 */
int npmu_ctl_grant_remove(struct npmu_ctl *ctl, const char *unit, const char *region,
			  const char *principal);

/*
 * Show the grants of one region; of one unit, with the rights to create there, when
 * @region is NULL; or of all units when both are NULL. Return: 0, a negative errno, or what
 * @fn returned.
 */
int npmu_ctl_grant_list(struct npmu_ctl *ctl, const char *unit, const char *region,
			npmu_grant_fn *fn, void *ctx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_GRANTS_H */

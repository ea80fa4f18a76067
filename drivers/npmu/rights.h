/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Rights of principals: the grants of regions and the creators of units, their changes
 * and what is shown of them. Who has a region open under a grant is for evict.h.
 */
#ifndef _NPMU_RIGHTS_H
#define _NPMU_RIGHTS_H

#include "region.h"

/* Is it the name of a principal? 0 or -EINVAL with a message. */
int npmu_right_check_name(const char *name, struct netlink_ext_ack *extack);

/**
 * npmu_right_add - grant a range of a region to a principal
 * @region: under region->lock: it is not cut meanwhile
 * @want: the grant; its id does not count
 * @extack: message on refusal
 *
 * Durable on return.
 *
 * Return: 0; -EINVAL (name, range, access), -EEXIST (the principal has one), -ENOSPC
 * (no more fit), -EUCLEAN (unsound), -ENOENT (deleted), -ENODEV, -ENOMEM.
 */
int npmu_right_add(struct npmu_region *region, const struct npmu_grant *want,
		   struct netlink_ext_ack *extack);

/*
 * Takes a grant away, in both copies of the record, and raises the fence epoch in the
 * same commit if @raise. Under unit->lock. The caller kills what was opened under it.
 * Errors: -ENOENT (no such grant), -EUCLEAN, -EOVERFLOW.
 */
int npmu_right_remove(struct npmu_region *region, const char *principal, bool raise,
		      struct netlink_ext_ack *extack);

/* The grant of a principal, or NULL. Under unit->lock. */
const struct npmu_grant *npmu_right_find(struct npmu_region *region, const char *principal);

/**
 * npmu_creator_add - let a principal create regions
 * @unit: where
 * @want: the right; its id does not count
 * @extack: message on refusal
 *
 * Return: 0; -EINVAL, -EEXIST, -ENOSPC, -ENODEV.
 */
int npmu_creator_add(struct npmu_unit *unit, const struct npmu_creator *want,
		     struct netlink_ext_ack *extack);

/* Takes that away; its regions stay. -ENOENT, -ENODEV. Needs no memory. */
int npmu_creator_remove(struct npmu_unit *unit, const char *principal,
			struct netlink_ext_ack *extack);

/*
 * May a principal make a region of @size more? Under unit->lock. -EACCES: it may not
 * create; -EDQUOT: not so much, or so many.
 */
int npmu_creator_may(struct npmu_unit *unit, const char *principal, u64 size,
		     struct netlink_ext_ack *extack);

/**
 * struct npmu_right_stat - a snapshot for whoever shows it
 * @region: name, "" for a creator
 * @principal: whose it is
 * @access: of a grant
 * @offset: of a grant
 * @len: of a grant; 0: all of the region
 * @quota: of a creator
 * @max_regions: of a creator
 * @used: bytes of the regions it made
 * @regions: how many they are
 */
struct npmu_right_stat {
	char region[NPMU_REGION_NAME_LEN];
	char principal[NPMU_PRINCIPAL_LEN];
	u32 access;
	u64 offset;
	u64 len;
	u64 quota;
	u32 max_regions;
	u64 used;
	u32 regions;
};

/*
 * The creator or grant that follows *@pos, 0 at first; moves *@pos to it. False: there
 * is none. What is there all the time is shown once.
 */
bool npmu_right_next(struct npmu_unit *unit, u64 *pos, struct npmu_right_stat *stat);

#endif /* _NPMU_RIGHTS_H */

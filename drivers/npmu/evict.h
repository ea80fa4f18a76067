/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Transactions on a region that may have to fence its users first. Without
 * force a region in use is refused with -EBUSY. All sleep, take region->lock
 * and, unless @force fenced somebody, change nothing when they fail.
 */
#ifndef _NPMU_EVICT_H
#define _NPMU_EVICT_H

#include "region.h"

int npmu_evict_fence(struct npmu_region *region, const u64 *expected,
		     struct netlink_ext_ack *extack);
int npmu_evict_set(struct npmu_region *region, const struct npmu_region_attr *attr,
		   bool force, struct netlink_ext_ack *extack);
/* Grants a range to a principal. Errors as npmu_right_add(). */
int npmu_evict_grant(struct npmu_region *region, const struct npmu_grant *grant,
		     struct netlink_ext_ack *extack);
/* Takes it away, and with it what was opened under it. Errors as npmu_role_revoke(). */
int npmu_evict_revoke(struct npmu_region *region, const char *principal,
		      struct netlink_ext_ack *extack);
int npmu_evict_resize(struct npmu_region *region, u64 size, bool force,
		      struct netlink_ext_ack *extack);
int npmu_evict_delete(struct npmu_region *region, bool force,
		      struct netlink_ext_ack *extack);

/* The device went away: all users of the region are fenced. Never fails. */
void npmu_evict_gone(struct npmu_region *region);

#endif /* _NPMU_EVICT_H */

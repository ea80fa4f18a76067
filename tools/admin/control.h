/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * libnpmu's control handle for one command, and a region's node.
 */
#ifndef NPMU_ADMIN_CONTROL_H
#define NPMU_ADMIN_CONTROL_H

#include <npmu/control.h>

#include "admin.h"

/* The handle; or NULL, it is said, and the command has failed. */
struct npmu_ctl *control_open(const struct invocation *inv);
/* Says why @err came back from a call on @ctl, closes it, gives the status. */
enum status control_failed(struct npmu_ctl *ctl, const struct invocation *inv,
			   const char *target, int err);

/*
 * Waits until /dev/npmu/UNIT/REGION is there and is the region's, two seconds at
 * most. False, and it is said: it is not.
 */
bool node_wait(const struct invocation *inv, const struct npmu_region_info *info);
const char *node_path(char path[NPMU_PATH_LEN], const char *unit, const char *region);

#endif /* NPMU_ADMIN_CONTROL_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The value of --owner.
 */
#ifndef NPMU_ADMIN_OWNER_H
#define NPMU_ADMIN_OWNER_H

#include <npmu/control.h>

#include "admin.h"

/* USER, USER:GROUP or :GROUP, by name or number, into @params. False: it is said. */
bool owner_value(const struct invocation *inv, struct npmu_region_params *params);

#endif /* NPMU_ADMIN_OWNER_H */

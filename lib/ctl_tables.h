/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which attribute is which member of the structures of npmu/control.h.
 */
#ifndef NPMU_LIB_CTL_TABLES_H
#define NPMU_LIB_CTL_TABLES_H

#include "nl.h"

extern const struct nl_struct npmu_unit_struct;
extern const struct nl_struct npmu_region_struct;
extern const struct nl_struct npmu_bad_struct;
extern const struct nl_struct npmu_checkpoint_struct;
extern const struct nl_struct npmu_reader_struct;
extern const struct nl_struct npmu_tpt_struct;
extern const struct nl_struct npmu_grant_struct;
/* Both become a struct npmu_event_info. */
extern const struct nl_struct npmu_unit_event_struct;
extern const struct nl_struct npmu_region_event_struct;

#endif /* NPMU_LIB_CTL_TABLES_H */

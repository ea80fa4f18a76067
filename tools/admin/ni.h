/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the commands that speak to npmu_rdma share. */
#ifndef NPMU_ADMIN_NI_H
#define NPMU_ADMIN_NI_H

#include <npmu/ni.h>

#include "admin.h"

/* The handle, or NULL: it is said why. */
struct npmu_ni *ni_handle(const struct invocation *inv);

/* Closes it; says what went wrong, if @err is not 0. */
enum status ni_ended(struct npmu_ni *ni, const struct invocation *inv, const char *target, int err);

/* Why a session ended, in a word. */
const char *session_end_name(uint32_t end);

#endif /* NPMU_ADMIN_NI_H */

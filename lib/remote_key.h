/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The key by which this host proves who it is. */
#ifndef NPMU_LIB_REMOTE_KEY_H
#define NPMU_LIB_REMOTE_KEY_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_wire.h>
#include <npmu/npmu.h>

/* Return: its length, or a negative errno. The caller wipes it. */
int npmu_remote_key_read(const char *principal, uint8_t key[NPMU_WIRE_KEY_MAX],
			 struct npmu_error *err);

#endif /* NPMU_LIB_REMOTE_KEY_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * How the library tells why something failed: into the caller's struct npmu_error
 * where there is no handle yet, else a static phrase in the handle.
 */
#ifndef NPMU_LIB_ERROR_H
#define NPMU_LIB_ERROR_H

#include <npmu/npmu.h>

/* Fill in @err, if there is one. Return: @code. */
__attribute__((format(printf, 3, 4)))
int npmu_error_set(struct npmu_error *err, int code, const char *fmt, ...);

/* No error. Return: 0. */
int npmu_error_clear(struct npmu_error *err);

/* A static phrase for a negative errno; never NULL. */
const char *npmu_error_phrase(int code);

#endif /* NPMU_LIB_ERROR_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Parsers of what stands on a command line: sizes, numbers, modes and names.
 * Pure: no output, no state, no locale.
 */
#ifndef NPMU_ADMIN_SIZE_H
#define NPMU_ADMIN_SIZE_H

#include <stdint.h>

#include <linux/npmu_format.h>

/*
 * All of them return NULL and fill in the result, or return why not, as a
 * phrase to follow "'TEXT' is not a ...: ", and leave the result alone.
 */

/* Bytes: digits and at most one of K, M, G, T or KiB, MiB, GiB, TiB; above 0. */
const char *parse_size(const char *text, uint64_t *bytes);

/* A decimal number from @min to @max. */
const char *parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number);

/* Permission bits in octal, at most 0666. */
const char *parse_mode(const char *text, uint32_t *mode);

/* A name that can be given to a unit, to a region. */
const char *check_unit_name(const char *text);
const char *check_region_name(const char *text);

/* The name of a principal. */
const char *check_principal_name(const char *text);

/* struct target - UNIT or UNIT/REGION; region is "" when there is none */
struct target {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
};

/*
 * UNIT/REGION, both parts. The region may also be one that the module named, which
 * begins with a dot.
 */
const char *parse_region_target(const char *text, struct target *target);
/* UNIT or UNIT/REGION. */
const char *parse_any_target(const char *text, struct target *target);

#endif /* NPMU_ADMIN_SIZE_H */

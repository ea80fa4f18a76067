/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What doctor found: one line a check.
 */
#ifndef NPMU_ADMIN_REPORT_H
#define NPMU_ADMIN_REPORT_H

#include "admin.h"

struct report;

enum state {
	OK,
	WARN,
	FAIL,
};

/*
 * @mend: what to run or to change, or NULL. @format: the cause, or for OK what
 * was found.
 */
void report_add(struct report *report, enum state state, const char *check, const char *mend,
		const char *format, ...) __attribute__((format(printf, 5, 6)));

/* The groups of checks. */
void doctor_host(struct report *report);	/* doctor_host.c */
void doctor_pmem(struct report *report);	/* doctor_pmem.c */
void doctor_units(struct report *report);	/* doctor_units.c: asks the module */

#endif /* NPMU_ADMIN_REPORT_H */

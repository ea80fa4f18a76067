// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: runs the checks and shows what they found. Owns how a check is said
 * and the exit status; what is checked stands in doctor_*.c.
 */
#include <stdarg.h>
#include <stdio.h>

#include "host.h"
#include "output.h"
#include "report.h"

struct report {
	const struct invocation *inv;
	struct json_object *list;
	unsigned int count[3];
};

static const char *const state_names[] = { [OK] = "ok", [WARN] = "warn", [FAIL] = "fail" };

void report_add(struct report *report, enum state state, const char *check, const char *mend,
		const char *format, ...)
{
	struct json_object *row = record_new();
	char cause[1024];
	va_list args;

	va_start(args, format);
	vsnprintf(cause, sizeof(cause), format, args);
	va_end(args);
	report->count[state]++;
	record_text(row, "check", check);
	record_text(row, "state", state_names[state]);
	record_text(row, "cause", cause);
	if (mend)
		record_text(row, "mend", mend);
	/* Text comes while the next check runs; it is read back clean. */
	if (!report->inv->json) {
		struct json_object *clean = json_object_object_get(row, "cause");

		printf("%-5s %s: %s", state_names[state], check, json_object_get_string(clean));
		if (mend)
			printf(". Mend: %s",
			       json_object_get_string(json_object_object_get(row, "mend")));
		printf("\n");
	}
	list_add(report->list, row);
}

enum status doctor(const struct invocation *inv)
{
	struct report report = { .inv = inv, .list = list_new() };
	struct json_object *all = record_new();

	doctor_host(&report);
	doctor_pmem(&report);
	if (!host_is_fixture())
		doctor_units(&report);
	record_add(all, "checks", report.list);
	record_number(all, "ok", report.count[OK]);
	record_number(all, "warnings", report.count[WARN]);
	record_number(all, "failures", report.count[FAIL]);
	if (inv->json)
		print_record(inv, all, NULL);
	json_object_put(all);
	return report.count[FAIL] ? FAILED : DONE;
}

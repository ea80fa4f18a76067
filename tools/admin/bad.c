// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit bad: memory that failed. Owns how a run of it is shown.
 */
#include "control.h"
#include "output.h"

static int add_run(void *ctx, const struct npmu_bad_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "unit", info->unit);
	record_number(row, "start", info->start);
	record_number(row, "length", info->length);
	if (*info->region) {
		record_text(row, "region", info->region);
		record_number(row, "offset", info->offset);
	}
	list_add(ctx, row);
	return 0;
}

static const struct column columns[] = {
	{ "unit", "UNIT", FORM_PLAIN },
	{ "start", "START", FORM_PLAIN },
	{ "length", "LENGTH", FORM_PLAIN },
	{ "region", "REGION", FORM_PLAIN },
	{ "offset", "OFFSET", FORM_PLAIN },
	{ NULL },
};

enum status unit_bad(const struct invocation *inv)
{
	struct target target = { "", "" };
	struct json_object *list;
	struct npmu_ctl *ctl;
	int err;

	if (inv->nr_operands && !unit_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	list = list_new();
	err = npmu_ctl_bad_list(ctl, *target.unit ? target.unit : NULL, add_run, list);
	if (err) {
		json_object_put(list);
		return control_failed(ctl, inv, target.unit, err);
	}
	npmu_ctl_close(ctl);
	print_list(inv, list, columns);
	json_object_put(list);
	return DONE;
}

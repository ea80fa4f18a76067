// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * tpt list: who has regions open. Owns how a TPT entry is shown.
 */
#include "control.h"
#include "output.h"

static const char *access_name(uint32_t access)
{
	switch (access & (NPMU_ACCESS_READ | NPMU_ACCESS_WRITE)) {
	case NPMU_ACCESS_READ | NPMU_ACCESS_WRITE:
		return "read-write";
	case NPMU_ACCESS_WRITE:
		return "write";
	case NPMU_ACCESS_READ:
		return "read";
	default:
		return "none";
	}
}

static int add_entry(void *ctx, const struct npmu_tpt_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "unit", info->unit);
	record_text(row, "region", info->region);
	record_number(row, "id", info->id);
	if (*info->principal) {
		record_text(row, "principal", info->principal);
	} else {
		record_number(row, "pid", info->pid);
		record_text(row, "command", info->command);
		record_number(row, "uid", info->uid);
	}
	record_text(row, "access", access_name(info->access));
	record_number(row, "offset", info->offset);
	record_number(row, "length", info->length);
	record_number(row, "fence_epoch", info->fence_epoch);
	record_bool(row, "writer", info->writer);
	record_bool(row, "dead", info->dead);
	list_add(ctx, row);
	return 0;
}

static const struct column columns[] = {
	{ "unit", "UNIT", FORM_PLAIN },
	{ "region", "REGION", FORM_PLAIN },
	{ "id", "ENTRY", FORM_PLAIN },
	{ "pid", "PID", FORM_ID },
	{ "uid", "UID", FORM_PLAIN },
	{ "principal", "PRINCIPAL", FORM_PLAIN },
	{ "access", "ACCESS", FORM_PLAIN },
	{ "length", "LENGTH", FORM_SIZE },
	{ "fence_epoch", "EPOCH", FORM_PLAIN },
	{ "writer", "WRITER", FORM_PLAIN },
	{ "dead", "DEAD", FORM_PLAIN },
	{ "command", "COMMAND", FORM_PLAIN },
	{ NULL },
};

/* Nobody has it open is an answer; there is no such region is another. */
static int must_exist(struct npmu_ctl *ctl, const struct target *target)
{
	struct npmu_region_info region;
	struct npmu_unit_info unit;

	if (*target->region)
		return npmu_ctl_region_get(ctl, target->unit, target->region, &region);
	return npmu_ctl_unit_get(ctl, target->unit, &unit);
}

enum status tpt_list(const struct invocation *inv)
{
	struct target target = { "", "" };
	const char *what = "";
	struct json_object *list;
	struct npmu_ctl *ctl;
	const char *why;
	int err = 0;

	if (inv->nr_operands) {
		what = inv->operands[0];
		why = parse_any_target(what, &target);
		if (why)
			return usage(inv, "'%s' is neither a unit nor a region: %s", what, why);
	}
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	list = list_new();
	if (inv->nr_operands)
		err = must_exist(ctl, &target);
	if (!err)
		err = npmu_ctl_tpt_list(ctl, *target.unit ? target.unit : NULL,
					*target.region ? target.region : NULL, add_entry, list);
	if (err) {
		json_object_put(list);
		return control_failed(ctl, inv, what, err);
	}
	npmu_ctl_close(ctl);
	print_list(inv, list, columns);
	json_object_put(list);
	return DONE;
}

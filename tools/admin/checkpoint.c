// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * checkpoint show: what a region's checkpoint holds, and how far its readers are. Owns
 * how the module is asked for it.
 */
#include "checkpoint_record.h"
#include "control.h"
#include "output.h"

/* struct readers - the list that is being made, and where the updates end */
struct readers {
	struct json_object *list;
	uint64_t end;
};

static int add_reader(void *ctx, const struct npmu_reader_info *info)
{
	struct readers *readers = ctx;

	list_add(readers->list, reader_record(info, readers->end));
	return 0;
}

struct json_object *checkpoint_ask(struct npmu_ctl *ctl, const char *unit,
				   const char *region, int *err)
{
	struct readers readers = { .list = list_new() };
	struct npmu_checkpoint_info info = { .form = 0 };
	struct json_object *row;

	*err = npmu_ctl_checkpoint_get(ctl, unit, region, &info);
	readers.end = info.end;
	if (!*err)
		*err = npmu_ctl_reader_list(ctl, unit, region, add_reader, &readers);
	row = checkpoint_record(unit, region, *err);
	if (!*err) {
		checkpoint_add(row, &info);
		record_add(row, "readers", json_object_get(readers.list));
	}
	json_object_put(readers.list);
	return row;
}

enum status checkpoint_show(const struct invocation *inv)
{
	struct json_object *row;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!region_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	row = checkpoint_ask(ctl, target.unit, target.region, &err);
	if (err) {
		json_object_put(row);
		return control_failed(ctl, inv, inv->operands[0], err);
	}
	npmu_ctl_close(ctl);
	checkpoint_print(inv, row);
	json_object_put(row);
	return DONE;
}

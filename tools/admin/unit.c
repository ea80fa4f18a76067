// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit format, attach, detach, list and show. Owns how a unit is shown.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>

#include "control.h"
#include "output.h"

static struct json_object *unit_record(const struct npmu_unit_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "name", info->name);
	record_uuid(row, "uuid", info->uuid);
	record_text(row, "backing", npmu_backing_name(info->backing));
	record_text(row, "class", npmu_class_name(info->persistence_class));
	record_text(row, "path", info->path);
	record_number(row, "size", info->size);
	record_number(row, "data_size", info->data_size);
	record_number(row, "free", info->free);
	record_number(row, "max_regions", info->max_regions);
	record_number(row, "regions", info->regions);
	record_number(row, "opens", info->opens);
	record_number(row, "media_epoch", info->media_epoch);
	record_number(row, "repaired", info->repaired);
	record_number(row, "unsound_regions", info->unsound_regions);
	record_number(row, "bad", info->bad);
	record_number(row, "bad_ranges", info->bad_ranges);
	record_bool(row, "bad_incomplete", info->bad_incomplete);
	record_number(row, "unreadable", info->unreadable);
	record_number(row, "creators", info->creators);
	record_bool(row, "gone", info->gone);
	return row;
}

static const struct column list_columns[] = {
	{ "name", "UNIT", FORM_PLAIN },
	{ "class", "CLASS", FORM_PLAIN },
	{ "size", "SIZE", FORM_SIZE },
	{ "free", "FREE", FORM_SIZE },
	{ "regions", "REGIONS", FORM_PLAIN },
	{ "opens", "OPENS", FORM_PLAIN },
	{ "gone", "GONE", FORM_PLAIN },
	{ "path", "DEVICE", FORM_PLAIN },
	{ NULL },
};

static const struct column show_columns[] = {
	{ "name", "unit", FORM_PLAIN },
	{ "uuid", "uuid", FORM_PLAIN },
	{ "backing", "backing", FORM_PLAIN },
	{ "class", "class", FORM_PLAIN },
	{ "path", "device", FORM_PLAIN },
	{ "size", "size", FORM_SIZE },
	{ "data_size", "data size", FORM_SIZE },
	{ "free", "free", FORM_SIZE },
	{ "max_regions", "slots", FORM_PLAIN },
	{ "regions", "regions", FORM_PLAIN },
	{ "opens", "opens", FORM_PLAIN },
	{ "media_epoch", "media epoch", FORM_PLAIN },
	{ "repaired", "repaired", FORM_PLAIN },
	{ "unsound_regions", "unsound regions", FORM_PLAIN },
	{ "bad", "bad", FORM_SIZE },
	{ "bad_ranges", "bad ranges", FORM_PLAIN },
	{ "bad_incomplete", "bad list incomplete", FORM_PLAIN },
	{ "unreadable", "unreadable metadata", FORM_PLAIN },
	{ "creators", "creators", FORM_PLAIN },
	{ "gone", "device gone", FORM_PLAIN },
	{ NULL },
};

static void show_unit(const struct invocation *inv, const struct npmu_unit_info *info)
{
	struct json_object *row = unit_record(info);

	print_record(inv, row, show_columns);
	json_object_put(row);
}

/* --name, checked. NULL is a good answer where it is not given. */
static bool name_value(const struct invocation *inv, const char **name)
{
	const char *why;

	*name = inv->value[OPT_NAME];
	why = *name ? check_unit_name(*name) : NULL;
	if (!why)
		return true;
	usage(inv, "'%s' is not a name for a unit: %s", *name, why);
	return false;
}

static bool max_regions_value(const struct invocation *inv, uint32_t *max_regions)
{
	uint64_t number = 0;

	if (inv->given[OPT_MAX_REGIONS] &&
	    !number_value(inv, OPT_MAX_REGIONS, NPMU_MIN_REGIONS, NPMU_MAX_REGIONS, &number))
		return false;
	*max_regions = number;
	return true;
}

/*
 * The module keeps the path and shows it to everyone, so it gets the real one.
 * False: it is said, with @status.
 */
static bool device_operand(const struct invocation *inv, char path[PATH_MAX], enum status *status)
{
	if (realpath(inv->operands[0], path))
		return true;
	*status = failed(inv, inv->operands[0], -errno, NULL);
	return false;
}

enum status unit_format(const struct invocation *inv)
{
	struct npmu_unit_info info;
	struct json_object *row;
	struct npmu_ctl *ctl;
	char path[PATH_MAX];
	enum status status;
	uint32_t max_regions;
	const char *name;
	int err;

	if (!inv->given[OPT_NAME])
		return usage(inv, "needs --name UNIT");
	if (!name_value(inv, &name) || !max_regions_value(inv, &max_regions))
		return USAGE;
	if (!device_operand(inv, path, &status))
		return status;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_unit_format(ctl, path, name, max_regions,
				   inv->given[OPT_FORCE] ? NPMU_CTL_FORCE : 0, &info);
	if (err)
		return control_failed(ctl, inv, path, err);
	npmu_ctl_close(ctl);
	row = record_new();
	record_text(row, "name", info.name);
	record_uuid(row, "uuid", info.uuid);
	record_text(row, "path", path);
	print_record(inv, row, (const struct column[]) {
		{ "name", "unit", FORM_PLAIN },
		{ "uuid", "uuid", FORM_PLAIN },
		{ "path", "device", FORM_PLAIN },
		{ NULL },
	});
	json_object_put(row);
	return DONE;
}

static enum status attach_dram(const struct invocation *inv, const char *name)
{
	struct npmu_unit_info info;
	struct npmu_ctl *ctl;
	uint32_t max_regions;
	uint64_t size;
	int err;

	if (inv->nr_operands)
		return usage(inv, "--dram needs no device: give one or the other");
	if (!name)
		return usage(inv, "--dram needs --name UNIT");
	if (!size_value(inv, OPT_DRAM, &size) || !max_regions_value(inv, &max_regions))
		return USAGE;
	if (size < NPMU_MIN_UNIT_SIZE || size > NPMU_MAX_UNIT_SIZE)
		return usage(inv, "'%s' is not a size for a unit: it has 4M to 16T",
			     inv->value[OPT_DRAM]);
	if (size % NPMU_GRANULE_SIZE)
		return usage(inv, "'%s' is not a size for a unit: it is not a multiple of 4K",
			     inv->value[OPT_DRAM]);
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_unit_attach_dram(ctl, name, size, max_regions, &info);
	if (err)
		return control_failed(ctl, inv, name, err);
	npmu_ctl_close(ctl);
	show_unit(inv, &info);
	return DONE;
}

enum status unit_attach(const struct invocation *inv)
{
	struct npmu_unit_info info;
	struct npmu_ctl *ctl;
	char path[PATH_MAX];
	enum status status;
	const char *name;
	int err;

	if (!name_value(inv, &name))
		return USAGE;
	if (inv->given[OPT_DRAM])
		return attach_dram(inv, name);
	if (!inv->nr_operands)
		return usage(inv, "needs a DEVICE, or --dram SIZE");
	if (inv->given[OPT_MAX_REGIONS])
		return usage(inv, "--max-regions is for --dram: format gave the device its slots");
	if (!device_operand(inv, path, &status))
		return status;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_unit_attach(ctl, path, name, &info);
	if (err)
		return control_failed(ctl, inv, path, err);
	npmu_ctl_close(ctl);
	show_unit(inv, &info);
	return DONE;
}

enum status unit_detach(const struct invocation *inv)
{
	struct json_object *row;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!unit_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_unit_detach(ctl, target.unit);
	if (err)
		return control_failed(ctl, inv, target.unit, err);
	npmu_ctl_close(ctl);
	if (inv->json) {
		row = record_new();
		record_text(row, "name", target.unit);
		record_bool(row, "detached", true);
		print_record(inv, row, NULL);
		json_object_put(row);
	}
	return DONE;
}

static int add_unit(void *ctx, const struct npmu_unit_info *info)
{
	list_add(ctx, unit_record(info));
	return 0;
}

enum status unit_list(const struct invocation *inv)
{
	struct npmu_ctl *ctl = control_open(inv);
	struct json_object *list;
	int err;

	if (!ctl)
		return FAILED;
	list = list_new();
	err = npmu_ctl_unit_list(ctl, add_unit, list);
	if (err) {
		json_object_put(list);
		return control_failed(ctl, inv, "", err);
	}
	npmu_ctl_close(ctl);
	print_list(inv, list, list_columns);
	json_object_put(list);
	return DONE;
}

enum status unit_show(const struct invocation *inv)
{
	struct npmu_unit_info info;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!unit_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_unit_get(ctl, target.unit, &info);
	if (err)
		return control_failed(ctl, inv, target.unit, err);
	npmu_ctl_close(ctl);
	show_unit(inv, &info);
	return DONE;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * grant add, remove and list: what principals may do. Owns how a grant is shown.
 */
#include <string.h>

#include <npmu/grants.h>

#include "control.h"
#include "output.h"

static const char *access_word(uint32_t access)
{
	return access & NPMU_ACCESS_WRITE ? "rw" : "r";
}

/* UNIT or UNIT/REGION and PRINCIPAL. False: it is said. */
static bool grant_operands(const struct invocation *inv, struct target *target)
{
	const char *why = parse_any_target(inv->operands[0], target);

	if (why) {
		usage(inv, "'%s' is neither a unit nor a region: %s", inv->operands[0], why);
		return false;
	}
	if (inv->command->min < 2)
		return true;
	why = check_principal_name(inv->operands[1]);
	if (!why)
		return true;
	usage(inv, "'%s' is not a name for a principal: %s", inv->operands[1], why);
	return false;
}

/* What an option is for. False: it is said. */
static bool fits(const struct invocation *inv, enum option_id id, const char *name, bool may,
		 const char *what)
{
	if (!inv->given[id] || may)
		return true;
	usage(inv, "--%s is for %s", name, what);
	return false;
}

static bool options_fit(const struct invocation *inv, bool region)
{
	static const char of_region[] = "a grant of a region: UNIT/REGION";
	static const char of_unit[] = "the right to create regions: UNIT with --create";

	return fits(inv, OPT_CREATE, "create", !region, of_unit) &&
	       fits(inv, OPT_QUOTA, "quota", !region, of_unit) &&
	       fits(inv, OPT_MAX_REGIONS, "max-regions", !region, of_unit) &&
	       fits(inv, OPT_ACCESS, "access", region, of_region) &&
	       fits(inv, OPT_OFFSET, "offset", region, of_region) &&
	       fits(inv, OPT_LENGTH, "length", region, of_region);
}

static bool access_value(const struct invocation *inv, uint32_t *access)
{
	const char *text = inv->value[OPT_ACCESS];

	if (!text) {
		usage(inv, "needs --access r or --access rw");
		return false;
	}
	*access = NPMU_ACCESS_READ;
	if (strcmp(text, "rw") == 0) {
		*access |= NPMU_ACCESS_WRITE;
	} else if (strcmp(text, "r") != 0) {
		usage(inv, "--access takes r or rw, not '%s'", text);
		return false;
	}
	return true;
}

/* --offset and --length: both or none. An offset of 0 is one, too. */
static bool range_values(const struct invocation *inv, uint64_t *offset, uint64_t *length)
{
	*offset = 0;
	*length = 0;
	if (!inv->given[OPT_OFFSET] && !inv->given[OPT_LENGTH])
		return true;
	if (!inv->given[OPT_LENGTH]) {
		usage(inv, "--offset needs --length SIZE");
		return false;
	}
	if (inv->given[OPT_OFFSET] && strcmp(inv->value[OPT_OFFSET], "0") != 0 &&
	    !size_value(inv, OPT_OFFSET, offset))
		return false;
	return size_value(inv, OPT_LENGTH, length);
}

static struct json_object *grant_record(const struct npmu_grant_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "unit", info->unit);
	record_text(row, "principal", info->principal);
	if (*info->region) {
		record_text(row, "region", info->region);
		record_text(row, "access", access_word(info->access));
		record_number(row, "offset", info->offset);
		record_number(row, "length", info->length);
	} else {
		record_text(row, "access", "create");
		record_number(row, "quota", info->quota);
		record_number(row, "used", info->used);
		record_number(row, "max_regions", info->max_regions);
		record_number(row, "regions", info->regions);
	}
	return row;
}

static const struct column columns[] = {
	{ "unit", "UNIT", FORM_PLAIN },
	{ "region", "REGION", FORM_PLAIN },
	{ "principal", "PRINCIPAL", FORM_PLAIN },
	{ "access", "ACCESS", FORM_PLAIN },
	{ "offset", "OFFSET", FORM_PLAIN },
	{ "length", "LENGTH", FORM_SIZE },
	{ "quota", "QUOTA", FORM_SIZE },
	{ "used", "USED", FORM_SIZE },
	{ "max_regions", "MAX", FORM_PLAIN },
	{ "regions", "REGIONS", FORM_PLAIN },
	{ NULL },
};

static const struct column grant_columns[] = {
	{ "unit", "unit", FORM_PLAIN },
	{ "region", "region", FORM_PLAIN },
	{ "principal", "principal", FORM_PLAIN },
	{ "access", "access", FORM_PLAIN },
	{ "offset", "offset", FORM_PLAIN },
	{ "length", "length (0: all)", FORM_SIZE },
	{ NULL },
};

static const struct column creator_columns[] = {
	{ "unit", "unit", FORM_PLAIN },
	{ "principal", "principal", FORM_PLAIN },
	{ "access", "access", FORM_PLAIN },
	{ "quota", "quota", FORM_SIZE },
	{ "used", "used", FORM_SIZE },
	{ "max_regions", "regions at most", FORM_PLAIN },
	{ "regions", "regions", FORM_PLAIN },
	{ NULL },
};

struct wanted {
	const char *principal;
	bool unit_only;		/* not those of its regions */
	struct json_object *list;
};

static int add_grant(void *ctx, const struct npmu_grant_info *info)
{
	struct wanted *wanted = ctx;

	if (wanted->principal && strcmp(wanted->principal, info->principal) != 0)
		return 0;
	if (wanted->unit_only && *info->region)
		return 0;
	list_add(wanted->list, grant_record(info));
	return 0;
}

/* The grant as it is now. */
static enum status show_added(struct npmu_ctl *ctl, const struct invocation *inv,
			      const struct target *target)
{
	struct wanted wanted = { inv->operands[1], !*target->region, list_new() };
	int err;

	err = npmu_ctl_grant_list(ctl, target->unit, *target->region ? target->region : NULL,
				  add_grant, &wanted);
	if (err) {
		json_object_put(wanted.list);
		return control_failed(ctl, inv, inv->operands[0], err);
	}
	npmu_ctl_close(ctl);
	/* Somebody else may have taken it away since. */
	if (json_object_array_length(wanted.list))
		print_record(inv, json_object_array_get_idx(wanted.list, 0),
			     *target->region ? grant_columns : creator_columns);
	json_object_put(wanted.list);
	return DONE;
}

enum status grant_add(const struct invocation *inv)
{
	uint64_t offset, length, quota = 0, max_regions = 0;
	struct target target;
	struct npmu_ctl *ctl;
	uint32_t access = 0;
	bool region;
	int err;

	if (!grant_operands(inv, &target))
		return USAGE;
	region = *target.region;
	if (!options_fit(inv, region))
		return USAGE;
	if (region) {
		if (!access_value(inv, &access) || !range_values(inv, &offset, &length))
			return USAGE;
	} else {
		if (!inv->given[OPT_CREATE] || !inv->given[OPT_QUOTA])
			return usage(inv,
				     "a unit needs --create --quota SIZE, or name a region: UNIT/REGION");
		if (!size_value(inv, OPT_QUOTA, &quota))
			return USAGE;
		if (inv->given[OPT_MAX_REGIONS] &&
		    !number_value(inv, OPT_MAX_REGIONS, 1, NPMU_MAX_REGIONS, &max_regions))
			return USAGE;
	}
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	if (region)
		err = npmu_ctl_grant_add(ctl, target.unit, target.region, inv->operands[1],
					 access, offset, length);
	else
		err = npmu_ctl_creator_add(ctl, target.unit, inv->operands[1], quota,
					   (uint32_t)max_regions);
	if (err)
		return control_failed(ctl, inv, inv->operands[0], err);
	return show_added(ctl, inv, &target);
}

enum status grant_remove(const struct invocation *inv)
{
	struct json_object *row;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!grant_operands(inv, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_grant_remove(ctl, target.unit, *target.region ? target.region : NULL,
				    inv->operands[1]);
	if (err)
		return control_failed(ctl, inv, inv->operands[0], err);
	npmu_ctl_close(ctl);
	if (inv->json) {
		row = record_new();
		record_text(row, "unit", target.unit);
		if (*target.region)
			record_text(row, "region", target.region);
		record_text(row, "principal", inv->operands[1]);
		record_bool(row, "removed", true);
		print_record(inv, row, NULL);
		json_object_put(row);
	}
	return DONE;
}

/* No grants are an answer; there is no such region is another. */
static int must_exist(struct npmu_ctl *ctl, const struct target *target)
{
	struct npmu_region_info region;
	struct npmu_unit_info unit;

	if (*target->region)
		return npmu_ctl_region_get(ctl, target->unit, target->region, &region);
	return npmu_ctl_unit_get(ctl, target->unit, &unit);
}

enum status grant_list(const struct invocation *inv)
{
	struct wanted wanted = { NULL, false, NULL };
	struct target target = { "", "" };
	const char *what = "";
	struct npmu_ctl *ctl;
	int err = 0;

	if (inv->nr_operands) {
		what = inv->operands[0];
		if (!grant_operands(inv, &target))
			return USAGE;
	}
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	wanted.list = list_new();
	if (inv->nr_operands)
		err = must_exist(ctl, &target);
	if (!err)
		err = npmu_ctl_grant_list(ctl, *target.unit ? target.unit : NULL,
					  *target.region ? target.region : NULL, add_grant,
					  &wanted);
	if (err) {
		json_object_put(wanted.list);
		return control_failed(ctl, inv, what, err);
	}
	npmu_ctl_close(ctl);
	print_list(inv, wanted.list, columns);
	json_object_put(wanted.list);
	return DONE;
}

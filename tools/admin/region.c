// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * region create, list, show, resize, rename, set, delete and fence. Owns how a
 * region is shown, but for the checkpoint in it.
 */
#include <errno.h>
#include <string.h>
#include <sys/sysmacros.h>

#include "checkpoint_record.h"
#include "control.h"
#include "output.h"
#include "owner.h"

/* Of a process of this host there is none. */
static void principal_text(struct json_object *row, const char *key, const char *principal)
{
	if (*principal)
		record_text(row, key, principal);
}

static struct json_object *region_record(const struct npmu_region_info *info)
{
	struct json_object *row = record_new();
	char path[NPMU_PATH_LEN];

	record_text(row, "unit", info->unit);
	record_text(row, "name", info->name);
	record_uuid(row, "uuid", info->uuid);
	record_text(row, "node", node_path(path, info->unit, info->name));
	record_number(row, "major", major(info->device));
	record_number(row, "minor", minor(info->device));
	record_number(row, "slot", info->slot);
	record_number(row, "size", info->size);
	record_number(row, "pm_addr", info->pm_addr);
	record_number(row, "uid", info->uid);
	record_number(row, "gid", info->gid);
	record_number(row, "mode", info->mode);
	record_bool(row, "read_only", info->flags & NPMU_REGION_F_READ_ONLY);
	record_number(row, "fence_epoch", info->fence_epoch);
	record_number(row, "extents", info->extents);
	record_number(row, "opens", info->opens);
	record_text(row, "role", npmu_role_name(info->role));
	record_number(row, "writer_id", info->writer_id);
	record_number(row, "writer_pid", info->writer_pid);
	record_number(row, "last_writer_pid", info->last_writer_pid);
	record_number(row, "last_writer_epoch", info->last_writer_epoch);
	record_text(row, "health", npmu_health_name(info->health));
	record_number(row, "bad", info->bad);
	record_number(row, "grants", info->grants);
	principal_text(row, "creator", info->creator);
	principal_text(row, "writer_principal", info->writer_principal);
	principal_text(row, "last_writer_principal", info->last_writer_principal);
	record_number(row, "faults_huge", info->faults_huge);
	record_number(row, "faults_small", info->faults_small);
	record_number(row, "opens_total", info->opens_total);
	record_number(row, "reads", info->reads);
	record_number(row, "writes", info->writes);
	record_number(row, "persists", info->persists);
	record_number(row, "commits", info->commits);
	record_number(row, "denied", info->denied);
	record_number(row, "fences", info->fences);
	return row;
}

static const struct column list_columns[] = {
	{ "unit", "UNIT", FORM_PLAIN },
	{ "name", "REGION", FORM_PLAIN },
	{ "size", "SIZE", FORM_SIZE },
	{ "mode", "MODE", FORM_MODE },
	{ "uid", "UID", FORM_PLAIN },
	{ "gid", "GID", FORM_PLAIN },
	{ "fence_epoch", "EPOCH", FORM_PLAIN },
	{ "role", "ROLE", FORM_PLAIN },
	{ "writer_pid", "WRITER", FORM_ID },
	{ "opens", "OPENS", FORM_PLAIN },
	{ "health", "HEALTH", FORM_PLAIN },
	{ NULL },
};

static const struct column show_columns[] = {
	{ "unit", "unit", FORM_PLAIN },
	{ "name", "region", FORM_PLAIN },
	{ "uuid", "uuid", FORM_PLAIN },
	{ "node", "node", FORM_PLAIN },
	{ "slot", "slot", FORM_PLAIN },
	{ "size", "size", FORM_SIZE },
	{ "pm_addr", "PM address", FORM_HEX },
	{ "uid", "uid", FORM_PLAIN },
	{ "gid", "gid", FORM_PLAIN },
	{ "mode", "mode", FORM_MODE },
	{ "read_only", "read-only", FORM_PLAIN },
	{ "fence_epoch", "fence epoch", FORM_PLAIN },
	{ "role", "role", FORM_PLAIN },
	{ "writer_pid", "writer's pid", FORM_ID },
	{ "last_writer_pid", "last writer's pid", FORM_ID },
	{ "last_writer_epoch", "last writer's epoch", FORM_ID },
	{ "opens", "opens", FORM_PLAIN },
	{ "extents", "extents", FORM_PLAIN },
	{ "faults_huge", "2 MiB faults", FORM_PLAIN },
	{ "faults_small", "4 KiB faults", FORM_PLAIN },
	{ "opens_total", "opens since attach", FORM_PLAIN },
	{ "reads", "reads", FORM_PLAIN },
	{ "writes", "writes", FORM_PLAIN },
	{ "persists", "persists", FORM_PLAIN },
	{ "commits", "commits", FORM_PLAIN },
	{ "denied", "denied", FORM_PLAIN },
	{ "fences", "fences", FORM_PLAIN },
	{ "health", "health", FORM_PLAIN },
	{ "bad", "bad bytes", FORM_PLAIN },
	{ "grants", "grants", FORM_PLAIN },
	{ "creator", "creator", FORM_PLAIN },
	{ "writer_principal", "writer's principal", FORM_PLAIN },
	{ "last_writer_principal", "last writer's principal", FORM_PLAIN },
	{ NULL },
};

static void show_region(const struct invocation *inv, const struct npmu_region_info *info)
{
	struct json_object *row = region_record(info);

	print_record(inv, row, show_columns);
	json_object_put(row);
}

/* The end of a command that changed something. */
static enum status finish(struct npmu_ctl *ctl, const struct invocation *inv, int err,
			  const struct npmu_region_info *info)
{
	if (err)
		return control_failed(ctl, inv, inv->operands[0], err);
	npmu_ctl_close(ctl);
	show_region(inv, info);
	return DONE;
}

/* The same where the node was made: it is there when we return. */
static enum status finish_node(struct npmu_ctl *ctl, const struct invocation *inv, int err,
			       const struct npmu_region_info *info)
{
	bool there = !err && node_wait(inv, info);
	enum status status = finish(ctl, inv, err, info);

	return status == DONE && !there ? FAILED : status;
}

static uint32_t ctl_flags(const struct invocation *inv)
{
	return inv->given[OPT_FORCE] ? NPMU_CTL_FORCE : 0;
}

/* --owner and --mode. */
static bool rights_values(const struct invocation *inv, struct npmu_region_params *params)
{
	const char *why;

	if (inv->given[OPT_OWNER] && !owner_value(inv, params))
		return false;
	if (!inv->given[OPT_MODE])
		return true;
	why = parse_mode(inv->value[OPT_MODE], &params->mode);
	if (why) {
		usage(inv, "'%s' is not a mode: %s", inv->value[OPT_MODE], why);
		return false;
	}
	params->mask |= NPMU_PARAM_MODE;
	return true;
}

/* --size of a region. */
static bool region_size_value(const struct invocation *inv, uint64_t *size)
{
	if (!inv->given[OPT_SIZE]) {
		usage(inv, "needs --size SIZE");
		return false;
	}
	if (!size_value(inv, OPT_SIZE, size))
		return false;
	if (*size > NPMU_MAX_UNIT_SIZE) {
		usage(inv, "'%s' is not a size for a region: no unit is larger than 16T",
		      inv->value[OPT_SIZE]);
		return false;
	}
	return true;
}

enum status region_create(const struct invocation *inv)
{
	struct npmu_region_params params = { 0 };
	struct npmu_region_info info;
	struct target target;
	struct npmu_ctl *ctl;
	const char *why;
	uint64_t size;
	int err;

	if (!region_operand(inv, 0, &target) || !region_size_value(inv, &size) ||
	    !rights_values(inv, &params))
		return USAGE;
	why = check_region_name(target.region);
	if (why)
		return usage(inv, "'%s' is not a name for a region: %s", target.region, why);
	if (inv->given[OPT_READ_ONLY]) {
		params.flags = NPMU_REGION_F_READ_ONLY;
		params.mask |= NPMU_PARAM_FLAGS;
	}
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_region_create(ctl, target.unit, target.region, size, &params, &info);
	return finish_node(ctl, inv, err, &info);
}

static int add_region(void *ctx, const struct npmu_region_info *info)
{
	list_add(ctx, region_record(info));
	return 0;
}

enum status region_list(const struct invocation *inv)
{
	struct npmu_unit_info unit;
	struct json_object *list;
	struct target target;
	struct npmu_ctl *ctl;
	int err = 0;

	if (inv->nr_operands && !unit_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	list = list_new();
	/* A unit that is not there is another thing than one without regions. */
	if (inv->nr_operands)
		err = npmu_ctl_unit_get(ctl, target.unit, &unit);
	if (!err)
		err = npmu_ctl_region_list(ctl, inv->nr_operands ? target.unit : NULL,
					   add_region, list);
	if (err) {
		json_object_put(list);
		return control_failed(ctl, inv, inv->nr_operands ? target.unit : "", err);
	}
	npmu_ctl_close(ctl);
	print_list(inv, list, list_columns);
	json_object_put(list);
	return DONE;
}

enum status region_show(const struct invocation *inv)
{
	struct json_object *row, *checkpoint;
	struct npmu_region_info info;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!region_operand(inv, 0, &target))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_region_get(ctl, target.unit, target.region, &info);
	if (err)
		return control_failed(ctl, inv, inv->operands[0], err);
	checkpoint = checkpoint_ask(ctl, target.unit, target.region, &err);
	npmu_ctl_close(ctl);
	row = region_record(&info);
	if (inv->json)
		record_add(row, "checkpoint", json_object_get(checkpoint));
	print_record(inv, row, show_columns);
	if (!inv->json && err != -EMEDIUMTYPE) {
		print_line("");
		checkpoint_print(inv, checkpoint);
	}
	json_object_put(row);
	json_object_put(checkpoint);
	return DONE;
}

enum status region_resize(const struct invocation *inv)
{
	struct npmu_region_info info;
	struct target target;
	struct npmu_ctl *ctl;
	uint64_t size;
	int err;

	if (!region_operand(inv, 0, &target) || !region_size_value(inv, &size))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_region_resize(ctl, target.unit, target.region, size, ctl_flags(inv),
				     &info);
	return finish(ctl, inv, err, &info);
}

/* The end of rename and set: the node was made anew. */
static enum status change(struct npmu_ctl *ctl, const struct invocation *inv,
			  const struct target *target, const struct npmu_region_params *params)
{
	struct npmu_region_info info;
	int err;

	err = npmu_ctl_region_set(ctl, target->unit, target->region, params, ctl_flags(inv),
				  &info);
	return finish_node(ctl, inv, err, &info);
}

enum status region_rename(const struct invocation *inv)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_NEW_NAME };
	struct target target;
	struct npmu_ctl *ctl;
	const char *why;

	if (!region_operand(inv, 0, &target))
		return USAGE;
	params.new_name = inv->operands[1];
	if (strchr(params.new_name, '/'))
		return usage(inv, "'%s' is not a name: write the new name without the unit",
			     params.new_name);
	why = check_region_name(params.new_name);
	if (why)
		return usage(inv, "'%s' is not a name for a region: %s", params.new_name, why);
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	return change(ctl, inv, &target, &params);
}

enum status region_set(const struct invocation *inv)
{
	const char *read_only = inv->value[OPT_READ_ONLY];
	struct npmu_region_params params = { 0 };
	struct npmu_region_info info;
	struct target target;
	struct npmu_ctl *ctl;
	int err;

	if (!region_operand(inv, 0, &target) || !rights_values(inv, &params))
		return USAGE;
	if (read_only && strcmp(read_only, "on") != 0 && strcmp(read_only, "off") != 0)
		return usage(inv, "--read-only takes on or off, not '%s'", read_only);
	if (!params.mask && !read_only)
		return usage(inv, "nothing to change: give --owner, --mode or --read-only");
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	if (read_only) {
		/* Flags are set as a whole: keep those this program does not know. */
		err = npmu_ctl_region_get(ctl, target.unit, target.region, &info);
		if (err)
			return control_failed(ctl, inv, inv->operands[0], err);
		params.flags = info.flags & ~NPMU_REGION_F_READ_ONLY;
		if (strcmp(read_only, "on") == 0)
			params.flags |= NPMU_REGION_F_READ_ONLY;
		params.mask |= NPMU_PARAM_FLAGS;
	}
	return change(ctl, inv, &target, &params);
}

enum status region_delete(const struct invocation *inv)
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
	err = npmu_ctl_region_delete(ctl, target.unit, target.region, ctl_flags(inv));
	if (err)
		return control_failed(ctl, inv, inv->operands[0], err);
	npmu_ctl_close(ctl);
	if (inv->json) {
		row = record_new();
		record_text(row, "unit", target.unit);
		record_text(row, "name", target.region);
		record_bool(row, "deleted", true);
		print_record(inv, row, NULL);
		json_object_put(row);
	}
	return DONE;
}

enum status region_fence(const struct invocation *inv)
{
	struct npmu_region_info info;
	struct target target;
	struct npmu_ctl *ctl;
	uint64_t epoch = 0;
	int err;

	if (!region_operand(inv, 0, &target))
		return USAGE;
	if (inv->given[OPT_EXPECTED_EPOCH] &&
	    !number_value(inv, OPT_EXPECTED_EPOCH, 0, UINT64_MAX, &epoch))
		return USAGE;
	ctl = control_open(inv);
	if (!ctl)
		return FAILED;
	err = npmu_ctl_region_fence(ctl, target.unit, target.region,
				    inv->given[OPT_EXPECTED_EPOCH] ? &epoch : NULL, &info);
	return finish(ctl, inv, err, &info);
}

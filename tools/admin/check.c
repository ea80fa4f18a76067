// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * unit check: shows what the offline check of the media found, and which checkpoints.
 * Owns the words around a finding; what is right on the media is known to mediacheck only.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "../mediacheck.h"
#include "admin.h"
#include "checkpoint_record.h"
#include "output.h"

struct check {
	const struct invocation *inv;
	struct json_object *findings;
	struct json_object *checkpoints;
};

/* What a warning means is said once, not at each. */
static void show_finding(void *ctx, const struct npmu_finding *finding)
{
	struct check *check = ctx;
	struct json_object *row;

	if (!check->inv->json) {
		printf("%s: %s", npmu_severity_text(finding->severity),
		       npmu_finding_what_text(finding->what));
		if (finding->copy >= 0)
			printf(" copy %d", finding->copy);
		if (finding->slot >= 0)
			printf(" slot %d", finding->slot);
		if (*finding->region)
			printf(" region %s", finding->region);
		printf(" at 0x%" PRIx64 ": %s\n", finding->offset, finding->text);
		return;
	}
	row = record_new();
	record_text(row, "severity", npmu_severity_text(finding->severity));
	record_text(row, "what", npmu_finding_what_text(finding->what));
	if (finding->copy >= 0)
		record_number(row, "copy", finding->copy);
	if (finding->slot >= 0)
		record_number(row, "slot", finding->slot);
	if (*finding->region)
		record_text(row, "region", finding->region);
	record_number(row, "offset", finding->offset);
	record_text(row, "text", finding->text);
	list_add(check->findings, row);
}

static void note_checkpoint(void *ctx, const struct npmu_check_checkpoint *found)
{
	struct json_object *row = checkpoint_record(found->info->unit, found->info->region,
						    found->code);
	struct json_object *readers = list_new();
	struct check *check = ctx;
	uint32_t i;

	record_number(row, "slot", found->slot);
	record_number(row, "fence_epoch", found->fence_epoch);
	if (!found->code) {
		checkpoint_add(row, found->info);
		for (i = 0; i < found->nr_readers; i++)
			list_add(readers, reader_record(&found->readers[i], found->info->end));
		record_add(row, "readers", json_object_get(readers));
	}
	json_object_put(readers);
	list_add(check->checkpoints, row);
}

static void show_checkpoints(const struct check *check)
{
	size_t i;

	for (i = 0; i < json_object_array_length(check->checkpoints); i++) {
		print_line("");
		checkpoint_print(check->inv, json_object_array_get_idx(check->checkpoints, i));
	}
}

static void show_summary(const struct check *check, const struct npmu_check_summary *sum,
			 const char *path)
{
	static const struct column columns[] = {
		{ "path", "path", FORM_PLAIN },
		{ "unit", "unit", FORM_PLAIN },
		{ "uuid", "uuid", FORM_PLAIN },
		{ "device_size", "device size", FORM_SIZE },
		{ "size", "size", FORM_SIZE },
		{ "data_size", "data size", FORM_SIZE },
		{ "free", "free", FORM_SIZE },
		{ "max_regions", "slots", FORM_PLAIN },
		{ "regions", "whole regions", FORM_PLAIN },
		{ "damaged", "damaged slots", FORM_PLAIN },
		{ "media_epoch", "media epoch", FORM_PLAIN },
		{ "bad", "bad", FORM_SIZE },
		{ "grants", "grants", FORM_PLAIN },
		{ "creators", "creators", FORM_PLAIN },
		{ "errors", "errors", FORM_PLAIN },
		{ "warnings", "warnings", FORM_PLAIN },
		{ NULL },
	};
	static const struct column columns_without_unit[] = {
		{ "path", "path", FORM_PLAIN },
		{ "device_size", "device size", FORM_SIZE },
		{ "errors", "errors", FORM_PLAIN },
		{ "warnings", "warnings", FORM_PLAIN },
		{ NULL },
	};
	struct json_object *row = record_new();

	record_text(row, "path", path);
	record_bool(row, "found", sum->found_unit);
	if (sum->found_unit) {
		record_text(row, "unit", sum->unit_name);
		record_uuid(row, "uuid", sum->uuid);
	}
	record_number(row, "device_size", sum->device_size);
	if (sum->found_unit) {
		record_number(row, "size", sum->size);
		record_number(row, "data_size", sum->data_bytes);
		record_number(row, "free", sum->free_bytes);
		record_number(row, "max_regions", sum->max_regions);
		record_number(row, "regions", sum->regions);
		record_number(row, "damaged", sum->damaged);
		record_number(row, "media_epoch", sum->media_epoch);
		record_number(row, "bad", sum->bad_bytes);
		record_number(row, "grants", sum->grants);
		record_number(row, "creators", sum->creators);
	}
	record_number(row, "errors", sum->errors);
	record_number(row, "warnings", sum->warnings);
	record_add(row, "findings", json_object_get(check->findings));
	record_add(row, "checkpoints", json_object_get(check->checkpoints));
	print_record(check->inv, row, sum->found_unit ? columns : columns_without_unit);
	json_object_put(row);
}

enum status unit_check(const struct invocation *inv)
{
	struct check check = {
		.inv = inv,
		.findings = list_new(),
		.checkpoints = list_new(),
	};
	const struct npmu_check_report report = {
		.finding = show_finding,
		.checkpoint = note_checkpoint,
		.ctx = &check,
	};
	const char *path = inv->operands[0];
	struct npmu_check_summary sum;
	int err;

	err = npmu_mediacheck_path(path, &report, &sum);
	if (err) {
		json_object_put(check.findings);
		json_object_put(check.checkpoints);
		return failed(inv, path, err, NULL);
	}
	show_summary(&check, &sum, path);
	if (!inv->json)
		show_checkpoints(&check);
	json_object_put(check.findings);
	json_object_put(check.checkpoints);
	/* The verdict is the exit status; in words it is for people. */
	if (!sum.found_unit)
		complain("unit check %s: no unit is on it\n"
			 "  if one should be: both superblocks are damaged; "
			 "'" PROGRAM " unit format' makes a new, empty one", path);
	else if (sum.errors)
		complain("unit check %s: damaged; what is whole can still be attached and read\n"
			 "  '" PROGRAM " unit attach %s', then see health in '" PROGRAM " region list'",
			 path, path);
	else if (sum.warnings)
		complain("unit check %s: nothing is lost; '" PROGRAM " unit attach' repairs it from the other copies",
			 path);
	return sum.found_unit && !sum.errors && !sum.warnings ? DONE : FAILED;
}

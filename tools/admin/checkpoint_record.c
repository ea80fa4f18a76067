// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How a checkpoint and its readers are shown. Must not know who was asked for them:
 * the module, or the media themselves.
 */
#include <errno.h>

#include "checkpoint_record.h"
#include "output.h"

static const char *state_name(int code)
{
	switch (code) {
	case 0:
		return "valid";
	case -EMEDIUMTYPE:
		return "none";
	case -EUCLEAN:
		return "damaged";
	case -EPROTONOSUPPORT:
		return "foreign";
	case -EIO:
		return "unreadable";
	case -EAGAIN:
		return "changing";
	case -EPERM:
		return "hidden";
	default:
		return "unknown";
	}
}

static const char *form_name(uint32_t form)
{
	switch (form) {
	case NPMU_CHECKPOINT_FORM_OVERWRITE:
		return "overwrite";
	case NPMU_CHECKPOINT_FORM_APPEND:
		return "append";
	default:
		return "unknown";
	}
}

static void add_base(struct json_object *row, const struct npmu_checkpoint_info *info)
{
	record_number(row, "base_sequence", info->base_sequence);
	record_number(row, "base_offset", info->base_offset);
	record_number(row, "base_end", info->base_offset + info->base_length);
	record_number(row, "base_length", info->base_length);
	record_number(row, "base_tag", info->base_tag);
	record_number(row, "base_fence_epoch", info->base_fence_epoch);
	if (info->form == NPMU_CHECKPOINT_FORM_APPEND)
		record_number(row, "base_position", info->base_position);
}

static void add_update(struct json_object *row, const struct npmu_checkpoint_info *info)
{
	record_number(row, "update_sequence", info->update_sequence);
	record_number(row, "update_offset", info->update_offset);
	record_number(row, "update_end", info->update_offset + info->update_length);
	record_number(row, "update_length", info->update_length);
	record_number(row, "update_tag", info->update_tag);
	record_number(row, "update_fence_epoch", info->update_fence_epoch);
}

static void add_ring(struct json_object *row, const struct npmu_checkpoint_info *info)
{
	record_number(row, "updates", info->updates);
	record_number(row, "end", info->end);
	record_number(row, "ring_offset", info->ring_offset);
	record_number(row, "ring_size", info->ring_size);
	record_number(row, "free", info->free);
}

static void add_seal(struct json_object *row, const struct npmu_checkpoint_info *info)
{
	record_number(row, "seal_fence_epoch", info->seal_fence_epoch);
	record_number(row, "seal_sequence", info->seal_sequence);
	record_number(row, "seal_end", info->seal_end);
	record_number(row, "seal_base", info->seal_base);
}

struct json_object *checkpoint_record(const char *unit, const char *region, int code)
{
	struct json_object *row = record_new();

	record_text(row, "unit", unit);
	record_text(row, "region", region);
	record_text(row, "state", state_name(code));
	return row;
}

/* What is not there has no key. */
void checkpoint_add(struct json_object *row, const struct npmu_checkpoint_info *info)
{
	record_text(row, "form", form_name(info->form));
	record_number(row, "instance", info->instance);
	record_number(row, "generation", info->generation);
	record_number(row, "capacity", info->capacity);
	record_number(row, "created", info->created);
	record_bool(row, "crc", !info->no_crc);
	if (info->has & NPMU_CHECKPOINT_HAS_BASE)
		add_base(row, info);
	if (info->has & NPMU_CHECKPOINT_HAS_UPDATE)
		add_update(row, info);
	if (info->form == NPMU_CHECKPOINT_FORM_APPEND)
		add_ring(row, info);
	if (info->has & NPMU_CHECKPOINT_HAS_SEAL)
		add_seal(row, info);
}

static const struct column columns[] = {
	{ "unit", "unit", FORM_PLAIN },
	{ "region", "region", FORM_PLAIN },
	{ "state", "checkpoint", FORM_PLAIN },
	{ "form", "form", FORM_PLAIN },
	{ "instance", "instance", FORM_HEX },
	{ "generation", "generation", FORM_PLAIN },
	{ "capacity", "capacity", FORM_SIZE },
	{ "crc", "crc", FORM_PLAIN },
	{ "base_sequence", "base: sequence", FORM_PLAIN },
	{ "base_offset", "base: start", FORM_PLAIN },
	{ "base_end", "base: end", FORM_PLAIN },
	{ "base_length", "base: length", FORM_PLAIN },
	{ "base_tag", "base: tag", FORM_PLAIN },
	{ "base_fence_epoch", "base: fence epoch", FORM_PLAIN },
	{ "base_position", "base: position", FORM_PLAIN },
	{ "update_sequence", "latest update: sequence", FORM_PLAIN },
	{ "update_offset", "latest update: start", FORM_PLAIN },
	{ "update_end", "latest update: end", FORM_PLAIN },
	{ "update_length", "latest update: length", FORM_PLAIN },
	{ "update_tag", "latest update: tag", FORM_PLAIN },
	{ "update_fence_epoch", "latest update: fence epoch", FORM_PLAIN },
	{ "updates", "updates", FORM_PLAIN },
	{ "end", "end position", FORM_PLAIN },
	{ "ring_size", "ring", FORM_SIZE },
	{ "free", "free", FORM_SIZE },
	{ "seal_fence_epoch", "seal: fence epoch", FORM_PLAIN },
	{ "seal_sequence", "seal: sequence", FORM_PLAIN },
	{ "seal_end", "seal: end position", FORM_PLAIN },
	{ "seal_base", "seal: base", FORM_PLAIN },
	{ NULL },
};

static const struct column reader_columns[] = {
	{ "name", "READER", FORM_PLAIN },
	{ "uid", "UID", FORM_PLAIN },
	{ "position", "POSITION", FORM_PLAIN },
	{ "lag", "LAG", FORM_PLAIN },
	{ "pid", "PID", FORM_ID },
	{ "principal", "PRINCIPAL", FORM_PLAIN },
	{ NULL },
};

struct json_object *reader_record(const struct npmu_reader_info *info, uint64_t end)
{
	struct json_object *row = record_new();

	record_text(row, "name", info->name);
	record_number(row, "slot", info->slot);
	record_number(row, "uid", info->uid);
	record_number(row, "position", info->position);
	/* What it acknowledged since the end was looked for is not behind. */
	record_number(row, "lag", end > info->position ? end - info->position : 0);
	record_number(row, "pid", info->pid);
	if (*info->principal)
		record_text(row, "principal", info->principal);
	return row;
}

void checkpoint_print(const struct invocation *inv, struct json_object *row)
{
	struct json_object *readers;

	print_record(inv, row, columns);
	if (!inv->json && json_object_object_get_ex(row, "readers", &readers) &&
	    json_object_array_length(readers))
		print_list(inv, readers, reader_columns);
}

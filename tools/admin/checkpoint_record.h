/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a checkpoint is shown, whoever tells of it. */
#ifndef NPMU_ADMIN_CHECKPOINT_RECORD_H
#define NPMU_ADMIN_CHECKPOINT_RECORD_H

#include <json-c/json.h>

#include <npmu/checkpoint.h>

#include "admin.h"

/* Where it is, and a word for @code, what came of the look at it: "valid", "none", ... */
struct json_object *checkpoint_record(const char *unit, const char *region, int code);
/* Adds what it holds. */
void checkpoint_add(struct json_object *row, const struct npmu_checkpoint_info *info);
/* @end: where the updates end. */
struct json_object *reader_record(const struct npmu_reader_info *info, uint64_t end);
/* With its "readers". */
void checkpoint_print(const struct invocation *inv, struct json_object *row);

/* Asks the module. @err: 0, or why the record says no more than that. */
struct json_object *checkpoint_ask(struct npmu_ctl *ctl, const char *unit,
				   const char *region, int *err);

#endif /* NPMU_ADMIN_CHECKPOINT_RECORD_H */

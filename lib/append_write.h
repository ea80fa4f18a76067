/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of the append form, as the takeover makes one, too. */
#ifndef NPMU_LIB_APPEND_WRITE_H
#define NPMU_LIB_APPEND_WRITE_H

#include <npmu/append.h>

#include "append_format.h"

/* Where a writer goes on: what it accepted of what was there. */
struct append_start {
	uint64_t base_sequence;		/* 0: no base */
	uint64_t base_position;
	int base_slot;			/* the slot of the base; without one, 1 */
	uint64_t highest;		/* sequence that was used by anyone, torn or not */
	struct append_cursor end;
};

/* Which sequences the slots have used, valid or not. */
uint64_t npmu_append_highest(const struct ckpt_record record[2], uint64_t accepted);

/* Return: 0 or -EINVAL with its reason. NULL is allowed. */
int npmu_append_options_check(const struct npmu_append_options *options,
			      struct npmu_error *err);

/*
 * The seal of a new writer, durable, and the writer. All that @start accepts is durable.
 * Return: 0; -EUCLEAN: no room for later sequences; -ESTALE; -ENOMEM; as persist.
 */
int npmu_append_begin(struct npmu_region *region, const struct ckpt_layout *layout,
		      const struct append_start *start,
		      const struct npmu_append_options *options,
		      struct npmu_append_writer **out, struct npmu_error *err);

#endif /* NPMU_LIB_APPEND_WRITE_H */

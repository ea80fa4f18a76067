/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What of a checkpoint is fetched before it is judged, of a remote region; of a local one
 * these are the functions that judge.
 */
#ifndef NPMU_LIB_APPEND_LOOK_H
#define NPMU_LIB_APPEND_LOOK_H

#include "append_format.h"
#include "remote.h"

/* The headers, seals and the table of readers. */
static inline int npmu_look_meta(struct npmu_region *region)
{
	uint64_t len = region->length < NPMU_CKPT_SLOTS_START ? region->length :
								NPMU_CKPT_SLOTS_START;

	return npmu_look(region, 0, len);
}

/* The headers of both slots. */
static inline void npmu_look_records(struct npmu_region *region,
				     const struct ckpt_layout *layout)
{
	if (region->remote && !npmu_look(region, layout->slot_offset[0], NPMU_CKPT_SLOT_HEADER))
		npmu_look(region, layout->slot_offset[1], NPMU_CKPT_SLOT_HEADER);
}

/* Both slots as far as they are used. */
int npmu_look_slots(struct npmu_region *region, const struct ckpt_layout *layout);

/* Bytes of the ring from a position on, at most a ring. */
int npmu_look_ring(struct npmu_region *region, const struct ckpt_layout *layout,
		   uint64_t position, uint64_t len);

int npmu_look_find_remote(struct npmu_region *region, const struct ckpt_layout *layout,
			  void *buf, size_t cap, struct ckpt_record record[2], int *slot);
bool npmu_look_step_remote(struct npmu_region *region, const struct ckpt_layout *layout,
			   struct append_cursor *cursor, struct append_update *update);

/* As npmu_ckpt_find(); any errno of a fetch. */
static inline int npmu_look_find(struct npmu_region *region, const struct ckpt_layout *layout,
				 void *buf, size_t cap, struct ckpt_record record[2], int *slot)
{
	if (region->remote)
		return npmu_look_find_remote(region, layout, buf, cap, record, slot);
	return npmu_ckpt_find(region->addr, layout, buf, cap, record, slot);
}

/* As npmu_append_step(). */
static inline bool npmu_look_step(struct npmu_region *region, const struct ckpt_layout *layout,
				  struct append_cursor *cursor, struct append_update *update)
{
	if (region->remote)
		return npmu_look_step_remote(region, layout, cursor, update);
	return npmu_append_step(region->addr, layout, cursor, update);
}

#endif /* NPMU_LIB_APPEND_LOOK_H */

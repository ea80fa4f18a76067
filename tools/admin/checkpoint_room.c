// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Whether a base or a state fits the checkpoint in a region, or a new one. Only looks:
 * the region need not be ours. Must not know where the bytes come from that are to fit.
 */
#include <string.h>

#include "../../drivers/npmu/ckpt.h"
#include "checkpoint_room.h"

/* Of a region of zeros: two of them, the least ring, and what is before. */
static uint64_t most_of_new(uint64_t size)
{
	uint64_t rest, slot;

	if (size < NPMU_CKPT_SLOTS_START + NPMU_CKPT_MIN_RING)
		return 0;
	rest = size - NPMU_CKPT_SLOTS_START - NPMU_CKPT_MIN_RING;
	slot = rest / 2 / NPMU_CKPT_SLOT_ALIGN * NPMU_CKPT_SLOT_ALIGN;
	return slot < NPMU_CKPT_SLOT_HEADER ? 0 : slot - NPMU_CKPT_SLOT_HEADER;
}

int checkpoint_room(const void *map, uint64_t size, uint64_t *most)
{
	struct npmu_ckpt_geometry geometry;
	struct npmu_ckpt_header copy[2];
	int code;

	if (size < NPMU_CKPT_MIN_REGION) {
		*most = 0;
		return 0;
	}
	memcpy(&copy[0], (const char *)map + NPMU_CKPT_HEADER0, sizeof(copy[0]));
	memcpy(&copy[1], (const char *)map + NPMU_CKPT_HEADER1, sizeof(copy[1]));
	code = npmu_ckpt_pick_header(copy, size, &geometry);
	if (!code)
		*most = geometry.capacity;
	if (code != -EMEDIUMTYPE)
		return code;
	*most = most_of_new(size);
	return 0;
}

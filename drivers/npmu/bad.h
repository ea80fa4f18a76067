/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Memory of a unit that failed: entered into its bad list, taken from those who have
 * it mapped, never handed out again.
 */
#ifndef _NPMU_BAD_H
#define _NPMU_BAD_H

#include "region.h"

/*
 * Sections in which it is looked whether memory is bad and, if it is not, touched or
 * mapped. Memory that failed is left in peace once those are over that began before.
 * They may sleep; they take none of the module's locks.
 */
int npmu_touch_begin(void);
void npmu_touch_end(int touch);

/*
 * Memory failed: [off, off + len) of the backing, whole granules, which the backing
 * says to be bad. On return nobody stores there nor has it mapped. Takes unit->lock,
 * and then the locks of the regions that own it, one after the other.
 */
void npmu_bad_happened(struct npmu_unit *unit, u64 off, u64 len);

/* Enters what the backing says to be bad in a range that no region owns yet. */
void npmu_bad_note(struct npmu_unit *unit, u64 off, u64 len);

/*
 * At attach, before any metadata in the data area is mended: lists what the device knows
 * to be bad. Under unit->lock.
 */
void npmu_bad_collect(struct npmu_unit *unit);

/*
 * At attach, when all regions have marked what they own: enters what the device knows
 * to be bad, takes the list's ranges out of the allocator. Under unit->lock.
 */
void npmu_bad_attach(struct npmu_unit *unit);

/* Brings region->bad up to date. Under unit->lock. */
void npmu_bad_count(struct npmu_region *region);

/**
 * struct npmu_bad_stat - a run of bad bytes with one owner
 * @start: offset in the unit
 * @len: bytes
 * @region: name of the owner, "": none
 * @offset: in the region
 */
struct npmu_bad_stat {
	u64 start;
	u64 len;
	char region[NPMU_REGION_NAME_LEN];
	u64 offset;
};

/* The first run at or behind @pos; false: there is none. */
bool npmu_bad_next(struct npmu_unit *unit, u64 pos, struct npmu_bad_stat *stat);

#endif /* _NPMU_BAD_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory failure made on purpose: a byte of an attached pmem unit is reported to the
 * kernel as poisoned, as a machine check would. The memory itself stays what it was.
 */
#ifndef NPMU_DAMAGE_H
#define NPMU_DAMAGE_H

#include "format.h"
#include "vmtest.h"

/* A touch of memory and the signal it met. */
struct touch {
	int signal;		/* 0: none */
	int code;		/* BUS_MCEERR_AR, ... */
	void *addr;
};

/* Why not: no pmem device, or a kernel that cannot. NULL: it can be done. */
const char *damage_impossible(void);

/* Report the 4 KiB around this offset of the unit. Return: 0 or -errno. */
int damage_unit(uint64_t offset);
/* The same of an offset in a region. */
int damage_region(const char *region, uint64_t offset);

/* Where a byte of a region is in the unit, read from the media; -errno. */
int64_t damage_where(const char *region, uint64_t offset);
/* Superblock and current record of a region, from the media; its slot, or -errno. */
int damage_record(const char *region, struct npmu_superblock *sb,
		  struct npmu_region_record *rec);

struct touch touch_load(const volatile void *addr);
struct touch touch_store(volatile void *addr);

#endif /* NPMU_DAMAGE_H */

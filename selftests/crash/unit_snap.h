/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a unit holds after an operation was answered: the oracle that a recovered
 * unit is compared with.
 */
#ifndef CRASH_UNIT_SNAP_H
#define CRASH_UNIT_SNAP_H

#include "badlist.h"
#include "region.h"

#define SNAP_REGIONS	16

/*
 * struct snap_page - the bytes of a granule of a region: each word is that of one
 * of two versions; they differ while what was stored is not made durable
 */
struct snap_page {
	u32 sure;
	u32 maybe;
};

struct snap_region {
	char name[NPMU_REGION_NAME_LEN];
	u8 uuid[NPMU_UUID_LEN];
	u32 slot;
	u64 pm_addr;
	u64 size;
	u64 fence_epoch;
	u32 uid, gid, mode, flags;
	char creator[NPMU_PRINCIPAL_LEN];
	struct npmu_grant grants[NPMU_MAX_GRANTS];	/* without their ids */
	u32 nr_grants;
	u32 nr, nr_list;
	struct npmu_extent *extents;
	u64 *list;
	struct snap_page *pages;
};

struct snap {
	bool absent;		/* there is no unit at all */
	u8 uuid[NPMU_UUID_LEN];
	u64 media_epoch;
	u64 free;
	struct npmu_badlist bad;
	struct npmu_creators creators;	/* without their ids */
	u32 nr;
	struct snap_region r[SNAP_REGIONS];
};

/* Of a unit that is attached; @before: for what the regions' bytes are, or NULL. */
void snap_take(struct snap *s, struct npmu_unit *unit, const struct snap *before);
void snap_copy(struct snap *s, const struct snap *from);
void snap_free(struct snap *s);
/* The region of a snapshot with that name, or NULL. */
struct snap_region *snap_find(struct snap *s, const char *name);

/* The word that fills a granule of a region in some version. */
u64 snap_word(const u8 *uuid, u32 version);

/**
 * snap_compare - does a unit hold just what it should
 * @s: what it should
 * @unit: attached
 * @raised: slot whose fence epoch (and the media epoch) is one higher, or -1
 *
 * Return: NULL or what differs.
 */
const char *snap_compare(const struct snap *s, struct npmu_unit *unit, int raised);

/* Are the bytes of the regions theirs? Of all, or of @slot alone. NULL or what not. */
const char *snap_compare_data(const struct snap *s, int slot);

#endif /* CRASH_UNIT_SNAP_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Where a region's bytes are: an array of extents that is replaced whole. */
#ifndef _NPMU_EXTMAP_H
#define _NPMU_EXTMAP_H

#include <linux/mm.h>
#include <linux/overflow.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "extent.h"
#include "format.h"

/**
 * struct npmu_extmap - never changed once readers under RCU can see it
 * @rcu: freed after them
 * @room: entries that @extents has room for
 * @nr: entries in use
 * @nr_list: list block copies in @list
 * @list: unit offsets of the list block copies; in the memory behind @extents
 * @extents: in order of offset in the region
 */
struct npmu_extmap {
	struct rcu_head rcu;
	u32 room;
	u32 nr;
	u32 nr_list;
	u64 *list;
	struct npmu_extent extents[] __counted_by(room);
};

/* A map with @nr extents and their list blocks to be filled in, or NULL. */
static inline struct npmu_extmap *npmu_extmap_alloc(u32 nr)
{
	u32 nr_list = 2 * npmu_list_blocks(nr);
	struct npmu_extmap *map;

	map = kvzalloc(size_add(struct_size(map, extents, nr),
				array_size(nr_list, sizeof(u64))), GFP_KERNEL);
	if (!map)
		return NULL;
	map->room = nr;
	map->nr = nr;
	map->nr_list = nr_list;
	map->list = (u64 *)((void *)map + struct_size(map, extents, nr));
	return map;
}

static inline void npmu_extmap_free(struct npmu_extmap *map)
{
	kvfree(map);
}

static inline void npmu_extmap_free_rcu(struct npmu_extmap *map)
{
	kvfree_rcu(map, rcu);
}

#endif /* _NPMU_EXTMAP_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Growing a region in place and cutting it. Owns which bytes are taken, zeroed and
 * given back, and when. Whoever would lose bytes has been fenced by the caller.
 */
#include "media.h"
#include "space.h"

/* Under unit->lock. */
static int begin_resize(struct npmu_region *region, struct netlink_ext_ack *extack)
{
	int ret;

	ret = npmu_region_check_health(region, extack);
	if (ret)
		return ret;
	if (region->resizing) {
		NL_SET_ERR_MSG(extack, "the region is being resized already");
		return -EBUSY;
	}
	return 0;
}

/* What was granted is not taken by the way: new bytes in its place would be granted, too. */
static int may_cut_grants(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack)
{
	u32 i;

	for (i = 0; i < region->nr_grants; i++) {
		const struct npmu_grant *grant = &region->grants[i];

		if (npmu_grant_range_ok(grant->offset, grant->len, grant->access, size))
			continue;
		NL_SET_ERR_MSG_FMT(extack,
				   "the grant of principal %s reaches beyond: remove it first",
				   grant->principal);
		return -EBUSY;
	}
	return 0;
}

static int may_cut(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *map = npmu_region_map(region);
	u32 lists;
	int ret;

	ret = begin_resize(region, extack);
	if (ret || size == region->size)
		return ret;
	ret = may_cut_grants(region, size, extack);
	if (ret)
		return ret;
	lists = 2 * npmu_list_blocks(npmu_extents_cut(map->extents, map->nr, size).keep);
	if (lists)
		ret = npmu_space_may_take(unit, extack);
	if (ret)
		return ret;
	if (lists * NPMU_GRANULE_SIZE > npmu_alloc_available(&unit->media->alloc)) {
		NL_SET_ERR_MSG(extack, "no room for the region's list blocks");
		return -ENOSPC;
	}
	return 0;
}

/* The memory a cut needs, taken while it can still be refused. */
static int prepare_cut(struct npmu_region *region, struct npmu_region_cut *cut)
{
	struct npmu_extmap *old = npmu_region_map(region);
	struct npmu_extent_cut at = npmu_extents_cut(old->extents, old->nr, cut->size);

	cut->map = npmu_extmap_alloc(at.keep);
	cut->gone = npmu_extmap_alloc(old->nr);
	if (!cut->map || !cut->gone)
		return -ENOMEM;
	memcpy(cut->gone->extents, old->extents,
	       array_size(old->nr, sizeof(old->extents[0])));
	memcpy(cut->map->extents, old->extents,
	       array_size(at.keep, sizeof(old->extents[0])));
	cut->map->extents[at.keep - 1].len = at.keep_len;
	return 0;
}

int npmu_region_cut_begin(struct npmu_region *region, u64 size, struct npmu_region_cut *cut,
			  struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&region->lock);
	*cut = (struct npmu_region_cut) { .size = size };
	ret = npmu_unit_lock(region->unit, extack);
	if (ret)
		return ret;
	ret = may_cut(region, size, extack);
	if (!ret && size != region->size)
		ret = prepare_cut(region, cut);
	mutex_unlock(&region->unit->lock);
	if (ret)
		npmu_region_cut_end(cut);
	return ret;
}

void npmu_region_cut_end(struct npmu_region_cut *cut)
{
	npmu_extmap_free(cut->map);
	npmu_extmap_free(cut->gone);
}

int npmu_region_grow(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *map;
	u64 old_size;
	int ret;

	lockdep_assert_held(&region->lock);
	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	ret = begin_resize(region, extack);
	old_size = region->size;
	if (!ret)
		ret = npmu_space_take(unit, npmu_region_map(region), size - old_size, &map,
				      extack);
	if (!ret)
		region->resizing = true;
	mutex_unlock(&unit->lock);
	if (ret)
		return ret;

	/* A takeover must not wait for terabytes to be zeroed. */
	mutex_unlock(&region->lock);
	ret = npmu_space_zero(unit, map, old_size);
	if (ret == -EIO)
		NL_SET_ERR_MSG(extack, "memory failed under the new bytes: try again");
	mutex_lock(&region->lock);

	mutex_lock(&unit->lock);
	region->resizing = false;
	if (!ret && (unit->gone || unit->detached))
		ret = -ENODEV;
	if (!ret)
		ret = npmu_region_check_health(region, extack);
	if (!ret)
		ret = npmu_region_commit_map(region, map, extack);
	if (ret)
		npmu_space_give(unit->media, map, old_size);
	mutex_unlock(&unit->lock);
	if (ret)
		npmu_extmap_free(map);
	return ret;
}

int npmu_region_cut(struct npmu_region *region, struct npmu_region_cut *cut,
		    struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	int ret;

	lockdep_assert_held(&region->lock);
	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	/* Since it was begun nobody else can have resized the region. */
	ret = begin_resize(region, extack);
	if (!ret)
		ret = npmu_region_commit_map(region, cut->map, extack);
	if (!ret) {
		cut->map = NULL;
		npmu_space_give(unit->media, cut->gone, cut->size);
	}
	mutex_unlock(&unit->lock);
	return ret;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and removing regions. Owns the order in which name, slot, space, node and
 * record come and go: what others can see is published last and taken back first.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/uuid.h>

#include "media.h"
#include "rights.h"
#include "space.h"

static int reserve(struct npmu_region *region, const struct npmu_region_attr *attr,
		   u64 size, struct npmu_extmap **map, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	u32 max = le32_to_cpu(unit->media->sb->max_regions);
	int ret;

	/* First: who may not create does not learn what there is. */
	ret = *region->creator ? npmu_creator_may(unit, region->creator, size, extack) : 0;
	if (ret)
		return ret;
	if (npmu_region_by_name(unit, attr->name)) {
		NL_SET_ERR_MSG_FMT(extack, "region %s exists", attr->name);
		return -EEXIST;
	}
	ret = xa_alloc(&unit->regions, &region->slot, region, XA_LIMIT(0, max - 1), GFP_KERNEL);
	if (ret) {
		if (ret == -EBUSY) {
			NL_SET_ERR_MSG_FMT(extack, "all %u slots of the unit are in use", max);
			ret = -ENOSPC;
		}
		return ret;
	}
	ret = npmu_space_take(unit, NULL, size, map, extack);
	if (ret) {
		xa_erase(&unit->regions, region->slot);
		return ret;
	}
	region->pm_addr = npmu_pm_addr(region->slot);
	/* Counts for its creator from here on. */
	region->size = size;
	npmu_region_hash(region);
	return 0;
}

static void unreserve(struct npmu_region *region, struct npmu_extmap *map)
{
	struct npmu_unit *unit = region->unit;

	mutex_lock(&unit->lock);
	region->state = NPMU_REGION_DELETED;
	npmu_space_give(unit->media, map, 0);
	hlist_del_init(&region->node);
	xa_erase(&unit->regions, region->slot);
	mutex_unlock(&unit->lock);
	npmu_extmap_free(map);
}

/* Who makes a region from afar has a grant of all of it. */
static int grant_to_creator(struct npmu_region *region)
{
	if (!*region->creator)
		return 0;
	region->grants = kcalloc(NPMU_MAX_GRANTS, sizeof(*region->grants), GFP_KERNEL);
	if (!region->grants)
		return -ENOMEM;
	memcpy(region->grants[0].principal, region->creator, NPMU_PRINCIPAL_LEN);
	region->grants[0].access = NPMU_GRANT_ALL;
	region->nr_grants = 1;
	return 0;
}

static int create_locked(struct npmu_region *region, const struct npmu_region_attr *attr,
			 u64 size, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *map;
	int ret;

	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	ret = reserve(region, attr, size, &map, extack);
	if (!ret && region->nr_grants)
		region->grants[0].id = ++unit->last_right;
	mutex_unlock(&unit->lock);
	if (ret)
		return ret;

	ret = npmu_space_zero(unit, map, 0);
	if (ret == -EIO)
		NL_SET_ERR_MSG(extack, "memory failed under the new region: try again");
	if (ret)
		goto err_unreserve;
	ret = npmu_front->add(region);
	if (ret)
		goto err_unreserve;

	ret = npmu_unit_lock(unit, extack);
	if (ret)
		goto err_front;
	ret = npmu_region_commit_map(region, map, extack);
	if (!ret) {
		region->state = NPMU_REGION_LIVE;
		unit->nr_regions++;
	}
	mutex_unlock(&unit->lock);
	if (ret)
		goto err_front;
	return 0;

err_front:
	npmu_front->remove(region);
err_unreserve:
	unreserve(region, map);
	return ret;
}

int npmu_region_create(struct npmu_unit *unit, const struct npmu_region_attr *attr,
		       struct npmu_region **out, struct netlink_ext_ack *extack)
{
	struct npmu_region *region;
	u64 size = attr->size;
	int ret;

	ret = npmu_region_check_attr(attr, extack);
	if (ret)
		return ret;
	ret = npmu_space_round(&size, extack);
	if (ret)
		return ret;
	region = npmu_region_alloc(unit);
	if (!region)
		return -ENOMEM;
	generate_random_uuid(region->uuid);
	region->uid = GLOBAL_ROOT_UID;
	region->gid = GLOBAL_ROOT_GID;
	region->mode = 0600;
	npmu_region_apply_attr(region, attr);
	ret = grant_to_creator(region);
	if (ret) {
		npmu_region_put(region);
		return ret;
	}

	/* One reference is the table's, who may drop it as soon as it can be seen. */
	npmu_region_get(region);
	/* Nobody else has seen it: the lock is for those who open it meanwhile. */
	mutex_lock(&region->lock);
	ret = create_locked(region, attr, size, extack);
	mutex_unlock(&region->lock);
	if (ret) {
		npmu_region_put(region);
		npmu_region_put(region);
		return ret;
	}
	*out = region;
	npmu_region_event(region, NPMU_EVENT_REGION_CREATED, NULL, NULL);
	return 0;
}
EXPORT_SYMBOL_GPL(npmu_region_create);

int npmu_region_remove(struct npmu_region *region, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	int ret;

	lockdep_assert_held(&region->lock);
	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	if (region->state != NPMU_REGION_LIVE) {
		mutex_unlock(&unit->lock);
		return -ENOENT;
	}
	npmu_media_begin(unit->media, region->slot);
	npmu_media_commit(unit->media);
	region->state = NPMU_REGION_DELETED;
	if (region->health == NPMU_HEALTH_GOOD) {
		npmu_space_give(unit->media, npmu_region_map(region), 0);
		npmu_space_give_list(unit->media, npmu_region_map(region));
	} else {
		/* What it alone owned comes back with the next attach. */
		unit->nr_unsound--;
	}
	xa_erase(&unit->regions, region->slot);
	unit->nr_regions--;
	if (region->status)
		region->status->flags |= NPMU_STATUS_F_GONE;
	mutex_unlock(&unit->lock);

	npmu_front->remove(region);
	/* The name is free when its node is gone. */
	mutex_lock(&unit->lock);
	hlist_del_init(&region->node);
	mutex_unlock(&unit->lock);
	npmu_region_event(region, NPMU_EVENT_REGION_DELETED, NULL, NULL);
	/* The reference of the table. */
	npmu_region_put(region);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of a region's record: names, owner, mode, flags, the fence epoch, and
 * the commit that all transactions share: check all, commit to the media, publish.
 * It must not know who uses a region; callers have seen to that (evict.c).
 */
#include "bad.h"
#include "media.h"
#include "space.h"

struct npmu_region_record *npmu_region_compose(struct npmu_region *region,
					       const struct npmu_extmap *map)
{
	struct npmu_region_record *rec;

	rec = npmu_media_begin(region->unit->media, region->slot);
	rec->state = cpu_to_le32(NPMU_SLOT_REGION);
	memcpy(rec->uuid, region->uuid, sizeof(rec->uuid));
	rec->pm_addr = cpu_to_le64(region->pm_addr);
	rec->size = cpu_to_le64(npmu_extents_size(map->extents, map->nr));
	rec->fence_epoch = cpu_to_le64(region->fence_epoch);
	rec->uid = cpu_to_le32(from_kuid(&init_user_ns, region->uid));
	rec->gid = cpu_to_le32(from_kgid(&init_user_ns, region->gid));
	rec->mode = cpu_to_le32(region->mode);
	rec->flags = cpu_to_le32(region->flags);
	rec->nr_extents = cpu_to_le32(map->nr);
	rec->list = region->list;
	memcpy(rec->creator, region->creator, sizeof(rec->creator));
	rec->nr_grants = cpu_to_le32(region->nr_grants);
	npmu_grants_store(rec->grants, region->grants, region->nr_grants);
	strscpy((char *)rec->name, region->name, sizeof(rec->name));
	npmu_extents_store(rec->extents, map->extents,
			   min_t(u32, map->nr, NPMU_INLINE_EXTENTS));
	return rec;
}

int npmu_region_raise_epoch(struct npmu_region *region)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region_record *rec;

	lockdep_assert_held(&unit->lock);
	if (unit->gone || unit->detached)
		return -ENODEV;
	/* It may have been deleted while the caller waited for its lock. */
	if (region->state != NPMU_REGION_LIVE)
		return -ENOENT;
	/* A higher epoch would let a quarantined region win at the next attach. */
	if (region->health != NPMU_HEALTH_GOOD)
		return -EUCLEAN;
	if (region->fence_epoch >= NPMU_EPOCH_MAX)
		return -EOVERFLOW;
	rec = npmu_region_compose(region, npmu_region_map(region));
	rec->fence_epoch = cpu_to_le64(region->fence_epoch + 1);
	npmu_media_commit(unit->media);
	WRITE_ONCE(region->fence_epoch, region->fence_epoch + 1);
	return 0;
}

int npmu_region_check_attr(const struct npmu_region_attr *attr, struct netlink_ext_ack *extack)
{
	if (attr->valid & NPMU_ATTR_NAME && !npmu_name_ok(attr->name, NPMU_REGION_NAME_LEN)) {
		NL_SET_ERR_MSG(extack,
			       "a region name is 1 to 63 of A-Z a-z 0-9 . _ + : - and does not start with a dot");
		return -EINVAL;
	}
	if (attr->valid & NPMU_ATTR_MODE && attr->mode & ~0666) {
		NL_SET_ERR_MSG(extack, "a region's mode has read and write bits only (0666)");
		return -EINVAL;
	}
	if (attr->valid & NPMU_ATTR_FLAGS && attr->flags & ~NPMU_REGION_F_ALL) {
		NL_SET_ERR_MSG(extack, "unknown region flag");
		return -EINVAL;
	}
	if (attr->valid & NPMU_ATTR_UID && !uid_valid(attr->uid)) {
		NL_SET_ERR_MSG(extack, "no such user id");
		return -EINVAL;
	}
	if (attr->valid & NPMU_ATTR_GID && !gid_valid(attr->gid)) {
		NL_SET_ERR_MSG(extack, "no such group id");
		return -EINVAL;
	}
	if (attr->valid & NPMU_ATTR_CREATOR && !npmu_principal_ok(attr->creator)) {
		NL_SET_ERR_MSG(extack, "the name of the principal is not legal");
		return -EINVAL;
	}
	return 0;
}

void npmu_region_apply_attr(struct npmu_region *region, const struct npmu_region_attr *attr)
{
	if (attr->valid & NPMU_ATTR_NAME)
		strscpy(region->name, attr->name);
	if (attr->valid & NPMU_ATTR_UID)
		region->uid = attr->uid;
	if (attr->valid & NPMU_ATTR_GID)
		region->gid = attr->gid;
	if (attr->valid & NPMU_ATTR_MODE)
		region->mode = attr->mode;
	if (attr->valid & NPMU_ATTR_FLAGS)
		region->flags = attr->flags;
	if (attr->valid & NPMU_ATTR_CREATOR)
		strscpy_pad(region->creator, attr->creator, sizeof(region->creator));
}

int npmu_region_commit_map(struct npmu_region *region, struct npmu_extmap *map,
			   struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *old = npmu_region_map(region);
	struct npmu_region_record *rec;
	struct npmu_list_ref list = {};
	int ret;

	ret = npmu_space_take_list(unit->media, map);
	if (ret) {
		NL_SET_ERR_MSG(extack, "no room for the region's list blocks");
		return ret;
	}
	if (map->nr_list)
		npmu_media_write_list(unit->media, region->slot, region->uuid, map->extents,
				      map->nr, map->list, &list);
	rec = npmu_region_compose(region, map);
	rec->list = list;
	npmu_media_commit(unit->media);

	region->list = list;
	rcu_assign_pointer(region->map, map);
	WRITE_ONCE(region->size, npmu_extents_size(map->extents, map->nr));
	npmu_bad_count(region);
	if (old) {
		/* Both copies name the new ones: the old are free from here on. */
		npmu_space_give_list(unit->media, old);
		npmu_extmap_free_rcu(old);
	}
	return 0;
}

int npmu_region_check_health(struct npmu_region *region, struct netlink_ext_ack *extack)
{
	if (region->state != NPMU_REGION_LIVE) {
		NL_SET_ERR_MSG(extack, "the region was deleted meanwhile");
		return -ENOENT;
	}
	if (region->health != NPMU_HEALTH_GOOD) {
		NL_SET_ERR_MSG(extack,
			       "the region is damaged or quarantined: it can only be deleted");
		return -EUCLEAN;
	}
	return 0;
}

int npmu_region_may_change(struct npmu_region *region, const struct npmu_region_attr *attr,
			   struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region *other;
	int ret;

	ret = npmu_region_check_attr(attr, extack);
	if (ret)
		return ret;
	guard(mutex)(&unit->lock);
	ret = npmu_region_check_health(region, extack);
	if (ret)
		return ret;
	if (attr->valid & NPMU_ATTR_NAME) {
		other = npmu_region_by_name(unit, attr->name);
		if (other && other != region) {
			NL_SET_ERR_MSG_FMT(extack, "region %s exists", attr->name);
			return -EEXIST;
		}
	}
	return 0;
}

static void change_locked(struct npmu_region *region, const struct npmu_region_attr *attr)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region_record *rec;

	rec = npmu_region_compose(region, npmu_region_map(region));
	if (attr->valid & NPMU_ATTR_NAME)
		strscpy_pad((char *)rec->name, attr->name, sizeof(rec->name));
	if (attr->valid & NPMU_ATTR_UID)
		rec->uid = cpu_to_le32(from_kuid(&init_user_ns, attr->uid));
	if (attr->valid & NPMU_ATTR_GID)
		rec->gid = cpu_to_le32(from_kgid(&init_user_ns, attr->gid));
	if (attr->valid & NPMU_ATTR_MODE)
		rec->mode = cpu_to_le32(attr->mode);
	if (attr->valid & NPMU_ATTR_FLAGS)
		rec->flags = cpu_to_le32(attr->flags);
	npmu_media_commit(unit->media);

	hlist_del(&region->node);
	npmu_region_apply_attr(region, attr);
	npmu_region_hash(region);
}

int npmu_region_change(struct npmu_region *region, const struct npmu_region_attr *attr,
		       struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region *other = NULL;
	int ret;

	lockdep_assert_held(&region->lock);
	/* The node takes name, owner and mode only when it is made. */
	if (attr->valid & ~NPMU_ATTR_FLAGS)
		npmu_front->hide(region);
	ret = npmu_unit_lock(unit, extack);
	if (!ret) {
		/* Since npmu_region_may_change() only another region can have come. */
		if (attr->valid & NPMU_ATTR_NAME)
			other = npmu_region_by_name(unit, attr->name);
		if (other && other != region) {
			NL_SET_ERR_MSG_FMT(extack, "region %s exists", attr->name);
			ret = -EEXIST;
		} else {
			change_locked(region, attr);
		}
		mutex_unlock(&unit->lock);
	}
	if (npmu_front->show(region) && !ret)
		/* The change is made; only its node could not follow. */
		NL_SET_ERR_MSG(extack,
			       "changed, but no memory for the device node: set it again to get one");
	return ret;
}

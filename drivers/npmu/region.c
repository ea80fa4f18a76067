// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions. Owns their names, their records in memory and the transactions on
 * them: check all, commit to the media, publish. It must not know who uses a
 * region; callers have seen to that (evict.c).
 */
#include <linux/slab.h>
#include <linux/stringhash.h>
#include <linux/uuid.h>

#include "event.h"
#include "media.h"
#include "space.h"

const struct npmu_front_ops *npmu_front;
void (*npmu_event_sink)(const struct npmu_event_info *info);

static struct hlist_head *name_head(struct npmu_unit *unit, const char *name)
{
	u32 hash = full_name_hash(NULL, name, strlen(name));

	return &unit->names[hash & ((1U << unit->names_bits) - 1)];
}

struct npmu_region *npmu_region_by_name(struct npmu_unit *unit, const char *name)
{
	struct npmu_region *region;

	lockdep_assert_held(&unit->lock);
	hlist_for_each_entry(region, name_head(unit, name), node)
		if (!strcmp(region->name, name))
			return region;
	return NULL;
}

void npmu_region_hash(struct npmu_region *region)
{
	lockdep_assert_held(&region->unit->lock);
	hlist_add_head(&region->node, name_head(region->unit, region->name));
}

struct npmu_region *npmu_region_find(struct npmu_unit *unit, const char *name)
{
	struct npmu_region *region;

	guard(mutex)(&unit->lock);
	region = npmu_region_by_name(unit, name);
	if (!region || region->state != NPMU_REGION_LIVE)
		return NULL;
	return npmu_region_get(region);
}

struct npmu_region *npmu_region_next(struct npmu_unit *unit, u32 slot)
{
	struct npmu_region *region;
	unsigned long index;

	guard(mutex)(&unit->lock);
	xa_for_each_start(&unit->regions, index, region, slot)
		if (region->state == NPMU_REGION_LIVE)
			return npmu_region_get(region);
	return NULL;
}

struct npmu_region *npmu_region_alloc(struct npmu_unit *unit)
{
	struct npmu_region *region = kzalloc(sizeof(*region), GFP_KERNEL);

	if (!region)
		return NULL;
	kref_init(&region->ref);
	mutex_init(&region->lock);
	INIT_HLIST_NODE(&region->node);
	INIT_LIST_HEAD(&region->entries);
	init_waitqueue_head(&region->wait);
	region->state = NPMU_REGION_NEW;
	region->minor = -1;
	region->unit = npmu_unit_get(unit);
	return region;
}

static void region_release(struct kref *ref)
{
	struct npmu_region *region = container_of(ref, struct npmu_region, ref);

	npmu_extmap_free(rcu_dereference_protected(region->map, 1));
	put_pid(region->last_writer);
	free_page((unsigned long)region->status);
	npmu_unit_put(region->unit);
	kfree(region);
}

void npmu_region_put(struct npmu_region *region)
{
	if (region)
		kref_put(&region->ref, region_release);
}

struct npmu_extmap *npmu_region_map(struct npmu_region *region)
{
	return rcu_dereference_protected(region->map,
					 lockdep_is_held(&region->unit->lock));
}

void npmu_region_stat(struct npmu_region *region, struct npmu_region_stat *stat)
{
	struct npmu_extmap *map;

	memset(stat, 0, sizeof(*stat));
	stat->devt = npmu_front->devt(region);

	guard(mutex)(&region->unit->lock);
	map = npmu_region_map(region);
	strscpy(stat->name, region->name);
	memcpy(stat->uuid, region->uuid, sizeof(stat->uuid));
	stat->slot = region->slot;
	stat->size = region->size;
	stat->pm_addr = region->pm_addr;
	stat->uid = region->uid;
	stat->gid = region->gid;
	stat->mode = region->mode;
	stat->flags = region->flags;
	stat->fence_epoch = region->fence_epoch;
	stat->nr_extents = map ? map->nr : 0;
	stat->nr_live = region->nr_live;
	if (region->writer) {
		stat->role = NPMU_ROLE_HELD;
		stat->writer_id = region->status->writer;
		stat->writer = get_pid(region->writer_pid);
	} else {
		stat->role = region->nr_undrained ? NPMU_ROLE_FENCING : NPMU_ROLE_VACANT;
	}
	stat->last_writer = get_pid(region->last_writer);
	stat->last_writer_epoch = region->last_writer_epoch;
	stat->health = region->health;
	stat->faults_huge = atomic64_read(&region->faults_huge);
	stat->faults_small = atomic64_read(&region->faults_small);
}

void npmu_region_stat_put(struct npmu_region_stat *stat)
{
	put_pid(stat->writer);
	put_pid(stat->last_writer);
}

void npmu_region_event(struct npmu_region *region, enum npmu_event event,
		       const char *old_name, struct pid *writer)
{
	struct npmu_event_info info = {
		.event = event,
		.unit = region->unit->name,
		.unit_uuid = region->unit->uuid,
		.region_uuid = region->uuid,
		.writer = writer,
	};
	char name[NPMU_REGION_NAME_LEN];

	mutex_lock(&region->unit->lock);
	strscpy(name, region->name);
	info.size = region->size;
	info.fence_epoch = region->fence_epoch;
	mutex_unlock(&region->unit->lock);
	info.region = old_name ?: name;
	info.new_name = old_name ? name : NULL;
	npmu_event_sink(&info);
}

/* The record of a region as it is; the caller changes what is to change. */
static struct npmu_region_record *compose(struct npmu_region *region,
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
	if (region->health == NPMU_HEALTH_DAMAGED)
		return -EUCLEAN;
	if (region->fence_epoch >= NPMU_EPOCH_MAX)
		return -EOVERFLOW;
	rec = compose(region, npmu_region_map(region));
	rec->fence_epoch = cpu_to_le64(region->fence_epoch + 1);
	npmu_media_commit(unit->media);
	WRITE_ONCE(region->fence_epoch, region->fence_epoch + 1);
	return 0;
}

static int check_attr(const struct npmu_region_attr *attr, struct netlink_ext_ack *extack)
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
	return 0;
}

static void apply_attr(struct npmu_region *region, const struct npmu_region_attr *attr)
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
}

/*
 * Makes @map the region's: list blocks, record, memory. Under unit->lock. An error
 * changed nothing, and @map is still the caller's.
 */
static int commit_map(struct npmu_region *region, struct npmu_extmap *map)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *old = npmu_region_map(region);
	struct npmu_region_record *rec;
	struct npmu_list_ref list = {};
	int ret;

	ret = npmu_space_take_list(unit->media, map);
	if (ret)
		return ret;
	if (map->nr_list)
		npmu_media_write_list(unit->media, region->slot, region->uuid, map->extents,
				      map->nr, map->list, &list);
	rec = compose(region, map);
	rec->list = list;
	npmu_media_commit(unit->media);

	region->list = list;
	rcu_assign_pointer(region->map, map);
	WRITE_ONCE(region->size, npmu_extents_size(map->extents, map->nr));
	if (old) {
		/* Both copies name the new ones: the old are free from here on. */
		npmu_space_give_list(unit->media, old);
		npmu_extmap_free_rcu(old);
	}
	return 0;
}

static int reserve(struct npmu_region *region, const struct npmu_region_attr *attr,
		   u64 size, struct npmu_extmap **map, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	u32 max = le32_to_cpu(unit->media->sb->max_regions);
	int ret;

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
	mutex_unlock(&unit->lock);
	if (ret)
		return ret;

	ret = npmu_space_zero(unit, map, 0);
	if (ret)
		goto err_unreserve;
	ret = npmu_front->add(region);
	if (ret)
		goto err_unreserve;

	ret = npmu_unit_lock(unit, extack);
	if (ret)
		goto err_front;
	ret = commit_map(region, map);
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

	ret = check_attr(attr, extack);
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
	apply_attr(region, attr);

	/* Nobody else has seen it: the lock is for those who open it meanwhile. */
	mutex_lock(&region->lock);
	ret = create_locked(region, attr, size, extack);
	mutex_unlock(&region->lock);
	if (ret) {
		npmu_region_put(region);
		return ret;
	}
	*out = npmu_region_get(region);
	npmu_region_event(region, NPMU_EVENT_REGION_CREATED, NULL, NULL);
	return 0;
}

static int check_health(struct npmu_region *region, struct netlink_ext_ack *extack)
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

static int change_locked(struct npmu_region *region, const struct npmu_region_attr *attr,
			 struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region_record *rec;
	struct npmu_region *other;
	int ret;

	ret = check_health(region, extack);
	if (ret)
		return ret;
	if (attr->valid & NPMU_ATTR_NAME) {
		other = npmu_region_by_name(unit, attr->name);
		if (other && other != region) {
			NL_SET_ERR_MSG_FMT(extack, "region %s exists", attr->name);
			return -EEXIST;
		}
	}
	rec = compose(region, npmu_region_map(region));
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
	apply_attr(region, attr);
	npmu_region_hash(region);
	return 0;
}

int npmu_region_change(struct npmu_region *region, const struct npmu_region_attr *attr,
		       struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&region->lock);
	ret = check_attr(attr, extack);
	if (ret)
		return ret;
	ret = npmu_unit_lock(region->unit, extack);
	if (ret)
		return ret;
	ret = change_locked(region, attr, extack);
	mutex_unlock(&region->unit->lock);
	if (ret)
		return ret;
	if (attr->valid & ~NPMU_ATTR_FLAGS && npmu_front->renew(region))
		/* The change is made; only its node could not follow. */
		NL_SET_ERR_MSG(extack,
			       "changed, but no memory for the device node: set it again to get one");
	return 0;
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
	ret = check_health(region, extack);
	old_size = region->size;
	if (!ret)
		ret = npmu_space_take(unit, npmu_region_map(region), size - old_size, &map,
				      extack);
	mutex_unlock(&unit->lock);
	if (ret)
		return ret;

	ret = npmu_space_zero(unit, map, old_size);
	if (!ret)
		ret = npmu_unit_lock(unit, extack);
	if (!ret) {
		ret = commit_map(region, map);
		mutex_unlock(&unit->lock);
	}
	if (ret) {
		mutex_lock(&unit->lock);
		npmu_space_give(unit->media, map, old_size);
		mutex_unlock(&unit->lock);
		npmu_extmap_free(map);
	}
	return ret;
}

static int cut_locked(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack)
{
	struct npmu_extmap *old = npmu_region_map(region);
	struct npmu_extent_cut cut;
	struct npmu_extmap *map;
	struct npmu_extmap *gone;
	int ret;

	ret = check_health(region, extack);
	if (ret)
		return ret;
	cut = npmu_extents_cut(old->extents, old->nr, size);
	map = npmu_extmap_alloc(cut.keep);
	/* What is taken away is freed by a copy: readers may still hold @old. */
	gone = npmu_extmap_alloc(old->nr);
	if (!map || !gone) {
		npmu_extmap_free(map);
		npmu_extmap_free(gone);
		return -ENOMEM;
	}
	memcpy(gone->extents, old->extents, array_size(old->nr, sizeof(old->extents[0])));
	memcpy(map->extents, old->extents, array_size(cut.keep, sizeof(map->extents[0])));
	map->extents[cut.keep - 1].len = cut.keep_len;

	ret = commit_map(region, map);
	if (ret) {
		NL_SET_ERR_MSG(extack, "no room for the region's list blocks");
		npmu_extmap_free(map);
	} else {
		npmu_space_give(region->unit->media, gone, size);
	}
	npmu_extmap_free(gone);
	return ret;
}

int npmu_region_cut(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack)
{
	int ret;

	lockdep_assert_held(&region->lock);
	ret = npmu_unit_lock(region->unit, extack);
	if (ret)
		return ret;
	ret = cut_locked(region, size, extack);
	mutex_unlock(&region->unit->lock);
	return ret;
}

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
	} else if (region->health == NPMU_HEALTH_DAMAGED) {
		/* What it owned comes back with the next attach. */
		unit->nr_damaged--;
	}
	hlist_del_init(&region->node);
	xa_erase(&unit->regions, region->slot);
	unit->nr_regions--;
	if (region->status)
		region->status->flags |= NPMU_STATUS_F_GONE;
	mutex_unlock(&unit->lock);

	npmu_front->remove(region);
	npmu_region_event(region, NPMU_EVENT_REGION_DELETED, NULL, NULL);
	/* The reference of the table. */
	npmu_region_put(region);
	return 0;
}

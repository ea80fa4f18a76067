// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reading a unit's regions at attach, and letting them go at detach. Owns the
 * rebuilding of the allocator and what becomes of regions whose records are lost
 * or contradict each other. It must not write to the media but by mending.
 */
#include <linux/slab.h>
#include <linux/sort.h>

#include "bad.h"
#include "event.h"
#include "media.h"
#include "region.h"

struct found {
	u64 epoch;
	struct npmu_region *region;
};

static int fill_grants(struct npmu_region *region, const struct npmu_region_record *rec)
{
	u32 nr = le32_to_cpu(rec->nr_grants);
	u32 i;

	if (!nr)
		return 0;
	region->grants = kcalloc(NPMU_MAX_GRANTS, sizeof(*region->grants), GFP_KERNEL);
	if (!region->grants)
		return -ENOMEM;
	npmu_grants_load(region->grants, rec->grants, nr);
	for (i = 0; i < nr; i++)
		region->grants[i].id = ++region->unit->last_right;
	region->nr_grants = nr;
	return 0;
}

static int fill_region(struct npmu_region *region, const struct npmu_region_record *rec)
{
	memcpy(region->uuid, rec->uuid, sizeof(region->uuid));
	strscpy(region->name, (const char *)rec->name);
	region->pm_addr = le64_to_cpu(rec->pm_addr);
	region->size = le64_to_cpu(rec->size);
	region->uid = make_kuid(&init_user_ns, le32_to_cpu(rec->uid));
	region->gid = make_kgid(&init_user_ns, le32_to_cpu(rec->gid));
	region->mode = le32_to_cpu(rec->mode);
	region->flags = le32_to_cpu(rec->flags);
	region->fence_epoch = le64_to_cpu(rec->fence_epoch);
	region->list = rec->list;
	memcpy(region->creator, rec->creator, sizeof(region->creator));
	return fill_grants(region, rec);
}

/*
 * A stand-in that shows the loss, keeps the slot, and can be deleted. No region
 * that was created has a name that begins with a dot.
 */
static void fill_lost(struct npmu_region *region, u32 slot)
{
	snprintf(region->name, sizeof(region->name), ".lost-slot-%u", slot);
	region->pm_addr = npmu_pm_addr(slot);
	region->uid = GLOBAL_ROOT_UID;
	region->gid = GLOBAL_ROOT_GID;
	region->health = NPMU_HEALTH_DAMAGED;
}

static int load_slot(struct npmu_unit *unit, u32 slot, struct found *found)
{
	struct npmu_region *region;
	struct npmu_extmap *map;
	int lost;
	int ret;

	lost = npmu_media_load(unit->media, slot, &map);
	if (lost && lost != -EUCLEAN)
		return lost;
	found->region = NULL;
	if (!lost && le32_to_cpu(unit->media->rec->state) != NPMU_SLOT_REGION)
		return 0;

	region = npmu_region_alloc(unit);
	if (!region) {
		npmu_extmap_free(map);
		return -ENOMEM;
	}
	region->slot = slot;
	if (lost) {
		found->epoch = 0;
		fill_lost(region, slot);
	} else {
		found->epoch = le64_to_cpu(unit->media->rec->media_epoch);
		ret = fill_region(region, unit->media->rec);
		if (ret) {
			npmu_extmap_free(map);
			npmu_region_put(region);
			return ret;
		}
		/* An epoch that no counter gets to: a writer could not be fenced. */
		if (!map || region->fence_epoch > NPMU_EPOCH_MAX / 2)
			region->health = NPMU_HEALTH_DAMAGED;
	}
	rcu_assign_pointer(region->map, map);
	ret = xa_insert(&unit->regions, slot, region, GFP_KERNEL);
	if (ret) {
		npmu_region_put(region);
		return ret;
	}
	found->region = region;
	return 1;
}

static void mark_run(struct npmu_region *region, u64 start, u64 len)
{
	struct npmu_alloc *alloc = &region->unit->media->alloc;

	if (!npmu_alloc_mark(alloc, start, len))
		return;
	/* Some of it is another's; what is nobody's must stay away from use too. */
	region->health = NPMU_HEALTH_QUARANTINED;
	npmu_alloc_mark_rest(alloc, start, len);
}

static void adopt(struct npmu_region *region)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *map = npmu_region_map(region);
	u32 i;

	if (map) {
		for (i = 0; i < map->nr; i++)
			mark_run(region, map->extents[i].start, map->extents[i].len);
		for (i = 0; i < map->nr_list; i++)
			mark_run(region, map->list[i], NPMU_GRANULE_SIZE);
	}
	if (npmu_region_by_name(unit, region->name)) {
		/* The higher epoch has the name. */
		if (region->health == NPMU_HEALTH_GOOD)
			region->health = NPMU_HEALTH_QUARANTINED;
		snprintf(region->name, sizeof(region->name), ".same-name-slot-%u", region->slot);
	}
	if (region->health == NPMU_HEALTH_GOOD && map)
		npmu_media_mend_list(unit->media, region->slot, region->uuid, map->nr,
				     &region->list);
	else
		unit->nr_unsound++;
	if (region->health != NPMU_HEALTH_GOOD)
		pr_warn("npmu: unit %s: region %s is %s\n", unit->name, region->name,
			region->health == NPMU_HEALTH_DAMAGED ? "damaged" : "quarantined");
	npmu_region_hash(region);
	region->state = NPMU_REGION_LIVE;
	unit->nr_regions++;
}

/* The higher epoch first: it keeps an extent that is claimed twice. */
static int by_epoch(const void *a, const void *b)
{
	const struct found *l = a;
	const struct found *r = b;

	return l->epoch < r->epoch ? 1 : l->epoch > r->epoch ? -1 : 0;
}

static int load_locked(struct npmu_unit *unit, struct found *found)
{
	struct npmu_creators *creators = unit->media->creators;
	u32 max = le32_to_cpu(unit->media->sb->max_regions);
	u32 nr = 0;
	u32 i;
	int ret;

	for (i = 0; i < creators->nr; i++)
		creators->of[i].id = ++unit->last_right;
	for (i = 0; i < max; i++) {
		ret = load_slot(unit, i, &found[nr]);
		if (ret < 0)
			return ret;
		nr += ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	/* No counter gets there by itself; from here on one commit cannot wrap it. */
	if (unit->media->epoch > NPMU_EPOCH_MAX / 2)
		return -EUCLEAN;
	/* First: a list block that is written anew is good for the device afterwards. */
	npmu_bad_collect(unit);
	sort(found, nr, sizeof(*found), by_epoch, NULL);
	for (i = 0; i < nr; i++)
		adopt(found[i].region);
	/* Last: a region may own what failed. */
	npmu_bad_attach(unit);
	return 0;
}

int npmu_region_load_all(struct npmu_unit *unit, struct netlink_ext_ack *extack)
{
	struct npmu_region *region;
	struct found *found;
	unsigned long slot;
	int ret;

	found = kvcalloc(le32_to_cpu(unit->media->sb->max_regions), sizeof(*found), GFP_KERNEL);
	if (!found)
		return -ENOMEM;
	ret = npmu_unit_lock(unit, extack);
	if (!ret) {
		ret = load_locked(unit, found);
		if (ret == -EUCLEAN)
			NL_SET_ERR_MSG(extack,
				       "the media epoch is out of range: not written by npmu");
		mutex_unlock(&unit->lock);
	}
	kvfree(found);
	if (ret)
		return ret;

	/* Nobody else changes the table: the unit is not in the list yet. */
	xa_for_each(&unit->regions, slot, region) {
		mutex_lock(&region->lock);
		ret = npmu_front->add(region);
		mutex_unlock(&region->lock);
		if (ret) {
			NL_SET_ERR_MSG(extack, "no memory for the device nodes");
			return ret;
		}
		cond_resched();
	}
	return 0;
}

void npmu_region_unload_all(struct npmu_unit *unit)
{
	struct npmu_region *region;
	unsigned long slot;

	xa_for_each(&unit->regions, slot, region) {
		mutex_lock(&region->lock);
		npmu_front->remove(region);
		/* Dead before the lock goes: who waited for it finds no region. */
		mutex_lock(&unit->lock);
		region->state = NPMU_REGION_DELETED;
		hlist_del_init(&region->node);
		xa_erase(&unit->regions, slot);
		mutex_unlock(&unit->lock);
		mutex_unlock(&region->lock);
		npmu_region_put(region);
		cond_resched();
	}
}

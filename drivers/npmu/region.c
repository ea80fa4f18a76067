// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions in memory. Owns their lifetime, how they are found by name and slot, and
 * what is shown of them. It must not know what changes them (change.c, create.c,
 * resize.c) nor who uses them.
 */
#include <linux/export.h>
#include <linux/slab.h>
#include <linux/stringhash.h>

#include "event.h"
#include "region.h"

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
EXPORT_SYMBOL_GPL(npmu_region_find);

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
	mutex_init(&region->readers_lock);
	INIT_HLIST_NODE(&region->node);
	INIT_LIST_HEAD(&region->entries);
	init_waitqueue_head(&region->wait);
	init_waitqueue_head(&region->wanted);
	region->state = NPMU_REGION_NEW;
	region->minor = -1;
	region->unit = npmu_unit_get(unit);
	return region;
}

static void region_release(struct kref *ref)
{
	struct npmu_region *region = container_of(ref, struct npmu_region, ref);

	npmu_extmap_free(rcu_dereference_protected(region->map, 1));
	kfree(region->grants);
	put_pid(region->last_writer.pid);
	free_page((unsigned long)region->status);
	kfree(region->readers);
	npmu_unit_put(region->unit);
	kfree(region);
}

void npmu_region_put(struct npmu_region *region)
{
	if (region)
		kref_put(&region->ref, region_release);
}
EXPORT_SYMBOL_GPL(npmu_region_put);

struct npmu_extmap *npmu_region_map(struct npmu_region *region)
{
	return rcu_dereference_protected(region->map,
					 lockdep_is_held(&region->unit->lock));
}

void npmu_region_name(struct npmu_region *region, char name[NPMU_REGION_NAME_LEN])
{
	guard(mutex)(&region->unit->lock);
	strscpy(name, region->name, NPMU_REGION_NAME_LEN);
}
EXPORT_SYMBOL_GPL(npmu_region_name);

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
		stat->writer = region->writer_party;
		get_pid(stat->writer.pid);
	} else {
		stat->role = region->nr_fencing ? NPMU_ROLE_FENCING : NPMU_ROLE_VACANT;
	}
	stat->last_writer = region->last_writer;
	get_pid(stat->last_writer.pid);
	stat->last_writer_epoch = region->last_writer_epoch;
	strscpy(stat->creator, region->creator);
	stat->nr_grants = region->nr_grants;
	stat->health = region->health;
	stat->bad = region->bad;
	stat->faults_huge = atomic64_read(&region->faults_huge);
	stat->faults_small = atomic64_read(&region->faults_small);
	stat->opens = atomic64_read(&region->counters.opens);
	stat->reads = atomic64_read(&region->counters.reads);
	stat->writes = atomic64_read(&region->counters.writes);
	stat->persists = atomic64_read(&region->counters.persists);
	stat->commits = atomic64_read(&region->counters.commits);
	stat->denied = atomic64_read(&region->counters.denied);
	stat->fences = atomic64_read(&region->counters.fences);
}

void npmu_region_stat_put(struct npmu_region_stat *stat)
{
	put_pid(stat->writer.pid);
	put_pid(stat->last_writer.pid);
}

void npmu_region_event(struct npmu_region *region, enum npmu_event event,
		       const char *old_name, const struct npmu_party *who)
{
	struct npmu_event_info info = {
		.event = event,
		.unit = region->unit->name,
		.unit_uuid = region->unit->uuid,
		.region_uuid = region->uuid,
		.writer = who ? who->pid : NULL,
		.principal = who ? who->principal : NULL,
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

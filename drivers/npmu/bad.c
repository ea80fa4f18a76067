// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory that failed. Owns what becomes of it: who is told, from whom it is taken,
 * that it is entered. It must not know how it is mapped, nor how the list is kept.
 *
 * The backing says of it that it is bad before this is called. From then on it is
 * neither mapped nor touched anew; then those are waited for who looked before; then
 * what is mapped is taken away.
 */
#include <linux/srcu.h>

#include "bad.h"
#include "event.h"
#include "media.h"

DEFINE_STATIC_SRCU(npmu_touch_srcu);

int npmu_touch_begin(void)
	__acquires(&npmu_touch_srcu)
{
	return srcu_read_lock(&npmu_touch_srcu);
}

void npmu_touch_end(int touch)
	__releases(&npmu_touch_srcu)
{
	srcu_read_unlock(&npmu_touch_srcu, touch);
}

static void tell(struct npmu_unit *unit, struct npmu_region *region, u64 start, u64 len)
{
	struct npmu_event_info info = {
		.event = region ? NPMU_EVENT_REGION_BAD : NPMU_EVENT_UNIT_BAD,
		.unit = unit->name,
		.unit_uuid = unit->uuid,
		.bad_start = start,
		.bad_len = len,
	};
	char name[NPMU_REGION_NAME_LEN];

	if (region) {
		mutex_lock(&unit->lock);
		strscpy(name, region->name);
		info.size = region->size;
		info.fence_epoch = region->fence_epoch;
		mutex_unlock(&unit->lock);
		info.region = name;
		info.region_uuid = region->uuid;
	}
	npmu_event_sink(&info);
}

void npmu_bad_count(struct npmu_region *region)
{
	const struct npmu_badlist *list = npmu_media_badlist(region->unit->media);
	struct npmu_extmap *map = npmu_region_map(region);
	u64 sum = 0;
	u32 i;

	for (i = 0; map && list->nr && i < map->nr; i++)
		sum += npmu_bad_bytes(list, map->extents[i].start, map->extents[i].len);
	region->bad = sum;
}

/* Copies of a list that lie in the range are written anew from their twins. */
static void mend_list(struct npmu_region *region, u64 start, u64 len)
{
	struct npmu_extmap *map = npmu_region_map(region);
	u32 i;

	if (!map || region->health != NPMU_HEALTH_GOOD)
		return;
	for (i = 0; i < map->nr_list; i++) {
		if (map->list[i] < start || map->list[i] - start >= len)
			continue;
		npmu_media_mend_list(region->unit->media, region->slot, region->uuid, map->nr,
				     &region->list);
		return;
	}
}

/* Enters the part of a range that is data; true: there was something new. */
static bool enter(struct npmu_unit *unit, u64 off, u64 len)
{
	struct npmu_media *media = unit->media;
	u64 lo = max(off, le64_to_cpu(media->sb->data_start));
	u64 hi = min(off + len, le64_to_cpu(media->sb->size));

	if (lo >= hi)
		return false;
	npmu_media_add_bad(media, lo, hi - lo);
	npmu_alloc_mark_rest(&media->alloc, lo, hi - lo);
	return true;
}

static void record(struct npmu_unit *unit, u64 off, u64 len)
{
	struct npmu_media *media = unit->media;
	u64 data = le64_to_cpu(media->sb->data_start);
	struct npmu_region *region;
	unsigned long slot;
	u64 at;

	lockdep_assert_held(&unit->lock);
	for (at = off; at < min(off + len, data); at += NPMU_RECORD_SIZE)
		npmu_media_mend_at(media, at);
	if (!enter(unit, off, len))
		return;
	npmu_media_commit_bad(media);
	xa_for_each(&unit->regions, slot, region) {
		npmu_bad_count(region);
		mend_list(region, off, len);
	}
}

/* Goes on at extent *@i: the next piece of the region in a range of the unit. */
static bool next_piece(struct npmu_region *region, u64 start, u64 len, u32 *i, u64 *offset,
		       u64 *bytes)
{
	struct npmu_extmap *map;

	guard(rcu)();
	map = rcu_dereference(region->map);
	for (; map && *i < map->nr; ++*i) {
		const struct npmu_extent *e = &map->extents[*i];
		u64 lo = max(e->start, start);
		u64 hi = min(e->start + e->len, start + len);

		if (lo >= hi)
			continue;
		*offset = e->off + (lo - e->start);
		*bytes = hi - lo;
		++*i;
		return true;
	}
	return false;
}

static void take_away(struct npmu_region *region, u64 start, u64 len)
{
	u64 offset, bytes;
	u32 i = 0;

	/* With the lock the region's extents stay what they are. */
	guard(mutex)(&region->lock);
	while (next_piece(region, start, len, &i, &offset, &bytes)) {
		npmu_front->zap(region, offset, bytes);
		pr_err("npmu: unit %s: region %s lost %llu bytes at offset %llu\n",
		       region->unit->name, region->name, bytes, offset);
		tell(region->unit, region, offset, bytes);
	}
}

void npmu_bad_happened(struct npmu_unit *unit, u64 off, u64 len)
{
	struct npmu_region *region;
	u32 slot = 0;

	mutex_lock(&unit->lock);
	if (unit->gone || unit->detached || !unit->watched) {
		/* Nothing is mapped, and attach asks the backing for it. */
		mutex_unlock(&unit->lock);
		return;
	}
	record(unit, off, len);
	mutex_unlock(&unit->lock);

	synchronize_srcu_expedited(&npmu_touch_srcu);
	while ((region = npmu_region_next(unit, slot))) {
		slot = region->slot + 1;
		take_away(region, off, len);
		npmu_region_put(region);
	}
	tell(unit, NULL, off, len);
}

void npmu_bad_note(struct npmu_unit *unit, u64 off, u64 len)
{
	u64 end = off + len;
	u64 last = off;
	bool changed;
	u64 n;

	if (npmu_unit_lock(unit, NULL))
		return;
	for (; npmu_backing_next_bad(unit->backing, off, end, &last, &n); off = last + n) {
		enter(unit, last, n);
		len = n;
	}
	changed = npmu_media_commit_bad(unit->media);
	mutex_unlock(&unit->lock);
	if (changed)
		tell(unit, NULL, last, len);
}

void npmu_bad_collect(struct npmu_unit *unit)
{
	struct npmu_media *media = unit->media;
	u64 off = le64_to_cpu(media->sb->data_start);
	u64 end = le64_to_cpu(media->sb->size);
	u64 len;

	lockdep_assert_held(&unit->lock);
	for (; npmu_backing_next_bad(unit->backing, off, end, &off, &len); off += len) {
		npmu_media_add_bad(media, off, len);
		cond_resched();
	}
	npmu_media_commit_bad(media);
}

void npmu_bad_attach(struct npmu_unit *unit)
{
	struct npmu_media *media = unit->media;
	u64 end = le64_to_cpu(media->sb->size);
	struct npmu_region *region;
	unsigned long slot;
	u64 off = 0;
	u64 len;

	lockdep_assert_held(&unit->lock);
	for (; npmu_backing_next_bad(unit->backing, off, end, &off, &len); off += len) {
		enter(unit, off, len);
		cond_resched();
	}
	npmu_media_commit_bad(media);
	npmu_media_keep_bad(media, 0, end);
	xa_for_each(&unit->regions, slot, region)
		npmu_bad_count(region);
	unit->watched = true;
}

/* Who owns the first byte of a run; the run is cut to what has one owner. */
static void find_owner(struct npmu_unit *unit, struct npmu_bad_stat *stat)
{
	struct npmu_region *region;
	unsigned long slot;
	u32 i;

	xa_for_each(&unit->regions, slot, region) {
		struct npmu_extmap *map = npmu_region_map(region);

		for (i = 0; map && region->bad && i < map->nr; i++) {
			const struct npmu_extent *e = &map->extents[i];
			u64 end = stat->start + stat->len;

			if (e->start > stat->start) {
				stat->len = min(end, e->start) - stat->start;
			} else if (stat->start - e->start < e->len) {
				stat->len = min(end, e->start + e->len) - stat->start;
				stat->offset = e->off + (stat->start - e->start);
				strscpy(stat->region, region->name);
			}
		}
	}
}

bool npmu_bad_next(struct npmu_unit *unit, u64 pos, struct npmu_bad_stat *stat)
{
	const struct npmu_badlist *list;
	u32 i;

	guard(mutex)(&unit->lock);
	list = npmu_media_badlist(unit->media);
	i = npmu_bad_find(list, pos);
	if (i == list->nr)
		return false;
	memset(stat, 0, sizeof(*stat));
	stat->start = max(pos, list->ranges[i].start);
	stat->len = list->ranges[i].start + list->ranges[i].len - stat->start;
	find_owner(unit, stat);
	return true;
}

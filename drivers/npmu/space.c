// SPDX-License-Identifier: GPL-2.0-only
/*
 * Space for regions. Owns the use of a unit's allocator: what is taken for a
 * region, given back, and zeroed before anyone sees it. It must not know records
 * nor when a change is committed.
 */
#include <linux/align.h>
#include <linux/sizes.h>

#include "media.h"
#include "space.h"

int npmu_space_round(u64 *size, struct netlink_ext_ack *extack)
{
	if (!*size || *size > NPMU_MAX_UNIT_SIZE) {
		NL_SET_ERR_MSG(extack, "a region has at least 1 byte and at most 16 TiB");
		return -EINVAL;
	}
	*size = ALIGN(*size, NPMU_GRANULE_SIZE);
	return 0;
}

int npmu_space_may_take(struct npmu_unit *unit, struct netlink_ext_ack *extack)
{
	lockdep_assert_held(&unit->lock);
	if (unit->nr_unsound) {
		NL_SET_ERR_MSG(extack,
			       "unsound regions may own what looks free: save what they hold, then delete them");
		return -EUCLEAN;
	}
	if (npmu_media_badlist(unit->media)->incomplete) {
		NL_SET_ERR_MSG(extack,
			       "more of this unit failed than its bad list holds: move the regions to another unit");
		return -EUCLEAN;
	}
	return 0;
}

/* What failed stays away from use, whoever had it. */
static void give(struct npmu_media *media, u64 start, u64 len)
{
	npmu_alloc_free(&media->alloc, start, len);
	npmu_media_keep_bad(media, start, len);
}

static struct npmu_extmap *map_copy(const struct npmu_extmap *old, u32 room)
{
	struct npmu_extmap *map = npmu_extmap_alloc(room);

	if (!map)
		return NULL;
	map->nr = old ? old->nr : 0;
	if (old)
		memcpy(map->extents, old->extents,
		       array_size(old->nr, sizeof(old->extents[0])));
	return map;
}

static int take_one(struct npmu_media *media, struct npmu_extmap **map, u64 *want)
{
	struct npmu_extent extent;
	struct npmu_extmap *wider;
	u64 near = 0;
	u32 nr;
	int ret;

	nr = (*map)->nr;
	if (nr == NPMU_MAX_EXTENTS)
		return -EFBIG;
	if (nr == (*map)->room) {
		wider = map_copy(*map, min_t(u32, 2 * nr, NPMU_MAX_EXTENTS));
		if (!wider)
			return -ENOMEM;
		npmu_extmap_free(*map);
		*map = wider;
	}
	if (nr)
		near = (*map)->extents[nr - 1].start + (*map)->extents[nr - 1].len;
	ret = npmu_alloc_one(&media->alloc, npmu_extents_size((*map)->extents, nr), near, *want,
			     &extent);
	if (ret)
		return ret;
	(*map)->nr = npmu_extent_append((*map)->extents, nr, extent.start, extent.len);
	*want -= extent.len;
	return 0;
}

int npmu_space_take(struct npmu_unit *unit, const struct npmu_extmap *old, u64 want,
		    struct npmu_extmap **out, struct netlink_ext_ack *extack)
{
	struct npmu_media *media = unit->media;
	u64 available = npmu_alloc_available(&media->alloc);
	u64 old_size = old ? npmu_extents_size(old->extents, old->nr) : 0;
	struct npmu_extmap *map;
	int ret;

	lockdep_assert_held(&unit->lock);
	ret = npmu_space_may_take(unit, extack);
	if (ret)
		return ret;
	if (want > available) {
		NL_SET_ERR_MSG_FMT(extack, "%llu bytes are free, %llu are needed", available,
				   want);
		return -ENOSPC;
	}
	map = map_copy(old, (old ? old->nr : 0) + 16);
	if (!map)
		return -ENOMEM;
	while (want && !ret) {
		ret = take_one(media, &map, &want);
		cond_resched();
	}
	if (ret) {
		if (ret == -EFBIG)
			NL_SET_ERR_MSG(extack, "the free space is scattered over too many extents");
		npmu_space_give(media, map, old_size);
		npmu_extmap_free(map);
		return ret;
	}
	map->nr_list = 2 * npmu_list_blocks(map->nr);
	*out = map;
	return 0;
}

int npmu_space_take_list(struct npmu_media *media, struct npmu_extmap *map)
{
	struct npmu_extent extent;
	u32 i;
	int ret;

	for (i = 0; i < map->nr_list; i++) {
		ret = npmu_alloc_one(&media->alloc, 0, 0, NPMU_GRANULE_SIZE, &extent);
		if (ret) {
			while (i--)
				npmu_alloc_free(&media->alloc, map->list[i], NPMU_GRANULE_SIZE);
			return ret;
		}
		map->list[i] = extent.start;
	}
	return 0;
}

void npmu_space_give(struct npmu_media *media, const struct npmu_extmap *map, u64 from)
{
	u32 i;

	for (i = 0; i < map->nr; i++) {
		const struct npmu_extent *e = &map->extents[i];
		u64 skip = from > e->off ? min(from - e->off, e->len) : 0;

		if (skip < e->len)
			give(media, e->start + skip, e->len - skip);
	}
}

void npmu_space_give_list(struct npmu_media *media, const struct npmu_extmap *map)
{
	u32 i;

	for (i = 0; i < map->nr_list; i++)
		give(media, map->list[i], NPMU_GRANULE_SIZE);
}

int npmu_space_zero(struct npmu_unit *unit, const struct npmu_extmap *map, u64 from)
{
	int ret;
	u32 i;

	for (i = 0; i < map->nr; i++) {
		const struct npmu_extent *e = &map->extents[i];
		u64 skip = from > e->off ? min(from - e->off, e->len) : 0;

		if (skip == e->len)
			continue;
		ret = npmu_unit_zero(unit, e->start + skip, e->len - skip);
		if (ret)
			return ret;
	}
	return 0;
}

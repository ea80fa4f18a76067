// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Snapshots of a unit and comparing with them. Owns which fields count: all of them.
 * It must not know crashes nor operations.
 */
#include "media.h"
#include "model.h"
#include "unit_snap.h"

static void *need(void *p)
{
	SHIM_ASSERT(p);
	return p;
}

static void *copy(const void *from, size_t len)
{
	void *to = need(malloc(len + !len));

	memcpy(to, from, len);
	return to;
}

static const struct snap_region *by_uuid(const struct snap *s, const u8 *uuid)
{
	u32 i;

	for (i = 0; s && i < s->nr; i++)
		if (!memcmp(s->r[i].uuid, uuid, NPMU_UUID_LEN))
			return &s->r[i];
	return NULL;
}

/* An id lives no longer than the unit is attached. */
static void take_grants(struct npmu_grant *to, const struct npmu_grant *from, u32 nr)
{
	u32 i;

	memset(to, 0, NPMU_MAX_GRANTS * sizeof(*to));
	for (i = 0; i < nr; i++) {
		memcpy(to[i].principal, from[i].principal, sizeof(to[i].principal));
		to[i].offset = from[i].offset;
		to[i].len = from[i].len;
		to[i].access = from[i].access;
	}
}

static void take_creators(struct npmu_creators *to, const struct npmu_creators *from)
{
	u32 i;

	memset(to, 0, sizeof(*to));
	to->nr = from->nr;
	for (i = 0; i < from->nr; i++) {
		memcpy(to->of[i].principal, from->of[i].principal, sizeof(to->of[i].principal));
		to->of[i].quota = from->of[i].quota;
		to->of[i].max_regions = from->of[i].max_regions;
	}
}

static void take_region(struct snap_region *r, struct npmu_region *region,
			const struct snap *before)
{
	const struct npmu_extmap *map = npmu_region_map(region);
	const struct snap_region *old = by_uuid(before, region->uuid);
	u64 pages = region->size >> NPMU_GRANULE_SHIFT;
	u64 had = old ? old->size >> NPMU_GRANULE_SHIFT : 0;

	strscpy(r->name, region->name);
	memcpy(r->uuid, region->uuid, sizeof(r->uuid));
	r->slot = region->slot;
	r->pm_addr = region->pm_addr;
	r->size = region->size;
	r->fence_epoch = region->fence_epoch;
	r->uid = region->uid.val;
	r->gid = region->gid.val;
	r->mode = region->mode;
	r->flags = region->flags;
	memcpy(r->creator, region->creator, sizeof(r->creator));
	r->nr_grants = region->nr_grants;
	take_grants(r->grants, region->grants, region->nr_grants);
	SHIM_ASSERT(map);
	r->nr = map->nr;
	r->nr_list = map->nr_list;
	r->extents = copy(map->extents, map->nr * sizeof(map->extents[0]));
	r->list = copy(map->list, map->nr_list * sizeof(map->list[0]));
	r->pages = need(calloc(pages, sizeof(*r->pages)));
	if (old)
		memcpy(r->pages, old->pages, (had < pages ? had : pages) * sizeof(*r->pages));
}

void snap_take(struct snap *s, struct npmu_unit *unit, const struct snap *before)
{
	struct npmu_region *region = NULL;
	unsigned long slot;

	memset(s, 0, sizeof(*s));
	memcpy(s->uuid, unit->uuid, sizeof(s->uuid));
	mutex_lock(&unit->lock);
	s->media_epoch = unit->media->epoch;
	s->free = npmu_alloc_available(&unit->media->alloc);
	s->bad = *npmu_media_badlist(unit->media);
	take_creators(&s->creators, unit->media->creators);
	xa_for_each(&unit->regions, slot, region) {
		SHIM_ASSERT(s->nr < SNAP_REGIONS && region->state == NPMU_REGION_LIVE);
		take_region(&s->r[s->nr++], region, before);
	}
	mutex_unlock(&unit->lock);
}

void snap_copy(struct snap *s, const struct snap *from)
{
	u32 i;

	*s = *from;
	for (i = 0; i < s->nr; i++) {
		struct snap_region *r = &s->r[i];

		r->extents = copy(r->extents, r->nr * sizeof(*r->extents));
		r->list = copy(r->list, r->nr_list * sizeof(*r->list));
		r->pages = copy(r->pages, (r->size >> NPMU_GRANULE_SHIFT) * sizeof(*r->pages));
	}
}

void snap_free(struct snap *s)
{
	u32 i;

	for (i = 0; i < s->nr; i++) {
		free(s->r[i].extents);
		free(s->r[i].list);
		free(s->r[i].pages);
	}
	s->nr = 0;
}

struct snap_region *snap_find(struct snap *s, const char *name)
{
	u32 i;

	for (i = 0; i < s->nr; i++)
		if (!strcmp(s->r[i].name, name))
			return &s->r[i];
	return NULL;
}

static bool grants_differ(const struct snap_region *r, struct npmu_region *region)
{
	struct npmu_grant now[NPMU_MAX_GRANTS];

	take_grants(now, region->grants, region->nr_grants);
	return r->nr_grants != region->nr_grants || memcmp(now, r->grants, sizeof(now)) ||
	       strcmp(r->creator, region->creator);
}

static const char *compare_region(const struct snap_region *r, struct npmu_region *region,
				  bool raised)
{
	const struct npmu_extmap *map = npmu_region_map(region);

	if (region->health != NPMU_HEALTH_GOOD || !map)
		return "a region is damaged or quarantined";
	if (memcmp(r->uuid, region->uuid, sizeof(r->uuid)))
		return "another region is in the slot";
	if (strcmp(r->name, region->name))
		return "the name of a region differs";
	if (region->fence_epoch < r->fence_epoch + raised)
		return "a fence epoch went back";
	if (region->fence_epoch != r->fence_epoch + raised)
		return "a fence epoch differs";
	if (r->uid != region->uid.val || r->gid != region->gid.val || r->mode != region->mode)
		return "owner or mode differs";
	if (r->flags != region->flags)
		return "flags differ";
	if (grants_differ(r, region))
		return "grants or creator differ";
	if (r->size != region->size || r->pm_addr != region->pm_addr)
		return "size or PM address differs";
	if (r->nr != map->nr ||
	    memcmp(r->extents, map->extents, r->nr * sizeof(*r->extents)))
		return "extents differ";
	if (r->nr_list != map->nr_list ||
	    memcmp(r->list, map->list, r->nr_list * sizeof(*r->list)))
		return "list blocks differ";
	return NULL;
}

static const char *compare(const struct snap *s, struct npmu_unit *unit, int raised)
{
	struct npmu_creators creators;
	const char *why = NULL;
	u32 i;

	if (s->absent)
		return "there should be no unit";
	if (memcmp(s->uuid, unit->uuid, sizeof(s->uuid)))
		return "the unit is another";
	for (i = 0; i < s->nr && !why; i++) {
		struct npmu_region *region = xa_load(&unit->regions, s->r[i].slot);

		if (!region)
			return "a region is lost";
		why = compare_region(&s->r[i], region, raised == (int)s->r[i].slot);
	}
	if (why)
		return why;
	if (unit->nr_regions != s->nr)
		return "a region came back, or came too early";
	if (unit->nr_unsound)
		return "unsound regions";
	if (unit->media->epoch != s->media_epoch + !(raised < 0))
		return "the media epoch differs";
	if (memcmp(npmu_media_badlist(unit->media), &s->bad, sizeof(s->bad)) ||
	    memcmp(unit->media->bad, &s->bad, sizeof(s->bad)))
		return "the bad list differs";
	take_creators(&creators, unit->media->creators);
	if (memcmp(&creators, &s->creators, sizeof(creators)))
		return "the creators differ";
	if (npmu_alloc_available(&unit->media->alloc) != s->free)
		return "free space differs: a leak, or a double owner";
	return NULL;
}

const char *snap_compare(const struct snap *s, struct npmu_unit *unit, int raised)
{
	const char *why;

	mutex_lock(&unit->lock);
	why = compare(s, unit, raised);
	mutex_unlock(&unit->lock);
	return why;
}

u64 snap_word(const u8 *uuid, u32 version)
{
	u32 tag;

	memcpy(&tag, uuid, sizeof(tag));
	return version ? (u64)(tag | 1) << 32 | version : 0;
}

static bool page_is(u64 start, u64 sure, u64 maybe)
{
	const u64 *word = (const u64 *)model_line((u32)(start / MODEL_LINE));
	u32 i;

	for (i = 0; i < NPMU_GRANULE_SIZE / 8; i++)
		if (word[i] != sure && word[i] != maybe)
			return false;
	return true;
}

const char *snap_compare_data(const struct snap *s, int slot)
{
	u64 at, page;
	u32 i, e;

	for (i = 0; i < s->nr; i++) {
		const struct snap_region *r = &s->r[i];

		if (slot >= 0 && slot != (int)r->slot)
			continue;
		for (e = 0, page = 0; e < r->nr; e++)
			for (at = 0; at < r->extents[e].len; at += NPMU_GRANULE_SIZE, page++)
				if (!page_is(r->extents[e].start + at,
					     snap_word(r->uuid, r->pages[page].sure),
					     snap_word(r->uuid, r->pages[page].maybe)))
					return "a region's bytes are not its own, or not zero";
	}
	return NULL;
}

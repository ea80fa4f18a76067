// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rights of principals. Owns the grants of a region and the creators of a unit: what
 * is admitted, how a change is committed, how much of a quota is used. It must not
 * know who has a region open; callers see to that (role.c).
 */
#include <linux/slab.h>

#include "media.h"
#include "rights.h"

static_assert(NPMU_GRANT_READ == NPMU_ACCESS_READ && NPMU_GRANT_WRITE == NPMU_ACCESS_WRITE,
	      "what is granted is what is opened");

/* Where a dump is: the slot of the region plus one, 0 for creators, then the id. */
#define POS_ID_BITS	48

int npmu_right_check_name(const char *name, struct netlink_ext_ack *extack)
{
	if (npmu_principal_ok(name))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "a principal's name is 1 to 31 of A-Z a-z 0-9 . _ + @ : - and does not start with a dot");
	return -EINVAL;
}

/* --- grants of a region --- */

const struct npmu_grant *npmu_right_find(struct npmu_region *region, const char *principal)
{
	u32 i;

	lockdep_assert_held(&region->unit->lock);
	i = npmu_grants_find(region->grants, region->nr_grants, principal);
	return i < region->nr_grants ? &region->grants[i] : NULL;
}

static int may_add(struct npmu_region *region, const struct npmu_grant *want,
		   struct netlink_ext_ack *extack)
{
	int ret;

	ret = npmu_region_check_health(region, extack);
	if (ret)
		return ret;
	if (!npmu_grant_range_ok(want->offset, want->len, want->access, region->size)) {
		NL_SET_ERR_MSG(extack,
			       "a grant is to read or to read and write, of a range of the region in multiples of 4096");
		return -EINVAL;
	}
	if (npmu_right_find(region, want->principal)) {
		NL_SET_ERR_MSG_FMT(extack,
				   "principal %s has a grant of this region: remove it first",
				   want->principal);
		return -EEXIST;
	}
	if (region->nr_grants >= NPMU_MAX_GRANTS) {
		NL_SET_ERR_MSG_FMT(extack, "a region has %d grants at most", NPMU_MAX_GRANTS);
		return -ENOSPC;
	}
	return 0;
}

int npmu_right_add(struct npmu_region *region, const struct npmu_grant *want,
		   struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_grant *grants;
	int ret;

	lockdep_assert_held(&region->lock);
	ret = npmu_right_check_name(want->principal, extack);
	if (ret)
		return ret;
	/* Room for all: who adds one may add another. */
	grants = kcalloc(NPMU_MAX_GRANTS, sizeof(*grants), GFP_KERNEL);
	if (!grants)
		return -ENOMEM;
	ret = npmu_unit_lock(unit, extack);
	if (ret)
		goto out_free;
	ret = may_add(region, want, extack);
	if (!ret) {
		u32 nr = region->nr_grants;

		if (nr)
			memcpy(grants, region->grants, nr * sizeof(*grants));
		strscpy_pad(grants[nr].principal, want->principal, NPMU_PRINCIPAL_LEN);
		grants[nr].offset = want->offset;
		grants[nr].len = want->len;
		grants[nr].access = want->access;
		grants[nr].id = ++unit->last_right;
		swap(grants, region->grants);
		region->nr_grants = nr + 1;
		npmu_region_compose(region, npmu_region_map(region));
		npmu_media_commit(unit->media);
	}
	mutex_unlock(&unit->lock);
out_free:
	kfree(grants);
	return ret;
}

int npmu_right_remove(struct npmu_region *region, const char *principal, bool raise,
		      struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region_record *rec;
	u32 i;
	int ret;

	lockdep_assert_held(&unit->lock);
	ret = npmu_region_check_health(region, extack);
	if (ret)
		return ret;
	i = npmu_grants_find(region->grants, region->nr_grants, principal);
	if (i == region->nr_grants) {
		NL_SET_ERR_MSG(extack, "the principal has no grant of this region");
		return -ENOENT;
	}
	if (raise && region->fence_epoch >= NPMU_EPOCH_MAX)
		return -EOVERFLOW;
	memmove(&region->grants[i], &region->grants[i + 1],
		(region->nr_grants - i - 1) * sizeof(region->grants[0]));
	region->nr_grants--;
	rec = npmu_region_compose(region, npmu_region_map(region));
	rec->fence_epoch = cpu_to_le64(region->fence_epoch + raise);
	npmu_media_commit(unit->media);
	if (raise)
		WRITE_ONCE(region->fence_epoch, region->fence_epoch + 1);
	return 0;
}

/* --- creators of a unit --- */

static void creator_use(struct npmu_unit *unit, const char *principal, u64 *used, u32 *regions)
{
	struct npmu_region *region;
	unsigned long slot;

	*used = 0;
	*regions = 0;
	xa_for_each(&unit->regions, slot, region) {
		if (strcmp(region->creator, principal))
			continue;
		*used += region->size;
		++*regions;
	}
}

int npmu_creator_may(struct npmu_unit *unit, const char *principal, u64 size,
		     struct netlink_ext_ack *extack)
{
	const struct npmu_creators *list = unit->media->creators;
	const struct npmu_creator *creator;
	u32 i, regions;
	u64 used;

	lockdep_assert_held(&unit->lock);
	i = npmu_creators_find(list, principal);
	if (i == list->nr) {
		NL_SET_ERR_MSG(extack, "the principal may not create regions in this unit");
		return -EACCES;
	}
	creator = &list->of[i];
	creator_use(unit, principal, &used, &regions);
	if (regions >= creator->max_regions) {
		NL_SET_ERR_MSG_FMT(extack, "the principal may have %u regions in this unit",
				   creator->max_regions);
		return -EDQUOT;
	}
	/* What it made may have grown beyond its quota by another's hand. */
	if (used > creator->quota || size > creator->quota - used) {
		NL_SET_ERR_MSG_FMT(extack, "the principal has %llu of its quota of %llu bytes",
				   used, creator->quota);
		return -EDQUOT;
	}
	return 0;
}

static int creator_insert(struct npmu_unit *unit, const struct npmu_creator *want,
			  struct netlink_ext_ack *extack)
{
	struct npmu_creators *list = unit->media->creators;
	struct npmu_creator *creator;

	if (npmu_creators_find(list, want->principal) < list->nr) {
		NL_SET_ERR_MSG_FMT(extack,
				   "principal %s may create regions already: remove that first",
				   want->principal);
		return -EEXIST;
	}
	if (list->nr >= NPMU_MAX_CREATORS) {
		NL_SET_ERR_MSG_FMT(extack, "%d principals may create regions in a unit at most",
				   NPMU_MAX_CREATORS);
		return -ENOSPC;
	}
	creator = &list->of[list->nr++];
	strscpy_pad(creator->principal, want->principal, NPMU_PRINCIPAL_LEN);
	creator->quota = want->quota;
	creator->max_regions = want->max_regions;
	creator->id = ++unit->last_right;
	npmu_media_commit_creators(unit->media);
	return 0;
}

int npmu_creator_add(struct npmu_unit *unit, const struct npmu_creator *want,
		     struct netlink_ext_ack *extack)
{
	int ret;

	ret = npmu_right_check_name(want->principal, extack);
	if (ret)
		return ret;
	if (!npmu_creator_limits_ok(want->quota, want->max_regions)) {
		NL_SET_ERR_MSG(extack,
			       "a quota is a multiple of 4096 bytes up to 16 TiB, of 1 to 10000 regions");
		return -EINVAL;
	}
	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	ret = creator_insert(unit, want, extack);
	mutex_unlock(&unit->lock);
	if (!ret)
		npmu_unit_event(unit, NPMU_EVENT_GRANT_ADDED, want->principal);
	return ret;
}

int npmu_creator_remove(struct npmu_unit *unit, const char *principal,
			struct netlink_ext_ack *extack)
{
	struct npmu_creators *list = unit->media->creators;
	int ret;
	u32 i;

	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	i = npmu_creators_find(list, principal);
	if (i < list->nr) {
		list->nr--;
		memmove(&list->of[i], &list->of[i + 1], (list->nr - i) * sizeof(list->of[0]));
		npmu_media_commit_creators(unit->media);
	} else {
		NL_SET_ERR_MSG(extack, "the principal may not create regions in this unit");
		ret = -ENOENT;
	}
	mutex_unlock(&unit->lock);
	if (!ret)
		npmu_unit_event(unit, NPMU_EVENT_GRANT_REMOVED, principal);
	return ret;
}

/* --- what is shown --- */

static bool next_creator(struct npmu_unit *unit, u64 *pos, struct npmu_right_stat *stat)
{
	const struct npmu_creators *list = unit->media->creators;
	u32 i;

	for (i = 0; i < list->nr; i++) {
		if (list->of[i].id <= *pos)
			continue;
		*pos = list->of[i].id;
		strscpy(stat->principal, list->of[i].principal);
		stat->quota = list->of[i].quota;
		stat->max_regions = list->of[i].max_regions;
		creator_use(unit, stat->principal, &stat->used, &stat->regions);
		return true;
	}
	return false;
}

static bool next_grant(struct npmu_region *region, u64 *pos, struct npmu_right_stat *stat)
{
	u64 here = (region->slot + 1ULL) << POS_ID_BITS;
	u32 i;

	for (i = 0; i < region->nr_grants; i++) {
		const struct npmu_grant *grant = &region->grants[i];

		if (here + grant->id <= *pos)
			continue;
		*pos = here + grant->id;
		strscpy(stat->region, region->name);
		strscpy(stat->principal, grant->principal);
		stat->access = grant->access;
		stat->offset = grant->offset;
		stat->len = grant->len;
		return true;
	}
	return false;
}

bool npmu_right_next(struct npmu_unit *unit, u64 *pos, struct npmu_right_stat *stat)
{
	u64 slot = *pos >> POS_ID_BITS;
	struct npmu_region *region;
	unsigned long index;

	memset(stat, 0, sizeof(*stat));
	guard(mutex)(&unit->lock);
	if (!slot && next_creator(unit, pos, stat))
		return true;
	xa_for_each_start(&unit->regions, index, region, slot ? slot - 1 : 0)
		if (region->state == NPMU_REGION_LIVE && next_grant(region, pos, stat))
			return true;
	return false;
}

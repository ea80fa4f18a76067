// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions that may have to fence a region's users first. Owns the order:
 * who is in the way is fenced and gone before the region is cut or removed. It
 * must not know what a region's record looks like.
 */
#include "evict.h"
#include "reader.h"
#include "rights.h"
#include "role.h"
#include "space.h"

int npmu_evict_fence(struct npmu_region *region, const u64 *expected,
		     struct netlink_ext_ack *extack)
{
	guard(mutex)(&region->lock);
	return npmu_role_fence(region, expected, extack);
}

static bool is_in_use(struct npmu_region *region)
{
	guard(mutex)(&region->unit->lock);
	return region->nr_live || region->nr_undrained;
}

/*
 * Nobody is in the region on return 0, and nobody comes: opens wait for
 * region->lock, claims are barred by the caller, who says if there is a writer.
 */
static int clear_users(struct npmu_region *region, bool written, bool force,
		       struct netlink_ext_ack *extack)
{
	int ret = 0;

	if (!is_in_use(region))
		return 0;
	if (!force) {
		NL_SET_ERR_MSG(extack, "the region is in use: see its TPT entries, or use force");
		return -EBUSY;
	}
	if (written)
		ret = npmu_role_fence(region, NULL, extack);
	if (!ret) {
		ret = npmu_tpt_kill_all(region);
		if (ret)
			NL_SET_ERR_MSG(extack,
				       "a user is dead to the unit but still inside: try again");
	}
	return ret;
}

static int set_locked(struct npmu_region *region, const struct npmu_region_attr *attr,
		      bool force, struct netlink_ext_ack *extack)
{
	bool closes = attr->valid & NPMU_ATTR_FLAGS && attr->flags & NPMU_REGION_F_READ_ONLY;
	int ret;

	ret = npmu_region_may_change(region, attr, extack);
	if (ret)
		return ret;
	if (closes && npmu_role_bar(region)) {
		if (force) {
			ret = npmu_role_fence(region, NULL, extack);
		} else {
			NL_SET_ERR_MSG(extack, "the region has a writer: use force to fence it");
			ret = -EBUSY;
		}
	}
	/* One that a fence could not empty may still be storing. */
	if (!ret && closes) {
		ret = npmu_tpt_drain(region);
		if (ret)
			NL_SET_ERR_MSG(extack,
				       "a former writer is still inside: try again");
	}
	if (!ret)
		ret = npmu_region_change(region, attr, extack);
	if (!ret && closes)
		npmu_reader_settle(region);
	if (closes)
		npmu_role_unbar(region);
	return ret;
}

int npmu_evict_set(struct npmu_region *region, const struct npmu_region_attr *attr,
		   bool force, struct netlink_ext_ack *extack)
{
	char old[NPMU_REGION_NAME_LEN];
	bool renamed;
	int ret;

	mutex_lock(&region->lock);
	strscpy(old, region->name);
	ret = set_locked(region, attr, force, extack);
	mutex_unlock(&region->lock);
	if (ret)
		return ret;

	renamed = attr->valid & NPMU_ATTR_NAME && strcmp(old, attr->name);
	if (renamed)
		npmu_region_event(region, NPMU_EVENT_REGION_RENAMED, old, NULL);
	if (attr->valid & ~NPMU_ATTR_NAME)
		npmu_region_event(region, NPMU_EVENT_REGION_SET, NULL, NULL);
	return 0;
}

int npmu_evict_grant(struct npmu_region *region, const struct npmu_grant *grant,
		     struct netlink_ext_ack *extack)
{
	struct npmu_party grantee = {};
	int ret;

	mutex_lock(&region->lock);
	ret = npmu_right_add(region, grant, extack);
	mutex_unlock(&region->lock);
	if (ret)
		return ret;
	strscpy(grantee.principal, grant->principal);
	npmu_region_event(region, NPMU_EVENT_GRANT_ADDED, NULL, &grantee);
	return 0;
}

int npmu_evict_revoke(struct npmu_region *region, const char *principal,
		      struct netlink_ext_ack *extack)
{
	guard(mutex)(&region->lock);
	return npmu_role_revoke(region, principal, extack);
}

static int cut_users(struct npmu_region *region, u64 size, bool force,
		     struct netlink_ext_ack *extack)
{
	struct npmu_region_cut cut;
	bool written;
	int ret;

	ret = npmu_region_cut_begin(region, size, &cut, extack);
	if (ret)
		return ret;
	written = npmu_role_bar(region);
	ret = clear_users(region, written, force, extack);
	if (!ret)
		ret = npmu_region_cut(region, &cut, extack);
	npmu_role_unbar(region);
	npmu_region_cut_end(&cut);
	return ret;
}

int npmu_evict_resize(struct npmu_region *region, u64 size, bool force,
		      struct netlink_ext_ack *extack)
{
	struct npmu_region_cut cut;
	u64 old;
	int ret;

	ret = npmu_space_round(&size, extack);
	if (ret)
		return ret;
	mutex_lock(&region->lock);
	old = region->size;
	if (size > old)
		ret = npmu_region_grow(region, size, extack);
	else if (size < old)
		ret = cut_users(region, size, force, extack);
	else
		ret = npmu_region_cut_begin(region, size, &cut, extack);
	if (!ret && size == old)
		npmu_region_cut_end(&cut);
	mutex_unlock(&region->lock);
	if (!ret && size != old)
		npmu_region_event(region, NPMU_EVENT_REGION_RESIZED, NULL, NULL);
	return ret;
}

int npmu_evict_delete(struct npmu_region *region, bool force,
		      struct netlink_ext_ack *extack)
{
	bool written;
	int ret;

	guard(mutex)(&region->lock);
	written = npmu_role_bar(region);
	ret = clear_users(region, written, force, extack);
	if (!ret)
		ret = npmu_region_remove(region, extack);
	npmu_role_unbar(region);
	return ret;
}

void npmu_evict_gone(struct npmu_region *region)
{
	guard(mutex)(&region->lock);
	npmu_role_lose(region);
	if (region->status)
		region->status->flags |= NPMU_STATUS_F_GONE;
	/* Sections are short and never wait for user memory. */
	while (npmu_tpt_kill_all(region))
		pr_err("npmu: region %s is still in use, its device is going\n", region->name);
}

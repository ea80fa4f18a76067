// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checkpoint in a region, looked at from outside. Owns how its bytes are read; the
 * walk over them is ckpt_look.c. It must not know who reads or writes, and changes nothing.
 *
 * There is no TPT entry to stand on. The bytes are read in steps under unit->lock: what
 * takes memory from a region or from the unit needs it, and a fence that waits for it
 * waits for one step. Between two steps the writer goes on and the region may be cut:
 * offsets are checked in each step, and what was read is judged by its sum.
 */
#include <linux/slab.h>

#include "backing.h"
#include "checkpoint.h"
#include "media.h"
#include "range.h"

/* Bytes read in one step. */
#define STEP		(32UL << 10)
/* How often a walk begins again since the base was replaced under it. */
#define MAX_TRIES	8

/* Under unit->lock. The range is not trusted: the region may have been cut. */
static int read_locked(struct npmu_region *region, u64 offset, void *buf, size_t len)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_extmap *map = npmu_region_map(region);
	int ret = 0;

	if (region->state != NPMU_REGION_LIVE)
		return -ENOENT;
	if (region->health == NPMU_HEALTH_DAMAGED)
		return -EIO;
	if (!npmu_range_ok(offset, len, region->size))
		return -EAGAIN;
	while (len && !ret) {
		const struct npmu_extent *e = npmu_extent_find(map->extents, map->nr, offset);
		u64 skip = offset - e->off;
		size_t step = min_t(u64, len, e->len - skip);

		if (npmu_media_is_bad(unit->media, e->start + skip, step))
			return -EIO;
		ret = npmu_backing_read(unit->backing, e->start + skip, buf, step);
		offset += step;
		buf += step;
		len -= step;
	}
	return ret;
}

static int region_read(void *ctx, u64 offset, void *buf, size_t len)
{
	struct npmu_region *region = ctx;
	int ret;

	cond_resched();
	if (fatal_signal_pending(current))
		return -EINTR;
	ret = npmu_unit_lock(region->unit, NULL);
	if (ret)
		return ret;
	ret = read_locked(region, offset, buf, len);
	mutex_unlock(&region->unit->lock);
	return ret;
}

static void explain(int ret, struct netlink_ext_ack *extack)
{
	switch (ret) {
	case -EMEDIUMTYPE:
		NL_SET_ERR_MSG(extack, "the region holds no checkpoint");
		break;
	case -EUCLEAN:
		NL_SET_ERR_MSG(extack,
			       "the checkpoint's header is damaged, or the region was shrunk");
		break;
	case -EPROTONOSUPPORT:
		NL_SET_ERR_MSG(extack,
			       "the checkpoint is of a version, form or feature that is not known");
		break;
	case -EIO:
		NL_SET_ERR_MSG(extack, "memory of the checkpoint failed, or the region is damaged");
		break;
	case -EAGAIN:
		NL_SET_ERR_MSG(extack, "the writer was faster each time: ask again");
		break;
	case -ENOENT:
		NL_SET_ERR_MSG(extack, "the region was deleted meanwhile");
		break;
	case -ENODEV:
		NL_SET_ERR_MSG(extack, "the unit's device is gone");
		break;
	}
}

/* Is the answer one that another look may change? */
static bool may_pass(int ret)
{
	return ret == -EAGAIN || ret == -EUCLEAN || ret == -EMEDIUMTYPE;
}

int npmu_checkpoint_stat(struct npmu_region *region, struct npmu_checkpoint_stat *stat,
			 struct netlink_ext_ack *extack)
{
	struct npmu_ckpt_look *look __free(kfree) = kzalloc(sizeof(*look), GFP_KERNEL);
	int tries = MAX_TRIES;
	int ret;

	if (!look)
		return -ENOMEM;
	look->read = region_read;
	look->ctx = region;
	look->stat = stat;
	look->step = STEP;
	look->buf = kvmalloc(STEP, GFP_KERNEL);
	if (!look->buf)
		return -ENOMEM;
	do {
		look->size = READ_ONCE(region->size);
		ret = npmu_ckpt_look(look);
	} while (may_pass(ret) && --tries);
	kvfree(look->buf);
	explain(ret, extack);
	return ret;
}

int npmu_checkpoint_reader(struct npmu_region *region, u32 *slot, u64 *instance,
			   struct npmu_ckpt_named *named, struct netlink_ext_ack *extack)
{
	struct npmu_ckpt_look *look __free(kfree) = kzalloc(sizeof(*look), GFP_KERNEL);
	struct npmu_checkpoint_stat stat;
	int tries = MAX_TRIES;
	int ret;

	if (!look)
		return -ENOMEM;
	look->read = region_read;
	look->ctx = region;
	look->stat = &stat;
	do {
		look->size = READ_ONCE(region->size);
		ret = npmu_ckpt_look_reader(look, slot, named);
	} while (may_pass(ret) && --tries);
	if (ret > 0)
		*instance = stat.geometry.instance;
	explain(ret, extack);
	return ret;
}

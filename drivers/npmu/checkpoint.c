// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checkpoint in a region, looked at from outside. Owns the walk from the newest
 * base to the latest update. It must not know who reads or writes, and changes nothing.
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

/**
 * struct look - one look at a checkpoint
 * @region: whose
 * @buf: of STEP bytes
 * @copy: the header
 * @slot: the headers of the slots, as they were before the walk
 * @stat: what was found
 */
struct look {
	struct npmu_region *region;
	void *buf;
	struct npmu_ckpt_header copy[2];
	struct npmu_ckpt_slot slot[2];
	struct npmu_checkpoint_stat *stat;
};

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

static int region_read(struct npmu_region *region, u64 offset, void *buf, size_t len)
{
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

/* The CRC of bytes of the region. */
static int sum_bytes(struct look *look, u64 offset, u64 len, u32 *crc)
{
	int ret;

	for (*crc = 0; len; ) {
		size_t step = min_t(u64, len, STEP);

		ret = region_read(look->region, offset, look->buf, step);
		if (ret)
			return ret;
		*crc = npmu_crc32c(*crc, look->buf, step);
		offset += step;
		len -= step;
	}
	return 0;
}

/* Is a record's sum right? Its data lie at @offset. Return: 1 or 0, or an error. */
static int holds(struct look *look, const struct npmu_ckpt_record *record, const void *header,
		 u64 offset)
{
	u32 crc = 0;
	int ret = 0;

	if (!look->stat->geometry.no_crc && !record->pad)
		ret = sum_bytes(look, offset, record->length, &crc);
	return ret ?: npmu_ckpt_sum(crc, header) == record->crc;
}

/* A copy that cannot be read is none, as long as the other one can be. */
static int look_header(struct look *look)
{
	u64 size = READ_ONCE(look->region->size);
	int ret[2];

	if (size < NPMU_CKPT_MIN_REGION)
		return -EMEDIUMTYPE;
	memset(look->copy, 0, sizeof(look->copy));
	ret[0] = region_read(look->region, NPMU_CKPT_HEADER0, &look->copy[0],
			     sizeof(look->copy[0]));
	ret[1] = region_read(look->region, NPMU_CKPT_HEADER1, &look->copy[1],
			     sizeof(look->copy[1]));
	if (ret[0] && (ret[0] != -EIO || ret[1]))
		return ret[0];
	if (ret[1] && ret[1] != -EIO)
		return ret[1];
	return npmu_ckpt_pick_header(look->copy, size, &look->stat->geometry);
}

static int read_slots(struct look *look, struct npmu_ckpt_slot *slot)
{
	const u64 *at = look->stat->geometry.slot_offset;

	return region_read(look->region, at[0], &slot[0], sizeof(slot[0])) ?:
	       region_read(look->region, at[1], &slot[1], sizeof(slot[1]));
}

/* The newest state or base that is valid. */
static int look_base(struct look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_record record[2];
	bool may[2];
	int i, n, ret;

	ret = read_slots(look, look->slot);
	if (ret)
		return ret;
	for (i = 0; i < 2; i++)
		may[i] = npmu_ckpt_check_slot(&look->slot[i], &stat->geometry, &record[i]);
	i = may[1] && (!may[0] || record[1].sequence > record[0].sequence);
	for (n = 0; n < 2 && !stat->has_base; n++, i = !i) {
		if (!may[i])
			continue;
		stat->base_offset = stat->geometry.slot_offset[i] + NPMU_CKPT_SLOT_HEADER;
		stat->base = record[i];
		ret = holds(look, &record[i], &look->slot[i], stat->base_offset);
		if (ret < 0)
			return ret;
		stat->has_base = ret;
	}
	return 0;
}

static int look_seal(struct look *look)
{
	static const u64 at[2] = { NPMU_CKPT_SEAL0, NPMU_CKPT_SEAL1 };
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_sealed sealed;
	struct npmu_ckpt_seal seal;
	int i, ret;

	for (i = 0; i < 2; i++) {
		ret = region_read(look->region, at[i], &seal, sizeof(seal));
		if (ret)
			return ret;
		if (!npmu_ckpt_check_seal(&seal, &stat->geometry, &sealed) ||
		    (stat->has_seal && sealed.fence_epoch < stat->seal.fence_epoch))
			continue;
		stat->seal = sealed;
		stat->has_seal = true;
	}
	return 0;
}

/* From the base to the latest update: no more than one round of the ring. */
static int look_updates(struct look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	const struct npmu_ckpt_geometry *geometry = &stat->geometry;
	struct npmu_ckpt_walk walk = npmu_ckpt_walk_begin(&stat->base);
	int ret = 0;

	while (walk.position - walk.start < geometry->ring_size) {
		u64 at = npmu_ckpt_ring_at(geometry, walk.position);
		struct npmu_ckpt_update update;
		struct npmu_ckpt_record record;

		ret = region_read(look->region, at, &update, sizeof(update));
		if (ret)
			return ret;
		if (!npmu_ckpt_check_update(&update, geometry, walk.position, &record))
			break;
		ret = holds(look, &record, &update, at + NPMU_CKPT_UPDATE_HEADER);
		if (ret < 0)
			return ret;
		if (!ret || !npmu_ckpt_walk_on(&walk, &record, geometry,
					       stat->has_seal ? &stat->seal : NULL))
			break;
		/* A pad alone says nothing: the update behind it may not be there. */
		if (record.pad)
			continue;
		stat->update = record;
		stat->update_offset = at + NPMU_CKPT_UPDATE_HEADER;
		stat->has_update = true;
		stat->updates++;
	}
	stat->end = walk.position;
	stat->free = geometry->ring_size - (walk.position - walk.start);
	return 0;
}

static int look_once(struct look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_slot slot[2];
	int ret;

	memset(stat, 0, sizeof(*stat));
	ret = look_header(look) ?: look_base(look);
	if (ret || (stat->geometry.form != NPMU_CKPT_FORM_APPEND && stat->has_base))
		return ret;
	if (stat->geometry.form == NPMU_CKPT_FORM_APPEND) {
		stat->free = stat->geometry.ring_size;
		ret = look_seal(look);
		if (!ret && stat->has_base)
			ret = look_updates(look);
	}
	/* With another base the space of these updates may have been used again. */
	ret = ret ?: read_slots(look, slot);
	if (!ret && memcmp(slot, look->slot, sizeof(slot)))
		ret = -EAGAIN;
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
	struct look *look __free(kfree) = kzalloc(sizeof(*look), GFP_KERNEL);
	int tries = MAX_TRIES;
	int ret;

	if (!look)
		return -ENOMEM;
	look->region = region;
	look->stat = stat;
	look->buf = kvmalloc(STEP, GFP_KERNEL);
	if (!look->buf)
		return -ENOMEM;
	do {
		ret = look_once(look);
	} while (may_pass(ret) && --tries);
	kvfree(look->buf);
	explain(ret, extack);
	return ret;
}

static int next_reader(struct look *look, u32 *slot, struct npmu_ckpt_named *named)
{
	struct npmu_ckpt_reader_entry entry;
	int tries = MAX_TRIES;
	int ret;

	do {
		ret = look_header(look);
	} while (may_pass(ret) && --tries);
	if (ret)
		return ret;
	if (look->stat->geometry.form != NPMU_CKPT_FORM_APPEND)
		return 0;
	for (; *slot < NPMU_CKPT_NR_READERS; ++*slot) {
		ret = region_read(look->region, NPMU_CKPT_READERS + *slot * sizeof(entry), &entry,
				  sizeof(entry));
		if (ret)
			return ret;
		if (npmu_ckpt_check_reader(&entry, look->stat->geometry.instance, named))
			return 1;
	}
	return 0;
}

int npmu_checkpoint_reader(struct npmu_region *region, u32 *slot, u64 *instance,
			   struct npmu_ckpt_named *named, struct netlink_ext_ack *extack)
{
	struct look *look __free(kfree) = kzalloc(sizeof(*look), GFP_KERNEL);
	struct npmu_checkpoint_stat stat;
	int ret;

	if (!look)
		return -ENOMEM;
	look->region = region;
	look->stat = &stat;
	ret = next_reader(look, slot, named);
	if (ret > 0)
		*instance = stat.geometry.instance;
	explain(ret, extack);
	return ret;
}

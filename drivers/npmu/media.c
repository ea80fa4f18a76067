// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metadata writer. Owns superblock, region records and list blocks on the
 * media: which copy counts, how a change becomes current, how a bad copy is
 * mended. It must not know what a region is for, nor who may change it.
 *
 * At rest both copies of a record are equal. A commit writes copy 0, persists
 * it, and only then copy 1: at any instant one of them is whole, and the one with
 * the higher media epoch counts. A change is answered when both are written, so
 * that falling back from a damaged copy gives nothing back that was taken away.
 */
#include <linux/ktime.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/uuid.h>

#include "extmap.h"
#include "format.h"
#include "media.h"

static u64 slot_offset(struct npmu_media *media, u32 slot, int copy)
{
	return npmu_record_offset(media->sb, slot, copy);
}

static int layout_error(int err, struct netlink_ext_ack *extack)
{
	if (err == NPMU_FMT_MAX_REGIONS)
		NL_SET_ERR_MSG(extack,
			       "a unit has 8 to 10000 slots, and their tables (8 KiB a slot) take an eighth of it at most");
	else
		NL_SET_ERR_MSG_FMT(extack, "cannot lay the unit out: %s",
				   npmu_format_error_text(err));
	return -EINVAL;
}

/* The first 64 KiB: where every file system and unit has its identity. */
static int check_empty(struct npmu_backing *backing, void *buf,
		       struct netlink_ext_ack *extack)
{
	u64 off;
	int ret;

	for (off = 0; off < NPMU_TABLE_START; off += NPMU_RECORD_SIZE) {
		ret = npmu_backing_read(backing, off, buf, NPMU_RECORD_SIZE);
		if (ret) {
			NL_SET_ERR_MSG_FMT(extack, "device has a bad block at byte %llu", off);
			return ret;
		}
		if (npmu_bytes_zero(buf, NPMU_RECORD_SIZE))
			continue;
		NL_SET_ERR_MSG(extack,
			       "device is not empty: look what it holds, then format with force");
		return -EEXIST;
	}
	return 0;
}

static int bad_place(u64 off, struct netlink_ext_ack *extack)
{
	NL_SET_ERR_MSG_FMT(extack,
			   "bad block at byte %llu, where metadata belongs: clear it",
			   off);
	return -EIO;
}

int npmu_media_format(struct npmu_backing *backing, const char *name, u32 max_regions,
		      bool force, u8 *uuid, struct netlink_ext_ack *extack)
{
	struct npmu_superblock *sb __free(kfree) = NULL;
	struct npmu_region_record *rec __free(kfree) = NULL;
	u32 slot;
	int copy;
	int ret;
	u64 off;

	sb = kzalloc(sizeof(*sb), GFP_KERNEL);
	rec = kzalloc(sizeof(*rec), GFP_KERNEL);
	if (!sb || !rec)
		return -ENOMEM;
	ret = npmu_layout_fill(sb, backing->size, max_regions);
	if (ret)
		return layout_error(ret, extack);
	if (!force) {
		ret = check_empty(backing, rec, extack);
		if (ret)
			return ret;
		memset(rec, 0, sizeof(*rec));
	}

	generate_random_uuid(sb->uuid);
	memcpy(uuid, sb->uuid, NPMU_UUID_LEN);
	strscpy((char *)sb->name, name, sizeof(sb->name));
	sb->created = cpu_to_le64(ktime_get_real_seconds());
	npmu_sb_seal(sb);

	/* While the tables are half written there is no unit. */
	for (off = 0; off < NPMU_TABLE_START; off += NPMU_RECORD_SIZE)
		if (!npmu_backing_put(backing, off, rec, sizeof(*rec)))
			return bad_place(off, extack);
	npmu_backing_fence(backing);
	for (slot = 0; slot < le32_to_cpu(sb->max_regions); slot++) {
		npmu_region_fill_free(rec, sb, slot, 0);
		for (copy = 0; copy < 2; copy++) {
			off = npmu_record_offset(sb, slot, copy);
			if (!npmu_backing_put(backing, off, rec, sizeof(*rec)))
				return bad_place(off, extack);
		}
		cond_resched();
	}
	npmu_backing_fence(backing);
	npmu_backing_persist(backing, NPMU_SB_COPY1, sb, sizeof(*sb));
	npmu_backing_persist(backing, 0, sb, sizeof(*sb));
	return 0;
}

static int sb_refuse(int err, struct netlink_ext_ack *extack)
{
	switch (err) {
	case NPMU_FMT_MAGIC:
		NL_SET_ERR_MSG(extack, "there is no npmu unit on this device: format it first");
		return -EUCLEAN;
	case NPMU_FMT_VERSION:
	case NPMU_FMT_FEATURES:
		NL_SET_ERR_MSG_FMT(extack, "this module cannot use the unit: %s",
				   npmu_format_error_text(err));
		return -EOPNOTSUPP;
	default:
		NL_SET_ERR_MSG_FMT(extack, "both superblock copies are bad: %s",
				   npmu_format_error_text(err));
		return -EUCLEAN;
	}
}

/* A read that fails is a copy that is not valid, and no reason to give up. */
int npmu_media_read_block(struct npmu_media *media, u64 off, void *buf)
{
	int ret = npmu_backing_read(media->backing, off, buf, NPMU_RECORD_SIZE);

	if (ret)
		memset(buf, 0, NPMU_RECORD_SIZE);
	return ret;
}

static int read_superblock(struct npmu_media *media, struct netlink_ext_ack *extack)
{
	static const u64 where[2] = { 0, NPMU_SB_COPY1 };
	void *copies[2] = { media->sb, media->twin };
	int verdict[2];
	int copy;

	for (copy = 0; copy < 2; copy++) {
		npmu_media_read_block(media, where[copy], copies[copy]);
		verdict[copy] = npmu_sb_check(copies[copy], media->backing->size);
	}
	if (verdict[0] && verdict[1])
		/* The more telling of the two. */
		return sb_refuse(verdict[0] == NPMU_FMT_MAGIC ? verdict[1] : verdict[0], extack);
	if (!verdict[0] && !verdict[1] && !memcmp(media->sb, media->twin, NPMU_RECORD_SIZE))
		return 0;

	/* Format writes copy 1 first, so a valid copy 0 is never the older one. */
	copy = verdict[0] ? 1 : 0;
	if (copy)
		memcpy(media->sb, media->twin, NPMU_RECORD_SIZE);
	media->repaired += npmu_backing_persist(media->backing, where[!copy], media->sb,
						NPMU_RECORD_SIZE);
	return 0;
}

struct npmu_media *npmu_media_open(struct npmu_backing *backing,
				   struct netlink_ext_ack *extack)
{
	struct npmu_media *media;
	u64 size;
	int ret;

	media = kzalloc(sizeof(*media), GFP_KERNEL);
	if (!media)
		return ERR_PTR(-ENOMEM);
	media->backing = backing;
	media->sb = kmalloc(NPMU_RECORD_SIZE, GFP_KERNEL);
	media->rec = kmalloc(NPMU_RECORD_SIZE, GFP_KERNEL);
	media->twin = kmalloc(NPMU_RECORD_SIZE, GFP_KERNEL);
	media->blk = kmalloc(NPMU_RECORD_SIZE, GFP_KERNEL);
	ret = -ENOMEM;
	if (!media->sb || !media->rec || !media->twin || !media->blk)
		goto err;
	ret = read_superblock(media, extack);
	if (ret)
		goto err;

	size = le64_to_cpu(media->sb->size);
	ret = -ENOMEM;
	media->alloc_mem = kvzalloc(npmu_alloc_bytes(size, backing->skew), GFP_KERNEL);
	if (!media->alloc_mem)
		goto err;
	npmu_alloc_init(&media->alloc, media->alloc_mem, le64_to_cpu(media->sb->data_start),
			size, backing->skew);
	ret = npmu_media_load_bad(media) ?: npmu_media_load_creators(media);
	if (ret)
		goto err;
	return media;
err:
	npmu_media_close(media);
	return ERR_PTR(ret);
}

void npmu_media_close(struct npmu_media *media)
{
	if (!media)
		return;
	npmu_media_free_bad(media);
	kfree(media->creators);
	kvfree(media->alloc_mem);
	kfree(media->blk);
	kfree(media->twin);
	kfree(media->rec);
	kfree(media->sb);
	kfree(media);
}

/* A list to walk: whose it is, how many extents it holds, where it begins. */
struct list_walk {
	u32 slot;
	const u8 *uuid;
	u32 left;
	struct npmu_list_ref ref;
	bool mend;
};

static struct list_walk walk_begin(u32 slot, const u8 *uuid, u32 nr,
				   const struct npmu_list_ref *ref)
{
	return (struct list_walk) {
		.slot = slot,
		.uuid = uuid,
		.left = nr - NPMU_INLINE_EXTENTS,
		.ref = *ref,
	};
}

/*
 * Reads the next block into media->blk, from whichever copy is valid, and mends
 * the other one if asked to.
 */
static int read_list_block(struct npmu_media *media, const struct list_walk *walk)
{
	const struct npmu_list_ref *ref = &walk->ref;
	int verdict[2];
	int copy;

	for (copy = 1; copy >= 0; copy--) {
		npmu_media_read_block(media, le64_to_cpu(ref->addr[copy]), media->blk);
		verdict[copy] = npmu_list_check(media->blk, ref, media->sb, walk->slot,
						walk->uuid, walk->left);
	}
	if (verdict[0] && verdict[1])
		return -EUCLEAN;
	if (verdict[0])
		npmu_media_read_block(media, le64_to_cpu(ref->addr[1]), media->blk);
	if (walk->mend && (verdict[0] || verdict[1]))
		media->repaired += npmu_backing_persist(media->backing,
							le64_to_cpu(ref->addr[verdict[0] ? 0 : 1]),
							media->blk, NPMU_RECORD_SIZE);
	return 0;
}

/* Walks a list to its end; fills @map when there is one. */
static int walk_list(struct npmu_media *media, struct list_walk *walk, struct npmu_extmap *map)
{
	u32 nr_list = 0;
	u64 off;
	u32 nr;

	while (npmu_list_ref_present(&walk->ref)) {
		if (read_list_block(media, walk))
			return -EUCLEAN;
		nr = le32_to_cpu(media->blk->nr);
		if (map) {
			u32 done = map->nr - walk->left;

			off = map->extents[done - 1].off + map->extents[done - 1].len;
			npmu_extents_load(&map->extents[done], media->blk->extents, nr, off);
			map->list[nr_list++] = le64_to_cpu(walk->ref.addr[0]);
			map->list[nr_list++] = le64_to_cpu(walk->ref.addr[1]);
		}
		walk->left -= nr;
		walk->ref = media->blk->next;
		cond_resched();
	}
	return walk->left ? -EUCLEAN : 0;
}

static int walk_record(struct npmu_media *media, const struct npmu_region_record *rec,
		       struct npmu_extmap *map)
{
	u32 nr = le32_to_cpu(rec->nr_extents);
	struct list_walk walk;

	if (nr <= NPMU_INLINE_EXTENTS)
		return 0;
	walk = walk_begin(le32_to_cpu(rec->slot), rec->uuid, nr, &rec->list);
	return walk_list(media, &walk, map);
}

void npmu_media_mend_list(struct npmu_media *media, u32 slot, const u8 *uuid, u32 nr,
			  const struct npmu_list_ref *ref)
{
	struct list_walk walk;

	if (nr <= NPMU_INLINE_EXTENTS)
		return;
	walk = walk_begin(slot, uuid, nr, ref);
	walk.mend = true;
	/* It was walked before: nothing can be found now. */
	walk_list(media, &walk, NULL);
}

static int load_map(struct npmu_media *media, const struct npmu_region_record *rec,
		    struct npmu_extmap **out)
{
	u32 nr = le32_to_cpu(rec->nr_extents);
	struct npmu_extmap *map;

	*out = NULL;
	/* Sound regions have no more extents than there are granules. */
	media->nr_extents += nr;
	if (media->nr_extents > media->alloc.hi >> NPMU_GRANULE_SHIFT)
		return 0;
	map = npmu_extmap_alloc(nr);
	if (!map)
		return -ENOMEM;
	npmu_extents_load(map->extents, rec->extents, min_t(u32, nr, NPMU_INLINE_EXTENTS), 0);
	if (walk_record(media, rec, map) ||
	    !npmu_extents_check(map->extents, nr, le64_to_cpu(rec->size),
				le64_to_cpu(media->sb->data_start),
				le64_to_cpu(media->sb->size))) {
		npmu_extmap_free(map);
		return 0;
	}
	*out = map;
	return 0;
}

int npmu_media_load(struct npmu_media *media, u32 slot, struct npmu_extmap **map)
{
	struct npmu_region_record *copies[2] = { media->rec, media->twin };
	int verdict[2];
	u64 epoch[2];
	struct npmu_pick pick;
	bool same;
	u64 at;
	int copy;

	*map = NULL;
	for (copy = 0; copy < 2; copy++) {
		npmu_media_read_block(media, slot_offset(media, slot, copy), copies[copy]);
		verdict[copy] = npmu_region_check(copies[copy], media->sb, slot);
		epoch[copy] = le64_to_cpu(copies[copy]->media_epoch);
	}
	same = !memcmp(media->rec, media->twin, NPMU_RECORD_SIZE);
	/*
	 * Copies that differ were cut off in the middle of a commit. Nothing the
	 * older one names has been used again, so it serves if the list of the newer
	 * one is bad.
	 */
	for (copy = 0; copy < 2 && !same; copy++) {
		if (!verdict[copy] && walk_record(media, copies[copy], NULL))
			verdict[copy] = NPMU_FMT_LIST_REF;
	}
	pick = npmu_record_pick(verdict, epoch, same);
	if (pick.current_copy < 0)
		return -EUCLEAN;
	if (pick.current_copy == 1)
		memcpy(media->rec, media->twin, NPMU_RECORD_SIZE);
	if (pick.repair) {
		at = slot_offset(media, slot, !pick.current_copy);
		media->repaired += npmu_backing_persist(media->backing, at, media->rec,
							NPMU_RECORD_SIZE);
	}
	media->epoch = max(media->epoch, le64_to_cpu(media->rec->media_epoch));
	if (le32_to_cpu(media->rec->state) != NPMU_SLOT_REGION)
		return 0;
	return load_map(media, media->rec, map);
}

struct npmu_region_record *npmu_media_begin(struct npmu_media *media, u32 slot)
{
	npmu_region_fill_free(media->rec, media->sb, slot, 0);
	return media->rec;
}

void npmu_media_commit(struct npmu_media *media)
{
	struct npmu_region_record *rec = media->rec;
	u32 slot = le32_to_cpu(rec->slot);

	rec->media_epoch = cpu_to_le64(++media->epoch);
	npmu_region_seal(rec);
	/* From here on a power cut finds the change made. */
	npmu_backing_persist(media->backing, slot_offset(media, slot, 0), rec, sizeof(*rec));
	npmu_backing_persist(media->backing, slot_offset(media, slot, 1), rec, sizeof(*rec));
}

void npmu_media_write_list(struct npmu_media *media, u32 slot, const u8 *uuid,
			   const struct npmu_extent *extents, u32 nr, const u64 *addr,
			   struct npmu_list_ref *ref)
{
	struct npmu_list_block *blk = media->blk;
	u32 blocks = npmu_list_blocks(nr);
	u32 i;

	memset(ref, 0, sizeof(*ref));
	/* The last block first: each names its successor by CRC. */
	for (i = blocks; i-- > 0;) {
		u32 first = NPMU_INLINE_EXTENTS + i * NPMU_LIST_EXTENTS;
		u32 here = min_t(u32, nr - first, NPMU_LIST_EXTENTS);

		memset(blk, 0, sizeof(*blk));
		blk->slot = cpu_to_le32(slot);
		blk->nr = cpu_to_le32(here);
		memcpy(blk->region_uuid, uuid, NPMU_UUID_LEN);
		blk->next = *ref;
		npmu_extents_store(blk->extents, &extents[first], here);
		ref->crc = cpu_to_le32(npmu_list_seal(blk));
		ref->addr[0] = cpu_to_le64(addr[2 * i]);
		ref->addr[1] = cpu_to_le64(addr[2 * i + 1]);
		npmu_backing_write(media->backing, addr[2 * i], blk, sizeof(*blk));
		npmu_backing_write(media->backing, addr[2 * i + 1], blk, sizeof(*blk));
	}
	npmu_backing_fence(media->backing);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad memory and the media. Owns the bad list on the media, under the same rule of
 * two copies as a record, and the mending of metadata that was hit. It must not know
 * who uses what failed.
 */
#include <linux/export.h>
#include <linux/mm.h>
#include <linux/rcupdate.h>
#include <linux/slab.h>

#include "format.h"
#include "media.h"

static const u64 bad_where[2] = { NPMU_BAD_COPY0, NPMU_BAD_COPY1 };

/* media->blk is free for this: no list block is being composed. */
static struct npmu_bad_block *bad_block(struct npmu_media *media)
{
	return (void *)media->blk;
}

/*
 * Both copies gone: what failed before is not known. The list goes on from nothing,
 * but as one that is not complete.
 */
static void take_lost(struct npmu_media *media)
{
	pr_err("npmu: both copies of the bad list are damaged: nothing is allocated on this unit\n");
	media->bad_next->incomplete = true;
	media->bad_lost = true;
}

int npmu_media_load_bad(struct npmu_media *media)
{
	struct npmu_bad_block *copies[2] = { (void *)media->rec, (void *)media->twin };
	struct npmu_badlist *list;
	struct npmu_pick pick;
	int verdict[2];
	u64 epoch[2];
	int copy;

	list = kvzalloc(sizeof(*list), GFP_KERNEL);
	media->bad_next = kvzalloc(sizeof(*list), GFP_KERNEL);
	rcu_assign_pointer(media->bad, list);
	if (!list || !media->bad_next)
		return -ENOMEM;
	for (copy = 0; copy < 2; copy++) {
		/* One that cannot be read is not one that is empty. */
		verdict[copy] = npmu_media_read_block(media, bad_where[copy], copies[copy]) ?
				NPMU_FMT_CRC : npmu_bad_check(copies[copy], media->sb);
		epoch[copy] = le64_to_cpu(copies[copy]->media_epoch);
	}
	pick = npmu_record_pick(verdict, epoch,
				!memcmp(copies[0], copies[1], NPMU_RECORD_SIZE));
	if (pick.current_copy < 0) {
		take_lost(media);
		return 0;
	}
	if (pick.repair)
		media->repaired += npmu_backing_persist(media->backing,
							bad_where[!pick.current_copy],
							copies[pick.current_copy],
							NPMU_RECORD_SIZE);
	media->epoch = max(media->epoch, epoch[pick.current_copy]);
	npmu_bad_load(list, copies[pick.current_copy]);
	*media->bad_next = *list;
	return 0;
}

void npmu_media_free_bad(struct npmu_media *media)
{
	kvfree(rcu_dereference_protected(media->bad, 1));
	kvfree(media->bad_next);
}

void npmu_media_add_bad(struct npmu_media *media, u64 start, u64 len)
{
	npmu_bad_add(media->bad_next, start, len);
}

/* Both copies of the list as it is composed. */
static void write_list(struct npmu_media *media)
{
	struct npmu_bad_block *blk = bad_block(media);

	npmu_bad_store(blk, media->bad_next, media->sb, ++media->epoch);
	npmu_backing_persist(media->backing, bad_where[0], blk, sizeof(*blk));
	npmu_backing_persist(media->backing, bad_where[1], blk, sizeof(*blk));
}

bool npmu_media_commit_bad(struct npmu_media *media)
{
	struct npmu_badlist *list = media->bad_next;
	struct npmu_badlist *old = rcu_dereference_protected(media->bad, 1);

	if (!memcmp(list, old, sizeof(*list)))
		return false;
	write_list(media);
	rcu_assign_pointer(media->bad, list);
	/* The old one is composed in from now on. */
	synchronize_rcu();
	*old = *list;
	media->bad_next = old;
	return true;
}

void npmu_media_keep_bad(struct npmu_media *media, u64 start, u64 len)
{
	const struct npmu_badlist *list = npmu_media_badlist(media);
	u64 end = start + len;
	u32 i;

	for (i = npmu_bad_find(list, start); i < list->nr && list->ranges[i].start < end; i++) {
		u64 from = max(start, list->ranges[i].start);
		u64 stop = min(end, list->ranges[i].start + list->ranges[i].len);

		npmu_alloc_mark_rest(&media->alloc, from, stop - from);
	}
}

bool npmu_media_is_bad(struct npmu_media *media, u64 start, u64 len)
{
	bool listed;

	rcu_read_lock();
	listed = npmu_bad_meets(rcu_dereference(media->bad), start, len);
	rcu_read_unlock();
	return listed || npmu_backing_bad(media->backing, start, len);
}
EXPORT_SYMBOL_GPL(npmu_media_is_bad);

/* The twin of the record at an offset of the tables, if it is valid. */
static bool read_twin(struct npmu_media *media, u64 off)
{
	u64 table[2] = { le64_to_cpu(media->sb->table[0]), le64_to_cpu(media->sb->table[1]) };
	u64 bytes = (u64)le32_to_cpu(media->sb->max_regions) * NPMU_RECORD_SIZE;
	unsigned int copy;

	for (copy = 0; copy < 2; copy++) {
		u32 slot;

		if (off < table[copy] || off - table[copy] >= bytes)
			continue;
		slot = (off - table[copy]) / NPMU_RECORD_SIZE;
		return !npmu_media_read_block(media, npmu_record_offset(media->sb, slot, !copy),
					      media->twin) &&
		       !npmu_region_check(media->twin, media->sb, slot);
	}
	return false;
}

void npmu_media_mend_at(struct npmu_media *media, u64 off)
{
	if (off == 0 || off == NPMU_SB_COPY1) {
		media->repaired += npmu_backing_persist(media->backing, off, media->sb,
							NPMU_RECORD_SIZE);
	} else if (off == NPMU_BAD_COPY0 || off == NPMU_BAD_COPY1) {
		write_list(media);
		media->repaired += !npmu_backing_bad(media->backing, off, NPMU_RECORD_SIZE);
	} else if (off == NPMU_CREATORS_COPY0 || off == NPMU_CREATORS_COPY1) {
		npmu_media_commit_creators(media);
		media->repaired += !npmu_backing_bad(media->backing, off, NPMU_RECORD_SIZE);
	} else if (off < NPMU_TABLE_START) {
		memset(media->twin, 0, NPMU_RECORD_SIZE);
		npmu_backing_persist(media->backing, off, media->twin, NPMU_RECORD_SIZE);
	} else if (read_twin(media, off)) {
		media->repaired += npmu_backing_persist(media->backing, off, media->twin,
							NPMU_RECORD_SIZE);
	}
}

u32 npmu_media_unreadable(struct npmu_media *media)
{
	u64 end = le64_to_cpu(media->sb->data_start);
	u64 off = 0;
	u64 len;
	u32 nr = 0;

	for (; npmu_backing_next_bad(media->backing, off, end, &off, &len); off += len)
		nr += len / NPMU_RECORD_SIZE;
	return nr;
}

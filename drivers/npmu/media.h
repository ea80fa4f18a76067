/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The media of a unit: the only reader and writer of superblock, region records,
 * list blocks, bad list and creators (npmu_format.h). All calls but format, open and close are made
 * under unit->lock with the backing present.
 */
#ifndef _NPMU_MEDIA_H
#define _NPMU_MEDIA_H

#include <linux/npmu_format.h>

#include "alloc.h"
#include "backing.h"
#include "badlist.h"
#include "grant.h"

struct netlink_ext_ack;
struct npmu_extmap;

/**
 * struct npmu_media - an open unit's metadata
 * @backing: where it is
 * @sb: valid superblock
 * @alloc: granules that are taken; filled by whoever loads the regions
 * @alloc_mem: memory of @alloc
 * @epoch: highest media epoch there is
 * @nr_extents: extents of all records that were loaded
 * @repaired: copies that were mended from their twins
 * @bad: what failed of the data area: written under unit->lock, read under RCU
 * @bad_next: the list being composed; equal to @bad between commits
 * @bad_lost: neither copy of the list on the media is valid
 * @creators: who may create regions, as on the media: changed, then committed
 * @rec: a record being composed or compared, so that no commit allocates
 * @twin: the other copy, likewise
 * @blk: a list block, likewise
 */
struct npmu_media {
	struct npmu_backing *backing;
	struct npmu_superblock *sb;
	struct npmu_alloc alloc;
	void *alloc_mem;
	u64 epoch;
	u64 nr_extents;
	u32 repaired;
	struct npmu_badlist __rcu *bad;
	struct npmu_badlist *bad_next;
	bool bad_lost;
	struct npmu_creators *creators;
	struct npmu_region_record *rec;
	struct npmu_region_record *twin;
	struct npmu_list_block *blk;
};

/**
 * npmu_media_format - write an empty unit
 * @backing: where
 * @name: legal unit name
 * @max_regions: 0: a default
 * @force: overwrite what is there
 * @uuid: out: 16 bytes
 * @extack: message on refusal
 *
 * Return: 0, -EEXIST (not empty), -EINVAL (sizes), -EIO, -ENOMEM.
 */
int npmu_media_format(struct npmu_backing *backing, const char *name, u32 max_regions,
		      bool force, u8 *uuid, struct netlink_ext_ack *extack);

/**
 * npmu_media_open - read the superblock, mend a bad copy of it
 * @backing: where
 * @extack: message on refusal
 *
 * Return: the media with an empty allocator, or ERR_PTR: -EUCLEAN (no unit, or
 * damaged), -EOPNOTSUPP (features), -ENOMEM.
 */
struct npmu_media *npmu_media_open(struct npmu_backing *backing,
				   struct netlink_ext_ack *extack);
void npmu_media_close(struct npmu_media *media);

/**
 * npmu_media_load - read one slot, mend a bad or older copy
 * @media: of the unit
 * @slot: below max_regions
 * @map: out: extents of a region; NULL: the list is damaged in both copies. A
 *	list block of which one copy is bad is left so: npmu_media_mend_list()
 *
 * The record is in media->rec. Raises media->epoch to the record's.
 *
 * Return: 0; -EUCLEAN: no copy is valid; -ENOMEM.
 */
int npmu_media_load(struct npmu_media *media, u32 slot, struct npmu_extmap **map);

/*
 * Mend the bad copies of a list that was loaded, once it is known that the blocks
 * are the region's own.
 */
void npmu_media_mend_list(struct npmu_media *media, u32 slot, const u8 *uuid, u32 nr,
			  const struct npmu_list_ref *ref);

/* Begin a record in media->rec: all but the fields of a region are set. */
struct npmu_region_record *npmu_media_begin(struct npmu_media *media, u32 slot);

/* Commit media->rec to both copies under a new media epoch. Durable on return. */
void npmu_media_commit(struct npmu_media *media);

/**
 * npmu_media_write_list - write the list blocks of a region
 * @media: of the unit
 * @slot: of the region
 * @uuid: of the region
 * @extents: all extents of the region
 * @nr: number of them, more than NPMU_INLINE_EXTENTS
 * @addr: taken granules, 2 * npmu_list_blocks(@nr)
 * @ref: out: what the record is to name. The blocks are durable on return
 */
void npmu_media_write_list(struct npmu_media *media, u32 slot, const u8 *uuid,
			   const struct npmu_extent *extents, u32 nr, const u64 *addr,
			   struct npmu_list_ref *ref);

/*
 * Bad memory (media_bad.c). add enters a range of the data area into the list being
 * composed; commit makes that the list, if it differs: durably, in both copies, then
 * for the readers. No failure but of a copy that cannot be written.
 */
void npmu_media_add_bad(struct npmu_media *media, u64 start, u64 len);
bool npmu_media_commit_bad(struct npmu_media *media);

/* Takes what failed of a run out of the allocator, where it was free. */
void npmu_media_keep_bad(struct npmu_media *media, u64 start, u64 len);

/* May anything of the range be touched? Without a lock; under RCU or none. */
bool npmu_media_is_bad(struct npmu_media *media, u64 start, u64 len);

/* Commit media->creators to both copies. Durable on return (media_creators.c). */
void npmu_media_commit_creators(struct npmu_media *media);

/* Writes the metadata block at a multiple of 4 KiB anew, from its twin. */
void npmu_media_mend_at(struct npmu_media *media, u64 off);

/* Metadata blocks that cannot be read and could not be mended. */
u32 npmu_media_unreadable(struct npmu_media *media);

/* The list, under unit->lock. */
static inline const struct npmu_badlist *npmu_media_badlist(struct npmu_media *media)
{
	return media->bad_next;
}

/*
 * For the files of this layer alone. A block that cannot be read is zeros and -EIO.
 */
int npmu_media_read_block(struct npmu_media *media, u64 off, void *buf);
int npmu_media_load_bad(struct npmu_media *media);
void npmu_media_free_bad(struct npmu_media *media);
int npmu_media_load_creators(struct npmu_media *media);

#endif /* _NPMU_MEDIA_H */

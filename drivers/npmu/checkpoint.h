/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checkpoint in a region, looked at from outside: what it holds, where it begins
 * and where it ends. Nothing of it is changed.
 */
#ifndef _NPMU_CHECKPOINT_H
#define _NPMU_CHECKPOINT_H

#include "ckpt.h"
#include "region.h"

/**
 * struct npmu_checkpoint_stat - what a region's checkpoint holds
 * @geometry: what its header says
 * @has_base: there is a base, or a state in the overwrite form
 * @has_update: there are updates behind it
 * @has_seal: a writer sealed
 * @base: the newest valid one
 * @base_offset: of its data in the region
 * @update: the latest one
 * @update_offset: of its data in the region
 * @seal: the one that counts
 * @updates: how many there are behind the base
 * @end: position behind the latest one
 * @free: bytes of the ring that are neither behind the base nor before @end
 */
struct npmu_checkpoint_stat {
	struct npmu_ckpt_geometry geometry;
	bool has_base;
	bool has_update;
	bool has_seal;
	struct npmu_ckpt_record base;
	u64 base_offset;
	struct npmu_ckpt_record update;
	u64 update_offset;
	struct npmu_ckpt_sealed seal;
	u64 updates;
	u64 end;
	u64 free;
};

/**
 * npmu_checkpoint_stat - look at the checkpoint of a region
 * @region: with a reference, no lock held
 * @stat: filled in when 0 is returned
 * @extack: message on refusal
 *
 * Reads all of the base and of the updates, in steps that no fence has to wait for.
 *
 * Return: 0; -EMEDIUMTYPE (no checkpoint), -EUCLEAN (a damaged one), -EPROTONOSUPPORT
 * (an unknown version, form or feature), -EIO (memory failed), -EAGAIN (the writer was
 * faster each time), -EINTR (killed), -ENOENT (deleted), -ENODEV, -ENOMEM.
 */
int npmu_checkpoint_stat(struct npmu_region *region, struct npmu_checkpoint_stat *stat,
			 struct netlink_ext_ack *extack);

/**
 * npmu_checkpoint_reader - the next named reader
 * @region: with a reference, no lock held
 * @slot: in: place in the table to begin at; out: its place
 * @instance: out: of the checkpoint
 * @named: out: what the entry says
 * @extack: message on refusal
 *
 * Return: 1; 0: there is none (any more); errors as npmu_checkpoint_stat().
 */
int npmu_checkpoint_reader(struct npmu_region *region, u32 *slot, u64 *instance,
			   struct npmu_ckpt_named *named, struct netlink_ext_ack *extack);

#endif /* _NPMU_CHECKPOINT_H */

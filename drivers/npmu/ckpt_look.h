/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A look at the checkpoint in a region: what it holds, where it begins and where it ends.
 * The bytes are read by a callback, once each; nothing is changed.
 */
#ifndef NPMU_CKPT_LOOK_H
#define NPMU_CKPT_LOOK_H

#include "ckpt.h"

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
 * struct npmu_ckpt_look - one look
 * @size: bytes of the region
 * @read: reads exactly @len bytes at @offset of the region, which may be beyond what
 *	there is by now; 0 or a negative errno, which ends the look, except -EIO for one
 *	copy of the header
 * @ctx: for @read
 * @buf: for data on their way to their sum
 * @step: bytes of @buf, not 0
 * @stat: what was found
 * @copy: the header
 * @slot: the headers of the slots, as they were before the walk
 */
struct npmu_ckpt_look {
	u64 size;
	int (*read)(void *ctx, u64 offset, void *buf, size_t len);
	void *ctx;
	void *buf;
	size_t step;
	struct npmu_checkpoint_stat *stat;
	struct npmu_ckpt_header copy[2];
	struct npmu_ckpt_slot slot[2];
};

/**
 * npmu_ckpt_look - look at the checkpoint once
 * @look: all set but @copy and @slot
 *
 * Return: 0; -EMEDIUMTYPE (no checkpoint), -EUCLEAN (a damaged one), -EPROTONOSUPPORT
 * (an unknown version, form or feature), -EAGAIN (the base was replaced meanwhile); what
 * @read returned.
 */
int npmu_ckpt_look(struct npmu_ckpt_look *look);

/**
 * npmu_ckpt_look_reader - the next named reader
 * @look: as for npmu_ckpt_look(), without @buf; of @stat the geometry is set
 * @slot: in: place in the table to begin at; out: its place
 * @named: out: what the entry says
 *
 * Return: 1; 0: there is none (any more); errors as npmu_ckpt_look().
 */
int npmu_ckpt_look_reader(struct npmu_ckpt_look *look, u32 *slot, struct npmu_ckpt_named *named);

#endif /* NPMU_CKPT_LOOK_H */

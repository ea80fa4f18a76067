/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The checkpoint in a region as an administrator sees it: what it holds, and how far its
 * readers are. Who writes or reads one takes npmu/ckpt.h or npmu/append.h.
 */
#ifndef NPMU_CHECKPOINT_H
#define NPMU_CHECKPOINT_H

#include <npmu/control.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define NPMU_READER_NAME_LEN	16

/* Which parts of struct npmu_checkpoint_info there are. */
#define NPMU_CHECKPOINT_HAS_BASE	(1U << 0)
#define NPMU_CHECKPOINT_HAS_UPDATE	(1U << 1)
#define NPMU_CHECKPOINT_HAS_SEAL	(1U << 2)

/**
 * struct npmu_checkpoint_info - the checkpoint in a region, as the media say
 * @unit: name of the unit
 * @region: name of the region
 * @form: enum npmu_checkpoint_form
 * @has: NPMU_CHECKPOINT_HAS_*
 * @no_crc: 1: the data are under no CRC
 * @reserved: zero
 * @generation: raised each time a checkpoint is made anew in the region
 * @instance: its random identity
 * @capacity: longest state or base in bytes
 * @created: seconds since 1970
 * @base_sequence: of the newest base, in the overwrite form of the state
 * @base_offset: of its data in the region
 * @base_length: bytes of them
 * @base_tag: the application's
 * @base_fence_epoch: of its writer
 * @base_position: where the updates to it begin. Append form, as all that follows
 * @update_sequence: of the latest update
 * @update_offset: of its data in the region
 * @update_length: bytes of them
 * @update_tag: the application's
 * @update_fence_epoch: of its writer
 * @updates: how many there are behind the base
 * @end: position behind the latest one. A reader's lag is @end minus its position
 * @ring_offset: of the ring in the region
 * @ring_size: bytes of it
 * @free: bytes of it that can be written before it is full
 * @seal_fence_epoch: of the writer that sealed last
 * @seal_sequence: of the last base or update it accepted
 * @seal_end: position behind the last update it accepted
 * @seal_base: sequence of the base it accepted
 */
struct npmu_checkpoint_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	uint32_t form;
	uint32_t has;
	uint32_t no_crc;
	uint32_t reserved;
	uint64_t generation;
	uint64_t instance;
	uint64_t capacity;
	uint64_t created;
	uint64_t base_sequence;
	uint64_t base_offset;
	uint64_t base_length;
	uint64_t base_tag;
	uint64_t base_fence_epoch;
	uint64_t base_position;
	uint64_t update_sequence;
	uint64_t update_offset;
	uint64_t update_length;
	uint64_t update_tag;
	uint64_t update_fence_epoch;
	uint64_t updates;
	uint64_t end;
	uint64_t ring_offset;
	uint64_t ring_size;
	uint64_t free;
	uint64_t seal_fence_epoch;
	uint64_t seal_sequence;
	uint64_t seal_end;
	uint64_t seal_base;
};

/**
 * struct npmu_reader_info - a named reader of a checkpoint
 * @unit: name of the unit
 * @region: name of the region
 * @name: of the reader
 * @slot: place in the table of readers
 * @uid: of its user
 * @pid: of the process that is attached, as this process sees it, or 0
 * @reserved: zero
 * @position: all updates below it are acknowledged
 * @principal: who is attached over the network, or empty
 */
struct npmu_reader_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	char name[NPMU_READER_NAME_LEN];
	uint32_t slot;
	uint32_t uid;
	uint32_t pid;
	uint32_t reserved;
	uint64_t position;
	char principal[NPMU_PRINCIPAL_LEN];
};

/* As those of npmu/control.h. */
typedef int npmu_reader_fn(void *ctx, const struct npmu_reader_info *info);

/**
 * npmu_ctl_checkpoint_get - look at the checkpoint in a region
 * @ctl: handle
 * @unit: name of the unit
 * @region: name of the region
 * @out: what it holds
 *
 * Nobody is disturbed; the whole of the base and the updates is read.
 *
 * Return: 0; -EMEDIUMTYPE: the region holds no checkpoint; -EUCLEAN: a damaged one;
 * -EPROTONOSUPPORT: an unknown version or form; -EIO: memory failed; -EAGAIN: the writer
 * was faster each time; another errno.
 */
int npmu_ctl_checkpoint_get(struct npmu_ctl *ctl, const char *unit, const char *region,
			    struct npmu_checkpoint_info *out);

/**
 * npmu_ctl_reader_list - show the named readers of the checkpoint in a region
 * @ctl: handle
 * @unit: name of the unit
 * @region: name of the region
 * @fn: called for each, in order of slot
 * @ctx: for @fn
 *
 * Return: 0, an errno as of npmu_ctl_checkpoint_get(), or what @fn returned.
 */
int npmu_ctl_reader_list(struct npmu_ctl *ctl, const char *unit, const char *region,
			 npmu_reader_fn *fn, void *ctx);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_CHECKPOINT_H */

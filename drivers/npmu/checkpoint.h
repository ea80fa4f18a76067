/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checkpoint in a region, looked at from outside: what it holds, where it begins
 * and where it ends. Nothing of it is changed.
 */
#ifndef _NPMU_CHECKPOINT_H
#define _NPMU_CHECKPOINT_H

#include "ckpt_look.h"
#include "region.h"

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

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Named readers of a checkpoint: what they acknowledged is kept in the region itself
 * (linux/npmu_ckpt.h), written by the kernel, so that a reader needs no right to write.
 */
#ifndef _NPMU_READER_H
#define _NPMU_READER_H

#include "ckpt.h"
#include "tpt.h"

/* npmu_tpt_entry.reader: its place was given to another or was detached. */
#define NPMU_READER_LOST	(-1)

/**
 * npmu_reader_attach - make an open the named reader of its region's checkpoint
 * @entry: of the open
 * @create: make an entry of the table when there is none of that name
 * @instance: of the checkpoint that is read
 * @name: a whole field
 * @position: in: where a new entry begins; out: what is acknowledged
 * @slot: out: place in the table
 *
 * Return: 0; errors as NPMU_IOC_READER_ATTACH.
 */
int npmu_reader_attach(struct npmu_tpt_entry *entry, bool create, u64 instance,
		       const u8 *name, u64 *position, u32 *slot);

/* What the open acknowledges, durably. Return: errors as NPMU_IOC_READER_ACK. */
int npmu_reader_ack(struct npmu_tpt_entry *entry, u64 position);

/* @name: all zero: that of the open. Return: errors as NPMU_IOC_READER_DETACH. */
int npmu_reader_detach(struct npmu_tpt_entry *entry, const u8 *name);

/* The open ends; its entry on the media stays. Never fails. Before npmu_tpt_close(). */
void npmu_reader_leave(struct npmu_tpt_entry *entry);

/*
 * On return those are done who did not see yet that the region is read-only. Under
 * region->lock.
 */
void npmu_reader_settle(struct npmu_region *region);

/*
 * Who is attached to a place: the process, with a reference, or NULL; its principal, of
 * NPMU_PRINCIPAL_LEN bytes, or "".
 */
struct pid *npmu_reader_who(struct npmu_region *region, u32 slot, u64 instance,
			    char *principal);

#endif /* _NPMU_READER_H */

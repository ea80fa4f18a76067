/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The kernel's own accesses to region bytes on behalf of an open: each in a section of
 * the gate of its TPT entry, so that a fence stops it. Ranges were checked by the caller.
 */
#ifndef _NPMU_ACCESS_H
#define _NPMU_ACCESS_H

#include "tpt.h"

/* Copies out, in one section. -ESTALE: the entry is dead; -EIO: a bad block. */
int npmu_tpt_read(struct npmu_tpt_entry *entry, u64 offset, void *buf, size_t len);

/* Copies in, in one section; durable on return. -ESTALE: may not (any more); -EIO. */
int npmu_tpt_write(struct npmu_tpt_entry *entry, u64 offset, const void *buf, size_t len);

/* As npmu_tpt_write(), of eight aligned bytes: seen and durable as a whole or not at all. */
int npmu_tpt_store(struct npmu_tpt_entry *entry, u64 offset, const void *word);

/*
 * Writes back what was stored in the range and fences. -ESTALE; -EIO: a bad block, all
 * else is durable; -EINTR: killed.
 */
int npmu_tpt_persist(struct npmu_tpt_entry *entry, u64 offset, u64 len);

#endif /* _NPMU_ACCESS_H */

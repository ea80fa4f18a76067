/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The writer role of a region: who holds it, how it is won, lost and fenced.
 */
#ifndef _NPMU_ROLE_H
#define _NPMU_ROLE_H

#include "tpt.h"

/*
 * Become the writer of a region that has none. @may_wait: for a fence or a death
 * that is on its way; must be false under mmap_lock. Errors as NPMU_IOC_CLAIM.
 */
int npmu_role_claim(struct npmu_tpt_entry *entry, bool may_wait, u64 *fence_epoch);

/* Fence the writer and replace it. Errors as NPMU_IOC_TAKEOVER. */
int npmu_role_takeover(struct npmu_tpt_entry *entry, u64 expected, u64 *fence_epoch);

/* Give the role up. Errors as NPMU_IOC_RESIGN. */
int npmu_role_resign(struct npmu_tpt_entry *entry);

/* The process of an open is gone: the entry is dead, its role vacant. */
void npmu_role_death(struct npmu_tpt_entry *entry);

/* Wake readers. Errors as NPMU_IOC_KICK. */
int npmu_role_kick(struct npmu_tpt_entry *entry);

/* Who calls it looks next, and may sleep: the next commit kicks. Any context but hardirq. */
void npmu_role_want_kick(struct npmu_region *region);

/* Wake readers so that they look again; a kick is wanted all the same. */
void npmu_role_stir(struct npmu_region *region);

/**
 * npmu_role_fence - fence the writer, if there is one, and raise the epoch
 * @region: under region->lock
 * @expected: the epoch the caller believes to be current, or NULL
 * @extack: message on refusal
 *
 * Return: 0; -ESTALE another epoch is current; -ETIMEDOUT; -ENODEV.
 */
int npmu_role_fence(struct npmu_region *region, const u64 *expected,
		    struct netlink_ext_ack *extack);

/**
 * npmu_role_revoke - take a principal's grant of a region away
 * @region: under region->lock
 * @principal: whose
 * @extack: message on refusal
 *
 * What it has open in the region is dead on return, and nobody is inside. Where it is
 * the writer, it is fenced by the same commit. Others go on.
 *
 * Return: 0; -ENOENT: it has none; -ETIMEDOUT: it is gone, but somebody is still
 * inside, call again; -EUCLEAN, -EOVERFLOW, -ENODEV: nothing changed.
 */
int npmu_role_revoke(struct npmu_region *region, const char *principal,
		     struct netlink_ext_ack *extack);

/*
 * Admit no claim until unbar; says whether there is a writer. Under region->lock,
 * which a takeover needs; a claim by mmap does not.
 */
bool npmu_role_bar(struct npmu_region *region);
void npmu_role_unbar(struct npmu_region *region);

/* The device is gone: there is no writer any more. Under region->lock. */
void npmu_role_lose(struct npmu_region *region);

#endif /* _NPMU_ROLE_H */

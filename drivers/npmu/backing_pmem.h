/* SPDX-License-Identifier: GPL-2.0-only */
/* The pmem backing: what its files share. */
#ifndef _NPMU_BACKING_PMEM_H
#define _NPMU_BACKING_PMEM_H

#include <linux/badblocks.h>
#include <linux/xarray.h>

#include "backing.h"

/**
 * struct pmem_backing - the pmem kind of a backing
 * @b: the part all kinds have
 * @bdev_file: the exclusive claim
 * @dax: its DAX device, held
 * @bb: the device's list of bad blocks, or NULL
 * @start: offset of @b's byte 0 in the DAX device: not 0 on a partition
 * @addr: kernel address of byte 0
 * @pfn: of byte 0
 * @poison: pages that the kernel reported as poisoned since open; which of them
 *	was tried to be overwritten in vain, see backing_pmem_bad.c
 * @gone_once: bit 0: @owner was told that the device goes
 * @owner: see npmu_backing_open_pmem()
 * @ctx: for @owner
 */
struct pmem_backing {
	struct npmu_backing b;
	struct file *bdev_file;
	struct dax_device *dax;
	struct badblocks *bb;
	u64 start;
	void *addr;
	unsigned long pfn;
	struct xarray poison;
	unsigned long gone_once;
	const struct npmu_backing_owner *owner;
	void *ctx;
};

static inline struct pmem_backing *to_pmem(struct npmu_backing *b)
{
	return container_of(b, struct pmem_backing, b);
}

/* Pages of [off, off + len) are bad from now on. Never fails. */
void npmu_pmem_note_poison(struct pmem_backing *p, u64 off, u64 len);

/* See struct npmu_backing_ops. */
bool npmu_pmem_bad(struct npmu_backing *b, u64 off, u64 len);
bool npmu_pmem_next_bad(struct npmu_backing *b, u64 off, u64 end, u64 *start, u64 *len);
bool npmu_pmem_mend(struct npmu_backing *b, u64 off, const void *src);

#endif /* _NPMU_BACKING_PMEM_H */

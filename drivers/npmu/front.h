/* SPDX-License-Identifier: GPL-2.0-only */
/* The char device front end: what cdev.c, file.c, ioctl.c and mmap.c share. */
#ifndef _NPMU_FRONT_H
#define _NPMU_FRONT_H

#include <linux/fs.h>
#include <linux/mmu_notifier.h>

#include "role.h"

/**
 * struct npmu_open - an open file of a region
 * @entry: its TPT entry
 * @inode: gives it an address_space of its own, so that a fence of this open
 *	disturbs no other, whatever node it was opened through
 * @binder: the process that asked for the writer role first, by cmpxchg
 * @mm: the same, once @mn is registered
 * @mn: tells when that process is gone
 * @sink: what a touch meets once the open is dead, or NULL; set once
 * @seen_kicks: kicks that WAIT reported
 * @seen_role: role_seq that INFO reported
 */
struct npmu_open {
	struct npmu_tpt_entry *entry;
	struct inode *inode;
	struct mm_struct *binder;
	struct mm_struct *mm;
	struct mmu_notifier mn;
	struct page *sink;
	u64 seen_kicks;
	u64 seen_role;
};

extern const struct file_operations npmu_fops;

int npmu_cdev_init(void);
void npmu_cdev_exit(void);
int npmu_cdev_add(struct npmu_region *region);
void npmu_cdev_hide(struct npmu_region *region);
int npmu_cdev_show(struct npmu_region *region);
void npmu_cdev_remove(struct npmu_region *region);
dev_t npmu_cdev_devt(struct npmu_region *region);
/* The region of a minor with a reference, or NULL. */
struct npmu_region *npmu_cdev_region(unsigned int minor);

/*
 * Make the open the writer of its region. @mmap_locked: the caller holds
 * mmap_lock for writing. Errors as NPMU_IOC_CLAIM.
 */
int npmu_open_claim(struct npmu_open *open, bool mmap_locked, u64 *fence_epoch);
/* Bind the open to the calling process. -EBUSY: it belongs to another. */
int npmu_open_bind(struct npmu_open *open, bool mmap_locked);
long npmu_ioctl(struct file *file, unsigned int cmd, unsigned long arg);
int npmu_mmap(struct file *file, struct vm_area_struct *vma);
/* Take every mapping of region bytes away, or of some. The status page stays. */
void npmu_open_zap(struct npmu_tpt_entry *entry);
void npmu_open_zap_range(struct npmu_tpt_entry *entry, u64 offset, u64 len);

#endif /* _NPMU_FRONT_H */

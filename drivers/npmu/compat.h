/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What differs between the kernels that npmu builds for, and nothing else does.
 * Written as the newest kernel has it; each part says since when, and goes with the
 * last kernel that needs it. For a driver in the kernel's own tree it is empty.
 */
#ifndef NPMU_COMPAT_H
#define NPMU_COMPAT_H

#include <linux/netlink.h>
#include <linux/poll.h>
#include <linux/version.h>

/* Is it a poll that will sleep? Newer kernels have no name for that any more. */
static inline bool npmu_poll_waits(const poll_table *p)
{
	return p && p->_qproc;
}

#ifndef NL_ASSERT_CTX_FITS
#define NL_ASSERT_CTX_FITS	NL_ASSERT_DUMP_CTX_FITS
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 15, 0)
/* The list of bad blocks counted sectors in an int: ask for less at once. */
#include <linux/badblocks.h>

static inline int npmu_badblocks_check(struct badblocks *bb, sector_t at, sector_t len,
				       sector_t *first, sector_t *nr)
{
	int count = 0;
	int ret;

	ret = badblocks_check(bb, at, len, first, &count);
	*nr = count;
	return ret;
}

#define badblocks_check		npmu_badblocks_check
#endif

#if LINUX_VERSION_CODE < KERNEL_VERSION(6, 17, 0)
/* A page frame number that crosses an interface had a type of its own. */
#include <linux/dax.h>
#include <linux/huge_mm.h>
#include <linux/pfn_t.h>

static inline long npmu_dax_direct_access(struct dax_device *dax, pgoff_t first, long nr,
					  enum dax_access_mode mode, void **kaddr,
					  unsigned long *pfn)
{
	pfn_t typed;
	long n;

	n = dax_direct_access(dax, first, nr, mode, kaddr, &typed);
	if (n > 0)
		*pfn = pfn_t_to_pfn(typed);
	return n;
}

static inline vm_fault_t npmu_insert_pfn_pmd(struct vm_fault *vmf, unsigned long pfn, bool write)
{
	return vmf_insert_pfn_pmd(vmf, pfn_to_pfn_t(pfn), write);
}

#define dax_direct_access	npmu_dax_direct_access
#define vmf_insert_pfn_pmd	npmu_insert_pfn_pmd
#endif

#endif /* NPMU_COMPAT_H */

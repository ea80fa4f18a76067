// SPDX-License-Identifier: GPL-2.0-only
/*
 * Bad memory of the pmem backing. Owns what is known to be bad, from the device's
 * list and from the kernel's reports, and the overwriting of it. Does not know what
 * the bytes mean, nor who is told of it.
 */
#include <linux/cleanup.h>
#include <linux/dax.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/uio.h>

#include "backing_pmem.h"
#include "compat.h"

/* The bad block list counts sectors in an int. */
#define PMEM_BAD_SECTORS	BIT_ULL(30)

/* In the xarray of poison: bad; bad, and overwriting it did not help. */
#define PMEM_POISON	xa_mk_value(1)
#define PMEM_LOST	xa_mk_value(2)

/*
 * Remembered, so that it is neither touched nor mapped from now on. The flag of the
 * page is what the kernel itself sets on a DAX page, and what the pmem driver looks
 * at when the poison is cleared.
 */
void npmu_pmem_note_poison(struct pmem_backing *p, u64 off, u64 len)
{
	unsigned long first = off >> PAGE_SHIFT;
	unsigned long page;

	for (page = first; page < first + (len >> PAGE_SHIFT); page++) {
		if (!xa_load(&p->poison, page))
			xa_store(&p->poison, page, PMEM_POISON, GFP_KERNEL | __GFP_NOFAIL);
		if (pfn_valid(p->pfn + page))
			SetPageHWPoison(pfn_to_page(p->pfn + page));
	}
}

bool npmu_pmem_bad(struct npmu_backing *b, u64 off, u64 len)
{
	struct pmem_backing *p = to_pmem(b);
	unsigned long page;
	sector_t sector, end, n, first, nr;

	if (!len)
		return false;
	page = off >> PAGE_SHIFT;
	if (!xa_empty(&p->poison) &&
	    xa_find(&p->poison, &page, (off + len - 1) >> PAGE_SHIFT, XA_PRESENT))
		return true;
	if (!p->bb || !READ_ONCE(p->bb->count))
		return false;
	end = DIV_ROUND_UP(p->start + off + len, SECTOR_SIZE);
	for (sector = (p->start + off) >> SECTOR_SHIFT; sector < end; sector += n) {
		n = min_t(u64, end - sector, PMEM_BAD_SECTORS);
		if (badblocks_check(p->bb, sector, n, &first, &nr))
			return true;
	}
	return false;
}

/* The run of bad blocks that the device knows of, as pages of [off, end). */
static bool pmem_next_listed(struct pmem_backing *p, u64 off, u64 end, u64 *start, u64 *stop)
{
	sector_t sector, last, n, first, nr;

	if (!p->bb || !READ_ONCE(p->bb->count))
		return false;
	last = (p->start + end) >> SECTOR_SHIFT;
	for (sector = (p->start + off) >> SECTOR_SHIFT; sector < last; sector += n) {
		n = min_t(u64, last - sector, PMEM_BAD_SECTORS);
		if (!badblocks_check(p->bb, sector, n, &first, &nr))
			continue;
		*start = ALIGN_DOWN(max(first, sector) << SECTOR_SHIFT, PAGE_SIZE) - p->start;
		*stop = ALIGN(min(first + nr, last) << SECTOR_SHIFT, PAGE_SIZE) - p->start;
		return true;
	}
	return false;
}

bool npmu_pmem_next_bad(struct npmu_backing *b, u64 off, u64 end, u64 *start, u64 *len)
{
	struct pmem_backing *p = to_pmem(b);
	unsigned long page = off >> PAGE_SHIFT;
	unsigned long last = (end >> PAGE_SHIFT) - 1;
	u64 stop;
	bool listed;

	listed = pmem_next_listed(p, off, end, start, &stop);
	if (off < end && xa_find(&p->poison, &page, last, XA_PRESENT) &&
	    (!listed || PFN_PHYS(page) < *start)) {
		*start = PFN_PHYS(page);
		while (page <= last && xa_load(&p->poison, page))
			page++;
		stop = PFN_PHYS(page);
		listed = true;
	}
	*len = listed ? stop - *start : 0;
	return listed;
}

/* Through the driver, who has the DIMM forget the poison first. */
static bool pmem_clear(struct pmem_backing *p, u64 off, const void *src)
{
	struct kvec vec = { .iov_base = (void *)src, .iov_len = PAGE_SIZE };
	struct iov_iter iter;
	size_t n = 0;
	int id;

	iov_iter_kvec(&iter, ITER_SOURCE, &vec, 1, PAGE_SIZE);
	id = dax_read_lock();
	if (dax_alive(p->dax))
		n = dax_recovery_write(p->dax, PHYS_PFN(p->start + off), p->addr + off, PAGE_SIZE,
				       &iter);
	dax_read_unlock(id);
	return n == PAGE_SIZE;
}

bool npmu_pmem_mend(struct npmu_backing *b, u64 off, const void *src)
{
	void *buf __free(kfree) = NULL;
	struct pmem_backing *p = to_pmem(b);
	unsigned long page = off >> PAGE_SHIFT;
	u64 start, stop;

	if (xa_load(&p->poison, page) == PMEM_LOST)
		return false;
	buf = kmalloc(PAGE_SIZE, GFP_KERNEL);
	if (!buf)
		return false;
	/*
	 * What can be read can be written. Of a page that the device does not know to
	 * be bad the kernel may have taken its mapping away: a store would be an oops.
	 */
	if (pmem_next_listed(p, off, off + PAGE_SIZE, &start, &stop)) {
		if (!pmem_clear(p, off, src))
			return false;
	} else if (!copy_mc_to_kernel(buf, p->addr + off, PAGE_SIZE)) {
		memcpy_flushcache(p->addr + off, src, PAGE_SIZE);
	} else {
		goto lost;
	}
	pmem_wmb();
	if (copy_mc_to_kernel(buf, p->addr + off, PAGE_SIZE) || memcmp(buf, src, PAGE_SIZE))
		goto lost;
	xa_erase(&p->poison, page);
	if (pfn_valid(p->pfn + page))
		ClearPageHWPoison(pfn_to_page(p->pfn + page));
	return true;

lost:
	xa_store(&p->poison, page, PMEM_LOST, GFP_KERNEL | __GFP_NOFAIL);
	return false;
}

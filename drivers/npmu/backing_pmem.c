// SPDX-License-Identifier: GPL-2.0-only
/*
 * The pmem backing: the memory of a DAX block device, claimed exclusively.
 *
 * Owns the block device, its DAX device and what is told about their removal
 * and about poison. Does not know what the bytes mean, nor who maps them: who
 * opened it is told, and takes all that away before the memory goes.
 *
 * Only devices that hang directly below an NVDIMM region are taken: their memory
 * is one piece, and their removal is announced to the holder before it happens.
 * Of a stacked device (device mapper) neither can be relied on.
 */
#include <kunit/static_stub.h>
#include <linux/blkdev.h>
#include <linux/dax.h>
#include <linux/libnvdimm.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/netlink.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/srcu.h>
#include <linux/uaccess.h>

#include "backing_pmem.h"
#include "compat.h"

/* Pages asked for at once: the bad block list counts sectors in an int. */
#define PMEM_ASK_PAGES	((long)BIT(27))
/* Bytes zeroed between two offers of the CPU. */
#define PMEM_ZERO_BATCH	SZ_1M

/*
 * Open backings by DAX device, read in sections of pmem_srcu. A notification that
 * is under way when the holder is put is not waited for by the DAX core, and the
 * next holder may be somebody else: its holder pointer cannot be trusted.
 */
static DEFINE_XARRAY(pmem_open);
DEFINE_STATIC_SRCU(pmem_srcu);

static void pmem_gone(struct pmem_backing *p)
{
	if (!test_and_set_bit(0, &p->gone_once))
		p->owner->gone(p->ctx);
}

/*
 * The device is going, or memory of it failed. On poison 0 is returned: no mapping
 * is left, so that a process that met it meets it again as a fault, and gets SIGBUS.
 * What is not ours is left to the caller (-EOPNOTSUPP).
 */
static int pmem_notify_failure(struct dax_device *dax, u64 off, u64 len, int flags)
{
	int ret = -EOPNOTSUPP;
	struct pmem_backing *p;
	u64 end;
	int idx;

	idx = srcu_read_lock(&pmem_srcu);
	p = xa_load(&pmem_open, (unsigned long)dax);
	if (!p)
		goto out;
	if (flags & MF_MEM_PRE_REMOVE) {
		pmem_gone(p);
		ret = 0;
		goto out;
	}
	/* Before it is known where the memory is, nobody has it. */
	if (!len || !smp_load_acquire(&p->addr) || off < p->start || off - p->start >= p->b.size)
		goto out;
	off -= p->start;
	end = ALIGN(off + min(len, p->b.size - off), PAGE_SIZE);
	off = ALIGN_DOWN(off, PAGE_SIZE);
	pr_err("npmu: %s: memory failure at byte %llu, length %llu\n", p->b.path, off, end - off);
	npmu_pmem_note_poison(p, off, end - off);
	p->owner->failed(p->ctx, off, end - off);
	ret = 0;
out:
	srcu_read_unlock(&pmem_srcu, idx);
	return ret;
}

static const struct dax_holder_operations pmem_dax_holder_ops = {
	.notify_failure = pmem_notify_failure,
};

/*
 * The second announcement of a removal, for an open that came too late for the
 * first. The holder lock keeps the claim, and with it the backing, until the
 * section is entered.
 */
static void pmem_mark_dead(struct block_device *bdev, bool surprise)
{
	struct pmem_backing *p = bdev->bd_holder;
	int idx;

	idx = srcu_read_lock(&pmem_srcu);
	mutex_unlock(&bdev->bd_holder_lock);
	pmem_gone(p);
	srcu_read_unlock(&pmem_srcu, idx);
}

static const struct blk_holder_ops pmem_blk_holder_ops = {
	.mark_dead = pmem_mark_dead,
};

static void pmem_close(struct npmu_backing *b)
{
	struct pmem_backing *p = to_pmem(b);

	if (p->dax) {
		xa_erase(&pmem_open, (unsigned long)p->dax);
		fs_put_dax(p->dax, p);
	}
	if (p->bdev_file) {
		/* What was read through the page cache meanwhile is stale. */
		invalidate_bdev(file_bdev(p->bdev_file));
		bdev_fput(p->bdev_file);
	}
	synchronize_srcu(&pmem_srcu);
	xa_destroy(&p->poison);
	kfree(p);
}

static unsigned long pmem_pfn(struct npmu_backing *b, u64 off)
{
	return to_pmem(b)->pfn + (off >> PAGE_SHIFT);
}

static bool pmem_huge_ok(struct npmu_backing *b, u64 off)
{
	u64 in = (off + b->skew) & (NPMU_CHUNK_SIZE - 1);

	return in <= off && b->size - (off - in) >= NPMU_CHUNK_SIZE &&
	       !npmu_pmem_bad(b, off - in, NPMU_CHUNK_SIZE);
}

static int pmem_read(struct npmu_backing *b, u64 off, void *dst, size_t len)
{
	struct pmem_backing *p = to_pmem(b);
	unsigned int n;

	if (npmu_pmem_bad(b, off, len))
		return -EIO;
	for (; len; off += n, dst += n, len -= n) {
		n = min_t(size_t, len, SZ_1M);
		if (copy_mc_to_kernel(dst, p->addr + off, n))
			return -EIO;
	}
	return 0;
}

static void pmem_write(struct npmu_backing *b, u64 off, const void *src, size_t len)
{
	memcpy_flushcache(to_pmem(b)->addr + off, src, len);
}

static void pmem_store(struct npmu_backing *b, u64 off, const void *word)
{
	/* Of constant size: one non-temporal store. */
	memcpy_flushcache(to_pmem(b)->addr + off, word, sizeof(u64));
}

static void pmem_zero(struct npmu_backing *b, u64 off, u64 len)
{
	const void *zeros = page_address(ZERO_PAGE(0));
	void *dst = to_pmem(b)->addr + off;
	u64 done = 0;
	size_t n;

	for (; len; dst += n, len -= n) {
		n = min_t(u64, len, PAGE_SIZE);
		memcpy_flushcache(dst, zeros, n);
		done += n;
		if (!(done & (PMEM_ZERO_BATCH - 1)))
			cond_resched();
	}
}

static void pmem_writeback(struct npmu_backing *b, u64 off, u64 len)
{
	arch_wb_cache_pmem(to_pmem(b)->addr + off, len);
}

static void pmem_fence(struct npmu_backing *b)
{
	pmem_wmb();
}

static const struct npmu_backing_ops pmem_ops = {
	.close = pmem_close,
	.pfn = pmem_pfn,
	.huge_ok = pmem_huge_ok,
	.bad = npmu_pmem_bad,
	.read = pmem_read,
	.write = pmem_write,
	.store = pmem_store,
	.zero = pmem_zero,
	.mend = npmu_pmem_mend,
	.next_bad = npmu_pmem_next_bad,
	.writeback = pmem_writeback,
	.fence = pmem_fence,
};

/*
 * What is known of the device's persistence: an NVDIMM region that names its
 * DIMMs has a persistence domain; one that does not is memory that firmware or
 * the command line set apart. -EOPNOTSUPP: below no region at all.
 *
 * The symbols are looked up, since libnvdimm is a module that a host without
 * pmem need not have; where there is such a device it is loaded.
 */
static int pmem_class(struct block_device *bdev, enum npmu_class *class)
{
	struct nd_region *(*to_region)(struct device *dev);
	int (*has_flush)(struct nd_region *nd_region);
	struct device *dev;

	for (dev = disk_to_dev(bdev->bd_disk)->parent; dev; dev = dev->parent) {
		if (!dev->type || !dev->type->name)
			continue;
		if (!strcmp(dev->type->name, "nd_volatile")) {
			*class = NPMU_CLASS_VOLATILE;
			return 0;
		}
		if (!strcmp(dev->type->name, "nd_pmem"))
			break;
	}
	if (!dev)
		return -EOPNOTSUPP;

	*class = NPMU_CLASS_WARM;
	to_region = symbol_get(to_nd_region);
	has_flush = symbol_get(nvdimm_has_flush);
	if (to_region && has_flush && has_flush(to_region(dev)) >= 0)
		*class = NPMU_CLASS_PERSISTENT;
	if (has_flush)
		symbol_put(nvdimm_has_flush);
	if (to_region)
		symbol_put(to_nd_region);
	return 0;
}

static int pmem_open_bdev(struct pmem_backing *p, struct netlink_ext_ack *extack)
{
	blk_mode_t mode = BLK_OPEN_READ | BLK_OPEN_WRITE | BLK_OPEN_RESTRICT_WRITES;
	struct block_device *bdev;
	struct file *file;
	int ret;

	file = bdev_file_open_by_path(p->b.path, mode, p, &pmem_blk_holder_ops);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		switch (ret) {
		case -ENOENT:
		case -ENXIO:
			NL_SET_ERR_MSG(extack, "no such device, or it is being removed");
			break;
		case -ENOTBLK:
			NL_SET_ERR_MSG(extack, "not a block device");
			break;
		case -EBUSY:
			NL_SET_ERR_MSG(extack, "device is in use (mounted or attached already)");
			break;
		case -EACCES:
		case -EROFS:
			NL_SET_ERR_MSG(extack, "device is read-only");
			break;
		default:
			NL_SET_ERR_MSG(extack, "device cannot be opened");
			break;
		}
		return ret;
	}
	p->bdev_file = file;
	bdev = file_bdev(file);

	/* A page still dirty from a write(2) would overwrite the media later. */
	ret = sync_blockdev(bdev);
	if (ret) {
		NL_SET_ERR_MSG(extack, "earlier writes to the device failed");
		return ret;
	}
	invalidate_bdev(bdev);
	p->b.size = round_down(bdev_nr_bytes(bdev), PAGE_SIZE);
	p->bb = bdev->bd_disk->bb;
	return 0;
}

static int pmem_open_dax(struct pmem_backing *p, struct netlink_ext_ack *extack)
{
	struct block_device *bdev = file_bdev(p->bdev_file);
	int ret;

	if (!blk_queue_dax(bdev->bd_disk->queue)) {
		NL_SET_ERR_MSG(extack,
			       "device has no DAX: an NVDIMM namespace must be in fsdax mode (ndctl create-namespace -f -e NAMESPACE -m fsdax)");
		return -EOPNOTSUPP;
	}
	ret = pmem_class(bdev, &p->b.class);
	if (ret) {
		NL_SET_ERR_MSG(extack,
			       "not a pmem device itself: a stacked device is not supported");
		return ret;
	}
	if ((get_start_sect(bdev) | bdev_nr_sectors(bdev)) % (PAGE_SIZE / SECTOR_SIZE)) {
		NL_SET_ERR_MSG(extack, "partition does not start and end at multiples of 4 KiB");
		return -EOPNOTSUPP;
	}
	p->dax = fs_dax_get_by_bdev(bdev, &p->start, p, &pmem_dax_holder_ops);
	if (!p->dax) {
		NL_SET_ERR_MSG(extack, "the device's memory is in use, or it is being removed");
		return -EBUSY;
	}
	if (!dax_synchronous(p->dax)) {
		NL_SET_ERR_MSG(extack,
			       "device needs an explicit flush (virtio-pmem): not supported");
		return -EOPNOTSUPP;
	}
	return xa_insert(&pmem_open, (unsigned long)p->dax, p, GFP_KERNEL);
}

/*
 * Asks for the addresses. Recovery mode, since the default one fails for the
 * whole range when one block in it is bad: bad ones are kept off by npmu_pmem_bad().
 */
static int pmem_translate(struct pmem_backing *p, struct netlink_ext_ack *extack)
{
	pgoff_t first = p->start >> PAGE_SHIFT;
	pgoff_t nr = p->b.size >> PAGE_SHIFT;
	pgoff_t at = 0;
	unsigned long pfn;
	int id, ret = 0;
	void *kaddr;
	long n;

	id = dax_read_lock();
	while (at < nr) {
		n = dax_direct_access(p->dax, first + at, min_t(pgoff_t, nr - at, PMEM_ASK_PAGES),
				      DAX_RECOVERY_WRITE, &kaddr, &pfn);
		if (n <= 0) {
			NL_SET_ERR_MSG(extack, "the device does not give its memory");
			ret = n == -ENXIO ? -ENODEV : -EIO;
			break;
		}
		if (!at) {
			p->pfn = pfn;
			/* News of poison may come, and need both. */
			smp_store_release(&p->addr, kaddr);
		}
		if (kaddr != p->addr + PFN_PHYS(at) || pfn != p->pfn + at) {
			NL_SET_ERR_MSG(extack, "the device's memory is not in one piece");
			ret = -EOPNOTSUPP;
			break;
		}
		at += n;
		cond_resched();
	}
	dax_read_unlock(id);
	p->b.skew = PFN_PHYS(p->pfn) & (NPMU_CHUNK_SIZE - 1);
	return ret;
}

struct npmu_backing *npmu_backing_open_pmem(const char *path,
					    const struct npmu_backing_owner *owner, void *ctx,
					    struct netlink_ext_ack *extack)
{
	struct pmem_backing *p;
	int ret;

	/* A suite may bring a device of its own (CONFIG_KUNIT). */
	KUNIT_STATIC_STUB_REDIRECT(npmu_backing_open_pmem, path, owner, ctx, extack);
	p = kzalloc(sizeof(*p), GFP_KERNEL);
	if (!p)
		return ERR_PTR(-ENOMEM);
	p->b.ops = &pmem_ops;
	p->b.kind = NPMU_BACKING_KIND_PMEM;
	p->owner = owner;
	p->ctx = ctx;
	xa_init(&p->poison);
	if (strscpy(p->b.path, path, sizeof(p->b.path)) < 0) {
		NL_SET_ERR_MSG(extack, "path is too long");
		ret = -ENAMETOOLONG;
		goto err;
	}
	ret = pmem_open_bdev(p, extack);
	if (ret)
		goto err;
	ret = pmem_open_dax(p, extack);
	if (ret)
		goto err;
	ret = pmem_translate(p, extack);
	if (ret)
		goto err;
	if (test_bit(0, &p->gone_once)) {
		NL_SET_ERR_MSG(extack, "the device is being removed");
		ret = -ENODEV;
		goto err;
	}
	return &p->b;

err:
	pmem_close(&p->b);
	return ERR_PTR(ret);
}

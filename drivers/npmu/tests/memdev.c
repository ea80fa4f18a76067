// SPDX-License-Identifier: GPL-2.0-only
/*
 * A device of memory for suites. Owns its bytes and what is wrong with them. It must
 * not know what they mean.
 */
#include <kunit/static_stub.h>
#include <kunit/test-bug.h>
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/vmalloc.h>

#include "memdev.h"

/* Suites run one after the other. */
static LIST_HEAD(memdevs);

static struct memdev *to_memdev(struct npmu_backing *b)
{
	return container_of(b, struct memdev, b);
}

static void touch(struct memdev *dev, u64 off, u64 len)
{
	if (dev->removed || !dev->open || off > dev->b.size || len > dev->b.size - off)
		WRITE_ONCE(dev->misused, true);
}

static void memdev_close(struct npmu_backing *b)
{
	to_memdev(b)->open = false;
}

static unsigned long memdev_pfn(struct npmu_backing *b, u64 off)
{
	return vmalloc_to_pfn(to_memdev(b)->mem + off);
}

static bool memdev_huge_ok(struct npmu_backing *b, u64 off)
{
	return false;
}

static bool memdev_is_bad(struct npmu_backing *b, u64 off, u64 len)
{
	struct memdev *dev = to_memdev(b);
	u64 end = (off + len + NPMU_GRANULE_SIZE - 1) >> NPMU_GRANULE_SHIFT;

	return find_next_bit(dev->bad, end, off >> NPMU_GRANULE_SHIFT) < end;
}

static int memdev_read(struct npmu_backing *b, u64 off, void *dst, size_t len)
{
	struct memdev *dev = to_memdev(b);

	touch(dev, off, len);
	if (memdev_is_bad(b, off, len))
		return -EIO;
	memcpy(dst, dev->mem + off, len);
	return 0;
}

/* How many of len bytes still reach the memory. A write makes a bad block good. */
static size_t powered(struct memdev *dev, u64 off, u64 len)
{
	touch(dev, off, len);
	dev->unfenced++;
	if (dev->power == 0) {
		len = min_t(u64, len, dev->torn);
		dev->torn = 0;
	} else if (dev->power != U64_MAX) {
		dev->power--;
	}
	if (len)
		bitmap_clear(dev->bad, off >> NPMU_GRANULE_SHIFT,
			     DIV_ROUND_UP(len, NPMU_GRANULE_SIZE));
	return len;
}

static void memdev_write(struct npmu_backing *b, u64 off, const void *src, size_t len)
{
	struct memdev *dev = to_memdev(b);

	memcpy(dev->mem + off, src, powered(dev, off, len));
}

static void memdev_store(struct npmu_backing *b, u64 off, const void *word)
{
	memdev_write(b, off, word, sizeof(u64));
}

static void memdev_zero(struct npmu_backing *b, u64 off, u64 len)
{
	struct memdev *dev = to_memdev(b);

	memset(dev->mem + off, 0, powered(dev, off, len));
}

static void memdev_writeback(struct npmu_backing *b, u64 off, u64 len)
{
	touch(to_memdev(b), off, len);
}

static void memdev_fence(struct npmu_backing *b)
{
	struct memdev *dev = to_memdev(b);

	touch(dev, 0, 0);
	dev->fences++;
	dev->unfenced = 0;
}

static bool memdev_mend(struct npmu_backing *b, u64 off, const void *src)
{
	memdev_write(b, off, src, NPMU_GRANULE_SIZE);
	memdev_fence(b);
	return true;
}

static const struct npmu_backing_ops memdev_ops = {
	.close = memdev_close,
	.pfn = memdev_pfn,
	.huge_ok = memdev_huge_ok,
	.bad = memdev_is_bad,
	.read = memdev_read,
	.write = memdev_write,
	.store = memdev_store,
	.zero = memdev_zero,
	.mend = memdev_mend,
	.writeback = memdev_writeback,
	.fence = memdev_fence,
};

struct npmu_backing *memdev_claim(struct memdev *dev)
{
	if (dev->open)
		return ERR_PTR(-EBUSY);
	dev->open = true;
	return &dev->b;
}

static struct npmu_backing *memdev_open(const char *path,
					const struct npmu_backing_owner *owner, void *ctx,
					struct netlink_ext_ack *extack)
{
	struct npmu_backing *b;
	struct memdev *dev;

	list_for_each_entry(dev, &memdevs, node) {
		if (strcmp(dev->b.path, path))
			continue;
		b = memdev_claim(dev);
		if (IS_ERR(b))
			return b;
		dev->gone = owner->gone;
		dev->ctx = ctx;
		if (dev->remove_at_open)
			memdev_remove(dev);
		return b;
	}
	NL_SET_ERR_MSG(extack, "no such device");
	return ERR_PTR(-ENOENT);
}

void memdev_remove(struct memdev *dev)
{
	if (dev->open)
		dev->gone(dev->ctx);
	dev->removed = true;
}

static void memdev_end(void *arg)
{
	struct memdev *dev = arg;
	struct kunit *test = kunit_get_current_test();

	if (test) {
		KUNIT_EXPECT_FALSE_MSG(test, dev->open, "%s is still claimed", dev->b.path);
		KUNIT_EXPECT_FALSE_MSG(test, dev->misused,
				       "%s was touched when or where it was not there",
				       dev->b.path);
	}
	list_del(&dev->node);
	vfree(dev->mem);
	bitmap_free(dev->bad);
	kfree(dev);
}

struct memdev *memdev_make(struct kunit *test, const char *path, u64 size)
{
	struct memdev *dev = kzalloc(sizeof(*dev), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, dev);
	INIT_LIST_HEAD(&dev->node);
	dev->mem = vzalloc(size);
	dev->bad = bitmap_zalloc(size >> NPMU_GRANULE_SHIFT, GFP_KERNEL);
	dev->power = U64_MAX;
	dev->b.ops = &memdev_ops;
	dev->b.kind = NPMU_BACKING_KIND_PMEM;
	dev->b.class = NPMU_CLASS_WARM;
	dev->b.size = size;
	strscpy(dev->b.path, path);
	list_add_tail(&dev->node, &memdevs);
	KUNIT_ASSERT_EQ(test, kunit_add_action_or_reset(test, memdev_end, dev), 0);
	KUNIT_ASSERT_NOT_NULL(test, dev->mem);
	KUNIT_ASSERT_NOT_NULL(test, dev->bad);
	kunit_activate_static_stub(test, npmu_backing_open_pmem, memdev_open);
	return dev;
}

struct memdev *memdev_copy(struct kunit *test, const struct memdev *dev, const char *path)
{
	struct memdev *copy = memdev_make(test, path, dev->b.size);

	memcpy(copy->mem, dev->mem, dev->b.size);
	return copy;
}

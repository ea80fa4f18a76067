// SPDX-License-Identifier: GPL-2.0-only
/*
 * The dram backing: memory of the host, in 2 MiB pages where there are some, in
 * 4 KiB pages elsewhere. Owns the pages. Does not know what the bytes mean, nor
 * who maps them. It can go away only by being closed.
 */
#include <linux/mm.h>
#include <linux/netlink.h>
#include <linux/pagemap.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "backing.h"

#define DRAM_ORDER	(NPMU_CHUNK_SHIFT - PAGE_SHIFT)
#define DRAM_PAGES	BIT(DRAM_ORDER)
#define DRAM_GFP	(GFP_KERNEL | __GFP_ZERO | __GFP_NOWARN | __GFP_RETRY_MAYFAIL)
/* What is left to the host: this fraction of its memory. */
#define DRAM_SPARE	16

/**
 * struct dram_chunk - 2 MiB of a dram backing, the last one perhaps less
 * @huge: all of it, or NULL
 * @pages: DRAM_PAGES single ones where @huge is NULL; unused ones are NULL
 */
struct dram_chunk {
	struct page *huge;
	struct page **pages;
};

/**
 * struct dram_backing - the dram kind of a backing
 * @b: the part all kinds have
 * @nr: number of @chunks
 * @chunks: in order
 */
struct dram_backing {
	struct npmu_backing b;
	unsigned long nr;
	struct dram_chunk chunks[] __counted_by(nr);
};

static struct dram_backing *to_dram(struct npmu_backing *b)
{
	return container_of(b, struct dram_backing, b);
}

static struct page *dram_page(struct npmu_backing *b, u64 off)
{
	struct dram_chunk *c = &to_dram(b)->chunks[off >> NPMU_CHUNK_SHIFT];
	unsigned int i = (off & (NPMU_CHUNK_SIZE - 1)) >> PAGE_SHIFT;

	return c->huge ? c->huge + i : c->pages[i];
}

static void *dram_kaddr(struct npmu_backing *b, u64 off)
{
	return page_address(dram_page(b, off)) + offset_in_page(off);
}

static unsigned long dram_pfn(struct npmu_backing *b, u64 off)
{
	return page_to_pfn(dram_page(b, off));
}

static bool dram_bad(struct npmu_backing *b, u64 off, u64 len)
{
	u64 end = off + len;

	for (off = round_down(off, PAGE_SIZE); off < end; off += PAGE_SIZE)
		if (PageHWPoison(dram_page(b, off)))
			return true;
	return false;
}

static bool dram_huge_ok(struct npmu_backing *b, u64 off)
{
	off = round_down(off, NPMU_CHUNK_SIZE);
	return to_dram(b)->chunks[off >> NPMU_CHUNK_SHIFT].huge &&
	       b->size - off >= NPMU_CHUNK_SIZE && !dram_bad(b, off, NPMU_CHUNK_SIZE);
}

static int dram_read(struct npmu_backing *b, u64 off, void *dst, size_t len)
{
	size_t n;

	for (; len; off += n, dst += n, len -= n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(off));
		if (copy_mc_to_kernel(dst, dram_kaddr(b, off), n))
			return -EIO;
	}
	return 0;
}

static void dram_write(struct npmu_backing *b, u64 off, const void *src, size_t len)
{
	size_t n;

	for (; len; off += n, src += n, len -= n) {
		n = min_t(size_t, len, PAGE_SIZE - offset_in_page(off));
		memcpy(dram_kaddr(b, off), src, n);
	}
}

static void dram_store(struct npmu_backing *b, u64 off, const void *word)
{
	WRITE_ONCE(*(u64 *)dram_kaddr(b, off), *(const u64 *)word);
}

static void dram_zero(struct npmu_backing *b, u64 off, u64 len)
{
	size_t n;

	for (; len; off += n, len -= n) {
		n = min_t(u64, len, PAGE_SIZE - offset_in_page(off));
		memset(dram_kaddr(b, off), 0, n);
		if (!(off & (NPMU_CHUNK_SIZE - 1)))
			cond_resched();
	}
}

/* Nothing survives the host: a store is as durable as it gets. */
static void dram_writeback(struct npmu_backing *b, u64 off, u64 len)
{
}

static void dram_fence(struct npmu_backing *b)
{
}

static void dram_free_chunk(struct dram_chunk *c)
{
	unsigned int i;

	if (c->huge)
		__free_pages(c->huge, DRAM_ORDER);
	if (!c->pages)
		return;
	for (i = 0; i < DRAM_PAGES && c->pages[i]; i++)
		__free_page(c->pages[i]);
	kfree(c->pages);
}

static void dram_close(struct npmu_backing *b)
{
	struct dram_backing *d = to_dram(b);
	unsigned long i;

	for (i = 0; i < d->nr; i++) {
		dram_free_chunk(&d->chunks[i]);
		cond_resched();
	}
	kvfree(d);
}

static const struct npmu_backing_ops dram_ops = {
	.close = dram_close,
	.pfn = dram_pfn,
	.huge_ok = dram_huge_ok,
	.bad = dram_bad,
	.read = dram_read,
	.write = dram_write,
	.store = dram_store,
	.zero = dram_zero,
	.writeback = dram_writeback,
	.fence = dram_fence,
};

/* On failure what was taken is left to dram_free_chunk(). */
static int dram_fill_chunk(struct dram_chunk *c, u64 len)
{
	unsigned int i;

	if (len >= NPMU_CHUNK_SIZE) {
		c->huge = alloc_pages(DRAM_GFP, DRAM_ORDER);
		if (c->huge)
			return 0;
		len = NPMU_CHUNK_SIZE;
	}
	c->pages = kcalloc(DRAM_PAGES, sizeof(*c->pages), GFP_KERNEL);
	if (!c->pages)
		return -ENOMEM;
	for (i = 0; i < len >> PAGE_SHIFT; i++) {
		if (fatal_signal_pending(current))
			return -EINTR;
		c->pages[i] = alloc_page(DRAM_GFP);
		if (!c->pages[i])
			return -ENOMEM;
		cond_resched();
	}
	return 0;
}

struct npmu_backing *npmu_backing_open_dram(u64 size, struct netlink_ext_ack *extack)
{
	u64 avail, spare;
	struct dram_backing *d;
	unsigned long i, nr;
	int ret;

	if (!size || size % NPMU_GRANULE_SIZE) {
		NL_SET_ERR_MSG(extack, "size is not a multiple of 4 KiB");
		return ERR_PTR(-EINVAL);
	}
	avail = max(si_mem_available(), 0L);
	spare = totalram_pages() / DRAM_SPARE;
	avail = avail > spare ? avail - spare : 0;
	if (size >> PAGE_SHIFT > avail) {
		NL_SET_ERR_MSG_FMT(extack, "%llu MiB asked for, this host can spare %llu MiB",
				   size >> 20, (avail << PAGE_SHIFT) >> 20);
		return ERR_PTR(-ENOMEM);
	}
	nr = DIV_ROUND_UP_ULL(size, NPMU_CHUNK_SIZE);
	d = kvzalloc(struct_size(d, chunks, nr), GFP_KERNEL);
	if (!d)
		return ERR_PTR(-ENOMEM);
	d->b.ops = &dram_ops;
	d->b.kind = NPMU_BACKING_KIND_DRAM;
	d->b.class = NPMU_CLASS_VOLATILE;
	d->b.size = size;
	d->nr = nr;
	for (i = 0; i < nr; i++) {
		if (fatal_signal_pending(current)) {
			NL_SET_ERR_MSG(extack, "interrupted");
			ret = -EINTR;
			goto err;
		}
		ret = dram_fill_chunk(&d->chunks[i], size - ((u64)i << NPMU_CHUNK_SHIFT));
		if (ret) {
			if (ret == -ENOMEM)
				NL_SET_ERR_MSG_FMT(extack, "out of memory after %llu MiB of %llu",
						   (u64)i << 1, size >> 20);
			goto err;
		}
		cond_resched();
	}
	return &d->b;

err:
	dram_close(&d->b);
	return ERR_PTR(ret);
}

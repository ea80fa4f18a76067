// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The recording backing: in place of pmem. What the module writes goes into the
 * model, what it reads is what the memory holds. It must not know what is written.
 */
#include "model.h"
#include "rec_backing.h"

struct rec_backing rec_backing;

static u8 *at(u64 off)
{
	return (u8 *)model_line(0) + off;
}

static void rec_close(struct npmu_backing *b)
{
	SHIM_ASSERT(rec_backing.open);
	rec_backing.open = false;
	(void)b;
}

static unsigned long rec_pfn(struct npmu_backing *b, u64 off)
{
	return (b->skew + off) / PAGE_SIZE;
}

static bool rec_huge_ok(struct npmu_backing *b, u64 off)
{
	(void)b;
	(void)off;
	return false;
}

static bool rec_bad(struct npmu_backing *b, u64 off, u64 len)
{
	(void)b;
	(void)off;
	(void)len;
	return false;
}

static void check(struct npmu_backing *b, u64 off, u64 len)
{
	SHIM_ASSERT(rec_backing.open);
	SHIM_ASSERT(off <= b->size && len <= b->size - off);
}

static int rec_read(struct npmu_backing *b, u64 off, void *dst, size_t len)
{
	check(b, off, len);
	memcpy(dst, at(off), len);
	return 0;
}

static void rec_write(struct npmu_backing *b, u64 off, const void *src, size_t len)
{
	check(b, off, len);
	model_stream(at(off), src, len);
}

static void rec_store(struct npmu_backing *b, u64 off, const void *word)
{
	rec_write(b, off, word, sizeof(u64));
}

static void rec_zero(struct npmu_backing *b, u64 off, u64 len)
{
	check(b, off, len);
	model_zero(at(off), len);
}

static void rec_writeback(struct npmu_backing *b, u64 off, u64 len)
{
	check(b, off, len);
	model_writeback(at(off), len);
}

static void rec_fence(struct npmu_backing *b)
{
	check(b, 0, 0);
	model_fence();
}

static const struct npmu_backing_ops rec_ops = {
	.close = rec_close,
	.pfn = rec_pfn,
	.huge_ok = rec_huge_ok,
	.bad = rec_bad,
	.read = rec_read,
	.write = rec_write,
	.store = rec_store,
	.zero = rec_zero,
	.writeback = rec_writeback,
	.fence = rec_fence,
};

struct npmu_backing *npmu_backing_open_pmem(const char *path,
					    const struct npmu_backing_owner *owner, void *ctx,
					    struct netlink_ext_ack *extack)
{
	struct npmu_backing *b = &rec_backing.b;

	(void)path;
	(void)owner;
	(void)ctx;
	(void)extack;
	SHIM_ASSERT(!rec_backing.open);
	rec_backing.open = true;
	b->ops = &rec_ops;
	b->kind = NPMU_BACKING_KIND_PMEM;
	b->class = NPMU_CLASS_PERSISTENT;
	b->size = model_size();
	b->skew = rec_backing.skew;
	strcpy(b->path, "recording");
	return b;
}

struct npmu_backing *npmu_backing_open_dram(u64 size, struct netlink_ext_ack *extack)
{
	(void)size;
	(void)extack;
	return ERR_PTR(-EOPNOTSUPP);
}

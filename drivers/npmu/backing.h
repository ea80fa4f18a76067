/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Backings: raw memory that a unit lies on. A backing knows bytes and pages; it
 * does not know what they mean. Offsets are bytes from its start. Ranges have
 * been checked by the caller: they lie within the backing's size.
 *
 * All but open and close may be called from any context that may sleep, and
 * never after the backing has gone: that is for the unit's io gate.
 */
#ifndef _NPMU_BACKING_H
#define _NPMU_BACKING_H

#include <linux/types.h>
#include <linux/npmu_format.h>
#include <linux/npmu_netlink.h>

struct netlink_ext_ack;
struct npmu_backing;

/*
 * One table for each kind; mend and next_bad are NULL where nothing ever fails. See
 * the functions of the same names below.
 */
struct npmu_backing_ops {
	void (*close)(struct npmu_backing *b);
	unsigned long (*pfn)(struct npmu_backing *b, u64 off);
	bool (*huge_ok)(struct npmu_backing *b, u64 off);
	bool (*bad)(struct npmu_backing *b, u64 off, u64 len);
	int (*read)(struct npmu_backing *b, u64 off, void *dst, size_t len);
	void (*write)(struct npmu_backing *b, u64 off, const void *src, size_t len);
	void (*store)(struct npmu_backing *b, u64 off, const void *word);
	void (*zero)(struct npmu_backing *b, u64 off, u64 len);
	bool (*mend)(struct npmu_backing *b, u64 off, const void *src);
	bool (*next_bad)(struct npmu_backing *b, u64 off, u64 end, u64 *start, u64 *len);
	void (*writeback)(struct npmu_backing *b, u64 off, u64 len);
	void (*fence)(struct npmu_backing *b);
};

/**
 * struct npmu_backing - constant while it is open; a kind embeds it
 * @ops: of its kind
 * @kind: for whoever shows it
 * @class: what a commit survives; never more than is known
 * @size: bytes, a multiple of 4 KiB
 * @skew: physical address of byte 0 modulo 2 MiB: an offset is aligned for a
 *	2 MiB mapping where (offset + skew) is a multiple of 2 MiB
 * @path: of the block device, "" for dram
 */
struct npmu_backing {
	const struct npmu_backing_ops *ops;
	enum npmu_backing_kind kind;
	enum npmu_class class;
	u64 size;
	u64 skew;
	char path[256];
};

/**
 * struct npmu_backing_owner - what a backing tells who opened it
 * @gone: at most once, when the device is being removed. The memory is there until
 *	it returns, and is not touched any more once it returned: it closes the
 *	unit's gates and takes all mappings away
 * @failed: memory failed: [off, off + len), whole pages. npmu_backing_bad() says so
 *	from now on. Once it returned, nobody stores there nor has it mapped
 *
 * Both may come before the open has returned, and from any task, with locks of the
 * device held: they may sleep, but must not open or close a backing, nor wait for
 * who does. None comes after the backing was closed.
 */
struct npmu_backing_owner {
	void (*gone)(void *ctx);
	void (*failed)(void *ctx, u64 off, u64 len);
};

/**
 * npmu_backing_open_pmem - claim a pmem block device for its memory
 * @path: of the block device
 * @owner: is told of what happens to it
 * @ctx: for @owner
 * @extack: message on refusal
 *
 * Return: the backing or ERR_PTR: -ENOENT, -ENXIO, -ENOTBLK, -EACCES (read-only),
 * -EBUSY (in use), -EOPNOTSUPP (no DAX, or needs an explicit flush), -ENODEV
 * (being removed), -ENAMETOOLONG, -ENOMEM, -EIO.
 */
struct npmu_backing *npmu_backing_open_pmem(const char *path,
					    const struct npmu_backing_owner *owner, void *ctx,
					    struct netlink_ext_ack *extack);

/**
 * npmu_backing_open_dram - take memory of the host, zeroed
 * @size: bytes, a multiple of 4 KiB, not zero
 * @extack: message on refusal
 *
 * Return: the backing or ERR_PTR: -EINVAL, -ENOMEM (also when more than the host
 * can spare was asked for), -EINTR (the caller was killed).
 */
struct npmu_backing *npmu_backing_open_dram(u64 size, struct netlink_ext_ack *extack);

/*
 * Never fails. Waits for a call of gone() that is under way: the caller holds no
 * lock that gone() takes. No call comes after it.
 */
static inline void npmu_backing_close(struct npmu_backing *b)
{
	b->ops->close(b);
}

static inline unsigned long npmu_backing_pfn(struct npmu_backing *b, u64 off)
{
	return b->ops->pfn(b, off);
}

/*
 * Can one 2 MiB mapping cover the 2 MiB of physically aligned memory around
 * @off: are they contiguous, all within the backing, none known to be bad?
 */
static inline bool npmu_backing_huge_ok(struct npmu_backing *b, u64 off)
{
	return b->ops->huge_ok(b, off);
}

/* Is a byte of the range known to be poisoned? To be asked before it is touched. */
static inline bool npmu_backing_bad(struct npmu_backing *b, u64 off, u64 len)
{
	return b->ops->bad(b, off, len);
}

/*
 * The first run of bad pages in [off, end); false: there is none. Both are multiples
 * of 4 KiB.
 */
static inline bool npmu_backing_next_bad(struct npmu_backing *b, u64 off, u64 end, u64 *start,
					 u64 *len)
{
	return b->ops->next_bad && b->ops->next_bad(b, off, end, start, len);
}

/*
 * Overwrites one bad page with @src, durably. True: it can be read again and holds
 * that; it no longer counts as bad.
 */
static inline bool npmu_backing_mend(struct npmu_backing *b, u64 off, const void *src)
{
	return b->ops->mend && b->ops->mend(b, off, src);
}

/* Survives poisoned memory: -EIO, with part of @dst written. */
static inline int npmu_backing_read(struct npmu_backing *b, u64 off, void *dst, size_t len)
{
	return b->ops->read(b, off, dst, len);
}

/*
 * Durable after npmu_backing_fence(), no write-back is needed. Not where memory is
 * known to be bad: the kernel may have taken its mapping of that away. The same goes
 * for what follows.
 */
static inline void npmu_backing_write(struct npmu_backing *b, u64 off, const void *src,
				      size_t len)
{
	b->ops->write(b, off, src, len);
}

/*
 * As npmu_backing_write(), of eight aligned bytes: one store, which is seen and is
 * durable as a whole or not at all.
 */
static inline void npmu_backing_store(struct npmu_backing *b, u64 off, const void *word)
{
	b->ops->store(b, off, word);
}

/* As npmu_backing_write(), of zeros. */
static inline void npmu_backing_zero(struct npmu_backing *b, u64 off, u64 len)
{
	b->ops->zero(b, off, len);
}

/* Write dirty cache lines of the range back; durable after npmu_backing_fence(). */
static inline void npmu_backing_writeback(struct npmu_backing *b, u64 off, u64 len)
{
	b->ops->writeback(b, off, len);
}

static inline void npmu_backing_fence(struct npmu_backing *b)
{
	b->ops->fence(b);
}

/*
 * Writes one page, durable after npmu_backing_fence(); one that is bad is mended.
 * False: it stays bad, and nothing was written.
 */
static inline bool npmu_backing_put(struct npmu_backing *b, u64 off, const void *src, size_t len)
{
	if (npmu_backing_bad(b, off, len))
		return npmu_backing_mend(b, off, src);
	npmu_backing_write(b, off, src, len);
	return true;
}

/* As npmu_backing_put(), and durable when it returns. */
static inline bool npmu_backing_persist(struct npmu_backing *b, u64 off, const void *src,
					size_t len)
{
	bool put = npmu_backing_put(b, off, src, len);

	npmu_backing_fence(b);
	return put;
}

#endif /* _NPMU_BACKING_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A device for suites: memory that stays when its backing is closed, so that a unit
 * can be attached again. It can have bad blocks, lose power in the middle of writes,
 * and be removed.
 */
#ifndef _NPMU_TESTS_MEMDEV_H
#define _NPMU_TESTS_MEMDEV_H

#include <kunit/test.h>

#include "backing.h"

/**
 * struct memdev - a device, to be found by @path
 * @b: the backing, while it is @open
 * @node: of all that this test made
 * @mem: its bytes
 * @bad: by granule: cannot be read
 * @power: pieces that can still be written before the power is cut
 * @torn: of the piece after those so many bytes are written
 * @fences: so far
 * @unfenced: pieces written since the last one
 * @open: claimed
 * @removed: whoever touches it now does wrong
 * @remove_at_open: it goes while it is being claimed
 * @misused: it was touched when it was not there
 * @gone: of whoever claimed it
 * @ctx: its argument
 */
struct memdev {
	struct npmu_backing b;
	struct list_head node;
	u8 *mem;
	unsigned long *bad;
	u64 power;
	u32 torn;
	u64 fences;
	u64 unfenced;
	bool open;
	bool removed;
	bool remove_at_open;
	bool misused;
	void (*gone)(void *ctx);
	void *ctx;
};

/* A device of zeros that npmu_backing_open_pmem() opens in this test, and its end. */
struct memdev *memdev_make(struct kunit *test, const char *path, u64 size);

/* A second one with the same bytes. */
struct memdev *memdev_copy(struct kunit *test, const struct memdev *dev, const char *path);

/* As a block device goes: whoever claimed it is told, then the bytes are not there. */
void memdev_remove(struct memdev *dev);

/* Claims it past npmu_backing_open_pmem(). */
struct npmu_backing *memdev_claim(struct memdev *dev);

static inline void memdev_spoil(struct memdev *dev, u64 off)
{
	set_bit(off >> NPMU_GRANULE_SHIFT, dev->bad);
}

#endif /* _NPMU_TESTS_MEMDEV_H */

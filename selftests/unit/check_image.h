/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For the tests of the offline media check: an image of a small unit, with a plain
 * region, one with list blocks, and free slots; and what a check of it reported.
 *
 * In the program itself, since each counts its own checks.
 */
#ifndef CHECK_IMAGE_H
#define CHECK_IMAGE_H

#include <inttypes.h>
#include <stdlib.h>

#include "media_image.h"
#include "mediacheck.h"
#include "tap.h"

#define G		NPMU_GRANULE_SIZE
#define MIB		(1ULL << 20)
#define UNIT		(8 * MIB)
#define SLOTS		16
#define NR_LIST		700	/* extents of the region in LIST_SLOT */
#define SMALL_SLOT	2
#define LIST_SLOT	5
#define BLOCKS		3	/* list blocks of that region */

static u8 *image;		/* UNIT bytes */
static struct npmu_superblock *sb;
static u64 lists;		/* offset of the first list block */

/* What a check reported. */
struct log {
	unsigned int nr;
	struct npmu_finding f[64];
	char text[64][256];
	char region[64][NPMU_REGION_NAME_LEN];
};

static inline void record(void *ctx, const struct npmu_finding *f)
{
	struct log *log = ctx;
	unsigned int n = log->nr++;

	CHECK(f->text && *f->text && f->region, "a finding without words");
	CHECK(f->copy >= -1 && f->copy <= 1 && f->slot >= -1, "bad place");
	if (n >= 64)
		return;
	log->f[n] = *f;
	snprintf(log->text[n], sizeof(log->text[n]), "%s", f->text);
	snprintf(log->region[n], sizeof(log->region[n]), "%s", f->region);
}

static inline int mem_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	const u8 *bytes = ctx;

	CHECK(!((off | len | (uintptr_t)buf) & 4095), "unaligned read");
	CHECK(off <= UNIT && len <= UNIT - off, "read outside: %" PRIu64, off);
	if (off > UNIT || len > UNIT - off)
		return -EFAULT;
	memcpy(buf, bytes + off, len);
	return 0;
}

static inline int run(struct log *log, struct npmu_check_summary *sum)
{
	struct npmu_media_source src = { UNIT, mem_read, image };
	const struct npmu_check_report report = { .finding = record, .ctx = log };

	log->nr = 0;
	return npmu_mediacheck(&src, &report, sum);
}

static inline struct npmu_region_record *rec(u32 slot, int copy)
{
	return (void *)(image + npmu_record_offset(sb, slot, copy));
}

static inline struct npmu_list_block *list(u32 nr, int copy)
{
	return (void *)(image + lists + (2 * nr + copy) * NPMU_RECORD_SIZE);
}

/* A unit with a plain region, one with list blocks, and free slots. */
static inline void build(void)
{
	struct npmu_list_block blk[BLOCKS] = {};
	struct npmu_region_record r;
	u32 slot;
	int i;

	memset(image, 0, UNIT);
	sb = (void *)image;
	image_superblock(sb, UNIT, SLOTS);
	memcpy(image + NPMU_SB_COPY1, sb, sizeof(*sb));
	lists = le64_to_cpu(sb->data_start);
	for (slot = 0; slot < SLOTS; slot++) {
		if (slot == SMALL_SLOT)
			image_region(&r, sb, slot, MIB, MIB);
		else if (slot == LIST_SLOT)
			image_region_list(&r, blk, sb, slot, 2 * MIB, NR_LIST,
					  lists);
		else
			npmu_region_fill_free(&r, sb, slot, slot);
		*rec(slot, 0) = r;
		*rec(slot, 1) = r;
	}
	for (i = 0; i < BLOCKS; i++) {
		*list(i, 0) = blk[i];
		*list(i, 1) = blk[i];
	}
}

static inline void expect(const struct log *log, unsigned int n,
			  enum npmu_severity severity, enum npmu_finding_what what,
			  int copy, int slot, uint64_t offset)
{
	const struct npmu_finding *f = &log->f[n];

	if (!CHECK(log->nr > n, "finding %u is missing", n))
		return;
	CHECK(f->severity == severity && f->what == what && f->copy == copy &&
	      f->slot == slot && f->offset == offset,
	      "finding %u: %s %s copy %d slot %d at %" PRIu64 ": %s", n,
	      npmu_severity_text(f->severity), npmu_finding_what_text(f->what),
	      f->copy, f->slot, f->offset, log->text[n]);
}

#endif /* CHECK_IMAGE_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * libFuzzer target over everything that reads media: the record checks, the
 * extent arithmetic, the allocator's marks, the offline check.
 *
 * Input: a byte of flags, then patches {record, offset (2), length, bytes} upon a
 * small valid unit. With F_SEAL every record is sealed again, lists included, so
 * that the CRC does not hide what is behind it. Besides not crashing, what passed
 * a check must keep its promises.
 */
#include <stdint.h>
#include <stdlib.h>

#include "alloc.h"
#include "media_image.h"
#include "mediacheck.h"
#include "range.h"

#define UNIT		(8ULL << 20)
#define SLOTS		8
#define BLOCKS		3
#define NR_LIST		(NPMU_INLINE_EXTENTS + 2 * NPMU_LIST_EXTENTS + 7)
#define LISTS		(NPMU_TABLE_START + 2 * SLOTS * NPMU_RECORD_SIZE)
#define META		(LISTS + 2 * BLOCKS * NPMU_RECORD_SIZE)
#define LIST_SLOT	3

#define F_SEAL		1
#define F_COPY		2	/* second copies equal the first */

static u8 base[META] __attribute__((aligned(4096)));
static u8 image[UNIT] __attribute__((aligned(4096)));

#define MUST(cond) do {		\
	if (!(cond))		\
		abort();	\
} while (0)

static void build(void)
{
	struct npmu_superblock *sb = (void *)base;
	struct npmu_list_block blk[BLOCKS];
	struct npmu_region_record *rec;
	u32 slot, i;

	image_superblock(sb, UNIT, SLOTS);
	memcpy(base + NPMU_SB_COPY1, sb, sizeof(*sb));
	for (slot = 0; slot < SLOTS; slot++) {
		rec = (void *)(base + npmu_record_offset(sb, slot, 0));
		if (slot == LIST_SLOT)
			image_region_list(rec, blk, sb, slot, META, NR_LIST,
					  LISTS);
		else if (slot & 1)
			image_region(rec, sb, slot, UNIT - (slot + 1) * 0x10000,
				     0x8000);
		else
			npmu_region_fill_free(rec, sb, slot, slot);
		memcpy(base + npmu_record_offset(sb, slot, 1), rec, sizeof(*rec));
	}
	for (i = 0; i < BLOCKS; i++) {
		memcpy(base + LISTS + 2 * i * 4096, &blk[i], 4096);
		memcpy(base + LISTS + (2 * i + 1) * 4096, &blk[i], 4096);
	}
}

/* Record number n of the metadata, in order of the media. */
static u8 *record_at(u32 n)
{
	n %= 2 + 2 * SLOTS + 2 * BLOCKS;
	if (n < 2)
		return image + n * NPMU_SB_COPY1;
	return image + NPMU_TABLE_START + (n - 2) * NPMU_RECORD_SIZE;
}

/* The CRC that a reference should have, where it names a block of ours. */
static void refer(struct npmu_list_ref *ref)
{
	u64 addr = le64_to_cpu(ref->addr[0]);

	if (addr % 4096 == 0 && addr >= LISTS && addr < META)
		ref->crc = ((struct npmu_list_block *)(image + addr))->crc;
}

static void seal_all(int copy_too)
{
	u32 i;

	for (i = BLOCKS; i-- > 0;) {
		struct npmu_list_block *b = (void *)(image + LISTS + 2 * i * 4096);

		refer(&b[0].next);
		npmu_list_seal(&b[0]);
		if (copy_too)
			b[1] = b[0];
		npmu_list_seal(&b[1]);
	}
	for (i = 0; i < 2 * SLOTS; i++) {
		struct npmu_region_record *r = (void *)record_at(2 + i);

		if (copy_too && i >= SLOTS)
			*r = *(struct npmu_region_record *)record_at(2 + i - SLOTS);
		refer(&r->list);
		npmu_region_seal(r);
	}
	if (copy_too)
		memcpy(record_at(1), record_at(0), NPMU_RECORD_SIZE);
	npmu_sb_seal((void *)record_at(0));
	npmu_sb_seal((void *)record_at(1));
}

static int mem_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	(void)ctx;
	MUST(npmu_range_ok(off, len, UNIT) && !((off | len) & 4095));
	memcpy(buf, image + off, len);
	return 0;
}

static void report(void *ctx, const struct npmu_finding *f)
{
	(void)ctx;
	MUST(*f->text && f->offset < UNIT);
	MUST(!*f->region || npmu_name_ok(f->region, NPMU_REGION_NAME_LEN));
}

/* What npmu_region_check() promises. */
static void use_region(const struct npmu_region_record *r,
		       const struct npmu_superblock *sb)
{
	struct npmu_extent e[NPMU_INLINE_EXTENTS];
	u64 size = le64_to_cpu(r->size), end, off;
	u32 nr = le32_to_cpu(r->nr_extents);
	u32 in = nr < NPMU_INLINE_EXTENTS ? nr : NPMU_INLINE_EXTENTS;
	struct npmu_extent_cut cut;

	if (le32_to_cpu(r->state) == NPMU_SLOT_FREE)
		return;
	end = npmu_extents_load(e, r->extents, in, 0);
	MUST(nr > in ? end < size : end == size);
	MUST(npmu_extents_check(e, in, end, le64_to_cpu(sb->data_start),
				le64_to_cpu(sb->size)));
	MUST(nr > in == npmu_list_ref_present(&r->list));
	for (off = 0; off < end; off += e[0].len) {
		const struct npmu_extent *x = npmu_extent_find(e, in, off);

		MUST(x && npmu_range_ok(off - x->off, 1, x->len));
	}
	MUST(!npmu_extent_find(e, in, end));
	cut = npmu_extents_cut(e, in, NPMU_GRANULE_SIZE);
	MUST(cut.keep == 1 && cut.keep_len == NPMU_GRANULE_SIZE);
	MUST(npmu_name_ok((const char *)r->name, NPMU_REGION_NAME_LEN));
}

static void use_unit(const struct npmu_superblock *sb)
{
	struct npmu_check_summary s;
	struct npmu_media_source src = { UNIT, mem_read, NULL };
	u32 slot, i;

	MUST(!npmu_mediacheck(&src, report, NULL, &s));
	MUST(s.regions + s.damaged <= s.max_regions);
	MUST(s.free_bytes <= s.data_bytes && s.data_bytes <= s.size);
	if (npmu_sb_check(sb, UNIT))
		return;
	MUST(s.found_unit && le64_to_cpu(sb->size) <= UNIT);
	for (slot = 0; slot < SLOTS; slot++) {
		for (i = 0; i < 2; i++) {
			u64 off = npmu_record_offset(sb, slot, i);
			const struct npmu_region_record *r;

			MUST(npmu_range_ok(off, NPMU_RECORD_SIZE, UNIT));
			r = (void *)(image + off);
			if (!npmu_region_check(r, sb, slot))
				use_region(r, sb);
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static int built;
	u8 flags;

	if (!built) {
		build();
		memcpy(image, base, META);
		use_unit((void *)image);
		built = 1;
	}
	if (!len)
		return 0;
	memcpy(image, base, META);
	flags = *data++;
	len--;
	while (len >= 4) {
		u8 *rec = record_at(data[0]);
		size_t at = (data[1] | data[2] << 8) % NPMU_RECORD_SIZE;
		size_t n = data[3];

		data += 4;
		len -= 4;
		if (n > len)
			n = len;
		if (n > NPMU_RECORD_SIZE - at)
			n = NPMU_RECORD_SIZE - at;
		memcpy(rec + at, data, n);
		data += n;
		len -= n;
	}
	if (flags & F_SEAL)
		seal_all(flags & F_COPY);
	use_unit((void *)image);
	return 0;
}

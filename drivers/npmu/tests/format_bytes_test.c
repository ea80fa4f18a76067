// SPDX-License-Identifier: GPL-2.0-only
/*
 * Every byte of every kind of record, changed: once as damage (the CRC no longer
 * matches, always refused) and once as malice (sealed again: refused, unless the
 * byte belongs to a field that may have that value).
 */

#include "check.h"
#include "media_image.h"

#define MIB	(1ULL << 20)
#define UNIT	(64 * MIB)
#define SLOT	5
#define NR_LIST	700	/* extents: inline ones and three list blocks */

enum kind { SUPERBLOCK, FREE, SMALL, LARGE, LIST, LAST_LIST, NR_KINDS };

static const u8 flips[] = { 0xff, 1, 2, 4, 8, 16, 32, 64, 128 };

/* In the kernel one of them, and not at every byte: a CRC is slow there. */
#define WAYS	ROUNDS((int)ARRAY_SIZE(flips))
#ifdef __KERNEL__
#define STRIDE	7
#else
#define STRIDE	1
#endif

static const char * const kind_text[] = {
	"superblock", "free slot", "region", "region with list", "list block",
	"last list block",
};

static struct npmu_superblock sb;
static struct npmu_region_record record_free, record_small, record_large;
static struct npmu_list_block blocks[3];

static void *record_of(enum kind kind)
{
	switch (kind) {
	case SUPERBLOCK:
		return &sb;
	case FREE:
		return &record_free;
	case SMALL:
		return &record_small;
	case LARGE:
		return &record_large;
	case LIST:
		return &blocks[0];
	default:
		return &blocks[2];
	}
}

static int verdict(enum kind kind, const void *rec,
		   const struct npmu_list_ref *ref)
{
	switch (kind) {
	case SUPERBLOCK:
		return npmu_sb_check(rec, UNIT);
	case FREE:
	case SMALL:
	case LARGE:
		return npmu_region_check(rec, &sb, SLOT);
	case LIST:
		return npmu_list_check(rec, ref, &sb, SLOT, record_large.uuid,
				       NR_LIST - NPMU_INLINE_EXTENTS);
	default:
		return npmu_list_check(rec, ref, &sb, SLOT, record_large.uuid,
				       NR_LIST - NPMU_INLINE_EXTENTS -
				       2 * NPMU_LIST_EXTENTS);
	}
}

/* Seal again; a list block gets a reference to match. */
static void seal(enum kind kind, void *rec, struct npmu_list_ref *ref)
{
	if (kind == SUPERBLOCK)
		npmu_sb_seal(rec);
	else if (kind < LIST)
		npmu_region_seal(rec);
	else
		ref->crc = cpu_to_le32(npmu_list_seal(rec));
}

static const struct npmu_list_ref *ref_of(enum kind kind)
{
	return kind == LIST ? &record_large.list : &blocks[1].next;
}

static void record__valid_as_made(struct kunit *test)
{
	int kind;

	for (kind = 0; kind < NR_KINDS; kind++) {
		int err = verdict(kind, record_of(kind), ref_of(kind));

		CHECK(!err, "%s: %s", kind_text[kind],
		      npmu_format_error_text(err));
	}
}

static void record__any_byte_damaged_is_refused(struct kunit *test)
{
	int kind, at, way;

	for (kind = 0; kind < NR_KINDS; kind++) {
		static u8 rec[NPMU_RECORD_SIZE];

		memcpy(rec, record_of(kind), sizeof(rec));
		for (at = 0; at < NPMU_RECORD_SIZE; at += STRIDE) {
			for (way = 0; way < WAYS; way++) {
				u8 flip = flips[way];

				rec[at] ^= flip;
				CHECK(verdict(kind, rec, ref_of(kind)),
				      "%s: byte %d ^ %#x is accepted",
				      kind_text[kind], at, flip);
				rec[at] ^= flip;
			}
		}
		CHECK(!memcmp(rec, record_of(kind), sizeof(rec)),
		      "%s: a check changed its input", kind_text[kind]);
	}
}

#define FIELD(type, name) \
	{ offsetof(struct type, name), sizeof_field(struct type, name) }

/* Fields in which another value can be just as good. */
struct field {
	size_t off;
	size_t len;
};

static const struct field free_sb[] = {
	FIELD(npmu_superblock, magic),	/* sealing puts it right */
	FIELD(npmu_superblock, crc),	/* likewise */
	FIELD(npmu_superblock, compat),
	FIELD(npmu_superblock, uuid),
	FIELD(npmu_superblock, name),
	FIELD(npmu_superblock, size),	/* a smaller unit, if it still fits */
	FIELD(npmu_superblock, table),	/* other places, if they still fit */
	FIELD(npmu_superblock, data_start),
	FIELD(npmu_superblock, created),
	FIELD(npmu_superblock, max_regions),
	{ 0, 0 },
};

static const struct field free_free[] = {
	FIELD(npmu_region_record, magic),
	FIELD(npmu_region_record, crc),
	FIELD(npmu_region_record, media_epoch),
	{ 0, 0 },
};

static const struct field free_region[] = {
	FIELD(npmu_region_record, magic),
	FIELD(npmu_region_record, crc),
	FIELD(npmu_region_record, media_epoch),
	FIELD(npmu_region_record, uuid),
	FIELD(npmu_region_record, fence_epoch),
	FIELD(npmu_region_record, uid),
	FIELD(npmu_region_record, gid),
	FIELD(npmu_region_record, mode),
	FIELD(npmu_region_record, flags),
	/* A name of one byte. */
	{ offsetof(struct npmu_region_record, creator), 1 },
	FIELD(npmu_region_record, name),
	FIELD(npmu_region_record, extents),
	{ 0, 0 },
};

/* With a list, the record alone cannot tell what the sizes must be. */
static const struct field free_large[] = {
	FIELD(npmu_region_record, magic),
	FIELD(npmu_region_record, crc),
	FIELD(npmu_region_record, media_epoch),
	FIELD(npmu_region_record, uuid),
	FIELD(npmu_region_record, size),
	FIELD(npmu_region_record, fence_epoch),
	FIELD(npmu_region_record, uid),
	FIELD(npmu_region_record, gid),
	FIELD(npmu_region_record, mode),
	FIELD(npmu_region_record, flags),
	FIELD(npmu_region_record, nr_extents),
	{ offsetof(struct npmu_region_record, list.addr), 16 },
	{ offsetof(struct npmu_region_record, list.crc), 4 },
	/* A name of one byte. */
	{ offsetof(struct npmu_region_record, creator), 1 },
	FIELD(npmu_region_record, name),
	FIELD(npmu_region_record, extents),
	{ 0, 0 },
};

static const struct field free_list[] = {
	FIELD(npmu_list_block, magic),
	FIELD(npmu_list_block, crc),
	{ offsetof(struct npmu_list_block, next.addr), 16 },
	{ offsetof(struct npmu_list_block, next.crc), 4 },
	FIELD(npmu_list_block, extents),
	{ 0, 0 },
};

static const struct field free_last[] = {
	FIELD(npmu_list_block, magic),
	FIELD(npmu_list_block, crc),
	{ offsetof(struct npmu_list_block, extents),
	  (NR_LIST - NPMU_INLINE_EXTENTS - 2 * NPMU_LIST_EXTENTS) *
	  sizeof(struct npmu_extent_rec) },
	{ 0, 0 },
};

static const struct field * const free_fields[NR_KINDS] = {
	free_sb, free_free, free_region, free_large, free_list, free_last,
};

static bool may_vary(enum kind kind, size_t at)
{
	const struct field *f;

	for (f = free_fields[kind]; f->len; f++)
		if (at >= f->off && at < f->off + f->len)
			return true;
	return false;
}

static void record__any_byte_changed_and_sealed(struct kunit *test)
{
	int kind, at, way;

	for (kind = 0; kind < NR_KINDS; kind++) {
		for (at = 0; at < NPMU_RECORD_SIZE; at += STRIDE) {
			for (way = 0; way < WAYS; way++) {
				struct npmu_list_ref ref = *ref_of(kind);
				static u8 rec[NPMU_RECORD_SIZE];
				u8 flip = flips[way];
				int err;

				memcpy(rec, record_of(kind), sizeof(rec));
				rec[at] ^= flip;
				seal(kind, rec, &ref);
				err = verdict(kind, rec, &ref);
				CHECK(err || may_vary(kind, at),
				      "%s: byte %d ^ %#x, sealed, is accepted",
				      kind_text[kind], at, flip);
				CHECK(err != NPMU_FMT_CRC && err >= 0 &&
				      err < NPMU_FMT_NR_ERRORS,
				      "%s: byte %d ^ %#x: error %d",
				      kind_text[kind], at, flip, err);
			}
		}
	}
}

/* A block that is valid in itself, but not the one that is referred to. */
static void list__another_block_is_refused(struct kunit *test)
{
	static struct npmu_list_block blk;

	blk = blocks[0];
	blk.extents[3].start = blk.extents[2].start;
	npmu_list_seal(&blk);
	CHECK(npmu_list_check(&blk, &record_large.list, &sb, SLOT,
			      record_large.uuid, NR_LIST) == NPMU_FMT_CRC,
	      "an older block passes for the one referred to");
}

/* The CRC on the media is that of the record with its field zero. */
static void crc__as_documented(struct kunit *test)
{
	static struct npmu_superblock s;
	static struct npmu_region_record r;
	static struct npmu_list_block b;

	s = sb;
	r = record_small;
	b = blocks[0];
	s.crc = 0;
	r.crc = 0;
	b.crc = 0;
	CHECK(le32_to_cpu(sb.crc) == npmu_crc32c(0, &s, sizeof(s)), "superblock");
	CHECK(le32_to_cpu(record_small.crc) == npmu_crc32c(0, &r, sizeof(r)),
	      "region record");
	CHECK(le32_to_cpu(blocks[0].crc) == npmu_crc32c(0, &b, sizeof(b)),
	      "list block");
}

static void record__noise_is_refused(struct kunit *test)
{
	u64 seed = 1;
	int i, j, kind;

	for (i = 0; i < ROUNDS(3000); i++) {
		static u64 rec[NPMU_RECORD_SIZE / 8];

		for (j = 0; j < NPMU_RECORD_SIZE / 8; j++)
			rec[j] = seeded_random(&seed);
		for (kind = 0; kind < NR_KINDS; kind++) {
			struct npmu_list_ref ref = *ref_of(kind);

			CHECK(verdict(kind, rec, &ref), "noise is accepted");
			seal(kind, rec, &ref);
			CHECK(verdict(kind, rec, &ref), "sealed noise is accepted");
		}
	}
}

static struct kunit_case format_bytes_cases[] = {
	KUNIT_CASE(record__valid_as_made),
	KUNIT_CASE(crc__as_documented),
	KUNIT_CASE(record__any_byte_damaged_is_refused),
	KUNIT_CASE(record__any_byte_changed_and_sealed),
	KUNIT_CASE(list__another_block_is_refused),
	KUNIT_CASE(record__noise_is_refused),
	{}
};

static int format_bytes_init(struct kunit *test)
{
	u64 data;

	image_superblock(&sb, UNIT, 16);
	data = le64_to_cpu(sb.data_start);
	npmu_region_fill_free(&record_free, &sb, SLOT, 9);
	image_region(&record_small, &sb, SLOT, data, 3 * MIB);
	image_region_list(&record_large, blocks, &sb, SLOT, 8 * MIB, NR_LIST, data);
	return 0;
}

static struct kunit_suite format_bytes_suite = {
	.name = "npmu_format_bytes",
	.init = format_bytes_init,
	.test_cases = format_bytes_cases,
};

kunit_test_suite(format_bytes_suite);

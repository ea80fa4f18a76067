// SPDX-License-Identifier: GPL-2.0-only
/*
 * Values at and over every limit: names, layouts, superblock fields, region
 * fields, list blocks, and which of two copies counts.
 * Table-driven; each row names the error that it must give.
 */
#include "check.h"
#include "media_image.h"

#define KIB	(1ULL << 10)
#define MIB	(1ULL << 20)
#define TIB	(1ULL << 40)
#define UNIT	(64 * MIB)
#define SLOT	5

static struct npmu_superblock sb;

/* Put a little-endian value of width bytes at off. */
static void poke(void *rec, size_t off, size_t width, u64 value)
{
	u8 *p = (u8 *)rec + off;

	while (width--) {
		*p++ = value;
		value >>= 8;
	}
}

struct row {
	const char *name;
	size_t off;
	size_t width;
	u64 value;
	int want;
};

#define ROW(type, field, value, want)					\
	{ #field " = " #value, offsetof(struct type, field),		\
	  sizeof_field(struct type, field) > 8 ? 8 :				\
	  sizeof_field(struct type, field), value, want }

static void name__legal_bytes_and_lengths(struct kunit *test)
{
	static const char * const good[] = {
		"a", "0", "-", "_", ":", "+", "a.b", "a..", "unit-0",
		"Az09._+:-", "1234567890123456789012345678901",
	};
	static const char * const bad[] = {
		"", ".", "..", ".a", "a/b", "a b", "a\n", "a\t", "\x7f", "\x80",
		"\xc3\xa9", "a*", "a%", "a\\", "a,", "a=", "a;", "a~", "a\x01",
		"12345678901234567890123456789012",
		"123456789012345678901234567890123456789012345678901234567890",
	};
	char name[NPMU_REGION_NAME_LEN];
	u8 field[NPMU_UNIT_NAME_LEN];
	size_t i;
	int c;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		CHECK(npmu_name_ok(good[i], NPMU_UNIT_NAME_LEN), "good \"%s\"",
		      good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!npmu_name_ok(bad[i], NPMU_UNIT_NAME_LEN), "bad %zu", i);

	/* Of all bytes exactly 67 are legal, and one fewer in the first place. */
	for (i = 0, c = 1; c < 256; c++) {
		char two[3] = { 'x', (char)c, 0 };
		char one[2] = { (char)c, 0 };

		i += npmu_name_ok(two, sizeof(two)) ? 1 : 0;
		CHECK(npmu_name_ok(one, 2) ==
		      (npmu_name_ok(two, sizeof(two)) && c != '.'),
		      "byte %#x", c);
	}
	CHECK(i == 67, "%zu legal bytes", i);

	/* As long as can be; and without a terminating zero. */
	memset(name, 'x', sizeof(name));
	CHECK(!npmu_name_ok(name, sizeof(name)), "not terminated");
	name[sizeof(name) - 1] = 0;
	CHECK(npmu_name_ok(name, sizeof(name)), "63 bytes");
	CHECK(!npmu_name_ok(name, sizeof(name) - 1), "63 bytes in 63");

	memset(field, 0, sizeof(field));
	memcpy(field, "abc", 3);
	CHECK(npmu_name_field_ok(field, sizeof(field)), "field");
	for (i = 4; i < sizeof(field); i++) {
		field[i] = 'x';
		CHECK(!npmu_name_field_ok(field, sizeof(field)), "pad %zu", i);
		field[i] = 0;
	}
	memset(field, 'x', sizeof(field));
	CHECK(!npmu_name_field_ok(field, sizeof(field)), "full field");
}

static void layout__limits_of_a_unit(struct kunit *test)
{
	static const struct {
		u64 size;
		u32 max_regions;
		int want;
		u32 slots;
	} rows[] = {
		{ 0, 0, NPMU_FMT_TOO_SMALL, 0 },
		{ NPMU_MIN_UNIT_SIZE - 1, 0, NPMU_FMT_TOO_SMALL, 0 },
		{ NPMU_MIN_UNIT_SIZE, 0, 0, 64 },
		{ NPMU_MIN_UNIT_SIZE + 4095, 0, 0, 64 },
		{ NPMU_MIN_UNIT_SIZE, 8, 0, 8 },
		{ NPMU_MIN_UNIT_SIZE, 7, NPMU_FMT_MAX_REGIONS, 0 },
		{ NPMU_MIN_UNIT_SIZE, 64, 0, 64 },
		{ NPMU_MIN_UNIT_SIZE, 65, NPMU_FMT_MAX_REGIONS, 0 },
		{ 64 * MIB, 0, 0, 64 },
		{ 256 * MIB, 0, 0, 256 },
		{ 256 * MIB, 4096, 0, 4096 },
		{ 256 * MIB, 4097, NPMU_FMT_MAX_REGIONS, 0 },
		{ 1024 * MIB, 10000, 0, 10000 },
		{ 1024 * MIB, 10001, NPMU_FMT_MAX_REGIONS, 0 },
		{ 1024 * MIB, ~0U, NPMU_FMT_MAX_REGIONS, 0 },
		{ TIB, 0, 0, 10000 },
		{ NPMU_MAX_UNIT_SIZE, 0, 0, 10000 },
		{ NPMU_MAX_UNIT_SIZE + 1, 0, NPMU_FMT_TOO_LARGE, 0 },
		{ U64_MAX, 0, NPMU_FMT_TOO_LARGE, 0 },
	};
	static struct npmu_superblock s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		u64 end;
		int err;

		s = (struct npmu_superblock){ .name = "x", .uuid = { 1 } };
		err = npmu_layout_fill(&s, rows[i].size, rows[i].max_regions);
		CHECK(err == rows[i].want, "row %zu: %s", i,
		      npmu_format_error_text(err));
		if (err)
			continue;
		npmu_sb_seal(&s);
		err = npmu_sb_check(&s, rows[i].size);
		CHECK(!err, "row %zu: %s", i, npmu_format_error_text(err));
		CHECK(le32_to_cpu(s.max_regions) == rows[i].slots, "row %zu: %u",
		      i, le32_to_cpu(s.max_regions));
		CHECK(le64_to_cpu(s.size) == (rows[i].size & ~4095ULL),
		      "row %zu: size", i);
		CHECK(npmu_record_offset(&s, 0, 0) == NPMU_TABLE_START,
		      "row %zu: table 0", i);
		end = npmu_record_offset(&s, rows[i].slots, 0);
		CHECK(end == npmu_record_offset(&s, 0, 1), "row %zu: table 1", i);
		end = npmu_record_offset(&s, rows[i].slots, 1);
		CHECK(end == le64_to_cpu(s.data_start), "row %zu: data", i);
		CHECK(end - NPMU_TABLE_START <= rows[i].size / 8,
		      "row %zu: tables take too much", i);
	}
}

static void superblock__limits_of_each_field(struct kunit *test)
{
	static const struct row rows[] = {
		ROW(npmu_superblock, version, 1, 0),
		ROW(npmu_superblock, version, 0, NPMU_FMT_VERSION),
		ROW(npmu_superblock, version, 2, NPMU_FMT_VERSION),
		ROW(npmu_superblock, compat, U64_MAX, 0),
		ROW(npmu_superblock, ro_compat, 1, NPMU_FMT_FEATURES),
		ROW(npmu_superblock, ro_compat, 1ULL << 63, NPMU_FMT_FEATURES),
		ROW(npmu_superblock, incompat, 1, NPMU_FMT_FEATURES),
		ROW(npmu_superblock, incompat, 1ULL << 63, NPMU_FMT_FEATURES),
		ROW(npmu_superblock, name[0], 0, NPMU_FMT_NAME),
		ROW(npmu_superblock, name[0], '.', NPMU_FMT_NAME),
		ROW(npmu_superblock, name[1], '/', NPMU_FMT_NAME),
		ROW(npmu_superblock, name[31], 'x', NPMU_FMT_NAME),
		ROW(npmu_superblock, size, UNIT - 4096, 0),
		ROW(npmu_superblock, size, UNIT - 1, NPMU_FMT_UNIT_SIZE),
		ROW(npmu_superblock, size, UNIT + 4096, NPMU_FMT_TRUNCATED),
		ROW(npmu_superblock, size, 0, NPMU_FMT_TOO_SMALL),
		ROW(npmu_superblock, size, NPMU_MIN_UNIT_SIZE - 4096,
		    NPMU_FMT_TOO_SMALL),
		ROW(npmu_superblock, size, NPMU_MAX_UNIT_SIZE,
		    NPMU_FMT_TRUNCATED),
		ROW(npmu_superblock, size, NPMU_MAX_UNIT_SIZE + 4096,
		    NPMU_FMT_TOO_LARGE),
		ROW(npmu_superblock, size, U64_MAX, NPMU_FMT_TOO_LARGE),
		ROW(npmu_superblock, max_regions, 0, NPMU_FMT_MAX_REGIONS),
		ROW(npmu_superblock, max_regions, 7, NPMU_FMT_MAX_REGIONS),
		ROW(npmu_superblock, max_regions, 8, 0),
		ROW(npmu_superblock, max_regions, 17, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, max_regions, 10000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, max_regions, 10001, NPMU_FMT_MAX_REGIONS),
		ROW(npmu_superblock, max_regions, ~0U, NPMU_FMT_MAX_REGIONS),
		ROW(npmu_superblock, table[0], 0, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[0], 0x8000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[0], 0x11000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[0], 0x10001, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[0], U64_MAX, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[0], -4096ULL, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[1], 0, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[1], NPMU_TABLE_START,
		    NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[1], 0x1f000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[1], 0x21000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, table[1], -4096ULL, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, data_start, 0, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, data_start, 0x2f000, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, data_start, 0x31000, 0),
		ROW(npmu_superblock, data_start, 0x30001, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, data_start, UNIT - 4096, 0),
		ROW(npmu_superblock, data_start, UNIT, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, data_start, U64_MAX, NPMU_FMT_LAYOUT),
		ROW(npmu_superblock, reserved[0], 1, NPMU_FMT_RESERVED),
		ROW(npmu_superblock, reserved[3963], 1, NPMU_FMT_RESERVED),
	};
	static struct npmu_superblock s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		s = sb;
		poke(&s, rows[i].off, rows[i].width, rows[i].value);
		npmu_sb_seal(&s);
		err = npmu_sb_check(&s, UNIT);
		CHECK(err == rows[i].want, "%s: %s", rows[i].name,
		      npmu_format_error_text(err));
	}
	s = sb;
	memset(s.uuid, 0, sizeof(s.uuid));
	npmu_sb_seal(&s);
	CHECK(npmu_sb_check(&s, UNIT) == NPMU_FMT_UUID, "no uuid");
	CHECK(npmu_sb_check(&sb, UNIT - 1) == NPMU_FMT_TRUNCATED, "cut short");
	CHECK(npmu_sb_check(&sb, U64_MAX) == 0, "larger device");
	memset(&s, 0, sizeof(s));
	CHECK(npmu_sb_check(&s, UNIT) == NPMU_FMT_MAGIC, "all zero");
	memset(&s, 0xff, sizeof(s));
	CHECK(npmu_sb_check(&s, UNIT) == NPMU_FMT_MAGIC, "all ones");
}

#define R(field, value, want)	ROW(npmu_region_record, field, value, want)

static void region__limits_of_each_field(struct kunit *test)
{
	static const struct row rows[] = {
		R(slot, SLOT + 1, NPMU_FMT_SLOT),
		R(slot, ~0U, NPMU_FMT_SLOT),
		R(state, 2, NPMU_FMT_STATE),
		R(state, ~0U, NPMU_FMT_STATE),
		R(state, NPMU_SLOT_FREE, NPMU_FMT_RESERVED),
		R(media_epoch, 0, 0),
		R(media_epoch, NPMU_EPOCH_MAX, 0),
		R(media_epoch, NPMU_EPOCH_MAX + 1, NPMU_FMT_EPOCH),
		R(media_epoch, U64_MAX, NPMU_FMT_EPOCH),
		R(fence_epoch, NPMU_EPOCH_MAX, 0),
		R(fence_epoch, NPMU_EPOCH_MAX + 1, NPMU_FMT_EPOCH),
		R(fence_epoch, U64_MAX, NPMU_FMT_EPOCH),
		R(unit_uuid, 0, NPMU_FMT_FOREIGN),
		R(pm_addr, 0, NPMU_FMT_PM_ADDR),
		R(pm_addr, 5ULL << 44, NPMU_FMT_PM_ADDR),
		R(pm_addr, 6ULL << 44, 0),
		R(pm_addr, (6ULL << 44) + 4096, NPMU_FMT_PM_ADDR),
		R(size, 0, NPMU_FMT_SIZE),
		R(size, 4096, NPMU_FMT_SUM),
		R(size, 3 * MIB - 4096, NPMU_FMT_SUM),
		R(size, 3 * MIB + 4096, NPMU_FMT_SUM),
		R(size, 3 * MIB + 1, NPMU_FMT_SIZE),
		R(size, UNIT, NPMU_FMT_SIZE),
		R(size, U64_MAX, NPMU_FMT_SIZE),
		R(size, -4096ULL, NPMU_FMT_SIZE),
		R(uid, ~0U, 0),
		R(gid, ~0U, 0),
		R(mode, 0, 0),
		R(mode, 0666, 0),
		R(mode, 0667, NPMU_FMT_MODE),
		R(mode, 01666, NPMU_FMT_MODE),
		R(mode, ~0U, NPMU_FMT_MODE),
		R(flags, NPMU_REGION_F_READ_ONLY, 0),
		R(flags, NPMU_REGION_F_ALL + 1, NPMU_FMT_FLAGS),
		R(flags, 1U << 31, NPMU_FMT_FLAGS),
		R(nr_extents, 0, NPMU_FMT_NR_EXTENTS),
		R(nr_extents, 2, NPMU_FMT_EXTENT),
		R(nr_extents, NPMU_INLINE_EXTENTS + 1, NPMU_FMT_LIST_REF),
		R(nr_extents, 769, NPMU_FMT_NR_EXTENTS),
		R(nr_extents, ~0U, NPMU_FMT_NR_EXTENTS),
		R(nr_grants, 1, NPMU_FMT_PRINCIPAL),
		R(nr_grants, NPMU_MAX_GRANTS + 1, NPMU_FMT_NR_GRANTS),
		R(nr_grants, ~0U, NPMU_FMT_NR_GRANTS),
		R(list.addr[0], 4 * MIB, NPMU_FMT_LIST_REF),
		R(list.addr[1], 4 * MIB, NPMU_FMT_LIST_REF),
		R(list.crc, 1, NPMU_FMT_LIST_REF),
		R(list.reserved, 1, NPMU_FMT_LIST_REF),
		R(creator[0], 'x', 0),
		R(creator[0], '.', NPMU_FMT_PRINCIPAL),
		R(creator[1], 'x', NPMU_FMT_PRINCIPAL),
		R(creator[31], 'x', NPMU_FMT_PRINCIPAL),
		R(reserved[0], 1, NPMU_FMT_RESERVED),
		R(reserved[31], 1, NPMU_FMT_RESERVED),
		R(name[0], 0, NPMU_FMT_NAME),
		R(name[0], '.', NPMU_FMT_NAME),
		R(name[0], '/', NPMU_FMT_NAME),
		R(name[63], 'x', NPMU_FMT_NAME),
		R(extents[0].start, 0, NPMU_FMT_EXTENT),
		R(extents[0].start, 0x2f000, NPMU_FMT_EXTENT),
		R(extents[0].start, 0x30000, 0),
		R(extents[0].start, 0x30001, NPMU_FMT_EXTENT),
		R(extents[0].start, UNIT - 3 * MIB, 0),
		R(extents[0].start, UNIT - 3 * MIB + 4096, NPMU_FMT_EXTENT),
		R(extents[0].start, UNIT, NPMU_FMT_EXTENT),
		R(extents[0].start, -4096ULL, NPMU_FMT_EXTENT),
		R(extents[0].start, 0 - 3 * MIB, NPMU_FMT_EXTENT),
		R(extents[0].len, 0, NPMU_FMT_EXTENT),
		R(extents[0].len, 4096, NPMU_FMT_SUM),
		R(extents[0].len, 4097, NPMU_FMT_EXTENT),
		R(extents[0].len, UNIT, NPMU_FMT_EXTENT),
		R(extents[0].len, -4096ULL, NPMU_FMT_EXTENT),
		R(extents[1].start, 8 * MIB, NPMU_FMT_RESERVED),
		R(extents[127].len, 4096, NPMU_FMT_RESERVED),
		R(grants[0].principal[0], 'x', NPMU_FMT_RESERVED),
		R(grants[27].reserved, 1ULL << 63, NPMU_FMT_RESERVED),
	};
	static struct npmu_region_record good, rec;
	static struct npmu_superblock other;
	size_t i;

	image_region(&good, &sb, SLOT, 4 * MIB, 3 * MIB);
	CHECK(!npmu_region_check(&good, &sb, SLOT), "good record");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		rec = good;
		poke(&rec, rows[i].off, rows[i].width, rows[i].value);
		npmu_region_seal(&rec);
		err = npmu_region_check(&rec, &sb, SLOT);
		CHECK(err == rows[i].want, "%s: %s", rows[i].name,
		      npmu_format_error_text(err));
	}
	CHECK(npmu_region_check(&good, &sb, SLOT + 1) == NPMU_FMT_SLOT,
	      "in another slot");
	other = sb;
	other.uuid[15] ^= 1;
	npmu_sb_seal(&other);
	CHECK(npmu_region_check(&good, &other, SLOT) == NPMU_FMT_FOREIGN,
	      "of another unit");
	rec = good;
	memset(rec.uuid, 0, sizeof(rec.uuid));
	npmu_region_seal(&rec);
	CHECK(npmu_region_check(&rec, &sb, SLOT) == NPMU_FMT_UUID, "no uuid");
	rec.slot = cpu_to_le32(16);
	npmu_region_seal(&rec);
	CHECK(npmu_region_check(&rec, &sb, 16) == NPMU_FMT_SLOT,
	      "slot behind the table");
	npmu_region_fill_free(&rec, &sb, SLOT, NPMU_EPOCH_MAX);
	CHECK(!npmu_region_check(&rec, &sb, SLOT), "free slot");
}

static void region__extents_one_by_one(struct kunit *test)
{
	static struct npmu_region_record rec;
	int err;

	image_region(&rec, &sb, SLOT, 4 * MIB, 3 * MIB);
	rec.extents[1] = image_extent(8 * MIB, MIB);
	rec.nr_extents = cpu_to_le32(2);
	rec.size = cpu_to_le64(4 * MIB);
	npmu_region_seal(&rec);
	err = npmu_region_check(&rec, &sb, SLOT);
	CHECK(!err, "%s", npmu_format_error_text(err));
	rec.extents[0].len = cpu_to_le64(0);
	npmu_region_seal(&rec);
	err = npmu_region_check(&rec, &sb, SLOT);
	CHECK(err == NPMU_FMT_EXTENT, "%s", npmu_format_error_text(err));
}

#define L(field, value, want)	ROW(npmu_list_block, field, value, want)

static void list__limits_of_each_field(struct kunit *test)
{
	enum { NR = NPMU_INLINE_EXTENTS + NPMU_LIST_EXTENTS + 3 };
	static const struct row rows[] = {
		L(slot, SLOT + 1, NPMU_FMT_SLOT),
		L(nr, 0, NPMU_FMT_NR_EXTENTS),
		L(nr, NPMU_LIST_EXTENTS - 1, NPMU_FMT_NR_EXTENTS),
		L(nr, NPMU_LIST_EXTENTS + 1, NPMU_FMT_NR_EXTENTS),
		L(nr, ~0U, NPMU_FMT_NR_EXTENTS),
		L(region_uuid, 0, NPMU_FMT_FOREIGN),
		L(next.addr[0], 0, NPMU_FMT_LIST_REF),
		L(next.addr[0], 4096, NPMU_FMT_LIST_REF),
		L(next.addr[0], UNIT, NPMU_FMT_LIST_REF),
		L(next.addr[0], UNIT - 4096, 0),
		L(next.addr[1], UNIT - 4095, NPMU_FMT_LIST_REF),
		L(next.addr[1], -4096ULL, NPMU_FMT_LIST_REF),
		L(next.addr[1], 0x32000, NPMU_FMT_LIST_REF),
		L(next.reserved, 1, NPMU_FMT_RESERVED),
		L(reserved[0], 1, NPMU_FMT_RESERVED),
		L(reserved[39], 1, NPMU_FMT_RESERVED),
		L(extents[0].start, 0x2f000, NPMU_FMT_EXTENT),
		L(extents[249].len, 0, NPMU_FMT_EXTENT),
		L(extents[249].len, 1, NPMU_FMT_EXTENT),
		L(extents[249].len, U64_MAX, NPMU_FMT_EXTENT),
	};
	static struct npmu_list_block blk[2], b;
	static struct npmu_region_record rec, r;
	struct npmu_list_ref ref;
	size_t i;
	int err;

	image_region_list(&rec, blk, &sb, SLOT, 8 * MIB, NR, 0x30000);
	CHECK(!npmu_region_check(&rec, &sb, SLOT), "record");
	CHECK(npmu_list_blocks(NR) == 2, "two blocks");
	CHECK(le64_to_cpu(blk[0].next.addr[0]) == 0x32000, "second block");
	CHECK(!npmu_list_check(&blk[0], &rec.list, &sb, SLOT, rec.uuid,
			       NPMU_LIST_EXTENTS + 3), "first block");
	CHECK(!npmu_list_check(&blk[1], &blk[0].next, &sb, SLOT, rec.uuid, 3),
	      "last block");
	CHECK(npmu_list_check(&blk[1], &blk[0].next, &sb, SLOT, rec.uuid, 2) ==
	      NPMU_FMT_NR_EXTENTS, "more than remain");
	CHECK(npmu_list_check(&blk[1], &blk[0].next, &sb, SLOT, rec.uuid, 4) ==
	      NPMU_FMT_NR_EXTENTS, "not full, and not the last");
	CHECK(npmu_list_check(&blk[0], &rec.list, &sb, SLOT, rec.uuid,
			      NPMU_LIST_EXTENTS) == NPMU_FMT_LIST_REF,
	      "a successor when nothing remains");
	CHECK(npmu_list_check(&blk[0], &rec.list, &sb, SLOT, rec.uuid, 0) ==
	      NPMU_FMT_NR_EXTENTS, "nothing remains");

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		b = blk[0];
		ref = rec.list;
		poke(&b, rows[i].off, rows[i].width, rows[i].value);
		ref.crc = cpu_to_le32(npmu_list_seal(&b));
		err = npmu_list_check(&b, &ref, &sb, SLOT, rec.uuid,
				      NPMU_LIST_EXTENTS + 3);
		CHECK(err == rows[i].want, "%s: %s", rows[i].name,
		      npmu_format_error_text(err));
	}

	/* Full, and extents remain, but nothing follows. */
	b = blk[0];
	memset(&b.next, 0, sizeof(b.next));
	ref = rec.list;
	ref.crc = cpu_to_le32(npmu_list_seal(&b));
	CHECK(npmu_list_check(&b, &ref, &sb, SLOT, rec.uuid,
			      NPMU_LIST_EXTENTS + 3) == NPMU_FMT_LIST_REF,
	      "no successor");

	/* The reference in the record. */
	r = rec;
	r.list.addr[1] = r.list.addr[0];
	npmu_region_seal(&r);
	CHECK(npmu_region_check(&r, &sb, SLOT) == NPMU_FMT_LIST_REF,
	      "one address twice");
	r = rec;
	memset(&r.list, 0, sizeof(r.list));
	npmu_region_seal(&r);
	CHECK(npmu_region_check(&r, &sb, SLOT) == NPMU_FMT_LIST_REF, "no list");
	r = rec;
	r.list.reserved = cpu_to_le32(1);
	npmu_region_seal(&r);
	CHECK(npmu_region_check(&r, &sb, SLOT) == NPMU_FMT_RESERVED, "reserved");
	r = rec;
	r.extents[0].len = cpu_to_le64(8 * MIB);
	npmu_region_seal(&r);
	CHECK(npmu_region_check(&r, &sb, SLOT) == NPMU_FMT_SUM,
	      "inline extents leave nothing to the list");
}

/* A record of a large unit may claim a great many extents, but not any number. */
static void region__number_of_extents(struct kunit *test)
{
	static const struct {
		u32 nr;
		int want;
	} rows[] = {
		{ NPMU_MAX_EXTENTS, 0 },
		{ NPMU_MAX_EXTENTS + 1, NPMU_FMT_NR_EXTENTS },
		{ ~0U, NPMU_FMT_NR_EXTENTS },
	};
	static struct npmu_list_block blk[1];
	static struct npmu_region_record rec;
	static struct npmu_superblock big;
	size_t i;

	image_superblock(&big, NPMU_MAX_UNIT_SIZE, 16);
	image_region_list(&rec, blk, &big, SLOT, MIB, NPMU_INLINE_EXTENTS + 1,
			  0x30000);
	rec.size = cpu_to_le64(NPMU_MAX_UNIT_SIZE / 2);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int err;

		rec.nr_extents = cpu_to_le32(rows[i].nr);
		npmu_region_seal(&rec);
		err = npmu_region_check(&rec, &big, SLOT);
		CHECK(err == rows[i].want, "%u: %s", rows[i].nr,
		      npmu_format_error_text(err));
	}
}

static void list__number_of_blocks(struct kunit *test)
{
	static const u32 rows[][2] = {
		{ 0, 0 }, { 1, 0 }, { 128, 0 }, { 129, 1 }, { 378, 1 },
		{ 379, 2 }, { 10000, 40 }, { ~0U, 17179869 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK(npmu_list_blocks(rows[i][0]) == rows[i][1], "%u: %u",
		      rows[i][0], npmu_list_blocks(rows[i][0]));
}

static void copies__which_one_counts(struct kunit *test)
{
	static const struct {
		int verdict[2];
		u64 epoch[2];
		bool same;
		int current_copy;
		bool repair;
	} rows[] = {
		{ { 0, 0 }, { 5, 5 }, true, 0, false },
		{ { 0, 0 }, { 5, 6 }, false, 1, true },
		{ { 0, 0 }, { 6, 5 }, false, 0, true },
		{ { 0, 0 }, { 5, 5 }, false, 0, true },
		{ { 0, NPMU_FMT_CRC }, { 5, 9 }, false, 0, true },
		{ { NPMU_FMT_CRC, 0 }, { 9, 5 }, false, 1, true },
		{ { NPMU_FMT_CRC, NPMU_FMT_MAGIC }, { 9, 5 }, false, -1, false },
		{ { NPMU_FMT_CRC, NPMU_FMT_CRC }, { 5, 5 }, true, -1, false },
		{ { 0, -5 }, { 5, 0 }, false, 0, true },
		{ { 0, 0 }, { 0, NPMU_EPOCH_MAX }, false, 1, true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct npmu_pick pick = npmu_record_pick(rows[i].verdict,
							 rows[i].epoch,
							 rows[i].same);

		CHECK(pick.current_copy == rows[i].current_copy &&
		      pick.repair == rows[i].repair, "row %zu: copy %d, %d", i,
		      pick.current_copy, pick.repair);
	}
}

static void errors__each_has_words(struct kunit *test)
{
	int i, j;

	for (i = 0; i < NPMU_FMT_NR_ERRORS; i++) {
		CHECK(npmu_format_error_text(i) && *npmu_format_error_text(i),
		      "error %d has no text", i);
		for (j = 0; j < i; j++)
			CHECK(strcmp(npmu_format_error_text(i),
				     npmu_format_error_text(j)),
			      "errors %d and %d read the same", i, j);
	}
	CHECK(!strcmp(npmu_format_error_text(-1), "unknown error"), "-1");
	CHECK(!strcmp(npmu_format_error_text(NPMU_FMT_NR_ERRORS),
		      "unknown error"), "one too many");
}

static struct kunit_case format_cases[] = {
	KUNIT_CASE(name__legal_bytes_and_lengths),
	KUNIT_CASE(layout__limits_of_a_unit),
	KUNIT_CASE(superblock__limits_of_each_field),
	KUNIT_CASE(region__limits_of_each_field),
	KUNIT_CASE(region__extents_one_by_one),
	KUNIT_CASE(list__limits_of_each_field),
	KUNIT_CASE(region__number_of_extents),
	KUNIT_CASE(list__number_of_blocks),
	KUNIT_CASE(copies__which_one_counts),
	KUNIT_CASE(errors__each_has_words),
	{}
};

static int format_init(struct kunit *test)
{
	image_superblock(&sb, UNIT, 16);
	return 0;
}

static struct kunit_suite format_suite = {
	.name = "npmu_format",
	.init = format_init,
	.test_cases = format_cases,
};

kunit_test_suite(format_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metadata writer on a device that loses power and has bad blocks: format,
 * the two superblocks, the two copies of a record. What attach finds is compared
 * with what a table or a simple rule says.
 */
#include "fixture.h"
#include "format.h"
#include "media_image.h"

#define SIZE	(4 * MIB)
#define SLOTS	8

static struct memdev *dev;
static struct npmu_region_record record;

static int format(bool force)
{
	u8 uuid[NPMU_UUID_LEN];

	return npmu_media_format(&dev->b, "unit", SLOTS, force, uuid, &fixture_ack);
}

static struct npmu_media *open_media(void)
{
	return npmu_media_open(&dev->b, &fixture_ack);
}

static u8 *copy_at(const struct npmu_superblock *sb, u32 slot, int copy)
{
	return dev->mem + npmu_record_offset(sb, slot, copy);
}

static int media_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	dev = memdev_make(test, "memdev", SIZE);
	memdev_claim(dev);
	return 0;
}

static void media_test_exit(struct kunit *test)
{
	dev->b.ops->close(&dev->b);
}

static void format__makes_an_empty_unit(struct kunit *test)
{
	struct npmu_extmap *map;
	struct npmu_media *media;
	u32 slot;

	memset(dev->mem + NPMU_TABLE_START, 0xee, SIZE - NPMU_TABLE_START);
	KUNIT_ASSERT_EQ(test, 0, format(false));
	CHECK(!dev->unfenced, "%llu writes are not persisted", dev->unfenced);
	media = open_media();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
	CHECK(!media->repaired && !media->epoch, "not as new");
	for (slot = 0; slot < SLOTS; slot++) {
		CHECK(!npmu_media_load(media, slot, &map) && !map, "slot %u", slot);
		CHECK(le32_to_cpu(media->rec->state) == NPMU_SLOT_FREE, "slot %u is in use", slot);
		CHECK(!memcmp(copy_at(media->sb, slot, 0), copy_at(media->sb, slot, 1),
			      NPMU_RECORD_SIZE), "slot %u: copies differ", slot);
	}
	CHECK(!media->repaired && !media->epoch, "a fresh unit was mended");
	CHECK(npmu_alloc_available(&media->alloc) == SIZE - le64_to_cpu(media->sb->data_start),
	      "not all is free");
	CHECK(!memchr_inv(dev->mem + le64_to_cpu(media->sb->data_start), 0xee,
			  SIZE - le64_to_cpu(media->sb->data_start)), "data was touched");
	npmu_media_close(media);
	npmu_media_close(NULL);
}

static void format__refuses_what_holds_data(struct kunit *test)
{
	u64 off;

	for (off = 0; off < NPMU_TABLE_START; off += NPMU_RECORD_SIZE) {
		u64 at = off + (off >> 4) % NPMU_RECORD_SIZE;

		dev->mem[at] = 1;
		CHECK(refused(format(false), -EEXIST), "byte %llu", at);
		CHECK(dev->mem[at] == 1, "changed");
		dev->mem[at] = 0;
		memdev_spoil(dev, off);
		CHECK(refused(format(false), -EIO), "bad block at %llu", off);
		clear_bit(off >> NPMU_GRANULE_SHIFT, dev->bad);
	}
	CHECK(!format(false), "empty");
	CHECK(refused(format(false), -EEXIST), "holds a unit");
	CHECK(!format(true), "force");
}

static void format__refuses_sizes(struct kunit *test)
{
	static const struct {
		u64 size;
		u32 max_regions;
	} rows[] = {
		{ SIZE - G, 0 }, { G, 0 }, { SIZE, 7 }, { SIZE, 65 }, { SIZE, ~0U },
		{ NPMU_MAX_UNIT_SIZE + G, 0 },
	};
	u8 uuid[NPMU_UUID_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		dev->b.size = rows[i].size;
		CHECK(refused(npmu_media_format(&dev->b, "unit", rows[i].max_regions, true, uuid,
						&fixture_ack), -EINVAL), "row %zu", i);
	}
	dev->b.size = SIZE;
	CHECK(!memchr_inv(dev->mem, 0, SIZE), "a refusal wrote something");
}

/* Cut off anywhere there is no unit, or a whole and empty one. */
static void format__cut_at_any_write(struct kunit *test)
{
	struct npmu_extmap *map;
	struct npmu_media *media;
	u32 cut, slot, whole = 0;

	for (cut = 0; cut <= 2 * SLOTS + 3; cut++) {
		/* An older unit stood there. */
		memset(dev->mem, 0, SIZE);
		dev->power = U64_MAX;
		KUNIT_ASSERT_EQ(test, 0, format(false));
		dev->power = cut;
		dev->torn = cut % 2 ? 100 : 0;
		CHECK(!format(true), "format does not see the cut");
		dev->power = U64_MAX;
		media = open_media();
		if (IS_ERR(media)) {
			CHECK(refused(PTR_ERR(media), -EUCLEAN), "cut %u: %ld", cut,
			      PTR_ERR(media));
			continue;
		}
		whole++;
		for (slot = 0; slot < SLOTS; slot++)
			CHECK(!npmu_media_load(media, slot, &map) && !map, "cut %u: slot %u", cut,
			      slot);
		npmu_media_close(media);
	}
	/* Before the first write, from copy 1 on, and with both. */
	CHECK(whole >= 3 && whole < cut, "%u of %u", whole, cut);
}

/* --- superblock --- */

enum sb_state { SB_GOOD, SB_DAMAGED, SB_UNREADABLE, SB_EMPTY, SB_FEATURE, SB_VERSION, NR_SB };

static void spoil_superblock(u64 off, enum sb_state state)
{
	struct npmu_superblock *sb = (void *)dev->mem + off;

	switch (state) {
	case SB_DAMAGED:
		sb->name[5] ^= 1;
		break;
	case SB_UNREADABLE:
		memdev_spoil(dev, off);
		break;
	case SB_EMPTY:
		memset(sb, 0, sizeof(*sb));
		break;
	case SB_FEATURE:
		sb->incompat = cpu_to_le64(4);
		npmu_sb_seal(sb);
		break;
	case SB_VERSION:
		sb->version = cpu_to_le32(2);
		npmu_sb_seal(sb);
		break;
	default:
		break;
	}
}

/* What is said when both are bad; the first one that is there at all decides. */
static int sb_error(enum sb_state a, enum sb_state b)
{
	enum sb_state tells = a == SB_EMPTY || a == SB_UNREADABLE ? b : a;

	return tells == SB_FEATURE || tells == SB_VERSION ? -EOPNOTSUPP : -EUCLEAN;
}

static void open__superblock_copies(struct kunit *test)
{
	struct npmu_media *media;
	int a, b;

	for (a = 0; a < NR_SB; a++) {
		for (b = 0; b < NR_SB; b++) {
			bool good = a == SB_GOOD || b == SB_GOOD;

			memset(dev->mem, 0, NPMU_TABLE_START);
			bitmap_zero(dev->bad, SIZE / G);
			KUNIT_ASSERT_EQ(test, 0, format(true));
			memcpy(&record, dev->mem, sizeof(record));
			spoil_superblock(0, a);
			spoil_superblock(NPMU_SB_COPY1, b);
			media = open_media();
			if (!good) {
				CHECK(refused(PTR_ERR(media), sb_error(a, b)), "%d %d: %ld", a, b,
				      PTR_ERR(media));
				continue;
			}
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
			CHECK(media->repaired == (a || b), "%d %d: %u repaired", a, b,
			      media->repaired);
			CHECK(!memcmp(dev->mem, &record, sizeof(record)) &&
			      !memcmp(dev->mem + NPMU_SB_COPY1, &record, sizeof(record)),
			      "%d %d: not mended", a, b);
			CHECK(!dev->unfenced, "%d %d: not persisted", a, b);
			npmu_media_close(media);
		}
	}
}

/* Both valid, but not the same: copy 0 was written last. */
static void open__superblocks_differ(struct kunit *test)
{
	struct npmu_superblock *sb = (void *)dev->mem + NPMU_SB_COPY1;
	struct npmu_media *media;

	KUNIT_ASSERT_EQ(test, 0, format(false));
	sb->created = cpu_to_le64(1);
	npmu_sb_seal(sb);
	media = open_media();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
	CHECK(media->repaired == 1 && !memcmp(dev->mem, sb, NPMU_RECORD_SIZE), "not mended");
	npmu_media_close(media);
}

/* --- records --- */

enum rec_state { OLD, NEW, DAMAGED, UNREADABLE, EMPTY, ELSEWHERE, TOO_HIGH, NR_REC };

/* Puts one copy of slot 3 into a state. The region of OLD and NEW has another size. */
static void put_record(const struct npmu_superblock *sb, int copy, enum rec_state state)
{
	struct npmu_region_record *rec = (void *)copy_at(sb, 3, copy);
	u64 data = le64_to_cpu(sb->data_start);

	image_region(rec, sb, 3, data, state == NEW ? 2 * G : G);
	rec->media_epoch = cpu_to_le64(state == NEW ? 6 : 5);
	if (state == ELSEWHERE)
		rec->slot = cpu_to_le32(2);
	if (state == TOO_HIGH)
		rec->media_epoch = cpu_to_le64(NPMU_EPOCH_MAX + 1);
	npmu_region_seal(rec);
	if (state == DAMAGED)
		rec->name[0] ^= 1;
	if (state == EMPTY)
		memset(rec, 0, sizeof(*rec));
	if (state == UNREADABLE)
		memdev_spoil(dev, (u8 *)rec - dev->mem);
}

static void load__copies_of_a_record(struct kunit *test)
{
	struct npmu_extmap *map;
	struct npmu_media *media;
	int a, b, ret;

	KUNIT_ASSERT_EQ(test, 0, format(false));
	media = open_media();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
	for (a = 0; a < NR_REC; a++) {
		for (b = 0; b < NR_REC; b++) {
			bool valid = a <= NEW || b <= NEW;
			u64 epoch = a == NEW || b == NEW ? 6 : 5;

			put_record(media->sb, 0, a);
			put_record(media->sb, 1, b);
			media->repaired = 0;
			media->epoch = 0;
			media->nr_extents = 0;
			ret = npmu_media_load(media, 3, &map);
			if (!valid) {
				CHECK(ret == -EUCLEAN && !map && !media->repaired, "%d %d: %d", a,
				      b, ret);
				bitmap_zero(dev->bad, SIZE / G);
				continue;
			}
			CHECK(!ret && map, "%d %d: %d", a, b, ret);
			CHECK(media->epoch == epoch, "%d %d: epoch %llu", a, b, media->epoch);
			CHECK(map && npmu_extents_size(map->extents, map->nr) == (epoch - 4) * G,
			      "%d %d: the other one's extents", a, b);
			CHECK(media->repaired == (a != b), "%d %d: %u repaired", a, b,
			      media->repaired);
			CHECK(!memcmp(copy_at(media->sb, 3, 0), copy_at(media->sb, 3, 1),
				      NPMU_RECORD_SIZE), "%d %d: not mended", a, b);
			CHECK(!dev->unfenced, "%d %d: not persisted", a, b);
			npmu_extmap_free(map);
		}
	}
	npmu_media_close(media);
}

/* Writes a record of slot 3 with so many bytes, as a transaction does. */
static void commit_region(struct npmu_media *media, u64 bytes)
{
	struct npmu_region_record *rec = npmu_media_begin(media, 3);

	image_region(rec, media->sb, 3, le64_to_cpu(media->sb->data_start), bytes);
	npmu_media_commit(media);
}

static void commit__epoch_rises_by_one(struct kunit *test)
{
	struct npmu_media *media;
	int i;

	KUNIT_ASSERT_EQ(test, 0, format(false));
	media = open_media();
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
	for (i = 1; i <= 20; i++) {
		u64 fences = dev->fences;

		if (i % 3) {
			commit_region(media, i * G);
		} else {
			npmu_media_begin(media, 3);
			npmu_media_commit(media);
		}
		CHECK(media->epoch == i, "epoch %llu after %d", media->epoch, i);
		CHECK(dev->fences == fences + 2 && !dev->unfenced, "each copy is persisted");
		memcpy(&record, copy_at(media->sb, 3, 0), sizeof(record));
		CHECK(!npmu_region_check(&record, media->sb, 3), "not valid");
		CHECK(le64_to_cpu(record.media_epoch) == i, "another epoch on the media");
		CHECK(!memcmp(&record, copy_at(media->sb, 3, 1), sizeof(record)), "copies differ");
	}
	npmu_media_close(media);
}

/* Cut off in each step, and torn at some bytes: the old one or the new one. */
static void commit__cut_off_anywhere(struct kunit *test)
{
	static const u32 tears[] = { 0, 1, 8, 64, 300, 4095 };
	struct npmu_extmap *map;
	struct npmu_media *media;
	int power, i;

	for (power = 0; power <= 2; power++) {
		for (i = 0; i < ARRAY_SIZE(tears); i++) {
			/* Behind the one extent all bytes of both are zero. */
			bool made = power || tears[i] >= offsetof(struct npmu_region_record,
								  extents[1]);
			u64 size;

			KUNIT_ASSERT_EQ(test, 0, format(true));
			media = open_media();
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
			commit_region(media, G);
			dev->power = power;
			dev->torn = tears[i];
			commit_region(media, 2 * G);
			dev->power = U64_MAX;
			npmu_media_close(media);

			media = open_media();
			KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
			KUNIT_ASSERT_EQ(test, 0, npmu_media_load(media, 3, &map));
			KUNIT_ASSERT_NOT_NULL(test, map);
			size = npmu_extents_size(map->extents, map->nr);
			CHECK(size == (made ? 2 * G : G), "cut %d at %u: %llu bytes", power,
			      tears[i], size);
			CHECK(media->epoch == (made ? 2 : 1), "epoch %llu", media->epoch);
			npmu_extmap_free(map);
			npmu_media_close(media);
		}
	}
}

static struct kunit_case media_cases[] = {
	KUNIT_CASE(format__makes_an_empty_unit),
	KUNIT_CASE(format__refuses_what_holds_data),
	KUNIT_CASE(format__refuses_sizes),
	KUNIT_CASE(format__cut_at_any_write),
	KUNIT_CASE(open__superblock_copies),
	KUNIT_CASE(open__superblocks_differ),
	KUNIT_CASE(load__copies_of_a_record),
	KUNIT_CASE(commit__epoch_rises_by_one),
	KUNIT_CASE(commit__cut_off_anywhere),
	{}
};

static struct kunit_suite media_suite = {
	.name = "npmu_media",
	.init = media_test_init,
	.exit = media_test_exit,
	.test_cases = media_cases,
};

kunit_test_suite(media_suite);

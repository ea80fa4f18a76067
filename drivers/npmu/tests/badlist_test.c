// SPDX-License-Identifier: GPL-2.0-only
/*
 * The bad list: the ranges against a naive twin of one flag a granule, the block
 * against every changed byte.
 */

#include "badlist.h"
#include "check.h"
#include "media_image.h"

#define MIB	(1ULL << 20)
#define UNIT	(64 * MIB)
#define G	NPMU_GRANULE_SIZE

static struct npmu_superblock sb;
static struct npmu_badlist list;
static struct npmu_bad_block block;

static u64 data_start(void)
{
	return le64_to_cpu(sb.data_start);
}

static void seal(struct npmu_bad_block *blk)
{
	blk->crc = cpu_to_le32(npmu_record_crc(blk, offsetof(struct npmu_bad_block, crc)));
}

/* A list of three ranges, as a block of epoch 9. */
static void make_block(void)
{
	npmu_bad_add(&list, data_start(), G);
	npmu_bad_add(&list, data_start() + 5 * G, 3 * G);
	npmu_bad_add(&list, UNIT - G, G);
	npmu_bad_store(&block, &list, &sb, 9);
}

static void badlist__joins_what_touches(struct kunit *test)
{
	u64 at = data_start() + 100 * G;

	CHECK(npmu_bad_add(&list, at, G), "nothing has changed");
	CHECK(!npmu_bad_add(&list, at, G), "the same has changed it");
	CHECK(npmu_bad_add(&list, at + 2 * G, G) && list.nr == 2, "%u ranges", list.nr);
	CHECK(npmu_bad_add(&list, at - G, G) && list.nr == 2, "before: %u ranges", list.nr);
	CHECK(npmu_bad_add(&list, at + G, G) && list.nr == 1, "between: %u ranges", list.nr);
	CHECK(list.ranges[0].start == at - G && list.ranges[0].len == 4 * G, "not one range");
	CHECK(npmu_bad_add(&list, at - 9 * G, 50 * G) && list.nr == 1 &&
	      list.ranges[0].len == 50 * G, "one around it: %u ranges", list.nr);
	CHECK(!npmu_bad_add(&list, at, 2 * G), "a part of it has changed it");
}

static void badlist__full_is_incomplete(struct kunit *test)
{
	u64 at = data_start();
	u32 i;

	for (i = 0; i < NPMU_MAX_BAD; i++)
		npmu_bad_add(&list, at + 2 * i * G, G);
	CHECK(list.nr == NPMU_MAX_BAD && !list.incomplete, "%u ranges", list.nr);
	CHECK(!npmu_bad_add(&list, at + 8 * G, G), "what is there has changed it");
	CHECK(npmu_bad_add(&list, at + 9 * G, G) && list.nr == NPMU_MAX_BAD - 1 &&
	      !list.incomplete, "between two: %u ranges", list.nr);
	CHECK(npmu_bad_add(&list, at + 2 * i * G, G) && !list.incomplete, "no room for the last");
	CHECK(npmu_bad_add(&list, at + 2 * i * G + 4 * G, G) && list.incomplete,
	      "one too many is nothing to it");
	CHECK(!npmu_bad_add(&list, at + 2 * i * G + 8 * G, G), "another has changed it");
	npmu_bad_store(&block, &list, &sb, 1);
	CHECK(!npmu_bad_check(&block, &sb), "%s",
	      npmu_format_error_text(npmu_bad_check(&block, &sb)));
}

#define GRANULES	512

/* Runs of the twin. */
static u32 twin_runs(const u8 *twin)
{
	u32 i, runs = 0;

	for (i = 0; i < GRANULES; i++)
		runs += twin[i] && (!i || !twin[i - 1]);
	return runs;
}

static void badlist__agrees_with_a_naive_twin(struct kunit *test)
{
	static u8 twin[GRANULES];
	u64 base = data_start();
	u64 seed = 4;
	int round, step;

	for (round = 0; round < ROUNDS(400); round++) {
		memset(&list, 0, sizeof(list));
		memset(twin, 0, sizeof(twin));
		for (step = 0; step < 60; step++) {
			u32 from = seeded_random(&seed) % GRANULES;
			u32 len = 1 + seeded_random(&seed) % (step % 3 ? 2 : 12);
			bool fresh = false;
			u64 sum = 0;
			u32 i;

			len = min_t(u32, len, GRANULES - from);
			for (i = from; i < from + len; i++) {
				fresh |= !twin[i];
				twin[i] = 1;
			}
			CHECK(npmu_bad_add(&list, base + from * G, len * G) == fresh,
			      "round %d: [%u, +%u) is wrongly new or old", round, from, len);
			CHECK(list.nr == twin_runs(twin), "round %d: %u ranges, twin %u", round,
			      list.nr, twin_runs(twin));
			from = seeded_random(&seed) % GRANULES;
			len = min_t(u32, seeded_random(&seed) % 20, GRANULES - from);
			for (i = from; i < from + len; i++)
				sum += twin[i] * G;
			CHECK(npmu_bad_bytes(&list, base + from * G, len * G) == sum,
			      "round %d: bytes of [%u, +%u)", round, from, len);
			CHECK(npmu_bad_meets(&list, base + from * G, len * G) == !!sum,
			      "round %d: [%u, +%u) is met or not", round, from, len);
		}
		npmu_bad_store(&block, &list, &sb, round);
		CHECK(!npmu_bad_check(&block, &sb), "round %d: its block is refused", round);
		{
			static struct npmu_badlist again;

			npmu_bad_load(&again, &block);
			CHECK(!memcmp(&again, &list, sizeof(list)), "round %d: stored and loaded",
			      round);
		}
	}
}

static void block__zeros_are_an_empty_list(struct kunit *test)
{
	memset(&block, 0, sizeof(block));
	CHECK(!npmu_bad_check(&block, &sb), "refused");
	npmu_bad_load(&list, &block);
	CHECK(!list.nr && !list.incomplete, "%u ranges", list.nr);
}

static void block__any_byte_damaged_is_refused(struct kunit *test)
{
	u8 *bytes = (u8 *)&block;
	u32 at;

	make_block();
	for (at = 0; at < sizeof(block); at++) {
		bytes[at] ^= 0x10;
		CHECK(npmu_bad_check(&block, &sb), "byte %u is of no matter", at);
		bytes[at] ^= 0x10;
	}
	CHECK(!npmu_bad_check(&block, &sb), "refused as made");
}

/* Sealed again: what may be another is the epoch, the flag, and legal ranges. */
static void block__any_byte_changed_and_sealed(struct kunit *test)
{
	u8 *bytes = (u8 *)&block;
	u32 at;

	make_block();
	for (at = 0; at < sizeof(block); at++) {
		bool may;

		if (at >= offsetof(struct npmu_bad_block, crc) &&
		    at < offsetof(struct npmu_bad_block, nr))
			continue;
		may = (at >= offsetof(struct npmu_bad_block, media_epoch) &&
		       at < offsetof(struct npmu_bad_block, unit_uuid)) ||
		      at == offsetof(struct npmu_bad_block, flags) ||
		      (at >= offsetof(struct npmu_bad_block, ranges) &&
		       at < offsetof(struct npmu_bad_block, ranges) + 3 * 16);
		bytes[at] ^= 0x01;
		seal(&block);
		CHECK(may || npmu_bad_check(&block, &sb), "byte %u, sealed, is accepted", at);
		bytes[at] ^= 0x01;
	}
}

/* One field made illegal, and the verdict on it. */
static void block__each_limit(struct kunit *test)
{
	u64 data = data_start();
	static const struct {
		u32 range;
		int start, len;		/* granules; start from data_start on */
		int err;
	} bad[] = {
		{ 0, 0, 0, NPMU_FMT_EXTENT },
		{ 0, -1, 1, NPMU_FMT_EXTENT },
		{ 2, 1 << 20, 1, NPMU_FMT_EXTENT },
		{ 1, 1, 1, NPMU_FMT_ORDER },	/* touches the one before */
		{ 1, 0, 1, NPMU_FMT_ORDER },
		{ 0, 0, 5, NPMU_FMT_ORDER },	/* touches the one behind */
		{ 0, 0, 6, NPMU_FMT_ORDER },
		{ 0, 20, 1, NPMU_FMT_ORDER },
		{ 3, 30, 1, NPMU_FMT_RESERVED },	/* not in use */
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		memset(&list, 0, sizeof(list));
		make_block();
		block.ranges[bad[i].range] = image_extent(data + (u64)bad[i].start * G,
							  (u64)bad[i].len * G);
		seal(&block);
		CHECK(npmu_bad_check(&block, &sb) == bad[i].err, "case %u: %s", i,
		      npmu_format_error_text(npmu_bad_check(&block, &sb)));
	}
	make_block();
	block.ranges[0].start = cpu_to_le64(data + 1);
	seal(&block);
	CHECK(npmu_bad_check(&block, &sb) == NPMU_FMT_EXTENT, "not aligned");
	make_block();
	block.nr = cpu_to_le32(NPMU_MAX_BAD + 1);
	seal(&block);
	CHECK(npmu_bad_check(&block, &sb) == NPMU_FMT_NR_BAD, "too many");
	npmu_bad_store(&block, &list, &sb, NPMU_EPOCH_MAX);
	CHECK(!npmu_bad_check(&block, &sb), "the last epoch");
	npmu_bad_store(&block, &list, &sb, NPMU_EPOCH_MAX + 1);
	CHECK(npmu_bad_check(&block, &sb) == NPMU_FMT_EPOCH, "an epoch behind the last");
	make_block();
	block.flags = cpu_to_le32(2);
	seal(&block);
	CHECK(npmu_bad_check(&block, &sb) == NPMU_FMT_FLAGS, "an unknown flag");
	make_block();
	block.unit_uuid[3] ^= 1;
	seal(&block);
	CHECK(npmu_bad_check(&block, &sb) == NPMU_FMT_FOREIGN, "of another unit");
}

static struct kunit_case badlist_cases[] = {
	KUNIT_CASE(badlist__joins_what_touches),
	KUNIT_CASE(badlist__full_is_incomplete),
	KUNIT_CASE(badlist__agrees_with_a_naive_twin),
	KUNIT_CASE(block__zeros_are_an_empty_list),
	KUNIT_CASE(block__any_byte_damaged_is_refused),
	KUNIT_CASE(block__any_byte_changed_and_sealed),
	KUNIT_CASE(block__each_limit),
	{}
};

static int badlist_init(struct kunit *test)
{
	image_superblock(&sb, UNIT, 16);
	memset(&list, 0, sizeof(list));
	memset(&block, 0, sizeof(block));
	return 0;
}

static struct kunit_suite badlist_suite = {
	.name = "npmu_badlist",
	.init = badlist_init,
	.test_cases = badlist_cases,
};

kunit_test_suite(badlist_suite);

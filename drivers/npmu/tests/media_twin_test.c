// SPDX-License-Identifier: GPL-2.0-only
/*
 * The metadata writer against a naive twin under random commits, power cuts and rot:
 * each slot is what the twin says, and the one that was being written when the power
 * went is as before or as after.
 */
#include "fixture.h"
#include "media_image.h"

#define SIZE	(4 * MIB)
#define SLOTS	8

/* What a slot holds: 0: free, else that many granules. */
static struct {
	u32 now[SLOTS];
	u32 before;	/* of the slot that was written last */
	u32 last;
} twin;

static struct memdev *dev;

static u32 load_slot(struct kunit *test, struct npmu_media *media, u32 slot)
{
	struct npmu_extmap *map;
	u32 found = 0;
	int ret;

	ret = npmu_media_load(media, slot, &map);
	CHECK(!ret, "slot %u: %d", slot, ret);
	if (ret)
		return ~0U;
	if (map)
		found = npmu_extents_size(map->extents, map->nr) / G;
	npmu_extmap_free(map);
	return found;
}

static void commit(struct npmu_media *media, u32 slot, u32 granules)
{
	struct npmu_region_record *rec = npmu_media_begin(media, slot);

	if (granules)
		image_region(rec, media->sb, slot, le64_to_cpu(media->sb->data_start),
			     granules * G);
	npmu_media_commit(media);
	twin.last = slot;
	twin.before = twin.now[slot];
	twin.now[slot] = granules;
}

/* One copy of each slot goes bad, if that is all the copies can stand. */
static void rot(struct npmu_superblock *sb, u64 *seed, bool all)
{
	u32 slot;

	for (slot = 0; slot < SLOTS; slot++) {
		u64 n = seeded_random(seed);
		u64 at = npmu_record_offset(sb, slot, n & 1);

		/* After a cut the copies of that slot may differ: only one is left. */
		if (!all && slot == twin.last)
			continue;
		if (n & 2)
			memdev_spoil(dev, at);
		else
			dev->mem[at + (n >> 8) % NPMU_RECORD_SIZE] ^= 1 << (n >> 32) % 8;
	}
}

static void media__agrees_with_a_naive_twin(struct kunit *test)
{
	static struct npmu_superblock sb;
	u8 uuid[NPMU_UUID_LEN];
	struct npmu_media *media;
	u64 seed = 1, epoch = 0;
	int life, i;
	u32 slot;

	memset(&twin, 0, sizeof(twin));
	dev = memdev_make(test, "memdev", SIZE);
	memdev_claim(dev);
	KUNIT_ASSERT_EQ(test, 0, npmu_media_format(&dev->b, "u", SLOTS, true, uuid, NULL));
	for (life = 0; life < 60; life++) {
		u64 lives = seeded_random(&seed);
		bool cut = lives & 1;

		media = npmu_media_open(&dev->b, NULL);
		KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
		sb = *media->sb;
		for (slot = 0; slot < SLOTS; slot++) {
			u32 found = load_slot(test, media, slot);

			if (slot == twin.last && found == twin.before)
				twin.now[slot] = found;
			CHECK(found == twin.now[slot], "life %d slot %u: %u granules, not %u",
			      life, slot, found, twin.now[slot]);
			CHECK(!memcmp(dev->mem + npmu_record_offset(&sb, slot, 0),
				      dev->mem + npmu_record_offset(&sb, slot, 1),
				      NPMU_RECORD_SIZE), "life %d slot %u: not mended", life, slot);
		}
		/* What was not answered may be lost, and its epoch with it. */
		CHECK(media->epoch + 1 >= epoch, "life %d: the epoch went back", life);
		twin.before = twin.now[twin.last];
		for (i = 0; i < 6; i++) {
			if (cut && i == 5) {
				dev->power = lives >> 8 & 1;
				dev->torn = (lives >> 16) % NPMU_RECORD_SIZE;
			}
			commit(media, seeded_random(&seed) % SLOTS, seeded_random(&seed) % 5);
		}
		epoch = media->epoch;
		dev->power = U64_MAX;
		npmu_media_close(media);
		if (!cut)
			twin.before = twin.now[twin.last];
		rot(&sb, &seed, !cut);
	}
	dev->b.ops->close(&dev->b);
}

static struct kunit_case media_twin_cases[] = {
	KUNIT_CASE(media__agrees_with_a_naive_twin),
	{}
};

static struct kunit_suite media_twin_suite = {
	.name = "npmu_media_twin",
	.test_cases = media_twin_cases,
};

kunit_test_suite(media_twin_suite);

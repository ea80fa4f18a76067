// SPDX-License-Identifier: GPL-2.0-only
/*
 * List blocks: written, read back, with either copy of any of them bad, with both,
 * and with a record that was cut off between its copies.
 */
#include "extmap.h"
#include "fixture.h"
#include "media_image.h"

#define SIZE	(8 * MIB)
#define SLOTS	8
#define SLOT	3
#define MAX_NR	900	/* extents: four list blocks */

static struct memdev *dev;
static struct npmu_media *media;
static u64 lists;	/* where list blocks begin */
static u64 extents;	/* where extents begin */

static int media_list_test_init(struct kunit *test)
{
	u8 uuid[NPMU_UUID_LEN];

	dev = memdev_make(test, "memdev", SIZE);
	memdev_claim(dev);
	KUNIT_ASSERT_EQ(test, 0, npmu_media_format(&dev->b, "unit", SLOTS, true, uuid, NULL));
	media = npmu_media_open(&dev->b, NULL);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, media);
	lists = le64_to_cpu(media->sb->data_start);
	extents = lists + 32 * G;
	return 0;
}

static void media_list_test_exit(struct kunit *test)
{
	npmu_media_close(media);
	dev->b.ops->close(&dev->b);
}

/* The map of a region of nr granules, every other one from the first on. */
static struct npmu_extmap *map_of(struct kunit *test, u32 nr, u64 list)
{
	struct npmu_extmap *map = npmu_extmap_alloc(nr);
	u32 i;

	KUNIT_ASSERT_NOT_NULL(test, map);
	for (i = 0; i < nr; i++)
		map->extents[i] = (struct npmu_extent){ i * G, extents + 2 * i * G, G };
	for (i = 0; i < map->nr_list; i++)
		map->list[i] = list + i * G;
	return map;
}

/* Commits that region as a transaction does. */
static void commit(struct npmu_extmap *map)
{
	struct npmu_region_record *rec;
	struct npmu_list_ref ref = {};
	u8 uuid[NPMU_UUID_LEN];

	memset(uuid, 0x5a, sizeof(uuid));
	if (map->nr_list)
		npmu_media_write_list(media, SLOT, uuid, map->extents, map->nr, map->list, &ref);
	rec = npmu_media_begin(media, SLOT);
	image_region(rec, media->sb, SLOT, extents, G);
	memcpy(rec->uuid, uuid, sizeof(uuid));
	rec->nr_extents = cpu_to_le32(map->nr);
	rec->size = cpu_to_le64(npmu_extents_size(map->extents, map->nr));
	npmu_extents_store(rec->extents, map->extents,
			   min_t(u32, map->nr, NPMU_INLINE_EXTENTS));
	rec->list = ref;
	npmu_media_commit(media);
}

static int load(struct npmu_extmap **map)
{
	media->repaired = 0;
	media->nr_extents = 0;
	return npmu_media_load(media, SLOT, map);
}

static void mend(void)
{
	npmu_media_mend_list(media, SLOT, media->rec->uuid, le32_to_cpu(media->rec->nr_extents),
			     &media->rec->list);
}

static bool same(const struct npmu_extmap *a, const struct npmu_extmap *b)
{
	return a && b && a->nr == b->nr && a->nr_list == b->nr_list &&
	       !memcmp(a->extents, b->extents, a->nr * sizeof(a->extents[0])) &&
	       !memcmp(a->list, b->list, a->nr_list * sizeof(a->list[0]));
}

static void list__gives_what_was_written(struct kunit *test)
{
	static const u32 rows[] = { 1, 127, 128, 129, 377, 378, 379, 628, 629, MAX_NR };
	struct npmu_extmap *map, *found;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		map = map_of(test, rows[i], lists);
		commit(map);
		CHECK(!dev->unfenced, "%u: not persisted", rows[i]);
		CHECK(!load(&found), "%u: load", rows[i]);
		CHECK(same(map, found), "%u: another one came back", rows[i]);
		CHECK(!media->repaired, "%u: mended", rows[i]);
		npmu_extmap_free(map);
		npmu_extmap_free(found);
	}
}

/* Ways to lose a block. */
enum loss { FLIPPED, UNREADABLE, ZEROED, ANOTHER, NR_LOSSES };

static void lose(u64 at, enum loss loss)
{
	struct npmu_list_block *blk = (void *)dev->mem + at;

	switch (loss) {
	case FLIPPED:
		blk->extents[0].len ^= cpu_to_le64(G);
		break;
	case UNREADABLE:
		memdev_spoil(dev, at);
		break;
	case ZEROED:
		memset(blk, 0, sizeof(*blk));
		break;
	default:
		/* Whole, but not the one that the reference names. */
		blk->extents[0].start = cpu_to_le64(extents + 2 * G);
		npmu_list_seal(blk);
	}
}

static void list__one_copy_of_a_block_lost(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, MAX_NR, lists);
	struct npmu_extmap *found;
	u32 block, copy, loss;

	commit(map);
	for (block = 0; block < map->nr_list / 2; block++) {
		for (copy = 0; copy < 2; copy++) {
			for (loss = 0; loss < NR_LOSSES; loss++) {
				u64 at = map->list[2 * block + copy];
				u64 twin = map->list[2 * block + !copy];

				lose(at, loss);
				CHECK(!load(&found) && same(map, found), "block %u copy %u loss %u",
				      block, copy, loss);
				CHECK(!media->repaired, "mended before it is known to be its own");
				npmu_extmap_free(found);
				mend();
				CHECK(media->repaired == 1 && !test_bit(at / G, dev->bad) &&
				      !memcmp(dev->mem + at, dev->mem + twin, NPMU_RECORD_SIZE),
				      "block %u copy %u loss %u: not mended", block, copy, loss);
				CHECK(!dev->unfenced, "mended, not persisted");
			}
		}
	}
	npmu_extmap_free(map);
}

/* One copy of each block, now this, now that one. */
static void list__a_copy_of_each_block_lost(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, MAX_NR, lists);
	struct npmu_extmap *found;
	u32 i;

	commit(map);
	for (i = 0; i < map->nr_list / 2; i++)
		lose(map->list[2 * i + i % 2], FLIPPED);
	CHECK(!load(&found) && same(map, found), "not read");
	mend();
	CHECK(media->repaired == map->nr_list / 2, "%u mended", media->repaired);
	npmu_extmap_free(found);
	npmu_extmap_free(map);
}

static void list__both_copies_of_a_block_lost(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, MAX_NR, lists);
	struct npmu_extmap *found;
	u32 block, loss;

	for (block = 0; block < map->nr_list / 2; block++) {
		for (loss = 0; loss < NR_LOSSES; loss++) {
			commit(map);
			lose(map->list[2 * block], loss);
			lose(map->list[2 * block + 1], loss);
			CHECK(!load(&found) && !found, "block %u loss %u", block, loss);
			CHECK(le32_to_cpu(media->rec->state) == NPMU_SLOT_REGION,
			      "the record is lost, too");
		}
	}
	npmu_extmap_free(map);
}

/*
 * A commit cut off between the copies of the record: the newer one counts, but for a
 * list that is lost, when nothing of the older one has been used again.
 */
static void list__older_copy_with_a_good_list(struct kunit *test)
{
	struct npmu_extmap *old = map_of(test, 400, lists);
	struct npmu_extmap *new = map_of(test, MAX_NR, lists + 16 * G);
	struct npmu_extmap *found;
	int copy, lost_old, lost_new;

	for (copy = 0; copy < 2; copy++) {
		for (lost_old = 0; lost_old < 2; lost_old++) {
			for (lost_new = 0; lost_new < 2; lost_new++) {
				u64 at = npmu_record_offset(media->sb, SLOT, !copy);
				static u8 kept[NPMU_RECORD_SIZE];
				struct npmu_extmap *want = lost_new && !lost_old ? old : new;

				commit(old);
				memcpy(kept, dev->mem + at, sizeof(kept));
				commit(new);
				memcpy(dev->mem + at, kept, sizeof(kept));
				if (lost_old) {
					lose(old->list[2], FLIPPED);
					lose(old->list[3], FLIPPED);
				}
				if (lost_new) {
					lose(new->list[4], FLIPPED);
					lose(new->list[5], FLIPPED);
				}
				if (lost_old && lost_new) {
					CHECK(load(&found) == -EUCLEAN && !found,
					      "copy %d, neither list is good", copy);
					continue;
				}
				CHECK(!load(&found) && same(found, want),
				      "copy %d, old lost %d, new lost %d", copy, lost_old,
				      lost_new);
				CHECK(media->repaired == 1, "%u mended", media->repaired);
				CHECK(!memcmp(dev->mem + at,
					      dev->mem + npmu_record_offset(media->sb, SLOT, copy),
					      NPMU_RECORD_SIZE), "the records differ");
				npmu_extmap_free(found);
			}
		}
	}
	npmu_extmap_free(old);
	npmu_extmap_free(new);
}

/* Lengths that do not add up, in a list where each block is valid. */
static void list__sum_is_not_the_size(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, 300, lists);
	struct npmu_extmap *found;

	commit(map);
	media->rec->size = cpu_to_le64(301 * G);
	npmu_media_commit(media);
	CHECK(!load(&found) && !found, "a size above the sum is taken");
	npmu_extmap_free(map);
}

/* Sound regions have no more extents in all than the unit has granules. */
static void list__more_extents_than_granules(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, MAX_NR, lists);
	struct npmu_extmap *found;
	u64 granules = SIZE / G;
	u32 loads = 0;

	commit(map);
	media->nr_extents = 0;
	while (loads < 10) {
		CHECK(!npmu_media_load(media, SLOT, &found), "load %u", loads);
		if (!found)
			break;
		npmu_extmap_free(found);
		loads++;
	}
	CHECK(loads == granules / MAX_NR, "%u times %u extents on %llu granules", loads, MAX_NR,
	      granules);
	npmu_extmap_free(map);
}

static void list__mend_needs_a_list(struct kunit *test)
{
	struct npmu_extmap *map = map_of(test, 10, lists);
	struct npmu_extmap *found;
	u64 fences;

	commit(map);
	CHECK(!load(&found) && same(map, found), "load");
	fences = dev->fences;
	mend();
	CHECK(dev->fences == fences && !media->repaired, "mended what is not there");
	npmu_extmap_free(found);
	npmu_extmap_free(map);
}

static struct kunit_case media_list_cases[] = {
	KUNIT_CASE(list__gives_what_was_written),
	KUNIT_CASE(list__one_copy_of_a_block_lost),
	KUNIT_CASE(list__a_copy_of_each_block_lost),
	KUNIT_CASE(list__both_copies_of_a_block_lost),
	KUNIT_CASE(list__older_copy_with_a_good_list),
	KUNIT_CASE(list__sum_is_not_the_size),
	KUNIT_CASE(list__more_extents_than_granules),
	KUNIT_CASE(list__mend_needs_a_list),
	{}
};

static struct kunit_suite media_list_suite = {
	.name = "npmu_media_list",
	.init = media_list_test_init,
	.exit = media_list_test_exit,
	.test_cases = media_list_cases,
};

kunit_test_suite(media_list_suite);

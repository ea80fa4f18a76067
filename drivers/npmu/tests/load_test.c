// SPDX-License-Identifier: GPL-2.0-only
/*
 * What attach makes of records that are lost or contradict each other: health, whose
 * extents they are, what is refused meanwhile, and what is there once the unsound
 * region was deleted and the unit attached again.
 */
#include "fixture.h"
#include "media_image.h"

#define SIZE	(8 * MIB)

static struct memdev *dev;
static struct npmu_unit *unit;
static struct npmu_superblock sb;

static int load_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, &dev);
	sb = *unit->media->sb;
	return 0;
}

static struct npmu_region_record *record(u32 slot, int copy)
{
	return (void *)dev->mem + npmu_record_offset(&sb, slot, copy);
}

/* Changes both copies of a record, as nobody but an enemy does. */
#define FORGE(slot, change) do {					\
	int copy_;							\
									\
	for (copy_ = 0; copy_ < 2; copy_++) {				\
		struct npmu_region_record *rec = record(slot, copy_);	\
									\
		change;							\
		npmu_region_seal(rec);					\
	}								\
} while (0)

static void check_unsound(struct kunit *test, u32 nr)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = "new", .size = G };
	struct npmu_region *region;
	struct npmu_unit_stat stat;
	int ret;

	npmu_unit_stat(unit, &stat);
	CHECK(stat.unsound_regions == nr, "%u unsound regions", stat.unsound_regions);
	ret = npmu_region_create(unit, &attr, &region, &fixture_ack);
	if (nr) {
		CHECK(refused(ret, -EUCLEAN), "created: %d", ret);
		return;
	}
	CHECK(!ret, "not created: %d", ret);
	if (!ret) {
		CHECK(!npmu_evict_delete(region, false, &fixture_ack), "delete");
		npmu_region_put(region);
	}
}

/* It can be deleted, and nothing else. */
static void check_only_deleted(struct kunit *test, struct npmu_region *region)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_MODE, .mode = 0666 };
	u64 free = fixture_free(unit);

	CHECK(refused(npmu_evict_set(region, &attr, true, &fixture_ack), -EUCLEAN), "set");
	CHECK(refused(npmu_evict_resize(region, region->size + G, true, &fixture_ack), -EUCLEAN),
	      "grow");
	if (region->size > G)
		CHECK(refused(npmu_evict_resize(region, G, true, &fixture_ack), -EUCLEAN), "cut");
	CHECK(refused(npmu_evict_fence(region, NULL, &fixture_ack), -EUCLEAN), "fence");
	CHECK(!npmu_evict_delete(region, false, &fixture_ack), "delete");
	CHECK(fixture_free(unit) == free, "its bytes are handed out before the next attach");
}

static void load__finds_what_was_made(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "a", 3 * MIB);
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_UID | NPMU_ATTR_GID | NPMU_ATTR_MODE | NPMU_ATTR_FLAGS,
		.uid = KUIDT_INIT(1000), .gid = KGIDT_INIT(1001), .mode = 0640,
		.flags = NPMU_REGION_F_READ_ONLY,
	};
	struct npmu_region_stat before, after;
	struct npmu_unit_stat stat, stat2;

	fixture_region(test, unit, "b", G);
	CHECK(!npmu_evict_fence(region, NULL, &fixture_ack), "fence");
	CHECK(!npmu_evict_set(region, &attr, false, &fixture_ack), "set");
	npmu_region_stat(region, &before);
	npmu_unit_stat(unit, &stat);
	unit = fixture_reattach(test, unit, dev);
	npmu_unit_stat(unit, &stat2);
	CHECK(stat.free == stat2.free && stat.media_epoch == stat2.media_epoch &&
	      stat2.nr_regions == 2 && !stat2.repaired, "another unit");
	npmu_region_stat(fixture_find(test, unit, "a"), &after);
	before.devt = 0;
	after.devt = 0;
	CHECK(!memcmp(&before, &after, sizeof(before)), "another region");
}

static void lost__stand_in_keeps_the_slot(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "a", 2 * MIB);
	struct npmu_tpt_entry *entry;
	u64 free;

	fixture_region(test, unit, "b", G);
	free = fixture_free(unit);
	fixture_detach(test, unit);
	record(0, 0)->name[0] ^= 1;
	memdev_spoil(dev, npmu_record_offset(&sb, 0, 1));
	unit = fixture_attach(test, dev);
	check_unsound(test, 1);
	CHECK(!npmu_region_find(unit, "a"), "found all the same");
	region = fixture_find(test, unit, ".lost-slot-0");
	CHECK(region->health == NPMU_HEALTH_DAMAGED && region->slot == 0, "health");
	mutex_lock(&region->lock);
	entry = npmu_tpt_open(region, NPMU_ACCESS_READ, NULL, NULL);
	CHECK(entry == ERR_PTR(-EIO), "opened");
	mutex_unlock(&region->lock);
	check_only_deleted(test, region);
	check_unsound(test, 0);
	unit = fixture_reattach(test, unit, dev);
	check_unsound(test, 0);
	CHECK(fixture_free(unit) == free + 2 * MIB, "a leak of %llu",
	      free + 2 * MIB - fixture_free(unit));
}

static void quarantine__higher_epoch_keeps_the_extent(struct kunit *test)
{
	struct npmu_region *a = fixture_region(test, unit, "a", 4 * G);
	struct npmu_region *b = fixture_region(test, unit, "b", 4 * G);
	struct npmu_tpt_entry *entry;
	u64 free = fixture_free(unit);
	u64 start;

	mutex_lock(&unit->lock);
	start = npmu_region_map(b)->extents[0].start;
	mutex_unlock(&unit->lock);
	CHECK(a->slot == 0 && b->slot == 1, "slots");
	fixture_detach(test, unit);
	/* a, the older one, claims the last two granules of b and two more. */
	FORGE(0, rec->extents[0].start = cpu_to_le64(start + 2 * G));
	unit = fixture_attach(test, dev);
	check_unsound(test, 1);
	a = fixture_find(test, unit, "a");
	b = fixture_find(test, unit, "b");
	CHECK(a->health == NPMU_HEALTH_QUARANTINED && b->health == NPMU_HEALTH_GOOD,
	      "health %d, %d", a->health, b->health);
	CHECK(fixture_free(unit) == free + 2 * G, "the rest of it is not kept away");
	mutex_lock(&a->lock);
	entry = npmu_tpt_open(a, RW, NULL, NULL);
	CHECK(entry == ERR_PTR(-EROFS), "opened for writing");
	mutex_unlock(&a->lock);
	fixture_close(test, fixture_open(test, a, NPMU_ACCESS_READ));
	check_only_deleted(test, a);
	unit = fixture_reattach(test, unit, dev);
	check_unsound(test, 0);
	CHECK(fixture_free(unit) == free + 4 * G, "a leak");
}

static void quarantine__same_name(struct kunit *test)
{
	struct npmu_region *region;

	fixture_region(test, unit, "a", G);
	fixture_region(test, unit, "b", G);
	fixture_detach(test, unit);
	FORGE(0, rec->name[0] = 'b');
	unit = fixture_attach(test, dev);
	check_unsound(test, 1);
	region = fixture_find(test, unit, "b");
	CHECK(region->slot == 1 && region->health == NPMU_HEALTH_GOOD, "the newer one has it");
	region = fixture_find(test, unit, ".same-name-slot-0");
	CHECK(region->health == NPMU_HEALTH_QUARANTINED, "health");
	check_only_deleted(test, region);
	check_unsound(test, 0);
}

static void epoch__beyond_what_a_counter_reaches(struct kunit *test)
{
	static const struct {
		u64 fence_epoch, media_epoch;
		int attach;
		enum npmu_health health;
	} rows[] = {
		{ NPMU_EPOCH_MAX / 2, 5, 0, NPMU_HEALTH_GOOD },
		{ NPMU_EPOCH_MAX / 2 + 1, 5, 0, NPMU_HEALTH_DAMAGED },
		{ NPMU_EPOCH_MAX, 5, 0, NPMU_HEALTH_DAMAGED },
		{ 5, NPMU_EPOCH_MAX / 2, 0, NPMU_HEALTH_GOOD },
		{ 5, NPMU_EPOCH_MAX / 2 + 1, -EUCLEAN },
		{ 5, NPMU_EPOCH_MAX, -EUCLEAN },
	};
	struct npmu_region *region;
	size_t i;

	fixture_region(test, unit, "a", G);
	fixture_detach(test, unit);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		FORGE(0, (rec->fence_epoch = cpu_to_le64(rows[i].fence_epoch),
			  rec->media_epoch = cpu_to_le64(rows[i].media_epoch)));
		if (rows[i].attach) {
			unit = npmu_unit_attach_pmem("memdev", NULL, &fixture_ack);
			CHECK(refused(PTR_ERR(unit), rows[i].attach), "row %zu: %ld", i,
			      PTR_ERR(unit));
			CHECK(!dev->open, "row %zu: still claimed", i);
			continue;
		}
		unit = fixture_attach(test, dev);
		region = npmu_region_find(unit, "a");
		KUNIT_ASSERT_NOT_NULL(test, region);
		CHECK(region->health == rows[i].health, "row %zu: health %d", i, region->health);
		if (!region->health)
			CHECK(!npmu_evict_fence(region, NULL, &fixture_ack), "row %zu: fence", i);
		npmu_region_put(region);
		fixture_detach(test, unit);
	}
}

/* One copy of everything is rotten: nothing is lost and all is mended, once. */
static void load__mends_one_copy_of_all(struct kunit *test)
{
	struct npmu_unit_stat stat;
	u32 slot, max;
	int i;

	for (i = 0; i < 5; i++) {
		char name[4];

		snprintf(name, sizeof(name), "r%d", i);
		fixture_region(test, unit, name, (i + 1) * G);
	}
	max = le32_to_cpu(sb.max_regions);
	fixture_detach(test, unit);
	memdev_spoil(dev, NPMU_SB_COPY1);
	for (slot = 0; slot < max; slot++)
		record(slot, slot % 2)->magic = 0;
	unit = fixture_attach(test, dev);
	npmu_unit_stat(unit, &stat);
	CHECK(stat.repaired == max + 1, "%u of %u mended", stat.repaired, max + 1);
	CHECK(stat.nr_regions == 5, "%u regions", stat.nr_regions);
	check_unsound(test, 0);
	unit = fixture_reattach(test, unit, dev);
	npmu_unit_stat(unit, &stat);
	CHECK(!stat.repaired, "mended again");
}

static struct kunit_case load_cases[] = {
	KUNIT_CASE(load__finds_what_was_made),
	KUNIT_CASE(lost__stand_in_keeps_the_slot),
	KUNIT_CASE(quarantine__higher_epoch_keeps_the_extent),
	KUNIT_CASE(quarantine__same_name),
	KUNIT_CASE(epoch__beyond_what_a_counter_reaches),
	KUNIT_CASE(load__mends_one_copy_of_all),
	{}
};

static struct kunit_suite load_suite = {
	.name = "npmu_load",
	.init = load_test_init,
	.test_cases = load_cases,
};

kunit_test_suite(load_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Rights as transactions: what a grant is refused for, how much of a quota is used, and
 * that all of it is there again after the next attach.
 */
#include "fixture.h"

#define SIZE	(4 * MIB)

static struct npmu_unit *unit;
static struct memdev *dev;

static int rights_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, &dev);
	return 0;
}

static int allow(const char *principal, u64 quota, u32 max_regions)
{
	struct npmu_creator creator = { .quota = quota, .max_regions = max_regions };

	strscpy(creator.principal, principal);
	return npmu_creator_add(unit, &creator, &fixture_ack);
}

static int create_as(const char *principal, const char *name, u64 size)
{
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_NAME | NPMU_ATTR_CREATOR, .name = name, .size = size,
		.creator = principal,
	};
	struct npmu_region *region;
	int ret;

	ret = npmu_region_create(unit, &attr, &region, &fixture_ack);
	if (!ret)
		npmu_region_put(region);
	return ret;
}

static void creator__within_its_quota(struct kunit *test)
{
	struct npmu_region *region;
	u64 before = fixture_free(unit);

	CHECK(refused(create_as("maker", "a", G), -EACCES), "without the right");
	CHECK(refused(create_as("", "a", G), -EINVAL), "without a name");
	CHECK(!allow("maker", 4 * G, 3), "allow");
	CHECK(refused(create_as("other", "a", G), -EACCES), "another's right");
	CHECK(refused(create_as("maker", "a", 5 * G), -EDQUOT), "too much at once");
	CHECK(fixture_free(unit) == before && !unit->nr_regions, "a refusal left something");
	CHECK(!create_as("maker", "a", 3 * G), "three");
	CHECK(refused(create_as("maker", "b", 2 * G), -EDQUOT), "two more");
	/* Rounded up first. */
	CHECK(refused(create_as("maker", "b", G + 1), -EDQUOT), "a little more than one");
	CHECK(!create_as("maker", "b", 1), "one byte is a granule");
	CHECK(refused(create_as("maker", "c", 1), -EDQUOT), "beyond the end");
	region = fixture_find(test, unit, "a");
	CHECK(!strcmp(region->creator, "maker") && region->nr_grants == 1 &&
	      !strcmp(region->grants[0].principal, "maker") && !region->grants[0].len &&
	      region->grants[0].access == RW, "who made it may not use it");
	CHECK(!npmu_evict_delete(region, false, &fixture_ack), "delete");
	CHECK(!create_as("maker", "c", G) && !create_as("maker", "d", G), "what is free again");
	CHECK(refused(create_as("maker", "e", G), -EDQUOT), "three regions are enough");
}

/* Who grows a region for another does not ask its quota; the next one is refused. */
static void creator__grown_beyond_its_quota(struct kunit *test)
{
	struct npmu_region *region;

	CHECK(!allow("maker", 2 * G, 9), "allow");
	CHECK(!create_as("maker", "a", G), "create");
	region = fixture_find(test, unit, "a");
	CHECK(!npmu_evict_resize(region, 9 * G, false, &fixture_ack), "grow");
	CHECK(refused(create_as("maker", "b", G), -EDQUOT), "beyond");
	CHECK(!npmu_evict_resize(region, G, false, &fixture_ack), "cut");
	CHECK(!create_as("maker", "b", G), "within");
}

static void creator__counts_after_the_next_attach(struct kunit *test)
{
	CHECK(!allow("maker", 4 * G, 3) && !allow("other", G, 1), "allow");
	CHECK(!create_as("maker", "a", 3 * G), "create");
	unit = fixture_reattach(test, unit, dev);
	CHECK(refused(create_as("maker", "b", 2 * G), -EDQUOT), "its region is not counted");
	CHECK(!create_as("maker", "b", G) && !create_as("other", "c", G), "what is left");
	CHECK(!npmu_creator_remove(unit, "maker", &fixture_ack), "remove");
	unit = fixture_reattach(test, unit, dev);
	CHECK(refused(create_as("maker", "d", G), -EACCES), "a right came back");
	CHECK(refused(npmu_creator_remove(unit, "maker", &fixture_ack), -ENOENT), "again");
	/* What it made stays its own. */
	CHECK(!strcmp(fixture_find(test, unit, "a")->creator, "maker"), "whose is it?");
}

static void grant__refusals(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 4 * G);
	u64 epoch = unit->media->epoch;
	char name[16];
	int i;

	CHECK(refused(fixture_grant(region, "a/b", RW, 0, 0), -EINVAL), "name");
	CHECK(refused(fixture_grant(region, "host", NPMU_ACCESS_WRITE, 0, 0), -EINVAL), "access");
	CHECK(refused(fixture_grant(region, "host", RW, G, 4 * G), -EINVAL), "range");
	region->health = NPMU_HEALTH_QUARANTINED;
	CHECK(refused(fixture_grant(region, "host", RW, 0, 0), -EUCLEAN), "unsound");
	region->health = NPMU_HEALTH_GOOD;
	CHECK(unit->media->epoch == epoch && !region->nr_grants, "a refusal wrote something");
	for (i = 0; i < NPMU_MAX_GRANTS; i++) {
		snprintf(name, sizeof(name), "host%d", i);
		CHECK(!fixture_grant(region, name, RW, 0, 0), "%s", name);
	}
	CHECK(refused(fixture_grant(region, "host7", RW, 0, 0), -EEXIST), "twice");
	CHECK(refused(fixture_grant(region, "onemore", RW, 0, 0), -ENOSPC), "one too many");
	CHECK(refused(allow("m", 0, 1), -EINVAL) && refused(allow("m", G, 0), -EINVAL) &&
	      refused(allow("m", G, 10001), -EINVAL) && refused(allow(".m", G, 1), -EINVAL),
	      "creators");
}

static void grant__cut_and_grown(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "r", 4 * G);

	CHECK(!fixture_grant(region, "all", RW, 0, 0), "grant");
	CHECK(!fixture_grant(region, "end", RW, 2 * G, 2 * G), "grant");
	CHECK(refused(npmu_evict_resize(region, 3 * G, true, &fixture_ack), -EBUSY), "cut");
	CHECK(region->size == 4 * G, "it was cut");
	CHECK(!npmu_evict_resize(region, 6 * G, false, &fixture_ack), "grow");
	CHECK(!npmu_evict_revoke(region, "end", &fixture_ack), "revoke");
	CHECK(!npmu_evict_resize(region, G, false, &fixture_ack), "cut at last");
}

/* Each once, in order, and from where the last was shown. */
static void next__shows_each_right_once(struct kunit *test)
{
	static const char * const want[] = { "maker", "other", "host1", "host2", "host1" };
	struct npmu_region *r = fixture_region(test, unit, "r", 4 * G);
	struct npmu_region *s = fixture_region(test, unit, "s", 4 * G);
	struct npmu_right_stat stat;
	u64 pos = 0;
	u32 i;

	CHECK(!fixture_grant(s, "host1", RW, G, G), "grant");
	CHECK(!fixture_grant(r, "host1", RW, 0, 0) && !allow("maker", 4 * G, 3), "grant");
	CHECK(!fixture_grant(r, "host2", RW, 0, 0) && !allow("other", G, 1), "grant");
	CHECK(!create_as("other", "t", G), "create");
	CHECK(!npmu_evict_revoke(fixture_find(test, unit, "t"), "other", &fixture_ack), "revoke");
	for (i = 0; npmu_right_next(unit, &pos, &stat); i++) {
		CHECK(i < ARRAY_SIZE(want) && !strcmp(stat.principal, want[i]), "%u: %s", i,
		      stat.principal);
		CHECK(!strcmp(stat.region, i < 2 ? "" : i < 4 ? "r" : "s"), "%u: %s", i,
		      stat.region);
		if (i == 1)
			CHECK(stat.quota == G && stat.used == G && stat.regions == 1, "use");
	}
	CHECK(i == ARRAY_SIZE(want), "%u rights", i);
	/* Those behind it stay where they are when one goes. */
	pos = 0;
	CHECK(npmu_right_next(unit, &pos, &stat), "first");
	CHECK(!npmu_creator_remove(unit, "maker", &fixture_ack), "remove");
	CHECK(npmu_right_next(unit, &pos, &stat) && !strcmp(stat.principal, "other"), "next: %s",
	      stat.principal);
}

static struct kunit_case rights_cases[] = {
	KUNIT_CASE(creator__within_its_quota),
	KUNIT_CASE(creator__grown_beyond_its_quota),
	KUNIT_CASE(creator__counts_after_the_next_attach),
	KUNIT_CASE(grant__refusals),
	KUNIT_CASE(grant__cut_and_grown),
	KUNIT_CASE(next__shows_each_right_once),
	{}
};

static struct kunit_suite rights_suite = {
	.name = "npmu_rights",
	.init = rights_test_init,
	.test_cases = rights_cases,
};

kunit_test_suite(rights_suite);

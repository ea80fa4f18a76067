// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions against a naive twin under random create, resize, delete, rename and
 * attach: the twin knows of each region its name and what each of its granules holds,
 * and finds a granule by walking. No granule belongs to two, none is lost, and what
 * was given up comes back as zeros.
 */
#include "fixture.h"

#define SIZE	(6 * MIB)
#define NAMES	6
#define MAX_G	900	/* granules of a region */

struct twin {
	u32 granules;	/* 0: there is no such region */
	u64 stamp[MAX_G];
};

static struct twin *twins;
static struct memdev *dev;
static struct npmu_unit *unit;
static u64 data_size;

static const char *name_of(int i)
{
	static char name[sizeof("region-0")];

	snprintf(name, sizeof(name), "region-%c", (char)('0' + i));
	return name;
}

/* Where a granule is, by a walk from the first extent. */
static u64 naive_translate(const struct npmu_extmap *map, u64 granule)
{
	u32 i;

	for (i = 0; i < map->nr; i++) {
		if (granule < map->extents[i].len / G)
			return map->extents[i].start + granule * G;
		granule -= map->extents[i].len / G;
	}
	return NPMU_NOWHERE;
}

/* A region that is open, each granule by the TPT and by the naive way. */
static void check_region(struct kunit *test, struct npmu_region *region, struct twin *twin,
			 unsigned long *owned)
{
	struct fixture_open *open = fixture_open(test, region, NPMU_ACCESS_READ);
	const struct npmu_extmap *map;
	u64 g, where, naive, len;

	mutex_lock(&unit->lock);
	map = npmu_region_map(region);
	CHECK(map->nr_list == 2 * npmu_list_blocks(map->nr), "%u list blocks", map->nr_list);
	for (g = 0; g < map->nr_list; g++)
		CHECK(!test_and_set_bit(map->list[g] / G, owned), "list block owned twice");
	CHECK(npmu_gate_enter(&open->entry->read), "enter");
	for (g = 0; g < twin->granules; g++) {
		naive = naive_translate(map, g);
		where = npmu_tpt_translate(open->entry, g * G + g % G, &len);
		CHECK(where == naive + g % G, "granule %llu: %llx, not %llx", g, where, naive);
		CHECK(len && len <= twin->granules * G - g * G, "a run of %llu", len);
		CHECK(naive_translate(map, g + (len + g % G) / G - 1) ==
		      naive + (len + g % G) - G, "a run over the end of an extent");
		CHECK(!test_and_set_bit(naive / G, owned), "granule %llx owned twice", naive);
		CHECK(*(u64 *)(dev->mem + naive) == twin->stamp[g], "granule %llu holds %llx", g,
		      *(u64 *)(dev->mem + naive));
	}
	CHECK(npmu_tpt_translate(open->entry, twin->granules * G, &len) == NPMU_NOWHERE, "the end");
	CHECK(npmu_tpt_translate(open->entry, U64_MAX, &len) == NPMU_NOWHERE, "past all ends");
	npmu_gate_leave(&open->entry->read);
	mutex_unlock(&unit->lock);
	fixture_close(test, open);
}

static void check_all(struct kunit *test)
{
	unsigned long *owned = bitmap_zalloc(dev->b.size / G, GFP_KERNEL);
	struct npmu_region *region;
	u64 taken;
	int i;

	KUNIT_ASSERT_NOT_NULL(test, owned);
	for (i = 0; i < NAMES; i++) {
		region = npmu_region_find(unit, name_of(i));
		CHECK(!!region == !!twins[i].granules, "%s", name_of(i));
		if (!region)
			continue;
		CHECK(region->size == twins[i].granules * G, "%s: %llu bytes", name_of(i),
		      region->size);
		check_region(test, region, &twins[i], owned);
		npmu_region_put(region);
	}
	taken = bitmap_weight(owned, dev->b.size / G) * G;
	CHECK(fixture_free(unit) == data_size - taken, "%llu free, %llu taken of %llu",
	      fixture_free(unit), taken, data_size);
	bitmap_free(owned);
}

static void do_create(struct kunit *test, int i, u32 granules)
{
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_NAME, .name = name_of(i), .size = granules * G,
	};
	struct npmu_region *region;
	int ret = npmu_region_create(unit, &attr, &region, &fixture_ack);

	if (twins[i].granules) {
		CHECK(refused(ret, -EEXIST), "create twice: %d", ret);
		return;
	}
	if (ret) {
		CHECK(refused(ret, -ENOSPC), "create: %d", ret);
		return;
	}
	npmu_region_put(region);
	twins[i].granules = granules;
	memset(twins[i].stamp, 0, granules * sizeof(u64));
}

static void do_resize(struct kunit *test, struct npmu_region *region, struct twin *twin,
		      u32 granules)
{
	int ret = npmu_evict_resize(region, granules * G, false, &fixture_ack);

	if (ret) {
		CHECK(refused(ret, -ENOSPC), "resize: %d", ret);
		return;
	}
	if (granules > twin->granules)
		memset(&twin->stamp[twin->granules], 0,
		       (granules - twin->granules) * sizeof(u64));
	twin->granules = granules;
}

static void do_stamp(struct npmu_region *region, struct twin *twin, u64 *seed)
{
	u64 g;

	guard(mutex)(&unit->lock);
	for (g = 0; g < twin->granules; g++) {
		twin->stamp[g] = seeded_random(seed);
		*(u64 *)(dev->mem + naive_translate(npmu_region_map(region), g)) = twin->stamp[g];
	}
}

static void do_rename(struct kunit *test, struct npmu_region *region, int from, int to)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = name_of(to) };
	int ret = npmu_evict_set(region, &attr, false, &fixture_ack);

	if (twins[to].granules && from != to) {
		CHECK(refused(ret, -EEXIST), "rename: %d", ret);
		return;
	}
	CHECK(!ret, "rename: %d", ret);
	if (from != to) {
		twins[to] = twins[from];
		twins[from].granules = 0;
	}
}

static void region__agrees_with_a_naive_twin(struct kunit *test)
{
	struct npmu_unit_stat stat;
	struct npmu_region *region;
	u64 seed = 1;
	int step;

	twins = kunit_kzalloc(test, array_size(NAMES, sizeof(*twins)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, twins);
	unit = fixture_unit(test, SIZE, &dev);
	npmu_unit_stat(unit, &stat);
	data_size = stat.data_size;
	for (step = 0; step < 400; step++) {
		int i = seeded_random(&seed) % NAMES;
		u32 granules = 1 + seeded_random(&seed) %
			       (seeded_random(&seed) % 3 ? 200 : MAX_G);

		region = npmu_region_find(unit, name_of(i));
		switch (region ? seeded_random(&seed) % 8 : 0) {
		case 0:
			do_create(test, i, granules);
			break;
		case 1:
			do_rename(test, region, i, seeded_random(&seed) % NAMES);
			break;
		case 2:
			CHECK(!npmu_evict_delete(region, false, &fixture_ack), "delete");
			twins[i].granules = 0;
			break;
		case 3:
			do_stamp(region, &twins[i], &seed);
			break;
		case 4:
			/* By single granules, so that the free space is in pieces. */
			granules = min(twins[i].granules + 1, MAX_G);
			fallthrough;
		default:
			do_resize(test, region, &twins[i], granules);
		}
		npmu_region_put(region);
		if (step % 50 == 49)
			unit = fixture_reattach(test, unit, dev);
		if (step % 10 == 9)
			check_all(test);
	}
}

/* A region in so many pieces that it needs lists: grown in turn with another one. */
static void region__in_many_pieces(struct kunit *test)
{
	struct npmu_region *a, *b;
	u32 i, nr = 700;

	twins = kunit_kzalloc(test, array_size(NAMES, sizeof(*twins)), GFP_KERNEL);
	KUNIT_ASSERT_NOT_NULL(test, twins);
	unit = fixture_unit(test, SIZE + MIB, &dev);
	data_size = fixture_free(unit);
	a = fixture_region(test, unit, name_of(0), G);
	b = fixture_region(test, unit, name_of(1), G);
	for (i = 2; i <= nr; i++) {
		if (npmu_evict_resize(a, i * G, false, &fixture_ack) ||
		    npmu_evict_resize(b, i * G, false, &fixture_ack))
			break;
	}
	CHECK(i == nr + 1, "only %u granules", i);
	twins[0].granules = nr;
	twins[1].granules = nr;
	mutex_lock(&unit->lock);
	CHECK(npmu_region_map(a)->nr > 2 * NPMU_INLINE_EXTENTS, "only %u pieces",
	      npmu_region_map(a)->nr);
	mutex_unlock(&unit->lock);
	check_all(test);
	CHECK(!npmu_evict_delete(b, false, &fixture_ack), "delete");
	twins[1].granules = 0;
	check_all(test);
	unit = fixture_reattach(test, unit, dev);
	check_all(test);
	a = fixture_find(test, unit, name_of(0));
	while (twins[0].granules > 1) {
		twins[0].granules = twins[0].granules * 3 / 5;
		CHECK(!npmu_evict_resize(a, twins[0].granules * G, false, &fixture_ack), "cut");
		check_all(test);
	}
}

static struct kunit_case region_twin_cases[] = {
	KUNIT_CASE(region__agrees_with_a_naive_twin),
	KUNIT_CASE(region__in_many_pieces),
	{}
};

static struct kunit_suite region_twin_suite = {
	.name = "npmu_region_twin",
	.test_cases = region_twin_cases,
};

kunit_test_suite(region_twin_suite);

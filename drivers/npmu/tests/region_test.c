// SPDX-License-Identifier: GPL-2.0-only
/*
 * Transactions on regions, legal and illegal: create, change, grow, cut, delete. A
 * refusal is typed, says why, and changes nothing; what was made is there after the
 * next attach.
 */
#include "fixture.h"

#define SIZE	(8 * MIB)

static struct memdev *dev;
static struct npmu_unit *unit;

static int region_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, &dev);
	return 0;
}

static int create(const struct npmu_region_attr *attr)
{
	struct npmu_region *region;
	int ret = npmu_region_create(unit, attr, &region, &fixture_ack);

	if (!ret)
		npmu_region_put(region);
	return ret;
}

static int create_named(const char *name, u64 size)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = name, .size = size };

	return create(&attr);
}

static int delete(const char *name)
{
	struct npmu_region *region = npmu_region_find(unit, name);
	int ret = -ENOENT;

	if (region)
		ret = npmu_evict_delete(region, false, &fixture_ack);
	npmu_region_put(region);
	return ret;
}

static void create__refusals(struct kunit *test)
{
	static const char long_name[] =
		"1234567890123456789012345678901234567890123456789012345678901234";
	static const struct {
		struct npmu_region_attr attr;
		int want;
	} rows[] = {
		{ { NPMU_ATTR_NAME, "", G }, -EINVAL },
		{ { NPMU_ATTR_NAME, ".a", G }, -EINVAL },
		{ { NPMU_ATTR_NAME, "a/b", G }, -EINVAL },
		{ { NPMU_ATTR_NAME, long_name, G }, -EINVAL },
		{ { NPMU_ATTR_NAME, "taken", G }, -EEXIST },
		{ { NPMU_ATTR_NAME, "a", 0 }, -EINVAL },
		{ { NPMU_ATTR_NAME, "a", NPMU_MAX_UNIT_SIZE + 1 }, -EINVAL },
		{ { NPMU_ATTR_NAME, "a", U64_MAX }, -EINVAL },
		{ { NPMU_ATTR_NAME, "a", NPMU_MAX_UNIT_SIZE }, -ENOSPC },
		{ { NPMU_ATTR_NAME, "a", SIZE }, -ENOSPC },
		{ { NPMU_ATTR_NAME | NPMU_ATTR_MODE, "a", G, .mode = 0667 }, -EINVAL },
		{ { NPMU_ATTR_NAME | NPMU_ATTR_MODE, "a", G, .mode = 04600 }, -EINVAL },
		{ { NPMU_ATTR_NAME | NPMU_ATTR_FLAGS, "a", G, .flags = 2 }, -EINVAL },
		{ { NPMU_ATTR_NAME | NPMU_ATTR_UID, "a", G, .uid = { -1 } }, -EINVAL },
		{ { NPMU_ATTR_NAME | NPMU_ATTR_GID, "a", G, .gid = { -1 } }, -EINVAL },
	};
	struct npmu_unit_stat before, after;
	size_t i;

	fixture_region(test, unit, "taken", G);
	npmu_unit_stat(unit, &before);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(refused(create(&rows[i].attr), rows[i].want), "row %zu", i);
		npmu_unit_stat(unit, &after);
		CHECK(!memcmp(&before, &after, sizeof(before)), "row %zu changed something", i);
	}
	CHECK(!create_named(long_name + 1, G), "63 bytes");
}

static void create__defaults_and_zeros(struct kunit *test)
{
	struct npmu_region_stat stat;
	struct npmu_region *region;
	struct npmu_extent e;

	memset(dev->mem + SIZE / 2, 0xee, SIZE / 2);
	memset(dev->mem + MIB, 0xee, MIB);
	region = fixture_region(test, unit, "a", 3 * MIB + 1);
	npmu_region_stat(region, &stat);
	CHECK(stat.size == 3 * MIB + G, "size %llu", stat.size);
	CHECK(stat.slot == 0 && stat.pm_addr == 1ULL << 44, "slot %u, PM address %llx", stat.slot,
	      stat.pm_addr);
	CHECK(uid_eq(stat.uid, GLOBAL_ROOT_UID) && gid_eq(stat.gid, GLOBAL_ROOT_GID) &&
	      stat.mode == 0600 && !stat.flags && !stat.fence_epoch, "owner, mode");
	CHECK(stat.role == NPMU_ROLE_VACANT && !stat.writer.pid && !stat.nr_live && stat.devt,
	      "in use, or no node");
	mutex_lock(&unit->lock);
	e = npmu_region_map(region)->extents[0];
	mutex_unlock(&unit->lock);
	CHECK(e.len >= 2 * MIB && e.start % (2 * MIB) == 0, "not whole chunks first");
	CHECK(!memchr_inv(dev->mem + e.start, 0, e.len), "old bytes can be read");
}

static void create__until_no_slot_is_left(struct kunit *test)
{
	struct npmu_unit_stat stat;
	char name[16];
	u32 i;

	npmu_unit_stat(unit, &stat);
	for (i = 0; i < stat.max_regions; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		CHECK(!create_named(name, G), "region %u", i);
	}
	CHECK(refused(create_named("more", G), -ENOSPC), "more than slots");
	CHECK(!delete("r7"), "delete");
	CHECK(!create_named("more", G), "the slot again");
	CHECK(fixture_find(test, unit, "more")->slot == 7, "another slot");
}

static void create__until_no_byte_is_left(struct kunit *test)
{
	u64 free = fixture_free(unit);

	CHECK(refused(create_named("a", free + 1), -ENOSPC), "more than there is");
	CHECK(!create_named("a", free - G), "all but one granule");
	CHECK(refused(create_named("b", 2 * G), -ENOSPC), "two granules");
	CHECK(!create_named("b", G) && fixture_free(unit) == 0, "the last one");
	CHECK(refused(create_named("c", 1), -ENOSPC), "full");
	CHECK(!delete("a") && !delete("b") && fixture_free(unit) == free, "all is back");
}

static void create__undone_without_a_node(struct kunit *test)
{
	struct npmu_unit_stat before, after;

	npmu_unit_stat(unit, &before);
	fixture_limit_nodes(test, 0);
	CHECK(create_named("a", MIB) == -ENOMEM, "made without a node");
	npmu_unit_stat(unit, &after);
	CHECK(!memcmp(&before, &after, sizeof(before)), "something is left");
	CHECK(!npmu_region_find(unit, "a"), "it is found");
	fixture_limit_nodes(test, 1);
	CHECK(!create_named("a", MIB), "with a node");
}

/* A slot that is used again: another region, under higher epochs. */
static void delete__slot_is_used_again(struct kunit *test)
{
	struct npmu_region *a = fixture_region(test, unit, "a", G);
	struct npmu_unit_stat stat;
	struct npmu_region *b;
	u64 epoch;
	int i;

	for (i = 0; i < 5; i++) {
		npmu_unit_stat(unit, &stat);
		epoch = stat.media_epoch;
		CHECK(!npmu_evict_delete(a, false, &fixture_ack), "delete");
		CHECK(refused(npmu_evict_resize(a, 2 * G, true, &fixture_ack), -ENOENT), "grow");
		CHECK(npmu_evict_delete(a, false, &fixture_ack) == -ENOENT, "deleted twice");
		CHECK(refused(npmu_evict_fence(a, NULL, &fixture_ack), -ENOENT), "fence");
		b = fixture_region(test, unit, "a", G);
		npmu_unit_stat(unit, &stat);
		CHECK(stat.media_epoch == epoch + 2, "epoch %llu after %llu", stat.media_epoch,
		      epoch);
		CHECK(b->slot == a->slot && memcmp(a->uuid, b->uuid, sizeof(a->uuid)),
		      "the same one again");
		CHECK(b->fence_epoch == 0, "fence epoch %llu", b->fence_epoch);
		a = b;
		if (i == 2) {
			unit = fixture_reattach(test, unit, dev);
			a = fixture_find(test, unit, "a");
			npmu_unit_stat(unit, &stat);
			CHECK(stat.media_epoch == epoch + 2, "the media epoch went back");
		}
	}
}

static void change__refusals(struct kunit *test)
{
	static const struct {
		struct npmu_region_attr attr;
		int want;
	} rows[] = {
		{ { NPMU_ATTR_NAME, "b" }, -EEXIST },
		{ { NPMU_ATTR_NAME, "" }, -EINVAL },
		{ { NPMU_ATTR_NAME, ".lost-slot-1" }, -EINVAL },
		{ { NPMU_ATTR_MODE, .mode = 0700 }, -EINVAL },
		{ { NPMU_ATTR_FLAGS, .flags = ~0U }, -EINVAL },
		{ { NPMU_ATTR_UID, .uid = { -1 } }, -EINVAL },
		{ { NPMU_ATTR_MODE | NPMU_ATTR_NAME, "b", .mode = 0666 }, -EEXIST },
	};
	struct npmu_region *region = fixture_region(test, unit, "a", G);
	struct npmu_region_stat before, after;
	size_t i;

	fixture_region(test, unit, "b", G);
	npmu_region_stat(region, &before);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(refused(npmu_evict_set(region, &rows[i].attr, true, &fixture_ack),
			      rows[i].want), "row %zu", i);
		npmu_region_stat(region, &after);
		CHECK(!memcmp(&before, &after, sizeof(before)), "row %zu changed something", i);
	}
}

static void change__each_field_lasts(struct kunit *test)
{
	static const struct npmu_region_attr rows[] = {
		{ NPMU_ATTR_NAME, "b" },
		{ NPMU_ATTR_NAME, "b" },
		{ NPMU_ATTR_MODE, .mode = 0 },
		{ NPMU_ATTR_MODE, .mode = 0666 },
		{ NPMU_ATTR_UID, .uid = KUIDT_INIT(0x7fffffff) },
		{ NPMU_ATTR_GID, .gid = KGIDT_INIT(5) },
		{ NPMU_ATTR_FLAGS, .flags = NPMU_REGION_F_READ_ONLY },
		{ NPMU_ATTR_FLAGS, .flags = 0 },
		{ NPMU_ATTR_NAME | NPMU_ATTR_MODE | NPMU_ATTR_UID | NPMU_ATTR_GID |
		  NPMU_ATTR_FLAGS, "a", .mode = 0600, .flags = NPMU_REGION_F_READ_ONLY },
	};
	struct npmu_region *region = fixture_region(test, unit, "a", G);
	struct npmu_region_stat before, after;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct npmu_region_attr *attr = &rows[i];

		npmu_region_stat(region, &before);
		CHECK(!npmu_evict_set(region, attr, false, &fixture_ack), "row %zu", i);
		if (attr->valid & NPMU_ATTR_NAME)
			strscpy_pad(before.name, attr->name);
		if (attr->valid & NPMU_ATTR_MODE)
			before.mode = attr->mode;
		if (attr->valid & NPMU_ATTR_UID)
			before.uid = attr->uid;
		if (attr->valid & NPMU_ATTR_GID)
			before.gid = attr->gid;
		if (attr->valid & NPMU_ATTR_FLAGS)
			before.flags = attr->flags;
		unit = fixture_reattach(test, unit, dev);
		region = fixture_find(test, unit, before.name);
		npmu_region_stat(region, &after);
		before.devt = 0;
		after.devt = 0;
		CHECK(!memcmp(&before, &after, sizeof(before)), "row %zu: something else", i);
	}
}

static void change__is_made_without_a_node(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "a", G);
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = "b" };

	fixture_limit_nodes(test, 0);
	CHECK(refused(npmu_evict_set(region, &attr, false, &fixture_ack), 0), "refused");
	CHECK(!npmu_region_find(unit, "a") && fixture_find(test, unit, "b") == region, "name");
	fixture_limit_nodes(test, 1);
	CHECK(!npmu_evict_set(region, &attr, false, &fixture_ack), "again");
}

static void resize__sizes(struct kunit *test)
{
	static const struct {
		u64 to;
		int want;
		u64 size;
	} rows[] = {
		{ 0, -EINVAL }, { U64_MAX, -EINVAL }, { NPMU_MAX_UNIT_SIZE + 1, -EINVAL },
		{ SIZE, -ENOSPC }, { NPMU_MAX_UNIT_SIZE, -ENOSPC },
		{ MIB, 0, MIB }, { MIB + 1, 0, MIB + G }, { 5 * MIB, 0, 5 * MIB },
		{ 5 * MIB - 1, 0, 5 * MIB }, { 3 * MIB, 0, 3 * MIB }, { 1, 0, G },
		{ 6 * MIB, 0, 6 * MIB }, { G, 0, G },
	};
	struct npmu_region *region = fixture_region(test, unit, "a", MIB);
	u64 all = fixture_free(unit) + MIB;
	u64 size = MIB;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int ret = npmu_evict_resize(region, rows[i].to, false, &fixture_ack);

		if (rows[i].want)
			CHECK(refused(ret, rows[i].want), "row %zu: %d", i, ret);
		else
			CHECK(!ret, "row %zu: %d", i, ret);
		size = rows[i].want ? size : rows[i].size;
		CHECK(region->size == size && fixture_free(unit) == all - size,
		      "row %zu: %llu bytes", i, region->size);
	}
}

static void resize__one_at_a_time(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "a", MIB);

	region->resizing = true;
	CHECK(refused(npmu_evict_resize(region, 2 * MIB, true, &fixture_ack), -EBUSY), "grow");
	CHECK(refused(npmu_evict_resize(region, G, true, &fixture_ack), -EBUSY), "cut");
	CHECK(refused(npmu_evict_resize(region, MIB, true, &fixture_ack), -EBUSY), "neither");
	region->resizing = false;
	CHECK(!npmu_evict_resize(region, G, true, &fixture_ack), "then");
}

static struct kunit_case region_cases[] = {
	KUNIT_CASE(create__refusals),
	KUNIT_CASE(create__defaults_and_zeros),
	KUNIT_CASE(create__until_no_slot_is_left),
	KUNIT_CASE(create__until_no_byte_is_left),
	KUNIT_CASE(create__undone_without_a_node),
	KUNIT_CASE(delete__slot_is_used_again),
	KUNIT_CASE(change__refusals),
	KUNIT_CASE(change__each_field_lasts),
	KUNIT_CASE(change__is_made_without_a_node),
	KUNIT_CASE(resize__sizes),
	KUNIT_CASE(resize__one_at_a_time),
	{}
};

static struct kunit_suite region_suite = {
	.name = "npmu_region",
	.init = region_test_init,
	.test_cases = region_cases,
};

kunit_test_suite(region_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units: format, attach, detach, and a device that goes away, on memory of the host
 * and on devices of memory. What fails leaves nothing behind.
 */
#include "fixture.h"

#define SIZE	(8 * MIB)

static int unit_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	return 0;
}

static int format(const char *path, const char *name, u32 max_regions, bool force)
{
	u8 uuid[NPMU_UUID_LEN];

	return npmu_unit_format(path, name, max_regions, force, uuid, &fixture_ack);
}

static int attach(const char *path, const char *name)
{
	struct npmu_unit *unit = npmu_unit_attach_pmem(path, name, &fixture_ack);

	if (IS_ERR(unit))
		return PTR_ERR(unit);
	npmu_unit_put(unit);
	return 0;
}

static int attach_dram(const char *name, u64 size, u32 max_regions)
{
	struct npmu_unit *unit = npmu_unit_attach_dram(name, size, max_regions, &fixture_ack);

	if (IS_ERR(unit))
		return PTR_ERR(unit);
	npmu_unit_put(unit);
	return 0;
}

static int detach(const char *name)
{
	return npmu_unit_detach(name, &fixture_ack);
}

static void dram__attach_refusals(struct kunit *test)
{
	static const struct {
		const char *name;
		u64 size;
		u32 max_regions;
		int want;
	} rows[] = {
		{ "", SIZE, 0, -EINVAL },
		{ ".k", SIZE, 0, -EINVAL },
		{ "a/b", SIZE, 0, -EINVAL },
		{ "12345678901234567890123456789012", SIZE, 0, -EINVAL },
		{ "k", 0, 0, -EINVAL },
		{ "k", SIZE + 1, 0, -EINVAL },
		{ "k", NPMU_MIN_UNIT_SIZE - G, 0, -EINVAL },
		{ "k", SIZE, 7, -EINVAL },
		{ "k", SIZE, 129, -EINVAL },
		{ "k", 1ULL << 50, 0, -ENOMEM },
		{ "k", -G, 0, -ENOMEM },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CHECK(refused(attach_dram(rows[i].name, rows[i].size, rows[i].max_regions),
			      rows[i].want), "row %zu", i);
		CHECK(!npmu_unit_find(rows[i].name), "row %zu: it is there", i);
	}
}

static void dram__is_volatile_and_empty(struct kunit *test)
{
	struct npmu_unit_stat stat;
	struct npmu_unit *unit;

	/* Not a whole number of chunks, so that single pages are taken, too. */
	KUNIT_ASSERT_EQ(test, 0, attach_dram("kd", SIZE + 5 * G, 16));
	unit = npmu_unit_find("kd");
	KUNIT_ASSERT_NOT_NULL(test, unit);
	npmu_unit_stat(unit, &stat);
	CHECK(stat.backing == NPMU_BACKING_KIND_DRAM && stat.class == NPMU_CLASS_VOLATILE &&
	      !*stat.path, "kind %d class %d", stat.backing, stat.class);
	CHECK(stat.size == SIZE + 5 * G && stat.max_regions == 16 &&
	      stat.free == stat.data_size && !stat.nr_regions && !stat.nr_entries &&
	      !stat.repaired && !stat.unsound_regions && !stat.gone && !stat.media_epoch,
	      "not a new one");
	CHECK(refused(attach_dram("kd", SIZE, 0), -EEXIST), "its name twice");
	npmu_unit_put(unit);
	CHECK(!detach("kd"), "detach");
	CHECK(refused(detach("kd"), -ENOENT), "detached twice");
}

/* Bytes of the last, partial chunk are as good as others. */
static void dram__holds_what_is_written(struct kunit *test)
{
	struct npmu_backing *b;
	u64 size = 4 * MIB + 3 * G, off;
	u64 stamp;

	b = npmu_backing_open_dram(size, &fixture_ack);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, b);
	for (off = 0; off < size; off += G) {
		stamp = ~off;
		npmu_backing_write(b, off + 4090, &stamp, off + G < size ? 8 : 6);
		CHECK(npmu_backing_pfn(b, off) != 0, "no page at %llu", off);
	}
	npmu_backing_writeback(b, 0, size);
	npmu_backing_fence(b);
	for (off = 0; off + G < size; off += G) {
		CHECK(!npmu_backing_read(b, off + 4090, &stamp, 8) && stamp == ~off,
		      "%llu: %llx", off, stamp);
	}
	CHECK(!npmu_backing_bad(b, 0, size), "bad");
	CHECK(!npmu_backing_huge_ok(b, 4 * MIB), "a partial chunk as one mapping");
	npmu_backing_zero(b, G, 2 * MIB);
	CHECK(!npmu_backing_read(b, 2 * MIB + 4090, &stamp, 6) && !(stamp & 0xffffffffffff),
	      "not zeroed");
	CHECK(!npmu_backing_read(b, 2 * MIB + G + 4090, &stamp, 8) && stamp == ~(2 * MIB + G),
	      "zeroed too much");
	npmu_backing_close(b);
}

static void pmem__format_refusals(struct kunit *test)
{
	struct memdev *dev = memdev_make(test, "m0", SIZE);

	CHECK(refused(format("m0", "a b", 0, false), -EINVAL), "name");
	CHECK(refused(format("m1", "k", 0, false), -ENOENT), "no device");
	CHECK(refused(format("m0", "k", 129, false), -EINVAL), "slots");
	dev->mem[100] = 1;
	CHECK(refused(format("m0", "k", 0, false), -EEXIST), "holds data");
	CHECK(!format("m0", "k", 0, true), "force");
	CHECK(!attach("m0", NULL), "attach");
	CHECK(format("m0", "k", 0, true) == -EBUSY, "a unit that is attached");
	CHECK(!detach("k"), "detach");
}

static void pmem__attach_refusals(struct kunit *test)
{
	struct memdev *dev = memdev_make(test, "m0", SIZE);

	CHECK(refused(attach("m0", "a/b"), -EINVAL), "name");
	CHECK(refused(attach("m1", NULL), -ENOENT), "no device");
	CHECK(refused(attach("m0", NULL), -EUCLEAN), "not formatted");
	CHECK(!format("m0", "k", 0, false), "format");
	memdev_copy(test, dev, "m1");
	CHECK(!attach("m0", NULL), "attach");
	CHECK(attach("m0", "other") == -EBUSY, "the same device twice");
	CHECK(refused(attach("m1", "other"), -EEXIST), "a copy of it");
	memdev_make(test, "m2", SIZE);
	CHECK(!format("m2", "k", 0, false), "format of a third");
	CHECK(refused(attach("m2", NULL), -EEXIST), "its name");
	CHECK(!attach("m2", "third"), "under another name");
	CHECK(!detach("third") && !detach("k"), "detach");
	CHECK(!attach("m1", "other"), "the copy, now that it is the only one");
	CHECK(!detach("other"), "detach");
}

static void unit__next_goes_by_order_of_attach(struct kunit *test)
{
	static const char * const names[] = { "kc", "ka", "kb" };
	struct npmu_unit *unit;
	u32 id = 0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		KUNIT_ASSERT_EQ(test, 0, attach_dram(names[i], NPMU_MIN_UNIT_SIZE, 8));
	for (i = 0; (unit = npmu_unit_next(id)); i++) {
		CHECK(unit->id > id, "id %u after %u", unit->id, id);
		id = unit->id;
		CHECK(i < 3 && !strcmp(unit->name, names[i]), "%s", unit->name);
		npmu_unit_put(unit);
	}
	CHECK(i == 3, "%zu units", i);
	for (i = 0; i < ARRAY_SIZE(names); i++)
		CHECK(!detach(names[i]), "detach");
}

static void detach__refused_while_in_use(struct kunit *test)
{
	struct npmu_unit *unit = fixture_unit(test, SIZE, NULL);
	struct npmu_region *region = fixture_region(test, unit, "r", G);
	struct fixture_open *open = fixture_open(test, region, RW);

	CHECK(refused(detach("kunit"), -EBUSY), "open");
	mutex_lock(&unit->lock);
	npmu_tpt_kill(open->entry);
	mutex_unlock(&unit->lock);
	CHECK(refused(detach("kunit"), -EBUSY), "dead, but perhaps somebody is inside");
	mutex_lock(&region->lock);
	CHECK(!npmu_tpt_drain(region), "drain");
	mutex_unlock(&region->lock);
	region->resizing = true;
	CHECK(refused(detach("kunit"), -EBUSY), "is being resized");
	region->resizing = false;
	region->state = NPMU_REGION_NEW;
	CHECK(refused(detach("kunit"), -EBUSY), "is being created");
	region->state = NPMU_REGION_LIVE;
	fixture_record_events(test);
	/* The dead entry may outlive the unit. */
	fixture_detach(test, unit);
	CHECK(!strcmp(fixture_events(), "detached"), "no event");
	CHECK(region->state == NPMU_REGION_DELETED, "the region lives on");
}

/* When one of the nodes cannot be made there is no unit, and then there is. */
static void attach__whole_or_not_at_all(struct kunit *test)
{
	struct memdev *dev;
	struct npmu_unit *unit = fixture_unit(test, SIZE, &dev);
	char name[] = "r0";
	int i;

	for (i = 0; i < 3; i++, name[1]++)
		fixture_region(test, unit, name, G);
	fixture_detach(test, unit);
	for (i = 0; i < 3; i++) {
		fixture_limit_nodes(test, i);
		CHECK(refused(attach("memdev", NULL), -ENOMEM), "%d nodes", i);
		CHECK(!dev->open, "the device is still claimed");
		CHECK(!npmu_unit_find("kunit"), "the unit is there");
	}
	fixture_limit_nodes(test, 3);
	CHECK(!attach("memdev", NULL) && !detach("kunit"), "with three nodes");
}

static void gone__everything_is_taken(struct kunit *test)
{
	struct memdev *dev;
	struct npmu_unit *unit = fixture_unit(test, SIZE, &dev);
	struct npmu_region *region = fixture_region(test, unit, "r", 4 * G);
	struct npmu_region *other = fixture_region(test, unit, "s", G);
	struct fixture_open *writer = fixture_open(test, region, RW);
	struct fixture_open *reader = fixture_open(test, region, NPMU_ACCESS_READ);
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = "t", .size = G };
	struct npmu_tpt_entry *late;
	struct npmu_unit_stat stat;
	u64 epoch;

	KUNIT_ASSERT_EQ(test, 0, npmu_role_claim(writer->entry, true, &epoch));
	fixture_record_events(test);
	memdev_remove(dev);
	CHECK(!strcmp(fixture_events(), "gone"), "no event");
	CHECK(writer->entry->dead && reader->entry->dead && !region->writer, "somebody lives on");
	CHECK(atomic_read(&writer->zaps) == 1 && atomic_read(&reader->zaps) == 1, "not zapped");
	CHECK(region->status->flags & NPMU_STATUS_F_GONE && !region->status->writer, "status");
	npmu_unit_stat(unit, &stat);
	CHECK(stat.gone, "not gone");
	CHECK(npmu_role_claim(reader->entry, true, &epoch) < 0, "claim");
	CHECK(npmu_role_takeover(writer->entry, 1, &epoch) == -ENODEV, "takeover");
	CHECK(refused(npmu_evict_fence(region, NULL, &fixture_ack), -ENODEV), "fence");
	CHECK(refused(npmu_region_create(unit, &attr, &other, &fixture_ack), -ENODEV), "create");
	CHECK(refused(npmu_evict_resize(region, G, true, &fixture_ack), -ENODEV), "cut");
	CHECK(refused(npmu_evict_resize(region, 5 * G, true, &fixture_ack), -ENODEV), "grow");
	CHECK(refused(npmu_evict_set(region, &attr, true, &fixture_ack), -ENODEV), "set");
	CHECK(refused(npmu_evict_delete(region, true, &fixture_ack), -ENODEV), "delete");
	CHECK(npmu_unit_zero(unit, 0, G) == -ENODEV, "zero");
	mutex_lock(&region->lock);
	late = npmu_tpt_open(region, RW, writer->entry->ops, writer);
	CHECK(late == ERR_PTR(-ENODEV), "open");
	mutex_unlock(&region->lock);
	fixture_detach(test, unit);
	CHECK(npmu_role_claim(reader->entry, true, &epoch) < 0, "claim after detach");
}

static void gone__while_it_is_opened(struct kunit *test)
{
	struct memdev *dev = memdev_make(test, "m0", SIZE);

	CHECK(!format("m0", "k", 0, false), "format");
	dev->remove_at_open = true;
	CHECK(attach("m0", NULL) == -ENODEV, "attach");
	CHECK(!dev->open && !npmu_unit_find("k"), "something is left");
	CHECK(format("m0", "k", 0, true) == -ENODEV, "format");
}

static struct kunit_case unit_cases[] = {
	KUNIT_CASE(dram__attach_refusals),
	KUNIT_CASE(dram__is_volatile_and_empty),
	KUNIT_CASE(dram__holds_what_is_written),
	KUNIT_CASE(pmem__format_refusals),
	KUNIT_CASE(pmem__attach_refusals),
	KUNIT_CASE(unit__next_goes_by_order_of_attach),
	KUNIT_CASE(detach__refused_while_in_use),
	KUNIT_CASE(attach__whole_or_not_at_all),
	KUNIT_CASE(gone__everything_is_taken),
	KUNIT_CASE(gone__while_it_is_opened),
	{}
};

static struct kunit_suite unit_suite = {
	.name = "npmu_unit",
	.init = unit_test_init,
	.test_cases = unit_cases,
};

kunit_test_suite(unit_suite);

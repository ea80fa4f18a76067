// SPDX-License-Identifier: GPL-2.0-only
/*
 * Principals in the TPT and in the writer role: who may open what under a grant, what a
 * grant that is taken away takes with it, and that others go on.
 */
#include <linux/cred.h>

#include "access.h"
#include "fixture.h"

#define SIZE	(4 * MIB)

static struct npmu_unit *unit;
static struct npmu_region *region;

static int principal_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, NULL);
	region = fixture_region(test, unit, "r", 8 * G);
	return 0;
}

static struct npmu_tpt_entry *try_open(const char *principal, u32 access)
{
	static const struct npmu_revoke_ops none;
	struct npmu_tpt_entry *entry;

	mutex_lock(&region->lock);
	entry = npmu_tpt_open_principal(region, principal, access, &none, NULL);
	mutex_unlock(&region->lock);
	return entry;
}

static int open_error(const char *principal, u32 access)
{
	struct npmu_tpt_entry *entry = try_open(principal, access);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	npmu_tpt_close(entry);
	return 0;
}

static void open__as_the_grant_says(struct kunit *test)
{
	/* The owner, whom the record lets do all, is somebody of this host. */
	region->mode = 0666;
	CHECK(open_error("host1", NPMU_ACCESS_READ) == -EACCES, "without a grant");
	CHECK(!fixture_grant(region, "host1", NPMU_ACCESS_READ, 0, 0), "grant r");
	CHECK(!fixture_grant(region, "host2", RW, 0, 0), "grant rw");
	region->mode = 0;
	CHECK(!open_error("host1", NPMU_ACCESS_READ), "to read");
	CHECK(open_error("host1", RW) == -EACCES, "to write what may be read");
	CHECK(open_error("host1", NPMU_ACCESS_WRITE) == -EACCES, "to write alone");
	CHECK(!open_error("host2", RW) && !open_error("host2", NPMU_ACCESS_READ), "host2");
	CHECK(open_error("host3", NPMU_ACCESS_READ) == -EACCES, "another");
	CHECK(open_error("host", NPMU_ACCESS_READ) == -EACCES, "half a name");
	CHECK(open_error("host11", NPMU_ACCESS_READ) == -EACCES, "a longer name");
	CHECK(open_error("", NPMU_ACCESS_READ) == -EINVAL, "no name");
	CHECK(open_error("host2", 0) == -EINVAL && open_error("host2", 4) == -EINVAL, "access");
	CHECK(!unit->nr_entries && !region->nr_live, "entries are left");
}

static void open__state_of_the_region(struct kunit *test)
{
	CHECK(!fixture_grant(region, "host1", RW, 0, 0), "grant");
	region->flags = NPMU_REGION_F_READ_ONLY;
	CHECK(open_error("host1", RW) == -EROFS && !open_error("host1", NPMU_ACCESS_READ),
	      "read-only");
	region->flags = 0;
	region->health = NPMU_HEALTH_QUARANTINED;
	CHECK(open_error("host1", NPMU_ACCESS_READ) == -EIO, "quarantined");
	region->health = NPMU_HEALTH_DAMAGED;
	CHECK(open_error("host1", NPMU_ACCESS_READ) == -EIO, "damaged");
	region->health = NPMU_HEALTH_GOOD;
	region->state = NPMU_REGION_DELETED;
	CHECK(open_error("host1", NPMU_ACCESS_READ) == -ENXIO, "deleted");
	region->state = NPMU_REGION_LIVE;
	CHECK(!open_error("host1", RW), "good again");
}

static void open__reaches_its_range_alone(struct kunit *test)
{
	struct fixture_open *open;
	u64 len = 0, off;
	u8 byte;

	CHECK(!fixture_grant(region, "host1", NPMU_ACCESS_READ, 2 * G, 3 * G), "grant");
	open = fixture_open_as(test, region, "host1", NPMU_ACCESS_READ);
	for (off = 0; off < 8 * G; off += G / 2) {
		bool in = off >= 2 * G && off < 5 * G;
		u64 where = npmu_tpt_translate(open->entry, off, &len);

		CHECK((where != NPMU_NOWHERE) == in, "offset %llu", off);
		CHECK(!in || len <= 5 * G - off, "from %llu %llu bytes", off, len);
		CHECK(npmu_tpt_read(open->entry, off, &byte, 1) == (in ? 0 : -EIO), "%llu", off);
	}
	CHECK(npmu_tpt_translate(open->entry, U64_MAX, &len) == NPMU_NOWHERE, "the last byte");
	CHECK(npmu_tpt_translate(open->entry, 2 * G - 1, &len) == NPMU_NOWHERE, "one before");
	CHECK(npmu_tpt_translate(open->entry, 5 * G - 1, &len) != NPMU_NOWHERE && len == 1,
	      "the last of it");
}

static void next__shows_principal_and_range(struct kunit *test)
{
	struct npmu_tpt_stat stat;

	CHECK(!fixture_grant(region, "host1", NPMU_ACCESS_READ, 2 * G, 3 * G), "grant");
	CHECK(!fixture_grant(region, "host2", RW, 0, 0), "grant");
	fixture_open_as(test, region, "host1", NPMU_ACCESS_READ);
	fixture_open_as(test, region, "host2", RW);
	CHECK(npmu_tpt_next(unit, 0, &stat), "none");
	CHECK(!strcmp(stat.principal, "host1") && !stat.opener && !*stat.command, "who: %s",
	      stat.principal);
	CHECK(stat.offset == 2 * G && stat.length == 3 * G && stat.access == NPMU_ACCESS_READ,
	      "range");
	CHECK(npmu_tpt_next(unit, stat.id, &stat), "one alone");
	CHECK(!strcmp(stat.principal, "host2") && !stat.offset && stat.length == 8 * G, "whole");
}

static void role__of_a_principal(struct kunit *test)
{
	struct fixture_open *local = fixture_open(test, region, RW);
	struct npmu_region_stat stat;
	struct fixture_open *open;
	u64 epoch;

	fixture_record_events(test);
	CHECK(!fixture_grant(region, "host1", RW, 0, 0), "grant");
	open = fixture_open_as(test, region, "host1", RW);
	CHECK(!npmu_role_claim(open->entry, true, &epoch) && epoch == 1, "claim");
	npmu_region_stat(region, &stat);
	CHECK(!stat.writer.pid && !strcmp(stat.writer.principal, "host1"), "the writer: %s",
	      stat.writer.principal);
	npmu_region_stat_put(&stat);
	CHECK(npmu_role_claim(local->entry, true, &epoch) == -EBUSY, "two writers");
	/* Across both worlds: a local process takes over, and the other way round. */
	CHECK(!npmu_role_takeover(local->entry, 1, &epoch) && epoch == 2, "takeover");
	CHECK(open->entry->dead && atomic_read(&open->zaps) == 1, "the principal lives");
	npmu_region_stat(region, &stat);
	CHECK(stat.writer.pid == task_tgid(current) && !*stat.writer.principal &&
	      !stat.last_writer.pid && !strcmp(stat.last_writer.principal, "host1") &&
	      stat.last_writer_epoch == 1, "after the takeover");
	npmu_region_stat_put(&stat);
	CHECK(!strcmp(fixture_events(),
		      "granted host1,claimed host1,fenced host1,replaced"), "other events");
	fixture_close(test, open);
	open = fixture_open_as(test, region, "host1", RW);
	CHECK(npmu_role_takeover(open->entry, 1, &epoch) == -ESTALE, "an old epoch");
	CHECK(!npmu_role_takeover(open->entry, 2, &epoch) && epoch == 3, "takeover back");
	CHECK(local->entry->dead && !open->entry->dead, "who is dead");
	npmu_role_death(open->entry);
	CHECK(!region->writer && open->entry->dead, "dead, and the writer");
	CHECK(!strcmp(fixture_events(), "fenced,replaced host1,dead host1"), "other events");
}

static void revoke__ends_what_was_open_under_it(struct kunit *test)
{
	struct fixture_open *local = fixture_open(test, region, RW);
	struct fixture_open *mine[2], *other;
	u64 epoch;

	fixture_record_events(test);
	CHECK(!fixture_grant(region, "host1", RW, 0, 0), "grant");
	CHECK(!fixture_grant(region, "host2", RW, 0, 0), "grant");
	mine[0] = fixture_open_as(test, region, "host1", RW);
	mine[1] = fixture_open_as(test, region, "host1", NPMU_ACCESS_READ);
	other = fixture_open_as(test, region, "host2", RW);
	CHECK(!npmu_role_claim(mine[0]->entry, true, &epoch) && epoch == 1, "claim");
	CHECK(!npmu_evict_revoke(region, "host1", &fixture_ack), "revoke");
	CHECK(mine[0]->entry->dead && mine[1]->entry->dead, "it lives on");
	CHECK(atomic_read(&mine[0]->zaps) == 1 && atomic_read(&mine[1]->zaps) == 1, "zaps");
	CHECK(!other->entry->dead && !local->entry->dead && !atomic_read(&other->zaps) &&
	      !atomic_read(&local->zaps), "others were disturbed");
	CHECK(!region->writer && region->fence_epoch == 2 && fixture_media_epoch(region) == 2,
	      "the writer is not fenced: epoch %llu", region->fence_epoch);
	CHECK(!region->nr_undrained && region->nr_live == 2, "%u live", region->nr_live);
	CHECK(open_error("host1", NPMU_ACCESS_READ) == -EACCES, "it opens again");
	CHECK(npmu_role_claim(mine[0]->entry, true, &epoch) == -ESTALE, "it claims again");
	CHECK(!strcmp(fixture_events(),
		      "granted host1,granted host2,claimed host1,fenced host1,revoked host1"),
	      "other events");
	/* Of one who does not write no epoch is raised: the writer goes on. */
	CHECK(!npmu_role_claim(local->entry, true, &epoch) && epoch == 3, "claim");
	CHECK(!npmu_evict_revoke(region, "host2", &fixture_ack), "revoke the other");
	CHECK(other->entry->dead && region->writer == local->entry && region->fence_epoch == 3 &&
	      fixture_media_epoch(region) == 3, "the writer did not go on");
	CHECK(refused(npmu_evict_revoke(region, "host2", &fixture_ack), -ENOENT), "again");
	CHECK(refused(npmu_evict_revoke(region, "", &fixture_ack), -EINVAL), "no name");
	CHECK(!local->entry->dead, "who has no name is dead");
}

/* Who is inside holds the answer up; the grant is gone all the same. */
static void revoke__waits_for_those_inside(struct kunit *test)
{
	struct fixture_open *open;

	CHECK(!fixture_grant(region, "host1", RW, 0, 0), "grant");
	open = fixture_open_as(test, region, "host1", RW);
	KUNIT_ASSERT_TRUE(test, npmu_gate_enter(&open->entry->read));
	CHECK(refused(npmu_evict_revoke(region, "host1", &fixture_ack), -ETIMEDOUT), "answered");
	CHECK(!atomic_read(&open->zaps) && open->entry->dead && !region->nr_grants, "state");
	npmu_gate_leave(&open->entry->read);
	CHECK(!npmu_evict_revoke(region, "host1", &fixture_ack), "once more");
	CHECK(atomic_read(&open->zaps) == 1, "zapped %d times", atomic_read(&open->zaps));
	CHECK(refused(npmu_evict_revoke(region, "host1", &fixture_ack), -ENOENT), "a third time");
}

static void open__limit_of_a_principal(struct kunit *test)
{
	static struct npmu_tpt_entry *entries[513];
	int nr = 0, i;

	CHECK(!fixture_grant(region, "host1", RW, 0, 0), "grant");
	CHECK(!fixture_grant(region, "host2", RW, 0, 0), "grant");
	/* Whatever the caller may do: it is the principal that pays. */
	while (nr < ARRAY_SIZE(entries)) {
		entries[nr] = try_open("host1", NPMU_ACCESS_READ);
		if (IS_ERR(entries[nr]))
			break;
		nr++;
		cond_resched();
	}
	CHECK(nr == 512 && entries[nr] == ERR_PTR(-EUSERS), "%d opens", nr);
	CHECK(!open_error("host2", RW), "another is refused, too");
	for (i = 0; i < nr; i++)
		npmu_tpt_close(entries[i]);
	CHECK(!open_error("host1", RW), "refused with none open");
}

static struct kunit_case principal_cases[] = {
	KUNIT_CASE(open__as_the_grant_says),
	KUNIT_CASE(open__state_of_the_region),
	KUNIT_CASE(open__reaches_its_range_alone),
	KUNIT_CASE(next__shows_principal_and_range),
	KUNIT_CASE(role__of_a_principal),
	KUNIT_CASE(revoke__ends_what_was_open_under_it),
	KUNIT_CASE(revoke__waits_for_those_inside),
	KUNIT_CASE(open__limit_of_a_principal),
	{}
};

static struct kunit_suite principal_suite = {
	.name = "npmu_principal",
	.init = principal_test_init,
	.test_cases = principal_cases,
};

kunit_test_suite(principal_suite);

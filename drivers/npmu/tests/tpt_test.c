// SPDX-License-Identifier: GPL-2.0-only
/*
 * Entries of the TPT: who may open what, compared with the rule of file permissions
 * said in another way; limits; what is shown; and what closing and killing leave.
 */
#include <linux/cred.h>

#include "fixture.h"

#define SIZE	(4 * MIB)

static struct npmu_unit *unit;
static struct npmu_region *region;

static int tpt_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, NULL);
	region = fixture_region(test, unit, "r", 8 * G);
	return 0;
}

static struct npmu_tpt_entry *try_open(u32 access)
{
	static const struct npmu_revoke_ops none;
	struct npmu_tpt_entry *entry;

	mutex_lock(&region->lock);
	entry = npmu_tpt_open(region, access, &none, NULL);
	mutex_unlock(&region->lock);
	return entry;
}

static int open_error(u32 access)
{
	struct npmu_tpt_entry *entry = try_open(access);

	if (IS_ERR(entry))
		return PTR_ERR(entry);
	npmu_tpt_close(entry);
	return 0;
}

/* --- rights --- */

/* The caller becomes somebody without privileges; the way back. */
static const struct cred *become(struct kunit *test, uid_t uid, gid_t gid)
{
	struct cred *cred = prepare_creds();

	KUNIT_ASSERT_NOT_NULL(test, cred);
	cred->fsuid = KUIDT_INIT(uid);
	cred->fsgid = KGIDT_INIT(gid);
	cap_clear(cred->cap_effective);
	return override_creds(cred);
}

static void restore(const struct cred *old)
{
	const struct cred *mine = current_cred();

	revert_creds(old);
	put_cred(mine);
}

static void open__rights_of_the_record(struct kunit *test)
{
	static const struct {
		uid_t uid;
		gid_t gid;
		int shift;	/* which bits of the mode are the caller's */
	} who[] = {
		{ 1000, 2000, 6 }, { 1000, 7, 6 }, { 7, 2000, 3 }, { 7, 7, 0 }, { 0, 0, 0 },
	};
	static const u32 modes[] = { 0, 0600, 0400, 0200, 0060, 0040, 0020, 0006, 0004, 0002, 0666,
				     0066, 0606, 0640 };
	static const u32 accesses[] = { NPMU_ACCESS_READ, NPMU_ACCESS_WRITE, RW };
	size_t w, m, a;

	region->uid = KUIDT_INIT(1000);
	region->gid = KGIDT_INIT(2000);
	for (w = 0; w < ARRAY_SIZE(who); w++) {
		for (m = 0; m < ARRAY_SIZE(modes); m++) {
			for (a = 0; a < ARRAY_SIZE(accesses); a++) {
				u32 bits = modes[m] >> who[w].shift;
				bool may = (!(accesses[a] & NPMU_ACCESS_READ) || bits & 4) &&
					   (!(accesses[a] & NPMU_ACCESS_WRITE) || bits & 2);
				const struct cred *old;
				int err;

				region->mode = modes[m];
				old = become(test, who[w].uid, who[w].gid);
				err = open_error(accesses[a]);
				restore(old);
				CHECK(err == (may ? 0 : -EACCES), "%u:%u mode %o access %u: %d",
				      who[w].uid, who[w].gid, modes[m], accesses[a], err);
				CHECK(!open_error(accesses[a]), "root");
			}
		}
	}
	CHECK(!unit->nr_entries && !region->nr_live, "entries are left");
}

static void open__state_of_the_region(struct kunit *test)
{
	static const struct {
		u32 flags;
		enum npmu_health health;
		enum npmu_region_state state;
		u32 entries;
		int want[3];	/* read, write, both */
	} rows[] = {
		{ .state = NPMU_REGION_LIVE },
		{ .state = NPMU_REGION_LIVE, .flags = NPMU_REGION_F_READ_ONLY,
		  .want = { 0, -EROFS, -EROFS } },
		{ .state = NPMU_REGION_LIVE, .health = NPMU_HEALTH_QUARANTINED,
		  .want = { 0, -EROFS, -EROFS } },
		{ .state = NPMU_REGION_LIVE, .health = NPMU_HEALTH_DAMAGED,
		  .want = { -EIO, -EIO, -EIO } },
		{ .state = NPMU_REGION_NEW, .want = { -ENXIO, -ENXIO, -ENXIO } },
		{ .state = NPMU_REGION_DELETED, .want = { -ENXIO, -ENXIO, -ENXIO } },
		{ .state = NPMU_REGION_LIVE, .entries = 65535 },
		{ .state = NPMU_REGION_LIVE, .entries = 65536,
		  .want = { -EUSERS, -EUSERS, -EUSERS } },
	};
	static const u32 accesses[] = { NPMU_ACCESS_READ, NPMU_ACCESS_WRITE, RW };
	size_t i, a;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		region->flags = rows[i].flags;
		region->health = rows[i].health;
		region->state = rows[i].state;
		unit->nr_entries = rows[i].entries;
		for (a = 0; a < ARRAY_SIZE(accesses); a++)
			CHECK(open_error(accesses[a]) == rows[i].want[a], "row %zu access %u", i,
			      accesses[a]);
		CHECK(unit->nr_entries == rows[i].entries, "row %zu: counted wrong", i);
		unit->nr_entries = 0;
	}
	region->flags = 0;
	region->health = NPMU_HEALTH_GOOD;
	region->state = NPMU_REGION_LIVE;
}

/* --- what is shown --- */

static void next__shows_each_entry_once(struct kunit *test)
{
	struct npmu_region *other = fixture_region(test, unit, "s", G);
	struct fixture_open *opens[4];
	struct npmu_tpt_stat stat;
	u64 id = 0, epoch;
	int i;

	opens[0] = fixture_open(test, region, NPMU_ACCESS_READ);
	opens[1] = fixture_open(test, other, RW);
	opens[2] = fixture_open(test, region, RW);
	opens[3] = fixture_open(test, region, NPMU_ACCESS_WRITE);
	CHECK(!npmu_role_claim(opens[2]->entry, true, &epoch) && epoch == 1, "claim");
	mutex_lock(&unit->lock);
	npmu_tpt_kill(opens[3]->entry);
	mutex_unlock(&unit->lock);
	for (i = 0; npmu_tpt_next(unit, id, &stat); i++) {
		CHECK(stat.id > id, "id %llu after %llu", stat.id, id);
		id = stat.id;
		CHECK(i < 4 && id == opens[i]->entry->id, "another one at %d", i);
		CHECK(!strcmp(stat.region, i == 1 ? "s" : "r"), "%d: region %s", i, stat.region);
		CHECK(stat.opener == task_tgid(current) && !strcmp(stat.command, current->comm),
		      "%d: opened by %s", i, stat.command);
		CHECK(stat.access == opens[i]->entry->access && stat.writer == (i == 2) &&
		      stat.dead == (i == 3) && stat.fence_epoch == (i == 2), "%d: state", i);
		CHECK(stat.length == (i == 1 ? G : 8 * G), "%d: length %llu", i, stat.length);
		npmu_tpt_stat_put(&stat);
	}
	CHECK(i == 4, "%d entries", i);
	CHECK(!npmu_tpt_next(unit, U64_MAX, &stat), "past all ids");
}

/* --- dead or closed --- */

static void kill__closes_both_gates_once(struct kunit *test)
{
	struct fixture_open *open = fixture_open(test, region, RW);
	struct npmu_tpt_entry *entry = open->entry;
	u64 epoch;

	CHECK(npmu_gate_is_open(&entry->read) && !npmu_gate_is_open(&entry->write),
	      "a new entry may read, not write");
	CHECK(!npmu_role_claim(entry, true, &epoch), "claim");
	CHECK(npmu_gate_is_open(&entry->write), "the writer may not write");
	CHECK(!npmu_role_resign(entry), "resign");
	CHECK(npmu_gate_is_open(&entry->read) && !npmu_gate_is_open(&entry->write), "resigned");
	CHECK(atomic_read(&open->zaps) == 1, "resigned without a zap");
	mutex_lock(&unit->lock);
	npmu_tpt_kill(entry);
	npmu_tpt_kill(entry);
	CHECK(region->nr_live == 0 && region->nr_undrained == 1, "%u live, %u undrained",
	      region->nr_live, region->nr_undrained);
	mutex_unlock(&unit->lock);
	CHECK(!npmu_gate_is_open(&entry->read), "a dead one may read");
	mutex_lock(&region->lock);
	CHECK(!npmu_tpt_drain(region) && !npmu_tpt_drain(region), "drain");
	mutex_unlock(&region->lock);
	CHECK(!region->nr_undrained && !region->nr_fencing, "still undrained");
	CHECK(atomic_read(&open->zaps) == 2, "zapped %d times", atomic_read(&open->zaps));
}

static void kill_all__leaves_nobody(struct kunit *test)
{
	struct fixture_open *opens[5];
	int i;

	for (i = 0; i < 5; i++)
		opens[i] = fixture_open(test, region, i % 2 ? RW : NPMU_ACCESS_READ);
	mutex_lock(&region->lock);
	CHECK(!npmu_tpt_kill_all(region), "kill all");
	mutex_unlock(&region->lock);
	for (i = 0; i < 5; i++)
		CHECK(opens[i]->entry->dead && atomic_read(&opens[i]->zaps) == 1, "entry %d", i);
	CHECK(!region->nr_live && !region->nr_undrained && unit->nr_entries == 5, "counts");
}

/* Whoever closes gives up the role, and what was undrained with it. */
static void close__ends_what_was_undrained(struct kunit *test)
{
	struct fixture_open *open = fixture_open(test, region, RW);

	mutex_lock(&unit->lock);
	npmu_tpt_kill(open->entry);
	mutex_unlock(&unit->lock);
	CHECK(region->nr_undrained == 1, "undrained");
	fixture_close(test, open);
	CHECK(!region->nr_undrained && !unit->nr_entries && list_empty(&region->entries), "left");
}

static void id__is_never_used_twice(struct kunit *test)
{
	u64 last = 0;
	int i;

	for (i = 0; i < 20; i++) {
		struct npmu_tpt_entry *entry = try_open(RW);

		KUNIT_ASSERT_FALSE(test, IS_ERR(entry));
		CHECK(entry->id > last, "id %llu after %llu", entry->id, last);
		last = entry->id;
		npmu_tpt_close(entry);
	}
}

/* The opens of a user are counted, until the limit that the module has. */
static void open__limit_of_a_user(struct kunit *test)
{
	static struct npmu_tpt_entry *entries[4097];
	const struct cred *old;
	int nr = 0, i;

	region->mode = 0666;
	old = become(test, 4711, 4711);
	while (nr < ARRAY_SIZE(entries)) {
		entries[nr] = try_open(NPMU_ACCESS_READ);
		if (IS_ERR(entries[nr]))
			break;
		nr++;
		cond_resched();
	}
	CHECK(nr == 4096 && entries[nr] == ERR_PTR(-EUSERS), "%d opens", nr);
	restore(old);
	CHECK(!open_error(RW), "another user is refused, too");
	for (i = 0; i < nr; i++)
		npmu_tpt_close(entries[i]);
	old = become(test, 4711, 4711);
	CHECK(!open_error(NPMU_ACCESS_READ), "refused with none open");
	restore(old);
}

static struct kunit_case tpt_cases[] = {
	KUNIT_CASE(open__rights_of_the_record),
	KUNIT_CASE(open__state_of_the_region),
	KUNIT_CASE(next__shows_each_entry_once),
	KUNIT_CASE(kill__closes_both_gates_once),
	KUNIT_CASE(kill_all__leaves_nobody),
	KUNIT_CASE(close__ends_what_was_undrained),
	KUNIT_CASE(id__is_never_used_twice),
	KUNIT_CASE(open__limit_of_a_user),
	{}
};

static struct kunit_suite tpt_suite = {
	.name = "npmu_tpt",
	.init = tpt_test_init,
	.test_cases = tpt_cases,
};

kunit_test_suite(tpt_suite);

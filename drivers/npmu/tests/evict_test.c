// SPDX-License-Identifier: GPL-2.0-only
/*
 * Changes of a region that is in use: which are refused, which fence whom when they
 * are forced, and that a refusal fences nobody. A table of who uses it, the operation
 * and force.
 */
#include "fixture.h"

#define SIZE	(8 * MIB)

static struct npmu_unit *unit;

static int evict_test_init(struct kunit *test)
{
	memset(&fixture_ack, 0, sizeof(fixture_ack));
	unit = fixture_unit(test, SIZE, NULL);
	return 0;
}

enum region_user { NOBODY, READER, IDLE, WRITER, NR_USERS };
enum op { RENAME, CLOSE_WRITES, GROW, SAME_SIZE, CUT, TOO_LARGE, DELETE, NR_OPS };

static const char * const user_text[] = { "nobody", "a reader", "an idle open", "a writer" };
static const char * const op_text[] = {
	"rename", "read-only", "grow", "same size", "cut", "grow too far", "delete",
};

static int operate(struct npmu_region *region, enum op op, bool force)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = "renamed" };

	switch (op) {
	case RENAME:
		return npmu_evict_set(region, &attr, force, &fixture_ack);
	case CLOSE_WRITES:
		attr.valid = NPMU_ATTR_FLAGS;
		attr.flags = NPMU_REGION_F_READ_ONLY;
		return npmu_evict_set(region, &attr, force, &fixture_ack);
	case GROW:
		return npmu_evict_resize(region, MIB, force, &fixture_ack);
	case SAME_SIZE:
		return npmu_evict_resize(region, 8 * G, force, &fixture_ack);
	case CUT:
		return npmu_evict_resize(region, G, force, &fixture_ack);
	case TOO_LARGE:
		return npmu_evict_resize(region, SIZE, force, &fixture_ack);
	default:
		return npmu_evict_delete(region, force, &fixture_ack);
	}
}

/* Who is in the way of what. */
static bool in_the_way(enum region_user user, enum op op)
{
	switch (op) {
	case CLOSE_WRITES:
		return user == WRITER;
	case CUT:
	case DELETE:
		return user != NOBODY;
	default:
		return false;
	}
}

static void evict__table_of_users_and_operations(struct kunit *test)
{
	struct npmu_region_attr back = {
		.valid = NPMU_ATTR_NAME | NPMU_ATTR_FLAGS, .name = "r",
	};
	int user, op, force;
	u64 epoch;

	for (user = 0; user < NR_USERS; user++) {
		for (op = 0; op < NR_OPS; op++) {
			for (force = 0; force < 2; force++) {
				struct npmu_region *region = fixture_region(test, unit, "r", 8 * G);
				struct fixture_open *open = NULL;
				bool way = in_the_way(user, op);
				bool fenced = way && force;
				int ret, want;

				if (user)
					open = fixture_open(test, region, user == READER ?
							    NPMU_ACCESS_READ : RW);
				if (user == WRITER)
					CHECK(!npmu_role_claim(open->entry, true, &epoch), "claim");
				epoch = region->fence_epoch;
				want = op == TOO_LARGE ? -ENOSPC : way && !force ? -EBUSY : 0;
				ret = operate(region, op, force);
				CHECK(want ? refused(ret, want) : !ret, "%s, %s, force %d: %d",
				      user_text[user], op_text[op], force, ret);
				CHECK(!open || open->entry->dead == fenced, "%s, %s, force %d: %s",
				      user_text[user], op_text[op], force,
				      fenced ? "lives on" : "was killed");
				CHECK(!open || atomic_read(&open->zaps) == fenced,
				      "%s, %s, force %d: zapped %d times", user_text[user],
				      op_text[op], force, atomic_read(&open->zaps));
				CHECK(region->fence_epoch == epoch + (fenced && user == WRITER),
				      "%s, %s, force %d: the epoch rose by %llu", user_text[user],
				      op_text[op], force, region->fence_epoch - epoch);
				CHECK(!region->taking, "claims stay barred");
				if (open)
					fixture_close(test, open);
				if (op == DELETE && !ret)
					continue;
				CHECK(!npmu_evict_set(region, &back, true, &fixture_ack), "back");
				CHECK(!npmu_evict_delete(region, true, &fixture_ack), "delete");
			}
		}
	}
}

/* A cut that will be refused must not fence first. */
static void cut__refused_before_anybody_is_fenced(struct kunit *test)
{
	struct npmu_region *a = fixture_region(test, unit, "a", G);
	struct npmu_region *b = fixture_region(test, unit, "b", G);
	struct fixture_open *open;
	u64 free, epoch;
	u32 i;

	/* In so many pieces that what a cut leaves still needs list blocks. */
	for (i = 2; i <= 200; i++) {
		CHECK(!npmu_evict_resize(a, i * G, false, &fixture_ack), "grow");
		CHECK(!npmu_evict_resize(b, i * G, false, &fixture_ack), "grow");
	}
	open = fixture_open(test, a, RW);
	CHECK(!npmu_role_claim(open->entry, true, &epoch), "claim");
	unit->nr_unsound = 1;
	CHECK(refused(npmu_evict_resize(a, 190 * G, true, &fixture_ack), -EUCLEAN), "unsound");
	unit->nr_unsound = 0;
	free = fixture_free(unit);
	fixture_region(test, unit, "fill", free);
	CHECK(refused(npmu_evict_resize(a, 190 * G, true, &fixture_ack), -ENOSPC), "full");
	CHECK(a->writer == open->entry && !open->entry->dead && a->size == 200 * G,
	      "fenced for nothing");
	CHECK(!npmu_evict_resize(a, 100 * G, true, &fixture_ack), "a cut that needs no list");
	CHECK(open->entry->dead, "not fenced");
}

/* A change that is refused must not fence first either. */
static void set__refused_before_anybody_is_fenced(struct kunit *test)
{
	struct npmu_region *region = fixture_region(test, unit, "a", G);
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_NAME | NPMU_ATTR_FLAGS,
		.name = "b",
		.flags = NPMU_REGION_F_READ_ONLY,
	};
	struct fixture_open *open = fixture_open(test, region, RW);
	u64 epoch;

	fixture_region(test, unit, "b", G);
	CHECK(!npmu_role_claim(open->entry, true, &epoch), "claim");
	CHECK(refused(npmu_evict_set(region, &attr, true, &fixture_ack), -EEXIST), "set");
	CHECK(region->writer == open->entry && !region->flags, "fenced for nothing");
	attr.name = "c";
	fixture_record_events(test);
	CHECK(!npmu_evict_set(region, &attr, true, &fixture_ack), "set");
	CHECK(!strcmp(fixture_events(), "fenced,renamed,set"), "events");
	CHECK(open->entry->dead && !region->writer, "not fenced");
}

static void evict__tells_what_happened(struct kunit *test)
{
	static const struct {
		enum op op;
		const char *events;
	} rows[] = {
		{ RENAME, "renamed" }, { RENAME, "" }, { GROW, "resized" }, { SAME_SIZE, "resized" },
		{ SAME_SIZE, "" }, { CUT, "resized" }, { TOO_LARGE, "" }, { CLOSE_WRITES, "set" },
		{ DELETE, "deleted" },
	};
	struct npmu_region *region;
	size_t i;

	fixture_record_events(test);
	region = fixture_region(test, unit, "r", 8 * G);
	CHECK(!strcmp(fixture_events(), "created"), "created");
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *events;

		operate(region, rows[i].op, false);
		events = fixture_events();
		CHECK(!strcmp(events, rows[i].events), "%s: %s", op_text[rows[i].op], events);
	}
}

static struct kunit_case evict_cases[] = {
	KUNIT_CASE(evict__table_of_users_and_operations),
	KUNIT_CASE(cut__refused_before_anybody_is_fenced),
	KUNIT_CASE(set__refused_before_anybody_is_fenced),
	KUNIT_CASE(evict__tells_what_happened),
	{}
};

static struct kunit_suite evict_suite = {
	.name = "npmu_evict",
	.init = evict_test_init,
	.test_cases = evict_cases,
};

kunit_test_suite(evict_suite);

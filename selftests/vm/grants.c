// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Grants and the right to create regions, as the administrator gives and takes them:
 * limits, what stands in whose way, what a detach and damaged media leave of them.
 */
#define _GNU_SOURCE
#include <npmu/grants.h>

#include "image.h"
#include "vmtest.h"

#define RW	(NPMU_ACCESS_READ | NPMU_ACCESS_WRITE)

static bool on_pmem(void)
{
	struct npmu_unit_info unit;

	return !vm_unit("t", &unit) && unit.backing == NPMU_BACKING_KIND_PMEM;
}

static int up(void)
{
	return vm_any_t() ?: vm_region("t", "r", 1 * MIB);
}

static int grant(const char *region, const char *principal, uint32_t access, uint64_t offset,
		 uint64_t length)
{
	return vm_note(npmu_ctl_grant_add(vm_ctl(), "t", region, principal, access, offset,
					  length));
}

static int take_back(const char *region, const char *principal)
{
	return vm_note(npmu_ctl_grant_remove(vm_ctl(), "t", region, principal));
}

static int allow(const char *principal, uint64_t quota, uint32_t max_regions)
{
	return vm_note(npmu_ctl_creator_add(vm_ctl(), "t", principal, quota, max_regions));
}

/* --- what is listed, as text: "r/host1=rw+0+4096 *maker=8192/2 " --- */

static char listed[4096];

static int list_one(void *ctx, const struct npmu_grant_info *info)
{
	size_t at = strlen(listed);

	(void)ctx;
	if (*info->region)
		snprintf(listed + at, sizeof(listed) - at, "%s/%s=%s+%lu+%lu ", info->region,
			 info->principal, info->access == RW ? "rw" : "r", info->offset,
			 info->length);
	else
		snprintf(listed + at, sizeof(listed) - at, "*%s=%lu/%u ", info->principal,
			 info->quota, info->max_regions);
	return 0;
}

static const char *list(const char *region)
{
	listed[0] = 0;
	if (vm_note(npmu_ctl_grant_list(vm_ctl(), "t", region, list_one, NULL)))
		return vm_why();
	return listed;
}

#define LISTED(region, want) do {					\
	const char *got_ = list(region);				\
									\
	CHECK(!strcmp(got_, want), "'%s', expected '%s'", got_, want);	\
} while (0)

static int count_one(void *ctx, const struct npmu_grant_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 0;
}

static int count(void)
{
	int n = 0;

	npmu_ctl_grant_list(vm_ctl(), "t", NULL, count_one, &n);
	return n;
}

/* --- tests --- */

static void grant__comes_and_goes(void)
{
	struct npmu_region_info info;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_region("t", "s", 4096), 0);
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	EXPECT(grant("r", "host2@site", NPMU_ACCESS_READ, 8192, 4096), 0);
	EXPECT(grant("s", "host1", NPMU_ACCESS_READ, 0, 4096), 0);
	LISTED("r", "r/host1=rw+0+0 r/host2@site=r+8192+4096 ");
	LISTED("s", "s/host1=r+0+4096 ");
	LISTED(NULL, "r/host1=rw+0+0 r/host2@site=r+8192+4096 s/host1=r+0+4096 ");
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.grants == 2 && !*info.creator, "%u grants", info.grants);
	REFUSED(grant("r", "host1", NPMU_ACCESS_READ, 0, 4096), -EEXIST);
	REFUSED(take_back("r", "host3"), -ENOENT);
	REFUSED(take_back("s", "host2@site"), -ENOENT);
	EXPECT(take_back("r", "host1"), 0);
	REFUSED(take_back("r", "host1"), -ENOENT);
	LISTED(NULL, "r/host2@site=r+8192+4096 s/host1=r+0+4096 ");
	EXPECT(grant("r", "host1", NPMU_ACCESS_READ, 0, 0), 0);
	LISTED("r", "r/host2@site=r+8192+4096 r/host1=r+0+0 ");
	/* They go with the region. */
	EXPECT(vm_delete("t", "r", false), 0);
	EXPECT(vm_region("t", "r", 4096), 0);
	LISTED("r", "");
	EXPECT(vm_drop("t"), 0);
}

static void grant__names_at_and_over_the_limits(void)
{
	static const char *const bad[] = {
		"", ".", ".a", "a/b", "a b", "a\n", "\xc3\xa4", "a,b", "a*",
		"01234567890123456789012345678901",
	};
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		REFUSED(grant("r", bad[i], NPMU_ACCESS_READ, 0, 0), -EINVAL);
		REFUSED(allow(bad[i], 4096, 1), -EINVAL);
	}
	REFUSED(take_back("r", ""), -EINVAL);
	EXPECT(grant("r", "0123456789012345678901234567890", NPMU_ACCESS_READ, 0, 0), 0);
	EXPECT(grant("r", "A-z0.9_+:@", NPMU_ACCESS_READ, 0, 0), 0);
	REFUSED(grant("none", "host1", NPMU_ACCESS_READ, 0, 0), -ENOENT);
	EXPECT(vm_drop("t"), 0);
}

static void grant__ranges_at_and_over_the_limits(void)
{
	static const struct {
		uint64_t offset, length;
		uint32_t access;
		int want;
	} rows[] = {
		{ 0, 0, NPMU_ACCESS_READ, 0 },
		{ 0, 0, RW, 0 },
		{ 0, 0, NPMU_ACCESS_WRITE, -EINVAL },
		{ 0, 0, 0, -EINVAL },
		{ 4096, 0, RW, -EINVAL },
		{ 0, MIB, RW, 0 },
		{ 0, MIB + 4096, RW, -EINVAL },
		{ MIB - 4096, 4096, RW, 0 },
		{ MIB, 4096, RW, -EINVAL },
		{ 1, 4096, RW, -EINVAL },
		{ 0, 4095, RW, -EINVAL },
		{ -4096UL, 8192, RW, -EINVAL },
		{ 4096, -4096UL, RW, -EINVAL },
		{ 0, 1UL << 63, RW, -EINVAL },
	};
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int ret = grant("r", "host1", rows[i].access, rows[i].offset, rows[i].length);

		CHECK(ret == rows[i].want, "row %u: %s: %s", i, vm_strerror(ret), vm_why());
		if (!ret)
			EXPECT(take_back("r", "host1"), 0);
	}
	CHECK(vm_note(npmu_ctl_grant_add(vm_ctl(), "t", "r", "host1", 7, 0, 0)) < 0, "access 7");
	LISTED("r", "");
	EXPECT(vm_drop("t"), 0);
}

static void grant__as_many_as_fit(void)
{
	char name[16];
	int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < NPMU_MAX_GRANTS; i++) {
		snprintf(name, sizeof(name), "host%d", i);
		EXPECT(grant("r", name, RW, 0, 0), 0);
	}
	REFUSED(grant("r", "onemore", RW, 0, 0), -ENOSPC);
	CHECK(strstr(vm_why(), "28"), "the limit is not named: %s", vm_why());
	EXPECT(take_back("r", "host7"), 0);
	EXPECT(grant("r", "onemore", RW, 0, 0), 0);
	for (i = 0; i < NPMU_MAX_CREATORS; i++) {
		snprintf(name, sizeof(name), "maker%d", i);
		EXPECT(allow(name, 4096, 1), 0);
	}
	REFUSED(allow("onemore", 4096, 1), -ENOSPC);
	CHECK(count() == NPMU_MAX_GRANTS + NPMU_MAX_CREATORS, "%d are listed", count());
	EXPECT(vm_drop("t"), 0);
}

static void grant__stands_in_the_way_of_a_cut(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(grant("r", "all", RW, 0, 0), 0);
	EXPECT(vm_resize("t", "r", 2 * MIB, false), 0);
	EXPECT(grant("r", "end", RW, MIB, MIB), 0);
	REFUSED(vm_resize("t", "r", 2 * MIB - 4096, true), -EBUSY);
	EXPECT(vm_resize("t", "r", 3 * MIB, false), 0);
	EXPECT(vm_resize("t", "r", 2 * MIB, false), 0);
	EXPECT(take_back("r", "end"), 0);
	EXPECT(vm_resize("t", "r", 4096, false), 0);
	LISTED("r", "r/all=rw+0+0 ");
	EXPECT(vm_drop("t"), 0);
}

static void creator__comes_and_goes(void)
{
	struct npmu_unit_info unit;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(allow("maker", 8193, 2), 0);
	EXPECT(allow("other", 16ULL << 40, 0), 0);
	LISTED(NULL, "*maker=12288/2 *other=17592186044416/10000 ");
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.creators == 2, "%u creators", unit.creators);
	REFUSED(allow("maker", 4096, 1), -EEXIST);
	REFUSED(allow("x", 0, 1), -EINVAL);
	REFUSED(allow("x", (16ULL << 40) + 1, 1), -EINVAL);
	REFUSED(allow("x", ~0ULL, 1), -EINVAL);
	REFUSED(allow("x", 4096, 10001), -EINVAL);
	/* A right to create is no grant, and the other way round. */
	EXPECT(grant("r", "maker", RW, 0, 0), 0);
	LISTED("r", "r/maker=rw+0+0 ");
	EXPECT(take_back(NULL, "maker"), 0);
	LISTED(NULL, "*other=17592186044416/10000 r/maker=rw+0+0 ");
	REFUSED(take_back(NULL, "maker"), -ENOENT);
	REFUSED(take_back("r", "other"), -ENOENT);
	EXPECT(vm_drop("t"), 0);
}

static void grant__disturbs_no_local_open(void)
{
	uint64_t epoch, now = 0;
	struct npmu_ioc_info info;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	EXPECT(vm_claim(fd, &epoch), 0);
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	EXPECT(vm_pwrite(fd, &epoch, 8, 0), 8);
	EXPECT(take_back("r", "host1"), 0);
	EXPECT(vm_pwrite(fd, &epoch, 8, 4096), 8);
	EXPECT(vm_pread(fd, &now, 8, 0), 8);
	EXPECT(vm_info(fd, &info), 0);
	CHECK(now == epoch && info.fence_epoch == epoch, "the writer was disturbed");
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static int try_all(void *ctx)
{
	int ret[5] = {
		npmu_ctl_grant_add(vm_ctl(), "t", "r", "host1", RW, 0, 0),
		npmu_ctl_creator_add(vm_ctl(), "t", "host1", 4096, 1),
		npmu_ctl_grant_remove(vm_ctl(), "t", "r", "host0"),
		npmu_ctl_grant_remove(vm_ctl(), "t", NULL, "host0"),
		npmu_ctl_grant_list(vm_ctl(), "t", NULL, count_one, ctx),
	};

	return ret[0] == -EPERM && ret[1] == -EPERM && ret[2] == -EPERM && ret[3] == -EPERM &&
	       !ret[4] ? 0 : 1;
}

static void grant__needs_the_capability(void)
{
	int n = 0;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(grant("r", "host0", RW, 0, 0), 0);
	EXPECT(allow("host0", 4096, 1), 0);
	EXPECT(vm_as_nobody(try_all, &n), 0);
	LISTED(NULL, "*host0=4096/1 r/host0=rw+0+0 ");
	EXPECT(vm_drop("t"), 0);
}

static void event__tells_of_each(void)
{
	static const struct {
		uint32_t event;
		const char *region, *principal;
	} want[] = {
		{ NPMU_EVENT_GRANT_ADDED, "r", "host1" },
		{ NPMU_EVENT_GRANT_ADDED, "", "maker" },
		{ NPMU_EVENT_GRANT_REMOVED, "r", "host1" },
		{ NPMU_EVENT_GRANT_REMOVED, "", "maker" },
	};
	struct npmu_event_info info;
	struct npmu_events *events;
	unsigned int i;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	REQUIRE(!npmu_events_open(&events, NULL), "no events");
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	REFUSED(grant("r", "host1", RW, 0, 0), -EEXIST);
	EXPECT(allow("maker", 4096, 1), 0);
	EXPECT(take_back("r", "host1"), 0);
	REFUSED(take_back("r", "host1"), -ENOENT);
	EXPECT(take_back(NULL, "maker"), 0);
	for (i = 0; i < 4; i++) {
		CHECK(VM_UNTIL((ret = npmu_events_next(events, &info)) != -EAGAIN, 5000), "none");
		CHECK(!ret && info.event == want[i].event && !strcmp(info.unit, "t") &&
		      !strcmp(info.region, want[i].region) &&
		      !strcmp(info.principal, want[i].principal), "%u: %s %s %s", i,
		      npmu_event_name(info.event), info.region, info.principal);
	}
	npmu_events_close(events);
	EXPECT(vm_drop("t"), 0);
}

/* --- what is on the media --- */

#define PMEM_OR_SKIP(why) do {						\
	REQUIRE(!up(), "%s", vm_why());					\
	if (!on_pmem()) {						\
		EXPECT(vm_drop("t"), 0);				\
		SKIP(why);						\
	}								\
} while (0)

static int again(void)
{
	return vm_detach("t") ?: vm_attach(NULL, "t");
}

static void grant__survives_a_detach(void)
{
	PMEM_OR_SKIP("a unit of dram does not survive");
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	EXPECT(grant("r", "host2", NPMU_ACCESS_READ, 4096, 8192), 0);
	EXPECT(allow("maker", MIB, 3), 0);
	EXPECT(again(), 0);
	LISTED(NULL, "*maker=1048576/3 r/host1=rw+0+0 r/host2=r+4096+8192 ");
	EXPECT(take_back("r", "host1"), 0);
	EXPECT(allow("other", MIB, 3), 0);
	EXPECT(take_back(NULL, "maker"), 0);
	EXPECT(again(), 0);
	LISTED(NULL, "*other=1048576/3 r/host2=r+4096+8192 ");
	EXPECT(vm_drop("t"), 0);
}

/* Spoils a copy of the record of "r" and of the creators, with the unit detached. */
static int spoil(int copy)
{
	struct npmu_region_record rec;
	struct image image;
	int slot, ret;

	ret = vm_detach("t") ?: image_open(&image, vm_pmem_path());
	if (ret)
		return ret;
	slot = image_find(&image, "r", &rec);
	ret = slot < 0 ? slot :
	      image_flip(&image, npmu_record_offset(image.sb, slot, copy) + 2400, 0x40) ?:
	      image_flip(&image, copy ? NPMU_CREATORS_COPY1 : NPMU_CREATORS_COPY0, 1);
	image_close(&image);
	return ret ?: vm_attach(NULL, "t");
}

static void grant__either_copy_serves_and_gives_nothing_back(void)
{
	struct npmu_unit_info unit;
	int copy;

	for (copy = 0; copy < 2; copy++) {
		PMEM_OR_SKIP("a unit of dram has no media to be damaged");
		EXPECT(grant("r", "host1", RW, 0, 0), 0);
		EXPECT(grant("r", "host2", RW, 0, 0), 0);
		EXPECT(allow("maker", MIB, 3), 0);
		EXPECT(allow("other", MIB, 3), 0);
		EXPECT(take_back("r", "host1"), 0);
		EXPECT(take_back(NULL, "maker"), 0);
		EXPECT(spoil(copy), 0);
		EXPECT(vm_unit("t", &unit), 0);
		CHECK(unit.repaired == 2, "copy %d: %u mended", copy, unit.repaired);
		LISTED(NULL, "*other=1048576/3 r/host2=rw+0+0 ");
		EXPECT(spoil(!copy), 0);
		LISTED(NULL, "*other=1048576/3 r/host2=rw+0+0 ");
		EXPECT(vm_drop("t"), 0);
	}
}

static void creators__lost_in_both_copies_are_nobody(void)
{
	struct image image;

	PMEM_OR_SKIP("a unit of dram has no media to be damaged");
	EXPECT(allow("maker", MIB, 3), 0);
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	EXPECT(vm_detach("t"), 0);
	REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
	EXPECT(image_flip(&image, NPMU_CREATORS_COPY0 + 128, 2), 0);
	EXPECT(image_flip(&image, NPMU_CREATORS_COPY1 + 128, 2), 0);
	image_close(&image);
	EXPECT(vm_attach(NULL, "t"), 0);
	LISTED(NULL, "r/host1=rw+0+0 ");
	EXPECT(allow("other", MIB, 3), 0);
	EXPECT(again(), 0);
	LISTED(NULL, "*other=1048576/3 r/host1=rw+0+0 ");
	EXPECT(vm_drop("t"), 0);
}

/* Records that the module would never write, sealed as if it had. */
static void grant__hostile_records_are_damaged_regions(void)
{
	static const struct { size_t at; uint8_t mask; const char *what; } pokes[] = {
		{ offsetof(struct npmu_region_record, nr_grants), 3, "one more than there are" },
		{ offsetof(struct npmu_region_record, nr_grants) + 3, 0x80, "2^31 of them" },
		{ offsetof(struct npmu_region_record, grants[0].principal), 'h' ^ '.', "a dot" },
		{ offsetof(struct npmu_region_record, grants[1].principal[4]), '2' ^ '1', "twice" },
		{ offsetof(struct npmu_region_record, grants[1].offset) + 7, 0x80, "offset" },
		{ offsetof(struct npmu_region_record, grants[1].len) + 7, 0x80, "length" },
		{ offsetof(struct npmu_region_record, grants[1].access), 1, "write alone" },
		{ offsetof(struct npmu_region_record, grants[1].flags), 1, "a flag" },
		{ offsetof(struct npmu_region_record, grants[27].reserved), 1, "unused" },
		{ offsetof(struct npmu_region_record, creator), '/', "creator" },
	};
	struct npmu_region_record rec, good;
	struct npmu_region_info info;
	struct image image;
	unsigned int i;

	PMEM_OR_SKIP("a unit of dram has no media to write to");
	EXPECT(grant("r", "host1", RW, 0, 0), 0);
	EXPECT(grant("r", "host2", RW, 4096, 8192), 0);
	for (i = 0; i < sizeof(pokes) / sizeof(pokes[0]); i++) {
		EXPECT(vm_detach("t"), 0);
		REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
		REQUIRE(image_find(&image, "r", &good) >= 0, "no region");
		rec = good;
		((uint8_t *)&rec)[pokes[i].at] ^= pokes[i].mask;
		EXPECT(image_put(&image, &rec), 0);
		image_close(&image);
		EXPECT(vm_attach(NULL, "t"), 0);
		CHECK(vm_get("t", "r", &info) == -ENOENT, "%s: is taken", pokes[i].what);
		LISTED(NULL, "");
		EXPECT(vm_detach("t"), 0);
		REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
		EXPECT(image_put(&image, &good), 0);
		image_close(&image);
		EXPECT(vm_attach(NULL, "t"), 0);
		LISTED("r", "r/host1=rw+0+0 r/host2=rw+4096+8192 ");
	}
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(grant__comes_and_goes);
	VM_RUN(grant__names_at_and_over_the_limits);
	VM_RUN(grant__ranges_at_and_over_the_limits);
	VM_RUN(grant__as_many_as_fit);
	VM_RUN(grant__stands_in_the_way_of_a_cut);
	VM_RUN(creator__comes_and_goes);
	VM_RUN(grant__disturbs_no_local_open);
	VM_RUN(grant__needs_the_capability);
	VM_RUN(event__tells_of_each);
	VM_RUN(grant__survives_a_detach);
	VM_RUN(grant__either_copy_serves_and_gives_nothing_back);
	VM_RUN(creators__lost_in_both_copies_are_nobody);
	VM_RUN(grant__hostile_records_are_damaged_regions);
	return vm_end();
}

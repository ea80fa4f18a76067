// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Regions as the administrator makes them: names and sizes at and over every limit,
 * slots and space that run out.
 */
#define _GNU_SOURCE
#include "vmtest.h"

static int count_region(void *ctx, const struct npmu_region_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 0;
}

static void region__comes_and_goes(void)
{
	struct npmu_region_info info, again;
	uint64_t before;
	int n = 0;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	before = vm_free("t");
	EXPECT(vm_region("t", "r", 5 * MIB), 0);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.size == 5 * MIB && !info.uid && !info.gid && info.mode == 0600 && !info.flags,
	      "size %lu uid %u gid %u mode %o flags %u", info.size, info.uid, info.gid, info.mode,
	      info.flags);
	CHECK(!info.fence_epoch && !info.opens && info.health == NPMU_HEALTH_GOOD &&
	      info.role == NPMU_ROLE_VACANT && info.extents >= 1 && info.device, "not as new");
	CHECK(info.pm_addr == (info.slot + 1ULL) << 44, "PM address %#lx", info.pm_addr);
	EXPECT(npmu_ctl_region_list(vm_ctl(), "t", count_region, &n), 0);
	CHECK(n == 1, "%d regions are listed", n);
	CHECK(vm_free("t") == before - 5 * MIB, "free %lu of %lu", vm_free("t"), before);
	REFUSED(vm_region("t", "r", 4096), -EEXIST);
	EXPECT(vm_get("t", "r", &again), 0);
	CHECK(vm_same_region(&info, &again), "a refused create changed the region");
	EXPECT(vm_delete("t", "r", false), 0);
	CHECK(vm_free("t") == before, "free %lu of %lu", vm_free("t"), before);
	REFUSED(vm_get("t", "r", &info), -ENOENT);
	REFUSED(vm_delete("t", "r", false), -ENOENT);
	REFUSED(vm_resize("t", "r", 4096, false), -ENOENT);
	EXPECT(vm_open("t", "r", O_RDONLY), -ENOENT);
	REFUSED(vm_region("nosuchunit", "r", 4096), -ENOENT);
	EXPECT(vm_drop("t"), 0);
}

static void region__names_at_and_over_the_limits(void)
{
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "a/b", "/", "a b", "a\n", "a!b", "\xc3\xa4", "a\x7f",
		"a*", "a@b", "../x",
	};
	char name[80];
	unsigned int i;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(vm_region("t", bad[i], 4096), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[63] = 0;
	EXPECT(vm_region("t", name, 4096), 0);
	EXPECT(close(vm_open("t", name, O_RDONLY)), 0);
	EXPECT(vm_delete("t", name, false), 0);
	name[63] = 'n';
	name[64] = 0;
	REFUSED(vm_region("t", name, 4096), -EINVAL);
	EXPECT(vm_region("t", "A-z0.9_+:", 4096), 0);
	EXPECT(close(vm_open("t", "A-z0.9_+:", O_RDONLY)), 0);
	EXPECT(vm_region("t", "a", 4096), 0);
	EXPECT(vm_drop("t"), 0);
}

static void region__sizes_at_and_over_the_limits(void)
{
	static const struct { uint64_t size, rounded; int want; } sizes[] = {
		{ 0, 0, -EINVAL },
		{ 1, 4096, 0 },
		{ 4095, 4096, 0 },
		{ 4096, 4096, 0 },
		{ 4097, 8192, 0 },
		{ 2 * MIB - 1, 2 * MIB, 0 },
		{ 2 * MIB + 1, 2 * MIB + 4096, 0 },
		{ 1ULL << 44, 0, -ENOSPC },
		{ (1ULL << 44) + 1, 0, -EINVAL },
		{ 1ULL << 63, 0, -EINVAL },
		{ UINT64_MAX - 4095, 0, -EINVAL },
		{ UINT64_MAX, 0, -EINVAL },
	};
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	uint64_t whole;
	unsigned int i;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	whole = vm_free("t");
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].want) {
			REFUSED(vm_region("t", "r", sizes[i].size), sizes[i].want);
			CHECK(vm_free("t") == whole, "a refused create took space");
			/* And the same as a new size. */
			EXPECT(vm_region("t", "r", 4096), 0);
			REFUSED(vm_resize("t", "r", sizes[i].size, true), sizes[i].want);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == 4096, "a refused resize made it %lu", info.size);
		} else {
			EXPECT(vm_region("t", "r", sizes[i].size), 0);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == sizes[i].rounded, "%lu became %lu", sizes[i].size,
			      info.size);
			EXPECT(vm_resize("t", "r", 3 * MIB, false), 0);
			EXPECT(vm_resize("t", "r", sizes[i].size, false), 0);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == sizes[i].rounded, "resize %lu became %lu", sizes[i].size,
			      info.size);
		}
		EXPECT(vm_delete("t", "r", false), 0);
		CHECK(vm_free("t") == whole, "%lu of %lu free after %#lx", vm_free("t"), whole,
		      sizes[i].size);
	}
	EXPECT(vm_unit("t", &unit), 0);
	REFUSED(vm_region("t", "r", whole + 1), -ENOSPC);
	REFUSED(vm_region("t", "r", unit.size), -ENOSPC);
	EXPECT(vm_region("t", "r", whole), 0);
	CHECK(!vm_free("t"), "%lu bytes are free", vm_free("t"));
	REFUSED(vm_region("t", "s", 1), -ENOSPC);
	REFUSED(vm_resize("t", "r", whole + 1, false), -ENOSPC);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.size == whole, "size %lu", info.size);
	/* The last byte is there. */
	i = vm_open("t", "r", O_RDWR);
	EXPECT(vm_pwrite(i, "x", 1, whole - 1), 1);
	EXPECT(vm_pwrite(i, "x", 1, whole), -ENOSPC);
	close(i);
	EXPECT(vm_resize("t", "r", 4096, false), 0);
	CHECK(vm_free("t") == whole - 4096, "%lu of %lu free", vm_free("t"), whole);
	EXPECT(vm_drop("t"), 0);
}

static void region__slots_run_out(void)
{
	struct npmu_unit_info unit;
	char name[16];
	uint32_t i;

	REQUIRE(!vm_any("t", 64 * MIB, 8), "%s", vm_why());
	EXPECT(vm_unit("t", &unit), 0);
	for (i = 0; i < unit.max_regions; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		EXPECT(vm_region("t", name, 4096), 0);
	}
	REFUSED(vm_region("t", "more", 4096), -ENOSPC);
	EXPECT(vm_delete("t", "r3", false), 0);
	EXPECT(vm_region("t", "more", 4096), 0);
	REFUSED(vm_region("t", "evenmore", 4096), -ENOSPC);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.regions == unit.max_regions, "%u regions", unit.regions);
	EXPECT(vm_drop("t"), 0);
}

static void space__is_all_there_after_a_crowd(void)
{
	uint64_t whole, random = 42;
	unsigned int i;
	char name[16];

	REQUIRE(!vm_any_t(), "%s", vm_why());
	whole = vm_free("t");
	for (i = 0; i < vm_times(300, 20000); i++) {
		uint64_t size = 1 + tap_random(&random) % (8 * MIB);
		int ret;

		snprintf(name, sizeof(name), "r%lu", tap_random(&random) % 12);
		ret = vm_region("t", name, size);
		if (ret == -EEXIST)
			ret = tap_random(&random) % 2 ? vm_delete("t", name, false) :
							vm_resize("t", name, size, false);
		CHECK(!ret || ret == -ENOSPC, "%s: %s: %s", name, vm_strerror(ret), vm_why());
	}
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		vm_delete("t", name, false);
	}
	CHECK(vm_free("t") == whole, "%lu of %lu free", vm_free("t"), whole);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(region__comes_and_goes);
	VM_RUN(region__names_at_and_over_the_limits);
	VM_RUN(region__sizes_at_and_over_the_limits);
	VM_RUN(region__slots_run_out);
	VM_RUN(space__is_all_there_after_a_crowd);
	return vm_end();
}

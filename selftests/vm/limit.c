// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Many opens, and no more of them than a user may have.
 */
#include <sys/resource.h>

#include "vmtest.h"

#define PARAM	"/sys/module/npmu/parameters/max_opens_per_uid"
#define LIMIT	20

static int up(uint32_t mode)
{
	return vm_any("t", 32 * MIB, 16) ?: vm_region_mode("t", "r", 4096, VM_UID, VM_GID, mode);
}

/* Returns how many opens succeeded, then what the next one was told. */
static int open_up_to_limit(void *ctx)
{
	int fds[LIMIT + 1], i, ret;

	(void)ctx;
	for (i = 0; i < LIMIT; i++) {
		fds[i] = vm_open("t", "r", i % 2 ? O_RDWR : O_RDONLY);
		if (fds[i] < 0)
			return 100;
	}
	ret = vm_open("t", "r", O_RDONLY);
	if (ret != -EUSERS)
		return 101;
	/* One goes, one may come. */
	close(fds[3]);
	fds[3] = vm_open("t", "r", O_RDONLY);
	if (fds[3] < 0)
		return 102;
	return vm_open("t", "r", O_RDONLY) == -EUSERS ? 0 : 103;
}

static void opens__over_the_limit_are_eusers(void)
{
	int fds[LIMIT + 5], i;

	REQUIRE(!up(0600), "%s", vm_why());
	EXPECT(vm_sh("cat " PARAM " >/tmp/limit && echo %d >" PARAM, LIMIT), 0);
	EXPECT(vm_as_nobody(open_up_to_limit, NULL), 0);
	/* All of them were given back. */
	EXPECT(vm_as_nobody(open_up_to_limit, NULL), 0);
	/* Root has CAP_SYS_RESOURCE. */
	for (i = 0; i < LIMIT + 5; i++) {
		fds[i] = vm_open("t", "r", O_RDONLY);
		CHECK(fds[i] >= 0, "root's open %d: %s", i, vm_strerror(fds[i]));
	}
	while (i--)
		close(fds[i]);
	EXPECT(vm_sh("cat /tmp/limit >" PARAM), 0);
	EXPECT(vm_drop("t"), 0);
}

static int count_entry(void *ctx, const struct npmu_tpt_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 0;
}

static void opens__may_be_many(void)
{
	struct rlimit rl = { 10000, 10000 };
	struct npmu_region_info region;
	struct npmu_unit_info unit;
	int want = vm_times(2000, 8000);
	int *fds = calloc(want, sizeof(*fds));
	int i, n = 0, bad = 0;

	setrlimit(RLIMIT_NOFILE, &rl);
	REQUIRE(!up(0600), "%s", vm_why());
	for (i = 0; i < want; i++) {
		fds[i] = vm_open("t", "r", O_RDONLY);
		bad += fds[i] < 0;
	}
	CHECK(!bad, "%d opens failed", bad);
	EXPECT(vm_get("t", "r", &region), 0);
	CHECK(region.opens == (uint32_t)want, "%u opens", region.opens);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.opens == (uint32_t)want, "%u opens of the unit", unit.opens);
	EXPECT(npmu_ctl_tpt_list(vm_ctl(), "t", "r", count_entry, &n), 0);
	CHECK(n == want, "%d entries are listed", n);
	REFUSED(vm_delete("t", "r", false), -EBUSY);
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(vm_pread(fds[0], &n, 1, 0), -ESTALE);
	EXPECT(vm_pread(fds[want - 1], &n, 1, 0), -ESTALE);
	for (i = 0; i < want; i++)
		close(fds[i]);
	free(fds);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(!unit.opens, "%u opens are left", unit.opens);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(opens__over_the_limit_are_eusers);
	VM_RUN(opens__may_be_many);
	return vm_end();
}

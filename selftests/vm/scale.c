// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Ten thousand regions in one unit: the last costs what the first does. Each number
 * is a median of 100, the three places taken in turn so that noise meets them alike.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vmtest.h"

#define SAMPLES	100
#define BOUND	1.5

static unsigned int nr_regions;
static unsigned int places[3] = { 0, 99 };

static char *name_of(unsigned int i)
{
	static char name[32];

	snprintf(name, sizeof(name), "region-%u", i);
	return name;
}

/* Medians of the three within the bound of each other. */
static void near(const char *what, uint64_t values[3][SAMPLES])
{
	uint64_t m[3], low = UINT64_MAX, high = 0;
	int i;

	for (i = 0; i < 3; i++) {
		m[i] = vm_median(values[i], SAMPLES);
		low = m[i] < low ? m[i] : low;
		high = m[i] > high ? m[i] : high;
	}
	printf("# %s: first %lu, 100th %lu, last %lu us\n", what, m[0] / 1000, m[1] / 1000,
	       m[2] / 1000);
	CHECK(high <= BOUND * low, "%s: %lu to %lu ns", what, low, high);
}

static int create_upto(unsigned int from, unsigned int to)
{
	int ret = 0;

	while (from < to && !ret)
		ret = vm_region("s", name_of(from++), 4096);
	return ret;
}

static uint64_t attach_ns(void)
{
	uint64_t best = UINT64_MAX, began;
	int i;

	for (i = 0; i < 3; i++) {
		if (vm_detach("s"))
			return 0;
		began = vm_now_ns();
		if (vm_attach(NULL, NULL))
			return 0;
		began = vm_now_ns() - began;
		best = began < best ? began : best;
	}
	return best;
}

static uint64_t times[4][3][SAMPLES];

/* A fresh inode each time: a node of its own. */
static uint64_t open_ns(unsigned int place, int sample)
{
	struct npmu_region_info info;
	uint64_t began, took;
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/tmp/scale-%u-%d", place, sample);
	if (vm_get("s", name_of(place), &info) || mknod(path, S_IFCHR | 0600, info.device))
		return 0;
	began = vm_now_ns();
	fd = open(path, O_RDONLY);
	took = vm_now_ns() - began;
	close(fd);
	unlink(path);
	return fd < 0 ? 0 : took;
}

static void regions__many_cost_no_more_each(void)
{
	uint64_t began, tenth, all;
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	int i, p;

	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	/* On a slow kernel, fewer: each takes a good part of a second to create. */
	nr_regions = vm_slow() > 1 ? 1000 : 10000;
	places[2] = nr_regions - 1;
	REQUIRE(!vm_pmem(NULL, "s", nr_regions), "%s", vm_why());
	began = vm_now_ns();
	REQUIRE(!create_upto(0, nr_regions / 10), "%s", vm_why());
	tenth = attach_ns();
	REQUIRE(!create_upto(nr_regions / 10, nr_regions), "%s", vm_why());
	printf("# created in %lu ms\n", (vm_now_ns() - began) / 1000000);
	EXPECT(vm_unit("s", &unit), 0);
	CHECK(unit.regions == nr_regions, "%u regions", unit.regions);
	REFUSED(vm_region("s", "one-more", 4096), -ENOSPC);
	all = attach_ns();
	printf("# attach: %lu ms with %u regions, %lu ms with %u\n", tenth / 1000000,
	       nr_regions / 10, all / 1000000, nr_regions);
	CHECK(tenth && all && all <= 10 * BOUND * tenth, "attach: %lu and %lu ns", tenth, all);

	for (i = 0; i < SAMPLES; i++) {
		for (p = 0; p < 3; p++) {
			const char *name = name_of(places[p]);

			times[0][p][i] = open_ns(places[p], i);
			began = vm_now_ns();
			CHECK(!vm_get("s", name, &info), "%s", vm_why());
			times[1][p][i] = vm_now_ns() - began;
			began = vm_now_ns();
			CHECK(!vm_delete("s", name, false), "%s", vm_why());
			times[2][p][i] = vm_now_ns() - began;
			/* Into the slot that is free: that of the first, 100th, last. */
			began = vm_now_ns();
			CHECK(!vm_region("s", name, 4096), "%s", vm_why());
			times[3][p][i] = vm_now_ns() - began;
		}
	}
	near("open", times[0]);
	near("lookup", times[1]);
	near("delete", times[2]);
	near("create", times[3]);
	/* Deleting all of them would take as long again: a format does. */
	EXPECT(vm_detach("s"), 0);
	EXPECT(vm_pmem(NULL, "s", 8), 0);
	EXPECT(vm_drop("s"), 0);
}

int main(void)
{
	VM_RUN(regions__many_cost_no_more_each);
	return vm_end();
}

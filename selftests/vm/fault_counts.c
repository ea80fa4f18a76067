// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Regions are mapped by 2 MiB wherever the bytes lie so, and by 4 KiB only where
 * they do not. The counters of the region are the oracle: huge ones and small
 * ones, exactly.
 */
#define _GNU_SOURCE
#include "vmtest.h"
#include "vmunit.h"

#define SIZE	(64 * MIB)
#define HUGE	(2 * MIB)
#define UNIT	"fault"

static struct npmu_region_info before;

static void count_from_here(const char *region)
{
	EXPECT(vm_get(UNIT, region, &before), 0);
}

static void counted(const char *region, const char *what, uint64_t huge, uint64_t small)
{
	struct npmu_region_info now;

	EXPECT(vm_get(UNIT, region, &now), 0);
	now.faults_huge -= before.faults_huge;
	now.faults_small -= before.faults_small;
	CHECK(now.faults_huge == huge && now.faults_small == small,
	      "%s: %llu huge and %llu small faults, expected %llu and %llu", what,
	      (unsigned long long)now.faults_huge, (unsigned long long)now.faults_small,
	      (unsigned long long)huge, (unsigned long long)small);
}

static void touch(char *at, size_t len, bool store)
{
	size_t i;

	for (i = 0; i < len; i += 4 * KIB) {
		if (store)
			*(volatile char *)(at + i) = 1;
		else
			(void)*(volatile char *)(at + i);
	}
}

static void fault__each_2m_is_mapped_by_one(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *at;

	count_from_here("r");
	at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	REQUIRE(at, "map: %s", strerror(errno));
	counted("r", "mmap alone", 0, 0);
	touch(at, SIZE, true);
	counted("r", "stores", SIZE / HUGE, 0);
	touch(at, SIZE, true);
	touch(at, SIZE, false);
	counted("r", "again", SIZE / HUGE, 0);
	munmap(at, SIZE);
	close(fd);
}

static void fault__a_read_maps_for_writing_too(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	count_from_here("r");
	touch(at, SIZE, false);
	touch(at, SIZE, true);
	counted("r", "loads, then stores", SIZE / HUGE, 0);
	munmap(at, SIZE);
	close(fd);
}

static void fault__reader_is_mapped_by_2m(void)
{
	int fd = vm_open(UNIT, "r", O_RDONLY);
	char *at = vm_map(fd, 0, SIZE, PROT_READ);

	REQUIRE(at, "map: %s", strerror(errno));
	count_from_here("r");
	touch(at, SIZE, false);
	counted("r", "loads", SIZE / HUGE, 0);
	munmap(at, SIZE);
	close(fd);
}

/*
 * fork copies no entry: a copy of a 2 MiB one, read without a lock, could appear in
 * the child behind a fence. So the child's first touches are faults of its own,
 * whatever the parent advised.
 */
static void fault__child_faults_for_itself(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	int status = -1;
	pid_t child;

	REQUIRE(at, "map: %s", strerror(errno));
	touch(at, SIZE, true);
	madvise(at, SIZE, MADV_KEEPONFORK);
	count_from_here("r");
	child = fork();
	if (!child) {
		touch(at, SIZE, true);
		_exit(0);
	}
	waitpid(child, &status, 0);
	CHECK(!status, "the child ended with %#x", status);
	counted("r", "the child's stores", SIZE / HUGE, 0);
	touch(at, SIZE, true);
	counted("r", "the parent's after it", SIZE / HUGE, 0);
	munmap(at, SIZE);
	close(fd);
}

/* A hint is a wish: an address at which 2 MiB can be mapped is better. */
static void fault__unaligned_hint_costs_nothing(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *room = mmap(NULL, SIZE + 4 * HUGE, PROT_NONE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	char *at;

	munmap(room, SIZE + 4 * HUGE);
	room = (char *)(((uintptr_t)room + HUGE - 1) & ~(HUGE - 1));
	at = mmap(room + 4 * KIB, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	REQUIRE(at != MAP_FAILED, "map: %s", strerror(errno));
	count_from_here("r");
	touch(at, SIZE, true);
	counted("r", "at an unaligned hint", SIZE / HUGE, 0);
	munmap(at, SIZE);
	close(fd);
}

static void fault__part_of_the_region_is_mapped_by_2m(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	/* From 1 MiB on: 1 MiB by 4 KiB, then whole ones. */
	char *at = vm_map(fd, 1 * MIB, 9 * MIB, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	count_from_here("r");
	touch(at, 9 * MIB, true);
	counted("r", "9 MiB from 1 MiB on", 4, 256);
	munmap(at, 9 * MIB);
	close(fd);
}

/* Only the 2 MiB that is cut falls back. */
static void fault__mprotect_of_a_part_cuts_only_there(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	touch(at, SIZE, true);
	count_from_here("r");
	EXPECT(mprotect(at, 4 * KIB, PROT_READ), 0);
	touch(at, SIZE, false);
	touch(at + 4 * KIB, SIZE - 4 * KIB, true);
	counted("r", "mprotect of 4 KiB", 0, 512);
	EXPECT(vm_store((uint64_t *)at, 1), SIGSEGV);
	EXPECT(mprotect(at, 4 * KIB, PROT_READ | PROT_WRITE), 0);
	touch(at, SIZE, true);
	counted("r", "and back", 0, 512);
	munmap(at, SIZE);
	close(fd);
}

static void fault__munmap_of_a_part_cuts_only_there(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	char *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	touch(at, SIZE, true);
	count_from_here("r");
	EXPECT(munmap(at + SIZE - 4 * KIB, 4 * KIB), 0);
	touch(at, SIZE - 4 * KIB, true);
	counted("r", "munmap of the last 4 KiB", 0, 511);
	munmap(at, SIZE - 4 * KIB);
	close(fd);
}

static void fault__library_prefaults(void)
{
	struct npmu_region *region;

	REQUIRE(!npmu_region_open(UNIT "/r", NPMU_OPEN_WRITE, &region, NULL), "open");
	count_from_here("r");
	EXPECT(npmu_region_map(region, NPMU_MAP_WRITE), 0);
	counted("r", "npmu_region_map()", SIZE / HUGE, 0);
	touch(npmu_region_addr(region), SIZE, true);
	counted("r", "stores after it", SIZE / HUGE, 0);
	npmu_region_close(region);
}

/* Free space is made of holes of 1 MiB; a region grows into them. */
static void fault__scattered_part_alone_falls_back(void)
{
	struct npmu_unit_info unit;
	char name[16];
	char *at;
	int fd;
	int i;

	EXPECT(vm_delete(UNIT, "r", false), 0);
	EXPECT(vm_region(UNIT, "base", 4 * MIB), 0);
	for (i = 0; i < 16; i++) {
		snprintf(name, sizeof(name), "hole%d", i);
		EXPECT(vm_region(UNIT, name, 1 * MIB), 0);
	}
	EXPECT(vm_unit(UNIT, &unit), 0);
	EXPECT(vm_region(UNIT, "rest", unit.free), 0);
	for (i = 0; i < 16; i += 2) {
		snprintf(name, sizeof(name), "hole%d", i);
		EXPECT(vm_delete(UNIT, name, false), 0);
	}
	EXPECT(vm_resize(UNIT, "base", 12 * MIB, false), 0);
	EXPECT(vm_get(UNIT, "base", &before), 0);
	CHECK(before.extents >= 8, "%u extents", before.extents);

	fd = vm_open(UNIT, "base", O_RDWR);
	at = vm_map(fd, 0, 12 * MIB, PROT_READ | PROT_WRITE);
	REQUIRE(at, "map: %s", strerror(errno));
	count_from_here("base");
	touch(at, 12 * MIB, true);
	counted("base", "4 MiB and eight holes", 2, 8 * 256);
	munmap(at, 12 * MIB);
	close(fd);
}

static void all_on(const char *backing)
{
	printf("# on %s\n", backing);
	VM_RUN(fault__each_2m_is_mapped_by_one);
	VM_RUN(fault__a_read_maps_for_writing_too);
	VM_RUN(fault__reader_is_mapped_by_2m);
	VM_RUN(fault__child_faults_for_itself);
	VM_RUN(fault__unaligned_hint_costs_nothing);
	VM_RUN(fault__part_of_the_region_is_mapped_by_2m);
	VM_RUN(fault__mprotect_of_a_part_cuts_only_there);
	VM_RUN(fault__munmap_of_a_part_cuts_only_there);
	VM_RUN(fault__library_prefaults);
	VM_RUN(fault__scattered_part_alone_falls_back);
}

int main(void)
{
	vm_one_unit(UNIT, 128 * MIB, SIZE);
	vm_on_each_kind(all_on);
	return vm_end();
}

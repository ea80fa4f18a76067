// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory of a region that fails: who has it mapped gets SIGBUS there and nowhere else,
 * the unit lists it, and it is never handed out again.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "damage.h"

#define RW	(PROT_READ | PROT_WRITE)
#define PAGE	4096UL

/* A unit with the regions "r" and "other". */
static int unit_with(uint64_t size)
{
	return vm_pmem(NULL, "p", 16) ?: vm_region("p", "r", size) ?:
	       vm_region("p", "other", size);
}

#define BEGIN(size) do {						\
	if (damage_impossible())					\
		SKIP("%s", damage_impossible());			\
	REQUIRE(!unit_with(size), "%s", vm_why());			\
} while (0)

static void check_lost(void *addr, const char *who)
{
	struct touch t = touch_load(addr);

	CHECK(t.signal == SIGBUS && t.code == BUS_MCEERR_AR && t.addr == addr,
	      "%s: signal %d, code %d, at %p, expected %d, %d, %p", who, t.signal, t.code,
	      t.addr, SIGBUS, BUS_MCEERR_AR, addr);
	t = touch_store(addr);
	CHECK(t.signal, "%s: can be stored to, or not even that", who);
}

static void check_good(void *addr, const char *who)
{
	CHECK(!touch_load(addr).signal, "%s: cannot be read", who);
}

/* The bytes that vm_fill() wrote, all but one page of them. */
static void check_rest(const char *addr, size_t size, size_t but, const char *who)
{
	ssize_t wrong = vm_compare(addr, but, 0, 7);

	CHECK(wrong < 0, "%s: byte %zd is another", who, wrong);
	wrong = vm_compare(addr + but + PAGE, size - but - PAGE, but + PAGE, 7);
	CHECK(wrong < 0, "%s: byte %zd behind it is another", who, wrong);
}

static void bad_page_of(uint64_t size, uint64_t at, bool huge)
{
	struct npmu_region_info before, after;
	char *writer, *reader, *other;
	int wfd, rfd, ofd;

	BEGIN(size);
	wfd = vm_open("p", "r", O_RDWR);
	rfd = vm_open("p", "r", O_RDONLY);
	ofd = vm_open("p", "other", O_RDWR);
	writer = vm_map(wfd, 0, size, RW);
	reader = vm_map(rfd, 0, size, PROT_READ);
	other = vm_map(ofd, 0, size, RW);
	REQUIRE(writer && reader && other, "%m");
	vm_fill(writer, size, 0, 7);
	vm_fill(other, size, 0, 8);
	CHECK(vm_compare(reader, size, 0, 7) < 0, "the reader sees something else");
	EXPECT(vm_get("p", "r", &before), 0);
	CHECK(!huge == !before.faults_huge, "%lu huge faults", before.faults_huge);

	EXPECT(damage_region("r", at), 0);
	check_lost(writer + at, "writer");
	check_lost(reader + at, "reader");
	check_rest(writer, size, at, "writer");
	check_rest(reader, size, at, "reader");
	__atomic_fetch_add(&writer[at - 1], 0, __ATOMIC_SEQ_CST);
	CHECK(vm_compare(other, size, 0, 8) < 0, "the other region is not what it was");
	EXPECT(vm_get("p", "r", &after), 0);
	CHECK(after.bad == PAGE, "%lu bad bytes", after.bad);
	/* Only the 2 MiB around it are mapped by 4 KiB, once by each. */
	CHECK(after.faults_huge == before.faults_huge, "%lu huge faults more",
	      after.faults_huge - before.faults_huge);
	CHECK(!huge || after.faults_small - before.faults_small <= 2 * 512,
	      "%lu small faults more", after.faults_small - before.faults_small);
	munmap(writer, size);
	munmap(reader, size);
	munmap(other, size);
	close(wfd);
	close(rfd);
	close(ofd);
	EXPECT(vm_drop("p"), 0);
}

static void poison__under_4k_mappings_is_sigbus_there_alone(void)
{
	bad_page_of(64 * KIB, 3 * PAGE, false);
}

static void poison__under_2m_mappings_is_sigbus_there_alone(void)
{
	bad_page_of(4 * MIB, 2 * MIB + 5 * PAGE, true);
}

static void poison__is_eio_for_calls(void)
{
	static char buf[64 * KIB];
	const uint64_t bad = 5 * PAGE;
	int fd;

	BEGIN(64 * KIB);
	fd = vm_open("p", "r", O_RDWR);
	vm_fill(buf, sizeof(buf), 0, 7);
	EXPECT(vm_pwrite(fd, buf, sizeof(buf), 0), (long)sizeof(buf));
	EXPECT(damage_region("r", bad), 0);
	/* Up to it, at it, and behind it. */
	EXPECT(vm_pread(fd, buf, sizeof(buf), 0), (long)bad);
	EXPECT(vm_pread(fd, buf, 1, bad), -EIO);
	EXPECT(vm_pread(fd, buf, 1, bad + PAGE - 1), -EIO);
	EXPECT(vm_pread(fd, buf, PAGE, bad + PAGE), (long)PAGE);
	EXPECT(vm_pwrite(fd, buf, 1, bad), -EIO);
	EXPECT(vm_pwrite(fd, buf, PAGE, bad + PAGE), (long)PAGE);
	EXPECT(vm_persist(fd, 0, bad), 0);
	EXPECT(vm_persist(fd, 0, 64 * KIB), -EIO);
	EXPECT(vm_persist(fd, bad + PAGE, 64 * KIB - bad - PAGE), 0);
	EXPECT(fsync(fd) ? -errno : 0, -EIO);
	/* A fence and a new writer are no matter of its bytes. */
	EXPECT(vm_claim(fd, NULL), 0);
	EXPECT(vm_fence("p", "r"), 0);
	close(fd);
	EXPECT(vm_drop("p"), 0);
}

struct listed {
	unsigned int nr;
	struct npmu_bad_info last;
};

static int list_one(void *ctx, const struct npmu_bad_info *info)
{
	struct listed *listed = ctx;

	listed->nr++;
	listed->last = *info;
	return 0;
}

static struct listed list_bad(void)
{
	struct listed listed = { 0 };

	EXPECT(vm_note(npmu_ctl_bad_list(vm_ctl(), "p", list_one, &listed)), 0);
	return listed;
}

/* Events until this one; false: it did not come. */
static bool await(struct npmu_events *events, uint32_t which, struct npmu_event_info *info)
{
	return VM_UNTIL(!npmu_events_next(events, info) && info->event == which, 5000);
}

static void poison__is_listed_and_told(void)
{
	struct npmu_event_info event;
	struct npmu_events *events;
	struct npmu_unit_info unit;
	struct listed listed;
	int64_t where;
	int cycle;

	BEGIN(64 * KIB);
	where = damage_where("r", 7 * PAGE);
	REQUIRE(where > 0, "%s", vm_strerror(where));
	REQUIRE(!npmu_events_open(&events, NULL), "no events");
	EXPECT(damage_unit(where + 100), 0);
	CHECK(await(events, NPMU_EVENT_REGION_BAD, &event) && !strcmp(event.region, "r") &&
	      event.has & NPMU_EVENT_HAS_BAD && event.bad_offset == 7 * PAGE &&
	      event.bad_length == PAGE, "region-bad: %s offset %lu length %lu", event.region,
	      event.bad_offset, event.bad_length);
	CHECK(await(events, NPMU_EVENT_UNIT_BAD, &event) && !*event.region &&
	      event.bad_offset == (uint64_t)where && event.bad_length == PAGE,
	      "unit-bad: start %lu length %lu", event.bad_offset, event.bad_length);
	npmu_events_close(events);
	/* The same once more changes nothing; nor does a detach. */
	EXPECT(damage_unit(where), 0);
	for (cycle = 0; cycle < 3; cycle++) {
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(unit.bad == PAGE && unit.bad_ranges == 1 && !unit.bad_incomplete &&
		      !unit.unreadable, "%lu bytes in %u ranges, %u unreadable", unit.bad,
		      unit.bad_ranges, unit.unreadable);
		listed = list_bad();
		CHECK(listed.nr == 1 && listed.last.start == (uint64_t)where &&
		      listed.last.length == PAGE && !strcmp(listed.last.region, "r") &&
		      listed.last.offset == 7 * PAGE, "%u runs, %s offset %lu", listed.nr,
		      listed.last.region, listed.last.offset);
		EXPECT(vm_detach("p"), 0);
		EXPECT(vm_attach(NULL, NULL), 0);
	}
	EXPECT(vm_delete("p", "r", false), 0);
	listed = list_bad();
	CHECK(listed.nr == 1 && !*listed.last.region, "%u runs, of region %s", listed.nr,
	      listed.last.region);
	EXPECT(vm_drop("p"), 0);
}

static void poison__stays_when_the_region_comes_again(void)
{
	char *addr;
	int fd;

	BEGIN(64 * KIB);
	EXPECT(damage_region("r", 2 * PAGE), 0);
	EXPECT(vm_detach("p"), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	fd = vm_open("p", "r", O_RDONLY);
	addr = vm_map(fd, 0, 64 * KIB, PROT_READ);
	REQUIRE(addr, "%m");
	check_lost(addr + 2 * PAGE, "after attach");
	check_good(addr + 3 * PAGE, "its neighbour");
	EXPECT(vm_pread(fd, &(char){ 0 }, 1, 2 * PAGE), -EIO);
	munmap(addr, 64 * KIB);
	close(fd);
	EXPECT(vm_drop("p"), 0);
}

/* All that is free goes to one region; no byte of it may be bad. */
static void take_all(const char *when, uint64_t expected)
{
	struct npmu_region_info info;
	struct npmu_unit_info unit;

	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.free == expected, "%s: %lu bytes are free, expected %lu", when, unit.free,
	      expected);
	/* Some for list blocks. */
	EXPECT(vm_region("p", "all", unit.free - 16 * PAGE), 0);
	EXPECT(vm_get("p", "all", &info), 0);
	CHECK(!info.bad, "%s: %lu bad bytes were handed out", when, info.bad);
	EXPECT(vm_region("p", "rest", 16 * PAGE), 0);
	EXPECT(vm_get("p", "rest", &info), 0);
	CHECK(!info.bad, "%s: %lu bad bytes were handed out at last", when, info.bad);
	EXPECT(vm_delete("p", "rest", false), 0);
	EXPECT(vm_delete("p", "all", false), 0);
}

static void poison__is_never_handed_out_again(void)
{
	struct npmu_unit_info unit;
	uint64_t all;
	int64_t in_r, cut, of_free;

	BEGIN(4 * MIB);
	EXPECT(vm_unit("p", &unit), 0);
	all = unit.free + 8 * MIB;
	in_r = damage_where("r", MIB);
	cut = damage_where("other", 3 * MIB);
	of_free = damage_where("other", 0) + 4 * MIB + 17 * PAGE;
	REQUIRE(in_r > 0 && cut > 0 && of_free > 0, "no such bytes");
	EXPECT(damage_unit(in_r), 0);
	EXPECT(damage_unit(cut), 0);
	EXPECT(damage_unit(of_free), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.bad == 3 * PAGE, "%lu bad bytes", unit.bad);
	EXPECT(vm_resize("p", "other", MIB, false), 0);
	EXPECT(vm_delete("p", "r", false), 0);
	take_all("delete and shrink", all - MIB - 3 * PAGE);
	EXPECT(vm_detach("p"), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	take_all("attach", all - MIB - 3 * PAGE);
	/* Growing, too. */
	EXPECT(vm_unit("p", &unit), 0);
	EXPECT(vm_resize("p", "other", MIB + unit.free - 16 * PAGE, false), 0);
	EXPECT(vm_drop("p"), 0);
}

#define TOUCHERS	3

struct race {
	char *addr;
	uint64_t size;
	int fd;
	volatile bool stop;
	volatile unsigned long touches, signals;
};

static void *touch_all(void *ctx)
{
	struct race *race = ctx;
	char *addr = vm_map(race->fd, 0, race->size, PROT_READ);
	uint64_t at;

	while (addr && !race->stop) {
		for (at = 0; at < race->size && !race->stop; at += PAGE) {
			race->signals += !!touch_load(addr + at).signal;
			race->touches++;
		}
		/* Let them be faulted in again. */
		madvise(addr, race->size, MADV_DONTNEED);
	}
	return NULL;
}

/* One process each, since the handler of a signal is the process's. */
static int toucher(void *ctx)
{
	struct race *race = ctx;

	alarm(vm_patience(60000) / 1000);
	touch_all(race);
	return 0;
}

static void poison__races_with_faults(void)
{
	unsigned long hits = vm_times(16, 400), i;
	const uint64_t size = 4 * MIB;
	pid_t pids[TOUCHERS];
	struct race *race;
	uint64_t at;

	BEGIN(size);
	race = mmap(NULL, PAGE, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	race->size = size;
	race->fd = vm_open("p", "r", O_RDONLY);
	race->addr = vm_map(race->fd, 0, size, PROT_READ);
	for (i = 0; i < TOUCHERS; i++)
		pids[i] = vm_child(toucher, race);
	CHECK(VM_UNTIL(race->touches > 2048, 20000), "nobody touches");
	for (i = 0; i < hits; i++) {
		at = (i * 37 % (size / PAGE)) * PAGE;
		EXPECT(damage_region("r", at), 0);
		check_lost(race->addr + at, "just hit");
	}
	race->stop = true;
	for (i = 0; i < TOUCHERS; i++)
		EXPECT(vm_reap(pids[i], 20000), 0);
	CHECK(race->signals, "nobody met it");
	for (at = 0; at < size; at += PAGE) {
		unsigned long k;

		for (k = 0; k < hits; k++)
			if (at == k * 37 % (size / PAGE) * PAGE)
				break;
		if (k < hits)
			check_lost(race->addr + at, "a bad one");
		else
			check_good(race->addr + at, "a good one");
	}
	munmap(race->addr, size);
	close(race->fd);
	EXPECT(vm_drop("p"), 0);
}

static void poison__beyond_the_list_stops_allocation(void)
{
	struct npmu_unit_info unit;
	int64_t where;
	unsigned int i;

	BEGIN(4 * MIB);
	where = damage_where("r", 0);
	REQUIRE(where > 0, "%s", vm_strerror(where));
	for (i = 0; i < NPMU_MAX_BAD; i++)
		if (damage_unit(where + 2 * i * PAGE))
			break;
	CHECK(i == NPMU_MAX_BAD, "%u hits", i);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.bad_ranges == NPMU_MAX_BAD && !unit.bad_incomplete, "%u ranges%s",
	      unit.bad_ranges, unit.bad_incomplete ? ", incomplete" : "");
	EXPECT(vm_region("p", "s", 4096), 0);
	/* What touches the others makes no range of its own. */
	EXPECT(damage_unit(where + PAGE), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.bad_ranges == NPMU_MAX_BAD - 1, "%u ranges", unit.bad_ranges);
	for (; i < NPMU_MAX_BAD + 2; i++)
		EXPECT(damage_unit(where + 2 * i * PAGE), 0);
	for (i = 0; i < 2; i++) {
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(unit.bad_incomplete && unit.bad_ranges == NPMU_MAX_BAD,
		      "%u ranges, not incomplete", unit.bad_ranges);
		REFUSED(vm_region("p", "t", 4096), -EUCLEAN);
		REFUSED(vm_resize("p", "other", 8 * MIB, false), -EUCLEAN);
		/* What is there goes on, and can be made smaller. */
		EXPECT(vm_fence("p", "other"), 0);
		EXPECT(vm_resize("p", "other", (2 - i) * MIB, false), 0);
		EXPECT(vm_detach("p"), 0);
		EXPECT(vm_attach(NULL, NULL), 0);
	}
	EXPECT(vm_drop("p"), 0);
}

int main(void)
{
	VM_RUN(poison__under_4k_mappings_is_sigbus_there_alone);
	VM_RUN(poison__under_2m_mappings_is_sigbus_there_alone);
	VM_RUN(poison__is_eio_for_calls);
	VM_RUN(poison__is_listed_and_told);
	VM_RUN(poison__stays_when_the_region_comes_again);
	VM_RUN(poison__is_never_handed_out_again);
	VM_RUN(poison__races_with_faults);
	VM_RUN(poison__beyond_the_list_stops_allocation);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory that fails under a unit's own metadata: each copy of each kind, while the unit
 * is attached and before. Its twin serves, and what is lost in both copies is lost alone.
 */
#define _GNU_SOURCE
#include "damage.h"
#include "device.h"
#include "image.h"

#define PAGE	4096UL
#define SIZE	(256 * KIB)	/* of "plain" */
/* More than a record holds, so that there is a list. */
#define STEPS	(NPMU_INLINE_EXTENTS + 8)
#define BYTES	(STEPS * PAGE)

enum kind { SUPERBLOCK, BAD_LIST, RECORD, LIST, KINDS };

static const char *const kind_name[KINDS] = { "superblock", "bad list", "record", "list block" };
static struct device device;

/* The unit "p": "listed" has a list block, "plain" does not, "comb" is between. */
static int make_unit(void)
{
	static char buf[BYTES];
	unsigned int i;
	int fd, ret;

	ret = device_of(&device, NULL) ?: vm_pmem(NULL, "p", 16) ?: vm_region("p", "plain", SIZE) ?:
	      vm_region("p", "listed", PAGE) ?: vm_region("p", "comb", PAGE);
	for (i = 2; i <= STEPS && !ret; i++)
		ret = vm_resize("p", "listed", i * PAGE, false) ?:
		      vm_resize("p", "comb", i * PAGE, false);
	vm_fill(buf, sizeof(buf), 0, 7);
	fd = vm_open("p", "plain", O_RDWR);
	if (vm_pwrite(fd, buf, SIZE, 0) != (ssize_t)SIZE || fsync(fd))
		ret = ret ?: -EIO;
	close(fd);
	fd = vm_open("p", "listed", O_RDWR);
	if (vm_pwrite(fd, buf, BYTES, 0) != (ssize_t)BYTES || fsync(fd))
		ret = ret ?: -EIO;
	close(fd);
	return ret;
}

/* The tests share one unit, as making it takes long. */
#define BEGIN() do {							\
	if (damage_impossible())					\
		SKIP("%s", damage_impossible());			\
	if (!*device.path)						\
		REQUIRE(!make_unit(), "%s", vm_why());			\
} while (0)

/* Where a copy lies; those of a region: of "listed". */
static int64_t copy_at(enum kind kind, int copy)
{
	static const int64_t fixed[][2] = {
		[SUPERBLOCK] = { 0, NPMU_SB_COPY1 },
		[BAD_LIST] = { NPMU_BAD_COPY0, NPMU_BAD_COPY1 },
	};
	struct npmu_region_record rec;
	struct npmu_superblock sb;
	int slot;

	if (kind < RECORD)
		return fixed[kind][copy];
	slot = damage_record("listed", &sb, &rec);
	if (slot < 0)
		return slot;
	if (kind == RECORD)
		return npmu_record_offset(&sb, slot, copy);
	return rec.list.addr[copy] ? (int64_t)le64toh(rec.list.addr[copy]) : -ENOENT;
}

static bool is_whole(const char *region, uint64_t bytes)
{
	static char buf[BYTES];
	int fd = vm_open("p", region, O_RDONLY);
	ssize_t n;

	if (fd < 0)
		return false;
	n = vm_pread(fd, buf, bytes, 0);
	close(fd);
	return n == (ssize_t)bytes && vm_compare(buf, bytes, 0, 7) < 0;
}

/* Everything that a unit does, on what is sound. */
static void check_works(const char *when)
{
	CHECK(is_whole("plain", SIZE), "%s: plain is not what it was", when);
	CHECK(is_whole("listed", BYTES), "%s: listed is not what it was", when);
	EXPECT(vm_region("p", "new", 3 * PAGE), 0);
	EXPECT(vm_resize("p", "listed", (STEPS + 4) * PAGE, false), 0);
	EXPECT(vm_resize("p", "listed", BYTES, false), 0);
	EXPECT(vm_fence("p", "listed"), 0);
	EXPECT(vm_delete("p", "new", false), 0);
}

/* Exit status of unit check; its words are in /tmp/check. */
static int media_check(void)
{
	char *top = realpath("/proc/self/exe", NULL);
	int ret;

	/* selftests/vm/build/... */
	*strstr(top, "/selftests/") = 0;
	ret = vm_sh("%s/tools/build/npmu-admin unit check %s >/tmp/check 2>&1", top, device.path);
	free(top);
	return ret;
}

static void check_clean(const char *when)
{
	if (!CHECK(!media_check(), "%s: unit check complains", when))
		vm_sh("sed 's/^/# /' /tmp/check");
}

/* It names the copy that cannot be read. */
static void check_told(const char *when, int64_t at)
{
	CHECK(media_check() == 1 && !vm_sh("grep -q 'at 0x%lx: Input/output error' /tmp/check", at),
	      "%s: unit check does not tell", when);
}

static bool is_listed(int64_t at)
{
	struct npmu_bad_block blk;
	struct image image;
	uint32_t i;
	bool found = false;

	if (image_open(&image, device.path))
		return false;
	if (image_read(&image, NPMU_BAD_COPY1, &blk))
		image_read(&image, NPMU_BAD_COPY0, &blk);
	image_close(&image);
	for (i = 0; i < le32toh(blk.nr); i++)
		found |= at - le64toh(blk.ranges[i].start) < le64toh(blk.ranges[i].len);
	return found;
}

static void hit_while_attached(enum kind kind, int copy)
{
	struct npmu_unit_info before, after;
	int64_t at = copy_at(kind, copy);
	char when[64];

	snprintf(when, sizeof(when), "%s %d", kind_name[kind], copy);
	REQUIRE(at >= 0, "%s: %s", when, vm_strerror(at));
	EXPECT(vm_unit("p", &before), 0);
	EXPECT(damage_unit(at), 0);
	EXPECT(vm_unit("p", &after), 0);
	CHECK(after.repaired == before.repaired + 1 && !after.unreadable,
	      "%s: repaired %u, before %u, unreadable %u", when, after.repaired,
	      before.repaired, after.unreadable);
	CHECK(after.bad == before.bad + (kind == LIST ? PAGE : 0), "%s: %lu bad bytes", when,
	      after.bad);
	CHECK(kind != LIST || is_listed(at), "%s: is not listed", when);
	check_works(when);
	EXPECT(vm_detach("p"), 0);
	check_clean(when);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_unit("p", &after), 0);
	CHECK(!after.repaired && !after.unreadable && !after.unsound_regions,
	      "%s: attach repaired %u, %u unreadable, %u unsound", when, after.repaired,
	      after.unreadable, after.unsound_regions);
}

static void metadata__that_fails_is_written_anew(void)
{
	int kind, copy;

	BEGIN();
	for (kind = 0; kind < KINDS; kind++)
		for (copy = 0; copy < 2; copy++)
			hit_while_attached(kind, copy);
}

/* The device forgets its bad blocks. */
static void make_good(void)
{
	EXPECT(device_unbind(&device), 0);
	EXPECT(device_bind(&device), 0);
}

static void unreadable_at_attach(enum kind kind, int copy)
{
	struct npmu_unit_info unit;
	int64_t at = copy_at(kind, copy);
	char when[64];

	snprintf(when, sizeof(when), "%s %d unreadable", kind_name[kind], copy);
	REQUIRE(at >= 0, "%s: %s", when, vm_strerror(at));
	EXPECT(vm_detach("p"), 0);
	EXPECT(device_bad(&device, at), 0);
	check_told(when, at);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.repaired == 1 && !unit.unreadable && !unit.unsound_regions &&
	      !unit.bad_incomplete, "%s: %u repaired, %u unreadable, %u unsound", when,
	      unit.repaired, unit.unreadable, unit.unsound_regions);
	CHECK(kind != LIST || is_listed(at), "%s: is not listed", when);
	check_works(when);
	EXPECT(vm_detach("p"), 0);
	/* Overwriting it made the device forget it. */
	check_clean(when);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(!unit.repaired && !unit.unreadable, "%s: then %u repaired, %u unreadable", when,
	      unit.repaired, unit.unreadable);
}

static void metadata__unreadable_at_attach_is_read_from_its_twin(void)
{
	int kind, copy;

	BEGIN();
	for (kind = 0; kind < KINDS; kind++)
		for (copy = 0; copy < 2; copy++)
			unreadable_at_attach(kind, copy);
}

/* Nobody is told of it: the next commit meets it. */
static void record__unreadable_is_overwritten_by_a_commit(void)
{
	struct npmu_region_info region, again;
	struct npmu_unit_info unit;
	int copy;

	BEGIN();
	for (copy = 0; copy < 2; copy++) {
		EXPECT(device_bad(&device, copy_at(RECORD, copy)), 0);
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(unit.unreadable == 1, "%u unreadable", unit.unreadable);
		EXPECT(vm_fence("p", "listed"), 0);
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(!unit.unreadable, "%u unreadable after a commit", unit.unreadable);
		EXPECT(vm_get("p", "listed", &region), 0);
		EXPECT(vm_detach("p"), 0);
		EXPECT(vm_attach(NULL, NULL), 0);
		EXPECT(vm_get("p", "listed", &again), 0);
		CHECK(again.fence_epoch == region.fence_epoch, "epoch %lu, was %lu",
		      again.fence_epoch, region.fence_epoch);
	}
}

/* Both copies; the unit is attached afterwards where that can be. */
static int lose(enum kind kind)
{
	int64_t at[2] = { copy_at(kind, 0), copy_at(kind, 1) };
	int ret;

	if (at[0] < 0 || at[1] < 0)
		return -ENOENT;
	ret = vm_detach("p") ?: device_bad(&device, at[0]) ?: device_bad(&device, at[1]);
	if (ret)
		return ret;
	check_told("in both copies", at[0]);
	check_told("in both copies", at[1]);
	return vm_attach(NULL, NULL);
}

/* "listed" is lost, as @name: nobody opens it, and the others go on. */
static void check_lost_alone(const char *name, unsigned int unreadable)
{
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	int fd;
	char last;

	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.unsound_regions == 1 && unit.unreadable == unreadable && unit.regions == 3,
	      "%u unsound of %u, %u unreadable", unit.unsound_regions, unit.regions,
	      unit.unreadable);
	EXPECT(vm_get("p", name, &info), 0);
	CHECK(info.health == NPMU_HEALTH_DAMAGED, "health %u", info.health);
	EXPECT(vm_open("p", name, O_RDONLY), -EIO);
	CHECK(is_whole("plain", SIZE), "plain is not what it was");
	fd = vm_open("p", "plain", O_RDWR);
	EXPECT(vm_pread(fd, &last, 1, SIZE - 1), 1);
	EXPECT(vm_pwrite(fd, &last, 1, SIZE - 1), 1);
	EXPECT(fsync(fd), 0);
	EXPECT(vm_fence("p", "plain"), 0);
	close(fd);
	EXPECT(vm_get("p", "comb", &info), 0);
	CHECK(info.health == NPMU_HEALTH_GOOD, "comb is %u", info.health);
	REFUSED(vm_region("p", "new", PAGE), -EUCLEAN);
	REFUSED(vm_resize("p", "plain", 2 * SIZE, false), -EUCLEAN);
	EXPECT(vm_detach("p"), 0);
	/* Nobody wrote over it: it is there when its copies can be read again. */
	make_good();
	EXPECT(vm_attach(NULL, NULL), 0);
	check_works("readable again");
}

static void record__lost_in_both_copies_is_lost_alone(void)
{
	struct npmu_region_record rec;
	struct npmu_superblock sb;
	char name[32];

	BEGIN();
	snprintf(name, sizeof(name), ".lost-slot-%d", damage_record("listed", &sb, &rec));
	EXPECT(lose(RECORD), 0);
	check_lost_alone(name, 2);
}

static void list__lost_in_both_copies_is_lost_alone(void)
{
	BEGIN();
	EXPECT(lose(LIST), 0);
	/* Its bytes are data of the unit: they are in the bad list. */
	check_lost_alone("listed", 0);
}

static void superblock__lost_in_both_copies_is_refused(void)
{
	BEGIN();
	EXPECT(lose(SUPERBLOCK), -EUCLEAN);
	CHECK(vm_has_words(), "refused without a message");
	make_good();
	EXPECT(vm_attach(NULL, NULL), 0);
	check_works("readable again");
}

static void bad_list__lost_in_both_copies_stops_allocation(void)
{
	struct npmu_unit_info unit;

	BEGIN();
	EXPECT(lose(BAD_LIST), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.bad_incomplete && !unit.unsound_regions, "incomplete %u, unsound %u",
	      unit.bad_incomplete, unit.unsound_regions);
	CHECK(is_whole("plain", SIZE) && is_whole("listed", BYTES), "other bytes");
	REFUSED(vm_region("p", "new", PAGE), -EUCLEAN);
	EXPECT(vm_fence("p", "listed"), 0);
	EXPECT(vm_resize("p", "plain", SIZE / 2, false), 0);
	/* Nobody knows any more what was on it, so that stays so. */
	EXPECT(vm_detach("p"), 0);
	make_good();
	EXPECT(vm_attach(NULL, NULL), 0);
	REFUSED(vm_region("p", "new", PAGE), -EUCLEAN);
}

int main(void)
{
	VM_RUN(metadata__that_fails_is_written_anew);
	VM_RUN(metadata__unreadable_at_attach_is_read_from_its_twin);
	VM_RUN(record__unreadable_is_overwritten_by_a_commit);
	VM_RUN(record__lost_in_both_copies_is_lost_alone);
	VM_RUN(list__lost_in_both_copies_is_lost_alone);
	VM_RUN(superblock__lost_in_both_copies_is_refused);
	VM_RUN(bad_list__lost_in_both_copies_stops_allocation);
	vm_drop("p");
	return vm_end();
}

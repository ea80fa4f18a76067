// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Damaged, crafted and foreign media: what attach makes of every broken byte. The
 * unit has been through fences, shrinks, deletes and re-creations.
 */
#define _GNU_SOURCE
#include "image.h"

#define MAX_REGIONS	16
#define PAGE		4096ULL

struct region_snap {
	struct npmu_region_info info;
	uint8_t first[4096];
	uint8_t last[4096];
};

static struct region_snap snaps[MAX_REGIONS];
static int nr_snaps;
static uint64_t epoch_snap;

static int read_ends(const struct npmu_region_info *info, uint8_t *first, uint8_t *last)
{
	int fd = vm_open(info->unit, info->name, O_RDONLY);
	int ret = 0;

	if (fd < 0)
		return fd;
	if (vm_pread(fd, first, PAGE, 0) != PAGE ||
	    vm_pread(fd, last, PAGE, info->size - PAGE) != PAGE)
		ret = -EIO;
	close(fd);
	return ret;
}

static int snap_one(void *ctx, const struct npmu_region_info *info)
{
	struct region_snap *snap = &snaps[nr_snaps++];

	(void)ctx;
	snap->info = *info;
	return read_ends(info, snap->first, snap->last);
}

static int snap(void)
{
	struct npmu_unit_info unit;
	int ret = vm_unit("m", &unit);

	nr_snaps = 0;
	epoch_snap = unit.media_epoch;
	return ret ?: npmu_ctl_region_list(vm_ctl(), "m", snap_one, NULL);
}

struct diff {
	int seen;
	int wrong;
	const char *skip;	/* a region that may differ */
	char what[256];
};

static void differs(struct diff *diff, const char *name, const char *what)
{
	if (!diff->wrong++)
		snprintf(diff->what, sizeof(diff->what), "%s: %s", name, what);
}

static int compare_one(void *ctx, const struct npmu_region_info *info)
{
	static uint8_t first[4096], last[4096];
	struct diff *diff = ctx;
	const struct region_snap *snap = NULL;
	int i;

	if (diff->skip && !strcmp(info->name, diff->skip))
		return 0;
	for (i = 0; i < nr_snaps; i++)
		if (!memcmp(snaps[i].info.uuid, info->uuid, 16))
			snap = &snaps[i];
	diff->seen++;
	if (!snap)
		differs(diff, info->name, "was not there before");
	else if (strcmp(snap->info.name, info->name) || snap->info.slot != info->slot ||
		 snap->info.size != info->size || snap->info.pm_addr != info->pm_addr ||
		 snap->info.extents != info->extents)
		differs(diff, info->name, "name, slot, size or extents");
	else if (snap->info.uid != info->uid || snap->info.gid != info->gid ||
		 snap->info.mode != info->mode || snap->info.flags != info->flags)
		differs(diff, info->name, "rights");
	else if (snap->info.fence_epoch != info->fence_epoch)
		differs(diff, info->name, "fence epoch");
	else if (info->health != NPMU_HEALTH_GOOD)
		differs(diff, info->name, "health");
	else if (read_ends(info, first, last))
		differs(diff, info->name, "cannot be read");
	else if (memcmp(snap->first, first, PAGE) || memcmp(snap->last, last, PAGE))
		differs(diff, info->name, "bytes");
	return 0;
}

/* Whether all is as in the snapshot, but for the region @skip. */
static int compare(struct diff *diff, const char *skip)
{
	memset(diff, 0, sizeof(*diff));
	diff->skip = skip;
	npmu_ctl_region_list(vm_ctl(), "m", compare_one, diff);
	if (diff->seen != nr_snaps - (skip ? 1 : 0))
		differs(diff, "unit", "another number of regions");
	return diff->wrong;
}

static int put(const char *name, uint64_t seed)
{
	static uint8_t buf[64 * KIB];
	int fd = vm_open("m", name, O_RDWR);
	uint64_t at;
	ssize_t n;

	if (fd < 0)
		return fd;
	for (at = 0;; at += n) {
		vm_fill(buf, sizeof(buf), at, seed);
		n = vm_pwrite(fd, buf, sizeof(buf), at);
		if (n <= 0)
			break;
	}
	fsync(fd);
	close(fd);
	return n == -ENOSPC ? 0 : n;
}

/* Grown in turns with a neighbour, so that its extents do not merge. */
static int scatter(const char *name, const char *neighbour, unsigned int extents)
{
	unsigned int i;
	int ret = 0;

	for (i = 1; i <= extents && !ret; i++)
		ret = vm_resize("m", name, i * PAGE, false) ?:
		      vm_resize("m", neighbour, i * PAGE, false);
	return ret;
}

static int history(void)
{
	int fd, ret;

	ret = vm_pmem(NULL, "m", MAX_REGIONS) ?:
	      vm_region_mode("m", "fenced", 64 * KIB, 1, 2, 0640) ?:
	      vm_region("m", "shrunk", 256 * KIB) ?:
	      vm_region("m", "deleted", 128 * KIB) ?:
	      vm_region("m", "recreated", 128 * KIB) ?:
	      vm_region("m", "listed", PAGE) ?:
	      vm_region("m", "neighbour", PAGE) ?:
	      put("fenced", 1) ?: put("shrunk", 2) ?: put("deleted", 3) ?: put("recreated", 4) ?:
	      scatter("listed", "neighbour", 150) ?: put("listed", 5) ?:
	      vm_resize("m", "shrunk", 32 * KIB, false) ?:
	      vm_delete("m", "recreated", false) ?:
	      vm_region("m", "recreated", 64 * KIB) ?: put("recreated", 6) ?:
	      vm_delete("m", "deleted", false) ?:
	      vm_resize("m", "neighbour", PAGE, false);
	if (ret)
		return ret;
	fd = vm_open("m", "fenced", O_RDWR);
	ret = vm_claim(fd, NULL) ?: vm_fence("m", "fenced");
	close(fd);
	return ret ?: snap();
}

static struct image image;

/* One place of which there are two copies. */
struct target {
	const char *name;
	uint64_t copies[2];
};

static struct target targets[8];
static int nr_targets;

static void add_target(const char *name, uint64_t copy0, uint64_t copy1)
{
	targets[nr_targets++] = (struct target){ name, { copy0, copy1 } };
}

static void add_record(const char *name, uint32_t slot)
{
	add_target(name, npmu_record_offset(image.sb, slot, 0),
		   npmu_record_offset(image.sb, slot, 1));
}

static int find_targets(void)
{
	struct npmu_region_record rec;
	int slot;

	nr_targets = 0;
	add_target("superblock", 0, NPMU_SB_COPY1);
	slot = image_find(&image, "fenced", &rec);
	if (slot < 0)
		return slot;
	add_record("record of a fenced region", slot);
	slot = image_find(&image, "recreated", &rec);
	if (slot < 0)
		return slot;
	add_record("record of a recreated region", slot);
	slot = image_find(&image, "listed", &rec);
	if (slot < 0 || rec.nr_extents <= NPMU_INLINE_EXTENTS)
		return -EINVAL;
	add_record("record of a region with a list", slot);
	add_target("list block", rec.list.addr[0], rec.list.addr[1]);
	/* "deleted" was the third. */
	add_record("record just freed", 2);
	return 0;
}

/* Flips bits of one byte, attaches, looks, detaches, and looks at the media. */
static bool survives(const struct target *target, int copy, uint32_t at, uint8_t mask)
{
	uint8_t good[4096], now[4096];
	struct npmu_unit_info unit;
	struct diff diff;
	int ret;

	image_read(&image, target->copies[copy], good);
	image_flip(&image, target->copies[copy] + at, mask);
	ret = vm_attach(NULL, NULL);
	if (!CHECK(!ret, "%s copy %d byte %u ^ %#x: attach: %s", target->name, copy, at, mask,
		   vm_why())) {
		image_write(&image, target->copies[copy], good);
		return false;
	}
	vm_unit("m", &unit);
	compare(&diff, NULL);
	CHECK(!diff.wrong, "%s copy %d byte %u ^ %#x: %s", target->name, copy, at, mask, diff.what);
	CHECK(unit.repaired == 1 && !unit.unsound_regions && unit.media_epoch == epoch_snap,
	      "%s copy %d byte %u ^ %#x: repaired %u lost %u epoch %lu", target->name, copy, at,
	      mask, unit.repaired, unit.unsound_regions, unit.media_epoch);
	ret = vm_detach("m");
	CHECK(!ret, "detach: %s", vm_why());
	image_read(&image, target->copies[copy], now);
	return CHECK(!memcmp(good, now, 4096), "%s copy %d byte %u ^ %#x: not mended",
		     target->name, copy, at, mask);
}

static void byte__every_one_is_mended(void)
{
	bool all = vm_times(0, 1);
	/*
	 * In the time there is: fields densely, what is reserved thinly. But enough
	 * to tell, however slow the machine is.
	 */
	const unsigned long enough = 400;
	uint64_t end = vm_now_ns() + vm_times(45, 36000) * 1000000000ULL;
	uint64_t random = vm_now_ns();
	unsigned long flips = 0;
	uint32_t at, step;
	int t, copy;

	REQUIRE(!history(), "%s", vm_why());
	EXPECT(vm_detach("m"), 0);
	REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
	REQUIRE(!find_targets(), "the unit is not what it should be");
	printf("# seed %lu\n", random);
	/* A stride that is coprime to the fields' sizes passes all of them. */
	for (step = 0; step < (all ? 1 : 7) && (flips < enough || vm_now_ns() < end); step++) {
		for (t = 0; t < nr_targets; t++) {
			for (at = step; at < 4096; at += all ? 1 : at < 320 ? 7 : 331) {
				for (copy = 0; copy < 2; copy++) {
					if (!all && (at ^ copy) & 1)
						continue;
					flips++;
					if (!survives(&targets[t], copy, at,
						      1 + tap_random(&random) % 255))
						goto out;
				}
			}
		}
	}
out:
	printf("# %lu flips, %u of %d rounds\n", flips, step, all ? 1 : 7);
	CHECK(flips >= enough, "only %lu flips", flips);
	image_close(&image);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_drop("m"), 0);
}

static void record__lost_in_both_copies_shows_as_damaged(void)
{
	struct npmu_region_info info;
	struct npmu_region_record rec;
	struct npmu_unit_info unit;
	struct diff diff;
	char lost[32];
	int slot;

	REQUIRE(!history(), "%s", vm_why());
	EXPECT(vm_detach("m"), 0);
	REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
	slot = image_find(&image, "fenced", &rec);
	REQUIRE(slot >= 0, "no record");
	EXPECT(image_flip(&image, npmu_record_offset(image.sb, slot, 0) + 100, 1), 0);
	EXPECT(image_flip(&image, npmu_record_offset(image.sb, slot, 1) + 2000, 128), 0);
	image_close(&image);
	EXPECT(vm_attach(NULL, NULL), 0);
	snprintf(lost, sizeof(lost), ".lost-slot-%d", slot);
	EXPECT(vm_unit("m", &unit), 0);
	CHECK(unit.unsound_regions == 1, "%u unsound regions", unit.unsound_regions);
	EXPECT(vm_get("m", lost, &info), 0);
	CHECK(info.health == NPMU_HEALTH_DAMAGED, "health %u", info.health);
	REFUSED(vm_get("m", "fenced", &info), -ENOENT);
	EXPECT(vm_open("m", lost, O_RDONLY), -EIO);
	CHECK(nr_snaps == 5, "%d regions", nr_snaps);
	/* One is another now; the others are as they were. */
	compare(&diff, lost);
	CHECK(!diff.wrong, "%s", diff.what);
	REFUSED(vm_region("m", "new", PAGE), -EUCLEAN);
	REFUSED(vm_resize("m", "shrunk", MIB, false), -EUCLEAN);
	REFUSED(vm_resize("m", lost, 2 * PAGE, true), -EUCLEAN);
	EXPECT(vm_resize("m", "shrunk", PAGE, false), 0);
	EXPECT(vm_delete("m", lost, false), 0);
	EXPECT(vm_region("m", "new", PAGE), 0);
	EXPECT(vm_detach("m"), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_unit("m", &unit), 0);
	CHECK(!unit.unsound_regions && !unit.repaired, "lost %u repaired %u", unit.unsound_regions,
	      unit.repaired);
	EXPECT(vm_drop("m"), 0);
}

static void list__lost_in_both_copies_shows_as_damaged(void)
{
	struct npmu_region_info info;
	struct npmu_region_record rec;
	struct diff diff;

	REQUIRE(!history(), "%s", vm_why());
	EXPECT(vm_detach("m"), 0);
	REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
	REQUIRE(image_find(&image, "listed", &rec) >= 0, "no record");
	EXPECT(image_flip(&image, rec.list.addr[0] + 64, 1), 0);
	EXPECT(image_flip(&image, rec.list.addr[1] + 64, 1), 0);
	image_close(&image);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_get("m", "listed", &info), 0);
	CHECK(info.health == NPMU_HEALTH_DAMAGED, "health %u", info.health);
	EXPECT(vm_open("m", "listed", O_RDONLY), -EIO);
	compare(&diff, "listed");
	CHECK(!diff.wrong, "%s", diff.what);
	REFUSED(vm_region("m", "new", PAGE), -EUCLEAN);
	EXPECT(vm_delete("m", "listed", false), 0);
	EXPECT(vm_region("m", "new", PAGE), 0);
	EXPECT(vm_drop("m"), 0);
}

static void superblock__lost_in_both_copies_is_euclean(void)
{
	REQUIRE(!history(), "%s", vm_why());
	EXPECT(vm_detach("m"), 0);
	REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
	EXPECT(image_flip(&image, 200, 1), 0);
	EXPECT(image_flip(&image, NPMU_SB_COPY1 + 1000, 1), 0);
	REFUSED(vm_attach(NULL, NULL), -EUCLEAN);
	EXPECT(image_flip(&image, 0, 1), 0);
	EXPECT(image_flip(&image, NPMU_SB_COPY1, 1), 0);
	REFUSED(vm_attach(NULL, NULL), -EUCLEAN);
	/* Nothing was written meanwhile. */
	EXPECT(image_flip(&image, 0, 1), 0);
	EXPECT(image_flip(&image, 200, 1), 0);
	image_close(&image);
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_drop("m"), 0);
}

/* @owner's record, changed to claim the first page of @victim, with an epoch. */
static int claim_twice(const char *owner, const char *victim, uint64_t media_epoch)
{
	struct npmu_region_record a, b;
	int ret;

	ret = image_open(&image, vm_pmem_path());
	if (ret)
		return ret;
	if (image_find(&image, owner, &a) < 0 || image_find(&image, victim, &b) < 0)
		ret = -ENOENT;
	a.extents[0].start = b.extents[0].start;
	a.media_epoch = media_epoch;
	ret = ret ?: image_put(&image, &a);
	image_close(&image);
	return ret;
}

static void extent__claimed_twice_belongs_to_the_higher_epoch(void)
{
	struct npmu_region_info keeper, other;
	struct diff diff;
	int i;

	for (i = 0; i < 2; i++) {
		const char *winner = i ? "recreated" : "fenced";
		const char *loser = i ? "fenced" : "recreated";
		uint64_t epoch;

		REQUIRE(!history(), "%s", vm_why());
		epoch = epoch_snap;
		EXPECT(vm_detach("m"), 0);
		/* "recreated" claims what is "fenced"'s, as the older or the newer. */
		EXPECT(claim_twice("recreated", "fenced", i ? epoch + 1 : 1), 0);
		EXPECT(vm_attach(NULL, NULL), 0);
		EXPECT(vm_get("m", winner, &keeper), 0);
		EXPECT(vm_get("m", loser, &other), 0);
		CHECK(keeper.health == NPMU_HEALTH_GOOD, "%s: health %u", winner, keeper.health);
		CHECK(other.health == NPMU_HEALTH_QUARANTINED, "%s: health %u", loser,
		      other.health);
		EXPECT(close(vm_open("m", winner, O_RDWR)), 0);
		EXPECT(vm_open("m", loser, O_RDWR), -EROFS);
		EXPECT(close(vm_open("m", loser, O_RDONLY)), 0);
		REFUSED(vm_resize("m", loser, MIB, true), -EUCLEAN);
		REFUSED(vm_fence("m", loser), -EUCLEAN);
		if (!i) {
			compare(&diff, loser);
			CHECK(!diff.wrong, "%s", diff.what);
		}
		/* Deleting it gives nothing of the other's away. */
		EXPECT(vm_delete("m", loser, false), 0);
		EXPECT(vm_region("m", "new", MIB), 0);
		EXPECT(put("new", 77), 0);
		if (!i) {
			int fd = vm_open("m", winner, O_RDONLY);
			uint8_t first[4096];

			EXPECT(vm_pread(fd, first, PAGE, 0), PAGE);
			EXPECT(vm_compare(first, PAGE, 0, 1), -1);
			close(fd);
		}
		EXPECT(vm_drop("m"), 0);
	}
}

enum feature { VERSION, COMPAT, RO_COMPAT, INCOMPAT };

static int craft_superblock(enum feature which, uint64_t value)
{
	int ret = image_open(&image, vm_pmem_path());

	if (ret)
		return ret;
	if (which == VERSION)
		image.sb->version = value;
	if (which == COMPAT)
		image.sb->compat = value;
	if (which == RO_COMPAT)
		image.sb->ro_compat = value;
	if (which == INCOMPAT)
		image.sb->incompat = value;
	npmu_sb_seal(image.sb);
	ret = image_write(&image, 0, image.sb) ?: image_write(&image, NPMU_SB_COPY1, image.sb);
	image_close(&image);
	return ret;
}

static void feature__unknown_is_refused(void)
{
	static const struct { enum feature which; uint64_t value; int want; } cases[] = {
		{ VERSION, 2, -EOPNOTSUPP },
		{ VERSION, 0, -EOPNOTSUPP },
		{ INCOMPAT, 1, -EOPNOTSUPP },
		{ INCOMPAT, 1ULL << 63, -EOPNOTSUPP },
		{ RO_COMPAT, 1, -EOPNOTSUPP },
		{ RO_COMPAT, 1ULL << 63, -EOPNOTSUPP },
		{ COMPAT, UINT64_MAX, 0 },
	};
	struct npmu_unit_info unit;
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		REQUIRE(!vm_pmem(NULL, "m", MAX_REGIONS), "%s", vm_why());
		EXPECT(vm_region("m", "r", PAGE), 0);
		EXPECT(vm_detach("m"), 0);
		EXPECT(craft_superblock(cases[i].which, cases[i].value), 0);
		if (cases[i].want) {
			REFUSED(vm_attach(NULL, NULL), cases[i].want);
			continue;
		}
		EXPECT(vm_attach(NULL, NULL), 0);
		EXPECT(vm_unit("m", &unit), 0);
		CHECK(unit.regions == 1 && !unit.repaired, "regions %u repaired %u", unit.regions,
		      unit.repaired);
		EXPECT(vm_drop("m"), 0);
	}
}

/* A commit that was cut off between its copies, crafted at each of its stages. */
static void commit__cut_off_between_the_copies(void)
{
	struct npmu_region_record rec;
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	int copy;

	for (copy = 0; copy < 2; copy++) {
		REQUIRE(!history(), "%s", vm_why());
		EXPECT(vm_detach("m"), 0);
		REQUIRE(!image_open(&image, vm_pmem_path()), "no image");
		REQUIRE(image_find(&image, "fenced", &rec) >= 0, "no record");
		rec.mode = 0600;
		rec.fence_epoch += 1;
		rec.media_epoch = epoch_snap + 1;
		npmu_region_seal(&rec);
		EXPECT(image_write(&image, npmu_record_offset(image.sb, rec.slot, copy), &rec), 0);
		image_close(&image);
		EXPECT(vm_attach(NULL, NULL), 0);
		EXPECT(vm_get("m", "fenced", &info), 0);
		CHECK(info.mode == 0600 && info.fence_epoch == rec.fence_epoch,
		      "copy %d: mode %o epoch %lu", copy, info.mode, info.fence_epoch);
		EXPECT(vm_unit("m", &unit), 0);
		CHECK(unit.repaired == 1 && unit.media_epoch == epoch_snap + 1,
		      "repaired %u epoch %lu", unit.repaired, unit.media_epoch);
		EXPECT(vm_drop("m"), 0);
	}
}

int main(void)
{
	if (access(vm_pmem_path(), F_OK)) {
		printf("ok 1 - media # SKIP no pmem device\n1..1\n");
		return 4;
	}
	VM_RUN(record__lost_in_both_copies_shows_as_damaged);
	VM_RUN(list__lost_in_both_copies_shows_as_damaged);
	VM_RUN(superblock__lost_in_both_copies_is_euclean);
	VM_RUN(extent__claimed_twice_belongs_to_the_higher_epoch);
	VM_RUN(feature__unknown_is_refused);
	VM_RUN(commit__cut_off_between_the_copies);
	VM_RUN(byte__every_one_is_mended);
	return vm_end();
}

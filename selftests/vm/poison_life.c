// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One life of a machine whose power will be cut (poison_cut.sh) while memory fails: sees
 * that all that was reported in the lives before is listed and not handed out, though
 * the memory is good again, then has more fail until the end. What is under way and what
 * was answered is noted in a file on the host, before anything else happens.
 *
 *	poison_life FILE NUMBER		live, and have so many pages fail
 *	poison_life FILE		only look, and detach
 */
#define _GNU_SOURCE
#include "damage.h"

#define DEVICE	"/dev/pmem0"
#define PAGE	4096UL
#define SIZE	(4 * MIB)
#define MARGIN	(16 * PAGE)	/* for list blocks */

struct notes {
	uint64_t lives;
	uint64_t nr;				/* of these the unit knows */
	uint64_t reported[NPMU_MAX_BAD];
};

struct listed {
	uint64_t nr;
	struct npmu_bad_info info[NPMU_MAX_BAD];
};

static struct notes notes;
static int file;

#define FAIL(...) ({ printf("FAIL: " __VA_ARGS__); puts(""); 1; })

static int note(void)
{
	return pwrite(file, &notes, sizeof(notes), 0) == sizeof(notes) ? 0 : -errno;
}

static int list_one(void *ctx, const struct npmu_bad_info *info)
{
	struct listed *listed = ctx;

	listed->info[listed->nr++] = *info;
	return listed->nr == NPMU_MAX_BAD;
}

static bool is_listed(const struct listed *listed, uint64_t at)
{
	uint64_t i;

	for (i = 0; i < listed->nr; i++)
		if (at - listed->info[i].start < listed->info[i].length)
			return true;
	return false;
}

/* A region of all there is, without a bad byte; the same bytes are free afterwards. */
static int take_all(uint64_t bytes)
{
	struct npmu_region_info info;
	int ret;

	ret = vm_region("p", "all", bytes) ?: vm_get("p", "all", &info) ?:
	      vm_delete("p", "all", false);
	if (ret)
		return FAIL("all that is free cannot be had: %s", vm_why());
	if (info.bad)
		return FAIL("%lu bad bytes were handed out", info.bad);
	return 0;
}

static int verify(void)
{
	struct npmu_unit_info unit, then;
	static struct listed listed;
	uint64_t i, bytes = 0;

	if (vm_unit("p", &unit) || vm_note(npmu_ctl_bad_list(vm_ctl(), "p", list_one, &listed)))
		return FAIL("the unit: %s", vm_why());
	if (unit.unsound_regions || unit.unreadable || unit.bad_incomplete)
		return FAIL("%u unsound regions, %u unreadable blocks, incomplete %u",
			    unit.unsound_regions, unit.unreadable, unit.bad_incomplete);
	for (i = 0; i < notes.nr; i++)
		if (!is_listed(&listed, notes.reported[i]))
			return FAIL("byte %lu was reported and is not listed", notes.reported[i]);
	for (i = 0; i < listed.nr; i++)
		bytes += listed.info[i].length;
	/* In each life one may have been under way. */
	if (bytes != unit.bad || bytes < notes.nr * PAGE ||
	    bytes > (notes.nr + notes.lives) * PAGE)
		return FAIL("%lu bytes are listed, %lu counted, %lu pages reported", bytes,
			    unit.bad, notes.nr);
	/* Now those of the region become free, but not to be used. */
	if (vm_delete("p", "r", false) || vm_unit("p", &unit))
		return FAIL("delete: %s", vm_why());
	if (take_all(unit.free - MARGIN))
		return 1;
	if (vm_region("p", "r", SIZE) || vm_unit("p", &then))
		return FAIL("create: %s", vm_why());
	if (then.free != unit.free - SIZE)
		return FAIL("%lu bytes are free, not %lu", then.free,
			    (uint64_t)(unit.free - SIZE));
	printf("verified: %lu pages in %lu ranges, %lu reported\n", bytes / PAGE, listed.nr,
	       notes.nr);
	return 0;
}

/* A page of the region or of what is free behind it, none of those before. */
static int64_t choose(uint64_t *random)
{
	int64_t at = damage_where("r", 0);
	uint64_t i;

	if (at < 0)
		return at;
	do {
		at = (at + tap_random(random) % (2 * SIZE / PAGE) * PAGE) % (48 * MIB);
		for (i = 0; i < notes.nr && notes.reported[i] != (uint64_t)at; i++)
			;
	} while (i < notes.nr || at < (int64_t)(8 * MIB));
	return at;
}

static int live(unsigned long number)
{
	uint64_t random = vm_now_ns() ^ notes.lives * 1000003;
	int64_t at;
	int ret;

	for (; number && notes.nr < NPMU_MAX_BAD - 1; number--) {
		at = choose(&random);
		if (at < 0)
			return FAIL("region r: %s", vm_strerror(at));
		ret = damage_unit(at);
		if (ret)
			return FAIL("byte %ld: %s", at, vm_strerror(ret));
		notes.reported[notes.nr++] = at;
		ret = note();
		if (ret)
			return FAIL("the notes: %s", vm_strerror(ret));
		printf("failing\n");
	}
	/* Until the power goes. */
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (damage_impossible())
		return FAIL("%s", damage_impossible());
	file = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (file < 0 || pread(file, &notes, sizeof(notes), 0) < 0)
		return FAIL("%s: %m", argv[1]);
	if (!notes.lives) {
		if (vm_pmem(DEVICE, "p", 8) || vm_region("p", "r", SIZE))
			return FAIL("%s", vm_why());
	} else {
		if (vm_attach(DEVICE, NULL))
			return FAIL("attach: %s", vm_why());
		if (verify())
			return 1;
	}
	if (argc < 3)
		return vm_drop("p") ? FAIL("%s", vm_why()) : 0;
	notes.lives++;
	note();
	return live(strtoul(argv[2], NULL, 0));
}

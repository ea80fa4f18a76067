// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Two contenders that expect the same fence epoch, let go at the same moment:
 * exactly one wins, the other learns the epoch that is current now.
 */
#define _GNU_SOURCE
#include <stdatomic.h>

#include "vmtest.h"
#include "vmunit.h"

#define SIZE	(4 * MIB)
#define UNIT	"race"

enum contender { TAKEOVER, FENCE, CLAIM };

/* Shared by both contenders and the one who counts. */
struct race {
	atomic_ulong round;	/* goes up: play */
	atomic_uint arrived;
	atomic_uint done;
	uint64_t expected;
	struct {
		enum contender how;
		int ret;
		uint64_t epoch;
	} of[2];
};

static struct race *race;

static void play(int me, int fd)
{
	struct npmu_region_info info = {};
	uint64_t epoch = 0;
	int ret;

	/* A barrier that both leave within a few instructions. */
	atomic_fetch_add(&race->arrived, 1);
	while (atomic_load(&race->arrived) < 2)
		;
	switch (race->of[me].how) {
	case TAKEOVER:
		ret = vm_takeover(fd, race->expected, &epoch);
		break;
	case CLAIM:
		ret = vm_claim(fd, &epoch);
		break;
	default:
		ret = npmu_ctl_region_fence(vm_ctl(), UNIT, "r", &race->expected, &info);
		epoch = info.fence_epoch;
	}
	race->of[me].epoch = epoch;
	race->of[me].ret = ret;
}

static int contend(void *ctx)
{
	int me = *(int *)ctx;
	unsigned long round = 0;
	int fd;

	vm_ctl();
	for (;;) {
		fd = vm_open(UNIT, "r", O_RDWR);
		atomic_fetch_add(&race->done, 1);
		while (atomic_load(&race->round) == round)
			usleep(100);
		round = atomic_load(&race->round);
		if (round == (unsigned long)-1)
			return 0;
		play(me, fd);
		atomic_fetch_add(&race->done, 1);
		/* Both opens stay until both have answered. */
		while (atomic_load(&race->done) < 2)
			usleep(100);
		close(fd);
	}
}

static bool wait_done(unsigned int n)
{
	return VM_UNTIL(atomic_load(&race->done) >= n, 20000);
}

/*
 * Return: how often the first contender won, or -1. @writer: there is one to be
 * fenced.
 */
static long rounds(enum contender a, enum contender b, bool writer, unsigned long n)
{
	int me[2] = { 0, 1 };
	pid_t pid[2];
	unsigned long i;
	long first = 0;
	int reader;
	int fd = -1;

	race = mmap(NULL, sizeof(*race), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	race->of[0].how = a;
	race->of[1].how = b;
	reader = vm_open(UNIT, "r", O_RDONLY);
	for (i = 0; i < 2; i++)
		pid[i] = vm_child(contend, &me[i]);
	for (i = 0; i < n && !tap_failures; i++) {
		struct npmu_ioc_info info;
		int win;

		if (!CHECK(wait_done(2), "the contenders hang before round %lu", i))
			break;
		if (writer) {
			fd = vm_open(UNIT, "r", O_RDWR);
			EXPECT(vm_claim(fd, NULL), 0);
		}
		EXPECT(vm_info(reader, &info), 0);
		race->expected = info.fence_epoch;
		atomic_store(&race->arrived, 0);
		atomic_store(&race->done, 0);
		atomic_fetch_add(&race->round, 1);
		/* Two answers, then two new opens. */
		if (!CHECK(VM_UNTIL(atomic_load(&race->done) >= 4, 20000),
			   "the contenders hang in round %lu", i))
			break;
		win = race->of[0].ret ? 1 : 0;
		first += !win;
		EXPECT(race->of[win].ret, 0);
		CHECK(race->of[win].epoch == info.fence_epoch + 1, "the winner's epoch is %llu",
		      (unsigned long long)race->of[win].epoch);
		EXPECT(race->of[!win].ret, -ESTALE);
		if (race->of[!win].how == TAKEOVER)
			CHECK(race->of[!win].epoch == info.fence_epoch + 1,
			      "the loser was told %llu, current is %llu",
			      (unsigned long long)race->of[!win].epoch,
			      (unsigned long long)info.fence_epoch + 1);
		EXPECT(vm_info(reader, &info), 0);
		CHECK(info.fence_epoch == race->expected + 1, "the epoch rose by %llu",
		      (unsigned long long)(info.fence_epoch - race->expected));
		if (writer) {
			EXPECT(vm_pwrite(fd, "x", 1, 0), -ESTALE);
			close(fd);
		}
	}
	atomic_store(&race->done, 0);
	atomic_store(&race->round, (unsigned long)-1);
	for (i = 0; i < 2; i++)
		vm_reap(pid[i], 2000);
	close(reader);
	munmap(race, sizeof(*race));
	return tap_failures ? -1 : first;
}

static void tell(const char *who, long first, unsigned long n)
{
	printf("# %s won %ld of %lu rounds\n", who, first, n);
}

static void takeover__two_with_one_epoch_one_wins(void)
{
	unsigned long n = vm_times(60, 1000);

	tell("the first", rounds(TAKEOVER, TAKEOVER, false, n), n);
}

static void takeover__two_of_a_live_writer_one_wins(void)
{
	unsigned long n = vm_times(60, 1000);

	tell("the first", rounds(TAKEOVER, TAKEOVER, true, n), n);
}

static void takeover__against_a_fence_one_wins(void)
{
	unsigned long n = vm_times(40, 500);

	tell("the takeover", rounds(TAKEOVER, FENCE, true, n), n);
}

static void fence__two_with_one_epoch_one_wins(void)
{
	unsigned long n = vm_times(40, 500);

	tell("the first", rounds(FENCE, FENCE, true, n), n);
}

int main(void)
{
	vm_one_unit(UNIT, 64 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(takeover__two_with_one_epoch_one_wins);
	VM_RUN(takeover__two_of_a_live_writer_one_wins);
	VM_RUN(takeover__against_a_fence_one_wins);
	VM_RUN(fence__two_with_one_epoch_one_wins);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * All at once for a while: processes that open, map, move, fork, write, take over
 * and resign, while the region under them is fenced, cut, grown, deleted and made
 * again. What each call answers is not looked at; that nothing hangs, nobody is
 * left inside and the kernel does not complain is. At the end it works as if
 * nothing had been.
 */
#define _GNU_SOURCE
#include "vmtest.h"
#include "vmunit.h"

#define SIZE	(8 * MIB)
#define UNIT	"fire"
#define ACTORS	4
#define SLOTS	3

/* One open of an actor and what it mapped; the lengths are those of the mapping. */
struct slot {
	int fd;
	uint64_t *at;
	size_t len;
};

static uint64_t seed;

static uint64_t any(uint64_t n)
{
	return tap_random(&seed) % n;
}

static void slot_close(struct slot *s)
{
	if (s->at)
		munmap(s->at, s->len);
	if (s->fd >= 0)
		close(s->fd);
	*s = (struct slot) { .fd = -1 };
}

static void slot_open(struct slot *s)
{
	slot_close(s);
	s->fd = vm_open(UNIT, "r", any(3) ? O_RDWR : O_RDONLY);
}

static void slot_map(struct slot *s)
{
	if (s->at || s->fd < 0)
		return;
	s->len = (1 + any(4)) * 2 * MIB;
	s->at = vm_map(s->fd, any(2) ? 0 : 4 * KIB * any(64), s->len,
		       any(3) ? PROT_READ | PROT_WRITE : PROT_READ);
}

static void slot_touch(struct slot *s)
{
	unsigned int i;

	for (i = 0; s->at && i < 64; i++) {
		uint64_t *word = s->at + any(s->len / 8);

		if (any(2))
			vm_store(word, i);
		else
			vm_load(word, NULL);
	}
}

static void slot_move(struct slot *s)
{
	void *to;

	if (!s->at)
		return;
	to = mmap(NULL, s->len, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	to = mremap(s->at, s->len, s->len, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	if (to != MAP_FAILED)
		s->at = to;
}

static int touch_in_child(void *ctx)
{
	slot_touch(ctx);
	return 0;
}

static void slot_act(struct slot *s)
{
	struct npmu_ioc_info info;
	char bytes[8192] = "fire";

	switch (any(12)) {
	case 0:
		slot_open(s);
		break;
	case 1:
	case 2:
		slot_map(s);
		break;
	case 3:
		slot_move(s);
		break;
	case 4:
		if (!vm_info(s->fd, &info))
			vm_takeover(s->fd, info.fence_epoch, NULL);
		break;
	case 5:
		vm_resign(s->fd);
		break;
	case 6:
		vm_pwrite(s->fd, bytes, sizeof(bytes), any(SIZE));
		break;
	case 7:
		vm_pread(s->fd, bytes, sizeof(bytes), any(SIZE));
		break;
	case 8:
		if (!any(4))
			vm_sink(s->fd);
		vm_persist(s->fd, 0, SIZE);
		break;
	case 9:
		if (!any(4))
			vm_reap(vm_child(touch_in_child, s), 20000);
		break;
	case 10:
		if (s->at)
			mprotect(s->at, s->len / 2, any(2) ? PROT_READ : PROT_READ | PROT_WRITE);
		break;
	default:
		slot_touch(s);
	}
}

struct actor {
	uint64_t seed;
	const volatile bool *over;
};

static int act(void *ctx)
{
	struct slot slots[SLOTS] = { { .fd = -1 }, { .fd = -1 }, { .fd = -1 } };
	struct actor *a = ctx;
	unsigned int i;

	/* What hangs is killed by it, and seen by its exit status. */
	alarm(4 * vm_times(10, 120) + vm_patience(30000) / 1000);
	seed = a->seed;
	while (!*a->over)
		slot_act(&slots[any(SLOTS)]);
	for (i = 0; i < SLOTS; i++)
		slot_close(&slots[i]);
	return 0;
}

static unsigned long fences, cuts, deletions;

static void disturb(void)
{
	switch (any(8)) {
	case 0:
		deletions += !vm_delete(UNIT, "r", true);
		vm_region(UNIT, "r", SIZE);
		break;
	case 1:
	case 2:
		cuts += !vm_resize(UNIT, "r", (1 + any(12)) * MIB, true);
		break;
	case 3:
		vm_resize(UNIT, "r", SIZE + 4 * KIB * any(512), true);
		break;
	default:
		fences += !vm_fence(UNIT, "r");
	}
	if (!any(3))
		vm_sleep_ms(any(8));
}

static bool disturbed_enough(void)
{
	return fences > 10 && cuts > 5 && deletions > 5;
}

static void fence__under_fire(void)
{
	volatile bool *over = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct actor actors[ACTORS];
	pid_t pid[ACTORS];
	struct npmu_unit_info unit;
	uint64_t start = vm_now_ns(), time = vm_times(10, 120) * 1000000000ULL;
	unsigned int i;

	REQUIRE(over != MAP_FAILED, "mmap: %s", strerror(errno));
	seed = 20;
	for (i = 0; i < ACTORS; i++) {
		actors[i] = (struct actor) { 100 + i, over };
		pid[i] = vm_child(act, &actors[i]);
	}
	/* Longer where all is slow. */
	while (vm_now_ns() - start < (disturbed_enough() ? time : 4 * time))
		disturb();
	*over = true;
	for (i = 0; i < ACTORS; i++)
		EXPECT(vm_reap(pid[i], 30000), 0);
	printf("# %lu fences, %lu resizes, %lu deletions\n", fences, cuts, deletions);
	CHECK(disturbed_enough(), "too few of some");
	munmap((void *)over, 4096);
	EXPECT(vm_unit(UNIT, &unit), 0);
	CHECK(!unit.opens, "%u opens are left", unit.opens);
}

/* What was given back to the allocator is whole, and a new region is zero. */
static void fire__leaves_a_sound_unit(void)
{
	struct npmu_unit_info empty, full;
	struct npmu_ioc_info info;
	char *at;
	int fd;

	EXPECT(vm_delete(UNIT, "r", false), 0);
	EXPECT(vm_unit(UNIT, &empty), 0);
	CHECK(empty.free == empty.data_size, "%llu of %llu bytes are free",
	      (unsigned long long)empty.free, (unsigned long long)empty.data_size);
	EXPECT(vm_region(UNIT, "r", SIZE), 0);
	EXPECT(vm_unit(UNIT, &full), 0);
	CHECK(full.free == empty.free - SIZE, "%llu bytes are free",
	      (unsigned long long)full.free);
	fd = vm_open(UNIT, "r", O_RDWR);
	EXPECT(vm_info(fd, &info), 0);
	CHECK(info.role == NPMU_ROLE_VACANT && !info.writer_id, "role %u", info.role);
	at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	REQUIRE(at, "map: %s", strerror(errno));
	CHECK(vm_nonzero(at, SIZE) < 0, "byte %zd is not zero", vm_nonzero(at, SIZE));
	memset(at, 1, SIZE);
	munmap(at, SIZE);
	close(fd);
}

int main(void)
{
	vm_one_unit(UNIT, 64 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__under_fire);
	VM_RUN(fire__leaves_a_sound_unit);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

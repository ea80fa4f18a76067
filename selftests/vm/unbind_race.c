// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The device of a unit taken away again and again while others attach and detach it,
 * map it, store to it, fence and read: who touches what is gone gets SIGBUS, and what
 * was durable is there when the device is.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "device.h"

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(4 * MIB)
#define WORDS	(SIZE / sizeof(uint64_t))
#define STRIDE	(WORDS / 8)		/* a counter in each of 8 places */
#define USERS	3			/* each with a region of its own */

static struct device device;
static volatile bool stop;

struct user {
	pthread_t thread;
	char region[8];
	struct npmu_ctl *ctl;
	uint64_t durable;		/* this count, and no other than the next one */
	volatile unsigned long stores, signals;
	char why[128];			/* what must not be */
};

static struct user users[USERS];

/* What a call on a unit may say whose device goes and comes. */
static bool may_be(int ret)
{
	return !ret || ret == -ENODEV || ret == -ENOENT || ret == -ENXIO || ret == -ESTALE ||
	       ret == -EBUSY || ret == -EEXIST;
}

#define MUST(user, cond, ...) do {					\
	if (!(cond) && !(user)->why[0])					\
		snprintf((user)->why, sizeof((user)->why), __VA_ARGS__);	\
} while (0)

/* Counts in all places until a signal comes; each count is made durable. */
static void count(struct user *user, int fd, volatile uint64_t *map)
{
	uint64_t i, value;
	int ret;

	for (i = 0; i < 8; i++) {
		if (vm_load(map + i * STRIDE, &value)) {
			user->signals++;
			return;
		}
		MUST(user, value == user->durable || value == user->durable + 1,
		     "place %lu: %lu, %lu was durable", i, value, user->durable);
	}
	while (!stop && !user->why[0]) {
		for (i = 0; i < 8; i++) {
			if (vm_store(map + i * STRIDE, user->durable + 1)) {
				user->signals++;
				return;
			}
			user->stores++;
		}
		ret = fsync(fd) ? -errno : 0;
		MUST(user, may_be(ret), "fsync: %s", vm_strerror(ret));
		if (ret) {
			/* It is going, so the mapping does, too. */
			MUST(user, VM_UNTIL(vm_store(map, user->durable + 1) == SIGBUS, 60000),
			     "fsync: %s, and stores go on", vm_strerror(ret));
			user->signals++;
			return;
		}
		user->durable++;
	}
}

static void *use(void *ctx)
{
	struct user *user = ctx;
	char path[64];
	uint64_t *map;
	int fd, ret;

	snprintf(path, sizeof(path), "/dev/npmu/p/%s", user->region);
	while (!stop && !user->why[0]) {
		fd = vm_open_path(path, O_RDWR);
		if (fd < 0) {
			MUST(user, may_be(fd), "open: %s", vm_strerror(fd));
			vm_sleep_ms(2);
			continue;
		}
		map = vm_map(fd, 0, SIZE, RW);
		MUST(user, map || may_be(-errno), "mmap: %m");
		if (map) {
			count(user, fd, map);
			/* The mapping outlives the file every second time. */
			if (user->signals & 1) {
				close(fd);
				fd = -1;
				vm_store(map, user->durable);
			}
			munmap(map, SIZE);
		}
		if (fd >= 0)
			close(fd);
		ret = npmu_ctl_region_fence(user->ctl, "p", user->region, NULL, NULL);
		MUST(user, may_be(ret), "fence: %s", vm_strerror(ret));
	}
	return NULL;
}

static void *attach_and_detach(void *ctx)
{
	struct user *user = ctx;
	int ret;

	while (!stop && !user->why[0]) {
		ret = npmu_ctl_unit_attach(user->ctl, device.path, NULL, NULL);
		MUST(user, may_be(ret), "attach: %s: %s", vm_strerror(ret),
		     npmu_ctl_error(user->ctl));
		user->stores += !ret;
		ret = npmu_ctl_unit_detach(user->ctl, "p");
		MUST(user, may_be(ret), "detach: %s: %s", vm_strerror(ret),
		     npmu_ctl_error(user->ctl));
	}
	return NULL;
}

static void *change(void *ctx)
{
	struct user *user = ctx;
	int ret;

	while (!stop && !user->why[0]) {
		ret = npmu_ctl_region_create(user->ctl, "p", "new", SIZE, NULL, NULL);
		MUST(user, may_be(ret), "create: %s: %s", vm_strerror(ret),
		     npmu_ctl_error(user->ctl));
		ret = npmu_ctl_region_resize(user->ctl, "p", "new", SIZE / 2, NPMU_CTL_FORCE, NULL);
		MUST(user, may_be(ret), "resize: %s: %s", vm_strerror(ret),
		     npmu_ctl_error(user->ctl));
		ret = npmu_ctl_region_delete(user->ctl, "p", "new", NPMU_CTL_FORCE);
		MUST(user, may_be(ret), "delete: %s: %s", vm_strerror(ret),
		     npmu_ctl_error(user->ctl));
	}
	return NULL;
}

static void start(struct user *user, void *(*fn)(void *ctx))
{
	user->why[0] = 0;
	EXPECT(npmu_ctl_open(&user->ctl, NULL), 0);
	EXPECT(pthread_create(&user->thread, NULL, fn, user), 0);
}

static void finish(struct user *user)
{
	pthread_join(user->thread, NULL);
	npmu_ctl_close(user->ctl);
	CHECK(!user->why[0], "%s: %s", user->region, user->why);
}

static int make_unit(void)
{
	unsigned int i;
	int ret;

	ret = device_of(&device, NULL) ?: vm_pmem(NULL, "p", 8);
	for (i = 0; i < USERS && !ret; i++) {
		memset(&users[i], 0, sizeof(users[i]));
		snprintf(users[i].region, sizeof(users[i].region), "r%u", i);
		ret = vm_region("p", users[i].region, SIZE);
	}
	stop = false;
	return ret;
}

/* The device is gone and here again; the unit is whoever's who attaches it. */
static void take_and_give_back(void)
{
	EXPECT(device_unbind(&device), 0);
	EXPECT(device_bind(&device), 0);
}

static void check_counts(void)
{
	uint64_t value;
	unsigned int i, k;
	int fd;

	for (i = 0; i < USERS; i++) {
		fd = vm_open("p", users[i].region, O_RDONLY);
		CHECK(fd >= 0, "%s: %s", users[i].region, vm_strerror(fd));
		for (k = 0; k < 8 && fd >= 0; k++) {
			EXPECT(vm_pread(fd, &value, 8, k * STRIDE * 8), 8);
			CHECK(value == users[i].durable || value == users[i].durable + 1,
			      "%s: %lu, %lu was durable", users[i].region, value,
			      users[i].durable);
		}
		close(fd);
	}
}

static void unbind__under_users_is_sigbus_and_loses_nothing(void)
{
	unsigned long rounds = vm_times(5, 300), round, i;
	struct npmu_unit_info unit;
	unsigned long before[USERS];
	struct user changer = { .region = "new" };

	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	REQUIRE(!make_unit(), "%s", vm_why());
	for (i = 0; i < USERS; i++)
		start(&users[i], use);
	start(&changer, change);
	for (round = 0; round < rounds && !tap_failures; round++) {
		for (i = 0; i < USERS; i++) {
			before[i] = users[i].stores;
			CHECK(VM_UNTIL(users[i].stores > before[i] + 64 || users[i].why[0], 60000),
			      "round %lu: %s gets nowhere", round, users[i].region);
			before[i] = users[i].signals;
		}
		vm_sleep_ms(round * 7 % 20);
		EXPECT(device_unbind(&device), 0);
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(unit.gone, "round %lu: the unit is not gone", round);
		REFUSED(vm_region("p", "late", SIZE), -ENODEV);
		for (i = 0; i < USERS && !tap_failures; i++)
			CHECK(VM_UNTIL(users[i].signals > before[i] || users[i].why[0], 60000),
			      "round %lu: %s meets no signal", round, users[i].region);
		EXPECT(vm_detach("p"), 0);
		EXPECT(device_bind(&device), 0);
		EXPECT(vm_attach(NULL, NULL), 0);
		EXPECT(vm_unit("p", &unit), 0);
		CHECK(!unit.gone && !unit.unsound_regions && unit.regions >= USERS,
		      "round %lu: gone %u, %u unsound of %u", round, unit.gone,
		      unit.unsound_regions, unit.regions);
	}
	stop = true;
	for (i = 0; i < USERS; i++)
		finish(&users[i]);
	finish(&changer);
	check_counts();
	EXPECT(vm_drop("p"), 0);
}

static void unbind__races_with_attach_and_detach(void)
{
	unsigned long rounds = vm_times(12, 600), round;
	struct npmu_unit_info unit;
	struct user attachers[2] = { { .region = "one" }, { .region = "two" } };
	unsigned int i;

	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	REQUIRE(!make_unit(), "%s", vm_why());
	for (i = 0; i < 2; i++)
		start(&attachers[i], attach_and_detach);
	for (round = 0; round < rounds && !tap_failures; round++) {
		vm_sleep_ms(round * 3 % 16);
		take_and_give_back();
	}
	CHECK(VM_UNTIL(attachers[0].stores + attachers[1].stores > 0, 60000), "no attach came through");
	stop = true;
	for (i = 0; i < 2; i++)
		finish(&attachers[i]);
	vm_detach("p");
	EXPECT(vm_attach(NULL, NULL), 0);
	EXPECT(vm_unit("p", &unit), 0);
	CHECK(unit.regions == USERS && !unit.unsound_regions, "%u regions, %u unsound",
	      unit.regions, unit.unsound_regions);
	check_counts();
	EXPECT(vm_drop("p"), 0);
}

int main(void)
{
	VM_RUN(unbind__under_users_is_sigbus_and_loses_nothing);
	VM_RUN(unbind__races_with_attach_and_detach);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Kick, wait and poll: who is woken, when and by what.
 */
#include <poll.h>
#include <sys/prctl.h>

#include "vmtest.h"

#define SIZE	(64 * KIB)
#define RW	(PROT_READ | PROT_WRITE)
#define MS	1000000ULL

static int w = -1, r = -1;

static int up(void)
{
	int ret = vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);

	if (ret)
		return ret;
	w = vm_open("t", "r", O_RDWR);
	r = vm_open("t", "r", O_RDONLY);
	return w < 0 || r < 0 ? -EBADF : 0;
}

static void down(void)
{
	close(w);
	close(r);
	EXPECT(vm_drop("t"), 0);
}

static int polled(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	return poll(&p, 1, 0) < 0 ? -errno : p.revents;
}

static int role_seen(int fd)
{
	struct npmu_ioc_info info;

	return vm_info(fd, &info);
}

static void wait__compare_answers_at_once(void)
{
	uint64_t value = 7;
	uint32_t events;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_pwrite(w, &value, 8, 64), 8);
	EXPECT(role_seen(r), 0);
	EXPECT(vm_wait(r, NPMU_WAIT_F_COMPARE, 64, 6, UINT64_MAX, &events), 0);
	CHECK(events == NPMU_WAIT_CHANGED, "events %#x", events);
	EXPECT(vm_wait(r, NPMU_WAIT_F_COMPARE, 64, 7, 20 * MS, &events), -ETIMEDOUT);
	EXPECT(vm_wait(r, 0, 0, 0, 0, &events), -ETIMEDOUT);
	EXPECT(vm_wait(r, NPMU_WAIT_F_COMPARE, SIZE - 8, 0, 0, &events), -ETIMEDOUT);
	down();
}

static void wait__checks_its_offset(void)
{
	static const uint64_t bad[] = {
		1, 4, 7, SIZE - 4, SIZE, SIZE + 8, 1ULL << 62, 1ULL << 63, UINT64_MAX - 7,
		UINT64_MAX,
	};
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		EXPECT(vm_wait(r, NPMU_WAIT_F_COMPARE, bad[i], 0, 0, NULL), -EINVAL);
	/* Without COMPARE nothing is looked at. */
	EXPECT(vm_wait(r, 0, 1, 0, 0, NULL), -ETIMEDOUT);
	down();
}

static void wait__arm_returns_at_once(void)
{
	const volatile struct npmu_status *status;
	uint32_t events = 9;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(role_seen(r), 0);
	status = vm_status(w);
	REQUIRE(status, "%m");
	CHECK(!status->kick_wanted, "a kick is wanted by nobody");
	EXPECT(vm_wait(r, NPMU_WAIT_F_ARM, 0, 0, UINT64_MAX, &events), 0);
	CHECK(!events, "events %#x", events);
	CHECK(status->kick_wanted, "no kick is wanted");
	EXPECT(vm_kick(w), 0);
	CHECK(!status->kick_wanted && status->kicks == 1, "wanted %u, %lu kicks",
	      status->kick_wanted, (long)status->kicks);
	EXPECT(vm_wait(r, NPMU_WAIT_F_ARM, 0, 0, UINT64_MAX, &events), 0);
	CHECK(events == NPMU_WAIT_KICKED, "events %#x", events);
	/* Seen now. */
	EXPECT(vm_wait(r, NPMU_WAIT_F_ARM, 0, 0, UINT64_MAX, &events), 0);
	CHECK(!events, "events %#x", events);
	munmap((void *)status, 4096);
	down();
}

static void kick__is_the_writers(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_kick(r), -EPERM);
	EXPECT(vm_kick(w), -EPERM);
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(vm_kick(w), 0);
	EXPECT(vm_kick(r), -EPERM);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(vm_kick(w), -ESTALE);
	down();
}

static int wait_for_ever(void *ctx)
{
	uint32_t events = 0;
	int ret = vm_wait(*(int *)ctx, 0, 0, 0, UINT64_MAX, &events);

	return ret ? -ret : (int)(128 + events);
}

/* Sleeping in a system call: "S" in its state. */
static bool asleep(pid_t pid)
{
	char path[64], state = 0;
	FILE *f;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	f = fopen(path, "r");
	if (!f)
		return false;
	if (fscanf(f, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(f);
	return state == 'S';
}

static pid_t sleeper(void)
{
	pid_t pid = vm_child(wait_for_ever, &r);

	vm_sleep_ms(20);
	return VM_UNTIL(asleep(pid), 5000) ? pid : -1;
}

static void wait__is_woken_by_a_kick(void)
{
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(role_seen(r), 0);
	pid = sleeper();
	EXPECT(vm_kick(w), 0);
	EXPECT(vm_reap(pid, 5000), 128 + NPMU_WAIT_KICKED);
	down();
}

static void wait__is_woken_by_a_change_of_the_role(void)
{
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(role_seen(r), 0);
	pid = sleeper();
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(vm_reap(pid, 5000), 128 + NPMU_WAIT_ROLE);
	EXPECT(role_seen(r), 0);
	pid = sleeper();
	EXPECT(vm_resign(w), 0);
	EXPECT(vm_reap(pid, 5000), 128 + NPMU_WAIT_ROLE);
	EXPECT(role_seen(r), 0);
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(role_seen(r), 0);
	pid = sleeper();
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(vm_reap(pid, 5000), 128 + NPMU_WAIT_ROLE);
	down();
}

static void wait__is_woken_by_its_own_end(void)
{
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(role_seen(r), 0);
	pid = sleeper();
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(vm_reap(pid, 5000), ESTALE);
	down();
}

static void nothing(int sig)
{
	(void)sig;
}

static int wait_for_signal(void *ctx)
{
	struct sigaction sa = { .sa_handler = nothing };

	sigaction(SIGUSR1, &sa, NULL);
	return wait_for_ever(ctx);
}

static void wait__is_interrupted_by_a_signal(void)
{
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	pid = vm_child(wait_for_signal, &r);
	vm_sleep_ms(50);
	CHECK(VM_UNTIL(asleep(pid), 5000), "it does not sleep");
	kill(pid, SIGUSR1);
	EXPECT(vm_reap(pid, 5000), EINTR);
	down();
}

static void poll__shows_kicks_roles_and_death(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(role_seen(r), 0);
	EXPECT(polled(r), 0);
	EXPECT(vm_claim(w, NULL), 0);
	EXPECT(polled(r), POLLPRI);
	EXPECT(role_seen(r), 0);
	EXPECT(polled(r), 0);
	EXPECT(vm_kick(w), 0);
	EXPECT(polled(r), POLLIN);
	EXPECT(vm_wait(r, NPMU_WAIT_F_ARM, 0, 0, 0, NULL), 0);
	EXPECT(polled(r), 0);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(polled(w) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	EXPECT(polled(r), POLLPRI);
	EXPECT(role_seen(r), 0);
	EXPECT(polled(r), 0);
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(polled(r) & (POLLERR | POLLHUP), POLLERR | POLLHUP);
	down();
}

static int poll_for_ever(void *ctx)
{
	struct pollfd p = { .fd = *(int *)ctx, .events = POLLIN };

	return poll(&p, 1, vm_patience(20000)) == 1 && p.revents == POLLIN ? 0 : 1;
}

static void poll__wants_a_kick_and_gets_it(void)
{
	const volatile struct npmu_status *status;
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(w, NULL), 0);
	status = vm_status(w);
	REQUIRE(status, "%m");
	pid = vm_child(poll_for_ever, &r);
	CHECK(VM_UNTIL(status->kick_wanted, 5000), "poll wants no kick");
	EXPECT(vm_kick(w), 0);
	EXPECT(vm_reap(pid, 5000), 0);
	munmap((void *)status, 4096);
	down();
}

struct race {
	volatile uint64_t seen;		/* last value the reader found */
	uint64_t rounds;
};

static struct race *race;

/* Reads each value that the writer commits, sleeping for it. */
static int race_reader(void *ctx)
{
	const volatile uint64_t *cell;
	uint64_t last = 0;
	int fd, ret;

	(void)ctx;
	fd = vm_open("t", "r", O_RDONLY);
	cell = vm_map(fd, 0, 4096, PROT_READ);
	if (!cell)
		return 1;
	while (last < race->rounds) {
		role_seen(fd);
		ret = vm_wait(fd, NPMU_WAIT_F_COMPARE, 0, last, vm_patience(20000) * MS, NULL);
		if (ret) {
			fprintf(stderr, "# reader after %lu: %s\n", last, vm_strerror(ret));
			return 2;
		}
		last = *cell;
		race->seen = last;
	}
	return 0;
}

static void wait__never_loses_a_commit(void)
{
	const volatile struct npmu_status *status;
	volatile uint64_t *cell;
	uint64_t i, kicks = 0, random = 1;
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	race = mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	race->rounds = vm_times(3000, 100000);
	cell = vm_map(w, 0, 4096, RW);
	status = vm_status(w);
	REQUIRE(cell && status, "%m");
	pid = vm_child(race_reader, NULL);
	for (i = 1; i <= race->rounds; i++) {
		volatile unsigned int spin = tap_random(&random) % 2000;

		/* Commit at every point of the reader's way to sleep. */
		while (spin)
			spin--;
		*cell = i;
		__sync_synchronize();
		if (status->kick_wanted) {
			kicks++;
			if (vm_kick(w))
				break;
		}
		if (!VM_UNTIL(race->seen == i, 30000))
			break;
	}
	CHECK(i > race->rounds, "the reader missed commit %lu of %lu: %s", i, race->rounds,
	      status->kick_wanted ? "a kick was wanted" : "no kick was wanted");
	EXPECT(vm_reap(pid, 30000), 0);
	CHECK(kicks > race->rounds / 10, "only %lu kicks: the race was not run", kicks);
	printf("# %lu commits, %lu kicks\n", race->rounds, kicks);
	munmap((void *)cell, 4096);
	munmap((void *)status, 4096);
	munmap(race, 4096);
	down();
}

int main(void)
{
	VM_RUN(wait__compare_answers_at_once);
	VM_RUN(wait__checks_its_offset);
	VM_RUN(wait__arm_returns_at_once);
	VM_RUN(kick__is_the_writers);
	VM_RUN(wait__is_woken_by_a_kick);
	VM_RUN(wait__is_woken_by_a_change_of_the_role);
	VM_RUN(wait__is_woken_by_its_own_end);
	VM_RUN(wait__is_interrupted_by_a_signal);
	VM_RUN(poll__shows_kicks_roles_and_death);
	VM_RUN(poll__wants_a_kick_and_gets_it);
	VM_RUN(wait__never_loses_a_commit);
	return vm_end();
}

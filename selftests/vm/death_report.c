// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How soon the death of a writer is reported, beside what the system itself can
 * do: the wake-up of a poll on a reader's open, against that of a poll on a pidfd
 * of the same process at the same kill. Two threads wait, each for one of them.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/syscall.h>

#include "death_writer.h"
#include "vmunit.h"

#define SIZE	(64 * MIB)
#define UNIT	"report"
#define MAX	200

struct waiter {
	pthread_t thread;
	struct pollfd pfd;
	uint64_t woken;
};

static void *wait_for_it(void *arg)
{
	struct waiter *w = arg;

	if (poll(&w->pfd, 1, vm_patience(20000)) == 1)
		w->woken = vm_now_ns();
	return NULL;
}

/* One kill. Return: 0, and how long each took. */
static bool one_kill(int reader, bool role_first, uint64_t *role_ns, uint64_t *pid_ns)
{
	struct death_writer w = { .unit = UNIT, .region = "r", .size = SIZE };
	struct npmu_ioc_info info;
	struct waiter role = { .pfd = { reader, POLLPRI, 0 } };
	struct waiter pid = { .pfd = { -1, POLLIN, 0 } };
	uint64_t start;
	bool ok;

	if (!CHECK(!death_start(&w), "no writer"))
		return false;
	pid.pfd.fd = syscall(SYS_pidfd_open, w.pid, 0);
	ok = CHECK(pid.pfd.fd >= 0, "pidfd: %s", strerror(errno));
	EXPECT(vm_info(reader, &info), 0);
	CHECK(info.writer_pid == (uint32_t)w.pid, "writer %u, not %d", info.writer_pid, w.pid);
	pthread_create(&(role_first ? &role : &pid)->thread, NULL, wait_for_it,
		       role_first ? &role : &pid);
	pthread_create(&(role_first ? &pid : &role)->thread, NULL, wait_for_it,
		       role_first ? &pid : &role);
	/* Both sleep. */
	vm_sleep_ms(5);
	start = vm_now_ns();
	kill(w.pid, SIGKILL);
	pthread_join(role.thread, NULL);
	pthread_join(pid.thread, NULL);
	ok = ok && CHECK(role.woken && pid.woken, "not told: role %d, pidfd %d", !!role.woken,
			 !!pid.woken);
	EXPECT(vm_info(reader, &info), 0);
	CHECK(!info.writer_id, "the role is held by %llu", (unsigned long long)info.writer_id);
	*role_ns = role.woken - start;
	*pid_ns = pid.woken - start;
	close(pid.pfd.fd);
	EXPECT(death_end(&w), 256 + SIGKILL);
	return ok;
}

static void death__reported_no_later_than_half_again_pidfd(void)
{
	static uint64_t role_ns[MAX], pid_ns[MAX];
	unsigned long n = vm_times(50, MAX);
	uint64_t role, pid;
	unsigned long i;
	int reader = vm_open(UNIT, "r", O_RDONLY);

	for (i = 0; i < n; i++)
		if (!one_kill(reader, i % 2, &role_ns[i], &pid_ns[i]))
			break;
	REQUIRE(i == n, "%lu of %lu kills", i, n);
	role = vm_median(role_ns, n);
	pid = vm_median(pid_ns, n);
	printf("# median of %lu kills: poll %llu us, pidfd %llu us; p99 %llu and %llu us\n", n,
	       (unsigned long long)role / 1000, (unsigned long long)pid / 1000,
	       (unsigned long long)role_ns[n * 99 / 100] / 1000,
	       (unsigned long long)pid_ns[n * 99 / 100] / 1000);
	CHECK(role <= pid * 3 / 2, "poll takes %llu us, pidfd %llu us",
	      (unsigned long long)role / 1000, (unsigned long long)pid / 1000);
	close(reader);
}

static void unit__can_be_dropped_soon(void)
{
	CHECK(VM_UNTIL(!vm_drop(UNIT), 5000), "%s", vm_why());
}

int main(void)
{
	vm_one_unit(UNIT, 128 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(death__reported_no_later_than_half_again_pidfd);
	VM_RUN(unit__can_be_dropped_soon);
	return vm_end();
}

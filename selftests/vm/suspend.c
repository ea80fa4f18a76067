// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A suspend of the machine, up to where its devices would stop (pm_test; the guest's own
 * root would not come back): the writer is the writer afterwards, stores go on in its
 * mapping, and who waits for a commit is still waiting for it, and gets it.
 */
#define _GNU_SOURCE
#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(2 * MIB)
#define PM	"/sys/power/"

/* In memory that both sides of the test share. */
struct shared {
	volatile uint64_t durable;
	volatile bool stop;
};

static int put(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* Stores and persists until it is told to stop: a process, so that it is frozen. */
static int writer(void *ctx)
{
	struct shared *shared = ctx;
	int fd = vm_open("s", "r", O_RDWR);
	uint64_t *map = vm_map(fd, 0, SIZE, RW);
	uint64_t n;

	if (!map || vm_claim(fd, NULL))
		return 1;
	for (n = 1; !shared->stop; n++) {
		if (vm_store(map, n) || vm_store(map + SIZE / 8 - 1, n))
			return 2;
		if (fsync(fd))
			return 3;
		shared->durable = n;
	}
	return 0;
}

/* Sleeps in the kernel the whole time. */
static int sleeper(void *ctx)
{
	int fd = vm_open("s", "quiet", O_RDONLY);
	struct npmu_ioc_info info;
	uint32_t events = 0;
	int ret;

	(void)ctx;
	/* Of the writer there is he knows. */
	if (vm_info(fd, &info))
		return 1;
	/* It is frozen as by a signal, which ends a system call. */
	do
		ret = vm_wait(fd, 0, 0, 0, UINT64_MAX, &events);
	while (ret == -EINTR);
	return ret || !(events & NPMU_WAIT_KICKED);
}

static bool lives(pid_t pid)
{
	return !waitpid(pid, NULL, WNOHANG);
}

static void suspend__of_processes_keeps_the_writer(void)
{
	struct npmu_region_info before, after;
	struct npmu_unit_info unit;
	struct shared *shared;
	uint64_t *quiet, seen;
	pid_t pid, waiting;
	int fd, ret;

	if (access(PM "pm_test", W_OK) || access(PM "state", W_OK))
		SKIP("the kernel has no " PM "pm_test");
	if (put(PM "pm_test", "freezer"))
		SKIP("the kernel has no test of that level");
	put("/sys/module/suspend/parameters/pm_test_delay", "1");
	shared = mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	REQUIRE(!vm_pmem(NULL, "s", 8), "%s", vm_why());
	EXPECT(vm_region("s", "r", SIZE), 0);
	EXPECT(vm_region("s", "quiet", SIZE), 0);
	pid = vm_child(writer, shared);
	fd = vm_open("s", "quiet", O_RDWR);
	quiet = vm_map(fd, 0, SIZE, RW);
	EXPECT(vm_store(quiet, 0), 0);
	waiting = vm_child(sleeper, NULL);
	CHECK(VM_UNTIL(shared->durable > 10, 60000), "the writer gets nowhere");
	EXPECT(vm_get("s", "r", &before), 0);
	ret = put(PM "state", "freeze");
	CHECK(!ret, "suspend: %s", vm_strerror(ret));
	put(PM "pm_test", "none");
	seen = shared->durable;
	CHECK(VM_UNTIL(shared->durable > seen + 10, 60000), "the writer does not go on");
	EXPECT(vm_get("s", "r", &after), 0);
	CHECK(after.fence_epoch == before.fence_epoch && after.writer_pid == (uint32_t)pid,
	      "epoch %lu, was %lu; writer %u, was %d", after.fence_epoch, before.fence_epoch,
	      after.writer_pid, pid);
	EXPECT(vm_unit("s", &unit), 0);
	CHECK(!unit.gone && !unit.unsound_regions && !unit.bad, "gone %u, unsound %u, bad %lu",
	      unit.gone, unit.unsound_regions, unit.bad);
	/* Not woken by the suspend, but by this. */
	CHECK(lives(waiting), "who waits was woken");
	EXPECT(vm_store(quiet, 1), 0);
	EXPECT(vm_kick(fd), 0);
	EXPECT(vm_reap(waiting, 60000), 0);
	shared->stop = true;
	EXPECT(vm_reap(pid, 60000), 0);
	munmap(quiet, SIZE);
	close(fd);
	/* It is on the media. */
	EXPECT(vm_detach("s"), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	fd = vm_open("s", "r", O_RDONLY);
	EXPECT(vm_pread(fd, &seen, 8, SIZE - 8), 8);
	CHECK(seen >= shared->durable, "%lu, %lu was durable", seen, shared->durable);
	close(fd);
	munmap(shared, 4096);
	EXPECT(vm_drop("s"), 0);
}

int main(void)
{
	VM_RUN(suspend__of_processes_keeps_the_writer);
	return vm_end();
}

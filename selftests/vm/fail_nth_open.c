// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation of what is done with a region's device: open, close, each
 * request, read and write, mmap and the faults after it, poll, fork, the death of the
 * writer.
 */
#define _GNU_SOURCE
#include <poll.h>
#include <sys/epoll.h>

#include "nth.h"

#define RW	(PROT_READ | PROT_WRITE)

static int fd = -1, other = -1;
static char *map;
static size_t map_len;

/* All that a test may have made. */
static int clear(void)
{
	if (map)
		munmap(map, map_len);
	if (fd >= 0)
		close(fd);
	if (other >= 0)
		close(other);
	map = NULL;
	fd = -1;
	other = -1;
	return 0;
}

static int result(long long ret)
{
	return ret < 0 ? -errno : 0;
}

/* --- open and close --- */

static int act_open(void)
{
	fd = NTH(open("/dev/npmu/" NTH_UNIT "/r", O_RDWR | O_CLOEXEC));
	return result(fd);
}

static int act_open_read(void)
{
	fd = NTH(open("/dev/npmu/" NTH_UNIT "/r", O_RDONLY | O_CLOEXEC));
	return result(fd);
}

static int opened(void)
{
	return fd = vm_open(NTH_UNIT, "r", O_RDWR);
}

static int opened_read(void)
{
	return fd = vm_open(NTH_UNIT, "r", O_RDONLY);
}

static int writing(void)
{
	return opened() < 0 ? fd : vm_sink(fd) ?: vm_claim(fd, NULL);
}

/* Far from everything else, so that a fault needs every level of page tables. */
#define FAR	((void *)0x200000000000UL)

static int mapped(size_t len, int prot, uint64_t offset)
{
	void *addr = mmap(FAR, len, prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd, offset);

	map_len = len;
	map = addr == MAP_FAILED ? NULL : addr;
	return map ? 0 : -errno;
}

static int act_close(void)
{
	int ret = result(NTH(close(fd)));

	fd = -1;
	return ret;
}

static void nth__open(void)
{
	SWEEP("open to write", NULL, act_open, clear, 0);
	SWEEP_TOO("open to read", NULL, act_open_read, clear, 0);
	SWEEP("close of the writer", writing, act_close, clear, NTH_NEVER_FAILS | NTH_MAY_NOT_HIT);
	SWEEP("close", opened, act_close, clear, NTH_NEVER_FAILS | NTH_MAY_NOT_HIT);
}

/* --- requests --- */

static int act_info(void)
{
	struct npmu_ioc_info info;

	return NTH(vm_info(fd, &info));
}

static int act_persist(void)
{
	return NTH(vm_persist(fd, 0, 8192));
}

static int act_claim(void)
{
	return NTH(vm_claim(fd, NULL));
}

static uint64_t expected;

/* @fd wants what @other has. */
static int contended(void)
{
	int ret;

	other = vm_open(NTH_UNIT, "r", O_RDWR);
	ret = other < 0 ? other : vm_claim(other, &expected);
	return ret ?: opened();
}

static int act_takeover(void)
{
	return NTH(vm_takeover(fd, expected, NULL));
}

static int act_resign(void)
{
	return NTH(vm_resign(fd));
}

static int act_kick(void)
{
	return NTH(vm_kick(fd));
}

static int kicked(void)
{
	int ret = writing();

	other = vm_open(NTH_UNIT, "r", O_RDONLY);
	return ret ?: other < 0 ? other : vm_kick(fd);
}

static int act_wait(void)
{
	return NTH(vm_wait(other, 0, 0, 0, 1000000000, NULL));
}

static int act_arm(void)
{
	return NTH(vm_wait(other, NPMU_WAIT_F_ARM | NPMU_WAIT_F_COMPARE, 0, 0, 0, NULL));
}

static int act_sink(void)
{
	return NTH(vm_sink(fd));
}

static void nth__requests(void)
{
	SWEEP("INFO", opened, act_info, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("PERSIST", opened, act_persist, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("CLAIM", opened, act_claim, clear, NTH_LATE_FAULT);
	SWEEP("TAKEOVER", contended, act_takeover, clear, NTH_LATE_FAULT);
	SWEEP("RESIGN", writing, act_resign, clear, NTH_LATE_FAULT | NTH_NEVER_FAILS);
	SWEEP("KICK", writing, act_kick, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("WAIT", kicked, act_wait, clear, NTH_NO_TRACE);
	SWEEP_TOO("WAIT to arm", kicked, act_arm, clear, NTH_NO_TRACE);
	SWEEP("SINK", opened, act_sink, clear, NTH_NO_TRACE);
}

/* --- read, write, fsync, poll --- */

static char bytes[128 * KIB];

static int act_read(void)
{
	ssize_t n = NTH(pread(fd, bytes, sizeof(bytes), 0));

	/* Some of it is an answer, too. */
	return result(n);
}

static int act_write(void)
{
	return result(NTH(pwrite(fd, bytes, 8192, 4096)));
}

static int act_fsync(void)
{
	return result(NTH(fsync(fd)));
}

static int act_poll(void)
{
	struct pollfd p = { .fd = fd, .events = POLLIN | POLLPRI };

	return result(NTH(poll(&p, 1, 0)));
}

static int act_epoll(void)
{
	struct epoll_event event = { .events = EPOLLIN };
	int set = epoll_create1(EPOLL_CLOEXEC);
	int ret = result(NTH(epoll_ctl(set, EPOLL_CTL_ADD, fd, &event)));

	close(set);
	return ret;
}

static void nth__io(void)
{
	SWEEP("read", opened, act_read, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("write", opened, act_write, clear, 0);
	SWEEP("fsync", opened, act_fsync, clear,
	      NTH_NO_TRACE | NTH_STAYS | NTH_MAY_NOT_HIT);
	SWEEP("poll", opened, act_poll, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("epoll", opened, act_epoll, clear, NTH_NO_TRACE | NTH_STAYS);
}

/* --- mappings --- */

static int mapping(int prot, uint64_t offset, size_t len)
{
	map_len = len;
	map = NULL;
	return NTH(mapped(len, prot, offset));
}

static int act_map(void)
{
	return mapping(RW, 0, 2 * MIB);
}

static int act_map_read(void)
{
	return mapping(PROT_READ, 4096, 4096);
}

static int act_map_status(void)
{
	return mapping(PROT_READ, NPMU_STATUS_OFFSET, NPMU_STATUS_SIZE);
}

static int unmapped_writer(void)
{
	return writing() ?: mapped(4096, RW, 0);
}

static int act_unmap(void)
{
	int ret = result(NTH(munmap(map, map_len)));

	if (!ret)
		map = NULL;
	return ret;
}

/* The kernel asks again for a fault that found no memory: the touch must succeed. */
static int touch(int sig)
{
	return sig ? -EIO : 0;
}

static int act_store(void)
{
	return touch(NTH(vm_store((void *)map, 1)));
}

static int act_load(void)
{
	return touch(NTH(vm_load((void *)map, NULL)));
}

static int to_store_huge(void)
{
	return opened() < 0 ? fd : mapped(2 * MIB, RW, 0);
}

static int to_store_small(void)
{
	return opened() < 0 ? fd : mapped(4096, RW, 4096);
}

static int to_load(void)
{
	return opened_read() < 0 ? fd : mapped(8192, PROT_READ, 0);
}

static int to_load_status(void)
{
	return opened_read() < 0 ? fd : mapped(NPMU_STATUS_SIZE, PROT_READ, NPMU_STATUS_OFFSET);
}

/* A touch after the fence meets the sink. */
static int to_meet_sink(void)
{
	return writing() ?: mapped(2 * MIB, RW, 0) ?: vm_store((void *)map, 1) ?:
	       vm_fence(NTH_UNIT, "r");
}

static void nth__mappings(void)
{
	SWEEP("mmap to write", opened, act_map, clear, 0);
	SWEEP_TOO("mmap to read", opened_read, act_map_read, clear, NTH_NO_TRACE);
	SWEEP("mmap of the status page", opened_read, act_map_status, clear, NTH_NO_TRACE);
	SWEEP("munmap", unmapped_writer, act_unmap, clear, NTH_NO_TRACE);
}

static void nth__faults(void)
{
	SWEEP("fault, store, 2 MiB", to_store_huge, act_store, clear, NTH_NO_TRACE);
	SWEEP("fault, store, 4 KiB", to_store_small, act_store, clear, NTH_NO_TRACE);
	SWEEP_TOO("fault, load", to_load, act_load, clear, NTH_NO_TRACE);
	SWEEP("fault, status page", to_load_status, act_load, clear, NTH_NO_TRACE);
	SWEEP("fault, sink", to_meet_sink, act_store, clear, NTH_NO_TRACE);
}

/* --- processes --- */

static int act_fork(void)
{
	pid_t pid = NTH(fork());

	if (!pid)
		_exit(*(volatile char *)map == 1 ? 0 : 1);
	if (pid < 0)
		return -errno;
	return vm_reap(pid, 60000) ? -EIO : 0;
}

static int to_fork(void)
{
	return to_store_huge() ?: vm_store((void *)map, 1);
}

static int pipe_to_child[2], pipe_from_child[2];
static pid_t child;

static int claim_and_wait(void *ctx)
{
	char text[16] = "";
	int fail_nth = open("/proc/thread-self/fail-nth", O_RDWR | O_CLOEXEC);
	int mine = vm_open(NTH_UNIT, "r", O_RDWR);
	uint64_t *at;

	(void)ctx;
	if (mine < 0 || vm_claim(mine, NULL))
		return 1;
	at = vm_map(mine, 0, 4096, RW);
	if (!at || vm_store(at, 1) || write(pipe_from_child[1], "x", 1) != 1)
		return 1;
	if (read(pipe_to_child[0], text, sizeof(text) - 1) <= 0)
		return 1;
	if (text[0] != '0' && pwrite(fail_nth, text, strlen(text), 0) < 0)
		return 1;
	_exit(0);
}

static int living(void)
{
	char x;

	if (pipe2(pipe_to_child, O_CLOEXEC) || pipe2(pipe_from_child, O_CLOEXEC))
		return -errno;
	child = vm_child(claim_and_wait, NULL);
	return child < 0 ? child : read(pipe_from_child[0], &x, 1) == 1 ? 0 : -EIO;
}

/* A dead process that nobody waited for still tells whether it met the failure. */
static int act_death(void)
{
	char path[64], text[16];
	siginfo_t info;
	int at;

	snprintf(text, sizeof(text), "%u", nth_now);
	if (write(pipe_to_child[1], text, strlen(text)) < 0)
		return -errno;
	waitid(P_PID, child, &info, WEXITED | WNOWAIT);
	snprintf(path, sizeof(path), "/proc/%d/task/%d/fail-nth", child, child);
	at = open(path, O_RDONLY | O_CLOEXEC);
	nth_hit = nth_now && nth_has_hit(at);
	close(at);
	return vm_reap(child, 60000) ? -EIO : 0;
}

static int buried(void)
{
	close(pipe_to_child[0]);
	close(pipe_to_child[1]);
	close(pipe_from_child[0]);
	close(pipe_from_child[1]);
	return 0;
}

static void nth__processes(void)
{
	SWEEP("fork", to_fork, act_fork, clear, NTH_NO_TRACE | NTH_STAYS);
	SWEEP("death of the writer", living, act_death, buried, NTH_NEVER_FAILS);
}

static int up(void)
{
	return vm_dram(NTH_UNIT, 16 * MIB) ?: vm_region(NTH_UNIT, "r", 2 * MIB);
}

int main(void)
{
	int ret = nth_begin(up);

	if (ret)
		return ret;
	VM_RUN(nth__open);
	VM_RUN(nth__requests);
	VM_RUN(nth__io);
	VM_RUN(nth__mappings);
	VM_RUN(nth__faults);
	VM_RUN(nth__processes);
	vm_drop(NTH_UNIT);
	return vm_end();
}

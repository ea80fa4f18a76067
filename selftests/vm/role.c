// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writer role as npmu_ioctl.h has it: claim, resign, takeover, sink. That a
 * fence lets nothing through is tested in fence_*.c.
 */
#include "vmtest.h"

#define SIZE	(64 * KIB)
#define RW	(PROT_READ | PROT_WRITE)

static int a = -1, b = -1, rd = -1;

static int up(void)
{
	int ret = vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);

	if (ret)
		return ret;
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDWR);
	rd = vm_open("t", "r", O_RDONLY);
	return a < 0 || b < 0 || rd < 0 ? -EBADF : 0;
}

static void down(void)
{
	close(a);
	close(b);
	close(rd);
	EXPECT(vm_drop("t"), 0);
}

static uint64_t epoch_of(int fd)
{
	struct npmu_ioc_info info;

	return vm_info(fd, &info) ? UINT64_MAX : info.fence_epoch;
}

static void claim__is_for_one_at_a_time(void)
{
	struct npmu_ioc_info info;
	uint64_t epoch;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(rd, NULL), -EBADF);
	EXPECT(vm_claim(a, &epoch), 0);
	CHECK(epoch == 1, "the first epoch is %lu", epoch);
	/* Again: the same epoch, nothing changes. */
	EXPECT(vm_claim(a, &epoch), 0);
	CHECK(epoch == 1, "a second claim raised the epoch to %lu", epoch);
	EXPECT(vm_claim(b, NULL), -EBUSY);
	EXPECT(vm_pwrite(b, "x", 1, 0), -EBUSY);
	EXPECT(vm_maperr(b, 0, 4096, RW, MAP_SHARED), -EBUSY);
	EXPECT(vm_maperr(b, 0, 4096, PROT_READ, MAP_SHARED), 0);
	EXPECT(vm_info(b, &info), 0);
	CHECK(info.role == NPMU_ROLE_HELD && info.writer_pid == (uint32_t)getpid() &&
	      info.fence_epoch == 1, "role %u pid %u epoch %llu", info.role, info.writer_pid,
	      info.fence_epoch);
	down();
}

static void claim__is_made_by_writing_and_mapping(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_pwrite(a, "x", 1, 0), 1);
	CHECK(epoch_of(a) == 1, "epoch %lu", epoch_of(a));
	EXPECT(vm_claim(b, NULL), -EBUSY);
	EXPECT(vm_resign(a), 0);
	EXPECT(vm_maperr(b, 0, 4096, RW, MAP_SHARED), 0);
	CHECK(epoch_of(a) == 2, "epoch %lu", epoch_of(a));
	/* Unmapping does not give it up. */
	EXPECT(vm_claim(a, NULL), -EBUSY);
	close(b);
	EXPECT(vm_claim(a, NULL), 0);
	CHECK(epoch_of(a) == 3, "epoch %lu", epoch_of(a));
	b = -1;
	down();
}

static int claim_in_child(void *ctx)
{
	return vm_claim(*(int *)ctx, NULL) == -EBUSY &&
	       vm_pwrite(*(int *)ctx, "y", 1, 0) == -EBUSY &&
	       vm_takeover(*(int *)ctx, 1, NULL) == -EBUSY ? 0 : 1;
}

static void claim__belongs_to_the_process(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(a, NULL), 0);
	EXPECT(vm_reap(vm_child(claim_in_child, &a), 5000), 0);
	EXPECT(vm_claim(a, NULL), 0);
	EXPECT(vm_resign(a), 0);
	/* Resigned, but still bound to this process. */
	EXPECT(vm_reap(vm_child(claim_in_child, &a), 5000), 0);
	down();
}

static int claim_and_exit(void *ctx)
{
	return vm_claim(*(int *)ctx, NULL) ? 1 : 0;
}

static void claim__by_a_child_dies_with_the_child(void)
{
	struct npmu_ioc_info info;
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	/* The file was opened here, and stays open here. */
	pid = vm_child(claim_and_exit, &a);
	EXPECT(vm_reap(pid, 5000), 0);
	EXPECT(vm_info(a, &info), 0);
	CHECK(info.dead && info.role == NPMU_ROLE_VACANT, "dead %u role %u", info.dead, info.role);
	CHECK(info.last_writer_epoch == 1, "last writer epoch %llu", info.last_writer_epoch);
	EXPECT(vm_claim(a, NULL), -ESTALE);
	EXPECT(vm_claim(b, NULL), 0);
	down();
}

static void claim__of_a_read_only_region_is_erofs(void)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_FLAGS, .flags = NPMU_REGION_F_READ_ONLY,
	};

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	EXPECT(vm_claim(a, NULL), -EROFS);
	EXPECT(vm_takeover(a, 0, NULL), -EROFS);
	EXPECT(vm_pwrite(a, "x", 1, 0), -EROFS);
	EXPECT(vm_maperr(a, 0, 4096, RW, MAP_SHARED), -EROFS);
	EXPECT(vm_open("t", "r", O_RDWR), -EROFS);
	EXPECT(vm_maperr(a, 0, 4096, PROT_READ, MAP_SHARED), 0);
	CHECK(epoch_of(a) == 0, "a refused claim raised the epoch");
	params.flags = 0;
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	EXPECT(vm_claim(a, NULL), 0);
	down();
}

static void resign__takes_the_writable_mapping(void)
{
	uint64_t *w, *r;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_resign(a), -EPERM);
	w = vm_map(a, 0, 4096, RW);
	r = vm_map(a, 0, 4096, PROT_READ);
	REQUIRE(w && r, "%m");
	EXPECT(vm_store(w, 1), 0);
	EXPECT(vm_load(r, NULL), 0);
	EXPECT(vm_resign(b), -EPERM);
	EXPECT(vm_resign(a), 0);
	EXPECT(vm_store(w, 2), SIGBUS);
	EXPECT(vm_load(w, NULL), SIGBUS);
	EXPECT(vm_load(r, NULL), 0);
	CHECK(*r == 1, "a store landed after resign");
	EXPECT(vm_resign(a), -EPERM);
	EXPECT(vm_kick(a), -EPERM);
	/* It may come back; the mapping does too. */
	EXPECT(vm_claim(a, NULL), 0);
	CHECK(epoch_of(a) == 2, "epoch %lu", epoch_of(a));
	EXPECT(vm_store(w, 3), 0);
	CHECK(*r == 3, "the mapping did not come back");
	munmap(w, 4096);
	munmap(r, 4096);
	down();
}

static void takeover__replaces_a_live_writer(void)
{
	struct npmu_ioc_info info;
	uint64_t *w, *r, epoch;

	REQUIRE(!up(), "%s", vm_why());
	w = vm_map(a, 0, 4096, RW);
	r = vm_map(rd, 0, 4096, PROT_READ);
	REQUIRE(w && r, "%m");
	*w = 1;
	EXPECT(vm_takeover(rd, 1, NULL), -EBADF);
	EXPECT(vm_takeover(b, 0, &epoch), -ESTALE);
	CHECK(epoch == 1, "told epoch %lu", epoch);
	EXPECT(vm_takeover(b, 2, &epoch), -ESTALE);
	EXPECT(vm_takeover(b, UINT64_MAX, &epoch), -ESTALE);
	EXPECT(vm_store(w, 2), 0);
	EXPECT(vm_takeover(b, 1, &epoch), 0);
	CHECK(epoch == 2, "epoch %lu", epoch);
	EXPECT(vm_store(w, 3), SIGBUS);
	EXPECT(vm_load(w, NULL), SIGBUS);
	EXPECT(vm_load(r, NULL), 0);
	CHECK(*r == 2, "value %lu", *r);
	EXPECT(vm_info(a, &info), 0);
	CHECK(info.dead && info.role == NPMU_ROLE_HELD && info.last_writer_epoch == 1,
	      "dead %u role %u last %llu", info.dead, info.role, info.last_writer_epoch);
	EXPECT(vm_claim(a, NULL), -ESTALE);
	EXPECT(vm_takeover(a, 2, NULL), -ESTALE);
	EXPECT(vm_resign(a), -ESTALE);
	EXPECT(vm_kick(a), -ESTALE);
	EXPECT(vm_sink(a), -ESTALE);
	EXPECT(vm_persist(a, 0, 1), -ESTALE);
	EXPECT(vm_wait(a, NPMU_WAIT_F_ARM, 0, 0, 0, NULL), -ESTALE);
	EXPECT(vm_pwrite(b, "x", 1, 100), 1);
	munmap(w, 4096);
	munmap(r, 4096);
	down();
}

static void takeover__of_an_absent_and_a_dead_writer(void)
{
	uint64_t epoch;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_takeover(a, 0, &epoch), 0);
	CHECK(epoch == 1, "epoch %lu", epoch);
	/* From itself: a new epoch. */
	EXPECT(vm_takeover(a, 0, &epoch), -ESTALE);
	EXPECT(vm_takeover(a, 1, &epoch), 0);
	CHECK(epoch == 2, "epoch %lu", epoch);
	EXPECT(vm_pwrite(a, "x", 1, 0), 1);
	close(a);
	a = -1;
	EXPECT(vm_takeover(b, 1, &epoch), -ESTALE);
	EXPECT(vm_takeover(b, 2, &epoch), 0);
	CHECK(epoch == 3, "epoch %lu", epoch);
	down();
}

static void fence__by_netlink_compares_the_epoch(void)
{
	uint64_t expected = 0;
	struct npmu_region_info info;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(a, NULL), 0);
	REFUSED(npmu_ctl_region_fence(vm_ctl(), "t", "r", &expected, &info), -ESTALE);
	CHECK(epoch_of(a) == 1, "a refused fence raised the epoch");
	EXPECT(vm_claim(a, NULL), 0);
	expected = 1;
	EXPECT(npmu_ctl_region_fence(vm_ctl(), "t", "r", &expected, &info), 0);
	CHECK(info.fence_epoch == 2 && info.role == NPMU_ROLE_VACANT, "epoch %lu role %u",
	      info.fence_epoch, info.role);
	EXPECT(vm_claim(a, NULL), -ESTALE);
	EXPECT(vm_claim(b, NULL), 0);
	CHECK(epoch_of(b) == 3, "epoch %lu", epoch_of(b));
	down();
}

static void epoch__survives_attach(void)
{
	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_claim(a, NULL), 0);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(vm_takeover(b, 2, NULL), 0);
	close(a);
	close(b);
	close(rd);
	a = -1;
	b = -1;
	rd = -1;
	EXPECT(vm_detach("t"), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	a = vm_open("t", "r", O_RDWR);
	CHECK(epoch_of(a) == 3, "epoch %lu after attach", epoch_of(a));
	EXPECT(vm_takeover(a, 2, NULL), -ESTALE);
	EXPECT(vm_claim(a, NULL), 0);
	CHECK(epoch_of(a) == 4, "epoch %lu", epoch_of(a));
	down();
}

static void sink__swallows_touches_of_the_dead(void)
{
	uint64_t *w, *r, value;

	REQUIRE(!up(), "%s", vm_why());
	w = vm_map(a, 0, SIZE, RW);
	r = vm_map(rd, 0, SIZE, PROT_READ);
	REQUIRE(w && r, "%m");
	EXPECT(vm_sink(a), 0);
	EXPECT(vm_sink(a), 0);
	EXPECT(vm_store(w, 1), 0);
	/* After a mere resign there is no sink. */
	EXPECT(vm_resign(a), 0);
	EXPECT(vm_store(w, 2), SIGBUS);
	EXPECT(vm_claim(a, NULL), 0);
	EXPECT(vm_store(w, 3), 0);
	EXPECT(vm_fence("t", "r"), 0);
	EXPECT(vm_store(w, 4), 0);
	EXPECT(vm_store(w + 1024, 5), 0);
	EXPECT(vm_load(w, &value), 0);
	CHECK(value != 3, "the dead mapping still shows the region");
	CHECK(r[0] == 3 && !r[1024], "a store after the fence landed");
	EXPECT(vm_claim(a, NULL), -ESTALE);
	munmap(w, SIZE);
	munmap(r, SIZE);
	down();
}

static void exec__ends_the_writer(void)
{
	struct npmu_ioc_info info;
	pid_t pid;

	REQUIRE(!up(), "%s", vm_why());
	fflush(stdout);
	pid = fork();
	if (!pid) {
		fcntl(a, F_SETFD, 0);
		if (vm_claim(a, NULL))
			_exit(1);
		execl("/bin/sleep", "sleep", "30", NULL);
		_exit(2);
	}
	/* The end is told before those inside are drained; then the role is vacant. */
	CHECK(VM_UNTIL(!vm_info(b, &info) && info.last_writer_epoch &&
		       info.role != NPMU_ROLE_FENCING, 5000), "exec did not end the writer");
	CHECK(info.role == NPMU_ROLE_VACANT && info.fence_epoch == 1, "role %u epoch %llu",
	      info.role, info.fence_epoch);
	EXPECT(vm_claim(b, NULL), 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	down();
}

int main(void)
{
	VM_RUN(claim__is_for_one_at_a_time);
	VM_RUN(claim__is_made_by_writing_and_mapping);
	VM_RUN(claim__belongs_to_the_process);
	VM_RUN(claim__by_a_child_dies_with_the_child);
	VM_RUN(claim__of_a_read_only_region_is_erofs);
	VM_RUN(resign__takes_the_writable_mapping);
	VM_RUN(takeover__replaces_a_live_writer);
	VM_RUN(takeover__of_an_absent_and_a_dead_writer);
	VM_RUN(fence__by_netlink_compares_the_epoch);
	VM_RUN(epoch__survives_attach);
	VM_RUN(sink__swallows_touches_of_the_dead);
	VM_RUN(exec__ends_the_writer);
	return vm_end();
}

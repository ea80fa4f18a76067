// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The writer role, one process and one request at a time: who gets it, what the
 * one who lost it may still do, what poll and the status page say, and what is
 * left of it after the unit was attached again.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "vmtest.h"

#define SIZE	(4 * MIB)
#define UNIT	"take"
#define EPOCH(fd) ({ struct npmu_ioc_info info_; vm_info(fd, &info_) ? 0 : info_.fence_epoch; })

static const volatile struct npmu_status *status_of(int fd)
{
	const volatile struct npmu_status *status = vm_status(fd);

	CHECK(status, "status page: %s", strerror(errno));
	return status;
}

static short events(int fd)
{
	struct pollfd pfd = { fd, POLLIN | POLLPRI, 0 };

	poll(&pfd, 1, 0);
	return pfd.revents;
}

static uint64_t id_of(int fd)
{
	struct npmu_ioc_info info;

	return vm_info(fd, &info) ? 0 : info.entry_id;
}

static void takeover__of_an_absent_writer(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t before = EPOCH(fd);
	uint64_t epoch;

	EXPECT(vm_takeover(fd, before, &epoch), 0);
	CHECK(epoch == before + 1, "epoch %llu after %llu", (unsigned long long)epoch,
	      (unsigned long long)before);
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	close(fd);
}

static void takeover__from_itself_is_a_new_epoch(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t before = EPOCH(fd);
	uint64_t epoch;

	REQUIRE(at, "map: %s", strerror(errno));
	EXPECT(vm_store(at, 1), 0);
	EXPECT(vm_takeover(fd, before, &epoch), 0);
	CHECK(epoch == before + 1, "epoch %llu after %llu", (unsigned long long)epoch,
	      (unsigned long long)before);
	/* Nobody was fenced. */
	EXPECT(vm_store(at, 2), 0);
	EXPECT(vm_takeover(fd, before, &epoch), -ESTALE);
	CHECK(epoch == before + 1, "epoch %llu", (unsigned long long)epoch);
	EXPECT(vm_store(at, 3), 0);
	munmap(at, SIZE);
	close(fd);
}

static void takeover__of_a_live_writer(void)
{
	int old = vm_open(UNIT, "r", O_RDWR);
	int new = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(old, 0, SIZE, PROT_READ | PROT_WRITE);
	const volatile struct npmu_status *status = status_of(new);
	uint64_t epoch = EPOCH(new);

	REQUIRE(at && status, "map: %s", strerror(errno));
	EXPECT(vm_store(at, 0x5151), 0);
	CHECK(status->writer == id_of(old), "writer %llu", (unsigned long long)status->writer);
	EXPECT(vm_claim(new, NULL), -EBUSY);
	EXPECT(vm_takeover(new, epoch, &epoch), 0);
	CHECK(status->writer == id_of(new), "writer %llu", (unsigned long long)status->writer);
	CHECK(status->fence_epoch == epoch, "epoch %llu", (unsigned long long)status->fence_epoch);
	EXPECT(vm_store(at, 1), SIGBUS);
	EXPECT(vm_load(at, NULL), SIGBUS);
	munmap(at, SIZE);
	munmap((void *)status, NPMU_STATUS_SIZE);
	close(old);
	close(new);
}

static void takeover__expecting_another_epoch_changes_nothing(void)
{
	int old = vm_open(UNIT, "r", O_RDWR);
	int new = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(old, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t epoch = EPOCH(new);
	uint64_t got;

	REQUIRE(at, "map: %s", strerror(errno));
	EXPECT(vm_takeover(new, epoch - 1, &got), -ESTALE);
	CHECK(got == epoch, "current epoch %llu, told %llu", (unsigned long long)epoch,
	      (unsigned long long)got);
	EXPECT(vm_takeover(new, epoch + 1, &got), -ESTALE);
	CHECK(got == epoch, "told %llu", (unsigned long long)got);
	EXPECT(vm_store(at, 1), 0);
	CHECK(EPOCH(new) == epoch, "the epoch rose");
	munmap(at, SIZE);
	close(old);
	close(new);
}

static void takeover__needs_an_open_for_writing(void)
{
	int fd = vm_open(UNIT, "r", O_RDONLY);

	EXPECT(vm_takeover(fd, EPOCH(fd), NULL), -EBADF);
	EXPECT(vm_claim(fd, NULL), -EBADF);
	EXPECT(vm_resign(fd), -EPERM);
	close(fd);
}

/* All that the fenced writer asks for is refused, but INFO. */
static void fenced__writer_is_refused_everything_but_info(void)
{
	int old = vm_open(UNIT, "r", O_RDWR);
	int new = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(old, 0, SIZE, PROT_READ | PROT_WRITE);
	const volatile struct npmu_status *status = status_of(old);
	struct npmu_ioc_info info;
	uint64_t epoch;
	char byte;

	REQUIRE(at && status, "map: %s", strerror(errno));
	EXPECT(vm_store(at, 1), 0);
	EXPECT(vm_takeover(new, EPOCH(new), &epoch), 0);
	EXPECT(vm_pwrite(new, "n", 1, 0), 1);

	EXPECT(vm_store(at, 2), SIGBUS);
	EXPECT(vm_pwrite(old, "x", 1, 0), -ESTALE);
	EXPECT(vm_pread(old, &byte, 1, 0), -ESTALE);
	EXPECT(vm_claim(old, NULL), -ESTALE);
	EXPECT(vm_resign(old), -ESTALE);
	EXPECT(vm_kick(old), -ESTALE);
	EXPECT(vm_sink(old), -ESTALE);
	EXPECT(vm_persist(old, 0, 4096), -ESTALE);
	EXPECT(vm_wait(old, 0, 0, 0, 1000000, NULL), -ESTALE);
	EXPECT(fsync(old) ? -errno : 0, -ESTALE);
	EXPECT(vm_maperr(old, 0, SIZE, PROT_READ, MAP_SHARED), -ESTALE);
	EXPECT(vm_maperr(old, 0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED), -ESTALE);
	EXPECT(vm_info(old, &info), 0);
	CHECK(info.dead == 1, "dead %u", info.dead);
	CHECK(info.fence_epoch == epoch, "epoch %llu", (unsigned long long)info.fence_epoch);
	CHECK(info.writer_id == id_of(new), "writer %llu", (unsigned long long)info.writer_id);
	CHECK((events(old) & (POLLERR | POLLHUP)) == (POLLERR | POLLHUP), "events %x",
	      events(old));
	/* The status page stays. */
	CHECK(status->writer == id_of(new), "writer %llu", (unsigned long long)status->writer);
	EXPECT(vm_pread(new, &byte, 1, 0), 1);
	CHECK(byte == 'n', "the successor's byte is %x", byte);
	munmap(at, SIZE);
	munmap((void *)status, NPMU_STATUS_SIZE);
	close(old);
	close(new);
}

/* With -ESTALE there is always the current epoch, on a dead open too. */
static void takeover__by_a_fenced_writer_tells_the_epoch(void)
{
	int old = vm_open(UNIT, "r", O_RDWR);
	uint64_t epoch, got = 0;

	EXPECT(vm_claim(old, &epoch), 0);
	EXPECT(vm_fence(UNIT, "r"), 0);
	EXPECT(vm_takeover(old, epoch, &got), -ESTALE);
	CHECK(got == epoch + 1, "told epoch %llu, current is %llu", (unsigned long long)got,
	      (unsigned long long)epoch + 1);
	close(old);
}

static void fenced__writer_opens_again_and_waits_its_turn(void)
{
	int old = vm_open(UNIT, "r", O_RDWR);
	int new = vm_open(UNIT, "r", O_RDWR);
	int again;

	EXPECT(vm_claim(old, NULL), 0);
	EXPECT(vm_takeover(new, EPOCH(new), NULL), 0);
	close(old);
	again = vm_open(UNIT, "r", O_RDWR);
	EXPECT(vm_claim(again, NULL), -EBUSY);
	EXPECT(vm_pwrite(again, "x", 1, 0), -EBUSY);
	EXPECT(vm_maperr(again, 0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED), -EBUSY);
	EXPECT(vm_maperr(again, 0, SIZE, PROT_READ, MAP_SHARED), 0);
	EXPECT(vm_resign(new), 0);
	EXPECT(vm_claim(again, NULL), 0);
	close(again);
	close(new);
}

static void fence__of_nobody_raises_the_epoch(void)
{
	int fd = vm_open(UNIT, "r", O_RDONLY);
	uint64_t epoch = EPOCH(fd);

	EXPECT(vm_fence(UNIT, "r"), 0);
	CHECK(EPOCH(fd) == epoch + 1, "epoch %llu after %llu", (unsigned long long)EPOCH(fd),
	      (unsigned long long)epoch);
	close(fd);
}

static void fence__expecting_another_epoch_changes_nothing(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t epoch, wrong;

	EXPECT(vm_claim(fd, &epoch), 0);
	wrong = epoch - 1;
	EXPECT(npmu_ctl_region_fence(vm_ctl(), UNIT, "r", &wrong, NULL), -ESTALE);
	wrong = epoch + 1;
	EXPECT(npmu_ctl_region_fence(vm_ctl(), UNIT, "r", &wrong, NULL), -ESTALE);
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	CHECK(EPOCH(fd) == epoch, "the epoch rose");
	EXPECT(npmu_ctl_region_fence(vm_ctl(), UNIT, "r", &epoch, NULL), 0);
	EXPECT(vm_pwrite(fd, "x", 1, 0), -ESTALE);
	close(fd);
}

static void poll__tells_a_change_of_the_role_until_info(void)
{
	int reader = vm_open(UNIT, "r", O_RDONLY);
	int fd = vm_open(UNIT, "r", O_RDWR);
	struct npmu_ioc_info info;

	EXPECT(vm_info(reader, &info), 0);
	CHECK(!(events(reader) & POLLPRI), "a change before there was one");
	EXPECT(vm_claim(fd, NULL), 0);
	CHECK(events(reader) & POLLPRI, "claim is not told");
	EXPECT(vm_info(reader, &info), 0);
	CHECK(info.role == NPMU_ROLE_HELD && info.writer_pid == (uint32_t)getpid(),
	      "role %u, writer %u", info.role, info.writer_pid);
	CHECK(!(events(reader) & POLLPRI), "told twice");
	EXPECT(vm_fence(UNIT, "r"), 0);
	CHECK(events(reader) & POLLPRI, "fence is not told");
	EXPECT(vm_info(reader, &info), 0);
	CHECK(info.role == NPMU_ROLE_VACANT && !info.writer_id, "role %u", info.role);
	CHECK(info.last_writer_pid == (uint32_t)getpid(), "last writer %u",
	      info.last_writer_pid);
	CHECK(!(events(reader) & (POLLERR | POLLHUP)), "the reader is dead");
	close(fd);
	close(reader);
}

static void resign__mappings_work_again_after_a_claim(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	int reader = vm_open(UNIT, "r", O_RDONLY);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t *seen = vm_map(reader, 0, SIZE, PROT_READ);
	uint64_t *own = vm_map(fd, 0, SIZE, PROT_READ);
	uint64_t epoch, again;

	REQUIRE(at && seen && own, "map: %s", strerror(errno));
	EXPECT(vm_claim(fd, &epoch), 0);
	EXPECT(vm_store(at, 11), 0);
	EXPECT(vm_resign(fd), 0);
	EXPECT(vm_store(at, 12), SIGBUS);
	EXPECT(vm_load(at, NULL), SIGBUS);
	/* What was mapped for reading alone stays. */
	EXPECT(vm_load(own, &again), 0);
	CHECK(*seen == 11 && again == 11, "%llu", (unsigned long long)*seen);
	EXPECT(vm_resign(fd), -EPERM);
	EXPECT(vm_claim(fd, &again), 0);
	CHECK(again == epoch + 1, "epoch %llu after %llu", (unsigned long long)again,
	      (unsigned long long)epoch);
	EXPECT(vm_store(at, 13), 0);
	CHECK(*seen == 13, "%llu", (unsigned long long)*seen);
	munmap(at, SIZE);
	munmap(own, SIZE);
	munmap(seen, SIZE);
	close(fd);
	close(reader);
}

static void resign__leaves_no_right_beside_a_successor(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	int new = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	EXPECT(vm_store(at, 1), 0);
	EXPECT(vm_resign(fd), 0);
	EXPECT(vm_claim(new, NULL), 0);
	EXPECT(vm_store(at, 2), SIGBUS);
	EXPECT(vm_pwrite(fd, "x", 1, 0), -EBUSY);
	EXPECT(vm_claim(fd, NULL), -EBUSY);
	munmap(at, SIZE);
	close(fd);
	close(new);
}

static void sink__touches_after_a_fence_go_nowhere(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	int reader = vm_open(UNIT, "r", O_RDONLY);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t *seen = vm_map(reader, 0, SIZE, PROT_READ);
	uint64_t value = 0;
	size_t i;

	REQUIRE(at && seen, "map: %s", strerror(errno));
	EXPECT(vm_sink(fd), 0);
	EXPECT(vm_sink(fd), 0);
	for (i = 0; i < SIZE / 8; i += 512)
		at[i] = 0xabcd;
	EXPECT(vm_fence(UNIT, "r"), 0);
	for (i = 0; i < SIZE / 8; i += 512)
		EXPECT(vm_store(at + i, 0xdead), 0);
	EXPECT(vm_load(at, &value), 0);
	CHECK(value == 0xdead, "the sink has %llx", (unsigned long long)value);
	for (i = 0; i < SIZE / 8; i += 512)
		CHECK(seen[i] == 0xabcd, "word %zu became %llx", i,
		      (unsigned long long)seen[i]);
	EXPECT(vm_pwrite(fd, "x", 1, 0), -ESTALE);
	munmap(at, SIZE);
	munmap(seen, SIZE);
	close(fd);
	close(reader);
}

/* A mapping that no fault had filled yet meets the sink as well. */
static void sink__untouched_mapping_meets_it_too(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t *own = vm_map(fd, 0, SIZE, PROT_READ);
	uint64_t value = 1;

	REQUIRE(at && own, "map: %s", strerror(errno));
	EXPECT(vm_sink(fd), 0);
	EXPECT(vm_fence(UNIT, "r"), 0);
	EXPECT(vm_load(own, &value), 0);
	CHECK(!value, "a fresh sink has %llx", (unsigned long long)value);
	EXPECT(vm_store(at, 1), 0);
	EXPECT(vm_store(own, 1), SIGSEGV);
	munmap(at, SIZE);
	munmap(own, SIZE);
	close(fd);
}

static void sink__mere_resign_is_still_a_sigbus(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	EXPECT(vm_sink(fd), 0);
	EXPECT(vm_resign(fd), 0);
	EXPECT(vm_store(at, 1), SIGBUS);
	munmap(at, SIZE);
	close(fd);
}

static int write_and_die(void *ctx)
{
	int fd = vm_open(UNIT, "r", O_RDWR);

	(void)ctx;
	if (vm_pwrite(fd, "d", 1, 0) != 1)
		return 1;
	raise(SIGKILL);
	return 2;
}

static void takeover__of_a_dead_writer(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t before = EPOCH(fd);
	uint64_t epoch;

	EXPECT(vm_reap(vm_child(write_and_die, NULL), 10000), 256 + SIGKILL);
	/* Its claim raised the epoch, its death did not. */
	EXPECT(vm_takeover(fd, before, &epoch), -ESTALE);
	CHECK(epoch == before + 1, "epoch %llu after %llu", (unsigned long long)epoch,
	      (unsigned long long)before);
	EXPECT(vm_takeover(fd, epoch, &epoch), 0);
	CHECK(epoch == before + 2, "epoch %llu", (unsigned long long)epoch);
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	close(fd);
}

/* The pid told is that of the process that claimed, whoever opened the file. */
static int claim_inherited(void *ctx)
{
	int fd = *(int *)ctx;
	struct npmu_ioc_info info;

	EXPECT(vm_claim(fd, NULL), 0);
	EXPECT(vm_info(fd, &info), 0);
	CHECK(info.writer_pid == (uint32_t)getpid(), "writer %u, not %d", info.writer_pid,
	      getpid());
	return !!tap_failures;
}

static void writer__is_the_process_that_claimed(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);

	EXPECT(vm_reap(vm_child(claim_inherited, &fd), 10000), 0);
	close(fd);
}

static int claim_of_another(void *ctx)
{
	int fd = *(int *)ctx;

	EXPECT(vm_claim(fd, NULL), -EBUSY);
	EXPECT(vm_pwrite(fd, "x", 1, 0), -EBUSY);
	EXPECT(vm_takeover(fd, EPOCH(fd), NULL), -EBUSY);
	EXPECT(vm_maperr(fd, 0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED), -EBUSY);
	EXPECT(vm_maperr(fd, 0, SIZE, PROT_READ, MAP_SHARED), 0);
	return !!tap_failures;
}

static void role__belongs_to_one_process_of_the_open(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);

	EXPECT(vm_claim(fd, NULL), 0);
	EXPECT(vm_reap(vm_child(claim_of_another, &fd), 10000), 0);
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	close(fd);
}

static void epoch__is_kept_by_the_media(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t epoch;
	int i;

	if (access(vm_pmem_path(), F_OK)) {
		close(fd);
		SKIP("no %s", vm_pmem_path());
	}
	for (i = 0; i < 5; i++)
		EXPECT(vm_fence(UNIT, "r"), 0);
	EXPECT(vm_claim(fd, &epoch), 0);
	close(fd);
	EXPECT(vm_detach(UNIT), 0);
	EXPECT(vm_attach(NULL, NULL), 0);
	fd = vm_open(UNIT, "r", O_RDWR);
	CHECK(EPOCH(fd) == epoch, "epoch %llu, it was %llu", (unsigned long long)EPOCH(fd),
	      (unsigned long long)epoch);
	/* Who knows an older one gets nothing. */
	EXPECT(vm_takeover(fd, epoch - 1, NULL), -ESTALE);
	EXPECT(vm_takeover(fd, epoch, &epoch), 0);
	close(fd);
}

static void unit__can_be_made(void)
{
	if (access(vm_pmem_path(), F_OK))
		REQUIRE(!vm_dram(UNIT, 64 * MIB), "%s", vm_why());
	else
		REQUIRE(!vm_pmem(NULL, UNIT, 64), "%s", vm_why());
	EXPECT(vm_region(UNIT, "r", SIZE), 0);
}

static void unit__can_be_dropped(void)
{
	EXPECT(vm_drop(UNIT), 0);
}

int main(void)
{
	VM_RUN(unit__can_be_made);
	VM_RUN(takeover__of_an_absent_writer);
	VM_RUN(takeover__from_itself_is_a_new_epoch);
	VM_RUN(takeover__of_a_live_writer);
	VM_RUN(takeover__of_a_dead_writer);
	VM_RUN(takeover__expecting_another_epoch_changes_nothing);
	VM_RUN(takeover__needs_an_open_for_writing);
	VM_RUN(takeover__by_a_fenced_writer_tells_the_epoch);
	VM_RUN(fenced__writer_is_refused_everything_but_info);
	VM_RUN(fenced__writer_opens_again_and_waits_its_turn);
	VM_RUN(fence__of_nobody_raises_the_epoch);
	VM_RUN(fence__expecting_another_epoch_changes_nothing);
	VM_RUN(poll__tells_a_change_of_the_role_until_info);
	VM_RUN(resign__mappings_work_again_after_a_claim);
	VM_RUN(resign__leaves_no_right_beside_a_successor);
	VM_RUN(sink__touches_after_a_fence_go_nowhere);
	VM_RUN(sink__untouched_mapping_meets_it_too);
	VM_RUN(sink__mere_resign_is_still_a_sigbus);
	VM_RUN(writer__is_the_process_that_claimed);
	VM_RUN(role__belongs_to_one_process_of_the_open);
	VM_RUN(epoch__is_kept_by_the_media);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

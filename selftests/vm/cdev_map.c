// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What may be mapped, and that an open for reading never writes.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/time.h>
#include <sys/uio.h>

#include "vmtest.h"

#define SIZE	(4 * MIB)
#define RW	(PROT_READ | PROT_WRITE)

static int up(void)
{
	return vm_any("t", 32 * MIB, 16) ?: vm_region("t", "r", SIZE);
}

static void map__is_the_region(void)
{
	char *addr, *part, *back = malloc(SIZE);
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	addr = vm_map(fd, 0, SIZE, RW);
	part = vm_map(fd, MIB + 4096, 8192, PROT_READ);
	REQUIRE(addr && part, "%m");
	vm_fill(addr, SIZE, 0, 5);
	EXPECT(vm_compare(part, 8192, MIB + 4096, 5), -1);
	EXPECT(msync(addr, SIZE, MS_SYNC), 0);
	EXPECT(vm_pread(fd, back, SIZE, 0), SIZE);
	EXPECT(vm_compare(back, SIZE, 0, 5), -1);
	munmap(addr, SIZE);
	EXPECT(vm_compare(part, 8192, MIB + 4096, 5), -1);
	munmap(part, 8192);
	free(back);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void map__outlives_close(void)
{
	uint64_t *addr;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	addr = vm_map(fd, 0, SIZE, RW);
	REQUIRE(addr, "%m");
	close(fd);
	EXPECT(vm_store(addr, 77), 0);
	REFUSED(vm_detach("t"), -EBUSY);
	EXPECT(vm_store(addr + 1, 78), 0);
	munmap(addr, SIZE);
	EXPECT(vm_drop("t"), 0);
}

static void map__private_and_exec_are_refused(void)
{
	int fd, rd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	rd = vm_open("t", "r", O_RDONLY);
	REQUIRE(fd >= 0 && rd >= 0, "%s %s", vm_strerror(fd), vm_strerror(rd));
	EXPECT(vm_maperr(fd, 0, 4096, PROT_READ, MAP_PRIVATE), -EINVAL);
	EXPECT(vm_maperr(fd, 0, 4096, RW, MAP_PRIVATE), -EINVAL);
	EXPECT(vm_maperr(rd, 0, 4096, RW, MAP_PRIVATE), -EINVAL);
	EXPECT(vm_maperr(fd, NPMU_STATUS_OFFSET, 4096, PROT_READ, MAP_PRIVATE), -EINVAL);
	EXPECT(vm_maperr(fd, 0, 4096, PROT_READ | PROT_EXEC, MAP_SHARED), -EACCES);
	EXPECT(vm_maperr(fd, 0, 4096, RW | PROT_EXEC, MAP_SHARED), -EACCES);
	close(fd);
	close(rd);
	EXPECT(vm_drop("t"), 0);
}

static void map__never_becomes_executable(void)
{
	void *addr;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	addr = vm_map(fd, 0, 4096, RW);
	REQUIRE(addr, "%m");
	EXPECT(mprotect(addr, 4096, PROT_READ | PROT_EXEC) ? -errno : 0, -EACCES);
	munmap(addr, 4096);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void map__beyond_the_end_is_enxio(void)
{
	static const struct { uint64_t offset, len; } bad[] = {
		{ 0, SIZE + 4096 },
		{ SIZE, 4096 },
		{ SIZE - 4096, 8192 },
		{ 1ULL << 40, 4096 },
		{ NPMU_STATUS_OFFSET - 4096, 4096 },
		{ NPMU_STATUS_OFFSET + 4096, 4096 },
		{ 0x7ffffffffffff000ULL, 4096 },
		{ 0xffffffffffffe000ULL, 4096 },
	};
	unsigned int i;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(vm_maperr(fd, bad[i].offset, bad[i].len, PROT_READ, MAP_SHARED) == -ENXIO,
		      "offset %#lx length %#lx: %s", bad[i].offset, bad[i].len,
		      vm_strerror(-errno));
	EXPECT(vm_maperr(fd, SIZE - 4096, 4096, PROT_READ, MAP_SHARED), 0);
	/* A refused writable mapping claims nothing. */
	EXPECT(vm_maperr(fd, SIZE, 4096, RW, MAP_SHARED), -ENXIO);
	struct npmu_ioc_info info;
	EXPECT(vm_info(fd, &info), 0);
	CHECK(info.role == NPMU_ROLE_VACANT && !info.fence_epoch, "it claimed the role");
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void map__is_in_huge_pages(void)
{
	struct npmu_region_info info;
	volatile uint64_t *addr;
	unsigned long i;
	int fd;

	REQUIRE(!vm_any("t", 256 * MIB, 16), "%s", vm_why());
	REQUIRE(!vm_region("t", "r", 32 * MIB), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	addr = vm_map(fd, 0, 32 * MIB, RW);
	REQUIRE(addr, "%m");
	for (i = 0; i < 32 * MIB; i += 4096)
		addr[i / 8] = i;
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.faults_huge == 16 && !info.faults_small, "%lu huge, %lu small faults",
	      info.faults_huge, info.faults_small);
	munmap((void *)addr, 32 * MIB);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void rdonly__cannot_map_or_write(void)
{
	int rd;

	REQUIRE(!up(), "%s", vm_why());
	rd = vm_open("t", "r", O_RDONLY);
	REQUIRE(rd >= 0, "%s", vm_strerror(rd));
	EXPECT(vm_pwrite(rd, "x", 1, 0), -EBADF);
	EXPECT(vm_maperr(rd, 0, 4096, RW, MAP_SHARED), -EACCES);
	EXPECT(vm_maperr(rd, 0, 4096, PROT_WRITE, MAP_SHARED), -EACCES);
	EXPECT(vm_claim(rd, NULL), -EBADF);
	EXPECT(vm_takeover(rd, 0, NULL), -EBADF);
	close(rd);
	EXPECT(vm_drop("t"), 0);
}

static int try_mprotect(void *addr)
{
	return mprotect(addr, 4096, RW) && errno == EACCES ? 0 : 1;
}

/* Every way to make a read-only mapping writable; of an O_RDWR open too. */
static void cannot_write(int fd)
{
	char path[64], before[4096];
	struct iovec local, remote;
	uint64_t junk = ~0ULL;
	uint64_t *addr, *moved;
	pid_t pid;
	int mem, status;

	addr = vm_map(fd, 0, 4096, PROT_READ);
	REQUIRE(addr, "%m");
	memcpy(before, addr, 4096);

	EXPECT(mprotect(addr, 4096, RW) ? -errno : 0, -EACCES);
	EXPECT(mprotect(addr, 4096, PROT_WRITE) ? -errno : 0, -EACCES);
	EXPECT(vm_store(addr, junk), SIGSEGV);
	EXPECT(vm_reap(vm_child(try_mprotect, addr), 5000), 0);

	moved = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	moved = mremap(addr, 4096, 4096, MREMAP_MAYMOVE | MREMAP_FIXED, moved);
	REQUIRE(moved != MAP_FAILED, "mremap: %m");
	EXPECT(mprotect(moved, 4096, RW) ? -errno : 0, -EACCES);
	EXPECT(vm_store(moved, junk), SIGSEGV);
	addr = moved;
	EXPECT(mremap(addr, 4096, 8192, MREMAP_MAYMOVE) == MAP_FAILED ? -errno : 0, -EFAULT);

	snprintf(path, sizeof(path), "/proc/%d/mem", getpid());
	mem = open(path, O_RDWR | O_CLOEXEC);
	REQUIRE(mem >= 0, "%m");
	EXPECT(vm_pwrite(mem, &junk, 8, (uintptr_t)addr), -EIO);
	close(mem);

	local = (struct iovec){ &junk, 8 };
	remote = (struct iovec){ addr, 8 };
	EXPECT(process_vm_writev(getpid(), &local, 1, &remote, 1, 0) < 0 ? -errno : 0, -EFAULT);

	pid = fork();
	if (!pid) {
		pause();
		_exit(0);
	}
	EXPECT(ptrace(PTRACE_ATTACH, pid, 0, 0), 0);
	waitpid(pid, &status, 0);
	EXPECT(ptrace(PTRACE_POKEDATA, pid, addr, junk) ? -errno : 0, -EIO);
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);

	CHECK(!memcmp(before, addr, 4096), "the region changed");
	munmap(addr, 4096);
}

static void rdonly__can_never_write(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDONLY);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	cannot_write(fd);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void rdwr__read_only_mapping_never_writes(void)
{
	struct npmu_ioc_info info;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	cannot_write(fd);
	EXPECT(vm_info(fd, &info), 0);
	CHECK(info.role == NPMU_ROLE_VACANT, "a read-only mapping claimed the role");
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

/* Another's file, another's rights: opened again through /proc for writing. */
static int reopen_as_nobody(void *ctx)
{
	char path[64];
	int fd = *(int *)ctx;

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return vm_open_path(path, O_RDWR) == -EACCES ? 0 : 1;
}

static void rdonly__cannot_be_reopened_for_writing(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = open("/dev/npmu/t/r", O_RDONLY);
	REQUIRE(fd >= 0, "%m");
	EXPECT(vm_as_nobody(reopen_as_nobody, &fd), 0);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static void status__is_read_only_and_survives_a_fence(void)
{
	const volatile struct npmu_status *status;
	uint64_t epoch;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	fd = vm_open("t", "r", O_RDWR);
	REQUIRE(fd >= 0, "%s", vm_strerror(fd));
	EXPECT(vm_maperr(fd, NPMU_STATUS_OFFSET, 4096, RW, MAP_SHARED), -EACCES);
	EXPECT(vm_maperr(fd, NPMU_STATUS_OFFSET, 8192, PROT_READ, MAP_SHARED), -EINVAL);
	status = vm_status(fd);
	REQUIRE(status, "%m");
	EXPECT(mprotect((void *)status, 4096, RW) ? -errno : 0, -EACCES);
	CHECK(!status->writer && !status->fence_epoch && !status->flags, "not as new");
	EXPECT(vm_claim(fd, &epoch), 0);
	CHECK(status->writer && status->fence_epoch == epoch, "writer %lu epoch %lu of %lu",
	      (long)status->writer, (long)status->fence_epoch, epoch);
	EXPECT(vm_fence("t", "r"), 0);
	CHECK(!status->writer && status->fence_epoch == epoch + 1, "writer %lu epoch %lu of %lu",
	      (long)status->writer, (long)status->fence_epoch, epoch);
	EXPECT(vm_load((void *)status, NULL), 0);
	/* A new mapping of it on the dead open, too. */
	EXPECT(vm_maperr(fd, NPMU_STATUS_OFFSET, 4096, PROT_READ, MAP_SHARED), 0);
	EXPECT(vm_maperr(fd, 0, 4096, PROT_READ, MAP_SHARED), -ESTALE);
	EXPECT(vm_delete("t", "r", true), 0);
	CHECK(status->flags & NPMU_STATUS_F_GONE, "deleted, and the status does not say so");
	munmap((void *)status, 4096);
	close(fd);
	EXPECT(vm_drop("t"), 0);
}

static volatile sig_atomic_t nr_ticks;

static void tick(int sig)
{
	(void)sig;
	nr_ticks++;
}

/*
 * Binding an open to its process stops short when a signal comes; the caller must not
 * see this. Each round binds a new open, and many mappings make the window wide.
 */
static void map__is_not_interrupted_by_signals(void)
{
	struct itimerval timer = { 0 }, off = { 0 };
	struct sigaction act = { .sa_handler = tick, .sa_flags = SA_RESTART };
	void *holes = mmap(NULL, 4096 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int i, fd, bad = 0;
	char *addr;

	REQUIRE(!up(), "%s", vm_why());
	REQUIRE(holes != MAP_FAILED, "%m");
	/* Every second page is a mapping of its own. */
	for (i = 0; i < 4096; i += 2)
		mprotect((char *)holes + i * 4096, 4096, PROT_READ);
	sigaction(SIGALRM, &act, NULL);
	for (i = 0; i < 100 && !bad; i++) {
		timer.it_value.tv_usec = 1 + i * 50;
		fd = vm_open("t", "r", O_RDWR);
		REQUIRE(fd >= 0, "%s", vm_strerror(fd));
		setitimer(ITIMER_REAL, &timer, NULL);
		addr = mmap(NULL, SIZE, RW, MAP_SHARED, fd, 0);
		bad = addr == MAP_FAILED ? errno : 0;
		setitimer(ITIMER_REAL, &off, NULL);
		if (!bad)
			munmap(addr, SIZE);
		close(fd);
	}
	CHECK(!bad, "round %d: %s", i, strerror(bad));
	CHECK(nr_ticks, "no signal came");
	munmap(holes, 4096 * 4096);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(map__is_the_region);
	VM_RUN(map__outlives_close);
	VM_RUN(map__private_and_exec_are_refused);
	VM_RUN(map__never_becomes_executable);
	VM_RUN(map__beyond_the_end_is_enxio);
	VM_RUN(map__is_in_huge_pages);
	VM_RUN(rdonly__cannot_map_or_write);
	VM_RUN(rdonly__can_never_write);
	VM_RUN(rdwr__read_only_mapping_never_writes);
	VM_RUN(rdonly__cannot_be_reopened_for_writing);
	VM_RUN(map__is_not_interrupted_by_signals);
	VM_RUN(status__is_read_only_and_survives_a_fence);
	return vm_end();
}

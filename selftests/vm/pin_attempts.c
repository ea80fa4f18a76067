// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Nobody can pin a page of a region: a pin taken before a fence would go on
 * reaching the bytes after it. Each way to get one is refused, on 2 MiB and on
 * 4 KiB mappings that are present, and works on ordinary memory in the same run;
 * the fence that follows holds.
 */
#define _GNU_SOURCE
#include <linux/io_uring.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "vmtest.h"
#include "vmunit.h"

#define SIZE	(8 * MIB)
#define UNIT	"pin"

/* A writer's mappings of one region: [0] by 2 MiB, [1] by 4 KiB, [2] not of it. */
struct places {
	int writer;
	int reader;
	char *view;
	char *at[3];
};

static bool places_make(struct places *p)
{
	p->writer = vm_open(UNIT, "r", O_RDWR);
	p->reader = vm_open(UNIT, "r", O_RDONLY);
	p->view = vm_map(p->reader, 0, SIZE, PROT_READ);
	p->at[0] = vm_map(p->writer, 0, SIZE, PROT_READ | PROT_WRITE);
	p->at[1] = vm_map(p->writer, 4 * MIB, 16 * KIB, PROT_READ | PROT_WRITE);
	p->at[2] = mmap(NULL, 16 * KIB, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (!CHECK(p->view && p->at[0] && p->at[1], "map: %s", strerror(errno)))
		return false;
	memset(p->at[0], 0x11, SIZE);
	memset(p->at[1], 0x22, 16 * KIB);
	memset(p->at[2], 0x33, 16 * KIB);
	return true;
}

/* The fence holds: nothing changes any more, and a touch is a SIGBUS. */
static void places_fence(struct places *p)
{
	char *copy = malloc(SIZE);

	EXPECT(vm_fence(UNIT, "r"), 0);
	memcpy(copy, p->view, SIZE);
	EXPECT(vm_store((uint64_t *)p->at[0], 1), SIGBUS);
	EXPECT(vm_store((uint64_t *)p->at[1], 1), SIGBUS);
	EXPECT(vm_store((uint64_t *)p->at[2], 1), 0);
	vm_sleep_ms(5);
	CHECK(!memcmp(copy, p->view, SIZE), "bytes changed after the fence");
	free(copy);
	munmap(p->at[0], SIZE);
	munmap(p->at[1], 16 * KIB);
	munmap(p->at[2], 16 * KIB);
	munmap(p->view, SIZE);
	close(p->writer);
	close(p->reader);
}

static int open_disk(int flags)
{
	int fd = open(getenv("NPMU_DISK") ?: "/dev/vda", flags | O_DIRECT | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

static void pin__direct_read_into_the_mapping_is_refused(void)
{
	struct places p;
	int disk = open_disk(O_RDONLY);

	if (disk < 0)
		SKIP("no disk to read from (--disk)");
	if (!places_make(&p))
		return;
	EXPECT(vm_pread(disk, p.at[0], 4096, 0), -EFAULT);
	EXPECT(vm_pread(disk, p.at[0] + 4096, 1 * MIB, 0), -EFAULT);
	EXPECT(vm_pread(disk, p.at[1], 4096, 0), -EFAULT);
	EXPECT(vm_pread(disk, p.at[2], 4096, 0), 4096);
	places_fence(&p);
	close(disk);
}

static void pin__direct_write_from_the_mapping_is_refused(void)
{
	struct places p;
	int disk = open_disk(O_WRONLY);

	if (disk < 0)
		SKIP("no disk to write to (--disk)");
	if (!places_make(&p))
		return;
	EXPECT(vm_pwrite(disk, p.at[0], 4096, 0), -EFAULT);
	EXPECT(vm_pwrite(disk, p.at[1], 4096, 0), -EFAULT);
	EXPECT(vm_pwrite(disk, p.at[2], 4096, 0), 4096);
	places_fence(&p);
	close(disk);
}

static int ring_register(int ring, void *base, size_t len)
{
	struct iovec iov = { base, len };

	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_BUFFERS, &iov, 1))
		return -errno;
	return syscall(SYS_io_uring_register, ring, IORING_UNREGISTER_BUFFERS, NULL, 0);
}

static void pin__io_uring_buffer_is_refused(void)
{
	struct io_uring_params params = {};
	struct places p;
	int ring = syscall(SYS_io_uring_setup, 4, &params);

	if (ring < 0 && (errno == ENOSYS || errno == EPERM))
		SKIP("no io_uring: %s", strerror(errno));
	REQUIRE(ring >= 0, "io_uring_setup: %s", strerror(errno));
	if (!places_make(&p))
		return;
	EXPECT(ring_register(ring, p.at[0], 4096), -EFAULT);
	EXPECT(ring_register(ring, p.at[0], SIZE), -EFAULT);
	EXPECT(ring_register(ring, p.at[1], 4096), -EFAULT);
	EXPECT(ring_register(ring, p.at[2], 4096), 0);
	places_fence(&p);
	close(ring);
}

static ssize_t vm_writev(pid_t pid, void *at, bool reading)
{
	char bytes[64] = "from another process";
	struct iovec local = { bytes, sizeof(bytes) };
	struct iovec remote = { at, sizeof(bytes) };
	ssize_t n;

	n = reading ? process_vm_readv(pid, &local, 1, &remote, 1, 0) :
		      process_vm_writev(pid, &local, 1, &remote, 1, 0);
	return n < 0 ? -errno : n;
}

/* In a child, on the mappings of its parent. */
static int other_process(void *ctx)
{
	struct places *p = ctx;
	pid_t parent = getppid();

	EXPECT(vm_writev(parent, p->at[0], false), -EFAULT);
	EXPECT(vm_writev(parent, p->at[1], false), -EFAULT);
	EXPECT(vm_writev(parent, p->at[2], false), 64);
	EXPECT(vm_writev(parent, p->at[0], true), -EFAULT);
	EXPECT(vm_writev(parent, p->at[1], true), -EFAULT);
	EXPECT(vm_writev(parent, p->at[2], true), 64);
	return !!tap_failures;
}

static void pin__process_vm_writev_is_refused(void)
{
	struct places p;

	if (!places_make(&p))
		return;
	EXPECT(vm_reap(vm_child(other_process, &p), 10000), 0);
	places_fence(&p);
}

static int proc_mem(void *ctx)
{
	struct places *p = ctx;
	char path[64];
	uint64_t word = 7;
	int fd;
	int i;

	snprintf(path, sizeof(path), "/proc/%d/mem", getppid());
	fd = open(path, O_RDWR);
	if (!CHECK(fd >= 0, "%s: %s", path, strerror(errno)))
		return 1;
	for (i = 0; i < 2; i++) {
		EXPECT(vm_pwrite(fd, &word, 8, (uintptr_t)p->at[i]), -EIO);
		EXPECT(vm_pread(fd, &word, 8, (uintptr_t)p->at[i]), -EIO);
	}
	EXPECT(vm_pwrite(fd, &word, 8, (uintptr_t)p->at[2]), 8);
	/* A mapping for reading, by force. */
	EXPECT(vm_pwrite(fd, &word, 8, (uintptr_t)p->view), -EIO);
	return !!tap_failures;
}

static void pin__proc_pid_mem_is_refused(void)
{
	struct places p;

	if (!places_make(&p))
		return;
	EXPECT(vm_reap(vm_child(proc_mem, &p), 10000), 0);
	places_fence(&p);
}

static int be_traced(void *ctx)
{
	(void)ctx;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	return 0;
}

static long poke(pid_t pid, void *at)
{
	return ptrace(PTRACE_POKEDATA, pid, at, (void *)9L) ? -errno : 0;
}

static void pin__ptrace_poke_is_refused(void)
{
	struct places p;
	int status;
	pid_t pid;

	if (!places_make(&p))
		return;
	/* What it inherited is as good a mapping as ours. */
	pid = vm_child(be_traced, NULL);
	waitpid(pid, &status, 0);
	CHECK(WIFSTOPPED(status), "status %x", status);
	EXPECT(poke(pid, p.at[0]), -EIO);
	EXPECT(poke(pid, p.at[1]), -EIO);
	EXPECT(poke(pid, p.view), -EIO);
	EXPECT(poke(pid, p.at[2]), 0);
	ptrace(PTRACE_DETACH, pid, NULL, NULL);
	EXPECT(vm_reap(pid, 10000), 0);
	places_fence(&p);
}

static ssize_t splice_in(int pipe_end, void *at)
{
	struct iovec iov = { at, 4096 };
	ssize_t n = vmsplice(pipe_end, &iov, 1, SPLICE_F_NONBLOCK);

	return n < 0 ? -errno : n;
}

static void pin__vmsplice_is_refused(void)
{
	struct places p;
	int ends[2];

	REQUIRE(!pipe(ends), "pipe: %s", strerror(errno));
	if (!places_make(&p))
		return;
	EXPECT(splice_in(ends[1], p.at[0]), -EFAULT);
	EXPECT(splice_in(ends[1], p.at[1]), -EFAULT);
	EXPECT(splice_in(ends[1], p.at[2]), 4096);
	places_fence(&p);
	close(ends[0]);
	close(ends[1]);
}

static ssize_t send_from(int sock, void *at)
{
	ssize_t n = send(sock, at, 4096, MSG_ZEROCOPY | MSG_DONTWAIT);

	return n < 0 ? -errno : n;
}

static void pin__zerocopy_send_is_refused(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
		.sin_port = htons(9),
	};
	struct places p;
	int one = 1;
	int sock;

	if (vm_sh("ip link set lo up 2>/dev/null"))
		SKIP("no loopback device");
	sock = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (setsockopt(sock, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) ||
	    connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		SKIP("no zero-copy send: %s", strerror(errno));
	if (!places_make(&p))
		return;
	EXPECT(send_from(sock, p.at[0]), -EFAULT);
	EXPECT(send_from(sock, p.at[1]), -EFAULT);
	EXPECT(send_from(sock, p.at[2]), 4096);
	places_fence(&p);
	close(sock);
}

/* Newer than the headers of some distributions. */
#ifndef UFFD_FEATURE_WP_ASYNC
#define UFFD_FEATURE_WP_ASYNC	(1 << 15)
#endif

static int watch(int uffd, void *at, uint64_t mode)
{
	struct uffdio_register reg = {
		.range = { (uintptr_t)at, 4096 },
		.mode = mode,
	};

	return vm_ioctl(uffd, UFFDIO_REGISTER, &reg);
}

/* Its asynchronous write protection takes other mappings than the rest of it does. */
static void pin__userfaultfd_is_refused(void)
{
	struct uffdio_api api = { .api = UFFD_API, .features = UFFD_FEATURE_WP_ASYNC };
	int uffd = syscall(SYS_userfaultfd, O_CLOEXEC);
	struct places p;

	if (uffd < 0 || ioctl(uffd, UFFDIO_API, &api))
		SKIP("no userfaultfd: %s", strerror(errno));
	if (!places_make(&p))
		return;
	EXPECT(watch(uffd, p.at[0], UFFDIO_REGISTER_MODE_MISSING), -EINVAL);
	EXPECT(watch(uffd, p.at[1], UFFDIO_REGISTER_MODE_MISSING), -EINVAL);
	EXPECT(watch(uffd, p.at[0], UFFDIO_REGISTER_MODE_WP), -EINVAL);
	EXPECT(watch(uffd, p.at[1], UFFDIO_REGISTER_MODE_WP), -EINVAL);
	EXPECT(watch(uffd, p.at[2], UFFDIO_REGISTER_MODE_MISSING), 0);
	close(uffd);
	places_fence(&p);
}

static void all_on(const char *backing)
{
	printf("# on %s\n", backing);
	VM_RUN(pin__direct_read_into_the_mapping_is_refused);
	VM_RUN(pin__direct_write_from_the_mapping_is_refused);
	VM_RUN(pin__io_uring_buffer_is_refused);
	VM_RUN(pin__process_vm_writev_is_refused);
	VM_RUN(pin__proc_pid_mem_is_refused);
	VM_RUN(pin__ptrace_poke_is_refused);
	VM_RUN(pin__vmsplice_is_refused);
	VM_RUN(pin__zerocopy_send_is_refused);
	VM_RUN(pin__userfaultfd_is_refused);
}

int main(void)
{
	vm_one_unit(UNIT, 64 * MIB, SIZE);
	vm_on_each_kind(all_on);
	return vm_end();
}

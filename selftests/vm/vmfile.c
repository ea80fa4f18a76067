// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helpers of vmtest.h for an open region: file calls and the requests of
 * npmu_ioctl.h, each in short. Must not know any one test.
 */
#define _GNU_SOURCE
#include "vmtest.h"

int vm_open_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vm_open(const char *unit, const char *region, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "/dev/npmu/%s/%s", unit, region);
	return vm_open_path(path, flags);
}

int vm_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

ssize_t vm_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, buf, len, offset);

	return n < 0 ? -errno : n;
}

ssize_t vm_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pwrite(fd, buf, len, offset);

	return n < 0 ? -errno : n;
}

void *vm_map(int fd, uint64_t offset, size_t len, int prot)
{
	void *addr = mmap(NULL, len, prot, MAP_SHARED, fd, offset);

	return addr == MAP_FAILED ? NULL : addr;
}

int vm_maperr(int fd, uint64_t offset, size_t len, int prot, int flags)
{
	void *addr = mmap(NULL, len, prot, flags, fd, offset);

	if (addr == MAP_FAILED)
		return -errno;
	munmap(addr, len);
	return 0;
}

const volatile struct npmu_status *vm_status(int fd)
{
	return vm_map(fd, NPMU_STATUS_OFFSET, NPMU_STATUS_SIZE, PROT_READ);
}

int vm_info(int fd, struct npmu_ioc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return vm_ioctl(fd, NPMU_IOC_INFO, info);
}

int vm_claim(int fd, uint64_t *epoch)
{
	struct npmu_ioc_claim arg = { .size = sizeof(arg) };
	int ret = vm_ioctl(fd, NPMU_IOC_CLAIM, &arg);

	if (epoch)
		*epoch = arg.fence_epoch;
	return ret;
}

int vm_takeover(int fd, uint64_t expected, uint64_t *epoch)
{
	struct npmu_ioc_takeover arg = {
		.size = sizeof(arg),
		.expected_epoch = expected,
	};
	int ret = vm_ioctl(fd, NPMU_IOC_TAKEOVER, &arg);

	if (epoch)
		*epoch = arg.fence_epoch;
	return ret;
}

int vm_resign(int fd)
{
	struct npmu_ioc_resign arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_RESIGN, &arg);
}

int vm_kick(int fd)
{
	struct npmu_ioc_kick arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_KICK, &arg);
}

int vm_sink(int fd)
{
	struct npmu_ioc_sink arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_SINK, &arg);
}

int vm_persist(int fd, uint64_t offset, uint64_t length)
{
	struct npmu_ioc_persist arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};

	return vm_ioctl(fd, NPMU_IOC_PERSIST, &arg);
}

int vm_wait(int fd, uint32_t flags, uint64_t offset, uint64_t value,
	    uint64_t timeout_ns, uint32_t *events)
{
	struct npmu_ioc_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.value = value,
		.timeout_ns = timeout_ns,
	};
	int ret = vm_ioctl(fd, NPMU_IOC_WAIT, &arg);

	if (events)
		*events = arg.events;
	return ret;
}

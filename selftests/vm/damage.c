// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Memory failure made on purpose: see damage.h. Must not know what is tested with it.
 */
#define _GNU_SOURCE
#include <setjmp.h>

#include "damage.h"

#define OFFLINE	"/sys/devices/system/memory/hard_offline_page"

const char *damage_impossible(void)
{
	if (access(vm_pmem_path(), F_OK))
		return "no pmem device";
	if (access(OFFLINE, W_OK))
		return "the kernel has no " OFFLINE;
	return NULL;
}

static int read_text(const char *path, char *buf, size_t len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0)
		return -errno;
	n = read(fd, buf, len - 1);
	close(fd);
	if (n < 0)
		return -errno;
	buf[n] = 0;
	return 0;
}

int damage_unit(uint64_t offset)
{
	char path[128], text[64];
	int fd, ret;

	snprintf(path, sizeof(path), "/sys/class/block/%s/device/resource",
		 strrchr(vm_pmem_path(), '/') + 1);
	ret = read_text(path, text, sizeof(text));
	if (ret)
		return ret;
	fd = open(OFFLINE, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	ret = dprintf(fd, "%#lx", strtoul(text, NULL, 0) + offset) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

/* A block of a unit that is attached: its device can be read, past the page cache. */
static int read_block(uint64_t offset, void *block)
{
	static char buf[4096] __attribute__((aligned(4096)));
	int fd = open(vm_pmem_path(), O_RDONLY | O_DIRECT | O_CLOEXEC);
	int ret = -EIO;

	if (fd < 0)
		return -errno;
	if (pread(fd, buf, sizeof(buf), offset) == sizeof(buf)) {
		memcpy(block, buf, sizeof(buf));
		ret = 0;
	}
	close(fd);
	return ret;
}

int damage_record(const char *region, struct npmu_superblock *sb,
		  struct npmu_region_record *rec)
{
	uint32_t slot;
	int ret;

	ret = read_block(0, sb);
	for (slot = 0; !ret && slot < le32toh(sb->max_regions); slot++) {
		ret = read_block(npmu_record_offset(sb, slot, 0), rec);
		if (!ret && !npmu_region_check(rec, sb, slot) &&
		    le32toh(rec->state) == NPMU_SLOT_REGION &&
		    !strcmp((char *)rec->name, region))
			return slot;
	}
	return ret ?: -ENOENT;
}

int64_t damage_where(const char *region, uint64_t offset)
{
	struct npmu_region_record rec;
	struct npmu_superblock sb;
	uint32_t i;
	int ret;

	ret = damage_record(region, &sb, &rec);
	for (i = 0; ret >= 0 && i < NPMU_INLINE_EXTENTS; i++) {
		uint64_t len = le64toh(rec.extents[i].len);

		if (offset < len)
			return le64toh(rec.extents[i].start) + offset;
		offset -= len;
	}
	return ret < 0 ? ret : -ERANGE;
}

int damage_region(const char *region, uint64_t offset)
{
	int64_t where = damage_where(region, offset);

	return where < 0 ? where : damage_unit(where);
}

static __thread sigjmp_buf landing;
static __thread struct touch met;

static void on_signal(int signal, siginfo_t *info, void *context)
{
	(void)context;
	met = (struct touch){ signal, info->si_code, info->si_addr };
	siglongjmp(landing, 1);
}

static struct touch do_touch(volatile uint8_t *addr, bool store)
{
	struct sigaction act = { .sa_sigaction = on_signal, .sa_flags = SA_SIGINFO | SA_NODEFER };
	struct sigaction bus, segv;

	met = (struct touch){ 0 };
	sigaction(SIGBUS, &act, &bus);
	sigaction(SIGSEGV, &act, &segv);
	if (!sigsetjmp(landing, 1)) {
		if (store)
			*addr = 0x5a;
		else
			(void)*addr;
	}
	sigaction(SIGBUS, &bus, NULL);
	sigaction(SIGSEGV, &segv, NULL);
	return met;
}

struct touch touch_load(const volatile void *addr)
{
	return do_touch((volatile uint8_t *)addr, false);
}

struct touch touch_store(volatile void *addr)
{
	return do_touch(addr, true);
}

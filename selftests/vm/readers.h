/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For programs whose tests are named readers of one region: the requests in short, and
 * a region with a checkpoint and its writer.
 */
#ifndef NPMU_READERS_H
#define NPMU_READERS_H

#include "ckptimage.h"
#include "vmtest.h"

#define INSTANCE	0xabcdef0123456789ULL
#define SIZE		(64 * KIB)
#define ANYONE		0666

static struct ckpt_image img;
static int writer = -1;

static inline int attach(int fd, const char *name, uint32_t flags, uint64_t instance, uint64_t *position)
{
	struct npmu_ioc_reader_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.instance = instance,
		.position = *position,
		.slot = UINT32_MAX,
	};
	int ret;

	memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	ret = vm_ioctl(fd, NPMU_IOC_READER_ATTACH, &arg);
	if (ret)
		return ret;
	*position = arg.position;
	return (int)arg.slot;
}

/* The place in the table, or an error. */
static inline int create(int fd, const char *name)
{
	uint64_t position = 0;

	return attach(fd, name, NPMU_READER_F_CREATE, INSTANCE, &position);
}

static inline int again(int fd, const char *name)
{
	uint64_t position = 0;

	return attach(fd, name, 0, INSTANCE, &position);
}

static inline int ack(int fd, uint64_t position)
{
	struct npmu_ioc_reader_ack arg = { .size = sizeof(arg), .position = position };

	return vm_ioctl(fd, NPMU_IOC_READER_ACK, &arg);
}

static inline int detach(int fd, const char *name)
{
	struct npmu_ioc_reader_detach arg = { .size = sizeof(arg) };

	memcpy(arg.name, name, strnlen(name, sizeof(arg.name)));
	return vm_ioctl(fd, NPMU_IOC_READER_DETACH, &arg);
}

static inline int reopen(int flags)
{
	return vm_open("t", "r", flags);
}

/* A unit with a region of the owner VM_UID, and its writer, with a checkpoint in it. */
static inline int up_as(uint32_t uid, uint32_t form)
{
	void *map;
	int ret;

	ret = vm_any("t", 32 * MIB, 16) ?: vm_region_mode("t", "r", SIZE, uid, 0, ANYONE);
	if (ret)
		return ret;
	writer = reopen(O_RDWR);
	if (writer < 0)
		return writer;
	map = vm_map(writer, 0, SIZE, PROT_READ | PROT_WRITE);
	if (!map)
		return -errno;
	ckpt_make(&img, map, form, INSTANCE);
	return 0;
}

static inline int up(void)
{
	return up_as(0, NPMU_CKPT_FORM_APPEND);
}

static inline void down(void)
{
	if (writer >= 0) {
		munmap(img.map, SIZE);
		close(writer);
	}
	writer = -1;
	EXPECT(vm_drop("t"), 0);
}

#endif /* NPMU_READERS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The pmem device under a unit: taken away from its driver and given back, and made to
 * say of some of its bytes that they are bad.
 */
#ifndef NPMU_DEVICE_H
#define NPMU_DEVICE_H

#include "vmtest.h"

struct device {
	char path[64];		/* "/dev/pmem0" */
	char namespace[64];	/* "namespace0.0" */
};

/* @path: NULL: that of vm_pmem(). Return: 0 or -errno. */
int device_of(struct device *device, const char *path);
int device_unbind(const struct device *device);
/* Returns when the block device is there again. */
int device_bind(const struct device *device);
/*
 * The 4 KiB at this offset join the list of bad blocks: nothing reads them any more.
 * What they hold stays, and can be read again after unbind and bind, which forget it.
 */
int device_bad(const struct device *device, uint64_t offset);

#endif /* NPMU_DEVICE_H */

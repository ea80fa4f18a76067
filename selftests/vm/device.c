// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The pmem device under a unit: see device.h. Must not know what lies on it.
 */
#define _GNU_SOURCE
#include <limits.h>

#include "device.h"

#define DRIVER	"/sys/bus/nd/drivers/nd_pmem/"

static int put_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	int ret;

	if (fd < 0)
		return -errno;
	ret = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return ret;
}

int device_of(struct device *device, const char *path)
{
	char link[128], real[PATH_MAX];

	snprintf(device->path, sizeof(device->path), "%s", path ?: vm_pmem_path());
	snprintf(link, sizeof(link), "/sys/class/block/%s/device",
		 strrchr(device->path, '/') + 1);
	if (!realpath(link, real))
		return -errno;
	snprintf(device->namespace, sizeof(device->namespace), "%s", strrchr(real, '/') + 1);
	return 0;
}

int device_unbind(const struct device *device)
{
	return put_text(DRIVER "unbind", device->namespace);
}

int device_bind(const struct device *device)
{
	int ret = put_text(DRIVER "bind", device->namespace);

	if (ret)
		return ret;
	return VM_UNTIL(!access(device->path, F_OK), 20000) ? 0 : -ETIMEDOUT;
}

int device_bad(const struct device *device, uint64_t offset)
{
	char path[128], text[64];

	snprintf(path, sizeof(path), "/sys/class/block/%s/badblocks",
		 strrchr(device->path, '/') + 1);
	snprintf(text, sizeof(text), "%lu 8", offset / 512);
	return put_text(path, text);
}

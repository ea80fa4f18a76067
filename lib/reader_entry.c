// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Named readers. Owns the requests to the kernel; for a plain file what stands in for
 * them. Knows no update.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <linux/npmu_ckpt.h>

#include "crc32c.h"
#include "reader_entry.h"
#include "remote.h"

static const char *why_not(int code)
{
	switch (code) {
	case -EMEDIUMTYPE:
		return "the region holds no checkpoint in the append form";
	case -ESTALE:
		return "the checkpoint was made anew, the name was given back, or this open is dead";
	case -ENOENT:
		return "there is no reader of that name";
	case -EACCES:
		return "the name is another user's";
	case -EBUSY:
		return "another open reads under that name, or this one has another";
	case -ENOSPC:
		return "the table of readers, or this user's share of it, is full: npmu-admin checkpoint show";
	case -EROFS:
		return "the region is read-only";
	case -ENOTCONN:
		return "this reader has no name yet";
	case -ERANGE:
		return "the grant does not cover the header and the table of readers, at the region's beginning: npmu-admin grant list, on the unit's host";
	case -EINVAL:
		return "the name is not 1 to 15 of [A-Za-z0-9._+:-], or the position is below one acknowledged";
	default:
		return "the kernel refused the request";
	}
}

static int request(struct npmu_region *region, unsigned long op, void *arg)
{
	int code;

	if (!ioctl(region->fd, op, arg))
		return 0;
	code = -errno;
	return npmu_region_fail(region, code, why_not(code));
}

/* Of the unit's answer: what it says is about names. The end of a connection has its text. */
static int answered(struct npmu_region *region, int code)
{
	if (!code || npmu_region_lost(region))
		return code;
	if (code == -ENODEV)
		code = -ENOTCONN;
	return npmu_region_fail(region, code, why_not(code));
}

/* As the kernel has it, which is not asked for a plain file. */
static bool name_good(const char *name)
{
	static const char letters[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+:-";
	size_t len = name ? strnlen(name, NPMU_CKPT_READER_NAME_LEN) : 0;

	return len && len < NPMU_CKPT_READER_NAME_LEN && name[0] != '.' &&
	       strspn(name, letters) == len;
}

static off_t place(int slot)
{
	return (off_t)(NPMU_CKPT_READERS + (uint64_t)slot * NPMU_CKPT_READER_SIZE);
}

static uint32_t entry_crc(const struct npmu_ckpt_reader_entry *entry)
{
	return npmu_crc32c(0, entry, offsetof(struct npmu_ckpt_reader_entry, crc));
}

static bool entry_used(const struct npmu_ckpt_reader_entry *entry, uint64_t instance)
{
	static const unsigned char zeros[NPMU_CKPT_READER_NAME_LEN +
					 sizeof(entry->reserved)];
	const char *name = (const char *)entry->name;

	return le64toh(entry->instance) == instance && name_good(name) &&
	       !memcmp(name + strlen(name), zeros, sizeof(entry->name) - strlen(name)) &&
	       !memcmp(entry->reserved, zeros, sizeof(entry->reserved)) &&
	       !(le64toh(entry->position) % NPMU_CKPT_UPDATE_ALIGN) &&
	       le64toh(entry->position) >> 63 == 0 &&
	       le32toh(entry->crc) == entry_crc(entry);
}

/* Return: the entry of that name; else -1, and a free one. */
static int file_find(struct npmu_region *region, uint64_t instance, const char *name,
		     struct npmu_ckpt_reader_entry *entry, int *free_slot)
{
	int slot;

	*free_slot = -1;
	for (slot = 0; slot < NPMU_CKPT_NR_READERS; slot++) {
		if (pread(region->fd, entry, sizeof(*entry), place(slot)) !=
		    (ssize_t)sizeof(*entry))
			return -1;
		if (!entry_used(entry, instance)) {
			if (*free_slot < 0)
				*free_slot = slot;
		} else if (!strncmp((const char *)entry->name, name,
				    sizeof(entry->name))) {
			return slot;
		}
	}
	return -1;
}

static int file_write(struct npmu_region *region, const void *what, size_t len, off_t at)
{
	if (pwrite(region->fd, what, len, at) == (ssize_t)len)
		return 0;
	return npmu_region_fail(region, -errno, "the file cannot be written");
}

static int file_attach(struct npmu_region *region, const char *name, unsigned int flags,
		       uint64_t instance, uint64_t *position)
{
	struct npmu_ckpt_reader_entry entry;
	int slot, free_slot;

	slot = file_find(region, instance, name, &entry, &free_slot);
	if (slot < 0 && !(flags & NPMU_READER_F_CREATE))
		return npmu_region_fail(region, -ENOENT, why_not(-ENOENT));
	if (slot < 0 && free_slot < 0)
		return npmu_region_fail(region, -ENOSPC, why_not(-ENOSPC));
	if (slot < 0) {
		slot = free_slot;
		memset(&entry, 0, sizeof(entry));
		entry.instance = htole64(instance);
		strncpy((char *)entry.name, name, sizeof(entry.name) - 1);
		entry.uid = htole32(geteuid());
		entry.position = htole64(*position);
		entry.crc = htole32(entry_crc(&entry));
		if (file_write(region, &entry, sizeof(entry), place(slot)))
			return -EIO;
	}
	*position = le64toh(entry.position);
	region->reader_slot = slot + 1;
	return 0;
}

int npmu_region_reader_attach(struct npmu_region *region, const char *name,
			      unsigned int flags, uint64_t instance,
			      uint64_t *position)
{
	struct npmu_ioc_reader_attach arg = {
		.size = sizeof(arg),
		.flags = flags,
		.instance = instance,
		.position = *position,
	};
	int code;

	if (!name_good(name))
		return npmu_region_fail(region, -EINVAL, why_not(-EINVAL));
	if (region->is_file)
		return file_attach(region, name, flags, instance, position);
	if (region->remote)
		return answered(region, region->remote->ops->reader_attach(region, name, flags,
									   instance, position));
	strncpy((char *)arg.name, name, sizeof(arg.name) - 1);
	code = request(region, NPMU_IOC_READER_ATTACH, &arg);
	if (!code)
		*position = arg.position;
	return code;
}

int npmu_region_reader_ack(struct npmu_region *region, uint64_t position)
{
	struct npmu_ioc_reader_ack arg = { .size = sizeof(arg), .position = position };
	uint64_t word = htole64(position);

	if (region->remote)
		return answered(region, region->remote->ops->reader_ack(region, position));
	if (!region->is_file)
		return request(region, NPMU_IOC_READER_ACK, &arg);
	if (!region->reader_slot)
		return npmu_region_fail(region, -ENOTCONN, why_not(-ENOTCONN));
	return file_write(region, &word, sizeof(word), place(region->reader_slot - 1) +
			  (off_t)offsetof(struct npmu_ckpt_reader_entry, position));
}

static int file_detach(struct npmu_region *region, const char *name)
{
	const struct npmu_ckpt_reader_entry none = { 0 };
	struct npmu_ckpt_reader_entry entry;
	int slot, code;

	if (!name && !region->reader_slot)
		return npmu_region_fail(region, -ENOTCONN, why_not(-ENOTCONN));
	for (slot = 0; name && slot < NPMU_CKPT_NR_READERS; slot++)
		if (pread(region->fd, &entry, sizeof(entry), place(slot)) ==
		    (ssize_t)sizeof(entry) && entry.instance &&
		    !strncmp((const char *)entry.name, name, sizeof(entry.name)))
			break;
	if (!name)
		slot = region->reader_slot - 1;
	if (slot == NPMU_CKPT_NR_READERS)
		return npmu_region_fail(region, -ENOENT, why_not(-ENOENT));
	code = file_write(region, &none, sizeof(none), place(slot));
	if (!code && slot == region->reader_slot - 1)
		region->reader_slot = 0;
	return code;
}

int npmu_region_reader_detach(struct npmu_region *region, const char *name)
{
	struct npmu_ioc_reader_detach arg = { .size = sizeof(arg) };

	if (name && !name_good(name))
		return npmu_region_fail(region, -EINVAL, why_not(-EINVAL));
	if (region->is_file)
		return file_detach(region, name);
	if (region->remote)
		return answered(region, region->remote->ops->reader_detach(region, name));
	if (name)
		strncpy((char *)arg.name, name, sizeof(arg.name) - 1);
	return request(region, NPMU_IOC_READER_DETACH, &arg);
}

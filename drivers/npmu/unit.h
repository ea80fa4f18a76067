/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Units: a backing, the metadata on it and its regions.
 *
 * Lock order of the module, outermost first:
 *
 *	npmu_attach_lock	attach and detach
 *	npmu_units_lock		the list of units
 *	region->lock		transactions of one region that may have to wait
 *	region->readers_lock	the table of named readers in the region
 *	mmap_lock		the kernel's; fault, mmap
 *	unit->lock		all metadata of a unit: names, slots, allocator,
 *				media, writer roles, TPT entries. Nothing under it
 *				touches user memory or waits for a section
 *	npmu_charge_lock	counts of opens by user and by principal
 *
 * Sections (gate.h): a TPT entry's read and write gate, the unit's io gate.
 * They are entered under any of the locks or none, nothing inside them takes
 * region->lock or unit->lock, and who waits for one to empty holds at most
 * npmu_attach_lock and region->lock.
 */
#ifndef _NPMU_UNIT_H
#define _NPMU_UNIT_H

#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/netlink.h>
#include <linux/xarray.h>
#include <linux/npmu_format.h>
#include <linux/npmu_netlink.h>

#include "gate.h"

struct npmu_backing;
struct npmu_media;

/**
 * struct npmu_unit - an attached unit
 * @ref: one of the list, one of each region, one of each user
 * @node: npmu_units, under npmu_units_lock
 * @id: cursor for dumps, rises with each attach; constant
 * @name: constant
 * @uuid: constant
 * @path: of the block device, "" for dram; constant
 * @kind: of the backing; constant
 * @class: of the backing; constant
 * @backing: not touched any more once @detached or @gone
 * @io: sections of the kernel that touch the backing outside of TPT entries.
 *	Closed when the device goes away
 * @lock: see above; protects what follows
 * @media: the metadata writer
 * @regions: by slot
 * @nr_unsound: damaged and quarantined regions: what they own is not all known or
 *	not theirs alone, so that nothing is allocated while there is one
 * @names: hash of regions by name
 * @names_bits: its width
 * @entries: TPT entries by id, dead ones too
 * @nr_regions: published regions
 * @nr_entries: entries in @entries
 * @last_right: id of the last grant or creator that came
 * @watched: what fails from now on is entered; what failed before, was at attach
 * @gone: the device went away; only detach is left
 * @detached: no longer in the list; no open, no change is admitted
 */
struct npmu_unit {
	struct kref ref;
	struct list_head node;
	u32 id;
	char name[NPMU_UNIT_NAME_LEN];
	u8 uuid[NPMU_UUID_LEN];
	char path[256];
	enum npmu_backing_kind kind;
	enum npmu_class class;
	struct npmu_backing *backing;
	struct npmu_gate io;

	struct mutex lock;	/* all below */
	struct npmu_media *media;
	struct xarray regions;
	struct hlist_head *names;
	unsigned int names_bits;
	struct xarray entries;
	u32 nr_regions;
	u32 nr_unsound;
	u32 nr_entries;
	u64 last_right;
	bool watched;
	bool gone;
	bool detached;
};

/* struct npmu_unit_stat - a snapshot for whoever shows it */
struct npmu_unit_stat {
	enum npmu_backing_kind backing;
	enum npmu_class class;
	const char *path;	/* "" for dram; lives as long as the unit */
	u64 size;
	u64 data_size;
	u64 free;
	u64 media_epoch;
	u32 max_regions;
	u32 nr_regions;
	u32 nr_entries;
	u32 repaired;
	u32 unsound_regions;
	u64 bad;
	u32 bad_ranges;
	u32 unreadable;
	bool bad_incomplete;
	u32 creators;
	bool gone;
};

/**
 * npmu_unit_format - write an empty unit on a block device
 * @path: of the block device
 * @name: name the unit will be attached under
 * @max_regions: 0: a default by size
 * @force: even when the first 64 KiB are not zero
 * @uuid: out, 16 bytes
 * @extack: message on refusal
 *
 * Return: 0; -EBUSY in use, -EEXIST holds data, -EINVAL, -EOPNOTSUPP, -EIO.
 */
int npmu_unit_format(const char *path, const char *name, u32 max_regions,
		     bool force, u8 *uuid, struct netlink_ext_ack *extack);

/**
 * npmu_unit_attach_pmem - attach the unit on a block device
 * @path: of the block device
 * @name: another name than the unit's own, or NULL
 * @extack: message on refusal
 *
 * Return: the unit, to be put by the caller, or ERR_PTR: -EBUSY device in use,
 * -EEXIST name or uuid is attached already, -EUCLEAN no valid superblock,
 * -EOPNOTSUPP, -ENOMEM, -EIO.
 */
struct npmu_unit *npmu_unit_attach_pmem(const char *path, const char *name,
					struct netlink_ext_ack *extack);

/**
 * npmu_unit_attach_dram - make a volatile unit
 * @name: its name
 * @size: bytes, a multiple of 4 KiB
 * @max_regions: 0: a default by size
 * @extack: message on refusal
 *
 * Return: as npmu_unit_attach_pmem().
 */
struct npmu_unit *npmu_unit_attach_dram(const char *name, u64 size, u32 max_regions,
					struct netlink_ext_ack *extack);

/**
 * npmu_unit_detach - let a unit go; refused while a region is open
 * @name: of the unit
 * @extack: message on refusal
 *
 * Return: 0, -ENOENT, -EBUSY.
 */
int npmu_unit_detach(const char *name, struct netlink_ext_ack *extack);

/*
 * Zeroes bytes no region owns yet. -ENODEV: the device went; -EINTR: killed; -EIO:
 * memory failed, it is in the bad list now.
 */
int npmu_unit_zero(struct npmu_unit *unit, u64 start, u64 len);

/* The unit of that name with a reference, or NULL. */
struct npmu_unit *npmu_unit_find(const char *name);
/* The unit with the lowest id above @id with a reference, or NULL. */
struct npmu_unit *npmu_unit_next(u32 id);
void npmu_unit_put(struct npmu_unit *unit);
static inline struct npmu_unit *npmu_unit_get(struct npmu_unit *unit)
{
	kref_get(&unit->ref);
	return unit;
}

/* Tells the event sink; @principal: whom it concerns, or NULL. Without unit->lock. */
void npmu_unit_event(struct npmu_unit *unit, enum npmu_event event, const char *principal);

void npmu_unit_stat(struct npmu_unit *unit, struct npmu_unit_stat *stat);

/*
 * Takes the unit's lock for a change. -ENODEV: gone or detached, and the lock is
 * not taken.
 */
int npmu_unit_lock(struct npmu_unit *unit, struct netlink_ext_ack *extack);

#endif /* _NPMU_UNIT_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: units, regions, the translation and protection table and events,
 * over the generic netlink family "npmu".
 *
 * Every call here makes system calls and may sleep. Calls that change something
 * need CAP_SYS_ADMIN, and what they change is durable, as far as the unit's
 * class goes, when they return. A request that fails changes nothing.
 *
 * A control handle has a lock of its own: threads that share it take turns. A
 * text from npmu_ctl_error() is valid until the next call on the handle, so
 * threads that want their texts had better have a handle each.
 *
 * Errors of every call, besides those named at it:
 *	-ENOENT		no such unit or region, or the module is not loaded
 *	-EPERM		CAP_SYS_ADMIN is missing
 *	-EINVAL		a name or value that is not legal, or too long
 *	-EIO		the media could not be written
 *	-ENOMEM, -EPROTO (an answer that does not parse), -EAGAIN (a list kept
 *			changing while it was read; try again)
 */
#ifndef NPMU_CONTROL_H
#define NPMU_CONTROL_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_format.h>
#include <linux/npmu_netlink.h>
#include <npmu/npmu.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define NPMU_PATH_LEN		256
#define NPMU_COMMAND_LEN	64

struct npmu_ctl;
struct npmu_events;

/**
 * struct npmu_unit_info - a unit
 * @name: name
 * @uuid: identity
 * @backing: enum npmu_backing_kind
 * @persistence_class: enum npmu_class
 * @path: block device, empty for dram
 * @size: bytes in all
 * @data_size: bytes that regions and list blocks can use
 * @free: bytes of these that nothing uses
 * @media_epoch: media epoch
 * @max_regions: slots
 * @regions: regions there are
 * @opens: TPT entries
 * @repaired: record and list block copies that attach mended
 * @unsound_regions: damaged and quarantined regions; nothing is allocated while there are any
 * @gone: 1 when the device went away under the unit: only detach is left
 * @bad: bytes of the data area that failed; never handed out again
 * @bad_ranges: ranges they make; npmu_ctl_bad_list() shows them
 * @bad_incomplete: 1 when more failed than the bad list holds, or it was lost; nothing
 *	is allocated any more
 * @unreadable: metadata blocks that cannot be read; their twins serve
 * @creators: principals that may create regions; npmu_ctl_grant_list() shows them
 */
struct npmu_unit_info {
	char name[NPMU_UNIT_NAME_LEN];
	uint8_t uuid[NPMU_UUID_LEN];
	uint32_t backing;
	uint32_t persistence_class;
	char path[NPMU_PATH_LEN];
	uint64_t size;
	uint64_t data_size;
	uint64_t free;
	uint64_t media_epoch;
	uint32_t max_regions;
	uint32_t regions;
	uint32_t opens;
	uint32_t repaired;
	uint32_t unsound_regions;
	uint32_t gone;
	uint64_t bad;
	uint32_t bad_ranges;
	uint32_t bad_incomplete;
	uint32_t unreadable;
	uint32_t creators;
};

/**
 * struct npmu_region_info - a region
 * @unit: name of its unit
 * @name: name
 * @uuid: identity
 * @size: bytes
 * @pm_addr: PM address of its first byte
 * @fence_epoch: current fence epoch
 * @writer_id: TPT entry id of the live writer, or 0
 * @last_writer_epoch: fence epoch of the last writer that ended, or 0
 * @device: device number of its node, see major(3) and minor(3)
 * @faults_huge: faults answered with a 2 MiB mapping since attach
 * @faults_small: faults answered with a 4 KiB mapping since attach
 * @slot: index in the region table
 * @uid: owner
 * @gid: group
 * @mode: permission bits
 * @flags: NPMU_REGION_F_*
 * @extents: number of extents
 * @opens: live TPT entries
 * @role: enum npmu_role
 * @writer_pid: pid of the live writer as this process sees it, or 0
 * @last_writer_pid: pid of the last writer that ended, likewise, or 0
 * @health: enum npmu_health
 * @bad: bytes that failed and are lost; npmu_ctl_bad_list() shows where
 * @grants: of principals; npmu_ctl_grant_list() shows them
 * @creator: the principal that made it; empty: it was made by its host
 * @writer_principal: which principal the live writer is; empty: none
 * @last_writer_principal: likewise of the last writer that ended
 * @opens_total: opens since attach, as all that follow
 * @reads: times that the kernel read for an open; not mapped accesses, nor RDMA
 * @writes: times that it wrote for one
 * @persists: times that it persisted for one
 * @commits: commit messages of principals
 * @denied: opens, requests for the writer role and accesses of principals that were refused
 * @fences: writers that were fenced
 */
struct npmu_region_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char name[NPMU_REGION_NAME_LEN];
	uint8_t uuid[NPMU_UUID_LEN];
	uint64_t size;
	uint64_t pm_addr;
	uint64_t fence_epoch;
	uint64_t writer_id;
	uint64_t last_writer_epoch;
	uint64_t device;
	uint64_t faults_huge;
	uint64_t faults_small;
	uint64_t opens_total;
	uint64_t reads;
	uint64_t writes;
	uint64_t persists;
	uint64_t commits;
	uint64_t denied;
	uint64_t fences;
	uint32_t slot;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t flags;
	uint32_t extents;
	uint32_t opens;
	uint32_t role;
	uint32_t writer_pid;
	uint32_t last_writer_pid;
	uint32_t health;
	uint64_t bad;
	uint32_t grants;
	char creator[NPMU_PRINCIPAL_LEN];
	char writer_principal[NPMU_PRINCIPAL_LEN];
	char last_writer_principal[NPMU_PRINCIPAL_LEN];
};

/**
 * struct npmu_bad_info - a run of bad bytes with one owner
 * @unit: name of the unit
 * @region: name of the region that owns it, empty where it is free
 * @start: offset in the unit
 * @length: bytes
 * @offset: in the region
 */
struct npmu_bad_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	uint64_t start;
	uint64_t length;
	uint64_t offset;
};

/**
 * struct npmu_tpt_info - a TPT entry
 * @unit: name of the unit
 * @region: name of the region
 * @id: entry id, never used twice
 * @offset: first byte of the region that it reaches
 * @length: bytes it reaches
 * @fence_epoch: fence epoch it writes under, or was opened under
 * @pid: of the opener, as this process sees it, or 0
 * @uid: of the opener
 * @access: NPMU_ACCESS_*
 * @writer: 1: holds the writer role
 * @dead: 1: reaches nothing any more
 * @command: of the opener. Any bytes but zero: escape it before printing
 * @principal: who opened it under a grant, and has no pid, uid and command; empty: a
 *	process of the unit's host
 */
struct npmu_tpt_info {
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	uint64_t id;
	uint64_t offset;
	uint64_t length;
	uint64_t fence_epoch;
	uint32_t pid;
	uint32_t uid;
	uint32_t access;
	uint32_t writer;
	uint32_t dead;
	char command[NPMU_COMMAND_LEN];
	char principal[NPMU_PRINCIPAL_LEN];
};

/* Which members of struct npmu_event_info the event came with. */
#define NPMU_EVENT_HAS_UUID		(1U << 0)
#define NPMU_EVENT_HAS_SIZE		(1U << 1)
#define NPMU_EVENT_HAS_FENCE_EPOCH	(1U << 2)
#define NPMU_EVENT_HAS_WRITER_PID	(1U << 3)
#define NPMU_EVENT_HAS_BAD		(1U << 4)

/**
 * struct npmu_event_info - an event
 * @event: enum npmu_event. Values unknown to the library are passed on
 * @has: NPMU_EVENT_HAS_*
 * @unit: name of the unit
 * @region: name of the region (of a rename, the former one), empty for an event
 *	of a unit
 * @new_name: of a rename, the new name, else empty
 * @uuid: identity of the region, or of the unit
 * @size: bytes
 * @fence_epoch: fence epoch
 * @writer_pid: pid of the writer concerned
 * @reserved: zero
 * @bad_offset: where memory failed: offset in the region, or in the unit
 * @bad_length: bytes of it
 * @principal: which principal the writer concerned is, or whose grant it was; else empty
 */
struct npmu_event_info {
	uint32_t event;
	uint32_t has;
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	char new_name[NPMU_REGION_NAME_LEN];
	uint8_t uuid[NPMU_UUID_LEN];
	uint64_t size;
	uint64_t fence_epoch;
	uint32_t writer_pid;
	uint32_t reserved;
	uint64_t bad_offset;
	uint64_t bad_length;
	char principal[NPMU_PRINCIPAL_LEN];
};

/* Which members of struct npmu_region_params are given. */
#define NPMU_PARAM_NEW_NAME	(1U << 0)	/* set only */
#define NPMU_PARAM_UID		(1U << 1)
#define NPMU_PARAM_GID		(1U << 2)
#define NPMU_PARAM_MODE		(1U << 3)
#define NPMU_PARAM_FLAGS	(1U << 4)

/**
 * struct npmu_region_params - what create and set may give
 * @mask: NPMU_PARAM_*: the members that count
 * @uid: owner
 * @gid: group
 * @mode: permission bits, at most 0666
 * @flags: NPMU_REGION_F_*
 * @new_name: new name
 */
struct npmu_region_params {
	uint32_t mask;
	uint32_t uid;
	uint32_t gid;
	uint32_t mode;
	uint32_t flags;
	const char *new_name;
};

/* Flags of the calls that take @flags. */
#define NPMU_CTL_FORCE		(1U << 0)

/*
 * Called for each item of a list, after the whole list has been read, so that
 * it may use the handle itself. A result other than 0 ends the list and is what
 * the list call returns.
 */
typedef int npmu_unit_fn(void *ctx, const struct npmu_unit_info *info);
typedef int npmu_region_fn(void *ctx, const struct npmu_region_info *info);
typedef int npmu_bad_fn(void *ctx, const struct npmu_bad_info *info);
typedef int npmu_tpt_fn(void *ctx, const struct npmu_tpt_info *info);

/**
 * npmu_ctl_open - make a control handle
 * @out: the handle
 * @err: why not, or NULL
 *
 * Return: 0; -ENOENT: the module is not loaded ("modprobe npmu"); other errno.
 */
int npmu_ctl_open(struct npmu_ctl **out, struct npmu_error *err);

/* Close a control handle; NULL is allowed. */
void npmu_ctl_close(struct npmu_ctl *ctl);

/**
 * npmu_ctl_error - why the last call on this handle failed
 * @ctl: handle
 *
 * Return: the kernel's own words where it gave some, else a description of the
 * errno; empty when the last call succeeded. Valid until the next call.
 */
const char *npmu_ctl_error(const struct npmu_ctl *ctl);

/**
 * npmu_ctl_unit_format - write an empty unit on a block device
 * @ctl: handle
 * @path: block device, not attached and not in use
 * @name: name of the unit
 * @max_regions: slots, NPMU_MIN_REGIONS to NPMU_MAX_REGIONS; 0: the kernel's
 *	default
 * @flags: NPMU_CTL_FORCE: even if the first 64 KiB hold something
 * @out: name and uuid are filled in, the rest is zero; may be NULL
 *
 * Return: 0; -EEXIST: the device holds something; -EBUSY: it is in use;
 * -ENOTBLK, -ENODEV, -EOPNOTSUPP: not a device that a unit can lie on; -ENOSPC:
 * too small.
 */
int npmu_ctl_unit_format(struct npmu_ctl *ctl, const char *path,
			 const char *name, uint32_t max_regions, uint32_t flags,
			 struct npmu_unit_info *out);

/**
 * npmu_ctl_unit_attach - attach the unit on a block device
 * @ctl: handle
 * @path: block device
 * @name: name to attach it under; NULL: its own
 * @out: the unit; may be NULL
 *
 * Return: 0; -EBUSY: the device is in use; -EEXIST: the name, or this unit
 * itself (a copy has its uuid), is attached already; -EUCLEAN: no valid
 * superblock, "npmu-admin unit check" says more; -EOPNOTSUPP: the device cannot
 * carry a unit, or the unit has features that are not known.
 */
int npmu_ctl_unit_attach(struct npmu_ctl *ctl, const char *path,
			 const char *name, struct npmu_unit_info *out);

/**
 * npmu_ctl_unit_attach_dram - make a volatile unit of ordinary memory
 * @ctl: handle
 * @name: name
 * @size: bytes in all, at least NPMU_MIN_UNIT_SIZE
 * @max_regions: slots, 0: the kernel's default
 * @out: the unit; may be NULL
 *
 * Its regions are gone when it is detached.
 *
 * Return: 0; -EEXIST: the name is taken; -ENOMEM.
 */
int npmu_ctl_unit_attach_dram(struct npmu_ctl *ctl, const char *name,
			      uint64_t size, uint32_t max_regions,
			      struct npmu_unit_info *out);

/**
 * npmu_ctl_unit_detach - let a unit go
 * @ctl: handle
 * @name: name
 *
 * Return: 0; -EBUSY: a region is open, "npmu-admin tpt list" shows by whom.
 */
int npmu_ctl_unit_detach(struct npmu_ctl *ctl, const char *name);

/* Show one unit. */
int npmu_ctl_unit_get(struct npmu_ctl *ctl, const char *name,
		      struct npmu_unit_info *out);

/* Show all units. Return: 0, a negative errno, or what @fn returned. */
int npmu_ctl_unit_list(struct npmu_ctl *ctl, npmu_unit_fn *fn, void *ctx);

/**
 * npmu_ctl_region_create - make a region; its bytes read as zero
 * @ctl: handle
 * @unit: name of the unit
 * @name: name of the region
 * @size: bytes, rounded up to 4 KiB
 * @params: owner, group, mode, flags; NULL: root, root, 0600, none
 * @out: the region; may be NULL
 *
 * Return: 0; -EEXIST: the name is taken; -ENOSPC: no room, or no slot.
 */
int npmu_ctl_region_create(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint64_t size,
			   const struct npmu_region_params *params,
			   struct npmu_region_info *out);

/**
 * npmu_ctl_region_set - change name, owner, mode or flags, all in one commit
 * @ctl: handle
 * @unit: name of the unit
 * @name: present name of the region
 * @params: what is to change; at least one
 * @flags: NPMU_CTL_FORCE: fence a live writer of a region made read-only
 * @out: the region as it is now; may be NULL
 *
 * Return: 0; -EEXIST: the new name is taken; -EBUSY: it has a live writer.
 */
int npmu_ctl_region_set(struct npmu_ctl *ctl, const char *unit,
			const char *name,
			const struct npmu_region_params *params, uint32_t flags,
			struct npmu_region_info *out);

/**
 * npmu_ctl_region_resize - grow or shrink in place
 * @ctl: handle
 * @unit: name of the unit
 * @name: name of the region
 * @size: bytes, rounded up to 4 KiB; new bytes read as zero
 * @flags: NPMU_CTL_FORCE: fence the users of a region that shrinks
 * @out: the region as it is now; may be NULL
 *
 * Return: 0; -ENOSPC: no room; -EBUSY: in use, and it would shrink.
 */
int npmu_ctl_region_resize(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint64_t size, uint32_t flags,
			   struct npmu_region_info *out);

/**
 * npmu_ctl_region_delete - delete a region
 * @ctl: handle
 * @unit: name of the unit
 * @name: name of the region
 * @flags: NPMU_CTL_FORCE: fence its users first
 *
 * Return: 0; -EBUSY: in use.
 */
int npmu_ctl_region_delete(struct npmu_ctl *ctl, const char *unit,
			   const char *name, uint32_t flags);

/**
 * npmu_ctl_region_fence - fence the writer
 * @ctl: handle
 * @unit: name of the unit
 * @name: name of the region
 * @expected_epoch: fence only if this fence epoch is current; NULL: any
 * @out: the region with its new fence epoch; may be NULL
 *
 * On return no store of the former writer can land any more.
 *
 * Return: 0; -ESTALE: another epoch is current; -ETIMEDOUT: the writer is dead
 * but something of it is still inside: the region has no writer, try again.
 */
int npmu_ctl_region_fence(struct npmu_ctl *ctl, const char *unit,
			  const char *name, const uint64_t *expected_epoch,
			  struct npmu_region_info *out);

/* Show one region. */
int npmu_ctl_region_get(struct npmu_ctl *ctl, const char *unit,
			const char *name, struct npmu_region_info *out);

/* Show the regions of one unit, or of all when @unit is NULL. */
int npmu_ctl_region_list(struct npmu_ctl *ctl, const char *unit,
			 npmu_region_fn *fn, void *ctx);

/**
 * npmu_ctl_bad_list - show memory that failed
 * @ctl: handle
 * @unit: name of the unit, or NULL: of all units
 * @fn: called for each run of bad bytes, in order of unit and start
 * @ctx: for @fn
 *
 * Return: 0, a negative errno, or what @fn returned.
 */
int npmu_ctl_bad_list(struct npmu_ctl *ctl, const char *unit, npmu_bad_fn *fn, void *ctx);

/*
 * Show the TPT entries of one region, of one unit when @region is NULL, or all
 * when both are NULL.
 */
int npmu_ctl_tpt_list(struct npmu_ctl *ctl, const char *unit,
		      const char *region, npmu_tpt_fn *fn, void *ctx);

/**
 * npmu_events_open - subscribe to events
 * @out: the handle
 * @err: why not, or NULL
 *
 * Events from now on are delivered. To miss nothing, subscribe first and list
 * afterwards.
 *
 * Return: 0; -ENOENT: the module is not loaded.
 */
int npmu_events_open(struct npmu_events **out, struct npmu_error *err);

/* Stop; NULL is allowed. */
void npmu_events_close(struct npmu_events *events);

/* File descriptor for poll(2), POLLIN; the handle owns it. */
int npmu_events_fd(const struct npmu_events *events);

/**
 * npmu_events_next - take the next event
 * @events: handle, for one thread at a time
 * @out: the event
 *
 * Does not wait.
 *
 * Return: 0; -EAGAIN: there is none now; -ENOBUFS: events were
 * lost because they were not taken in time: list again, then go on; -EPROTO.
 */
int npmu_events_next(struct npmu_events *events, struct npmu_event_info *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_CONTROL_H */

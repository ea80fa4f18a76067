/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Regions: names, sizes, extents and the transactions on them. This layer
 * knows no rights and no users: who must be fenced before a region is cut or
 * removed is for tpt.h and evict.h.
 */
#ifndef _NPMU_REGION_H
#define _NPMU_REGION_H

#include <linux/kref.h>
#include <linux/mutex.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <linux/npmu_ioctl.h>

#include "extmap.h"
#include "grant.h"
#include "unit.h"

struct npmu_readers;
struct npmu_tpt_entry;

enum npmu_region_state {
	NPMU_REGION_NEW,	/* name and slot are taken, not yet on the media */
	NPMU_REGION_LIVE,
	NPMU_REGION_DELETED,
};

/**
 * struct npmu_party - who has or had the writer role
 * @pid: its process, or NULL
 * @principal: which principal, or ""
 */
struct npmu_party {
	struct pid *pid;
	char principal[NPMU_PRINCIPAL_LEN];
};

/**
 * struct npmu_region_counters - what was done to a region, for whoever shows it
 * @opens: of all front ends
 * @reads: by the kernel for an open; mapped accesses and RDMA are not seen
 * @writes: likewise
 * @persists: likewise
 * @commits: messages of principals
 * @denied: opens, requests for the writer role and accesses of principals that were refused
 * @fences: writers that were fenced
 */
struct npmu_region_counters {
	atomic64_t opens;
	atomic64_t reads;
	atomic64_t writes;
	atomic64_t persists;
	atomic64_t commits;
	atomic64_t denied;
	atomic64_t fences;
};

/**
 * struct npmu_region - a region of an attached unit
 * @ref: one of the unit's table, one of each TPT entry and each user
 * @unit: holds a reference
 * @slot: constant
 * @uuid: constant
 * @pm_addr: constant
 * @lock: serializes transactions that may wait; see unit.h
 *
 * Under unit->lock:
 * @node: in unit->names
 * @state: as the enum
 * @name: current name
 * @size: bytes; read without the lock in sections, where it cannot shrink
 * @uid: owner
 * @gid: group
 * @mode: permission bits
 * @flags: NPMU_REGION_F_*
 * @fence_epoch: as on the media
 * @health: what attach found
 * @bad: bytes of it that are in the bad list
 * @list: first list block, as on the media
 * @map: written under unit->lock, read under RCU
 * @creator: the principal that made it, or "": constant once it is published
 * @grants: of principals, in order of id; NULL: there was none yet. One is added under
 *	@lock, too
 * @nr_grants: how many
 *
 * Owned by tpt.c and role.c, under unit->lock:
 * @entries: TPT entries, dead ones too
 * @nr_live: those that are not dead
 * @nr_undrained: those that lost something and may still have somebody inside
 * @nr_fencing: those of them that have been the writer
 * @writer: the live writer, or NULL
 * @writer_party: who it is; the writer holds the reference
 * @taking: a takeover or eviction is on its way; no claim is admitted
 * @resizing: a resize is on its way without @lock; no other is admitted
 * @last_writer: the last writer that ended; with a reference
 * @last_writer_epoch: its fence epoch
 * @role_seq: counts changes of the writer role; read without the lock
 * @status: the status page, made at the first open, lives as long as the region
 * @wait: WAIT and poll sleep here
 * @wanted: woken when a reader is going to sleep: for writers that do not look at @status
 * @counters: since attach; see there
 *
 * Owned by reader.c:
 * @readers_lock: the table of readers, on the media and in memory; see unit.h
 * @readers: which opens are named readers, or NULL: none has been yet
 *
 * Owned by the char device front end, under @lock:
 * @dev: the device whose node this is, or NULL
 * @minor: of the node
 * @faults_huge: faults answered with 2 MiB
 * @faults_small: faults answered with 4 KiB
 */
struct npmu_region {
	struct kref ref;
	struct npmu_unit *unit;
	u32 slot;
	u8 uuid[NPMU_UUID_LEN];
	u64 pm_addr;
	struct mutex lock;	/* see unit.h */

	struct hlist_node node;
	enum npmu_region_state state;
	char name[NPMU_REGION_NAME_LEN];
	u64 size;
	kuid_t uid;
	kgid_t gid;
	u32 mode;
	u32 flags;
	u64 fence_epoch;
	enum npmu_health health;
	u64 bad;
	struct npmu_list_ref list;
	struct npmu_extmap __rcu *map;
	char creator[NPMU_PRINCIPAL_LEN];
	struct npmu_grant *grants;
	u32 nr_grants;

	struct list_head entries;
	u32 nr_live;
	u32 nr_undrained;
	u32 nr_fencing;
	struct npmu_tpt_entry *writer;
	struct npmu_party writer_party;
	bool taking;
	bool resizing;
	struct npmu_party last_writer;
	u64 last_writer_epoch;
	u64 role_seq;
	struct npmu_status *status;
	wait_queue_head_t wait;
	wait_queue_head_t wanted;
	struct npmu_region_counters counters;

	struct mutex readers_lock;	/* see unit.h */
	struct npmu_readers *readers;

	struct device *dev;
	int minor;
	atomic64_t faults_huge;
	atomic64_t faults_small;
};

/* Which fields of struct npmu_region_attr are given. */
#define NPMU_ATTR_NAME		BIT(0)
#define NPMU_ATTR_UID		BIT(1)
#define NPMU_ATTR_GID		BIT(2)
#define NPMU_ATTR_MODE		BIT(3)
#define NPMU_ATTR_FLAGS		BIT(4)
#define NPMU_ATTR_CREATOR	BIT(5)

/**
 * struct npmu_region_attr - what a region is to be
 * @valid: NPMU_ATTR_*: what to change; for create what is not a default
 * @name: 1 to 63 bytes
 * @size: bytes, rounded up to 4 KiB (create only)
 * @uid: default the global root
 * @gid: default the global root
 * @mode: default 0600
 * @flags: NPMU_REGION_F_*, default 0
 * @creator: the principal that makes it, within its quota, and gets a grant of all of
 *	it (create only); default none
 */
struct npmu_region_attr {
	u32 valid;
	const char *name;
	u64 size;
	kuid_t uid;
	kgid_t gid;
	u32 mode;
	u32 flags;
	const char *creator;
};

/**
 * struct npmu_region_cut - a cut that was begun
 * @size: bytes the region is to have
 * @map: what is left; the region's once it is made
 * @gone: a copy of the map there was: readers may still hold that one
 */
struct npmu_region_cut {
	u64 size;
	struct npmu_extmap *map;
	struct npmu_extmap *gone;
};

/* struct npmu_region_stat - a snapshot for whoever shows it */
struct npmu_region_stat {
	char name[NPMU_REGION_NAME_LEN];
	u8 uuid[NPMU_UUID_LEN];
	u32 slot;
	u64 size;
	u64 pm_addr;
	kuid_t uid;
	kgid_t gid;
	u32 mode;
	u32 flags;
	u64 fence_epoch;
	u32 nr_extents;
	u32 nr_live;
	enum npmu_role role;
	u64 writer_id;
	struct npmu_party writer;	/* with a reference */
	struct npmu_party last_writer;	/* with a reference */
	char creator[NPMU_PRINCIPAL_LEN];
	u32 nr_grants;
	u64 last_writer_epoch;
	enum npmu_health health;
	u64 bad;
	dev_t devt;			/* 0: no node */
	u64 faults_huge;
	u64 faults_small;
	u64 opens;
	u64 reads;
	u64 writes;
	u64 persists;
	u64 commits;
	u64 denied;
	u64 fences;
};

/* What the layers above do for a region; set once before the first unit is attached. */
struct npmu_front_ops {
	/* A node for a region that is about to be published. Under region->lock. */
	int (*add)(struct npmu_region *region);
	/* Take the node away, and make it again with what the record says then. */
	void (*hide)(struct npmu_region *region);
	int (*show)(struct npmu_region *region);
	/* No node any more; opens live on. Never fails. */
	void (*remove)(struct npmu_region *region);
	/* The device went away: everything is taken from everyone. Never fails. */
	void (*gone)(struct npmu_region *region);
	/* Take a range of it out of every mapping. Under region->lock. Never fails. */
	void (*zap)(struct npmu_region *region, u64 offset, u64 len);
	/* Device number of the node, 0: none. */
	dev_t (*devt)(struct npmu_region *region);
};

extern const struct npmu_front_ops *npmu_front;

/* The published region of that name with a reference, or NULL. */
struct npmu_region *npmu_region_find(struct npmu_unit *unit, const char *name);
/* The published region with the lowest slot from @slot on, with a reference. */
struct npmu_region *npmu_region_next(struct npmu_unit *unit, u32 slot);
void npmu_region_put(struct npmu_region *region);
static inline struct npmu_region *npmu_region_get(struct npmu_region *region)
{
	kref_get(&region->ref);
	return region;
}

/* Its name of now. */
void npmu_region_name(struct npmu_region *region, char name[NPMU_REGION_NAME_LEN]);

/* Fills @stat; npmu_region_stat_put() drops the references in it. */
void npmu_region_stat(struct npmu_region *region, struct npmu_region_stat *stat);
void npmu_region_stat_put(struct npmu_region_stat *stat);

/**
 * npmu_region_create - make a region
 * @unit: where
 * @attr: @attr->name and @attr->size are required
 * @out: the region, with a reference
 * @extack: message on refusal
 *
 * Return: 0; -EINVAL, -EEXIST, -ENOSPC (room or slots), -ENOMEM, -ENODEV; of a creator
 * -EACCES (it may not), -EDQUOT (not so much).
 */
int npmu_region_create(struct npmu_unit *unit, const struct npmu_region_attr *attr,
		       struct npmu_region **out, struct netlink_ext_ack *extack);

/*
 * The parts of a transaction that evict.c composes. All under region->lock.
 * Each checks all, commits to both record copies and publishes; an error
 * changed nothing. cut, remove: no TPT entry may be live. change, cut: after
 * may_change, cut_begin said yes, so that nobody is fenced for what is refused.
 */
int npmu_region_may_change(struct npmu_region *region, const struct npmu_region_attr *attr,
			   struct netlink_ext_ack *extack);
int npmu_region_change(struct npmu_region *region, const struct npmu_region_attr *attr,
		       struct netlink_ext_ack *extack);
/* grow: lets go of region->lock while it zeroes. */
int npmu_region_grow(struct npmu_region *region, u64 size, struct netlink_ext_ack *extack);
/* cut_begin: takes the memory, cut_end: gives back what is left of it. */
int npmu_region_cut_begin(struct npmu_region *region, u64 size, struct npmu_region_cut *cut,
			  struct netlink_ext_ack *extack);
int npmu_region_cut(struct npmu_region *region, struct npmu_region_cut *cut,
		    struct netlink_ext_ack *extack);
void npmu_region_cut_end(struct npmu_region_cut *cut);
int npmu_region_remove(struct npmu_region *region, struct netlink_ext_ack *extack);

/*
 * Raises the fence epoch on the media. Under unit->lock. -ENODEV: the unit is
 * gone, nothing changed.
 */
int npmu_region_raise_epoch(struct npmu_region *region);

/*
 * Tells the event sink; @old_name: of a rename, else NULL; @who: the writer or grantee
 * it concerns, else NULL. Without unit->lock.
 */
void npmu_region_event(struct npmu_region *region, enum npmu_event event,
		       const char *old_name, const struct npmu_party *who);

/* Called by unit.c: reads all slots of a unit into regions; puts them all. */
int npmu_region_load_all(struct npmu_unit *unit, struct netlink_ext_ack *extack);
void npmu_region_unload_all(struct npmu_unit *unit);

/* For the files of this layer alone, the latter three under unit->lock. */
struct npmu_region *npmu_region_alloc(struct npmu_unit *unit);
struct npmu_region *npmu_region_by_name(struct npmu_unit *unit, const char *name);
void npmu_region_hash(struct npmu_region *region);
struct npmu_extmap *npmu_region_map(struct npmu_region *region);

/* Refusals that several transactions share; the latter under unit->lock. */
int npmu_region_check_attr(const struct npmu_region_attr *attr,
			   struct netlink_ext_ack *extack);
int npmu_region_check_health(struct npmu_region *region, struct netlink_ext_ack *extack);
void npmu_region_apply_attr(struct npmu_region *region, const struct npmu_region_attr *attr);

/*
 * The record of a region as it is, with the extents of @map, in media->rec; the
 * caller changes what is to change and commits. Under unit->lock.
 */
struct npmu_region_record *npmu_region_compose(struct npmu_region *region,
					       const struct npmu_extmap *map);

/*
 * Makes @map the region's: list blocks, record, memory. Under unit->lock. An error
 * changed nothing, and @map is still the caller's.
 */
int npmu_region_commit_map(struct npmu_region *region, struct npmu_extmap *map,
			   struct netlink_ext_ack *extack);

#endif /* _NPMU_REGION_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The translation and protection table (TPT): one entry for each open of a
 * region. Every access to region bytes is made inside a section of its entry's
 * gate. This layer knows no file, no vma and no ib_mr: what an entry's user must
 * lose besides is done by its npmu_revoke_ops.
 */
#ifndef _NPMU_TPT_H
#define _NPMU_TPT_H

#include <linux/sched.h>

#include "region.h"

struct npmu_charge;
struct npmu_tpt_entry;

/**
 * struct npmu_revoke_ops - what the front end of an entry takes away
 * @zap: all mappings or keys of the entry. May sleep, never fails; nobody is
 *	in a section, none will map again what the gates forbid
 * @zap_range: what of them covers [offset, offset + len) of the region. The gates are
 *	open, but none will map that again
 */
struct npmu_revoke_ops {
	void (*zap)(struct npmu_tpt_entry *entry);
	void (*zap_range)(struct npmu_tpt_entry *entry, u64 offset, u64 len);
};

/**
 * struct npmu_tpt_entry - one open
 * @region: holds a reference
 * @ops: of the front end
 * @owner: of the front end, for @ops
 * @id: never used twice
 * @access: NPMU_ACCESS_*
 * @principal: who opened under a grant; "": a process of this host
 * @offset: first byte of the region that is reached
 * @len: how many are; 0: all that there are from there on, also as it grows
 * @opener: the process that opened, with a reference; NULL: a principal
 * @command: its name then
 * @uid: its user
 * @charge: who is charged
 * @read: gate for reads; open until the entry is dead
 * @write: gate for writes; open while the entry is the region's writer
 *
 * Under unit->lock:
 * @node: in region->entries; changed under region->lock, too
 * @holder: the process that has or had the writer role, with a reference, or NULL; a
 *	principal has none
 * @fence_epoch: writes under it, or was opened under it
 * @dead: never comes back
 * @was_writer: has had the writer role, and may be writing still
 * @undrained: a gate was closed and what it guarded is not yet taken away
 *
 * Owned by reader.c, under region->readers_lock:
 * @reader: 0: no named reader; its place in the table plus one; or NPMU_READER_LOST
 */
struct npmu_tpt_entry {
	struct npmu_region *region;
	const struct npmu_revoke_ops *ops;
	void *owner;
	u64 id;
	u32 access;
	char principal[NPMU_PRINCIPAL_LEN];
	u64 offset;
	u64 len;
	struct pid *opener;
	char command[TASK_COMM_LEN];
	kuid_t uid;
	struct npmu_charge *charge;
	struct npmu_gate read;
	struct npmu_gate write;

	struct list_head node;
	struct pid *holder;
	u64 fence_epoch;
	bool dead;
	bool was_writer;
	bool undrained;

	int reader;
};

/* struct npmu_tpt_stat - a snapshot for whoever shows it */
struct npmu_tpt_stat {
	char region[NPMU_REGION_NAME_LEN];
	u64 id;
	char principal[NPMU_PRINCIPAL_LEN];	/* "": a process */
	struct pid *opener;		/* with a reference, or NULL: a principal */
	char command[TASK_COMM_LEN];
	kuid_t uid;
	u32 access;
	u64 offset;
	u64 length;
	u64 fence_epoch;
	bool writer;
	bool dead;
};

/**
 * npmu_tpt_open - make the entry of an open
 * @region: what is opened, under region->lock
 * @access: NPMU_ACCESS_*
 * @ops: of the front end
 * @owner: for @ops; stays until npmu_tpt_close() returned
 *
 * Return: the entry or ERR_PTR: -ENXIO (no such region), -EACCES, -EROFS, -EIO
 * (damaged), -EUSERS (limit of opens), -ENODEV, -ENOMEM.
 */
struct npmu_tpt_entry *npmu_tpt_open(struct npmu_region *region, u32 access,
				     const struct npmu_revoke_ops *ops, void *owner);

/**
 * npmu_tpt_open_principal - make the entry of an open under a grant
 * @region: what is opened, under region->lock
 * @principal: who, as it was authenticated
 * @access: NPMU_ACCESS_*, no more than the grant has
 * @ops: of the front end
 * @owner: for @ops; stays until npmu_tpt_close() returned
 *
 * Looks at nothing of the caller, who may be a worker of the kernel. The entry
 * reaches the range of the grant; it dies with the grant.
 *
 * Return: as npmu_tpt_open(); -EACCES: no grant, or less; -EIO: not a sound region;
 * -EINVAL: not the name of a principal.
 */
struct npmu_tpt_entry *npmu_tpt_open_principal(struct npmu_region *region,
					       const char *principal, u32 access,
					       const struct npmu_revoke_ops *ops, void *owner);

/* Ends an open that is not the writer (any more): npmu_role_death(). Never fails. */
void npmu_tpt_close(struct npmu_tpt_entry *entry);

/*
 * Marks an entry dead and closes its gates. Under unit->lock. The caller goes on
 * with npmu_tpt_drain() without it.
 */
void npmu_tpt_kill(struct npmu_tpt_entry *entry);

/*
 * Marks dead what a principal has open in a region. Under unit->lock. The caller has
 * seen to the writer role, and goes on with npmu_tpt_drain() without the lock.
 */
void npmu_tpt_kill_principal(struct npmu_region *region, const char *principal);

/* Is one of them dead, and perhaps somebody still inside? Under unit->lock. */
bool npmu_tpt_undrained(struct npmu_region *region, const char *principal);

/* Closes the write gate alone. Under unit->lock; then npmu_tpt_drain(). */
void npmu_tpt_stop_writes(struct npmu_tpt_entry *entry);

/*
 * For each undrained entry of a region: waits for those inside its closed gates,
 * then has its front end take everything away. Under region->lock, without
 * unit->lock. -ETIMEDOUT: the bound passed, call again.
 */
#define NPMU_FENCE_BOUND	(5 * HZ)
int npmu_tpt_drain(struct npmu_region *region);

/*
 * Kills and drains all entries of a region. Under region->lock, with no writer.
 * -ETIMEDOUT: one could not be emptied; all are dead all the same.
 */
int npmu_tpt_kill_all(struct npmu_region *region);

/* Takes a range that failed out of every entry's mappings. Under region->lock. */
void npmu_tpt_zap(struct npmu_region *region, u64 offset, u64 len);

/**
 * npmu_tpt_translate - where a byte of the region is
 * @entry: in one of its sections
 * @offset: in the region, less than its size
 * @len: out: contiguous bytes from there on
 *
 * Return: byte offset in the unit, or NPMU_NOWHERE when out of range.
 */
u64 npmu_tpt_translate(struct npmu_tpt_entry *entry, u64 offset, u64 *len);
#define NPMU_NOWHERE	U64_MAX

/*
 * The entry with the lowest id above @id of a unit; false: there is none.
 * npmu_tpt_stat_put() drops the references in @stat.
 */
bool npmu_tpt_next(struct npmu_unit *unit, u64 id, struct npmu_tpt_stat *stat);
void npmu_tpt_stat_put(struct npmu_tpt_stat *stat);

#endif /* _NPMU_TPT_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The translation and protection table. Owns the entries: who may open a region and
 * what of it, which entry is dead and when nobody is inside it any more. It must not
 * know files, vmas or verbs, nor what the writer role is for.
 */
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/export.h>
#include <linux/slab.h>

#include "charge.h"
#include "debug.h"
#include "rights.h"
#include "tpt.h"
#include "trace.h"

/* Entries a unit may have at all. */
#define NPMU_MAX_ENTRIES	65536

static atomic64_t npmu_last_id = ATOMIC64_INIT(0);

/* The rights in the record, not those of the node, decide. */
static int check_access(struct npmu_region *region, u32 access)
{
	u32 want = 0;
	u32 mode = region->mode;

	if (region->health == NPMU_HEALTH_DAMAGED)
		return -EIO;
	if (access & NPMU_ACCESS_READ)
		want |= 4;
	if (access & NPMU_ACCESS_WRITE)
		want |= 2;

	if (uid_eq(current_fsuid(), region->uid))
		mode >>= 6;
	else if (in_group_p(region->gid))
		mode >>= 3;
	if ((mode & want) != want && !capable(CAP_DAC_OVERRIDE))
		return -EACCES;

	if (access & NPMU_ACCESS_WRITE &&
	    (region->flags & NPMU_REGION_F_READ_ONLY ||
	     region->health == NPMU_HEALTH_QUARANTINED))
		return -EROFS;
	return 0;
}

/* What its grant says, and no credentials of whoever asks for it. */
static int check_grant(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	const struct npmu_grant *grant;

	grant = npmu_right_find(region, entry->principal);
	if (!grant || entry->access & ~grant->access)
		return -EACCES;
	/* What its grant is worth is not known where the region is not sound. */
	if (region->health != NPMU_HEALTH_GOOD)
		return -EIO;
	if (entry->access & NPMU_ACCESS_WRITE && region->flags & NPMU_REGION_F_READ_ONLY)
		return -EROFS;
	entry->offset = grant->offset;
	entry->len = grant->len;
	return 0;
}

static int entry_insert(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_unit *unit = region->unit;
	int ret;

	if (region->state != NPMU_REGION_LIVE)
		return -ENXIO;
	ret = *entry->principal ? check_grant(entry) : check_access(region, entry->access);
	if (ret)
		return ret;
	if (unit->nr_entries >= NPMU_MAX_ENTRIES)
		return -EUSERS;
	entry->charge = *entry->principal ? npmu_charge_principal(entry->principal) :
					    npmu_charge_uid(entry->uid);
	if (IS_ERR(entry->charge))
		return PTR_ERR(entry->charge);

	entry->id = atomic64_inc_return(&npmu_last_id);
	ret = xa_insert(&unit->entries, entry->id, entry, GFP_KERNEL_ACCOUNT);
	if (ret) {
		npmu_uncharge(entry->charge);
		return ret;
	}
	entry->fence_epoch = region->fence_epoch;
	list_add_tail(&entry->node, &region->entries);
	unit->nr_entries++;
	region->nr_live++;
	return 0;
}

static void entry_free(struct npmu_tpt_entry *entry)
{
	npmu_region_put(entry->region);
	put_pid(entry->opener);
	put_pid(entry->holder);
	kfree(entry);
}

static struct npmu_tpt_entry *entry_make(struct npmu_region *region, u32 access,
					 const struct npmu_revoke_ops *ops, void *owner)
{
	struct npmu_tpt_entry *entry;

	entry = kzalloc(sizeof(*entry), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return NULL;
	entry->ops = ops;
	entry->owner = owner;
	entry->access = access;
	npmu_gate_init(&entry->read, true);
	npmu_gate_init(&entry->write, false);
	entry->region = npmu_region_get(region);
	return entry;
}

/* The entry becomes one of its region; else it is freed. */
static struct npmu_tpt_entry *entry_publish(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	int ret;

	lockdep_assert_held(&region->lock);

	if (!region->status) {
		struct npmu_status *status;

		status = (void *)get_zeroed_page(GFP_KERNEL_ACCOUNT);
		if (!status) {
			ret = -ENOMEM;
			goto err_free;
		}
		status->fence_epoch = region->fence_epoch;
		region->status = status;
	}

	ret = npmu_unit_lock(region->unit, NULL);
	if (ret)
		goto err_free;
	ret = entry_insert(entry);
	mutex_unlock(&region->unit->lock);
	if (ret)
		goto err_free;
	atomic64_inc(&region->counters.opens);
	trace_npmu_tpt_open(entry);
	return entry;

err_free:
	atomic64_inc(&region->counters.denied);
	trace_npmu_tpt_denied(entry, ret);
	entry_free(entry);
	return ERR_PTR(ret);
}
EXPORT_SYMBOL_GPL(npmu_tpt_open);

struct npmu_tpt_entry *npmu_tpt_open(struct npmu_region *region, u32 access,
				     const struct npmu_revoke_ops *ops, void *owner)
{
	struct npmu_tpt_entry *entry = entry_make(region, access, ops, owner);

	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->uid = current_fsuid();
	entry->opener = get_pid(task_tgid(current));
	get_task_comm(entry->command, current->group_leader);
	return entry_publish(entry);
}

struct npmu_tpt_entry *npmu_tpt_open_principal(struct npmu_region *region,
					       const char *principal, u32 access,
					       const struct npmu_revoke_ops *ops, void *owner)
{
	struct npmu_tpt_entry *entry;

	/* Without a name it would be somebody of this host. */
	if (!npmu_principal_ok(principal) || !access || access & ~NPMU_GRANT_ALL)
		return ERR_PTR(-EINVAL);
	entry = entry_make(region, access, ops, owner);
	if (!entry)
		return ERR_PTR(-ENOMEM);
	entry->uid = INVALID_UID;
	strscpy(entry->principal, principal);
	return entry_publish(entry);
}
EXPORT_SYMBOL_GPL(npmu_tpt_open_principal);

static void mark_drained(struct npmu_tpt_entry *entry)
{
	lockdep_assert_held(&entry->region->unit->lock);
	if (entry->undrained) {
		entry->undrained = false;
		entry->region->nr_undrained--;
		entry->region->nr_fencing -= entry->was_writer;
		/* Who resigned, and goes later, is waited for by no writer. */
		entry->was_writer = false;
	}
}

void npmu_tpt_close(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_unit *unit = region->unit;

	/*
	 * Its user is gone: nobody is inside and there is nothing to zap. With
	 * region->lock nobody who drains is about to call its front end either.
	 */
	mutex_lock(&region->lock);
	mutex_lock(&unit->lock);
	npmu_tpt_kill(entry);
	mark_drained(entry);
	trace_npmu_tpt_close(entry);
	xa_erase(&unit->entries, entry->id);
	list_del(&entry->node);
	unit->nr_entries--;
	mutex_unlock(&unit->lock);
	mutex_unlock(&region->lock);

	npmu_uncharge(entry->charge);
	entry_free(entry);
}
EXPORT_SYMBOL_GPL(npmu_tpt_close);

static void mark_undrained(struct npmu_tpt_entry *entry)
{
	if (!entry->undrained) {
		entry->undrained = true;
		entry->region->nr_undrained++;
		entry->region->nr_fencing += entry->was_writer;
	}
}

void npmu_tpt_kill(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;

	lockdep_assert_held(&region->unit->lock);
	if (entry->dead)
		return;
	WRITE_ONCE(entry->dead, true);
	trace_npmu_tpt_kill(entry);
	npmu_gate_close(&entry->read);
	npmu_gate_close(&entry->write);
	region->nr_live--;
	mark_undrained(entry);
	wake_up_all(&region->wait);
}

void npmu_tpt_kill_principal(struct npmu_region *region, const char *principal)
{
	struct npmu_tpt_entry *entry;

	lockdep_assert_held(&region->unit->lock);
	list_for_each_entry(entry, &region->entries, node)
		if (!strcmp(entry->principal, principal))
			npmu_tpt_kill(entry);
}

bool npmu_tpt_undrained(struct npmu_region *region, const char *principal)
{
	struct npmu_tpt_entry *entry;

	lockdep_assert_held(&region->unit->lock);
	list_for_each_entry(entry, &region->entries, node)
		if (entry->undrained && !strcmp(entry->principal, principal))
			return true;
	return false;
}

void npmu_tpt_stop_writes(struct npmu_tpt_entry *entry)
{
	lockdep_assert_held(&entry->region->unit->lock);
	npmu_gate_close(&entry->write);
	mark_undrained(entry);
}

static bool drain_one(struct npmu_tpt_entry *entry, unsigned long deadline)
{
	long left = max_t(long, 0, deadline - jiffies);

	if (npmu_debug_naive_fence())
		goto zap;
	if (!npmu_gate_wait(&entry->write, left))
		return false;
	left = max_t(long, 0, deadline - jiffies);
	if (READ_ONCE(entry->dead) && !npmu_gate_wait(&entry->read, left))
		return false;
zap:
	entry->ops->zap(entry);
	return true;
}

int npmu_tpt_drain(struct npmu_region *region)
{
	unsigned long deadline = jiffies + NPMU_FENCE_BOUND;
	struct npmu_tpt_entry *entry;
	int ret = 0;

	/* Opens, closes and kills need the lock, too: the list stands still. */
	lockdep_assert_held(&region->lock);

	list_for_each_entry(entry, &region->entries, node) {
		if (!entry->undrained)
			continue;
		if (!drain_one(entry, deadline)) {
			ret = -ETIMEDOUT;
			continue;
		}
		trace_npmu_tpt_drained(entry);
		mutex_lock(&region->unit->lock);
		mark_drained(entry);
		mutex_unlock(&region->unit->lock);
	}
	return ret;
}

int npmu_tpt_kill_all(struct npmu_region *region)
{
	struct npmu_tpt_entry *entry;

	lockdep_assert_held(&region->lock);

	mutex_lock(&region->unit->lock);
	WARN_ON_ONCE(region->writer);
	list_for_each_entry(entry, &region->entries, node)
		npmu_tpt_kill(entry);
	mutex_unlock(&region->unit->lock);
	return npmu_tpt_drain(region);
}

void npmu_tpt_zap(struct npmu_region *region, u64 offset, u64 len)
{
	struct npmu_tpt_entry *entry;

	lockdep_assert_held(&region->lock);
	list_for_each_entry(entry, &region->entries, node)
		entry->ops->zap_range(entry, offset, len);
}

u64 npmu_tpt_translate(struct npmu_tpt_entry *entry, u64 offset, u64 *len)
{
	const struct npmu_extent *extent;
	struct npmu_extmap *map;
	u64 left = U64_MAX;
	u64 skip;

	if (entry->len) {
		if (offset < entry->offset || offset - entry->offset >= entry->len)
			return NPMU_NOWHERE;
		left = entry->len - (offset - entry->offset);
	}
	guard(rcu)();
	map = rcu_dereference(entry->region->map);
	extent = npmu_extent_find(map->extents, map->nr, offset);
	if (!extent)
		return NPMU_NOWHERE;
	skip = offset - extent->off;
	*len = min(extent->len - skip, left);
	return extent->start + skip;
}
EXPORT_SYMBOL_GPL(npmu_tpt_translate);

bool npmu_tpt_next(struct npmu_unit *unit, u64 id, struct npmu_tpt_stat *stat)
{
	unsigned long index = id;
	struct npmu_tpt_entry *entry;
	struct npmu_region *region;

	guard(mutex)(&unit->lock);
	entry = xa_find_after(&unit->entries, &index, ULONG_MAX, XA_PRESENT);
	if (!entry)
		return false;
	region = entry->region;
	strscpy(stat->region, region->name);
	stat->id = entry->id;
	stat->opener = get_pid(entry->opener);
	memcpy(stat->command, entry->command, sizeof(stat->command));
	memcpy(stat->principal, entry->principal, sizeof(stat->principal));
	stat->uid = entry->uid;
	stat->access = entry->access;
	stat->offset = entry->offset;
	stat->length = entry->len ?: region->size;
	stat->fence_epoch = entry->fence_epoch;
	stat->writer = region->writer == entry;
	stat->dead = entry->dead;
	return true;
}

void npmu_tpt_stat_put(struct npmu_tpt_stat *stat)
{
	put_pid(stat->opener);
}

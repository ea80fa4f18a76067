// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer role. Owns region->writer and the order of a fence: validate,
 * persist the new epoch, mark the entry dead, wait for those inside, zap, answer.
 * It must not know how the writer reaches the bytes nor how its death is noticed.
 */
#include "role.h"

/* Tells everyone who looks that the role is no longer what it was. */
static void role_changed(struct npmu_region *region)
{
	lockdep_assert_held(&region->unit->lock);
	WRITE_ONCE(region->role_seq, region->role_seq + 1);
	wake_up_all(&region->wait);
}

/* The caller's process becomes the writer. Under unit->lock. */
static void role_assign(struct npmu_region *region, struct npmu_tpt_entry *entry)
{
	entry->fence_epoch = region->fence_epoch;
	entry->was_writer = true;
	region->writer = entry;
	put_pid(entry->holder);
	entry->holder = get_pid(task_tgid(current));
	region->writer_pid = entry->holder;
	if (!npmu_gate_is_open(&entry->write))
		npmu_gate_open(&entry->write);
	/* The epoch first: who sees the writer sees its epoch. */
	WRITE_ONCE(region->status->fence_epoch, region->fence_epoch);
	/* Pairs with the load of the writer in user space. */
	smp_store_release(&region->status->writer, entry->id);
	role_changed(region);
}

/* Returns the process of the writer, for the event; a reference to be put. */
static struct pid *role_vacate(struct npmu_region *region)
{
	struct npmu_tpt_entry *entry = region->writer;

	put_pid(region->last_writer);
	region->last_writer = get_pid(entry->holder);
	region->last_writer_epoch = entry->fence_epoch;
	region->writer = NULL;
	region->writer_pid = NULL;
	WRITE_ONCE(region->status->writer, 0);
	role_changed(region);
	return get_pid(entry->holder);
}

static int role_admits(struct npmu_region *region, struct npmu_tpt_entry *entry)
{
	if (!(entry->access & NPMU_ACCESS_WRITE))
		return -EBADF;
	if (entry->dead)
		return -ESTALE;
	if (region->flags & NPMU_REGION_F_READ_ONLY ||
	    region->health != NPMU_HEALTH_GOOD)
		return -EROFS;
	return 0;
}

static int claim_locked(struct npmu_region *region, struct npmu_tpt_entry *entry)
{
	int ret;

	ret = role_admits(region, entry);
	if (ret)
		return ret;
	if (region->writer || region->taking || region->nr_fencing)
		return -EBUSY;
	ret = npmu_region_raise_epoch(region);
	if (ret)
		return ret;
	role_assign(region, entry);
	return 0;
}

static int claim(struct npmu_region *region, struct npmu_tpt_entry *entry, u64 *fence_epoch)
{
	bool claimed = false;
	int ret;

	ret = npmu_unit_lock(region->unit, NULL);
	if (ret)
		return ret;
	if (region->writer != entry) {
		ret = claim_locked(region, entry);
		claimed = !ret;
	}
	*fence_epoch = entry->fence_epoch;
	mutex_unlock(&region->unit->lock);

	if (claimed)
		npmu_region_event(region, NPMU_EVENT_WRITER_CLAIMED, NULL, task_tgid(current));
	return ret;
}

int npmu_role_claim(struct npmu_tpt_entry *entry, bool may_wait, u64 *fence_epoch)
{
	struct npmu_region *region = entry->region;
	int ret;

	if (!may_wait || npmu_gate_is_open(&entry->write))
		return claim(region, entry, fence_epoch);

	ret = mutex_lock_killable(&region->lock);
	if (ret)
		return ret;
	/* What cannot be drained makes the claim -EBUSY. */
	npmu_tpt_drain(region);
	ret = claim(region, entry, fence_epoch);
	mutex_unlock(&region->lock);
	return ret;
}

/*
 * The part that a fence and a takeover share. Under unit->lock. On success the
 * epoch is durable, there is no writer, and the former one's process is in
 * @former if there was one.
 */
static int depose(struct npmu_region *region, u64 expected, struct pid **former)
{
	struct npmu_tpt_entry *old = region->writer;
	int ret;

	if (region->fence_epoch != expected)
		return -ESTALE;
	ret = npmu_region_raise_epoch(region);
	if (ret)
		return ret;
	if (region->status)
		WRITE_ONCE(region->status->fence_epoch, region->fence_epoch);
	if (old) {
		*former = role_vacate(region);
		npmu_tpt_kill(old);
	} else {
		role_changed(region);
	}
	return 0;
}

static int takeover_locked(struct npmu_region *region, struct npmu_tpt_entry *entry,
			   u64 expected, struct pid **former)
{
	struct npmu_unit *unit = region->unit;
	int ret;

	ret = npmu_unit_lock(unit, NULL);
	if (ret)
		return ret;
	ret = role_admits(region, entry);
	if (!ret && region->writer == entry && region->fence_epoch == expected) {
		/* From itself: a new epoch, and nobody to fence. */
		ret = npmu_region_raise_epoch(region);
		if (!ret)
			role_assign(region, entry);
		goto out_unlock;
	}
	if (!ret)
		ret = depose(region, expected, former);
	if (ret)
		goto out_unlock;
	region->taking = true;
	mutex_unlock(&unit->lock);

	ret = npmu_tpt_drain(region);

	mutex_lock(&unit->lock);
	region->taking = false;
	if (!ret)
		/* The device may have gone while we waited. */
		ret = role_admits(region, entry);
	if (!ret)
		role_assign(region, entry);
out_unlock:
	mutex_unlock(&unit->lock);
	return ret;
}

int npmu_role_takeover(struct npmu_tpt_entry *entry, u64 expected, u64 *fence_epoch)
{
	struct npmu_region *region = entry->region;
	struct pid *former = NULL;
	int ret;

	ret = mutex_lock_killable(&region->lock);
	if (ret)
		return ret;
	ret = takeover_locked(region, entry, expected, &former);
	*fence_epoch = READ_ONCE(region->fence_epoch);
	mutex_unlock(&region->lock);

	if (former)
		npmu_region_event(region, NPMU_EVENT_WRITER_FENCED, NULL, former);
	if (!ret)
		npmu_region_event(region, NPMU_EVENT_WRITER_REPLACED, NULL, task_tgid(current));
	put_pid(former);
	return ret;
}

int npmu_role_fence(struct npmu_region *region, const u64 *expected,
		    struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct pid *former = NULL;
	int ret;

	lockdep_assert_held(&region->lock);

	ret = npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	ret = depose(region, expected ? *expected : region->fence_epoch, &former);
	if (ret == -ESTALE)
		NL_SET_ERR_MSG_FMT(extack, "fence epoch %llu is current, not the one expected",
				   region->fence_epoch);
	else if (ret == -ENOENT)
		NL_SET_ERR_MSG(extack, "the region was deleted meanwhile");
	else if (ret == -EUCLEAN)
		NL_SET_ERR_MSG(extack, "the region is unsound: it has no writer to fence");
	mutex_unlock(&unit->lock);
	if (ret)
		return ret;

	ret = npmu_tpt_drain(region);
	if (ret)
		NL_SET_ERR_MSG(extack,
			       "the writer is dead to the unit but still inside: fence again");
	npmu_region_event(region, NPMU_EVENT_WRITER_FENCED, NULL, former);
	put_pid(former);
	return ret;
}

bool npmu_role_bar(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	guard(mutex)(&region->unit->lock);
	region->taking = true;
	return region->writer;
}

void npmu_role_unbar(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	guard(mutex)(&region->unit->lock);
	region->taking = false;
}

int npmu_role_resign(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_unit *unit = region->unit;
	struct pid *former = NULL;
	int ret;

	ret = mutex_lock_killable(&region->lock);
	if (ret)
		return ret;
	mutex_lock(&unit->lock);
	if (entry->dead)
		ret = -ESTALE;
	else if (region->writer != entry)
		ret = -EPERM;
	if (!ret) {
		former = role_vacate(region);
		npmu_tpt_stop_writes(entry);
	}
	mutex_unlock(&unit->lock);
	if (!ret)
		ret = npmu_tpt_drain(region);
	mutex_unlock(&region->lock);

	if (former)
		npmu_region_event(region, NPMU_EVENT_WRITER_RESIGNED, NULL, former);
	put_pid(former);
	return ret;
}

void npmu_role_death(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_unit *unit = region->unit;
	struct pid *former = NULL;

	/*
	 * Readers are told first; that nothing lands any more is the business of
	 * the takeover, which cannot pass us since we hold region->lock.
	 */
	mutex_lock(&region->lock);
	mutex_lock(&unit->lock);
	if (region->writer == entry)
		former = role_vacate(region);
	npmu_tpt_kill(entry);
	mutex_unlock(&unit->lock);
	/* Past its bound the entry stays undrained, for the next takeover. */
	npmu_tpt_drain(region);
	mutex_unlock(&region->lock);

	if (former)
		npmu_region_event(region, NPMU_EVENT_WRITER_DEAD, NULL, former);
	put_pid(former);
}

void npmu_role_lose(struct npmu_region *region)
{
	struct npmu_tpt_entry *old;

	lockdep_assert_held(&region->lock);
	guard(mutex)(&region->unit->lock);
	old = region->writer;
	if (old) {
		put_pid(role_vacate(region));
		npmu_tpt_kill(old);
	}
}

int npmu_role_kick(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_status *status = region->status;

	if (READ_ONCE(entry->dead))
		return -ESTALE;
	if (READ_ONCE(status->writer) != entry->id)
		return -EPERM;
	WRITE_ONCE(status->kick_wanted, 0);
	/* Kicks of several threads of one writer must not be lost. */
	atomic64_inc((atomic64_t *)&status->kicks);
	wake_up_all(&region->wait);
	return 0;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The writer role. Owns region->writer and the order of a fence: validate,
 * persist the new epoch, mark the entry dead, wait for those inside, zap, answer.
 * It must not know how the writer reaches the bytes nor how its death is noticed.
 */
#include <linux/export.h>

#include "rights.h"
#include "role.h"
#include "trace.h"

/* Tells everyone who looks that the role is no longer what it was. */
static void role_changed(struct npmu_region *region)
{
	lockdep_assert_held(&region->unit->lock);
	WRITE_ONCE(region->role_seq, region->role_seq + 1);
	wake_up_all(&region->wait);
}

/* Who the caller is, or the principal it works for. No reference. */
static struct npmu_party role_party(struct npmu_tpt_entry *entry)
{
	struct npmu_party party = { .pid = *entry->principal ? NULL : task_tgid(current) };

	strscpy(party.principal, entry->principal);
	return party;
}

/* The caller's process, or its principal, becomes the writer. Under unit->lock. */
static void role_assign(struct npmu_region *region, struct npmu_tpt_entry *entry)
{
	entry->fence_epoch = region->fence_epoch;
	entry->was_writer = true;
	region->writer = entry;
	region->writer_party = role_party(entry);
	put_pid(entry->holder);
	entry->holder = get_pid(region->writer_party.pid);
	if (!npmu_gate_is_open(&entry->write))
		npmu_gate_open(&entry->write);
	/* The epoch first: who sees the writer sees its epoch. */
	WRITE_ONCE(region->status->fence_epoch, region->fence_epoch);
	/* Pairs with the load of the writer in user space. */
	smp_store_release(&region->status->writer, entry->id);
	role_changed(region);
}

/* @former: who the writer was, for the event; its reference is to be put. */
static void role_vacate(struct npmu_region *region, struct npmu_party *former)
{
	struct npmu_tpt_entry *entry = region->writer;

	*former = region->writer_party;
	get_pid(former->pid);
	put_pid(region->last_writer.pid);
	region->last_writer = region->writer_party;
	get_pid(region->last_writer.pid);
	region->last_writer_epoch = entry->fence_epoch;
	region->writer = NULL;
	memset(&region->writer_party, 0, sizeof(region->writer_party));
	WRITE_ONCE(region->status->writer, 0);
	role_changed(region);
}

/* Is this somebody, or was there no writer? */
static bool is_party(const struct npmu_party *party)
{
	return party->pid || *party->principal;
}

/* The event on who lost the role, if somebody did. */
static void tell_former(struct npmu_region *region, enum npmu_event event,
			struct npmu_party *former)
{
	if (is_party(former))
		npmu_region_event(region, event, NULL, former);
	put_pid(former->pid);
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

/* Who asks for the role is counted when it is refused. */
static void role_judged(struct npmu_tpt_entry *entry, const char *what, int ret)
{
	if (ret)
		atomic64_inc(&entry->region->counters.denied);
	trace_npmu_role(entry, what, ret);
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

	/* A claim by who has the role changes nothing. */
	if (claimed || ret)
		role_judged(entry, "claim", ret);
	if (claimed) {
		struct npmu_party party = role_party(entry);

		npmu_region_event(region, NPMU_EVENT_WRITER_CLAIMED, NULL, &party);
	}
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
EXPORT_SYMBOL_GPL(npmu_role_claim);

/* The epoch was raised: whoever wrote under the old one does so no more. */
static void drop_writer(struct npmu_region *region, struct npmu_party *former)
{
	struct npmu_tpt_entry *old = region->writer;

	if (region->status)
		WRITE_ONCE(region->status->fence_epoch, region->fence_epoch);
	if (old) {
		atomic64_inc(&region->counters.fences);
		role_vacate(region, former);
		npmu_tpt_kill(old);
	} else {
		role_changed(region);
	}
}

/*
 * The part that a fence and a takeover share. Under unit->lock. On success the
 * epoch is durable, there is no writer, and @former is who was it, if anybody.
 */
static int depose(struct npmu_region *region, u64 expected, struct npmu_party *former)
{
	int ret;

	if (region->fence_epoch != expected)
		return -ESTALE;
	ret = npmu_region_raise_epoch(region);
	if (ret)
		return ret;
	drop_writer(region, former);
	return 0;
}

static int takeover_locked(struct npmu_region *region, struct npmu_tpt_entry *entry,
			   u64 expected, struct npmu_party *former)
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
	struct npmu_party former = {};
	int ret;

	ret = mutex_lock_killable(&region->lock);
	if (ret)
		return ret;
	ret = takeover_locked(region, entry, expected, &former);
	*fence_epoch = READ_ONCE(region->fence_epoch);
	mutex_unlock(&region->lock);

	role_judged(entry, "takeover", ret);
	tell_former(region, NPMU_EVENT_WRITER_FENCED, &former);
	if (!ret) {
		struct npmu_party party = role_party(entry);

		npmu_region_event(region, NPMU_EVENT_WRITER_REPLACED, NULL, &party);
	}
	return ret;
}
EXPORT_SYMBOL_GPL(npmu_role_takeover);

int npmu_role_fence(struct npmu_region *region, const u64 *expected,
		    struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_party former = {};
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
	npmu_region_event(region, NPMU_EVENT_WRITER_FENCED, NULL,
			  is_party(&former) ? &former : NULL);
	put_pid(former.pid);
	return ret;
}

/* Under unit->lock. The grant is gone, and with it all that was opened under it. */
static int revoke_locked(struct npmu_region *region, const char *principal,
			 struct npmu_party *former, struct netlink_ext_ack *extack)
{
	struct npmu_tpt_entry *writer = region->writer;
	bool writes = writer && !strcmp(writer->principal, principal);
	int ret;

	ret = npmu_right_remove(region, principal, writes, extack);
	if (ret == -ENOENT && npmu_tpt_undrained(region, principal))
		/* It was taken away before, and somebody was inside then. */
		return -EALREADY;
	if (ret)
		return ret;
	if (writes)
		drop_writer(region, former);
	npmu_tpt_kill_principal(region, principal);
	return 0;
}

int npmu_role_revoke(struct npmu_region *region, const char *principal,
		     struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_party grantee = {};
	struct npmu_party former = {};
	bool again;
	int ret;

	lockdep_assert_held(&region->lock);

	ret = npmu_right_check_name(principal, extack) ?: npmu_unit_lock(unit, extack);
	if (ret)
		return ret;
	strscpy(grantee.principal, principal);
	ret = revoke_locked(region, principal, &former, extack);
	mutex_unlock(&unit->lock);
	again = ret == -EALREADY;
	if (ret && !again)
		return ret;

	ret = npmu_tpt_drain(region);
	if (ret)
		NL_SET_ERR_MSG(extack,
			       "the grant is gone and its users are dead to the unit, but one is still inside: remove it again");
	tell_former(region, NPMU_EVENT_WRITER_FENCED, &former);
	if (!again)
		npmu_region_event(region, NPMU_EVENT_GRANT_REMOVED, NULL, &grantee);
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
	struct npmu_party former = {};
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
		role_vacate(region, &former);
		npmu_tpt_stop_writes(entry);
	}
	mutex_unlock(&unit->lock);
	if (!ret)
		ret = npmu_tpt_drain(region);
	mutex_unlock(&region->lock);

	role_judged(entry, "resign", ret);
	tell_former(region, NPMU_EVENT_WRITER_RESIGNED, &former);
	return ret;
}
EXPORT_SYMBOL_GPL(npmu_role_resign);

void npmu_role_death(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;
	struct npmu_unit *unit = region->unit;
	struct npmu_party former = {};

	/*
	 * Readers are told first; that nothing lands any more is the business of
	 * the takeover, which cannot pass us since we hold region->lock.
	 */
	mutex_lock(&region->lock);
	mutex_lock(&unit->lock);
	if (region->writer == entry)
		role_vacate(region, &former);
	npmu_tpt_kill(entry);
	mutex_unlock(&unit->lock);
	/* Past its bound the entry stays undrained, for the next takeover. */
	npmu_tpt_drain(region);
	mutex_unlock(&region->lock);

	tell_former(region, NPMU_EVENT_WRITER_DEAD, &former);
}
EXPORT_SYMBOL_GPL(npmu_role_death);

void npmu_role_lose(struct npmu_region *region)
{
	struct npmu_party former = {};
	struct npmu_tpt_entry *old;

	lockdep_assert_held(&region->lock);
	guard(mutex)(&region->unit->lock);
	old = region->writer;
	if (old) {
		role_vacate(region, &former);
		put_pid(former.pid);
		npmu_tpt_kill(old);
	}
}

void npmu_role_want_kick(struct npmu_region *region)
{
	/*
	 * Fully ordered. Pairs with the fence between a writer's commit and its look at the flag,
	 * and with the barrier of who begins to wait for this, in npmu_rdma. A kick clears the flag
	 * meanwhile: whoever then sets it has to say so.
	 */
	if (!xchg(&region->status->kick_wanted, 1))
		wake_up_all(&region->wanted);
}
EXPORT_SYMBOL_GPL(npmu_role_want_kick);

void npmu_role_stir(struct npmu_region *region)
{
	atomic64_inc((atomic64_t *)&region->status->kicks);
	wake_up_all(&region->wait);
}
EXPORT_SYMBOL_GPL(npmu_role_stir);

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
	npmu_role_stir(region);
	return 0;
}
EXPORT_SYMBOL_GPL(npmu_role_kick);

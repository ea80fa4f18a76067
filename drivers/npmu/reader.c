// SPDX-License-Identifier: GPL-2.0-only
/*
 * Named readers of a checkpoint. Owns the table of readers in a region, which open is
 * attached to which place in it, and who may have how many. It must not know what the
 * readers read (the positions are theirs) nor how they came here.
 *
 * region->readers_lock is held from the look at the table to the end of the change of
 * it. What is on the media is looked at anew each time: the region's writer may have
 * stored anything there. The bytes are reached through the entry's own read gate: a
 * reader may not write, and a fence of the writer does not concern it.
 */
#include <linux/export.h>
#include <linux/slab.h>

#include "access.h"
#include "backing.h"
#include "bad.h"
#include "media.h"
#include "reader.h"

/* Of the table at most so much is for one common user, and for all of them. */
#define SHARE_OF_ONE	(NPMU_CKPT_NR_READERS / 4)
#define SHARE_OF_ALL	(NPMU_CKPT_NR_READERS / 2)

/**
 * struct npmu_reader_place - who is attached to an entry of the table
 * @open: of it, or NULL: nobody. One that is dead no longer is
 * @pid: the process that attached, with a reference while @open is there, or NULL: a
 *	principal
 * @instance: of the checkpoint it attached to
 */
struct npmu_reader_place {
	struct npmu_tpt_entry *open;
	struct pid *pid;
	u64 instance;
};

/**
 * struct npmu_readers - the readers of a region, under region->readers_lock
 * @place: by place in the table
 * @copy: both copies of the header, as last read
 * @geometry: what they say
 * @table: as last read
 */
struct npmu_readers {
	struct npmu_reader_place place[NPMU_CKPT_NR_READERS];
	struct npmu_ckpt_header copy[2];
	struct npmu_ckpt_geometry geometry;
	struct npmu_ckpt_reader_entry table[NPMU_CKPT_NR_READERS];
};

/* Offset in the region of a field of an entry of the table. */
#define AT(slot, field)	(NPMU_CKPT_READERS + (slot) * (u64)NPMU_CKPT_READER_SIZE + \
			 offsetof(struct npmu_ckpt_reader_entry, field))

/* Whose the region is, and whether it may be changed. */
static int may_change(struct npmu_region *region, kuid_t *owner)
{
	int ret = npmu_unit_lock(region->unit, NULL);

	if (ret)
		return -ESTALE;
	*owner = region->uid;
	if (region->health == NPMU_HEALTH_DAMAGED)
		ret = -EIO;
	else if (region->health != NPMU_HEALTH_GOOD || region->flags & NPMU_REGION_F_READ_ONLY)
		ret = -EROFS;
	mutex_unlock(&region->unit->lock);
	return ret;
}

/* Both copies of the header. One that cannot be read is none, unless neither can. */
static int load_header(struct npmu_tpt_entry *entry, struct npmu_readers *r)
{
	u64 size = READ_ONCE(entry->region->size);
	int ret[2];

	if (size < NPMU_CKPT_MIN_REGION)
		return -EMEDIUMTYPE;
	memset(r->copy, 0, sizeof(r->copy));
	ret[0] = npmu_tpt_read(entry, NPMU_CKPT_HEADER0, &r->copy[0], sizeof(r->copy[0]));
	ret[1] = npmu_tpt_read(entry, NPMU_CKPT_HEADER1, &r->copy[1], sizeof(r->copy[1]));
	if (ret[0] && ret[1])
		return ret[0];
	return npmu_ckpt_pick_header(r->copy, size, &r->geometry);
}

/* A copy that is being written is none; that must not hit both of them. */
#define HEADER_TRIES	8

/* The header, of the append form. */
static int load_form(struct npmu_tpt_entry *entry, struct npmu_readers *r)
{
	int tries = HEADER_TRIES;
	int ret;

	do {
		ret = load_header(entry, r);
	} while ((ret == -EUCLEAN || ret == -EMEDIUMTYPE) && --tries);
	if (ret == -EUCLEAN || ret == -EPROTONOSUPPORT)
		return -EMEDIUMTYPE;
	if (!ret && r->geometry.form != NPMU_CKPT_FORM_APPEND)
		return -EMEDIUMTYPE;
	return ret;
}

/* The header and the table of readers. */
static int load(struct npmu_tpt_entry *entry, struct npmu_readers *r)
{
	return load_form(entry, r) ?:
	       npmu_tpt_read(entry, NPMU_CKPT_READERS, r->table, sizeof(r->table));
}

/*
 * Changes bytes of the table, durably. The table lies in one granule, and so extents
 * neither begin nor end in it. @word: eight bytes, which must change at once.
 */
static int put(struct npmu_tpt_entry *entry, u64 offset, const void *buf, size_t len, bool word)
{
	struct npmu_unit *unit = entry->region->unit;
	u64 where, run;
	int ret = 0;
	int touch;

	if (!npmu_gate_enter(&entry->read))
		return -ESTALE;
	touch = npmu_touch_begin();
	where = npmu_tpt_translate(entry, offset, &run);
	if (where == NPMU_NOWHERE || npmu_media_is_bad(unit->media, where, len)) {
		ret = -EIO;
	} else {
		if (word)
			npmu_backing_store(unit->backing, where, buf);
		else
			npmu_backing_write(unit->backing, where, buf, len);
		npmu_backing_fence(unit->backing);
	}
	npmu_touch_end(touch);
	npmu_gate_leave(&entry->read);
	return ret;
}

static int put_word(struct npmu_tpt_entry *entry, u64 offset, __le64 word)
{
	return put(entry, offset, &word, sizeof(word), true);
}

/* Takes the table in hand. On 0 the lock is held. */
static int lock_readers(struct npmu_region *region)
{
	if (mutex_lock_killable(&region->readers_lock))
		return -EINTR;
	if (!region->readers)
		region->readers = kzalloc(sizeof(*region->readers), GFP_KERNEL_ACCOUNT);
	if (region->readers)
		return 0;
	mutex_unlock(&region->readers_lock);
	return -ENOMEM;
}

/* Nobody is attached to a place any more. @left: what the open finds from now on. */
static void vacate(struct npmu_readers *r, u32 slot, int left)
{
	if (!r->place[slot].open)
		return;
	r->place[slot].open->reader = left;
	r->place[slot].open = NULL;
	put_pid(r->place[slot].pid);
	r->place[slot].pid = NULL;
}

static void occupy(struct npmu_readers *r, u32 slot, struct npmu_tpt_entry *entry)
{
	vacate(r, slot, NPMU_READER_LOST);
	if (entry->reader > 0)
		vacate(r, entry->reader - 1, 0);
	r->place[slot].open = entry;
	/* Who works for a principal is nobody's process. */
	r->place[slot].pid = *entry->principal ? NULL : get_pid(task_tgid(current));
	r->place[slot].instance = r->geometry.instance;
	entry->reader = slot + 1;
}

/* Is somebody attached to a place, of the checkpoint that is there now? */
static bool is_attached(const struct npmu_readers *r, u32 slot, u64 instance)
{
	return r->place[slot].open && !READ_ONCE(r->place[slot].open->dead) &&
	       r->place[slot].instance == instance;
}

static bool load_place(const struct npmu_readers *r, u32 slot, struct npmu_ckpt_named *named)
{
	return npmu_ckpt_check_reader(&r->table[slot], r->geometry.instance, named);
}

/* The place of a name, or -ENOENT. Of several, which only a writer makes, the first. */
static int find_name(const struct npmu_readers *r, const u8 *name, struct npmu_ckpt_named *named)
{
	int slot;

	for (slot = 0; slot < NPMU_CKPT_NR_READERS; slot++)
		if (load_place(r, slot, named) && !memcmp(named->name, name, sizeof(named->name)))
			return slot;
	return -ENOENT;
}

/*
 * The place of an open: -ENOTCONN: it never had one; -ESTALE: it lost it, or the
 * checkpoint was made anew. The place's entry is in the table.
 */
static int find_own(const struct npmu_readers *r, const struct npmu_tpt_entry *entry,
		    struct npmu_ckpt_named *named)
{
	int slot = entry->reader - 1;

	if (!entry->reader)
		return -ENOTCONN;
	if (entry->reader == NPMU_READER_LOST ||
	    r->place[slot].instance != r->geometry.instance || !load_place(r, slot, named))
		return -ESTALE;
	return slot;
}

/* How a principal is written where users are: see linux/npmu_wire.h. */
#define UID_OF_PRINCIPALS	BIT(31)

/* The user of an open, as on the media. */
static u32 media_uid(const struct npmu_tpt_entry *entry)
{
	const char *principal = entry->principal;

	if (*principal)
		return npmu_crc32c(0, principal, strlen(principal)) | UID_OF_PRINCIPALS;
	return from_kuid(&init_user_ns, entry->uid);
}

static bool is_common_uid(kuid_t uid, kuid_t owner)
{
	return !uid_eq(uid, GLOBAL_ROOT_UID) && !uid_eq(uid, owner);
}

/* Neither root nor whose region it is. */
static bool is_common(const struct npmu_tpt_entry *entry, kuid_t owner)
{
	if (*entry->principal)
		return strcmp(entry->principal, entry->region->creator);
	return is_common_uid(entry->uid, owner);
}

/* A free place that an open's user may have, or -ENOSPC. */
static int find_free(const struct npmu_readers *r, const struct npmu_tpt_entry *entry,
		     kuid_t owner)
{
	struct npmu_ckpt_named named;
	u32 of_one = 0, of_all = 0;
	int found = -ENOSPC;
	int slot;

	for (slot = NPMU_CKPT_NR_READERS - 1; slot >= 0; slot--) {
		if (!load_place(r, slot, &named)) {
			found = slot;
			continue;
		}
		of_one += named.uid == media_uid(entry);
		of_all += is_common_uid(make_kuid(&init_user_ns, named.uid), owner);
	}
	if (is_common(entry, owner) && (of_one >= SHARE_OF_ONE || of_all >= SHARE_OF_ALL))
		return -ENOSPC;
	return found;
}

/*
 * All the rest first, then the instance alone: half made, it is not there, and who had
 * the place before it does not come back. A place that is free for its sum is emptied.
 */
static int make_place(struct npmu_tpt_entry *entry, struct npmu_readers *r, u32 slot,
		      const u8 *name, u64 position)
{
	const size_t rest = offsetof(struct npmu_ckpt_reader_entry, name);
	struct npmu_ckpt_reader_entry *made = &r->table[slot];
	bool spoilt = le64_to_cpu(made->instance) == r->geometry.instance;
	struct npmu_ckpt_named named = {
		.uid = media_uid(entry),
		.position = position,
	};

	memcpy(named.name, name, sizeof(named.name));
	npmu_ckpt_make_reader(made, r->geometry.instance, &named);
	return (spoilt ? put_word(entry, AT(slot, instance), 0) : 0) ?:
	       put(entry, AT(slot, name), (u8 *)made + rest, sizeof(*made) - rest, false) ?:
	       put_word(entry, AT(slot, instance), made->instance);
}

static int attach(struct npmu_tpt_entry *entry, struct npmu_readers *r, bool create,
		  u64 instance, const u8 *name, u64 *position)
{
	struct npmu_ckpt_named named;
	kuid_t owner;
	int own, slot, ret;

	ret = may_change(entry->region, &owner) ?: load(entry, r);
	if (ret)
		return ret;
	if (r->geometry.instance != instance)
		return -ESTALE;
	own = find_own(r, entry, &named);
	slot = find_name(r, name, &named);
	if (own >= 0 && own != slot)
		return -EBUSY;
	if (slot < 0) {
		if (!create)
			return -ENOENT;
		slot = find_free(r, entry, owner);
		if (slot < 0)
			return slot;
		ret = make_place(entry, r, slot, name, *position);
		if (ret)
			return ret;
	} else {
		if (named.uid != media_uid(entry))
			return -EACCES;
		if (own < 0 && is_attached(r, slot, instance))
			return -EBUSY;
		*position = named.position;
	}
	if (own < 0)
		occupy(r, slot, entry);
	return slot;
}

int npmu_reader_attach(struct npmu_tpt_entry *entry, bool create, u64 instance,
		       const u8 *name, u64 *position, u32 *slot)
{
	struct npmu_region *region = entry->region;
	int ret;

	if (!(entry->access & NPMU_ACCESS_READ))
		return -EBADF;
	if (!npmu_ckpt_reader_name_ok(name) || !npmu_ckpt_position_ok(*position))
		return -EINVAL;
	ret = lock_readers(region);
	if (ret)
		return ret;
	ret = attach(entry, region->readers, create, instance, name, position);
	mutex_unlock(&region->readers_lock);
	if (ret < 0)
		return ret;
	*slot = ret;
	return 0;
}
EXPORT_SYMBOL_GPL(npmu_reader_attach);

static int ack(struct npmu_tpt_entry *entry, struct npmu_readers *r, u64 position)
{
	struct npmu_ckpt_named named;
	kuid_t owner;
	int slot, ret;

	if (!entry->reader)
		return -ENOTCONN;
	ret = may_change(entry->region, &owner) ?: load(entry, r);
	if (ret)
		return ret == -EMEDIUMTYPE ? -ESTALE : ret;
	slot = find_own(r, entry, &named);
	if (slot < 0)
		return slot;
	if (position < named.position)
		return -EINVAL;
	return put_word(entry, AT(slot, position), cpu_to_le64(position));
}

int npmu_reader_ack(struct npmu_tpt_entry *entry, u64 position)
{
	struct npmu_region *region = entry->region;
	int ret;

	if (!npmu_ckpt_position_ok(position))
		return -EINVAL;
	ret = lock_readers(region);
	if (ret)
		return ret;
	ret = ack(entry, region->readers, position);
	mutex_unlock(&region->readers_lock);
	if (!ret)
		wake_up_all(&region->wait);
	return ret;
}
EXPORT_SYMBOL_GPL(npmu_reader_ack);

static bool may_detach(struct npmu_tpt_entry *entry, const struct npmu_ckpt_named *named,
		       kuid_t owner)
{
	return named->uid == media_uid(entry) || !is_common(entry, owner) ||
	       READ_ONCE(entry->region->status->writer) == entry->id;
}

static int detach(struct npmu_tpt_entry *entry, struct npmu_readers *r, const u8 *name)
{
	bool own = npmu_bytes_zero(name, NPMU_CKPT_READER_NAME_LEN);
	struct npmu_ckpt_named named;
	kuid_t owner;
	int slot, ret;

	if (own && !entry->reader)
		return -ENOTCONN;
	ret = may_change(entry->region, &owner) ?: load(entry, r);
	if (ret)
		return ret;
	slot = own ? find_own(r, entry, &named) : find_name(r, name, &named);
	if (slot < 0)
		return slot;
	if (!may_detach(entry, &named, owner))
		return -EACCES;
	ret = put_word(entry, AT(slot, instance), 0);
	if (!ret)
		vacate(r, slot, r->place[slot].open == entry ? 0 : NPMU_READER_LOST);
	return ret;
}

int npmu_reader_detach(struct npmu_tpt_entry *entry, const u8 *name)
{
	struct npmu_region *region = entry->region;
	int ret;

	if (!npmu_bytes_zero(name, NPMU_CKPT_READER_NAME_LEN) && !npmu_ckpt_reader_name_ok(name))
		return -EINVAL;
	ret = lock_readers(region);
	if (ret)
		return ret;
	ret = detach(entry, region->readers, name);
	mutex_unlock(&region->readers_lock);
	if (!ret)
		wake_up_all(&region->wait);
	return ret;
}
EXPORT_SYMBOL_GPL(npmu_reader_detach);

void npmu_reader_leave(struct npmu_tpt_entry *entry)
{
	struct npmu_region *region = entry->region;

	/* Nobody attaches an open that ends: what never was a reader is none. */
	if (!READ_ONCE(entry->reader))
		return;
	guard(mutex)(&region->readers_lock);
	if (entry->reader > 0)
		vacate(region->readers, entry->reader - 1, 0);
}
EXPORT_SYMBOL_GPL(npmu_reader_leave);

void npmu_reader_settle(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	mutex_lock(&region->readers_lock);
	mutex_unlock(&region->readers_lock);
}

struct pid *npmu_reader_who(struct npmu_region *region, u32 slot, u64 instance,
			    char *principal)
{
	*principal = '\0';
	guard(mutex)(&region->readers_lock);
	if (!region->readers || !is_attached(region->readers, slot, instance))
		return NULL;
	memcpy(principal, region->readers->place[slot].open->principal, NPMU_PRINCIPAL_LEN);
	return get_pid(region->readers->place[slot].pid);
}

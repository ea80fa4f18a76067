// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units. Owns the list of attached units, attach and detach, and what happens
 * when a device goes away under one. It must not know what regions are used for.
 */
#include <linux/log2.h>
#include <linux/module.h>
#include <linux/slab.h>

#include "bad.h"
#include "event.h"
#include "media.h"
#include "region.h"

/* Serializes attach and detach; protects npmu_unit_ids. May be held for long. */
static DEFINE_MUTEX(npmu_attach_lock);
/* Protects npmu_units; changed under both locks, read under either. */
static DEFINE_MUTEX(npmu_units_lock);
static LIST_HEAD(npmu_units);
static u32 npmu_unit_ids;

void npmu_unit_event(struct npmu_unit *unit, enum npmu_event event, const char *principal)
{
	struct npmu_event_info info = {
		.event = event, .principal = principal,
		.unit = unit->name, .unit_uuid = unit->uuid,
	};

	npmu_event_sink(&info);
}

int npmu_unit_lock(struct npmu_unit *unit, struct netlink_ext_ack *extack)
{
	mutex_lock(&unit->lock);
	if (!unit->gone && !unit->detached)
		return 0;
	mutex_unlock(&unit->lock);
	NL_SET_ERR_MSG_FMT(extack, "the device of unit %s went away: detach it", unit->name);
	return -ENODEV;
}

static int zero_step(struct npmu_unit *unit, u64 start, u64 len)
{
	int touch;
	bool bad;

	if (!npmu_gate_enter(&unit->io))
		return -ENODEV;
	touch = npmu_touch_begin();
	bad = npmu_media_is_bad(unit->media, start, len);
	if (!bad) {
		npmu_backing_zero(unit->backing, start, len);
		npmu_backing_fence(unit->backing);
	}
	npmu_touch_end(touch);
	npmu_gate_leave(&unit->io);
	if (!bad)
		return 0;
	npmu_bad_note(unit, start, len);
	return -EIO;
}

int npmu_unit_zero(struct npmu_unit *unit, u64 start, u64 len)
{
	while (len) {
		u64 step = min_t(u64, len, NPMU_CHUNK_SIZE);
		int ret;

		if (fatal_signal_pending(current))
			return -EINTR;
		ret = zero_step(unit, start, step);
		if (ret)
			return ret;
		start += step;
		len -= step;
		cond_resched();
	}
	return 0;
}

static struct npmu_unit *unit_alloc(void)
{
	struct npmu_unit *unit = kzalloc(sizeof(*unit), GFP_KERNEL);

	if (!unit)
		return NULL;
	kref_init(&unit->ref);
	INIT_LIST_HEAD(&unit->node);
	mutex_init(&unit->lock);
	npmu_gate_init(&unit->io, true);
	xa_init_flags(&unit->regions, XA_FLAGS_ALLOC);
	xa_init(&unit->entries);
	return unit;
}

static void unit_release(struct kref *ref)
{
	struct npmu_unit *unit = container_of(ref, struct npmu_unit, ref);

	npmu_media_close(unit->media);
	xa_destroy(&unit->entries);
	xa_destroy(&unit->regions);
	kvfree(unit->names);
	kfree(unit);
}

void npmu_unit_put(struct npmu_unit *unit)
{
	if (unit)
		kref_put(&unit->ref, unit_release);
}
EXPORT_SYMBOL_GPL(npmu_unit_put);

/* Under npmu_units_lock or npmu_attach_lock. */
static struct npmu_unit *unit_by_name(const char *name)
{
	struct npmu_unit *unit;

	list_for_each_entry(unit, &npmu_units, node)
		if (!strcmp(unit->name, name))
			return unit;
	return NULL;
}

struct npmu_unit *npmu_unit_find(const char *name)
{
	struct npmu_unit *unit;

	guard(mutex)(&npmu_units_lock);
	unit = unit_by_name(name);
	return unit ? npmu_unit_get(unit) : NULL;
}
EXPORT_SYMBOL_GPL(npmu_unit_find);

struct npmu_unit *npmu_unit_next(u32 id)
{
	struct npmu_unit *unit;

	guard(mutex)(&npmu_units_lock);
	/* The list is in order of id. */
	list_for_each_entry(unit, &npmu_units, node)
		if (unit->id > id)
			return npmu_unit_get(unit);
	return NULL;
}

void npmu_unit_stat(struct npmu_unit *unit, struct npmu_unit_stat *stat)
{
	struct npmu_media *media = unit->media;
	u64 data_start = le64_to_cpu(media->sb->data_start);
	const struct npmu_badlist *bad;

	guard(mutex)(&unit->lock);
	bad = npmu_media_badlist(media);
	*stat = (struct npmu_unit_stat) {
		.backing = unit->kind,
		.class = unit->class,
		.path = unit->path,
		.size = le64_to_cpu(media->sb->size),
		.data_size = le64_to_cpu(media->sb->size) - data_start,
		.free = npmu_alloc_available(&media->alloc),
		.media_epoch = media->epoch,
		.max_regions = le32_to_cpu(media->sb->max_regions),
		.nr_regions = unit->nr_regions,
		.nr_entries = unit->nr_entries,
		.repaired = media->repaired,
		.unsound_regions = unit->nr_unsound,
		.bad = npmu_bad_bytes(bad, 0, le64_to_cpu(media->sb->size)),
		.bad_ranges = bad->nr,
		.bad_incomplete = bad->incomplete,
		.creators = media->creators->nr,
		.gone = unit->gone,
	};
	if (!unit->gone && !unit->detached)
		stat->unreadable = npmu_media_unreadable(media);
}

static int check_name(const char *name, struct netlink_ext_ack *extack)
{
	if (npmu_name_ok(name, NPMU_UNIT_NAME_LEN))
		return 0;
	NL_SET_ERR_MSG(extack,
		       "a unit name is 1 to 31 of A-Z a-z 0-9 . _ + : - and does not start with a dot");
	return -EINVAL;
}

static void unit_gone(void *ctx)
{
	struct npmu_unit *unit = ctx;
	struct npmu_region *region;
	bool attached;
	u32 slot = 0;

	/* Under the lock: nobody is in the middle of a metadata transaction. */
	mutex_lock(&unit->lock);
	unit->gone = true;
	attached = unit->id;
	mutex_unlock(&unit->lock);
	npmu_gate_close(&unit->io);
	wait_event(unit->io.empty, npmu_gate_is_empty(&unit->io));

	while ((region = npmu_region_next(unit, slot))) {
		slot = region->slot + 1;
		npmu_front->gone(region);
		npmu_region_put(region);
	}
	pr_err("npmu: the device of unit %s went away\n", unit->name);
	if (attached)
		npmu_unit_event(unit, NPMU_EVENT_UNIT_GONE, NULL);
}

static void unit_failed(void *ctx, u64 off, u64 len)
{
	npmu_bad_happened(ctx, off, len);
}

static const struct npmu_backing_owner unit_owner = {
	.gone = unit_gone,
	.failed = unit_failed,
};

/* A device can go while it is being formatted, too. */
static void format_gone(void *ctx)
{
	struct npmu_gate *io = ctx;

	npmu_gate_close(io);
	wait_event(io->empty, npmu_gate_is_empty(io));
}

/* The backing knows it, and attach will ask for it. */
static void format_failed(void *ctx, u64 off, u64 len)
{
}

static const struct npmu_backing_owner format_owner = {
	.gone = format_gone,
	.failed = format_failed,
};

int npmu_unit_format(const char *path, const char *name, u32 max_regions, bool force,
		     u8 *uuid, struct netlink_ext_ack *extack)
{
	struct npmu_backing *backing;
	struct npmu_gate io;
	int ret;

	ret = check_name(name, extack);
	if (ret)
		return ret;
	npmu_gate_init(&io, true);
	backing = npmu_backing_open_pmem(path, &format_owner, &io, extack);
	if (IS_ERR(backing))
		return PTR_ERR(backing);
	ret = -ENODEV;
	if (npmu_gate_enter(&io)) {
		ret = npmu_media_format(backing, name, max_regions, force, uuid, extack);
		npmu_gate_leave(&io);
	}
	npmu_backing_close(backing);
	return ret;
}

static int check_unique(struct npmu_unit *unit, struct netlink_ext_ack *extack)
{
	struct npmu_unit *other;

	list_for_each_entry(other, &npmu_units, node) {
		if (!memcmp(other->uuid, unit->uuid, NPMU_UUID_LEN)) {
			NL_SET_ERR_MSG_FMT(extack,
					   "its copy is attached as %s: detach that first",
					   other->name);
			return -EEXIST;
		}
	}
	if (unit_by_name(unit->name)) {
		NL_SET_ERR_MSG_FMT(extack,
				   "a unit %s is attached: give this one another name",
				   unit->name);
		return -EEXIST;
	}
	return 0;
}

/* Opens the media on unit->backing, with everything there is to know of it. */
static int unit_open_media(struct npmu_unit *unit, const char *name,
			   struct netlink_ext_ack *extack)
{
	struct npmu_media *media;
	u32 max_regions;
	int ret;

	if (!npmu_gate_enter(&unit->io))
		return -ENODEV;
	media = npmu_media_open(unit->backing, extack);
	npmu_gate_leave(&unit->io);
	if (IS_ERR(media))
		return PTR_ERR(media);

	unit->media = media;
	memcpy(unit->uuid, media->sb->uuid, sizeof(unit->uuid));
	strscpy(unit->name, name ? name : (const char *)media->sb->name);
	strscpy(unit->path, unit->backing->path);
	unit->kind = unit->backing->kind;
	unit->class = unit->backing->class;
	ret = check_unique(unit, extack);
	if (ret)
		return ret;

	max_regions = le32_to_cpu(media->sb->max_regions);
	unit->names_bits = ilog2(roundup_pow_of_two(max_regions));
	unit->names = kvcalloc(1U << unit->names_bits, sizeof(*unit->names), GFP_KERNEL);
	return unit->names ? 0 : -ENOMEM;
}

/* No section, no transaction and no call of gone() touches the backing after. */
static void unit_close_backing(struct npmu_unit *unit)
{
	mutex_lock(&unit->lock);
	unit->detached = true;
	mutex_unlock(&unit->lock);
	npmu_gate_close(&unit->io);
	wait_event(unit->io.empty, npmu_gate_is_empty(&unit->io));
	npmu_backing_close(unit->backing);
	unit->backing = NULL;
}

/* Under npmu_attach_lock. Takes over @unit, whose backing is open. */
static int unit_publish(struct npmu_unit *unit, const char *name,
			struct netlink_ext_ack *extack)
{
	int ret;

	ret = unit_open_media(unit, name, extack);
	if (ret)
		goto err_close;
	ret = npmu_region_load_all(unit, extack);
	if (ret)
		goto err_unload;
	/* A module with units cannot go: rmmod says so. */
	if (!try_module_get(THIS_MODULE)) {
		ret = -ENODEV;
		goto err_unload;
	}
	/* From here on a device that goes is told to everyone; it may be gone now. */
	ret = npmu_unit_lock(unit, extack);
	if (ret) {
		module_put(THIS_MODULE);
		goto err_unload;
	}
	unit->id = ++npmu_unit_ids;
	mutex_unlock(&unit->lock);
	npmu_unit_get(unit);
	mutex_lock(&npmu_units_lock);
	list_add_tail(&unit->node, &npmu_units);
	mutex_unlock(&npmu_units_lock);
	return 0;

err_unload:
	npmu_region_unload_all(unit);
err_close:
	unit_close_backing(unit);
	return ret;
}

static struct npmu_unit *unit_attach(struct npmu_unit *unit, const char *name,
				     struct netlink_ext_ack *extack)
{
	int ret;

	ret = unit_publish(unit, name, extack);
	if (ret) {
		npmu_unit_put(unit);
		return ERR_PTR(ret);
	}
	npmu_unit_event(unit, NPMU_EVENT_UNIT_ATTACHED, NULL);
	return unit;
}

struct npmu_unit *npmu_unit_attach_pmem(const char *path, const char *name,
					struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit;
	int ret;

	if (name) {
		ret = check_name(name, extack);
		if (ret)
			return ERR_PTR(ret);
	}
	unit = unit_alloc();
	if (!unit)
		return ERR_PTR(-ENOMEM);

	guard(mutex)(&npmu_attach_lock);
	unit->backing = npmu_backing_open_pmem(path, &unit_owner, unit, extack);
	if (IS_ERR(unit->backing)) {
		ret = PTR_ERR(unit->backing);
		npmu_unit_put(unit);
		return ERR_PTR(ret);
	}
	return unit_attach(unit, name, extack);
}

struct npmu_unit *npmu_unit_attach_dram(const char *name, u64 size, u32 max_regions,
					struct netlink_ext_ack *extack)
{
	u8 uuid[NPMU_UUID_LEN];
	struct npmu_unit *unit;
	int ret;

	ret = check_name(name, extack);
	if (ret)
		return ERR_PTR(ret);
	unit = unit_alloc();
	if (!unit)
		return ERR_PTR(-ENOMEM);

	guard(mutex)(&npmu_attach_lock);
	unit->backing = npmu_backing_open_dram(size, extack);
	ret = PTR_ERR_OR_ZERO(unit->backing);
	if (ret)
		goto err_put;
	ret = npmu_media_format(unit->backing, name, max_regions, true, uuid, extack);
	if (!ret)
		return unit_attach(unit, name, extack);
	unit_close_backing(unit);
err_put:
	npmu_unit_put(unit);
	return ERR_PTR(ret);
}

/* Is a region in use, and which? Under unit->lock. */
static bool unit_in_use(struct npmu_unit *unit, struct netlink_ext_ack *extack)
{
	struct npmu_region *region;
	unsigned long slot;

	xa_for_each(&unit->regions, slot, region) {
		if (region->state == NPMU_REGION_NEW || region->resizing) {
			NL_SET_ERR_MSG(extack, "a region is being created or resized");
			return true;
		}
		if (region->nr_live || region->nr_undrained) {
			NL_SET_ERR_MSG_FMT(extack, "region in slot %u is open: see the TPT",
					   region->slot);
			return true;
		}
	}
	return false;
}

int npmu_unit_detach(const char *name, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit;

	guard(mutex)(&npmu_attach_lock);
	unit = unit_by_name(name);
	if (!unit) {
		NL_SET_ERR_MSG_FMT(extack, "there is no unit named %s", name);
		return -ENOENT;
	}
	mutex_lock(&unit->lock);
	if (unit_in_use(unit, extack)) {
		mutex_unlock(&unit->lock);
		return -EBUSY;
	}
	unit->detached = true;
	mutex_unlock(&unit->lock);

	mutex_lock(&npmu_units_lock);
	list_del(&unit->node);
	mutex_unlock(&npmu_units_lock);
	npmu_region_unload_all(unit);
	unit_close_backing(unit);
	npmu_unit_event(unit, NPMU_EVENT_UNIT_DETACHED, NULL);
	npmu_unit_put(unit);
	module_put(THIS_MODULE);
	return 0;
}

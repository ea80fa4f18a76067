// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs. Owns the recording of operations and what each must do: said here in terms
 * of a snapshot, and compared with the unit when the operation was answered. It must
 * not know crashes.
 */
#include <stdarg.h>

#include "bad.h"
#include "event.h"
#include "evict.h"
#include "media.h"
#include "rec_backing.h"
#include "unit_ops.h"

struct unit_run *run_now;

static void sink(const struct npmu_event_info *info)
{
	(void)info;
}

static int front_ok(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
	return 0;
}

static void front_none(struct npmu_region *region)
{
	lockdep_assert_held(&region->lock);
}

static dev_t front_devt(struct npmu_region *region)
{
	(void)region;
	return 0;
}

static const struct npmu_front_ops front = {
	.add = front_ok,
	.hide = front_none,
	.show = front_ok,
	.remove = front_none,
	.gone = npmu_evict_gone,
	.zap = npmu_tpt_zap,
	.devt = front_devt,
};

static void zap(struct npmu_tpt_entry *entry)
{
	(void)entry;
}

static void zap_range(struct npmu_tpt_entry *entry, u64 offset, u64 len)
{
	(void)entry;
	(void)offset;
	(void)len;
}

const struct npmu_revoke_ops run_revoke_ops = { .zap = zap, .zap_range = zap_range };

struct unit_run *run_begin(size_t size, u64 skew, u64 seed, bool old)
{
	struct unit_run *run = calloc(1, sizeof(*run));
	u8 *memory = aligned_alloc(4096, size);
	size_t i;

	SHIM_ASSERT(run && memory);
	npmu_front = &front;
	npmu_event_sink = sink;
	rec_backing.skew = skew;
	shim_seed(seed);
	/* Bytes of a former life, in whatever the unit does not use yet. */
	for (i = 0; i < size; i++)
		memory[i] = old ? (u8)(0x5a ^ i ^ i >> 9) : 0;
	model_memory(memory, size);
	run->before = malloc(size);
	run->room = 16;
	run->op = calloc(run->room, sizeof(*run->op));
	run->snap = calloc(run->room + 1, sizeof(*run->snap));
	SHIM_ASSERT(run->before && run->op && run->snap);
	memcpy(run->before, memory, size);
	run->snap[0].absent = true;
	model_record(&run->log);
	run_now = run;
	return run;
}

void run_free(struct unit_run *run)
{
	u32 i;

	free((void *)model_line(0));
	model_memory(NULL, 0);
	for (i = 0; i <= run->nr; i++)
		snap_free(&run->snap[i]);
	model_log_free(&run->log);
	free(run->snap);
	free(run->op);
	free(run->before);
	free(run);
	run_now = NULL;
}

void run_wrong(struct unit_run *run, const char *what)
{
	run->wrong++;
	printf("# WRONG: operation %u (%s): %s\n", run->nr - 1, run->op[run->nr - 1].text, what);
}

struct run_op *run_op_begin(struct unit_run *run, const char *text, ...)
{
	struct run_op *op;
	va_list ap;

	if (run->nr == run->room) {
		run->room *= 2;
		run->op = realloc(run->op, run->room * sizeof(*run->op));
		run->snap = realloc(run->snap, (run->room + 1) * sizeof(*run->snap));
		SHIM_ASSERT(run->op && run->snap);
	}
	op = &run->op[run->nr];
	memset(op, 0, sizeof(*op));
	op->raised = -1;
	op->touched = -1;
	va_start(ap, text);
	vsnprintf(op->text, sizeof(op->text), text, ap);
	va_end(ap);
	model_mark(MODEL_BEGIN, run->nr);
	return op;
}

/* Were records written by the last operation? Those of an attach are old ones. */
static bool records_written(struct unit_run *run)
{
	u64 data = le64_to_cpu(run->unit->media->sb->data_start);
	size_t i;

	for (i = run->log.nr; i-- > 0 && run->log.event[i].kind != MODEL_BEGIN;)
		if (run->log.event[i].kind == MODEL_STREAM &&
		    (u64)run->log.event[i].line * MODEL_LINE < data)
			return true;
	return false;
}

void run_op_end(struct unit_run *run, int ret, struct snap *want)
{
	struct snap *before = run_snap(run);
	struct snap *now;
	const char *why;
	u32 i;

	model_mark(MODEL_END, run->nr);
	now = &run->snap[++run->nr];
	snap_take(now, run->unit, before);
	snprintf(run->op[run->nr - 1].text + strlen(run->op[run->nr - 1].text), 8, " = %d", ret);
	if (ret) {
		/* It is all as before. */
		why = snap_compare(before, run->unit, -1);
		if (why)
			run_wrong(run, why);
		snap_free(want);
		return;
	}
	if (now->media_epoch < before->media_epoch ||
	    (now->media_epoch == before->media_epoch && records_written(run)))
		run_wrong(run, "a commit did not raise the media epoch");
	if (now->nr != want->nr)
		run_wrong(run, "number of regions");
	for (i = 0; i < now->nr && i < want->nr; i++) {
		const struct snap_region *a = &now->r[i], *b = &want->r[i];

		if (strcmp(a->name, b->name) || memcmp(a->uuid, b->uuid, sizeof(a->uuid)) ||
		    a->slot != b->slot || a->size != b->size ||
		    a->fence_epoch != b->fence_epoch || a->uid != b->uid ||
		    a->gid != b->gid || a->mode != b->mode || a->flags != b->flags ||
		    a->nr_grants != b->nr_grants || strcmp(a->creator, b->creator) ||
		    memcmp(a->grants, b->grants, sizeof(a->grants)))
			run_wrong(run, "a region is not what was asked for");
	}
	if (memcmp(&now->creators, &want->creators, sizeof(now->creators)))
		run_wrong(run, "the creators are not who was asked for");
	snap_free(want);
}

struct npmu_region *run_subject(struct unit_run *run, struct run_op *op, const char *name,
				struct snap *want, struct snap_region **r)
{
	struct npmu_region *region = npmu_region_find(run->unit, name);

	snap_copy(want, run_snap(run));
	*r = snap_find(want, name);
	SHIM_ASSERT(!region == !*r);
	if (region)
		op->touched = (int)region->slot;
	return region;
}

int run_format(struct unit_run *run, u32 max_regions, bool force)
{
	struct netlink_ext_ack ack;
	struct snap *now;
	u8 uuid[NPMU_UUID_LEN];
	int ret;

	SHIM_ASSERT(!run->unit);
	run_op_begin(run, "format %u%s", max_regions, force ? " force" : "")->absent = true;
	ret = npmu_unit_format("recording", "unit0", max_regions, force, uuid, &ack);
	model_mark(MODEL_END, run->nr);
	now = &run->snap[++run->nr];
	if (ret) {
		snap_copy(now, &run->snap[run->nr - 1]);
		return ret;
	}
	model_record(NULL);
	run->unit = npmu_unit_attach_pmem("recording", NULL, &ack);
	SHIM_ASSERT(!IS_ERR(run->unit));
	snap_take(now, run->unit, NULL);
	if (now->nr || now->media_epoch || memcmp(now->uuid, uuid, sizeof(uuid)))
		run_wrong(run, "a fresh unit is not empty");
	run_detach(run);
	model_record(&run->log);
	return ret;
}

int run_attach(struct unit_run *run)
{
	struct netlink_ext_ack ack;
	struct snap want;

	SHIM_ASSERT(!run->unit);
	run_op_begin(run, "attach");
	run->unit = npmu_unit_attach_pmem("recording", NULL, &ack);
	SHIM_ASSERT(!IS_ERR(run->unit));
	snap_copy(&want, run_snap(run));
	run_op_end(run, 0, &want);
	return 0;
}

void run_detach(struct unit_run *run)
{
	struct npmu_unit *unit = run->unit;
	char name[NPMU_UNIT_NAME_LEN];

	strscpy(name, unit->name);
	npmu_unit_put(unit);
	SHIM_ASSERT(!npmu_unit_detach(name, NULL));
	run->unit = NULL;
}

int run_create(struct unit_run *run, const char *name, u64 size, u32 mode)
{
	return run_create_as(run, NULL, name, size, mode);
}

int run_create_as(struct unit_run *run, const char *creator, const char *name, u64 size, u32 mode)
{
	struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_NAME | NPMU_ATTR_MODE | (creator ? NPMU_ATTR_CREATOR : 0),
		.name = name, .size = size, .mode = mode, .creator = creator };
	struct npmu_region *region;
	struct netlink_ext_ack ack;
	struct snap want;
	u32 i;
	int ret;

	run_op_begin(run, "create %s %llu", name, size);
	snap_copy(&want, run_snap(run));
	ret = npmu_region_create(run->unit, &attr, &region, &ack);
	if (!ret) {
		struct snap_region *r;

		/* The snapshot is in order of slot. */
		for (i = want.nr++; i > 0 && want.r[i - 1].slot > region->slot; i--)
			want.r[i] = want.r[i - 1];
		r = &want.r[i];
		memset(r, 0, sizeof(*r));
		strcpy(r->name, name);
		memcpy(r->uuid, region->uuid, sizeof(r->uuid));
		r->slot = region->slot;
		r->size = ALIGN(size, NPMU_GRANULE_SIZE);
		r->mode = mode;
		if (creator) {
			strcpy(r->creator, creator);
			strcpy(r->grants[0].principal, creator);
			r->grants[0].access = NPMU_GRANT_ALL;
			r->nr_grants = 1;
		}
		run->op[run->nr].touched = (int)region->slot;
		npmu_region_put(region);
	}
	run_op_end(run, ret, &want);
	return ret;
}

int run_set(struct unit_run *run, const char *name, const struct npmu_region_attr *attr,
	    bool force)
{
	struct run_op *op = run_op_begin(run, "set %s valid %u%s", name, attr->valid,
				     force ? " force" : "");
	bool closes = attr->valid & NPMU_ATTR_FLAGS && attr->flags & NPMU_REGION_F_READ_ONLY;
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	bool written;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	written = region->writer;
	if (written && closes && force) {
		op->raised = op->touched;
		r->fence_epoch++;
	}
	ret = npmu_evict_set(region, attr, force, &ack);
	if (attr->valid & NPMU_ATTR_NAME)
		strcpy(r->name, attr->name);
	if (attr->valid & NPMU_ATTR_UID)
		r->uid = attr->uid.val;
	if (attr->valid & NPMU_ATTR_GID)
		r->gid = attr->gid.val;
	if (attr->valid & NPMU_ATTR_MODE)
		r->mode = attr->mode;
	if (attr->valid & NPMU_ATTR_FLAGS)
		r->flags = attr->flags;
	run_op_end(run, ret, &want);
	if (!ret && written && closes && !force)
		run_wrong(run, "a writer did not stand in the way");
	npmu_region_put(region);
	return ret;
}

int run_resize(struct unit_run *run, const char *name, u64 size, bool force)
{
	struct run_op *op = run_op_begin(run, "resize %s %llu%s", name, size, force ? " force" : "");
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	if (region->writer && size < region->size && force) {
		op->raised = op->touched;
		r->fence_epoch++;
	}
	ret = npmu_evict_resize(region, size, force, &ack);
	r->size = size;
	run_op_end(run, ret, &want);
	npmu_region_put(region);
	return ret;
}

int run_delete(struct unit_run *run, const char *name, bool force)
{
	struct run_op *op = run_op_begin(run, "delete %s%s", name, force ? " force" : "");
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	if (region->writer && force)
		op->raised = op->touched;
	ret = npmu_evict_delete(region, force, &ack);
	if (!ret) {
		free(r->extents);
		free(r->list);
		free(r->pages);
		memmove(r, r + 1, (size_t)((u8 *)&want.r[want.nr] - (u8 *)(r + 1)));
		want.nr--;
	}
	run_op_end(run, ret, &want);
	npmu_region_put(region);
	return ret;
}

int run_fence(struct unit_run *run, const char *name, s64 wrong_by)
{
	struct run_op *op = run_op_begin(run, "fence %s", name);
	struct netlink_ext_ack ack;
	struct npmu_region *region;
	struct snap_region *r;
	struct snap want;
	u64 expected;
	int ret;

	region = run_subject(run, op, name, &want, &r);
	SHIM_ASSERT(region);
	expected = region->fence_epoch + (u64)wrong_by;
	ret = npmu_evict_fence(region, &expected, &ack);
	r->fence_epoch++;
	run_op_end(run, ret, &want);
	if (!ret && (wrong_by || region->writer))
		run_wrong(run, "the fence was not one");
	npmu_region_put(region);
	return ret;
}

int run_open(struct unit_run *run, u32 i, const char *name, bool write)
{
	struct npmu_region *region = npmu_region_find(run->unit, name);
	struct npmu_tpt_entry *entry;

	SHIM_ASSERT(region && !run->open[i].entry);
	mutex_lock(&region->lock);
	entry = npmu_tpt_open(region, NPMU_ACCESS_READ | (write ? NPMU_ACCESS_WRITE : 0),
			      &run_revoke_ops, run);
	mutex_unlock(&region->lock);
	npmu_region_put(region);
	if (IS_ERR(entry))
		return PTR_ERR(entry);
	run->open[i].entry = entry;
	return 0;
}

static int role_op(struct unit_run *run, u32 i, bool takeover, s64 wrong_by)
{
	struct npmu_tpt_entry *entry = run->open[i].entry;
	struct npmu_region *region = entry->region;
	struct run_op *op = run_op_begin(run, "%s %s", takeover ? "takeover" : "claim", region->name);
	bool held = region->writer == entry;
	struct snap want;
	u64 epoch;
	u32 r;
	int ret;

	op->touched = (int)region->slot;
	snap_copy(&want, run_snap(run));
	if (takeover)
		ret = npmu_role_takeover(entry, region->fence_epoch + (u64)wrong_by, &epoch);
	else
		ret = npmu_role_claim(entry, true, &epoch);
	for (r = 0; r < want.nr; r++)
		if (want.r[r].slot == region->slot)
			want.r[r].fence_epoch += takeover || !held;
	run_op_end(run, ret, &want);
	if (!ret && (region->writer != entry || epoch != region->fence_epoch || wrong_by))
		run_wrong(run, "the role was not given");
	return ret;
}

int run_claim(struct unit_run *run, u32 i)
{
	return role_op(run, i, false, 0);
}

int run_takeover(struct unit_run *run, u32 i, s64 wrong_by)
{
	return role_op(run, i, true, wrong_by);
}

int run_resign(struct unit_run *run, u32 i)
{
	return npmu_role_resign(run->open[i].entry);
}

void run_close(struct unit_run *run, u32 i)
{
	if (!run->open[i].entry)
		return;
	npmu_role_death(run->open[i].entry);
	npmu_tpt_close(run->open[i].entry);
	run->open[i].entry = NULL;
}

void run_fail(struct unit_run *run, u64 off)
{
	u64 data = le64_to_cpu(run->unit->media->sb->data_start);
	struct snap *before, *now;
	struct npmu_badlist want;
	bool fresh = false;

	run_op_begin(run, "fail at 0x%llx", off);
	before = run_snap(run);
	want = before->bad;
	npmu_bad_happened(run->unit, off, NPMU_GRANULE_SIZE);
	model_mark(MODEL_END, run->nr);
	now = &run->snap[++run->nr];
	snap_take(now, run->unit, before);
	if (off >= data)
		fresh = npmu_bad_add(&want, off, NPMU_GRANULE_SIZE);
	if (memcmp(&want, &now->bad, sizeof(want)))
		run_wrong(run, "the bad list is another");
	if (fresh && (now->media_epoch <= before->media_epoch || now->free > before->free))
		run_wrong(run, "what failed was not entered");
	if (fresh && now->free == before->free)
		run->lost = true;
}

/* Calls @each for each granule of [page, page + nr) of @r. */
static void each_page(const struct snap_region *r, u64 page, u64 nr,
		      void (*each)(const struct snap_region *r, u64 page, u8 *at))
{
	u64 i;

	for (i = page; i < page + nr; i++) {
		const struct npmu_extent *e =
			npmu_extent_find(r->extents, r->nr, i << NPMU_GRANULE_SHIFT);

		each(r, i, (u8 *)model_line(0) + e->start + ((i << NPMU_GRANULE_SHIFT) - e->off));
	}
}

static void store_page(const struct snap_region *r, u64 page, u8 *at)
{
	u64 word = snap_word(r->uuid, r->pages[page].maybe);
	u32 i;

	/* One granule's bytes in whole lines, as a compiler's copy would. */
	for (i = 0; i < NPMU_GRANULE_SIZE; i += 8)
		model_store(at + i, &word, sizeof(word));
}

static void persist_page(const struct snap_region *r, u64 page, u8 *at)
{
	(void)r;
	(void)page;
	model_writeback(at, NPMU_GRANULE_SIZE);
}

/* The oracle of bytes is all that changes. */
static struct snap_region *data_begin(struct unit_run *run, const char *name, const char *what)
{
	struct run_op *op = run_op_begin(run, "%s %s", what, name);
	struct snap_region *r;

	snap_copy(&run->snap[run->nr + 1], run_snap(run));
	r = snap_find(&run->snap[run->nr + 1], name);
	SHIM_ASSERT(r);
	op->touched = (int)r->slot;
	return r;
}

static void data_end(struct unit_run *run)
{
	model_mark(MODEL_END, run->nr);
	run->nr++;
}

void run_store(struct unit_run *run, const char *name, u64 page, u64 nr)
{
	struct snap_region *r = data_begin(run, name, "store");
	u64 i;

	run->version++;
	for (i = page; i < page + nr; i++) {
		/* Two versions at most are told apart. */
		SHIM_ASSERT(r->pages[i].sure == r->pages[i].maybe);
		r->pages[i].maybe = run->version;
	}
	each_page(r, page, nr, store_page);
	data_end(run);
}

void run_persist(struct unit_run *run, const char *name, u64 page, u64 nr)
{
	struct snap_region *r = data_begin(run, name, "persist");
	u64 i;

	for (i = page; i < page + nr; i++)
		r->pages[i].sure = r->pages[i].maybe;
	each_page(r, page, nr, persist_page);
	model_fence();
	data_end(run);
}

void run_end(struct unit_run *run)
{
	long line;
	u32 i;

	for (i = 0; i < RUN_OPENS; i++)
		run_close(run, i);
	if (run->unit)
		run_detach(run);
	model_record(NULL);
	line = model_unseen(&run->log, run->before);
	if (line >= 0) {
		run->wrong++;
		printf("# WRONG: a store went past the model at 0x%lx\n", line * MODEL_LINE);
	}
	/* Explored from where it began. */
	memcpy((u8 *)model_line(0), run->before, model_size());
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The checkpoints in the regions of a unit that is not attached, by the walk that the
 * module does of one that is. Owns how a region's bytes are read from the media; knows
 * neither what makes a region whole nor how a checkpoint is shown.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../drivers/npmu/range.h"
#include "mediacheck_int.h"

#define STEP		(64UL << 10)
/* What is read at once begins and ends at a granule. */
#define WINDOW		(STEP + 2 * NPMU_GRANULE_SIZE)
/* How often one begins again of which the base was replaced meanwhile. */
#define MAX_TRIES	8

/* struct region_bytes - a region on the media, of which @check has the extents */
struct region_bytes {
	struct check *check;
	uint64_t size;
	char *window;
};

/* Of one extent, and no more than a step. */
static int read_run(const struct region_bytes *r, uint64_t start, char *buf, size_t len)
{
	uint64_t from = start & ~(NPMU_GRANULE_SIZE - 1ULL);
	uint64_t end = (start + len + NPMU_GRANULE_SIZE - 1) & ~(NPMU_GRANULE_SIZE - 1ULL);
	const struct npmu_media_source *src = r->check->src;
	int err;

	if (npmu_bad_bytes(&r->check->bad, from, end - from))
		return -EIO;
	err = src->read(src->ctx, from, r->window, end - from);
	if (!err)
		memcpy(buf, r->window + (start - from), len);
	return err;
}

static int region_read(void *ctx, u64 offset, void *buf, size_t len)
{
	const struct region_bytes *r = ctx;
	char *at = buf;
	int err = 0;

	if (!npmu_range_ok(offset, len, r->size))
		return -EUCLEAN;
	while (len && !err) {
		const struct npmu_extent *e = npmu_extent_find(r->check->extents,
							     r->check->nr_extents, offset);
		uint64_t skip = offset - e->off;
		size_t step = min_t(uint64_t, min_t(uint64_t, len, STEP), e->len - skip);

		err = read_run(r, e->start + skip, at, step);
		offset += step;
		at += step;
		len -= step;
	}
	return err;
}

static void tell_base(struct npmu_checkpoint_info *info, const struct npmu_checkpoint_stat *st)
{
	info->has |= NPMU_CHECKPOINT_HAS_BASE;
	info->base_sequence = st->base.sequence;
	info->base_offset = st->base_offset;
	info->base_length = st->base.length;
	info->base_tag = st->base.tag;
	info->base_fence_epoch = st->base.fence_epoch;
	info->base_position = st->base.position;
}

static void tell_update(struct npmu_checkpoint_info *info,
			const struct npmu_checkpoint_stat *st)
{
	info->has |= NPMU_CHECKPOINT_HAS_UPDATE;
	info->update_sequence = st->update.sequence;
	info->update_offset = st->update_offset;
	info->update_length = st->update.length;
	info->update_tag = st->update.tag;
	info->update_fence_epoch = st->update.fence_epoch;
}

static void tell_seal(struct npmu_checkpoint_info *info, const struct npmu_ckpt_sealed *seal)
{
	info->has |= NPMU_CHECKPOINT_HAS_SEAL;
	info->seal_fence_epoch = seal->fence_epoch;
	info->seal_sequence = seal->sequence;
	info->seal_end = seal->end;
	info->seal_base = seal->base;
}

static void tell(struct npmu_checkpoint_info *info, const struct npmu_checkpoint_stat *st)
{
	const struct npmu_ckpt_geometry *geometry = &st->geometry;

	info->form = geometry->form;
	info->no_crc = geometry->no_crc;
	info->generation = geometry->generation;
	info->instance = geometry->instance;
	info->capacity = geometry->capacity;
	info->created = geometry->created;
	info->ring_offset = geometry->ring_offset;
	info->ring_size = geometry->ring_size;
	info->free = st->free;
	info->updates = st->updates;
	info->end = st->end;
	if (st->has_base)
		tell_base(info, st);
	if (st->has_update)
		tell_update(info, st);
	if (st->has_seal)
		tell_seal(info, &st->seal);
}

/* Return: how many, or an error. */
static int tell_readers(struct npmu_ckpt_look *look, const struct npmu_checkpoint_info *info,
			struct npmu_reader_info *readers)
{
	struct npmu_ckpt_named named;
	uint32_t slot;
	int n = 0, found;

	for (slot = 0; (found = npmu_ckpt_look_reader(look, &slot, &named)) > 0; slot++, n++) {
		memset(&readers[n], 0, sizeof(readers[n]));
		memcpy(readers[n].unit, info->unit, sizeof(info->unit));
		memcpy(readers[n].region, info->region, sizeof(info->region));
		memcpy(readers[n].name, named.name, sizeof(readers[n].name));
		readers[n].slot = slot;
		readers[n].uid = named.uid;
		readers[n].position = named.position;
	}
	return found < 0 ? found : n;
}

static int look_at(struct region_bytes *r, struct npmu_check_checkpoint *found,
		   struct npmu_checkpoint_info *info, struct npmu_reader_info *readers)
{
	struct npmu_checkpoint_stat stat = { .has_base = false };
	struct npmu_ckpt_look look = {
		.size = r->size,
		.read = region_read,
		.ctx = r,
		.step = STEP,
		.stat = &stat,
	};
	int tries = MAX_TRIES;
	int code, n;

	look.buf = malloc(STEP);
	if (!look.buf)
		return -ENOMEM;
	do {
		code = npmu_ckpt_look(&look);
	} while (code == -EAGAIN && --tries);
	if (!code) {
		tell(info, &stat);
		n = tell_readers(&look, info, readers);
		code = n < 0 ? n : 0;
		found->nr_readers = n < 0 ? 0 : (uint32_t)n;
	}
	free(look.buf);
	return code;
}

static int check_checkpoint(struct check *c, uint32_t slot)
{
	struct npmu_reader_info readers[NPMU_CKPT_NR_READERS];
	struct npmu_checkpoint_info info = { .form = 0 };
	struct npmu_check_checkpoint found = { .info = &info, .readers = readers };
	struct region_bytes r = { .check = c };
	const struct npmu_region_record *rec;
	int err;

	err = check_map(c, slot, &rec);
	if (err)
		return err == -ENOENT ? 0 : err;
	r.size = le64_to_cpu(rec->size);
	memcpy(info.unit, c->sum->unit_name, sizeof(c->sum->unit_name));
	memcpy(info.region, rec->name, sizeof(rec->name));
	found.slot = slot;
	found.fence_epoch = le64_to_cpu(rec->fence_epoch);
	r.window = aligned_alloc(NPMU_GRANULE_SIZE, WINDOW);
	found.code = r.window ? look_at(&r, &found, &info, readers) : -ENOMEM;
	free(r.window);
	free(c->extents);
	if (found.code == -ENOMEM)
		return -ENOMEM;
	if (found.code != -EMEDIUMTYPE)
		c->report->checkpoint(c->report->ctx, &found);
	return 0;
}

static int seen_by_slot(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	return (x->slot > y->slot) - (x->slot < y->slot);
}

int check_checkpoints(struct check *c)
{
	uint32_t i;
	int err = 0;

	if (!c->report || !c->report->checkpoint)
		return 0;
	qsort(c->seen, c->nr_seen, sizeof(*c->seen), seen_by_slot);
	for (i = 0; i < c->nr_seen && !err; i++)
		if (c->seen[i].whole)
			err = check_checkpoint(c, c->seen[i].slot);
	return err;
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * A look at the checkpoint in a region: the walk from the newest base to the latest
 * update. Must not know where the bytes come from, nor whether somebody writes them
 * meanwhile: each of them is read once and judged by its sum.
 */
#include "ckpt_look.h"

static int get(const struct npmu_ckpt_look *look, u64 offset, void *buf, size_t len)
{
	return look->read(look->ctx, offset, buf, len);
}

/* The CRC of bytes of the region. */
static int sum_bytes(const struct npmu_ckpt_look *look, u64 offset, u64 len, u32 *crc)
{
	int ret;

	for (*crc = 0; len; ) {
		size_t step = min_t(u64, len, look->step);

		ret = get(look, offset, look->buf, step);
		if (ret)
			return ret;
		*crc = npmu_crc32c(*crc, look->buf, step);
		offset += step;
		len -= step;
	}
	return 0;
}

/* Is a record's sum right? Its data lie at @offset. Return: 1 or 0, or an error. */
static int holds(const struct npmu_ckpt_look *look, const struct npmu_ckpt_record *record,
		 const void *header, u64 offset)
{
	u32 crc = 0;
	int ret = 0;

	if (!look->stat->geometry.no_crc && !record->pad)
		ret = sum_bytes(look, offset, record->length, &crc);
	if (ret)
		return ret;
	return npmu_ckpt_sum(crc, header) == record->crc;
}

/* A copy that cannot be read is none, as long as the other one can be. */
static int look_header(struct npmu_ckpt_look *look)
{
	int ret[2];

	if (look->size < NPMU_CKPT_MIN_REGION)
		return -EMEDIUMTYPE;
	memset(look->copy, 0, sizeof(look->copy));
	ret[0] = get(look, NPMU_CKPT_HEADER0, &look->copy[0], sizeof(look->copy[0]));
	ret[1] = get(look, NPMU_CKPT_HEADER1, &look->copy[1], sizeof(look->copy[1]));
	if (ret[0] && (ret[0] != -EIO || ret[1]))
		return ret[0];
	if (ret[1] && ret[1] != -EIO)
		return ret[1];
	return npmu_ckpt_pick_header(look->copy, look->size, &look->stat->geometry);
}

static int read_slots(const struct npmu_ckpt_look *look, struct npmu_ckpt_slot *slot)
{
	const u64 *at = look->stat->geometry.slot_offset;
	int ret = get(look, at[0], &slot[0], sizeof(slot[0]));

	return ret ? ret : get(look, at[1], &slot[1], sizeof(slot[1]));
}

/* The newest state or base that is valid. */
static int look_base(struct npmu_ckpt_look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_record record[2];
	bool may[2];
	int i, n, ret;

	ret = read_slots(look, look->slot);
	if (ret)
		return ret;
	for (i = 0; i < 2; i++)
		may[i] = npmu_ckpt_check_slot(&look->slot[i], &stat->geometry, &record[i]);
	i = may[1] && (!may[0] || record[1].sequence > record[0].sequence);
	for (n = 0; n < 2 && !stat->has_base; n++, i = !i) {
		if (!may[i])
			continue;
		stat->base_offset = stat->geometry.slot_offset[i] + NPMU_CKPT_SLOT_HEADER;
		stat->base = record[i];
		ret = holds(look, &record[i], &look->slot[i], stat->base_offset);
		if (ret < 0)
			return ret;
		stat->has_base = ret;
	}
	return 0;
}

/* A writer that begins again under its fence epoch seals further on. */
static bool later(const struct npmu_ckpt_sealed *seal, const struct npmu_ckpt_sealed *other)
{
	return seal->fence_epoch > other->fence_epoch ||
	       (seal->fence_epoch == other->fence_epoch && seal->end > other->end);
}

static int look_seal(struct npmu_ckpt_look *look)
{
	static const u64 at[2] = { NPMU_CKPT_SEAL0, NPMU_CKPT_SEAL1 };
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_sealed sealed;
	struct npmu_ckpt_seal seal;
	int i, ret;

	for (i = 0; i < 2; i++) {
		ret = get(look, at[i], &seal, sizeof(seal));
		if (ret)
			return ret;
		if (!npmu_ckpt_check_seal(&seal, &stat->geometry, &sealed) ||
		    (stat->has_seal && !later(&sealed, &stat->seal)))
			continue;
		stat->seal = sealed;
		stat->has_seal = true;
	}
	return 0;
}

/* From the base to the latest update: no more than one round of the ring. */
static int look_updates(struct npmu_ckpt_look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	const struct npmu_ckpt_geometry *geometry = &stat->geometry;
	struct npmu_ckpt_walk walk = npmu_ckpt_walk_begin(&stat->base);
	int ret = 0;

	while (walk.position - walk.start < geometry->ring_size) {
		u64 at = npmu_ckpt_ring_at(geometry, walk.position);
		struct npmu_ckpt_update update;
		struct npmu_ckpt_record record;

		ret = get(look, at, &update, sizeof(update));
		if (ret)
			return ret;
		if (!npmu_ckpt_check_update(&update, geometry, walk.position, &record))
			break;
		ret = holds(look, &record, &update, at + NPMU_CKPT_UPDATE_HEADER);
		if (ret < 0)
			return ret;
		if (!ret || !npmu_ckpt_walk_on(&walk, &record, geometry,
					       stat->has_seal ? &stat->seal : NULL))
			break;
		/* A pad alone says nothing: the update behind it may not be there. */
		if (record.pad)
			continue;
		stat->update = record;
		stat->update_offset = at + NPMU_CKPT_UPDATE_HEADER;
		stat->has_update = true;
		stat->updates++;
	}
	stat->end = walk.position;
	stat->free = geometry->ring_size - (walk.position - walk.start);
	return 0;
}

int npmu_ckpt_look(struct npmu_ckpt_look *look)
{
	struct npmu_checkpoint_stat *stat = look->stat;
	struct npmu_ckpt_slot slot[2];
	int ret;

	memset(stat, 0, sizeof(*stat));
	ret = look_header(look);
	if (!ret)
		ret = look_base(look);
	if (ret || (stat->geometry.form != NPMU_CKPT_FORM_APPEND && stat->has_base))
		return ret;
	if (stat->geometry.form == NPMU_CKPT_FORM_APPEND) {
		stat->free = stat->geometry.ring_size;
		ret = look_seal(look);
		if (!ret && stat->has_base)
			ret = look_updates(look);
	}
	/* With another base the space of these updates may have been used again. */
	if (!ret)
		ret = read_slots(look, slot);
	if (!ret && memcmp(slot, look->slot, sizeof(slot)))
		ret = -EAGAIN;
	return ret;
}

int npmu_ckpt_look_reader(struct npmu_ckpt_look *look, u32 *slot, struct npmu_ckpt_named *named)
{
	const struct npmu_ckpt_geometry *geometry = &look->stat->geometry;
	struct npmu_ckpt_reader_entry entry;
	int ret;

	ret = look_header(look);
	if (ret || geometry->form != NPMU_CKPT_FORM_APPEND)
		return ret;
	for (; *slot < NPMU_CKPT_NR_READERS; ++*slot) {
		ret = get(look, NPMU_CKPT_READERS + *slot * sizeof(entry), &entry, sizeof(entry));
		if (ret)
			return ret;
		if (npmu_ckpt_check_reader(&entry, geometry->instance, named))
			return 1;
	}
	return 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening a region for the writer of the append form: making the checkpoint, or finding
 * where what is there ends. Owns its geometry; writes no update.
 */
#include <errno.h>
#include <string.h>

#include "append_write.h"
#include "append_look.h"
#include "error.h"

int npmu_append_options_check(const struct npmu_append_options *o, struct npmu_error *err)
{
	if (!o)
		return 0;
	if (o->size != sizeof(*o))
		return npmu_error_set(err, -EINVAL, "the options are of another size");
	if (!npmu_flags_known(o->flags, NPMU_APPEND_INIT | NPMU_APPEND_NO_CRC) || o->reserved)
		return npmu_error_set(err, -EINVAL, "an unknown flag among the options");
	if (o->full > NPMU_APPEND_FULL_WAIT)
		return npmu_error_set(err, -EINVAL, "an unknown answer to a full ring");
	if (o->full == NPMU_APPEND_FULL_BASE && !o->write_base)
		return npmu_error_set(err, -EINVAL, "a full ring needs a call that writes a base");
	return 0;
}

static uint64_t round_up(uint64_t value)
{
	return (value + NPMU_CKPT_SLOT_ALIGN - 1) & ~(NPMU_CKPT_SLOT_ALIGN - 1);
}

static uint64_t round_down(uint64_t value)
{
	return value & ~(NPMU_CKPT_SLOT_ALIGN - 1);
}

/* What is to be made: capacity and ring_size of @layout. Return: does it fit? */
static bool divide(uint64_t size, uint64_t capacity, uint64_t ring,
		   struct ckpt_layout *layout)
{
	uint64_t room, slot;

	if (size < NPMU_CKPT_SLOTS_START + 2 * NPMU_CKPT_SLOT_ALIGN + NPMU_CKPT_MIN_RING ||
	    capacity > size || ring > size)
		return false;
	room = round_down(size) - NPMU_CKPT_SLOTS_START;
	if (ring && ring < NPMU_CKPT_MIN_RING)
		ring = NPMU_CKPT_MIN_RING;
	ring = round_up(ring);
	if (capacity) {
		slot = npmu_ckpt_slot_size(capacity);
	} else {
		if (ring >= room)
			return false;
		slot = round_down(ring ? (room - ring) / 2 : room / 3);
		if (!slot)
			return false;
		capacity = slot - NPMU_CKPT_SLOT_HEADER;
	}
	if (slot > room / 2)
		return false;
	if (!ring)
		ring = room - 2 * slot;
	if (ring < NPMU_CKPT_MIN_RING || ring > room - 2 * slot)
		return false;
	layout->form = NPMU_CKPT_FORM_APPEND;
	layout->capacity = capacity;
	layout->ring_size = ring;
	return true;
}

static int make(struct npmu_region *region, const struct npmu_append_options *o,
		struct ckpt_layout *layout, struct npmu_error *err)
{
	int code;

	if (!divide(region->length, o ? o->base_capacity : 0, o ? o->ring_size : 0, layout))
		return npmu_error_set(err, -ENOSPC,
				      "a region of %zu bytes has no room for two such bases, the ring and 8 KiB besides",
				      region->length);
	layout->flags = o && o->flags & NPMU_APPEND_NO_CRC ? NPMU_CKPT_APPEND_F_NO_CRC : 0;
	code = npmu_ckpt_layout_make(region, npmu_region_fence_epoch(region), layout);
	if (code)
		return npmu_error_set(err, code, "the header cannot be made durable");
	return 0;
}

static int prepare(struct npmu_region *region, const struct npmu_append_options *o,
		   struct ckpt_layout *layout, struct npmu_error *err)
{
	int code;

	code = npmu_look_meta(region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	code = npmu_ckpt_layout_load(region->addr, region->length, NPMU_CKPT_FORM_APPEND,
				     layout);
	if (code == -ENODATA || (o && o->flags & NPMU_APPEND_INIT))
		return make(region, o, layout, err);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_ckpt_layout_phrase(code));
	if (o && (o->base_capacity > layout->capacity || o->ring_size > layout->ring_size))
		return npmu_error_set(err, -ENOSPC,
				      "the checkpoint that is there holds bases of %llu bytes and a ring of %llu at most",
				      (unsigned long long)layout->capacity,
				      (unsigned long long)layout->ring_size);
	code = npmu_ckpt_layout_mend(region, layout);
	if (!code)
		code = npmu_persist_seen(region, region->addr, NPMU_CKPT_SLOTS_START);
	if (code)
		return npmu_error_set(err, code, "the header cannot be made durable");
	return 0;
}

uint64_t npmu_append_highest(const struct ckpt_record record[2], uint64_t accepted)
{
	uint64_t highest = accepted;
	int i;

	/* Of one that was torn, unless it is far from anything that was used. */
	for (i = 0; i < 2; i++)
		if (record[i].plausible && record[i].sequence > highest &&
		    record[i].sequence - accepted < 1ULL << 32)
			highest = record[i].sequence;
	return highest;
}

/* The base that counts, checked whole and durable. */
static int find_base(struct npmu_region *region, const struct ckpt_layout *layout,
		     struct ckpt_record record[2], struct append_start *start)
{
	int slot, code;

	code = npmu_look_find(region, layout, NULL, 0, record, &slot);
	if (code == -ENOENT) {
		start->base_slot = 1;
		return 0;
	}
	if (code)
		return code;
	start->base_slot = slot;
	start->base_sequence = record[slot].sequence;
	start->base_position = record[slot].position;
	start->end.position = record[slot].position;
	start->end.sequence = record[slot].sequence;
	start->end.fence_epoch = record[slot].fence_epoch;
	return npmu_persist_seen(region, npmu_ckpt_slot_at(region->addr, layout, slot),
				 NPMU_CKPT_SLOT_HEADER + (size_t)record[slot].length);
}

/* Everything that is there, from the media alone. */
static int find_end(struct npmu_region *region, const struct ckpt_layout *layout,
		    struct append_start *start)
{
	struct ckpt_record record[2];
	struct append_update update;
	struct append_seal seal;
	int code;

	memset(start, 0, sizeof(*start));
	code = find_base(region, layout, record, start);
	if (code)
		return code;
	while (start->end.position - start->base_position < layout->ring_size &&
	       npmu_look_step(region, layout, &start->end, &update))
		;
	npmu_look_meta(region);
	npmu_look_ring(region, layout, start->end.position, layout->ring_size);
	code = npmu_region_lost(region);
	if (code)
		return code;
	npmu_append_seal_load(region->addr, layout, &seal);
	if (start->base_sequence < seal.base ||
	    npmu_append_lost(region->addr, layout, &start->end, layout->ring_size))
		return -EUCLEAN;
	start->highest = npmu_append_highest(record, start->end.sequence > seal.sequence ?
					     start->end.sequence : seal.sequence);
	if (!start->highest)
		/* As in the overwrite form: a first base that was torn is nothing. */
		code = npmu_ckpt_clear_slots(region, layout);
	if (!code)
		code = npmu_append_persist(region, layout, start->base_position,
					   start->end.position);
	return code;
}

int npmu_append_writer_open(struct npmu_region *region,
			    const struct npmu_append_options *options,
			    struct npmu_append_writer **out, struct npmu_error *err)
{
	struct append_start start;
	struct ckpt_layout layout;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the writer");
	*out = NULL;
	if (!region || !region->addr || !(region->map_flags & NPMU_MAP_WRITE))
		return npmu_error_set(err, -EINVAL, "no region, or it is not mapped for writing");
	code = npmu_append_options_check(options, err);
	if (code)
		return code;
	if (!npmu_region_is_writer(region))
		return npmu_error_set(err, -EPERM,
				      "this open does not have the writer role");
	code = prepare(region, options, &layout, err);
	if (code)
		return code;
	code = find_end(region, &layout, &start);
	if (code)
		return npmu_error_set(err, code, code == -EUCLEAN ?
				      "a base or an update that had been committed is damaged: npmu-admin checkpoint show" :
				      "what is there cannot be made durable");
	return npmu_append_begin(region, &layout, &start, options, out, err);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What of a remote checkpoint is fetched before it is judged, and in which order: a base's
 * header before its data, a seal after the update that it may cut off. Judges nothing.
 *
 * A walk fetches ahead, and the headers of the checkpoint once after that: so they are
 * later than all that was fetched ahead. What is not there is fetched anew before that is
 * believed.
 */
#include <errno.h>
#include <string.h>

#include "append_look.h"

#define AHEAD_LEAST	4096ULL
#define AHEAD_MOST	(1ULL << 20)
#define TRIES		64	/* then the writer is faster */

static int look_slot(struct npmu_region *region, const struct ckpt_layout *layout, int slot,
		     const struct ckpt_record *record)
{
	if (!record->plausible)
		return 0;
	return npmu_look(region, layout->slot_offset[slot] + NPMU_CKPT_SLOT_HEADER,
			 record->length);
}

int npmu_look_slots(struct npmu_region *region, const struct ckpt_layout *layout)
{
	struct ckpt_record record;
	int i, code = 0;

	if (!region->remote)
		return 0;
	npmu_look_records(region, layout);
	for (i = 0; i < 2 && !code; i++) {
		npmu_ckpt_record_load(region->addr, layout, i, &record);
		code = look_slot(region, layout, i, &record);
	}
	return code ? code : npmu_region_lost(region);
}

/* The newest; and the other where that one is not whole. */
int npmu_look_find_remote(struct npmu_region *region, const struct ckpt_layout *layout,
			  void *buf, size_t cap, struct ckpt_record record[2], int *slot)
{
	struct ckpt_record now[2];
	int tries, i, newest, code;

	for (tries = 0; tries < TRIES; tries++) {
		npmu_look_records(region, layout);
		for (i = 0; i < 2; i++)
			npmu_ckpt_record_load(region->addr, layout, i, &record[i]);
		newest = record[1].plausible &&
			 (!record[0].plausible || record[1].sequence > record[0].sequence);
		code = look_slot(region, layout, newest, &record[newest]);
		if (!code && !npmu_ckpt_record_holds(layout, &record[newest],
						     npmu_ckpt_slot_at(region->addr, layout,
								       newest) +
						     NPMU_CKPT_SLOT_HEADER))
			code = look_slot(region, layout, !newest, &record[!newest]);
		if (code)
			return code;
		code = npmu_ckpt_find(region->addr, layout, buf, cap, record, slot);
		if (code != -ENOENT)
			return code;
		/* None: was the writer faster? */
		npmu_look_records(region, layout);
		code = npmu_region_lost(region);
		if (code)
			return code;
		for (i = 0; i < 2; i++)
			npmu_ckpt_record_load(region->addr, layout, i, &now[i]);
		if (tries && !memcmp(&now[0].raw, &record[0].raw, sizeof(now[0].raw)) &&
		    !memcmp(&now[1].raw, &record[1].raw, sizeof(now[1].raw)))
			return -ENOENT;
	}
	return -EAGAIN;
}

int npmu_look_ring(struct npmu_region *region, const struct ckpt_layout *layout,
		   uint64_t position, uint64_t len)
{
	uint64_t first = npmu_append_to_end(layout, position);
	int code;

	if (!region->remote || !len)
		return 0;
	if (len > layout->ring_size)
		len = layout->ring_size;
	if (first > len)
		first = len;
	code = npmu_look(region, layout->ring_offset + position % layout->ring_size, first);
	if (!code && len > first)
		code = npmu_look(region, layout->ring_offset, len - first);
	return code;
}

/* At least @need bytes from @position on, which the ring has there, and some more. */
static int fetch_ahead(struct npmu_region *region, const struct ckpt_layout *layout,
		       uint64_t position, uint64_t need)
{
	struct npmu_remote *remote = region->remote;
	uint64_t from = layout->ring_offset + position % layout->ring_size;
	uint64_t left = npmu_append_to_end(layout, position);
	uint64_t len = need < remote->ahead_step ? remote->ahead_step : need;
	int code;

	remote->ahead_to = 0;
	if (len > left)
		len = left;
	code = npmu_look(region, from, len);
	if (code)
		return code;
	remote->ahead_from = from;
	remote->ahead_to = from + len;
	remote->ahead_durable = false;
	remote->ahead_step = remote->ahead_step * 4 < AHEAD_MOST ? remote->ahead_step * 4 :
								   AHEAD_MOST;
	return npmu_look_meta(region);
}

static bool is_ahead(const struct npmu_remote *remote, uint64_t from, uint64_t len)
{
	return from >= remote->ahead_from && from + len <= remote->ahead_to;
}

/*
 * The update at a position, or the pad, and whether it is whole here. Return: 1: perhaps;
 * 0: there is none; or an errno.
 */
static int look_update(struct npmu_region *region, const struct ckpt_layout *layout,
		       uint64_t position, struct append_update *u)
{
	uint64_t from = layout->ring_offset + position % layout->ring_size;
	int code = 0;

	if (!is_ahead(region->remote, from, NPMU_CKPT_UPDATE_HEADER))
		code = fetch_ahead(region, layout, position, NPMU_CKPT_UPDATE_HEADER);
	if (code)
		return code;
	if (!npmu_append_load(region->addr, layout, position, u))
		return 0;
	if (!u->pad && !is_ahead(region->remote, from, npmu_append_room(u->length)))
		code = fetch_ahead(region, layout, position, npmu_append_room(u->length));
	return code ? code : 1;
}

bool npmu_look_step_remote(struct npmu_region *region, const struct ckpt_layout *layout,
			   struct append_cursor *cursor, struct append_update *update)
{
	struct npmu_remote *remote = region->remote;
	struct append_update u;
	int anew, code;

	for (anew = 0; anew < 2; anew++) {
		if (anew) {
			remote->ahead_to = 0;
			remote->ahead_step = AHEAD_LEAST;
		} else if (remote->ahead_step < AHEAD_LEAST) {
			remote->ahead_step = AHEAD_LEAST;
		}
		code = look_update(region, layout, cursor->position, &u);
		if (code > 0 && u.pad)
			code = look_update(region, layout,
					   cursor->position + npmu_append_room(u.length), &u);
		if (code < 0)
			return false;
		if (code && npmu_append_step(region->addr, layout, cursor, update))
			return true;
	}
	return false;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The reader of the append form. Owns how a base and the updates after it are read while a
 * writer may be running; writes nothing.
 *
 * An update is judged by its CRC where it lies, then made durable, then handed out. The
 * writer overwrites it only once a base with a higher position is committed, and stores
 * that base's header before: without such a header, nothing has been overwritten.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "append_look.h"
#include "append_read.h"
#include "error.h"

#define MAX_MOVES	64	/* that often the checkpoint may be made anew meanwhile */

#define SEAL_TRIES	3

/* npmu_append_item.reserved */
enum { ITEM_INSTANCE, ITEM_CRC };

#define fail npmu_append_reader_fail

int npmu_append_reader_open(struct npmu_region *region, struct npmu_append_reader **out,
			    struct npmu_error *err)
{
	struct npmu_append_reader *r;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the reader");
	*out = NULL;
	if (!region || !region->addr)
		return npmu_error_set(err, -EINVAL, "the region is not mapped");
	r = calloc(1, sizeof(*r));
	if (!r)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	r->region = region;
	r->error = "";
	*out = r;
	return npmu_error_clear(err);
}

void npmu_append_reader_close(struct npmu_append_reader *r)
{
	free(r);
}

const char *npmu_append_reader_error(const struct npmu_append_reader *r)
{
	return r->error;
}

uint64_t npmu_append_position(const struct npmu_append_reader *r)
{
	return r->cursor.position;
}

/* What is handed out must not be lost to a power cut any more. */
static bool must_persist(const struct npmu_append_reader *r)
{
	return r->region->persistence_class != NPMU_CLASS_VOLATILE;
}

/* Return: 0: found; 1: there is none yet; or an errno. */
static int find_base(struct npmu_append_reader *r, struct ckpt_record *found, int *slot)
{
	struct ckpt_record record[2] = { 0 };
	struct append_seal seal;
	int moves, code = -EAGAIN;
	bool damaged = false;

	for (moves = 0; moves < MAX_MOVES; moves++) {
		code = npmu_look_meta(r->region);
		if (code)
			return fail(r, code, npmu_region_error(r->region));
		code = npmu_ckpt_layout_load(r->region->addr, r->region->length,
					     NPMU_CKPT_FORM_APPEND, &r->layout);
		if (code)
			return fail(r, code, npmu_ckpt_layout_phrase(code));
		code = npmu_look_find(r->region, &r->layout, NULL, 0, record, slot);
		npmu_look_meta(r->region);
		if (npmu_region_lost(r->region))
			return fail(r, npmu_region_lost(r->region), npmu_region_error(r->region));
		if (code && code != -ENOENT && code != -EAGAIN)
			break;
		npmu_append_seal_load(r->region->addr, &r->layout, &seal);
		damaged = code != -EAGAIN && seal.base > (code ? 0 : record[*slot].sequence);
		/* A new writer may have sealed a base that the next look finds. */
		if (!npmu_ckpt_layout_moved(r->region->addr, &r->layout) &&
		    (!damaged || moves >= SEAL_TRIES))
			break;
		code = -EAGAIN;
	}
	if (code && code != -ENOENT && code != -EAGAIN)
		return fail(r, code, npmu_region_error(r->region));
	if (damaged)
		return fail(r, -EUCLEAN,
			    "no slot holds the base that was committed: the checkpoint is damaged");
	if (code == -EAGAIN)
		return fail(r, code, "the writer was faster each time");
	*found = record[*slot & 1];
	return code == -ENOENT;
}

int npmu_append_read_base(struct npmu_append_reader *r, struct npmu_append_item *item)
{
	struct ckpt_record record = { 0 };
	char *at;
	int slot, code;

	if (!item)
		return fail(r, -EINVAL, "no place for the answer");
	code = find_base(r, &record, &slot);
	if (code < 0)
		return code;
	memset(item, 0, sizeof(*item));
	item->slot = -1;
	item->data = r->region->addr;
	item->reserved[ITEM_INSTANCE] = r->layout.instance;
	memset(&r->cursor, 0, sizeof(r->cursor));
	r->base_sequence = 0;
	r->started = true;
	r->begun = true;
	if (code)
		return 0;
	at = npmu_ckpt_slot_at(r->region->addr, &r->layout, slot);
	if (must_persist(r)) {
		code = npmu_persist_seen(r->region, at,
					 NPMU_CKPT_SLOT_HEADER + (size_t)record.length);
		if (code)
			return fail(r, code, "the base cannot be made durable");
	}
	r->cursor.position = record.position;
	r->cursor.sequence = record.sequence;
	r->cursor.fence_epoch = record.fence_epoch;
	r->base_sequence = record.sequence;
	item->data = at + NPMU_CKPT_SLOT_HEADER;
	item->length = record.length;
	item->sequence = record.sequence;
	item->fence_epoch = record.fence_epoch;
	item->tag = record.tag;
	item->position = record.position;
	item->end = record.position;
	item->slot = slot;
	return 0;
}

/*
 * Is there a slot whose base begins behind @position? With a CRC over it all, one that
 * may be torn counts, too.
 */
static bool base_behind(const struct npmu_append_reader *r, uint64_t position)
{
	struct ckpt_record record;
	int i;

	npmu_look_records(r->region, &r->layout);
	for (i = 0; i < 2; i++) {
		npmu_ckpt_record_load(r->region->addr, &r->layout, i, &record);
		if (record.plausible && record.position > position &&
		    (!(r->layout.flags & NPMU_CKPT_APPEND_F_NO_CRC) ||
		     npmu_ckpt_record_holds(&r->layout, &record, NULL)))
			return true;
	}
	return false;
}

int npmu_append_why_nothing(struct npmu_append_reader *r, const struct append_cursor *cursor,
			    uint64_t look_ahead)
{
	const void *base = r->region->addr;
	struct append_cursor again = *cursor;
	struct append_update update;
	struct ckpt_record record[2];
	int slot;

	npmu_look_meta(r->region);
	if (npmu_ckpt_layout_moved(base, &r->layout))
		return fail(r, -ESTALE, "the checkpoint was made anew");
	if (base_behind(r, cursor->position)) {
		/* It may have come, and the base after it, since we looked. */
		if (npmu_look_step(r->region, &r->layout, &again, &update))
			return -EAGAIN;
		if (!npmu_look_find(r->region, &r->layout, NULL, 0, record, &slot) &&
		    record[slot].position > cursor->position)
			return fail(r, -EOVERFLOW,
				    "updates that were not read have been overwritten: read the base");
	}
	npmu_look_ring(r->region, &r->layout, cursor->position, look_ahead);
	if (npmu_region_lost(r->region))
		return fail(r, npmu_region_lost(r->region), npmu_region_error(r->region));
	if (npmu_append_lost(base, &r->layout, cursor, look_ahead)) {
		if (npmu_look_step(r->region, &r->layout, &again, &update))
			return -EAGAIN;
		if (npmu_ckpt_layout_moved(base, &r->layout))
			return fail(r, -ESTALE, "the checkpoint was made anew");
		return fail(r, -EUCLEAN, "an update that had been committed is damaged");
	}
	return fail(r, -ENODATA, "nothing unread");
}

/* The cursor moves behind the next update; nothing is durable yet. */
static int step(struct npmu_append_reader *r, struct append_cursor *cursor,
		struct append_update *update, uint64_t look_ahead)
{
	int code;

	do {
		if (npmu_look_step(r->region, &r->layout, cursor, update) &&
		    !npmu_ckpt_layout_moved(r->region->addr, &r->layout))
			return 0;
		code = npmu_append_why_nothing(r, cursor, look_ahead);
	} while (code == -EAGAIN);
	return code;
}

int npmu_append_reader_start(struct npmu_append_reader *r)
{
	struct npmu_append_item base;
	int code;

	if (r->started)
		return 0;
	code = npmu_append_read_base(r, &base);
	r->begun = false;
	return code;
}

static void tell(const struct npmu_append_reader *r, const struct append_update *update,
		 struct npmu_append_item *item)
{
	memset(item, 0, sizeof(*item));
	item->data = npmu_append_at(r->region->addr, &r->layout, update->position) +
		     NPMU_CKPT_UPDATE_HEADER;
	item->length = update->length;
	item->sequence = update->sequence;
	item->fence_epoch = update->fence_epoch;
	item->tag = update->tag;
	item->position = update->position;
	item->end = update->position + npmu_append_room(update->length);
	item->slot = -1;
	item->reserved[ITEM_INSTANCE] = r->layout.instance;
	item->reserved[ITEM_CRC] = update->crc;
}

int npmu_append_next_all(struct npmu_append_reader *r, struct npmu_append_item *items,
			 int max)
{
	struct append_cursor cursor;
	struct append_update update;
	int n = 0;
	int code;

	if (!items || max < 1)
		return fail(r, -EINVAL, "no place for the answer");
	code = npmu_append_reader_start(r);
	if (code)
		return code;
	if (!r->begun)
		return fail(r, -EOVERFLOW, "the base has not been read yet: read it first");
	cursor = r->cursor;
	/* A ring holds no more than is within a ring's length of its first one. */
	while (n < max && cursor.position - r->cursor.position < r->layout.ring_size) {
		code = step(r, &cursor, &update, 0);
		if (code)
			break;
		tell(r, &update, &items[n++]);
	}
	if (!n)
		return code;
	/* Without CRC: what lies behind a header that was whole has to be fetched after it. */
	if (r->region->remote && r->layout.flags & NPMU_CKPT_APPEND_F_NO_CRC) {
		code = npmu_look_ring(r->region, &r->layout, r->cursor.position,
				      cursor.position - r->cursor.position);
		if (code)
			return fail(r, code, npmu_region_error(r->region));
	}
	if (must_persist(r)) {
		code = npmu_append_persist(r->region, &r->layout, r->cursor.position,
					   cursor.position);
		if (code)
			return fail(r, code, "an update cannot be made durable");
	}
	r->cursor = cursor;
	return n;
}

int npmu_append_next(struct npmu_append_reader *r, struct npmu_append_item *item)
{
	int n = npmu_append_next_all(r, item, 1);

	return n < 0 ? n : 0;
}

static bool base_whole(const struct npmu_append_reader *r,
		       const struct npmu_append_item *item)
{
	struct ckpt_record record;
	uint64_t other;

	npmu_look_records(r->region, &r->layout);
	other = npmu_ckpt_sequence_now(r->region->addr, &r->layout, !item->slot);
	if (other < item->sequence)
		return true;
	/*
	 * A later base was begun, and perhaps never finished: sum this one up again.
	 * Without CRC its commit word goes before anything else of it.
	 */
	npmu_ckpt_record_load(r->region->addr, &r->layout, item->slot, &record);
	return record.sequence == item->sequence &&
	       npmu_ckpt_record_holds(&r->layout, &record,
				      npmu_ckpt_slot_at(r->region->addr, &r->layout,
							item->slot) +
				      NPMU_CKPT_SLOT_HEADER);
}

static bool update_whole(const struct npmu_append_reader *r,
			 const struct npmu_append_item *item)
{
	struct append_update update;

	/* What was read before must not be read after. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	if (!base_behind(r, item->position))
		return true;
	return !(r->layout.flags & NPMU_CKPT_APPEND_F_NO_CRC) &&
	       npmu_append_load(r->region->addr, &r->layout, item->position, &update) &&
	       update.sequence == item->sequence &&
	       update.crc == item->reserved[ITEM_CRC] &&
	       npmu_append_holds(r->region->addr, &r->layout, &update);
}

int npmu_append_recheck(struct npmu_append_reader *r, const struct npmu_append_item *item)
{
	bool whole;

	if (!item || item->slot > 1 || item->slot < -1)
		return fail(r, -EINVAL, "not from this reader");
	npmu_look_meta(r->region);
	if (npmu_ckpt_layout_moved(r->region->addr, &r->layout) ||
	    item->reserved[ITEM_INSTANCE] != r->layout.instance)
		return fail(r, -EAGAIN, "the checkpoint was made anew");
	if (!item->sequence)
		return 0;
	whole = item->slot >= 0 ? base_whole(r, item) : update_whole(r, item);
	npmu_look_meta(r->region);
	if (npmu_region_lost(r->region))
		return fail(r, -EAGAIN, npmu_region_error(r->region));
	/* Making it anew says so before it stores anything else. */
	if (!whole || npmu_ckpt_layout_moved(r->region->addr, &r->layout))
		return fail(r, -EAGAIN, "the writer went on meanwhile");
	return 0;
}

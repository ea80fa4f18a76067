// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The writer of the append form. Owns the order of stores and fences of its commits, and
 * who may overwrite what in the ring.
 *
 * An update goes behind the last one: its data and its sealed header with non-temporal
 * stores, one fence, then a look at the status page, as in ckpt_write.c. Without CRC the
 * commit words follow, by a second fence. The ring is used again up to the position of the
 * base, which is moved on only by a base that is durable.
 */
#include <endian.h>
#include <errno.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "append_look.h"
#include "append_write.h"
#include "claim.h"
#include "clock.h"
#include "crc32c.h"
#include "error.h"
#include "gather.h"
#include "reader_entry.h"

#define UPDATE_WORD(member)	(offsetof(struct npmu_ckpt_update, member) / 8)

#define fail npmu_append_writer_fail

/*
 * A base that was torn goes: a later one, torn in its place, must not look like one of
 * this sequence and that writer's epoch, which a takeover takes for whole.
 */
static int drop_torn_base(struct npmu_region *region, const struct ckpt_layout *layout,
			  const struct append_start *start)
{
	const struct npmu_ckpt_slot none = { 0 };
	int slot = !start->base_slot;
	struct ckpt_record record;

	npmu_look_records(region, layout);
	npmu_ckpt_record_load(region->addr, layout, slot, &record);
	if (record.sequence <= start->base_sequence)
		return 0;
	return npmu_memcpy_persist(region, npmu_ckpt_slot_at(region->addr, layout, slot),
				   &none, sizeof(none));
}

int npmu_append_begin(struct npmu_region *region, const struct ckpt_layout *layout,
		      const struct append_start *start,
		      const struct npmu_append_options *options,
		      struct npmu_append_writer **out, struct npmu_error *err)
{
	struct npmu_append_writer *w;
	struct append_seal seal = {
		.sequence = start->end.sequence,
		.end = start->end.position,
		.base = start->base_sequence,
	};
	struct append_seal old;
	int code;

	/* Nobody gets that far: hostile bytes, and no room to go on. */
	if (start->highest >= CKPT_SEQUENCE_END / 2 ||
	    start->end.position >= CKPT_POSITION_END / 2)
		return npmu_error_set(err, -EUCLEAN,
				      "no sequence or position is left: the checkpoint is damaged");
	w = calloc(1, sizeof(*w));
	if (!w)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	npmu_look_meta(region);
	npmu_append_seal_load(region->addr, layout, &old);
	if (old.there)
		npmu_region_epoch_above(region, old.fence_epoch);
	w->region = region;
	w->claim = npmu_claim_of(region);
	w->layout = *layout;
	if (options)
		w->options = *options;
	w->last_sequence = start->end.sequence;
	w->next_sequence = start->highest + 1;
	w->in_doubt = w->next_sequence;
	w->base_position = start->base_position;
	w->committed = start->end.position;
	w->end = start->end.position;
	w->next_slot = !start->base_slot;
	w->error = "";
	seal.fence_epoch = w->claim.fence_epoch;
	code = drop_torn_base(region, layout, start);
	if (!code)
		code = npmu_append_seal_write(region, layout, &seal);
	npmu_fence_all();
	if (!code && !npmu_claim_holds(&w->claim))
		code = -ESTALE;
	if (code) {
		free(w);
		return npmu_error_set(err, code, code == -ESTALE ?
				      "this writer was fenced while it opened" :
				      "the seal cannot be made durable");
	}
	*out = w;
	return npmu_error_clear(err);
}

void npmu_append_writer_close(struct npmu_append_writer *w)
{
	/* What was submitted goes from the caller's memory still. */
	if (w && w->nr_submitted && !w->dead)
		npmu_append_commit(w);
	free(w);
}

uint64_t npmu_append_base_capacity(const struct npmu_append_writer *w)
{
	return w->layout.capacity;
}

/* So that one fits in an empty ring wherever that stands, a pad before it included. */
uint64_t npmu_append_update_capacity(const struct npmu_append_writer *w)
{
	return w->layout.ring_size / 2 - NPMU_CKPT_UPDATE_HEADER;
}

uint64_t npmu_append_sequence(const struct npmu_append_writer *w)
{
	return w->last_sequence;
}

const char *npmu_append_writer_error(const struct npmu_append_writer *w)
{
	return w->error;
}

static const struct npmu_ckpt_reader_entry *entries(const struct npmu_append_writer *w)
{
	return (const void *)((const char *)w->region->addr + NPMU_CKPT_READERS);
}

/*
 * The named reader that acknowledged least, of those that have not acknowledged all below
 * the base; or -1. The kernel writes these words while we look.
 */
static int last_reader(const struct npmu_append_writer *w, uint64_t *position)
{
	const volatile struct npmu_ckpt_reader_entry *entry = entries(w);
	int i, last = -1;
	uint64_t at;

	npmu_look_meta(w->region);
	*position = w->base_position;
	for (i = 0; i < NPMU_CKPT_NR_READERS; i++) {
		at = le64toh(entry[i].position);
		/* What is a whole ring behind has been overwritten before it asked. */
		if (le64toh(entry[i].instance) == w->layout.instance && at < *position &&
		    w->end - at <= w->layout.ring_size) {
			*position = at;
			last = i;
		}
	}
	return last;
}

/* Nothing below it is to be kept. */
static uint64_t keep_from(const struct npmu_append_writer *w, int *reader)
{
	uint64_t position = w->base_position;

	*reader = -1;
	if (w->options.full == NPMU_APPEND_FULL_WAIT)
		*reader = last_reader(w, &position);
	return position;
}

static uint64_t room_above(const struct npmu_append_writer *w, uint64_t position)
{
	uint64_t used = w->end - position;

	return used < w->layout.ring_size ? w->layout.ring_size - used : 0;
}

uint64_t npmu_append_free(const struct npmu_append_writer *w)
{
	int reader;

	return room_above(w, keep_from(w, &reader));
}

/* An entry that is given back changes another word than the one that is waited for. */
#define WAIT_SLICE_NS	100000000ULL

/* Wait until the reader that is last has acknowledged more, or is gone. */
static int wait_for_reader(struct npmu_append_writer *w, int reader, uint64_t start)
{
	const volatile uint64_t *position = (const volatile uint64_t *)
		&entries(w)[reader].position;
	uint64_t offset = (uint64_t)((const volatile char *)position -
				     (const char *)w->region->addr);
	uint64_t left = npmu_time_left(w->options.wait_ns, start);
	int code;

	if (!left)
		return fail(w, -ETIMEDOUT, "a named reader did not acknowledge in time");
	code = npmu_region_wait(w->region, NPMU_WAIT_F_COMPARE, offset, *position,
				left < WAIT_SLICE_NS ? left : WAIT_SLICE_NS, NULL);
	if (code && code != -ETIMEDOUT)
		return fail(w, code, npmu_region_error(w->region));
	return 0;
}

/* A base, by the caller's call. */
static int move_base(struct npmu_append_writer *w)
{
	uint64_t before = w->base_position, first;
	int code;

	if (w->options.full == NPMU_APPEND_FULL_ENOSPC || !w->options.write_base ||
	    w->in_callback)
		return fail(w, -ENOSPC, "the ring is full: write a base");
	first = w->next_sequence;
	w->in_callback = true;
	code = w->options.write_base(w, w->options.context);
	w->in_callback = false;
	/* Whoever asked for an update is not told of a base that he knows nothing of. */
	if (w->dead)
		w->not_asked = first;
	if (!code && w->base_position == before)
		return fail(w, -ENOSPC, "the ring is full, and no base was written");
	return code;
}

/* Room for an update that takes @room bytes. */
static int make_room(struct npmu_append_writer *w, uint64_t room)
{
	uint64_t start = 0;
	uint64_t to_end, need;
	int reader, code;

	for (;;) {
		to_end = npmu_append_to_end(&w->layout, w->end);
		need = to_end < room ? to_end + room : room;
		if (need <= room_above(w, keep_from(w, &reader)))
			return 0;
		if (!start)
			start = npmu_now_ns();
		if (reader < 0 || need > room_above(w, w->base_position))
			code = move_base(w);
		else
			code = wait_for_reader(w, reader, start);
		if (!code && (w->dead || !npmu_claim_holds(&w->claim)))
			return npmu_append_dead(w);
		if (code)
			return code;
	}
}

/* Store the header of an update at the end; its data are there, with this CRC. */
static void store_header(struct npmu_append_writer *w, uint64_t length, uint64_t tag,
			 uint32_t flags, uint32_t crc)
{
	/* A struct npmu_ckpt_update, as whole words: see npmu_store_line(). */
	uint64_t word[8] = {
		[UPDATE_WORD(instance)] = htole64(w->layout.instance),
		[UPDATE_WORD(sequence)] = htole64(w->next_sequence),
		[UPDATE_WORD(fence_epoch)] = htole64(w->claim.fence_epoch),
		[UPDATE_WORD(position)] = htole64(w->end),
		[UPDATE_WORD(committed)] = htole64(w->committed),
		[UPDATE_WORD(length)] = htole64(length),
		[UPDATE_WORD(tag)] = htole64(tag),
		[LAST_WORD] = npmu_append_commit_word(flags, 0),
	};
	char *at = npmu_append_at(w->region->addr, &w->layout, w->end);
	struct pending *pending;

	crc = npmu_crc32c(crc, word, sizeof(word));
	if (npmu_append_has_crc(w)) {
		word[LAST_WORD] = npmu_append_commit_word(flags, crc);
	} else if (w->nr_pending < MAX_PENDING) {
		pending = &w->pending[w->nr_pending++];
		pending->at = at;
		memcpy(pending->word, word, sizeof(word));
		pending->word[LAST_WORD] = npmu_append_commit_word(flags, crc);
	} else {
		w->nr_pending = UINT_MAX;
	}
	npmu_store_line(at, word);
	npmu_stored(w->region, at, sizeof(word));
	w->end += npmu_append_room(length);
}

int npmu_append_admit(struct npmu_append_writer *w, const struct iovec *iov, int n,
		      uint64_t most, uint64_t *length)
{
	if (n < 0 || (n && !iov))
		return fail(w, -EINVAL, "no pieces");
	if (!npmu_gather_length(iov, n, UINT64_MAX / 2, length))
		return fail(w, -EINVAL, "a piece without an address, or too long a length");
	if (*length > most)
		return fail(w, -EMSGSIZE, "longer than what one may be");
	if (w->dead || !npmu_claim_holds(&w->claim))
		return npmu_append_dead(w);
	return 0;
}

int npmu_append_store(struct npmu_append_writer *w, const struct iovec *iov, int n, uint64_t tag,
		      bool direct)
{
	uint64_t length, room, to_end;
	uint32_t crc;
	int code;

	code = npmu_append_admit(w, iov, n, npmu_append_update_capacity(w), &length);
	if (code)
		return code;
	room = npmu_append_room(length);
	code = make_room(w, room);
	if (code)
		return code;
	to_end = npmu_append_to_end(&w->layout, w->end);
	if (to_end < room)
		store_header(w, to_end - NPMU_CKPT_UPDATE_HEADER, 0,
			     NPMU_CKPT_UPDATE_F_PAD, 0);
	crc = npmu_store_pieces(w->region, npmu_append_at(w->region->addr, &w->layout, w->end) +
				NPMU_CKPT_UPDATE_HEADER, iov, n, npmu_append_has_crc(w), direct);
	store_header(w, length, tag, 0, crc);
	w->next_sequence++;
	return 0;
}

int npmu_append_add(struct npmu_append_writer *w, const struct iovec *iov, int n,
		    uint64_t tag)
{
	return npmu_append_store(w, iov, n, tag, false);
}

/* All stores since the last commit are durable. */
static int persist_ring(struct npmu_append_writer *w)
{
	/* Without cache control of our own, the kernel does it, or the unit. */
	if (w->region->remote)
		return w->region->remote->ops->commit(w->region);
	if (!w->region->ops->flush)
		return npmu_append_persist(w->region, &w->layout, w->committed, w->end);
	return npmu_drain(w->region);
}

/* The headers, read back, get their commit words. */
static void seal_headers(struct npmu_append_writer *w)
{
	uint64_t word[8];
	uint64_t at;
	char *header;

	for (at = w->committed; at != w->end;
	     at += npmu_append_room(le64toh(word[UPDATE_WORD(length)]))) {
		header = npmu_append_at(w->region->addr, &w->layout, at);
		memcpy(word, header, sizeof(word));
		word[LAST_WORD] |= npmu_append_commit_word(0, npmu_crc32c(0, word, sizeof(word)));
		npmu_store_line(header, word);
		npmu_stored(w->region, header, sizeof(word));
	}
}

/* Each update gets its commit word: it is there and complete from then on. */
static void store_commit_words(struct npmu_append_writer *w)
{
	unsigned int i;

	if (w->nr_pending == UINT_MAX)
		seal_headers(w);
	else
		for (i = 0; i < w->nr_pending; i++) {
			npmu_store_line(w->pending[i].at, w->pending[i].word);
			npmu_stored(w->region, w->pending[i].at, sizeof(w->pending[i].word));
		}
	w->nr_pending = 0;
}

int npmu_append_durable(struct npmu_append_writer *w, uint64_t sequence, uint64_t end, int code)
{
	npmu_fence_all();
	if (!npmu_claim_holds(&w->claim))
		return npmu_append_dead(w);
	if (code) {
		w->dead = true;
		w->broke = code;
		return fail(w, code, "it cannot be made durable");
	}
	w->committed = end;
	w->last_sequence = sequence;
	w->in_doubt = sequence + 1;
	/* A reader that sleeps; that it sleeps on does not undo the commit. */
	if (w->claim.status->kick_wanted)
		npmu_region_kick(w->region);
	return 0;
}

int npmu_append_conclude(struct npmu_append_writer *w, int code)
{
	w->nr_submitted = 0;
	return npmu_append_durable(w, w->next_sequence - 1, w->end, code);
}

int npmu_append_commit(struct npmu_append_writer *w)
{
	int code = 0;

	if (w->dead)
		return npmu_append_dead(w);
	if (!npmu_append_has_crc(w)) {
		code = persist_ring(w);
		store_commit_words(w);
	}
	if (!code && !w->region->ops->flush)
		code = persist_ring(w);
	return npmu_append_conclude(w, code);
}

int npmu_append_update(struct npmu_append_writer *w, const struct iovec *iov, int n,
		       uint64_t tag)
{
	int code = npmu_append_store(w, iov, n, tag, true);

	return code ? code : npmu_append_commit(w);
}

int npmu_append_drop(struct npmu_append_writer *w, const char *name)
{
	int code = npmu_region_reader_detach(w->region, name);

	return code ? fail(w, code, npmu_region_error(w->region)) : 0;
}

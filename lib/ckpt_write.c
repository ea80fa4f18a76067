// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The writer of a checkpoint. Owns the order of stores and fences of a commit.
 *
 * A commit writes the slot that does not hold the current state: the state and
 * the sealed header with non-temporal stores, one fence, then a look at the
 * status page. The fence makes the stores durable, and orders them before that
 * look, so that a commit that still finds itself the writer precedes any fence of
 * the region. The next commit stores into the other slot only after that.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "append_look.h"
#include "ckpt_slot.h"
#include "ckpt_track.h"
#include "claim.h"
#include "crc32c.h"
#include "error.h"

#define SLOT_WORD(member) (offsetof(struct npmu_ckpt_slot, member) / 8)

/* The crc is the upper half of the last word. */
_Static_assert(offsetof(struct npmu_ckpt_slot, flags) == 56, "flags");
_Static_assert(offsetof(struct npmu_ckpt_slot, crc) == 60, "crc");

/* Copied, then summed: short enough that the CPU sums one while it stores the next. */
#define CHUNK	768

struct npmu_ckpt_writer {
	struct npmu_region *region;
	struct npmu_claim claim;
	char *slot[2];
	uint64_t instance;
	uint64_t capacity;
	uint64_t last_sequence;		/* of the last state */
	uint64_t next_sequence;
	int next_slot;
	bool dead;
	struct ckpt_track *track;	/* from the first partial commit on */
	const char *error;
};

static int fail(struct npmu_ckpt_writer *w, int code, const char *why)
{
	w->error = why;
	return code;
}

static int fenced(struct npmu_ckpt_writer *w)
{
	w->dead = true;
	if (npmu_region_lost(w->region) == -ENOTCONN)
		return fail(w, -ENOTCONN,
			    "the connection was lost: what was not committed may be there or not");
	return fail(w, -ESTALE, "this writer was fenced, or it resigned");
}

/* Where what is there ends: its slot and the highest sequence it used. */
static int continue_after(struct npmu_ckpt_writer *w,
			  const struct ckpt_layout *layout)
{
	const void *base = w->region->addr;
	struct ckpt_record r[2];
	bool holds[2];
	bool used = false;
	int i, current;

	i = npmu_look_slots(w->region, layout);
	if (i)
		return i;
	for (i = 0; i < 2; i++) {
		npmu_ckpt_record_load(base, layout, i, &r[i]);
		holds[i] = npmu_ckpt_record_holds(layout, &r[i], w->slot[i] +
						  NPMU_CKPT_SLOT_HEADER);
		used |= r[i].plausible && r[i].sequence > 1;
	}
	w->next_sequence = 1;
	/*
	 * Nothing was committed yet. What a slot holds of a former instance goes, lest
	 * a first commit that is cut short look like a later one that was damaged: its
	 * new instance beside the old sequence.
	 */
	if (!holds[0] && !holds[1])
		return used ? -EUCLEAN : npmu_ckpt_clear_slots(w->region, layout);
	current = !holds[0] || (holds[1] && r[1].sequence > r[0].sequence);
	w->last_sequence = r[current].sequence;
	w->next_sequence = w->last_sequence + 1;
	/* A sequence that a torn commit began to use is not used again. */
	if (r[!current].plausible && r[!current].sequence >= w->next_sequence &&
	    r[!current].sequence - w->last_sequence < 1ULL << 32)
		w->next_sequence = r[!current].sequence + 1;
	w->next_slot = !current;
	/* Nobody commits that often: hostile bytes, and no room for a next one. */
	if (w->next_sequence >= CKPT_SEQUENCE_END / 2)
		return -EUCLEAN;
	/* It was seen, which does not make it durable. */
	return npmu_persist_seen(w->region, w->slot[current], NPMU_CKPT_SLOT_HEADER +
				 (size_t)r[current].length);
}

static int make(struct npmu_region *region, uint64_t capacity,
		struct ckpt_layout *layout, struct npmu_error *err)
{
	uint64_t most = npmu_ckpt_max_capacity(region->length);
	int code;

	if (capacity > most)
		return npmu_error_set(err, -ENOSPC,
				      "a region of %zu bytes holds a state of %llu bytes at most",
				      region->length, (unsigned long long)most);
	layout->form = NPMU_CKPT_FORM_OVERWRITE;
	layout->capacity = capacity ? capacity : most;
	layout->flags = 0;
	code = npmu_ckpt_layout_make(region, npmu_region_fence_epoch(region), layout);
	if (code)
		return npmu_error_set(err, code, "the header cannot be made durable");
	return 0;
}

static int prepare(struct npmu_region *region, uint64_t capacity,
		   unsigned int flags, struct ckpt_layout *layout,
		   struct npmu_error *err)
{
	int code;

	if (!npmu_ckpt_max_capacity(region->length))
		return npmu_error_set(err, -ENOSPC,
				      "a region for a checkpoint has %llu bytes or more",
				      NPMU_CKPT_MIN_REGION);
	code = npmu_look_meta(region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	code = npmu_ckpt_layout_load(region->addr, region->length,
				     NPMU_CKPT_FORM_OVERWRITE, layout);
	if (code == -ENODATA || flags & NPMU_CKPT_INIT)
		return make(region, capacity, layout, err);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_ckpt_layout_phrase(code));
	if (capacity > layout->capacity)
		return npmu_error_set(err, -ENOSPC,
				      "the checkpoint that is there holds a state of %llu bytes at most",
				      (unsigned long long)layout->capacity);
	code = npmu_ckpt_layout_mend(region, layout);
	if (!code)
		code = npmu_persist_seen(region, region->addr, NPMU_CKPT_SLOTS_START);
	if (code)
		return npmu_error_set(err, code, "the header cannot be made durable");
	return 0;
}

int npmu_ckpt_writer_open(struct npmu_region *region, uint64_t capacity,
			  unsigned int flags, struct npmu_ckpt_writer **out,
			  struct npmu_error *err)
{
	struct ckpt_layout layout;
	struct npmu_ckpt_writer *w;
	int i, code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the writer");
	*out = NULL;
	if (!region || !npmu_flags_known(flags, NPMU_CKPT_INIT))
		return npmu_error_set(err, -EINVAL, "no region, or an unknown flag");
	if (!region->addr || !(region->map_flags & NPMU_MAP_WRITE))
		return npmu_error_set(err, -EINVAL,
				      "the region is not mapped for writing");
	if (!npmu_region_is_writer(region))
		return npmu_error_set(err, -EPERM,
				      "this open does not have the writer role");
	w = calloc(1, sizeof(*w));
	if (!w)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	w->claim = npmu_claim_of(region);
	code = prepare(region, capacity, flags, &layout, err);
	if (code) {
		free(w);
		return code;
	}
	w->region = region;
	w->instance = layout.instance;
	w->capacity = layout.capacity;
	w->error = "";
	for (i = 0; i < 2; i++)
		w->slot[i] = npmu_ckpt_slot_at(region->addr, &layout, i);
	code = continue_after(w, &layout);
	if (code) {
		free(w);
		return npmu_error_set(err, code, code == -EUCLEAN ?
				      "no slot holds a state to go on from: the checkpoint is damaged" :
				      "the last state cannot be made durable");
	}
	*out = w;
	return npmu_error_clear(err);
}

void npmu_ckpt_writer_close(struct npmu_ckpt_writer *w)
{
	if (!w)
		return;
	npmu_ckpt_track_free(w->track);
	free(w);
}

uint64_t npmu_ckpt_writer_capacity(const struct npmu_ckpt_writer *w)
{
	return w->capacity;
}

uint64_t npmu_ckpt_writer_sequence(const struct npmu_ckpt_writer *w)
{
	return w->last_sequence;
}

const char *npmu_ckpt_writer_error(const struct npmu_ckpt_writer *w)
{
	return w->error;
}

/* Without cache control of our own, the kernel persists the slot. */
static int make_durable(struct npmu_ckpt_writer *w, const void *slot, size_t len)
{
	int code = 0;

	if (!w->region->ops->flush)
		code = npmu_persist_stored(w->region, slot, len);
	npmu_fence_all();
	return code;
}

/* The state is stored in the next slot and @crc is its CRC: seal it. */
static int seal(struct npmu_ckpt_writer *w, size_t len, uint64_t tag,
		uint32_t crc)
{
	/* A struct npmu_ckpt_slot, as whole words: see npmu_store_line(). */
	uint64_t word[8] = {
		[SLOT_WORD(instance)] = htole64(w->instance),
		[SLOT_WORD(sequence)] = htole64(w->next_sequence),
		[SLOT_WORD(fence_epoch)] = htole64(w->claim.fence_epoch),
		[SLOT_WORD(length)] = htole64(len),
		[SLOT_WORD(tag)] = htole64(tag),
	};
	char *slot = w->slot[w->next_slot];
	int code;

	crc = npmu_crc32c(crc, word, sizeof(word));
	word[SLOT_WORD(flags)] = htole64((uint64_t)crc << 32);
	npmu_store_line(slot, word);
	npmu_stored(w->region, slot, sizeof(word));
	code = make_durable(w, slot, sizeof(word) + len);
	if (!npmu_claim_holds(&w->claim))
		return fenced(w);
	if (code) {
		/* It may be there or not; what the tracks say is void. */
		w->dead = true;
		return fail(w, code, "the state cannot be made durable");
	}
	w->last_sequence = w->next_sequence++;
	w->next_slot = !w->next_slot;
	/* A reader that sleeps; that it sleeps on does not undo the commit. */
	if (w->claim.status->kick_wanted)
		npmu_region_kick(w->region);
	return 0;
}

/* What both kinds of commit ask first. Nothing has been touched yet. */
static int admit(struct npmu_ckpt_writer *w, const void *data, size_t len)
{
	if (len > w->capacity)
		return fail(w, -EMSGSIZE, "the state is longer than the capacity");
	if (!data && len)
		return fail(w, -EINVAL, "no data");
	if (w->dead || !npmu_claim_holds(&w->claim))
		return fenced(w);
	return 0;
}

int npmu_ckpt_commit(struct npmu_ckpt_writer *w, const void *data, size_t len,
		     uint64_t tag)
{
	char *at = w->slot[w->next_slot] + NPMU_CKPT_SLOT_HEADER;
	const char *from = data;
	uint32_t crc = 0;
	size_t done, n;
	int code;

	code = admit(w, data, len);
	if (code)
		return code;
	if (w->track) {
		w->track->slot[w->next_slot].known = false;
		w->track->last_known = false;
	}
	for (done = 0; done < len; done += n) {
		n = len - done < CHUNK ? len - done : CHUNK;
		npmu_copy_lines(at + done, from + done, n);
		crc = npmu_crc32c(crc, from + done, n);
	}
	npmu_stored(w->region, at, len);
	return seal(w, len, tag, crc);
}

static size_t block_len(size_t len, uint64_t block)
{
	size_t left = len - (size_t)(block * NPMU_CKPT_BLOCK);

	return left < NPMU_CKPT_BLOCK ? left : NPMU_CKPT_BLOCK;
}

static uint32_t store_block(struct npmu_ckpt_writer *w, char *at, const char *from, size_t len,
			    uint64_t block)
{
	size_t offset = (size_t)(block * NPMU_CKPT_BLOCK);
	size_t n = block_len(len, block);

	npmu_copy_lines(at + offset, from + offset, n);
	npmu_stored(w->region, at + offset, n);
	return npmu_crc32c(0, from + offset, n);
}

/* The slot gets the whole state, and its block CRCs with it. */
static void store_all(struct npmu_ckpt_writer *w, const char *from, size_t len)
{
	struct ckpt_track_slot *slot = &w->track->slot[w->next_slot];
	char *at = w->slot[w->next_slot] + NPMU_CKPT_SLOT_HEADER;
	uint64_t block;

	for (block = 0; block * NPMU_CKPT_BLOCK < len; block++)
		slot->block_crc[block] = store_block(w, at, from, len, block);
	npmu_ckpt_track_join(w->track, w->next_slot);
	slot->known = true;
}

static void store_span(struct npmu_ckpt_writer *w, const char *from, size_t len,
		       const struct ckpt_span *span)
{
	char *at = w->slot[w->next_slot] + NPMU_CKPT_SLOT_HEADER;
	struct ckpt_track *t = w->track;
	uint64_t block;

	for (block = span->first; block < span->end; block++) {
		if (t->seen[block] == w->next_sequence)
			continue;
		t->seen[block] = w->next_sequence;
		npmu_ckpt_track_change(t, w->next_slot, block,
				       store_block(w, at, from, len, block));
	}
}

static struct ckpt_span span_of(const struct npmu_ckpt_range *range)
{
	struct ckpt_span span = { 0, 0 };

	if (range->length) {
		span.first = range->offset / NPMU_CKPT_BLOCK;
		span.end = (range->offset + range->length - 1) / NPMU_CKPT_BLOCK + 1;
	}
	return span;
}

int npmu_ckpt_commit_ranges(struct npmu_ckpt_writer *w, const void *data,
			    size_t len, const struct npmu_ckpt_range *ranges,
			    size_t n, uint64_t tag)
{
	struct ckpt_track *t;
	struct ckpt_span span;
	bool comparable;
	size_t i;
	int code;

	if (n && !ranges)
		return fail(w, -EINVAL, "no ranges");
	for (i = 0; i < n; i++)
		if (!npmu_within(ranges[i].offset, ranges[i].length, len))
			return fail(w, -EINVAL, "a range is not within the state");
	code = admit(w, data, len);
	if (code)
		return code;
	if (!w->track)
		w->track = npmu_ckpt_track_new(w->capacity);
	if (!w->track)
		return fail(w, -ENOMEM, "out of memory");
	t = w->track;
	/* Does the last state differ from this one in nothing but the ranges? */
	comparable = n <= NPMU_CKPT_MAX_RANGES && t->slot[!w->next_slot].known &&
		     t->len == len;
	if (comparable && t->last_known && t->slot[w->next_slot].known) {
		for (i = 0; i < t->nr_last; i++)
			store_span(w, data, len, &t->last[i]);
		for (i = 0; i < n; i++) {
			span = span_of(&ranges[i]);
			store_span(w, data, len, &span);
		}
	} else {
		npmu_ckpt_track_length(t, len);
		store_all(w, data, len);
	}
	t->last_known = comparable;
	t->nr_last = comparable ? n : 0;
	for (i = 0; i < t->nr_last; i++)
		t->last[i] = span_of(&ranges[i]);
	return seal(w, len, tag, t->slot[w->next_slot].crc);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The reader of a checkpoint. Owns how a state is read while a writer may be
 * running; writes nothing.
 *
 * A slot is read first and judged afterwards, by its CRC over what was read. The
 * slot that holds the current state is left alone until the next commit, into the
 * other slot, is done: as long as the sequence word of the other slot is still
 * that of an older state, nothing of this one has been overwritten.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <npmu/ckpt.h>

#include "append_look.h"
#include "ckpt_slot.h"
#include "clock.h"
#include "error.h"

#define MAX_MOVES	64	/* that often the checkpoint may be made anew meanwhile */

/* npmu_ckpt_info.reserved of a state that was peeked at */
enum { PEEK_INSTANCE, PEEK_OTHER };

struct npmu_ckpt_reader {
	struct npmu_region *region;
	struct ckpt_layout layout;	/* as the last call found it */
	/* The last state made durable here: no need to do that again. */
	uint64_t durable_instance;
	uint64_t durable_sequence;
	const char *error;
};

/* A state that was found valid. */
struct found {
	struct ckpt_record record;
	int slot;
};

static int fail(struct npmu_ckpt_reader *r, int code, const char *why)
{
	r->error = why;
	return code;
}

int npmu_ckpt_reader_open(struct npmu_region *region,
			  struct npmu_ckpt_reader **out, struct npmu_error *err)
{
	struct npmu_ckpt_reader *r;

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

void npmu_ckpt_reader_close(struct npmu_ckpt_reader *reader)
{
	free(reader);
}

const char *npmu_ckpt_reader_error(const struct npmu_ckpt_reader *r)
{
	return r->error;
}

/* The header may be made anew at any time, so it is looked at each time. */
static int load_layout(struct npmu_ckpt_reader *r)
{
	int code = npmu_look_meta(r->region);

	if (code)
		return fail(r, code, npmu_region_error(r->region));
	code = npmu_ckpt_layout_load(r->region->addr, r->region->length,
				     NPMU_CKPT_FORM_OVERWRITE, &r->layout);
	return code ? fail(r, code, npmu_ckpt_layout_phrase(code)) : 0;
}

static const char *state_at(const struct npmu_ckpt_reader *r, int slot)
{
	return npmu_ckpt_slot_at(r->region->addr, &r->layout, slot) +
	       NPMU_CKPT_SLOT_HEADER;
}

/* A sequence above the first tells that there has been a valid state. */
static int nothing_valid(struct npmu_ckpt_reader *r,
			 const struct ckpt_record *record)
{
	int i;

	for (i = 0; i < 2; i++)
		if (record[i].plausible && record[i].sequence > 1)
			return fail(r, -EUCLEAN, "no slot holds a valid state: the checkpoint is damaged");
	return fail(r, -ENODATA, "nothing has been committed yet");
}

/* Find the current state, into @buf if that is given. */
static int find(struct npmu_ckpt_reader *r, void *buf, size_t cap,
		struct found *found)
{
	struct ckpt_record record[2];
	int moves, code = -EAGAIN;

	for (moves = 0; moves < MAX_MOVES; moves++) {
		code = load_layout(r);
		if (code)
			return code;
		code = npmu_look_find(r->region, &r->layout, buf, cap, record,
				      &found->slot);
		if (npmu_region_lost(r->region))
			return fail(r, npmu_region_lost(r->region), npmu_region_error(r->region));
		if (!code || code == -EMSGSIZE)
			found->record = record[found->slot];
		if (!code)
			return 0;
		npmu_look_meta(r->region);
		if (!npmu_ckpt_layout_moved(r->region->addr, &r->layout))
			break;
	}
	if (code == -ENOENT)
		return nothing_valid(r, record);
	return fail(r, code, code == -EMSGSIZE ? "the state is longer than the buffer" :
		    "the writer was faster each time");
}

/* What is handed out must not be lost to a power cut any more. */
static int make_durable(struct npmu_ckpt_reader *r, const struct found *found)
{
	const struct ckpt_record *record = &found->record;
	int code;

	if (r->region->persistence_class == NPMU_CLASS_VOLATILE ||
	    (r->durable_instance == record->instance &&
	     r->durable_sequence == record->sequence))
		return 0;
	/*
	 * If the slot is overwritten by now, a later state is durable, and this
	 * one was before that began.
	 */
	code = npmu_persist_seen(r->region, npmu_ckpt_slot_at(r->region->addr,
							      &r->layout, found->slot),
				 NPMU_CKPT_SLOT_HEADER + (size_t)record->length);
	if (code)
		return fail(r, code, "the state cannot be made durable");
	r->durable_instance = record->instance;
	r->durable_sequence = record->sequence;
	return 0;
}

static void tell(const struct found *found, struct npmu_ckpt_info *info)
{
	memset(info, 0, sizeof(*info));
	info->sequence = found->record.sequence;
	info->fence_epoch = found->record.fence_epoch;
	info->tag = found->record.tag;
	info->length = found->record.length;
	info->slot = (uint32_t)found->slot;
}

int npmu_ckpt_read(struct npmu_ckpt_reader *r, void *buf, size_t cap,
		   struct npmu_ckpt_info *info)
{
	struct found found;
	char none;
	int code;

	if (!buf && cap)
		return fail(r, -EINVAL, "no buffer");
	code = find(r, buf ? buf : &none, cap, &found);
	if ((!code || code == -EMSGSIZE) && info)
		tell(&found, info);
	return code ? code : make_durable(r, &found);
}

int npmu_ckpt_peek(struct npmu_ckpt_reader *r, const void **data,
		   struct npmu_ckpt_info *info)
{
	struct found found;
	int code;

	if (!data || !info)
		return fail(r, -EINVAL, "no place for the answer");
	code = find(r, NULL, 0, &found);
	if (!code)
		code = make_durable(r, &found);
	if (code)
		return code;
	tell(&found, info);
	npmu_look_records(r->region, &r->layout);
	info->reserved[PEEK_INSTANCE] = found.record.instance;
	info->reserved[PEEK_OTHER] = npmu_ckpt_sequence_now(r->region->addr,
							    &r->layout, !found.slot);
	*data = state_at(r, found.slot);
	return 0;
}

int npmu_ckpt_recheck(struct npmu_ckpt_reader *r,
		      const struct npmu_ckpt_info *info)
{
	const void *base = r->region->addr;
	struct ckpt_record record;
	uint64_t other;
	int code;

	if (!info || info->slot > 1)
		return fail(r, -EINVAL, "not from npmu_ckpt_peek()");
	/* First: a new instance has other slots, and says so before it fills them. */
	code = load_layout(r);
	if (code || r->layout.instance != info->reserved[PEEK_INSTANCE])
		return fail(r, -EAGAIN, "the checkpoint was made anew");
	npmu_look_records(r->region, &r->layout);
	if (npmu_region_lost(r->region))
		return fail(r, -EAGAIN, npmu_region_error(r->region));
	other = npmu_ckpt_sequence_now(base, &r->layout, !info->slot);
	if (other < info->sequence && other == info->reserved[PEEK_OTHER])
		return 0;
	/* A later commit began, or did long ago and was torn: sum it up again. */
	npmu_ckpt_record_load(base, &r->layout, (int)info->slot, &record);
	if (record.sequence == info->sequence &&
	    npmu_ckpt_record_holds(&r->layout, &record, state_at(r, (int)info->slot)))
		return 0;
	return fail(r, -EAGAIN, "the writer went on meanwhile");
}

/* Return: 1: a state above @sequence is there; 0: not; or an errno. */
static int newer(struct npmu_ckpt_reader *r, uint64_t sequence)
{
	struct ckpt_record record;
	struct found found;
	bool may_be = false;
	int i, code;

	code = load_layout(r);
	if (code)
		return code == -ENODATA ? 0 : code;
	npmu_look_records(r->region, &r->layout);
	for (i = 0; i < 2; i++) {
		npmu_ckpt_record_load(r->region->addr, &r->layout, i, &record);
		may_be |= record.plausible && record.sequence > sequence;
	}
	if (!may_be)
		return 0;
	code = find(r, NULL, 0, &found);
	if (code == -ENODATA)
		return 0;
	if (code)
		return code == -EAGAIN ? 1 : code;
	return found.record.sequence > sequence;
}

static int wait_failed(struct npmu_ckpt_reader *r, int code)
{
	return fail(r, code, code == -ETIMEDOUT ? "no newer state in time" :
		    npmu_region_error(r->region));
}

int npmu_ckpt_wait(struct npmu_ckpt_reader *r, uint64_t sequence,
		   uint64_t timeout_ns)
{
	uint64_t start = npmu_now_ns(), left;
	uint32_t events, seen;
	int code;

	for (;;) {
		/* Armed before the look: no commit slips in between. */
		code = npmu_region_wait(r->region, NPMU_WAIT_F_ARM, 0, 0, 0, &seen);
		if (code)
			return wait_failed(r, code);
		npmu_fence_all();
		code = newer(r, sequence);
		if (code)
			return code > 0 ? 0 : code;
		if (seen & NPMU_WAIT_ROLE)
			return 1;
		left = npmu_time_left(timeout_ns, start);
		if (!left)
			return wait_failed(r, -ETIMEDOUT);
		code = npmu_region_wait(r->region, 0, 0, 0, left, &events);
		if (code)
			return wait_failed(r, code);
	}
}

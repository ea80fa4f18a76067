// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Takeover: from reader to writer. Owns the order: fence, map, accept what is unread, make
 * it durable, seal. It takes time for what is unread, not for the base.
 */
#include <errno.h>
#include <string.h>

#include "append_look.h"
#include "append_read.h"
#include "append_write.h"
#include "error.h"

static int check(const struct npmu_append_reader *r,
		 const struct npmu_append_options *options, struct npmu_error *err)
{
	struct ckpt_layout layout;
	int code;

	code = npmu_append_options_check(options, err);
	if (code)
		return code;
	if (options && (options->flags || options->base_capacity || options->ring_size))
		return npmu_error_set(err, -EINVAL,
				      "a takeover goes on with the checkpoint that is there: no sizes, no flags");
	if (!(r->region->flags & NPMU_OPEN_WRITE))
		return npmu_error_set(err, -EBADF, "the region is not open for writing");
	code = npmu_look_meta(r->region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(r->region));
	code = npmu_ckpt_layout_load(r->region->addr, r->region->length,
				     NPMU_CKPT_FORM_APPEND, &layout);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_ckpt_layout_phrase(code));
	return 0;
}

static int fence(struct npmu_region *region, uint64_t expected_epoch,
		 struct npmu_error *err)
{
	struct npmu_ioc_info info;
	int code = npmu_region_takeover(region, expected_epoch, NULL);

	if (code == -ESTALE && !npmu_region_info(region, &info) && !info.dead)
		return npmu_error_set(err, code,
				      "the fence epoch is %llu, not %llu: process %u %s the writer",
				      (unsigned long long)info.fence_epoch,
				      (unsigned long long)expected_epoch,
				      info.writer_id ? info.writer_pid : info.last_writer_pid,
				      info.writer_id ? "is" : "was");
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	return 0;
}

/*
 * Was a base committed that was not summed up here? Its writer stored an update after it, or
 * a later one sealed it: both only once it was durable.
 */
static bool known_whole(const struct ckpt_record *record, const struct append_cursor *end,
			const struct append_seal *seal)
{
	return record->sequence == seal->base ||
	       (record->fence_epoch == end->fence_epoch && record->sequence < end->sequence);
}

/* The base that counts, without looking at its data where that is not needed. */
static int accept_base(struct npmu_append_reader *r, const struct append_seal *seal,
		       struct ckpt_record record[2], struct append_start *start)
{
	struct npmu_region *region = r->region;
	int i, newest, code;

	npmu_look_records(region, &r->layout);
	for (i = 0; i < 2; i++)
		npmu_ckpt_record_load(region->addr, &r->layout, i, &record[i]);
	newest = record[1].plausible &&
		 (!record[0].plausible || record[1].sequence > record[0].sequence);
	if (!record[newest].plausible ||
	    (record[newest].sequence != r->base_sequence &&
	     !known_whole(&record[newest], &start->end, seal))) {
		code = npmu_look_find(region, &r->layout, NULL, 0, record, &newest);
		if (code == -ENOENT) {
			start->base_slot = 1;
			return seal->base ? -EUCLEAN : 0;
		}
		if (!code)
			code = npmu_persist_seen(region,
						 npmu_ckpt_slot_at(region->addr, &r->layout,
								   newest),
						 NPMU_CKPT_SLOT_HEADER +
						 (size_t)record[newest].length);
		if (code)
			return code;
	}
	start->base_slot = newest;
	start->base_sequence = record[newest].sequence;
	start->base_position = record[newest].position;
	return start->base_sequence < seal->base ? -EUCLEAN : 0;
}

/* From the reader's place on, all that is there. */
static int accept_updates(struct npmu_append_reader *r, struct append_start *start)
{
	struct append_update update;
	int code;

	start->end = r->cursor;
	do {
		while (start->end.position - r->cursor.position < r->layout.ring_size &&
		       npmu_look_step(r->region, &r->layout, &start->end, &update))
			;
		code = npmu_append_why_nothing(r, &start->end, APPEND_LOOK_AHEAD);
	} while (code == -EAGAIN);
	if (code != -ENODATA)
		return code;
	return npmu_append_persist(r->region, &r->layout, r->cursor.position,
				   start->end.position);
}

static int accept(struct npmu_append_reader *r, struct append_start *start)
{
	struct ckpt_record record[2];
	struct append_seal seal;
	uint64_t accepted;
	int code;

	memset(start, 0, sizeof(*start));
	code = accept_updates(r, start);
	if (code)
		return code;
	npmu_look_meta(r->region);
	npmu_append_seal_load(r->region->addr, &r->layout, &seal);
	code = accept_base(r, &seal, record, start);
	if (code)
		return code;
	/* A base that was passed over is as far as the updates before it. */
	if (start->base_sequence > start->end.sequence) {
		start->end.sequence = start->base_sequence;
		start->end.fence_epoch = record[start->base_slot].fence_epoch;
	}
	accepted = start->end.sequence > seal.sequence ? start->end.sequence : seal.sequence;
	start->highest = npmu_append_highest(record, accepted);
	return 0;
}

int npmu_append_takeover(struct npmu_append_reader *r, uint64_t expected_epoch,
			 const struct npmu_append_options *options,
			 struct npmu_append_writer **out, struct npmu_error *err)
{
	struct npmu_region *region = r->region;
	struct append_start start;
	struct ckpt_layout layout;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the writer");
	*out = NULL;
	code = check(r, options, err);
	if (!code)
		code = fence(region, expected_epoch, err);
	if (code)
		return code;
	code = npmu_region_map_beside(region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	code = npmu_look_meta(region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	code = npmu_ckpt_layout_load(region->addr, region->length, NPMU_CKPT_FORM_APPEND,
				     &layout);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_ckpt_layout_phrase(code));
	if (!r->started || layout.instance != r->layout.instance) {
		/* Nothing was read yet: the long way. */
		r->started = false;
		return npmu_append_writer_open(region, options, out, err);
	}
	code = npmu_ckpt_layout_mend(region, &layout);
	if (!code)
		code = npmu_persist_seen(region, region->addr, NPMU_CKPT_SLOTS_START);
	if (code)
		return npmu_error_set(err, code, "the header cannot be made durable");
	r->layout = layout;
	code = accept(r, &start);
	if (code)
		return npmu_error_set(err, code, "%s", code == -EUCLEAN ?
				      "a base or an update that had been committed is damaged: npmu-admin checkpoint show" :
				      r->error);
	return npmu_append_begin(region, &layout, &start, options, out, err);
}

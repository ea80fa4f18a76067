// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Following a writer: waiting for what is unread, who writes, and what a named reader
 * acknowledged. Reads by append_read.c.
 */
#include <errno.h>
#include <string.h>

#include "append_look.h"
#include "append_read.h"
#include "clock.h"
#include "reader_entry.h"

#define fail npmu_append_reader_fail

/* Return: 1: there is something, or npmu_append_next() fails; 0: nothing. */
static int unread(struct npmu_append_reader *r, uint64_t look_ahead)
{
	struct append_cursor cursor;
	struct append_update update;
	int code = npmu_append_reader_start(r);

	if (code)
		return code == -ENODATA ? 0 : 1;
	if (!r->begun)
		return 1;
	cursor = r->cursor;
	if (npmu_look_step(r->region, &r->layout, &cursor, &update))
		return 1;
	return npmu_append_why_nothing(r, &cursor, look_ahead) != -ENODATA;
}

static int wait_failed(struct npmu_append_reader *r, int code)
{
	return fail(r, code, code == -ETIMEDOUT ? "nothing new in time" :
		    npmu_region_error(r->region));
}

int npmu_append_wait(struct npmu_append_reader *r, uint64_t timeout_ns)
{
	uint64_t began = npmu_now_ns();
	uint64_t look_ahead = 0;
	uint32_t events, seen;
	uint64_t left;
	int code;

	for (;;) {
		/* Armed before the look: no commit slips in between. */
		code = npmu_region_wait(r->region, NPMU_WAIT_F_ARM, 0, 0, 0, &seen);
		if (code)
			return wait_failed(r, code);
		npmu_fence_all();
		if (unread(r, look_ahead))
			return 0;
		if (seen & NPMU_WAIT_ROLE)
			return 1;
		left = npmu_time_left(timeout_ns, began);
		if (!left)
			return wait_failed(r, -ETIMEDOUT);
		code = npmu_region_wait(r->region, 0, 0, 0, left, &events);
		if (code)
			return wait_failed(r, code);
		/* Woken for nothing? Then what is next may be damaged. */
		look_ahead = events & NPMU_WAIT_KICKED ? APPEND_LOOK_AHEAD : 0;
	}
}

/* Sequence of the last that is there. */
static uint64_t last_sequence(struct npmu_append_reader *r)
{
	struct append_cursor cursor;
	struct append_update update;
	struct ckpt_record record[2];
	uint64_t last;
	int slot;

	if (npmu_append_reader_start(r))
		return 0;
	cursor = r->cursor;
	while (cursor.position - r->cursor.position < r->layout.ring_size &&
	       npmu_look_step(r->region, &r->layout, &cursor, &update))
		;
	npmu_look_records(r->region, &r->layout);
	last = cursor.sequence > r->base_sequence ? cursor.sequence : r->base_sequence;
	for (slot = 0; slot < 2; slot++)
		npmu_ckpt_record_load(r->region->addr, &r->layout, slot, &record[slot]);
	if ((record[0].plausible && record[0].sequence > last) ||
	    (record[1].plausible && record[1].sequence > last))
		if (!npmu_look_find(r->region, &r->layout, NULL, 0, record, &slot) &&
		    record[slot].sequence > last)
			last = record[slot].sequence;
	return last;
}

int npmu_append_who(struct npmu_append_reader *r, struct npmu_append_who *who)
{
	struct npmu_ioc_info info;
	int code;

	if (!who)
		return fail(r, -EINVAL, "no place for the answer");
	code = npmu_region_info(r->region, &info);
	if (code)
		return fail(r, code, npmu_region_error(r->region));
	memset(who, 0, sizeof(*who));
	who->alive = info.writer_id != 0;
	who->pid = who->alive ? info.writer_pid : info.last_writer_pid;
	who->fence_epoch = who->alive ? info.fence_epoch : info.last_writer_epoch;
	who->current_epoch = info.fence_epoch;
	who->sequence = last_sequence(r);
	return 0;
}

/* For npmu_append_reader_reconnect(). */
static void remember(struct npmu_append_reader *r, const char *name)
{
	memset(r->name, 0, sizeof(r->name));
	if (name)
		strncpy(r->name, name, sizeof(r->name) - 1);
	r->connection = npmu_connection(r->region);
}

int npmu_append_attach(struct npmu_append_reader *r, const char *name, unsigned int flags)
{
	uint64_t position;
	int code;

	if (!npmu_flags_known(flags, NPMU_APPEND_CREATE))
		return fail(r, -EINVAL, "an unknown flag");
	code = npmu_append_reader_start(r);
	if (code)
		return code;
	position = r->cursor.position;
	code = npmu_region_reader_attach(r->region, name, 0, r->layout.instance, &position);
	if (!code) {
		remember(r, name);
		/* Whatever is there at that position comes next. */
		memset(&r->cursor, 0, sizeof(r->cursor));
		r->cursor.position = position;
		r->begun = true;
		return 0;
	}
	if (code == -ENOENT && flags & NPMU_APPEND_CREATE) {
		code = npmu_region_reader_attach(r->region, name, NPMU_READER_F_CREATE,
						 r->layout.instance, &position);
		if (!code) {
			remember(r, name);
			return 1;
		}
	}
	return fail(r, code, npmu_region_error(r->region));
}

int npmu_append_ack(struct npmu_append_reader *r, uint64_t position)
{
	int code;

	if (position > r->cursor.position || position % NPMU_CKPT_UPDATE_ALIGN)
		return fail(r, -EINVAL, "the position is not one that was read up to");
	code = npmu_region_reader_ack(r->region, position);
	return code ? fail(r, code, npmu_region_error(r->region)) : 0;
}

int npmu_append_detach(struct npmu_append_reader *r, const char *name)
{
	int code = npmu_region_reader_detach(r->region, name);

	if (!code && (!name || !strcmp(name, r->name)))
		remember(r, NULL);
	return code ? fail(r, code, npmu_region_error(r->region)) : 0;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Going on after the connection to a remote region was lost. Owns what became of the updates
 * that were in doubt. Of how one connects anew it knows nothing.
 */
#include <errno.h>
#include <string.h>

#include "append_read.h"
#include "append_write.h"
#include "error.h"
#include "reader_entry.h"
#include "remote.h"

/* Of those that were written and not known to be committed: they are numbered in order. */
static uint64_t found_of(const struct npmu_append_writer *w, uint64_t last_sequence)
{
	uint64_t asked = w->not_asked ? w->not_asked : w->next_sequence;
	uint64_t end = last_sequence + 1 < asked ? last_sequence + 1 : asked;

	return end > w->in_doubt ? end - w->in_doubt : 0;
}

int npmu_append_writer_reconnect(struct npmu_append_writer *w, uint64_t *found,
				 struct npmu_error *err)
{
	struct npmu_append_options options = w->options;
	struct npmu_append_writer *again;
	int code;

	if (!found)
		return npmu_error_set(err, -EINVAL, "no place for what was found");
	if (w->in_callback)
		return npmu_error_set(err, -EBUSY, "not within the call that writes a base");
	code = npmu_region_reconnect(w->region, err);
	if (code)
		return code;
	if (!npmu_region_is_writer(w->region))
		return npmu_error_set(err, -ESTALE, "this writer was fenced, or it resigned");
	if (!w->dead && npmu_claim_holds(&w->claim))
		return npmu_error_set(err, -EISCONN,
				      "the connection is there: what was added waits for its commit");
	options.flags &= ~NPMU_APPEND_INIT;
	code = npmu_append_writer_open(w->region, options.size ? &options : NULL, &again, err);
	if (code)
		return code;
	if (again->layout.instance != w->layout.instance) {
		npmu_append_writer_close(again);
		return npmu_error_set(err, -ESTALE, "the checkpoint was made anew");
	}
	*found = found_of(w, again->last_sequence);
	*w = *again;
	npmu_append_writer_close(again);
	return npmu_error_clear(err);
}

/* The name is of a connection. What is acknowledged under it does not move the cursor. */
static int attach_again(struct npmu_append_reader *r, struct npmu_error *err)
{
	uint64_t position = r->cursor.position;
	int code;

	code = npmu_region_reader_attach(r->region, r->name, 0, r->layout.instance, &position);
	if (!code) {
		r->connection = npmu_connection(r->region);
		return 0;
	}
	/* Dropped, or of a checkpoint that is no more: there is no such reader. */
	if (code == -ENOENT || code == -ESTALE || code == -EMEDIUMTYPE) {
		memset(r->name, 0, sizeof(r->name));
		code = npmu_region_lost(r->region) ?: -ENOENT;
	}
	return npmu_error_set(err, code, "%s", npmu_region_error(r->region));
}

int npmu_append_reader_reconnect(struct npmu_append_reader *r, struct npmu_error *err)
{
	int code = npmu_region_reconnect(r->region, err);

	if (!code && *r->name && r->connection != npmu_connection(r->region))
		code = attach_again(r, err);
	return code ? npmu_append_reader_fail(r, code, "the reader is not connected again") : 0;
}

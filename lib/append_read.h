/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The reader of the append form, as the takeover sees it. */
#ifndef NPMU_LIB_APPEND_READ_H
#define NPMU_LIB_APPEND_READ_H

#include <npmu/append.h>

#include "append_format.h"

/* Look that far for what was built upon an update that is not there, in bytes. */
#define APPEND_LOOK_AHEAD	(1ULL << 20)

struct npmu_append_reader {
	struct npmu_region *region;
	struct ckpt_layout layout;
	bool started;			/* @layout and @cursor are set */
	bool begun;			/* the base was handed out, or is not wanted */
	struct append_cursor cursor;	/* behind what was handed out last */
	uint64_t base_sequence;		/* of the last base found whole, 0: none */
	char name[NPMU_CKPT_READER_NAME_LEN];	/* empty: none */
	uint64_t connection;		/* by which it has the name */
	const char *error;
};

/* Note why a call failed. Return: @code. */
static inline int npmu_append_reader_fail(struct npmu_append_reader *r, int code,
					  const char *why)
{
	r->error = why;
	return code;
}

/* Find the base, if that was not done yet, without handing it out. */
int npmu_append_reader_start(struct npmu_append_reader *r);

/*
 * Nothing is there behind @cursor: why? Return: -ENODATA: nothing yet; -EAGAIN: now there is;
 * -EOVERFLOW, -EUCLEAN: as npmu_append_next().
 */
int npmu_append_why_nothing(struct npmu_append_reader *r, const struct append_cursor *cursor,
			    uint64_t look_ahead);

#endif /* NPMU_LIB_APPEND_READ_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The writer of the append form: its parts, and how the takeover makes one, too. */
#ifndef NPMU_LIB_APPEND_WRITE_H
#define NPMU_LIB_APPEND_WRITE_H

#include <endian.h>
#include <errno.h>

#include <npmu/append.h>

#include "append_format.h"
#include "claim.h"
#include "remote.h"

/* Where a writer goes on: what it accepted of what was there. */
struct append_start {
	uint64_t base_sequence;		/* 0: no base */
	uint64_t base_position;
	int base_slot;			/* the slot of the base; without one, 1 */
	uint64_t highest;		/* sequence that was used by anyone, torn or not */
	struct append_cursor end;
};

/* Which sequences the slots have used, valid or not. */
uint64_t npmu_append_highest(const struct ckpt_record record[2], uint64_t accepted);

/* Return: 0 or -EINVAL with its reason. NULL is allowed. */
int npmu_append_options_check(const struct npmu_append_options *options,
			      struct npmu_error *err);

/*
 * The seal of a new writer, durable, and the writer. All that @start accepts is durable.
 * Return: 0; -EUCLEAN: no room for later sequences; -ESTALE; -ENOMEM; as persist.
 */
int npmu_append_begin(struct npmu_region *region, const struct ckpt_layout *layout,
		      const struct append_start *start,
		      const struct npmu_append_options *options,
		      struct npmu_append_writer **out, struct npmu_error *err);

/* The last word of the headers of slots and updates: flags, and in its upper half the crc. */
#define LAST_WORD	7

/* Headers that need not be read back for their commit words. */
#define MAX_PENDING	16

/*
 * A header is stored again as a whole with its commit word, which alone is new: a part of a
 * line costs the memory a read.
 */
struct pending {
	char *at;
	uint64_t word[8];
};

/* A commit that is under way. */
struct submitted {
	uint64_t sequence;		/* of its last update */
	uint64_t end;			/* position behind that */
	uint64_t number;		/* see struct npmu_remote_ops */
};

struct npmu_append_writer {
	struct npmu_region *region;
	struct npmu_claim claim;
	struct ckpt_layout layout;
	struct npmu_append_options options;
	uint64_t last_sequence;		/* of the last that was committed */
	uint64_t next_sequence;
	uint64_t in_doubt;		/* the first that is not known to be committed */
	uint64_t not_asked;		/* from there on write_base's, 0: none */
	uint64_t base_position;		/* nothing below it is needed any more */
	uint64_t committed;		/* all below is durable */
	uint64_t end;			/* behind the last update that was added */
	unsigned int nr_pending;	/* headers to seal, UINT_MAX: too many */
	struct pending pending[MAX_PENDING];
	unsigned int nr_submitted;
	struct submitted submitted[NPMU_REMOTE_COMMITS];	/* the oldest first */
	int next_slot;
	bool dead;
	int broke;			/* why the first commit failed that was no fence's fault */
	bool in_callback;
	const char *error;
};

/* Note why a call failed. Return: @code. */
static inline int npmu_append_writer_fail(struct npmu_append_writer *w, int code,
					  const char *why)
{
	w->error = why;
	return code;
}

/* Says why this is no writer any more. */
static inline int npmu_append_dead(struct npmu_append_writer *w)
{
	w->dead = true;
	if (npmu_region_lost(w->region) == -ENOTCONN)
		return npmu_append_writer_fail(w, -ENOTCONN,
					       "the connection was lost: what was not committed may be there or not");
	if (w->broke)
		return npmu_append_writer_fail(w, w->broke,
					       "a commit before this one could not be made durable: open the writer again");
	return npmu_append_writer_fail(w, -ESTALE,
				       "this writer was fenced, or it resigned");
}

static inline bool npmu_append_has_crc(const struct npmu_append_writer *w)
{
	return !(w->layout.flags & NPMU_CKPT_APPEND_F_NO_CRC);
}

static inline uint64_t npmu_append_commit_word(uint32_t flags, uint32_t crc)
{
	return htole64(flags | (uint64_t)crc << 32);
}

/* What every commit asks first: 0, and the length; or why not. Nothing has been touched yet. */
int npmu_append_admit(struct npmu_append_writer *w, const struct iovec *iov, int n,
		      uint64_t most, uint64_t *length);

/* As npmu_append_add(). @direct: what commits it is posted before the caller's memory changes. */
int npmu_append_store(struct npmu_append_writer *w, const struct iovec *iov, int n, uint64_t tag,
		      bool direct);

/* All up to this is durable, or that failed by @code. Return: as npmu_append_conclude(). */
int npmu_append_durable(struct npmu_append_writer *w, uint64_t sequence, uint64_t end, int code);

/*
 * What ends every commit: nothing but the look at the status page has to come behind the last
 * stores. @code: of making durable what was stored before.
 */
int npmu_append_conclude(struct npmu_append_writer *w, int code);

#endif /* NPMU_LIB_APPEND_WRITE_H */

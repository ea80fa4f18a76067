/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a checkpoint in the append form, by libnpmu's own code, recorded; and
 * its recovery.
 *
 * What was written is a tree: each base or update names the one that it was written
 * behind. What may be read after a cut is a way through it from the root on.
 */
#ifndef CRASH_APPEND_OPS_H
#define CRASH_APPEND_OPS_H

#include <npmu/append.h>

#include "explore.h"
#include "lib_stubs.h"

#define APPEND_REGION	24576
#define APPEND_BASE	3000
#define APPEND_RING	4096
#define APPEND_ITEMS	512
#define APPEND_OPS	512
#define APPEND_MOST	2048	/* bytes of a base or an update */

/* Nothing was written yet. */
#define APPEND_ROOT	0

struct append_entry {
	uint16_t parent;
	bool base;
	uint64_t tag;
	uint64_t fence_epoch;
	uint16_t len;
	uint64_t random;	/* the seed of its bytes */
};

/* struct append_snap - what may be read when an operation was answered, or is under way */
struct append_snap {
	bool made;		/* the checkpoint is there */
	bool anew;		/* or it was made anew, and nothing else is there */
	uint16_t low;		/* not before this entry */
	uint16_t high;		/* nor behind this one */
	uint16_t tried;		/* nor, while it was under way, behind this one */
};

struct append_run {
	struct npmu_region *region;
	struct npmu_append_writer *writer, *usurper;
	struct npmu_append_options options;
	struct model_log log;
	unsigned char *before;
	struct append_entry item[APPEND_ITEMS];
	uint16_t items;
	uint16_t added;		/* the last one that was stored */
	struct append_snap snap[APPEND_OPS + 1];
	char text[APPEND_OPS][48];
	uint32_t nr;
	uint32_t nr_moved;	/* bases that a full ring asked for */
	uint32_t wrong;
};

extern struct append_run *append_now;

/* Written by a recovery. */
#define APPEND_SUCCESSOR 0x5cce55ULL

/* What a reader got. */
struct append_found {
	int code;		/* of the base */
	const char *why;	/* what does not fit, or NULL */
	uint16_t last;		/* the last entry that was read */
	bool base, update;	/* and behind it what a recovery wrote */
	uint64_t sequence;
};

/* Reads all, and compares it with the way to @high. */
void append_look(const struct append_run *run, uint16_t high, struct append_found *found);
/* The bytes of an entry. */
void append_bytes(const struct append_entry *e, unsigned char *buf);
/* Is @low on the way to @high? */
bool append_is_behind(const struct append_run *run, uint16_t low, uint16_t high);
const char *append_recover(const struct explore_at *at);

/* @kernel: the CPU cannot write back by itself. */
struct append_run *append_begin(uint64_t seed, enum lib_cpu cpu, unsigned int flags,
				bool kernel);
/* Explores it, and frees it. Return: operations that did not do what they must. */
uint32_t append_explore(struct append_run *run, struct explore *x,
			struct explore_stat *stat);

/* A writer. @anew: what is there is dropped. */
void append_open(struct append_run *run, bool anew);
/* Another becomes the writer: a reader that has read all, or one that opens. */
void append_takeover(struct append_run *run, bool by_reader);
void append_base(struct append_run *run, size_t len, uint64_t random);
void append_update(struct append_run *run, size_t len, uint64_t random);
/* @nr updates and one commit, or none. */
void append_batch(struct append_run *run, unsigned int nr, bool commit, uint64_t random);
/* Nobody else is there: it takes one CPU fence, or two for commit words. */
void append_batch_alone(struct append_run *run, unsigned int nr, uint64_t random);
/* An update that another writer takes over from before its fence; that one goes on. */
void append_usurped(struct append_run *run, size_t len, uint64_t random);
/* Others read in the middle of each commit, on or off. */
void append_readers(struct append_run *run, bool on);
/* A named reader comes, acknowledges what there is, and gives its name back. */
void append_named(struct append_run *run);

#endif /* CRASH_APPEND_OPS_H */

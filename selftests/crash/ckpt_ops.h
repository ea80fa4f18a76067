/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Operations on a checkpoint, by libnpmu's own code, recorded; and its recovery. */
#ifndef CRASH_CKPT_OPS_H
#define CRASH_CKPT_OPS_H

#include <npmu/ckpt.h>

#include "explore.h"
#include "lib_stubs.h"

#define CKPT_REGION	32768
#define CKPT_MOST	12000
#define CKPT_RANGES	(NPMU_CKPT_MAX_RANGES + 8)

enum ckpt_what {
	CKPT_FOREIGN,		/* the region holds something else */
	CKPT_NONE,		/* no commit yet */
	CKPT_STATE,
};

/* struct ckpt_snap - what a reader gets after an operation was answered */
struct ckpt_snap {
	enum ckpt_what what;
	uint64_t tag;
	uint64_t fence_epoch;
	size_t len;
	unsigned char *data;
};

struct ckpt_run {
	struct npmu_region *region;
	struct npmu_ckpt_writer *writer, *usurper;
	struct model_log log;
	unsigned char *before;
	struct ckpt_snap *snap;
	char (*text)[48];
	uint32_t nr, room;
	uint32_t first;
	unsigned char data[CKPT_MOST];	/* the application's state */
	size_t len;
	uint64_t tag;
	uint32_t wrong;
};

extern struct ckpt_run *ckpt_now;
extern const struct explore_ops ckpt_explore_ops;

/* @junk: the region holds something; @kernel: the CPU cannot write back by itself. */
struct ckpt_run *ckpt_begin(uint64_t seed, enum lib_cpu cpu, bool junk, bool kernel);
/* Explores it, and frees it. Return: operations that did not do what they must. */
uint32_t ckpt_explore(struct ckpt_run *run, struct explore *x, struct explore_stat *stat);

void ckpt_open(struct ckpt_run *run, uint64_t capacity, unsigned int flags);
void ckpt_takeover(struct ckpt_run *run);
/* Another state of @len bytes, committed as a whole. */
void ckpt_commit(struct ckpt_run *run, size_t len, uint64_t random);
/* @nr ranges of the state changed; the length is as before. */
void ckpt_ranges(struct ckpt_run *run, unsigned int nr, uint64_t random);
/* A commit that another writer takes over from before its fence; that one commits, too. */
void ckpt_usurped(struct ckpt_run *run, size_t len, uint64_t random);
/* A copy of the header is lost, and found to be so. Not explored by itself. */
void ckpt_lose_header(struct ckpt_run *run, int copy);
/* Others read in the middle of each commit, on or off. */
void ckpt_readers(struct ckpt_run *run, bool on);
/* A reader that waits for what is there already. */
void ckpt_wait(struct ckpt_run *run);

#endif /* CRASH_CKPT_OPS_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Operations on a unit, by the module's own code, with what each must do to the unit
 * said a second time. A run is a sequence of them, recorded.
 */
#ifndef CRASH_UNIT_OPS_H
#define CRASH_UNIT_OPS_H

#include "explore.h"
#include "role.h"
#include "unit_snap.h"

#define RUN_OPENS	8

/**
 * struct run_op - one operation
 * @text: for messages
 * @raised: slot of a region that is fenced on the way, or -1
 * @touched: slot that it is about, or -1: the unit
 * @absent: on the way there is no unit
 */
struct run_op {
	char text[80];
	int raised;
	int touched;
	bool absent;
};

struct run_open {
	struct npmu_tpt_entry *entry;
	char region[NPMU_REGION_NAME_LEN];	/* when it was opened */
};

/**
 * struct unit_run - a run
 * @unit: attached, or NULL
 * @log: what happened
 * @before: the memory when the log began
 * @op: operations, @nr of them
 * @snap: what there was before each, and after the last
 * @first: operations before it are preparation
 * @open: opens of regions
 * @was_dead: opens that something else than a revocation ended
 * @version: of the bytes stored last
 * @lost: a region has lost bytes: the offline check says so
 * @wrong: operations that did not do what they must
 */
struct unit_run {
	struct npmu_unit *unit;
	struct model_log log;
	u8 *before;
	struct run_op *op;
	struct snap *snap;
	u32 nr, room;
	u32 first;
	struct run_open open[RUN_OPENS];
	bool was_dead[RUN_OPENS];
	u32 version;
	bool lost;
	u32 wrong;
};

/* The run that is explored. */
extern struct unit_run *run_now;
extern const struct explore_ops unit_explore_ops;

/* On a memory of @size bytes; @old: it holds the bytes of something else. */
struct unit_run *run_begin(size_t size, u64 skew, u64 seed, bool old);
/* Closes opens, detaches, and looks if the model saw every store. */
void run_end(struct unit_run *run);
void run_free(struct unit_run *run);

/* All return what the module said; one that fails must have changed nothing. */
int run_format(struct unit_run *run, u32 max_regions, bool force);
int run_attach(struct unit_run *run);
void run_detach(struct unit_run *run);
int run_create(struct unit_run *run, const char *name, u64 size, u32 mode);
/* The same by a principal, or by none where @creator is NULL. */
int run_create_as(struct unit_run *run, const char *creator, const char *name, u64 size,
		  u32 mode);
int run_set(struct unit_run *run, const char *name, const struct npmu_region_attr *attr,
	    bool force);
int run_resize(struct unit_run *run, const char *name, u64 size, bool force);
int run_delete(struct unit_run *run, const char *name, bool force);
int run_fence(struct unit_run *run, const char *name, s64 wrong_by);
int run_open(struct unit_run *run, u32 i, const char *name, bool write);
int run_claim(struct unit_run *run, u32 i);
int run_takeover(struct unit_run *run, u32 i, s64 wrong_by);
int run_resign(struct unit_run *run, u32 i);
void run_close(struct unit_run *run, u32 i);
/* Memory fails: the granule at this offset of the unit. */
void run_fail(struct unit_run *run, u64 off);
/* Store to granules of a region, as a mapping does; and make them durable. */
void run_store(struct unit_run *run, const char *name, u64 page, u64 nr);
void run_persist(struct unit_run *run, const char *name, u64 page, u64 nr);

/* Grants and the right to create (right_work.c). */
int run_grant(struct unit_run *run, const char *name, const struct npmu_grant *grant);
int run_revoke(struct unit_run *run, const char *name, const char *principal);
int run_allow(struct unit_run *run, const struct npmu_creator *creator);
int run_disallow(struct unit_run *run, const char *principal);
int run_open_as(struct unit_run *run, u32 i, const char *name, const char *principal,
		bool write);

/*
 * What an operation is made of, for those in other files. begin: it is recorded from here
 * on. subject: the region by @name, with a reference, in @op and in @want, a copy of the
 * last snapshot. end: compares what the unit holds now with @want, extents aside, or with
 * what there was where @ret says that it failed; frees @want.
 */
struct run_op *run_op_begin(struct unit_run *run, const char *text, ...);
struct npmu_region *run_subject(struct unit_run *run, struct run_op *op, const char *name,
				struct snap *want, struct snap_region **r);
void run_op_end(struct unit_run *run, int ret, struct snap *want);
void run_wrong(struct unit_run *run, const char *what);
extern const struct npmu_revoke_ops run_revoke_ops;

/* The last snapshot. */
static inline struct snap *run_snap(struct unit_run *run)
{
	return &run->snap[run->nr];
}

#endif /* CRASH_UNIT_OPS_H */

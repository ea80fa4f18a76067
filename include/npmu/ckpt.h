/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: checkpoints in the overwrite form: one logical state that each
 * commit replaces. The format is linux/npmu_ckpt.h.
 *
 * What a returned commit covers survives; everything else is wholly there or
 * not at all. The writer waits for nobody; a reader reads at any time, the
 * writer running or not, and never gets a mixture of two states.
 *
 *	primary					backup
 *	npmu_region_open(.., NPMU_OPEN_WRITE)	npmu_region_open(.., NPMU_OPEN_WRITE)
 *	npmu_region_map(.., NPMU_MAP_WRITE)	.. waits until the primary is dead ..
 *	npmu_ckpt_writer_open()			npmu_region_takeover()
 *	npmu_ckpt_commit() ...			npmu_region_map(.., NPMU_MAP_WRITE)
 *						npmu_ckpt_reader_open()
 *						npmu_ckpt_read()
 *						npmu_ckpt_writer_open()
 *						npmu_ckpt_commit() ...
 */
#ifndef NPMU_CKPT_H
#define NPMU_CKPT_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_ckpt.h>
#include <npmu/npmu.h>
#include <npmu/region.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct npmu_ckpt_writer;
struct npmu_ckpt_reader;

/* Flags of npmu_ckpt_writer_open(). */
#define NPMU_CKPT_INIT		(1U << 0)	/* begin anew, whatever is there */

/* More ranges than this in one commit are committed as a whole state. */
#define NPMU_CKPT_MAX_RANGES	1024

/* Granularity of a partial commit, in bytes from the start of the state. */
#define NPMU_CKPT_BLOCK		512

/**
 * struct npmu_ckpt_range - bytes of the state that changed
 * @offset: first byte
 * @length: bytes; 0 is allowed
 */
struct npmu_ckpt_range {
	uint64_t offset;
	uint64_t length;
};

/**
 * struct npmu_ckpt_info - a state that was read
 * @sequence: rises with each commit
 * @fence_epoch: of the writer that committed it
 * @tag: as given to the commit
 * @length: bytes
 * @slot: 0 or 1: where it was found
 * @reserved0: the library's own
 * @reserved: likewise
 */
struct npmu_ckpt_info {
	uint64_t sequence;
	uint64_t fence_epoch;
	uint64_t tag;
	uint64_t length;
	uint32_t slot;
	uint32_t reserved0;
	uint64_t reserved[3];
};

/**
 * npmu_ckpt_writer_open - prepare to commit into a region
 * @region: handle, mapped with NPMU_MAP_WRITE (so this open has the writer role);
 *	it must stay open and mapped while the writer is in use
 * @capacity: longest state in bytes; 0: what is there, or else the most that fits
 * @flags: NPMU_CKPT_INIT
 * @out: the writer
 * @err: why not, or NULL
 *
 * A region that reads as zero at its start gets a new checkpoint. One that
 * holds a checkpoint is gone on with, after its last state and under this
 * writer's fence epoch; a lost copy of the checkpoint header is mended. Anything
 * else is refused and left as it is, unless NPMU_CKPT_INIT is given: that drops
 * what is there in one durable step.
 *
 * Makes system calls, allocates (partial commits take 3 % of the capacity in
 * ordinary memory once they are used) and reads the last state to check it.
 *
 * Return: 0; -EMEDIUMTYPE: the region holds something that is not a checkpoint;
 * -EPROTONOSUPPORT: a checkpoint of a version, form or feature that is not
 * known; -EUCLEAN: a damaged checkpoint; -ENOSPC: the region, or the
 * checkpoint that is there, is too small for @capacity; -EPERM: not the
 * writer; -EINVAL: not mapped for writing, or a bad flag; -ENOMEM.
 */
int npmu_ckpt_writer_open(struct npmu_region *region, uint64_t capacity,
			  unsigned int flags, struct npmu_ckpt_writer **out,
			  struct npmu_error *err);

/* Free a writer; the region stays mapped and claimed. NULL is allowed. */
void npmu_ckpt_writer_close(struct npmu_ckpt_writer *writer);

/* Longest state in bytes. */
uint64_t npmu_ckpt_writer_capacity(const struct npmu_ckpt_writer *writer);

/* Sequence of the last state committed or found, 0: none yet. */
uint64_t npmu_ckpt_writer_sequence(const struct npmu_ckpt_writer *writer);

/**
 * npmu_ckpt_commit - replace the state
 * @writer: for one thread at a time
 * @data: the new state; must not change during the call
 * @len: bytes, at most the capacity; 0 is allowed
 * @tag: the application's, given back with the state
 *
 * No system call, except one to wake readers that sleep. One CPU fence.
 *
 * Return: 0: the state is durable and precedes every later fence; -ESTALE: this
 * writer was fenced or resigned: whether the new state is there is not known
 * here, but only the successor's reading counts now; -EMSGSIZE: longer than the
 * capacity, nothing was changed; -EINVAL.
 *
 * A touch of the mapping after a fence is a SIGBUS, or goes nowhere after
 * npmu_region_sink(). A commit looks for the fence before it stores, so only one
 * that the fence overtakes meets it. A program that must outlive its own fencing
 * uses the sink.
 */
int npmu_ckpt_commit(struct npmu_ckpt_writer *writer, const void *data,
		     size_t len, uint64_t tag);

/**
 * npmu_ckpt_commit_ranges - replace the state, of which only parts changed
 * @writer: for one thread at a time
 * @data: the whole new state; must not change during the call
 * @len: bytes of the whole state
 * @ranges: the parts that differ from the state of the last commit, in any order;
 *	overlapping is allowed. Bytes outside them must be the same: the library
 *	does not look, and a state with a change that is not named is not valid
 * @n: number of ranges; 0: nothing but the tag changed
 * @tag: the application's
 *
 * Costs what changed in this commit and the one before, in steps of
 * NPMU_CKPT_BLOCK, not the state. The whole state is written when the length
 * changed, when there are too many ranges, and in the first two such commits
 * after an open or a whole commit, as each of the two slots has to catch up.
 *
 * Return: as npmu_ckpt_commit(); -EINVAL: a range is not within the state,
 * nothing was changed; -ENOMEM: likewise (in the first such commit only).
 */
int npmu_ckpt_commit_ranges(struct npmu_ckpt_writer *writer, const void *data,
			    size_t len, const struct npmu_ckpt_range *ranges,
			    size_t n, uint64_t tag);

/* Why the last failed commit failed: a static phrase. */
const char *npmu_ckpt_writer_error(const struct npmu_ckpt_writer *writer);

/**
 * npmu_ckpt_reader_open - prepare to read the checkpoint of a region
 * @region: handle, mapped for reading or writing; it must stay so
 * @out: the reader
 * @err: why not, or NULL
 *
 * Works at any time, also before there is a checkpoint.
 *
 * Return: 0; -EINVAL: not mapped; -ENOMEM.
 */
int npmu_ckpt_reader_open(struct npmu_region *region,
			  struct npmu_ckpt_reader **out, struct npmu_error *err);

/* Free a reader; NULL is allowed. */
void npmu_ckpt_reader_close(struct npmu_ckpt_reader *reader);

/* Why the last failed call on this reader failed: a static phrase. */
const char *npmu_ckpt_reader_error(const struct npmu_ckpt_reader *reader);

/**
 * npmu_ckpt_read - copy the current state
 * @reader: for one thread at a time
 * @buf: where to; its contents mean nothing unless 0 is returned
 * @cap: bytes there are
 * @info: what was read; may be NULL
 *
 * What is handed out is durable.
 *
 * Return: 0; -ENODATA: no commit yet; -EMSGSIZE: @cap is too small,
 * info->length tells what is needed; -EAGAIN: the writer was faster each time;
 * -EUCLEAN: damaged, no valid state; -EMEDIUMTYPE, -EPROTONOSUPPORT: as
 * npmu_ckpt_writer_open().
 */
int npmu_ckpt_read(struct npmu_ckpt_reader *reader, void *buf, size_t cap,
		   struct npmu_ckpt_info *info);

/**
 * npmu_ckpt_peek - look at the current state where it lies
 * @reader: for one thread at a time
 * @data: the state in the mapping
 * @info: what it is; for npmu_ckpt_recheck()
 *
 * It is whole and durable when the call returns, but the writer may overwrite it
 * after its next commit: use it, then call npmu_ckpt_recheck(), and throw the
 * result away unless that returns 0.
 *
 * Return: as npmu_ckpt_read().
 */
int npmu_ckpt_peek(struct npmu_ckpt_reader *reader, const void **data,
		   struct npmu_ckpt_info *info);

/**
 * npmu_ckpt_recheck - was the state still whole?
 * @reader: for one thread at a time
 * @info: from npmu_ckpt_peek()
 *
 * Return: 0: all that was read from it before this call was right; -EAGAIN: it
 * may not have been, peek again.
 */
int npmu_ckpt_recheck(struct npmu_ckpt_reader *reader,
		      const struct npmu_ckpt_info *info);

/**
 * npmu_ckpt_wait - wait for a newer state
 * @reader: for one thread at a time
 * @sequence: of the state known; 0: any
 * @timeout_ns: how long at most; UINT64_MAX: no limit
 *
 * Return: 0: there is a newer one; 1: the writer role changed (it was claimed,
 * given up, or its holder died: see npmu_region_info(), which marks it as seen);
 * -ETIMEDOUT; -EINTR; -ESTALE: the open is dead; else as npmu_ckpt_read().
 */
int npmu_ckpt_wait(struct npmu_ckpt_reader *reader, uint64_t sequence,
		   uint64_t timeout_ns);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_CKPT_H */

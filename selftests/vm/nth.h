/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Failure at every allocation. An operation is done again and again; in the n-th run
 * its n-th allocation (or copy from or to user memory) fails, until a run is over
 * before its turn came. What is asked of each run is in nth_sweep().
 *
 *	static int act(void)
 *	{
 *		return NTH(vm_claim(fd, NULL));
 *	}
 *
 *	SWEEP("claim", begin, act, undo, 0);
 */
#ifndef NPMU_NTH_H
#define NPMU_NTH_H

#include "vmtest.h"

/* The unit all of it is about. */
#define NTH_UNIT	"t"

/* Of an act: nobody told whether it was done. It was, wholly, or it was not at all. */
#define NTH_UNKNOWN	1
/* Of an act: done, but for what the interface says is to be asked for again. */
#define NTH_MENDED	2

/* It needs no memory of its own: netlink and the VFS may fail before it begins. */
#define NTH_NEVER_FAILS	(1U << 0)
/* -EFAULT may come after it was done: the answer could not be written. */
#define NTH_LATE_FAULT	(1U << 1)
/* It leaves no trace that could be looked at. */
#define NTH_NO_TRACE	(1U << 2)
/* It may be that it allocates nothing at all. */
#define NTH_MAY_NOT_HIT	(1U << 4)
/* NTH_NEVER_FAILS, but for the two allocations of the room for its answer. */
#define NTH_ANSWERS	(1U << 5)
/* What is damaged may be mended on the way, whatever becomes of it. */
#define NTH_MENDS	(1U << 6)
/* Done again and again from the same state: @begin and @undo only once. */
#define NTH_STAYS	(1U << 3)

/**
 * struct nth_op - an operation to sweep
 * @name: of it
 * @begin: makes the state from which it starts; 0 or -errno
 * @act: does it, the system call itself in NTH(). Return: 0, -errno or NTH_UNKNOWN
 * @undo: takes away what @begin and @act made; may be NULL
 * @flags: NTH_*
 */
struct nth_op {
	const char *name;
	int (*begin)(void);
	int (*act)(void);
	int (*undo)(void);
	unsigned int flags;
};

/*
 * Sweeps it, and sees that a run that was refused said -ENOMEM, -ENOBUFS or -EFAULT and
 * changed nothing of what can be seen of the unit, nor of its media; that it works when
 * done again; that a run that was not refused was done wholly, and told who listens.
 * That at least one failure was injected. Return: how much was not so.
 */
unsigned int nth_sweep(const struct nth_op *op);

#define SWEEP(...) do {							\
	unsigned int wrong_ = nth_sweep(&(struct nth_op){ __VA_ARGS__ });	\
									\
	CHECK(!wrong_, "%u complaints", wrong_);			\
} while (0)

/* One that is much like another: with NPMU_STRESS=1 only. */
#define SWEEP_TOO(...) do {						\
	if (vm_times(0, 1))						\
		SWEEP(__VA_ARGS__);					\
} while (0)

/* So many refusals an operation that never fails may have: those of netlink itself. */
extern unsigned int nth_free_refusals;

/* How often netlink itself refuses a request for want of memory, tried on this one. */
struct nth_arg;
unsigned int nth_probe(uint8_t cmd, const struct nth_arg *args, unsigned int nr);

/* Runs @call, armed. */
#define NTH(call) ({							\
	nth_arm();							\
	long long nth_ret_ = (call);					\
	nth_disarm();							\
	nth_ret_;							\
})

/* @up makes what the tests start from. Return: 0, or the status to end with. */
int nth_begin(int (*up)(void));
/* More extents than fit into a record. */
#define NTH_COMB	140
/*
 * The unit on vm_pmem_path(), with two regions "a" and "b" of so many extents each, in
 * turns. Return: 0 or -errno.
 */
int nth_comb(void);
void nth_arm(void);
void nth_disarm(void);
/* Has it failed something? For who arms in one process and looks from another. */
bool nth_has_hit(int fail_nth_fd);
/* Which allocation is to fail; 0: none. */
extern unsigned int nth_now;
/* Did the last armed call meet it? */
extern bool nth_hit;

/* --- nth_state.c: all that can be seen of the unit --- */

struct nth_state;

/* Device whose media are looked at, or NULL. */
extern const char *nth_path;

struct nth_state *nth_look(void);
void nth_forget(struct nth_state *state);
/* Do not look at what mending changes: media, and how much was mended. */
extern bool nth_mending;
uint64_t nth_digest(const struct nth_state *state);
/* Nothing at all changed; else what did is printed when @say. */
bool nth_same(const struct nth_state *was, const struct nth_state *is, bool say);
/* The step from @was to @is is that from @from to @to, but for ids and time. */
bool nth_alike(const struct nth_state *from, const struct nth_state *to,
	       const struct nth_state *was, const struct nth_state *is, bool say);
/* Records in two equal, valid copies; trivially so without media. */
bool nth_sound(const struct nth_state *state);

/* --- nth_ask.c: requests, made ready so that nothing but the sending is armed --- */

struct nth_arg {
	int attr;
	int bytes;		/* 0: flag, 4, 8; -1: string */
	uint64_t number;
	const char *string;
};

/*
 * Return: as an act. A dump (@dump) is armed to its end, other requests until they are
 * sent: the answer to those is there by then.
 */
int nth_ask(uint8_t cmd, bool dump, const struct nth_arg *args, unsigned int nr);
/* Of the last one: messages that came back, and the kernel's words. */
extern unsigned int nth_answers;
extern char nth_words[128];

/* Events that came since the last call; -ENOBUFS when some were lost. */
int nth_events(void);

#endif /* NPMU_NTH_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which crashes are tried: the states in which a power cut may leave the memory, at
 * each point of a log, and what is asked of each of them.
 */
#ifndef CRASH_EXPLORE_H
#define CRASH_EXPLORE_H

#include "model.h"

#define EXPLORE_NONE	(~0U)

/**
 * struct explore_at - where the power was cut
 * @answered: operations that were answered
 * @inflight: the one under way, or EXPLORE_NONE
 * @nested: the recovery was cut off in its turn
 * @spoilt: a copy of something was spoilt afterwards
 * @salt: a number that differs from state to state
 * @deep: to be looked at more closely (it costs more)
 */
struct explore_at {
	uint32_t answered;
	uint32_t inflight;
	bool nested;
	bool spoilt;
	uint64_t salt;
	bool deep;
};

/**
 * struct explore_ops - the code that recovers, and the oracle
 * @recover: recover from the memory as it is, by the code under test, and compare
 *	with what may be there. Records its own stores (they are journalled).
 *	Return: NULL, or what is wrong
 * @rot: spoil one copy of something that has a whole other copy. Return: what was
 *	spoilt, or NULL: nothing was
 */
struct explore_ops {
	const char *(*recover)(const struct explore_at *at);
	const char *(*rot)(const struct explore_at *at, uint64_t random);
};

/**
 * struct explore - one log to be explored
 * @workload: its name
 * @seed: of its random choices
 * @log: from an image that the memory holds now
 * @first: operations before it are passed over
 * @cap: states for each point, beside all subsets of few lines
 * @only_point: explore this one alone, or EXPLORE_NONE
 * @only_state: and in it this state alone, or EXPLORE_NONE
 */
struct explore {
	const char *workload;
	uint64_t seed;
	const struct model_log *log;
	const struct explore_ops *ops;
	uint32_t first;
	uint32_t cap;
	uint32_t only_point;
	uint32_t only_state;
};

struct explore_stat {
	uint64_t points;	/* crash points */
	uint64_t states;	/* tried in all: the sum of the three below */
	uint64_t direct;
	uint64_t nested;	/* cut again in the middle of the recovery */
	uint64_t rotten;	/* with one copy spoilt besides */
	uint64_t distinct;	/* images not seen before */
	uint64_t failed;
};

/* So many states will be tried, in whatever processes: before all else. */
void explore_expect(uint64_t states);

/* Prints what fails. The memory is as before when it returns. */
void explore_run(const struct explore *x, struct explore_stat *stat);

#endif /* CRASH_EXPLORE_H */

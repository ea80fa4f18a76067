/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Workloads: sequences of operations that are recorded, and then cut off. */
#ifndef CRASH_WORKLOAD_H
#define CRASH_WORKLOAD_H

#include "explore.h"

/**
 * struct workload - one
 * @name: for messages and for --replay
 * @random: another seed gives another sequence
 * @run: record with this seed, then explore by explore_run(), which @x is for but
 *	log, ops and first. Return: operations that did not do what they must
 */
struct workload {
	const char *name;
	bool random;
	uint32_t (*run)(struct explore *x, struct explore_stat *stat);
};

extern const struct workload unit_workloads[], ckpt_workloads[], append_workloads[];
extern const unsigned int nr_unit_workloads, nr_ckpt_workloads, nr_append_workloads;

#endif /* CRASH_WORKLOAD_H */

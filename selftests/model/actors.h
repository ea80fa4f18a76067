/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Actors that take turns, and every order in which they can: a depth-first search over
 * choices, each run from the beginning.
 */
#ifndef MODEL_ACTORS_H
#define MODEL_ACTORS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACTORS	3
#define NOBODY	(-1)

/* Who runs; NOBODY: set-up, or a recovery: then nothing is a choice. */
extern int actor_now;

/* A point where another actor may go on. */
void actor_yield(void);
/* One of @n ways, 0 first. */
unsigned int actor_choose(unsigned int n);

/*
 * Run the actors that have a script to their ends, by the next order that was not tried.
 * @fresh: the first one.
 * @bound: preemptions at most.
 */
void actors_run(const char *const *script, void (*body)(int actor), unsigned int bound, bool fresh);
/* Is there another order? */
bool actors_more(void);
/* Called where this run leaves the path of the one before: what came earlier was seen. */
extern void (*actors_leave)(void);
/* The order of this run, for messages. */
void actors_tell(void);

#endif /* MODEL_ACTORS_H */

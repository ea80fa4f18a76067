/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Work that is shared between processes, since the code under test has one memory. */
#ifndef CRASH_JOBS_H
#define CRASH_JOBS_H

#include <stdbool.h>
#include <stddef.h>

/* Zeroes that all processes see, those begun later too. */
void *jobs_memory(size_t size);

/*
 * Calls @work for each number below @nr, in @jobs processes, each of which takes the
 * next one when it is free, and then @end. Nothing more is begun once @work has
 * returned false. Return: whether each process came to its end.
 */
bool jobs_run(unsigned int jobs, unsigned int nr, bool (*work)(unsigned int i), void (*end)(void));

/* Of all processes one at a time; for what is shared, and for output. */
void jobs_lock(void);
void jobs_unlock(void);

#endif /* CRASH_JOBS_H */

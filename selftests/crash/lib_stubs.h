/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands in for the machine when libnpmu runs over the model. */
#ifndef CRASH_LIB_STUBS_H
#define CRASH_LIB_STUBS_H

#include <sys/types.h>

#include "model.h"

/* Which write-back instruction the machine has, from here on. */
enum lib_cpu { LIB_CLFLUSH, LIB_CLFLUSHOPT, LIB_CLWB };
extern enum lib_cpu lib_cpu;
extern uint64_t lib_random;
/* Called before each fence of the first CPU, if set: something happens right then. */
extern void (*lib_before_fence)(void);

/* A store past the cache, and one into it. Those of a fenced writer go nowhere. */
extern bool lib_fenced;
void lib_stream(void *dst, const void *src, size_t len);

/* How many there have been. */
extern unsigned long lib_nr_fences;
void lib_sfence(void);
int lib_msync(void *addr, size_t len);
int lib_cpuid(unsigned int leaf, unsigned int *a, unsigned int *b, unsigned int *c,
	      unsigned int *d);
ssize_t lib_getrandom(void *buf, size_t len);
/* The kernel writes: durable on return. The only file is the memory. */
ssize_t lib_pwrite(const void *buf, size_t len, off_t at);
/* Into the mapping it is a store, elsewhere a copy. */
void *lib_memcpy(void *dst, const void *src, size_t len);

#endif /* CRASH_LIB_STUBS_H */

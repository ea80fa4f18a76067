/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Measurements that outlive the process that makes them. No part of the pair:
 * whoever reads the example for the library can leave this out.
 */
#ifndef PAIR_MEASURE_H
#define PAIR_MEASURE_H

#include <stddef.h>
#include <stdint.h>

/* All return 0, or print why not and return -1. */
int measure_open(const char *path);
int measure_slow(const char *us);
int measure_stop_at(const char *bytes);
int measure_beside(const char *path);
int measure_write_beside(const void *state, size_t len);
int measure_report(const char *path);

/* How far the input was read, by this process or one that died. */
void measure_progress(uint64_t offset);
uint64_t measure_reached(void);

void measure_commit(uint64_t ns);

#endif /* PAIR_MEASURE_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The machine and the kernel under libnpmu, for several actors: stores that a power cut
 * knows, the writer role, and a fence after which a former writer's stores go nowhere.
 */
#ifndef MODEL_MACHINE_H
#define MODEL_MACHINE_H

#include <sys/types.h>

#include "actors.h"
#include "handle.h"
#include "model.h"

#define MACHINE_SIZE	20480

extern uint8_t machine_memory[MACHINE_SIZE];
extern struct npmu_status machine_status;

/* A handle of @actor; NOBODY: of the one who recovers. */
void machine_open(struct npmu_region *region, int actor);
/* One line of a fenced writer may land after all; not before machine_land(). */
void machine_late(bool on);
/* The seal is there: what is late lands now, or never. */
void machine_land(void);

void machine_stream(void *dst, const void *src, size_t len);
void *machine_memcpy(void *dst, const void *src, size_t len);
/* The region is about to be read. */
void machine_load(const void *src, size_t len);
void machine_sfence(void);
ssize_t machine_getrandom(void *buf, size_t len);

#endif /* MODEL_MACHINE_H */

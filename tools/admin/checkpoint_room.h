/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How much fits a checkpoint, asked before anybody is fenced. */
#ifndef NPMU_ADMIN_CHECKPOINT_ROOM_H
#define NPMU_ADMIN_CHECKPOINT_ROOM_H

#include <stdint.h>

/*
 * @map: the region, of @size bytes. @most: the longest base or state in bytes, of the
 * checkpoint that is there, or of one that would be made. Return: 0; -EUCLEAN: a damaged
 * one; -EPROTONOSUPPORT: one of another version.
 */
int checkpoint_room(const void *map, uint64_t size, uint64_t *most);

#endif /* NPMU_ADMIN_CHECKPOINT_ROOM_H */

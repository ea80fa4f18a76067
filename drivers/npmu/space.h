/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Space for regions: extents and list blocks taken from and given back to a
 * unit's allocator. All but zero and round are called under unit->lock.
 */
#ifndef _NPMU_SPACE_H
#define _NPMU_SPACE_H

#include "region.h"

struct npmu_media;

/* Rounds a size of a region up to 4 KiB. -EINVAL: zero or above any unit. */
int npmu_space_round(u64 *size, struct netlink_ext_ack *extack);

/* May anything be allocated? -EUCLEAN: it is not known what is free. */
int npmu_space_may_take(struct npmu_unit *unit, struct netlink_ext_ack *extack);

/**
 * npmu_space_take - take extents for a region that is new or grows
 * @unit: where
 * @old: extents it has, or NULL; not changed
 * @want: bytes more, a multiple of 4 KiB
 * @out: a new map with the old and the new ones, without list blocks
 * @extack: message on refusal
 *
 * Return: 0, -ENOSPC, -EFBIG (more than NPMU_MAX_EXTENTS extents), -EUCLEAN (see
 * npmu_space_may_take()), -ENOMEM.
 */
int npmu_space_take(struct npmu_unit *unit, const struct npmu_extmap *old, u64 want,
		    struct npmu_extmap **out, struct netlink_ext_ack *extack);

/* Takes the list blocks that @map needs and names them there. -ENOSPC. */
int npmu_space_take_list(struct npmu_media *media, struct npmu_extmap *map);

/* Gives back the bytes of @map from offset @from in the region on. */
void npmu_space_give(struct npmu_media *media, const struct npmu_extmap *map, u64 from);
void npmu_space_give_list(struct npmu_media *media, const struct npmu_extmap *map);

/*
 * Zeroes the bytes of @map from offset @from on, durably. Without unit->lock.
 * -ENODEV, -EINTR, -EIO (memory failed meanwhile).
 */
int npmu_space_zero(struct npmu_unit *unit, const struct npmu_extmap *map, u64 from);

#endif /* _NPMU_SPACE_H */

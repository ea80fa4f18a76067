/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A naive second reading of linux/npmu_ckpt.h: where the state of a region that
 * nobody writes is, if anywhere.
 */
#ifndef NPMU_FUZZ_CKPT_TWIN_H
#define NPMU_FUZZ_CKPT_TWIN_H

#include <stdbool.h>

#include <linux/npmu_ckpt.h>

/**
 * twin_find - the current state
 * @base: the region
 * @size: bytes of it
 * @state: where the state stands
 * @slot: its slot's header
 *
 * Return: as npmu_ckpt_read().
 */
int twin_find(const unsigned char *base, size_t size, const unsigned char **state,
	      struct npmu_ckpt_slot *slot);

/* Is the state of a slot, as it was copied, sealed by the slot's header? */
bool twin_sealed(const struct npmu_ckpt_slot *slot, const void *state);

#endif /* NPMU_FUZZ_CKPT_TWIN_H */

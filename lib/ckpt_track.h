/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a writer remembers of its two slots so that a partial commit costs what
 * changed: the CRC of each block of the state, and which blocks the last commit
 * changed. Knows no media.
 *
 * The CRC of a state is that of its blocks put together: a block's CRC counts
 * times x^(8 * bytes behind it). A changed block changes the whole by the
 * difference of its two CRCs times that power, whatever the size of the state.
 */
#ifndef NPMU_LIB_CKPT_TRACK_H
#define NPMU_LIB_CKPT_TRACK_H

#include <stdbool.h>

#include <npmu/ckpt.h>

/* Blocks [first, end). */
struct ckpt_span {
	uint64_t first;
	uint64_t end;
};

struct ckpt_track_slot {
	bool known;		/* @crc and @block_crc are of the slot's bytes */
	uint32_t crc;		/* of the whole state */
	uint32_t *block_crc;
};

struct ckpt_track {
	uint64_t blocks;		/* of the capacity */
	uint32_t *power;		/* x^(8 * NPMU_CKPT_BLOCK * i) */
	struct ckpt_track_slot slot[2];
	uint64_t *seen;			/* by block: sequence that wrote it last */
	uint64_t len;			/* of the last state */
	uint32_t tail_power;		/* x^(8 * length of its last block) */
	/* What the last commit changed against the one before, if it is known. */
	bool last_known;
	size_t nr_last;
	struct ckpt_span *last;
};

/* Return: a track with nothing known, or NULL: out of memory. */
struct ckpt_track *npmu_ckpt_track_new(uint64_t capacity);

void npmu_ckpt_track_free(struct ckpt_track *track);

/* A whole state of @len bytes follows: set the powers that depend on it. */
void npmu_ckpt_track_length(struct ckpt_track *track, uint64_t len);

/* The CRC of the state in slot @i, whose block CRCs are all there. */
void npmu_ckpt_track_join(struct ckpt_track *track, int i);

/* Block @block of slot @i has a new CRC: bring the state's up to date. */
void npmu_ckpt_track_change(struct ckpt_track *track, int i, uint64_t block,
			    uint32_t crc);

#endif /* NPMU_LIB_CKPT_TRACK_H */

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * CRCs of a state by its blocks. Owns their arithmetic; knows no media.
 */
#include <stdlib.h>

#include "ckpt_track.h"
#include "crc32c.h"

static uint64_t blocks_of(uint64_t len)
{
	return len / NPMU_CKPT_BLOCK + !!(len % NPMU_CKPT_BLOCK);
}

struct ckpt_track *npmu_ckpt_track_new(uint64_t capacity)
{
	struct ckpt_track *t = calloc(1, sizeof(*t));
	uint32_t step;
	uint64_t i;

	if (!t)
		return NULL;
	t->blocks = blocks_of(capacity) + 1;	/* so that it is never empty */
	t->power = calloc(t->blocks, sizeof(*t->power));
	t->slot[0].block_crc = calloc(t->blocks, sizeof(uint32_t));
	t->slot[1].block_crc = calloc(t->blocks, sizeof(uint32_t));
	t->seen = calloc(t->blocks, sizeof(*t->seen));
	t->last = calloc(NPMU_CKPT_MAX_RANGES, sizeof(*t->last));
	if (!t->power || !t->slot[0].block_crc || !t->slot[1].block_crc ||
	    !t->seen || !t->last) {
		npmu_ckpt_track_free(t);
		return NULL;
	}
	step = npmu_crc32c_xpow(NPMU_CKPT_BLOCK);
	t->power[0] = npmu_crc32c_xpow(0);
	for (i = 1; i < t->blocks; i++)
		t->power[i] = npmu_crc32c_mul(t->power[i - 1], step);
	return t;
}

void npmu_ckpt_track_free(struct ckpt_track *t)
{
	if (!t)
		return;
	free(t->power);
	free(t->slot[0].block_crc);
	free(t->slot[1].block_crc);
	free(t->seen);
	free(t->last);
	free(t);
}

static uint64_t last_block_len(uint64_t len)
{
	return len - (blocks_of(len) - 1) * NPMU_CKPT_BLOCK;
}

void npmu_ckpt_track_length(struct ckpt_track *t, uint64_t len)
{
	t->len = len;
	t->tail_power = len ? npmu_crc32c_xpow(last_block_len(len)) : 0;
}

/* What the CRC (or a difference of CRCs) of a block counts in the whole. */
static uint32_t weighted(const struct ckpt_track *t, uint64_t block, uint32_t crc)
{
	uint64_t last = blocks_of(t->len) - 1;

	if (block == last)
		return crc;
	crc = npmu_crc32c_mul(crc, t->power[last - 1 - block]);
	return npmu_crc32c_mul(crc, t->tail_power);
}

void npmu_ckpt_track_join(struct ckpt_track *t, int i)
{
	uint64_t block, nr = blocks_of(t->len);
	uint32_t crc = 0;

	for (block = 0; block < nr; block++)
		crc ^= weighted(t, block, t->slot[i].block_crc[block]);
	t->slot[i].crc = crc;
}

void npmu_ckpt_track_change(struct ckpt_track *t, int i, uint64_t block,
			    uint32_t crc)
{
	uint32_t difference = t->slot[i].block_crc[block] ^ crc;

	t->slot[i].block_crc[block] = crc;
	t->slot[i].crc ^= weighted(t, block, difference);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A checkpoint written byte by byte into mapped memory, so that tests can make any:
 * slots of 8 KiB, and in the append form a ring of 16 KiB behind them.
 */
#ifndef NPMU_CKPTIMAGE_H
#define NPMU_CKPTIMAGE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_ckpt.h>

#define CKPT_SLOT	8192ULL
#define CKPT_RING	16384ULL
#define CKPT_RING_AT	(NPMU_CKPT_SLOTS_START + 2 * CKPT_SLOT)
/* The least that a region must have. */
#define CKPT_BYTES	(CKPT_RING_AT + CKPT_RING)

/**
 * struct ckpt_image - a checkpoint that is being written
 * @map: the region
 * @instance: of it
 * @sequence: the last one used
 * @epoch: fence epoch of what is written next
 * @position: of the next update
 */
struct ckpt_image {
	char *map;
	uint64_t instance;
	uint64_t sequence;
	uint64_t epoch;
	uint64_t position;
};

/* The header, both copies; there is no base yet. */
void ckpt_make(struct ckpt_image *img, void *map, uint32_t form, uint64_t instance);

/* Both copies of a header, sealed; for one that is to be odd. */
struct npmu_ckpt_header ckpt_header(uint32_t form, uint64_t instance, uint64_t generation);
void ckpt_put_header(void *map, struct npmu_ckpt_header h);

/* A base or state of @len bytes of @fill into slot 0 or 1. */
void ckpt_base(struct ckpt_image *img, int slot, uint8_t fill, uint64_t len, uint64_t tag);

/*
 * An update of @len bytes, which must fit before the end of the ring. Return: where it
 * is, so that it can be spoiled.
 */
struct npmu_ckpt_update *ckpt_update(struct ckpt_image *img, uint64_t len, uint64_t tag);
/* A pad up to the end of the ring. */
void ckpt_pad(struct ckpt_image *img);
/* Seal 0 or 1. */
void ckpt_seal(struct ckpt_image *img, int which, uint64_t epoch, uint64_t end);

static inline struct npmu_ckpt_reader_entry *ckpt_reader(void *map, int slot)
{
	return (void *)((char *)map + NPMU_CKPT_READERS + (size_t)slot * NPMU_CKPT_READER_SIZE);
}

#endif /* NPMU_CKPTIMAGE_H */

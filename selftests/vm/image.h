/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The media of a unit that is not attached, read and written through its block
 * device past every cache: to break it, and to craft what the module would never
 * write. Records are checked and sealed by the module's own pure code.
 */
#ifndef NPMU_IMAGE_H
#define NPMU_IMAGE_H

#include "format.h"
#include "vmtest.h"

struct image {
	int fd;
	struct npmu_superblock *sb;	/* copy 0, or copy 1 when that one is bad */
	void *block;			/* 4 KiB, aligned */
};

/* Return: 0 or -errno; -EUCLEAN: neither superblock copy is valid. */
int image_open(struct image *image, const char *path);
void image_close(struct image *image);

/* 4 KiB at a multiple of 4 KiB. */
int image_read(struct image *image, uint64_t offset, void *block);
int image_write(struct image *image, uint64_t offset, const void *block);
/* One byte, by a read and a write of its block. */
int image_flip(struct image *image, uint64_t offset, uint8_t mask);

/* The slot of a region by name; -ENOENT. The record is copied to @rec. */
int image_find(struct image *image, const char *region, struct npmu_region_record *rec);
/* Seals the record and writes both copies. */
int image_put(struct image *image, struct npmu_region_record *rec);

#endif /* NPMU_IMAGE_H */

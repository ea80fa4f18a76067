// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The media of a unit that is not attached: see image.h. Must not know what is
 * tested with it.
 */
#define _GNU_SOURCE
#include "image.h"

int image_open(struct image *image, const char *path)
{
	uint64_t size;

	memset(image, 0, sizeof(*image));
	image->fd = open(path, O_RDWR | O_DIRECT | O_CLOEXEC);
	if (image->fd < 0)
		return -errno;
	size = lseek(image->fd, 0, SEEK_END);
	image->sb = aligned_alloc(4096, 4096);
	image->block = aligned_alloc(4096, 4096);
	if (!image_read(image, 0, image->sb) && !npmu_sb_check(image->sb, size))
		return 0;
	if (!image_read(image, NPMU_SB_COPY1, image->sb) && !npmu_sb_check(image->sb, size))
		return 0;
	image_close(image);
	return -EUCLEAN;
}

void image_close(struct image *image)
{
	close(image->fd);
	free(image->sb);
	free(image->block);
	memset(image, 0, sizeof(*image));
	image->fd = -1;
}

int image_read(struct image *image, uint64_t offset, void *block)
{
	/* Of aligned memory, whatever the caller's is. */
	if (pread(image->fd, image->block, 4096, offset) != 4096)
		return -EIO;
	memcpy(block, image->block, 4096);
	return 0;
}

int image_write(struct image *image, uint64_t offset, const void *block)
{
	memcpy(image->block, block, 4096);
	if (pwrite(image->fd, image->block, 4096, offset) != 4096)
		return -EIO;
	return 0;
}

int image_flip(struct image *image, uint64_t offset, uint8_t mask)
{
	uint64_t start = offset & ~4095ULL;
	uint8_t block[4096];
	int ret;

	ret = image_read(image, start, block);
	if (ret)
		return ret;
	block[offset - start] ^= mask;
	return image_write(image, start, block);
}

int image_find(struct image *image, const char *region, struct npmu_region_record *rec)
{
	uint32_t slot;

	for (slot = 0; slot < image->sb->max_regions; slot++) {
		if (image_read(image, npmu_record_offset(image->sb, slot, 0), rec))
			return -EIO;
		if (!npmu_region_check(rec, image->sb, slot) &&
		    rec->state == NPMU_SLOT_REGION && !strcmp((char *)rec->name, region))
			return slot;
	}
	return -ENOENT;
}

int image_put(struct image *image, struct npmu_region_record *rec)
{
	int copy, ret;

	npmu_region_seal(rec);
	for (copy = 0; copy < 2; copy++) {
		ret = image_write(image, npmu_record_offset(image->sb, rec->slot, copy), rec);
		if (ret)
			return ret;
	}
	return 0;
}

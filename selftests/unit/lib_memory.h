/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Regions of plain memory for the library's tests, and a state to put there.
 */
#ifndef NPMU_LIB_MEMORY_H
#define NPMU_LIB_MEMORY_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <npmu/ckpt.h>

#include "tap.h"

/* A handle of a new memory file, or of the one that @fd is; exits on failure. */
__attribute__((unused))
static struct npmu_region *memory_open(int fd, unsigned int map_flags)
{
	struct npmu_region *region;
	struct npmu_error err;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	if (npmu_region_open_file(path, NPMU_OPEN_WRITE, &region, &err)) {
		printf("Bail out! %s\n", err.text);
		exit(1);
	}
	if (npmu_region_map(region, map_flags)) {
		printf("Bail out! map: %s\n", npmu_region_error(region));
		exit(1);
	}
	return region;
}

__attribute__((unused))
static struct npmu_region *memory_new(size_t size)
{
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	struct npmu_region *region;

	if (fd < 0 || ftruncate(fd, (off_t)size)) {
		printf("Bail out! no memory file\n");
		exit(1);
	}
	region = memory_open(fd, NPMU_MAP_WRITE);
	close(fd);
	return region;
}

__attribute__((unused))
static struct npmu_ckpt_writer *writer_new(struct npmu_region *region,
					   uint64_t capacity, unsigned int flags)
{
	struct npmu_ckpt_writer *writer;
	struct npmu_error err;

	if (npmu_ckpt_writer_open(region, capacity, flags, &writer, &err)) {
		printf("Bail out! writer: %s\n", err.text);
		exit(1);
	}
	return writer;
}

__attribute__((unused))
static struct npmu_ckpt_reader *reader_new(struct npmu_region *region)
{
	struct npmu_ckpt_reader *reader;
	struct npmu_error err;

	if (npmu_ckpt_reader_open(region, &reader, &err)) {
		printf("Bail out! reader: %s\n", err.text);
		exit(1);
	}
	return reader;
}

/* Bytes that depend on @seed at every place. */
__attribute__((unused))
static void fill(void *buf, size_t len, uint64_t seed)
{
	unsigned char *p = buf;
	uint64_t state = seed, word;
	size_t i, n;

	for (i = 0; i < len; i += n) {
		word = tap_random(&state);
		n = len - i < 8 ? len - i : 8;
		memcpy(p + i, &word, n);
	}
}

#endif /* NPMU_LIB_MEMORY_H */

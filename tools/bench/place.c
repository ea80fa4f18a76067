// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where is measured: a plain file or a region. Owns opening and clearing it; knows no
 * checkpoint.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "bench.h"

/* A made file: two states of the largest size, and what else there is. */
#define BESIDE_STATES	(64 * MIB)
/* What is left to others where files are memory. */
#define SPARE		(256 * MIB)
#define LEAST		(32 * MIB)

int bench_fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("npmu-bench: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	return -1;
}

static int find_file(struct bench *b)
{
	uint64_t want = 2 * b->max_state + BESIDE_STATES;
	struct statvfs fs;
	struct stat st;
	int fd, code = 0;

	fd = open(b->name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || fstat(fd, &st) || fstatvfs(fd, &fs) ||
	    ((uint64_t)st.st_size < want && ftruncate(fd, (off_t)want)) || fstat(fd, &st))
		code = bench_fail("%s: %s", b->name, strerror(errno));
	if (fd >= 0)
		close(fd);
	if (code)
		return code;
	b->length = (uint64_t)st.st_size;
	b->room = (uint64_t)fs.f_bavail * fs.f_frsize + (uint64_t)st.st_blocks * 512;
	b->room -= b->room < SPARE ? b->room : SPARE;
	if (b->room < LEAST)
		return bench_fail("%s: its file system has no room for %llu MiB and some to spare",
				  b->name, LEAST / MIB);
	return 0;
}

int place_find(struct bench *b)
{
	struct npmu_region *region;

	if (b->is_file && find_file(b))
		return -1;
	if (place_open(b, NPMU_OPEN_WRITE, PLACE_UNMAPPED, &region))
		return -1;
	if (!b->is_file) {
		b->length = npmu_region_size(region);
		b->room = b->length;
	}
	b->class_name = npmu_class_name(npmu_region_class(region));
	npmu_region_close(region);
	if (b->length < LEAST)
		return bench_fail("%s: %llu MiB or more are needed: npmu-admin region resize", b->name,
				  LEAST / MIB);
	return 0;
}

int place_open(const struct bench *b, unsigned int open, unsigned int map,
	       struct npmu_region **region)
{
	struct npmu_error err;

	*region = NULL;
	if (b->is_file ? npmu_region_open_file(b->name, open, region, &err) :
			 npmu_region_open(b->name, open, region, &err))
		return bench_fail("%s: %s", b->name, err.text);
	if (map == PLACE_UNMAPPED || !npmu_region_map(*region, map))
		return 0;
	bench_fail("%s: %s", b->name, npmu_region_error(*region));
	npmu_region_close(*region);
	*region = NULL;
	return -1;
}

int place_clear(struct npmu_region *region, uint64_t len)
{
	memset(npmu_region_addr(region), 0, len);
	if (npmu_persist(region, npmu_region_addr(region), len))
		return bench_fail("clear: %s", npmu_region_error(region));
	return 0;
}

int bench_write_base(struct npmu_append_writer *writer, void *context)
{
	(void)context;
	return npmu_append_base(writer, NULL, 0, 0);
}

bool place_has(const struct bench *b, uint64_t len)
{
	return len <= b->length && len <= b->room;
}

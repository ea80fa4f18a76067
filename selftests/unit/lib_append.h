/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A writer and a reader of one memory file, and what the reader is to see next. */
#ifndef NPMU_LIB_APPEND_H
#define NPMU_LIB_APPEND_H

#include <npmu/append.h>

#include "lib_memory.h"

#define SIZE	(256 << 10)

__attribute__((unused))
static unsigned char bytes[SIZE];

struct pair {
	int fd;
	struct npmu_region *wr;		/* the writer's handle */
	struct npmu_region *rd;		/* the reader's, mapped for reading */
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
};

__attribute__((unused))
static struct npmu_append_writer *open_writer(struct npmu_region *region,
					      const struct npmu_append_options *options)
{
	struct npmu_append_writer *w;
	struct npmu_error err;

	if (npmu_append_writer_open(region, options, &w, &err)) {
		printf("Bail out! writer: %s\n", err.text);
		exit(1);
	}
	return w;
}

__attribute__((unused))
static struct npmu_append_reader *open_reader(struct npmu_region *region)
{
	struct npmu_append_reader *r;
	struct npmu_append_item base;

	if (npmu_append_reader_open(region, &r, NULL))
		exit(1);
	/* Where there is no checkpoint, or another one, the test finds out. */
	npmu_append_read_base(r, &base);
	return r;
}

__attribute__((unused))
static void up_on(struct pair *p, const struct npmu_append_options *options, size_t size)
{
	p->fd = memfd_create("npmu", MFD_CLOEXEC);
	if (p->fd < 0 || ftruncate(p->fd, (off_t)size))
		exit(1);
	p->wr = memory_open(p->fd, NPMU_MAP_WRITE);
	p->rd = memory_open(p->fd, 0);
	p->w = open_writer(p->wr, options);
	p->r = open_reader(p->rd);
}

__attribute__((unused))
static void up(struct pair *p, uint64_t base, uint64_t ring, uint32_t flags, uint32_t full)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = flags,
		.base_capacity = base,
		.ring_size = ring,
		.full = full,
	};

	up_on(p, &options, SIZE);
}

__attribute__((unused))
static void down(struct pair *p)
{
	npmu_append_writer_close(p->w);
	npmu_append_reader_close(p->r);
	npmu_region_close(p->wr);
	npmu_region_close(p->rd);
	close(p->fd);
}

__attribute__((unused))
static int update(struct npmu_append_writer *w, const void *data, size_t len, uint64_t tag)
{
	struct iovec iov = { (void *)data, len };

	return npmu_append_update(w, &iov, 1, tag);
}

__attribute__((unused))
static int base(struct npmu_append_writer *w, const void *data, size_t len, uint64_t tag)
{
	struct iovec iov = { (void *)data, len };

	return npmu_append_base(w, &iov, 1, tag);
}

__attribute__((unused))
static int next_is(struct npmu_append_reader *r, const void *data, size_t len, uint64_t tag)
{
	struct npmu_append_item item;
	int code = npmu_append_next(r, &item);

	return CHECK(!code, "next: %d %s", code, npmu_append_reader_error(r)) &&
	       CHECK(item.length == len && item.tag == tag, "length %llu tag %llu, not %zu %llu",
		     (unsigned long long)item.length, (unsigned long long)item.tag, len,
		     (unsigned long long)tag) &&
	       CHECK(!memcmp(item.data, data, len), "other bytes") &&
	       CHECK(!npmu_append_recheck(r, &item), "recheck");
}

__attribute__((unused))
static int none_next(struct npmu_append_reader *r, int want)
{
	struct npmu_append_item item;
	int code = npmu_append_next(r, &item);

	return CHECK(code == want, "next: %d %s", code, npmu_append_reader_error(r));
}

__attribute__((unused))
static int base_is(struct npmu_append_reader *r, const void *data, size_t len, uint64_t tag)
{
	struct npmu_append_item item;
	int code = npmu_append_read_base(r, &item);

	return CHECK(!code, "base: %d %s", code, npmu_append_reader_error(r)) &&
	       CHECK(item.length == len && item.tag == tag, "length %llu tag %llu",
		     (unsigned long long)item.length, (unsigned long long)item.tag) &&
	       CHECK(!memcmp(item.data, data, len), "other bytes") &&
	       CHECK(!npmu_append_recheck(r, &item), "recheck");
}

#endif /* NPMU_LIB_APPEND_H */

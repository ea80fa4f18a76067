/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For programs whose tests write and read the append form by libnpmu on the real device: a
 * region of its own, a writer and a reader of it in this process.
 */
#ifndef NPMU_VM_APPEND_H
#define NPMU_VM_APPEND_H

#include <npmu/append.h>

#include "vmtest.h"

#define SIZE		(256 * KIB)
#define RING		8192
#define DATA		1000
/* Updates of DATA bytes that the ring holds. */
#define IN_RING		(RING / 1088)

/* struct end - one open of the region, its reader and its writer, if it has one */
struct end {
	struct npmu_region *region;
	struct npmu_append_reader *r;
	struct npmu_append_writer *w;
};

__attribute__((unused))
static char data[DATA];

static inline int end_open(struct end *e, unsigned int open_flags, unsigned int map_flags)
{
	int code;

	memset(e, 0, sizeof(*e));
	code = npmu_region_open("t/r", open_flags, &e->region, NULL);
	if (!code)
		code = npmu_region_map(e->region, map_flags);
	if (!code)
		code = npmu_append_reader_open(e->region, &e->r, NULL);
	return code;
}

static inline void end_close(struct end *e)
{
	npmu_append_writer_close(e->w);
	npmu_append_reader_close(e->r);
	npmu_region_close(e->region);
	memset(e, 0, sizeof(*e));
}

static inline int end_write(struct end *e, uint32_t full, uint64_t wait_ns)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.base_capacity = 4000,
		.ring_size = RING,
		.full = full,
		.wait_ns = wait_ns,
	};
	int code = end_open(e, NPMU_OPEN_WRITE, NPMU_MAP_WRITE);

	return code ? code : npmu_append_writer_open(e->region, &options, &e->w, NULL);
}

static inline int update(struct end *e, uint64_t tag)
{
	struct iovec iov = { data, DATA };

	return npmu_append_update(e->w, &iov, 1, tag);
}

static inline int base(struct end *e, uint64_t tag)
{
	struct iovec iov = { data, 100 };

	return npmu_append_base(e->w, &iov, 1, tag);
}

static inline int read_base(struct end *e)
{
	struct npmu_append_item item;

	return npmu_append_read_base(e->r, &item);
}

/* Return: the tag of the next update, or an error. */
static inline int64_t next(struct end *e)
{
	struct npmu_append_item item;
	int code = npmu_append_next(e->r, &item);

	return code ? code : (int64_t)item.tag;
}

/* A unit with the region, its writer, and a reader that has read the base. */
static inline int up(struct end *w, struct end *r, uint32_t full, uint64_t wait_ns)
{
	int code = vm_any("t", 32 * MIB, 16);

	if (!code)
		code = vm_region("t", "r", SIZE);
	if (!code)
		code = end_write(w, full, wait_ns);
	if (!code)
		code = end_open(r, NPMU_OPEN_WRITE, 0);
	if (!code)
		code = base(w, 1);
	return code ? code : read_base(r);
}

static inline void down(struct end *w, struct end *r)
{
	end_close(w);
	end_close(r);
	EXPECT(vm_drop("t"), 0);
}

#endif /* NPMU_VM_APPEND_H */

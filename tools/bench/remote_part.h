/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the parts of npmu-bench remote share: a region's writer, and what is done once.
 */
#ifndef NPMU_BENCH_REMOTE_PART_H
#define NPMU_BENCH_REMOTE_PART_H

#include "remote.h"
#include "report.h"
#include "rounds.h"

#define PART_BLOCK	4096ULL
#define PART_BATCH	4

struct part {
	struct remote *r;
	struct npmu_region *region;
	struct npmu_append_writer *writer;
	struct npmu_append_reader *reader;
	uint64_t length;	/* of a record, where size in the report is something else */
	uint64_t disk_at;
	const char *group;	/* in the report */
};

/* Measures all and reports. Return: 0 or -1. */
int part_measure(struct part *p, const char *group, struct series *s, size_t n,
		 unsigned int rounds);

/* Closes what is open. */
void part_end(struct part *p);

/* Their context is a struct part: the wire alone. */
int part_message(struct series *s);
int part_write_message(struct series *s);
int part_write_flush(struct series *s);
int part_write(struct series *s);
int part_read(struct series *s);

/* The library, and what one would use instead. */
int part_update(struct series *s);
int part_update_polled(struct series *s);
int part_disk(struct series *s);
int part_tcp(struct series *s);
int part_rpma_flush(struct series *s);
int part_rpma_message(struct series *s);
int part_perftest(struct series *s);

#endif /* NPMU_BENCH_REMOTE_PART_H */

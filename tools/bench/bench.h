/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * npmu-bench: what all of its parts know: the place that is measured, how often, and where
 * results go.
 */
#ifndef NPMU_BENCH_H
#define NPMU_BENCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <npmu/append.h>
#include <npmu/region.h>

#define KIB	(1ULL << 10)
#define MIB	(1ULL << 20)
#define GIB	(1ULL << 30)

struct peers;
struct report;

/**
 * struct bench - one run
 * @name: of the file or region
 * @is_file: a plain file
 * @is_remote: on another host
 * @length: bytes of it
 * @room: of a file: bytes that its file system can still give it; else @length
 * @class_name: persistence class
 * @rounds: of commits; the rest derives from it
 * @max_state: largest state for bandwidth and takeover
 * @peers: what one would use instead
 * @report: where results go
 */
struct bench {
	const char *name;
	bool is_file;
	bool is_remote;
	uint64_t length;
	uint64_t room;
	const char *class_name;
	unsigned int rounds;
	uint64_t max_state;
	struct peers *peers;
	struct report *report;
};

/* Prints why. Return: -1. */
__attribute__((format(printf, 1, 2))) int bench_fail(const char *format, ...);

/* npmu-bench.c: prints what is wrong with the command line. Return: 2. */
int bench_usage(const char *what);

/* 1 to @max, with K, M or G behind it. Return: 0 or -1. */
int bench_number(const char *text, uint64_t max, uint64_t *value);

/*
 * place.c: for struct npmu_append_options: the ring is full: the least that a writer can do,
 * and part of what is measured.
 */
int bench_write_base(struct npmu_append_writer *writer, void *context);

/* The parts. Each prints what went wrong. Return: 0 or -1. */
int latency_measure(const struct bench *b);
int overwrite_measure(const struct bench *b);
int bandwidth_measure(const struct bench *b);
int follow_measure(const struct bench *b);
int fence_measure(const struct bench *b);
int takeover_measure(const struct bench *b);

/* place.c: finds out what @b->name is; makes the file. Return: 0 or -1. */
int place_find(struct bench *b);

/* An open of it, mapped unless @map is PLACE_UNMAPPED. Return: 0 or -1. */
#define PLACE_UNMAPPED	UINT32_MAX
int place_open(const struct bench *b, unsigned int open, unsigned int map,
	       struct npmu_region **region);

/* All zero from its start, so that nothing is there and no page is missing. */
int place_clear(struct npmu_region *region, uint64_t len);

/* Is there room for @len bytes? */
bool place_has(const struct bench *b, uint64_t len);

#endif /* NPMU_BENCH_H */

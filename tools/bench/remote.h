/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * npmu-bench remote: a region on another host, what its wire gives, and what one would use
 * instead.
 */
#ifndef NPMU_BENCH_REMOTE_H
#define NPMU_BENCH_REMOTE_H

#include "bench.h"
#include "wire.h"

struct perftest;
struct rpma_link;

#define REMOTE_BIG	(64 * MIB)	/* the largest state */

/**
 * struct remote - one run
 * @url: of the region
 * @peer: host on which npmu-bench serve runs, or NULL
 * @nvme: block device of the same host, or NULL
 * @rounds: of commits; the rest derives from it
 * @buf: REMOTE_BIG bytes, of which all is written
 * @raw: connected when @peer is
 * @tcp: socket, or -1
 * @disk: descriptor of @nvme, or -1
 * @count: socket of count.h, or -1
 * @rpma: librpma's connection, or NULL
 * @perftest: of the package, or NULL
 * @report: where results go
 */
struct remote {
	const char *url;
	const char *peer;
	const char *nvme;
	unsigned int rounds;
	char *buf;
	struct raw raw;
	int tcp;
	int disk;
	int count;
	struct rpma_link *rpma;
	struct perftest *perftest;
	struct report *report;
};

/* The command; @argv[0] is its name. Return: exit status. */
int remote_main(int argc, char **argv);

/* An open of the region. Return: 0 or -1. */
int remote_open(const struct remote *r, unsigned int open, struct npmu_region **region);

/* An open that writes, and a new checkpoint by it. Return: 0 or -1. */
int remote_writer(const struct remote *r, uint64_t base, bool crc, struct npmu_region **region,
		  struct npmu_append_writer **writer);

/* The parts. Return: 0 or -1, when it has said what went wrong. */
int remote_commits(struct remote *r);
int remote_flushes(struct remote *r);
int remote_polled(struct remote *r);
int remote_connections(struct remote *r);
int remote_bandwidth(struct remote *r);
int remote_takeover(struct remote *r);

#endif /* NPMU_BENCH_REMOTE_H */

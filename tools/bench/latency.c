// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What it takes to commit an update, by size, beside a raw store of the same bytes and
 * beside what one would use instead.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peers.h"
#include "report.h"
#include "rounds.h"

#define RING		(8 * MIB)
#define BASE_CAPACITY	4096
/* Behind the ring, and as long: the raw stores go over as much memory. */
#define RAW_START	(16 * MIB)
#define USED		(RAW_START + RING)
#define BATCH		16
/* Enough of a round that reading the clock does not show. */
#define BATCH_BYTES	65536
#define MAX_BATCH	64
#define MAX_SERIES	(4 + PEERS_MAX)

static const uint64_t sizes[] = { 8, 64, 256, KIB, 4 * KIB, 16 * KIB, 64 * KIB, MIB };

struct latency {
	struct npmu_region *region;
	struct npmu_append_writer *writer;
	struct iovec iov;
	uint64_t raw_at;
};

static int op_raw(struct series *s)
{
	struct latency *l = s->context;
	char *to = (char *)npmu_region_addr(l->region) + RAW_START + l->raw_at;

	++*(char *)l->iov.iov_base;
	l->raw_at += (l->iov.iov_len + 63) & ~(size_t)63;
	if (l->raw_at + l->iov.iov_len > RING)
		l->raw_at = 0;
	return npmu_memcpy_persist(l->region, to, l->iov.iov_base, l->iov.iov_len);
}

static int op_update(struct series *s)
{
	struct latency *l = s->context;

	++*(char *)l->iov.iov_base;
	if (!npmu_append_update(l->writer, &l->iov, 1, 0))
		return 0;
	return bench_fail("update: %s", npmu_append_writer_error(l->writer));
}

static int op_batch(struct series *s)
{
	struct latency *l = s->context;
	int i, code = 0;

	++*(char *)l->iov.iov_base;
	for (i = 0; i < BATCH && !code; i++)
		code = npmu_append_add(l->writer, &l->iov, 1, 0);
	if (!code && !npmu_append_commit(l->writer))
		return 0;
	return bench_fail("batch: %s", npmu_append_writer_error(l->writer));
}

static int measure_size(const struct bench *b, struct latency *l, uint64_t size, bool crc)
{
	struct series s[MAX_SERIES];
	unsigned int rounds = b->rounds;
	int i, peers, n = 0, code;

	l->iov.iov_len = size;
	s[n++] = (struct series){ .what = "raw", .op = op_raw, .context = l, .quiet = !crc };
	s[n++] = (struct series){ .what = crc ? "update_crc" : "update_no_crc",
				  .op = op_update, .context = l };
	if (size < MIB)
		s[n++] = (struct series){ .what = crc ? "batch16_crc" : "batch16_no_crc",
					  .op = op_batch, .context = l, .each = BATCH };
	for (i = 0; i < n; i++)
		s[i].batch = size > BATCH_BYTES / MAX_BATCH ? (unsigned int)(BATCH_BYTES / size) :
			     MAX_BATCH;
	/* Its clock is read once for sixteen anyway. */
	if (n == 3)
		s[2].batch = 1;
	if (crc) {
		peers = peers_series(b->peers, &s[n], l->iov.iov_base, size);
		if (peers < 0)
			return -1;
		n += peers;
	}
	for (i = 0; i < n; i++) {
		s[i].size = size;
		s[i].limit = i ? &s[0] : NULL;
	}
	if (size >= MIB)
		rounds = rounds / 8 + 1;
	code = rounds_run(s, (size_t)n, rounds);
	if (!code)
		code = report_add(b->report, "commit", s, (size_t)n);
	rounds_free(s, (size_t)n);
	return code;
}

static int measure_form(const struct bench *b, struct latency *l, bool crc)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT | (crc ? 0 : NPMU_APPEND_NO_CRC),
		.base_capacity = BASE_CAPACITY,
		.ring_size = RING,
		.full = NPMU_APPEND_FULL_BASE,
		.write_base = bench_write_base,
	};
	struct npmu_error err;
	size_t i;
	int code = 0;

	if (place_clear(l->region, USED))
		return -1;
	if (npmu_append_writer_open(l->region, &options, &l->writer, &err))
		return bench_fail("writer: %s", err.text);
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !code; i++)
		code = measure_size(b, l, sizes[i], crc);
	npmu_append_writer_close(l->writer);
	return code;
}

int latency_measure(const struct bench *b)
{
	struct latency l = { 0 };
	int code;

	if (place_open(b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE, &l.region))
		return -1;
	l.iov.iov_base = calloc(1, MIB);
	if (!l.iov.iov_base)
		code = bench_fail("out of memory");
	else
		code = measure_form(b, &l, true) || measure_form(b, &l, false) ? -1 : 0;
	free(l.iov.iov_base);
	npmu_region_close(l.region);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How fast a state goes in as a base and comes out again, by its size, beside memcpy() of
 * the same bytes and beside what one would use instead.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peers.h"
#include "report.h"
#include "rounds.h"

#define RING		MIB
#define MAX_SIZE	(64 * MIB)
#define MAX_SERIES	(5 + PEERS_MAX)

static const uint64_t sizes[] = { MIB, 8 * MIB, MAX_SIZE };

struct bandwidth {
	struct npmu_region *region;
	struct npmu_append_writer *writer;
	struct npmu_append_reader *reader;
	struct iovec iov;
	char *copy;
	char *raw;		/* behind the checkpoint */
};

static int op_memcpy_in(struct series *s)
{
	struct bandwidth *w = s->context;

	memcpy(w->raw, w->iov.iov_base, s->size);
	return 0;
}

static int op_raw(struct series *s)
{
	struct bandwidth *w = s->context;

	return npmu_memcpy_persist(w->region, w->raw, w->iov.iov_base, s->size);
}

static int op_base(struct series *s)
{
	struct bandwidth *w = s->context;

	++*(char *)w->iov.iov_base;
	if (!npmu_append_base(w->writer, &w->iov, 1, 0))
		return 0;
	return bench_fail("base: %s", npmu_append_writer_error(w->writer));
}

static int op_memcpy_out(struct series *s)
{
	struct bandwidth *w = s->context;

	memcpy(w->copy, w->raw, s->size);
	return 0;
}

/* A reader that has nothing yet. */
static int before_recovery(struct series *s)
{
	struct bandwidth *w = s->context;
	struct npmu_error err;

	if (!npmu_append_reader_open(w->region, &w->reader, &err))
		return 0;
	return bench_fail("reader: %s", err.text);
}

static int op_recovery(struct series *s)
{
	struct bandwidth *w = s->context;
	struct npmu_append_item base;

	if (npmu_append_read_base(w->reader, &base) || base.length != s->size)
		return bench_fail("recovery: %s", npmu_append_reader_error(w->reader));
	memcpy(w->copy, base.data, base.length);
	if (npmu_append_recheck(w->reader, &base))
		return bench_fail("recovery: the base changed, but nobody wrote");
	return 0;
}

static int after_recovery(struct series *s)
{
	struct bandwidth *w = s->context;

	npmu_append_reader_close(w->reader);
	return 0;
}

static int measure_series(const struct bench *b, struct bandwidth *w, uint64_t size, bool crc)
{
	struct series s[MAX_SERIES] = {
		{ .what = "memcpy_in", .op = op_memcpy_in, .quiet = !crc },
		{ .what = crc ? "base_crc" : "base_no_crc", .op = op_base },
		{ .what = "memcpy_out", .op = op_memcpy_out, .quiet = !crc },
		{ .what = crc ? "recovery_crc" : "recovery_no_crc", .op = op_recovery,
		  .before = before_recovery, .after = after_recovery },
		{ .what = "raw", .op = op_raw, .quiet = !crc },
	};
	int i, peers, n = 5, code;

	for (i = 0; i < n; i++)
		s[i].context = w;
	if (crc) {
		peers = peers_series(b->peers, &s[n], w->iov.iov_base, size);
		if (peers < 0)
			return -1;
		n += peers;
	}
	for (i = 0; i < n; i++) {
		s[i].size = size;
		s[i].limit = i == 0 || i == 2 ? NULL : i == 3 ? &s[2] : &s[0];
	}
	code = rounds_run(s, (size_t)n, b->rounds / 80 + 5);
	if (!code)
		code = report_add(b->report, "bandwidth", s, (size_t)n);
	rounds_free(s, (size_t)n);
	return code;
}

static int measure_size(const struct bench *b, struct bandwidth *w, uint64_t size, bool crc)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT | (crc ? 0 : NPMU_APPEND_NO_CRC),
		.base_capacity = size,
		.ring_size = RING,
	};
	uint64_t raw_start = 2 * size + 2 * MIB;
	struct npmu_error err;
	int code;

	if (place_clear(w->region, raw_start + size))
		return -1;
	w->raw = (char *)npmu_region_addr(w->region) + raw_start;
	w->iov.iov_len = size;
	if (npmu_append_writer_open(w->region, &options, &w->writer, &err))
		return bench_fail("writer: %s", err.text);
	code = measure_series(b, w, size, crc);
	npmu_append_writer_close(w->writer);
	return code;
}

int bandwidth_measure(const struct bench *b)
{
	struct bandwidth w = { 0 };
	int code = 0;
	size_t i;

	if (place_open(b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE, &w.region))
		return -1;
	w.iov.iov_base = malloc(MAX_SIZE);
	w.copy = malloc(MAX_SIZE);
	if (w.iov.iov_base && w.copy) {
		memset(w.iov.iov_base, 1, MAX_SIZE);
		memset(w.copy, 2, MAX_SIZE);
	} else {
		code = bench_fail("out of memory");
	}
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]) && !code; i++) {
		if (sizes[i] > b->max_state)
			break;
		if (!place_has(b, 3 * sizes[i] + 4 * MIB)) {
			report_note(b->report, "bandwidth", "larger states", "there is no room");
			break;
		}
		code = measure_size(b, &w, sizes[i], true) ||
		       measure_size(b, &w, sizes[i], false) ? -1 : 0;
	}
	free(w.iov.iov_base);
	free(w.copy);
	npmu_region_close(w.region);
	return code;
}

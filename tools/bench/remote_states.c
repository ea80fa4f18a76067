// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * States of 64 MiB over the wire: how fast they are written and read.
 */
#include "perftest.h"
#include "remote_part.h"

static int op_base(struct series *s)
{
	struct part *p = s->context;
	struct iovec iov = { .iov_base = p->r->buf, .iov_len = s->size };

	if (!npmu_append_base(p->writer, &iov, 1, 0))
		return 0;
	return bench_fail("base: %s", npmu_append_writer_error(p->writer));
}

/* A backup that has nothing yet. */
static int before_recovery(struct series *s)
{
	struct part *p = s->context;
	struct npmu_error err;

	if (!npmu_append_reader_open(p->region, &p->reader, &err))
		return 0;
	return bench_fail("reader: %s", err.text);
}

static int op_recovery(struct series *s)
{
	struct part *p = s->context;
	struct npmu_append_item base;

	if (npmu_append_read_base(p->reader, &base) || base.length != s->size ||
	    npmu_append_recheck(p->reader, &base))
		return bench_fail("recovery: %s", npmu_append_reader_error(p->reader));
	return 0;
}

static int after_recovery(struct series *s)
{
	struct part *p = s->context;

	npmu_append_reader_close(p->reader);
	p->reader = NULL;
	return 0;
}

/* The limits are measured with both, and reported of one. */
static int states(struct part *p, bool crc)
{
	struct series s[7], *write = NULL, *read = NULL;
	size_t i, n = 0;

	if (p->r->peer) {
		write = &s[n++];
		*write = (struct series){ .what = "raw_write", .op = part_write, .quiet = crc };
		read = &s[n++];
		*read = (struct series){ .what = "raw_read", .op = part_read, .quiet = crc };
	}
	s[n++] = (struct series){ .what = crc ? "base_crc" : "base_no_crc", .op = op_base,
				  .limit = write };
	s[n++] = (struct series){ .what = crc ? "recovery_crc" : "recovery_no_crc",
				  .op = op_recovery, .before = before_recovery,
				  .after = after_recovery, .limit = read };
	if (p->r->disk >= 0 && !crc)
		s[n++] = (struct series){ .what = "nvme_fdatasync", .op = part_disk,
					  .limit = write };
	if (p->r->perftest && !crc) {
		s[n++] = (struct series){ .what = "ib_write_bw", .op = part_perftest,
					  .limit = write };
		s[n++] = (struct series){ .what = "ib_read_bw", .op = part_perftest,
					  .limit = read };
	}
	for (i = 0; i < n; i++)
		s[i].size = REMOTE_BIG;
	return part_measure(p, "remote_bandwidth", s, n, p->r->rounds / 40 + 3);
}

int remote_bandwidth(struct remote *r)
{
	struct part p = { .r = r };
	int code = 0, crc;

	for (crc = 1; !code && crc >= 0; crc--) {
		code = remote_writer(r, REMOTE_BIG, crc, &p.region, &p.writer);
		if (!code && npmu_region_register(p.region, r->buf, REMOTE_BIG))
			code = bench_fail("register: %s", npmu_region_error(p.region));
		code = code || states(&p, crc) ? -1 : 0;
		part_end(&p);
	}
	return code;
}

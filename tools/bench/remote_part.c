// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What is done once in a part of npmu-bench remote, by the wire alone, by the library, and by
 * what one would use instead. Knows no part.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "perftest.h"
#include "remote_part.h"
#include "rpma.h"
#include "tcp.h"

#define PIECE		MIB		/* of a state on the other device */
#define DISK_RING	(8 * MIB)

static uint64_t length(const struct series *s)
{
	const struct part *p = s->context;

	return p->length ? p->length : s->size;
}

int part_measure(struct part *p, const char *group, struct series *s, size_t n,
		 unsigned int rounds)
{
	size_t i;
	int code;

	p->group = group;
	for (i = 0; i < n; i++)
		s[i].context = p;
	code = rounds_run(s, n, rounds);
	if (!code)
		code = report_add(p->r->report, group, s, n);
	rounds_free(s, n);
	return code;
}

void part_end(struct part *p)
{
	npmu_append_reader_close(p->reader);
	npmu_append_writer_close(p->writer);
	npmu_region_close(p->region);
	*p = (struct part){ .r = p->r };
}

int part_message(struct series *s)
{
	struct part *p = s->context;

	return raw_round_trip(&p->r->raw, p->r->buf, 0);
}

int part_write_message(struct series *s)
{
	struct part *p = s->context;

	return raw_round_trip(&p->r->raw, p->r->buf, length(s));
}

int part_write_flush(struct series *s)
{
	struct part *p = s->context;

	return raw_write_flush(&p->r->raw, p->r->buf, length(s));
}

int part_write(struct series *s)
{
	struct part *p = s->context;

	return raw_write(&p->r->raw, p->r->buf, s->size);
}

int part_read(struct series *s)
{
	struct part *p = s->context;

	return raw_read(&p->r->raw, p->r->buf, s->size);
}

int part_update(struct series *s)
{
	struct part *p = s->context;
	struct iovec iov = { .iov_base = p->r->buf, .iov_len = length(s) };

	++*p->r->buf;
	if (!npmu_append_update(p->writer, &iov, 1, 0))
		return 0;
	return bench_fail("update: %s", npmu_append_writer_error(p->writer));
}

/* Looks again and again whether it is durable, and never sleeps. */
int part_update_polled(struct series *s)
{
	struct part *p = s->context;
	struct iovec iov = { .iov_base = p->r->buf, .iov_len = length(s) };
	uint64_t sequence;
	int code;

	++*p->r->buf;
	code = npmu_append_submit(p->writer, &iov, 1, 0, &sequence);
	if (!code)
		while ((code = npmu_append_complete(p->writer, sequence, 0)) == -ETIMEDOUT)
			;
	return code ? bench_fail("update: %s", npmu_append_writer_error(p->writer)) : 0;
}

/* O_DIRECT: what fdatasync has to do then is the device's part alone. */
int part_disk(struct series *s)
{
	struct part *p = s->context;
	uint64_t len = (s->size + PART_BLOCK - 1) & ~(PART_BLOCK - 1), done, step;

	if (p->disk_at + len > DISK_RING)
		p->disk_at = 0;
	for (done = 0; done < len; done += step) {
		step = len - done < PIECE ? len - done : PIECE;
		if (pwrite(p->r->disk, p->r->buf, step, (off_t)(p->disk_at + done)) != (ssize_t)step)
			return bench_fail("%s: %s", p->r->nvme, strerror(errno));
	}
	p->disk_at += len;
	return fdatasync(p->r->disk) ? bench_fail("%s: %s", p->r->nvme, strerror(errno)) : 0;
}

int part_tcp(struct series *s)
{
	struct part *p = s->context;

	return tcp_send(p->r->tcp, p->r->buf, s->size);
}

int part_rpma_flush(struct series *s)
{
	struct part *p = s->context;

	return rpma_link_flush(p->r->rpma, s->size);
}

int part_rpma_message(struct series *s)
{
	struct part *p = s->context;

	return rpma_link_message(p->r->rpma, s->size);
}

static int not_again(struct series *s)
{
	(void)s;
	return 1;
}

/* Its name is the program's. */
int part_perftest(struct series *s)
{
	struct part *p = s->context;

	s->elapsed = perftest_run(p->r->perftest, s->what, s->size);
	if (s->elapsed)
		return s->elapsed > 0 ? 0 : -1;
	report_note(p->r->report, p->group, s->what, "did not end in a minute: too few processors?");
	s->op = not_again;
	return 1;
}

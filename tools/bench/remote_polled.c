// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the wire alone gives to one who polls, beside one who sleeps: reported, and never a
 * limit, since with few processors polling takes them from what it waits for.
 */
#include "remote_part.h"

static int polled(struct series *s, int (*op)(struct series *s))
{
	struct part *p = s->context;
	int code;

	p->r->raw.polls = true;
	code = op(s);
	p->r->raw.polls = false;
	return code;
}

static int op_message(struct series *s)
{
	return polled(s, part_write_message);
}

static int op_flush(struct series *s)
{
	return polled(s, part_write_flush);
}

static int of_size(struct part *p, uint64_t size)
{
	struct series s[4] = {
		{ .what = "raw_write_message", .op = part_write_message },
		{ .what = "raw_write_message_polled", .op = op_message, .limit = &s[0] },
	};
	size_t i, n = 2;

	if (p->r->raw.can_flush) {
		s[n++] = (struct series){ .what = "raw_write_flush", .op = part_write_flush };
		s[n] = (struct series){ .what = "raw_write_flush_polled", .op = op_flush,
					.limit = &s[n - 1] };
		n++;
	}
	for (i = 0; i < n; i++)
		s[i].size = size;
	return part_measure(p, "polled", s, n, p->r->rounds / 20 + 3);
}

int remote_polled(struct remote *r)
{
	static const uint64_t sizes[] = { 64, 4 * KIB, 64 * KIB };
	struct part p = { .r = r };
	int code = 0;
	size_t i;

	if (!r->peer)
		report_note(r->report, "polled", "the wire alone", "no --peer");
	for (i = 0; r->peer && !code && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		code = of_size(&p, sizes[i]);
	return code;
}

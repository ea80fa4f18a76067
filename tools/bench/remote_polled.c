// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the wire alone gives to one who polls, and the library, beside one who sleeps:
 * reported, and never a limit, since with few processors polling takes them from what it
 * waits for.
 */
#include <stdlib.h>

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

/* One way to make durable: the wire by it, and the library. */
struct way {
	const char *raw, *raw_polled, *update, *update_polled;
	int (*op)(struct series *s);
	int (*op_polled)(struct series *s);
};

static const struct way by_message = {
	"raw_write_message", "raw_write_message_polled",
	"update_message", "update_message_polled", part_write_message, op_message,
};

static const struct way by_flush = {
	"raw_write_flush", "raw_write_flush_polled",
	"update_flush", "update_flush_polled", part_write_flush, op_flush,
};

static int of_size(struct part *p, const struct way *way, bool raw, uint64_t size)
{
	struct series s[5];
	size_t i, n = 0;

	if (raw) {
		s[n++] = (struct series){ .what = way->raw, .op = way->op };
		s[n++] = (struct series){ .what = way->raw_polled, .op = way->op_polled,
					  .limit = &s[0] };
	}
	s[n++] = (struct series){ .what = way->update, .op = part_update };
	s[n] = (struct series){ .what = way->update_polled, .op = part_update_polled,
				.limit = &s[n - 1] };
	n++;
	if (raw && way == &by_message && p->r->perftest)
		s[n++] = (struct series){ .what = "ib_write_lat", .op = part_perftest,
					  .limit = &s[0] };
	for (i = 0; i < n; i++)
		s[i].size = size;
	return part_measure(p, "polled", s, n, p->r->rounds / 20 + 3);
}

static int all_sizes(struct part *p, const struct way *way, bool raw)
{
	static const uint64_t sizes[] = { 64, 4 * KIB, 64 * KIB };
	int code = 0;
	size_t i;

	for (i = 0; !code && i < sizeof(sizes) / sizeof(sizes[0]); i++)
		code = of_size(p, way, raw, sizes[i]);
	part_end(p);
	return code;
}

int remote_polled(struct remote *r)
{
	struct part p = { .r = r };
	int code;

	if (!r->peer)
		report_note(r->report, "polled", "the wire alone", "no --peer");
	setenv("NPMU_PERSIST", "message", 1);
	code = remote_writer(r, PART_BLOCK, true, &p.region, &p.writer);
	unsetenv("NPMU_PERSIST");
	code = code || all_sizes(&p, &by_message, r->peer) ? -1 : 0;
	code = code || remote_writer(r, PART_BLOCK, true, &p.region, &p.writer) ? -1 : 0;
	if (!code && npmu_region_persist_method(p.region) == NPMU_PERSIST_FLUSH)
		code = all_sizes(&p, &by_flush, r->peer && r->raw.can_flush);
	part_end(&p);
	return code;
}

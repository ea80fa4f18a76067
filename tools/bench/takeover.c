// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a takeover takes, by size of the state: a hot standby has read the base and follows,
 * the writer is dead and its mappings are gone. What the mappings cost is in fence.c.
 */
#include <stdlib.h>
#include <string.h>

#include "../common/timing.h"
#include "bench.h"
#include "report.h"
#include "rounds.h"

#define RING		MIB
#define PIECE		(16 * MIB)	/* a state is this again and again */
#define MAX_PIECES	(GIB / PIECE)
#define FOLLOWED	256		/* updates that the standby has read */
#define UNREAD		4
#define UPDATE		64

static const uint64_t sizes[] = { MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB };
#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))

struct pair {
	const struct bench *b;
	char *state;
	struct npmu_region *standby;
	struct npmu_append_reader *reader;
	struct npmu_append_writer *successor;
};

static int update(struct npmu_append_writer *writer, int n)
{
	char data[UPDATE] = { 0 };
	struct iovec iov = { data, sizeof(data) };

	while (n--)
		if (npmu_append_update(writer, &iov, 1, 0))
			return bench_fail("update: %s", npmu_append_writer_error(writer));
	return 0;
}

static int write_state(struct pair *p, struct npmu_append_writer *writer, uint64_t size)
{
	struct iovec iov[MAX_PIECES];
	int n = 0;

	for (; size; size -= iov[n++].iov_len) {
		iov[n].iov_base = p->state;
		iov[n].iov_len = size < PIECE ? size : PIECE;
	}
	if (npmu_append_base(writer, iov, n, 0))
		return bench_fail("base: %s", npmu_append_writer_error(writer));
	return 0;
}

/* The standby reads what is there: the base, and updates as they come. */
static int follow(struct pair *p)
{
	struct npmu_append_item item;
	struct npmu_error err;
	int i;

	if (place_open(p->b, NPMU_OPEN_WRITE, 0, &p->standby))
		return -1;
	if (npmu_append_reader_open(p->standby, &p->reader, &err))
		return bench_fail("reader: %s", err.text);
	if (npmu_append_read_base(p->reader, &item) || npmu_append_recheck(p->reader, &item))
		return bench_fail("reader: %s", npmu_append_reader_error(p->reader));
	for (i = 0; i < FOLLOWED; i++)
		if (npmu_append_next(p->reader, &item) || npmu_append_recheck(p->reader, &item))
			return bench_fail("reader: %s", npmu_append_reader_error(p->reader));
	return 0;
}

static int before_takeover(struct series *s)
{
	struct pair *p = s->context;
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT,
		.base_capacity = s->size,
		.ring_size = RING,
	};
	struct npmu_append_writer *writer;
	struct npmu_region *region;
	struct npmu_error err;
	int code;

	if (place_open(p->b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE | NPMU_MAP_LAZY, &region))
		return -1;
	if (npmu_append_writer_open(region, &options, &writer, &err)) {
		npmu_region_close(region);
		return bench_fail("writer: %s", err.text);
	}
	code = write_state(p, writer, s->size) || update(writer, FOLLOWED) || follow(p) ||
	       update(writer, UNREAD) ? -1 : 0;
	npmu_append_writer_close(writer);
	/* As its death would: unmapped, and the role is vacant. */
	npmu_region_close(region);
	return code;
}

/* From when the standby knows to when it could commit; what is unread is handed out. */
static int op_takeover(struct series *s)
{
	struct pair *p = s->context;
	struct npmu_append_item item;
	struct npmu_error err;
	int n = 0;

	if (npmu_append_takeover(p->reader, npmu_region_fence_epoch(p->standby), NULL,
				 &p->successor, &err))
		return bench_fail("takeover: %s", err.text);
	while (!npmu_append_next(p->reader, &item))
		n++;
	return n == UNREAD ? 0 : bench_fail("takeover: %d updates were unread, not %d", n, UNREAD);
}

static int after_takeover(struct series *s)
{
	struct pair *p = s->context;

	npmu_append_reader_close(p->reader);
	npmu_append_writer_close(p->successor);
	npmu_region_close(p->standby);
	return 0;
}

int takeover_measure(const struct bench *b)
{
	struct pair p = { .b = b, .state = calloc(1, PIECE) };
	struct series s[NR_SIZES];
	size_t n;
	int code;

	if (!p.state)
		return bench_fail("out of memory");
	for (n = 0; n < NR_SIZES && sizes[n] <= b->max_state; n++) {
		/* The second slot stays empty. */
		if (b->length < 2 * sizes[n] + 4 * MIB ||
		    b->room < sizes[n] + b->length / 512 + 4 * MIB) {
			report_note(b->report, "takeover", "larger states", "there is no room");
			break;
		}
		s[n] = (struct series){
			.what = "takeover", .size = sizes[n], .context = &p, .op = op_takeover,
			.before = before_takeover, .after = after_takeover,
			.limit = n ? &s[0] : NULL,
		};
	}
	code = rounds_run(s, n, b->rounds / 200 + 5);
	if (!code)
		code = report_add(b->report, "takeover", s, n);
	rounds_free(s, n);
	free(p.state);
	return code;
}

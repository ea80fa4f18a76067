// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The ring of the append form when it is full: refused, a base called for, or named
 * readers waited for.
 */
#include "lib_append.h"

static void ring__is_never_over_full(void)
{
	struct npmu_append_item item;
	struct pair p;
	uint64_t tag = 0;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "b", 1, 0), "base");
	fill(bytes, 500, 9);
	while (!update(p.w, bytes, 500, tag))
		tag++;
	CHECK(tag == 8192 / 576, "%llu updates", (unsigned long long)tag);
	CHECK(update(p.w, bytes, 500, tag) == -ENOSPC, "full");
	CHECK(!npmu_append_read_base(p.r, &item), "base");
	for (tag = 0; tag < 8192 / 576; tag++)
		next_is(p.r, bytes, 500, tag);
	none_next(p.r, -ENODATA);
	down(&p);
}

static int callback(struct npmu_append_writer *w, void *context)
{
	++*(int *)context;
	return base(w, "base", 4, 7);
}

static void full__calls_for_a_base(void)
{
	int calls = 0;
	struct npmu_append_options options = {
		.size = sizeof(options),
		.base_capacity = 1000,
		.ring_size = 8192,
		.full = NPMU_APPEND_FULL_BASE,
		.write_base = callback,
		.context = &calls,
	};
	struct pair p;
	int i;

	up_on(&p, &options, SIZE);
	fill(bytes, 1000, 4);
	for (i = 0; i < 100; i++)
		CHECK(!update(p.w, bytes, 1000, (uint64_t)i), "update");
	CHECK(calls > 10, "%d calls", calls);
	/* The reader was overrun: told, and then it goes on from the base. */
	base_is(p.r, "base", 4, 7);
	for (i = 0; i < 20; i++)
		CHECK(!update(p.w, bytes, 1000, (uint64_t)i), "update");
	none_next(p.r, -EOVERFLOW);
	base_is(p.r, "base", 4, 7);
	down(&p);
}

static void wait__for_a_named_reader(void)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.base_capacity = 1000,
		.ring_size = 8192,
		.full = NPMU_APPEND_FULL_WAIT,
		.wait_ns = 5000000,
	};
	struct npmu_append_item item;
	struct pair p;

	up_on(&p, &options, SIZE);
	CHECK(npmu_append_attach(p.r, "standby", 0) == -ENOENT, "no such name");
	CHECK(npmu_append_attach(p.r, "standby", NPMU_APPEND_CREATE) == 1, "new name: %s",
	      npmu_append_reader_error(p.r));
	while (!update(p.w, bytes, 1000, 1))
		;
	CHECK(!base(p.w, "base", 4, 2), "base");
	CHECK(update(p.w, bytes, 1000, 3) == -ETIMEDOUT, "the reader is not waited for: %s",
	      npmu_append_writer_error(p.w));
	CHECK(!npmu_append_next(p.r, &item) && !npmu_append_next(p.r, &item), "next");
	CHECK(npmu_append_ack(p.r, item.end + 64) == -EINVAL, "ahead of what was read");
	CHECK(!npmu_append_ack(p.r, item.end), "ack");
	CHECK(!update(p.w, bytes, 1000, 3), "room again: %s", npmu_append_writer_error(p.w));
	/* A new reader under the name goes on behind what was acknowledged. */
	npmu_append_reader_close(p.r);
	p.r = open_reader(p.rd);
	CHECK(npmu_append_attach(p.r, "standby", 0) == 0, "attach");
	CHECK(npmu_append_position(p.r) == item.end, "position");
	CHECK(!npmu_append_next(p.r, &item) && item.tag == 1, "next");
	CHECK(update(p.w, bytes, 3000, 3) == -ETIMEDOUT, "full");
	CHECK(!npmu_append_drop(p.w, "standby"), "drop");
	CHECK(npmu_append_drop(p.w, "standby") == -ENOENT, "dropped");
	CHECK(!update(p.w, bytes, 3000, 3), "nobody to wait for");
	down(&p);
}

static void wait__not_for_one_that_was_overrun(void)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.full = NPMU_APPEND_FULL_WAIT,
		.wait_ns = 1000000,
	};
	struct npmu_append_writer *w;
	struct pair p;
	int i;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(npmu_append_attach(p.r, "slow", NPMU_APPEND_CREATE) == 1, "new name");
	for (i = 0; i < 40; i++)
		if (update(p.w, bytes, 1000, 1))
			CHECK(!base(p.w, "base", 4, 2), "base");
	CHECK(!base(p.w, "base", 4, 2), "base");
	/* Nothing that it could read is left to be kept. */
	w = open_writer(p.wr, &options);
	CHECK(!update(w, bytes, 1000, 1), "update: %s", npmu_append_writer_error(w));
	none_next(p.r, -EOVERFLOW);
	npmu_append_writer_close(w);
	down(&p);
}

int main(void)
{
	TAP_RUN(ring__is_never_over_full);
	TAP_RUN(full__calls_for_a_base);
	TAP_RUN(wait__for_a_named_reader);
	TAP_RUN(wait__not_for_one_that_was_overrun);
	return tap_end();
}

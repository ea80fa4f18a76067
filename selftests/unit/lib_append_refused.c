// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form on a memory file: what goes wrong between a writer and its readers, each
 * with an error of its own; and the names of readers. The same on the device is
 * selftests/vm/append.c.
 */
#include "../../lib/crc32c.h"
#include "../../lib/handle.h"
#include "lib_append.h"

#define RING		8192
#define DATA		1000

static void up_waiting(struct pair *p)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.base_capacity = 1000,
		.ring_size = RING,
		.full = NPMU_APPEND_FULL_WAIT,
		.wait_ns = 5000000,
	};

	up_on(p, &options, SIZE);
}

static int fill_ring(struct pair *p)
{
	int n = 0;

	while (n < 100 && !update(p->w, bytes, DATA, 1))
		n++;
	return n;
}

static void reader__lagging_is_eoverflow(void)
{
	struct npmu_append_item item;
	struct pair p;

	up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(fill_ring(&p) == RING / 1088, "fill");
	CHECK(!npmu_append_next(p.r, &item), "next");
	CHECK(!base(p.w, "b", 1, 2) && fill_ring(&p) == RING / 1088, "a second lap");
	none_next(p.r, -EOVERFLOW);
	none_next(p.r, -EOVERFLOW);
	base_is(p.r, "b", 1, 2);
	CHECK(!npmu_append_next(p.r, &item), "after the base");
	down(&p);
}

static void reader__that_never_acknowledges_is_etimedout(void)
{
	struct npmu_append_item item;
	struct pair p;

	up_waiting(&p);
	CHECK(npmu_append_attach(p.r, "idle", NPMU_APPEND_CREATE) == 1, "attach");
	fill_ring(&p);
	CHECK(!base(p.w, "b", 1, 2), "base");
	CHECK(update(p.w, bytes, DATA, 3) == -ETIMEDOUT, "it is not waited for");
	while (!npmu_append_next(p.r, &item))
		;
	CHECK(update(p.w, bytes, DATA, 3) == -ETIMEDOUT, "reading is not acknowledging");
	CHECK(!npmu_append_ack(p.r, npmu_append_position(p.r)), "ack");
	CHECK(!update(p.w, bytes, DATA, 3), "room");
	down(&p);
}

static void reader__gone_is_etimedout(void)
{
	struct pair p;

	up_waiting(&p);
	CHECK(npmu_append_attach(p.r, "gone", NPMU_APPEND_CREATE) == 1, "attach");
	npmu_append_reader_close(p.r);
	p.r = NULL;
	fill_ring(&p);
	CHECK(!base(p.w, "b", 1, 2), "base");
	CHECK(update(p.w, bytes, DATA, 3) == -ETIMEDOUT, "its name holds what it has not read");
	CHECK(!npmu_append_drop(p.w, "gone"), "drop");
	CHECK(!update(p.w, bytes, DATA, 3), "room");
	down(&p);
}

static struct npmu_ckpt_header *header(struct pair *p, int copy)
{
	return (void *)((char *)npmu_region_addr(p->wr) +
			(copy ? NPMU_CKPT_HEADER1 : NPMU_CKPT_HEADER0));
}

static void all_refuse(struct pair *p, int want)
{
	struct npmu_append_writer *w;
	struct npmu_append_item item;
	struct npmu_append_reader *r;
	struct npmu_error err;

	CHECK(npmu_append_writer_open(p->wr, NULL, &w, &err) == want, "writer: %s", err.text);
	CHECK(!npmu_append_reader_open(p->rd, &r, NULL), "reader");
	CHECK(npmu_append_read_base(r, &item) == want, "reader: %s", npmu_append_reader_error(r));
	none_next(r, want);
	CHECK(npmu_append_attach(r, "a", NPMU_APPEND_CREATE) == want, "attach");
	CHECK(npmu_append_takeover(r, 0, NULL, &w, &err) == want, "takeover: %s", err.text);
	npmu_append_reader_close(r);
}

static void header__corrupted_is_euclean(void)
{
	struct npmu_append_item item;
	struct pair p;

	up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
	header(&p, 0)->capacity ^= 1;
	CHECK(!npmu_append_read_base(p.r, &item), "one good copy is enough");
	header(&p, 1)->capacity ^= 1;
	all_refuse(&p, -EUCLEAN);
	down(&p);
}

static void seal_header(struct npmu_ckpt_header *h)
{
	h->crc = 0;
	h->crc = npmu_crc32c(0, h, sizeof(*h));
}

static void header__foreign_is_eprotonosupport(void)
{
	struct pair p;
	int what, i;

	for (what = 0; what < 4; what++) {
		up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
		for (i = 0; i < 2; i++) {
			struct npmu_ckpt_header *h = header(&p, i);

			if (what == 0)
				h->version = 2;
			else if (what == 1)
				h->incompat = 1;
			else if (what == 2)
				h->append.flags = 2;
			else
				h->form = 3;
			seal_header(h);
		}
		all_refuse(&p, -EPROTONOSUPPORT);
		down(&p);
	}
}

/* Whoever stored it: it stands at its position, and its sum is right. */
static void update__of_no_higher_sequence_is_not_there(void)
{
	struct npmu_append_item item[2];
	struct npmu_ckpt_update *u;
	struct pair p;
	uint64_t sequence;

	for (sequence = 1; sequence <= 3; sequence++) {
		up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
		CHECK(!base(p.w, "b", 1, 1) && !update(p.w, "one", 3, 2) && !update(p.w, "two", 3, 3),
		      "commits");
		base_is(p.r, "b", 1, 1);
		CHECK(npmu_append_next_all(p.r, item, 2) == 2, "both are there");
		u = (void *)((char *)npmu_region_addr(p.wr) +
			     ((const char *)item[1].data - (const char *)npmu_region_addr(p.rd)) -
			     sizeof(*u));
		u->sequence = sequence;
		u->crc = 0;
		u->crc = npmu_crc32c(npmu_crc32c(0, u + 1, 3), u, sizeof(*u));
		base_is(p.r, "b", 1, 1);
		next_is(p.r, "one", 3, 2);
		if (sequence == 3)
			next_is(p.r, "two", 3, 3);
		else
			none_next(p.r, -ENODATA);
		down(&p);
	}
}

/* And not as if it had been fenced. */
static void writer__that_could_not_commit_says_so(void)
{
	const struct npmu_persist_ops *ops;
	struct pair p;
	int fd;

	up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "b", 1, 1) && !update(p.w, "one", 3, 2), "commits");
	/* The kernel has to do it, of a file that it does not know. */
	ops = p.wr->ops;
	fd = p.wr->fd;
	p.wr->ops = &npmu_persist_kernel;
	p.wr->is_file = false;
	p.wr->fd = -1;
	CHECK(update(p.w, "two", 3, 3) == -EBADF, "update");
	p.wr->ops = ops;
	p.wr->is_file = true;
	p.wr->fd = fd;
	CHECK(update(p.w, "three", 5, 4) == -EBADF, "the next: %s",
	      npmu_append_writer_error(p.w));
	CHECK(npmu_append_commit(p.w) == -EBADF, "a commit alone");
	npmu_append_writer_close(p.w);
	p.w = open_writer(p.wr, NULL);
	CHECK(!update(p.w, "three", 5, 4), "opened again");
	down(&p);
}

/* The rule is that of the names of regions, and nobody else's here to see to it. */
static void reader__name_must_be_one(void)
{
	static const char *const bad[] = {
		"", ".a", "a b", "a/b", "\xc3\xa4", "sixteen-letters!", "sixteenletters16", "a\n",
	};
	static const char *const good[] = { "a", "fifteen-letters", "A.b_c+d:9-" };
	struct pair p;
	size_t i;

	up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		CHECK(npmu_append_attach(p.r, bad[i], NPMU_APPEND_CREATE) == -EINVAL, "'%s'", bad[i]);
		CHECK(npmu_append_drop(p.w, bad[i]) == -EINVAL, "drop '%s'", bad[i]);
	}
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		CHECK(npmu_append_attach(p.r, good[i], NPMU_APPEND_CREATE) == 1, "'%s'", good[i]);
		CHECK(!npmu_append_detach(p.r, NULL), "detach");
	}
	down(&p);
}

/* What the kernel takes for free is free. */
static void reader__spoiled_entry_is_enoent(void)
{
	struct npmu_ckpt_reader_entry *entry, keep;
	struct pair p;
	int i;

	up(&p, 1000, RING, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(npmu_append_attach(p.r, "a", NPMU_APPEND_CREATE) == 1, "attach");
	entry = (void *)((char *)npmu_region_addr(p.wr) + NPMU_CKPT_READERS);
	keep = *entry;
	for (i = 0; i < 4; i++) {
		*entry = keep;
		if (i == 0)
			entry->position = 65;
		else if (i == 1)
			entry->reserved[5] = 1;
		else if (i == 2)
			entry->position = 1ULL << 63;
		else
			entry->name[1] = 'b';
		CHECK(npmu_append_attach(p.r, "a", 0) == -ENOENT, "spoiled %d", i);
	}
	*entry = keep;
	CHECK(!npmu_append_attach(p.r, "a", 0), "whole again");
	down(&p);
}

int main(void)
{
	TAP_RUN(reader__lagging_is_eoverflow);
	TAP_RUN(reader__that_never_acknowledges_is_etimedout);
	TAP_RUN(reader__gone_is_etimedout);
	TAP_RUN(header__corrupted_is_euclean);
	TAP_RUN(header__foreign_is_eprotonosupport);
	TAP_RUN(update__of_no_higher_sequence_is_not_there);
	TAP_RUN(writer__that_could_not_commit_says_so);
	TAP_RUN(reader__name_must_be_one);
	TAP_RUN(reader__spoiled_entry_is_enoent);
	return tap_end();
}

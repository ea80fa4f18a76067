// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form on the device: what goes wrong between a writer and its readers is an
 * error of its own. Each condition is made as it comes about, by libnpmu alone.
 */
#include "../../lib/crc32c.h"
#include "append.h"

/* Long enough for a wait to be one, short enough to come to its end here. */
#define PATIENCE	100000000ULL

static void fill(struct end *w)
{
	int i;

	for (i = 0; i < IN_RING; i++)
		EXPECT(update(w, 10 + i), 0);
}

static void ring__full_is_enospc(void)
{
	struct end w, r;
	int i;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	fill(&w);
	EXPECT(update(&w, 99), -ENOSPC);
	/* Nothing was harmed, and a base makes room. */
	for (i = 0; i < IN_RING; i++)
		EXPECT((int)next(&r), 10 + i);
	EXPECT((int)next(&r), -ENODATA);
	EXPECT(base(&w, 2), 0);
	EXPECT(update(&w, 99), 0);
	EXPECT((int)next(&r), 99);
	down(&w, &r);
}

static void reader__lagging_is_eoverflow(void)
{
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	fill(&w);
	EXPECT((int)next(&r), 10);
	EXPECT(base(&w, 2), 0);
	fill(&w);
	EXPECT((int)next(&r), -EOVERFLOW);
	EXPECT(npmu_append_wait(r.r, 0), 0);
	EXPECT((int)next(&r), -EOVERFLOW);
	EXPECT(read_base(&r), 0);
	EXPECT((int)next(&r), 10);
	down(&w, &r);
}

static void reader__that_never_acknowledges_is_etimedout(void)
{
	struct end w, r;
	int i;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_WAIT, PATIENCE), "%s", vm_why());
	EXPECT(npmu_append_attach(r.r, "idle", NPMU_APPEND_CREATE), 1);
	fill(&w);
	EXPECT(base(&w, 2), 0);
	EXPECT(update(&w, 99), -ETIMEDOUT);
	/* It reads all, and still has acknowledged nothing. */
	for (i = 0; i < IN_RING; i++)
		EXPECT((int)next(&r), 10 + i);
	EXPECT(update(&w, 99), -ETIMEDOUT);
	EXPECT(npmu_append_ack(r.r, npmu_append_position(r.r)), 0);
	EXPECT(update(&w, 99), 0);
	EXPECT((int)next(&r), 99);
	down(&w, &r);
}

static int attach_and_die(void *ctx)
{
	struct end e;

	(void)ctx;
	if (end_open(&e, NPMU_OPEN_READ, 0) || read_base(&e) ||
	    npmu_append_attach(e.r, "dead", NPMU_APPEND_CREATE) != 1 || next(&e) != 10 ||
	    npmu_append_ack(e.r, npmu_append_position(e.r)))
		return 1;
	kill(getpid(), SIGKILL);
	return 2;
}

/* Its name holds what it has not acknowledged, until the writer forgets it. */
static void reader__dead_is_etimedout(void)
{
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_WAIT, PATIENCE), "%s", vm_why());
	EXPECT(update(&w, 10), 0);
	CHECK(vm_reap(vm_child(attach_and_die, NULL), 20000) == 256 + SIGKILL,
	      "the reader did not come to its death");
	while (!update(&w, 20))
		;
	EXPECT(base(&w, 2), 0);
	EXPECT(update(&w, 21), 0);
	EXPECT(update(&w, 22), -ETIMEDOUT);
	EXPECT(npmu_append_drop(w.w, "dead"), 0);
	EXPECT(update(&w, 22), 0);
	EXPECT(npmu_append_drop(w.w, "dead"), -ENOENT);
	down(&w, &r);
}

static void writer__second_is_ebusy(void)
{
	struct npmu_append_writer *other;
	struct npmu_error err;
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	EXPECT(npmu_region_claim(r.region, NULL), -EBUSY);
	npmu_region_unmap(r.region);
	EXPECT(npmu_region_map(r.region, NPMU_MAP_WRITE), -EBUSY);
	EXPECT(npmu_region_map(r.region, 0), 0);
	EXPECT(npmu_append_writer_open(r.region, NULL, &other, &err), -EINVAL);
	EXPECT(update(&w, 1), 0);
	down(&w, &r);
}

static void writer__fenced_is_estale(void)
{
	struct npmu_append_who who;
	struct npmu_error err;
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	EXPECT(npmu_region_sink(w.region), 0);
	EXPECT(update(&w, 10), 0);
	EXPECT(npmu_append_who(r.r, &who), 0);
	EXPECT(npmu_append_takeover(r.r, who.current_epoch + 1, NULL, &r.w, &err), -ESTALE);
	EXPECT(npmu_append_takeover(r.r, who.current_epoch, NULL, &r.w, &err), 0);
	EXPECT(update(&w, 11), -ESTALE);
	EXPECT(base(&w, 2), -ESTALE);
	EXPECT((int)next(&r), 10);
	EXPECT((int)next(&r), -ENODATA);
	EXPECT(update(&r, 12), 0);
	EXPECT((int)next(&r), 12);
	down(&w, &r);
}

/* Both copies: one alone is mended. */
static void spoil(const struct end *w, size_t at, unsigned char by)
{
	unsigned char *map = npmu_region_addr(w->region);

	map[NPMU_CKPT_HEADER0 + at] ^= by;
	map[NPMU_CKPT_HEADER1 + at] ^= by;
}

static void header__corrupted_is_euclean(void)
{
	struct npmu_append_writer *other;
	struct npmu_error err;
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	((char *)npmu_region_addr(w.region))[NPMU_CKPT_HEADER0 + 40] ^= 1;
	EXPECT(read_base(&r), 0);
	((char *)npmu_region_addr(w.region))[NPMU_CKPT_HEADER1 + 40] ^= 1;
	EXPECT(read_base(&r), -EUCLEAN);
	EXPECT(npmu_append_writer_open(w.region, NULL, &other, &err), -EUCLEAN);
	EXPECT(npmu_append_takeover(r.r, npmu_region_fence_epoch(w.region), NULL, &r.w, &err),
	       -EUCLEAN);
	CHECK(npmu_region_is_writer(w.region), "the writer was fenced for nothing");
	down(&w, &r);
}

static void version__foreign_is_eprotonosupport(void)
{
	struct npmu_ckpt_header *h[2];
	struct npmu_append_writer *other;
	struct npmu_error err;
	struct end w, r;
	int i;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	for (i = 0; i < 2; i++) {
		h[i] = (void *)((char *)npmu_region_addr(w.region) +
				(i ? NPMU_CKPT_HEADER1 : NPMU_CKPT_HEADER0));
		h[i]->version = 2;
		h[i]->crc = 0;
		h[i]->crc = npmu_crc32c(0, h[i], sizeof(*h[i]));
	}
	EXPECT(read_base(&r), -EPROTONOSUPPORT);
	EXPECT(npmu_append_writer_open(w.region, NULL, &other, &err), -EPROTONOSUPPORT);
	EXPECT(npmu_append_takeover(r.r, npmu_region_fence_epoch(w.region), NULL, &r.w, &err),
	       -EPROTONOSUPPORT);
	CHECK(npmu_region_is_writer(w.region), "the writer was fenced for nothing");
	down(&w, &r);
}

static void magic__lost_is_emediumtype(void)
{
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	spoil(&w, 0, 1);
	EXPECT(read_base(&r), -EMEDIUMTYPE);
	down(&w, &r);
}

static void update__damaged_is_euclean(void)
{
	struct npmu_append_item item;
	struct npmu_error err;
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	EXPECT(update(&w, 10), 0);
	EXPECT(npmu_append_next(r.r, &item), 0);
	EXPECT(update(&w, 11), 0);
	EXPECT(update(&w, 12), 0);
	((char *)npmu_region_addr(w.region))[(char *)item.data - (char *)npmu_region_addr(r.region) +
					     1088] ^= 1;
	EXPECT(npmu_append_takeover(r.r, npmu_region_fence_epoch(w.region), NULL, &r.w, &err),
	       -EUCLEAN);
	down(&w, &r);
}

int main(void)
{
	VM_RUN(ring__full_is_enospc);
	VM_RUN(reader__lagging_is_eoverflow);
	VM_RUN(reader__that_never_acknowledges_is_etimedout);
	VM_RUN(reader__dead_is_etimedout);
	VM_RUN(writer__second_is_ebusy);
	VM_RUN(writer__fenced_is_estale);
	VM_RUN(header__corrupted_is_euclean);
	VM_RUN(version__foreign_is_eprotonosupport);
	VM_RUN(magic__lost_is_emediumtype);
	VM_RUN(update__damaged_is_euclean);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A writer that commits without the unit is told that a reader sleeps: when, how often, and
 * what becomes of the reader meanwhile.
 */
#define _GNU_SOURCE
#include "nihost.h"

#define SIZE	(4 * MIB)

static void host__comes_up(void)
{
	REQUIRE(!ni_up(), "no network interface");
	EXPECT(ni_load_key("alice"), 0);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
}

/* Until it is told that a kick is wanted; once. */
static bool told(struct ni_open *o, int timeout_ms)
{
	struct npmu_wire_changed changed;
	uint64_t end = vm_now_ns() + (uint64_t)timeout_ms * 1000000;
	bool was;

	do
		npmu_rdma_notice(o->c, &changed, 10);
	while (!o->c->kick_wanted && vm_now_ns() < end);
	was = o->c->kick_wanted;
	o->c->kick_wanted = false;
	return was;
}

/* Sleeps, or is about to; then for so long. 0: it was woken. */
static int sleeps(struct npmu_region *region, uint64_t timeout_ns)
{
	struct npmu_ioc_info info;
	uint32_t events;

	/* It knows of the role, and of the kicks so far. */
	npmu_region_info(region, &info);
	npmu_region_wait(region, NPMU_WAIT_F_ARM, 0, 0, 0, &events);
	return npmu_region_wait(region, 0, 0, 0, timeout_ns, &events);
}

static int kick(struct ni_open *o)
{
	struct npmu_wire_header msg;

	return npmu_rdma_ask(o->c, NPMU_WIRE_KICK, &msg, sizeof(msg), NULL, NI_TIMEOUT);
}

#define SECOND	1000000000ULL

/*
 * Who commits without the unit is told once that a reader sleeps, until it kicks. That reader is
 * woken when the notice has arrived: it may have missed what was committed until then.
 */
static void writer__is_told_that_a_reader_sleeps(void)
{
	struct npmu_region *reader;
	struct npmu_error err;
	struct ni_open o;

	EXPECT(vm_region("u", "sleep", SIZE), 0);
	EXPECT(ni_grant("sleep", "alice", NI_RW, 0, 0), 0);
	EXPECT(ni_open(&o, "alice", "u", "sleep", NI_RW | NPMU_WIRE_TELL), 0);
	REQUIRE(!npmu_region_open("u/sleep", NPMU_OPEN_READ, &reader, &err), "%s", err.text);
	EXPECT(ni_claim(&o), 0);
	EXPECT(sleeps(reader, 30 * SECOND), 0);
	CHECK(told(&o, 30000), "it is not told");
	/* And sleeps again: that is known already. */
	EXPECT(sleeps(reader, SECOND / 2), -ETIMEDOUT);
	CHECK(!told(&o, 500), "it is told again");
	EXPECT(kick(&o), 0);
	EXPECT(sleeps(reader, 30 * SECOND), 0);
	CHECK(told(&o, 30000), "it is not told of the next");
	/* A commit that kicks is a kick. */
	EXPECT(ni_commit(&o, 0, 64, 0, 1), 0);
	EXPECT(kick(&o), 0);
	ni_close(&o);
	npmu_region_close(reader);
}

/* It slept before there was a writer; and who did not ask for it is told nothing. */
static void writer__is_told_of_who_slept_before(void)
{
	struct npmu_region *reader;
	struct npmu_error err;
	struct ni_open o;

	REQUIRE(!npmu_region_open("u/sleep", NPMU_OPEN_READ, &reader, &err), "%s", err.text);
	EXPECT(sleeps(reader, 1), -ETIMEDOUT);
	EXPECT(ni_open(&o, "alice", "u", "sleep", NI_RW), 0);
	/* What the writer before had open is gone by then. */
	CHECK(VM_UNTIL(!ni_claim(&o), 10000), "no claim");
	EXPECT(sleeps(reader, SECOND / 2), -ETIMEDOUT);
	CHECK(!told(&o, 500), "it is told without having asked for it");
	ni_close(&o);
	EXPECT(ni_open(&o, "alice", "u", "sleep", NI_RW | NPMU_WIRE_TELL), 0);
	CHECK(!told(&o, 500), "it is told before it is the writer");
	CHECK(VM_UNTIL(!ni_claim(&o), 10000), "no claim");
	CHECK(told(&o, 30000), "it is not told");
	ni_close(&o);
	npmu_region_close(reader);
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(writer__is_told_that_a_reader_sleeps);
	VM_RUN(writer__is_told_of_who_slept_before);
	VM_RUN(host__goes_down);
	return vm_end();
}

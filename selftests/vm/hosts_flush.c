// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * RDMA FLUSH from a host with Debian 13 (10.77.0.1, this one) to a unit on an NVDIMM of
 * another (10.77.0.2), beside the commit message, see hosts_flush.sh.
 */
#define _GNU_SOURCE
#include <stdarg.h>

#include "../../lib/rdma_flush.h"
#include "hosts.h"

#define UNIT	"10.77.0.2"
#define COMMITS	100

static uint64_t last_record;

static struct ni_open writer(bool *there)
{
	struct ni_open o;

	*there = !ni_open(&o, "bob", "u", "r", NI_RW) && !ni_claim(&o);
	return o;
}

/* A record and the number that makes it the last one: durable when it returns. */
static int flush(struct ni_open *o, uint64_t at, uint64_t len)
{
	struct rdma_piece piece = {
		.sge = {
			.addr = (uintptr_t)o->buf,
			.length = (uint32_t)len,
			.lkey = o->mr->lkey,
		},
		.address = le64toh(o->keys[0].address) + at,
		.rkey = le32toh(o->keys[0].rkey),
	};
	struct rdma_op op;
	int code;

	code = npmu_rdma_write_flush(o->c, &piece, 1, &op);
	return code ?: npmu_rdma_wait(o->c, &op, NI_TIMEOUT);
}

static int flush_record(struct ni_open *o, uint64_t i)
{
	int code;

	vm_fill(o->buf, HOSTS_RECORD, 0, i);
	code = flush(o, hosts_slot(i), HOSTS_RECORD);
	memcpy(o->buf, &i, sizeof(i));
	return code ?: flush(o, 0, sizeof(i));
}

/* A number of the only session that the unit's host shows. */
static long long session(const char *name)
{
	long long value = -1;
	char line[128];
	FILE *f;

	snprintf(line, sizeof(line), "%s 'tools/build/npmu-admin ni sessions --json' | %s's/.*\"%s\": *//p'",
		 "scripts/vm-run 2", "tr ',{' '\\n' | sed -n ", name);
	f = popen(line, "r");
	if (f && fgets(line, sizeof(line), f))
		value = atoll(line);
	if (f)
		pclose(f);
	return value;
}

static void check_records(struct ni_open *o, uint64_t last)
{
	uint64_t i, found;

	EXPECT(hosts_last(o, &found), 0);
	CHECK(found == last, "%llu, not %llu", (unsigned long long)found, (unsigned long long)last);
	for (i = last; i && i + HOSTS_SLOTS > last; i--)
		CHECK(hosts_wrong(o, i) == -1, "record %llu is not whole", (unsigned long long)i);
}

static void hosts__come_up(void)
{
	EXPECT(vm_sh("grep -q '^13' /etc/debian_version"), 0);
	EXPECT(vm_sh("selftests/vm/hosts_rxe"), 0);
	REQUIRE(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin ni list' >/dev/null"), "no unit");
	ni_at(UNIT);
}

/* And no code of the unit runs for a commit. */
static void flush__commits_without_the_unit(void)
{
	long long requests;
	struct ni_open o;
	bool there;
	uint64_t i;

	o = writer(&there);
	REQUIRE(there, "no writer");
	CHECK(o.c->can_flush, "our own side cannot");
	CHECK(o.persist & NPMU_WIRE_PERSIST_FLUSH, "a persistent unit does not offer it");
	requests = session("requests");
	CHECK(requests > 0, "no session");
	for (i = 1; i <= COMMITS; i++)
		EXPECT(flush_record(&o, i), 0);
	EXPECT(session("requests"), requests);
	last_record = COMMITS;
	check_records(&o, last_record);
	ni_close(&o);
}

/* What Debian 12 has to do, from here too. */
static void message__commits_beside_it(void)
{
	struct ni_open o;
	bool there;
	uint64_t i;

	o = writer(&there);
	REQUIRE(there, "no writer");
	CHECK(o.persist & NPMU_WIRE_PERSIST_MESSAGE, "no message");
	for (i = 0; i < COMMITS; i++)
		EXPECT(hosts_commit(&o, ++last_record), 0);
	for (i = 0; i < COMMITS; i++)
		EXPECT(flush_record(&o, ++last_record), 0);
	check_records(&o, last_record);
	ni_close(&o);
}

/* A key for reading makes nothing durable, as it lets nothing be written. */
static void flush__with_a_key_for_reading_is_refused(void)
{
	struct ni_open o;

	EXPECT(ni_open(&o, "bob", "u", "r", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	CHECK(flush(&o, 0, 8), "it was done");
	ni_close(&o);
}

static void flush__survives_a_power_cut_of_the_unit(void)
{
	struct ni_open o;
	bool there;

	o = writer(&there);
	REQUIRE(there, "no writer");
	EXPECT(flush_record(&o, ++last_record), 0);
	EXPECT(vm_sh("scripts/vm-wire cut 2"), 0);
	ni_close(&o);
	EXPECT(vm_sh("scripts/vm-wire start 2"), 0);
	REQUIRE(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin ni list' >/dev/null"), "no unit after the cut");
	there = VM_UNTIL((o = writer(&there), there), 60000);
	REQUIRE(there, "no writer after the cut");
	check_records(&o, last_record);
	ni_close(&o);
}

/* The same unit on memory that forgets: not offered, and refused who asks all the same. */
static void flush__on_volatile_memory_is_refused(void)
{
	struct ni_open o;
	bool there;

	REQUIRE(!vm_sh("scripts/vm-run 2 'selftests/vm/hosts_unit dram'"), "no unit of DRAM");
	o = writer(&there);
	REQUIRE(there, "no writer");
	CHECK(!(o.persist & NPMU_WIRE_PERSIST_FLUSH), "it is offered");
	CHECK(flush(&o, 0, 8), "it was done");
	ni_close(&o);
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(flush__commits_without_the_unit);
	VM_RUN(message__commits_beside_it);
	VM_RUN(flush__with_a_key_for_reading_is_refused);
	VM_RUN(flush__survives_a_power_cut_of_the_unit);
	VM_RUN(flush__on_volatile_memory_is_refused);
	return vm_end();
}

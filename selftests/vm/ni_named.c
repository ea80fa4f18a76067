// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a principal makes and keeps over the network interface: regions of its own within
 * its quota, and its place among the named readers of a checkpoint.
 */
#define _GNU_SOURCE
#include <endian.h>

#include <npmu/grants.h>

#include "ckptimage.h"
#include "nihost.h"

#define SIZE		(64 * KIB)
#define INSTANCE	0xabcdef0123456789ULL

static struct ckpt_image img;

static void host__comes_up(void)
{
	static const char *const names[] = { "alice", "bob", "carol" };
	size_t i;

	REQUIRE(!ni_up(), "no network interface");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		EXPECT(ni_load_key(names[i]), 0);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
}

static int create(const char *principal, const char *unit, const char *region, uint64_t size,
		  uint64_t *got)
{
	struct npmu_wire_create msg = { .size = htole64(size) };
	const struct npmu_wire_created *created;
	const void *answer;
	struct rdma_conn *c;
	int code;

	strncpy((char *)msg.unit, unit, sizeof(msg.unit) - 1);
	strncpy((char *)msg.region, region, sizeof(msg.region) - 1);
	code = ni_connect(principal, &c);
	if (code)
		return code;
	code = npmu_rdma_ask(c, NPMU_WIRE_CREATE, &msg, sizeof(msg), &answer, NI_TIMEOUT);
	if (!code && got) {
		created = answer;
		*got = le64toh(created->size);
	}
	npmu_rdma_disconnect(c);
	return code;
}

/* Who may not create learns neither of units nor of regions. */
static void create__without_the_right_is_not_found(void)
{
	EXPECT(vm_region("u", "there", SIZE), 0);
	EXPECT(create("bob", "u", "new", SIZE, NULL), SAYS(NOT_FOUND));
	EXPECT(create("bob", "u", "there", SIZE, NULL), SAYS(NOT_FOUND));
	EXPECT(create("bob", "nowhere", "new", SIZE, NULL), SAYS(NOT_FOUND));
	EXPECT(vm_delete("u", "there", false), 0);
}

static void create__makes_a_region_that_its_maker_writes(void)
{
	struct ni_open o;
	uint64_t size;

	EXPECT(npmu_ctl_creator_add(vm_ctl(), "u", "alice", MIB, 3), 0);
	EXPECT(create("alice", "u", "mine", 5000, &size), 0);
	CHECK(size == 8192, "%llu bytes", (unsigned long long)size);
	EXPECT(ni_open(&o, "alice", "u", "mine", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	memset(o.buf, 0x11, 64);
	EXPECT(ni_write(&o, 8192 - 64, 0, 64), 0);
	EXPECT(ni_commit(&o, 8192 - 64, 64, 0, 1), 0);
	ni_close(&o);
	EXPECT(ni_open(&o, "bob", "u", "mine", NPMU_WIRE_READ), SAYS(NOT_FOUND));
}

static void create__stays_within_the_quota(void)
{
	EXPECT(create("alice", "u", "mine", SIZE, NULL), SAYS(EXISTS));
	EXPECT(create("alice", "u", "big", MIB, NULL), SAYS(QUOTA));
	EXPECT(create("alice", "u", "huge", ~0ULL, NULL), SAYS(INVALID));
	EXPECT(create("alice", "u", "a/b", SIZE, NULL), SAYS(INVALID));
	EXPECT(create("alice", "u", "two", SIZE, NULL), 0);
	EXPECT(create("alice", "u", "three", SIZE, NULL), 0);
	EXPECT(create("alice", "u", "four", SIZE, NULL), SAYS(QUOTA));
}

/* As long as nothing is open; a connection is one open of one region. */
static void create__comes_before_open(void)
{
	struct npmu_wire_create msg = { .unit = "u", .region = "late", .size = htole64(SIZE) };
	struct ni_open o;

	EXPECT(ni_open(&o, "alice", "u", "two", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(npmu_rdma_ask(o.c, NPMU_WIRE_CREATE, &msg, sizeof(msg), NULL, NI_TIMEOUT),
	       SAYS(ORDER));
	ni_close(&o);
}

static int attach(struct ni_open *o, const char *name, uint32_t flags, uint64_t *position)
{
	struct npmu_wire_reader_attach msg = {
		.flags = htole32(flags),
		.instance = htole64(INSTANCE),
		.position = htole64(*position),
	};
	const struct npmu_wire_reader_attached *attached;
	const void *answer;
	int code;

	strncpy((char *)msg.name, name, sizeof(msg.name) - 1);
	code = npmu_rdma_ask(o->c, NPMU_WIRE_READER_ATTACH, &msg, sizeof(msg), &answer, NI_TIMEOUT);
	if (!code) {
		attached = answer;
		*position = le64toh(attached->position);
	}
	return code;
}

static int ack(struct ni_open *o, uint64_t position)
{
	struct npmu_wire_reader_ack msg = { .position = htole64(position) };

	return npmu_rdma_ask(o->c, NPMU_WIRE_READER_ACK, &msg, sizeof(msg), NULL, NI_TIMEOUT);
}

static int detach(struct ni_open *o, const char *name)
{
	struct npmu_wire_reader_detach msg = { 0 };

	strncpy((char *)msg.name, name, sizeof(msg.name) - 1);
	return npmu_rdma_ask(o->c, NPMU_WIRE_READER_DETACH, &msg, sizeof(msg), NULL, NI_TIMEOUT);
}

static int reader(struct ni_open *o, const char *principal)
{
	return ni_open(o, principal, "u", "c", NPMU_WIRE_READ);
}

/* A region with a checkpoint that a local process writes. */
static void checkpoint__is_there(void)
{
	void *map;
	int fd;

	EXPECT(vm_region("u", "c", SIZE), 0);
	EXPECT(ni_grant("c", "alice", NPMU_ACCESS_READ, 0, 0), 0);
	EXPECT(ni_grant("c", "bob", NPMU_ACCESS_READ, 0, 0), 0);
	EXPECT(ni_grant("c", "carol", NPMU_ACCESS_READ, 4096, 4096), 0);
	fd = vm_open("u", "c", O_RDWR);
	map = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	REQUIRE(map, "%m");
	ckpt_make(&img, map, NPMU_CKPT_FORM_APPEND, INSTANCE);
	munmap(map, SIZE);
	close(fd);
}

/* What was acknowledged outlives the connection. */
static void reader__goes_on_where_it_was(void)
{
	uint64_t position = 0;
	struct ni_open o;

	EXPECT(reader(&o, "alice"), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ack(&o, 64), SAYS(NOT_ATTACHED));
	EXPECT(attach(&o, "a", 0, &position), SAYS(NOT_FOUND));
	EXPECT(attach(&o, "a", NPMU_WIRE_READER_CREATE, &position), 0);
	EXPECT(ack(&o, 128), 0);
	EXPECT(ack(&o, 64), SAYS(INVALID));
	EXPECT(ack(&o, 129), SAYS(INVALID));
	ni_close(&o);
	EXPECT(reader(&o, "alice"), 0);
	REQUIRE(o.mr, "no open");
	/* The unit may still be busy with the end of the connection before. */
	do
		position = 0;
	while (attach(&o, "a", 0, &position) == SAYS(BUSY));
	CHECK(position == 128, "position %llu", (unsigned long long)position);
	ni_close(&o);
}

/* Principals are different users, and none of them is a user of the host. */
static void reader__is_of_its_principal(void)
{
	struct ni_open alice, bob;
	uint64_t position = 0;

	EXPECT(reader(&alice, "alice"), 0);
	EXPECT(reader(&bob, "bob"), 0);
	REQUIRE(alice.mr && bob.mr, "no open");
	EXPECT(attach(&bob, "a", 0, &position), SAYS(ACCESS));
	EXPECT(detach(&bob, "a"), SAYS(ACCESS));
	EXPECT(attach(&bob, "b", NPMU_WIRE_READER_CREATE, &position), 0);
	EXPECT(attach(&bob, "c", NPMU_WIRE_READER_CREATE, &position), SAYS(BUSY));
	EXPECT(detach(&bob, ""), 0);
	EXPECT(detach(&bob, ""), SAYS(NOT_ATTACHED));
	EXPECT(detach(&bob, "b"), SAYS(NOT_FOUND));
	EXPECT(detach(&bob, "no/name"), SAYS(INVALID));
	EXPECT(detach(&alice, "a"), 0);
	ni_close(&alice);
	ni_close(&bob);
}

static void reader__of_another_checkpoint_is_stale(void)
{
	struct npmu_wire_reader_attach msg = { .name = "a", .instance = htole64(INSTANCE + 1) };
	struct ni_open o;

	EXPECT(reader(&o, "alice"), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(npmu_rdma_ask(o.c, NPMU_WIRE_READER_ATTACH, &msg, sizeof(msg), NULL, NI_TIMEOUT),
	       SAYS(STALE));
	ni_close(&o);
}

static void reader__needs_the_table_in_its_grant(void)
{
	uint64_t position = 0;
	struct ni_open o;

	EXPECT(reader(&o, "carol"), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(attach(&o, "a", NPMU_WIRE_READER_CREATE, &position), SAYS(RANGE));
	EXPECT(detach(&o, "a"), SAYS(RANGE));
	ni_close(&o);
}

/* A quarter of the table is for one principal. */
static void reader__has_a_share_of_the_table(void)
{
	struct ni_open o[NPMU_CKPT_NR_READERS / 4 + 1] = { 0 };
	size_t i, n = sizeof(o) / sizeof(o[0]);
	char name[16];

	for (i = 0; i < n; i++) {
		uint64_t position = 0;

		snprintf(name, sizeof(name), "share%zu", i);
		EXPECT(reader(&o[i], "bob"), 0);
		if (!o[i].mr)
			break;
		EXPECT(attach(&o[i], name, NPMU_WIRE_READER_CREATE, &position),
		       i < n - 1 ? 0 : SAYS(NO_SPACE));
	}
	for (i = 0; i < n; i++)
		if (o[i].mr)
			ni_close(&o[i]);
}

static void reader__without_checkpoint_is_told_so(void)
{
	uint64_t position = 0;
	struct ni_open o;

	EXPECT(ni_open(&o, "alice", "u", "two", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(attach(&o, "a", NPMU_WIRE_READER_CREATE, &position), SAYS(NO_CHECKPOINT));
	ni_close(&o);
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(create__without_the_right_is_not_found);
	VM_RUN(create__makes_a_region_that_its_maker_writes);
	VM_RUN(create__stays_within_the_quota);
	VM_RUN(create__comes_before_open);
	VM_RUN(checkpoint__is_there);
	VM_RUN(reader__goes_on_where_it_was);
	VM_RUN(reader__is_of_its_principal);
	VM_RUN(reader__of_another_checkpoint_is_stale);
	VM_RUN(reader__needs_the_table_in_its_grant);
	VM_RUN(reader__has_a_share_of_the_table);
	VM_RUN(reader__without_checkpoint_is_told_so);
	VM_RUN(host__goes_down);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region over the network interface: who gets in, what the keys open, and that a
 * fence ends it. Client and unit are one host; the wire is soft RoCE.
 */
#define _GNU_SOURCE
#include <endian.h>

#include <npmu/grants.h>

#include "nihost.h"

#define SIZE	(8 * MIB)


static void host__comes_up(void)
{
	REQUIRE(!ni_up(), "no network interface");
	EXPECT(ni_load_key("alice"), 0);
	EXPECT(ni_load_key("bob"), 0);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
	EXPECT(vm_region("u", "r", SIZE), 0);
	EXPECT(ni_grant("r", "alice", NI_RW, 0, 0), 0);
}

static void open__reads_what_the_host_wrote(void)
{
	struct ni_open o;
	char *addr;
	int fd;

	fd = vm_open("u", "r", O_RDWR);
	addr = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	REQUIRE(addr, "%m");
	vm_fill(addr, SIZE, 0, 7);
	munmap(addr, SIZE);
	close(fd);
	EXPECT(ni_open(&o, "alice", "u", "r", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	CHECK(o.length == SIZE, "%llu bytes", (unsigned long long)o.length);
	EXPECT(ni_read(&o, 4 * MIB, 0, 4 * MIB), 0);
	EXPECT(vm_compare(o.buf, 4 * MIB, 4 * MIB, 7), -1);
	ni_close(&o);
}

static void writer__writes_and_commits(void)
{
	struct ni_open o;
	uint64_t word;
	char *back = malloc(MIB);
	int fd;

	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	vm_fill(o.buf, MIB, 0, 9);
	EXPECT(ni_write(&o, 3 * MIB, 0, MIB), 0);
	EXPECT(ni_commit(&o, 3 * MIB, MIB, 64, 0x1122334455667788ULL), 0);
	fd = vm_open("u", "r", O_RDONLY);
	EXPECT(vm_pread(fd, back, MIB, 3 * MIB), MIB);
	EXPECT(vm_compare(back, MIB, 0, 9), -1);
	EXPECT(vm_pread(fd, &word, 8, 64), 8);
	CHECK(word == 0x1122334455667788ULL, "word %llx", (unsigned long long)word);
	close(fd);
	ni_close(&o);
	free(back);
}

static void fence__ends_a_remote_writer(void)
{
	char before[4096], after[4096];
	struct ni_open o;
	int fd;

	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_write(&o, 0, 0, 4096), 0);
	EXPECT(vm_fence("u", "r"), 0);
	fd = vm_open("u", "r", O_RDONLY);
	EXPECT(vm_pread(fd, before, 4096, 0), 4096);
	memset(o.buf, 0xee, 4096);
	CHECK(ni_write(&o, 0, 0, 4096), "a fenced writer wrote");
	EXPECT(vm_pread(fd, after, 4096, 0), 4096);
	CHECK(!memcmp(before, after, 4096), "bytes changed after the fence");
	close(fd);
	ni_close(&o);
}

static void key__wrong_is_refused(void)
{
	uint8_t key[NPMU_WIRE_KEY_MIN] = { 1 };
	struct npmu_error err;
	struct rdma_conn *c;

	EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
	EXPECT(npmu_rdma_authenticate(c, "alice", key, sizeof(key), NI_TIMEOUT, &err), -EACCES);
	npmu_rdma_disconnect(c);
	EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
	EXPECT(npmu_rdma_authenticate(c, "mallory", key, sizeof(key), NI_TIMEOUT, &err), -EACCES);
	npmu_rdma_disconnect(c);
}

/* Who has no grant does not learn whether there is such a region. */
static void grant__missing_is_not_found(void)
{
	struct ni_open o;

	EXPECT(ni_open(&o, "bob", "u", "r", NPMU_WIRE_READ), SAYS(NOT_FOUND));
	EXPECT(ni_open(&o, "bob", "u", "nothing", NPMU_WIRE_READ), SAYS(NOT_FOUND));
	EXPECT(ni_open(&o, "bob", "nowhere", "r", NPMU_WIRE_READ), SAYS(NOT_FOUND));
}

static void grant__to_read_does_not_write(void)
{
	struct ni_open o;

	EXPECT(ni_grant("r", "bob", NPMU_ACCESS_READ, 0, 0), 0);
	EXPECT(ni_open(&o, "bob", "u", "r", NI_RW), SAYS(NOT_FOUND));
	EXPECT(ni_open(&o, "bob", "u", "r", NPMU_WIRE_READ), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), SAYS(ACCESS));
	EXPECT(ni_takeover(&o, o.fence_epoch), SAYS(ACCESS));
	EXPECT(ni_read(&o, 0, 0, 4096), 0);
	CHECK(ni_write_refused(&o, o.pm_address, le32toh(o.keys[0].rkey), 64),
	      "a grant to read writes");
	ni_close(&o);
	EXPECT(npmu_ctl_grant_remove(vm_ctl(), "u", "r", "bob"), 0);
}

/* On one connection: a refusal leaves nothing behind. */
static void open__refused_can_be_asked_again(void)
{
	struct ni_open o = { 0 };
	unsigned int i;

	REQUIRE(!ni_connect("alice", &o.c), "no connection");
	for (i = 0; i < 3; i++) {
		EXPECT(ni_ask_open(&o, "u", "nothing", NI_RW), SAYS(NOT_FOUND));
		EXPECT(ni_ask_open(&o, "nowhere", "r", NI_RW), SAYS(NOT_FOUND));
	}
	EXPECT(ni_ask_open(&o, "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_write(&o, 0, 0, 4096), 0);
	ni_close(&o);
}

/* The keys cover what is granted, neither less nor more. */
static void grant__of_a_part_opens_that_part(void)
{
	struct ni_open o;

	EXPECT(ni_grant("r", "bob", NI_RW, MIB + 4096, MIB), 0);
	EXPECT(ni_open(&o, "bob", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	CHECK(o.offset == MIB + 4096 && o.length == MIB, "offset %llu, length %llu",
	      (unsigned long long)o.offset, (unsigned long long)o.length);
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_write(&o, MIB + 4096, 0, MIB), 0);
	EXPECT(ni_commit(&o, MIB + 4096, MIB, MIB + 4096, 5), 0);
	EXPECT(ni_commit(&o, MIB, 8, MIB + 4096, 5), SAYS(RANGE));
	EXPECT(ni_commit(&o, MIB + 4096, 8, 0, 5), SAYS(RANGE));
	CHECK(ni_write_refused(&o, o.pm_address - 8, le32toh(o.keys[0].rkey), 8),
	      "it wrote before its part");
	ni_close(&o);
	EXPECT(npmu_ctl_grant_remove(vm_ctl(), "u", "r", "bob"), 0);
}

/* What was opened under a grant ends with it; other connections go on. */
static void grant__removed_ends_what_was_opened(void)
{
	struct ni_open bob, alice;

	EXPECT(ni_grant("r", "bob", NI_RW, 0, 0), 0);
	EXPECT(ni_open(&bob, "bob", "u", "r", NI_RW), 0);
	EXPECT(ni_open(&alice, "alice", "u", "r", NPMU_WIRE_READ), 0);
	REQUIRE(bob.mr && alice.mr, "no open");
	EXPECT(ni_claim(&bob), 0);
	EXPECT(ni_write(&bob, 0, 0, 64), 0);
	EXPECT(npmu_ctl_grant_remove(vm_ctl(), "u", "r", "bob"), 0);
	CHECK(ni_write(&bob, 0, 0, 64), "it writes without a grant");
	EXPECT(ni_read(&alice, 0, 0, 64), 0);
	ni_close(&bob);
	ni_close(&alice);
	EXPECT(ni_open(&bob, "bob", "u", "r", NPMU_WIRE_READ), SAYS(NOT_FOUND));
}

#define MAX_OPENS	"/sys/module/npmu/parameters/max_opens_per_principal"

/* One does not take what others need; what it closes it may open again. */
static void opens__of_a_principal_are_bounded(void)
{
	struct ni_open alice[3], bob;

	EXPECT(ni_grant("r", "bob", NI_RW, 0, 0), 0);
	EXPECT(vm_sh("echo 2 >" MAX_OPENS), 0);
	/* Those of the tests before end some time after they were closed. */
	CHECK(VM_UNTIL(!ni_open(&alice[0], "alice", "u", "r", NPMU_WIRE_READ), 30000), "the first");
	CHECK(VM_UNTIL(!ni_open(&alice[1], "alice", "u", "r", NPMU_WIRE_READ), 30000), "the second");
	EXPECT(ni_open(&alice[2], "alice", "u", "r", NPMU_WIRE_READ), SAYS(LIMIT));
	EXPECT(ni_open(&bob, "bob", "u", "r", NPMU_WIRE_READ), 0);
	ni_close(&bob);
	ni_close(&alice[0]);
	CHECK(VM_UNTIL(!ni_open(&alice[0], "alice", "u", "r", NPMU_WIRE_READ), 30000),
	      "not again");
	ni_close(&alice[0]);
	ni_close(&alice[1]);
	EXPECT(vm_sh("echo 512 >" MAX_OPENS), 0);
	EXPECT(npmu_ctl_grant_remove(vm_ctl(), "u", "r", "bob"), 0);
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(open__reads_what_the_host_wrote);
	VM_RUN(writer__writes_and_commits);
	VM_RUN(fence__ends_a_remote_writer);
	VM_RUN(key__wrong_is_refused);
	VM_RUN(grant__missing_is_not_found);
	VM_RUN(open__refused_can_be_asked_again);
	VM_RUN(grant__to_read_does_not_write);
	VM_RUN(grant__of_a_part_opens_that_part);
	VM_RUN(grant__removed_ends_what_was_opened);
	VM_RUN(opens__of_a_principal_are_bounded);
	VM_RUN(host__goes_down);
	return vm_end();
}

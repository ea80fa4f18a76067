// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The RDMA device of a unit on another host (10.77.0.2) goes away and comes back, while the unit
 * waits for clients there and while it has one; so does its address. See hosts.sh.
 */
#define _GNU_SOURCE
#include "nihost.h"

#define UNIT	"10.77.0.2"

static int on_unit(const char *command)
{
	return vm_sh("scripts/vm-run 2 '%s'", command);
}

/* What npmu-admin says there of the network interface, in JSON, has this in the end. */
static bool unit_says(const char *command, const char *text)
{
	return VM_UNTIL(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin --json ni %s' | tr -d ' \\n' | grep -q '%s'",
			       command, text), 60000);
}

static void hosts__come_up(void)
{
	EXPECT(vm_sh("selftests/vm/hosts_rxe"), 0);
	REQUIRE(!on_unit("tools/build/npmu-admin ni list >/dev/null"), "no unit");
	EXPECT(on_unit("echo 20000 >/sys/module/npmu_rdma/parameters/keepalive_ms"), 0);
	ni_at(UNIT);
}

static bool is_served(struct ni_open *o)
{
	return VM_UNTIL(!ni_open(o, "alice", "u", "r", NI_RW), 60000) &&
	       VM_UNTIL(!ni_claim(o), 30000) && !ni_write(o, 0, 0, 4096);
}

static void client__is_served(void)
{
	struct ni_open o;

	CHECK(is_served(&o), "no writer");
	if (o.c)
		ni_close(&o);
}

static void device__gone_is_said_and_comes_back(void)
{
	EXPECT(on_unit("rdma link delete rxe0"), 0);
	CHECK(unit_says("list", "\"listening\":false"), "it listens without a device");
	EXPECT(on_unit("rdma link add rxe0 type rxe netdev eth0"), 0);
	client__is_served();
}

/* Its session has ended, and the role is vacant, though nobody could tell the client. */
static void device__gone_ends_its_sessions(void)
{
	struct ni_open o;

	REQUIRE(is_served(&o), "no writer");
	EXPECT(on_unit("rdma link delete rxe0"), 0);
	CHECK(unit_says("sessions", "^\\[\\]$"), "a session is left");
	CHECK(ni_write(&o, 0, 0, 4096), "there is no device, but it writes");
	EXPECT(on_unit("rdma link add rxe0 type rxe netdev eth0"), 0);
	ni_close(&o);
	client__is_served();
}

static void address__gone_comes_back(void)
{
	EXPECT(on_unit("ip address del " UNIT "/24 dev eth0"), 0);
	EXPECT(on_unit("ip address add " UNIT "/24 dev eth0"), 0);
	client__is_served();
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(client__is_served);
	VM_RUN(device__gone_is_said_and_comes_back);
	VM_RUN(device__gone_ends_its_sessions);
	VM_RUN(address__gone_comes_back);
	return vm_end();
}

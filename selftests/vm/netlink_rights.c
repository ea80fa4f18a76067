// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Who may ask for what over netlink: callers without rights, with some, and from
 * another network namespace.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <sched.h>
#include <sys/syscall.h>

#include "msg.h"
#include "vmtest.h"

static int up(void)
{
	return vm_dram("t", 32 * MIB) ?: vm_region("t", "r", 4096) ?: msg_find_family();
}

/* What requests that fail must not change. */
static uint64_t media_epoch(void)
{
	struct npmu_unit_info info;

	return vm_unit("t", &info) ? 0 : info.media_epoch * 1000 + info.regions;
}

static const uint8_t changes[] = {
	NPMU_CMD_UNIT_FORMAT, NPMU_CMD_UNIT_ATTACH, NPMU_CMD_UNIT_DETACH, NPMU_CMD_REGION_CREATE,
	NPMU_CMD_REGION_SET, NPMU_CMD_REGION_RESIZE, NPMU_CMD_REGION_DELETE, NPMU_CMD_REGION_FENCE,
	/* Whose first attributes are a unit and a region, too. */
	NPMU_CMD_GRANT_ADD, NPMU_CMD_GRANT_REMOVE,
};

static void complete(struct msg *msg, uint8_t cmd)
{
	msg_begin(msg, msg_family, cmd, 0);
	if (cmd == NPMU_CMD_UNIT_FORMAT || cmd == NPMU_CMD_UNIT_ATTACH) {
		msg_add_str(msg, NPMU_A_UNIT_PATH, "/dev/nosuch");
		if (cmd == NPMU_CMD_UNIT_FORMAT)
			msg_add_str(msg, NPMU_A_UNIT_NAME, "x");
		return;
	}
	if (cmd == NPMU_CMD_UNIT_DETACH) {
		msg_add_str(msg, NPMU_A_UNIT_NAME, "t");
		return;
	}
	msg_add_str(msg, NPMU_A_REGION_UNIT, "t");
	msg_add_str(msg, NPMU_A_REGION_NAME, cmd == NPMU_CMD_REGION_CREATE ? "x" : "r");
	if (cmd == NPMU_CMD_REGION_CREATE || cmd == NPMU_CMD_REGION_RESIZE)
		msg_add_u64(msg, NPMU_A_REGION_SIZE, 8192);
	if (cmd == NPMU_CMD_REGION_SET)
		msg_add_str(msg, NPMU_A_REGION_NEW_NAME, "y");
}

static int change_all(void *ctx)
{
	struct msg msg;
	unsigned int i;

	for (i = 0; i < sizeof(changes); i++) {
		complete(&msg, changes[i]);
		if (msg_ask(&msg) != -EPERM || (ctx && !msg_words[0]))
			return 1 + i;
	}
	return 0;
}

static void change__needs_privilege(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_as_nobody(change_all, NULL), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

/* CAP_NET_ADMIN alone passes the generic check, not ours. */
static int with_net_admin(void *ctx)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {};

	data[0].permitted = 1U << CAP_NET_ADMIN;
	data[0].effective = data[0].permitted;
	return syscall(SYS_capset, &head, data) ? 99 : change_all(ctx);
}

static void change__needs_cap_sys_admin(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_reap(vm_child(with_net_admin, &msg_family), 20000), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static int show(void *ctx)
{
	struct npmu_unit_info info;

	(void)ctx;
	return vm_unit("t", &info) ? 1 : 0;
}

static void show__needs_no_privilege(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_as_nobody(show, NULL), 0);
	EXPECT(vm_drop("t"), 0);
}

static int in_other_namespace(void *ctx)
{
	struct msg msg;

	(void)ctx;
	if (unshare(CLONE_NEWNET))
		return 99;
	msg_begin(&msg, msg_family, NPMU_CMD_UNIT_GET, 0);
	msg_add_str(&msg, NPMU_A_UNIT_NAME, "t");
	if (msg_ask(&msg) != -EPERM || !msg_words[0])
		return 98;
	msg_begin(&msg, msg_family, NPMU_CMD_UNIT_GET, NLM_F_DUMP);
	if (msg_ask(&msg) != -EPERM)
		return 97;
	msg_begin(&msg, msg_family, NPMU_CMD_TPT_GET, NLM_F_DUMP);
	if (msg_ask(&msg) != -EPERM)
		return 96;
	return change_all(&msg_family);
}

static void namespace__other_than_the_first_is_refused(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_reap(vm_child(in_other_namespace, NULL), 20000), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(change__needs_privilege);
	VM_RUN(change__needs_cap_sys_admin);
	VM_RUN(show__needs_no_privilege);
	VM_RUN(namespace__other_than_the_first_is_refused);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation of every request of the netlink family on a unit that is
 * attached. Attach, detach and format are in fail_nth_attach.c.
 */
#define _GNU_SOURCE
#include <linux/npmu_netlink.h>
#include <npmu/grants.h>

#include "nth.h"

#define RW	(PROT_READ | PROT_WRITE)
#define NR(a)	(sizeof(a) / sizeof((a)[0]))

#define UNIT		{ NPMU_A_REGION_UNIT, -1, 0, NTH_UNIT }
#define NAME(n)		{ NPMU_A_REGION_NAME, -1, 0, n }
#define SIZE(n)		{ NPMU_A_REGION_SIZE, 8, n, NULL }
#define FORCE		{ NPMU_A_REGION_FORCE, 0, 0, NULL }

/* A request, its answer being so many messages. */
#define ASK(cmd, answers, ...) ({					\
	const struct nth_arg args_[] = { __VA_ARGS__ };			\
									\
	asked(nth_ask(cmd, false, args_, NR(args_)), answers);		\
})

static int fd = -1;
static char *map;

static int asked(int ret, unsigned int answers)
{
	/* The words of a change that was made without its node: see netlink.rst. */
	if (!ret && strstr(nth_words, "set it again"))
		return NTH_MENDED;
	if (!ret && nth_answers != answers)
		return -EPROTO;
	if (ret < 0 && ret != -ENOMEM && ret != -ENOBUFS && ret != -EFAULT && !nth_words[0])
		return -ENOMSG;
	return ret;
}

/* A file that has the writer role, and a mapping. */
static int hold(const char *region)
{
	fd = vm_open(NTH_UNIT, region, O_RDWR);
	if (fd < 0)
		return fd;
	map = vm_map(fd, 0, 4096, RW);
	if (!map)
		return -errno;
	vm_store((void *)map, 1);
	return 0;
}

static void let_go(void)
{
	if (map)
		munmap(map, 4096);
	if (fd >= 0)
		close(fd);
	map = NULL;
	fd = -1;
}

/* --- a unit with two regions, of more extents than fit into their records --- */

static int up(void)
{
	return nth_comb() ?: vm_region(NTH_UNIT, "c", 16384);
}

static int get_again(const char *region, uint64_t size)
{
	return vm_region(NTH_UNIT, region, size);
}

/* --- what only shows --- */

static int unit_get(void)
{
	const struct nth_arg args[] = { { NPMU_A_UNIT_NAME, -1, 0, NTH_UNIT } };

	return asked(nth_ask(NPMU_CMD_UNIT_GET, false, args, 1), 1);
}

static int unit_dump(void)
{
	return asked(nth_ask(NPMU_CMD_UNIT_GET, true, NULL, 0), 1);
}

static int region_get(void)
{
	return ASK(NPMU_CMD_REGION_GET, 1, UNIT, NAME("a"));
}

static int region_dump(void)
{
	const struct nth_arg args[] = { UNIT };

	return asked(nth_ask(NPMU_CMD_REGION_GET, true, args, 1), 3);
}

static int tpt_dump(void)
{
	const struct nth_arg args[] = { { NPMU_A_TPT_UNIT, -1, 0, NTH_UNIT } };

	return asked(nth_ask(NPMU_CMD_TPT_GET, true, args, 1), 1);
}

static int hold_a(void)
{
	return hold("a");
}

static int drop_hold(void)
{
	let_go();
	return 0;
}

static void nth__show(void)
{
	SWEEP("unit-get", NULL, unit_get, NULL, NTH_STAYS | NTH_NO_TRACE);
	SWEEP("unit-get dump", NULL, unit_dump, NULL,
	      NTH_STAYS | NTH_NO_TRACE);
	SWEEP("region-get", NULL, region_get, NULL,
	      NTH_STAYS | NTH_NO_TRACE);
	SWEEP("region-get dump", NULL, region_dump, NULL,
	      NTH_STAYS | NTH_NO_TRACE);
	SWEEP("tpt-get dump", hold_a, tpt_dump, drop_hold,
	      NTH_STAYS | NTH_NO_TRACE);
}

/* --- what netlink itself may refuse, before a request gets to the module --- */

static void netlink__refuses_before_the_module_only(void)
{
	const struct nth_arg none[] = { UNIT, NAME("nosuch"), FORCE };

	nth_free_refusals = nth_probe(NPMU_CMD_REGION_DELETE, none, NR(none));
	CHECK(nth_free_refusals > 1 && nth_free_refusals < 30, "%u refusals", nth_free_refusals);
	printf("# netlink itself refuses %u times\n", nth_free_refusals);
}

/* --- changes --- */

static int create(void)
{
	return ASK(NPMU_CMD_REGION_CREATE, 1, UNIT, NAME("new"), SIZE(20480),
		   { NPMU_A_REGION_UID, 4, 12, NULL }, { NPMU_A_REGION_MODE, 4, 0640, NULL });
}

static int delete_new(void)
{
	return vm_delete(NTH_UNIT, "new", true);
}

static void nth__create(void)
{
	SWEEP("region-create", NULL, create, delete_new, 0);
}

static int rename_c(void)
{
	return ASK(NPMU_CMD_REGION_SET, 1, UNIT, NAME("c"),
		   { NPMU_A_REGION_NEW_NAME, -1, 0, "d" });
}

static int set(const char *name, const struct npmu_region_params *params)
{
	return vm_note(npmu_ctl_region_set(vm_ctl(), NTH_UNIT, name, params, 0, NULL));
}

static int rename_back(void)
{
	const struct npmu_region_params params = {
		.mask = NPMU_PARAM_NEW_NAME,
		.new_name = "c",
	};

	return set("d", &params);
}

static int own(void)
{
	return ASK(NPMU_CMD_REGION_SET, 1, UNIT, NAME("c"), { NPMU_A_REGION_MODE, 4, 0644, NULL },
		   { NPMU_A_REGION_GID, 4, 99, NULL });
}

static int own_back(void)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_MODE | NPMU_PARAM_GID,
		.mode = 0600,
	};

	return set("c", &params);
}

static int hold_c(void)
{
	return hold("c");
}

static int close_c(void)
{
	return ASK(NPMU_CMD_REGION_SET, 1, UNIT, NAME("c"), FORCE,
		   { NPMU_A_REGION_FLAGS, 4, NPMU_REGION_F_READ_ONLY, NULL });
}

static int open_c(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_FLAGS };

	let_go();
	return set("c", &params);
}

static void nth__set(void)
{
	SWEEP("region-set name", NULL, rename_c, rename_back, 0);
	SWEEP_TOO("region-set owner, mode", NULL, own, own_back, 0);
	SWEEP("region-set flags, forced", hold_c, close_c, open_c, 0);
}

static int grow_c(void)
{
	return ASK(NPMU_CMD_REGION_RESIZE, 1, UNIT, NAME("c"), SIZE(40960));
}

static int shrink_c(void)
{
	return ASK(NPMU_CMD_REGION_RESIZE, 1, UNIT, NAME("c"), SIZE(8192));
}

static int shrink_c_forced(void)
{
	return ASK(NPMU_CMD_REGION_RESIZE, 1, UNIT, NAME("c"), SIZE(8192), FORCE);
}

static int reset_c(void)
{
	let_go();
	return vm_resize(NTH_UNIT, "c", 16384, true);
}

static int grow_a(void)
{
	return ASK(NPMU_CMD_REGION_RESIZE, 1, UNIT, NAME("a"), SIZE(NTH_COMB * 4096 + 8192));
}

static int shrink_a(void)
{
	return ASK(NPMU_CMD_REGION_RESIZE, 1, UNIT, NAME("a"), SIZE(NTH_COMB * 4096 - 8192));
}

static int reset_a(void)
{
	return vm_resize(NTH_UNIT, "a", NTH_COMB * 4096, false);
}

static void nth__resize(void)
{
	SWEEP_TOO("region-resize, grow", NULL, grow_c, reset_c, 0);
	SWEEP_TOO("region-resize, cut", NULL, shrink_c, reset_c, 0);
	SWEEP("region-resize, cut, forced", hold_c, shrink_c_forced,
	      reset_c, 0);
	SWEEP("region-resize, grow lists", NULL, grow_a, reset_a, 0);
	SWEEP("region-resize, cut lists", NULL, shrink_a, reset_a, 0);
}

static int delete_c(void)
{
	return ASK(NPMU_CMD_REGION_DELETE, 0, UNIT, NAME("c"));
}

static int delete_c_forced(void)
{
	return ASK(NPMU_CMD_REGION_DELETE, 0, UNIT, NAME("c"), FORCE);
}

static int back_c(void)
{
	let_go();
	return get_again("c", 16384);
}

static void nth__delete(void)
{
	SWEEP_TOO("region-delete", NULL, delete_c, back_c, NTH_NEVER_FAILS);
	SWEEP("region-delete, forced", hold_c, delete_c_forced, back_c,
	      NTH_NEVER_FAILS);
}

static int fence_c(void)
{
	return ASK(NPMU_CMD_REGION_FENCE, 1, UNIT, NAME("c"));
}

static void nth__fence(void)
{
	SWEEP_TOO("region-fence, vacant", NULL, fence_c, NULL,
		  NTH_NEVER_FAILS | NTH_ANSWERS);
	SWEEP("region-fence", hold_c, fence_c, drop_hold,
	      NTH_NEVER_FAILS | NTH_ANSWERS);
}

/* --- rights of principals --- */

#define OF_C		{ NPMU_A_GRANT_UNIT, -1, 0, NTH_UNIT }, { NPMU_A_GRANT_REGION, -1, 0, "c" }
#define OF_UNIT		{ NPMU_A_GRANT_UNIT, -1, 0, NTH_UNIT }
#define PRINCIPAL	{ NPMU_A_GRANT_PRINCIPAL, -1, 0, "host1" }

static int grant_c(void)
{
	return ASK(NPMU_CMD_GRANT_ADD, 0, OF_C, PRINCIPAL, { NPMU_A_GRANT_ACCESS, 4, 3, NULL });
}

static int revoke_c(void)
{
	return ASK(NPMU_CMD_GRANT_REMOVE, 0, OF_C, PRINCIPAL);
}

static int give_c(void)
{
	return npmu_ctl_grant_add(vm_ctl(), NTH_UNIT, "c", "host1", 3, 0, 0);
}

static int take_c(void)
{
	return npmu_ctl_grant_remove(vm_ctl(), NTH_UNIT, "c", "host1");
}

static int allow(void)
{
	return ASK(NPMU_CMD_GRANT_ADD, 0, OF_UNIT, PRINCIPAL,
		   { NPMU_A_GRANT_QUOTA, 8, 8192, NULL });
}

static int disallow(void)
{
	return ASK(NPMU_CMD_GRANT_REMOVE, 0, OF_UNIT, PRINCIPAL);
}

static int give(void)
{
	return npmu_ctl_creator_add(vm_ctl(), NTH_UNIT, "host1", 8192, 1);
}

static int take_away(void)
{
	return npmu_ctl_grant_remove(vm_ctl(), NTH_UNIT, NULL, "host1");
}

static int grant_dump(void)
{
	const struct nth_arg args[] = { OF_UNIT };

	return asked(nth_ask(NPMU_CMD_GRANT_GET, true, args, 1), 2);
}

static int give_both(void)
{
	return give() ?: give_c();
}

static int take_both(void)
{
	return take_away() ?: take_c();
}

static void nth__grants(void)
{
	SWEEP("grant-add", NULL, grant_c, take_c, 0);
	SWEEP_TOO("grant-remove", give_c, revoke_c, NULL, NTH_NEVER_FAILS);
	SWEEP_TOO("grant-add, to create", NULL, allow, take_away, NTH_NEVER_FAILS);
	SWEEP_TOO("grant-remove, to create", give, disallow, NULL, NTH_NEVER_FAILS);
	SWEEP("grant-get dump", give_both, grant_dump, take_both, NTH_STAYS | NTH_NO_TRACE);
}

int main(void)
{
	int ret = nth_begin(up);

	if (ret)
		return ret;
	VM_RUN(netlink__refuses_before_the_module_only);
	VM_RUN(nth__show);
	VM_RUN(nth__create);
	VM_RUN(nth__set);
	VM_RUN(nth__resize);
	VM_RUN(nth__delete);
	VM_RUN(nth__fence);
	VM_RUN(nth__grants);
	vm_drop(NTH_UNIT);
	return vm_end();
}

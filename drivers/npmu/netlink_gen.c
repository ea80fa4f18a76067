// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/npmu.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/npmu_netlink.h>

/* NPMU_CMD_UNIT_GET - do */
static const struct nla_policy npmu_unit_get_nl_policy[NPMU_A_UNIT_NAME + 1] = {
	[NPMU_A_UNIT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* NPMU_CMD_UNIT_FORMAT - do */
static const struct nla_policy npmu_unit_format_nl_policy[NPMU_A_UNIT_FORCE + 1] = {
	[NPMU_A_UNIT_PATH] = { .type = NLA_NUL_STRING, .len = 255, },
	[NPMU_A_UNIT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_UNIT_MAX_REGIONS] = { .type = NLA_U32, },
	[NPMU_A_UNIT_FORCE] = { .type = NLA_FLAG, },
};

/* NPMU_CMD_UNIT_ATTACH - do */
static const struct nla_policy npmu_unit_attach_nl_policy[NPMU_A_UNIT_MAX_REGIONS + 1] = {
	[NPMU_A_UNIT_BACKING] = NLA_POLICY_MAX(NLA_U32, 1),
	[NPMU_A_UNIT_PATH] = { .type = NLA_NUL_STRING, .len = 255, },
	[NPMU_A_UNIT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_UNIT_SIZE] = { .type = NLA_U64, },
	[NPMU_A_UNIT_MAX_REGIONS] = { .type = NLA_U32, },
};

/* NPMU_CMD_UNIT_DETACH - do */
static const struct nla_policy npmu_unit_detach_nl_policy[NPMU_A_UNIT_NAME + 1] = {
	[NPMU_A_UNIT_NAME] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* NPMU_CMD_REGION_GET - do */
static const struct nla_policy npmu_region_get_do_nl_policy[NPMU_A_REGION_NAME + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* NPMU_CMD_REGION_GET - dump */
static const struct nla_policy npmu_region_get_dump_nl_policy[NPMU_A_REGION_UNIT + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* NPMU_CMD_REGION_CREATE - do */
static const struct nla_policy npmu_region_create_nl_policy[NPMU_A_REGION_FLAGS + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_SIZE] = { .type = NLA_U64, },
	[NPMU_A_REGION_UID] = { .type = NLA_U32, },
	[NPMU_A_REGION_GID] = { .type = NLA_U32, },
	[NPMU_A_REGION_MODE] = { .type = NLA_U32, },
	[NPMU_A_REGION_FLAGS] = { .type = NLA_U32, },
};

/* NPMU_CMD_REGION_SET - do */
static const struct nla_policy npmu_region_set_nl_policy[NPMU_A_REGION_FORCE + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_NEW_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_UID] = { .type = NLA_U32, },
	[NPMU_A_REGION_GID] = { .type = NLA_U32, },
	[NPMU_A_REGION_MODE] = { .type = NLA_U32, },
	[NPMU_A_REGION_FLAGS] = { .type = NLA_U32, },
	[NPMU_A_REGION_FORCE] = { .type = NLA_FLAG, },
};

/* NPMU_CMD_REGION_RESIZE - do */
static const struct nla_policy npmu_region_resize_nl_policy[NPMU_A_REGION_FORCE + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_SIZE] = { .type = NLA_U64, },
	[NPMU_A_REGION_FORCE] = { .type = NLA_FLAG, },
};

/* NPMU_CMD_REGION_DELETE - do */
static const struct nla_policy npmu_region_delete_nl_policy[NPMU_A_REGION_FORCE + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_FORCE] = { .type = NLA_FLAG, },
};

/* NPMU_CMD_REGION_FENCE - do */
static const struct nla_policy npmu_region_fence_nl_policy[NPMU_A_REGION_EXPECTED_EPOCH + 1] = {
	[NPMU_A_REGION_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_REGION_NAME] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_REGION_EXPECTED_EPOCH] = { .type = NLA_U64, },
};

/* NPMU_CMD_TPT_GET - dump */
static const struct nla_policy npmu_tpt_get_nl_policy[NPMU_A_TPT_REGION + 1] = {
	[NPMU_A_TPT_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_TPT_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* NPMU_CMD_BAD_GET - dump */
static const struct nla_policy npmu_bad_get_nl_policy[NPMU_A_BAD_UNIT + 1] = {
	[NPMU_A_BAD_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* NPMU_CMD_CHECKPOINT_GET - do */
static const struct nla_policy npmu_checkpoint_get_nl_policy[NPMU_A_CHECKPOINT_REGION + 1] = {
	[NPMU_A_CHECKPOINT_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_CHECKPOINT_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* NPMU_CMD_READER_GET - dump */
static const struct nla_policy npmu_reader_get_nl_policy[NPMU_A_READER_REGION + 1] = {
	[NPMU_A_READER_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_READER_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* NPMU_CMD_GRANT_ADD - do */
static const struct nla_policy npmu_grant_add_nl_policy[NPMU_A_GRANT_MAX_REGIONS + 1] = {
	[NPMU_A_GRANT_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_GRANT_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_GRANT_PRINCIPAL] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_GRANT_ACCESS] = NLA_POLICY_MASK(NLA_U32, 0x3),
	[NPMU_A_GRANT_OFFSET] = { .type = NLA_U64, },
	[NPMU_A_GRANT_LENGTH] = { .type = NLA_U64, },
	[NPMU_A_GRANT_QUOTA] = { .type = NLA_U64, },
	[NPMU_A_GRANT_MAX_REGIONS] = { .type = NLA_U32, },
};

/* NPMU_CMD_GRANT_REMOVE - do */
static const struct nla_policy npmu_grant_remove_nl_policy[NPMU_A_GRANT_PRINCIPAL + 1] = {
	[NPMU_A_GRANT_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_GRANT_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_A_GRANT_PRINCIPAL] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* NPMU_CMD_GRANT_GET - dump */
static const struct nla_policy npmu_grant_get_nl_policy[NPMU_A_GRANT_REGION + 1] = {
	[NPMU_A_GRANT_UNIT] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_A_GRANT_REGION] = { .type = NLA_NUL_STRING, .len = 63, },
};

/* Ops table for npmu */
static const struct genl_split_ops npmu_nl_ops[] = {
	{
		.cmd		= NPMU_CMD_UNIT_GET,
		.doit		= npmu_nl_unit_get_doit,
		.policy		= npmu_unit_get_nl_policy,
		.maxattr	= NPMU_A_UNIT_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= NPMU_CMD_UNIT_GET,
		.dumpit	= npmu_nl_unit_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_CMD_UNIT_FORMAT,
		.doit		= npmu_nl_unit_format_doit,
		.policy		= npmu_unit_format_nl_policy,
		.maxattr	= NPMU_A_UNIT_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_UNIT_ATTACH,
		.doit		= npmu_nl_unit_attach_doit,
		.policy		= npmu_unit_attach_nl_policy,
		.maxattr	= NPMU_A_UNIT_MAX_REGIONS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_UNIT_DETACH,
		.doit		= npmu_nl_unit_detach_doit,
		.policy		= npmu_unit_detach_nl_policy,
		.maxattr	= NPMU_A_UNIT_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_GET,
		.doit		= npmu_nl_region_get_doit,
		.policy		= npmu_region_get_do_nl_policy,
		.maxattr	= NPMU_A_REGION_NAME,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_GET,
		.dumpit		= npmu_nl_region_get_dumpit,
		.policy		= npmu_region_get_dump_nl_policy,
		.maxattr	= NPMU_A_REGION_UNIT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_CMD_REGION_CREATE,
		.doit		= npmu_nl_region_create_doit,
		.policy		= npmu_region_create_nl_policy,
		.maxattr	= NPMU_A_REGION_FLAGS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_SET,
		.doit		= npmu_nl_region_set_doit,
		.policy		= npmu_region_set_nl_policy,
		.maxattr	= NPMU_A_REGION_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_RESIZE,
		.doit		= npmu_nl_region_resize_doit,
		.policy		= npmu_region_resize_nl_policy,
		.maxattr	= NPMU_A_REGION_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_DELETE,
		.doit		= npmu_nl_region_delete_doit,
		.policy		= npmu_region_delete_nl_policy,
		.maxattr	= NPMU_A_REGION_FORCE,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_REGION_FENCE,
		.doit		= npmu_nl_region_fence_doit,
		.policy		= npmu_region_fence_nl_policy,
		.maxattr	= NPMU_A_REGION_EXPECTED_EPOCH,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_TPT_GET,
		.dumpit		= npmu_nl_tpt_get_dumpit,
		.policy		= npmu_tpt_get_nl_policy,
		.maxattr	= NPMU_A_TPT_REGION,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_CMD_BAD_GET,
		.dumpit		= npmu_nl_bad_get_dumpit,
		.policy		= npmu_bad_get_nl_policy,
		.maxattr	= NPMU_A_BAD_UNIT,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_CMD_CHECKPOINT_GET,
		.doit		= npmu_nl_checkpoint_get_doit,
		.policy		= npmu_checkpoint_get_nl_policy,
		.maxattr	= NPMU_A_CHECKPOINT_REGION,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_READER_GET,
		.dumpit		= npmu_nl_reader_get_dumpit,
		.policy		= npmu_reader_get_nl_policy,
		.maxattr	= NPMU_A_READER_REGION,
		.flags		= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_CMD_GRANT_ADD,
		.doit		= npmu_nl_grant_add_doit,
		.policy		= npmu_grant_add_nl_policy,
		.maxattr	= NPMU_A_GRANT_MAX_REGIONS,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_GRANT_REMOVE,
		.doit		= npmu_nl_grant_remove_doit,
		.policy		= npmu_grant_remove_nl_policy,
		.maxattr	= NPMU_A_GRANT_PRINCIPAL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_CMD_GRANT_GET,
		.dumpit		= npmu_nl_grant_get_dumpit,
		.policy		= npmu_grant_get_nl_policy,
		.maxattr	= NPMU_A_GRANT_REGION,
		.flags		= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group npmu_nl_mcgrps[] = {
	[NPMU_NLGRP_EVENTS] = { "events", },
};

struct genl_family npmu_nl_family __ro_after_init = {
	.name		= NPMU_FAMILY_NAME,
	.version	= NPMU_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= npmu_nl_ops,
	.n_split_ops	= ARRAY_SIZE(npmu_nl_ops),
	.mcgrps		= npmu_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(npmu_nl_mcgrps),
};

// SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause)
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/npmu_ni.yaml */
/* YNL-GEN kernel source */

#include <net/netlink.h>
#include <net/genetlink.h>

#include "netlink_gen.h"

#include <uapi/linux/npmu_ni.h>

/* NPMU_NI_CMD_LISTEN - do */
static const struct nla_policy npmu_ni_listen_nl_policy[NPMU_NI_A_LISTENER_PORT + 1] = {
	[NPMU_NI_A_LISTENER_ADDRESS] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_NI_A_LISTENER_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
};

/* NPMU_NI_CMD_UNLISTEN - do */
static const struct nla_policy npmu_ni_unlisten_nl_policy[NPMU_NI_A_LISTENER_PORT + 1] = {
	[NPMU_NI_A_LISTENER_ADDRESS] = { .type = NLA_NUL_STRING, .len = 63, },
	[NPMU_NI_A_LISTENER_PORT] = NLA_POLICY_MIN(NLA_U16, 1),
};

/* NPMU_NI_CMD_KEY_SET - do */
static const struct nla_policy npmu_ni_key_set_nl_policy[NPMU_NI_A_KEY_SECRET + 1] = {
	[NPMU_NI_A_KEY_PRINCIPAL] = { .type = NLA_NUL_STRING, .len = 31, },
	[NPMU_NI_A_KEY_SECRET] = { .type = NLA_BINARY, },
};

/* NPMU_NI_CMD_KEY_REMOVE - do */
static const struct nla_policy npmu_ni_key_remove_nl_policy[NPMU_NI_A_KEY_PRINCIPAL + 1] = {
	[NPMU_NI_A_KEY_PRINCIPAL] = { .type = NLA_NUL_STRING, .len = 31, },
};

/* Ops table for npmu_ni */
static const struct genl_split_ops npmu_ni_nl_ops[] = {
	{
		.cmd		= NPMU_NI_CMD_LISTEN,
		.doit		= npmu_ni_nl_listen_doit,
		.policy		= npmu_ni_listen_nl_policy,
		.maxattr	= NPMU_NI_A_LISTENER_PORT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_NI_CMD_UNLISTEN,
		.doit		= npmu_ni_nl_unlisten_doit,
		.policy		= npmu_ni_unlisten_nl_policy,
		.maxattr	= NPMU_NI_A_LISTENER_PORT,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= NPMU_NI_CMD_LISTENER_GET,
		.dumpit	= npmu_ni_nl_listener_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd		= NPMU_NI_CMD_KEY_SET,
		.doit		= npmu_ni_nl_key_set_doit,
		.policy		= npmu_ni_key_set_nl_policy,
		.maxattr	= NPMU_NI_A_KEY_SECRET,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd		= NPMU_NI_CMD_KEY_REMOVE,
		.doit		= npmu_ni_nl_key_remove_doit,
		.policy		= npmu_ni_key_remove_nl_policy,
		.maxattr	= NPMU_NI_A_KEY_PRINCIPAL,
		.flags		= GENL_CMD_CAP_DO,
	},
	{
		.cmd	= NPMU_NI_CMD_KEY_GET,
		.dumpit	= npmu_ni_nl_key_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
	{
		.cmd	= NPMU_NI_CMD_SESSION_GET,
		.dumpit	= npmu_ni_nl_session_get_dumpit,
		.flags	= GENL_CMD_CAP_DUMP,
	},
};

static const struct genl_multicast_group npmu_ni_nl_mcgrps[] = {
	[NPMU_NI_NLGRP_EVENTS] = { "events", },
};

struct genl_family npmu_ni_nl_family __ro_after_init = {
	.name		= NPMU_NI_FAMILY_NAME,
	.version	= NPMU_NI_FAMILY_VERSION,
	.netnsok	= true,
	.parallel_ops	= true,
	.module		= THIS_MODULE,
	.split_ops	= npmu_ni_nl_ops,
	.n_split_ops	= ARRAY_SIZE(npmu_ni_nl_ops),
	.mcgrps		= npmu_ni_nl_mcgrps,
	.n_mcgrps	= ARRAY_SIZE(npmu_ni_nl_mcgrps),
};

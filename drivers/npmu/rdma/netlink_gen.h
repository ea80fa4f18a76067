/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/npmu_ni.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_NPMU_NI_GEN_H
#define _LINUX_NPMU_NI_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/npmu_ni.h>

int npmu_ni_nl_listen_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_ni_nl_unlisten_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_ni_nl_listener_get_dumpit(struct sk_buff *skb,
				   struct netlink_callback *cb);
int npmu_ni_nl_key_set_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_ni_nl_key_remove_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_ni_nl_key_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_ni_nl_session_get_dumpit(struct sk_buff *skb,
				  struct netlink_callback *cb);

enum {
	NPMU_NI_NLGRP_EVENTS,
};

extern struct genl_family npmu_ni_nl_family;

#endif /* _LINUX_NPMU_NI_GEN_H */

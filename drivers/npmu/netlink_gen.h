/* SPDX-License-Identifier: ((GPL-2.0 WITH Linux-syscall-note) OR BSD-3-Clause) */
/* Do not edit directly, auto-generated from: */
/*	Documentation/netlink/specs/npmu.yaml */
/* YNL-GEN kernel header */

#ifndef _LINUX_NPMU_GEN_H
#define _LINUX_NPMU_GEN_H

#include <net/netlink.h>
#include <net/genetlink.h>

#include <uapi/linux/npmu_netlink.h>

int npmu_nl_unit_get_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_unit_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_nl_unit_format_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_unit_attach_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_unit_detach_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_get_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_nl_region_create_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_set_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_resize_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_delete_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_region_fence_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_tpt_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_nl_bad_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_nl_checkpoint_get_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_reader_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);
int npmu_nl_grant_add_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_grant_remove_doit(struct sk_buff *skb, struct genl_info *info);
int npmu_nl_grant_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb);

enum {
	NPMU_NLGRP_EVENTS,
};

extern struct genl_family npmu_nl_family;

#endif /* _LINUX_NPMU_GEN_H */

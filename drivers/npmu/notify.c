// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast events of the netlink family: one message for each change, after it
 * happened. Knows nothing of units and regions but what the event tells; no
 * operation fails or waits because a message could not be sent.
 *
 * One message goes to all who listen, so that a pid in it is that of the initial
 * pid namespace; requests answer in the asker's.
 */
#include <linux/pid.h>
#include <net/genetlink.h>
#include <linux/npmu_format.h>

#include "event.h"
#include "netlink_gen.h"
#include "notify.h"
#include "trace.h"

static int notify_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put(skb, attr, sizeof(value), &value);
}

static int notify_fill_unit(struct sk_buff *skb, const struct npmu_event_info *info)
{
	int ret;

	ret = nla_put_u32(skb, NPMU_A_UNIT_EVENT, info->event) ?:
	      nla_put_string(skb, NPMU_A_UNIT_NAME, info->unit) ?:
	      nla_put(skb, NPMU_A_UNIT_UUID, NPMU_UUID_LEN, info->unit_uuid);
	if (!ret && info->bad_len)
		ret = notify_put_u64(skb, NPMU_A_UNIT_BAD_START, info->bad_start) ?:
		      notify_put_u64(skb, NPMU_A_UNIT_BAD_LENGTH, info->bad_len);
	if (!ret && info->principal)
		ret = nla_put_string(skb, NPMU_A_UNIT_PRINCIPAL, info->principal);
	return ret;
}

static int notify_fill_region(struct sk_buff *skb, const struct npmu_event_info *info)
{
	int ret;

	ret = nla_put_u32(skb, NPMU_A_REGION_EVENT, info->event) ?:
	      nla_put_string(skb, NPMU_A_REGION_UNIT, info->unit) ?:
	      nla_put_string(skb, NPMU_A_REGION_NAME, info->region) ?:
	      nla_put(skb, NPMU_A_REGION_UUID, NPMU_UUID_LEN, info->region_uuid) ?:
	      notify_put_u64(skb, NPMU_A_REGION_SIZE, info->size) ?:
	      notify_put_u64(skb, NPMU_A_REGION_FENCE_EPOCH, info->fence_epoch);
	if (!ret && info->bad_len)
		ret = notify_put_u64(skb, NPMU_A_REGION_BAD_OFFSET, info->bad_start) ?:
		      notify_put_u64(skb, NPMU_A_REGION_BAD_LENGTH, info->bad_len);
	if (!ret && info->new_name)
		ret = nla_put_string(skb, NPMU_A_REGION_NEW_NAME, info->new_name);
	if (!ret && info->principal && *info->principal)
		ret = nla_put_string(skb, NPMU_A_REGION_PRINCIPAL, info->principal);
	if (!ret && info->writer)
		ret = nla_put_u32(skb, NPMU_A_REGION_WRITER_PID, pid_nr(info->writer));
	return ret;
}

void npmu_notify(const struct npmu_event_info *info)
{
	u8 cmd = info->region ? NPMU_CMD_REGION_NTF : NPMU_CMD_UNIT_NTF;
	struct sk_buff *skb;
	void *head;
	int ret;

	trace_npmu_event(info);
	if (!genl_has_listeners(&npmu_nl_family, &init_net, NPMU_NLGRP_EVENTS))
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		goto lost;
	head = genlmsg_put(skb, 0, 0, &npmu_nl_family, 0, cmd);
	if (!head)
		goto lost;
	ret = info->region ? notify_fill_region(skb, info) : notify_fill_unit(skb, info);
	if (ret)
		goto lost;
	genlmsg_end(skb, head);
	/* Listeners without room are told so by the socket layer. */
	genlmsg_multicast(&npmu_nl_family, skb, 0, NPMU_NLGRP_EVENTS, GFP_KERNEL);
	return;

lost:
	nlmsg_free(skb);
	genl_set_err(&npmu_nl_family, &init_net, 0, NPMU_NLGRP_EVENTS, -ENOBUFS);
}

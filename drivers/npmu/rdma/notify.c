// SPDX-License-Identifier: GPL-2.0-only
/*
 * Multicast events of the netlink family of the network interface: a client came in or
 * could not, opened a region, is gone. It must not know why.
 */
#include <linux/inet.h>

#include "conn.h"
#include "netlink.h"
#include "netlink_gen.h"

static int fill(struct sk_buff *skb, u64 id, const struct npmu_conn_stat *st,
		enum npmu_ni_session_event event)
{
	char peer[INET6_ADDRSTRLEN + 16];
	int ret;

	snprintf(peer, sizeof(peer), "%pISpc", &st->peer);
	ret = nla_put_u32(skb, NPMU_NI_A_SESSION_EVENT, event) ?:
	      nla_put(skb, NPMU_NI_A_SESSION_ID, sizeof(id), &id) ?:
	      nla_put_string(skb, NPMU_NI_A_SESSION_PEER, peer);
	if (!ret && *st->principal)
		ret = nla_put_string(skb, NPMU_NI_A_SESSION_PRINCIPAL, st->principal);
	if (!ret && *st->region)
		ret = nla_put_string(skb, NPMU_NI_A_SESSION_UNIT, st->unit) ?:
		      nla_put_string(skb, NPMU_NI_A_SESSION_REGION, st->region) ?:
		      nla_put(skb, NPMU_NI_A_SESSION_ENTRY, sizeof(st->entry), &st->entry);
	if (!ret && event == NPMU_NI_SESSION_EVENT_ENDED)
		ret = nla_put_u32(skb, NPMU_NI_A_SESSION_END, st->end);
	return ret;
}

void npmu_ni_notify(struct npmu_conn *conn, enum npmu_ni_session_event event)
{
	struct npmu_conn_stat st;
	struct sk_buff *skb;
	void *head;

	if (!genl_has_listeners(&npmu_ni_nl_family, &init_net, NPMU_NI_NLGRP_EVENTS))
		return;
	npmu_conn_stat(conn, &st);
	/* The end of one that was never known is for the counters. */
	if (event == NPMU_NI_SESSION_EVENT_ENDED && !*st.principal)
		return;
	skb = genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
	if (!skb)
		goto lost;
	head = genlmsg_put(skb, 0, 0, &npmu_ni_nl_family, 0, NPMU_NI_CMD_SESSION_NTF);
	if (!head || fill(skb, conn->id, &st, event))
		goto lost;
	genlmsg_end(skb, head);
	/* Listeners without room are told so by the socket layer. */
	genlmsg_multicast(&npmu_ni_nl_family, skb, 0, NPMU_NI_NLGRP_EVENTS, GFP_KERNEL);
	return;

lost:
	nlmsg_free(skb);
	genl_set_err(&npmu_ni_nl_family, &init_net, 0, NPMU_NI_NLGRP_EVENTS, -ENOBUFS);
}

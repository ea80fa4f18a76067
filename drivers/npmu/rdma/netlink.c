// SPDX-License-Identifier: GPL-2.0-only
/*
 * The netlink front end of the network interface. Parses, calls listen.c, auth.c and
 * conn.c, fills replies; owns no state and takes no lock of its own.
 */
#include <linux/capability.h>
#include <linux/inet.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "../compat.h"
#include "../tpt.h"
#include "auth.h"
#include "conn.h"
#include "listen.h"
#include "mr.h"
#include "netlink.h"
#include "netlink_gen.h"

static_assert((int)NPMU_CONN_NEW == NPMU_NI_SESSION_STATE_NEW);
static_assert((int)NPMU_CONN_CLOSING == NPMU_NI_SESSION_STATE_CLOSING);

/* Both who opened the socket and who sends must be allowed to. @skb: of the request. */
static int may(struct sk_buff *skb, const struct genl_info *info, struct netlink_ext_ack *extack)
{
	if (!net_eq(genl_info_net(info), &init_net)) {
		NL_SET_ERR_MSG(extack, "npmu is managed from the initial network namespace only");
		return -EPERM;
	}
	if (!netlink_capable(skb, CAP_SYS_ADMIN)) {
		NL_SET_ERR_MSG(extack, "CAP_SYS_ADMIN is needed");
		return -EPERM;
	}
	return 0;
}

static int parse_addr(struct genl_info *info, struct sockaddr_storage *addr)
{
	struct nlattr *text = info->attrs[NPMU_NI_A_LISTENER_ADDRESS];
	char port[8];

	if (!text || !info->attrs[NPMU_NI_A_LISTENER_PORT]) {
		NL_SET_ERR_MSG(info->extack, "an address and a port are needed");
		return -EINVAL;
	}
	snprintf(port, sizeof(port), "%u", nla_get_u16(info->attrs[NPMU_NI_A_LISTENER_PORT]));
	memset(addr, 0, sizeof(*addr));
	if (inet_pton_with_scope(&init_net, AF_UNSPEC, nla_data(text), port, addr)) {
		NL_SET_ERR_MSG_ATTR(info->extack, text, "not an IPv4 or IPv6 address");
		return -EINVAL;
	}
	return 0;
}

int npmu_ni_nl_listen_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sockaddr_storage addr;
	int ret;

	ret = may(skb, info, info->extack) ?: parse_addr(info, &addr);
	return ret ?: npmu_listen(&addr, info->extack);
}

int npmu_ni_nl_unlisten_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct sockaddr_storage addr;
	int ret;

	ret = may(skb, info, info->extack) ?: parse_addr(info, &addr);
	return ret ?: npmu_unlisten(&addr, info->extack);
}

static int put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put(skb, attr, sizeof(value), &value);
}

static u16 port_of(const struct sockaddr_storage *addr)
{
	const struct sockaddr_in6 *in6 = (const void *)addr;

	/* At the same place in both families. */
	return be16_to_cpu(in6->sin6_port);
}

static void *begin(struct sk_buff *skb, const struct genl_info *info, u8 cmd)
{
	return genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_ni_nl_family, NLM_F_MULTI,
			   cmd);
}

static int end(struct sk_buff *skb, void *head, int ret)
{
	if (ret) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int listener_fill(struct sk_buff *skb, const struct genl_info *info,
			 const struct npmu_listener_stat *st)
{
	char principal[NPMU_PRINCIPAL_LEN];
	char text[INET6_ADDRSTRLEN + 16];
	void *head;
	int ret;

	head = begin(skb, info, NPMU_NI_CMD_LISTENER_GET);
	if (!head)
		return -EMSGSIZE;
	snprintf(text, sizeof(text), "%pISc", &st->addr);
	ret = nla_put_string(skb, NPMU_NI_A_LISTENER_ADDRESS, text) ?:
	      nla_put_u16(skb, NPMU_NI_A_LISTENER_PORT, port_of(&st->addr)) ?:
	      (st->listening ? nla_put_flag(skb, NPMU_NI_A_LISTENER_LISTENING) :
	       nla_put_u32(skb, NPMU_NI_A_LISTENER_ERROR, -st->error)) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_ACCEPTED, st->accepted) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_REFUSED, st->refused) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_DENIED, st->denied) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_UNPROVED,
		      st->ended[NPMU_NI_SESSION_END_UNPROVED]) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_MALFORMED,
		      st->ended[NPMU_NI_SESSION_END_MALFORMED]) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_VIOLATIONS,
		      st->ended[NPMU_NI_SESSION_END_VIOLATION]) ?:
	      put_u64(skb, NPMU_NI_A_LISTENER_VANISHED,
		      st->ended[NPMU_NI_SESSION_END_VANISHED]) ?:
	      (npmu_key_next(0, principal) ? 0 :
	       nla_put_flag(skb, NPMU_NI_A_LISTENER_NO_KEYS));
	return end(skb, head, ret);
}

int npmu_ni_nl_listener_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	u64 *last = (u64 *)cb->ctx;
	struct npmu_listener_stat st;
	int ret;

	NL_ASSERT_CTX_FITS(u64);
	ret = may(cb->skb, info, cb->extack);
	while (!ret && npmu_listener_next(*last, &st)) {
		ret = listener_fill(skb, info, &st);
		if (!ret)
			*last = st.id;
	}
	return ret;
}

static const char *principal_of(struct genl_info *info)
{
	struct nlattr *attr = info->attrs[NPMU_NI_A_KEY_PRINCIPAL];

	if (!attr) {
		NL_SET_ERR_MSG(info->extack, "the name of a principal is needed");
		return NULL;
	}
	if (!npmu_principal_ok(nla_data(attr))) {
		NL_SET_ERR_MSG_ATTR(info->extack, attr, "not a name of a principal");
		return NULL;
	}
	return nla_data(attr);
}

int npmu_ni_nl_key_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *secret = info->attrs[NPMU_NI_A_KEY_SECRET];
	const char *principal;
	int ret;

	ret = may(skb, info, info->extack);
	if (ret)
		return ret;
	principal = principal_of(info);
	if (!principal)
		return -EINVAL;
	if (!secret) {
		NL_SET_ERR_MSG(info->extack, "the bytes of the key are needed");
		return -EINVAL;
	}
	ret = npmu_key_set(principal, nla_data(secret), nla_len(secret), info->extack);
	/* It does not stay in the socket's buffer. */
	memzero_explicit(nla_data(secret), nla_len(secret));
	return ret;
}

int npmu_ni_nl_key_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	const char *principal;
	int ret;

	ret = may(skb, info, info->extack);
	if (ret)
		return ret;
	principal = principal_of(info);
	return principal ? npmu_key_remove(principal, info->extack) : -EINVAL;
}

int npmu_ni_nl_key_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	char principal[NPMU_PRINCIPAL_LEN];
	unsigned int *index = (unsigned int *)cb->ctx;
	void *head;
	int ret;

	ret = may(cb->skb, info, cb->extack);
	while (!ret && npmu_key_next(*index, principal)) {
		head = begin(skb, info, NPMU_NI_CMD_KEY_GET);
		if (!head)
			return -EMSGSIZE;
		ret = end(skb, head, nla_put_string(skb, NPMU_NI_A_KEY_PRINCIPAL, principal));
		if (!ret)
			(*index)++;
	}
	return ret;
}

static int session_fill(struct sk_buff *skb, const struct genl_info *info,
			struct npmu_conn *conn)
{
	struct npmu_conn_stat st;
	char peer[INET6_ADDRSTRLEN + 16];
	void *head;
	int ret;

	head = begin(skb, info, NPMU_NI_CMD_SESSION_GET);
	if (!head)
		return -EMSGSIZE;
	npmu_conn_stat(conn, &st);
	snprintf(peer, sizeof(peer), "%pISpc", &st.peer);
	ret = put_u64(skb, NPMU_NI_A_SESSION_ID, conn->id) ?:
	      nla_put_string(skb, NPMU_NI_A_SESSION_PEER, peer) ?:
	      nla_put_u32(skb, NPMU_NI_A_SESSION_STATE, st.state) ?:
	      (st.principal[0] ? nla_put_string(skb, NPMU_NI_A_SESSION_PRINCIPAL,
						st.principal) : 0) ?:
	      (st.region[0] ? nla_put_string(skb, NPMU_NI_A_SESSION_UNIT, st.unit) ?:
	       nla_put_string(skb, NPMU_NI_A_SESSION_REGION, st.region) ?:
	       put_u64(skb, NPMU_NI_A_SESSION_ENTRY, st.entry) : 0) ?:
	      nla_put_u32(skb, NPMU_NI_A_SESSION_KEYS, st.keys) ?:
	      put_u64(skb, NPMU_NI_A_SESSION_REQUESTS, atomic64_read(&conn->counters.requests)) ?:
	      put_u64(skb, NPMU_NI_A_SESSION_DENIED, atomic64_read(&conn->counters.denied)) ?:
	      put_u64(skb, NPMU_NI_A_SESSION_COMMITS, atomic64_read(&conn->counters.commits)) ?:
	      put_u64(skb, NPMU_NI_A_SESSION_COMPLETIONS,
		      atomic64_read(&conn->counters.completions));
	return end(skb, head, ret);
}

int npmu_ni_nl_session_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);
	u64 *last = (u64 *)cb->ctx;
	struct npmu_conn *conn;
	int ret;

	ret = may(cb->skb, info, cb->extack);
	while (!ret && (conn = npmu_conn_next(*last))) {
		ret = session_fill(skb, info, conn);
		if (!ret)
			*last = conn->id;
		npmu_conn_put(conn);
	}
	return ret;
}

/* As in the specification; the generator has no word for who may listen. */
static const struct genl_multicast_group groups[] = {
	[NPMU_NI_NLGRP_EVENTS] = {
		.name = NPMU_NI_MCGRP_EVENTS,
		.flags = GENL_MCAST_CAP_SYS_ADMIN,
	},
};

int npmu_ni_netlink_init(void)
{
	npmu_ni_nl_family.mcgrps = groups;
	return genl_register_family(&npmu_ni_nl_family);
}

void npmu_ni_netlink_exit(void)
{
	genl_unregister_family(&npmu_ni_nl_family);
}

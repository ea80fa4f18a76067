// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on the translation and protection table: show its entries. Knows
 * attributes; what an entry is for is for the layers below.
 */
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "tpt.h"

/* A principal is no process of this host. */
static int tpt_fill_opener(struct sk_buff *skb, const struct npmu_tpt_stat *st)
{
	if (*st->principal)
		return nla_put_string(skb, NPMU_A_TPT_PRINCIPAL, st->principal);
	return nla_put_u32(skb, NPMU_A_TPT_PID,
			   pid_nr_ns(st->opener, task_active_pid_ns(current))) ?:
	       nla_put_string(skb, NPMU_A_TPT_COMMAND, st->command) ?:
	       nla_put_u32(skb, NPMU_A_TPT_UID, from_kuid_munged(current_user_ns(), st->uid));
}

static int tpt_fill_attrs(struct sk_buff *skb, const char *unit,
			  const struct npmu_tpt_stat *st)
{
	int ret;

	ret = nla_put_string(skb, NPMU_A_TPT_UNIT, unit) ?:
	      nla_put_string(skb, NPMU_A_TPT_REGION, st->region) ?:
	      npmu_nl_put_u64(skb, NPMU_A_TPT_ID, st->id) ?:
	      tpt_fill_opener(skb, st) ?:
	      nla_put_u32(skb, NPMU_A_TPT_ACCESS, st->access) ?:
	      npmu_nl_put_u64(skb, NPMU_A_TPT_OFFSET, st->offset) ?:
	      npmu_nl_put_u64(skb, NPMU_A_TPT_LENGTH, st->length) ?:
	      npmu_nl_put_u64(skb, NPMU_A_TPT_FENCE_EPOCH, st->fence_epoch);
	if (!ret && st->writer)
		ret = nla_put_flag(skb, NPMU_A_TPT_WRITER);
	if (!ret && st->dead)
		ret = nla_put_flag(skb, NPMU_A_TPT_DEAD);
	return ret;
}

static int tpt_fill(struct sk_buff *skb, const struct genl_info *info, const char *unit,
		    const struct npmu_tpt_stat *st)
{
	void *head;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, NLM_F_MULTI,
			   NPMU_CMD_TPT_GET);
	if (!head)
		return -EMSGSIZE;
	if (tpt_fill_attrs(skb, unit, st)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* Entry ids only rise: the position is the last id shown. */
static int tpt_show(struct sk_buff *skb, const struct genl_info *info,
		    struct npmu_unit *unit, u64 *pos)
{
	struct nlattr *region = info->attrs[NPMU_A_TPT_REGION];
	struct npmu_tpt_stat st;
	int ret = 0;

	while (!ret && npmu_tpt_next(unit, *pos, &st)) {
		if (!region || !strcmp(nla_data(region), st.region))
			ret = tpt_fill(skb, info, unit->name, &st);
		if (!ret)
			*pos = st.id;
		npmu_tpt_stat_put(&st);
	}
	return ret;
}

int npmu_nl_tpt_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	return npmu_nl_dump_units(skb, cb, info->attrs[NPMU_A_TPT_UNIT], tpt_show);
}

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on memory that failed: show it. Knows attributes; what is bad and whose it
 * is, is for the layers below.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "bad.h"
#include "netlink.h"
#include "netlink_gen.h"

static int bad_fill(struct sk_buff *skb, const struct genl_info *info, const char *unit,
		    const struct npmu_bad_stat *st)
{
	void *head;
	int ret;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, NLM_F_MULTI,
			   NPMU_CMD_BAD_GET);
	if (!head)
		return -EMSGSIZE;
	ret = nla_put_string(skb, NPMU_A_BAD_UNIT, unit) ?:
	      npmu_nl_put_u64(skb, NPMU_A_BAD_START, st->start) ?:
	      npmu_nl_put_u64(skb, NPMU_A_BAD_LENGTH, st->len);
	if (!ret && st->region[0])
		ret = nla_put_string(skb, NPMU_A_BAD_REGION, st->region) ?:
		      npmu_nl_put_u64(skb, NPMU_A_BAD_OFFSET, st->offset);
	if (ret) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* The position is the end of what was shown. */
static int bad_show(struct sk_buff *skb, const struct genl_info *info,
		    struct npmu_unit *unit, u64 *pos)
{
	struct npmu_bad_stat st;
	int ret;

	while (npmu_bad_next(unit, *pos, &st)) {
		ret = bad_fill(skb, info, unit->name, &st);
		if (ret)
			return ret;
		*pos = st.start + st.len;
	}
	return 0;
}

int npmu_nl_bad_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	return npmu_nl_dump_units(skb, cb, info->attrs[NPMU_A_BAD_UNIT], bad_show);
}

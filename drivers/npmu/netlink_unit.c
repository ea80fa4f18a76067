// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on units: show, format, attach, detach. Knows attributes; what a unit
 * is and which names and sizes it may have is for the layers below.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "netlink.h"
#include "netlink_gen.h"
#include "unit.h"

static int unit_fill_attrs(struct sk_buff *skb, struct npmu_unit *unit)
{
	struct npmu_unit_stat st;
	int ret;

	npmu_unit_stat(unit, &st);
	ret = nla_put_string(skb, NPMU_A_UNIT_NAME, unit->name) ?:
	      nla_put(skb, NPMU_A_UNIT_UUID, NPMU_UUID_LEN, unit->uuid) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_BACKING, st.backing) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_CLASS, st.class) ?:
	      npmu_nl_put_u64(skb, NPMU_A_UNIT_SIZE, st.size) ?:
	      npmu_nl_put_u64(skb, NPMU_A_UNIT_DATA_SIZE, st.data_size) ?:
	      npmu_nl_put_u64(skb, NPMU_A_UNIT_FREE, st.free) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_MAX_REGIONS, st.max_regions) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_REGIONS, st.nr_regions) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_OPENS, st.nr_entries) ?:
	      npmu_nl_put_u64(skb, NPMU_A_UNIT_MEDIA_EPOCH, st.media_epoch) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_REPAIRED, st.repaired) ?:
	      nla_put_u32(skb, NPMU_A_UNIT_UNSOUND_REGIONS, st.unsound_regions);
	if (!ret)
		ret = npmu_nl_put_u64(skb, NPMU_A_UNIT_BAD, st.bad) ?:
		      nla_put_u32(skb, NPMU_A_UNIT_BAD_RANGES, st.bad_ranges) ?:
		      nla_put_u32(skb, NPMU_A_UNIT_UNREADABLE, st.unreadable) ?:
		      nla_put_u32(skb, NPMU_A_UNIT_CREATORS, st.creators);
	if (!ret && st.bad_incomplete)
		ret = nla_put_flag(skb, NPMU_A_UNIT_BAD_INCOMPLETE);
	if (!ret && st.path[0])
		ret = nla_put_string(skb, NPMU_A_UNIT_PATH, st.path);
	if (!ret && st.gone)
		ret = nla_put_flag(skb, NPMU_A_UNIT_GONE);
	return ret;
}

static int unit_fill(struct sk_buff *skb, const struct genl_info *info, int flags,
		     struct npmu_unit *unit)
{
	void *head;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, flags,
			   info->genlhdr->cmd);
	if (!head)
		return -EMSGSIZE;
	if (unit_fill_attrs(skb, unit)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

int npmu_nl_unit_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_unit *unit;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_show(info, info->extack);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_NAME)) {
		NL_SET_ERR_MSG(info->extack, "attribute name is missing");
		return -EINVAL;
	}
	reply = npmu_nl_room();
	if (!reply)
		return -ENOMEM;
	unit = npmu_nl_unit(info->attrs[NPMU_A_UNIT_NAME], info->extack);
	if (IS_ERR(unit)) {
		nlmsg_free(reply);
		return PTR_ERR(unit);
	}
	ret = unit_fill(reply, info, 0, unit);
	npmu_unit_put(unit);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	return genlmsg_reply(reply, info);
}

static int unit_show(struct sk_buff *skb, const struct genl_info *info,
		     struct npmu_unit *unit, u64 *pos)
{
	return unit_fill(skb, info, NLM_F_MULTI, unit);
}

int npmu_nl_unit_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	return npmu_nl_dump_units(skb, cb, NULL, unit_show);
}

int npmu_nl_unit_format_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *max = info->attrs[NPMU_A_UNIT_MAX_REGIONS];
	const char *name;
	struct sk_buff *reply;
	u8 uuid[NPMU_UUID_LEN];
	void *head;
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_PATH) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_NAME)) {
		NL_SET_ERR_MSG(info->extack, "attributes path and name are needed");
		return -EINVAL;
	}
	reply = npmu_nl_room();
	if (!reply)
		return -ENOMEM;
	name = npmu_nl_str(info, NPMU_A_UNIT_NAME);
	ret = npmu_unit_format(npmu_nl_str(info, NPMU_A_UNIT_PATH), name,
			       max ? nla_get_u32(max) : 0, info->attrs[NPMU_A_UNIT_FORCE],
			       uuid, info->extack);
	if (ret)
		goto err;
	/* Two attributes: they fit. */
	head = genlmsg_put_reply(reply, info, &npmu_nl_family, 0, info->genlhdr->cmd);
	nla_put_string(reply, NPMU_A_UNIT_NAME, name);
	nla_put(reply, NPMU_A_UNIT_UUID, sizeof(uuid), uuid);
	genlmsg_end(reply, head);
	genlmsg_reply(reply, info);
	return 0;

err:
	nlmsg_free(reply);
	return ret;
}

static struct npmu_unit *unit_attach_dram(struct genl_info *info)
{
	struct nlattr *max = info->attrs[NPMU_A_UNIT_MAX_REGIONS];

	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_SIZE)) {
		NL_SET_ERR_MSG(info->extack, "a dram unit needs the attributes name and size");
		return ERR_PTR(-EINVAL);
	}
	if (info->attrs[NPMU_A_UNIT_PATH]) {
		NL_SET_ERR_MSG_ATTR(info->extack, info->attrs[NPMU_A_UNIT_PATH],
				    "a dram unit has no path");
		return ERR_PTR(-EINVAL);
	}
	return npmu_unit_attach_dram(npmu_nl_str(info, NPMU_A_UNIT_NAME),
				     nla_get_u64(info->attrs[NPMU_A_UNIT_SIZE]),
				     max ? nla_get_u32(max) : 0, info->extack);
}

static struct npmu_unit *unit_attach_pmem(struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_PATH)) {
		NL_SET_ERR_MSG(info->extack, "a pmem unit needs the attribute path");
		return ERR_PTR(-EINVAL);
	}
	if (info->attrs[NPMU_A_UNIT_SIZE] || info->attrs[NPMU_A_UNIT_MAX_REGIONS]) {
		NL_SET_ERR_MSG(info->extack,
			       "size and max-regions of a pmem unit are on its media");
		return ERR_PTR(-EINVAL);
	}
	return npmu_unit_attach_pmem(npmu_nl_str(info, NPMU_A_UNIT_PATH),
				     npmu_nl_str(info, NPMU_A_UNIT_NAME), info->extack);
}

/* Without the attribute backing it is pmem. */
int npmu_nl_unit_attach_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct nlattr *kind = info->attrs[NPMU_A_UNIT_BACKING];
	struct npmu_unit *unit;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	reply = npmu_nl_room();
	if (!reply)
		return -ENOMEM;
	if (kind && nla_get_u32(kind) == NPMU_BACKING_KIND_DRAM)
		unit = unit_attach_dram(info);
	else
		unit = unit_attach_pmem(info);
	if (IS_ERR(unit)) {
		nlmsg_free(reply);
		return PTR_ERR(unit);
	}
	if (WARN_ON_ONCE(unit_fill(reply, info, 0, unit)))
		nlmsg_free(reply);
	else
		genlmsg_reply(reply, info);
	npmu_unit_put(unit);
	return 0;
}

int npmu_nl_unit_detach_doit(struct sk_buff *skb, struct genl_info *info)
{
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_UNIT_NAME)) {
		NL_SET_ERR_MSG(info->extack, "attribute name is missing");
		return -EINVAL;
	}
	return npmu_unit_detach(npmu_nl_str(info, NPMU_A_UNIT_NAME), info->extack);
}

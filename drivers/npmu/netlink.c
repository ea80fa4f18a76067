// SPDX-License-Identifier: GPL-2.0-only
/*
 * The generic netlink front end: the family and what all of its requests share.
 * The requests are in netlink_unit.c, netlink_region.c and their like. They
 * parse, call the layer below and fill replies; they own no state and take no
 * lock, since the layers below lock for themselves.
 *
 * A pid in a reply is that of the asker's pid namespace. The asker is the current
 * task: requests run in sendmsg(2), the later parts of a dump in recvmsg(2) of
 * whoever reads it.
 */
#include <linux/capability.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "region.h"

int npmu_nl_may_show(const struct genl_info *info, struct netlink_ext_ack *extack)
{
	if (net_eq(genl_info_net(info), &init_net))
		return 0;
	NL_SET_ERR_MSG(extack, "npmu is managed from the initial network namespace only");
	return -EPERM;
}

/*
 * GENL_ADMIN_PERM asks for CAP_NET_ADMIN alone. Here media are concerned: both who
 * opened the socket and who sends must have CAP_SYS_ADMIN.
 */
int npmu_nl_may_look(struct sk_buff *skb, const struct genl_info *info,
		     struct netlink_ext_ack *extack)
{
	int ret;

	ret = npmu_nl_may_show(info, extack);
	if (ret)
		return ret;
	if (netlink_capable(skb, CAP_SYS_ADMIN))
		return 0;
	NL_SET_ERR_MSG(extack, "CAP_SYS_ADMIN is needed");
	return -EPERM;
}

int npmu_nl_may_change(struct sk_buff *skb, struct genl_info *info)
{
	return npmu_nl_may_look(skb, info, info->extack);
}

const char *npmu_nl_str(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_data(info->attrs[attr]) : NULL;
}

struct npmu_unit *npmu_nl_unit(const struct nlattr *name, struct netlink_ext_ack *extack)
{
	struct npmu_unit *unit;

	unit = npmu_unit_find(nla_data(name));
	if (unit)
		return unit;
	NL_SET_ERR_MSG_ATTR(extack, name, "no unit of this name is attached");
	return ERR_PTR(-ENOENT);
}

struct npmu_region *npmu_nl_region(const struct genl_info *info, int unit, int region,
				   struct netlink_ext_ack *extack)
{
	struct npmu_region *found;
	struct npmu_unit *of;

	if (!info->attrs[unit] || !info->attrs[region]) {
		NL_SET_ERR_MSG(extack, "the names of a unit and of a region are needed");
		return ERR_PTR(-EINVAL);
	}
	of = npmu_nl_unit(info->attrs[unit], extack);
	if (IS_ERR(of))
		return ERR_CAST(of);
	found = npmu_region_find(of, nla_data(info->attrs[region]));
	npmu_unit_put(of);
	if (found)
		return found;
	NL_SET_ERR_MSG_ATTR(extack, info->attrs[region], "no region of this name in the unit");
	return ERR_PTR(-ENOENT);
}

struct sk_buff *npmu_nl_room(void)
{
	return genlmsg_new(NLMSG_GOODSIZE, GFP_KERNEL);
}

/*
 * struct units_cursor - where a dump goes on. Unit ids only rise, and positions in
 * a unit do not move: what is there during the whole dump is shown once, whatever
 * else comes and goes.
 */
struct units_cursor {
	u32 unit;	/* lowest id not yet shown to its end */
	u32 last;	/* highest id to be shown; 0: not begun */
	u64 pos;	/* in @unit */
};

int npmu_nl_dump_units(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct nlattr *only,
		       int (*show)(struct sk_buff *skb, const struct genl_info *info,
				   struct npmu_unit *unit, u64 *pos))
{
	struct units_cursor *cur = (struct units_cursor *)cb->ctx;
	const struct genl_info *info = genl_info_dump(cb);
	struct npmu_unit *unit;
	int ret;

	NL_ASSERT_CTX_FITS(struct units_cursor);
	ret = npmu_nl_may_show(info, cb->extack);
	if (ret)
		return ret;
	if (!cur->last) {
		cur->unit = 1;
		cur->last = U32_MAX;
		if (only) {
			unit = npmu_nl_unit(only, cb->extack);
			if (IS_ERR(unit))
				return PTR_ERR(unit);
			cur->unit = unit->id;
			cur->last = unit->id;
			npmu_unit_put(unit);
		}
	}
	while ((unit = npmu_unit_next(cur->unit - 1))) {
		if (unit->id > cur->last) {
			npmu_unit_put(unit);
			break;
		}
		if (unit->id != cur->unit) {
			cur->unit = unit->id;
			cur->pos = 0;
		}
		ret = show(skb, info, unit, &cur->pos);
		npmu_unit_put(unit);
		if (ret)
			return ret;
		cur->unit++;
		cur->pos = 0;
	}
	return 0;
}

int npmu_netlink_init(void)
{
	return genl_register_family(&npmu_nl_family);
}

void npmu_netlink_exit(void)
{
	genl_unregister_family(&npmu_nl_family);
}

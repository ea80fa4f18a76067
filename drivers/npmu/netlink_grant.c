// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on grants: show, add, remove. Knows attributes; who may be granted what, and
 * what is taken away with a grant, is for the layers below.
 */
#include <net/genetlink.h>
#include <net/netlink.h>

#include "evict.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "rights.h"

static int grant_fill(struct sk_buff *skb, const struct genl_info *info, const char *unit,
		      const struct npmu_right_stat *st)
{
	void *head;
	int ret;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, NLM_F_MULTI,
			   NPMU_CMD_GRANT_GET);
	if (!head)
		return -EMSGSIZE;
	ret = nla_put_string(skb, NPMU_A_GRANT_UNIT, unit) ?:
	      nla_put_string(skb, NPMU_A_GRANT_PRINCIPAL, st->principal);
	if (!ret && st->region[0])
		ret = nla_put_string(skb, NPMU_A_GRANT_REGION, st->region) ?:
		      nla_put_u32(skb, NPMU_A_GRANT_ACCESS, st->access) ?:
		      npmu_nl_put_u64(skb, NPMU_A_GRANT_OFFSET, st->offset) ?:
		      npmu_nl_put_u64(skb, NPMU_A_GRANT_LENGTH, st->len);
	else if (!ret)
		ret = npmu_nl_put_u64(skb, NPMU_A_GRANT_QUOTA, st->quota) ?:
		      nla_put_u32(skb, NPMU_A_GRANT_MAX_REGIONS, st->max_regions) ?:
		      npmu_nl_put_u64(skb, NPMU_A_GRANT_USED, st->used) ?:
		      nla_put_u32(skb, NPMU_A_GRANT_REGIONS, st->regions);
	if (ret) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

static int grant_show(struct sk_buff *skb, const struct genl_info *info,
		      struct npmu_unit *unit, u64 *pos)
{
	struct nlattr *region = info->attrs[NPMU_A_GRANT_REGION];
	struct npmu_right_stat st;
	u64 next = *pos;
	int ret;

	while (npmu_right_next(unit, &next, &st)) {
		ret = region && strcmp(nla_data(region), st.region) ? 0 :
		      grant_fill(skb, info, unit->name, &st);
		if (ret)
			return ret;
		*pos = next;
	}
	return 0;
}

int npmu_nl_grant_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	return npmu_nl_dump_units(skb, cb, info->attrs[NPMU_A_GRANT_UNIT], grant_show);
}

static u64 get_u64(struct genl_info *info, int attr)
{
	return info->attrs[attr] ? nla_get_u64(info->attrs[attr]) : 0;
}

/* Who may change, the unit, the principal: what all changes need. */
static struct npmu_unit *grant_unit(struct sk_buff *skb, struct genl_info *info)
{
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ERR_PTR(ret);
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_GRANT_UNIT) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_GRANT_PRINCIPAL)) {
		NL_SET_ERR_MSG(info->extack, "attributes unit and principal are needed");
		return ERR_PTR(-EINVAL);
	}
	return npmu_nl_unit(info->attrs[NPMU_A_GRANT_UNIT], info->extack);
}

static int add_grant(struct genl_info *info)
{
	struct npmu_grant grant = {
		.offset = get_u64(info, NPMU_A_GRANT_OFFSET),
		.len = get_u64(info, NPMU_A_GRANT_LENGTH),
	};
	struct npmu_region *region;
	int ret;

	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_GRANT_ACCESS)) {
		NL_SET_ERR_MSG(info->extack, "a grant of a region needs the attribute access");
		return -EINVAL;
	}
	if (info->attrs[NPMU_A_GRANT_QUOTA] || info->attrs[NPMU_A_GRANT_MAX_REGIONS]) {
		NL_SET_ERR_MSG(info->extack,
			       "quota and max-regions are for a right to create, without a region");
		return -EINVAL;
	}
	grant.access = nla_get_u32(info->attrs[NPMU_A_GRANT_ACCESS]);
	strscpy(grant.principal, npmu_nl_str(info, NPMU_A_GRANT_PRINCIPAL));
	region = npmu_nl_region(info, NPMU_A_GRANT_UNIT, NPMU_A_GRANT_REGION, info->extack);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = npmu_evict_grant(region, &grant, info->extack);
	npmu_region_put(region);
	return ret;
}

static int add_creator(struct genl_info *info, struct npmu_unit *unit)
{
	struct nlattr *max = info->attrs[NPMU_A_GRANT_MAX_REGIONS];
	struct npmu_creator creator = {
		.max_regions = max ? nla_get_u32(max) : NPMU_MAX_REGIONS,
	};
	u64 quota;

	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_GRANT_QUOTA)) {
		NL_SET_ERR_MSG(info->extack, "a right to create regions needs the attribute quota");
		return -EINVAL;
	}
	if (info->attrs[NPMU_A_GRANT_ACCESS] || info->attrs[NPMU_A_GRANT_OFFSET] ||
	    info->attrs[NPMU_A_GRANT_LENGTH]) {
		NL_SET_ERR_MSG(info->extack,
			       "access, offset and length are for a grant of a region");
		return -EINVAL;
	}
	/* What does not fit is refused as it is. */
	quota = get_u64(info, NPMU_A_GRANT_QUOTA);
	creator.quota = quota > NPMU_MAX_UNIT_SIZE ? quota : ALIGN(quota, NPMU_GRANULE_SIZE);
	strscpy(creator.principal, npmu_nl_str(info, NPMU_A_GRANT_PRINCIPAL));
	return npmu_creator_add(unit, &creator, info->extack);
}

int npmu_nl_grant_add_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_unit *unit = grant_unit(skb, info);
	int ret;

	if (IS_ERR(unit))
		return PTR_ERR(unit);
	ret = info->attrs[NPMU_A_GRANT_REGION] ? add_grant(info) : add_creator(info, unit);
	npmu_unit_put(unit);
	return ret;
}

int npmu_nl_grant_remove_doit(struct sk_buff *skb, struct genl_info *info)
{
	const char *principal = npmu_nl_str(info, NPMU_A_GRANT_PRINCIPAL);
	struct npmu_unit *unit = grant_unit(skb, info);
	struct npmu_region *region;
	int ret;

	if (IS_ERR(unit))
		return PTR_ERR(unit);
	if (info->attrs[NPMU_A_GRANT_REGION]) {
		region = npmu_nl_region(info, NPMU_A_GRANT_UNIT, NPMU_A_GRANT_REGION,
					info->extack);
		ret = PTR_ERR_OR_ZERO(region);
		if (!ret) {
			ret = npmu_evict_revoke(region, principal, info->extack);
			npmu_region_put(region);
		}
	} else {
		ret = npmu_creator_remove(unit, principal, info->extack);
	}
	npmu_unit_put(unit);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The generic netlink front end: what its files share, and how it is started.
 */
#ifndef _NPMU_NETLINK_FRONT_H
#define _NPMU_NETLINK_FRONT_H

#include <net/genetlink.h>

struct npmu_region;
struct npmu_unit;

/* Registers and unregisters the family. Units may be there only in between. */
int npmu_netlink_init(void);
void npmu_netlink_exit(void);

/*
 * May the asker see, may it change? 0 or -EPERM with a message. The family is
 * visible in every network namespace (generated so), but answers in one.
 */
int npmu_nl_may_show(const struct genl_info *info, struct netlink_ext_ack *extack);
/* May it see what the users of a region stored in it? */
int npmu_nl_may_look(struct sk_buff *skb, const struct genl_info *info,
		     struct netlink_ext_ack *extack);
int npmu_nl_may_change(struct sk_buff *skb, struct genl_info *info);

/* The string of an attribute that was checked by the policy, or NULL. */
const char *npmu_nl_str(struct genl_info *info, int attr);

/* The unit of that name with a reference, or ERR_PTR(-ENOENT) with a message. */
struct npmu_unit *npmu_nl_unit(const struct nlattr *name, struct netlink_ext_ack *extack);

/* The region of two attributes with a reference, or ERR_PTR with a message. */
struct npmu_region *npmu_nl_region(const struct genl_info *info, int unit, int region,
				   struct netlink_ext_ack *extack);

/*
 * Room for a reply. Taken before a change is made, so that a change that was made
 * is never answered with -ENOMEM.
 */
struct sk_buff *npmu_nl_room(void);

/*
 * A dump of what is in units: calls @show for the unit named by @only, or for each.
 * @show goes on at *@pos, which is 0 at first, moves it past what it showed, and
 * returns 0 at the end of the unit, -EMSGSIZE when the message is full.
 */
int npmu_nl_dump_units(struct sk_buff *skb, struct netlink_callback *cb,
		       const struct nlattr *only,
		       int (*show)(struct sk_buff *skb, const struct genl_info *info,
				   struct npmu_unit *unit, u64 *pos));

static inline int npmu_nl_put_u64(struct sk_buff *skb, int attr, u64 value)
{
	return nla_put(skb, attr, sizeof(value), &value);
}

#endif /* _NPMU_NETLINK_FRONT_H */

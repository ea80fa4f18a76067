// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on regions: show, create, set, resize, delete, fence. Knows attributes;
 * which names, sizes and modes there may be, and who is in the way of a change, is
 * for the layers below.
 */
#include <linux/fs.h>
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "evict.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "region.h"

/* As makedev(3) of the C library has it: 12 + 20 bits of each, interleaved. */
static u64 region_device(dev_t dev)
{
	u64 major = MAJOR(dev);
	u64 minor = MINOR(dev);

	return (major & 0xfff) << 8 | (major & ~0xfffULL) << 32 |
	       (minor & 0xff) | (minor & ~0xffULL) << 12;
}

static int put_principal(struct sk_buff *skb, int attr, const char *principal)
{
	return *principal ? nla_put_string(skb, attr, principal) : 0;
}

static int region_fill_attrs(struct sk_buff *skb, const char *unit,
			     const struct npmu_region_stat *st)
{
	struct pid_namespace *pids = task_active_pid_ns(current);
	struct user_namespace *users = current_user_ns();
	int ret;

	ret = nla_put_string(skb, NPMU_A_REGION_UNIT, unit) ?:
	      nla_put_string(skb, NPMU_A_REGION_NAME, st->name) ?:
	      nla_put(skb, NPMU_A_REGION_UUID, NPMU_UUID_LEN, st->uuid) ?:
	      nla_put_u32(skb, NPMU_A_REGION_SLOT, st->slot) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_SIZE, st->size) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_PM_ADDR, st->pm_addr) ?:
	      nla_put_u32(skb, NPMU_A_REGION_UID, from_kuid_munged(users, st->uid)) ?:
	      nla_put_u32(skb, NPMU_A_REGION_GID, from_kgid_munged(users, st->gid)) ?:
	      nla_put_u32(skb, NPMU_A_REGION_MODE, st->mode) ?:
	      nla_put_u32(skb, NPMU_A_REGION_FLAGS, st->flags) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_FENCE_EPOCH, st->fence_epoch) ?:
	      nla_put_u32(skb, NPMU_A_REGION_EXTENTS, st->nr_extents) ?:
	      nla_put_u32(skb, NPMU_A_REGION_OPENS, st->nr_live) ?:
	      nla_put_u32(skb, NPMU_A_REGION_ROLE, st->role) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_WRITER_ID, st->writer_id) ?:
	      nla_put_u32(skb, NPMU_A_REGION_WRITER_PID, pid_nr_ns(st->writer.pid, pids)) ?:
	      nla_put_u32(skb, NPMU_A_REGION_LAST_WRITER_PID,
			  pid_nr_ns(st->last_writer.pid, pids)) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_LAST_WRITER_EPOCH, st->last_writer_epoch) ?:
	      nla_put_u32(skb, NPMU_A_REGION_HEALTH, st->health) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_FAULTS_HUGE, st->faults_huge) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_FAULTS_SMALL, st->faults_small) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_BAD, st->bad) ?:
	      nla_put_u32(skb, NPMU_A_REGION_GRANTS, st->nr_grants) ?:
	      put_principal(skb, NPMU_A_REGION_CREATOR, st->creator) ?:
	      put_principal(skb, NPMU_A_REGION_WRITER_PRINCIPAL, st->writer.principal) ?:
	      put_principal(skb, NPMU_A_REGION_LAST_WRITER_PRINCIPAL,
			    st->last_writer.principal) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_OPENS_TOTAL, st->opens) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_READS, st->reads) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_WRITES, st->writes) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_PERSISTS, st->persists) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_COMMITS, st->commits) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_DENIED, st->denied) ?:
	      npmu_nl_put_u64(skb, NPMU_A_REGION_FENCES, st->fences);
	if (!ret && st->devt)
		ret = npmu_nl_put_u64(skb, NPMU_A_REGION_DEVICE, region_device(st->devt));
	return ret;
}

static int region_fill(struct sk_buff *skb, const struct genl_info *info, int flags,
		       struct npmu_region *region)
{
	struct npmu_region_stat st;
	void *head;
	int ret;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, flags,
			   info->genlhdr->cmd);
	if (!head)
		return -EMSGSIZE;
	npmu_region_stat(region, &st);
	ret = region_fill_attrs(skb, region->unit->name, &st);
	npmu_region_stat_put(&st);
	if (ret) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* The answer to a change that was made: it succeeded, whatever becomes of the answer. */
static void region_reply(struct sk_buff *reply, struct genl_info *info,
			 struct npmu_region *region)
{
	if (WARN_ON_ONCE(region_fill(reply, info, 0, region)))
		nlmsg_free(reply);
	else
		genlmsg_reply(reply, info);
}

/* The region a request names, with a reference, or ERR_PTR. */
static struct npmu_region *region_named(struct genl_info *info)
{
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_UNIT) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_NAME)) {
		NL_SET_ERR_MSG(info->extack, "attributes unit and name are needed");
		return ERR_PTR(-EINVAL);
	}
	return npmu_nl_region(info, NPMU_A_REGION_UNIT, NPMU_A_REGION_NAME, info->extack);
}

int npmu_nl_region_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_region *region;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_show(info, info->extack);
	if (ret)
		return ret;
	region = region_named(info);
	if (IS_ERR(region))
		return PTR_ERR(region);
	reply = npmu_nl_room();
	ret = reply ? region_fill(reply, info, 0, region) : -ENOMEM;
	npmu_region_put(region);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	return genlmsg_reply(reply, info);
}

static int region_show(struct sk_buff *skb, const struct genl_info *info,
		       struct npmu_unit *unit, u64 *pos)
{
	struct npmu_region *region;
	int ret;

	while ((region = npmu_region_next(unit, *pos))) {
		ret = region_fill(skb, info, NLM_F_MULTI, region);
		if (!ret)
			*pos = region->slot + 1;
		npmu_region_put(region);
		if (ret)
			return ret;
	}
	return 0;
}

int npmu_nl_region_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	const struct genl_info *info = genl_info_dump(cb);

	return npmu_nl_dump_units(skb, cb, info->attrs[NPMU_A_REGION_UNIT], region_show);
}

/*
 * What a request wants a region to be. Only what netlink alone can know is checked
 * here: that an id exists where ids are those of the initial user namespace.
 */
static int region_attr(struct genl_info *info, int name, struct npmu_region_attr *attr)
{
	struct nlattr *a;

	memset(attr, 0, sizeof(*attr));
	attr->name = npmu_nl_str(info, name);
	if (attr->name)
		attr->valid |= NPMU_ATTR_NAME;
	a = info->attrs[NPMU_A_REGION_UID];
	if (a) {
		attr->uid = make_kuid(&init_user_ns, nla_get_u32(a));
		attr->valid |= NPMU_ATTR_UID;
		if (!uid_valid(attr->uid)) {
			NL_SET_ERR_MSG_ATTR(info->extack, a, "no such user id");
			return -EINVAL;
		}
	}
	a = info->attrs[NPMU_A_REGION_GID];
	if (a) {
		attr->gid = make_kgid(&init_user_ns, nla_get_u32(a));
		attr->valid |= NPMU_ATTR_GID;
		if (!gid_valid(attr->gid)) {
			NL_SET_ERR_MSG_ATTR(info->extack, a, "no such group id");
			return -EINVAL;
		}
	}
	a = info->attrs[NPMU_A_REGION_MODE];
	if (a) {
		attr->mode = nla_get_u32(a);
		attr->valid |= NPMU_ATTR_MODE;
	}
	a = info->attrs[NPMU_A_REGION_FLAGS];
	if (a) {
		attr->flags = nla_get_u32(a);
		attr->valid |= NPMU_ATTR_FLAGS;
	}
	return 0;
}

int npmu_nl_region_create_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_region_attr attr;
	struct npmu_region *region;
	struct npmu_unit *unit;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_UNIT) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_NAME) ||
	    GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_SIZE)) {
		NL_SET_ERR_MSG(info->extack, "attributes unit, name and size are needed");
		return -EINVAL;
	}
	ret = region_attr(info, NPMU_A_REGION_NAME, &attr);
	if (ret)
		return ret;
	attr.size = nla_get_u64(info->attrs[NPMU_A_REGION_SIZE]);
	unit = npmu_nl_unit(info->attrs[NPMU_A_REGION_UNIT], info->extack);
	if (IS_ERR(unit))
		return PTR_ERR(unit);
	reply = npmu_nl_room();
	ret = reply ? npmu_region_create(unit, &attr, &region, info->extack) : -ENOMEM;
	npmu_unit_put(unit);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	region_reply(reply, info, region);
	npmu_region_put(region);
	return 0;
}

/* What all changes of a region that is there have in common. */
static int region_change(struct sk_buff *skb, struct genl_info *info,
			 int (*change)(struct genl_info *info, struct npmu_region *region))
{
	struct npmu_region *region;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	region = region_named(info);
	if (IS_ERR(region))
		return PTR_ERR(region);
	reply = npmu_nl_room();
	ret = reply ? change(info, region) : -ENOMEM;
	if (ret)
		nlmsg_free(reply);
	else
		region_reply(reply, info, region);
	npmu_region_put(region);
	return ret;
}

static int region_set(struct genl_info *info, struct npmu_region *region)
{
	struct npmu_region_attr attr;
	int ret;

	ret = region_attr(info, NPMU_A_REGION_NEW_NAME, &attr);
	if (ret)
		return ret;
	if (!attr.valid) {
		NL_SET_ERR_MSG(info->extack,
			       "one of new-name, uid, gid, mode and flags is needed");
		return -EINVAL;
	}
	return npmu_evict_set(region, &attr, info->attrs[NPMU_A_REGION_FORCE], info->extack);
}

int npmu_nl_region_set_doit(struct sk_buff *skb, struct genl_info *info)
{
	return region_change(skb, info, region_set);
}

static int region_resize(struct genl_info *info, struct npmu_region *region)
{
	if (GENL_REQ_ATTR_CHECK(info, NPMU_A_REGION_SIZE)) {
		NL_SET_ERR_MSG(info->extack, "attribute size is missing");
		return -EINVAL;
	}
	return npmu_evict_resize(region, nla_get_u64(info->attrs[NPMU_A_REGION_SIZE]),
				 info->attrs[NPMU_A_REGION_FORCE], info->extack);
}

int npmu_nl_region_resize_doit(struct sk_buff *skb, struct genl_info *info)
{
	return region_change(skb, info, region_resize);
}

static int region_fence(struct genl_info *info, struct npmu_region *region)
{
	struct nlattr *a = info->attrs[NPMU_A_REGION_EXPECTED_EPOCH];
	u64 expected = a ? nla_get_u64(a) : 0;

	return npmu_evict_fence(region, a ? &expected : NULL, info->extack);
}

int npmu_nl_region_fence_doit(struct sk_buff *skb, struct genl_info *info)
{
	return region_change(skb, info, region_fence);
}

int npmu_nl_region_delete_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_region *region;
	int ret;

	ret = npmu_nl_may_change(skb, info);
	if (ret)
		return ret;
	region = region_named(info);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = npmu_evict_delete(region, info->attrs[NPMU_A_REGION_FORCE], info->extack);
	npmu_region_put(region);
	return ret;
}

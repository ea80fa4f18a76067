// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests on checkpoints: show one, and its readers. Knows attributes; what is there,
 * is for the layers below.
 */
#include <linux/pid_namespace.h>
#include <linux/user_namespace.h>
#include <net/genetlink.h>
#include <net/netlink.h>

#include "checkpoint.h"
#include "compat.h"
#include "netlink.h"
#include "netlink_gen.h"
#include "reader.h"

#define PUT(skb, attr, value)	npmu_nl_put_u64(skb, NPMU_A_CHECKPOINT_##attr, value)

static int fill_header(struct sk_buff *skb, const struct npmu_ckpt_geometry *geometry)
{
	return nla_put_u32(skb, NPMU_A_CHECKPOINT_FORM, geometry->form) ?:
	       PUT(skb, GENERATION, geometry->generation) ?:
	       PUT(skb, INSTANCE, geometry->instance) ?:
	       PUT(skb, CAPACITY, geometry->capacity) ?:
	       PUT(skb, CREATED, geometry->created) ?:
	       (geometry->no_crc ? nla_put_flag(skb, NPMU_A_CHECKPOINT_NO_CRC) : 0);
}

static int fill_base(struct sk_buff *skb, const struct npmu_checkpoint_stat *st)
{
	const struct npmu_ckpt_record *base = &st->base;

	return PUT(skb, BASE_SEQUENCE, base->sequence) ?:
	       PUT(skb, BASE_OFFSET, st->base_offset) ?:
	       PUT(skb, BASE_LENGTH, base->length) ?:
	       PUT(skb, BASE_TAG, base->tag) ?:
	       PUT(skb, BASE_FENCE_EPOCH, base->fence_epoch);
}

static int fill_update(struct sk_buff *skb, const struct npmu_checkpoint_stat *st)
{
	const struct npmu_ckpt_record *update = &st->update;

	return PUT(skb, UPDATE_SEQUENCE, update->sequence) ?:
	       PUT(skb, UPDATE_OFFSET, st->update_offset) ?:
	       PUT(skb, UPDATE_LENGTH, update->length) ?:
	       PUT(skb, UPDATE_TAG, update->tag) ?:
	       PUT(skb, UPDATE_FENCE_EPOCH, update->fence_epoch);
}

static int fill_seal(struct sk_buff *skb, const struct npmu_ckpt_sealed *seal)
{
	return PUT(skb, SEAL_FENCE_EPOCH, seal->fence_epoch) ?:
	       PUT(skb, SEAL_SEQUENCE, seal->sequence) ?:
	       PUT(skb, SEAL_END, seal->end) ?:
	       PUT(skb, SEAL_BASE, seal->base);
}

static int fill_append(struct sk_buff *skb, const struct npmu_checkpoint_stat *st)
{
	return PUT(skb, RING_OFFSET, st->geometry.ring_offset) ?:
	       PUT(skb, RING_SIZE, st->geometry.ring_size) ?:
	       PUT(skb, FREE, st->free) ?:
	       PUT(skb, UPDATES, st->updates) ?:
	       PUT(skb, END, st->end) ?:
	       (st->has_base ? PUT(skb, BASE_POSITION, st->base.position) : 0) ?:
	       (st->has_update ? fill_update(skb, st) : 0) ?:
	       (st->has_seal ? fill_seal(skb, &st->seal) : 0);
}

static int checkpoint_fill(struct sk_buff *skb, struct genl_info *info,
			   const struct npmu_checkpoint_stat *st)
{
	void *head;
	int ret;

	head = genlmsg_put_reply(skb, info, &npmu_nl_family, 0, NPMU_CMD_CHECKPOINT_GET);
	if (!head)
		return -EMSGSIZE;
	ret = nla_put_string(skb, NPMU_A_CHECKPOINT_UNIT,
			     npmu_nl_str(info, NPMU_A_CHECKPOINT_UNIT)) ?:
	      nla_put_string(skb, NPMU_A_CHECKPOINT_REGION,
			     npmu_nl_str(info, NPMU_A_CHECKPOINT_REGION)) ?:
	      fill_header(skb, &st->geometry) ?:
	      (st->has_base ? fill_base(skb, st) : 0);
	if (!ret && st->geometry.form == NPMU_CKPT_FORM_APPEND)
		ret = fill_append(skb, st);
	if (ret)
		return -EMSGSIZE;
	genlmsg_end(skb, head);
	return 0;
}

int npmu_nl_checkpoint_get_doit(struct sk_buff *skb, struct genl_info *info)
{
	struct npmu_checkpoint_stat stat;
	struct npmu_region *region;
	struct sk_buff *reply;
	int ret;

	ret = npmu_nl_may_look(skb, info, info->extack);
	if (ret)
		return ret;
	region = npmu_nl_region(info, NPMU_A_CHECKPOINT_UNIT, NPMU_A_CHECKPOINT_REGION,
				info->extack);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = npmu_checkpoint_stat(region, &stat, info->extack);
	npmu_region_put(region);
	if (ret)
		return ret;
	reply = npmu_nl_room();
	if (!reply)
		return -ENOMEM;
	ret = checkpoint_fill(reply, info, &stat);
	if (ret) {
		nlmsg_free(reply);
		return ret;
	}
	return genlmsg_reply(reply, info);
}

static int reader_fill_attrs(struct sk_buff *skb, const struct genl_info *info, u32 slot,
			     const struct npmu_ckpt_named *named, struct pid *pid,
			     const char *principal)
{
	kuid_t uid = make_kuid(&init_user_ns, named->uid);

	return nla_put_string(skb, NPMU_A_READER_UNIT,
			      nla_data(info->attrs[NPMU_A_READER_UNIT])) ?:
	       nla_put_string(skb, NPMU_A_READER_REGION,
			      nla_data(info->attrs[NPMU_A_READER_REGION])) ?:
	       nla_put_u32(skb, NPMU_A_READER_SLOT, slot) ?:
	       nla_put_string(skb, NPMU_A_READER_NAME, named->name) ?:
	       nla_put_u32(skb, NPMU_A_READER_UID, from_kuid_munged(current_user_ns(), uid)) ?:
	       npmu_nl_put_u64(skb, NPMU_A_READER_POSITION, named->position) ?:
	       nla_put_u32(skb, NPMU_A_READER_PID,
			   pid_nr_ns(pid, task_active_pid_ns(current))) ?:
	       (*principal ? nla_put_string(skb, NPMU_A_READER_PRINCIPAL, principal) : 0);
}

static int reader_fill(struct sk_buff *skb, const struct genl_info *info, u32 slot,
		       const struct npmu_ckpt_named *named, struct pid *pid,
		       const char *principal)
{
	void *head;

	head = genlmsg_put(skb, info->snd_portid, info->snd_seq, &npmu_nl_family, NLM_F_MULTI,
			   NPMU_CMD_READER_GET);
	if (!head)
		return -EMSGSIZE;
	if (reader_fill_attrs(skb, info, slot, named, pid, principal)) {
		genlmsg_cancel(skb, head);
		return -EMSGSIZE;
	}
	genlmsg_end(skb, head);
	return 0;
}

/* struct readers_cursor - where a dump goes on */
struct readers_cursor {
	u32 slot;
};

static int readers_show(struct sk_buff *skb, const struct genl_info *info,
			struct npmu_region *region, u32 *slot, struct netlink_ext_ack *extack)
{
	char principal[NPMU_PRINCIPAL_LEN];
	struct npmu_ckpt_named named;
	struct pid *pid;
	u64 instance;
	int ret;

	while ((ret = npmu_checkpoint_reader(region, slot, &instance, &named, extack)) > 0) {
		pid = npmu_reader_who(region, *slot, instance, principal);
		ret = reader_fill(skb, info, *slot, &named, pid, principal);
		put_pid(pid);
		if (ret)
			return ret;
		++*slot;
	}
	return ret;
}

int npmu_nl_reader_get_dumpit(struct sk_buff *skb, struct netlink_callback *cb)
{
	struct readers_cursor *cursor = (struct readers_cursor *)cb->ctx;
	const struct genl_info *info = genl_info_dump(cb);
	struct npmu_region *region;
	int ret;

	NL_ASSERT_CTX_FITS(struct readers_cursor);
	ret = npmu_nl_may_look(cb->skb, info, cb->extack);
	if (ret)
		return ret;
	region = npmu_nl_region(info, NPMU_A_READER_UNIT, NPMU_A_READER_REGION, cb->extack);
	if (IS_ERR(region))
		return PTR_ERR(region);
	ret = readers_show(skb, info, region, &cursor->slot, cb->extack);
	npmu_region_put(region);
	return ret;
}

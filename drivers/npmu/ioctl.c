// SPDX-License-Identifier: GPL-2.0-only
/*
 * Requests of an open region (npmu_ioctl.h). Owns the table of requests, the
 * copying of their structures and what each one checks; what it does is below.
 */
#include <linux/mm.h>
#include <linux/pid_namespace.h>
#include <linux/uaccess.h>

#include "access.h"
#include "front.h"
#include "range.h"
#include "reader.h"

union npmu_ioc_any {
	struct {
		__u32 size;
		__u32 flags;
	} head;
	struct npmu_ioc_info info;
	struct npmu_ioc_persist persist;
	struct npmu_ioc_claim claim;
	struct npmu_ioc_takeover takeover;
	struct npmu_ioc_resign resign;
	struct npmu_ioc_kick kick;
	struct npmu_ioc_wait wait;
	struct npmu_ioc_sink sink;
	struct npmu_ioc_reader_attach attach;
	struct npmu_ioc_reader_ack ack;
	struct npmu_ioc_reader_detach detach;
};

static_assert(sizeof(struct npmu_ioc_info) == 216);
static_assert(sizeof(struct npmu_ioc_persist) == 24);
static_assert(sizeof(struct npmu_ioc_claim) == 16);
static_assert(sizeof(struct npmu_ioc_takeover) == 24);
static_assert(sizeof(struct npmu_ioc_resign) == 8);
static_assert(sizeof(struct npmu_ioc_kick) == 8);
static_assert(sizeof(struct npmu_ioc_wait) == 48);
static_assert(sizeof(struct npmu_ioc_sink) == 8);
static_assert(sizeof(struct npmu_ioc_reader_attach) == 48);
static_assert(sizeof(struct npmu_ioc_reader_ack) == 16);
static_assert(sizeof(struct npmu_ioc_reader_detach) == 24);
static_assert(sizeof(struct npmu_status) == 32);

static u32 pid_here(struct pid *pid)
{
	return pid_nr_ns(pid, task_active_pid_ns(current));
}

static int ioc_info(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct npmu_tpt_entry *entry = open->entry;
	struct npmu_region *region = entry->region;
	struct npmu_ioc_info *info = &arg->info;
	struct npmu_region_stat stat;

	/* Before the look: what changes after it is not seen. */
	WRITE_ONCE(open->seen_role, READ_ONCE(region->role_seq));
	smp_mb(); /* pairs with the lock under which the role changes */
	npmu_region_stat(region, &stat);
	*info = (struct npmu_ioc_info) {
		.size = info->size,
		.region_size = stat.size,
		.pm_addr = stat.pm_addr,
		.fence_epoch = stat.fence_epoch,
		.entry_id = entry->id,
		.writer_id = stat.writer_id,
		.last_writer_epoch = stat.last_writer_epoch,
		.persistence_class = region->unit->class,
		.access = entry->access,
		.role = stat.role,
		.dead = READ_ONCE(entry->dead),
		.writer_pid = pid_here(stat.writer.pid),
		.last_writer_pid = pid_here(stat.last_writer.pid),
		.region_flags = stat.flags,
	};
	memcpy(info->unit_uuid, region->unit->uuid, sizeof(info->unit_uuid));
	memcpy(info->region_uuid, stat.uuid, sizeof(info->region_uuid));
	strscpy(info->unit_name, region->unit->name);
	strscpy(info->region_name, stat.name);
	npmu_region_stat_put(&stat);
	return 0;
}

static int ioc_persist(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct npmu_ioc_persist *persist = &arg->persist;

	if (!npmu_range_ok(persist->offset, persist->length,
			   READ_ONCE(open->entry->region->size)))
		return -EINVAL;
	return npmu_tpt_persist(open->entry, persist->offset, persist->length);
}

static int ioc_claim(struct npmu_open *open, union npmu_ioc_any *arg)
{
	return npmu_open_claim(open, false, &arg->claim.fence_epoch);
}

static int ioc_takeover(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct npmu_ioc_takeover *takeover = &arg->takeover;
	int ret;

	takeover->fence_epoch = READ_ONCE(open->entry->region->fence_epoch);
	if (READ_ONCE(open->entry->dead))
		return -ESTALE;
	if (!(open->entry->access & NPMU_ACCESS_WRITE))
		return -EBADF;
	ret = npmu_open_bind(open, false);
	if (ret)
		return ret;
	return npmu_role_takeover(open->entry, takeover->expected_epoch, &takeover->fence_epoch);
}

static int ioc_resign(struct npmu_open *open, union npmu_ioc_any *arg)
{
	/* The role is not a child's to give up, nor a receiver's of the file. */
	if (READ_ONCE(open->mm) != current->mm)
		return -EPERM;
	return npmu_role_resign(open->entry);
}

static int ioc_kick(struct npmu_open *open, union npmu_ioc_any *arg)
{
	return npmu_role_kick(open->entry);
}

/* Sets kick_wanted, then looks: what is committed after the look is kicked. */
static u32 wait_events(struct npmu_open *open, const struct npmu_ioc_wait *wait, u64 seen_kicks,
		       u64 *kicks)
{
	struct npmu_region *region = open->entry->region;
	u32 events = 0;
	u64 value;

	npmu_role_want_kick(region);
	*kicks = READ_ONCE(region->status->kicks);
	if (*kicks != seen_kicks)
		events |= NPMU_WAIT_KICKED;
	if (READ_ONCE(region->role_seq) != READ_ONCE(open->seen_role))
		events |= NPMU_WAIT_ROLE;
	if (wait->flags & NPMU_WAIT_F_COMPARE &&
	    (npmu_tpt_read(open->entry, wait->offset, &value, sizeof(value)) ||
	     value != wait->value))
		events |= NPMU_WAIT_CHANGED;
	return events;
}

static int ioc_wait(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct npmu_region *region = open->entry->region;
	struct npmu_ioc_wait *wait = &arg->wait;
	u64 seen = READ_ONCE(open->seen_kicks);
	u64 kicks = seen;
	u32 events = 0;
	ktime_t timeout = KTIME_MAX;
	int ret = 0;

	if (wait->reserved)
		return -EOPNOTSUPP;
	if (wait->flags & NPMU_WAIT_F_COMPARE && !(open->entry->access & NPMU_ACCESS_READ))
		return -EBADF;
	if (wait->flags & NPMU_WAIT_F_COMPARE &&
	    (!IS_ALIGNED(wait->offset, sizeof(u64)) ||
	     !npmu_range_ok(wait->offset, sizeof(u64), READ_ONCE(region->size))))
		return -EINVAL;
	if (wait->timeout_ns <= KTIME_MAX)
		timeout = wait->timeout_ns;

	if (wait->flags & NPMU_WAIT_F_ARM)
		events = wait_events(open, wait, seen, &kicks);
	else
		ret = wait_event_interruptible_hrtimeout(region->wait,
							 READ_ONCE(open->entry->dead) ||
							 (events = wait_events(open, wait, seen,
									       &kicks)),
							 timeout);
	if (READ_ONCE(open->entry->dead))
		return -ESTALE;
	if (ret)
		return ret == -ETIME ? -ETIMEDOUT : -EINTR;
	WRITE_ONCE(open->seen_kicks, kicks);
	wait->events = events;
	wait->kicks = kicks;
	return 0;
}

static int ioc_sink(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct page *page;

	if (READ_ONCE(open->sink))
		return 0;
	page = alloc_page(GFP_KERNEL_ACCOUNT | __GFP_ZERO);
	if (!page)
		return -ENOMEM;
	if (cmpxchg(&open->sink, NULL, page))
		__free_page(page);
	return 0;
}

static int ioc_reader_attach(struct npmu_open *open, union npmu_ioc_any *arg)
{
	struct npmu_ioc_reader_attach *attach = &arg->attach;

	if (attach->reserved)
		return -EOPNOTSUPP;
	return npmu_reader_attach(open->entry, attach->flags & NPMU_READER_F_CREATE,
				  attach->instance, attach->name, &attach->position,
				  &attach->slot);
}

static int ioc_reader_ack(struct npmu_open *open, union npmu_ioc_any *arg)
{
	return npmu_reader_ack(open->entry, arg->ack.position);
}

static int ioc_reader_detach(struct npmu_open *open, union npmu_ioc_any *arg)
{
	return npmu_reader_detach(open->entry, arg->detach.name);
}

#define NPMU_OP_WHEN_DEAD	BIT(0)	/* admitted on a dead open */
#define NPMU_OP_REPLY_STALE	BIT(1)	/* answers even when it fails */

struct npmu_ioctl_op {
	int (*run)(struct npmu_open *open, union npmu_ioc_any *arg);
	unsigned int size;
	u32 known_flags;
	unsigned int how;
};

/* The size is that of the first version. */
#define IOCTL_OP(_nr, _run, _type, _flags, _how)		\
	[_IOC_NR(_nr)] = {					\
		.run = _run,					\
		.size = sizeof(_type) + BUILD_BUG_ON_ZERO(	\
			sizeof(_type) > sizeof(union npmu_ioc_any)), \
		.known_flags = _flags,				\
		.how = _how,					\
	}

static const struct npmu_ioctl_op npmu_ioctl_ops[] = {
	IOCTL_OP(NPMU_IOC_INFO, ioc_info, struct npmu_ioc_info, 0, NPMU_OP_WHEN_DEAD),
	IOCTL_OP(NPMU_IOC_PERSIST, ioc_persist, struct npmu_ioc_persist, 0, 0),
	IOCTL_OP(NPMU_IOC_CLAIM, ioc_claim, struct npmu_ioc_claim, 0, 0),
	IOCTL_OP(NPMU_IOC_TAKEOVER, ioc_takeover, struct npmu_ioc_takeover, 0,
		 NPMU_OP_WHEN_DEAD | NPMU_OP_REPLY_STALE),
	IOCTL_OP(NPMU_IOC_RESIGN, ioc_resign, struct npmu_ioc_resign, 0, 0),
	IOCTL_OP(NPMU_IOC_KICK, ioc_kick, struct npmu_ioc_kick, 0, 0),
	IOCTL_OP(NPMU_IOC_WAIT, ioc_wait, struct npmu_ioc_wait,
		 NPMU_WAIT_F_ARM | NPMU_WAIT_F_COMPARE, 0),
	IOCTL_OP(NPMU_IOC_SINK, ioc_sink, struct npmu_ioc_sink, 0, 0),
	IOCTL_OP(NPMU_IOC_READER_ATTACH, ioc_reader_attach, struct npmu_ioc_reader_attach,
		 NPMU_READER_F_CREATE, 0),
	IOCTL_OP(NPMU_IOC_READER_ACK, ioc_reader_ack, struct npmu_ioc_reader_ack, 0, 0),
	IOCTL_OP(NPMU_IOC_READER_DETACH, ioc_reader_detach, struct npmu_ioc_reader_detach, 0, 0),
};

long npmu_ioctl(struct file *file, unsigned int cmd, unsigned long ptr)
{
	struct npmu_open *open = file->private_data;
	void __user *user = (void __user *)ptr;
	const struct npmu_ioctl_op *op;
	u64 seen_role = READ_ONCE(open->seen_role);
	u64 seen_kicks = READ_ONCE(open->seen_kicks);
	union npmu_ioc_any arg = {};
	u32 size;
	int ret;

	if (_IOC_TYPE(cmd) != NPMU_IOC_TYPE || _IOC_NR(cmd) >= ARRAY_SIZE(npmu_ioctl_ops))
		return -ENOTTY;
	op = &npmu_ioctl_ops[_IOC_NR(cmd)];
	if (cmd != _IO(NPMU_IOC_TYPE, _IOC_NR(cmd)))
		return -ENOTTY;

	if (get_user(size, (u32 __user *)user))
		return -EFAULT;
	if (size < op->size)
		return -EINVAL;
	if (size > PAGE_SIZE)
		return -E2BIG;
	ret = copy_struct_from_user(&arg, op->size, user, size);
	if (ret)
		return ret;
	/* The caller may have changed it meanwhile. */
	arg.head.size = size;
	if (arg.head.flags & ~op->known_flags)
		return -EOPNOTSUPP;
	if (READ_ONCE(open->entry->dead) && !(op->how & NPMU_OP_WHEN_DEAD))
		return -ESTALE;

	/* Where the answer cannot go is found out while nothing is done yet. */
	if (copy_to_user(user, &arg, op->size))
		return -EFAULT;
	ret = op->run(open, &arg);
	if (ret && !(op->how & NPMU_OP_REPLY_STALE))
		return ret;
	if (copy_to_user(user, &arg, op->size)) {
		/* What could not be told was not seen: rather wake up twice. */
		WRITE_ONCE(open->seen_role, seen_role);
		WRITE_ONCE(open->seen_kicks, seen_kicks);
		return -EFAULT;
	}
	return ret;
}

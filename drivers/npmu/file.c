// SPDX-License-Identifier: GPL-2.0-only
/*
 * Open files of regions: open, release, read, write, fsync, poll, and whose
 * process the writer is. Owns struct npmu_open. It must not know pages or
 * mappings (mmap.c) nor the layout of requests (ioctl.c).
 */
#include <linux/mm.h>
#include <linux/mman.h>
#include <linux/mount.h>
#include <linux/poll.h>
#include <linux/pseudo_fs.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include <linux/uio.h>

#include "access.h"
#include "compat.h"
#include "front.h"
#include "range.h"
#include "reader.h"

#define NPMU_FS_MAGIC	0x4e504d55

/* Protected by simple_pin_fs() itself. */
static struct vfsmount *npmu_mount;
static int npmu_mount_count;

static int npmu_fs_init_context(struct fs_context *fc)
{
	return init_pseudo(fc, NPMU_FS_MAGIC) ? 0 : -ENOMEM;
}

/* Gives inodes, and with them an address_space, to open files. */
static struct file_system_type npmu_fs_type = {
	.name = "npmu",
	.owner = THIS_MODULE,
	.init_fs_context = npmu_fs_init_context,
	.kill_sb = kill_anon_super,
};

static struct inode *open_inode(void)
{
	struct inode *inode;
	int ret;

	ret = simple_pin_fs(&npmu_fs_type, &npmu_mount, &npmu_mount_count);
	if (ret)
		return ERR_PTR(ret);
	inode = alloc_anon_inode(npmu_mount->mnt_sb);
	if (IS_ERR(inode))
		simple_release_fs(&npmu_mount, &npmu_mount_count);
	return inode;
}

static void close_inode(struct inode *inode)
{
	iput(inode);
	simple_release_fs(&npmu_mount, &npmu_mount_count);
}

static const struct npmu_revoke_ops open_revoke_ops = {
	.zap = npmu_open_zap,
	.zap_range = npmu_open_zap_range,
};

static struct npmu_tpt_entry *open_entry(struct npmu_open *open, unsigned int minor, u32 access)
{
	struct npmu_tpt_entry *entry;
	struct npmu_region *region;

	region = npmu_cdev_region(minor);
	if (!region)
		return ERR_PTR(-ENXIO);
	if (mutex_lock_killable(&region->lock)) {
		npmu_region_put(region);
		return ERR_PTR(-EINTR);
	}
	entry = npmu_tpt_open(region, access, &open_revoke_ops, open);
	mutex_unlock(&region->lock);
	npmu_region_put(region);
	return entry;
}

static int npmu_file_open(struct inode *inode, struct file *file)
{
	struct npmu_tpt_entry *entry;
	struct npmu_open *open;
	u32 access = 0;
	int ret;

	if (file->f_mode & FMODE_READ)
		access |= NPMU_ACCESS_READ;
	if (file->f_mode & FMODE_WRITE)
		access |= NPMU_ACCESS_WRITE;

	/* open(path, 3) asks for ioctl alone: nothing a right could be checked for. */
	if (!access)
		return -EINVAL;

	open = kzalloc(sizeof(*open), GFP_KERNEL_ACCOUNT);
	if (!open)
		return -ENOMEM;
	open->inode = open_inode();
	if (IS_ERR(open->inode)) {
		ret = PTR_ERR(open->inode);
		goto err_free;
	}
	entry = open_entry(open, iminor(inode), access);
	if (IS_ERR(entry)) {
		ret = PTR_ERR(entry);
		goto err_inode;
	}
	open->entry = entry;
	open->seen_role = READ_ONCE(entry->region->role_seq);
	open->seen_kicks = READ_ONCE(entry->region->status->kicks);
	file->private_data = open;
	file->f_mapping = open->inode->i_mapping;
	return 0;

err_inode:
	close_inode(open->inode);
err_free:
	kfree(open);
	return ret;
}

static int npmu_file_release(struct inode *inode, struct file *file)
{
	struct npmu_open *open = file->private_data;

	/* Calls open_mm_release() unless the process went first. */
	if (open->mm)
		mmu_notifier_unregister(&open->mn, open->mm);
	npmu_reader_leave(open->entry);
	npmu_tpt_close(open->entry);
	if (open->sink)
		__free_page(open->sink);
	close_inode(open->inode);
	kfree(open);
	return 0;
}

static void open_mm_release(struct mmu_notifier *mn, struct mm_struct *mm)
{
	struct npmu_open *open = container_of(mn, struct npmu_open, mn);

	npmu_role_death(open->entry);
}

static const struct mmu_notifier_ops open_mn_ops = {
	.release = open_mm_release,
};

int npmu_open_bind(struct npmu_open *open, bool mmap_locked)
{
	struct mm_struct *mm = current->mm;
	struct mm_struct *old;
	int ret = 0;

	if (!mm)
		return -EINVAL;
	if (READ_ONCE(open->mm) == mm)
		return 0;

	if (!mmap_locked && mmap_write_lock_killable(mm))
		return -EINTR;
	/* Threads of this process are kept out by mmap_lock, others by cmpxchg. */
	old = cmpxchg(&open->binder, NULL, mm);
	if (!old) {
		open->mn.ops = &open_mn_ops;
		ret = __mmu_notifier_register(&open->mn, mm);
		/*
		 * It gives up when a signal is pending, also one that only means task
		 * work. Nobody expects mmap() to be interrupted: the call is made again.
		 */
		if (ret == -EINTR && signal_pending(current))
			ret = -ERESTARTNOINTR;
		/* Only now may a thread go on that does not take mmap_lock. */
		if (ret)
			WRITE_ONCE(open->binder, NULL);
		else
			WRITE_ONCE(open->mm, mm);
	} else if (old != mm) {
		ret = -EBUSY;
	}
	if (!mmap_locked)
		mmap_write_unlock(mm);
	return ret;
}

int npmu_open_claim(struct npmu_open *open, bool mmap_locked, u64 *fence_epoch)
{
	int ret;

	if (!(open->entry->access & NPMU_ACCESS_WRITE))
		return -EBADF;
	/* Of a dead open it does not matter whose it was. */
	if (READ_ONCE(open->entry->dead))
		return -ESTALE;
	ret = npmu_open_bind(open, mmap_locked);
	if (ret)
		return ret;
	return npmu_role_claim(open->entry, !mmap_locked, fence_epoch);
}

/*
 * User memory is copied to and from a buffer outside of the sections: a page of
 * the caller that never comes must not hold up a fence.
 */
#define NPMU_COPY_SIZE	(64UL << 10)

/*
 * A copy that met bad bytes goes on by granules, so that what is good up to them is
 * copied. @step: bytes tried; false: they were no more than one granule.
 */
static bool copy_finer(u64 offset, size_t *step)
{
	size_t left = NPMU_GRANULE_SIZE - (offset & (NPMU_GRANULE_SIZE - 1));

	if (*step <= left)
		return false;
	*step = left;
	return true;
}

static ssize_t npmu_file_read_iter(struct kiocb *iocb, struct iov_iter *to)
{
	struct npmu_open *open = iocb->ki_filp->private_data;
	u64 size = READ_ONCE(open->entry->region->size);
	ssize_t done = 0;
	size_t step;
	void *buf;
	int ret = 0;

	if (READ_ONCE(open->entry->dead))
		return -ESTALE;
	if (iocb->ki_pos < 0)
		return -EINVAL;
	if (iocb->ki_pos >= size || !iov_iter_count(to))
		return 0;
	buf = kvmalloc(min(NPMU_COPY_SIZE, iov_iter_count(to)), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(to) && iocb->ki_pos < size) {
		step = min3(NPMU_COPY_SIZE, iov_iter_count(to), (size_t)(size - iocb->ki_pos));
		ret = npmu_tpt_read(open->entry, iocb->ki_pos, buf, step);
		if (ret == -EIO && copy_finer(iocb->ki_pos, &step))
			ret = npmu_tpt_read(open->entry, iocb->ki_pos, buf, step);
		if (ret)
			break;
		step = copy_to_iter(buf, step, to);
		if (!step) {
			ret = -EFAULT;
			break;
		}
		iocb->ki_pos += step;
		done += step;
	}
	kvfree(buf);
	return done ?: ret;
}

static ssize_t npmu_file_write_iter(struct kiocb *iocb, struct iov_iter *from)
{
	struct npmu_open *open = iocb->ki_filp->private_data;
	u64 size = READ_ONCE(open->entry->region->size);
	ssize_t done = 0;
	size_t step;
	void *buf;
	u64 epoch;
	int ret;

	if (iocb->ki_pos < 0)
		return -EINVAL;
	if (!iov_iter_count(from))
		return 0;
	if (iocb->ki_pos >= size)
		return -ENOSPC;
	buf = kvmalloc(min(NPMU_COPY_SIZE, iov_iter_count(from)), GFP_KERNEL);
	if (!buf)
		return -ENOMEM;
	while (iov_iter_count(from) && iocb->ki_pos < size) {
		step = min3(NPMU_COPY_SIZE, iov_iter_count(from), (size_t)(size - iocb->ki_pos));
		step = copy_from_iter(buf, step, from);
		if (!step) {
			ret = -EFAULT;
			break;
		}
		/* Not before there is something to write: a refusal changes nothing. */
		ret = done ? 0 : npmu_open_claim(open, false, &epoch);
		if (ret)
			break;
		ret = npmu_tpt_write(open->entry, iocb->ki_pos, buf, step);
		if (ret)
			break;
		iocb->ki_pos += step;
		done += step;
	}
	kvfree(buf);
	return done ?: ret;
}

static loff_t npmu_file_llseek(struct file *file, loff_t offset, int whence)
{
	struct npmu_open *open = file->private_data;

	return fixed_size_llseek(file, offset, whence, READ_ONCE(open->entry->region->size));
}

static int npmu_file_fsync(struct file *file, loff_t start, loff_t end, int datasync)
{
	struct npmu_open *open = file->private_data;
	u64 size = READ_ONCE(open->entry->region->size);
	u64 last = min_t(u64, end, size - 1);

	if (start > last)
		return 0;
	return npmu_tpt_persist(open->entry, start, last - start + 1);
}

static __poll_t npmu_file_poll(struct file *file, poll_table *wait)
{
	struct npmu_open *open = file->private_data;
	struct npmu_region *region = open->entry->region;
	__poll_t events = 0;

	poll_wait(file, &region->wait, wait);
	if (npmu_poll_waits(wait))
		npmu_role_want_kick(region);
	if (READ_ONCE(open->entry->dead))
		events |= EPOLLERR | EPOLLHUP;
	if (READ_ONCE(region->status->kicks) != READ_ONCE(open->seen_kicks))
		events |= EPOLLIN | EPOLLRDNORM;
	if (READ_ONCE(region->role_seq) != READ_ONCE(open->seen_role))
		events |= EPOLLPRI;
	return events;
}

static unsigned long npmu_get_unmapped_area(struct file *file, unsigned long addr,
					    unsigned long len, unsigned long pgoff,
					    unsigned long flags)
{
	/* A hint is only a wish: one at which 2 MiB cannot be mapped is not heeded. */
	if (!(flags & MAP_FIXED) && len >= PMD_SIZE &&
	    (addr ^ (pgoff << PAGE_SHIFT)) & ~PMD_MASK)
		addr = 0;
	/* An address congruent to the offset, so that 2 MiB can be mapped. */
	return thp_get_unmapped_area(file, addr, len, pgoff, flags);
}

const struct file_operations npmu_fops = {
	.owner = THIS_MODULE,
	.open = npmu_file_open,
	.release = npmu_file_release,
	.llseek = npmu_file_llseek,
	.read_iter = npmu_file_read_iter,
	.write_iter = npmu_file_write_iter,
	.fsync = npmu_file_fsync,
	.poll = npmu_file_poll,
	.unlocked_ioctl = npmu_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.mmap = npmu_mmap,
	.fop_flags = FOP_MMAP_SYNC,
	.get_unmapped_area = npmu_get_unmapped_area,
};

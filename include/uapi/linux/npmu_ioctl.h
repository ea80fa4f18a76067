/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * npmu ioctl and mmap interface of a region's char device,
 * /dev/npmu/<unit>/<region>.
 *
 * Every structure begins with its size as the caller knows it. A shorter one
 * than the first version is -EINVAL; a longer one is accepted as long as what
 * the kernel does not know is zero, else -E2BIG. The kernel writes back what
 * both sides know. Unknown flags and non-zero reserved fields are -EOPNOTSUPP.
 * A request that fails changes nothing; -ENOTTY: unknown request.
 *
 * enum npmu_class, enum npmu_role and NPMU_ACCESS_* stand in npmu_netlink.h.
 *
 * An open is one entry of the unit's translation and protection table (TPT).
 * Once the entry is dead (fenced, its writer's process gone, the region deleted
 * or shrunk by force, the unit's device gone) every request but INFO is -ESTALE.
 */
#ifndef _UAPI_LINUX_NPMU_IOCTL_H
#define _UAPI_LINUX_NPMU_IOCTL_H

#include <linux/ioctl.h>
#include <linux/types.h>
#include <linux/npmu_format.h>
#include <linux/npmu_netlink.h>

#define NPMU_IOC_TYPE		0xBE

/**
 * DOC: status page
 *
 * mmap(NULL, NPMU_STATUS_SIZE, PROT_READ, MAP_SHARED, fd, NPMU_STATUS_OFFSET)
 * gives a page that the kernel writes and that the process only reads. It stays
 * readable after a fence.
 */
#define NPMU_STATUS_OFFSET	(1ULL << 62)
#define NPMU_STATUS_SIZE	4096

/* The region was deleted, or its unit's device is gone. */
#define NPMU_STATUS_F_GONE	(1U << 0)

/**
 * struct npmu_status - state of a region, to be read without a system call
 * @writer: TPT entry id of the live writer, 0 when there is none. A commit
 *	that stored, fenced the CPU (store before load) and then still finds its
 *	own id here precedes every fence
 * @fence_epoch: current fence epoch
 * @kicks: number of KICK requests so far
 * @kick_wanted: a reader sleeps: KICK after the next commit. Cleared by KICK
 * @flags: NPMU_STATUS_F_*
 */
struct npmu_status {
	__u64 writer;
	__u64 fence_epoch;
	__u64 kicks;
	__u32 kick_wanted;
	__u32 flags;
};

/**
 * struct npmu_ioc_info - NPMU_IOC_INFO: what this open reaches
 * @size: sizeof(struct npmu_ioc_info)
 * @flags: in: zero
 * @region_size: bytes
 * @pm_addr: PM address of the region's first byte
 * @fence_epoch: current fence epoch
 * @entry_id: TPT entry id of this open
 * @writer_id: TPT entry id of the live writer, 0 when there is none
 * @last_writer_epoch: fence epoch of the last writer that ended, 0: none yet
 * @unit_uuid: identity of the unit
 * @region_uuid: identity of the region
 * @persistence_class: enum npmu_class of the unit
 * @access: NPMU_ACCESS_* of this open
 * @role: enum npmu_role
 * @dead: 1 once this open is dead, else 0
 * @writer_pid: pid of the live writer in the caller's pid namespace, or 0
 * @last_writer_pid: pid of the last writer that ended, likewise, or 0
 * @region_flags: NPMU_REGION_F_*
 * @reserved: zero
 * @unit_name: zero-terminated
 * @region_name: zero-terminated
 *
 * Also marks the writer role as seen: see poll. Does not sleep for long.
 * Errors: -EFAULT, -EINVAL, -E2BIG, -EOPNOTSUPP.
 */
struct npmu_ioc_info {
	__u32 size;
	__u32 flags;
	__u64 region_size;
	__u64 pm_addr;
	__u64 fence_epoch;
	__u64 entry_id;
	__u64 writer_id;
	__u64 last_writer_epoch;
	__u8 unit_uuid[NPMU_UUID_LEN];
	__u8 region_uuid[NPMU_UUID_LEN];
	__u32 persistence_class;
	__u32 access;
	__u32 role;
	__u32 dead;
	__u32 writer_pid;
	__u32 last_writer_pid;
	__u32 region_flags;
	__u32 reserved;
	__u8 unit_name[NPMU_UNIT_NAME_LEN];
	__u8 region_name[NPMU_REGION_NAME_LEN];
};

#define NPMU_IOC_INFO _IO(NPMU_IOC_TYPE, 0)

/**
 * struct npmu_ioc_persist - NPMU_IOC_PERSIST: write back a range and fence
 * @size: sizeof(struct npmu_ioc_persist)
 * @flags: zero
 * @offset: first byte
 * @length: bytes; 0 is allowed and does nothing
 *
 * On return what was stored in the range before the call is durable as far as
 * the unit's class goes. For programs without cache control of their own; the
 * library does this without a system call.
 * Errors: -EINVAL (not within the region), -ESTALE.
 */
struct npmu_ioc_persist {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 length;
};

#define NPMU_IOC_PERSIST _IO(NPMU_IOC_TYPE, 1)

/**
 * struct npmu_ioc_claim - NPMU_IOC_CLAIM: become the writer of a vacant region
 * @size: sizeof(struct npmu_ioc_claim)
 * @flags: zero
 * @fence_epoch: out: the fence epoch of this writer, durable on return
 *
 * The first write(2) and the first writable mmap(2) do the same by themselves.
 * The role belongs to this open and this process: the first request for the role,
 * even one that is refused, ties the open to the calling process, and when that
 * process ends the open is dead for all who share it. When the caller is the writer
 * already, returns its fence epoch and changes nothing.
 * Errors: -EBADF (open is O_RDONLY), -EBUSY (there is another writer, or a fence
 * is not done, or the open belongs to another process), -EROFS (the region is
 * read-only), -ESTALE, -ENODEV (the unit's device is gone), -EINTR, -ENOMEM.
 */
struct npmu_ioc_claim {
	__u32 size;
	__u32 flags;
	__u64 fence_epoch;
};

#define NPMU_IOC_CLAIM _IO(NPMU_IOC_TYPE, 2)

/**
 * struct npmu_ioc_takeover - NPMU_IOC_TAKEOVER: fence the writer and replace it
 * @size: sizeof(struct npmu_ioc_takeover)
 * @flags: zero
 * @expected_epoch: the fence epoch the caller believes to be current
 * @fence_epoch: out: the caller's own fence epoch, durable on return; with
 *	-ESTALE the current one
 *
 * A compare-and-swap: of contenders that expect the same epoch one wins. Works
 * on a live, a dead and an absent writer alike. On return no store of the
 * former writer can land any more. Waits at most for the fence bound (5 s).
 * Errors: as CLAIM (no -EBUSY for another writer), -ESTALE (another epoch is
 * current, or this open is dead: see INFO), -ETIMEDOUT (the epoch is raised, the
 * former writer is dead to the TPT but something of it is still inside: the
 * region has no writer and is fencing; call again with the current epoch).
 */
struct npmu_ioc_takeover {
	__u32 size;
	__u32 flags;
	__u64 expected_epoch;
	__u64 fence_epoch;
};

#define NPMU_IOC_TAKEOVER _IO(NPMU_IOC_TYPE, 3)

/**
 * struct npmu_ioc_resign - NPMU_IOC_RESIGN: give the writer role up
 * @size: sizeof(struct npmu_ioc_resign)
 * @flags: zero
 *
 * Writable mappings of this open are taken away first: a later touch of them is
 * a SIGBUS until the open claims again. Read-only mappings stay.
 * Errors: -EPERM (not the writer, or not its process), -ESTALE, -ETIMEDOUT (as
 * TAKEOVER).
 */
struct npmu_ioc_resign {
	__u32 size;
	__u32 flags;
};

#define NPMU_IOC_RESIGN _IO(NPMU_IOC_TYPE, 4)

/**
 * struct npmu_ioc_kick - NPMU_IOC_KICK: wake readers
 * @size: sizeof(struct npmu_ioc_kick)
 * @flags: zero
 *
 * Clears kick_wanted, counts a kick and wakes WAIT and poll.
 * Errors: -EPERM (not the writer), -ESTALE.
 */
struct npmu_ioc_kick {
	__u32 size;
	__u32 flags;
};

#define NPMU_IOC_KICK _IO(NPMU_IOC_TYPE, 5)

/* Set kick_wanted, mark the kicks as seen, and return at once. */
#define NPMU_WAIT_F_ARM		(1U << 0)
/* Compare: return at once when the u64 at @offset is not @value. */
#define NPMU_WAIT_F_COMPARE	(1U << 1)

/* Why WAIT returned. */
#define NPMU_WAIT_KICKED	(1U << 0)	/* a kick not seen yet */
#define NPMU_WAIT_CHANGED	(1U << 1)	/* the value differs */
#define NPMU_WAIT_ROLE		(1U << 2)	/* the role changed since INFO */

/**
 * struct npmu_ioc_wait - NPMU_IOC_WAIT: sleep until a commit or a role change
 * @size: sizeof(struct npmu_ioc_wait)
 * @flags: NPMU_WAIT_F_*
 * @offset: byte offset of a naturally aligned u64 of the region (COMPARE)
 * @value: what the caller found there (COMPARE)
 * @timeout_ns: how long to sleep at most; ~0: no limit
 * @events: out: NPMU_WAIT_*
 * @reserved: zero
 * @kicks: out: kicks so far, from now on seen
 *
 * kick_wanted is set before the value is compared, so that no commit between
 * the caller's look and its sleep is missed. With ARM, look after the call and
 * then poll. So too with epoll, which looks only when it is told to: ARM before
 * each epoll_wait.
 * Errors: -EINVAL (offset), -EBADF (COMPARE on an O_WRONLY open), -ETIMEDOUT, -EINTR, -ESTALE.
 */
struct npmu_ioc_wait {
	__u32 size;
	__u32 flags;
	__u64 offset;
	__u64 value;
	__u64 timeout_ns;
	__u32 events;
	__u32 reserved;
	__u64 kicks;
};

#define NPMU_IOC_WAIT _IO(NPMU_IOC_TYPE, 6)

/**
 * struct npmu_ioc_sink - NPMU_IOC_SINK: what a touch after a fence meets
 * @size: sizeof(struct npmu_ioc_sink)
 * @flags: zero
 *
 * Once this open is dead, a touch of its mappings meets a private page of no
 * meaning instead of a SIGBUS. The page is allocated here. After a mere resign
 * the touch is a SIGBUS all the same, since the open may come back.
 * Errors: -ENOMEM, -ESTALE.
 */
struct npmu_ioc_sink {
	__u32 size;
	__u32 flags;
};

#define NPMU_IOC_SINK _IO(NPMU_IOC_TYPE, 7)

/* Make the entry when there is none of that name. */
#define NPMU_READER_F_CREATE	(1U << 0)

/**
 * struct npmu_ioc_reader_attach - NPMU_IOC_READER_ATTACH: be a named reader
 * @size: sizeof(struct npmu_ioc_reader_attach)
 * @flags: NPMU_READER_F_*
 * @instance: of the checkpoint the caller reads, as its header says
 * @position: in: where a new entry begins; out: what is acknowledged
 * @name: zero-terminated, filled up with zeros, of the characters of a region's name
 * @slot: out: its place in the table of readers
 * @reserved: zero
 *
 * The region must hold a checkpoint in the append form, see linux/npmu_ckpt.h. An entry
 * stays on the media, beyond the reader's death and a restart, until it is detached:
 * what a reader acknowledged is known to the one that comes after it under the same
 * name. It belongs to the user who made it: the one who opened the open it was made
 * through. At most one live open is attached to it, and an open to one entry; the same
 * request again changes nothing. A quarter of the table at most is for any one user other
 * than the region's owner and root, and half of it for all those together. How far the
 * updates reach is not looked at: a position may lie beyond them.
 *
 * Durable on return. May sleep.
 * Errors: -EMEDIUMTYPE (no valid checkpoint in the append form), -ESTALE (another
 * @instance is there, or this open is dead), -ENOENT (no such entry, and not CREATE),
 * -EACCES (it is another user's), -EBUSY (another open has it, or this open has another),
 * -ENOSPC (the table, or this user's share of it, is full), -EROFS (the region is
 * read-only or quarantined), -EBADF (O_WRONLY open), -EINVAL (@name, or @position is no
 * multiple of NPMU_CKPT_UPDATE_ALIGN or not below 2^63), -EIO (bad block), -EINTR (killed),
 * -ENOMEM.
 */
struct npmu_ioc_reader_attach {
	__u32 size;
	__u32 flags;
	__u64 instance;
	__u64 position;
	__u8 name[16];
	__u32 slot;
	__u32 reserved;
};

#define NPMU_IOC_READER_ATTACH _IO(NPMU_IOC_TYPE, 8)

/**
 * struct npmu_ioc_reader_ack - NPMU_IOC_READER_ACK: acknowledge updates
 * @size: sizeof(struct npmu_ioc_reader_ack)
 * @flags: zero
 * @position: all updates below it are acknowledged: a multiple of
 *	NPMU_CKPT_UPDATE_ALIGN, not below what was acknowledged before
 *
 * Durable on return; wakes a writer that waits for space.
 * Errors: -ENOTCONN (not attached), -EINVAL (@position), -ESTALE (the checkpoint was made
 * anew or is no longer valid, the entry was detached by another or overwritten, or this
 * open is dead), -EROFS, -EIO, -EINTR, -ENOMEM.
 */
struct npmu_ioc_reader_ack {
	__u32 size;
	__u32 flags;
	__u64 position;
};

#define NPMU_IOC_READER_ACK _IO(NPMU_IOC_TYPE, 9)

/**
 * struct npmu_ioc_reader_detach - NPMU_IOC_READER_DETACH: give an entry back
 * @size: sizeof(struct npmu_ioc_reader_detach)
 * @flags: zero
 * @name: the entry, or all zero: that of this open
 *
 * By the user who made it, the region's owner, root, or the live writer, also while another
 * open is attached to it. Durable on return; wakes a writer that waits for space.
 * Errors: -ENOENT, -ENOTCONN (no name, and not attached), -EACCES, -EMEDIUMTYPE, -ESTALE
 * (no name, and as ACK), -EROFS, -EINVAL (@name), -EIO, -EINTR, -ENOMEM.
 */
struct npmu_ioc_reader_detach {
	__u32 size;
	__u32 flags;
	__u8 name[16];
};

#define NPMU_IOC_READER_DETACH _IO(NPMU_IOC_TYPE, 10)

/**
 * DOC: file operations
 *
 * open(2): checked against the region's owner and mode, not the node's.
 *	-EACCES, -EROFS (O_RDWR of a read-only or quarantined region), -ENXIO
 *	(no such region), -EUSERS (limit of opens), -EIO (damaged region).
 * mmap(2): MAP_SHARED only. PROT_WRITE claims the writer role: -EBUSY as CLAIM.
 *	A mapping made without PROT_WRITE never becomes writable. The range must
 *	lie within the region: -ENXIO.
 * read(2), write(2), lseek(2), fsync(2), msync(2): as on a file that cannot
 *	grow; write(2) claims the writer role and is durable after fsync.
 *	write(2) past the end is -ENOSPC.
 * poll(2): POLLIN a kick not seen (marked by WAIT), POLLPRI the writer role
 *	changed since the last INFO, POLLERR | POLLHUP the open is dead.
 */

#endif /* _UAPI_LINUX_NPMU_IOCTL_H */

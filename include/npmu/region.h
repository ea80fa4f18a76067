/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: one region: open, map, persist, and the writer role.
 *
 * A handle is one open of the region, hence one entry of the translation and
 * protection table. Once that entry is dead (its writer was fenced, the region
 * deleted) the handle is of no further use: calls return -ESTALE, and a touch
 * of a writable mapping is a SIGBUS, or meets a private page after
 * npmu_region_sink(). To go on, open the region again.
 *
 * Calls may be made by several threads at once, except map, unmap and close,
 * which must not run beside another call on the same handle.
 */
#ifndef NPMU_REGION_H
#define NPMU_REGION_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_ioctl.h>
#include <npmu/npmu.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct npmu_region;

/* Flags of the open calls. */
#define NPMU_OPEN_READ		0U
#define NPMU_OPEN_WRITE		(1U << 0)	/* and read */

/**
 * npmu_region_open - open a region
 * @name: "unit/region", or the path of a device node when it begins with '/', or
 *	"npmu://[principal@]host[:port]/unit/region": see below
 * @flags: NPMU_OPEN_*
 * @out: the handle
 * @err: why not, or NULL
 *
 * Does not claim the writer role. The file is close-on-exec.
 *
 * A region by URL is reached by RDMA through the network interface of its unit, and used by
 * the same calls. Who asks is the principal of the URL, or else of NPMU_PRINCIPAL; its key is
 * in the file that NPMU_KEY_FILE names, or else /etc/npmu/PRINCIPAL.key, as
 * 'npmu-admin key make' prints it, which only its owner may read. Of such a handle:
 *
 * - One thread at a time uses it, and no forked child. A child that wants one of its own has
 *   to be a program of its own (exec) when RDMA was used before the fork.
 * - What is mapped is private memory: checkpoint calls fetch into it what they look at.
 *   What is stored there by hand goes to the unit by npmu_memcpy_persist(), npmu_persist()
 *   or npmu_region_sync(). It is registered with the device as it is used: see ulimit -l.
 * - The end of the connection is the end of the writer role. Calls return -ESTALE when the
 *   writer was fenced or the grant is gone, else -ENOTCONN: then a commit that did not return
 *   0 may be there or not. npmu_append_writer_reconnect() and npmu_append_reader_reconnect()
 *   connect anew, and tell; without a checkpoint in the append form,
 *   npmu_region_reconnect().
 * - npmu_region_fd() becomes readable when something came; npmu_region_wait() with
 *   NPMU_WAIT_F_ARM takes it, and asks for more.
 * - pids are 0; NPMU_MAP_FORK is not there: -EOPNOTSUPP.
 *
 * Return: 0; -ENOENT: no such node, the text says whether the module seems to
 * be missing; -EACCES: the region's owner and mode forbid it; -EROFS: the
 * region is read-only; -ENXIO: it is no more; -EUSERS: too many opens; -EIO:
 * it is damaged; -ENOTTY: not an npmu region; -EINVAL: a bad name or flag;
 * -ENOMEM. By URL also -EHOSTUNREACH, -ECONNREFUSED, -ETIMEDOUT; -EACCES: the key;
 * -EOPNOTSUPP: the program is linked statically without RDMA, or was forked after it used it.
 */
int npmu_region_open(const char *name, unsigned int flags,
		     struct npmu_region **out, struct npmu_error *err);

/**
 * npmu_region_create - make a region on another host
 * @url: as npmu_region_open() takes it
 * @size: bytes, rounded up to 4 KiB
 * @err: why not, and what to do, or NULL
 *
 * The principal of the URL must be one that may create in the unit ('npmu-admin grant add UNIT
 * PRINCIPAL --create --quota SIZE'); it has a grant of all of the new region, which reads as
 * zeros. Opens nothing. A region of this host is made by npmu_ctl_region_create().
 *
 * Return: 0: it is there, durably; -EEXIST; -EDQUOT: more than the principal may have;
 * -ENOSPC: the unit is full; -ENOENT: no such unit, or the principal may not create in it;
 * -EINVAL: a name or a size that cannot be; -EIO; -ENXIO: the unit's device is gone;
 * -ENOTCONN: it may be there or not; -EOPNOTSUPP: not a URL; else as npmu_region_open().
 */
int npmu_region_create(const char *url, uint64_t size, struct npmu_error *err);

/**
 * npmu_region_open_fd - a handle for a file that is open already
 * @fd: descriptor of a region's device; it is duplicated and stays the caller's
 * @flags: NPMU_OPEN_*, not more than the file allows
 * @out: the handle
 * @err: why not, or NULL
 *
 * It is the same open, so the same TPT entry.
 *
 * Return: as npmu_region_open(); -EACCES: the file is open for less than
 * @flags.
 */
int npmu_region_open_fd(int fd, unsigned int flags, struct npmu_region **out,
			struct npmu_error *err);

/**
 * npmu_region_open_file - treat a plain file as a region
 * @path: a regular file, of at least one page; of a memfd, /proc/self/fd/<n>
 * @flags: NPMU_OPEN_*
 * @out: the handle
 * @err: why not, or NULL
 *
 * For tests, benchmarks and tools without the kernel module: the file is mapped
 * shared, its class is volatile whatever it lies on, and nobody keeps two
 * writers apart. Claim and takeover count a fence epoch in the handle, starting
 * at 0, so give each writer a handle of its own and let one write at a time.
 *
 * Return: 0; -EINVAL: not a regular file, too short, or a bad flag; what open(2)
 * says; -ENOMEM.
 */
int npmu_region_open_file(const char *path, unsigned int flags,
			  struct npmu_region **out, struct npmu_error *err);

/**
 * npmu_region_reconnect - go on with a region whose connection is lost
 * @region: handle; a call on it returned -ENOTCONN
 * @err: why not, or NULL
 *
 * Connects once more as the same principal, and sees that the unit and the region are those
 * that were open. Who was the writer is the writer again, with a fence epoch of its own, if
 * nobody else was since; no store of before lands after that. Handle, descriptor and mapping
 * stay; in the mapping of a remote region nothing is to be believed before it is looked at
 * anew. Writers of checkpoints on this handle have to be opened anew, or in the append form
 * reconnected; readers look anew by themselves, and reconnect for their names.
 *
 * One attempt, of steps that take 5 s each at most: how long to wait before the next one is
 * the caller's to say. Does nothing where the connection is alive, and for a region of this
 * host.
 *
 * Return: 0: connected; -ESTALE: for good: fenced, or what is there now is not what was open,
 * or of this host: the open is dead; -ECONNREFUSED, -EHOSTUNREACH, -ETIMEDOUT, -ENOTCONN:
 * not yet; so may be, while the unit comes back, -EACCES (its keys are not loaded) and -ENOENT
 * (it is not attached); -EBUSY: a fence is not done; else as npmu_region_open().
 */
int npmu_region_reconnect(struct npmu_region *region, struct npmu_error *err);

/*
 * Unmap and close; NULL is allowed. The writer role, if held, ends. Closing in a
 * forked child disturbs the parent in nothing.
 */
void npmu_region_close(struct npmu_region *region);

/**
 * npmu_region_error - why the last failed call on this handle failed
 * @region: handle
 *
 * Return: a static phrase; empty when no call has failed. Where threads share
 * the handle it is the last failure of any of them.
 */
const char *npmu_region_error(const struct npmu_region *region);

/*
 * File descriptor for poll(2): see linux/npmu_ioctl.h. The handle owns it. Of a region by URL it
 * becomes readable when the unit has sent something, or has ended the connection; a unit that lost
 * its power sends nothing, so poll for some seconds at most, and then ask by npmu_region_wait()
 * with NPMU_WAIT_F_ARM.
 */
int npmu_region_fd(const struct npmu_region *region);

/**
 * npmu_region_info - what this open reaches, and who is the writer
 * @region: handle
 * @info: filled in
 *
 * A system call. Marks the writer role as seen, so that poll(2) no longer shows
 * POLLPRI. Works on a dead open too.
 *
 * Return: 0 or a negative errno.
 */
int npmu_region_info(struct npmu_region *region, struct npmu_ioc_info *info);

/* Size in bytes when it was opened, or mapped last. */
uint64_t npmu_region_size(const struct npmu_region *region);

/* enum npmu_class; see also npmu_class_name(). */
uint32_t npmu_region_class(const struct npmu_region *region);

/**
 * npmu_region_register - memory from which commits are to go as it lies
 * @region: handle
 * @addr: its first byte
 * @len: bytes, not zero; it may hold many states, of which a commit takes a part
 *
 * Of a region by URL: npmu_append_base() and npmu_append_update() then write pieces of 4 KiB or
 * more that lie in it by RDMA straight from there; all others, and those of npmu_append_add(),
 * are copied once. The memory is pinned (ulimit -l) and has to stay mapped, as it is, until it is
 * unregistered or the region is closed: what would be mapped anew at the same addresses is not
 * what is written. So the library registers nothing that it was not told of. It stays
 * registered when npmu_region_reconnect() connects anew. Of other regions there is nothing
 * to do.
 *
 * May sleep.
 *
 * Return: 0; -EEXIST: some of it is registered already; -ENOMEM, -EFAULT: it cannot be
 * pinned; -EINVAL; -ENOTCONN, -ESTALE: the connection is gone.
 */
int npmu_region_register(struct npmu_region *region, const void *addr, size_t len);

/**
 * npmu_region_unregister - the end of it
 * @region: handle
 * @addr: as it was registered
 *
 * Return: 0; -ENOENT: there is none that begins there.
 */
int npmu_region_unregister(struct npmu_region *region, const void *addr);

/* How what a commit stored is made durable. */
enum npmu_persist_method {
	NPMU_PERSIST_STORE,	/* by this CPU: non-temporal stores, write-back, a fence */
	NPMU_PERSIST_KERNEL,	/* by fsync(2): this CPU cannot */
	NPMU_PERSIST_MESSAGE,	/* by a message to the unit, which answers when it is */
	NPMU_PERSIST_FLUSH,	/* by RDMA FLUSH: no code of the unit's host runs */
};

/**
 * npmu_region_persist_method - how commits of this open are made durable
 * @region: handle
 *
 * Chosen when it was opened, and again by claim or takeover. Of a region by URL it is
 * FLUSH where the unit is of class persistent and both devices and rdma-core (56 or later,
 * when the library was built) have it, else MESSAGE. NPMU_PERSIST=message in the environment
 * asks for that; NPMU_PERSIST=flush makes an open fail that cannot, with -EOPNOTSUPP.
 *
 * Return: enum npmu_persist_method.
 */
enum npmu_persist_method npmu_region_persist_method(const struct npmu_region *region);

/* "store", "kernel", "message", "flush"; a static string. */
const char *npmu_persist_method_name(enum npmu_persist_method method);

/**
 * npmu_region_require - refuse a unit that survives too little
 * @region: handle
 * @persistence_class: the least that will do, enum npmu_class
 *
 * Return: 0; -EOPNOTSUPP: the class is lower; -EINVAL: no such class.
 */
int npmu_region_require(struct npmu_region *region, uint32_t persistence_class);

/* Flags of npmu_region_map(). */
#define NPMU_MAP_WRITE		(1U << 0)	/* claims the writer role */
#define NPMU_MAP_FORK		(1U << 1)	/* keep it in forked children */
#define NPMU_MAP_LAZY		(1U << 2)	/* do not prefault */

/**
 * npmu_region_map - map the whole region, shared
 * @region: handle; not mapped yet
 * @flags: NPMU_MAP_*
 *
 * Touches the mapping by reading, so that no later access takes a fault: each
 * 4 KiB of it up to 1 GiB, each 2 MiB above. A forked child has no mapping
 * unless NPMU_MAP_FORK is given: a touch there is a SIGSEGV.
 *
 * Return: 0; -EBUSY: mapped already, or there is another writer; -EACCES:
 * NPMU_MAP_WRITE of a handle opened for reading; -ESTALE: the open is dead;
 * -EINVAL: unknown flag; what mmap(2) says.
 */
int npmu_region_map(struct npmu_region *region, unsigned int flags);

/* Unmap. The writer role stays until resign, close or exit. */
void npmu_region_unmap(struct npmu_region *region);

/* Where it is mapped, or NULL. */
void *npmu_region_addr(const struct npmu_region *region);

/* How many bytes are mapped, or 0. */
size_t npmu_region_length(const struct npmu_region *region);

/**
 * npmu_region_status - the region's status page
 * @region: handle
 *
 * Written by the kernel, readable until the handle is closed.
 *
 * Return: never NULL.
 */
const volatile struct npmu_status *
npmu_region_status(const struct npmu_region *region);

/* 1 if this open is the live writer, else 0. No system call. */
int npmu_region_is_writer(const struct npmu_region *region);

/* Current fence epoch of the region. No system call. */
uint64_t npmu_region_fence_epoch(const struct npmu_region *region);

/**
 * npmu_region_claim - become the writer of a region that has none
 * @region: handle, opened with NPMU_OPEN_WRITE
 * @fence_epoch: the fence epoch of this writer, durable on return; may be NULL
 *
 * The role belongs to this open and this process. If held already, nothing
 * changes.
 *
 * Return: 0; -EBUSY: there is another writer, or a fence is not done;
 * -EBADF: opened for reading; -EROFS; -ESTALE: the open is dead; -EIO; -ENOMEM.
 */
int npmu_region_claim(struct npmu_region *region, uint64_t *fence_epoch);

/**
 * npmu_region_takeover - fence the writer and become the writer
 * @region: handle, opened with NPMU_OPEN_WRITE
 * @expected_epoch: the fence epoch the caller believes to be current, such as
 *	npmu_region_fence_epoch() when it saw the writer dead
 * @fence_epoch: the fence epoch of this writer, durable on return; with -ESTALE
 *	the current one; may be NULL
 *
 * A compare-and-swap: of contenders with the same expectation one wins. On
 * return no store of the former writer can land any more. May sleep for 5 s.
 *
 * Return: 0; -ESTALE: another epoch is current, or this open is dead;
 * -ETIMEDOUT: see linux/npmu_ioctl.h, call again with the current epoch; else
 * as claim.
 */
int npmu_region_takeover(struct npmu_region *region, uint64_t expected_epoch,
			 uint64_t *fence_epoch);

/**
 * npmu_region_resign - give the writer role up
 * @region: handle
 *
 * Unmap first, or touch a writable mapping no more.
 *
 * Return: 0; -EPERM: not the writer; -ESTALE; -ETIMEDOUT.
 */
int npmu_region_resign(struct npmu_region *region);

/**
 * npmu_region_sink - let later touches of lost mappings go nowhere
 * @region: handle
 *
 * Instead of a SIGBUS they meet a private page. Commits still return -ESTALE.
 * Return: 0; -ENOMEM; -ESTALE.
 */
int npmu_region_sink(struct npmu_region *region);

/**
 * npmu_region_kick - wake readers that wait
 * @region: handle
 *
 * Return: 0; -EPERM: not the writer; -ESTALE.
 */
int npmu_region_kick(struct npmu_region *region);

/**
 * npmu_region_wait - wait for a kick or a change of the writer role
 * @region: handle
 * @flags: NPMU_WAIT_F_* of linux/npmu_ioctl.h
 * @offset: of a naturally aligned u64 (NPMU_WAIT_F_COMPARE)
 * @value: what was found there (NPMU_WAIT_F_COMPARE)
 * @timeout_ns: how long at most; UINT64_MAX: no limit
 * @events: NPMU_WAIT_*: why it returned; may be NULL
 *
 * Of a plain file it looks each millisecond, and only COMPARE and the timeout
 * mean anything: without COMPARE it returns 0 and no event after 1 ms.
 *
 * Return: 0; -ETIMEDOUT; -EINTR; -EINVAL: the offset; -ESTALE.
 */
int npmu_region_wait(struct npmu_region *region, unsigned int flags,
		     uint64_t offset, uint64_t value, uint64_t timeout_ns,
		     uint32_t *events);

/**
 * npmu_region_sync - let the kernel persist a range
 * @region: handle
 * @offset: first byte
 * @length: bytes
 *
 * A system call; npmu_persist() does the same without one where the CPU allows.
 * Return: 0; -EINVAL: not within the region; -ESTALE; -EIO.
 */
int npmu_region_sync(struct npmu_region *region, uint64_t offset,
		     uint64_t length);

/**
 * npmu_region_read - read bytes into the caller's memory
 * @region: handle; need not be mapped
 * @offset: first byte, as in the mapping
 * @buf: where to
 * @len: how many
 *
 * For what is no checkpoint. Of a remote region by RDMA READ into @buf itself, several at once
 * and none longer than what one key covers; @buf is registered with the device meanwhile, 4 MiB
 * of it at a time. Not atomic: beside a writer some bytes may be older than others.
 *
 * Return: 0; -EINVAL: not within the region; -ESTALE, -ENOTCONN: as any call; -EIO; -ENOMEM,
 * -EPERM: it cannot be registered, see ulimit -l. But for 0 any of @buf may have changed.
 */
int npmu_region_read(struct npmu_region *region, uint64_t offset, void *buf, size_t len);

/**
 * npmu_region_write - write bytes from the caller's memory, and make them durable
 * @region: handle of the writer; need not be mapped
 * @offset: first byte, as in the mapping
 * @buf: where from
 * @len: how many
 *
 * Of a remote region by RDMA WRITE from @buf itself and one message; its mapping, which is a
 * copy, does not change. Not atomic: what a failure leaves is any mixture of old and new.
 *
 * Return: 0: all of it is durable; -EPERM: not the writer; else as npmu_region_read().
 */
int npmu_region_write(struct npmu_region *region, uint64_t offset, const void *buf, size_t len);

/*
 * Persistence by the CPU: clwb, clflushopt or clflush, whichever it has, and
 * non-temporal stores. Addresses are of the handle's mapping, any alignment. No
 * system call, except on a CPU whose caches the library does not know how to
 * write back: there npmu_drain() and the calls that imply it are one.
 */

/**
 * npmu_persist - make what was stored in a range durable
 * @region: handle, mapped
 * @addr: first byte
 * @len: bytes
 *
 * Return: 0, and what was stored in the range before the call survives what the
 * unit's class says it survives; -EIO, -ESTALE only where a system call is used.
 */
int npmu_persist(struct npmu_region *region, const void *addr, size_t len);

/* Start the write-back of a range; npmu_drain() waits for it. */
void npmu_flush(struct npmu_region *region, const void *addr, size_t len);

/* Copy with non-temporal stores; npmu_drain() waits for them. */
void npmu_memcpy_nodrain(struct npmu_region *region, void *dst, const void *src,
			 size_t len);

/* Wait for every flush and nodrain call of this thread. Return: as persist. */
int npmu_drain(struct npmu_region *region);

/* npmu_memcpy_nodrain() and npmu_drain(). */
int npmu_memcpy_persist(struct npmu_region *region, void *dst, const void *src,
			size_t len);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_REGION_H */

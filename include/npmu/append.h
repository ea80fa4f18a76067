/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: checkpoints in the append form: a base, and updates that are to be
 * applied to it in order. The format is linux/npmu_ckpt.h.
 *
 * The primary writes a base, then an update for each change, straight from its own
 * memory. It knows nothing of its readers and waits for none unless it asks to. A
 * reader takes the base and each update after it, while the primary runs or long
 * after, and can take over: then it goes on where the primary stopped.
 *
 *	primary					backup
 *	npmu_region_open(.., NPMU_OPEN_WRITE)	npmu_region_open(.., NPMU_OPEN_WRITE)
 *	npmu_region_map(.., NPMU_MAP_WRITE)	npmu_region_map(.., 0)
 *	npmu_append_writer_open()		npmu_append_reader_open()
 *	npmu_append_base()			npmu_append_read_base() .. apply ..
 *	npmu_append_update() ...		npmu_append_wait()
 *						npmu_append_next() .. apply .. recheck
 *						.. the primary is dead ..
 *						npmu_append_takeover()
 *						npmu_append_next() until -ENODATA
 *						npmu_append_update() ...
 */
#ifndef NPMU_APPEND_H
#define NPMU_APPEND_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

#include <linux/npmu_ckpt.h>
#include <npmu/npmu.h>
#include <npmu/region.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct npmu_append_writer;
struct npmu_append_reader;

/* Flags of struct npmu_append_options. */
#define NPMU_APPEND_INIT	(1U << 0)	/* begin anew, whatever is there */
#define NPMU_APPEND_NO_CRC	(1U << 1)	/* of a new checkpoint: commit words */

/* What an update does for which the ring has no room. */
enum npmu_append_full {
	/* It is -ENOSPC: the caller writes a base and tries again. */
	NPMU_APPEND_FULL_ENOSPC,
	/* @write_base is called; what readers have not read is overwritten. */
	NPMU_APPEND_FULL_BASE,
	/*
	 * What a named reader has not acknowledged is kept: it waits for the
	 * reader, up to @wait_ns. Where the base is in the way, as above.
	 */
	NPMU_APPEND_FULL_WAIT,
};

/**
 * struct npmu_append_options - how a writer works
 * @size: sizeof(struct npmu_append_options)
 * @flags: NPMU_APPEND_INIT, NPMU_APPEND_NO_CRC
 * @base_capacity: longest base in bytes; 0: what is there, or else what the ring leaves
 * @ring_size: bytes for the updates, rounded up to 4 KiB; 0: what is there, or else
 *	what the bases leave. Both 0: a third of the region each
 * @full: enum npmu_append_full
 * @reserved: 0
 * @wait_ns: longest time to wait for readers; UINT64_MAX: no limit
 * @write_base: calls npmu_append_base() and returns what that returned; or NULL
 * @context: for @write_base
 *
 * All zero but @size is allowed.
 */
struct npmu_append_options {
	uint32_t size;
	uint32_t flags;
	uint64_t base_capacity;
	uint64_t ring_size;
	uint32_t full;
	uint32_t reserved;
	uint64_t wait_ns;
	int (*write_base)(struct npmu_append_writer *writer, void *context);
	void *context;
};

/**
 * struct npmu_append_item - a base or an update that was read
 * @data: where it lies in the mapping; not the caller's to change
 * @length: bytes
 * @sequence: of bases and updates together; 0: the empty base before any other
 * @fence_epoch: of the writer that committed it
 * @tag: as given to the commit
 * @position: of an update: its own; of a base: where its updates begin
 * @end: of an update: position behind it, as npmu_append_ack() takes it
 * @slot: of a base: where it lies; of an update: -1
 * @reserved0: the library's own
 * @reserved: likewise
 */
struct npmu_append_item {
	const void *data;
	uint64_t length;
	uint64_t sequence;
	uint64_t fence_epoch;
	uint64_t tag;
	uint64_t position;
	uint64_t end;
	int32_t slot;
	uint32_t reserved0;
	uint64_t reserved[2];
};

/**
 * npmu_append_writer_open - prepare to write bases and updates into a region
 * @region: handle, mapped with NPMU_MAP_WRITE (so this open has the writer role);
 *	it must stay open and mapped while the writer is in use
 * @options: or NULL
 * @out: the writer
 * @err: why not, or NULL
 *
 * A region that reads as zero at its start gets a new checkpoint. One that holds a
 * checkpoint in the append form is gone on with behind its last update; NPMU_APPEND_INIT
 * drops what is there in one durable step. Before it returns, a seal is durable: what
 * an earlier writer would still store is not there.
 *
 * Makes system calls, allocates, and reads the base and all updates to check them.
 *
 * Return: 0; -EMEDIUMTYPE: the region holds something that is not a checkpoint;
 * -EPROTONOSUPPORT: a checkpoint of another version, form or feature; -EUCLEAN: a
 * damaged one: its header, or an update that had been committed; -ENOSPC: the region,
 * or the checkpoint that is there, is too small for what @options ask; -EPERM: not
 * the writer; -EINVAL: not mapped for writing, or bad options; -ESTALE: fenced
 * meanwhile; -ENOMEM.
 */
int npmu_append_writer_open(struct npmu_region *region,
			    const struct npmu_append_options *options,
			    struct npmu_append_writer **out, struct npmu_error *err);

/* Free a writer, when all that it submitted has ended; the region stays mapped and claimed. NULL is allowed. */
void npmu_append_writer_close(struct npmu_append_writer *writer);

/* Longest base in bytes. */
uint64_t npmu_append_base_capacity(const struct npmu_append_writer *writer);

/* Longest update in bytes: not quite half of the ring. */
uint64_t npmu_append_update_capacity(const struct npmu_append_writer *writer);

/* Bytes of the ring that updates and their headers may still take up. */
uint64_t npmu_append_free(const struct npmu_append_writer *writer);

/* Sequence of the last base or update that was committed or found, 0: none yet. */
uint64_t npmu_append_sequence(const struct npmu_append_writer *writer);

/* Why the last failed call on this writer failed: a static phrase. */
const char *npmu_append_writer_error(const struct npmu_append_writer *writer);

/**
 * npmu_append_base - write a new base
 * @writer: for one thread at a time
 * @iov: the whole state, in pieces; must not change during the call
 * @n: number of pieces
 * @tag: the application's, given back with it
 *
 * It stands for the state after all updates so far, those of a batch that is not
 * committed included. The base before it stays valid until this one is committed; then
 * the space of all updates before it is free.
 *
 * No system call, except one to wake readers that sleep. One CPU fence (three without CRC).
 *
 * Return: 0: the base is durable and precedes every later fence; -ESTALE: this writer
 * was fenced or resigned: whether the base is there is for the successor to find;
 * -EMSGSIZE: longer than the capacity, nothing was changed; -EINVAL: likewise.
 */
int npmu_append_base(struct npmu_append_writer *writer, const struct iovec *iov, int n,
		     uint64_t tag);

/**
 * npmu_append_update - write an update and commit it
 * @writer: for one thread at a time
 * @iov: the data, in pieces; must not change during the call
 * @n: number of pieces; 0 is allowed
 * @tag: the application's, given back with it
 *
 * Commits what npmu_append_add() added before, too. No system call, except one to wake
 * readers that sleep, and to wait for readers where the options say so. One CPU fence
 * (two without CRC).
 *
 * Return: 0: the update is durable and precedes every later fence; -ENOSPC: the ring has
 * no room; -ETIMEDOUT: readers did not acknowledge in time; -EMSGSIZE: longer than
 * npmu_append_update_capacity(): nothing was changed by these three; -ESTALE: as
 * npmu_append_base(); -EINTR; -EIO and others: it cannot be made durable, nor can what comes
 * after it: open the writer again; what @write_base returned.
 */
int npmu_append_update(struct npmu_append_writer *writer, const struct iovec *iov, int n,
		       uint64_t tag);

/**
 * npmu_append_add - write an update that npmu_append_commit() will commit
 * @writer: for one thread at a time
 * @iov: as npmu_append_update()
 * @n: likewise
 * @tag: likewise
 *
 * Updates of a batch stand each for itself: of a batch that a crash cut short, any number
 * from its beginning may be there.
 *
 * Return: 0: it is stored, nothing is promised yet; else as npmu_append_update().
 */
int npmu_append_add(struct npmu_append_writer *writer, const struct iovec *iov, int n,
		    uint64_t tag);

/**
 * npmu_append_commit - commit all updates added so far
 * @writer: for one thread at a time
 *
 * One CPU fence (two without CRC), whatever their number.
 *
 * Return: 0: all are durable; -ESTALE: as npmu_append_base(); -EIO and others: as
 * npmu_append_update().
 */
int npmu_append_commit(struct npmu_append_writer *writer);

/**
 * npmu_append_submit - write an update and begin to commit it
 * @writer: for one thread at a time
 * @iov: as npmu_append_update(); what lies in memory that was given to npmu_region_register()
 *	must not change before npmu_append_complete() returned 0 for it
 * @n: likewise
 * @tag: likewise
 * @sequence: of the update, as npmu_append_complete() takes it
 *
 * As npmu_append_update(), but over the wire it does not wait: several commits, up to six, are
 * under way at once, and one more waits for the oldest of them. They become durable in their
 * order: of those that a crash or a fence cut short, any number from the first on is there.
 * npmu_append_base(), npmu_append_commit() and npmu_append_update() wait for all.
 *
 * On the same host, and without CRC, it is npmu_append_update().
 *
 * Return: 0: it is under way; else as npmu_append_update(), also of an earlier one.
 */
int npmu_append_submit(struct npmu_append_writer *writer, const struct iovec *iov, int n,
		       uint64_t tag, uint64_t *sequence);

/**
 * npmu_append_complete - wait for what was submitted
 * @writer: for one thread at a time
 * @sequence: that of an update that was submitted or committed
 * @timeout_ns: how long at most; 0: look only; UINT64_MAX: until it is durable or has failed,
 *	which it has when the unit did not answer for 30 s
 *
 * npmu_append_sequence() is that of the last that is known to be durable. After -ETIMEDOUT
 * npmu_region_fd() becomes readable when something more has ended (and for other news, too).
 *
 * Return: 0: all up to @sequence are durable and precede every later fence; -ETIMEDOUT: not
 * yet; -EINVAL: nothing of that sequence was submitted; -ESTALE, -ENOTCONN: as
 * npmu_append_update(): what was under way may be there or not, and
 * npmu_append_writer_reconnect() tells.
 */
int npmu_append_complete(struct npmu_append_writer *writer, uint64_t sequence,
			 uint64_t timeout_ns);

/**
 * npmu_append_drop - forget a named reader
 * @writer: for one thread at a time
 * @name: its name
 *
 * For a reader that will not come back and for which NPMU_APPEND_FULL_WAIT would wait. A
 * system call.
 *
 * Return: 0; -ENOENT: there is none of that name; else as NPMU_IOC_READER_DETACH.
 */
int npmu_append_drop(struct npmu_append_writer *writer, const char *name);

/**
 * npmu_append_writer_reconnect - go on after the connection was lost
 * @writer: a call on it returned -ENOTCONN
 * @found: how many of the bases and updates behind npmu_append_sequence(), as it was before
 *	this call, are committed in spite of that, the first of them first
 * @err: why not, or NULL
 *
 * Connects the region anew, by npmu_region_reconnect(), if that was not done yet; reads from
 * the media where the checkpoint ends, and seals that. What is in doubt is decided by that:
 * the first @found are there, durably; the others are not and never will be. So of a single
 * update whose answer was lost *@found is 1, and it must not be written again, or 0, and it
 * has to be. A base counts as one, like an update, but not one that options.write_base wrote
 * on the way to an update; of updates that were added but not committed any number may be there.
 *
 *	code = npmu_append_update(w, iov, n, tag);
 *	while (code == -ENOTCONN) {
 *		.. wait a little ..
 *		if (!npmu_append_writer_reconnect(w, &found, &err))
 *			code = found ? 0 : npmu_append_update(w, iov, n, tag);
 *		.. or give up: -ESTALE; others after some time ..
 *	}
 *
 * Return: 0; -ESTALE: another has been the writer since: it knows what is there; -EISCONN:
 * nothing was lost, and nothing is in doubt; else as npmu_region_reconnect() and
 * npmu_append_writer_open(): nothing is decided yet, try again.
 */
int npmu_append_writer_reconnect(struct npmu_append_writer *writer, uint64_t *found,
				 struct npmu_error *err);

/**
 * npmu_append_reader_open - prepare to read
 * @region: handle, mapped for reading or writing; it must stay so
 * @out: the reader
 * @err: why not, or NULL
 *
 * Works at any time, also before there is a checkpoint. The reader begins with
 * npmu_append_read_base().
 *
 * Return: 0; -EINVAL: not mapped; -ENOMEM.
 */
int npmu_append_reader_open(struct npmu_region *region, struct npmu_append_reader **out,
			    struct npmu_error *err);

/* Free a reader; its name, if it has one, stays. NULL is allowed. */
void npmu_append_reader_close(struct npmu_append_reader *reader);

/* Why the last failed call on this reader failed: a static phrase. */
const char *npmu_append_reader_error(const struct npmu_append_reader *reader);

/**
 * npmu_append_read_base - the current base
 * @reader: for one thread at a time
 * @item: the base; its data have no length when no base was committed yet
 *
 * npmu_append_next() goes on with the first update after it. What is handed out is
 * whole and durable when the call returns. Use it, then call npmu_append_recheck().
 *
 * Return: 0; -ENODATA: no checkpoint yet; -EAGAIN: the writer was faster each time;
 * -EUCLEAN: damaged; -EMEDIUMTYPE, -EPROTONOSUPPORT: as npmu_append_writer_open().
 */
int npmu_append_read_base(struct npmu_append_reader *reader, struct npmu_append_item *item);

/**
 * npmu_append_next - the next unread update
 * @reader: for one thread at a time
 * @item: the update
 *
 * It counts as read from now on. It is whole and durable when the call returns, but
 * once a later base is committed the writer may overwrite it (unless it waits for this
 * reader): use it, then call npmu_append_recheck(), and throw the result away unless
 * that returns 0.
 *
 * Return: 0; -ENODATA: none now; -EOVERFLOW: npmu_append_read_base() comes first: this
 * reader has not read the base yet, or updates that it has not read have been overwritten
 * and the base contains them; -EUCLEAN: the
 * next one had been committed and is damaged; -ESTALE: the checkpoint was made anew,
 * begin with npmu_append_read_base(); else as that.
 */
int npmu_append_next(struct npmu_append_reader *reader, struct npmu_append_item *item);

/**
 * npmu_append_next_all - all unread updates at once
 * @reader: for one thread at a time
 * @items: the updates, in order
 * @max: how many at most
 *
 * Return: how many, at least 1; else as npmu_append_next(). An error behind the first
 * is that of the next call.
 */
int npmu_append_next_all(struct npmu_append_reader *reader, struct npmu_append_item *items,
			 int max);

/**
 * npmu_append_recheck - was it still whole?
 * @reader: for one thread at a time
 * @item: a base or an update from this reader
 *
 * Of an update before a later base nobody can say without CRC: then it is -EAGAIN.
 *
 * Return: 0: all that was read from it before this call was right; -EAGAIN: it may not
 * have been: go on with npmu_append_read_base().
 */
int npmu_append_recheck(struct npmu_append_reader *reader,
			const struct npmu_append_item *item);

/* Position behind the last update that was read, or of the base. */
uint64_t npmu_append_position(const struct npmu_append_reader *reader);

/**
 * npmu_append_wait - wait for something unread
 * @reader: for one thread at a time
 * @timeout_ns: how long at most; UINT64_MAX: no limit
 *
 * To wait for several things at once, poll npmu_region_fd(): see
 * linux/npmu_ioctl.h.
 *
 * Return: 0: npmu_append_next() has an update, or fails with something other than -ENODATA,
 * such as -EOVERFLOW for a base that was not read yet;
 * 1: the writer role changed: see npmu_append_who(); -ETIMEDOUT; -EINTR; -ESTALE: the open
 * is dead; -EUCLEAN: as npmu_append_next().
 */
int npmu_append_wait(struct npmu_append_reader *reader, uint64_t timeout_ns);

/**
 * struct npmu_append_who - who writes, or wrote
 * @alive: there is a live writer
 * @pid: its pid, or that of the last one; 0: unknown, or in another pid namespace
 * @fence_epoch: its fence epoch
 * @current_epoch: fence epoch of the region, which npmu_append_takeover() takes
 * @sequence: of the last base or update that this reader can see now
 */
struct npmu_append_who {
	uint32_t alive;
	uint32_t pid;
	uint64_t fence_epoch;
	uint64_t current_epoch;
	uint64_t sequence;
};

/**
 * npmu_append_who - who is the writer, and how far did it come
 * @reader: for one thread at a time
 * @who: filled in
 *
 * A system call. Marks a change of the writer role as seen. Updates that are not read
 * are looked at and stay unread.
 *
 * Return: 0; else as npmu_region_info().
 */
int npmu_append_who(struct npmu_append_reader *reader, struct npmu_append_who *who);

/* Flags of npmu_append_attach(). */
#define NPMU_APPEND_CREATE	(1U << 0)	/* make the name if there is none */

/**
 * npmu_append_attach - be a named reader
 * @reader: for one thread at a time
 * @name: at most NPMU_CKPT_READER_NAME_LEN - 1 bytes
 * @flags: NPMU_APPEND_CREATE
 *
 * What was acknowledged under the name is known from now on: npmu_append_next() goes on
 * behind it, and the base need not be read. A reader that has not kept its state, or has
 * never acknowledged, reads the base in spite of that. A new name begins where the reader
 * is, or at the base, which it has to read. A system call. One reader of a region handle
 * can have a name.
 *
 * Over the wire a name belongs to the principal that made it. After a reader died, or its
 * connection was lost, -EBUSY may last until the unit has noticed: try again.
 *
 * Return: 0: the name was there; 1: it is new; as NPMU_IOC_READER_ATTACH in
 * linux/npmu_ioctl.h; -ENODATA: no checkpoint yet; -ERANGE: the grant does not begin where
 * the region begins.
 */
int npmu_append_attach(struct npmu_append_reader *reader, const char *name,
		       unsigned int flags);

/**
 * npmu_append_ack - acknowledge all updates before a position
 * @reader: attached
 * @position: npmu_append_item.end of the last update that the reader has kept
 *
 * Acknowledge what need not be read again even after the reader's own death. A system
 * call, or over the wire one message and its answer; durable on return.
 *
 * Return: 0; as NPMU_IOC_READER_ACK.
 */
int npmu_append_ack(struct npmu_append_reader *reader, uint64_t position);

/**
 * npmu_append_detach - give a name back
 * @reader: for one thread at a time
 * @name: or NULL: that of this reader
 *
 * Return: 0; as NPMU_IOC_READER_DETACH.
 */
int npmu_append_detach(struct npmu_append_reader *reader, const char *name);

/**
 * npmu_append_reader_reconnect - go on after the connection was lost
 * @reader: a call on it returned -ENOTCONN
 * @err: why not, or NULL
 *
 * As npmu_region_reconnect(); npmu_append_next() goes on behind the last update that it
 * handed out, and what was acknowledged stays. A reader with a name has it again. The next
 * npmu_append_wait() returns 1, whatever happened meanwhile.
 *
 * Return: 0; -EBUSY: the unit has not noticed yet that the former connection is gone, and
 * keeps the name for it: try again; -ENOENT: the name was dropped, or the checkpoint was made
 * anew: the reader goes on without one; else as npmu_region_reconnect().
 */
int npmu_append_reader_reconnect(struct npmu_append_reader *reader, struct npmu_error *err);

/**
 * npmu_append_takeover - fence the writer and become the writer
 * @reader: its region handle was opened with NPMU_OPEN_WRITE
 * @expected_epoch: fence epoch the caller believes to be current: npmu_append_who()
 * @options: of the writer, or NULL; sizes and NPMU_APPEND_INIT must be 0
 * @out: the writer
 * @err: why not, or NULL
 *
 * Of several contenders with the same expectation one wins. On return no store of the
 * former writer can land any more, its end is sealed durably, the region is mapped for
 * writing (items that were read stay valid in the former mapping, until it is
 * unmapped), and the reader has all of its updates: npmu_append_next() until -ENODATA,
 * before the first update of one's own; before that npmu_append_read_base(), unless it was
 * called already. Then the reader may be closed.
 *
 * Takes time for what is unread, not for the state. May sleep for 5 s.
 *
 * Return: 0; -ESTALE: another epoch is current, the text tells whose; or this open is dead;
 * -EOVERFLOW, -EUCLEAN: as npmu_append_next(): the role is taken, read the base and use
 * npmu_append_writer_open(); -ENODATA, -EMEDIUMTYPE, -EPROTONOSUPPORT: there is no such
 * checkpoint, the role is not taken; else as npmu_region_takeover() and
 * npmu_append_writer_open().
 */
int npmu_append_takeover(struct npmu_append_reader *reader, uint64_t expected_epoch,
			 const struct npmu_append_options *options,
			 struct npmu_append_writer **out, struct npmu_error *err);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_APPEND_H */

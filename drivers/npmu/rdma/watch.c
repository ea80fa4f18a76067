// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following over the wire: a client that has nothing to read is told, once, when the
 * writer kicks or the writer role changes. And being followed: a writer of whose commits
 * the unit learns nothing is told, once, when a reader is going to sleep. It must not know
 * who asks for what else.
 *
 * A reader may look, and sleep, while that notice is on its way, and miss a commit that was
 * made without knowing of it. So it is stirred when the notice has arrived: what it does not
 * find then is committed by a writer that has the notice in its completion queue.
 */
#include "../role.h"
#include "watch.h"

static int region_woken(struct wait_queue_entry *waiter, unsigned int mode, int flags, void *key)
{
	npmu_conn_kick(container_of(waiter, struct npmu_conn, waiter));
	return 0;
}

static int kick_wanted(struct wait_queue_entry *wanter, unsigned int mode, int flags, void *key)
{
	struct npmu_conn *conn = container_of(wanter, struct npmu_conn, wanter);

	if (READ_ONCE(conn->tells))
		npmu_conn_kick(conn);
	return 0;
}

void npmu_watch_begin(struct npmu_conn *conn)
{
	init_waitqueue_func_entry(&conn->waiter, region_woken);
	add_wait_queue(&conn->entry->region->wait, &conn->waiter);
	init_waitqueue_func_entry(&conn->wanter, kick_wanted);
	add_wait_queue(&conn->entry->region->wanted, &conn->wanter);
}

void npmu_watch_end(struct npmu_conn *conn)
{
	remove_wait_queue(&conn->entry->region->wanted, &conn->wanter);
	remove_wait_queue(&conn->entry->region->wait, &conn->waiter);
}

void npmu_watch_tell(struct npmu_conn *conn, bool tells)
{
	WRITE_ONCE(conn->tells, tells);
	conn->told = false;
}

void npmu_watch_kicked(struct npmu_conn *conn)
{
	conn->told = false;
}

static size_t changed_fill(struct npmu_conn *conn, struct npmu_wire_changed *changed)
{
	struct npmu_region *region = conn->entry->region;

	conn->watch_kicks = READ_ONCE(region->status->kicks);
	conn->watch_role = READ_ONCE(region->role_seq);
	changed->kicks = cpu_to_le64(conn->watch_kicks);
	changed->role = cpu_to_le64(conn->watch_role);
	changed->fence_epoch = cpu_to_le64(READ_ONCE(region->fence_epoch));
	changed->last_epoch = cpu_to_le64(READ_ONCE(region->last_writer_epoch));
	changed->writer = cpu_to_le32(!!READ_ONCE(region->writer));
	return sizeof(*changed);
}

static bool changed_is_new(struct npmu_conn *conn)
{
	struct npmu_region *region = conn->entry->region;

	return READ_ONCE(region->status->kicks) != conn->watch_kicks ||
	       READ_ONCE(region->role_seq) != conn->watch_role;
}

static void changed_send(struct npmu_conn *conn)
{
	struct npmu_wire_changed *notice;
	struct npmu_conn_buf *buf;

	buf = npmu_conn_buf_get(conn);
	if (!buf)
		return;
	conn->watching = false;
	notice = buf->bytes;
	notice->header.type = cpu_to_le16(NPMU_WIRE_CHANGED);
	notice->header.length = cpu_to_le16(changed_fill(conn, notice));
	npmu_conn_send(conn, buf);
}

static void wanted_send(struct npmu_conn *conn)
{
	struct npmu_wire_header *notice;
	struct npmu_conn_buf *buf;

	buf = npmu_conn_buf_get(conn);
	if (!buf)
		return;
	conn->told = true;
	notice = buf->bytes;
	notice->type = cpu_to_le16(NPMU_WIRE_KICK_WANTED);
	notice->length = cpu_to_le16(sizeof(*notice));
	buf->confirm = true;
	npmu_conn_send(conn, buf);
}

static bool has_arrived(struct npmu_conn *conn)
{
	bool arrived;

	guard(spinlock_irq)(&conn->lock);
	arrived = conn->arrived;
	conn->arrived = false;
	return arrived;
}

void npmu_watch_look(struct npmu_conn *conn)
{
	struct npmu_region *region = conn->entry->region;

	if (has_arrived(conn))
		npmu_role_stir(region);
	if (conn->tells && !conn->told) {
		/* Pairs with that in npmu_role_want_kick(). */
		smp_mb();
		if (READ_ONCE(region->status->kick_wanted))
			wanted_send(conn);
	}
	if (conn->watching && changed_is_new(conn))
		changed_send(conn);
}

size_t npmu_watch_ask(struct npmu_conn *conn, const struct npmu_wire_watch *msg,
		      struct npmu_wire_changed *answer)
{
	conn->watch_kicks = le64_to_cpu(msg->kicks);
	conn->watch_role = le64_to_cpu(msg->role);
	npmu_role_want_kick(conn->entry->region);
	conn->watching = !changed_is_new(conn);
	return changed_fill(conn, answer);
}

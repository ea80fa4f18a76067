// SPDX-License-Identifier: GPL-2.0-only
/*
 * Following over the wire: a client that has nothing to read is told, once, when the
 * writer kicks or the writer role changes. It must not know who asks for what else.
 */
#include "../tpt.h"
#include "watch.h"

static int region_woken(struct wait_queue_entry *waiter, unsigned int mode, int flags, void *key)
{
	npmu_conn_kick(container_of(waiter, struct npmu_conn, waiter));
	return 0;
}

void npmu_watch_begin(struct npmu_conn *conn)
{
	init_waitqueue_func_entry(&conn->waiter, region_woken);
	add_wait_queue(&conn->entry->region->wait, &conn->waiter);
}

void npmu_watch_end(struct npmu_conn *conn)
{
	remove_wait_queue(&conn->entry->region->wait, &conn->waiter);
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

void npmu_watch_look(struct npmu_conn *conn)
{
	struct npmu_wire_changed *notice;
	struct npmu_conn_buf *buf;

	if (!conn->watching || !changed_is_new(conn))
		return;
	buf = npmu_conn_buf_get(conn);
	if (!buf)
		return;
	conn->watching = false;
	notice = buf->bytes;
	notice->header.type = cpu_to_le16(NPMU_WIRE_CHANGED);
	notice->header.length = cpu_to_le16(changed_fill(conn, notice));
	npmu_conn_send(conn, buf);
}

size_t npmu_watch_ask(struct npmu_conn *conn, const struct npmu_wire_watch *msg,
		      struct npmu_wire_changed *answer)
{
	struct npmu_status *status = conn->entry->region->status;

	conn->watch_kicks = le64_to_cpu(msg->kicks);
	conn->watch_role = le64_to_cpu(msg->role);
	/* The writer looks at it after it has committed, and kicks. */
	WRITE_ONCE(status->kick_wanted, 1);
	/* Pairs with the barrier between the writer's commit and its look. */
	smp_mb();
	conn->watching = !changed_is_new(conn);
	return changed_fill(conn, answer);
}

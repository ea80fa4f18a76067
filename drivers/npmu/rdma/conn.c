// SPDX-License-Identifier: GPL-2.0-only
/*
 * Connections: how one begins, is kept alive and ends. Owns the list of them and every
 * change of state. It must not know what the messages say (serve.c), how they come and go
 * (qp.c) nor what a key covers (mr.c).
 *
 * Events, completions and the clock only put work on a queue. The teardown alone
 * destroys, and never runs in a callback of what it destroys.
 */
#include <linux/slab.h>
#include <rdma/ib_cm.h>

#include "conn.h"
#include "listen.h"
#include "netlink.h"
#include "qp.h"
#include "trace.h"
#include "watch.h"

static unsigned int max_connections = 1024;
module_param(max_connections, uint, 0644);
MODULE_PARM_DESC(max_connections, "connections at once");

static unsigned int max_strangers = 64;
module_param(max_strangers, uint, 0644);
MODULE_PARM_DESC(max_strangers, "connections at once that have not proved who they are");

static unsigned int auth_ms = 5000;
module_param(auth_ms, uint, 0644);
MODULE_PARM_DESC(auth_ms, "time to prove who one is, in ms");

static unsigned int open_ms = 30000;
module_param(open_ms, uint, 0644);
MODULE_PARM_DESC(open_ms, "time to open a region, from the proof or a CREATE on, in ms");

static unsigned int keepalive_ms = 2000;
module_param(keepalive_ms, uint, 0644);
MODULE_PARM_DESC(keepalive_ms, "a client that vanished is noticed after that, in ms (at least 200)");

/* Protects npmu_conns, nr_conns, nr_strangers and last_id. */
static DEFINE_SPINLOCK(npmu_conns_lock);
static LIST_HEAD(npmu_conns);
static unsigned int nr_conns;
static unsigned int nr_strangers;
static u64 last_id;
/* Whoever waits until connections have ended. */
static DECLARE_WAIT_QUEUE_HEAD(npmu_conns_fewer);

static struct workqueue_struct *npmu_conn_wq;

static bool is_stranger(enum npmu_conn_state state)
{
	return state < NPMU_CONN_KNOWN;
}

/* Any of the states but CLOSING. */
#define FROM_ANY	(-1)

/*
 * Which changes there are is for the callers; CLOSING is entered from everywhere, by
 * npmu_conn_close(), and never left.
 */
static bool conn_change(struct npmu_conn *conn, int from, enum npmu_conn_state to,
			enum npmu_ni_session_end end)
{
	enum npmu_conn_state was;
	unsigned long flags;
	bool moved;

	spin_lock_irqsave(&conn->lock, flags);
	was = conn->state;
	moved = was != NPMU_CONN_CLOSING && (from == FROM_ANY || from == was);
	if (moved) {
		conn->state = to;
		/* Said before, or now. */
		if (!conn->end)
			conn->end = end;
		end = conn->end;
	}
	spin_unlock_irqrestore(&conn->lock, flags);
	if (!moved)
		return false;

	trace_npmu_rdma_state(conn->id, was, to, end);
	if (is_stranger(was) && !is_stranger(to)) {
		spin_lock_irqsave(&npmu_conns_lock, flags);
		nr_strangers--;
		spin_unlock_irqrestore(&npmu_conns_lock, flags);
	}
	return true;
}

bool npmu_conn_move(struct npmu_conn *conn, enum npmu_conn_state from,
		    enum npmu_conn_state to)
{
	return conn_change(conn, from, to, NPMU_NI_SESSION_END_NONE);
}

void npmu_conn_close(struct npmu_conn *conn, enum npmu_ni_session_end end)
{
	if (conn_change(conn, FROM_ANY, NPMU_CONN_CLOSING, end))
		queue_work(npmu_conn_wq, &conn->teardown);
}

void npmu_conn_doom(struct npmu_conn *conn, enum npmu_ni_session_end end)
{
	unsigned long flags;

	spin_lock_irqsave(&conn->lock, flags);
	if (!conn->end)
		conn->end = end;
	spin_unlock_irqrestore(&conn->lock, flags);
}

void npmu_conn_denied(struct npmu_conn *conn)
{
	atomic64_inc(&conn->counters.denied);
	npmu_listener_denied(conn->listener);
}

static void conn_free(struct kref *ref)
{
	struct npmu_conn *conn = container_of(ref, struct npmu_conn, ref);

	npmu_listener_put(conn->listener);
	kvfree_sensitive(conn, sizeof(*conn));
}

void npmu_conn_put(struct npmu_conn *conn)
{
	kref_put(&conn->ref, conn_free);
}

struct npmu_conn *npmu_conn_next(u64 id)
{
	struct npmu_conn *conn;

	guard(spinlock_irqsave)(&npmu_conns_lock);
	/* New ones go to the end: the list is in order of id. */
	list_for_each_entry(conn, &npmu_conns, node)
		if (conn->id > id) {
			kref_get(&conn->ref);
			return conn;
		}
	return NULL;
}

/* Admits one more, or says why not. */
static u32 conn_admit(struct npmu_conn *conn)
{
	guard(spinlock_irqsave)(&npmu_conns_lock);
	if (nr_conns >= READ_ONCE(max_connections))
		return NPMU_REFUSED_FULL;
	if (nr_strangers >= READ_ONCE(max_strangers))
		return NPMU_REFUSED_RATE;
	nr_conns++;
	nr_strangers++;
	conn->id = ++last_id;
	list_add_tail(&conn->node, &npmu_conns);
	return 0;
}

/* The list's reference goes to the caller. */
static void conn_dismiss(struct npmu_conn *conn)
{
	spin_lock_irq(&npmu_conns_lock);
	list_del(&conn->node);
	nr_conns--;
	spin_unlock_irq(&npmu_conns_lock);
	wake_up_all(&npmu_conns_fewer);
}

/* A keepalive is sent with a tick, and must be back before so many more. */
#define SILENT_TICKS	3

/* Has nothing open, and had time for that: whatever it asks, it only keeps others out. */
static bool conn_is_idle(struct npmu_conn *conn)
{
	unsigned long limit = msecs_to_jiffies(READ_ONCE(open_ms));

	return READ_ONCE(conn->state) == NPMU_CONN_KNOWN &&
	       time_after(jiffies, READ_ONCE(conn->idle_since) + limit);
}

/* A client that vanished does not answer, nor does its device. */
static void conn_tick(struct work_struct *work)
{
	struct npmu_conn *conn = container_of(work, struct npmu_conn, tick.work);
	unsigned int ms = max(READ_ONCE(keepalive_ms), 200U);

	if (is_stranger(READ_ONCE(conn->state)))
		return npmu_conn_close(conn, NPMU_NI_SESSION_END_UNPROVED);
	if (conn_is_idle(conn))
		return npmu_conn_close(conn, NPMU_NI_SESSION_END_IDLE);
	if (!READ_ONCE(conn->alive)) {
		conn->silent = 0;
		if (npmu_qp_ping(conn))
			return npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
	} else if (++conn->silent == SILENT_TICKS) {
		return npmu_conn_close(conn, NPMU_NI_SESSION_END_VANISHED);
	}
	/* It vanishes right after an answer at the worst: one tick more. */
	queue_delayed_work(npmu_conn_wq, &conn->tick,
			   msecs_to_jiffies(ms / (SILENT_TICKS + 1)));
}

struct npmu_wire_welcome npmu_conn_welcome(void)
{
	struct npmu_wire_welcome welcome = {
		.magic = cpu_to_le32(NPMU_WIRE_MAGIC),
		.length = cpu_to_le16(sizeof(welcome)),
		.version = cpu_to_le16(NPMU_WIRE_VERSION),
	};

	return welcome;
}

static struct npmu_conn_buf *inbox_take(struct npmu_conn *conn)
{
	struct npmu_conn_buf *buf;

	guard(spinlock_irq)(&conn->lock);
	buf = list_first_entry_or_null(&conn->inbox, struct npmu_conn_buf, node);
	if (buf)
		list_del(&buf->node);
	return buf;
}

static void conn_work(struct work_struct *work)
{
	struct npmu_conn *conn = container_of(work, struct npmu_conn, work);
	struct npmu_conn_buf *buf;
	bool known;

	while (READ_ONCE(conn->state) != NPMU_CONN_CLOSING && (buf = inbox_take(conn))) {
		ib_dma_sync_single_for_cpu(conn->cm->device, buf->dma, NPMU_WIRE_MSG_SIZE,
					   DMA_FROM_DEVICE);
		known = !is_stranger(conn->state);
		npmu_serve(conn, buf->bytes, buf->len);
		if (!known && !is_stranger(conn->state))
			mod_delayed_work(npmu_conn_wq, &conn->tick, 0);
		if (npmu_qp_recv(buf))
			npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
	}
	if (READ_ONCE(conn->state) == NPMU_CONN_OPEN)
		npmu_watch_look(conn);
}

void npmu_conn_kick(struct npmu_conn *conn)
{
	queue_work(npmu_conn_wq, &conn->work);
}

static void conn_teardown(struct work_struct *work)
{
	struct npmu_conn *conn = container_of(work, struct npmu_conn, teardown);
	struct rdma_cm_id *cm = conn->cm;

	/* Listeners hear of it while it can still be said what was open. */
	npmu_ni_notify(conn, NPMU_NI_SESSION_EVENT_ENDED);
	npmu_listener_ended(conn->listener, conn->end);
	/* Whatever waits for the queue pair waits no longer. */
	rdma_disconnect(cm);
	cancel_work_sync(&conn->work);
	/* Readers hear of it before anything that takes time. */
	npmu_serve_end(conn);
	ib_drain_qp(cm->qp);
	cancel_delayed_work_sync(&conn->tick);
	cancel_work_sync(&conn->work);
	npmu_qp_free(conn);
	rdma_destroy_id(cm);
	conn_dismiss(conn);
	npmu_conn_put(conn);
}

static int conn_cm_event(struct rdma_cm_id *cm, struct rdma_cm_event *event)
{
	struct npmu_conn *conn = cm->context;

	switch (event->event) {
	case RDMA_CM_EVENT_ESTABLISHED:
		break;
	case RDMA_CM_EVENT_DISCONNECTED:
		npmu_conn_close(conn, NPMU_NI_SESSION_END_CLIENT);
		break;
	case RDMA_CM_EVENT_UNREACHABLE:
		npmu_conn_close(conn, NPMU_NI_SESSION_END_VANISHED);
		break;
	default:
		/* The device or its address goes away, or the client refuses: all one to us. */
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
	}
	return 0;
}

static struct npmu_conn *conn_alloc(struct npmu_listener *listener, struct rdma_cm_id *cm)
{
	struct npmu_conn *conn;

	conn = kvzalloc(sizeof(*conn), GFP_KERNEL);
	if (!conn)
		return NULL;
	kref_init(&conn->ref);
	conn->listener = npmu_listener_get(listener);
	conn->cm = cm;
	spin_lock_init(&conn->lock);
	mutex_init(&conn->keys_lock);
	INIT_LIST_HEAD(&conn->inbox);
	INIT_LIST_HEAD(&conn->free);
	INIT_WORK(&conn->work, conn_work);
	INIT_WORK(&conn->teardown, conn_teardown);
	INIT_DELAYED_WORK(&conn->tick, conn_tick);
	return conn;
}

static int conn_accept(struct npmu_conn *conn, const struct rdma_conn_param *param)
{
	struct ib_device_attr *attrs = &conn->cm->device->attrs;
	struct npmu_wire_welcome welcome = npmu_conn_welcome();
	struct rdma_conn_param accept = {
		.private_data = &welcome,
		.private_data_len = sizeof(welcome),
		.responder_resources = min_t(int, param->responder_resources,
					     attrs->max_qp_rd_atom),
		.initiator_depth = 0,
		.rnr_retry_count = 6,
	};

	return rdma_accept(conn->cm, &accept);
}

u32 npmu_conn_request(struct npmu_listener *listener, struct rdma_cm_id *cm,
		      const struct rdma_conn_param *param)
{
	struct npmu_conn *conn;
	u32 why;

	why = npmu_msg_hello(param->private_data, param->private_data_len);
	if (why)
		return why;
	if (!(cm->device->attrs.device_cap_flags & IB_DEVICE_MEM_MGT_EXTENSIONS))
		return NPMU_REFUSED_DEVICE;
	conn = conn_alloc(listener, cm);
	if (!conn)
		return NPMU_REFUSED_MEMORY;
	conn->client_qp = param->qp_num;
	memcpy(&conn->hello, param->private_data, sizeof(conn->hello));
	conn->peer = cm->route.addr.dst_addr;
	why = conn_admit(conn);
	if (why)
		goto err_put;
	if (npmu_qp_make(conn)) {
		why = NPMU_REFUSED_MEMORY;
		goto err_dismiss;
	}
	cm->context = conn;
	cm->event_handler = conn_cm_event;
	queue_delayed_work(npmu_conn_wq, &conn->tick, msecs_to_jiffies(READ_ONCE(auth_ms)));
	if (conn_accept(conn, param))
		/* The id is ours by now, and goes with the rest. */
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
	return 0;

err_dismiss:
	npmu_conn_move(conn, NPMU_CONN_NEW, NPMU_CONN_CLOSING);
	conn_dismiss(conn);
err_put:
	npmu_conn_put(conn);
	return why;
}

static bool conn_of(struct npmu_conn *conn, struct npmu_listener *listener)
{
	return !listener || conn->listener == listener;
}

static bool conns_left(struct npmu_listener *listener)
{
	struct npmu_conn *conn;

	guard(spinlock_irq)(&npmu_conns_lock);
	list_for_each_entry(conn, &npmu_conns, node)
		if (conn_of(conn, listener))
			return true;
	return false;
}

void npmu_conn_end_all(struct npmu_listener *listener)
{
	struct npmu_conn *conn;
	u64 id = 0;

	while ((conn = npmu_conn_next(id))) {
		id = conn->id;
		if (conn_of(conn, listener))
			npmu_conn_close(conn, NPMU_NI_SESSION_END_UNLISTENED);
		npmu_conn_put(conn);
	}
	wait_event(npmu_conns_fewer, !conns_left(listener));
}

void npmu_conn_stat(struct npmu_conn *conn, struct npmu_conn_stat *stat)
{
	spin_lock_irq(&conn->lock);
	*stat = conn->shown;
	stat->state = conn->state;
	stat->end = conn->end;
	spin_unlock_irq(&conn->lock);
	stat->peer = conn->peer;
	stat->keys = READ_ONCE(conn->nr_keys);
}

void npmu_conn_show(struct npmu_conn *conn, const struct npmu_conn_stat *stat)
{
	spin_lock_irq(&conn->lock);
	conn->shown = *stat;
	spin_unlock_irq(&conn->lock);
}

int npmu_conn_init(void)
{
	npmu_conn_wq = alloc_workqueue("npmu_rdma", WQ_UNBOUND | WQ_SYSFS, 0);
	return npmu_conn_wq ? 0 : -ENOMEM;
}

void npmu_conn_exit(void)
{
	destroy_workqueue(npmu_conn_wq);
}

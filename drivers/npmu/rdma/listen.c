// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners. Owns the addresses that were configured and the RDMA CM ids that wait
 * there: one whose device goes away, or that is not there yet, is tried again until it
 * is. Refuses in words (struct npmu_wire_refusal). It must not know what a connection
 * does once it was accepted.
 */
#include <linux/inet.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <rdma/ib_cm.h>
#include <rdma/iw_cm.h>

#include "conn.h"
#include "listen.h"
#include "trace.h"

#define MAX_LISTENERS	16
#define RETRY_EVERY	HZ
#define BACKLOG		64

/* Of all listeners together, so that a flood does not keep the host busy. */
static unsigned int max_rate = 200;
module_param(max_rate, uint, 0644);
MODULE_PARM_DESC(max_rate, "connect requests that are looked at in a second");

/**
 * struct npmu_listener - an address
 * @ref: one of the list, one of each connection
 * @node: in npmu_listeners
 * @id: never used twice
 * @addr: constant
 * @accepted: connections
 * @refused: connect requests
 * @denied: messages of its connections
 * @ended: connections, by why
 * @retry: makes @cm when there is none
 *
 * Under npmu_listeners_lock:
 * @cm: what waits, or NULL
 * @error: why there is none
 * @broken: @cm is of no use any more
 */
struct npmu_listener {
	struct kref ref;
	struct list_head node;
	u64 id;
	struct sockaddr_storage addr;
	atomic64_t accepted;
	atomic64_t refused;
	atomic64_t denied;
	atomic64_t ended[NPMU_NI_SESSION_ENDS];
	struct delayed_work retry;

	struct rdma_cm_id *cm;
	int error;
	bool broken;
};

/*
 * Protects what follows and what is said above. Not taken in callbacks of an id: it is
 * held while one is destroyed, which waits for them.
 */
static DEFINE_MUTEX(npmu_listeners_lock);
static LIST_HEAD(npmu_listeners);
static unsigned int nr_listeners;
static u64 last_id;
/* Nobody listens any more, nor will. */
static bool closed;

/* Connect requests of this second. */
static DEFINE_SPINLOCK(rate_lock);
static unsigned long rate_since;
static unsigned int rate_count;

static bool rate_ok(void)
{
	guard(spinlock_irqsave)(&rate_lock);
	if (time_after_eq(jiffies, rate_since + HZ)) {
		rate_since = jiffies;
		rate_count = 0;
	}
	return ++rate_count <= READ_ONCE(max_rate);
}

static void listener_free(struct kref *ref)
{
	kfree(container_of(ref, struct npmu_listener, ref));
}

struct npmu_listener *npmu_listener_get(struct npmu_listener *listener)
{
	kref_get(&listener->ref);
	return listener;
}

void npmu_listener_put(struct npmu_listener *listener)
{
	kref_put(&listener->ref, listener_free);
}

void npmu_listener_addr(struct npmu_listener *listener, struct sockaddr_storage *addr)
{
	*addr = listener->addr;
}

void npmu_listener_denied(struct npmu_listener *listener)
{
	atomic64_inc(&listener->denied);
}

void npmu_listener_ended(struct npmu_listener *listener, enum npmu_ni_session_end end)
{
	atomic64_inc(&listener->ended[end]);
}

static void refuse(struct rdma_cm_id *cm, u32 why)
{
	struct npmu_wire_refusal refusal = {
		.magic = cpu_to_le32(NPMU_WIRE_MAGIC),
		.length = cpu_to_le16(sizeof(refusal)),
		.version = cpu_to_le16(NPMU_WIRE_VERSION),
		.reason = cpu_to_le32(why),
	};

	rdma_reject(cm, &refusal, sizeof(refusal),
		    rdma_protocol_iwarp(cm->device, cm->port_num) ? 0 : IB_CM_REJ_CONSUMER_DEFINED);
}

static int listener_event(struct rdma_cm_id *cm, struct rdma_cm_event *event)
{
	struct npmu_listener *listener = cm->context;
	u32 why;

	if (event->event != RDMA_CM_EVENT_CONNECT_REQUEST) {
		/* Of the listening id: its device or its address goes away. */
		trace_npmu_rdma_listener(&listener->addr, "lost", 0);
		WRITE_ONCE(listener->broken, true);
		mod_delayed_work(system_unbound_wq, &listener->retry, 0);
		return 0;
	}
	why = rate_ok() ? npmu_conn_request(listener, cm, &event->param.conn) : NPMU_REFUSED_RATE;
	if (!why) {
		atomic64_inc(&listener->accepted);
		return 0;
	}
	atomic64_inc(&listener->refused);
	trace_npmu_rdma_refused(&cm->route.addr.dst_addr, why);
	refuse(cm, why);
	/* Destroys the id of this request. */
	return -ECONNREFUSED;
}

static int listener_bind(struct npmu_listener *listener)
{
	struct rdma_cm_id *cm;
	int ret;

	cm = rdma_create_id(&init_net, listener_event, listener, RDMA_PS_TCP, IB_QPT_RC);
	if (IS_ERR(cm))
		return PTR_ERR(cm);
	ret = rdma_bind_addr(cm, (struct sockaddr *)&listener->addr);
	if (!ret)
		ret = rdma_listen(cm, BACKLOG);
	if (ret) {
		rdma_destroy_id(cm);
		return ret;
	}
	listener->cm = cm;
	return 0;
}

static void listener_retry(struct work_struct *work)
{
	struct npmu_listener *listener = container_of(work, struct npmu_listener, retry.work);

	guard(mutex)(&npmu_listeners_lock);
	if (listener->cm && READ_ONCE(listener->broken)) {
		rdma_destroy_id(listener->cm);
		listener->cm = NULL;
		WRITE_ONCE(listener->broken, false);
	}
	if (list_empty(&listener->node) || listener->cm)
		return;
	listener->error = listener_bind(listener);
	trace_npmu_rdma_listener(&listener->addr, "retried", listener->error);
	if (listener->error)
		queue_delayed_work(system_unbound_wq, &listener->retry, RETRY_EVERY);
}

static bool addr_equal(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;

	if (a->ss_family != b->ss_family)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_port == b4->sin_port && a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return a6->sin6_port == b6->sin6_port && ipv6_addr_equal(&a6->sin6_addr, &b6->sin6_addr) &&
	       a6->sin6_scope_id == b6->sin6_scope_id;
}

static struct npmu_listener *listener_find(const struct sockaddr_storage *addr)
{
	struct npmu_listener *listener;

	lockdep_assert_held(&npmu_listeners_lock);
	list_for_each_entry(listener, &npmu_listeners, node)
		if (addr_equal(&listener->addr, addr))
			return listener;
	return NULL;
}

static int listener_add(struct npmu_listener *listener, struct netlink_ext_ack *extack)
{
	guard(mutex)(&npmu_listeners_lock);
	if (closed) {
		NL_SET_ERR_MSG(extack, "npmu_rdma is being removed");
		return -ESHUTDOWN;
	}
	if (listener_find(&listener->addr)) {
		NL_SET_ERR_MSG(extack, "listens at this address already");
		return -EEXIST;
	}
	if (nr_listeners >= MAX_LISTENERS) {
		NL_SET_ERR_MSG_FMT(extack, "there are %u listeners, as many as are allowed",
				   nr_listeners);
		return -ENOSPC;
	}
	listener->error = listener_bind(listener);
	/* What will not change by waiting is said at once. */
	if (listener->error && listener->error != -ENODEV && listener->error != -EADDRNOTAVAIL) {
		NL_SET_ERR_MSG(extack, "cannot listen at this address");
		return listener->error;
	}
	listener->id = ++last_id;
	list_add_tail(&listener->node, &npmu_listeners);
	nr_listeners++;
	trace_npmu_rdma_listener(&listener->addr, "added", listener->error);
	if (!listener->cm)
		queue_delayed_work(system_unbound_wq, &listener->retry, RETRY_EVERY);
	return 0;
}

int npmu_listen(const struct sockaddr_storage *addr, struct netlink_ext_ack *extack)
{
	struct npmu_listener *listener;
	int ret;

	listener = kzalloc(sizeof(*listener), GFP_KERNEL);
	if (!listener)
		return -ENOMEM;
	kref_init(&listener->ref);
	INIT_LIST_HEAD(&listener->node);
	listener->addr = *addr;
	INIT_DELAYED_WORK(&listener->retry, listener_retry);
	ret = listener_add(listener, extack);
	if (ret) {
		/* Its id may have been told that its device goes away. */
		cancel_delayed_work_sync(&listener->retry);
		npmu_listener_put(listener);
	}
	return ret;
}

int npmu_unlisten(const struct sockaddr_storage *addr, struct netlink_ext_ack *extack)
{
	struct npmu_listener *listener;
	struct rdma_cm_id *cm;

	mutex_lock(&npmu_listeners_lock);
	listener = listener_find(addr);
	if (listener) {
		list_del_init(&listener->node);
		nr_listeners--;
		/* What a retry that is on its way does not find, it does not destroy. */
		cm = listener->cm;
		listener->cm = NULL;
	}
	mutex_unlock(&npmu_listeners_lock);
	if (!listener) {
		NL_SET_ERR_MSG(extack, "does not listen at this address");
		return -ENOENT;
	}
	if (cm)
		rdma_destroy_id(cm);
	/* With what its last callback may have queued. */
	cancel_delayed_work_sync(&listener->retry);
	npmu_conn_end_all(listener);
	trace_npmu_rdma_listener(addr, "removed", 0);
	npmu_listener_put(listener);
	return 0;
}

void npmu_unlisten_all(void)
{
	struct npmu_listener_stat stat;

	scoped_guard(mutex, &npmu_listeners_lock)
		closed = true;
	while (npmu_listener_next(0, &stat))
		npmu_unlisten(&stat.addr, NULL);
}

bool npmu_listener_next(u64 id, struct npmu_listener_stat *stat)
{
	struct npmu_listener *listener;
	unsigned int i;

	guard(mutex)(&npmu_listeners_lock);
	list_for_each_entry(listener, &npmu_listeners, node) {
		if (listener->id <= id)
			continue;
		stat->id = listener->id;
		stat->addr = listener->addr;
		stat->listening = listener->cm && !READ_ONCE(listener->broken);
		stat->error = stat->listening ? 0 : listener->error;
		stat->accepted = atomic64_read(&listener->accepted);
		stat->refused = atomic64_read(&listener->refused);
		stat->denied = atomic64_read(&listener->denied);
		for (i = 0; i < ARRAY_SIZE(stat->ended); i++)
			stat->ended[i] = atomic64_read(&listener->ended[i]);
		return true;
	}
	return false;
}

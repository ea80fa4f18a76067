/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Connections of the network interface: one principal and one open of a region each.
 *
 * Locks, outermost first:
 *
 *	npmu_listeners_lock (listen.c)
 *	region->lock	of the core; a fence calls npmu_conn_zap() under it
 *	conn->keys_lock	the keys of a connection
 *	npmu_conns_lock (conn.c), conn->lock	spinlocks; nothing is called under them
 */
#ifndef NPMU_CONN_H
#define NPMU_CONN_H

#include <linux/completion.h>
#include <linux/kref.h>
#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <linux/npmu_ni.h>
#include <rdma/rdma_cm.h>

#include "msg.h"

struct npmu_listener;
struct npmu_tpt_entry;

enum npmu_conn_state {
	NPMU_CONN_NEW,		/* nobody yet */
	NPMU_CONN_CHALLENGED,	/* the unit has proved itself */
	NPMU_CONN_REFUSED,	/* the client has not */
	NPMU_CONN_KNOWN,	/* the client has, too */
	NPMU_CONN_OPEN,		/* of a region */
	NPMU_CONN_CLOSING,	/* never comes back */
};

/* Receives that are posted, and buffers to send from. */
#define NPMU_CONN_RECVS		(2 * NPMU_WIRE_REQUESTS)
#define NPMU_CONN_SENDS		(NPMU_WIRE_REQUESTS + NPMU_WIRE_NOTICES)
/* Besides them, what a registration and a keepalive take. */
#define NPMU_CONN_OTHERS	4

/**
 * struct npmu_conn_buf - a buffer for one message
 * @cqe: says whose completion it is
 * @conn: whose it is
 * @node: in conn->inbox or conn->free
 * @dma: of @bytes
 * @len: of what was received
 * @confirm: when it has arrived, npmu_watch_look() is to know
 * @bytes: NPMU_WIRE_MSG_SIZE of them
 */
struct npmu_conn_buf {
	struct ib_cqe cqe;
	struct npmu_conn *conn;
	struct list_head node;
	u64 dma;
	u32 len;
	bool confirm;
	void *bytes;
};

struct npmu_key {
	struct ib_mr *mr;
	struct scatterlist *sg;
	int nr_sg;
	enum dma_data_direction dir;
	u64 offset;
	u64 len;
};

/* struct npmu_reg - the registration under way: lives as long as the queue pair can end it */
struct npmu_reg {
	struct ib_cqe cqe;
	struct completion done;
	enum ib_wc_status status;
};

/**
 * struct npmu_keys - the keys of a connection
 * @nr: how many to the region's bytes
 * @write: they are for writing, too
 * @key: in order of address
 */
struct npmu_keys {
	u32 nr;
	bool write;
	struct npmu_key key[];
};

/* What a connection has done, for whoever shows it. */
struct npmu_conn_counters {
	atomic64_t requests;
	atomic64_t denied;
	atomic64_t commits;
	atomic64_t completions;	/* handlers entered: receives, sends, registrations */
};

/* struct npmu_conn_stat - a snapshot for whoever shows it; "": there is none */
struct npmu_conn_stat {
	enum npmu_conn_state state;
	struct sockaddr_storage peer;
	char principal[NPMU_PRINCIPAL_LEN];
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
	u64 entry;
	u32 keys;
	enum npmu_ni_session_end end;
};

/**
 * struct npmu_conn - a connection
 * @ref: one of npmu_conns until it is torn down, one of each user
 * @node: in npmu_conns
 * @id: never used twice
 * @listener: holds a reference
 * @cm: its RDMA CM id
 * @pd: its keys are good on its queue pair only
 * @cq: of sends and receives
 * @client_qp: number of the client's queue pair
 * @hello: as it came
 * @bufs: all buffers; receives first
 * @work: handles what is in @inbox
 * @teardown: ends it
 * @tick: keepalive and the bounds for a client that does not prove itself or opens nothing
 * @counters: see there
 * @peer: address of the client
 * @nr_keys: in @keys, for whoever shows it
 * @idle_since: the proof, or the last region it made; while nothing is open
 * @lock: protects the fields that follow
 * @state: changed by npmu_conn_move() alone
 * @inbox: received and not yet handled
 * @free: buffers to send from
 * @shown: what npmu_conn_stat() tells
 * @end: why it ends, from the first who knows on
 * @arrived: a buffer that was to be confirmed has arrived
 * @alive: a keepalive is on its way; of the tick and its completion
 * @silent: ticks since it was sent; of the tick alone
 * @keys_lock: protects @keys, @revoked and @reg; see above
 * @keys: what the client may use now, or NULL
 * @revoked: no key is ever made again
 * @reg: of a key that is being made
 *
 * Of the work alone, which is never run twice at once:
 * @principal: who it is, or says to be
 * @client_nonce: of AUTH_BEGIN
 * @unit_nonce: ours
 * @entry: what is open, or NULL; until teardown
 * @leaving: it lets go of @entry by itself, which is no fence; read by who zaps
 * @waiter: on the wait queue of the region while it is open
 * @watching: a CHANGED is owed
 * @wanter: on the wait queue of the region for kicks that are wanted
 * @tell: it opened with NPMU_WIRE_TELL
 * @tells: it is the writer, and commits so that the unit learns nothing of it
 * @told: that a kick is wanted, and has not kicked since
 * @watch_kicks: what the client knows of the writer's kicks
 * @watch_role: what the client knows of changes of the role
 */
struct npmu_conn {
	struct kref ref;
	struct list_head node;
	u64 id;
	struct npmu_listener *listener;
	struct rdma_cm_id *cm;
	struct ib_pd *pd;
	struct ib_cq *cq;
	u32 client_qp;
	struct npmu_wire_hello hello;
	struct npmu_conn_buf bufs[NPMU_CONN_RECVS + NPMU_CONN_SENDS];
	struct work_struct work;
	struct work_struct teardown;
	struct delayed_work tick;
	struct npmu_conn_counters counters;
	struct sockaddr_storage peer;
	u32 nr_keys;
	unsigned long idle_since;

	spinlock_t lock;	/* see above */
	enum npmu_conn_state state;
	struct list_head inbox;
	struct list_head free;
	struct npmu_conn_stat shown;
	enum npmu_ni_session_end end;
	bool arrived;
	bool alive;
	unsigned int silent;

	struct mutex keys_lock;	/* see above */
	struct npmu_keys *keys;
	bool revoked;
	struct npmu_reg reg;

	char principal[NPMU_PRINCIPAL_LEN];
	u8 client_nonce[NPMU_WIRE_NONCE_LEN];
	u8 unit_nonce[NPMU_WIRE_NONCE_LEN];
	struct npmu_tpt_entry *entry;
	bool leaving;
	struct wait_queue_entry waiter;
	bool watching;
	struct wait_queue_entry wanter;
	bool tell;
	bool tells;
	bool told;
	u64 watch_kicks;
	u64 watch_role;
};

int npmu_conn_init(void);
/* No connection may be left. */
void npmu_conn_exit(void);
/* Ends those of a listener, or all; returns when they have. */
void npmu_conn_end_all(struct npmu_listener *listener);

/* A message of it was answered with an error. */
void npmu_conn_denied(struct npmu_conn *conn);

/**
 * npmu_conn_request - a client asks for a connection
 * @listener: who was asked
 * @cm: the new id; this connection's when 0 is returned
 * @param: of the connect request
 *
 * Return: 0; NPMU_REFUSED_*: the caller rejects it.
 */
u32 npmu_conn_request(struct npmu_listener *listener, struct rdma_cm_id *cm,
		      const struct rdma_conn_param *param);

/* What is said to every client whose hello is good. */
struct npmu_wire_welcome npmu_conn_welcome(void);

/*
 * The only place where a state changes. False: it is not in @from; nothing changed.
 * Any context.
 */
bool npmu_conn_move(struct npmu_conn *conn, enum npmu_conn_state from,
		    enum npmu_conn_state to);

/* Begins to end a connection, once; the first @end is the one that counts. Any context. */
void npmu_conn_close(struct npmu_conn *conn, enum npmu_ni_session_end end);

/* Says why it will end, before what ends it can be noticed otherwise. Any context. */
void npmu_conn_doom(struct npmu_conn *conn, enum npmu_ni_session_end end);

/* qp.c: a buffer to answer from, of zeros, or NULL: the client asked for too much. */
struct npmu_conn_buf *npmu_conn_buf_get(struct npmu_conn *conn);
void npmu_conn_send(struct npmu_conn *conn, struct npmu_conn_buf *buf);

/* Looks again whether a CHANGED is owed. Any context. */
void npmu_conn_kick(struct npmu_conn *conn);

/* The connection with the lowest id above @id, with a reference, or NULL. */
struct npmu_conn *npmu_conn_next(u64 id);
void npmu_conn_put(struct npmu_conn *conn);

void npmu_conn_stat(struct npmu_conn *conn, struct npmu_conn_stat *stat);
/* From now on it tells of @stat who that is and what is open. */
void npmu_conn_show(struct npmu_conn *conn, const struct npmu_conn_stat *stat);

/* serve.c: one message, from the work. Answers it, or closes the connection. */
void npmu_serve(struct npmu_conn *conn, const void *msg, u32 len);
/* serve.c: lets go of what is open. From the teardown, with the work at rest. */
void npmu_serve_end(struct npmu_conn *conn);

#endif /* NPMU_CONN_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A connection to a unit's network interface: made, authenticated, asked. It knows
 * messages and work requests; what is asked is for others. Only lib/rdma_*.c may know
 * verbs.
 */
#ifndef NPMU_LIB_RDMA_CONN_H
#define NPMU_LIB_RDMA_CONN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <infiniband/verbs.h>
#include <rdma/rdma_cma.h>

#include <linux/npmu_wire.h>
#include <npmu/npmu.h>

#define RDMA_RECVS	(NPMU_WIRE_REQUESTS + NPMU_WIRE_NOTICES)
/* Work requests that move data, beside the messages. */
#define RDMA_OPS	160
/* Requests whose answers are waited for later; one more may be asked, and its buffer be used still. */
#define RDMA_LATER	(NPMU_WIRE_REQUESTS - 2)

/* A work request that somebody waits for. */
struct rdma_op {
	bool done;
	enum ibv_wc_status status;
};

/* A request that was sent and is answered some time. */
struct rdma_request {
	struct rdma_request *next;
	uint32_t number;
	uint16_t type;
	bool done;
	uint32_t status;		/* NPMU_WIRE_E_*, MALFORMED: not an answer */
};

/* Buffers for messages; registered as a whole. */
struct rdma_bufs {
	char recv[RDMA_RECVS][NPMU_WIRE_MSG_SIZE];
	char send[NPMU_WIRE_REQUESTS][NPMU_WIRE_MSG_SIZE];
};

/* One thread at a time. */
struct rdma_conn {
	struct rdma_event_channel *events;
	struct rdma_cm_id *id;
	struct ibv_pd *pd;
	struct ibv_comp_channel *completions;
	struct ibv_cq *cq;
	struct rdma_bufs *bufs;
	struct ibv_mr *bufs_mr;
	struct rdma_op ops[NPMU_WIRE_REQUESTS];	/* of the sends, by buffer */
	unsigned int next_send;
	uint32_t unit_qp;
	uint32_t last_request;
	bool dead;			/* disconnected, or the queue pair is in error */
	bool can_flush;			/* as far as this side is concerned, see rdma_flush.h */

	struct rdma_request *later;	/* not yet answered */
	/* What came and was not yet asked for: the answer, the notice. */
	int answer;			/* index of a receive, or -1 */
	uint32_t answer_len;
	bool noticed;
	struct npmu_wire_changed notice;
	bool kick_wanted;		/* a KICK_WANTED came since this was set to false */

	struct npmu_wire_hello hello;
	struct npmu_wire_welcome welcome;
};

/**
 * npmu_rdma_connect() - connect to a network interface, nobody yet
 * @host:	name or address
 * @port:	as text, or NULL: NPMU_WIRE_PORT
 * @timeout_ms:	for each step
 * @out:	the connection
 * @err:	why not
 *
 * Return: 0; -EHOSTUNREACH, -ECONNREFUSED, -EPROTO, -ETIMEDOUT, -ENOMEM, -EOPNOTSUPP: RDMA was
 * used before a fork, another errno.
 */
int npmu_rdma_connect(const char *host, const char *port, int timeout_ms,
		      struct rdma_conn **out, struct npmu_error *err);
void npmu_rdma_disconnect(struct rdma_conn *c);

/**
 * npmu_rdma_authenticate() - prove who one is, after the unit has
 * @c:		connection
 * @principal:	name
 * @key:	its key
 * @len:	bytes of it
 * @timeout_ms:	for each step
 * @err:	why not
 *
 * Return: 0; -EACCES: the unit does not know that key, or not this one; as npmu_rdma_ask().
 */
int npmu_rdma_authenticate(struct rdma_conn *c, const char *principal, const void *key,
			   size_t len, int timeout_ms, struct npmu_error *err);

/**
 * npmu_rdma_ask() - send a request and take its answer
 * @c:		connection
 * @type:	NPMU_WIRE_*
 * @msg:	of that type; its header is filled in here
 * @len:	bytes
 * @answer:	NULL or the answer, good until the next call
 * @timeout_ms:	for the answer
 *
 * Return: 0; -(NPMU_WIRE_E_* + NPMU_RDMA_STATUS): what the unit says; -ETIMEDOUT;
 * -ENOTCONN: the connection is gone; -EPROTO: not an answer.
 */
int npmu_rdma_ask(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
		  const void **answer, int timeout_ms);
#define NPMU_RDMA_STATUS	10000

/**
 * npmu_rdma_ask_later() - send a request whose answer is only a status
 * @c:		connection
 * @type:	NPMU_WIRE_*
 * @msg:	of that type; its header is filled in here
 * @len:	bytes
 * @request:	done when it is answered; stays where it is until then, or the disconnect.
 *		At most RDMA_LATER at once
 *
 * Return: 0; as npmu_rdma_post().
 */
int npmu_rdma_ask_later(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
			struct rdma_request *request);

/* Wait until it is answered: 0, whatever the status; -ETIMEDOUT; -ENOTCONN. */
int npmu_rdma_answered(struct rdma_conn *c, const struct rdma_request *request, int timeout_ms);

/* Over it neither side is told the other's queue pair, and a READ comes back as a WRITE. */
static inline bool npmu_rdma_is_iwarp(const struct rdma_conn *c)
{
	return c->id->verbs->device->transport_type == IBV_TRANSPORT_IWARP;
}

/* Memory that READs go to, registered; ibv_dereg_mr() ends that. NULL with errno. */
static inline struct ibv_mr *npmu_rdma_reg_sink(const struct rdma_conn *c, void *at, size_t len)
{
	return ibv_reg_mr(c->pd, at, len, IBV_ACCESS_LOCAL_WRITE |
			  (npmu_rdma_is_iwarp(c) ? IBV_ACCESS_REMOTE_WRITE : 0));
}

/* Let the device receive into a buffer. 0 or -EIO. */
int npmu_rdma_post_recv(struct rdma_conn *c, unsigned int i);

/* Post a work request that @op is done by; its wr_id is set here. -ENOTCONN, -EIO. */
int npmu_rdma_post(struct rdma_conn *c, struct ibv_send_wr *wr, struct rdma_op *op);

/* Wait until it is done: 0; -ETIMEDOUT; -ENOTCONN; -EIO: it failed, and so the connection. */
int npmu_rdma_wait(struct rdma_conn *c, struct rdma_op *op, int timeout_ms);

/* Wait for a notice: 1; 0 when the time is over; -EINTR; -ENOTCONN. */
int npmu_rdma_notice(struct rdma_conn *c, struct npmu_wire_changed *out, int timeout_ms);

#endif /* NPMU_LIB_RDMA_CONN_H */

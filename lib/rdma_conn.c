// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connections: rdma_cm, the queue pair, messages and their completions. Event mode: who
 * waits sleeps on the completion channel and on the events of the connection at once.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "error.h"
#include "rdma_conn.h"
#include "rdma_flush.h"
#include "rdma_wire.h"

/* Of a work request: a receive by its index, else the address of its struct rdma_op. */
#define WR_RECV(i)	((uint64_t)(i) << 1 | 1)

/*
 * How long an answer of the unit's device may take, 4 us * 2^17, before it is asked again,
 * which it is 7 times: a unit that is out of reach is noticed after 4 s.
 */
static uint8_t ack_timeout = 17;

/* When a wait that begins now is over. */
static uint64_t deadline_in(int timeout_ms)
{
	return npmu_now_ns() + (uint64_t)timeout_ms * 1000000;
}

static int ms_until(uint64_t deadline)
{
	uint64_t now = npmu_now_ns();

	return now < deadline ? (int)((deadline - now + 999999) / 1000000) : 0;
}

static int post_recv(struct rdma_conn *c, unsigned int i)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)c->bufs->recv[i],
		.length = NPMU_WIRE_MSG_SIZE,
		.lkey = c->bufs_mr->lkey,
	};
	struct ibv_recv_wr wr = { .wr_id = WR_RECV(i), .sg_list = &sge, .num_sge = 1 };
	struct ibv_recv_wr *bad;

	return ibv_post_recv(c->id->qp, &wr, &bad) ? -EIO : 0;
}

static void received(struct rdma_conn *c, unsigned int i, uint32_t len)
{
	const struct npmu_wire_header *header = (void *)c->bufs->recv[i];

	if (len >= sizeof(*header) && le16toh(header->type) == NPMU_WIRE_CHANGED) {
		c->noticed = !npmu_wire_answer(header, len, NPMU_WIRE_CHANGED, 0);
		if (c->noticed)
			memcpy(&c->notice, header, sizeof(c->notice));
		if (!c->noticed || post_recv(c, i))
			c->dead = true;
		return;
	}
	/* One request at a time, and so one answer. */
	if (c->answer >= 0)
		c->dead = true;
	c->answer = (int)i;
	c->answer_len = len;
}

static void completed(struct rdma_conn *c, const struct ibv_wc *wc)
{
	if (wc->status != IBV_WC_SUCCESS)
		c->dead = true;
	if (!(wc->wr_id & 1)) {
		struct rdma_op *op = (void *)(uintptr_t)wc->wr_id;

		op->status = wc->status;
		op->done = true;
	} else if (wc->status == IBV_WC_SUCCESS) {
		received(c, (unsigned int)(wc->wr_id >> 1), wc->byte_len);
	}
}

/* Takes what is complete: how much, or -EIO. */
static int reap(struct rdma_conn *c)
{
	struct ibv_wc wc[16];
	int i, n;

	n = ibv_poll_cq(c->cq, 16, wc);
	if (n < 0) {
		c->dead = true;
		return -EIO;
	}
	for (i = 0; i < n; i++)
		completed(c, &wc[i]);
	return n;
}

/* Events of an established connection all mean that it is over. */
static void take_events(struct rdma_conn *c)
{
	struct rdma_cm_event *event;

	while (!rdma_get_cm_event(c->events, &event)) {
		if (event->event != RDMA_CM_EVENT_TIMEWAIT_EXIT)
			c->dead = true;
		rdma_ack_cm_event(event);
	}
}

/* Sleeps until something happens: 0, -ETIMEDOUT, -EINTR. */
static int sleep_until(struct rdma_conn *c, uint64_t deadline)
{
	struct pollfd fds[] = {
		{ .fd = c->completions->fd, .events = POLLIN },
		{ .fd = c->events->fd, .events = POLLIN },
	};
	struct ibv_cq *cq;
	void *ctx;
	int n;

	/* What completes after this wakes; what did before is found first. */
	if (ibv_req_notify_cq(c->cq, 0)) {
		c->dead = true;
		return 0;
	}
	n = reap(c);
	if (n)
		return 0;
	n = poll(fds, 2, ms_until(deadline));
	if (n < 0)
		return -errno;
	if (!n)
		return -ETIMEDOUT;
	if (fds[0].revents && !ibv_get_cq_event(c->completions, &cq, &ctx))
		ibv_ack_cq_events(cq, 1);
	if (fds[1].revents)
		take_events(c);
	return 0;
}

int npmu_rdma_post(struct rdma_conn *c, struct ibv_send_wr *wr, struct rdma_op *op)
{
	struct ibv_send_wr *bad;

	if (c->dead)
		return -ENOTCONN;
	op->done = false;
	wr->wr_id = (uintptr_t)op;
	return ibv_post_send(c->id->qp, wr, &bad) ? -EIO : 0;
}

int npmu_rdma_wait(struct rdma_conn *c, struct rdma_op *op, int timeout_ms)
{
	uint64_t deadline = deadline_in(timeout_ms);
	int code = 0;

	while (!op->done && !code) {
		code = reap(c) > 0 ? 0 : sleep_until(c, deadline);
		code = code == -EINTR ? 0 : code;
		/* What was posted is flushed when the connection is over. */
		if (c->dead && !op->done && !code && reap(c) <= 0)
			code = -ENOTCONN;
	}
	if (!op->done)
		return code;
	return op->status == IBV_WC_SUCCESS ? 0 : -EIO;
}

static int send_message(struct rdma_conn *c, const void *msg, size_t len)
{
	unsigned int i = c->next_send++ % NPMU_WIRE_REQUESTS;
	struct rdma_op *op = &c->ops[i];
	struct ibv_sge sge = {
		.addr = (uintptr_t)c->bufs->send[i],
		.length = (uint32_t)len,
		.lkey = c->bufs_mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IBV_WR_SEND,
		.send_flags = IBV_SEND_SIGNALED,
	};
	int code;

	if (!op->done) {
		code = npmu_rdma_wait(c, op, 1000);
		if (code)
			return code;
	}
	memcpy(c->bufs->send[i], msg, len);
	return npmu_rdma_post(c, &wr, op);
}

int npmu_rdma_ask(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
		  const void **answer, int timeout_ms)
{
	uint64_t deadline = deadline_in(timeout_ms);
	struct npmu_wire_header *header = msg;
	static _Thread_local char kept[NPMU_WIRE_MSG_SIZE] __attribute__((aligned(8)));
	uint32_t status;
	int code;

	if (!++c->last_request)
		c->last_request = 1;
	*header = (struct npmu_wire_header){
		.type = htole16(type),
		.length = htole16((uint16_t)len),
		.request = htole32(c->last_request),
	};
	code = send_message(c, msg, len);
	while (!code && c->answer < 0) {
		code = reap(c) > 0 ? 0 : sleep_until(c, deadline);
		code = code == -EINTR ? 0 : code;
		if (!code && c->answer < 0 && c->dead)
			code = -ENOTCONN;
	}
	if (c->answer < 0)
		return code;
	memcpy(kept, c->bufs->recv[c->answer], c->answer_len);
	status = npmu_wire_answer(kept, c->answer_len, type, c->last_request);
	if (post_recv(c, (unsigned int)c->answer))
		c->dead = true;
	c->answer = -1;
	if (status == NPMU_WIRE_E_MALFORMED)
		return -EPROTO;
	if (answer)
		*answer = kept;
	return status ? -(int)status - NPMU_RDMA_STATUS : 0;
}

int npmu_rdma_notice(struct rdma_conn *c, struct npmu_wire_changed *out, int timeout_ms)
{
	uint64_t deadline = deadline_in(timeout_ms);
	int code = 0;

	while (!c->noticed && !code) {
		code = reap(c) > 0 ? 0 : sleep_until(c, deadline);
		if (!code && !c->noticed && c->dead)
			code = -ENOTCONN;
	}
	if (!c->noticed)
		return code == -ETIMEDOUT ? 0 : code;
	c->noticed = false;
	*out = c->notice;
	return 1;
}

/* The next event of a connection that is not yet there: which it must be. */
static int expect(struct rdma_conn *c, enum rdma_cm_event_type type, int timeout_ms,
		  struct npmu_error *err)
{
	struct pollfd fd = { .fd = c->events->fd, .events = POLLIN };
	const struct npmu_wire_refusal *refusal;
	struct rdma_cm_event *event;
	int code = 0;

	if (poll(&fd, 1, timeout_ms) <= 0)
		return npmu_error_set(err, -ETIMEDOUT, "the unit's host does not answer");
	if (rdma_get_cm_event(c->events, &event))
		return npmu_error_set(err, -errno, "rdma_cm: %s", strerror(errno));
	if (event->event == type) {
		if (type == RDMA_CM_EVENT_ESTABLISHED) {
			size_t len = event->param.conn.private_data_len;

			if (npmu_wire_welcome(event->param.conn.private_data, len))
				code = npmu_error_set(err, -EPROTO, "not an npmu unit of our version");
			else
				memcpy(&c->welcome, event->param.conn.private_data,
				       sizeof(c->welcome));
			c->unit_qp = event->param.conn.qp_num;
		}
	} else if (event->event == RDMA_CM_EVENT_REJECTED &&
		   event->param.conn.private_data_len >= sizeof(*refusal)) {
		refusal = event->param.conn.private_data;
		code = npmu_error_set(err, -ECONNREFUSED, "the unit refuses the connection: reason %u",
				      le32toh(refusal->reason));
	} else if (event->event == RDMA_CM_EVENT_REJECTED) {
		code = npmu_error_set(err, -ECONNREFUSED, "nobody listens there: npmu-admin ni list");
	} else {
		code = npmu_error_set(err, -EHOSTUNREACH, "rdma_cm: %s",
				      rdma_event_str(event->event));
	}
	rdma_ack_cm_event(event);
	return code;
}

static int resolve(struct rdma_conn *c, const char *host, const char *port, int timeout_ms,
		   struct npmu_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int code;

	code = getaddrinfo(host, port, &hints, &list);
	if (code)
		return npmu_error_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(code));
	code = rdma_resolve_addr(c->id, NULL, list->ai_addr, timeout_ms);
	freeaddrinfo(list);
	if (code)
		return npmu_error_set(err, -EHOSTUNREACH, "%s: no RDMA device leads there: %s",
				      host, strerror(errno));
	code = expect(c, RDMA_CM_EVENT_ADDR_RESOLVED, timeout_ms, err);
	if (code)
		return code;
	if (rdma_resolve_route(c->id, timeout_ms))
		return npmu_error_set(err, -EHOSTUNREACH, "%s: no route: %s", host,
				      strerror(errno));
	/* Where it cannot be set a dead unit is noticed later. */
	rdma_set_option(c->id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &ack_timeout,
			sizeof(ack_timeout));
	return expect(c, RDMA_CM_EVENT_ROUTE_RESOLVED, timeout_ms, err);
}

static int make_queues(struct rdma_conn *c, struct npmu_error *err)
{
	struct ibv_qp_init_attr attr = {
		.cap = {
			.max_send_wr = RDMA_OPS + NPMU_WIRE_REQUESTS,
			.max_recv_wr = RDMA_RECVS,
			.max_send_sge = 4,
			.max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};
	unsigned int i;

	c->pd = ibv_alloc_pd(c->id->verbs);
	c->completions = c->pd ? ibv_create_comp_channel(c->id->verbs) : NULL;
	c->cq = c->completions ? ibv_create_cq(c->id->verbs, RDMA_OPS + NPMU_WIRE_REQUESTS +
					       RDMA_RECVS, NULL, c->completions, 0) : NULL;
	c->bufs = c->cq ? aligned_alloc(4096, sizeof(*c->bufs)) : NULL;
	c->bufs_mr = c->bufs ? ibv_reg_mr(c->pd, c->bufs, sizeof(*c->bufs),
					  IBV_ACCESS_LOCAL_WRITE) : NULL;
	attr.send_cq = c->cq;
	attr.recv_cq = c->cq;
	if (!c->bufs_mr || npmu_rdma_make_qp(c, &attr))
		return npmu_error_set(err, errno ? -errno : -ENOMEM, "RDMA device: %s",
				      strerror(errno));
	for (i = 0; i < NPMU_WIRE_REQUESTS; i++)
		c->ops[i].done = true;
	for (i = 0; i < RDMA_RECVS; i++)
		if (post_recv(c, i))
			return npmu_error_set(err, -EIO, "RDMA device: a receive is refused");
	return 0;
}

static int greet(struct rdma_conn *c, int timeout_ms, struct npmu_error *err)
{
	struct rdma_conn_param param = {
		.private_data = &c->hello,
		.private_data_len = sizeof(c->hello),
		.responder_resources = 1,
		.initiator_depth = 16,
		.retry_count = 7,
		.rnr_retry_count = 6,
	};
	struct ibv_device_attr attr;

	c->hello = (struct npmu_wire_hello){
		.magic = htole32(NPMU_WIRE_MAGIC),
		.length = htole16(sizeof(c->hello)),
		.version = htole16(NPMU_WIRE_VERSION),
	};
	if (!ibv_query_device(c->id->verbs, &attr) && attr.max_qp_init_rd_atom < 16)
		param.initiator_depth = (uint8_t)attr.max_qp_init_rd_atom;
	if (rdma_connect(c->id, &param))
		return npmu_error_set(err, -errno, "connect: %s", strerror(errno));
	return expect(c, RDMA_CM_EVENT_ESTABLISHED, timeout_ms, err);
}

int npmu_rdma_connect(const char *host, const char *port, int timeout_ms,
		      struct rdma_conn **out, struct npmu_error *err)
{
	struct rdma_conn *c = calloc(1, sizeof(*c));
	char number[8];
	int code;

	if (!c)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	c->answer = -1;
	snprintf(number, sizeof(number), "%d", NPMU_WIRE_PORT);
	c->events = rdma_create_event_channel();
	if (!c->events || rdma_create_id(c->events, &c->id, NULL, RDMA_PS_TCP)) {
		code = npmu_error_set(err, -errno, "no RDMA here: %s: rdma link show",
				      strerror(errno));
		goto err;
	}
	code = resolve(c, host, port ?: number, timeout_ms, err);
	if (!code)
		code = make_queues(c, err);
	if (!code)
		code = greet(c, timeout_ms, err);
	if (code)
		goto err;
	/* From now on they are looked at only when there is one. */
	fcntl(c->events->fd, F_SETFL, fcntl(c->events->fd, F_GETFL) | O_NONBLOCK);
	*out = c;
	return npmu_error_clear(err);
err:
	npmu_rdma_disconnect(c);
	return code;
}

void npmu_rdma_disconnect(struct rdma_conn *c)
{
	if (!c)
		return;
	if (c->id && c->id->qp) {
		rdma_disconnect(c->id);
		rdma_destroy_qp(c->id);
	}
	if (c->bufs_mr)
		ibv_dereg_mr(c->bufs_mr);
	free(c->bufs);
	if (c->cq)
		ibv_destroy_cq(c->cq);
	if (c->completions)
		ibv_destroy_comp_channel(c->completions);
	if (c->pd)
		ibv_dealloc_pd(c->pd);
	if (c->id)
		rdma_destroy_id(c->id);
	if (c->events)
		rdma_destroy_event_channel(c->events);
	free(c);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What goes over a connection: messages, work requests, their completions. Event mode: who
 * waits sleeps on the completion channel and on the events of the connection at once.
 * Connections are made by rdma_connect.c.
 */
#include <endian.h>
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "clock.h"
#include "rdma_conn.h"
#include "rdma_wire.h"

/* Of a work request: a receive by its index, else the address of its struct rdma_op. */
#define WR_RECV(i)	((uint64_t)(i) << 1 | 1)

int npmu_rdma_post_recv(struct rdma_conn *c, unsigned int i)
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

/* Is it the answer to one of these? Then it is taken. */
static bool answers_later(struct rdma_conn *c, const struct npmu_wire_header *header,
			  uint32_t len)
{
	struct rdma_request **at, *request;

	for (at = &c->later; *at; at = &(*at)->next) {
		request = *at;
		if (len < sizeof(*header) || le32toh(header->request) != request->number)
			continue;
		*at = request->next;
		request->status = npmu_wire_answer(header, len, request->type, request->number);
		request->done = true;
		return true;
	}
	return false;
}

static void received(struct rdma_conn *c, unsigned int i, uint32_t len)
{
	const struct npmu_wire_header *header = (void *)c->bufs->recv[i];

	if (len >= sizeof(*header) && le16toh(header->type) == NPMU_WIRE_KICK_WANTED) {
		c->kick_wanted = true;
		if (npmu_wire_answer(header, len, NPMU_WIRE_KICK_WANTED, 0) ||
		    npmu_rdma_post_recv(c, i))
			c->dead = true;
		return;
	}
	if (len >= sizeof(*header) && le16toh(header->type) == NPMU_WIRE_CHANGED) {
		c->noticed = !npmu_wire_answer(header, len, NPMU_WIRE_CHANGED, 0);
		if (c->noticed)
			memcpy(&c->notice, header, sizeof(c->notice));
		if (!c->noticed || npmu_rdma_post_recv(c, i))
			c->dead = true;
		return;
	}
	if (answers_later(c, header, len)) {
		c->dead |= npmu_rdma_post_recv(c, i) != 0;
		return;
	}
	/* Of the others there is one at a time, and so one answer. */
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
	n = poll(fds, 2, npmu_ms_until(deadline));
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

/*
 * Takes what is complete, or sleeps until something is: 0, -ETIMEDOUT, -EINTR. -ENOTCONN: the
 * connection is over, and what it had left is taken. What ended it may have been taken by whoever
 * waited before, so that nothing would wake.
 */
static int step(struct rdma_conn *c, uint64_t deadline)
{
	if (reap(c) > 0)
		return 0;
	return c->dead ? -ENOTCONN : sleep_until(c, deadline);
}

/* Until @done: 0, -ETIMEDOUT, -ENOTCONN. */
static int wait_for(struct rdma_conn *c, const bool *done, int timeout_ms)
{
	uint64_t deadline = npmu_deadline_in(timeout_ms);
	int code = 0;

	while (!*done && (!code || code == -EINTR))
		code = step(c, deadline);
	return *done ? 0 : code;
}

int npmu_rdma_wait(struct rdma_conn *c, struct rdma_op *op, int timeout_ms)
{
	int code = wait_for(c, &op->done, timeout_ms);

	return code ? code : op->status == IBV_WC_SUCCESS ? 0 : -EIO;
}

int npmu_rdma_answered(struct rdma_conn *c, const struct rdma_request *request, int timeout_ms)
{
	return wait_for(c, &request->done, timeout_ms);
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

static int send_request(struct rdma_conn *c, uint16_t type, void *msg, size_t len)
{
	struct npmu_wire_header *header = msg;

	if (!++c->last_request)
		c->last_request = 1;
	*header = (struct npmu_wire_header){
		.type = htole16(type),
		.length = htole16((uint16_t)len),
		.request = htole32(c->last_request),
	};
	return send_message(c, msg, len);
}

int npmu_rdma_ask_later(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
			struct rdma_request *request)
{
	int code = send_request(c, type, msg, len);

	if (code)
		return code;
	request->number = c->last_request;
	request->type = type;
	request->done = false;
	request->next = c->later;
	c->later = request;
	return 0;
}

int npmu_rdma_ask(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
		  const void **answer, int timeout_ms)
{
	uint64_t deadline = npmu_deadline_in(timeout_ms);
	static _Thread_local char kept[NPMU_WIRE_MSG_SIZE] __attribute__((aligned(8)));
	uint32_t status;
	int code;

	code = send_request(c, type, msg, len);
	while (c->answer < 0 && (!code || code == -EINTR))
		code = step(c, deadline);
	if (c->answer < 0)
		return code;
	memcpy(kept, c->bufs->recv[c->answer], c->answer_len);
	status = npmu_wire_answer(kept, c->answer_len, type, c->last_request);
	if (npmu_rdma_post_recv(c, (unsigned int)c->answer))
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
	uint64_t deadline = npmu_deadline_in(timeout_ms);
	int code = 0;

	while (!c->noticed && !code)
		code = step(c, deadline);
	if (!c->noticed)
		return code == -ETIMEDOUT ? 0 : code;
	c->noticed = false;
	*out = c->notice;
	return 1;
}

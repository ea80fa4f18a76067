// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's side of wire.h. In events a thread sleeps until its work request is done, as a
 * client of npmu does; polling is there to be reported beside that.
 */
#include <errno.h>
#include <string.h>

#include "bench.h"
#include "wire.h"

#define PIECE	(1U << 20)
#define DEPTH	32

static int fail(const char *what)
{
	return bench_fail("%s: %s (is npmu-bench serve running there?)", what, strerror(errno));
}

/* With FLUSH where rdma-core and the device have it. */
static int make_qp(struct raw *r)
{
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = DEPTH, .max_recv_wr = 2, .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
	};
#ifdef NPMU_HAVE_RDMA_FLUSH
	struct ibv_qp_init_attr_ex ex = {
		.cap = attr.cap,
		.qp_type = IBV_QPT_RC,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = r->id->pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_READ |
				  IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_FLUSH,
	};

	r->can_flush = !rdma_create_qp_ex(r->id, &ex);
	if (r->can_flush)
		return 0;
#endif
	return rdma_create_qp(r->id, NULL, &attr);
}

int raw_connect(struct raw *r, const char *host, void *buf, size_t len)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP }, *info;
	struct rdma_conn_param param = { .retry_count = 7, .rnr_retry_count = 7,
					 .initiator_depth = 1, .responder_resources = 1 };
	struct ibv_wc wc;

	if (rdma_getaddrinfo(host, RAW_PORT, &hints, &info))
		return fail("address");
	if (rdma_create_ep(&r->id, info, NULL, NULL) || make_qp(r))
		return fail("endpoint");
	rdma_freeaddrinfo(info);
	r->messages_mr = rdma_reg_msgs(r->id, r->messages, sizeof(r->messages));
	r->mr = rdma_reg_msgs(r->id, buf, len);
	if (!r->messages_mr || !r->mr)
		return fail("memory");
	if (rdma_post_recv(r->id, NULL, r->messages[0], RAW_MESSAGE, r->messages_mr) ||
	    rdma_connect(r->id, &param))
		return fail("connect");
	if (rdma_get_recv_comp(r->id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("first message");
	memcpy(&r->there, r->messages[0], sizeof(r->there));
	r->can_flush &= r->there.persistent;
	return 0;
}

void raw_close(struct raw *r)
{
	if (!r->id)
		return;
	rdma_disconnect(r->id);
	if (r->mr)
		rdma_dereg_mr(r->mr);
	if (r->messages_mr)
		rdma_dereg_mr(r->messages_mr);
	rdma_destroy_ep(r->id);
}

/* The next completion, of what is sent or of what is received. Return: as ibv_poll_cq(). */
static int next(struct raw *r, bool received, struct ibv_wc *wc)
{
	struct ibv_cq *cq = received ? r->id->recv_cq : r->id->send_cq;
	int n;

	if (!r->polls)
		return received ? rdma_get_recv_comp(r->id, wc) : rdma_get_send_comp(r->id, wc);
	do {
		n = ibv_poll_cq(cq, 1, wc);
	} while (!n);
	return n;
}

static int sent(struct raw *r)
{
	struct ibv_wc wc;

	if (next(r, false, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("work request");
	return 0;
}

/* @len bytes, in pieces of which some are on their way at once. */
static int move(struct raw *r, bool out, char *buf, size_t len)
{
	size_t at, step, pending = 0;
	int code;

	for (at = 0; at < len; at += step) {
		step = len - at < PIECE ? len - at : PIECE;
		if (pending == DEPTH / 2 && sent(r))
			return -1;
		pending -= pending == DEPTH / 2;
		code = out ? rdma_post_write(r->id, NULL, buf + at, step, r->mr, IBV_SEND_SIGNALED,
					     r->there.address + at, r->there.rkey) :
			     rdma_post_read(r->id, NULL, buf + at, step, r->mr, IBV_SEND_SIGNALED,
					    r->there.address + at, r->there.rkey);
		if (code)
			return fail("work request");
		pending++;
	}
	while (pending--)
		if (sent(r))
			return -1;
	return 0;
}

int raw_write(struct raw *r, void *from, size_t len)
{
	return move(r, true, from, len);
}

int raw_read(struct raw *r, void *to, size_t len)
{
	return move(r, false, to, len);
}

int raw_write_flush(struct raw *r, void *from, size_t len)
{
#ifdef NPMU_HAVE_RDMA_FLUSH
	struct ibv_qp_ex *qp = ibv_qp_to_qp_ex(r->id->qp);

	ibv_wr_start(qp);
	qp->wr_flags = 0;
	ibv_wr_rdma_write(qp, r->there.rkey, r->there.address);
	ibv_wr_set_sge(qp, r->mr->lkey, (uintptr_t)from, (uint32_t)len);
	qp->wr_flags = IBV_SEND_SIGNALED;
	ibv_wr_flush(qp, r->there.rkey, r->there.address, len, IBV_FLUSH_PERSISTENT,
		     IBV_FLUSH_RANGE);
	return ibv_wr_complete(qp) ? fail("flush") : sent(r);
#else
	(void)r;
	(void)from;
	(void)len;
	errno = EOPNOTSUPP;
	return fail("flush");
#endif
}

int raw_round_trip(struct raw *r, void *from, size_t len)
{
	struct ibv_wc wc;

	if (rdma_post_recv(r->id, NULL, r->messages[0], RAW_MESSAGE, r->messages_mr))
		return fail("receive");
	if (len && rdma_post_write(r->id, NULL, from, len, r->mr, 0, r->there.address,
				   r->there.rkey))
		return fail("write");
	if (rdma_post_send(r->id, NULL, r->messages[1], RAW_MESSAGE, r->messages_mr,
			   IBV_SEND_SIGNALED))
		return fail("send");
	if (next(r, true, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("answer");
	return sent(r);
}

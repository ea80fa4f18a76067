// SPDX-License-Identifier: GPL-2.0-only
/*
 * The queue pair of a connection and its buffers: what is received goes to the inbox,
 * what is sent comes from the free ones, and whatever fails ends the connection. It must
 * not know what is in a message nor when a connection begins.
 */
#include <linux/slab.h>

#include "conn.h"
#include "qp.h"

int npmu_qp_recv(struct npmu_conn_buf *buf)
{
	struct npmu_conn *conn = buf->conn;
	struct ib_sge sge = {
		.addr = buf->dma,
		.length = NPMU_WIRE_MSG_SIZE,
		.lkey = conn->pd->local_dma_lkey,
	};
	struct ib_recv_wr wr = {
		.wr_cqe = &buf->cqe,
		.sg_list = &sge,
		.num_sge = 1,
	};

	ib_dma_sync_single_for_device(conn->cm->device, buf->dma, NPMU_WIRE_MSG_SIZE,
				      DMA_FROM_DEVICE);
	return ib_post_recv(conn->cm->qp, &wr, NULL);
}

/*
 * What is flushed without our disconnect, or the client's, was flushed by the device: of
 * all that a client can do, it does that for a key that does not open what was asked for.
 */
static enum npmu_ni_session_end end_of(const struct ib_wc *wc)
{
	switch (wc->status) {
	case IB_WC_WR_FLUSH_ERR:
		return NPMU_NI_SESSION_END_VIOLATION;
	case IB_WC_RETRY_EXC_ERR:
		return NPMU_NI_SESSION_END_VANISHED;
	case IB_WC_RNR_RETRY_EXC_ERR:
	case IB_WC_LOC_LEN_ERR:
	case IB_WC_REM_INV_REQ_ERR:
		/* No receive for an answer, or a message that is too long. */
		return NPMU_NI_SESSION_END_MALFORMED;
	default:
		return NPMU_NI_SESSION_END_FAILED;
	}
}

static void recv_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct npmu_conn_buf *buf = container_of(wc->wr_cqe, struct npmu_conn_buf, cqe);
	struct npmu_conn *conn = buf->conn;
	unsigned long flags;

	if (wc->status != IB_WC_SUCCESS) {
		npmu_conn_close(conn, end_of(wc));
		return;
	}
	atomic64_inc(&conn->counters.completions);
	buf->len = wc->byte_len;
	spin_lock_irqsave(&conn->lock, flags);
	list_add_tail(&buf->node, &conn->inbox);
	spin_unlock_irqrestore(&conn->lock, flags);
	npmu_conn_kick(conn);
}

static void send_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct npmu_conn_buf *buf = container_of(wc->wr_cqe, struct npmu_conn_buf, cqe);
	struct npmu_conn *conn = buf->conn;
	unsigned long flags;
	bool confirm;

	if (wc->status != IB_WC_SUCCESS) {
		npmu_conn_close(conn, end_of(wc));
		return;
	}
	atomic64_inc(&conn->counters.completions);
	spin_lock_irqsave(&conn->lock, flags);
	confirm = buf->confirm;
	buf->confirm = false;
	conn->arrived |= confirm;
	list_add_tail(&buf->node, &conn->free);
	spin_unlock_irqrestore(&conn->lock, flags);
	if (confirm)
		npmu_conn_kick(conn);
}

struct npmu_conn_buf *npmu_conn_buf_get(struct npmu_conn *conn)
{
	struct npmu_conn_buf *buf;

	spin_lock_irq(&conn->lock);
	buf = list_first_entry_or_null(&conn->free, struct npmu_conn_buf, node);
	if (buf)
		list_del(&buf->node);
	spin_unlock_irq(&conn->lock);
	if (!buf) {
		/* More at once than is allowed. */
		npmu_conn_close(conn, NPMU_NI_SESSION_END_MALFORMED);
		return NULL;
	}
	ib_dma_sync_single_for_cpu(conn->cm->device, buf->dma, NPMU_WIRE_MSG_SIZE,
				   DMA_TO_DEVICE);
	memset(buf->bytes, 0, NPMU_WIRE_MSG_SIZE);
	return buf;
}

void npmu_conn_send(struct npmu_conn *conn, struct npmu_conn_buf *buf)
{
	struct npmu_wire_header *header = buf->bytes;
	struct ib_sge sge = {
		.addr = buf->dma,
		.length = le16_to_cpu(header->length),
		.lkey = conn->pd->local_dma_lkey,
	};
	struct ib_send_wr wr = {
		.wr_cqe = &buf->cqe,
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = IB_WR_SEND,
		.send_flags = IB_SEND_SIGNALED,
	};

	ib_dma_sync_single_for_device(conn->cm->device, buf->dma, NPMU_WIRE_MSG_SIZE,
				      DMA_TO_DEVICE);
	if (ib_post_send(conn->cm->qp, &wr, NULL))
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
}

static void alive_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct npmu_conn *conn = cq->cq_context;

	if (wc->status != IB_WC_SUCCESS)
		npmu_conn_close(conn, end_of(wc));
	else
		WRITE_ONCE(conn->alive, false);
}

static struct ib_cqe alive_cqe = { .done = alive_done };

int npmu_qp_ping(struct npmu_conn *conn)
{
	struct ib_rdma_wr wr = {
		.wr.wr_cqe = &alive_cqe,
		.wr.opcode = IB_WR_RDMA_WRITE,
		.wr.send_flags = IB_SEND_SIGNALED,
	};

	WRITE_ONCE(conn->alive, true);
	return ib_post_send(conn->cm->qp, &wr.wr, NULL);
}

static void qp_event(struct ib_event *event, void *ctx)
{
	struct npmu_conn *conn = ctx;

	if (event->event == IB_EVENT_COMM_EST)
		rdma_notify(conn->cm, event->event);
	else if (event->event == IB_EVENT_QP_ACCESS_ERR)
		npmu_conn_close(conn, NPMU_NI_SESSION_END_VIOLATION);
	else if (event->event != IB_EVENT_SQ_DRAINED &&
		 event->event != IB_EVENT_QP_LAST_WQE_REACHED)
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
}

static void bufs_free(struct npmu_conn *conn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(conn->bufs); i++) {
		struct npmu_conn_buf *buf = &conn->bufs[i];

		if (!buf->bytes)
			continue;
		ib_dma_unmap_single(conn->cm->device, buf->dma, NPMU_WIRE_MSG_SIZE,
				    i < NPMU_CONN_RECVS ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
		kfree_sensitive(buf->bytes);
		buf->bytes = NULL;
	}
}

static int bufs_make(struct npmu_conn *conn)
{
	int i;

	for (i = 0; i < ARRAY_SIZE(conn->bufs); i++) {
		struct npmu_conn_buf *buf = &conn->bufs[i];
		bool recv = i < NPMU_CONN_RECVS;
		void *bytes = kzalloc(NPMU_WIRE_MSG_SIZE, GFP_KERNEL);

		if (!bytes)
			goto err;
		buf->dma = ib_dma_map_single(conn->cm->device, bytes, NPMU_WIRE_MSG_SIZE,
					     recv ? DMA_FROM_DEVICE : DMA_TO_DEVICE);
		if (ib_dma_mapping_error(conn->cm->device, buf->dma)) {
			kfree(bytes);
			goto err;
		}
		buf->bytes = bytes;
		buf->conn = conn;
		buf->cqe.done = recv ? recv_done : send_done;
		if (!recv)
			list_add_tail(&buf->node, &conn->free);
	}
	return 0;
err:
	bufs_free(conn);
	return -ENOMEM;
}

static int queues_make(struct npmu_conn *conn)
{
	struct ib_device *dev = conn->cm->device;
	struct ib_qp_init_attr attr = {
		.event_handler = qp_event,
		.qp_context = conn,
		.cap = {
			/* And one each to drain it. */
			.max_send_wr = NPMU_CONN_SENDS + NPMU_CONN_OTHERS + 1,
			.max_recv_wr = NPMU_CONN_RECVS + 1,
			.max_send_sge = 1,
			.max_recv_sge = 1,
		},
		.sq_sig_type = IB_SIGNAL_REQ_WR,
		.qp_type = IB_QPT_RC,
	};
	int ret;

	conn->pd = ib_alloc_pd(dev, 0);
	if (IS_ERR(conn->pd))
		return PTR_ERR(conn->pd);
	conn->cq = ib_alloc_cq_any(dev, conn, attr.cap.max_send_wr + attr.cap.max_recv_wr,
				   IB_POLL_WORKQUEUE);
	if (IS_ERR(conn->cq)) {
		ret = PTR_ERR(conn->cq);
		goto err_pd;
	}
	attr.send_cq = conn->cq;
	attr.recv_cq = conn->cq;
	ret = rdma_create_qp(conn->cm, conn->pd, &attr);
	if (ret)
		goto err_cq;
	return 0;

err_cq:
	ib_free_cq(conn->cq);
err_pd:
	ib_dealloc_pd(conn->pd);
	return ret;
}

void npmu_qp_free(struct npmu_conn *conn)
{
	rdma_destroy_qp(conn->cm);
	ib_free_cq(conn->cq);
	ib_dealloc_pd(conn->pd);
	/* Nothing is posted in them any more. */
	bufs_free(conn);
}

int npmu_qp_make(struct npmu_conn *conn)
{
	int ret, i;

	ret = queues_make(conn);
	if (ret)
		return ret;
	ret = bufs_make(conn);
	for (i = 0; i < NPMU_CONN_RECVS && !ret; i++)
		ret = npmu_qp_recv(&conn->bufs[i]);
	if (ret)
		npmu_qp_free(conn);
	return ret;
}

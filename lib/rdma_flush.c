// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * RDMA FLUSH, see rdma_flush.h. All that depends on how new rdma-core is stands here; it
 * does not know what is made durable.
 */
#include <errno.h>

#include "rdma_flush.h"

#ifdef NPMU_HAVE_RDMA_FLUSH

int npmu_rdma_make_qp(struct rdma_conn *c, struct ibv_qp_init_attr *attr)
{
	struct ibv_qp_init_attr_ex ex = {
		.send_cq = attr->send_cq,
		.recv_cq = attr->recv_cq,
		.cap = attr->cap,
		.qp_type = attr->qp_type,
		.comp_mask = IBV_QP_INIT_ATTR_PD | IBV_QP_INIT_ATTR_SEND_OPS_FLAGS,
		.pd = c->pd,
		.send_ops_flags = IBV_QP_EX_WITH_RDMA_WRITE | IBV_QP_EX_WITH_RDMA_READ |
				  IBV_QP_EX_WITH_SEND | IBV_QP_EX_WITH_FLUSH,
	};

	c->can_flush = !rdma_create_qp_ex(c->id, &ex);
	/* Most devices have none. */
	return c->can_flush ? 0 : rdma_create_qp(c->id, c->pd, attr);
}

int npmu_rdma_write_flush(struct rdma_conn *c, const struct rdma_piece *piece, unsigned int nr,
			  struct rdma_op *op)
{
	struct ibv_qp_ex *qp;
	unsigned int i;

	if (!c->can_flush)
		return -EOPNOTSUPP;
	if (c->dead)
		return -ENOTCONN;
	op->done = false;
	qp = ibv_qp_to_qp_ex(c->id->qp);
	ibv_wr_start(qp);
	/* One completion for all: that of a write says nothing, and an error ends them all. */
	qp->wr_id = (uintptr_t)op;
	qp->wr_flags = 0;
	for (i = 0; i < nr; i++) {
		ibv_wr_rdma_write(qp, piece[i].rkey, piece[i].address);
		ibv_wr_set_sge(qp, piece[i].sge.lkey, piece[i].sge.addr, piece[i].sge.length);
	}
	for (i = 0; i < nr; i++) {
		qp->wr_flags = i + 1 == nr ? IBV_SEND_SIGNALED : 0;
		ibv_wr_flush(qp, piece[i].rkey, piece[i].address, piece[i].sge.length,
			     IBV_FLUSH_PERSISTENT, IBV_FLUSH_RANGE);
	}
	return ibv_wr_complete(qp) ? -EIO : 0;
}

#else

int npmu_rdma_make_qp(struct rdma_conn *c, struct ibv_qp_init_attr *attr)
{
	return rdma_create_qp(c->id, c->pd, attr);
}

int npmu_rdma_write_flush(struct rdma_conn *c, const struct rdma_piece *piece, unsigned int nr,
			  struct rdma_op *op)
{
	(void)c;
	(void)piece;
	(void)nr;
	(void)op;
	return -EOPNOTSUPP;
}

#endif

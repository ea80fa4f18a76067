/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * RDMA FLUSH: a WRITE that is durable when it completes, with no code of the unit run.
 * Needs rdma-core 56 or later when this is built, a device that has it, and a unit that
 * offers it (NPMU_WIRE_PERSIST_FLUSH).
 */
#ifndef NPMU_LIB_RDMA_FLUSH_H
#define NPMU_LIB_RDMA_FLUSH_H

#include "rdma_conn.h"

/* Makes the queue pair of @c; @c->can_flush: our side can do it. 0 or -1 and errno. */
int npmu_rdma_make_qp(struct rdma_conn *c, struct ibv_qp_init_attr *attr);

/* What one work request moves, and its place there. */
struct rdma_piece {
	struct ibv_sge sge;
	uint64_t address;
	uint32_t rkey;
};

/* Pieces of one chain: two work requests each. */
#define RDMA_FLUSH_PIECES	8

/*
 * Posts WRITEs of the pieces, and FLUSHes of these bytes; @op is done when they are durable.
 * -EOPNOTSUPP: ask can_flush; as npmu_rdma_post().
 */
int npmu_rdma_write_flush(struct rdma_conn *c, const struct rdma_piece *piece, unsigned int nr,
			  struct rdma_op *op);

#endif /* NPMU_LIB_RDMA_FLUSH_H */

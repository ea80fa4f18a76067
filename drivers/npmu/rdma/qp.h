/* SPDX-License-Identifier: GPL-2.0-only */
/* The queue pair of a connection and its buffers. */
#ifndef NPMU_QP_H
#define NPMU_QP_H

#include "conn.h"

/*
 * Makes protection domain, completion queue, queue pair and buffers; receives are posted.
 * A negative errno: nothing is left.
 */
int npmu_qp_make(struct npmu_conn *conn);

/* Nothing completes any more. Never fails. */
void npmu_qp_free(struct npmu_conn *conn);

/* Lets a message be received into @buf. */
int npmu_qp_recv(struct npmu_conn_buf *buf);

/*
 * An RDMA WRITE of no bytes: the client's device answers it without the client. Sets
 * conn->alive, which is cleared when it has come back.
 */
int npmu_qp_ping(struct npmu_conn *conn);

#endif /* NPMU_QP_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Answers to requests, and the files that make some of them. */
#ifndef NPMU_ANSWER_H
#define NPMU_ANSWER_H

#include "conn.h"

/**
 * struct npmu_answer - an answer in the making
 * @conn: who asked
 * @buf: for the answer; zeros
 * @type: of the answer
 * @request: its number
 */
struct npmu_answer {
	struct npmu_conn *conn;
	struct npmu_conn_buf *buf;
	u16 type;
	u32 request;
};

/* Sends it. @status: NPMU_WIRE_*; if not OK the header alone goes. */
void npmu_answer(struct npmu_answer *answer, u32 status, size_t len);

/* What an error of the core is called on the wire. */
u32 npmu_answer_status(int error);

/* The header alone; @error: 0 or a negative errno. */
void npmu_answer_error(struct npmu_answer *answer, int error);

/* create.c: a principal makes a region. */
void npmu_serve_create(struct npmu_answer *answer, const struct npmu_wire_create *msg);

/* named.c: named readers. Something is open. */
void npmu_serve_attach(struct npmu_answer *answer, const struct npmu_wire_reader_attach *msg);
void npmu_serve_ack(struct npmu_answer *answer, const struct npmu_wire_reader_ack *msg);
void npmu_serve_detach(struct npmu_answer *answer, const struct npmu_wire_reader_detach *msg);

#endif /* NPMU_ANSWER_H */

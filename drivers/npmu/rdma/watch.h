/* SPDX-License-Identifier: GPL-2.0-only */
/* Following and being followed: see watch.c. All from the work of the connection. */
#ifndef NPMU_WATCH_H
#define NPMU_WATCH_H

#include "conn.h"

/* From when a region is open until it is not. */
void npmu_watch_begin(struct npmu_conn *conn);
void npmu_watch_end(struct npmu_conn *conn);

/* A client wants to be told of what is new to it. Returns the length of the answer. */
size_t npmu_watch_ask(struct npmu_conn *conn, const struct npmu_wire_watch *msg,
		      struct npmu_wire_changed *answer);

/* It is a writer that is to be told when a kick is wanted, or not any more. */
void npmu_watch_tell(struct npmu_conn *conn, bool tells);

/* It has kicked: what is wanted from now on is to be told anew. */
void npmu_watch_kicked(struct npmu_conn *conn);

/* Tells it what is owed and due. */
void npmu_watch_look(struct npmu_conn *conn);

#endif /* NPMU_WATCH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/* Following over the wire: see watch.c. All from the work of the connection. */
#ifndef NPMU_WATCH_H
#define NPMU_WATCH_H

#include "conn.h"

/* From when a region is open until it is not. */
void npmu_watch_begin(struct npmu_conn *conn);
void npmu_watch_end(struct npmu_conn *conn);

/* A client wants to be told of what is new to it. Returns the length of the answer. */
size_t npmu_watch_ask(struct npmu_conn *conn, const struct npmu_wire_watch *msg,
		      struct npmu_wire_changed *answer);

/* Tells it, if that is owed and it is time. */
void npmu_watch_look(struct npmu_conn *conn);

#endif /* NPMU_WATCH_H */

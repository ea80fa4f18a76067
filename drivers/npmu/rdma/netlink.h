/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink front end of the network interface. */
#ifndef NPMU_NI_NETLINK_H
#define NPMU_NI_NETLINK_H

#include <linux/npmu_ni.h>

struct npmu_conn;

int npmu_ni_netlink_init(void);
void npmu_ni_netlink_exit(void);

/*
 * Tells whoever listens of a connection. May sleep; nothing fails or waits because it
 * could not be told.
 */
void npmu_ni_notify(struct npmu_conn *conn, enum npmu_ni_session_event event);

#endif /* NPMU_NI_NETLINK_H */

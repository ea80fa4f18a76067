/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Listeners: the addresses at which the network interface is reached.
 */
#ifndef NPMU_LISTEN_H
#define NPMU_LISTEN_H

#include <linux/netlink.h>
#include <linux/npmu_ni.h>
#include <linux/socket.h>

struct npmu_listener;

/* How many enum npmu_ni_session_end has. */
#define NPMU_NI_SESSION_ENDS	(NPMU_NI_SESSION_END_IDLE + 1)

/* struct npmu_listener_stat - a snapshot for whoever shows it */
struct npmu_listener_stat {
	u64 id;
	struct sockaddr_storage addr;
	bool listening;		/* false: the address is not there (now) */
	int error;		/* why, negative */
	u64 accepted;
	u64 refused;
	u64 denied;
	u64 ended[NPMU_NI_SESSION_ENDS];	/* by why */
};

/**
 * npmu_listen - listen at an address
 * @addr: of a device of this host, or any; its port is not zero
 * @extack: message on refusal
 *
 * An address that is not there yet is waited for.
 *
 * Return: 0; -EEXIST (listens there already), -EAFNOSUPPORT, -EADDRINUSE, -ENOSPC (as many
 * listeners as are allowed), -ENOMEM, -ESHUTDOWN (the module goes).
 */
int npmu_listen(const struct sockaddr_storage *addr, struct netlink_ext_ack *extack);

/* Stops that and ends its connections; returns when they have. -ENOENT. */
int npmu_unlisten(const struct sockaddr_storage *addr, struct netlink_ext_ack *extack);
/* All; and nobody listens any more. */
void npmu_unlisten_all(void);

/* The listener with the lowest id above @id; false: there is none. */
bool npmu_listener_next(u64 id, struct npmu_listener_stat *stat);

struct npmu_listener *npmu_listener_get(struct npmu_listener *listener);
void npmu_listener_put(struct npmu_listener *listener);
void npmu_listener_addr(struct npmu_listener *listener, struct sockaddr_storage *addr);

/* Counts, for whoever shows them: of a connection of it, which has a reference. */
void npmu_listener_denied(struct npmu_listener *listener);
void npmu_listener_ended(struct npmu_listener *listener, enum npmu_ni_session_end end);

#endif /* NPMU_LISTEN_H */

/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The network interface of this host's units, as its administrator sees it: where it
 * listens, whose keys are loaded, who is connected. All calls need the module npmu_rdma
 * and CAP_SYS_ADMIN; each may sleep; one handle may be used by several threads. They
 * return 0 or a negative errno, and npmu_ni_error() says why.
 *
 * Nothing of it is durable: after a restart of the host it must be said again.
 */
#ifndef NPMU_NI_H
#define NPMU_NI_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_ni.h>
#include <npmu/npmu.h>

#ifdef __cplusplus
extern "C" {
#endif

#pragma GCC visibility push(default)

struct npmu_ni;

/* Default port, of IPv4 and IPv6. */
#define NPMU_NI_PORT	6768

/**
 * npmu_ni_open() - get a handle
 * @out:	the handle, to be closed by npmu_ni_close()
 * @err:	why it failed, or NULL
 *
 * Return: 0; -ENOENT: the module npmu_rdma is not loaded; -ENOMEM, another errno.
 */
int npmu_ni_open(struct npmu_ni **out, struct npmu_error *err);

/* Of NULL, does nothing. */
void npmu_ni_close(struct npmu_ni *ni);

/* Why the last call on this handle failed; "" when it did not. */
const char *npmu_ni_error(const struct npmu_ni *ni);

/**
 * npmu_ni_listen() - listen at an address
 * @ni:		handle
 * @address:	IPv4 or IPv6, of an RDMA device of this host; "0.0.0.0" or "::": any
 * @port:	1 to 65535
 *
 * An address that is not there (yet) is waited for: see npmu_ni_listener_list().
 *
 * Return: 0; -EINVAL, -EEXIST (listens there already), -EADDRINUSE, -ENOSPC, -EPERM,
 * -ESHUTDOWN (the module goes).
 */
int npmu_ni_listen(struct npmu_ni *ni, const char *address, uint16_t port);

/* Stop that, and end its connections; they have ended on return. -ENOENT. */
int npmu_ni_unlisten(struct npmu_ni *ni, const char *address, uint16_t port);

/**
 * struct npmu_listener_info - where it listens
 * @address:	as text
 * @port:	its port
 * @listening:	0: the address is not there, and is waited for
 * @error:	why, an errno
 * @accepted:	connections so far
 * @refused:	connect requests that were refused
 * @denied:	messages that were answered with an error
 * @unproved:	connections that ended since the client did not prove who it is
 * @malformed:	likewise, since it sent what is no message
 * @violations:	likewise, since it used a key that does not open what it asked for
 * @vanished:	likewise, since it did not answer any more
 * @no_keys:	1: no key of any principal is loaded, so that nobody can come in
 */
struct npmu_listener_info {
	char address[64];
	uint16_t port;
	uint32_t listening;
	uint32_t error;
	uint64_t accepted;
	uint64_t refused;
	uint64_t denied;
	uint64_t unproved;
	uint64_t malformed;
	uint64_t violations;
	uint64_t vanished;
	uint32_t no_keys;
};

/* Not 0: enough; the list returns that. */
typedef int npmu_listener_fn(void *ctx, const struct npmu_listener_info *info);
int npmu_ni_listener_list(struct npmu_ni *ni, npmu_listener_fn *fn, void *ctx);

/**
 * npmu_ni_key_set() - load the key of a principal, in place of the one it has
 * @ni:		handle
 * @principal:	1 to 31 bytes of [A-Za-z0-9._+@:-], not starting with '.'
 * @key:	32 to 64 random bytes; the caller wipes them
 * @len:	how many
 *
 * Return: 0; -EINVAL, -ENOSPC (as many as are allowed), -EPERM, -ENOMEM.
 */
int npmu_ni_key_set(struct npmu_ni *ni, const char *principal, const void *key, size_t len);

/* Forget it. Connections that were made with it go on. -ENOENT. */
int npmu_ni_key_remove(struct npmu_ni *ni, const char *principal);

/* struct npmu_key_info - whose key is loaded; never the key */
struct npmu_key_info {
	char principal[32];
};

typedef int npmu_key_fn(void *ctx, const struct npmu_key_info *info);
int npmu_ni_key_list(struct npmu_ni *ni, npmu_key_fn *fn, void *ctx);

/**
 * struct npmu_session_info - a connection
 * @id:		never used twice
 * @peer:	address and port of the client
 * @state:	NPMU_NI_SESSION_STATE_*
 * @principal:	who it is, "": not proved
 * @unit:	of what it opened, "": nothing
 * @region:	what it opened
 * @entry:	id of the TPT entry
 * @keys:	memory regions that are registered for it
 * @requests:	messages received
 * @denied:	those that were answered with an error
 * @commits:	commit messages that were carried out
 * @completions:	times that a handler of the module was entered for it
 */
struct npmu_session_info {
	uint64_t id;
	char peer[80];
	uint32_t state;
	char principal[32];
	char unit[32];
	char region[64];
	uint64_t entry;
	uint32_t keys;
	uint64_t requests;
	uint64_t denied;
	uint64_t commits;
	uint64_t completions;
};

typedef int npmu_session_fn(void *ctx, const struct npmu_session_info *info);
int npmu_ni_session_list(struct npmu_ni *ni, npmu_session_fn *fn, void *ctx);

struct npmu_ni_events;

/**
 * struct npmu_session_event - a client came in or could not, opened a region, or is gone
 * @event:	NPMU_NI_SESSION_EVENT_*
 * @end:	NPMU_NI_SESSION_END_*: why it is gone
 * @id:		of the session
 * @peer:	address and port of the client
 * @principal:	who it is, "": not proved
 * @unit:	of what it opened, "": nothing
 * @region:	what it opened
 * @entry:	id of the TPT entry
 */
struct npmu_session_event {
	uint32_t event;
	uint32_t end;
	uint64_t id;
	char peer[80];
	char principal[32];
	char unit[32];
	char region[64];
	uint64_t entry;
};

/**
 * npmu_ni_events_open() - subscribe to sessions
 * @out:	the handle, to be closed by npmu_ni_events_close()
 * @err:	why it failed, or NULL
 *
 * Return: 0; -ENOENT: the module npmu_rdma is not loaded; -ENOMEM, another errno.
 */
int npmu_ni_events_open(struct npmu_ni_events **out, struct npmu_error *err);

/* Of NULL, does nothing. */
void npmu_ni_events_close(struct npmu_ni_events *events);

/* Readable when there is an event. */
int npmu_ni_events_fd(const struct npmu_ni_events *events);

/**
 * npmu_ni_events_next() - take the next event, without waiting
 * @events:	handle
 * @out:	the event
 *
 * Return: 0; -EAGAIN: none; -ENOBUFS: some were lost, list again.
 */
int npmu_ni_events_next(struct npmu_ni_events *events, struct npmu_session_event *out);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_NI_H */

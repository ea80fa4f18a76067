// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The network interface as the administrator sees it: which command of the family
 * "npmu_ni" has which attributes. Knows no socket and no message.
 */
#include <errno.h>
#include <stdlib.h>

#include <npmu/ni.h>

#include "error.h"
#include "nl.h"

struct npmu_ni {
	struct nl *nl;
};

#define FIELD(kind, attr_, struct_, member) {				\
	.attr = NPMU_NI_A_##attr_,					\
	.offset = offsetof(struct struct_, member),			\
	.size = sizeof(((struct struct_ *)0)->member),			\
	.type = NL_##kind,						\
}

#define STRUCT(struct_, fields_) {					\
	.size = sizeof(struct struct_),					\
	.fields = (fields_),						\
	.nr_fields = sizeof(fields_) / sizeof((fields_)[0]),		\
}

#define LISTENER(kind, attr, member) \
	FIELD(kind, LISTENER_##attr, npmu_listener_info, member)
#define SESSION(kind, attr, member) \
	FIELD(kind, SESSION_##attr, npmu_session_info, member)
#define EVENT(kind, attr, member) \
	FIELD(kind, SESSION_##attr, npmu_session_event, member)

static const struct nl_field listener_fields[] = {
	LISTENER(STRING, ADDRESS, address),
	LISTENER(U16, PORT, port),
	LISTENER(FLAG, LISTENING, listening),
	LISTENER(U32, ERROR, error),
	LISTENER(U64, ACCEPTED, accepted),
	LISTENER(U64, REFUSED, refused),
	LISTENER(U64, DENIED, denied),
	LISTENER(U64, UNPROVED, unproved),
	LISTENER(U64, MALFORMED, malformed),
	LISTENER(U64, VIOLATIONS, violations),
	LISTENER(U64, VANISHED, vanished),
	LISTENER(FLAG, NO_KEYS, no_keys),
};

static const struct nl_field key_fields[] = {
	FIELD(STRING, KEY_PRINCIPAL, npmu_key_info, principal),
};

static const struct nl_field session_fields[] = {
	SESSION(U64, ID, id),
	SESSION(STRING, PEER, peer),
	SESSION(U32, STATE, state),
	SESSION(STRING, PRINCIPAL, principal),
	SESSION(STRING, UNIT, unit),
	SESSION(STRING, REGION, region),
	SESSION(U64, ENTRY, entry),
	SESSION(U32, KEYS, keys),
	SESSION(U64, REQUESTS, requests),
	SESSION(U64, DENIED, denied),
	SESSION(U64, COMMITS, commits),
	SESSION(U64, COMPLETIONS, completions),
};

static const struct nl_field event_fields[] = {
	EVENT(U32, EVENT, event),
	EVENT(U32, END, end),
	EVENT(U64, ID, id),
	EVENT(STRING, PEER, peer),
	EVENT(STRING, PRINCIPAL, principal),
	EVENT(STRING, UNIT, unit),
	EVENT(STRING, REGION, region),
	EVENT(U64, ENTRY, entry),
};

static const struct nl_struct listener_struct = STRUCT(npmu_listener_info, listener_fields);
static const struct nl_struct key_struct = STRUCT(npmu_key_info, key_fields);
static const struct nl_struct session_struct = STRUCT(npmu_session_info, session_fields);
static const struct nl_struct event_struct = STRUCT(npmu_session_event, event_fields);

int npmu_ni_open(struct npmu_ni **out, struct npmu_error *err)
{
	struct npmu_ni *ni;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	ni = calloc(1, sizeof(*ni));
	if (!ni)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	code = npmu_nl_open(&ni->nl, NPMU_NI_FAMILY_NAME, "npmu_rdma", err);
	if (code) {
		free(ni);
		return code;
	}
	*out = ni;
	return 0;
}

void npmu_ni_close(struct npmu_ni *ni)
{
	if (!ni)
		return;
	npmu_nl_close(ni->nl);
	free(ni);
}

const char *npmu_ni_error(const struct npmu_ni *ni)
{
	return npmu_nl_error(ni->nl);
}

static int at_address(struct npmu_ni *ni, uint8_t cmd, const char *address, uint16_t port)
{
	const struct nl_arg args[] = {
		{ .attr = NPMU_NI_A_LISTENER_ADDRESS, .type = NL_STRING, .string = address },
		{ .attr = NPMU_NI_A_LISTENER_PORT, .type = NL_U16, .number = port },
	};

	if (!address || !port)
		return npmu_nl_refuse(ni->nl, -EINVAL, "no address or no port");
	return npmu_nl_do(ni->nl, cmd, args, 2, NULL, NULL);
}

int npmu_ni_listen(struct npmu_ni *ni, const char *address, uint16_t port)
{
	return at_address(ni, NPMU_NI_CMD_LISTEN, address, port);
}

int npmu_ni_unlisten(struct npmu_ni *ni, const char *address, uint16_t port)
{
	return at_address(ni, NPMU_NI_CMD_UNLISTEN, address, port);
}

int npmu_ni_key_set(struct npmu_ni *ni, const char *principal, const void *key, size_t len)
{
	const struct nl_arg args[] = {
		{ .attr = NPMU_NI_A_KEY_PRINCIPAL, .type = NL_STRING, .string = principal },
		{ .attr = NPMU_NI_A_KEY_SECRET, .type = NL_BYTES, .number = len, .string = key },
	};

	if (!principal || !key)
		return npmu_nl_refuse(ni->nl, -EINVAL, "no principal or no key");
	return npmu_nl_do(ni->nl, NPMU_NI_CMD_KEY_SET, args, 2, NULL, NULL);
}

int npmu_ni_key_remove(struct npmu_ni *ni, const char *principal)
{
	const struct nl_arg arg = {
		.attr = NPMU_NI_A_KEY_PRINCIPAL, .type = NL_STRING, .string = principal,
	};

	if (!principal)
		return npmu_nl_refuse(ni->nl, -EINVAL, "no principal");
	return npmu_nl_do(ni->nl, NPMU_NI_CMD_KEY_REMOVE, &arg, 1, NULL, NULL);
}

/* Until the callback says that it is enough, or the list is through. */
#define LIST(ni, cmd, desc, type, fn, ctx) ({				\
	size_t i_, count_;						\
	void *items_;							\
	int code_;							\
									\
	code_ = npmu_nl_dump((ni)->nl, cmd, NULL, 0, desc, &items_, &count_); \
	if (!code_) {							\
		for (i_ = 0; i_ < count_ && !code_; i_++)		\
			code_ = (fn)(ctx, (const type *)items_ + i_);	\
		free(items_);						\
	}								\
	code_;								\
})

int npmu_ni_listener_list(struct npmu_ni *ni, npmu_listener_fn *fn, void *ctx)
{
	return LIST(ni, NPMU_NI_CMD_LISTENER_GET, &listener_struct, struct npmu_listener_info, fn,
		    ctx);
}

int npmu_ni_key_list(struct npmu_ni *ni, npmu_key_fn *fn, void *ctx)
{
	return LIST(ni, NPMU_NI_CMD_KEY_GET, &key_struct, struct npmu_key_info, fn, ctx);
}

int npmu_ni_session_list(struct npmu_ni *ni, npmu_session_fn *fn, void *ctx)
{
	return LIST(ni, NPMU_NI_CMD_SESSION_GET, &session_struct, struct npmu_session_info, fn,
		    ctx);
}

struct npmu_ni_events {
	struct nl *nl;
};

int npmu_ni_events_open(struct npmu_ni_events **out, struct npmu_error *err)
{
	struct npmu_ni_events *events;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	events = calloc(1, sizeof(*events));
	if (!events)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	code = npmu_nl_subscribe(&events->nl, NPMU_NI_FAMILY_NAME, "npmu_rdma",
				 NPMU_NI_MCGRP_EVENTS, err);
	if (code) {
		free(events);
		return code;
	}
	*out = events;
	return 0;
}

void npmu_ni_events_close(struct npmu_ni_events *events)
{
	if (!events)
		return;
	npmu_nl_close(events->nl);
	free(events);
}

int npmu_ni_events_fd(const struct npmu_ni_events *events)
{
	return npmu_nl_fd(events->nl);
}

static const struct nl_struct *event_desc_of(uint8_t cmd)
{
	return cmd == NPMU_NI_CMD_SESSION_NTF ? &event_struct : NULL;
}

int npmu_ni_events_next(struct npmu_ni_events *events, struct npmu_session_event *out)
{
	if (!out)
		return -EINVAL;
	return npmu_nl_next(events->nl, event_desc_of, out);
}

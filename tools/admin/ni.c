// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * ni listen, unlisten, list and sessions: the network interface of the host's units.
 * Owns how an address is written and how a session is shown.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ni.h"
#include "output.h"

struct npmu_ni *ni_handle(const struct invocation *inv)
{
	struct npmu_error error;
	struct npmu_ni *ni;
	int err;

	err = npmu_ni_open(&ni, &error);
	if (!err)
		return ni;
	/* No module is another thing than no listener: it must not end in status 3. */
	if (err == -ENOENT)
		failed(inv, "", -EPROTONOSUPPORT, "the kernel has no npmu_rdma");
	else
		failed(inv, "", err, error.text);
	return NULL;
}

enum status ni_ended(struct npmu_ni *ni, const struct invocation *inv, const char *target, int err)
{
	enum status status = DONE;

	if (err)
		status = failed(inv, target, err, npmu_ni_error(ni));
	npmu_ni_close(ni);
	return status;
}

/* struct place - where to listen, of "ADDRESS", "ADDRESS:PORT" or "[ADDRESS]:PORT" */
struct place {
	char address[64];
	uint16_t port;
};

static const char *parse_place(const char *text, struct place *place)
{
	const char *end, *port = NULL;
	uint64_t number;
	const char *why;

	if (*text == '[') {
		text++;
		end = strchr(text, ']');
		if (!end || (end[1] && end[1] != ':'))
			return "a ']' is missing, or something else than a port follows it";
		port = end[1] ? end + 2 : NULL;
	} else {
		end = strchr(text, ':');
		/* More than one colon: an IPv6 address without a port. */
		if (end && !strchr(end + 1, ':'))
			port = end + 1;
		else
			end = text + strlen(text);
	}
	if (end == text || (size_t)(end - text) >= sizeof(place->address))
		return "no address";
	memcpy(place->address, text, (size_t)(end - text));
	place->address[end - text] = '\0';
	place->port = NPMU_NI_PORT;
	if (port) {
		why = parse_number(port, 1, 65535, &number);
		if (why)
			return why;
		place->port = (uint16_t)number;
	}
	return NULL;
}

static enum status at_place(const struct invocation *inv,
			    int (*call)(struct npmu_ni *ni, const char *address, uint16_t port))
{
	const char *text = inv->operands[0];
	struct place place;
	struct npmu_ni *ni;
	const char *why;

	why = parse_place(text, &place);
	if (why)
		return usage(inv, "'%s' is not an address and a port: %s", text, why);
	ni = ni_handle(inv);
	if (!ni)
		return FAILED;
	return ni_ended(ni, inv, text, call(ni, place.address, place.port));
}

enum status ni_listen(const struct invocation *inv)
{
	return at_place(inv, npmu_ni_listen);
}

enum status ni_unlisten(const struct invocation *inv)
{
	return at_place(inv, npmu_ni_unlisten);
}

/* Some listener said so; it is the same for all. */
static bool without_keys;

static int add_listener(void *ctx, const struct npmu_listener_info *info)
{
	struct json_object *row = record_new();

	without_keys = info->no_keys;
	record_text(row, "address", info->address);
	record_number(row, "port", info->port);
	record_bool(row, "listening", info->listening);
	/* Where it listens in vain is a reason, too. */
	record_text(row, "why_not", info->error ? strerror((int)info->error) :
		    info->no_keys ? "no key is loaded" : "");
	record_number(row, "accepted", info->accepted);
	record_number(row, "refused", info->refused);
	record_number(row, "denied", info->denied);
	record_number(row, "unproved", info->unproved);
	record_number(row, "malformed", info->malformed);
	record_number(row, "violations", info->violations);
	record_number(row, "vanished", info->vanished);
	record_bool(row, "no_keys", info->no_keys);
	list_add(ctx, row);
	return 0;
}

static const struct column listener_columns[] = {
	{ "address", "ADDRESS", FORM_PLAIN },
	{ "port", "PORT", FORM_PLAIN },
	{ "listening", "LISTENING", FORM_PLAIN },
	{ "accepted", "ACCEPTED", FORM_PLAIN },
	{ "refused", "REFUSED", FORM_PLAIN },
	{ "denied", "DENIED", FORM_PLAIN },
	{ "unproved", "UNPROVED", FORM_PLAIN },
	{ "violations", "VIOLATIONS", FORM_PLAIN },
	{ "why_not", "WHY NOT", FORM_PLAIN },
	{ NULL },
};

enum status ni_list(const struct invocation *inv)
{
	struct json_object *list;
	enum status status;
	struct npmu_ni *ni;

	ni = ni_handle(inv);
	if (!ni)
		return FAILED;
	list = list_new();
	status = ni_ended(ni, inv, "", npmu_ni_listener_list(ni, add_listener, list));
	if (status == DONE)
		print_list(inv, list, listener_columns);
	if (status == DONE && without_keys)
		complain("ni list: no key of any principal is loaded: nobody can come in\n"
			 "  after each start of the host: '" PROGRAM " key load PRINCIPAL FILE'");
	json_object_put(list);
	return status;
}

static const char *state_name(uint32_t state)
{
	static const char *const names[] = {
		[NPMU_NI_SESSION_STATE_NEW] = "new",
		[NPMU_NI_SESSION_STATE_CHALLENGED] = "challenged",
		[NPMU_NI_SESSION_STATE_REFUSED] = "refused",
		[NPMU_NI_SESSION_STATE_KNOWN] = "known",
		[NPMU_NI_SESSION_STATE_OPEN] = "open",
		[NPMU_NI_SESSION_STATE_CLOSING] = "closing",
	};

	return state < sizeof(names) / sizeof(names[0]) ? names[state] : "unknown";
}

const char *session_end_name(uint32_t end)
{
	static const char *const names[] = {
		[NPMU_NI_SESSION_END_NONE] = "none",
		[NPMU_NI_SESSION_END_CLIENT] = "client",
		[NPMU_NI_SESSION_END_VANISHED] = "vanished",
		[NPMU_NI_SESSION_END_UNPROVED] = "unproved",
		[NPMU_NI_SESSION_END_MALFORMED] = "malformed",
		[NPMU_NI_SESSION_END_VIOLATION] = "violation",
		[NPMU_NI_SESSION_END_FENCED] = "fenced",
		[NPMU_NI_SESSION_END_MEMORY] = "memory",
		[NPMU_NI_SESSION_END_IDLE] = "idle",
		[NPMU_NI_SESSION_END_UNLISTENED] = "unlistened",
		[NPMU_NI_SESSION_END_FAILED] = "failed",
	};

	return end < sizeof(names) / sizeof(names[0]) ? names[end] : "unknown";
}

static int add_session(void *ctx, const struct npmu_session_info *info)
{
	struct json_object *row = record_new();

	record_number(row, "id", info->id);
	record_text(row, "peer", info->peer);
	record_text(row, "state", state_name(info->state));
	record_text(row, "principal", info->principal);
	record_text(row, "unit", info->unit);
	record_text(row, "region", info->region);
	record_number(row, "entry", info->entry);
	record_number(row, "keys", info->keys);
	record_number(row, "requests", info->requests);
	record_number(row, "denied", info->denied);
	record_number(row, "commits", info->commits);
	record_number(row, "completions", info->completions);
	list_add(ctx, row);
	return 0;
}

static const struct column session_columns[] = {
	{ "id", "SESSION", FORM_PLAIN },
	{ "peer", "PEER", FORM_PLAIN },
	{ "state", "STATE", FORM_PLAIN },
	{ "principal", "PRINCIPAL", FORM_PLAIN },
	{ "unit", "UNIT", FORM_PLAIN },
	{ "region", "REGION", FORM_PLAIN },
	{ "entry", "ENTRY", FORM_ID },
	{ "keys", "KEYS", FORM_PLAIN },
	{ "requests", "REQUESTS", FORM_PLAIN },
	{ "denied", "DENIED", FORM_PLAIN },
	{ "commits", "COMMITS", FORM_PLAIN },
	{ NULL },
};

enum status ni_sessions(const struct invocation *inv)
{
	struct json_object *list;
	enum status status;
	struct npmu_ni *ni;

	ni = ni_handle(inv);
	if (!ni)
		return FAILED;
	list = list_new();
	status = ni_ended(ni, inv, "", npmu_ni_session_list(ni, add_session, list));
	if (status == DONE)
		print_list(inv, list, session_columns);
	json_object_put(list);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * monitor: one line for each event, as it comes. Owns how an event is shown.
 */
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <npmu/ni.h>

#include "control.h"
#include "ni.h"
#include "output.h"

/* struct sources - where events come from */
struct sources {
	struct npmu_events *units;
	struct npmu_ni_events *sessions;	/* NULL: no module npmu_rdma, or not allowed */
};

static struct json_object *event_record(const struct npmu_event_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "event", npmu_event_name(info->event));
	record_text(row, "unit", info->unit);
	if (*info->region)
		record_text(row, "region", info->region);
	if (*info->new_name)
		record_text(row, "new_name", info->new_name);
	if (info->has & NPMU_EVENT_HAS_UUID)
		record_uuid(row, "uuid", info->uuid);
	if (info->has & NPMU_EVENT_HAS_SIZE)
		record_number(row, "size", info->size);
	if (info->has & NPMU_EVENT_HAS_FENCE_EPOCH)
		record_number(row, "fence_epoch", info->fence_epoch);
	if (info->has & NPMU_EVENT_HAS_WRITER_PID)
		record_number(row, "writer_pid", info->writer_pid);
	if (*info->principal)
		record_text(row, "principal", info->principal);
	if (info->has & NPMU_EVENT_HAS_BAD) {
		record_number(row, "bad_offset", info->bad_offset);
		record_number(row, "bad_length", info->bad_length);
	}
	return row;
}

static void print_text(const struct npmu_event_info *info)
{
	char size[32];

	printf("%s %s%s%s", npmu_event_name(info->event), info->unit, *info->region ? "/" : "",
	       info->region);
	if (*info->new_name)
		printf(" to %s", info->new_name);
	if (info->has & NPMU_EVENT_HAS_SIZE) {
		format_size(info->size, size, sizeof(size));
		printf(" size %s", size);
	}
	if (info->has & NPMU_EVENT_HAS_FENCE_EPOCH)
		printf(" epoch %" PRIu64, info->fence_epoch);
	if (info->has & NPMU_EVENT_HAS_WRITER_PID)
		printf(" pid %" PRIu32, info->writer_pid);
	if (*info->principal)
		printf(" principal %s", info->principal);
	if (info->has & NPMU_EVENT_HAS_BAD)
		printf(" lost %" PRIu64 " bytes at %" PRIu64, info->bad_length,
		       info->bad_offset);
	printf("\n");
}

static void show_event(const struct invocation *inv, const struct npmu_event_info *info)
{
	struct json_object *row;

	if (!inv->json) {
		print_text(info);
		return;
	}
	row = event_record(info);
	print_json_line(row);
	json_object_put(row);
}

static void show_session(const struct invocation *inv, const struct npmu_session_event *info)
{
	static const char *const names[] = {
		[NPMU_NI_SESSION_EVENT_BEGUN] = "session-begun",
		[NPMU_NI_SESSION_EVENT_REFUSED] = "session-refused",
		[NPMU_NI_SESSION_EVENT_OPENED] = "session-opened",
		[NPMU_NI_SESSION_EVENT_ENDED] = "session-ended",
	};
	bool known = info->event < sizeof(names) / sizeof(names[0]);
	const char *name = known ? names[info->event] : "session-unknown";
	struct json_object *row;

	if (!inv->json) {
		printf("%s %" PRIu64 " peer %s", name, info->id, info->peer);
		if (*info->principal)
			printf(" principal %s", info->principal);
		if (*info->region)
			printf(" region %s/%s", info->unit, info->region);
		if (info->end)
			printf(" end %s", session_end_name(info->end));
		printf("\n");
		return;
	}
	row = record_new();
	record_text(row, "event", name);
	record_number(row, "session", info->id);
	record_text(row, "peer", info->peer);
	if (*info->principal)
		record_text(row, "principal", info->principal);
	if (*info->region) {
		record_text(row, "unit", info->unit);
		record_text(row, "region", info->region);
		record_number(row, "entry", info->entry);
	}
	if (info->end)
		record_text(row, "end", session_end_name(info->end));
	print_json_line(row);
	json_object_put(row);
}

/* In the stream itself, since who reads it must know where the gap is. */
static void show_loss(const struct invocation *inv)
{
	struct json_object *row;

	complain("monitor: events came faster than they were read, some are lost\n"
		 "  list again: '" PROGRAM " region list', '" PROGRAM " unit list', '" PROGRAM
		 " ni sessions'");
	if (!inv->json) {
		print_line("lost");
		return;
	}
	row = record_new();
	record_text(row, "event", "lost");
	print_json_line(row);
	json_object_put(row);
}

/* Sleeps until there is an event. False: nobody reads our output any more. */
static bool wait_for_event(const struct sources *from)
{
	struct pollfd fds[] = {
		{ .fd = npmu_events_fd(from->units), .events = POLLIN },
		{ .fd = from->sessions ? npmu_ni_events_fd(from->sessions) : -1, .events = POLLIN },
		{ .fd = STDOUT_FILENO },
	};

	while (poll(fds, 3, -1) < 0 && errno == EINTR)
		;
	return !(fds[2].revents & POLLERR);
}

/* Shows one event of either kind. As npmu_events_next(). */
static int take_one(const struct invocation *inv, const struct sources *from)
{
	struct npmu_session_event session;
	struct npmu_event_info info;
	int err;

	err = npmu_events_next(from->units, &info);
	if (!err)
		show_event(inv, &info);
	if (err != -EAGAIN || !from->sessions)
		return err;
	err = npmu_ni_events_next(from->sessions, &session);
	if (!err)
		show_session(inv, &session);
	return err;
}

static enum status follow(const struct invocation *inv, const struct sources *from,
			  uint64_t count)
{
	int err;

	while (count) {
		err = take_one(inv, from);
		if (err == -EAGAIN) {
			if (!wait_for_event(from))
				return FAILED;
			continue;
		}
		if (err == -ENOBUFS)
			show_loss(inv);
		else if (err)
			return failed(inv, "", err, NULL);
		else
			count--;
		if (!output_flush())
			return FAILED;
	}
	return DONE;
}

enum status monitor(const struct invocation *inv)
{
	/* Nobody counts that far: no limit. */
	uint64_t count = UINT64_MAX;
	struct sources from = { 0 };
	struct npmu_error error;
	enum status status;
	int err;

	if (inv->given[OPT_COUNT] && !number_value(inv, OPT_COUNT, 1, UINT64_MAX, &count))
		return USAGE;
	err = npmu_events_open(&from.units, &error);
	if (err == -ENOENT)
		return failed(inv, "", -EPROTONOSUPPORT, "the kernel has no npmu");
	if (err)
		return failed(inv, "", err, error.text);
	/* Without the network interface, or the right to see it, there is the rest. */
	npmu_ni_events_open(&from.sessions, NULL);
	/* Who starts us in a script waits for this line before changing things. */
	complain("monitor: listening");
	status = follow(inv, &from, count);
	npmu_ni_events_close(from.sessions);
	npmu_events_close(from.units);
	return status;
}

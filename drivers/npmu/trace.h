/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of npmu.ko: each change of a unit, a region and a writer as it is told to
 * listeners, and the life of each open. See Documentation/tracing.rst.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM npmu

#if !defined(_NPMU_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NPMU_TRACE_H

#include <linux/tracepoint.h>

#include "event.h"
#include "tpt.h"

/* As in linux/npmu_netlink.h. */
#define npmu_show_event(event)						\
	__print_symbolic(event,						\
		{ NPMU_EVENT_UNIT_ATTACHED,	"unit-attached" },	\
		{ NPMU_EVENT_UNIT_DETACHED,	"unit-detached" },	\
		{ NPMU_EVENT_UNIT_GONE,		"unit-gone" },		\
		{ NPMU_EVENT_REGION_CREATED,	"region-created" },	\
		{ NPMU_EVENT_REGION_DELETED,	"region-deleted" },	\
		{ NPMU_EVENT_REGION_RESIZED,	"region-resized" },	\
		{ NPMU_EVENT_REGION_RENAMED,	"region-renamed" },	\
		{ NPMU_EVENT_REGION_SET,	"region-set" },		\
		{ NPMU_EVENT_WRITER_CLAIMED,	"writer-claimed" },	\
		{ NPMU_EVENT_WRITER_RESIGNED,	"writer-resigned" },	\
		{ NPMU_EVENT_WRITER_DEAD,	"writer-dead" },	\
		{ NPMU_EVENT_WRITER_FENCED,	"writer-fenced" },	\
		{ NPMU_EVENT_WRITER_REPLACED,	"writer-replaced" },	\
		{ NPMU_EVENT_UNIT_BAD,		"unit-bad" },		\
		{ NPMU_EVENT_REGION_BAD,	"region-bad" },		\
		{ NPMU_EVENT_GRANT_ADDED,	"grant-added" },	\
		{ NPMU_EVENT_GRANT_REMOVED,	"grant-removed" })

TRACE_EVENT(npmu_event,
	TP_PROTO(const struct npmu_event_info *info),
	TP_ARGS(info),
	TP_STRUCT__entry(
		__field(u32, event)
		__string(unit, info->unit)
		__string(region, info->region ?: "")
		__string(principal, info->principal ?: "")
		__field(u64, fence_epoch)
		__field(pid_t, writer)
	),
	TP_fast_assign(
		__entry->event = info->event;
		__assign_str(unit);
		__assign_str(region);
		__assign_str(principal);
		__entry->fence_epoch = info->fence_epoch;
		__entry->writer = pid_nr(info->writer);
	),
	TP_printk("%s unit=%s region=%s epoch=%llu writer=%d principal=%s",
		  npmu_show_event(__entry->event), __get_str(unit), __get_str(region),
		  __entry->fence_epoch, __entry->writer, __get_str(principal))
);

DECLARE_EVENT_CLASS(npmu_tpt,
	TP_PROTO(const struct npmu_tpt_entry *tpt),
	TP_ARGS(tpt),
	TP_STRUCT__entry(
		__string(unit, tpt->region->unit->name)
		__field(u32, slot)
		__field(u64, id)
		__field(u32, access)
		__field(pid_t, opener)
		__string(principal, tpt->principal)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->slot = tpt->region->slot;
		__entry->id = tpt->id;
		__entry->access = tpt->access;
		__entry->opener = pid_nr(tpt->opener);
		__assign_str(principal);
	),
	TP_printk("unit=%s slot=%u entry=%llu access=%x pid=%d principal=%s", __get_str(unit),
		  __entry->slot, __entry->id, __entry->access, __entry->opener,
		  __get_str(principal))
);

DEFINE_EVENT(npmu_tpt, npmu_tpt_open,
	TP_PROTO(const struct npmu_tpt_entry *tpt),
	TP_ARGS(tpt)
);

/* It is dead: its gates are closed, somebody may still be inside. */
DEFINE_EVENT(npmu_tpt, npmu_tpt_kill,
	TP_PROTO(const struct npmu_tpt_entry *tpt),
	TP_ARGS(tpt)
);

/* Nobody is inside, and what it had mapped or registered is taken away. */
DEFINE_EVENT(npmu_tpt, npmu_tpt_drained,
	TP_PROTO(const struct npmu_tpt_entry *tpt),
	TP_ARGS(tpt)
);

DEFINE_EVENT(npmu_tpt, npmu_tpt_close,
	TP_PROTO(const struct npmu_tpt_entry *tpt),
	TP_ARGS(tpt)
);

TRACE_EVENT(npmu_tpt_denied,
	TP_PROTO(const struct npmu_tpt_entry *tpt, int error),
	TP_ARGS(tpt, error),
	TP_STRUCT__entry(
		__string(unit, tpt->region->unit->name)
		__field(u32, slot)
		__field(u32, access)
		__field(int, error)
		__string(principal, tpt->principal)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->slot = tpt->region->slot;
		__entry->access = tpt->access;
		__entry->error = error;
		__assign_str(principal);
	),
	TP_printk("unit=%s slot=%u access=%x error=%d principal=%s", __get_str(unit),
		  __entry->slot, __entry->access, __entry->error, __get_str(principal))
);

/* A request for the writer role: claim, takeover or resign. */
TRACE_EVENT(npmu_role,
	TP_PROTO(const struct npmu_tpt_entry *tpt, const char *what, int error),
	TP_ARGS(tpt, what, error),
	TP_STRUCT__entry(
		__string(unit, tpt->region->unit->name)
		__field(u32, slot)
		__field(u64, id)
		__string(what, what)
		__field(u64, fence_epoch)
		__field(int, error)
	),
	TP_fast_assign(
		__assign_str(unit);
		__entry->slot = tpt->region->slot;
		__entry->id = tpt->id;
		__assign_str(what);
		__entry->fence_epoch = READ_ONCE(tpt->region->fence_epoch);
		__entry->error = error;
	),
	TP_printk("%s unit=%s slot=%u entry=%llu epoch=%llu error=%d", __get_str(what),
		  __get_str(unit), __entry->slot, __entry->id, __entry->fence_epoch,
		  __entry->error)
);

#endif /* _NPMU_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

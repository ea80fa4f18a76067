/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Tracepoints of npmu_rdma.ko: connections, what is answered to them, their keys, and the
 * listeners. See Documentation/tracing.rst.
 */
#undef TRACE_SYSTEM
#define TRACE_SYSTEM npmu_rdma

#if !defined(_NPMU_RDMA_TRACE_H) || defined(TRACE_HEADER_MULTI_READ)
#define _NPMU_RDMA_TRACE_H

#include <linux/in6.h>
#include <linux/npmu_ni.h>
#include <linux/npmu_wire.h>
#include <linux/socket.h>
#include <linux/tracepoint.h>

#define npmu_show_state(state)						\
	__print_symbolic(state,						\
		{ NPMU_NI_SESSION_STATE_NEW,		"new" },	\
		{ NPMU_NI_SESSION_STATE_CHALLENGED,	"challenged" },	\
		{ NPMU_NI_SESSION_STATE_REFUSED,	"refused" },	\
		{ NPMU_NI_SESSION_STATE_KNOWN,		"known" },	\
		{ NPMU_NI_SESSION_STATE_OPEN,		"open" },	\
		{ NPMU_NI_SESSION_STATE_CLOSING,	"closing" })

#define npmu_show_end(end)						\
	__print_symbolic(end,						\
		{ NPMU_NI_SESSION_END_NONE,		"none" },	\
		{ NPMU_NI_SESSION_END_CLIENT,		"client" },	\
		{ NPMU_NI_SESSION_END_VANISHED,		"vanished" },	\
		{ NPMU_NI_SESSION_END_UNPROVED,		"unproved" },	\
		{ NPMU_NI_SESSION_END_MALFORMED,	"malformed" },	\
		{ NPMU_NI_SESSION_END_VIOLATION,	"violation" },	\
		{ NPMU_NI_SESSION_END_FENCED,		"fenced" },	\
		{ NPMU_NI_SESSION_END_MEMORY,		"memory" },	\
		{ NPMU_NI_SESSION_END_UNLISTENED,	"unlistened" },	\
		{ NPMU_NI_SESSION_END_FAILED,		"failed" },	\
		{ NPMU_NI_SESSION_END_IDLE,		"idle" })

#define npmu_show_type(type)						\
	__print_symbolic(type,						\
		{ NPMU_WIRE_AUTH_BEGIN,			"auth-begin" },	\
		{ NPMU_WIRE_AUTH_PROVE,			"auth-prove" },	\
		{ NPMU_WIRE_OPEN,			"open" },	\
		{ NPMU_WIRE_CLAIM,			"claim" },	\
		{ NPMU_WIRE_TAKEOVER,			"takeover" },	\
		{ NPMU_WIRE_RESIGN,			"resign" },	\
		{ NPMU_WIRE_COMMIT,			"commit" },	\
		{ NPMU_WIRE_KICK,			"kick" },	\
		{ NPMU_WIRE_WATCH,			"watch" },	\
		{ NPMU_WIRE_CREATE,			"create" },	\
		{ NPMU_WIRE_READER_ATTACH,		"reader-attach" }, \
		{ NPMU_WIRE_READER_ACK,			"reader-ack" },	\
		{ NPMU_WIRE_READER_DETACH,		"reader-detach" })

TRACE_EVENT(npmu_rdma_state,
	TP_PROTO(u64 session, u32 from, u32 to, u32 end),
	TP_ARGS(session, from, to, end),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u32, from)
		__field(u32, to)
		__field(u32, end)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->from = from;
		__entry->to = to;
		__entry->end = end;
	),
	TP_printk("session=%llu %s -> %s end=%s", __entry->session,
		  npmu_show_state(__entry->from), npmu_show_state(__entry->to),
		  npmu_show_end(__entry->end))
);

TRACE_EVENT(npmu_rdma_answer,
	TP_PROTO(u64 session, u32 type, u32 status),
	TP_ARGS(session, type, status),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u32, type)
		__field(u32, status)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->type = type;
		__entry->status = status;
	),
	TP_printk("session=%llu %s status=%u", __entry->session,
		  npmu_show_type(__entry->type), __entry->status)
);

TRACE_EVENT(npmu_rdma_keys_made,
	TP_PROTO(u64 session, u64 offset, u64 len, bool write, u32 nr, int error),
	TP_ARGS(session, offset, len, write, nr, error),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u64, offset)
		__field(u64, len)
		__field(bool, write)
		__field(u32, nr)
		__field(int, error)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->offset = offset;
		__entry->len = len;
		__entry->write = write;
		__entry->nr = nr;
		__entry->error = error;
	),
	TP_printk("session=%llu offset=%llu length=%llu %s keys=%u error=%d", __entry->session,
		  __entry->offset, __entry->len, __entry->write ? "write" : "read",
		  __entry->nr, __entry->error)
);

TRACE_EVENT(npmu_rdma_keys_dropped,
	TP_PROTO(u64 session, u32 nr, bool for_good),
	TP_ARGS(session, nr, for_good),
	TP_STRUCT__entry(
		__field(u64, session)
		__field(u32, nr)
		__field(bool, for_good)
	),
	TP_fast_assign(
		__entry->session = session;
		__entry->nr = nr;
		__entry->for_good = for_good;
	),
	TP_printk("session=%llu keys=%u%s", __entry->session, __entry->nr,
		  __entry->for_good ? " for good" : "")
);

/* A connect request. */
TRACE_EVENT(npmu_rdma_refused,
	TP_PROTO(const struct sockaddr_storage *peer, u32 reason),
	TP_ARGS(peer, reason),
	TP_STRUCT__entry(
		__array(u8, peer, sizeof(struct sockaddr_in6))
		__field(u32, reason)
	),
	TP_fast_assign(
		memcpy(__entry->peer, peer, sizeof(struct sockaddr_in6));
		__entry->reason = reason;
	),
	TP_printk("peer=%pISpc reason=%u", __entry->peer, __entry->reason)
);

TRACE_EVENT(npmu_rdma_listener,
	TP_PROTO(const struct sockaddr_storage *addr, const char *what, int error),
	TP_ARGS(addr, what, error),
	TP_STRUCT__entry(
		__array(u8, addr, sizeof(struct sockaddr_in6))
		__string(what, what)
		__field(int, error)
	),
	TP_fast_assign(
		memcpy(__entry->addr, addr, sizeof(struct sockaddr_in6));
		__assign_str(what);
		__entry->error = error;
	),
	TP_printk("%s address=%pISpc error=%d", __get_str(what), __entry->addr, __entry->error)
);

/* The key of a principal; nothing of it is shown. */
TRACE_EVENT(npmu_rdma_key,
	TP_PROTO(const char *principal, const char *what),
	TP_ARGS(principal, what),
	TP_STRUCT__entry(
		__string(principal, principal)
		__string(what, what)
	),
	TP_fast_assign(
		__assign_str(principal);
		__assign_str(what);
	),
	TP_printk("%s principal=%s", __get_str(what), __get_str(principal))
);

#endif /* _NPMU_RDMA_TRACE_H */

#undef TRACE_INCLUDE_PATH
#define TRACE_INCLUDE_PATH .
#undef TRACE_INCLUDE_FILE
#define TRACE_INCLUDE_FILE trace
#include <trace/define_trace.h>

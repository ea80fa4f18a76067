// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making and ending a connection: rdma_cm, the unit's welcome or its refusal, the queue pair. What
 * goes over it afterwards is rdma_conn.c's.
 */
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "error.h"
#include "rdma_conn.h"
#include "rdma_flush.h"
#include "rdma_wire.h"

#define NOBODY	"nobody listens there: npmu-admin ni list, on the unit's host"

/*
 * How long an answer of the unit's device may take, 4 us * 2^17, before it is asked again,
 * which it is 7 times: a unit that is out of reach is noticed after 4 s.
 */
static uint8_t ack_timeout = 17;

/* Private data may be padded: without the magic it is not a unit that refuses. */
static int refused(const struct npmu_wire_refusal *refusal, struct npmu_error *err)
{
	static const char *const why[] = {
		[NPMU_REFUSED_VERSION] = "it speaks another version",
		[NPMU_REFUSED_FULL] = "it has as many connections as are allowed",
		[NPMU_REFUSED_RATE] = "too many came at once: try again later",
		[NPMU_REFUSED_DEVICE] = "its RDMA device cannot serve",
		[NPMU_REFUSED_MEMORY] = "it has no memory left for it",
	};
	uint32_t reason = le32toh(refusal->reason);

	if (le32toh(refusal->magic) != NPMU_WIRE_MAGIC)
		return npmu_error_set(err, -ECONNREFUSED, NOBODY);
	return npmu_error_set(err, -ECONNREFUSED, "the unit refuses the connection: %s (%u)",
			      reason < sizeof(why) / sizeof(why[0]) && why[reason] ? why[reason] :
			      "it takes us for no client of npmu", reason);
}

/* The next event of a connection that is not yet there: which it must be. */
static int expect(struct rdma_conn *c, enum rdma_cm_event_type type, int timeout_ms,
		  struct npmu_error *err)
{
	struct pollfd fd = { .fd = c->events->fd, .events = POLLIN };
	const struct npmu_wire_refusal *refusal;
	uint64_t deadline = npmu_deadline_in(timeout_ms);
	struct rdma_cm_event *event;
	int code = 0, n;

	/* A signal is no answer, and no end of the time. */
	while ((n = poll(&fd, 1, npmu_ms_until(deadline))) < 0 && errno == EINTR)
		;
	if (n <= 0)
		return npmu_error_set(err, -ETIMEDOUT, "the unit's host does not answer");
	if (rdma_get_cm_event(c->events, &event))
		return npmu_error_set(err, -errno, "rdma_cm: %s", strerror(errno));
	if (event->event == type) {
		if (type == RDMA_CM_EVENT_ESTABLISHED) {
			size_t len = event->param.conn.private_data_len;

			if (npmu_wire_welcome(event->param.conn.private_data, len))
				code = npmu_error_set(err, -EPROTO, "not an npmu unit of our version");
			else
				memcpy(&c->welcome, event->param.conn.private_data,
				       sizeof(c->welcome));
			c->unit_qp = event->param.conn.qp_num;
		}
	} else if (event->event == RDMA_CM_EVENT_REJECTED &&
		   event->param.conn.private_data_len >= sizeof(*refusal)) {
		refusal = event->param.conn.private_data;
		code = refused(refusal, err);
	} else if (event->event == RDMA_CM_EVENT_REJECTED) {
		code = npmu_error_set(err, -ECONNREFUSED, NOBODY);
	} else {
		code = npmu_error_set(err, -EHOSTUNREACH, "rdma_cm: %s",
				      rdma_event_str(event->event));
	}
	rdma_ack_cm_event(event);
	return code;
}

static int resolve(struct rdma_conn *c, const char *host, const char *port, int timeout_ms,
		   struct npmu_error *err)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *list;
	int code;

	code = getaddrinfo(host, port, &hints, &list);
	if (code)
		return npmu_error_set(err, -EHOSTUNREACH, "%s: %s", host, gai_strerror(code));
	code = rdma_resolve_addr(c->id, NULL, list->ai_addr, timeout_ms);
	freeaddrinfo(list);
	if (code)
		return npmu_error_set(err, -EHOSTUNREACH, "%s: no RDMA device leads there: %s",
				      host, strerror(errno));
	code = expect(c, RDMA_CM_EVENT_ADDR_RESOLVED, timeout_ms, err);
	if (code)
		return code;
	if (rdma_resolve_route(c->id, timeout_ms))
		return npmu_error_set(err, -EHOSTUNREACH, "%s: no route: %s", host,
				      strerror(errno));
	/* Where it cannot be set a dead unit is noticed later. */
	rdma_set_option(c->id, RDMA_OPTION_ID, RDMA_OPTION_ID_ACK_TIMEOUT, &ack_timeout,
			sizeof(ack_timeout));
	return expect(c, RDMA_CM_EVENT_ROUTE_RESOLVED, timeout_ms, err);
}

static int make_queues(struct rdma_conn *c, struct npmu_error *err)
{
	struct ibv_qp_init_attr attr = {
		.cap = {
			.max_send_wr = RDMA_OPS + NPMU_WIRE_REQUESTS,
			.max_recv_wr = RDMA_RECVS,
			.max_send_sge = 4,
			.max_recv_sge = 1,
		},
		.qp_type = IBV_QPT_RC,
	};
	unsigned int i;

	c->pd = ibv_alloc_pd(c->id->verbs);
	c->completions = c->pd ? ibv_create_comp_channel(c->id->verbs) : NULL;
	c->cq = c->completions ? ibv_create_cq(c->id->verbs, RDMA_OPS + NPMU_WIRE_REQUESTS +
					       RDMA_RECVS, NULL, c->completions, 0) : NULL;
	c->bufs = c->cq ? aligned_alloc(4096, sizeof(*c->bufs)) : NULL;
	c->bufs_mr = c->bufs ? ibv_reg_mr(c->pd, c->bufs, sizeof(*c->bufs),
					  IBV_ACCESS_LOCAL_WRITE) : NULL;
	attr.send_cq = c->cq;
	attr.recv_cq = c->cq;
	if (!c->bufs_mr || npmu_rdma_make_qp(c, &attr))
		return npmu_error_set(err, errno ? -errno : -ENOMEM, "RDMA device: %s",
				      strerror(errno));
	for (i = 0; i < NPMU_WIRE_REQUESTS; i++)
		c->ops[i].done = true;
	for (i = 0; i < RDMA_RECVS; i++)
		if (npmu_rdma_post_recv(c, i))
			return npmu_error_set(err, -EIO, "RDMA device: a receive is refused");
	return 0;
}

static int greet(struct rdma_conn *c, int timeout_ms, struct npmu_error *err)
{
	struct rdma_conn_param param = {
		.private_data = &c->hello,
		.private_data_len = sizeof(c->hello),
		.responder_resources = 1,
		.initiator_depth = 16,
		.retry_count = 7,
		.rnr_retry_count = 6,
	};
	struct ibv_device_attr attr;

	c->hello = (struct npmu_wire_hello){
		.magic = htole32(NPMU_WIRE_MAGIC),
		.length = htole16(sizeof(c->hello)),
		.version = htole16(NPMU_WIRE_VERSION),
	};
	if (!ibv_query_device(c->id->verbs, &attr) && attr.max_qp_init_rd_atom < 16)
		param.initiator_depth = (uint8_t)attr.max_qp_init_rd_atom;
	if (rdma_connect(c->id, &param))
		return npmu_error_set(err, -errno, "connect: %s", strerror(errno));
	return expect(c, RDMA_CM_EVENT_ESTABLISHED, timeout_ms, err);
}

/* The kernel refuses a child what was opened before the fork, and librdmacm opens once. */
static bool forked_since(void)
{
	static _Atomic pid_t first;
	pid_t none = 0, self = getpid();

	return !atomic_compare_exchange_strong(&first, &none, self) && none != self;
}

int npmu_rdma_connect(const char *host, const char *port, int timeout_ms,
		      struct rdma_conn **out, struct npmu_error *err)
{
	struct rdma_conn *c = calloc(1, sizeof(*c));
	char number[8];
	int code;

	if (!c)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	if (forked_since()) {
		free(c);
		return npmu_error_set(err, -EOPNOTSUPP,
				      "RDMA was used before this process was forked: let the child be a program of its own, by exec");
	}
	c->answer = -1;
	snprintf(number, sizeof(number), "%d", NPMU_WIRE_PORT);
	c->events = rdma_create_event_channel();
	if (!c->events || rdma_create_id(c->events, &c->id, NULL, RDMA_PS_TCP)) {
		code = npmu_error_set(err, -errno, "no RDMA here: %s: rdma link show",
				      strerror(errno));
		goto err;
	}
	code = resolve(c, host, port ?: number, timeout_ms, err);
	if (!code)
		code = make_queues(c, err);
	if (!code)
		code = greet(c, timeout_ms, err);
	if (code)
		goto err;
	/* From now on they are looked at only when there is one. */
	fcntl(c->events->fd, F_SETFL, fcntl(c->events->fd, F_GETFL) | O_NONBLOCK);
	*out = c;
	return npmu_error_clear(err);
err:
	npmu_rdma_disconnect(c);
	return code;
}

void npmu_rdma_disconnect(struct rdma_conn *c)
{
	if (!c)
		return;
	if (c->id && c->id->qp) {
		rdma_disconnect(c->id);
		rdma_destroy_qp(c->id);
	}
	if (c->bufs_mr)
		ibv_dereg_mr(c->bufs_mr);
	free(c->bufs);
	if (c->cq)
		ibv_destroy_cq(c->cq);
	if (c->completions)
		ibv_destroy_comp_channel(c->completions);
	if (c->pd)
		ibv_dealloc_pd(c->pd);
	if (c->id)
		rdma_destroy_id(c->id);
	if (c->events)
		rdma_destroy_event_channel(c->events);
	free(c);
}

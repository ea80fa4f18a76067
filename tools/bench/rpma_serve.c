// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The server of rpma.h: persistent memory that clients write, one after the other, and
 * for those who ask by message it is written back from this processor's caches.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bench.h"
#include "rpma.h"
#include "wire.h"

#ifdef NPMU_HAVE_RPMA

#include <immintrin.h>
#include <librpma.h>

#define LINE	64

struct server {
	char *room;
	struct rpma_peer *peer;
	struct rpma_mr_local *mr;
	struct rpma_mr_local *messages_mr;
	char messages[2][RPMA_MESSAGE];
};

static int fail(const char *what, int code)
{
	return bench_fail("serve: librpma: %s: %s", what, rpma_err_2str(code));
}

__attribute__((target("clflushopt"))) static void write_back(char *at, size_t len)
{
	char *end = at + len;

	for (; at < end; at += LINE)
		_mm_clflushopt(at);
	_mm_sfence();
}

static int enroll(struct server *s, const char *path)
{
	int fd = open(path, O_RDWR | O_CLOEXEC), code;

	if (fd < 0)
		return bench_fail("serve: %s: %s", path, strerror(errno));
	s->room = mmap(NULL, RAW_MEMORY, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, 0);
	close(fd);
	if (s->room == MAP_FAILED)
		return bench_fail("serve: %s: %s", path, strerror(errno));
	code = rpma_mr_reg(s->peer, s->room, RAW_MEMORY, RPMA_MR_USAGE_WRITE_DST |
			   RPMA_MR_USAGE_READ_SRC | RPMA_MR_USAGE_FLUSH_TYPE_PERSISTENT, &s->mr);
	if (!code)
		code = rpma_mr_reg(s->peer, s->messages, sizeof(s->messages),
				   RPMA_MR_USAGE_SEND | RPMA_MR_USAGE_RECV, &s->messages_mr);
	return code ? fail("memory", code) : 0;
}

/* Sleeps until there is something in @cq. Return: -1: the client is gone. */
static int wait_for(struct rpma_conn *conn, struct rpma_cq *cq)
{
	struct pollfd fds[2] = { { .events = POLLIN }, { .events = POLLIN } };

	if (rpma_cq_get_fd(cq, &fds[0].fd) || rpma_conn_get_event_fd(conn, &fds[1].fd))
		return -1;
	if (poll(fds, 2, -1) <= 0 || fds[1].revents)
		return -1;
	return rpma_cq_wait(cq) ? -1 : 0;
}

static int answer(struct server *s, struct rpma_conn *conn)
{
	uint64_t len;

	memcpy(&len, s->messages[0], sizeof(len));
	if (len > RAW_MEMORY)
		return -1;
	write_back(s->room, len);
	return rpma_recv(conn, s->messages_mr, 0, RPMA_MESSAGE, NULL) ||
	       rpma_send(conn, s->messages_mr, RPMA_MESSAGE, RPMA_MESSAGE,
			 RPMA_F_COMPLETION_ON_ERROR, NULL) ? -1 : 0;
}

/* Until the client goes. */
static void attend(struct server *s, struct rpma_conn *conn)
{
	struct rpma_cq *cq;
	struct ibv_wc wc;
	int code = rpma_conn_get_cq(conn, &cq);

	while (!code) {
		code = rpma_cq_get_wc(cq, 1, &wc, NULL);
		if (code == RPMA_E_NO_COMPLETION)
			code = wait_for(conn, cq);
		else if (!code && wc.status != IBV_WC_SUCCESS)
			code = -1;
		else if (!code && wc.opcode == IBV_WC_RECV)
			code = answer(s, conn);
	}
}

/* Return: not 0: nobody can come any more. */
static int next(struct server *s, struct rpma_ep *ep)
{
	struct rpma_conn_private_data private;
	enum rpma_conn_event event;
	struct rpma_conn_req *req;
	char descriptor[UINT8_MAX];
	struct rpma_conn *conn;
	size_t size;
	int code;

	code = rpma_mr_get_descriptor_size(s->mr, &size);
	if (!code && size <= sizeof(descriptor))
		code = rpma_mr_get_descriptor(s->mr, descriptor);
	private = (struct rpma_conn_private_data){ descriptor, (uint8_t)size };
	if (!code)
		code = rpma_ep_next_conn_req(ep, NULL, &req);
	if (code)
		return fail("connection", code);
	if (rpma_conn_req_recv(req, s->messages_mr, 0, RPMA_MESSAGE, NULL)) {
		rpma_conn_req_delete(&req);
		return 0;
	}
	if (rpma_conn_req_connect(&req, &private, &conn))
		return 0;
	if (!rpma_conn_next_event(conn, &event) && event == RPMA_CONN_ESTABLISHED)
		attend(s, conn);
	rpma_conn_disconnect(conn);
	rpma_conn_delete(&conn);
	return 0;
}

int rpma_serve(const char *where)
{
	struct ibv_context *device;
	struct server s = { 0 };
	struct rpma_ep *ep;
	char address[64];
	int code;

	if (sscanf(where, "%63s", address) != 1)
		return -1;
	code = rpma_utils_get_ibv_context(address, RPMA_UTIL_IBV_CONTEXT_LOCAL, &device);
	if (!code)
		code = rpma_peer_new(device, &s.peer);
	if (code)
		return fail(address, code);
	if (enroll(&s, strchr(where, ' ') + 1))
		return -1;
	code = rpma_ep_listen(s.peer, address, RPMA_PORT, &ep);
	if (code)
		return fail("listen, port " RPMA_PORT, code);
	while (!next(&s, ep))
		;
	return -1;
}

#else

int rpma_serve(const char *where)
{
	(void)where;
	return bench_fail("serve: --rpma: built without librpma: install librpma-dev, build again");
}

#endif

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client's side of hosts_raw.h. Events, no polling: a thread sleeps until its work
 * request is done, as a client of npmu does.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "hosts_raw.h"

#define PIECE	(1U << 20)
#define DEPTH	32

static int fail(const char *what)
{
	fprintf(stderr, "hosts_raw: %s: %s\n", what, strerror(errno));
	return -1;
}

int raw_connect(struct raw *r, const char *host, void *buf, size_t len)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP }, *info;
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = DEPTH, .max_recv_wr = 2, .max_send_sge = 1,
			 .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 0,
	};
	struct rdma_conn_param param = { .retry_count = 7, .rnr_retry_count = 7,
					 .initiator_depth = 1, .responder_resources = 1 };
	struct ibv_wc wc;

	if (rdma_getaddrinfo(host, RAW_PORT, &hints, &info))
		return fail("address");
	if (rdma_create_ep(&r->id, info, NULL, &attr))
		return fail("endpoint");
	rdma_freeaddrinfo(info);
	r->messages_mr = rdma_reg_msgs(r->id, r->messages, sizeof(r->messages));
	r->mr = rdma_reg_msgs(r->id, buf, len);
	if (!r->messages_mr || !r->mr)
		return fail("memory");
	if (rdma_post_recv(r->id, NULL, r->messages[0], RAW_MESSAGE, r->messages_mr) ||
	    rdma_connect(r->id, &param))
		return fail("connect");
	if (rdma_get_recv_comp(r->id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("first message");
	memcpy(&r->there, r->messages[0], sizeof(r->there));
	return 0;
}

void raw_close(struct raw *r)
{
	if (!r->id)
		return;
	rdma_disconnect(r->id);
	if (r->mr)
		rdma_dereg_mr(r->mr);
	if (r->messages_mr)
		rdma_dereg_mr(r->messages_mr);
	rdma_destroy_ep(r->id);
}

static int sent(struct raw *r)
{
	struct ibv_wc wc;

	if (rdma_get_send_comp(r->id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("work request");
	return 0;
}

static int post_write(struct raw *r, char *from, size_t at, size_t len, int flags)
{
	return rdma_post_write(r->id, NULL, from, len, r->mr, flags, r->there.address + at,
			       r->there.rkey);
}

int raw_write(struct raw *r, void *from, size_t len)
{
	size_t at, step, pending = 0;

	for (at = 0; at < len; at += step) {
		step = len - at < PIECE ? len - at : PIECE;
		if (pending == DEPTH / 2 && sent(r))
			return -1;
		pending -= pending == DEPTH / 2;
		if (post_write(r, from, at, step, IBV_SEND_SIGNALED))
			return fail("write");
		pending++;
	}
	while (pending--)
		if (sent(r))
			return -1;
	return 0;
}

int raw_round_trip(struct raw *r, void *from, size_t len)
{
	struct ibv_wc wc;

	if (rdma_post_recv(r->id, NULL, r->messages[0], RAW_MESSAGE, r->messages_mr))
		return fail("receive");
	if (len && post_write(r, from, 0, len, 0))
		return fail("write");
	if (rdma_post_send(r->id, NULL, r->messages[1], RAW_MESSAGE, r->messages_mr,
			   IBV_SEND_SIGNALED))
		return fail("send");
	if (rdma_get_recv_comp(r->id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
		return fail("answer");
	return sent(r);
}

int tcp_connect(const char *host)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(TCP_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0), one = 1;

	if (fd < 0 || inet_pton(AF_INET, host, &to.sin_addr) != 1 ||
	    connect(fd, (void *)&to, sizeof(to)))
		return fail("tcp");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	return fd;
}

int tcp_read(int fd, void *to, size_t len)
{
	ssize_t n;

	for (; len; len -= (size_t)n, to = (char *)to + n) {
		n = read(fd, to, len);
		if (n <= 0)
			return -1;
	}
	return 0;
}

int tcp_send(int fd, const void *data, uint64_t len)
{
	struct iovec iov[] = {
		{ .iov_base = &len, .iov_len = sizeof(len) },
		{ .iov_base = (void *)(uintptr_t)data, .iov_len = len },
	};
	size_t all = sizeof(len) + len;
	ssize_t n;
	char done;

	n = writev(fd, iov, 2);
	for (; n >= (ssize_t)sizeof(len) && (size_t)n < all; ) {
		ssize_t more = write(fd, (const char *)data + n - sizeof(len), all - (size_t)n);

		if (more <= 0)
			return fail("tcp");
		n += more;
	}
	if (n < (ssize_t)sizeof(len) || tcp_read(fd, &done, 1))
		return fail("tcp");
	return 0;
}

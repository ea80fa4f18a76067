// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: hosts_serve FILE
 *
 * The other end of hosts_raw.h: memory that may be written, messages that are answered;
 * and over TCP bytes that go to FILE and are made durable. One client of each. It knows
 * nothing of npmu: what this costs is what the wire and the file cost.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "hosts_raw.h"

#define FILE_SIZE	(16ULL << 20)

static int fail(const char *what)
{
	fprintf(stderr, "hosts_serve: %s: %s\n", what, strerror(errno));
	return 1;
}

static int serve_raw(void)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP, .ai_flags = RAI_PASSIVE };
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};
	static char messages[3][RAW_MESSAGE];
	struct rdma_cm_id *listener, *id;
	struct rdma_addrinfo *info;
	struct raw_memory memory;
	struct ibv_mr *mr, *big;
	struct ibv_wc wc;
	void *room;
	int i = 0;

	if (rdma_getaddrinfo(NULL, RAW_PORT, &hints, &info) ||
	    rdma_create_ep(&listener, info, NULL, &attr) || rdma_listen(listener, 1) ||
	    rdma_get_request(listener, &id))
		return fail("listen");
	room = mmap(NULL, RAW_MEMORY, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	mr = rdma_reg_msgs(id, messages, sizeof(messages));
	big = room == MAP_FAILED ? NULL : rdma_reg_write(id, room, RAW_MEMORY);
	if (!mr || !big)
		return fail("memory");
	memory = (struct raw_memory){ .address = (uintptr_t)room, .rkey = big->rkey };
	memcpy(messages[2], &memory, sizeof(memory));
	if (rdma_post_recv(id, NULL, messages[0], RAW_MESSAGE, mr) ||
	    rdma_post_recv(id, (void *)1, messages[1], RAW_MESSAGE, mr) || rdma_accept(id, NULL) ||
	    rdma_post_send(id, NULL, messages[2], RAW_MESSAGE, mr, 0) ||
	    rdma_get_send_comp(id, &wc) <= 0)
		return fail("accept");
	for (;; i = !i) {
		if (rdma_get_recv_comp(id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS)
			return 0;
		if (rdma_post_send(id, NULL, messages[2], RAW_MESSAGE, mr, 0) ||
		    rdma_post_recv(id, NULL, messages[i], RAW_MESSAGE, mr) ||
		    rdma_get_send_comp(id, &wc) <= 0)
			return fail("answer");
	}
}

/* The next bytes go behind the last. */
static int serve_tcp(const char *path)
{
	struct sockaddr_in here = { .sin_family = AF_INET, .sin_port = htons(TCP_PORT) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd, file, one = 1;
	static char buf[FILE_SIZE];
	uint64_t len, at = 0;
	char done = 1;

	file = open(path, O_RDWR | O_CREAT, 0600);
	if (file < 0)
		return fail(path);
	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (void *)&here, sizeof(here)) || listen(listener, 1))
		return fail("tcp");
	fd = accept(listener, NULL, NULL);
	if (fd < 0)
		return fail("tcp");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	while (!tcp_read(fd, &len, sizeof(len)) && len <= FILE_SIZE && !tcp_read(fd, buf, len)) {
		if (at + len > FILE_SIZE)
			at = 0;
		if (pwrite(file, buf, len, (off_t)at) != (ssize_t)len || fdatasync(file))
			return fail(path);
		at += (len + 4095) & ~4095ULL;
		if (write(fd, &done, 1) != 1)
			return fail("tcp");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc != 2)
		return 2;
	switch (fork()) {
	case -1:
		return fail("fork");
	case 0:
		return serve_tcp(argv[1]);
	default:
		return serve_raw();
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-bench serve: the other end of wire.h: memory that may be written and read, messages
 * that are answered, for one client after the other; beside it, each a process of its own,
 * the other ends of tcp.h, rpma.h, perftest.h and count.h. It knows nothing of npmu: what this
 * costs is what the wire costs.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "bench.h"
#include "count.h"
#include "perftest.h"
#include "rpma.h"
#include "tcp.h"
#include "wire.h"

/* Of the kernel; headers of rdma-core name it since 56. */
#define ACCESS_FLUSH_PERSISTENT	(1 << 9)

static int fail(const char *what)
{
	return bench_fail("serve: %s: %s", what, strerror(errno));
}

struct memory {
	void *room;
	bool persistent;
	struct ibv_mr *mr;
	struct ibv_mr *messages_mr;
	char messages[3][RAW_MESSAGE];
};

/* What its first message says. */
static int offer(struct memory *m, struct rdma_cm_id *id)
{
	const int access = IBV_ACCESS_LOCAL_WRITE | IBV_ACCESS_REMOTE_WRITE |
			   IBV_ACCESS_REMOTE_READ;
	struct raw_memory there = { 0 };

	m->messages_mr = rdma_reg_msgs(id, m->messages, sizeof(m->messages));
	if (m->persistent)
		m->mr = ibv_reg_mr(id->pd, m->room, RAW_MEMORY, access | ACCESS_FLUSH_PERSISTENT);
	there.persistent = m->mr ? 1 : 0;
	if (!m->mr)
		m->mr = ibv_reg_mr(id->pd, m->room, RAW_MEMORY, access);
	if (!m->messages_mr || !m->mr)
		return fail("memory cannot be registered: ulimit -l");
	there.address = (uintptr_t)m->room;
	there.rkey = m->mr->rkey;
	memcpy(m->messages[2], &there, sizeof(there));
	return 0;
}

static int send_one(struct memory *m, struct rdma_cm_id *id)
{
	struct ibv_wc wc;

	return rdma_post_send(id, NULL, m->messages[2], RAW_MESSAGE, m->messages_mr, 0) ||
	       rdma_get_send_comp(id, &wc) <= 0 || wc.status != IBV_WC_SUCCESS ? -1 : 0;
}

/* Until the client goes; it is a client's affair if it goes early. */
static int answer(struct memory *m, struct rdma_cm_id *id)
{
	struct ibv_wc wc;
	int i;

	if (offer(m, id))
		return -1;
	if (rdma_post_recv(id, NULL, m->messages[0], RAW_MESSAGE, m->messages_mr) ||
	    rdma_post_recv(id, NULL, m->messages[1], RAW_MESSAGE, m->messages_mr) ||
	    rdma_accept(id, NULL) || send_one(m, id))
		return 0;
	for (i = 0; rdma_get_recv_comp(id, &wc) > 0 && wc.status == IBV_WC_SUCCESS; i = !i)
		if (rdma_post_recv(id, NULL, m->messages[i], RAW_MESSAGE, m->messages_mr) ||
		    send_one(m, id))
			break;
	return 0;
}

static int map(struct memory *m, const char *path)
{
	int flags = MAP_PRIVATE | MAP_ANONYMOUS, fd = -1;

	if (path) {
		flags = MAP_SHARED;
		fd = open(path, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return fail(path);
	}
	m->room = mmap(NULL, RAW_MEMORY, PROT_READ | PROT_WRITE, flags | MAP_POPULATE, fd, 0);
	m->persistent = path;
	if (fd >= 0)
		close(fd);
	return m->room == MAP_FAILED ? fail(path ? path : "memory") : 0;
}

static int serve_raw(const char *path)
{
	struct rdma_addrinfo hints = { .ai_port_space = RDMA_PS_TCP, .ai_flags = RAI_PASSIVE };
	struct ibv_qp_init_attr attr = {
		.cap = { .max_send_wr = 4, .max_recv_wr = 4, .max_send_sge = 1, .max_recv_sge = 1 },
		.qp_type = IBV_QPT_RC,
		.sq_sig_all = 1,
	};
	struct rdma_cm_id *listener, *id;
	struct rdma_addrinfo *info;
	struct memory m = { 0 };
	int code = 0;

	if (map(&m, path))
		return -1;
	if (rdma_getaddrinfo(NULL, RAW_PORT, &hints, &info) ||
	    rdma_create_ep(&listener, info, NULL, &attr) || rdma_listen(listener, 1))
		return fail("listen, port " RAW_PORT);
	while (!code) {
		if (rdma_get_request(listener, &id))
			return fail("connection");
		code = answer(&m, id);
		if (m.mr)
			rdma_dereg_mr(m.mr);
		if (m.messages_mr)
			rdma_dereg_mr(m.messages_mr);
		m.mr = NULL;
		m.messages_mr = NULL;
		rdma_destroy_ep(id);
	}
	return code;
}

/* A process of its own for @run, which ends with this one. */
static int beside(int (*run)(const char *with), const char *with)
{
	pid_t pid = fork();

	if (pid < 0)
		return fail("fork");
	if (pid)
		return 0;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(run(with) ? 1 : 0);
}

int serve(const struct serve *s)
{
	char where[4096];

	signal(SIGPIPE, SIG_IGN);
	if (s->file && beside(tcp_serve, s->file))
		return -1;
	snprintf(where, sizeof(where), "%s %s", s->rpma ? s->rpma : "", s->memory ? s->memory : "");
	if (s->rpma && s->memory && beside(rpma_serve, where))
		return -1;
	if (beside(count_serve, NULL) || beside(perftest_serve, NULL))
		return -1;
	return serve_raw(s->memory);
}

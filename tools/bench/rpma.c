// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The client of rpma.h, in events. Without librpma's header at build time it says so. Which
 * flush librpma takes, FLUSH or a READ, is its own affair.
 */
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "rpma.h"

#ifdef NPMU_HAVE_RPMA

#include <librpma.h>

struct rpma_link {
	struct rpma_peer *peer;
	struct rpma_conn *conn;
	struct rpma_cq *cq;
	struct rpma_mr_remote *there;
	struct rpma_mr_local *data;
	struct rpma_mr_local *messages_mr;
	char messages[2][RPMA_MESSAGE];
};

static int fail(const char *what, int code)
{
	return bench_fail("librpma: %s: %s", what, rpma_err_2str(code));
}

/* What is there may be written to past its caches: true of rxe no more than of others. */
static int trust(struct rpma_conn *conn)
{
	struct rpma_peer_cfg *cfg;
	int code = rpma_peer_cfg_new(&cfg);

	if (code)
		return code;
	code = rpma_peer_cfg_set_direct_write_to_pmem(cfg, true);
	if (!code)
		code = rpma_conn_apply_remote_peer_cfg(conn, cfg);
	rpma_peer_cfg_delete(&cfg);
	return code;
}

static int reach(struct rpma_link *l, const char *host)
{
	struct rpma_conn_private_data private;
	struct ibv_context *device;
	struct rpma_conn_req *req;
	enum rpma_conn_event event;
	int code;

	code = rpma_utils_get_ibv_context(host, RPMA_UTIL_IBV_CONTEXT_REMOTE, &device);
	if (!code)
		code = rpma_peer_new(device, &l->peer);
	if (!code)
		code = rpma_conn_req_new(l->peer, host, RPMA_PORT, NULL, &req);
	if (!code)
		code = rpma_conn_req_connect(&req, NULL, &l->conn);
	if (!code)
		code = rpma_conn_next_event(l->conn, &event);
	if (code)
		return fail("connect", code);
	if (event != RPMA_CONN_ESTABLISHED)
		return -1;
	code = rpma_conn_get_private_data(l->conn, &private);
	if (!code)
		code = rpma_mr_remote_from_descriptor(private.ptr, private.len, &l->there);
	if (!code)
		code = trust(l->conn);
	if (!code)
		code = rpma_conn_get_cq(l->conn, &l->cq);
	return code ? fail("connection", code) : 0;
}

static int enroll(struct rpma_link *l, void *buf, size_t len)
{
	int code = rpma_mr_reg(l->peer, buf, len, RPMA_MR_USAGE_WRITE_SRC, &l->data);

	if (!code)
		code = rpma_mr_reg(l->peer, l->messages, sizeof(l->messages),
				   RPMA_MR_USAGE_SEND | RPMA_MR_USAGE_RECV, &l->messages_mr);
	return code ? fail("memory", code) : 0;
}

int rpma_link_open(struct rpma_link **out, const char *host, void *buf, size_t len,
		   const char **why)
{
	struct rpma_link *l = calloc(1, sizeof(*l));

	*why = "npmu-bench serve --rpma does not run there, or without librpma";
	if (l && !reach(l, host) && !enroll(l, buf, len)) {
		*out = l;
		return 0;
	}
	rpma_link_close(l);
	return -1;
}

void rpma_link_close(struct rpma_link *l)
{
	if (!l)
		return;
	rpma_mr_dereg(&l->messages_mr);
	rpma_mr_dereg(&l->data);
	rpma_mr_remote_delete(&l->there);
	if (l->conn) {
		rpma_conn_disconnect(l->conn);
		rpma_conn_delete(&l->conn);
	}
	rpma_peer_delete(&l->peer);
	free(l);
}

/* Sleeps until @n are complete. */
static int complete(struct rpma_link *l, int n)
{
	struct ibv_wc wc;
	int code;

	while (n) {
		code = rpma_cq_get_wc(l->cq, 1, &wc, NULL);
		if (code == RPMA_E_NO_COMPLETION) {
			code = rpma_cq_wait(l->cq);
			if (!code)
				continue;
		}
		if (code)
			return fail("completion", code);
		if (wc.status != IBV_WC_SUCCESS)
			return bench_fail("librpma: %s", ibv_wc_status_str(wc.status));
		n--;
	}
	return 0;
}

int rpma_link_flush(struct rpma_link *l, size_t len)
{
	int code = rpma_write(l->conn, l->there, 0, l->data, 0, len, RPMA_F_COMPLETION_ON_ERROR,
			      NULL);

	if (!code)
		code = rpma_flush(l->conn, l->there, 0, len, RPMA_FLUSH_TYPE_PERSISTENT,
				  RPMA_F_COMPLETION_ALWAYS, NULL);
	return code ? fail("flush", code) : complete(l, 1);
}

int rpma_link_message(struct rpma_link *l, size_t len)
{
	uint64_t bytes = len;
	int code;

	memcpy(l->messages[1], &bytes, sizeof(bytes));
	code = rpma_recv(l->conn, l->messages_mr, 0, RPMA_MESSAGE, NULL);
	if (!code)
		code = rpma_write(l->conn, l->there, 0, l->data, 0, len,
				  RPMA_F_COMPLETION_ON_ERROR, NULL);
	if (!code)
		code = rpma_send(l->conn, l->messages_mr, RPMA_MESSAGE, RPMA_MESSAGE,
				 RPMA_F_COMPLETION_ALWAYS, NULL);
	return code ? fail("message", code) : complete(l, 2);
}

#else

int rpma_link_open(struct rpma_link **out, const char *host, void *buf, size_t len,
		   const char **why)
{
	(void)out;
	(void)host;
	(void)buf;
	(void)len;
	*why = "npmu-bench was built without it: install librpma-dev and build again";
	return -1;
}

void rpma_link_close(struct rpma_link *l)
{
	(void)l;
}

int rpma_link_flush(struct rpma_link *l, size_t len)
{
	(void)l;
	(void)len;
	return -1;
}

int rpma_link_message(struct rpma_link *l, size_t len)
{
	return rpma_link_flush(l, len);
}

#endif

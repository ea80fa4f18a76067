/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the wire gives with nothing of npmu on it: memory of a process on the other host,
 * which answers messages (hosts_serve); and a process there that writes to a file.
 */
#ifndef NPMU_HOSTS_RAW_H
#define NPMU_HOSTS_RAW_H

#include <stddef.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>

#define RAW_PORT	"7471"
#define TCP_PORT	7472
#define RAW_MESSAGE	64
#define RAW_MEMORY	(64ULL << 20)

/* The first message of the server. */
struct raw_memory {
	uint64_t address;
	uint32_t rkey;
	uint32_t reserved;
};

struct raw {
	struct rdma_cm_id *id;
	struct raw_memory there;
	struct ibv_mr *messages_mr;
	char messages[2][RAW_MESSAGE];
	struct ibv_mr *mr;	/* of what is written */
};

/* @buf: what will be written from. 0 or -1, with words on stderr. */
int raw_connect(struct raw *r, const char *host, void *buf, size_t len);
void raw_close(struct raw *r);

/* WRITE of @len bytes, in pieces of up to 1 MiB, then wait for all. 0 or -1. */
int raw_write(struct raw *r, void *from, size_t len);

/* One message there and one back. With @len: and a WRITE ahead of it. 0 or -1. */
int raw_round_trip(struct raw *r, void *from, size_t len);

/* TCP: @len bytes there, which the server has made durable when this returns. */
int tcp_connect(const char *host);
int tcp_send(int fd, const void *data, uint64_t len);
int tcp_read(int fd, void *to, size_t len);

#endif /* NPMU_HOSTS_RAW_H */

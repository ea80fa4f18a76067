/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the wire gives with nothing of npmu on it: memory of a process on the other host
 * (npmu-bench serve), which answers messages.
 */
#ifndef NPMU_BENCH_WIRE_H
#define NPMU_BENCH_WIRE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <rdma/rdma_cma.h>
#include <rdma/rdma_verbs.h>

#define RAW_PORT	"7471"
#define RAW_MESSAGE	64
#define RAW_MEMORY	(64ULL << 20)

/* The first message of the server. */
struct raw_memory {
	uint64_t address;
	uint32_t rkey;
	uint32_t persistent;	/* not zero: RDMA FLUSH makes it durable */
};

struct raw {
	struct rdma_cm_id *id;
	struct raw_memory there;
	bool can_flush;		/* both sides can, see raw_write_flush() */
	struct ibv_mr *messages_mr;
	char messages[2][RAW_MESSAGE];
	struct ibv_mr *mr;	/* of the buffer */
	bool polls;		/* for completions, and does not sleep until there are any */
};

/* @buf: what is written from, and read into. 0 or -1, with words on stderr. */
int raw_connect(struct raw *r, const char *host, void *buf, size_t len);
void raw_close(struct raw *r);

/* WRITE of @len bytes, in pieces of up to 1 MiB, then wait for all. 0 or -1. */
int raw_write(struct raw *r, void *from, size_t len);

/* READ of as many, likewise. */
int raw_read(struct raw *r, void *to, size_t len);

/* WRITE of @len bytes and their FLUSH, with one completion. 0 or -1. */
int raw_write_flush(struct raw *r, void *from, size_t len);

/* One message there and one back. With @len: and a WRITE ahead of it. 0 or -1. */
int raw_round_trip(struct raw *r, void *from, size_t len);

/**
 * struct serve - what the other end offers
 * @file: for TCP, or NULL: none
 * @memory: what is mapped to be written and read, a device of class dax, or NULL: memory
 * @rpma: address at which librpma serves @memory, or NULL: nowhere
 */
struct serve {
	const char *file;
	const char *memory;
	const char *rpma;
};

/* serve.c: until it is killed. Return: -1. */
int serve(const struct serve *s);

#endif /* NPMU_BENCH_WIRE_H */

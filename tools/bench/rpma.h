/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one would use with librpma: a WRITE and its flush, or a WRITE and a message to a
 * process there, which writes its caches back.
 */
#ifndef NPMU_BENCH_RPMA_H
#define NPMU_BENCH_RPMA_H

#include <stddef.h>
#include <stdint.h>

#define RPMA_PORT	"7473"
#define RPMA_MESSAGE	64	/* begins with the length of what was written, 0 on */

struct rpma_link;

/* @buf: written from. @why: static: what is missing, when it returns -1. */
int rpma_link_open(struct rpma_link **out, const char *host, void *buf, size_t len,
		   const char **why);
void rpma_link_close(struct rpma_link *l);

/* rpma_write() and rpma_flush(), persistent; one completion. 0 or -1. */
int rpma_link_flush(struct rpma_link *l, size_t len);

/* rpma_write(), rpma_send(), and the answer. 0 or -1. */
int rpma_link_message(struct rpma_link *l, size_t len);

/* rpma_serve.c: the other end. @where: its address, a blank, and the device. Return: -1. */
int rpma_serve(const char *where);

#endif /* NPMU_BENCH_RPMA_H */

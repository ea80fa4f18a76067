/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one would use with no RDMA: a file on the other host, written by a server there.
 */
#ifndef NPMU_BENCH_TCP_H
#define NPMU_BENCH_TCP_H

#include <stddef.h>
#include <stdint.h>

#define TCP_PORT	"7472"

/* A socket, or -1 with words on stderr. */
int tcp_connect(const char *host, const char *port);

/* Has each client that comes there served, one after the other. Return: -1. */
int tcp_serve_each(const char *port, void (*serve)(int fd));

/* All of it. Return: 0 or -1, silently. */
int tcp_read(int fd, void *to, size_t len);

/* @len bytes there, which the server has made durable when this returns. 0 or -1. */
int tcp_send(int fd, const void *data, uint64_t len);

/* The server, for one client after the other: writes @path. Return: -1. */
int tcp_serve(const char *path);

#endif /* NPMU_BENCH_TCP_H */

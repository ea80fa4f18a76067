// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Both ends of tcp.h. The server writes what comes into one file, in place, one record
 * behind the other, and answers when fdatasync has returned. Its blocks are there before, so
 * that the file system has nothing to note. Unlike a checkpoint it may be torn by a power cut.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "../common/timing.h"
#include "bench.h"
#include "tcp.h"

#define FILE_SIZE	(16 * MIB)
#define RECORD		4096ULL

static int fail(const char *what)
{
	return bench_fail("TCP: %s: %s", what, strerror(errno));
}

static void at_once(int fd)
{
	int one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

int tcp_connect(const char *host, const char *port)
{
	struct addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };
	struct addrinfo *list, *to;
	int fd = -1;

	if (getaddrinfo(host, port, &hints, &list))
		return bench_fail("%s: no such host", host);
	for (to = list; to && fd < 0; to = to->ai_next) {
		fd = socket(to->ai_family, to->ai_socktype | SOCK_CLOEXEC, 0);
		if (fd >= 0 && connect(fd, to->ai_addr, to->ai_addrlen)) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(list);
	if (fd < 0)
		return bench_fail("%s, port %s: %s (is npmu-bench serve running there?)", host,
				  port, strerror(errno));
	at_once(fd);
	return fd;
}

/* A socket that listens, or -1. */
static int tcp_listen(const char *port)
{
	struct addrinfo hints = { .ai_family = AF_INET6, .ai_socktype = SOCK_STREAM,
				  .ai_flags = AI_PASSIVE };
	struct addrinfo *here;
	int fd, one = 1;

	/* IPv4, too, unless the host has no IPv6 at all. */
	fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		hints.ai_family = AF_INET;
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	}
	if (fd < 0 || getaddrinfo(NULL, port, &hints, &here))
		return fail(port);
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, here->ai_addr, here->ai_addrlen) || listen(fd, 1))
		return fail(port);
	freeaddrinfo(here);
	return fd;
}

int tcp_serve_each(const char *port, void (*serve)(int fd))
{
	int listener = tcp_listen(port), fd;

	while (listener >= 0) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			break;
		serve(fd);
		close(fd);
	}
	return -1;
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
			return fail("write");
		n += more;
	}
	if (n < (ssize_t)sizeof(len) || tcp_read(fd, &done, 1))
		return fail("no answer");
	return 0;
}

static int open_file(const char *path)
{
	static const char zero[65536];
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct stat st;
	uint64_t at;

	if (fd < 0 || fstat(fd, &st))
		return fail(path);
	for (at = 0; S_ISREG(st.st_mode) && at < FILE_SIZE; at += sizeof(zero))
		if (pwrite(fd, zero, sizeof(zero), (off_t)at) != sizeof(zero))
			return fail(path);
	return fsync(fd) ? fail(path) : fd;
}

/* The next bytes go behind the last. */
static int keep(int fd, int file)
{
	static char buf[FILE_SIZE];
	uint64_t len, at = 0;
	char done = 1;

	while (!tcp_read(fd, &len, sizeof(len)) && len <= FILE_SIZE && !tcp_read(fd, buf, len)) {
		if (at + len > FILE_SIZE)
			at = 0;
		if (timing_pwrite_durably(file, buf, len, at))
			return fail("file");
		at += (len + RECORD - 1) & ~(RECORD - 1);
		if (write(fd, &done, 1) != 1)
			break;
	}
	return 0;
}

int tcp_serve(const char *path)
{
	int file = open_file(path), listener, fd, code = 0;

	listener = file < 0 ? -1 : tcp_listen(TCP_PORT);
	if (listener < 0)
		return -1;
	while (!code) {
		fd = accept(listener, NULL, NULL);
		if (fd < 0)
			return fail("accept");
		at_once(fd);
		code = keep(fd, file);
		close(fd);
	}
	return code;
}

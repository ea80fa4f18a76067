// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A backup process at the other end of a TCP connection within this host: it takes what
 * it is sent into its memory and acknowledges. It is never in doubt about where a message
 * ends, and nothing more.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "peers.h"
#include "tcp.h"

#define BUFFER	(1 << 20)

struct backup {
	int fd;
	pid_t pid;
};

/* Until the connection ends. */
static void be_backup(int fd)
{
	char *memory = malloc(BUFFER);
	uint64_t len, n;
	char done = 1;

	while (memory && !tcp_read(fd, &len, sizeof(len))) {
		for (; len; len -= n) {
			n = len < BUFFER ? len : BUFFER;
			if (tcp_read(fd, memory, n))
				_exit(1);
		}
		if (write(fd, &done, 1) != 1)
			_exit(1);
	}
	_exit(0);
}

int socket_connected(int fds[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET };
	socklen_t len = sizeof(at);
	int on = 1, listener, code = -1;

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	fds[0] = -1;
	fds[1] = -1;
	listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (listener < 0)
		return -1;
	if (!bind(listener, (struct sockaddr *)&at, len) && !listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&at, &len)) {
		fds[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (fds[0] >= 0 && !connect(fds[0], (struct sockaddr *)&at, len))
			fds[1] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fds[1] >= 0 &&
		    !setsockopt(fds[0], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) &&
		    !setsockopt(fds[1], IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
			code = 0;
	}
	close(listener);
	return code;
}

struct backup *backup_start(void)
{
	struct backup *b = calloc(1, sizeof(*b));
	int fds[2];

	if (!b)
		return NULL;
	if (socket_connected(fds))
		goto fail;
	fflush(NULL);
	b->pid = fork();
	if (b->pid < 0)
		goto fail;
	if (!b->pid) {
		close(fds[0]);
		be_backup(fds[1]);
	}
	close(fds[1]);
	b->fd = fds[0];
	return b;
fail:
	bench_fail("a connection within this host: %s", strerror(errno));
	free(b);
	return NULL;
}

void backup_stop(struct backup *b)
{
	if (!b)
		return;
	close(b->fd);
	waitpid(b->pid, NULL, 0);
	free(b);
}

int backup_send(struct backup *b, const void *data, uint64_t len)
{
	struct iovec iov[2] = {
		{ .iov_base = &len, .iov_len = sizeof(len) },
		{ .iov_base = (void *)data, .iov_len = len },
	};
	struct iovec *rest = iov;
	ssize_t n;
	char done;

	while (iov[1].iov_len || iov[0].iov_len) {
		n = writev(b->fd, rest, (int)(iov + 2 - rest));
		if (n < 0)
			return bench_fail("the backup is gone: %s", strerror(errno));
		for (; rest < iov + 2 && (size_t)n >= rest->iov_len; rest++) {
			n -= (ssize_t)rest->iov_len;
			rest->iov_len = 0;
		}
		if (rest == iov + 2)
			break;
		rest->iov_base = (char *)rest->iov_base + n;
		rest->iov_len -= (size_t)n;
	}
	if (tcp_read(b->fd, &done, 1))
		return bench_fail("the backup did not acknowledge");
	return 0;
}

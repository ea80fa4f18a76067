/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A writer that can be made to die: a process that claimed and mapped a region,
 * while a child of its own inherited all of it and a copy of its file went to the
 * one who watches.
 */
#ifndef NPMU_DEATH_WRITER_H
#define NPMU_DEATH_WRITER_H

#include <pthread.h>
#include <sys/socket.h>

#include "vmtest.h"

/* What the heir of a dead writer may still do, in its exit status. */
#define HEIR_STORE_LOST		(1 << 0)	/* its mapping is SIGBUS */
#define HEIR_LOAD_LOST		(1 << 1)
#define HEIR_WRITE_STALE	(1 << 2)	/* its write(2) is -ESTALE */
#define HEIR_ALL		7

/**
 * struct death_writer - a writer and what is left of it
 * @unit, @region, @size: what it writes
 * @die: how it ends, in its process; NULL: it waits to be killed
 * @threads: besides, this many threads write(2) long runs of bytes
 * @pid: the writer
 * @heir: its child, waiting to be told to look
 * @copy: its file, here
 * @sock: to it
 */
struct death_writer {
	const char *unit;
	const char *region;
	uint64_t size;
	int (*die)(int fd, void *at);
	int threads;
	pid_t pid;
	pid_t heir;
	int copy;
	int sock;
	int heir_pipe[2];	/* a byte: look */
	int word_pipe[2];	/* what it found */
};

struct death_hello {
	pid_t heir;
};

static inline int death_send(int sock, const struct death_hello *hello, int fd)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { (void *)hello, sizeof(*hello) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) < 0 ? -errno : 0;
}

static inline int death_receive(int sock, struct death_hello *hello)
{
	union {
		char buf[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {};
	struct iovec iov = { hello, sizeof(*hello) };
	struct msghdr msg = {
		.msg_iov = &iov,
		.msg_iovlen = 1,
		.msg_control = control.buf,
		.msg_controllen = sizeof(control.buf),
	};
	int fd;

	if (recvmsg(sock, &msg, MSG_CMSG_CLOEXEC) != sizeof(*hello) || !CMSG_FIRSTHDR(&msg))
		return -EPIPE;
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

static inline void death_heir(struct death_writer *w, int fd, uint64_t *at)
{
	unsigned char found = 0;
	char c;

	close(w->heir_pipe[1]);
	if (read(w->heir_pipe[0], &c, 1) != 1)
		_exit(1);
	if (vm_store(at, 1) == SIGBUS)
		found |= HEIR_STORE_LOST;
	if (vm_load(at, NULL) == SIGBUS)
		found |= HEIR_LOAD_LOST;
	if (vm_pwrite(fd, "x", 1, 0) == -ESTALE)
		found |= HEIR_WRITE_STALE;
	_exit(write(w->word_pipe[1], &found, 1) != 1);
}

struct death_busy {
	int fd;
	uint64_t size;
};

static inline void *death_write_on(void *arg)
{
	struct death_busy *busy = arg;
	char *bytes = calloc(1, busy->size);

	while (vm_pwrite(busy->fd, bytes, busy->size, 0) > 0)
		;
	return NULL;
}

static inline int death_main(void *ctx)
{
	struct death_writer *w = ctx;
	struct death_hello hello;
	struct death_busy busy;
	pthread_t thread;
	uint64_t *at;
	int fd, i;
	char c;

	fd = vm_open(w->unit, w->region, O_RDWR);
	at = vm_map(fd, 0, w->size, PROT_READ | PROT_WRITE);
	if (!at)
		return 1;
	for (i = 0; i < (int)(w->size / (2 * MIB)); i++)
		at[i * (2 * MIB / 8)] = i + 1;
	/* The heir is to live on: not a vm_child(). */
	hello.heir = fork();
	if (!hello.heir)
		death_heir(w, fd, at);
	if (death_send(w->sock, &hello, fd))
		return 2;
	busy = (struct death_busy) { fd, w->size };
	for (i = 0; i < w->threads; i++)
		pthread_create(&thread, NULL, death_write_on, &busy);
	/* Told to go, or killed. */
	if (read(w->sock, &c, 1) != 1)
		return 3;
	return w->die ? w->die(fd, at) : 4;
}

/* Starts the writer. Return: 0 once it is the writer and its file is here too. */
static inline int death_start(struct death_writer *w)
{
	struct death_hello hello;
	int socks[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks) ||
	    pipe2(w->heir_pipe, O_CLOEXEC) || pipe2(w->word_pipe, O_CLOEXEC))
		return -errno;
	w->sock = socks[1];
	w->pid = vm_child(death_main, w);
	close(socks[1]);
	w->sock = socks[0];
	w->copy = death_receive(w->sock, &hello);
	w->heir = hello.heir;
	return w->copy < 0 ? w->copy : 0;
}

/* Tells it to end as it was made to. */
static inline int death_tell(struct death_writer *w)
{
	return write(w->sock, "d", 1) == 1 ? 0 : -errno;
}

/* Asks the heir what it can do. Return: HEIR_*, or -errno. */
static inline int death_ask_heir(struct death_writer *w)
{
	unsigned char found;

	close(w->word_pipe[1]);
	w->word_pipe[1] = -1;
	if (write(w->heir_pipe[1], "l", 1) != 1 || read(w->word_pipe[0], &found, 1) != 1)
		return -EPIPE;
	return found;
}

/* Ends what is left. Return: as vm_reap() of the writer. */
static inline int death_end(struct death_writer *w)
{
	int ret = vm_reap(w->pid, 10000);

	kill(w->heir, SIGKILL);
	close(w->copy);
	close(w->sock);
	close(w->heir_pipe[0]);
	close(w->heir_pipe[1]);
	close(w->word_pipe[0]);
	if (w->word_pipe[1] >= 0)
		close(w->word_pipe[1]);
	return ret;
}

#endif /* NPMU_DEATH_WRITER_H */

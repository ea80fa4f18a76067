// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * From a commit to a reader that slept and is awake, beside what wakes a thread with no
 * data at all, an eventfd, and beside a socket. Reader and writer are threads here; each
 * has an open of its own.
 */
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "../common/timing.h"
#include "bench.h"
#include "peers.h"
#include "report.h"
#include "rounds.h"

#define RING		MIB
#define UPDATE		64
#define PATIENCE_NS	10000000000ULL
#define LOOKS		100000		/* at whether it sleeps, 20 us each */

enum way { NPMU, EVENTFD, SOCKET, END };

struct follow {
	struct npmu_region *region[2];		/* the writer's, the reader's */
	struct npmu_append_writer *writer;
	struct npmu_append_reader *reader;
	int eventfd;
	int socket[2];
	pthread_t thread;
	sem_t go;
	sem_t done;
	enum way way;
	atomic_int tid;			/* of the reader, from when it is about to sleep */
	bool failed;
	uint64_t awake;
};

static int take_update(struct follow *f)
{
	struct npmu_append_item item;
	int code = npmu_append_wait(f->reader, PATIENCE_NS);

	f->awake = timing_now_ns();
	if (code || npmu_append_next(f->reader, &item) || item.length != UPDATE ||
	    npmu_append_recheck(f->reader, &item))
		return bench_fail("follow: %s", npmu_append_reader_error(f->reader));
	return 0;
}

static int take_bytes(struct follow *f, int fd, size_t len)
{
	char data[UPDATE];
	ssize_t n = read(fd, data, len);

	f->awake = timing_now_ns();
	return n == (ssize_t)len ? 0 : bench_fail("follow: a short read");
}

static void *reader(void *context)
{
	struct follow *f = context;

	for (;;) {
		while (sem_wait(&f->go))
			;
		if (f->way == END)
			return NULL;
		atomic_store(&f->tid, gettid());
		if (f->way == NPMU)
			f->failed = take_update(f);
		else if (f->way == EVENTFD)
			f->failed = take_bytes(f, f->eventfd, sizeof(uint64_t));
		else
			f->failed = take_bytes(f, f->socket[1], UPDATE);
		sem_post(&f->done);
	}
}

static bool sleeps(int tid)
{
	char path[64], line[128], *state;
	ssize_t n;
	int fd;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, line, sizeof(line) - 1);
	close(fd);
	if (n <= 0)
		return false;
	line[n] = 0;
	state = strrchr(line, ')');
	return state && state[1] && state[2] == 'S';
}

/* Until the reader sleeps, or the wait would be over before it began. */
static int before(struct series *s, enum way way)
{
	struct follow *f = s->context;
	int i, tid;

	f->way = way;
	atomic_store(&f->tid, 0);
	sem_post(&f->go);
	for (i = 0; i < LOOKS; i++) {
		usleep(20);
		tid = atomic_load(&f->tid);
		if (tid && sleeps(tid))
			return 0;
	}
	return bench_fail("follow: the reader does not go to sleep");
}

static int finish(struct series *s, uint64_t start)
{
	struct follow *f = s->context;

	while (sem_wait(&f->done))
		;
	s->elapsed = (double)(f->awake - start);
	return f->failed ? -1 : 0;
}

static int before_update(struct series *s)
{
	return before(s, NPMU);
}

static int op_update(struct series *s)
{
	struct follow *f = s->context;
	char data[UPDATE] = { 0 };
	struct iovec iov = { data, sizeof(data) };
	uint64_t start = timing_now_ns();

	if (npmu_append_update(f->writer, &iov, 1, 0))
		return bench_fail("update: %s", npmu_append_writer_error(f->writer));
	return finish(s, start);
}

static int before_eventfd(struct series *s)
{
	return before(s, EVENTFD);
}

static int op_eventfd(struct series *s)
{
	struct follow *f = s->context;
	uint64_t one = 1, start = timing_now_ns();

	if (write(f->eventfd, &one, sizeof(one)) != sizeof(one))
		return bench_fail("eventfd: it cannot be written");
	return finish(s, start);
}

static int before_socket(struct series *s)
{
	return before(s, SOCKET);
}

static int op_socket(struct series *s)
{
	struct follow *f = s->context;
	char data[UPDATE] = { 0 };
	uint64_t start = timing_now_ns();

	if (write(f->socket[0], data, sizeof(data)) != sizeof(data))
		return bench_fail("socket: it cannot be written");
	return finish(s, start);
}

static int write_base(struct npmu_append_writer *writer, void *context)
{
	(void)context;
	return npmu_append_base(writer, NULL, 0, 0);
}

static int prepare(const struct bench *b, struct follow *f)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT,
		.ring_size = RING,
		.base_capacity = 4096,
		.full = NPMU_APPEND_FULL_BASE,
		.write_base = write_base,
	};
	struct npmu_append_item base;
	struct npmu_error err;

	if (place_open(b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE, &f->region[0]) ||
	    place_open(b, NPMU_OPEN_READ, 0, &f->region[1]) || place_clear(f->region[0], 2 * MIB))
		return -1;
	if (npmu_append_writer_open(f->region[0], &options, &f->writer, &err) ||
	    npmu_append_reader_open(f->region[1], &f->reader, &err))
		return bench_fail("checkpoint: %s", err.text);
	if (npmu_append_read_base(f->reader, &base))
		return bench_fail("reader: %s", npmu_append_reader_error(f->reader));
	f->eventfd = eventfd(0, EFD_CLOEXEC);
	if (f->eventfd < 0 || socket_connected(f->socket))
		return bench_fail("no eventfd, or no socket");
	sem_init(&f->go, 0, 0);
	sem_init(&f->done, 0, 0);
	return pthread_create(&f->thread, NULL, reader, f) ? bench_fail("no thread") : 0;
}

int follow_measure(const struct bench *b)
{
	struct follow f = { 0 };
	struct series s[] = {
		{ .what = "eventfd", .before = before_eventfd, .op = op_eventfd },
		{ .what = "update_crc", .before = before_update, .op = op_update },
		{ .what = "socket", .before = before_socket, .op = op_socket },
	};
	size_t i, n = sizeof(s) / sizeof(s[0]);
	int code;

	if (b->is_file) {
		report_note(b->report, "follow", "update_crc", "a plain file has no wake-up");
		return 0;
	}
	if (prepare(b, &f))
		return -1;
	for (i = 0; i < n; i++) {
		s[i].context = &f;
		s[i].size = UPDATE;
		s[i].limit = i ? &s[0] : NULL;
	}
	code = rounds_run(s, n, b->rounds / 4 + 5);
	/* After a failure the reader may sleep for good, and the program ends. */
	if (code)
		return code;
	code = report_add(b->report, "follow", s, n);
	rounds_free(s, n);
	f.way = END;
	sem_post(&f.go);
	pthread_join(f.thread, NULL);
	close(f.eventfd);
	close(f.socket[0]);
	close(f.socket[1]);
	npmu_append_reader_close(f.reader);
	npmu_append_writer_close(f.writer);
	npmu_region_close(f.region[1]);
	npmu_region_close(f.region[0]);
	return code;
}

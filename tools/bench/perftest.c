// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one of perftest's programs here and its other side there, and reads what it prints.
 * The other side runs once and ends, so the server starts it when it is asked for by TCP.
 * Bandwidth is measured in pieces of 1 MiB; ib_read_bw sleeps for events, the others can only
 * poll. Where the processors are few ib_write_lat, which polls at both ends, may not end.
 */
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bench.h"
#include "perftest.h"
#include "tcp.h"

#define PORT		"7476"		/* of the programs themselves */
#define PIECE		MIB
#define TIMES		100		/* of a latency */
#define TRIES		50
#define PAUSE_US	100000
#define LIMIT_S		60

struct perftest {
	const char *host;
	int fd;
};

struct order {
	char program[16];
	uint64_t size;
};

static const struct program {
	const char *name;
	bool events;
	bool latency;
} programs[] = {
	{ .name = "ib_write_bw" },
	{ .name = "ib_read_bw", .events = true },
	{ .name = "ib_write_lat", .latency = true },
};

static const struct program *known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(programs[i].name, name))
			return &programs[i];
	return NULL;
}

/* Becomes the program; @host: NULL on the server. Returns only if there is none. */
static void become(const struct program *program, uint64_t size, const char *host)
{
	char bytes[24], times[24];
	char *argv[12] = {
		(char *)program->name, "-R", "-F", "-p", PORT, "-s", bytes, "-n", times,
		NULL, NULL, NULL
	};
	int last = sizeof(argv) / sizeof(*argv) - 3;

	snprintf(bytes, sizeof(bytes), "%llu",
		 (unsigned long long)(program->latency ? size : PIECE));
	snprintf(times, sizeof(times), "%llu",
		 (unsigned long long)(program->latency ? TIMES : size / PIECE));
	if (program->events)
		argv[last++] = "-e";
	argv[last] = (char *)host;
	/* A program that is run keeps it. */
	alarm(LIMIT_S);
	execvp(program->name, argv);
}

static bool is_here(const struct program *program)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", program->name);
	return !access(path, X_OK);
}

/* @from: what it printed. Return: nanoseconds, or -1. */
static double understand(FILE *from, const struct program *program, uint64_t size)
{
	double value, ns = -1;
	char line[512];

	while (fgets(line, sizeof(line), from)) {
		/* bytes, iterations, us one way: least, most, typical */
		if (program->latency && sscanf(line, " %*u %*u %*f %*f %lf", &value) == 1)
			ns = 2 * value * 1e3;
		/* bytes, iterations, peak and average MiB/s */
		if (!program->latency && sscanf(line, " %*u %*u %*f %lf", &value) == 1 && value > 0)
			ns = (double)size / ((double)MIB * value) * 1e9;
	}
	return ns;
}

/* Return: nanoseconds, 0: it did not end in time, or -1. */
static double run_here(const struct perftest *t, const struct program *program, uint64_t size)
{
	int out[2], status = -1;
	double ns = -1;
	FILE *from;
	pid_t pid;

	if (pipe2(out, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		int null = open("/dev/null", O_WRONLY);

		dup2(out[1], STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		become(program, size, t->host);
		_exit(127);
	}
	close(out[1]);
	from = pid > 0 ? fdopen(out[0], "r") : NULL;
	if (from) {
		ns = understand(from, program, size);
		fclose(from);
	} else {
		close(out[0]);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM)
		return 0;
	return status ? -1 : ns;
}

/* Asks for the other side. Return: 0, or -1: it is not there. */
static int order(const struct perftest *t, const char *name, uint64_t size)
{
	struct order o = { .size = size };
	char has = 0;

	snprintf(o.program, sizeof(o.program), "%s", name);
	if (write(t->fd, &o, sizeof(o)) != sizeof(o) || tcp_read(t->fd, &has, 1))
		return -1;
	return has ? 0 : -1;
}

double perftest_run(struct perftest *t, const char *name, uint64_t size)
{
	double ns = -1;
	int i;

	if (order(t, name, size))
		return bench_fail("%s: the other side does not start", name);
	/* Until it listens. */
	for (i = 0; i < TRIES && ns < 0; i++) {
		usleep(PAUSE_US);
		ns = run_here(t, known(name), size);
	}
	return ns < 0 ? bench_fail("%s failed: try it by hand", name) : ns;
}

int perftest_open(struct perftest **out, const char *host, const char **why)
{
	struct perftest *t;
	int fd;

	*why = "not here: install the package perftest";
	if (!is_here(&programs[0]))
		return -1;
	*why = "npmu-bench serve does not start it there";
	fd = tcp_connect(host, PERFTEST_PORT);
	t = fd < 0 ? NULL : calloc(1, sizeof(*t));
	if (!t)
		return -1;
	t->host = host;
	t->fd = fd;
	*why = "not there: install the package perftest";
	/* The order of nothing: is it installed? */
	if (!order(t, programs[0].name, 0)) {
		*out = t;
		return 0;
	}
	perftest_close(t);
	return -1;
}

void perftest_close(struct perftest *t)
{
	if (!t)
		return;
	close(t->fd);
	free(t);
}

static pid_t start(const struct program *program, uint64_t size)
{
	pid_t pid = fork();
	int null;

	if (pid)
		return pid;
	null = open("/dev/null", O_RDWR);
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	become(program, size, NULL);
	_exit(127);
}

static void stop(pid_t pid)
{
	if (pid <= 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* Of one client; the program of before has ended, or its client gave it up. */
static void obey(int fd)
{
	const struct program *program;
	struct order o;
	pid_t pid = 0;
	char has;

	while (!tcp_read(fd, &o, sizeof(o))) {
		o.program[sizeof(o.program) - 1] = '\0';
		stop(pid);
		pid = 0;
		program = known(o.program);
		has = program && is_here(program) ? 1 : 0;
		if (has && o.size)
			pid = start(program, o.size);
		if (write(fd, &has, 1) != 1)
			break;
	}
	stop(pid);
}

int perftest_serve(const char *unused)
{
	(void)unused;
	return tcp_serve_each(PERFTEST_PORT, obey);
}

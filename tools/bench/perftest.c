// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Runs one of perftest's programs here and its other side there, and reads what it prints.
 * The other side runs once and ends, so the server starts it when it is asked for by TCP.
 * Bandwidth is measured in pieces of 1 MiB; ib_read_bw sleeps for events, ib_write_bw can only
 * poll.
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
#define TRIES		50
#define PAUSE_US	100000

struct perftest {
	const char *host;
	int fd;
};

struct order {
	char program[16];
	uint64_t size;
};

static const char *const programs[] = { "ib_write_bw", "ib_read_bw" };

static const char *known(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(programs) / sizeof(programs[0]); i++)
		if (!strcmp(programs[i], name))
			return programs[i];
	return NULL;
}

/* Becomes the program; @host: NULL on the server. Returns only if there is none. */
static void become(const char *program, uint64_t size, const char *host)
{
	char bytes[24], times[24];
	char *argv[12] = {
		(char *)program, "-R", "-F", "-p", PORT, "-s", bytes, "-n", times,
		NULL, NULL, NULL
	};
	int last = sizeof(argv) / sizeof(*argv) - 3;

	snprintf(bytes, sizeof(bytes), "%llu", (unsigned long long)PIECE);
	snprintf(times, sizeof(times), "%llu", (unsigned long long)(size / PIECE));
	if (!strcmp(program, "ib_read_bw"))
		argv[last++] = "-e";
	argv[last] = (char *)host;
	execvp(program, argv);
}

static bool is_here(const char *program)
{
	char path[64];

	snprintf(path, sizeof(path), "/usr/bin/%s", program);
	return !access(path, X_OK);
}

/* @from: what it printed. Return: nanoseconds, or -1. */
static double understand(FILE *from, uint64_t size)
{
	double average, ns = -1;
	char line[512];

	/* bytes, iterations, peak and average MiB/s */
	while (fgets(line, sizeof(line), from))
		if (sscanf(line, " %*u %*u %*f %lf", &average) == 1 && average > 0)
			ns = (double)size / ((double)MIB * average) * 1e9;
	return ns;
}

static double run_here(const struct perftest *t, const char *program, uint64_t size)
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
		ns = understand(from, size);
		fclose(from);
	} else {
		close(out[0]);
	}
	if (pid > 0)
		waitpid(pid, &status, 0);
	return status ? -1 : ns;
}

/* Asks for the other side. Return: 0, or -1: it is not there. */
static int order(const struct perftest *t, const char *program, uint64_t size)
{
	struct order o = { .size = size };
	char has = 0;

	snprintf(o.program, sizeof(o.program), "%s", program);
	if (write(t->fd, &o, sizeof(o)) != sizeof(o) || tcp_read(t->fd, &has, 1))
		return -1;
	return has ? 0 : -1;
}

double perftest_run(struct perftest *t, const char *program, uint64_t size)
{
	double ns = -1;
	int i;

	if (order(t, program, size))
		return bench_fail("%s: the other side does not start", program);
	/* Until it listens. */
	for (i = 0; i < TRIES && ns < 0; i++) {
		usleep(PAUSE_US);
		ns = run_here(t, program, size);
	}
	return ns < 0 ? bench_fail("%s failed: try it by hand", program) : ns;
}

int perftest_open(struct perftest **out, const char *host, const char **why)
{
	struct perftest *t;
	int fd;

	*why = "not here: install the package perftest";
	if (!is_here(programs[0]))
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
	if (!order(t, programs[0], 0)) {
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

static pid_t start(const char *program, uint64_t size)
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
	const char *program;
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

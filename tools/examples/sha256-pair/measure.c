// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How far the input was read and how long things took, kept in a mapped file so
 * that neither SIGKILL nor, where the file lies on pmem by DAX, a power cut takes
 * it away. Owns that file; knows neither npmu nor SHA-256.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "../../common/timing.h"
#include "measure.h"
#include "work.h"

#define SERIES		3	/* commits, and two files beside them */
#define SAMPLES		32768	/* the last so many are kept */
#define BESIDE_EVERY	2	/* or most of the time would go there */

struct measurements {
	uint64_t reached;	/* first: plain tools read it */
	struct series {
		char name[56];
		uint64_t count;
		uint32_t ns[SAMPLES];
	} series[SERIES];
};

static struct measurements *measured;
static struct {
	int fd;
	const char *path;
} beside[SERIES - 1];
static int files_beside;
static uint64_t states_seen;
static struct timespec pause_after_read;
static uint64_t stop_at;

/* Room that is really there: a store into a hole could be lost with its block. */
static int fill(int fd)
{
	static const char zero[65536];
	size_t done;

	for (done = 0; done < sizeof(*measured); done += sizeof(zero))
		if (pwrite(fd, zero, sizeof(zero), (off_t)done) != sizeof(zero))
			return -1;
	return fsync(fd);
}

/* @path: where to go on measuring, or NULL: for this process only. */
int measure_open(const char *path)
{
	struct stat st;
	void *at;
	int fd;

	if (!path) {
		at = mmap(NULL, sizeof(*measured), PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	} else {
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		if (fd < 0 || fstat(fd, &st) || (!st.st_size && fill(fd)))
			return complain("--measure %s: %s", path, strerror(errno));
		if (st.st_size && st.st_size < (off_t)sizeof(*measured))
			return complain("--measure %s is another file: name a new one", path);
		at = mmap(NULL, sizeof(*measured), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		close(fd);
	}
	if (at == MAP_FAILED)
		return complain("--measure %s: %s", path ? path : "", strerror(errno));
	measured = at;
	snprintf(measured->series[0].name, sizeof(measured->series->name), "commit");
	return 0;
}

static int number(const char *text, uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	return *text < '0' || *text > '9' || *end || errno ? -1 : 0;
}

/* Sleep after each read, so that there is time to be killed in a small file. */
int measure_slow(const char *us)
{
	uint64_t value;

	if (number(us, &value) || value > 1000000)
		return complain("--slow %s: give microseconds, 1000000 at most", us);
	pause_after_read.tv_sec = (time_t)(value / 1000000);
	pause_after_read.tv_nsec = (long)(value % 1000000) * 1000;
	return 0;
}

/* Stop at a certain place, until SIGCONT or death. */
int measure_stop_at(const char *bytes)
{
	return number(bytes, &stop_at) ? complain("--stop-at %s: give bytes", bytes) : 0;
}

/* Let states be written to a plain file as well, to compare the times. */
int measure_beside(const char *path)
{
	int fd;

	if (files_beside == SERIES - 1)
		return complain("--beside: %d files at most", SERIES - 1);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0)
		return complain("--beside %s: %s", path, strerror(errno));
	snprintf(measured->series[1 + files_beside].name, sizeof(measured->series->name),
		 "%s", path);
	beside[files_beside].fd = fd;
	beside[files_beside++].path = path;
	return 0;
}

static void sample(struct series *series, uint64_t ns)
{
	series->ns[series->count % SAMPLES] = ns < UINT32_MAX ? (uint32_t)ns : UINT32_MAX;
	series->count++;
}

/*
 * In place, always the same bytes: the least that a file can cost. It is less than
 * what a checkpoint gives, as a power cut in between may leave a torn state.
 */
int measure_write_beside(const void *state, size_t len)
{
	int i;

	if (states_seen++ % BESIDE_EVERY)
		return 0;
	for (i = 0; i < files_beside; i++) {
		uint64_t start = timing_now_ns();

		if (timing_pwrite_durably(beside[i].fd, state, len, 0))
			return complain("--beside %s: %s", beside[i].path, strerror(errno));
		sample(&measured->series[1 + i], timing_now_ns() - start);
	}
	return 0;
}

void measure_commit(uint64_t ns)
{
	sample(&measured->series[0], ns);
}

void measure_progress(uint64_t offset)
{
	measured->reached = offset;
	if (pause_after_read.tv_sec || pause_after_read.tv_nsec)
		nanosleep(&pause_after_read, NULL);
	if (stop_at && offset >= stop_at) {
		stop_at = 0;
		raise(SIGSTOP);
	}
}

uint64_t measure_reached(void)
{
	return measured->reached;
}

static int ascending(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

/* A line for each series: its count, and nanoseconds. Sorts, so it is for the end. */
int measure_report(const char *path)
{
	int i;

	if (access(path, R_OK))
		return complain("%s: %s: name the FILE of --measure", path, strerror(errno));
	if (measure_open(path))
		return -1;
	for (i = 0; i < SERIES; i++) {
		struct series *s = &measured->series[i];
		size_t n = s->count < SAMPLES ? s->count : SAMPLES;

		if (!n)
			continue;
		qsort(s->ns, n, sizeof(*s->ns), ascending);
		printf("%s count=%llu median_ns=%u p99_ns=%u max_ns=%u\n", s->name,
		       (unsigned long long)s->count, s->ns[n / 2], s->ns[n * 99 / 100],
		       s->ns[n - 1]);
	}
	return 0;
}

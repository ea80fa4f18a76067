// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The report as files for gnuplot, and as pictures where it is installed.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "report.h"

#define PATH_LEN	4096

static const struct plot {
	const char *group;
	const char *title;
	const char *x;
	const char *y;
	double scale;		/* bytes over nanoseconds: 0, else divides nanoseconds */
} plots[] = {
	{ "commit", "Commit", "bytes", "us each", 1e3 },
	{ "bandwidth", "State in and out", "bytes of state", "GB/s", 0 },
	{ "fence", "Fence of a live writer", "bytes mapped", "median, us", 1e3 },
	{ "takeover", "Takeover from a dead writer", "bytes of state", "median, us", 1e3 },
};

static FILE *create(const char *dir, const char *name, const char *suffix)
{
	char path[PATH_LEN];
	FILE *file;

	if (snprintf(path, sizeof(path), "%s/%s%s", dir, name, suffix) >= (int)sizeof(path)) {
		bench_fail("%s: too long a name", dir);
		return NULL;
	}
	file = fopen(path, "w");
	if (!file)
		bench_fail("%s: %s", path, strerror(errno));
	return file;
}

static int finish(FILE *file, const char *dir)
{
	return fclose(file) ? bench_fail("--plot %s: %s", dir, strerror(errno)) : 0;
}

/* Its first result in the group? */
static bool is_new(const struct report *report, const struct result *r)
{
	const struct result *before;
	size_t i;

	for (i = 0; (before = report_at(report, i)) != r; i++)
		if (!strcmp(before->group, r->group) && !strcmp(before->what, r->what))
			return false;
	return true;
}

/* A block for each thing measured: two blank lines stand between, its name is a heading. */
static int write_data(const struct report *report, const struct plot *p, const char *dir)
{
	const struct result *r, *at;
	FILE *file;
	size_t i, j;
	int count = 0;

	file = create(dir, p->group, ".dat");
	if (!file)
		return -1;
	for (i = 0; (r = report_at(report, i)); i++) {
		if (strcmp(r->group, p->group) || !is_new(report, r))
			continue;
		fprintf(file, "%s\"%s\"\n", count++ ? "\n\n" : "", r->what);
		for (j = i; (at = report_at(report, j)); j++)
			if (!strcmp(at->group, r->group) && !strcmp(at->what, r->what))
				fprintf(file, "%llu %.4f\n", (unsigned long long)at->size,
					p->scale ? at->mean_ns / p->scale :
					(double)at->size / at->mean_ns);
	}
	return finish(file, dir) ? -1 : count;
}

static int write_script(const struct plot *p, const char *dir, int count)
{
	FILE *file = create(dir, p->group, ".gnuplot");

	if (!file)
		return -1;
	fprintf(file,
		"set terminal pngcairo size 1000,700\n"
		"set output '%s.png'\n"
		"set title '%s'\n"
		"set xlabel '%s'\n"
		"set ylabel '%s'\n"
		"set logscale x 2\n"
		"set format x '2^{%%L}'\n"
		"%sset grid\n"
		"set key outside right noenhanced\n"
		"plot for [i=0:%d] '%s.dat' index i using 1:2 with linespoints title columnheader(1)\n",
		p->group, p->title, p->x, p->y, p->scale ? "set logscale y\n" : "set yrange [0:]\n",
		count - 1, p->group);
	return finish(file, dir);
}

/* Return: 0: there is a picture; else gnuplot is not there, or fails. */
static int draw(const struct plot *p, const char *dir)
{
	char script[PATH_LEN];
	int status;
	pid_t pid;

	snprintf(script, sizeof(script), "%s.gnuplot", p->group);
	fflush(NULL);
	pid = fork();
	if (!pid) {
		if (!chdir(dir))
			execlp("gnuplot", "gnuplot", script, NULL);
		_exit(127);
	}
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int plot_write(const struct report *report, const char *dir)
{
	bool drawn = true;
	size_t i;
	int count;

	if (mkdir(dir, 0777) && errno != EEXIST)
		return bench_fail("--plot %s: %s", dir, strerror(errno));
	for (i = 0; i < sizeof(plots) / sizeof(plots[0]); i++) {
		count = write_data(report, &plots[i], dir);
		if (count < 0 || (count && write_script(&plots[i], dir, count)))
			return -1;
		if (count && drawn && draw(&plots[i], dir)) {
			fprintf(stderr,
				"npmu-bench: no pictures: apt-get install gnuplot-nox, then gnuplot *.gnuplot in %s\n",
				dir);
			drawn = false;
		}
	}
	return 0;
}

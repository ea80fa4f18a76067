// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crash-states: what a power cut may leave behind. Owns the command line, the order
 * of workloads, and the report.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "jobs.h"
#include "points.h"
#include "workload.h"

/* What all processes add to. */
static struct result {
	struct explore_stat total;
	unsigned int tests, failed;
} *all;

static struct {
	const char *workload, *part;
	uint64_t seed, round;	/* the first of those under way */
	uint32_t cap;
	bool stop, verbose;
} want = { .seed = 1, .cap = 120 };

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static void add(struct explore_stat *to, const struct explore_stat *s)
{
	to->points += s->points;
	to->states += s->states;
	to->direct += s->direct;
	to->nested += s->nested;
	to->rotten += s->rotten;
	to->distinct += s->distinct;
	to->failed += s->failed;
}

static void report(const char *name, const struct explore_stat *s)
{
	printf("# %s: %llu points, %llu states (%llu cut once, %llu cut again, %llu with a rotten copy), %llu images\n",
	       name, (unsigned long long)s->points, (unsigned long long)s->states,
	       (unsigned long long)s->direct, (unsigned long long)s->nested,
	       (unsigned long long)s->rotten, (unsigned long long)s->distinct);
}

static bool run(const struct workload *w, uint64_t seed, uint32_t cap, uint32_t point,
		uint32_t state, bool quiet)
{
	struct explore x = { .workload = w->name, .seed = seed, .cap = cap,
			     .only_point = point, .only_state = state };
	struct explore_stat stat = { 0 };
	bool failed = w->run(&x, &stat) || stat.failed;

	/* What a workload prints comes in one piece: nothing was written before. */
	jobs_lock();
	add(&all->total, &stat);
	all->tests++;
	all->failed += failed;
	if (!quiet || failed) {
		report(w->name, &stat);
		printf("%sok %u %s%s seed %llu\n", failed ? "not " : "", all->tests,
		       w->name, w->random ? "" : "", (unsigned long long)seed);
	}
	fflush(stdout);
	jobs_unlock();
	return !failed;
}

/* All of them, one after the other; the parts are told apart by @part. */
static const struct workload *nth(unsigned int i, const char **part)
{
	*part = "unit";
	if (i < nr_unit_workloads)
		return &unit_workloads[i];
	i -= nr_unit_workloads;
	*part = "checkpoint";
	if (i < nr_ckpt_workloads)
		return &ckpt_workloads[i];
	i -= nr_ckpt_workloads;
	*part = "append";
	return i < nr_append_workloads ? &append_workloads[i] : NULL;
}

static const struct workload *find(const char *name)
{
	const struct workload *w;
	const char *part;
	unsigned int i;

	for (i = 0; (w = nth(i, &part)); i++)
		if (!strcmp(w->name, name))
			return w;
	return NULL;
}

static int replay(const char *what)
{
	char name[64];
	unsigned long long seed;
	unsigned int point, state;
	const struct workload *w;

	if (sscanf(what, "%63[^:]:%llu:%u:%u", name, &seed, &point, &state) != 4)
		return 2;
	w = find(name);
	if (!w)
		return 2;
	run(w, seed, 1U << 20, point, state, false);
	return all->failed ? 1 : 0;
}

/* --- rounds: each workload once, then random ones with other seeds --- */

/* The workloads of a round: so many, or the one of that @number. */
static const struct workload *of_round(uint64_t round, unsigned int *number)
{
	const struct workload *w;
	unsigned int i, nr = 0;
	const char *part;

	for (i = 0; (w = nth(i, &part)); i++) {
		if ((want.workload && strcmp(want.workload, w->name)) || (round && !w->random) ||
		    (want.part && strcmp(part, want.part)))
			continue;
		if (nr++ == *number)
			return w;
	}
	*number = nr;
	return NULL;
}

static unsigned int nr_of_round(uint64_t round)
{
	unsigned int nr = EXPLORE_NONE;

	of_round(round, &nr);
	return nr;
}

static bool one(unsigned int i)
{
	unsigned int nr = nr_of_round(want.round), number = i % nr;
	uint64_t round = want.round + i / nr;
	bool good = run(of_round(want.round, &number), want.seed + round, want.cap, EXPLORE_NONE,
			EXPLORE_NONE, round && !want.verbose);

	return good || !want.stop;
}

/* Return: how many rounds. */
static uint64_t rounds(uint64_t states, unsigned int jobs)
{
	unsigned int at_once = 1, nr;

	while ((nr = nr_of_round(want.round)) &&
	       (!want.round || (all->total.states < states && !all->failed))) {
		if (!jobs_run(jobs, at_once * nr, one, crash_points_collect)) {
			printf("not ok %u a process fell\n", ++all->tests);
			all->failed++;
		}
		want.round += at_once;
		/* So that none of them has to wait long for the others. */
		at_once = jobs;
	}
	return want.round;
}

static int usage(void)
{
	printf("usage: crash-states [--states N] [--seed S] [--cap N] [--workload NAME]\n"
	       "                    [--part unit|checkpoint|append] [--jobs N] [--stop] [--verbose]\n"
	       "                    [--replay NAME:SEED:POINT:STATE]\n");
	return 2;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "states", required_argument, NULL, 'n' },
		{ "seed", required_argument, NULL, 's' },
		{ "cap", required_argument, NULL, 'c' },
		{ "workload", required_argument, NULL, 'w' },
		{ "part", required_argument, NULL, 'p' },
		{ "jobs", required_argument, NULL, 'j' },
		{ "replay", required_argument, NULL, 'r' },
		{ "stop", no_argument, NULL, 'x' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int missed, jobs = (unsigned int)sysconf(_SC_NPROCESSORS_ONLN);
	uint64_t states = 100000, made;
	const char *again = NULL;
	int c;
	double begin = seconds();

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'n':
			states = strtoull(optarg, NULL, 0);
			break;
		case 's':
			want.seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			want.cap = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'w':
			want.workload = optarg;
			break;
		case 'p':
			want.part = optarg;
			break;
		case 'j':
			jobs = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'r':
			again = optarg;
			break;
		case 'x':
			want.stop = true;
			break;
		case 'v':
			want.verbose = true;
			break;
		default:
			return usage();
		}
	if (optind < argc || !jobs || (want.workload && !find(want.workload)))
		return usage();

	/* Written by whoever has the lock alone. */
	setvbuf(stdout, NULL, _IOFBF, 1 << 20);
	all = jobs_memory(sizeof(*all));
	/* The last rounds go beyond what was asked for. */
	explore_expect(states + 500000 + 200000ULL * jobs);
	crash_points_share();
	if (again) {
		c = replay(again);
		return c == 2 ? usage() : c;
	}
	made = rounds(states, jobs);
	if (!want.workload && !want.part) {
		missed = crash_points_report(want.verbose);
		printf("%sok %u every persist point is reached\n", missed ? "not " : "",
		       ++all->tests);
		all->failed += !!missed;
	}
	report("total", &all->total);
	printf("# seeds %llu to %llu, %.0f seconds, %u processes\n", (unsigned long long)want.seed,
	       (unsigned long long)(want.seed + made - 1), seconds() - begin, jobs);
	printf("1..%u\n", all->tests);
	return all->failed || !all->tests;
}

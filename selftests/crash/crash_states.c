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

#include "workload.h"

static struct explore_stat total;
static bool stop_at_once;
static unsigned int tests, failed_tests;

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

static void run(const struct workload *w, uint64_t seed, uint32_t cap, uint32_t point,
		uint32_t state, bool quiet)
{
	struct explore x = { .workload = w->name, .seed = seed, .cap = cap,
			     .only_point = point, .only_state = state };
	struct explore_stat stat = { 0 };
	uint32_t wrong = w->run(&x, &stat);

	add(&total, &stat);
	tests++;
	failed_tests += wrong || stat.failed;
	if (!quiet || wrong || stat.failed)
		report(w->name, &stat);
	if (!quiet || wrong || stat.failed)
		printf("%sok %u %s%s seed %llu\n", wrong || stat.failed ? "not " : "", tests,
		       w->name, w->random ? "" : "", (unsigned long long)seed);
	fflush(stdout);
	if (failed_tests && stop_at_once)
		exit(1);
}

static const struct workload *find(const char *name)
{
	unsigned int i;

	for (i = 0; i < nr_unit_workloads; i++)
		if (!strcmp(unit_workloads[i].name, name))
			return &unit_workloads[i];
	for (i = 0; i < nr_ckpt_workloads; i++)
		if (!strcmp(ckpt_workloads[i].name, name))
			return &ckpt_workloads[i];
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
	return failed_tests ? 1 : 0;
}

static int usage(void)
{
	printf("usage: crash-states [--states N] [--seed S] [--cap N] [--workload NAME]\n"
	       "                    [--part unit|checkpoint] [--stop] [--verbose]\n"
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
		{ "replay", required_argument, NULL, 'r' },
		{ "stop", no_argument, NULL, 'x' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	uint64_t states = 100000, seed = 1, round;
	const char *only = NULL, *part = NULL;
	bool any = true;
	unsigned int i, missed;
	uint32_t cap = 120;
	int verbose = 0, c;
	double begin = seconds();

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 'n':
			states = strtoull(optarg, NULL, 0);
			break;
		case 's':
			seed = strtoull(optarg, NULL, 0);
			break;
		case 'c':
			cap = (uint32_t)strtoul(optarg, NULL, 0);
			break;
		case 'w':
			only = optarg;
			break;
		case 'p':
			part = optarg;
			break;
		case 'r':
			return replay(optarg) == 2 ? usage() : failed_tests ? 1 : 0;
		case 'x':
			stop_at_once = true;
			break;
		case 'v':
			verbose = 1;
			break;
		default:
			return usage();
		}
	if (optind < argc || (only && !find(only)))
		return usage();

	/* Each workload once, then random ones with other seeds until it is enough. */
	for (round = 0; round == 0 || (total.states < states && !failed_tests && any); round++) {
		any = false;
		for (i = 0; i < nr_unit_workloads + nr_ckpt_workloads; i++) {
			const struct workload *w = i < nr_unit_workloads ? &unit_workloads[i] :
						   &ckpt_workloads[i - nr_unit_workloads];

			if ((only && strcmp(only, w->name)) || (round && !w->random) ||
			    (part && (i < nr_unit_workloads) != !strcmp(part, "unit")))
				continue;
			any |= w->random;
			run(w, seed + round, cap, EXPLORE_NONE, EXPLORE_NONE,
			    round && !verbose);
		}
	}
	missed = 0;
	if (!only && !part) {
		missed = crash_points_report(verbose);
		printf("%sok %u every persist point is reached\n", missed ? "not " : "", ++tests);
		failed_tests += !!missed;
	}
	report("total", &total);
	printf("# seeds %llu to %llu, %.0f seconds\n", (unsigned long long)seed,
	       (unsigned long long)(seed + round - 1), seconds() - begin);
	printf("1..%u\n", tests);
	return failed_tests || !tests;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-bench: what a checkpoint costs beside a raw store of the same bytes.
 * Owns the command line and the report; the measuring is in local.c.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"

static const char usage[] =
"usage: npmu-bench local (--file PATH | --region UNIT/REGION) [options]\n"
"\n"
"Compare commits of a checkpoint with raw non-temporal stores of the same bytes\n"
"and one sfence, all interleaved in one run. The contents of the file or region\n"
"are lost.\n"
"\n"
"  --file PATH      a plain file, made if there is none (64 MiB); /dev/shm is memory\n"
"  --region NAME    a region; this program becomes its writer\n"
"  --size BYTES     only this size of state; by default 64 to 65536 and more\n"
"  --rounds N       rounds of which the median is taken (default 2001)\n"
"  --limit RATIO    exit with 1 if a whole commit of 256 bytes (or of --size)\n"
"                   takes more than RATIO times the raw store\n"
"  --json           print JSON\n";

static const size_t sizes[] = { 64, 256, 1024, 4096, 16384, 65536, 1048576 };

static void print_result(const struct bench_result *r, bool json, bool last)
{
	if (json) {
		printf("    {\"size\": %zu, \"raw_ns\": %.1f, \"commit_ns\": %.1f, \"commit_p99_ns\": %.1f, \"ratio\": %.3f, \"partial_ns\": %.1f, \"two_fences_ns\": %.1f, \"read_ns\": %.1f}%s\n",
		       r->size, r->raw_ns, r->commit_ns, r->commit_p99_ns,
		       r->ratio, r->partial_ns, r->two_fences_ns, r->read_ns,
		       last ? "" : ",");
		return;
	}
	printf("%9zu %10.1f %10.1f %10.1f %7.2f %10.1f %10.1f %10.1f\n", r->size,
	       r->raw_ns, r->commit_ns, r->commit_p99_ns, r->ratio,
	       r->partial_ns, r->two_fences_ns, r->read_ns);
}

static int run(const struct bench_options *o, size_t only, double limit, bool json)
{
	size_t i, n = only ? 1 : sizeof(sizes) / sizeof(sizes[0]);
	bool over = false;

	if (json)
		printf("{\n  \"class\": \"%s\",\n  \"rounds\": %u,\n  \"local\": [\n",
		       bench_class(o), o->rounds);
	else
		printf("# class %s, median of %u rounds, ns; ratio = commit / raw\n"
		       "#%8s %10s %10s %10s %7s %10s %10s %10s\n",
		       bench_class(o), o->rounds, "size", "raw", "commit",
		       "commit p99", "ratio", "64 B part", "2 fences", "read");
	for (i = 0; i < n; i++) {
		struct bench_result r = { .size = only ? only : sizes[i] };

		if (bench_local(o, &r))
			return EXIT_FAILURE;
		print_result(&r, json, i + 1 == n);
		fflush(stdout);
		over |= limit > 0 && r.ratio > limit &&
			r.size == (only ? only : 256);
	}
	if (json)
		printf("  ]\n}\n");
	if (over)
		fprintf(stderr, "npmu-bench: a commit takes more than %.2f times the raw store\n",
			limit);
	return over ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "region", required_argument, NULL, 'r' },
		{ "size", required_argument, NULL, 's' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "limit", required_argument, NULL, 'l' },
		{ "json", no_argument, NULL, 'j' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct bench_options o = { .rounds = 2001 };
	const char *file = NULL, *region = NULL;
	bool json = false;
	double limit = 0;
	size_t only = 0;
	int opt, status;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
			file = optarg;
			break;
		case 'r':
			region = optarg;
			break;
		case 's':
			only = strtoul(optarg, NULL, 0);
			if (!only || only > BENCH_MAX_SIZE) {
				fprintf(stderr, "npmu-bench: --size is 1 to %d\n",
					BENCH_MAX_SIZE);
				return 2;
			}
			break;
		case 'n':
			o.rounds = (unsigned int)strtoul(optarg, NULL, 0);
			if (!o.rounds || o.rounds > 1000000) {
				fprintf(stderr, "npmu-bench: --rounds is 1 to 1000000\n");
				return 2;
			}
			break;
		case 'l':
			limit = strtod(optarg, NULL);
			break;
		case 'j':
			json = true;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			fputs(usage, stderr);
			return 2;
		}
	}
	if (optind + 1 != argc || strcmp(argv[optind], "local") || !file == !region) {
		fputs(usage, stderr);
		return 2;
	}
	if (bench_open(&o, file, region))
		return EXIT_FAILURE;
	status = run(&o, only, limit, json);
	bench_close(&o);
	return status;
}

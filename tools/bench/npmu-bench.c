// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-bench: what checkpoints cost, beside their limits and beside what one would use
 * instead. Owns the command line and the order of the parts.
 */
#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bench.h"
#include "peers.h"
#include "remote.h"
#include "report.h"

static const char usage[] =
"usage: npmu-bench local (--file PATH | --region UNIT/REGION) [options]\n"
"       npmu-bench remote [options] npmu://PRINCIPAL@HOST/UNIT/REGION\n"
"       npmu-bench serve [--file PATH] [--memory DEVICE [--rpma ADDRESS]]\n"
"\n"
"Measure commits, bandwidth, following, fences and takeovers, each beside its limit and\n"
"beside what one would use instead, interleaved in one run. What the file or region holds\n"
"is lost.\n"
"\n"
"local: on this host.\n"
"  --file PATH       a plain file, made as long as it has to be; /dev/shm is memory\n"
"  --region NAME     a region; this program becomes its writer\n"
"  --only PART,...   of commit, overwrite, bandwidth, follow, fence, takeover\n"
"  --rounds N        rounds of commits (default 2001); the rest derives from it\n"
"  --max-state SIZE  largest state (default 1G)\n"
"  --dax-dir DIR     measure files there, too: a file system mounted with -o dax\n"
"  --disk-dir DIR    likewise: a file system on a disk\n"
"  --check           say what must hold on memory; exit with 1 if something does not\n"
"  --json            print JSON\n"
"  --plot DIR        write data and scripts for gnuplot, and pictures if it is there\n"
"\n"
"remote: a region of 138M or more on another host, by RDMA.\n"
"  --peer HOST       the same host, where npmu-bench serve runs: what the wire gives alone\n"
"  --nvme DEVICE     a block device of that host, by NVMe over RDMA; what it holds is lost\n"
"  --only PART,...   of commit, flush, polled, connections, bandwidth, takeover\n"
"  --rounds N        rounds of commits (default 201); the rest derives from it\n"
"  --check, --json   as above\n"
"\n"
"serve: be the peer, until killed. Whoever reaches its ports can write what it serves.\n"
"  --file PATH       for TCP: where to write what is to be made durable\n"
"  --memory DEVICE   for RDMA: device DAX (/dev/dax0.0), so that FLUSH makes it durable\n"
"  --rpma ADDRESS    librpma serves the same device, at an address of this host\n";

static const struct part {
	const char *name;
	int (*measure)(const struct bench *b);
} parts[] = {
	{ "commit", latency_measure },
	{ "overwrite", overwrite_measure },
	{ "bandwidth", bandwidth_measure },
	{ "follow", follow_measure },
	{ "fence", fence_measure },
	{ "takeover", takeover_measure },
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

struct command {
	bool chosen[NR_PARTS];
	bool json;
	bool check;
	const char *plot;
	const char *dax_dir;
	const char *disk_dir;
};

int bench_usage(const char *what)
{
	fprintf(stderr, "npmu-bench: %s: see npmu-bench --help\n", what);
	return 2;
}

static int choose(struct command *c, char *list)
{
	char *name, *rest = NULL;
	size_t i;

	memset(c->chosen, 0, sizeof(c->chosen));
	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < NR_PARTS && strcmp(parts[i].name, name); i++)
			;
		if (i == NR_PARTS)
			return -1;
		c->chosen[i] = true;
	}
	return 0;
}

int bench_number(const char *text, uint64_t max, uint64_t *value)
{
	static const char units[] = "KMG";
	const char *unit;
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (*text < '0' || *text > '9' || errno || *value > max)
		return -1;
	unit = *end ? strchr(units, *end) : NULL;
	if (unit) {
		*value <<= 10 * (unit - units + 1);
		end++;
	}
	return *end || !*value || *value > max ? -1 : 0;
}

static int measure(struct bench *b, const struct command *c)
{
	size_t i;

	/* The backup is forked before there are mappings and threads. */
	if (peers_open(b, c->dax_dir, c->disk_dir) || place_find(b))
		return -1;
	for (i = 0; i < NR_PARTS; i++)
		if (c->chosen[i] && parts[i].measure(b))
			return -1;
	return 0;
}

static int run(struct bench *b, const struct command *c)
{
	int missed = 0;

	b->report = report_new();
	if (!b->report) {
		bench_fail("out of memory");
		return EXIT_FAILURE;
	}
	if (measure(b, c) || (c->plot && plot_write(b->report, c->plot))) {
		peers_close(b->peers);
		report_free(b->report);
		return EXIT_FAILURE;
	}
	if (c->json) {
		missed = json_print(b->report, b, c->check);
	} else {
		report_print(b->report, b);
		if (c->check)
			missed = check_print(b->report, false, false);
	}
	peers_close(b->peers);
	report_free(b->report);
	return missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int serve_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "memory", required_argument, NULL, 'm' },
		{ "rpma", required_argument, NULL, 'r' },
		{ 0 },
	};
	struct serve s = { 0 };
	int opt;

	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (opt == 'f')
			s.file = optarg;
		else if (opt == 'm')
			s.memory = optarg;
		else if (opt == 'r')
			s.rpma = optarg;
		else
			return bench_usage("an unknown option, or a value is missing");
	}
	if (optind != argc)
		return bench_usage("npmu-bench serve has options only");
	if (s.rpma && !s.memory)
		return bench_usage("--rpma serves the device of --memory");
	return serve(&s) ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "file", required_argument, NULL, 'f' },
		{ "region", required_argument, NULL, 'r' },
		{ "only", required_argument, NULL, 'o' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "max-state", required_argument, NULL, 's' },
		{ "dax-dir", required_argument, NULL, 'x' },
		{ "disk-dir", required_argument, NULL, 'd' },
		{ "check", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ "plot", required_argument, NULL, 'p' },
		{ "help", no_argument, NULL, 'h' },
		{ 0 },
	};
	struct bench b = { .rounds = 2001, .max_state = GIB };
	struct command c = { 0 };
	uint64_t value;
	int opt;

	if (argc > 1 && !strcmp(argv[1], "remote"))
		return remote_main(argc - 1, argv + 1);
	if (argc > 1 && !strcmp(argv[1], "serve"))
		return serve_main(argc - 1, argv + 1);
	memset(c.chosen, 1, sizeof(c.chosen));
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'f':
		case 'r':
			if (b.name)
				return bench_usage("one --file or one --region");
			b.name = optarg;
			b.is_file = opt == 'f';
			break;
		case 'o':
			if (choose(&c, optarg))
				return bench_usage("--only: no such part");
			break;
		case 'n':
			if (bench_number(optarg, 1000000, &value))
				return bench_usage("--rounds is 1 to 1000000");
			b.rounds = (unsigned int)value;
			break;
		case 's':
			if (bench_number(optarg, GIB, &b.max_state) || b.max_state < MIB)
				return bench_usage("--max-state is 1M to 1G");
			break;
		case 'x':
			c.dax_dir = optarg;
			break;
		case 'd':
			c.disk_dir = optarg;
			break;
		case 'c':
			c.check = true;
			break;
		case 'j':
			c.json = true;
			break;
		case 'p':
			c.plot = optarg;
			break;
		case 'h':
			fputs(usage, stdout);
			return 0;
		default:
			return bench_usage("an unknown option, or a value is missing");
		}
	}
	if (optind + 1 != argc || strcmp(argv[optind], "local") || !b.name)
		return bench_usage("npmu-bench local, and --file or --region");
	return run(&b, &c);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-bench remote: its command line, and opening what is measured. What that is:
 * remote_*.c.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "count.h"
#include "perftest.h"
#include "remote.h"
#include "report.h"
#include "rpma.h"
#include "tcp.h"

#define RING	(8 * MIB)

static const struct remote_part {
	const char *name;
	int (*measure)(struct remote *r);
} parts[] = {
	{ "commit", remote_commits },
	{ "flush", remote_flushes },
	{ "polled", remote_polled },
	{ "connections", remote_connections },
	{ "bandwidth", remote_bandwidth },
	{ "takeover", remote_takeover },
};

#define NR_PARTS	(sizeof(parts) / sizeof(parts[0]))

int remote_open(const struct remote *r, unsigned int open, struct npmu_region **region)
{
	struct npmu_error err;

	*region = NULL;
	if (npmu_region_open(r->url, open, region, &err))
		return bench_fail("%s: %s", r->url, err.text);
	return 0;
}

int remote_writer(const struct remote *r, uint64_t base, bool crc, struct npmu_region **region,
		  struct npmu_append_writer **writer)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT | (crc ? 0 : NPMU_APPEND_NO_CRC),
		.base_capacity = base,
		.ring_size = RING,
		.full = NPMU_APPEND_FULL_BASE,
		.write_base = bench_write_base,
	};
	struct npmu_error err;

	if (remote_open(r, NPMU_OPEN_WRITE, region))
		return -1;
	if (npmu_region_map(*region, NPMU_MAP_WRITE))
		return bench_fail("%s: %s", r->url, npmu_region_error(*region));
	if (npmu_append_writer_open(*region, &options, writer, &err))
		return bench_fail("%s: %s", r->url, err.text);
	return 0;
}

/* All that is there beside the region. */
static int connect_peers(struct remote *r)
{
	const char *why;

	r->buf = aligned_alloc(4096, REMOTE_BIG);
	if (!r->buf)
		return bench_fail("out of memory");
	memset(r->buf, 1, REMOTE_BIG);
	if (!r->peer) {
		report_note(r->report, "remote_commit", "the wire alone, TCP, librpma", "no --peer");
	} else {
		if (raw_connect(&r->raw, r->peer, r->buf, REMOTE_BIG))
			return -1;
		r->tcp = tcp_connect(r->peer, TCP_PORT);
		if (r->tcp < 0)
			report_note(r->report, "remote_commit", "tcp_fdatasync",
				    "the peer has no file: npmu-bench serve --file");
		r->count = tcp_connect(r->peer, COUNT_PORT);
		if (rpma_link_open(&r->rpma, r->peer, r->buf, REMOTE_BIG, &why))
			report_note(r->report, "remote_commit", "librpma", why);
		if (perftest_open(&r->perftest, r->peer, &why))
			report_note(r->report, "remote_bandwidth", "ib_write_bw, ib_read_bw, ib_write_lat", why);
	}
	if (!r->nvme) {
		report_note(r->report, "remote_commit", "NVMe over RDMA", "no --nvme");
		return 0;
	}
	r->disk = open(r->nvme, O_RDWR | O_DIRECT | O_CLOEXEC | O_EXCL);
	if (r->disk < 0)
		return bench_fail("%s: %s", r->nvme, strerror(errno));
	return 0;
}

/* Which class it is, and that it is large enough. */
static int look(const struct remote *r, struct bench *b)
{
	const uint64_t least = 2 * REMOTE_BIG + RING + 2 * MIB;
	struct npmu_region *region;
	int code = 0;

	if (remote_open(r, NPMU_OPEN_WRITE, &region))
		return -1;
	b->class_name = npmu_class_name(npmu_region_class(region));
	if (npmu_region_size(region) < least)
		code = bench_fail("%s: %llu MiB or more are needed: npmu-admin region resize, there",
				  r->url, (unsigned long long)(least / MIB));
	npmu_region_close(region);
	return code;
}

static int run(struct remote *r, const bool *chosen, bool json, bool check)
{
	struct bench b = { .name = r->url, .is_remote = true, .rounds = r->rounds };
	int code, missed = 0;
	size_t i;

	r->report = report_new();
	code = r->report ? 0 : bench_fail("out of memory");
	code = code || look(r, &b) || connect_peers(r);
	for (i = 0; !code && i < NR_PARTS; i++)
		if (chosen[i])
			code = parts[i].measure(r);
	if (!code && json) {
		missed = json_print(r->report, &b, check);
	} else if (!code) {
		report_print(r->report, &b);
		missed = check ? check_print(r->report, true, false) : 0;
	}
	raw_close(&r->raw);
	if (r->tcp >= 0)
		close(r->tcp);
	if (r->disk >= 0)
		close(r->disk);
	if (r->count >= 0)
		close(r->count);
	rpma_link_close(r->rpma);
	perftest_close(r->perftest);
	free(r->buf);
	report_free(r->report);
	return code || missed ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int choose(bool *chosen, char *list)
{
	char *name, *rest = NULL;
	size_t i;

	memset(chosen, 0, NR_PARTS * sizeof(*chosen));
	for (name = strtok_r(list, ",", &rest); name; name = strtok_r(NULL, ",", &rest)) {
		for (i = 0; i < NR_PARTS && strcmp(parts[i].name, name); i++)
			;
		if (i == NR_PARTS)
			return -1;
		chosen[i] = true;
	}
	return 0;
}

int remote_main(int argc, char **argv)
{
	static const struct option longs[] = {
		{ "peer", required_argument, NULL, 'p' },
		{ "nvme", required_argument, NULL, 'd' },
		{ "only", required_argument, NULL, 'o' },
		{ "rounds", required_argument, NULL, 'n' },
		{ "check", no_argument, NULL, 'c' },
		{ "json", no_argument, NULL, 'j' },
		{ 0 },
	};
	struct remote r = { .rounds = 201, .tcp = -1, .disk = -1, .count = -1 };
	bool chosen[NR_PARTS], json = false, check = false;
	uint64_t value;
	int opt;

	memset(chosen, 1, sizeof(chosen));
	while ((opt = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		switch (opt) {
		case 'p':
			r.peer = optarg;
			break;
		case 'd':
			r.nvme = optarg;
			break;
		case 'o':
			if (choose(chosen, optarg))
				return bench_usage("--only: no such part");
			break;
		case 'n':
			if (bench_number(optarg, 1000000, &value))
				return bench_usage("--rounds is 1 to 1000000");
			r.rounds = (unsigned int)value;
			break;
		case 'c':
			check = true;
			break;
		case 'j':
			json = true;
			break;
		default:
			return bench_usage("an unknown option, or a value is missing");
		}
	}
	if (optind + 1 != argc || strncmp(argv[optind], "npmu://", 7))
		return bench_usage("npmu-bench remote, and one npmu://PRINCIPAL@HOST/UNIT/REGION");
	r.url = argv[optind];
	return run(&r, chosen, json, check);
}

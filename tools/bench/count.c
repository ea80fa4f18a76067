// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Tells a client over TCP what npmu_rdma counted on this host, so that it can say what a
 * commit made the module do. The one part of npmu-bench serve that knows npmu.
 */
#include <unistd.h>

#include <npmu/ni.h>

#include "bench.h"
#include "count.h"
#include "tcp.h"

static int add(void *ctx, const struct npmu_session_info *info)
{
	struct count *c = ctx;

	c->completions += info->completions;
	c->commits += info->commits;
	return 0;
}

int count_ask(int fd, struct count *out)
{
	char ask = 1;

	if (write(fd, &ask, 1) == 1 && !tcp_read(fd, out, sizeof(*out)))
		return 0;
	return bench_fail("counters: npmu-bench serve does not answer; is npmu_rdma loaded there?");
}

static void answer(int fd)
{
	struct npmu_ni *ni;
	char ask;

	if (npmu_ni_open(&ni, NULL))
		return;
	while (!tcp_read(fd, &ask, 1)) {
		struct count c = { 0 };

		if (npmu_ni_session_list(ni, add, &c) || write(fd, &c, sizeof(c)) != sizeof(c))
			break;
	}
	npmu_ni_close(ni);
}

int count_serve(const char *unused)
{
	(void)unused;
	return tcp_serve_each(COUNT_PORT, answer);
}

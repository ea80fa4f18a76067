// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Storing pieces of memory behind each other. Whole lines go straight from the
 * caller's memory; only a line in which two pieces meet is put together first. Knows
 * no format.
 */
#include <string.h>

#include "crc32c.h"
#include "gather.h"

#define LINE	64

/* Copied, then summed: short enough that the CPU sums one while it stores the next. */
#define STEP	768

struct gather {
	char *dst;
	uint32_t crc;
	bool sum;
	size_t fill;		/* bytes of @line that are waiting */
	char line[LINE];
};

bool npmu_gather_length(const struct iovec *iov, int n, uint64_t limit, uint64_t *length)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < n; i++) {
		if (iov[i].iov_len > limit - sum || (!iov[i].iov_base && iov[i].iov_len))
			return false;
		sum += iov[i].iov_len;
	}
	*length = sum;
	return true;
}

static void add_sum(struct gather *g, const char *from, size_t len)
{
	if (g->sum)
		g->crc = npmu_crc32c(g->crc, from, len);
}

/* Take what completes the waiting line. Return: bytes taken. */
static size_t fill_line(struct gather *g, const char *from, size_t len)
{
	size_t n = LINE - g->fill;

	if (n > len)
		n = len;
	memcpy(g->line + g->fill, from, n);
	add_sum(g, from, n);
	g->fill += n;
	if (g->fill == LINE) {
		npmu_copy_lines(g->dst, g->line, LINE);
		g->dst += LINE;
		g->fill = 0;
	}
	return n;
}

static void add(struct gather *g, const char *from, size_t len)
{
	size_t done = g->fill ? fill_line(g, from, len) : 0;
	size_t n;

	while (len - done >= LINE) {
		n = len - done < STEP ? (len - done) & ~(size_t)(LINE - 1) : STEP;
		npmu_copy_lines(g->dst, from + done, n);
		add_sum(g, from + done, n);
		g->dst += n;
		done += n;
	}
	if (done < len)
		fill_line(g, from + done, len - done);
}

uint32_t npmu_gather_store(char *dst, const struct iovec *iov, int n, bool sum)
{
	struct gather g = { .dst = dst, .sum = sum };
	int i;

	for (i = 0; i < n; i++)
		if (iov[i].iov_len)
			add(&g, iov[i].iov_base, iov[i].iov_len);
	if (g.fill)
		npmu_copy_lines(g.dst, g.line, g.fill);
	return g.crc;
}

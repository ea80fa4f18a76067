// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Measuring several things side by side. Owns what a round is and when the clock is read;
 * knows not what it measures.
 *
 * Of each series a round takes the mean of a batch, for medians and ratios, and then some
 * ops one by one, for the quantiles: a mean hides the slow ones, and reading the clock
 * costs a part of the fast ones.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "../common/timing.h"
#include "rounds.h"
#include "stat.h"

#define SINGLES		4	/* of each round, where a batch is longer than one */
#define CLOCK_LOOKS	1001
/* Of a series slower than this in all, only some rounds are taken. */
#define BUDGET_NS	2e9
#define LEAST_ROUNDS	5

static double clock_cost(void)
{
	static double cost = -1;
	double v[CLOCK_LOOKS];
	uint64_t start;
	int i;

	if (cost >= 0)
		return cost;
	for (i = 0; i < CLOCK_LOOKS; i++) {
		start = timing_now_ns();
		v[i] = (double)(timing_now_ns() - start);
	}
	cost = stat_median(v, CLOCK_LOOKS);
	return cost;
}

/* @count ops, one record after the other. Return: as an op. */
static int measure(struct series *s, unsigned int count, double *ns)
{
	uint64_t start;
	unsigned int i;
	int code = 0;

	if (s->before && s->before(s))
		return -1;
	start = timing_now_ns();
	for (i = 0; i < count && !code; i++)
		code = s->op(s);
	*ns = (double)(timing_now_ns() - start);
	s->spent += *ns;
	if (s->elapsed > 0)
		*ns = s->elapsed;
	*ns = fmax(*ns - clock_cost(), 1) / count / (s->each ? s->each : 1);
	if (!code && s->after)
		code = s->after(s);
	return code;
}

static int take(struct series *s, unsigned int round, unsigned int rounds)
{
	unsigned int i, batch = s->batch ? s->batch : 1;
	double ns;
	int code;

	if (round >= LEAST_ROUNDS && s->spent > BUDGET_NS * (round + 1) / rounds)
		return 0;
	code = measure(s, batch, &ns);
	if (code)
		return code < 0 ? -1 : 0;
	s->mean[round] = ns;
	if (batch == 1) {
		s->single[s->nr_single++] = ns;
		return 0;
	}
	for (i = 0; i < SINGLES; i++) {
		code = measure(s, 1, &ns);
		if (code < 0)
			return -1;
		if (!code)
			s->single[s->nr_single++] = ns;
	}
	return 0;
}

static int prepare(struct series *s, unsigned int rounds)
{
	unsigned int i;

	s->mean = malloc(rounds * sizeof(double));
	s->single = malloc((size_t)rounds * SINGLES * sizeof(double));
	if (!s->mean || !s->single) {
		fprintf(stderr, "npmu-bench: out of memory\n");
		return -1;
	}
	s->nr_mean = rounds;
	for (i = 0; i < rounds; i++)
		s->mean[i] = NAN;
	return 0;
}

int rounds_run(struct series *s, size_t n, unsigned int rounds)
{
	unsigned int round;
	double ns;
	size_t i;

	for (i = 0; i < n; i++) {
		/* The first ones meet cold caches and pages that are not mapped. */
		if (prepare(&s[i], rounds) || measure(&s[i], 1, &ns) < 0 ||
		    measure(&s[i], 1, &ns) < 0)
			return -1;
		s[i].spent = 0;
	}
	for (round = 0; round < rounds; round++)
		for (i = 0; i < n; i++)
			if (take(&s[(i + round) % n], round, rounds))
				return -1;
	return 0;
}

void rounds_free(struct series *s, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++) {
		free(s[i].mean);
		free(s[i].single);
		s[i].mean = NULL;
		s[i].single = NULL;
	}
}

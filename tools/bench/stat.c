// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Numbers from samples: quantiles, and ratios round by round. Knows not what was
 * measured.
 */
#include <math.h>
#include <stdlib.h>

#include "stat.h"

static int by_value(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double interpolate(double *samples, size_t n, double q)
{
	double place = (double)(n - 1) * q;
	size_t below = (size_t)place;

	qsort(samples, n, sizeof(*samples), by_value);
	if (below + 1 == n)
		return samples[below];
	return samples[below] + (place - (double)below) * (samples[below + 1] - samples[below]);
}

double stat_quantile(double *samples, size_t n, double q)
{
	if (!n || (q > 0.5 && (double)n * (1 - q) < 2))
		return NAN;
	return interpolate(samples, n, q);
}

/* Of numbers only. */
static double median_of(const double *a, const double *b, size_t n)
{
	double *v = malloc((n ? n : 1) * sizeof(*v));
	double median = NAN;
	size_t i, count = 0;

	if (!v)
		return NAN;
	for (i = 0; i < n; i++) {
		double x = b ? a[i] / b[i] : a[i];

		if (isfinite(x))
			v[count++] = x;
	}
	if (count)
		median = interpolate(v, count, 0.5);
	free(v);
	return median;
}

double stat_median_ratio(const double *a, const double *b, size_t n)
{
	return median_of(a, b, n);
}

double stat_median(const double *samples, size_t n)
{
	return median_of(samples, NULL, n);
}

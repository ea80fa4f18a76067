/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Numbers from samples.
 */
#ifndef NPMU_BENCH_STAT_H
#define NPMU_BENCH_STAT_H

#include <stddef.h>

/*
 * The value below which @q of the @n samples are, by linear interpolation; sorts them.
 * NAN if there are too few to say: fewer than two beyond the quantile.
 */
double stat_quantile(double *samples, size_t n, double q);

/* Median of a[i] / b[i] over those i of which both are numbers; NAN: there are none. */
double stat_median_ratio(const double *a, const double *b, size_t n);

/* Median of those that are numbers; NAN: there are none. */
double stat_median(const double *samples, size_t n);

#endif /* NPMU_BENCH_STAT_H */

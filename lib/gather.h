/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Storing what lies in pieces behind each other, by non-temporal stores and without a
 * copy in between, and summing it up on the way.
 */
#ifndef NPMU_LIB_GATHER_H
#define NPMU_LIB_GATHER_H

#include <sys/uio.h>

#include "handle.h"

/* Sum of the lengths; false: more than @limit, or a piece without an address. */
bool npmu_gather_length(const struct iovec *iov, int n, uint64_t limit, uint64_t *length);

/*
 * Store the pieces at @dst, which is aligned to a cache line; the last line is filled up with
 * zeros. Nothing is durable before a fence. Return: CRC32C of the data where @sum.
 */
uint32_t npmu_gather_store(char *dst, const struct iovec *iov, int n, bool sum);

#endif /* NPMU_LIB_GATHER_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where a memmap=SIZE!START range for pmem could lie on this host. Pure.
 */
#ifndef NPMU_ADMIN_MEMMAP_H
#define NPMU_ADMIN_MEMMAP_H

#include <stdint.h>

/**
 * memmap_suggest - a range wholly inside System RAM, aligned to its own size
 * @iomem: text in the form of /proc/iomem
 * @start: out
 * @size: out: a power of two, at least 64 MiB
 *
 * Return: NULL, or why there is none.
 */
const char *memmap_suggest(const char *iomem, uint64_t *start, uint64_t *size);

#endif /* NPMU_ADMIN_MEMMAP_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before each file of the library's checkpoint code: every copy out of
 * the region and every checksum is a look, before and in the middle of which the
 * fuzzer may change the bytes, as another process may.
 */
#ifndef NPMU_FUZZ_CKPT_HOOK_H
#define NPMU_FUZZ_CKPT_HOOK_H

#include <string.h>

#include "crc32c.h"

void *fuzz_memcpy(void *to, const void *from, size_t len);
uint32_t fuzz_crc32c(uint32_t crc, const void *buf, size_t len);

#define memcpy		fuzz_memcpy
#define npmu_crc32c	fuzz_crc32c

#endif /* NPMU_FUZZ_CKPT_HOOK_H */

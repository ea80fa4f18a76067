/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A naive second reading of Documentation/media-format.rst, over a whole unit in
 * memory: what the fuzzer holds the project's own checks against.
 */
#ifndef NPMU_FUZZ_MEDIA_TWIN_H
#define NPMU_FUZZ_MEDIA_TWIN_H

#include "format.h"

bool twin_superblock(const struct npmu_superblock *sb, u64 device_size);
bool twin_record(const struct npmu_region_record *r, const struct npmu_superblock *sb,
		 u32 slot);
bool twin_list(const struct npmu_list_block *b, const struct npmu_list_ref *ref,
	       const struct npmu_superblock *sb, u32 slot, const u8 *uuid, u32 remaining);

bool twin_creators(const struct npmu_creators_block *b, const struct npmu_superblock *sb);

/**
 * struct twin_unit - what a unit holds
 * @found: there is a valid superblock, @sb
 * @clean: every slot has a record and no region lacks or shares anything
 * @free: bytes of the data area that no sound region claims
 * @regions: sound regions
 */
struct twin_unit {
	bool found;
	bool clean;
	const struct npmu_superblock *sb;
	u64 free;
	u32 regions;
};

/* @image: @size bytes, not beyond TWIN_MAX */
#define TWIN_MAX	(16ULL << 20)
void twin_unit(const u8 *image, u64 size, struct twin_unit *out);

#endif /* NPMU_FUZZ_MEDIA_TWIN_H */

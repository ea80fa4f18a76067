/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A region with a checkpoint in the append form, and a naive second reading of
 * linux/npmu_ckpt.h over it: what the fuzzer holds the walk of the media check against.
 */
#ifndef NPMU_FUZZ_LOOK_TWIN_H
#define NPMU_FUZZ_LOOK_TWIN_H

#include "pure.h"

#define LOOK_SIZE	(32U << 10)
#define LOOK_PAGES	(LOOK_SIZE / 4096)

/* struct twin_look - what is there, @code as npmu_check_checkpoint has it */
struct twin_look {
	int code;
	u64 base_sequence;	/* 0: there is none */
	u64 updates;
	u64 end;
	u64 seal_epoch;
	u64 seal_end;
	u32 readers;
};

/* A whole one, whose ring goes round once, with a seal and two readers. */
void look_build(u8 *region);
/* All that has a sum gets the right one, as far as its lengths allow. */
void look_seal(u8 *region);
void twin_look(const u8 *region, struct twin_look *out);

#endif /* NPMU_FUZZ_LOOK_TWIN_H */

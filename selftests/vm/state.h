/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A state that tells whether it is whole: each block holds what the last commit
 * that changed it put there, and which commits change which blocks is known.
 */
#ifndef NPMU_STATE_H
#define NPMU_STATE_H

#include <npmu/ckpt.h>

#include "vmtest.h"

#define STATE_BLOCKS	64
#define STATE_BLOCK	512
#define STATE_SIZE	(STATE_BLOCKS * STATE_BLOCK)

struct state_writer {
	struct npmu_region *region;
	struct npmu_ckpt_writer *writer;
	uint8_t *data;
	uint64_t commit;		/* the last one made */
};

/* Become the writer of "unit/region" and go on where its state ends. */
int state_writer_open(struct state_writer *w, const char *name);
/* Make commit number w->commit + 1. */
int state_commit(struct state_writer *w);

/*
 * Read "unit/region". Return: 0: there is a whole state, of commit *@commit;
 * -ENODATA; -EILSEQ: a torn one; another errno.
 */
int state_read(const char *name, uint64_t *commit);

#endif /* NPMU_STATE_H */

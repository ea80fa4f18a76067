/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The recording backing: what npmu_backing_open_pmem() gives here. */
#ifndef CRASH_REC_BACKING_H
#define CRASH_REC_BACKING_H

#include "backing.h"

/* struct rec_backing - the only one; its memory is the model's. @skew: to be set */
extern struct rec_backing {
	struct npmu_backing b;
	u64 skew;
	bool open;
} rec_backing;

#endif /* CRASH_REC_BACKING_H */

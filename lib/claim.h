/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a writer of checkpoints remembers of its claim, so that it sees by two loads
 * of the status page whether it is the writer still.
 */
#ifndef NPMU_LIB_CLAIM_H
#define NPMU_LIB_CLAIM_H

#include "handle.h"

struct npmu_claim {
	const volatile struct npmu_status *status;
	uint64_t entry_id;
	uint64_t fence_epoch;
};

static inline struct npmu_claim npmu_claim_of(const struct npmu_region *region)
{
	struct npmu_claim claim = {
		.status = region->status,
		.entry_id = region->entry_id,
		.fence_epoch = npmu_region_fence_epoch(region),
	};

	return claim;
}

static inline bool npmu_claim_holds(const struct npmu_claim *claim)
{
	return claim->status->writer == claim->entry_id &&
	       claim->status->fence_epoch == claim->fence_epoch;
}

#endif /* NPMU_LIB_CLAIM_H */

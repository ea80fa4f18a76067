/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the suites of layers 1 to 3 begin with: a unit on a device of memory, regions
 * and opens. What a test makes goes at its end, the last first; each may be ended
 * earlier by its own function.
 */
#ifndef _NPMU_TESTS_FIXTURE_H
#define _NPMU_TESTS_FIXTURE_H

#include "check.h"
#include "event.h"
#include "evict.h"
#include "media.h"
#include "memdev.h"
#include "rights.h"
#include "role.h"
#include "space.h"

#define KIB	(1ULL << 10)
#define MIB	(1ULL << 20)
#define G	NPMU_GRANULE_SIZE

/* Where refusals say why. Cleared by refused(). */
extern struct netlink_ext_ack fixture_ack;

/* Is it this error, and does it say why? */
bool refused(int err, int want);

/* The unit of a device; a fresh device is formatted first, as "kunit". */
struct npmu_unit *fixture_attach(struct kunit *test, struct memdev *dev);
void fixture_detach(struct kunit *test, struct npmu_unit *unit);

/* A device of size bytes and the unit on it. */
struct npmu_unit *fixture_unit(struct kunit *test, u64 size, struct memdev **dev);

/* Ends the unit and begins it again on the same device. */
struct npmu_unit *fixture_reattach(struct kunit *test, struct npmu_unit *unit,
				   struct memdev *dev);

struct npmu_region *fixture_region(struct kunit *test, struct npmu_unit *unit,
				   const char *name, u64 size);
/* One that is there, with a reference until the end. */
struct npmu_region *fixture_find(struct kunit *test, struct npmu_unit *unit, const char *name);

/**
 * struct fixture_open - what stands above an entry
 * @entry: the entry
 * @zaps: how often all was taken away
 * @zapped_inside: somebody was inside then
 */
struct fixture_open {
	struct npmu_tpt_entry *entry;
	atomic_t zaps;
	bool zapped_inside;
};

#define RW	(NPMU_ACCESS_READ | NPMU_ACCESS_WRITE)

struct fixture_open *fixture_open(struct kunit *test, struct npmu_region *region, u32 access);
/* The same under a grant; and the grant. */
struct fixture_open *fixture_open_as(struct kunit *test, struct npmu_region *region,
				     const char *principal, u32 access);
int fixture_grant(struct npmu_region *region, const char *principal, u32 access, u64 offset,
		  u64 len);
void fixture_close(struct kunit *test, struct fixture_open *open);

/* Free bytes of a unit. */
u64 fixture_free(struct npmu_unit *unit);
/* The fence epoch of a region that both copies of its record have, else U64_MAX. */
u64 fixture_media_epoch(struct npmu_region *region);

/* So many device nodes can still be made, until the end of the test. */
void fixture_limit_nodes(struct kunit *test, int nodes);

/*
 * Events since the last call, oldest first, as text like "created,claimed": with the
 * principal behind it where there is one, as in "claimed host1".
 */
void fixture_record_events(struct kunit *test);
const char *fixture_events(void);

#endif /* _NPMU_TESTS_FIXTURE_H */

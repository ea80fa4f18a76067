/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the media check share; not for those that call it. */
#ifndef NPMU_MEDIACHECK_INT_H
#define NPMU_MEDIACHECK_INT_H

#include "../drivers/npmu/alloc.h"
#include "../drivers/npmu/badlist.h"
#include "../drivers/npmu/ckpt_look.h"
#include "../drivers/npmu/extent.h"
#include "../drivers/npmu/format.h"
#include "mediacheck.h"

/* Overlaps for which the other claimant is looked up. */
#define MAX_CLASHES	64

/* Overlaps that are told of for one region: a hostile one has a million. */
#define MAX_TOLD	16

/* A region whose record is valid; what must be compared across regions. */
struct seen {
	char name[NPMU_REGION_NAME_LEN];
	uint8_t uuid[NPMU_UUID_LEN];
	u64 media_epoch;
	uint32_t slot;
	bool whole;
};

struct clash {
	uint64_t start;
	uint64_t len;
	uint32_t slot;
};

/* Aligned, so that a source may read past the page cache. */
struct buffers {
	struct npmu_superblock sb[2];
	struct npmu_region_record rec[2];
	struct npmu_list_block blk[2];
	struct npmu_bad_block bad[2];
	struct npmu_creators_block creators[2];
};

struct check {
	const struct npmu_media_source *src;
	const struct npmu_check_report *report;
	struct npmu_check_summary *sum;
	struct buffers *b;
	const struct npmu_superblock *sb;
	struct npmu_badlist bad;
	struct npmu_alloc alloc;
	void *alloc_mem;
	struct seen *seen;
	uint32_t nr_seen;
	struct clash clash[MAX_CLASHES];
	uint32_t nr_clashes;
	uint32_t told;
	struct npmu_extent *extents;	/* of check_map() */
	uint32_t nr_extents;
};

/* Where a finding stands; the rest of it is said at each place. */
struct place {
	enum npmu_finding_what what;
	int copy;
	int slot;
	const char *region;
	uint64_t offset;
};

__attribute__((format(printf, 4, 5)))
void check_finding(struct check *c, enum npmu_severity severity,
		   const struct place *at, const char *fmt, ...);

/* A verdict is 0, an enum npmu_format_error or, from reading, -errno. */
const char *check_verdict_text(int verdict);

/* Read 4096 bytes. */
int check_read(struct check *c, uint64_t off, void *buf);

/* The current record of a slot, or NULL; says what is wrong when loud. */
const struct npmu_region_record *check_record(struct check *c, uint32_t slot,
					      struct place *at, bool loud);

/* Can all extents be read, and do they add up; says what is wrong when loud. */
bool check_sound(struct check *c, const struct npmu_region_record *rec,
		 const struct place *at, bool loud);

/* Read the bad list, before what regions have of it is told. */
void check_bad_list(struct check *c);
/* Tell what of the bad list nobody owns, and take it from what is free. */
void check_bad_free(struct check *c);
/* Tell what of the bad list a run of a region is. */
void check_bad_owned(struct check *c, const struct place *at, uint64_t start, uint64_t len);

/*
 * Current record of a slot, and its extents in @c, to be freed. Return: 0; -ENOENT: the
 * media have changed, and it is not whole any more; -ENOMEM.
 */
int check_map(struct check *c, uint32_t slot, const struct npmu_region_record **rec);

/* Look at the checkpoints of those that are whole. Return: 0 or -ENOMEM. */
int check_checkpoints(struct check *c);

/* Read who may create regions, and tell; tell the grants of a region. */
void check_creators(struct check *c);
void check_grants(struct check *c, const struct npmu_region_record *rec, const struct place *at);

/* Let the sound ones of seen[] claim what they have; counts regions. */
void check_claims(struct check *c);

#endif /* NPMU_MEDIACHECK_INT_H */

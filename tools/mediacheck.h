/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offline check of a unit's media: superblocks, region records, list blocks,
 * extents, bad list, rights of principals; and which checkpoints are in its regions.
 * Reads only, needs neither the module nor libnpmu's handles, and takes any bytes
 * whatever. Prints nothing: what is found goes to callbacks.
 */
#ifndef NPMU_MEDIACHECK_H
#define NPMU_MEDIACHECK_H

#include <stddef.h>
#include <stdint.h>

#include <npmu/checkpoint.h>

enum npmu_severity {
	NPMU_NOTE,	/* nothing is wrong with the media: what they tell */
	NPMU_WARNING,	/* nothing lost: attach repairs it */
	NPMU_ERROR,	/* a region or the unit cannot be used as it is */
};

enum npmu_finding_what {
	NPMU_WHAT_SUPERBLOCK,
	NPMU_WHAT_RECORD,
	NPMU_WHAT_LIST,
	NPMU_WHAT_EXTENT,
	NPMU_WHAT_BAD,		/* the bad list, or a range of it */
	NPMU_WHAT_CREATORS,	/* who may create regions */
	NPMU_WHAT_GRANT,	/* a grant of a region */
};

/**
 * struct npmu_finding - one thing that is wrong; valid during the callback
 * @severity: note, warning or error
 * @what: kind of record
 * @copy: 0 or 1, or -1 where it does not concern one copy
 * @slot: slot of the region table, or -1
 * @region: region name, "" when not known. Not escaped, but only ever a legal
 *	name
 * @offset: byte offset in the file or device
 * @text: what is wrong, a phrase without a final full stop
 */
struct npmu_finding {
	enum npmu_severity severity;
	enum npmu_finding_what what;
	int copy;
	int slot;
	const char *region;
	uint64_t offset;
	const char *text;
};

/**
 * struct npmu_check_summary - what was found
 * @found_unit: a valid superblock was found; else what follows is zero but
 *	@device_size and the counts
 * @unit_name: zero-terminated
 * @uuid: identity of the unit
 * @device_size: bytes of the file or device
 * @size: bytes in use by the unit
 * @data_bytes: bytes for extents and list blocks
 * @free_bytes: of these, free
 * @max_regions: slots
 * @regions: regions that are whole
 * @damaged: slots without a usable record or with bad lists or extents
 * @media_epoch: highest media epoch
 * @bad_bytes: bytes of the bad list; each range of it is a note, or an error where a
 *	region owns it
 * @grants: grants of all regions
 * @creators: principals that may create regions
 * @errors: findings of severity NPMU_ERROR
 * @warnings: findings of severity NPMU_WARNING
 */
struct npmu_check_summary {
	int found_unit;
	char unit_name[32];
	uint8_t uuid[16];
	uint64_t device_size;
	uint64_t size;
	uint64_t data_bytes;
	uint64_t free_bytes;
	uint32_t max_regions;
	uint32_t regions;
	uint32_t damaged;
	uint64_t media_epoch;
	uint64_t bad_bytes;
	uint32_t grants;
	uint32_t creators;
	uint64_t errors;
	uint64_t warnings;
};

/**
 * struct npmu_check_checkpoint - the checkpoint in a region that is whole; valid during
 *	the callback
 * @code: 0; -EUCLEAN: a damaged one; -EPROTONOSUPPORT: an unknown version, form or
 *	feature; -EIO: memory of it failed; -EAGAIN: it is being written
 * @slot: of the region
 * @nr_readers: how many @readers
 * @fence_epoch: of the region: no writer of a lower one can store any more
 * @info: what it holds; with a @code only the names
 * @readers: the named ones; nobody is known to be attached
 */
struct npmu_check_checkpoint {
	int code;
	uint32_t slot;
	uint32_t nr_readers;
	uint64_t fence_epoch;
	const struct npmu_checkpoint_info *info;
	const struct npmu_reader_info *readers;
};

/**
 * struct npmu_check_report - who is told
 * @finding: called for each finding, in order of the media; may be NULL
 * @checkpoint: called for each region with a checkpoint, in order of slots; may be NULL,
 *	and then no region is read
 * @ctx: for both
 *
 * What a region holds is its owner's: a damaged checkpoint is not a finding.
 */
struct npmu_check_report {
	void (*finding)(void *ctx, const struct npmu_finding *finding);
	void (*checkpoint)(void *ctx, const struct npmu_check_checkpoint *checkpoint);
	void *ctx;
};

/**
 * npmu_mediacheck_path - check a block device or an image file
 * @path: opened read-only. A unit that is attached may be checked, but what
 *	changes meanwhile may show as a warning
 * @report: who is told, or NULL
 * @sum: filled in always
 *
 * Return: 0 when it was read to the end (look at errors and warnings), else a
 * negative errno: it could not be opened or read, or memory ran out.
 */
int npmu_mediacheck_path(const char *path, const struct npmu_check_report *report,
			 struct npmu_check_summary *sum);

/**
 * struct npmu_media_source - where the bytes come from
 * @size: bytes there are
 * @read: reads exactly @len bytes at @off into @buf (4 KiB-aligned, as are @off
 *	and @len), which lie within @size; 0 or a negative errno
 * @ctx: for @read
 */
struct npmu_media_source {
	uint64_t size;
	int (*read)(void *ctx, uint64_t off, void *buf, size_t len);
	void *ctx;
};

/**
 * npmu_mediacheck - the same, from any source of bytes
 * @src: the source
 * @report: as npmu_mediacheck_path()
 * @sum: filled in always
 *
 * Return: as npmu_mediacheck_path().
 */
int npmu_mediacheck(const struct npmu_media_source *src,
		    const struct npmu_check_report *report, struct npmu_check_summary *sum);

/*
 * "superblock", "record", "list", "extent", "bad", "creators", "grant" and "note",
 * "warning", "error".
 */
const char *npmu_finding_what_text(enum npmu_finding_what what);
const char *npmu_severity_text(enum npmu_severity severity);

#endif /* NPMU_MEDIACHECK_H */

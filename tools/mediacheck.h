/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Offline check of a unit's media: superblocks, region records, list blocks,
 * extents, bad list. Reads only, needs neither the module nor libnpmu's handles, and takes
 * any bytes whatever. Prints nothing: findings go to a callback.
 */
#ifndef NPMU_MEDIACHECK_H
#define NPMU_MEDIACHECK_H

#include <stddef.h>
#include <stdint.h>

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
	uint64_t errors;
	uint64_t warnings;
};

typedef void npmu_report_fn(void *ctx, const struct npmu_finding *finding);

/**
 * npmu_mediacheck_path - check a block device or an image file
 * @path: opened read-only. A unit that is attached may be checked, but what
 *	changes meanwhile may show as a warning
 * @report: called for each finding, in order of the media; may be NULL
 * @ctx: for @report
 * @sum: filled in always
 *
 * Return: 0 when it was read to the end (look at errors and warnings), else a
 * negative errno: it could not be opened or read, or memory ran out.
 */
int npmu_mediacheck_path(const char *path, npmu_report_fn *report, void *ctx,
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
 * @ctx: for @report
 * @sum: filled in always
 *
 * Return: as npmu_mediacheck_path().
 */
int npmu_mediacheck(const struct npmu_media_source *src, npmu_report_fn *report,
		    void *ctx, struct npmu_check_summary *sum);

/* "superblock", "record", "list", "extent", "bad" and "note", "warning", "error". */
const char *npmu_finding_what_text(enum npmu_finding_what what);
const char *npmu_severity_text(enum npmu_severity severity);

#endif /* NPMU_MEDIACHECK_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Events: what the lower layers tell whoever listens above them. They do not
 * know who that is (the netlink front end sets npmu_event_sink).
 */
#ifndef _NPMU_EVENT_H
#define _NPMU_EVENT_H

#include <linux/pid.h>
#include <linux/types.h>
#include <linux/npmu_netlink.h>

/**
 * struct npmu_event_info - one change, after it happened
 * @event: what changed
 * @unit: name of the unit
 * @unit_uuid: 16 bytes
 * @region: name of the region before the change, NULL for events of a unit
 * @region_uuid: 16 bytes, NULL for events of a unit
 * @new_name: for a rename, else NULL
 * @size: of the region
 * @fence_epoch: of the region
 * @bad_start: of memory that failed: offset in the unit, or in the region
 * @bad_len: its bytes
 * @writer: for events of a writer its process, else NULL
 * @principal: for events of a grant whose it is, for those of a writer that is a
 *	principal which; else NULL or ""
 */
struct npmu_event_info {
	enum npmu_event event;
	const char *unit;
	const u8 *unit_uuid;
	const char *region;
	const u8 *region_uuid;
	const char *new_name;
	u64 size;
	u64 fence_epoch;
	u64 bad_start;
	u64 bad_len;
	struct pid *writer;
	const char *principal;
};

/*
 * Set once before the first unit is attached, never changed after. May sleep,
 * is called without locks of the unit, never fails.
 */
extern void (*npmu_event_sink)(const struct npmu_event_info *info);

#endif /* _NPMU_EVENT_H */

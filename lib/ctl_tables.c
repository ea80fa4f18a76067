// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Which attribute is which member of the structures of npmu/control.h. Data only.
 */
#include <npmu/checkpoint.h>
#include <npmu/grants.h>

#include "ctl_tables.h"

#define FIELD(kind, attr_, struct_, member) {				\
	.attr = (attr_),						\
	.offset = offsetof(struct struct_, member),			\
	.size = sizeof(((struct struct_ *)0)->member),			\
	.type = NL_##kind,						\
}

#define FIELD_HAS(kind, attr_, struct_, member, bit) {			\
	.attr = (attr_),						\
	.offset = offsetof(struct struct_, member),			\
	.size = sizeof(((struct struct_ *)0)->member),			\
	.type = NL_##kind,						\
	.has = (bit) + 1,						\
}

#define STRUCT(struct_, fields_) {					\
	.size = sizeof(struct struct_),					\
	.fields = (fields_),						\
	.nr_fields = sizeof(fields_) / sizeof((fields_)[0]),		\
}

#define UNIT(kind, attr, member) \
	FIELD(kind, NPMU_A_UNIT_##attr, npmu_unit_info, member)
#define REGION(kind, attr, member) \
	FIELD(kind, NPMU_A_REGION_##attr, npmu_region_info, member)
#define TPT(kind, attr, member) \
	FIELD(kind, NPMU_A_TPT_##attr, npmu_tpt_info, member)

static const struct nl_field unit_fields[] = {
	UNIT(STRING, NAME, name),
	UNIT(UUID, UUID, uuid),
	UNIT(U32, BACKING, backing),
	UNIT(U32, CLASS, persistence_class),
	UNIT(STRING, PATH, path),
	UNIT(U64, SIZE, size),
	UNIT(U64, DATA_SIZE, data_size),
	UNIT(U64, FREE, free),
	UNIT(U32, MAX_REGIONS, max_regions),
	UNIT(U32, REGIONS, regions),
	UNIT(U32, OPENS, opens),
	UNIT(U64, MEDIA_EPOCH, media_epoch),
	UNIT(U32, REPAIRED, repaired),
	UNIT(U32, UNSOUND_REGIONS, unsound_regions),
	UNIT(FLAG, GONE, gone),
	UNIT(U64, BAD, bad),
	UNIT(U32, BAD_RANGES, bad_ranges),
	UNIT(FLAG, BAD_INCOMPLETE, bad_incomplete),
	UNIT(U32, UNREADABLE, unreadable),
	UNIT(U32, CREATORS, creators),
};

static const struct nl_field region_fields[] = {
	REGION(STRING, UNIT, unit),
	REGION(STRING, NAME, name),
	REGION(UUID, UUID, uuid),
	REGION(U32, SLOT, slot),
	REGION(U64, SIZE, size),
	REGION(U64, PM_ADDR, pm_addr),
	REGION(U32, UID, uid),
	REGION(U32, GID, gid),
	REGION(U32, MODE, mode),
	REGION(U32, FLAGS, flags),
	REGION(U64, FENCE_EPOCH, fence_epoch),
	REGION(U32, EXTENTS, extents),
	REGION(U32, OPENS, opens),
	REGION(U32, ROLE, role),
	REGION(U64, WRITER_ID, writer_id),
	REGION(U32, WRITER_PID, writer_pid),
	REGION(U32, LAST_WRITER_PID, last_writer_pid),
	REGION(U64, LAST_WRITER_EPOCH, last_writer_epoch),
	REGION(U32, HEALTH, health),
	REGION(U64, DEVICE, device),
	REGION(U64, FAULTS_HUGE, faults_huge),
	REGION(U64, FAULTS_SMALL, faults_small),
	REGION(U64, BAD, bad),
	REGION(U32, GRANTS, grants),
	REGION(STRING, CREATOR, creator),
	REGION(STRING, WRITER_PRINCIPAL, writer_principal),
	REGION(STRING, LAST_WRITER_PRINCIPAL, last_writer_principal),
	REGION(U64, OPENS_TOTAL, opens_total),
	REGION(U64, READS, reads),
	REGION(U64, WRITES, writes),
	REGION(U64, PERSISTS, persists),
	REGION(U64, COMMITS, commits),
	REGION(U64, DENIED, denied),
	REGION(U64, FENCES, fences),
};

static const struct nl_field tpt_fields[] = {
	TPT(STRING, UNIT, unit),
	TPT(STRING, REGION, region),
	TPT(U64, ID, id),
	TPT(U32, PID, pid),
	TPT(STRING, COMMAND, command),
	TPT(U32, UID, uid),
	TPT(U32, ACCESS, access),
	TPT(U64, OFFSET, offset),
	TPT(U64, LENGTH, length),
	TPT(U64, FENCE_EPOCH, fence_epoch),
	TPT(FLAG, WRITER, writer),
	TPT(FLAG, DEAD, dead),
	TPT(STRING, PRINCIPAL, principal),
};

#define BAD(kind, attr, member) \
	FIELD(kind, NPMU_A_BAD_##attr, npmu_bad_info, member)

static const struct nl_field bad_fields[] = {
	BAD(STRING, UNIT, unit),
	BAD(STRING, REGION, region),
	BAD(U64, START, start),
	BAD(U64, LENGTH, length),
	BAD(U64, OFFSET, offset),
};

#define CHECKPOINT(kind, attr, member) \
	FIELD(kind, NPMU_A_CHECKPOINT_##attr, npmu_checkpoint_info, member)
#define CHECKPOINT_HAS(kind, attr, member, bit) \
	FIELD_HAS(kind, NPMU_A_CHECKPOINT_##attr, npmu_checkpoint_info, member, bit)

static const struct nl_field checkpoint_fields[] = {
	CHECKPOINT(STRING, UNIT, unit),
	CHECKPOINT(STRING, REGION, region),
	CHECKPOINT(U32, FORM, form),
	CHECKPOINT(U64, GENERATION, generation),
	CHECKPOINT(U64, INSTANCE, instance),
	CHECKPOINT(U64, CAPACITY, capacity),
	CHECKPOINT(U64, CREATED, created),
	CHECKPOINT(FLAG, NO_CRC, no_crc),
	CHECKPOINT_HAS(U64, BASE_SEQUENCE, base_sequence, 0),
	CHECKPOINT(U64, BASE_OFFSET, base_offset),
	CHECKPOINT(U64, BASE_LENGTH, base_length),
	CHECKPOINT(U64, BASE_TAG, base_tag),
	CHECKPOINT(U64, BASE_FENCE_EPOCH, base_fence_epoch),
	CHECKPOINT(U64, BASE_POSITION, base_position),
	CHECKPOINT_HAS(U64, UPDATE_SEQUENCE, update_sequence, 1),
	CHECKPOINT(U64, UPDATE_OFFSET, update_offset),
	CHECKPOINT(U64, UPDATE_LENGTH, update_length),
	CHECKPOINT(U64, UPDATE_TAG, update_tag),
	CHECKPOINT(U64, UPDATE_FENCE_EPOCH, update_fence_epoch),
	CHECKPOINT(U64, UPDATES, updates),
	CHECKPOINT(U64, END, end),
	CHECKPOINT(U64, RING_OFFSET, ring_offset),
	CHECKPOINT(U64, RING_SIZE, ring_size),
	CHECKPOINT(U64, FREE, free),
	CHECKPOINT_HAS(U64, SEAL_FENCE_EPOCH, seal_fence_epoch, 2),
	CHECKPOINT(U64, SEAL_SEQUENCE, seal_sequence),
	CHECKPOINT(U64, SEAL_END, seal_end),
	CHECKPOINT(U64, SEAL_BASE, seal_base),
};

_Static_assert(NPMU_CHECKPOINT_HAS_BASE == 1U << 0, "bit");
_Static_assert(NPMU_CHECKPOINT_HAS_UPDATE == 1U << 1, "bit");
_Static_assert(NPMU_CHECKPOINT_HAS_SEAL == 1U << 2, "bit");

#define READER(kind, attr, member) \
	FIELD(kind, NPMU_A_READER_##attr, npmu_reader_info, member)

static const struct nl_field reader_fields[] = {
	READER(STRING, UNIT, unit),
	READER(STRING, REGION, region),
	READER(U32, SLOT, slot),
	READER(STRING, NAME, name),
	READER(U32, UID, uid),
	READER(U64, POSITION, position),
	READER(U32, PID, pid),
	READER(STRING, PRINCIPAL, principal),
};

#define GRANT(kind, attr, member) \
	FIELD(kind, NPMU_A_GRANT_##attr, npmu_grant_info, member)

static const struct nl_field grant_fields[] = {
	GRANT(STRING, UNIT, unit),
	GRANT(STRING, REGION, region),
	GRANT(STRING, PRINCIPAL, principal),
	GRANT(U64, OFFSET, offset),
	GRANT(U64, LENGTH, length),
	GRANT(U32, ACCESS, access),
	GRANT(U32, MAX_REGIONS, max_regions),
	GRANT(U64, QUOTA, quota),
	GRANT(U64, USED, used),
	GRANT(U32, REGIONS, regions),
};

#define EVENT(kind, attr, member) FIELD(kind, attr, npmu_event_info, member)
#define EVENT_HAS(kind, attr, member, bit) \
	FIELD_HAS(kind, attr, npmu_event_info, member, bit)

static const struct nl_field unit_event_fields[] = {
	EVENT(U32, NPMU_A_UNIT_EVENT, event),
	EVENT(STRING, NPMU_A_UNIT_NAME, unit),
	EVENT_HAS(UUID, NPMU_A_UNIT_UUID, uuid, 0),
	EVENT(U64, NPMU_A_UNIT_BAD_START, bad_offset),
	EVENT_HAS(U64, NPMU_A_UNIT_BAD_LENGTH, bad_length, 4),
	EVENT(STRING, NPMU_A_UNIT_PRINCIPAL, principal),
};

static const struct nl_field region_event_fields[] = {
	EVENT(U32, NPMU_A_REGION_EVENT, event),
	EVENT(STRING, NPMU_A_REGION_UNIT, unit),
	EVENT(STRING, NPMU_A_REGION_NAME, region),
	EVENT(STRING, NPMU_A_REGION_NEW_NAME, new_name),
	EVENT_HAS(UUID, NPMU_A_REGION_UUID, uuid, 0),
	EVENT_HAS(U64, NPMU_A_REGION_SIZE, size, 1),
	EVENT_HAS(U64, NPMU_A_REGION_FENCE_EPOCH, fence_epoch, 2),
	EVENT_HAS(U32, NPMU_A_REGION_WRITER_PID, writer_pid, 3),
	EVENT(U64, NPMU_A_REGION_BAD_OFFSET, bad_offset),
	EVENT_HAS(U64, NPMU_A_REGION_BAD_LENGTH, bad_length, 4),
	EVENT(STRING, NPMU_A_REGION_PRINCIPAL, principal),
};

_Static_assert(NPMU_EVENT_HAS_UUID == 1U << 0, "bit");
_Static_assert(NPMU_EVENT_HAS_SIZE == 1U << 1, "bit");
_Static_assert(NPMU_EVENT_HAS_FENCE_EPOCH == 1U << 2, "bit");
_Static_assert(NPMU_EVENT_HAS_WRITER_PID == 1U << 3, "bit");
_Static_assert(NPMU_EVENT_HAS_BAD == 1U << 4, "bit");

const struct nl_struct npmu_unit_struct = STRUCT(npmu_unit_info, unit_fields);
const struct nl_struct npmu_region_struct = STRUCT(npmu_region_info, region_fields);
const struct nl_struct npmu_bad_struct = STRUCT(npmu_bad_info, bad_fields);
const struct nl_struct npmu_reader_struct = STRUCT(npmu_reader_info, reader_fields);
const struct nl_struct npmu_tpt_struct = STRUCT(npmu_tpt_info, tpt_fields);
const struct nl_struct npmu_grant_struct = STRUCT(npmu_grant_info, grant_fields);

const struct nl_struct npmu_checkpoint_struct = {
	.size = sizeof(struct npmu_checkpoint_info),
	.fields = checkpoint_fields,
	.nr_fields = sizeof(checkpoint_fields) / sizeof(checkpoint_fields[0]),
	.has_offset = offsetof(struct npmu_checkpoint_info, has),
};

const struct nl_struct npmu_unit_event_struct = {
	.size = sizeof(struct npmu_event_info),
	.fields = unit_event_fields,
	.nr_fields = sizeof(unit_event_fields) / sizeof(unit_event_fields[0]),
	.has_offset = offsetof(struct npmu_event_info, has),
};

const struct nl_struct npmu_region_event_struct = {
	.size = sizeof(struct npmu_event_info),
	.fields = region_event_fields,
	.nr_fields = sizeof(region_event_fields) / sizeof(region_event_fields[0]),
	.has_offset = offsetof(struct npmu_event_info, has),
};

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The checkpoint format inside a region (linux/npmu_ckpt.h): what is valid of its
 * bytes, which anyone who may write the region can make anything. Knows no region, no
 * reader and no writer, only the bytes it is given.
 */
#ifndef NPMU_CKPT_H
#define NPMU_CKPT_H

#include <linux/npmu_ckpt.h>

#include "pure.h"

/* Sequences, positions and epochs at and above this are not believed. */
#define NPMU_CKPT_END		0x8000000000000000ULL

/**
 * struct npmu_ckpt_geometry - what a valid header says
 * @generation: of the header
 * @instance: of what belongs to it
 * @slot_offset: of the slots in the region
 * @slot_size: bytes of each
 * @capacity: longest state
 * @fence_epoch: of the writer that made it
 * @created: seconds since 1970
 * @ring_offset: append form: of the ring in the region, else 0
 * @ring_size: append form: a multiple of NPMU_CKPT_SLOT_ALIGN, not zero, else 0
 * @form: NPMU_CKPT_FORM_*
 * @no_crc: data are under no CRC
 */
struct npmu_ckpt_geometry {
	u64 generation;
	u64 instance;
	u64 slot_offset[2];
	u64 slot_size;
	u64 capacity;
	u64 fence_epoch;
	u64 created;
	u64 ring_offset;
	u64 ring_size;
	u32 form;
	bool no_crc;
};

/**
 * struct npmu_ckpt_record - a base, a state or an update whose header is plausible
 * @sequence: not zero
 * @fence_epoch: of its writer
 * @position: of an update its own, of a base where its updates begin, else 0
 * @length: bytes of the data, which lie where they must
 * @tag: the application's
 * @crc: what its sum must be: npmu_ckpt_sum()
 * @pad: an update that only fills the ring
 */
struct npmu_ckpt_record {
	u64 sequence;
	u64 fence_epoch;
	u64 position;
	u64 length;
	u64 tag;
	u32 crc;
	bool pad;
};

/**
 * struct npmu_ckpt_sealed - a valid seal
 * @fence_epoch: of the writer that sealed
 * @sequence: the last one it accepted
 * @end: position behind the last update it accepted
 * @base: sequence of the base it accepted
 */
struct npmu_ckpt_sealed {
	u64 fence_epoch;
	u64 sequence;
	u64 end;
	u64 base;
};

/**
 * struct npmu_ckpt_named - a valid entry of the table of readers
 * @name: zero-terminated
 * @uid: of its user, in the initial user namespace
 * @position: acknowledged below it
 */
struct npmu_ckpt_named {
	char name[NPMU_CKPT_READER_NAME_LEN];
	u32 uid;
	u64 position;
};

/**
 * npmu_ckpt_pick_header - judge both copies of the header
 * @copy: both, as read; zeros for one that cannot be read
 * @size: bytes of the region
 * @geometry: filled in when 0 is returned
 *
 * The valid copy of the higher generation counts, even if what it says cannot be
 * used: the other one is of a checkpoint that is no longer there.
 *
 * Return: 0; -EMEDIUMTYPE: no checkpoint; -EUCLEAN: a damaged one, or one that does
 * not fit the region; -EPROTONOSUPPORT: an unknown version, form or feature.
 */
int npmu_ckpt_pick_header(const struct npmu_ckpt_header copy[2], u64 size,
			  struct npmu_ckpt_geometry *geometry);

/**
 * npmu_ckpt_sum - the CRC that seals a slot or an update
 * @crc: CRC32C of its data, 0 where they are under none: of a pad, and with @no_crc
 * @header: of NPMU_CKPT_SLOT_HEADER bytes
 *
 * Return: the CRC.
 */
u32 npmu_ckpt_sum(u32 crc, const void *header);

/*
 * May this be a state of the checkpoint? All but the sum is judged: false is final.
 */
bool npmu_ckpt_check_slot(const struct npmu_ckpt_slot *slot,
			  const struct npmu_ckpt_geometry *geometry,
			  struct npmu_ckpt_record *record);

/* Likewise of an update that is to stand at @position, which is aligned. */
bool npmu_ckpt_check_update(const struct npmu_ckpt_update *update,
			    const struct npmu_ckpt_geometry *geometry, u64 position,
			    struct npmu_ckpt_record *record);

/* Is this a valid seal of the checkpoint, its sum included? */
bool npmu_ckpt_check_seal(const struct npmu_ckpt_seal *seal,
			  const struct npmu_ckpt_geometry *geometry,
			  struct npmu_ckpt_sealed *sealed);

/* Is this a valid entry of an instance? If not it is free. */
bool npmu_ckpt_check_reader(const struct npmu_ckpt_reader_entry *entry, u64 instance,
			    struct npmu_ckpt_named *named);

/* Makes the entry that npmu_ckpt_check_reader() finds valid. */
void npmu_ckpt_make_reader(struct npmu_ckpt_reader_entry *entry, u64 instance,
			   const struct npmu_ckpt_named *named);

/* May a reader be called that? The whole field is looked at. */
bool npmu_ckpt_reader_name_ok(const u8 name[NPMU_CKPT_READER_NAME_LEN]);

/**
 * struct npmu_ckpt_walk - how far the updates behind a base have been followed
 * @sequence: the next one's is above it
 * @fence_epoch: the next one's is not below it
 * @start: position where the base's updates begin
 * @position: of the next one
 */
struct npmu_ckpt_walk {
	u64 sequence;
	u64 fence_epoch;
	u64 start;
	u64 position;
};

/* Begins behind a base. */
struct npmu_ckpt_walk npmu_ckpt_walk_begin(const struct npmu_ckpt_record *base);

/**
 * npmu_ckpt_walk_on - is an update there, with all before it
 * @walk: moved past it if it is
 * @record: of npmu_ckpt_check_update() at @walk->position, its sum found right
 * @geometry: of the header
 * @seal: the one that counts, or NULL
 *
 * Return: true if it is; else the walk has ended.
 */
bool npmu_ckpt_walk_on(struct npmu_ckpt_walk *walk, const struct npmu_ckpt_record *record,
		       const struct npmu_ckpt_geometry *geometry,
		       const struct npmu_ckpt_sealed *seal);

/* May an update begin there, or a reader have acknowledged up to there? */
static inline bool npmu_ckpt_position_ok(u64 position)
{
	return position < NPMU_CKPT_END && !(position & (NPMU_CKPT_UPDATE_ALIGN - 1));
}

/* Offset in the region of the byte at a position. */
static inline u64 npmu_ckpt_ring_at(const struct npmu_ckpt_geometry *geometry, u64 position)
{
	return geometry->ring_offset + position % geometry->ring_size;
}

/* Bytes that an update takes in the ring; its length has been checked. */
static inline u64 npmu_ckpt_update_room(u64 length)
{
	return NPMU_CKPT_UPDATE_HEADER +
	       ((length + NPMU_CKPT_UPDATE_ALIGN - 1) & ~(NPMU_CKPT_UPDATE_ALIGN - 1));
}

#endif /* NPMU_CKPT_H */

/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * npmu checkpoint format, version 1: what libnpmu keeps inside a region.
 *
 * All fields are little-endian and every reserved byte is zero. CRC32C is
 * Castagnoli's, initial value and final inversion all ones.
 *
 *	0			header, copy 0
 *	NPMU_CKPT_SEAL0		append form: seal 0
 *	NPMU_CKPT_READERS	append form: table of readers
 *	NPMU_CKPT_HEADER1	header, copy 1
 *	NPMU_CKPT_SEAL1		append form: seal 1
 *	slot_offset[0]		slot 0
 *	slot_offset[1]		slot 1
 *	append.ring_offset	append form: ring of updates
 *
 * The header is written when a checkpoint is made, never by a commit. Its
 * magic is stored last, after the rest is durable, so that a header cut short
 * has none. Of two valid copies the one of the higher @generation is current.
 *
 * A slot is a struct npmu_ckpt_slot with the state right behind it. It is
 * sealed by one CRC over the state and the slot header: a state is wholly
 * there or not there. The slot of the higher sequence, of those that validate
 * and belong to the header's instance, holds the current state; a commit
 * writes the other one. Before the first commit of an instance the headers of both
 * slots are zeroed, so that a sequence above 1 tells that a state was there.
 *
 * Nothing of a fenced writer can land after the fence, so the fence epoch of a
 * slot tells who wrote it and decides nothing: a successor goes on above every
 * sequence that it found in either slot, sealed or not.
 *
 * Append form
 *
 * The state of a slot is the base. It names the position in the ring from which
 * the updates follow that are to be applied to it, in order. Bases and updates
 * share one sequence, which rises; a base that is committed while there are
 * updates is the state after all of them, so that a reader that has applied these
 * passes it over.
 *
 * A position counts the bytes of all updates since the checkpoint was made; the
 * byte at position p lies at ring_offset + p % ring_size. An update is a struct
 * npmu_ckpt_update with its data right behind it, filled up with zeros to a
 * multiple of NPMU_CKPT_UPDATE_ALIGN. It never runs over the end of the ring: where
 * the rest of it is too short stands an update with NPMU_CKPT_UPDATE_F_PAD, whose
 * data mean nothing and are not there for its CRC, and which fills the rest.
 *
 * An update is there when it is valid, stands at its own position, belongs to the
 * instance, has a higher sequence and no lower fence epoch than the one before it (or
 * than the base), is not behind the last seal while of an older fence epoch, and
 * everything before it, back to the base, is there.
 *
 * A seal is written by each new writer before its first commit: of the updates of
 * older fence epochs those behind its end are not there. The valid seal of the
 * higher fence epoch counts; the other one is written next.
 *
 * Checkpoints without NPMU_CKPT_APPEND_F_NO_CRC are sealed by one CRC over data and
 * header. With it the CRC covers the header alone, and the aligned eight bytes of
 * @flags and @crc, the commit word, are stored after all the rest is durable.
 */
#ifndef _UAPI_LINUX_NPMU_CKPT_H
#define _UAPI_LINUX_NPMU_CKPT_H

#include <linux/types.h>

#define NPMU_CKPT_VERSION	1

/* Little-endian "NPMUCKPT". */
#define NPMU_CKPT_MAGIC		0x54504b43554d504eULL

#define NPMU_CKPT_HEADER0	0ULL
#define NPMU_CKPT_HEADER1	4096ULL
#define NPMU_CKPT_HEADER_SIZE	256
#define NPMU_CKPT_SLOTS_START	8192ULL
#define NPMU_CKPT_SLOT_ALIGN	4096ULL
#define NPMU_CKPT_SLOT_HEADER	64
#define NPMU_CKPT_MIN_REGION	16384ULL

#define NPMU_CKPT_SEAL0		512ULL
#define NPMU_CKPT_SEAL1		(NPMU_CKPT_HEADER1 + 512ULL)
#define NPMU_CKPT_SEAL_SIZE	64
#define NPMU_CKPT_READERS	2048ULL
#define NPMU_CKPT_NR_READERS	32
#define NPMU_CKPT_READER_SIZE	64
#define NPMU_CKPT_READER_NAME_LEN 16
#define NPMU_CKPT_UPDATE_HEADER	64
#define NPMU_CKPT_UPDATE_ALIGN	64ULL
#define NPMU_CKPT_MIN_RING	4096ULL

/* What stands behind the header. */
#define NPMU_CKPT_FORM_OVERWRITE 1
#define NPMU_CKPT_FORM_APPEND	2	/* a base and updates */

/* A bit of incompat that is not known: refused. Of compat: ignored. */
#define NPMU_CKPT_FEATURES_COMPAT	0ULL
#define NPMU_CKPT_FEATURES_INCOMPAT	0ULL

/* The data of bases and updates are under no CRC. */
#define NPMU_CKPT_APPEND_F_NO_CRC	(1U << 0)

/**
 * struct npmu_ckpt_append - what the header says of the append form
 * @ring_offset: byte offset of the ring in the region, a multiple of
 *	NPMU_CKPT_SLOT_ALIGN, not overlapping the slots
 * @ring_size: bytes, a multiple of NPMU_CKPT_SLOT_ALIGN, at least NPMU_CKPT_MIN_RING
 * @flags: NPMU_CKPT_APPEND_F_*
 * @reserved: zero
 */
struct npmu_ckpt_append {
	__le64 ring_offset;
	__le64 ring_size;
	__le32 flags;
	__u8 reserved[76];
};

/**
 * struct npmu_ckpt_header - what kind of checkpoint a region holds
 * @magic: NPMU_CKPT_MAGIC
 * @version: NPMU_CKPT_VERSION. Magic, version, the size of the header and the
 *	place of the crc are the same in every version
 * @form: NPMU_CKPT_FORM_*
 * @compat: features that may be ignored
 * @incompat: features that forbid any use when not known
 * @generation: raised each time a checkpoint is made anew in this region
 * @instance: random, not zero: a slot of another instance is not there
 * @slot_offset: byte offsets of the slots in the region, multiples of
 *	NPMU_CKPT_SLOT_ALIGN, at least NPMU_CKPT_SLOTS_START, not overlapping
 * @slot_size: bytes of each slot, a multiple of NPMU_CKPT_SLOT_ALIGN
 * @capacity: longest state in bytes, at most slot_size minus the slot header
 * @fence_epoch: of the writer that made it
 * @created: seconds since 1970
 * @form_data: zero in the overwrite form
 * @append: in the append form
 * @reserved: zero
 * @crc: CRC32C of the 256 bytes with this field zero
 */
struct npmu_ckpt_header {
	__le64 magic;
	__le32 version;
	__le32 form;
	__le64 compat;
	__le64 incompat;
	__le64 generation;
	__le64 instance;
	__le64 slot_offset[2];
	__le64 slot_size;
	__le64 capacity;
	__le64 fence_epoch;
	__le64 created;
	union {
		__u8 form_data[96];
		struct npmu_ckpt_append append;
	};
	__u8 reserved[60];
	__le32 crc;
};

/**
 * struct npmu_ckpt_slot - one sealed state; @length bytes of it follow
 * @instance: the header's
 * @sequence: 1 for the first commit of an instance, then rising
 * @fence_epoch: of the writer
 * @length: bytes of the state, at most the header's capacity
 * @tag: the application's
 * @position: append form: in the ring, where the updates to this base begin; else 0
 * @reserved: zero
 * @flags: zero
 * @crc: CRC32C of the state, then of this header with this field zero; see above for
 *	NPMU_CKPT_APPEND_F_NO_CRC
 */
struct npmu_ckpt_slot {
	__le64 instance;
	__le64 sequence;
	__le64 fence_epoch;
	__le64 length;
	__le64 tag;
	__le64 position;
	__le64 reserved;
	__le32 flags;
	__le32 crc;
};

/* It fills the ring up to its end; @length bytes follow that mean nothing. */
#define NPMU_CKPT_UPDATE_F_PAD	(1U << 0)

/**
 * struct npmu_ckpt_update - an update; @length bytes of data follow
 * @instance: the header's
 * @sequence: above that of the update or base before it; that of a pad is the one
 *	of the update after it
 * @fence_epoch: of the writer
 * @position: its own, a multiple of NPMU_CKPT_UPDATE_ALIGN
 * @committed: all updates below this position were durable before this one was
 *	written: one of them that is not valid is damaged, not unfinished
 * @length: bytes of the data
 * @tag: the application's
 * @flags: NPMU_CKPT_UPDATE_F_*
 * @crc: CRC32C of the data, then of this header with this field zero; of a pad, and
 *	with NPMU_CKPT_APPEND_F_NO_CRC, of the header alone
 */
struct npmu_ckpt_update {
	__le64 instance;
	__le64 sequence;
	__le64 fence_epoch;
	__le64 position;
	__le64 committed;
	__le64 length;
	__le64 tag;
	__le32 flags;
	__le32 crc;
};

/**
 * struct npmu_ckpt_seal - where a writer began
 * @instance: the header's
 * @fence_epoch: of the writer that seals
 * @sequence: of the last update or base it accepted, 0: there was none
 * @end: position behind the last update it accepted
 * @base: sequence of the base it accepted, 0: there was none
 * @reserved: zero
 * @flags: zero
 * @crc: CRC32C of the seal with this field zero
 */
struct npmu_ckpt_seal {
	__le64 instance;
	__le64 fence_epoch;
	__le64 sequence;
	__le64 end;
	__le64 base;
	__le64 reserved[2];
	__le32 flags;
	__le32 crc;
};

/**
 * struct npmu_ckpt_reader_entry - what a named reader acknowledged
 * @instance: the header's; of another instance: free
 * @name: filled up with zeros, at least one byte of name and one zero; the characters are
 *	those of a region's name
 * @uid: the user who made it
 * @crc: CRC32C of @instance, @name and @uid
 * @position: all updates below it are acknowledged; written alone, by an aligned
 *	store of eight bytes, and not under the CRC
 * @reserved: zero
 *
 * Written by the kernel (NPMU_IOC_READER_ATTACH and NPMU_IOC_READER_ACK), so that a
 * reader needs no right to write.
 */
struct npmu_ckpt_reader_entry {
	__le64 instance;
	__u8 name[NPMU_CKPT_READER_NAME_LEN];
	__le32 uid;
	__le32 crc;
	__le64 position;
	__u8 reserved[24];
};

#endif /* _UAPI_LINUX_NPMU_CKPT_H */

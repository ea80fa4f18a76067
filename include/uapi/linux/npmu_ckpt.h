/* SPDX-License-Identifier: GPL-2.0-only WITH Linux-syscall-note */
/*
 * npmu checkpoint format, version 1: what libnpmu keeps inside a region.
 *
 * All fields are little-endian and every reserved byte is zero. CRC32C is
 * Castagnoli's, initial value and final inversion all ones.
 *
 *	0			header, copy 0
 *	NPMU_CKPT_HEADER1	header, copy 1
 *	slot_offset[0]		overwrite form: slot 0
 *	slot_offset[1]		overwrite form: slot 1
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

/* What stands behind the header. */
#define NPMU_CKPT_FORM_OVERWRITE 1
#define NPMU_CKPT_FORM_APPEND	2	/* reserved: base and update areas */

/* A bit of incompat that is not known: refused. Of compat: ignored. */
#define NPMU_CKPT_FEATURES_COMPAT	0ULL
#define NPMU_CKPT_FEATURES_INCOMPAT	0ULL

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
	__u8 form_data[96];
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
 * @reserved: zero
 * @flags: zero
 * @crc: CRC32C of the state, then of this header with this field zero
 */
struct npmu_ckpt_slot {
	__le64 instance;
	__le64 sequence;
	__le64 fence_epoch;
	__le64 length;
	__le64 tag;
	__le64 reserved[2];
	__le32 flags;
	__le32 crc;
};

#endif /* _UAPI_LINUX_NPMU_CKPT_H */

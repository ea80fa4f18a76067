/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of a checkpoint, linux/npmu_ckpt.h: reading and judging them, and
 * making the header. Every byte may be anything.
 */
#ifndef NPMU_LIB_CKPT_FORMAT_H
#define NPMU_LIB_CKPT_FORMAT_H

#include <stdbool.h>

#include <linux/npmu_ckpt.h>

#include "handle.h"

/* Sequences at and above this are not believed: nobody gets there. */
#define CKPT_SEQUENCE_END	(1ULL << 63)
#define CKPT_POSITION_END	(1ULL << 63)

/* What a valid header says, in this machine's byte order. */
struct ckpt_layout {
	uint64_t generation;
	uint64_t instance;
	uint64_t slot_offset[2];
	uint64_t slot_size;
	uint64_t capacity;
	uint32_t form;		/* NPMU_CKPT_FORM_* */
	uint32_t flags;		/* NPMU_CKPT_APPEND_F_* */
	uint64_t ring_offset;	/* append form, else 0 */
	uint64_t ring_size;
	bool copy_good[2];	/* which copies are valid and of this generation */
};

/* A slot's header, in this machine's byte order. */
struct ckpt_record {
	uint64_t instance;
	uint64_t sequence;
	uint64_t fence_epoch;
	uint64_t length;
	uint64_t tag;
	uint64_t position;	/* append form */
	uint32_t crc;
	bool plausible;		/* it may be of this instance: look at the CRC */
	struct npmu_ckpt_slot raw;
};

/**
 * npmu_ckpt_layout_load - judge the header of a checkpoint
 * @base: where the region is mapped
 * @size: bytes mapped
 * @form: NPMU_CKPT_FORM_* that it must have
 * @layout: filled in on success; on failure generation is that of a header that
 *	is to be replaced, or 0
 *
 * Return: 0; -ENODATA: fresh, or the making of a checkpoint was cut short;
 * -EMEDIUMTYPE: something else; -EUCLEAN: a damaged checkpoint;
 * -EPROTONOSUPPORT: an unknown version, form or feature.
 */
int npmu_ckpt_layout_load(const void *base, uint64_t size, uint32_t form,
			  struct ckpt_layout *layout);

/* Has the header been written since it was loaded? Cheaper than loading it again. */
bool npmu_ckpt_layout_moved(const void *base, const struct ckpt_layout *layout);

/* A static phrase for what npmu_ckpt_layout_load() returned. */
const char *npmu_ckpt_layout_phrase(int code);

/* The most that fits a region, or 0. */
uint64_t npmu_ckpt_max_capacity(uint64_t size);

/* Bytes that a slot takes for states of @capacity bytes, which fits a region. */
uint64_t npmu_ckpt_slot_size(uint64_t capacity);

/* A random instance, not 0. */
uint64_t npmu_ckpt_new_instance(void);

/**
 * npmu_ckpt_layout_make - make a checkpoint, in one durable step
 * @region: mapped for writing
 * @fence_epoch: of the writer
 * @layout: in: form, capacity, flags and ring_size of the new one, all of which fits,
 *	and generation and copy_good of what there was; out: the new one
 *
 * Return: 0 or a negative errno from persisting.
 */
int npmu_ckpt_layout_make(struct npmu_region *region, uint64_t fence_epoch,
			  struct ckpt_layout *layout);

/* Zero what both slots hold of a former instance. Return: as make. */
int npmu_ckpt_clear_slots(struct npmu_region *region,
			  const struct ckpt_layout *layout);

/* Write the copy that is not good again from its twin. Return: as make. */
int npmu_ckpt_layout_mend(struct npmu_region *region, struct ckpt_layout *layout);

/* Read the header of slot @i as it is at this moment. */
void npmu_ckpt_record_load(const void *base, const struct ckpt_layout *layout,
			   int i, struct ckpt_record *record);

/* Does a record's CRC hold for these bytes, record->length of them? */
bool npmu_ckpt_record_holds(const struct ckpt_layout *layout,
			    const struct ckpt_record *record, const void *data);

/* Where slot @i lies. */
static inline char *npmu_ckpt_slot_at(const void *base,
				      const struct ckpt_layout *layout, int i)
{
	return (char *)base + layout->slot_offset[i];
}

/* The sequence word of slot @i as it is at this moment. */
uint64_t npmu_ckpt_sequence_now(const void *base,
				const struct ckpt_layout *layout, int i);

#endif /* NPMU_LIB_CKPT_FORMAT_H */

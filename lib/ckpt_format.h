/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The header of a checkpoint, linux/npmu_ckpt.h: reading, judging and making it.
 * Every byte may be anything.
 */
#ifndef NPMU_LIB_CKPT_FORMAT_H
#define NPMU_LIB_CKPT_FORMAT_H

#include <stdbool.h>

#include <linux/npmu_ckpt.h>

#include "handle.h"

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

/* Write the copy that is not good again from its twin. Return: as make. */
int npmu_ckpt_layout_mend(struct npmu_region *region, struct ckpt_layout *layout);

#endif /* NPMU_LIB_CKPT_FORMAT_H */

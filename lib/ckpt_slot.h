/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The two slots of a checkpoint, linux/npmu_ckpt.h: which of them holds the current
 * state, or base. Every byte may be anything, and may change while it is read.
 */
#ifndef NPMU_LIB_CKPT_SLOT_H
#define NPMU_LIB_CKPT_SLOT_H

#include "ckpt_format.h"

/* Sequences at and above this are not believed: nobody gets there. */
#define CKPT_SEQUENCE_END	(1ULL << 63)
#define CKPT_POSITION_END	(1ULL << 63)

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

/* Zero what both slots hold of a former instance. Return: as make. */
int npmu_ckpt_clear_slots(struct npmu_region *region,
			  const struct ckpt_layout *layout);

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

/**
 * npmu_ckpt_find - find the current state
 * @base: where the region is mapped
 * @layout: of its checkpoint
 * @buf: where the state is copied to, so that what was copied is judged; or NULL
 * @cap: bytes there are
 * @record: the headers of both slots as they were looked at last
 * @slot: where it is
 *
 * A slot is read first and judged afterwards. As the writer leaves the current state alone
 * until a later one is committed, a look that finds none is one that the writer overtook,
 * and is taken again.
 *
 * Return: 0; -ENOENT: no slot holds a valid state; -EMSGSIZE: it is longer than @cap;
 * -EAGAIN: the writer was faster each time.
 */
int npmu_ckpt_find(const void *base, const struct ckpt_layout *layout, void *buf,
		   size_t cap, struct ckpt_record record[2], int *slot);

#endif /* NPMU_LIB_CKPT_SLOT_H */

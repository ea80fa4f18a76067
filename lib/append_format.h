/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The bytes of the append form, linux/npmu_ckpt.h: updates, seals, and the walk from one
 * update to the next. Every byte may be anything, and may change while it is read.
 */
#ifndef NPMU_LIB_APPEND_FORMAT_H
#define NPMU_LIB_APPEND_FORMAT_H

#include "ckpt_slot.h"

/* Longest length that any ring can hold; keeps sums far from wrapping. */
#define APPEND_LENGTH_END	(1ULL << 56)

/* An update's header, in this machine's byte order. */
struct append_update {
	uint64_t sequence;
	uint64_t fence_epoch;
	uint64_t position;
	uint64_t committed;
	uint64_t length;
	uint64_t tag;
	uint32_t crc;
	bool pad;
	struct npmu_ckpt_update raw;
};

/* The seal that counts. */
struct append_seal {
	bool there;		/* else all is zero */
	int slot;		/* where it is */
	uint64_t fence_epoch;
	uint64_t sequence;
	uint64_t end;
	uint64_t base;
};

/* How far a walk has come: behind the update that was accepted last. */
struct append_cursor {
	uint64_t position;
	uint64_t sequence;	/* the next one is above */
	uint64_t fence_epoch;	/* the next one's is not below */
};

/* Bytes that an update of @length bytes takes, header included. */
static inline uint64_t npmu_append_room(uint64_t length)
{
	return NPMU_CKPT_UPDATE_HEADER +
	       ((length + NPMU_CKPT_UPDATE_ALIGN - 1) & ~(NPMU_CKPT_UPDATE_ALIGN - 1));
}

/* Bytes from a position to the end of the ring. */
static inline uint64_t npmu_append_to_end(const struct ckpt_layout *layout,
					  uint64_t position)
{
	return layout->ring_size - position % layout->ring_size;
}

/* Where a position lies. */
static inline char *npmu_append_at(const void *base, const struct ckpt_layout *layout,
				   uint64_t position)
{
	return (char *)base + layout->ring_offset + position % layout->ring_size;
}

/*
 * The header at @position as it is at this moment; false: it cannot be that of an update
 * there. The CRC is not looked at.
 */
bool npmu_append_load(const void *base, const struct ckpt_layout *layout,
		      uint64_t position, struct append_update *update);

/* Does the CRC hold for what lies behind the header now? */
bool npmu_append_holds(const void *base, const struct ckpt_layout *layout,
		       const struct append_update *update);

/* The seal that counts at this moment. */
void npmu_append_seal_load(const void *base, const struct ckpt_layout *layout,
			   struct append_seal *seal);

/**
 * npmu_append_seal_write - make a new seal durable, in place of the older one
 * @region: mapped for writing
 * @layout: of its checkpoint
 * @seal: in: what is to be written; out: there
 *
 * Return: 0 or a negative errno from persisting.
 */
int npmu_append_seal_write(struct npmu_region *region, const struct ckpt_layout *layout,
			   struct append_seal *seal);

/**
 * npmu_append_step - accept the update behind the cursor
 * @base: where the region is mapped
 * @layout: of its checkpoint
 * @cursor: moved behind the update, and behind a pad before it, when it is accepted
 * @update: what was accepted
 *
 * Return: is it there? The seal is looked at after the update, so that one which was
 * stored behind a seal is not.
 */
bool npmu_append_step(const void *base, const struct ckpt_layout *layout,
		      struct append_cursor *cursor, struct append_update *update);

/**
 * npmu_append_lost - was there more behind a walk's end?
 * @base: where the region is mapped
 * @layout: of its checkpoint
 * @cursor: where npmu_append_step() found nothing
 * @limit: look at most that far, in bytes
 *
 * Return: something behind it had been committed, or built upon what was: the update at the
 * cursor is not unfinished but damaged.
 */
bool npmu_append_lost(const void *base, const struct ckpt_layout *layout,
		      const struct append_cursor *cursor, uint64_t limit);

/* Persist what lies between two positions, at most a ring apart. Return: as persist. */
int npmu_append_persist(struct npmu_region *region, const struct ckpt_layout *layout,
			uint64_t from, uint64_t to);

#endif /* NPMU_LIB_APPEND_FORMAT_H */

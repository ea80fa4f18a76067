// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Updates and seals. Owns what is valid, and which update follows which; knows
 * neither writers nor readers.
 */
#include <endian.h>
#include <stddef.h>
#include <string.h>

#include "append_format.h"
#include "crc32c.h"
#include "remote.h"

_Static_assert(sizeof(struct npmu_ckpt_update) == NPMU_CKPT_UPDATE_HEADER, "update");
_Static_assert(offsetof(struct npmu_ckpt_update, flags) == 56, "update flags");
_Static_assert(offsetof(struct npmu_ckpt_update, crc) == 60, "update crc");
_Static_assert(sizeof(struct npmu_ckpt_seal) == NPMU_CKPT_SEAL_SIZE, "seal");
_Static_assert(sizeof(struct npmu_ckpt_reader_entry) == NPMU_CKPT_READER_SIZE, "reader");
_Static_assert(offsetof(struct npmu_ckpt_reader_entry, position) == 32, "reader position");
_Static_assert(NPMU_CKPT_READERS + NPMU_CKPT_NR_READERS * NPMU_CKPT_READER_SIZE <=
	       NPMU_CKPT_HEADER1, "readers");

static const uint64_t seal_offset[2] = { NPMU_CKPT_SEAL0, NPMU_CKPT_SEAL1 };

bool npmu_append_load(const void *base, const struct ckpt_layout *layout,
		      uint64_t position, struct append_update *u)
{
	uint64_t left = npmu_append_to_end(layout, position);
	uint32_t flags;

	memcpy(&u->raw, npmu_append_at(base, layout, position), sizeof(u->raw));
	u->sequence = le64toh(u->raw.sequence);
	u->fence_epoch = le64toh(u->raw.fence_epoch);
	u->position = le64toh(u->raw.position);
	u->committed = le64toh(u->raw.committed);
	u->length = le64toh(u->raw.length);
	u->tag = le64toh(u->raw.tag);
	u->crc = le32toh(u->raw.crc);
	flags = le32toh(u->raw.flags);
	u->pad = flags & NPMU_CKPT_UPDATE_F_PAD;
	if (le64toh(u->raw.instance) != layout->instance || u->position != position ||
	    flags & ~NPMU_CKPT_UPDATE_F_PAD || !u->sequence ||
	    u->sequence >= CKPT_SEQUENCE_END || u->committed > position ||
	    u->length >= APPEND_LENGTH_END)
		return false;
	return u->pad ? npmu_append_room(u->length) == left :
			npmu_append_room(u->length) <= left;
}

bool npmu_append_holds(const void *base, const struct ckpt_layout *layout,
		       const struct append_update *u)
{
	struct npmu_ckpt_update raw = u->raw;
	uint32_t crc = 0;

	raw.crc = 0;
	if (!u->pad && !(layout->flags & NPMU_CKPT_APPEND_F_NO_CRC))
		crc = npmu_crc32c(0, npmu_append_at(base, layout, u->position) +
				  NPMU_CKPT_UPDATE_HEADER, (size_t)u->length);
	return npmu_crc32c(crc, &raw, sizeof(raw)) == u->crc;
}

/* A writer that was opened again under the same fence epoch seals further on. */
static bool seal_counts(const struct append_seal *seal, const struct npmu_ckpt_seal *raw)
{
	uint64_t fence_epoch = le64toh(raw->fence_epoch);

	return !seal->there || fence_epoch > seal->fence_epoch ||
	       (fence_epoch == seal->fence_epoch && le64toh(raw->end) > seal->end);
}

static uint32_t seal_crc(struct npmu_ckpt_seal raw)
{
	raw.crc = 0;
	return npmu_crc32c(0, &raw, sizeof(raw));
}

void npmu_append_seal_load(const void *base, const struct ckpt_layout *layout,
			   struct append_seal *seal)
{
	struct npmu_ckpt_seal raw;
	int i;

	memset(seal, 0, sizeof(*seal));
	for (i = 0; i < 2; i++) {
		memcpy(&raw, (const char *)base + seal_offset[i], sizeof(raw));
		if (le64toh(raw.instance) != layout->instance || raw.flags ||
		    raw.reserved[0] || raw.reserved[1] ||
		    le64toh(raw.end) >= CKPT_POSITION_END ||
		    le64toh(raw.end) % NPMU_CKPT_UPDATE_ALIGN ||
		    le32toh(raw.crc) != seal_crc(raw) || !seal_counts(seal, &raw))
			continue;
		seal->there = true;
		seal->slot = i;
		seal->fence_epoch = le64toh(raw.fence_epoch);
		seal->sequence = le64toh(raw.sequence);
		seal->end = le64toh(raw.end);
		seal->base = le64toh(raw.base);
	}
}

int npmu_append_seal_write(struct npmu_region *region, const struct ckpt_layout *layout,
			   struct append_seal *seal)
{
	struct npmu_ckpt_seal raw = {
		.instance = htole64(layout->instance),
		.fence_epoch = htole64(seal->fence_epoch),
		.sequence = htole64(seal->sequence),
		.end = htole64(seal->end),
		.base = htole64(seal->base),
	};
	struct append_seal old;

	raw.crc = htole32(seal_crc(raw));
	npmu_look(region, 0, NPMU_CKPT_SLOTS_START);
	npmu_append_seal_load(region->addr, layout, &old);
	seal->slot = old.there ? !old.slot : 0;
	seal->there = true;
	return npmu_memcpy_persist(region, (char *)region->addr + seal_offset[seal->slot],
				   &raw, sizeof(raw));
}

/*
 * May an update follow the cursor, its CRC apart? What our own writers leave at the position
 * where the cursor stands never has too low a sequence: a position is used a second time only
 * under a higher fence epoch, and its seal cuts off what was there. The sequence is what holds
 * for bytes that came otherwise: in order, none twice.
 */
static bool follows(const struct append_cursor *cursor, const struct append_update *u)
{
	return u->sequence > cursor->sequence && u->fence_epoch >= cursor->fence_epoch;
}

static bool sealed_off(const struct append_seal *seal, const struct append_update *u)
{
	return u->fence_epoch < seal->fence_epoch && u->position >= seal->end;
}

/* One update or pad. */
static bool step_one(const void *base, const struct ckpt_layout *layout,
		     const struct append_cursor *cursor, struct append_update *u)
{
	struct append_seal seal;

	if (!npmu_append_load(base, layout, cursor->position, u) || !follows(cursor, u) ||
	    !npmu_append_holds(base, layout, u))
		return false;
	/* What was read before must not be read after. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	npmu_append_seal_load(base, layout, &seal);
	return !seal.there || !sealed_off(&seal, u);
}

bool npmu_append_step(const void *base, const struct ckpt_layout *layout,
		      struct append_cursor *cursor, struct append_update *u)
{
	struct append_cursor next = *cursor;

	if (!step_one(base, layout, &next, u))
		return false;
	if (u->pad) {
		next.position += npmu_append_room(u->length);
		next.fence_epoch = u->fence_epoch;
		if (!step_one(base, layout, &next, u) || u->pad)
			return false;
	}
	cursor->position = u->position + npmu_append_room(u->length);
	cursor->sequence = u->sequence;
	cursor->fence_epoch = u->fence_epoch;
	return true;
}

bool npmu_append_lost(const void *base, const struct ckpt_layout *layout,
		      const struct append_cursor *cursor, uint64_t limit)
{
	struct append_update u;
	struct append_seal seal;
	uint64_t ahead;

	npmu_append_seal_load(base, layout, &seal);
	if (seal.there && seal.end > cursor->position)
		return true;
	if (limit > layout->ring_size)
		limit = layout->ring_size;
	for (ahead = NPMU_CKPT_UPDATE_ALIGN; ahead < limit; ahead += NPMU_CKPT_UPDATE_ALIGN)
		if (npmu_append_load(base, layout, cursor->position + ahead, &u) &&
		    u.committed > cursor->position && follows(cursor, &u) &&
		    !sealed_off(&seal, &u) && npmu_append_holds(base, layout, &u))
			return true;
	return false;
}

int npmu_append_persist(struct npmu_region *region, const struct ckpt_layout *layout,
			uint64_t from, uint64_t to)
{
	uint64_t first = npmu_append_to_end(layout, from);
	uint64_t len = to - from;
	int code = 0;

	if (first > len)
		first = len;
	if (first)
		code = npmu_persist_seen(region, npmu_append_at(region->addr, layout, from),
					 (size_t)first);
	if (!code && len > first)
		code = npmu_persist_seen(region,
					 npmu_append_at(region->addr, layout, to - (len - first)),
					 (size_t)(len - first));
	return code;
}

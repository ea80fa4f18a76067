// SPDX-License-Identifier: GPL-2.0-only
/*
 * The checkpoint format: what is valid. Must not know where the bytes come from: every
 * one of them may be anything, and each length and offset is checked before it is used.
 */
#include "ckpt.h"
#include "format.h"
#include "range.h"

static_assert(sizeof(struct npmu_ckpt_header) == NPMU_CKPT_HEADER_SIZE, "frozen");
static_assert(offsetof(struct npmu_ckpt_header, generation) == 32, "frozen");
static_assert(offsetof(struct npmu_ckpt_header, form_data) == 96, "frozen");
static_assert(offsetof(struct npmu_ckpt_header, crc) == 252, "frozen");
static_assert(sizeof(struct npmu_ckpt_append) == 96, "frozen");
static_assert(sizeof(struct npmu_ckpt_slot) == NPMU_CKPT_SLOT_HEADER, "frozen");
static_assert(offsetof(struct npmu_ckpt_slot, crc) == 60, "frozen");
static_assert(sizeof(struct npmu_ckpt_update) == NPMU_CKPT_UPDATE_HEADER, "frozen");
static_assert(offsetof(struct npmu_ckpt_update, crc) == 60, "frozen");
static_assert(sizeof(struct npmu_ckpt_seal) == NPMU_CKPT_SEAL_SIZE, "frozen");
static_assert(offsetof(struct npmu_ckpt_seal, crc) == 60, "frozen");
static_assert(sizeof(struct npmu_ckpt_reader_entry) == NPMU_CKPT_READER_SIZE, "frozen");
static_assert(offsetof(struct npmu_ckpt_reader_entry, crc) == 28, "frozen");
static_assert(offsetof(struct npmu_ckpt_reader_entry, position) == 32, "frozen");
/* Readers, seals and both copies keep off each other. */
static_assert(NPMU_CKPT_SEAL0 >= NPMU_CKPT_HEADER_SIZE, "apart");
static_assert(NPMU_CKPT_READERS >= NPMU_CKPT_SEAL0 + NPMU_CKPT_SEAL_SIZE, "apart");
static_assert(NPMU_CKPT_READERS + NPMU_CKPT_NR_READERS * NPMU_CKPT_READER_SIZE <=
	      NPMU_CKPT_HEADER1, "apart");

#define SUMMED_HEADER	offsetof(struct npmu_ckpt_update, crc)

u32 npmu_ckpt_sum(u32 crc, const void *header)
{
	const __le32 zero = 0;

	crc = npmu_crc32c(crc, header, SUMMED_HEADER);
	return npmu_crc32c(crc, &zero, sizeof(zero));
}

static bool header_sealed(const struct npmu_ckpt_header *h)
{
	const __le32 zero = 0;
	u32 crc;

	if (le64_to_cpu(h->magic) != NPMU_CKPT_MAGIC)
		return false;
	crc = npmu_crc32c(0, h, offsetof(struct npmu_ckpt_header, crc));
	return npmu_crc32c(crc, &zero, sizeof(zero)) == le32_to_cpu(h->crc);
}

/* Neither of two ranges reaches into the other. Cannot wrap. */
static bool apart(u64 a, u64 a_len, u64 b, u64 b_len)
{
	return a < b ? b - a >= a_len : a - b >= b_len;
}

static bool area_ok(u64 off, u64 len, u64 size)
{
	return !((off | len) & (NPMU_CKPT_SLOT_ALIGN - 1)) && off >= NPMU_CKPT_SLOTS_START &&
	       npmu_range_ok(off, len, size);
}

static bool slots_ok(const struct npmu_ckpt_geometry *g, u64 size)
{
	return g->slot_size >= NPMU_CKPT_SLOT_HEADER &&
	       g->capacity <= g->slot_size - NPMU_CKPT_SLOT_HEADER &&
	       area_ok(g->slot_offset[0], g->slot_size, size) &&
	       area_ok(g->slot_offset[1], g->slot_size, size) &&
	       apart(g->slot_offset[0], g->slot_size, g->slot_offset[1], g->slot_size);
}

static bool ring_ok(const struct npmu_ckpt_geometry *g, u64 size)
{
	return g->ring_size >= NPMU_CKPT_MIN_RING && area_ok(g->ring_offset, g->ring_size, size) &&
	       apart(g->ring_offset, g->ring_size, g->slot_offset[0], g->slot_size) &&
	       apart(g->ring_offset, g->ring_size, g->slot_offset[1], g->slot_size);
}

static int judge(const struct npmu_ckpt_header *h, u64 size, struct npmu_ckpt_geometry *g)
{
	u32 form = le32_to_cpu(h->form);
	u32 flags = le32_to_cpu(h->append.flags);
	bool append = form == NPMU_CKPT_FORM_APPEND;

	if (le32_to_cpu(h->version) != NPMU_CKPT_VERSION ||
	    (!append && form != NPMU_CKPT_FORM_OVERWRITE) ||
	    le64_to_cpu(h->incompat) & ~NPMU_CKPT_FEATURES_INCOMPAT ||
	    (append && flags & ~NPMU_CKPT_APPEND_F_NO_CRC))
		return -EPROTONOSUPPORT;

	memset(g, 0, sizeof(*g));
	g->generation = le64_to_cpu(h->generation);
	g->instance = le64_to_cpu(h->instance);
	g->slot_offset[0] = le64_to_cpu(h->slot_offset[0]);
	g->slot_offset[1] = le64_to_cpu(h->slot_offset[1]);
	g->slot_size = le64_to_cpu(h->slot_size);
	g->capacity = le64_to_cpu(h->capacity);
	g->fence_epoch = le64_to_cpu(h->fence_epoch);
	g->created = le64_to_cpu(h->created);
	g->form = form;
	if (!g->instance || !slots_ok(g, size) ||
	    !npmu_bytes_zero(h->reserved, sizeof(h->reserved)))
		return -EUCLEAN;
	if (!append)
		return npmu_bytes_zero(h->form_data, sizeof(h->form_data)) ? 0 : -EUCLEAN;

	g->ring_offset = le64_to_cpu(h->append.ring_offset);
	g->ring_size = le64_to_cpu(h->append.ring_size);
	g->no_crc = flags & NPMU_CKPT_APPEND_F_NO_CRC;
	if (!ring_ok(g, size) || !npmu_bytes_zero(h->append.reserved, sizeof(h->append.reserved)))
		return -EUCLEAN;
	return 0;
}

int npmu_ckpt_pick_header(const struct npmu_ckpt_header copy[2], u64 size,
			  struct npmu_ckpt_geometry *geometry)
{
	bool sealed[2] = { header_sealed(&copy[0]), header_sealed(&copy[1]) };
	int best;

	if (!sealed[0] && !sealed[1])
		return le64_to_cpu(copy[0].magic) == NPMU_CKPT_MAGIC ||
		       le64_to_cpu(copy[1].magic) == NPMU_CKPT_MAGIC ? -EUCLEAN : -EMEDIUMTYPE;
	best = !sealed[0] || (sealed[1] && le64_to_cpu(copy[1].generation) >
					   le64_to_cpu(copy[0].generation));
	return judge(&copy[best], size, geometry);
}

static bool sequence_ok(u64 sequence)
{
	return sequence && sequence < NPMU_CKPT_END;
}

bool npmu_ckpt_check_slot(const struct npmu_ckpt_slot *slot,
			  const struct npmu_ckpt_geometry *geometry,
			  struct npmu_ckpt_record *record)
{
	record->sequence = le64_to_cpu(slot->sequence);
	record->fence_epoch = le64_to_cpu(slot->fence_epoch);
	record->position = le64_to_cpu(slot->position);
	record->length = le64_to_cpu(slot->length);
	record->tag = le64_to_cpu(slot->tag);
	record->crc = le32_to_cpu(slot->crc);
	record->pad = false;
	return le64_to_cpu(slot->instance) == geometry->instance &&
	       sequence_ok(record->sequence) && record->length <= geometry->capacity &&
	       !slot->flags && !slot->reserved &&
	       (geometry->form == NPMU_CKPT_FORM_APPEND ? npmu_ckpt_position_ok(record->position) :
							  !record->position);
}

bool npmu_ckpt_check_update(const struct npmu_ckpt_update *update,
			    const struct npmu_ckpt_geometry *geometry, u64 position,
			    struct npmu_ckpt_record *record)
{
	/* At least one header, since both are multiples of its size. */
	u64 rest = geometry->ring_size - position % geometry->ring_size;
	u32 flags = le32_to_cpu(update->flags);

	record->sequence = le64_to_cpu(update->sequence);
	record->fence_epoch = le64_to_cpu(update->fence_epoch);
	record->position = le64_to_cpu(update->position);
	record->length = le64_to_cpu(update->length);
	record->tag = le64_to_cpu(update->tag);
	record->crc = le32_to_cpu(update->crc);
	record->pad = flags & NPMU_CKPT_UPDATE_F_PAD;
	return le64_to_cpu(update->instance) == geometry->instance &&
	       record->position == position && npmu_ckpt_position_ok(position) &&
	       sequence_ok(record->sequence) && le64_to_cpu(update->committed) <= position &&
	       !(flags & ~NPMU_CKPT_UPDATE_F_PAD) &&
	       record->length <= rest - NPMU_CKPT_UPDATE_HEADER &&
	       (!record->pad || record->length == rest - NPMU_CKPT_UPDATE_HEADER);
}

bool npmu_ckpt_check_seal(const struct npmu_ckpt_seal *seal,
			  const struct npmu_ckpt_geometry *geometry,
			  struct npmu_ckpt_sealed *sealed)
{
	sealed->fence_epoch = le64_to_cpu(seal->fence_epoch);
	sealed->sequence = le64_to_cpu(seal->sequence);
	sealed->end = le64_to_cpu(seal->end);
	sealed->base = le64_to_cpu(seal->base);
	return le64_to_cpu(seal->instance) == geometry->instance &&
	       npmu_ckpt_position_ok(sealed->end) && !seal->flags &&
	       npmu_bytes_zero(seal->reserved, sizeof(seal->reserved)) &&
	       npmu_ckpt_sum(0, seal) == le32_to_cpu(seal->crc);
}

bool npmu_ckpt_reader_name_ok(const u8 name[NPMU_CKPT_READER_NAME_LEN])
{
	return npmu_name_field_ok(name, NPMU_CKPT_READER_NAME_LEN);
}

static u32 reader_crc(const struct npmu_ckpt_reader_entry *entry)
{
	return npmu_crc32c(0, entry, offsetof(struct npmu_ckpt_reader_entry, crc));
}

bool npmu_ckpt_check_reader(const struct npmu_ckpt_reader_entry *entry, u64 instance,
			    struct npmu_ckpt_named *named)
{
	memcpy(named->name, entry->name, sizeof(named->name));
	named->uid = le32_to_cpu(entry->uid);
	named->position = le64_to_cpu(entry->position);
	return instance && le64_to_cpu(entry->instance) == instance &&
	       npmu_ckpt_reader_name_ok(entry->name) && npmu_ckpt_position_ok(named->position) &&
	       npmu_bytes_zero(entry->reserved, sizeof(entry->reserved)) &&
	       reader_crc(entry) == le32_to_cpu(entry->crc);
}

void npmu_ckpt_make_reader(struct npmu_ckpt_reader_entry *entry, u64 instance,
			   const struct npmu_ckpt_named *named)
{
	memset(entry, 0, sizeof(*entry));
	entry->instance = cpu_to_le64(instance);
	memcpy(entry->name, named->name, sizeof(entry->name));
	entry->uid = cpu_to_le32(named->uid);
	entry->crc = cpu_to_le32(reader_crc(entry));
	entry->position = cpu_to_le64(named->position);
}

struct npmu_ckpt_walk npmu_ckpt_walk_begin(const struct npmu_ckpt_record *base)
{
	return (struct npmu_ckpt_walk) {
		.sequence = base->sequence,
		.fence_epoch = base->fence_epoch,
		.start = base->position,
		.position = base->position,
	};
}

bool npmu_ckpt_walk_on(struct npmu_ckpt_walk *walk, const struct npmu_ckpt_record *record,
		       const struct npmu_ckpt_geometry *geometry,
		       const struct npmu_ckpt_sealed *seal)
{
	u64 room = npmu_ckpt_update_room(record->length);

	if (record->sequence <= walk->sequence || record->fence_epoch < walk->fence_epoch)
		return false;
	/* What is not base and not update is overwritten next: no more than one round. */
	if (room > geometry->ring_size - (walk->position - walk->start))
		return false;
	if (seal && record->fence_epoch < seal->fence_epoch &&
	    (walk->position >= seal->end || room > seal->end - walk->position))
		return false;
	walk->fence_epoch = record->fence_epoch;
	walk->position += room;
	/* A pad has the sequence of the update behind it. */
	walk->sequence = record->sequence - record->pad;
	return true;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The slots of a checkpoint. Owns what is valid in them and which is current; knows
 * neither commits nor readers.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "ckpt_slot.h"
#include "crc32c.h"

_Static_assert(sizeof(struct npmu_ckpt_slot) == NPMU_CKPT_SLOT_HEADER, "slot");
_Static_assert(offsetof(struct npmu_ckpt_slot, sequence) == 8, "sequence");
_Static_assert(offsetof(struct npmu_ckpt_slot, position) == 40, "position");
_Static_assert(offsetof(struct npmu_ckpt_slot, crc) == 60, "slot crc");

#define MAX_TRIES	64	/* then the writer is faster: -EAGAIN */
#define STILL_TRIES	3	/* the slots do not move and are not valid */

int npmu_ckpt_clear_slots(struct npmu_region *region,
			  const struct ckpt_layout *layout)
{
	const struct npmu_ckpt_slot none = { 0 };
	int i, code = 0;

	for (i = 0; i < 2 && !code; i++)
		code = npmu_memcpy_persist(region,
					   npmu_ckpt_slot_at(region->addr, layout, i),
					   &none, sizeof(none));
	return code;
}

void npmu_ckpt_record_load(const void *base, const struct ckpt_layout *layout,
			   int i, struct ckpt_record *r)
{
	struct npmu_ckpt_slot *raw = &r->raw;

	memcpy(raw, npmu_ckpt_slot_at(base, layout, i), sizeof(*raw));
	r->instance = le64toh(raw->instance);
	r->sequence = le64toh(raw->sequence);
	r->fence_epoch = le64toh(raw->fence_epoch);
	r->length = le64toh(raw->length);
	r->tag = le64toh(raw->tag);
	r->position = le64toh(raw->position);
	r->crc = le32toh(raw->crc);
	r->plausible = r->instance == layout->instance && r->sequence &&
		       r->sequence < CKPT_SEQUENCE_END &&
		       r->length <= layout->capacity && !raw->flags &&
		       !raw->reserved;
	if (layout->form == NPMU_CKPT_FORM_APPEND)
		r->plausible &= r->position < CKPT_POSITION_END &&
				r->position % NPMU_CKPT_UPDATE_ALIGN == 0;
	else
		r->plausible &= !r->position;
}

bool npmu_ckpt_record_holds(const struct ckpt_layout *layout,
			    const struct ckpt_record *record, const void *data)
{
	struct npmu_ckpt_slot raw = record->raw;
	uint32_t crc = 0;

	if (!record->plausible)
		return false;
	raw.crc = 0;
	if (!(layout->flags & NPMU_CKPT_APPEND_F_NO_CRC))
		crc = npmu_crc32c(0, data, (size_t)record->length);
	return npmu_crc32c(crc, &raw, sizeof(raw)) == record->crc;
}

uint64_t npmu_ckpt_sequence_now(const void *base,
				const struct ckpt_layout *layout, int i)
{
	const volatile struct npmu_ckpt_slot *slot =
		(const void *)npmu_ckpt_slot_at(base, layout, i);
	uint64_t word;

	/* What was read before must not be read after. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	word = slot->sequence;
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return le64toh(word);
}

/* Return: is it valid? 1 or 0; -EMSGSIZE: it is, but too long. */
static int try_slot(const void *base, const struct ckpt_layout *layout,
		    const struct ckpt_record *record, int i, void *buf, size_t cap)
{
	const char *state = npmu_ckpt_slot_at(base, layout, i) + NPMU_CKPT_SLOT_HEADER;

	if (!record->plausible)
		return 0;
	if (!buf)
		return npmu_ckpt_record_holds(layout, record, state);
	if (record->length > cap)
		return npmu_ckpt_record_holds(layout, record, state) ? -EMSGSIZE : 0;
	memcpy(buf, state, (size_t)record->length);
	return npmu_ckpt_record_holds(layout, record, buf);
}

static bool same_raw(const struct ckpt_record *a, const struct ckpt_record *b)
{
	return !memcmp(&a[0].raw, &b[0].raw, sizeof(a[0].raw)) &&
	       !memcmp(&a[1].raw, &b[1].raw, sizeof(a[1].raw));
}

int npmu_ckpt_find(const void *base, const struct ckpt_layout *layout, void *buf,
		   size_t cap, struct ckpt_record record[2], int *slot)
{
	struct ckpt_record before[2];
	int tries, still = 0;
	int i, code;

	memset(before, 0, sizeof(before));
	for (tries = 0; tries < MAX_TRIES; tries++) {
		for (i = 0; i < 2; i++)
			npmu_ckpt_record_load(base, layout, i, &record[i]);
		*slot = record[1].plausible &&
			(!record[0].plausible ||
			 record[1].sequence > record[0].sequence);
		for (i = 0; i < 2; i++, *slot = !*slot) {
			code = try_slot(base, layout, &record[*slot], *slot, buf, cap);
			if (code)
				return code > 0 ? 0 : code;
		}
		/*
		 * Neither: one was torn, and the other overwritten meanwhile.
		 * Then the next look finds a header that has moved on, or the
		 * torn one whole.
		 */
		if (!same_raw(record, before))
			still = 0;
		else if (++still == STILL_TRIES)
			return -ENOENT;
		memcpy(before, record, sizeof(before));
	}
	return -EAGAIN;
}

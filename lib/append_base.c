// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Writing a base. Owns the order of its stores and fences; the ring and what ends a
 * commit are append_write.c's.
 */
#include <endian.h>
#include <stddef.h>

#include "append_write.h"
#include "crc32c.h"
#include "remote.h"

#define SLOT_WORD(member)	(offsetof(struct npmu_ckpt_slot, member) / 8)

static int persist_slot(struct npmu_append_writer *w, const char *slot, size_t len)
{
	if (!w->region->ops->flush)
		return npmu_persist_stored(w->region, slot, len);
	return npmu_drain(w->region);
}

static int write_base(struct npmu_append_writer *w, const struct iovec *iov, int n,
		      uint64_t length, uint64_t tag)
{
	/* A struct npmu_ckpt_slot, as whole words: see npmu_store_line(). */
	uint64_t word[8] = {
		[SLOT_WORD(instance)] = htole64(w->layout.instance),
		[SLOT_WORD(sequence)] = htole64(w->next_sequence),
		[SLOT_WORD(fence_epoch)] = htole64(w->claim.fence_epoch),
		[SLOT_WORD(length)] = htole64(length),
		[SLOT_WORD(tag)] = htole64(tag),
		[SLOT_WORD(position)] = htole64(w->end),
	};
	char *slot = npmu_ckpt_slot_at(w->region->addr, &w->layout, w->next_slot);
	size_t size = NPMU_CKPT_SLOT_HEADER + (size_t)length;
	bool has_crc = npmu_append_has_crc(w);
	uint32_t crc;
	int code = 0;

	if (!has_crc) {
		/* What the slot holds is no base any more before it changes. */
		npmu_store_word(slot + LAST_WORD * 8, 0);
		npmu_stored(w->region, slot + LAST_WORD * 8, 8);
		code = persist_slot(w, slot, NPMU_CKPT_SLOT_HEADER);
	}
	crc = npmu_store_pieces(w->region, slot + NPMU_CKPT_SLOT_HEADER, iov, n, has_crc, true);
	crc = npmu_crc32c(crc, word, sizeof(word));
	if (has_crc)
		word[LAST_WORD] = npmu_append_commit_word(0, crc);
	npmu_store_line(slot, word);
	npmu_stored(w->region, slot, sizeof(word));
	if (!code && !has_crc) {
		code = persist_slot(w, slot, size);
		word[LAST_WORD] = npmu_append_commit_word(0, crc);
		npmu_store_line(slot, word);
		npmu_stored(w->region, slot, sizeof(word));
		size = NPMU_CKPT_SLOT_HEADER;
	}
	if (!code && !w->region->ops->flush)
		code = persist_slot(w, slot, size);
	return code;
}

int npmu_append_base(struct npmu_append_writer *w, const struct iovec *iov, int n,
		     uint64_t tag)
{
	uint64_t length;
	int code;

	code = npmu_append_admit(w, iov, n, w->layout.capacity, &length);
	if (!code && w->committed != w->end)
		code = npmu_append_commit(w);
	if (code)
		return code;
	code = write_base(w, iov, n, length, tag);
	w->next_sequence++;
	code = npmu_append_conclude(w, code);
	if (code)
		return code;
	/* Durable: what it stands for may be overwritten. */
	w->base_position = w->end;
	w->next_slot = !w->next_slot;
	return 0;
}

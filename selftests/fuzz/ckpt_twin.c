// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The naive twin of the checkpoint reader: one condition a line. Shares structures
 * and CRC with the library and must share no check.
 */
#include <endian.h>
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "ckpt_twin.h"
#include "crc32c.h"

static bool zeros(const void *p, size_t len)
{
	const unsigned char *byte = p;
	size_t i;

	for (i = 0; i < len; i++)
		if (byte[i])
			return false;
	return true;
}

static bool valid_header(const unsigned char *at)
{
	struct npmu_ckpt_header h;
	uint32_t crc;

	memcpy(&h, at, sizeof(h));
	crc = le32toh(h.crc);
	h.crc = 0;
	return !memcmp(&h.magic, "NPMUCKPT", 8) && crc == npmu_crc32c(0, &h, sizeof(h));
}

/* What a header cut short while it was made may look like. */
static bool unborn(const unsigned char *at)
{
	struct npmu_ckpt_header h;
	uint32_t version, form;

	memcpy(&h, at, sizeof(h));
	version = le32toh(h.version);
	form = le32toh(h.form);
	if (h.magic || h.compat || h.incompat || !zeros(h.reserved, sizeof(h.reserved)) ||
	    !zeros(at + 256, 4096 - 256) || !zeros(h.append.reserved, sizeof(h.append.reserved)))
		return false;
	if (version == 1 && form == 1)
		return zeros(h.form_data, sizeof(h.form_data));
	return (version == 0 && form == 0) || (version == 1 && form == 2);
}

bool twin_sealed(const struct npmu_ckpt_slot *slot, const void *state)
{
	struct npmu_ckpt_slot s = *slot;

	s.crc = 0;
	return npmu_crc32c(npmu_crc32c(0, state, le64toh(s.length)), &s, sizeof(s)) ==
	       le32toh(slot->crc);
}

int twin_find(const unsigned char *base, size_t size, const unsigned char **state,
	      struct npmu_ckpt_slot *slot)
{
	uint64_t at[2], slot_size, capacity, sequence, best = 0;
	struct npmu_ckpt_header h, other;
	struct npmu_ckpt_slot s;
	bool good[2], used = false;
	int i;

	if (size < 8192)
		return -EMEDIUMTYPE;
	for (i = 0; i < 2; i++)
		good[i] = valid_header(base + 4096 * i);
	if (!good[0] && !good[1]) {
		if (unborn(base) && unborn(base + 4096))
			return -ENODATA;
		return !memcmp(base, "NPMUCKPT", 8) || !memcmp(base + 4096, "NPMUCKPT", 8) ?
		       -EUCLEAN : -EMEDIUMTYPE;
	}
	memcpy(&h, base + (good[0] ? 0 : 4096), sizeof(h));
	memcpy(&other, base + 4096, sizeof(other));
	if (good[1] && le64toh(other.generation) > le64toh(h.generation))
		h = other;
	if (le32toh(h.version) != 1 || le32toh(h.form) != 1 || h.incompat)
		return -EPROTONOSUPPORT;
	slot_size = le64toh(h.slot_size);
	capacity = le64toh(h.capacity);
	for (i = 0; i < 2; i++) {
		at[i] = le64toh(h.slot_offset[i]);
		if (at[i] < 8192 || at[i] % 4096 || (unsigned __int128)at[i] + slot_size > size)
			return -EUCLEAN;
	}
	if (!h.instance || slot_size < 64 || slot_size % 4096 || capacity > slot_size - 64 ||
	    (at[0] < at[1] + slot_size && at[1] < at[0] + slot_size) ||
	    !zeros(h.form_data, sizeof(h.form_data)) || !zeros(h.reserved, sizeof(h.reserved)))
		return -EUCLEAN;
	for (i = 0; i < 2; i++) {
		memcpy(&s, base + at[i], sizeof(s));
		sequence = le64toh(s.sequence);
		if (s.instance != h.instance || !sequence || sequence >> 63 ||
		    le64toh(s.length) > capacity || s.flags || s.position || s.reserved)
			continue;
		used |= sequence > 1;
		if (sequence > best && twin_sealed(&s, base + at[i] + 64)) {
			best = sequence;
			*slot = s;
			*state = base + at[i] + 64;
		}
	}
	return best ? 0 : used ? -EUCLEAN : -ENODATA;
}

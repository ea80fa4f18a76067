// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A checkpoint written byte by byte, as npmu_ckpt.h has it. Owns nothing of libnpmu: what
 * it writes is what the document says.
 */
#include <endian.h>
#include <string.h>

#include "../../lib/crc32c.h"
#include "ckptimage.h"

struct npmu_ckpt_header ckpt_header(uint32_t form, uint64_t instance, uint64_t generation)
{
	struct npmu_ckpt_header h;

	memset(&h, 0, sizeof(h));
	h.magic = htole64(NPMU_CKPT_MAGIC);
	h.version = htole32(NPMU_CKPT_VERSION);
	h.form = htole32(form);
	h.generation = htole64(generation);
	h.instance = htole64(instance);
	h.slot_offset[0] = htole64(NPMU_CKPT_SLOTS_START);
	h.slot_offset[1] = htole64(NPMU_CKPT_SLOTS_START + CKPT_SLOT);
	h.slot_size = htole64(CKPT_SLOT);
	h.capacity = htole64(CKPT_SLOT - NPMU_CKPT_SLOT_HEADER);
	h.created = htole64(1700000000);
	if (form == NPMU_CKPT_FORM_APPEND) {
		h.append.ring_offset = htole64(CKPT_RING_AT);
		h.append.ring_size = htole64(CKPT_RING);
	}
	return h;
}

void ckpt_put_header(void *map, struct npmu_ckpt_header h)
{
	h.crc = 0;
	h.crc = htole32(npmu_crc32c(0, &h, sizeof(h)));
	memcpy((char *)map + NPMU_CKPT_HEADER0, &h, sizeof(h));
	memcpy((char *)map + NPMU_CKPT_HEADER1, &h, sizeof(h));
}

void ckpt_make(struct ckpt_image *img, void *map, uint32_t form, uint64_t instance)
{
	memset(img, 0, sizeof(*img));
	img->map = map;
	img->instance = instance;
	img->epoch = 1;
	ckpt_put_header(map, ckpt_header(form, instance, 1));
}

void ckpt_base(struct ckpt_image *img, int slot, uint8_t fill, uint64_t len, uint64_t tag)
{
	char *at = img->map + NPMU_CKPT_SLOTS_START + slot * CKPT_SLOT;
	struct npmu_ckpt_slot s;

	memset(&s, 0, sizeof(s));
	s.instance = htole64(img->instance);
	s.sequence = htole64(++img->sequence);
	s.fence_epoch = htole64(img->epoch);
	s.length = htole64(len);
	s.tag = htole64(tag);
	s.position = htole64(img->position);
	memset(at + sizeof(s), fill, len);
	s.crc = htole32(npmu_crc32c(npmu_crc32c(0, at + sizeof(s), len), &s, sizeof(s)));
	memcpy(at, &s, sizeof(s));
}

static struct npmu_ckpt_update *put_update(struct ckpt_image *img, uint64_t sequence, uint64_t len,
					   uint64_t tag, uint32_t flags)
{
	char *at = img->map + CKPT_RING_AT + img->position % CKPT_RING;
	struct npmu_ckpt_update u;
	uint32_t crc = 0;

	memset(&u, 0, sizeof(u));
	u.instance = htole64(img->instance);
	u.sequence = htole64(sequence);
	u.fence_epoch = htole64(img->epoch);
	u.position = htole64(img->position);
	u.committed = htole64(img->position);
	u.length = htole64(len);
	u.tag = htole64(tag);
	u.flags = htole32(flags);
	if (!flags) {
		memset(at + sizeof(u), (int)tag, len);
		crc = npmu_crc32c(0, at + sizeof(u), len);
	}
	u.crc = htole32(npmu_crc32c(crc, &u, sizeof(u)));
	memcpy(at, &u, sizeof(u));
	img->position += sizeof(u) + (len + NPMU_CKPT_UPDATE_ALIGN - 1) /
			 NPMU_CKPT_UPDATE_ALIGN * NPMU_CKPT_UPDATE_ALIGN;
	return (void *)at;
}

struct npmu_ckpt_update *ckpt_update(struct ckpt_image *img, uint64_t len, uint64_t tag)
{
	return put_update(img, ++img->sequence, len, tag, 0);
}

void ckpt_pad(struct ckpt_image *img)
{
	uint64_t rest = CKPT_RING - img->position % CKPT_RING;

	put_update(img, img->sequence + 1, rest - NPMU_CKPT_UPDATE_HEADER, 0,
		   NPMU_CKPT_UPDATE_F_PAD);
}

void ckpt_seal(struct ckpt_image *img, int which, uint64_t epoch, uint64_t end)
{
	struct npmu_ckpt_seal s;

	memset(&s, 0, sizeof(s));
	s.instance = htole64(img->instance);
	s.fence_epoch = htole64(epoch);
	s.sequence = htole64(img->sequence);
	s.end = htole64(end);
	s.base = htole64(1);
	s.crc = htole32(npmu_crc32c(0, &s, sizeof(s)));
	memcpy(img->map + (which ? NPMU_CKPT_SEAL1 : NPMU_CKPT_SEAL0), &s, sizeof(s));
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The header of a checkpoint. Owns what is valid and how a header is made; knows
 * neither what is committed nor who reads it.
 */
#include <endian.h>
#include <errno.h>
#include <stddef.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ckpt_format.h"
#include "crc32c.h"
#include "remote.h"

_Static_assert(sizeof(struct npmu_ckpt_header) == NPMU_CKPT_HEADER_SIZE, "header");
_Static_assert(offsetof(struct npmu_ckpt_header, version) == 8, "version");
_Static_assert(offsetof(struct npmu_ckpt_header, generation) == 32, "generation");
_Static_assert(offsetof(struct npmu_ckpt_header, slot_offset) == 48, "slot_offset");
_Static_assert(offsetof(struct npmu_ckpt_header, form_data) == 96, "form_data");
_Static_assert(offsetof(struct npmu_ckpt_header, crc) == 252, "crc");
_Static_assert(sizeof(struct npmu_ckpt_append) == 96, "append");

static const uint64_t copy_offset[2] = { NPMU_CKPT_HEADER0, NPMU_CKPT_HEADER1 };

#define COPY_ROOM	4096	/* bytes kept for each copy of the header */

static bool all_zero(const void *p, size_t len)
{
	const unsigned char *byte = p;

	while (len--)
		if (*byte++)
			return false;
	return true;
}

static uint32_t header_crc(struct npmu_ckpt_header h)
{
	h.crc = 0;
	return npmu_crc32c(0, &h, sizeof(h));
}

static bool header_sealed(const struct npmu_ckpt_header *h)
{
	return le64toh(h->magic) == NPMU_CKPT_MAGIC &&
	       le32toh(h->crc) == header_crc(*h);
}

/*
 * May this copy be what is left of making a checkpoint in a fresh region? Its
 * magic is stored last; before that some of its words may be there.
 */
static bool header_unborn(const char *base, int i)
{
	struct npmu_ckpt_header h;
	const char *at = base + copy_offset[i];
	uint32_t form;

	memcpy(&h, at, sizeof(h));
	form = le32toh(h.form);
	if (h.magic || !all_zero(at + sizeof(h), COPY_ROOM - sizeof(h)) ||
	    !all_zero(h.append.reserved, sizeof(h.append.reserved)) ||
	    !all_zero(h.reserved, sizeof(h.reserved)) || h.compat || h.incompat)
		return false;
	if (!h.version && !form)
		return true;
	return le32toh(h.version) == NPMU_CKPT_VERSION &&
	       (form == NPMU_CKPT_FORM_APPEND ||
		(form == NPMU_CKPT_FORM_OVERWRITE &&
		 all_zero(h.form_data, sizeof(h.form_data))));
}

struct area {
	uint64_t offset;
	uint64_t size;
};

static bool areas_good(const struct area *area, int n, uint64_t size)
{
	const struct area *low, *high;
	int i, j;

	for (i = 0; i < n; i++) {
		if (area[i].offset < NPMU_CKPT_SLOTS_START ||
		    area[i].offset % NPMU_CKPT_SLOT_ALIGN ||
		    area[i].size % NPMU_CKPT_SLOT_ALIGN ||
		    !npmu_within(area[i].offset, area[i].size, size))
			return false;
		for (j = 0; j < i; j++) {
			low = area[i].offset < area[j].offset ? &area[i] : &area[j];
			high = low == &area[i] ? &area[j] : &area[i];
			if (high->offset - low->offset < low->size)
				return false;
		}
	}
	return true;
}

static bool geometry_good(const struct ckpt_layout *l, uint64_t size)
{
	const struct area area[] = {
		{ l->slot_offset[0], l->slot_size },
		{ l->slot_offset[1], l->slot_size },
		{ l->ring_offset, l->ring_size },
	};
	bool append = l->form == NPMU_CKPT_FORM_APPEND;

	if (l->slot_size < NPMU_CKPT_SLOT_HEADER ||
	    l->capacity > l->slot_size - NPMU_CKPT_SLOT_HEADER ||
	    (append && l->ring_size < NPMU_CKPT_MIN_RING))
		return false;
	return areas_good(area, append ? 3 : 2, size);
}

static int judge(const struct npmu_ckpt_header *h, uint64_t size, uint32_t form,
		 struct ckpt_layout *l)
{
	bool append = form == NPMU_CKPT_FORM_APPEND;

	if (le32toh(h->version) != NPMU_CKPT_VERSION || le32toh(h->form) != form ||
	    le64toh(h->incompat) & ~NPMU_CKPT_FEATURES_INCOMPAT)
		return -EPROTONOSUPPORT;
	l->form = form;
	l->instance = le64toh(h->instance);
	l->slot_offset[0] = le64toh(h->slot_offset[0]);
	l->slot_offset[1] = le64toh(h->slot_offset[1]);
	l->slot_size = le64toh(h->slot_size);
	l->capacity = le64toh(h->capacity);
	if (append) {
		l->ring_offset = le64toh(h->append.ring_offset);
		l->ring_size = le64toh(h->append.ring_size);
		l->flags = le32toh(h->append.flags);
		if (l->flags & ~NPMU_CKPT_APPEND_F_NO_CRC)
			return -EPROTONOSUPPORT;
	}
	if (!l->instance || !geometry_good(l, size) ||
	    !all_zero(append ? h->append.reserved : h->form_data,
		      append ? sizeof(h->append.reserved) : sizeof(h->form_data)) ||
	    !all_zero(h->reserved, sizeof(h->reserved)))
		return -EUCLEAN;
	return 0;
}

int npmu_ckpt_layout_load(const void *base, uint64_t size, uint32_t form,
			  struct ckpt_layout *layout)
{
	struct npmu_ckpt_header copy[2];
	bool sealed[2], magic = false, unborn = true;
	int i, best;

	memset(layout, 0, sizeof(*layout));
	if (size < NPMU_CKPT_SLOTS_START)
		return -EMEDIUMTYPE;
	for (i = 0; i < 2; i++) {
		memcpy(&copy[i], (const char *)base + copy_offset[i],
		       sizeof(copy[i]));
		sealed[i] = header_sealed(&copy[i]);
	}
	if (!sealed[0] && !sealed[1]) {
		for (i = 0; i < 2; i++) {
			magic |= le64toh(copy[i].magic) == NPMU_CKPT_MAGIC;
			unborn &= header_unborn(base, i);
		}
		if (unborn)
			return -ENODATA;
		return magic ? -EUCLEAN : -EMEDIUMTYPE;
	}
	best = !sealed[0] || (sealed[1] && le64toh(copy[1].generation) >
					   le64toh(copy[0].generation));
	layout->generation = le64toh(copy[best].generation);
	layout->copy_good[best] = true;
	layout->copy_good[!best] = !memcmp(&copy[0], &copy[1], sizeof(copy[0]));
	return judge(&copy[best], size, form, layout);
}

bool npmu_ckpt_layout_moved(const void *base, const struct ckpt_layout *layout)
{
	const volatile struct npmu_ckpt_header *h;
	bool moved = false;
	int i;

	/* What was read before must not be read after. */
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	for (i = 0; i < 2; i++) {
		h = (const void *)((const char *)base + copy_offset[i]);
		/* A copy that is being written has no magic or another generation. */
		if (layout->copy_good[i])
			moved |= le64toh(h->magic) != NPMU_CKPT_MAGIC ||
				 le64toh(h->instance) != layout->instance;
		else
			moved |= le64toh(h->magic) == NPMU_CKPT_MAGIC &&
				 le64toh(h->generation) > layout->generation;
	}
	return moved;
}

const char *npmu_ckpt_layout_phrase(int code)
{
	switch (code) {
	case -ENODATA:
		return "the region holds no checkpoint yet";
	case -EMEDIUMTYPE:
		return "the region holds something that is not a checkpoint, or is too small for one";
	case -EPROTONOSUPPORT:
		return "the checkpoint is of another form than this call takes, or of a version or feature that this library does not know: npmu-admin checkpoint show";
	case -EUCLEAN:
		return "the checkpoint's header is damaged, or the region was shrunk";
	default:
		return "the checkpoint cannot be used";
	}
}

uint64_t npmu_ckpt_max_capacity(uint64_t size)
{
	uint64_t slot;

	if (size < NPMU_CKPT_MIN_REGION)
		return 0;
	slot = (size - NPMU_CKPT_SLOTS_START) / 2;
	slot -= slot % NPMU_CKPT_SLOT_ALIGN;
	return slot - NPMU_CKPT_SLOT_HEADER;
}

/* The magic goes, the rest comes, the magic comes: each durable before the next. */
static int write_copy(struct npmu_region *region, int i,
		      const struct npmu_ckpt_header *h)
{
	char *at = (char *)region->addr + copy_offset[i];
	const size_t word = sizeof(h->magic);
	const uint64_t zero = 0;
	int code;

	code = npmu_memcpy_persist(region, at, &zero, word);
	if (!code)
		code = npmu_memcpy_persist(region, at + word,
					   (const char *)h + word,
					   sizeof(*h) - word);
	if (!code)
		code = npmu_memcpy_persist(region, at, &h->magic, word);
	return code;
}

uint64_t npmu_ckpt_slot_size(uint64_t capacity)
{
	uint64_t slot = capacity + NPMU_CKPT_SLOT_HEADER + NPMU_CKPT_SLOT_ALIGN - 1;

	return slot - slot % NPMU_CKPT_SLOT_ALIGN;
}

uint64_t npmu_ckpt_new_instance(void)
{
	uint64_t instance = 0;

	while (!instance)
		if (getrandom(&instance, sizeof(instance), 0) !=
		    (ssize_t)sizeof(instance))
			instance = 0;
	return instance;
}

static void compose(const struct ckpt_layout *l, uint64_t fence_epoch,
		    struct npmu_ckpt_header *h)
{
	uint64_t slot = npmu_ckpt_slot_size(l->capacity);

	memset(h, 0, sizeof(*h));
	h->magic = htole64(NPMU_CKPT_MAGIC);
	h->version = htole32(NPMU_CKPT_VERSION);
	h->form = htole32(l->form);
	h->compat = htole64(NPMU_CKPT_FEATURES_COMPAT);
	h->incompat = htole64(NPMU_CKPT_FEATURES_INCOMPAT);
	h->generation = htole64(l->generation + 1);
	h->instance = htole64(npmu_ckpt_new_instance());
	h->slot_offset[0] = htole64(NPMU_CKPT_SLOTS_START);
	h->slot_offset[1] = htole64(NPMU_CKPT_SLOTS_START + slot);
	h->slot_size = htole64(slot);
	h->capacity = htole64(l->capacity);
	h->fence_epoch = htole64(fence_epoch);
	h->created = htole64((uint64_t)time(NULL));
	if (l->form == NPMU_CKPT_FORM_APPEND) {
		h->append.ring_offset = htole64(NPMU_CKPT_SLOTS_START + 2 * slot);
		h->append.ring_size = htole64(l->ring_size);
		h->append.flags = htole32(l->flags);
	}
	h->crc = htole32(header_crc(*h));
}

int npmu_ckpt_layout_make(struct npmu_region *region, uint64_t fence_epoch,
			  struct ckpt_layout *layout)
{
	/* The copy that is current goes last: until then it is what counts. */
	int first = layout->copy_good[0];
	uint32_t form = layout->form;
	struct npmu_ckpt_header h;
	int code;

	compose(layout, fence_epoch, &h);
	code = write_copy(region, first, &h);
	if (!code)
		code = write_copy(region, !first, &h);
	if (!code)
		code = npmu_ckpt_layout_load(region->addr, region->length, form, layout);
	return code;
}

int npmu_ckpt_layout_mend(struct npmu_region *region, struct ckpt_layout *layout)
{
	struct npmu_ckpt_header h;
	int good = !layout->copy_good[0];
	int code;

	if (layout->copy_good[0] && layout->copy_good[1])
		return 0;
	memcpy(&h, (char *)region->addr + copy_offset[good], sizeof(h));
	/* The good copy may be seen without being durable yet. */
	code = npmu_persist_seen(region, (char *)region->addr + copy_offset[good],
				 sizeof(h));
	if (!code)
		code = write_copy(region, !good, &h);
	if (!code)
		layout->copy_good[!good] = true;
	return code;
}

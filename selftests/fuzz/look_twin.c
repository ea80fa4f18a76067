// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The twin of the walk over a checkpoint: by the document, over memory that nobody
 * changes. Shares no code with what it is held against but the CRC.
 */
#include <linux/npmu_ckpt.h>

#include "look_twin.h"

#define INSTANCE	77
#define RING_AT		16384
#define RING		4096
#define END		(1ULL << 63)

static u32 sum(const void *data, size_t len, const void *record, size_t size, size_t crc_at)
{
	u8 copy[256];

	memcpy(copy, record, size);
	memset(copy + crc_at, 0, 4);
	return npmu_crc32c(npmu_crc32c(0, data, len), copy, size);
}

#define SUM(data, len, p)	sum(data, len, p, sizeof(*(p)), offsetof(__typeof__(*(p)), crc))

static u64 room(u64 len)
{
	return 64 + (len + 63) / 64 * 64;
}

static void put_update(u8 *region, u64 position, u64 sequence, u64 len, u32 flags)
{
	struct npmu_ckpt_update *u = (void *)(region + RING_AT + position % RING);

	u->instance = INSTANCE;
	u->sequence = sequence;
	u->fence_epoch = 1;
	u->position = position;
	u->committed = position;
	u->length = len;
	u->flags = flags;
}

static void put_reader(u8 *region, int slot, char name)
{
	struct npmu_ckpt_reader_entry *r = (void *)(region + NPMU_CKPT_READERS + slot * 64);

	r->instance = INSTANCE;
	r->name[0] = name;
	r->position = 64;
}

void look_build(u8 *region)
{
	struct npmu_ckpt_header *h = (void *)region;
	struct npmu_ckpt_slot *s = (void *)(region + 8192);
	struct npmu_ckpt_seal *seal = (void *)(region + NPMU_CKPT_SEAL1);

	memset(region, 0, LOOK_SIZE);
	h->magic = NPMU_CKPT_MAGIC;
	h->version = 1;
	h->form = NPMU_CKPT_FORM_APPEND;
	h->generation = 1;
	h->instance = INSTANCE;
	h->slot_offset[0] = 8192;
	h->slot_offset[1] = 12288;
	h->slot_size = 4096;
	h->capacity = 4032;
	h->append.ring_offset = RING_AT;
	h->append.ring_size = RING;
	memcpy(region + NPMU_CKPT_HEADER1, h, sizeof(*h));
	s->instance = INSTANCE;
	s->sequence = 5;
	s->fence_epoch = 1;
	s->length = 1000;
	s->position = 4096 - 256;
	memcpy(region + 12288, s, sizeof(*s));
	s[64].sequence = 4;
	seal->instance = INSTANCE;
	seal->fence_epoch = 1;
	seal->sequence = 5;
	seal->end = 4096 - 256;
	seal->base = 5;
	put_update(region, 4096 - 256, 6, 64, 0);
	put_update(region, 4096 - 128, 7, 64, NPMU_CKPT_UPDATE_F_PAD);
	put_update(region, 4096, 7, 200, 0);
	put_update(region, 4096 + 320, 9, 0, 0);
	put_reader(region, 0, 'a');
	put_reader(region, 3, 'b');
	look_seal(region);
}

static void seal_update(u8 *region, u32 flags, u64 at)
{
	struct npmu_ckpt_update *u = (void *)(region + RING_AT + at);

	if (u->instance == INSTANCE && u->length <= RING - at - 64)
		u->crc = SUM(u + 1, flags || u->flags & 1 ? 0 : u->length, u);
}

void look_seal(u8 *region)
{
	struct npmu_ckpt_header *h[2] = { (void *)region, (void *)(region + NPMU_CKPT_HEADER1) };
	u64 at;
	int i;

	for (i = 0; i < 2; i++) {
		struct npmu_ckpt_slot *s = (void *)(region + 8192 + i * 4096);
		struct npmu_ckpt_seal *seal = (void *)((u8 *)h[i] + NPMU_CKPT_SEAL0);

		if (s->length <= 4032)
			s->crc = SUM(s + 1, h[0]->append.flags ? 0 : s->length, s);
		seal->crc = SUM(s, 0, seal);
		h[i]->crc = SUM(s, 0, h[i]);
	}
	for (at = 0; at < RING; at += 64)
		seal_update(region, h[0]->append.flags, at);
	for (i = 0; i < NPMU_CKPT_NR_READERS; i++) {
		struct npmu_ckpt_reader_entry *r = (void *)(region + NPMU_CKPT_READERS + i * 64);

		if (r->instance)
			r->crc = npmu_crc32c(0, r, offsetof(struct npmu_ckpt_reader_entry, crc));
	}
}

static bool zero(const void *p, size_t len)
{
	const u8 *bytes = p;

	while (len--)
		if (*bytes++)
			return false;
	return true;
}

static bool overlap(u64 a, u64 a_len, u64 b, u64 b_len)
{
	return a < b + b_len && b < a + a_len;
}

/* Of a region this small no sum of what passed the first line can wrap. */
static bool lies(u64 at, u64 len)
{
	return at <= LOOK_SIZE && len <= LOOK_SIZE && at % 4096 == 0 && len % 4096 == 0 &&
	       at >= 8192 && at + len <= LOOK_SIZE;
}

static int judge(const struct npmu_ckpt_header *h)
{
	bool append = h->form == NPMU_CKPT_FORM_APPEND;

	if (h->version != 1 || (h->form != 1 && !append) || h->incompat ||
	    (append && h->append.flags > 1))
		return -EPROTONOSUPPORT;
	if (!h->instance || h->slot_size < 64 || h->capacity > h->slot_size - 64 ||
	    !zero(h->reserved, sizeof(h->reserved)) || !lies(h->slot_offset[0], h->slot_size) ||
	    !lies(h->slot_offset[1], h->slot_size) ||
	    overlap(h->slot_offset[0], h->slot_size, h->slot_offset[1], h->slot_size))
		return -EUCLEAN;
	if (!append)
		return zero(h->form_data, sizeof(h->form_data)) ? 0 : -EUCLEAN;
	if (!lies(h->append.ring_offset, h->append.ring_size) || h->append.ring_size < 4096 ||
	    overlap(h->append.ring_offset, h->append.ring_size, h->slot_offset[0], h->slot_size) ||
	    overlap(h->append.ring_offset, h->append.ring_size, h->slot_offset[1], h->slot_size) ||
	    !zero(h->append.reserved, sizeof(h->append.reserved)))
		return -EUCLEAN;
	return 0;
}

static const struct npmu_ckpt_header *header(const u8 *region, int *code)
{
	const struct npmu_ckpt_header *h = (const void *)region, *best = NULL;
	const struct npmu_ckpt_header *other = (const void *)(region + NPMU_CKPT_HEADER1);

	*code = h->magic == NPMU_CKPT_MAGIC || other->magic == NPMU_CKPT_MAGIC ?
		-EUCLEAN : -EMEDIUMTYPE;
	if (h->magic == NPMU_CKPT_MAGIC && h->crc == SUM(h, 0, h))
		best = h;
	if (other->magic == NPMU_CKPT_MAGIC && other->crc == SUM(h, 0, other) &&
	    (!best || other->generation > best->generation))
		best = other;
	if (best)
		*code = judge(best);
	return best;
}

static const struct npmu_ckpt_slot *base(const u8 *region, const struct npmu_ckpt_header *h)
{
	const struct npmu_ckpt_slot *best = NULL;
	bool append = h->form == NPMU_CKPT_FORM_APPEND;
	bool no_crc = append && h->append.flags;
	int i;

	for (i = 0; i < 2; i++) {
		const struct npmu_ckpt_slot *s = (const void *)(region + h->slot_offset[i]);

		if (s->instance != h->instance || !s->sequence || s->sequence >= END ||
		    s->length > h->capacity || s->flags || s->reserved ||
		    (append ? s->position >= END || s->position % 64 : s->position) ||
		    s->crc != SUM(s + 1, no_crc ? 0 : s->length, s))
			continue;
		if (!best || s->sequence > best->sequence)
			best = s;
	}
	return best;
}

static void seals(const u8 *region, const struct npmu_ckpt_header *h, struct twin_look *out)
{
	bool there = false;
	int i;

	for (i = 0; i < 2; i++) {
		const struct npmu_ckpt_seal *s = (const void *)(region + i * 4096 + 512);

		if (s->instance != h->instance || s->end >= END || s->end % 64 || s->flags ||
		    !zero(s->reserved, sizeof(s->reserved)) || s->crc != SUM(s, 0, s))
			continue;
		if (there && (s->fence_epoch < out->seal_epoch ||
			      (s->fence_epoch == out->seal_epoch && s->end <= out->seal_end)))
			continue;
		there = true;
		out->seal_epoch = s->fence_epoch;
		out->seal_end = s->end;
	}
}

static void updates(const u8 *region, const struct npmu_ckpt_header *h, u64 epoch, u64 start,
		    struct twin_look *out)
{
	u64 size = h->append.ring_size, last = out->base_sequence;

	for (out->end = start; out->end - start < size; ) {
		u64 rest = size - out->end % size;
		const struct npmu_ckpt_update *u =
			(const void *)(region + h->append.ring_offset + out->end % size);
		bool pad = u->flags & 1;

		if (u->instance != h->instance || u->position != out->end || out->end >= END ||
		    !u->sequence || u->sequence >= END || u->committed > out->end ||
		    u->flags > 1 || u->length > rest - 64 || (pad && u->length != rest - 64) ||
		    u->crc != SUM(u + 1, pad || h->append.flags ? 0 : u->length, u) ||
		    u->sequence <= last || u->fence_epoch < epoch ||
		    out->end + room(u->length) - start > size ||
		    (u->fence_epoch < out->seal_epoch && out->end + room(u->length) > out->seal_end))
			return;
		epoch = u->fence_epoch;
		last = pad ? u->sequence - 1 : u->sequence;
		out->updates += !pad;
		out->end += room(u->length);
	}
}

static bool name_good(const u8 *name)
{
	int i, n = (int)strnlen((const char *)name, 16);

	for (i = 0; i < n; i++)
		if (!(name[i] >= 'a' && name[i] <= 'z') && !(name[i] >= 'A' && name[i] <= 'Z') &&
		    !(name[i] >= '0' && name[i] <= '9') && !strchr("._+:-", name[i]))
			return false;
	return n && n < 16 && name[0] != '.' && zero(name + n, 16 - n);
}

static void readers(const u8 *region, const struct npmu_ckpt_header *h, struct twin_look *out)
{
	int i;

	for (i = 0; i < NPMU_CKPT_NR_READERS; i++) {
		const struct npmu_ckpt_reader_entry *r =
			(const void *)(region + NPMU_CKPT_READERS + i * 64);

		out->readers += r->instance == h->instance && name_good(r->name) &&
				r->position < END && r->position % 64 == 0 &&
				zero(r->reserved, sizeof(r->reserved)) &&
				r->crc == npmu_crc32c(0, r, offsetof(struct npmu_ckpt_reader_entry, crc));
	}
}

void twin_look(const u8 *region, struct twin_look *out)
{
	const struct npmu_ckpt_header *h;
	const struct npmu_ckpt_slot *s;

	memset(out, 0, sizeof(*out));
	h = header(region, &out->code);
	if (out->code)
		return;
	s = base(region, h);
	out->base_sequence = s ? s->sequence : 0;
	if (h->form != NPMU_CKPT_FORM_APPEND)
		return;
	seals(region, h, out);
	readers(region, h, out);
	if (s)
		updates(region, h, s->fence_epoch, s->position, out);
}

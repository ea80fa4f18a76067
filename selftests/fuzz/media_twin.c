// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The naive twin of the media checks: one condition a line, as the document has
 * them, a byte of memory for each granule, no cleverness. Shares the structures
 * and the CRC with the project and must share no check.
 */
#include "media_twin.h"

#define GRANULE		4096ULL

typedef unsigned __int128 wide;

static bool zeros(const void *p, size_t len)
{
	const u8 *byte = p;
	size_t i;

	for (i = 0; i < len; i++)
		if (byte[i])
			return false;
	return true;
}

static bool sealed(const void *record, size_t crc_at)
{
	u8 copy[NPMU_RECORD_SIZE];
	u32 crc;

	memcpy(copy, record, sizeof(copy));
	memcpy(&crc, copy + crc_at, 4);
	memset(copy + crc_at, 0, 4);
	return le32_to_cpu(crc) == npmu_crc32c(0, copy, sizeof(copy));
}

static bool legal_text(const u8 *name, size_t room, const char *legal)
{
	size_t len = 0;

	while (len < room && name[len]) {
		if (!strchr(legal, name[len]))
			return false;
		len++;
	}
	return len > 0 && len < room && name[0] != '.' && zeros(name + len, room - len);
}

static bool legal_name(const u8 *name, size_t room)
{
	return legal_text(name, room,
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+:-");
}

static bool legal_principal(const u8 *name)
{
	return legal_text(name, 32,
			  "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+@:-");
}

/* Whole granules between lo and hi; at least one. */
static bool granules(u64 start, u64 len, u64 lo, u64 hi)
{
	return len > 0 && start % GRANULE == 0 && len % GRANULE == 0 && start >= lo &&
	       (wide)start + len <= hi;
}

bool twin_superblock(const struct npmu_superblock *sb, u64 device_size)
{
	u64 size = le64_to_cpu(sb->size), data = le64_to_cpu(sb->data_start);
	u64 t0 = le64_to_cpu(sb->table[0]), t1 = le64_to_cpu(sb->table[1]);
	u64 slots = le32_to_cpu(sb->max_regions);

	return !memcmp(&sb->magic, "NPMUNIT1", 8) && sealed(sb, 8) &&
	       le32_to_cpu(sb->version) == 1 && !sb->ro_compat && !sb->incompat &&
	       zeros(sb->reserved, sizeof(sb->reserved)) && !zeros(sb->uuid, 16) &&
	       legal_name(sb->name, 32) &&
	       size >= 4 << 20 && size <= 1ULL << 44 && size % GRANULE == 0 &&
	       size <= device_size && slots >= 8 && slots <= 10000 &&
	       granules(t0, slots * 4096, 0x10000, t1) &&
	       granules(t1, slots * 4096, 0x10000, data) &&
	       granules(data, GRANULE, 0x10000, size);
}

static bool legal_ref(const struct npmu_list_ref *ref, bool wanted,
		      const struct npmu_superblock *sb)
{
	u64 lo = le64_to_cpu(sb->data_start), hi = le64_to_cpu(sb->size);

	if (!wanted)
		return zeros(ref, sizeof(*ref));
	return !ref->reserved && ref->addr[0] != ref->addr[1] &&
	       granules(le64_to_cpu(ref->addr[0]), 4096, lo, hi) &&
	       granules(le64_to_cpu(ref->addr[1]), 4096, lo, hi);
}

static bool legal_extents(const struct npmu_extent_rec *e, u32 nr, u32 room,
			  const struct npmu_superblock *sb, wide *sum)
{
	u32 i;

	for (i = 0; i < room; i++) {
		if (i >= nr && !zeros(&e[i], sizeof(e[i])))
			return false;
		if (i < nr && !granules(le64_to_cpu(e[i].start), le64_to_cpu(e[i].len),
					le64_to_cpu(sb->data_start), le64_to_cpu(sb->size)))
			return false;
		if (i < nr)
			*sum += le64_to_cpu(e[i].len);
	}
	return true;
}

static bool legal_grant(const struct npmu_grant_rec *g, u64 size)
{
	u64 start = le64_to_cpu(g->offset), len = le64_to_cpu(g->len);
	u32 access = le32_to_cpu(g->access);

	return legal_principal(g->principal) && (access == 1 || access == 3) && !g->flags &&
	       !g->reserved && (len ? granules(start, len, 0, size) : !start);
}

static bool legal_grants(const struct npmu_region_record *r)
{
	u32 nr = le32_to_cpu(r->nr_grants), i, k;

	if (nr > 28)
		return false;
	for (i = 0; i < 28; i++) {
		if (i >= nr && !zeros(&r->grants[i], 64))
			return false;
		if (i < nr && !legal_grant(&r->grants[i], le64_to_cpu(r->size)))
			return false;
		for (k = 0; i < nr && k < nr; k++)
			if (k != i && !memcmp(r->grants[i].principal, r->grants[k].principal, 32))
				return false;
	}
	return zeros(r->creator, 32) || legal_principal(r->creator);
}

static bool legal_region(const struct npmu_region_record *r,
			 const struct npmu_superblock *sb, u32 slot)
{
	u64 size = le64_to_cpu(r->size), nr = le32_to_cpu(r->nr_extents);
	u32 in = nr < 128 ? nr : 128;
	wide sum = 0;

	return !zeros(r->uuid, 16) && zeros(r->reserved, sizeof(r->reserved)) &&
	       legal_grants(r) && legal_name(r->name, 64) &&
	       (wide)le64_to_cpu(r->pm_addr) == ((wide)slot + 1) << 44 &&
	       !(le64_to_cpu(r->fence_epoch) >> 63) &&
	       !(le32_to_cpu(r->mode) & ~0666U) && le32_to_cpu(r->flags) <= 1 &&
	       size > 0 && size % GRANULE == 0 &&
	       size <= le64_to_cpu(sb->size) - le64_to_cpu(sb->data_start) &&
	       nr >= 1 && nr <= 1048576 && nr * GRANULE <= size &&
	       legal_ref(&r->list, nr > 128, sb) && legal_extents(r->extents, in, 128, sb, &sum) &&
	       (nr > 128 ? sum < size : sum == size);
}

bool twin_record(const struct npmu_region_record *r, const struct npmu_superblock *sb, u32 slot)
{
	if (memcmp(&r->magic, "NPMR", 4) || !sealed(r, 4) || le32_to_cpu(r->slot) != slot ||
	    slot >= le32_to_cpu(sb->max_regions) || memcmp(r->unit_uuid, sb->uuid, 16) ||
	    le64_to_cpu(r->media_epoch) >> 63)
		return false;
	if (!r->state)
		return zeros((const u8 *)r + 40, 4096 - 40);
	return le32_to_cpu(r->state) == 1 && legal_region(r, sb, slot);
}

bool twin_list(const struct npmu_list_block *b, const struct npmu_list_ref *ref,
	       const struct npmu_superblock *sb, u32 slot, const u8 *uuid, u32 remaining)
{
	u32 nr = le32_to_cpu(b->nr);
	wide sum = 0;

	return !memcmp(&b->magic, "NPML", 4) && sealed(b, 4) && b->crc == ref->crc &&
	       le32_to_cpu(b->slot) == slot && !memcmp(b->region_uuid, uuid, 16) &&
	       zeros(b->reserved, sizeof(b->reserved)) &&
	       nr >= 1 && (remaining > 250 ? nr == 250 : nr == remaining) &&
	       legal_ref(&b->next, remaining > 250, sb) &&
	       legal_extents(b->extents, nr, 250, sb, &sum);
}

/* --- a whole unit --- */

static const u8 *image;
static u8 owners[TWIN_MAX / GRANULE];	/* claims of each granule, 2 for more */
static bool twice;

static void claim(u64 start, u64 len)
{
	for (; len; start += GRANULE, len -= GRANULE) {
		u8 *o = &owners[start / GRANULE];

		twice |= *o;
		*o = 1;
	}
}

/* Goes through all a region has; claims it when @take. */
static bool walk(const struct npmu_region_record *r, const struct npmu_superblock *sb,
		 u32 slot, bool take)
{
	u32 left = le32_to_cpu(r->nr_extents), nr = left < 128 ? left : 128, i;
	const struct npmu_extent_rec *e = r->extents;
	const struct npmu_list_ref *ref = &r->list;
	wide sum = 0;

	for (;;) {
		const struct npmu_list_block *b;

		for (i = 0; i < nr; i++) {
			sum += le64_to_cpu(e[i].len);
			if (take)
				claim(le64_to_cpu(e[i].start), le64_to_cpu(e[i].len));
		}
		left -= nr;
		if (!left)
			return sum == le64_to_cpu(r->size);
		if (sum >= le64_to_cpu(r->size))
			return false;
		for (i = 0; i < 2 && take; i++)
			claim(le64_to_cpu(ref->addr[i]), 4096);
		for (i = 0; i < 2; i++) {
			b = (const void *)(image + le64_to_cpu(ref->addr[i]));
			if (twin_list(b, ref, sb, slot, r->uuid, left))
				break;
		}
		if (i == 2)
			return false;
		e = b->extents;
		nr = le32_to_cpu(b->nr);
		ref = &b->next;
	}
}

/* The record of a slot that counts, or NULL. */
static const struct npmu_region_record *current_of(const struct npmu_superblock *sb, u32 slot)
{
	const struct npmu_region_record *r[2];
	bool good[2];
	int i;

	for (i = 0; i < 2; i++) {
		r[i] = (const void *)(image + le64_to_cpu(sb->table[i]) + slot * 4096ULL);
		good[i] = twin_record(r[i], sb, slot);
	}
	for (i = 0; i < 2; i++)
		if (good[i] && r[i]->state && memcmp(r[0], r[1], 4096))
			good[i] = walk(r[i], sb, slot, false);
	if (good[0] && good[1])
		return r[le64_to_cpu(r[1]->media_epoch) > le64_to_cpu(r[0]->media_epoch)];
	return good[0] ? r[0] : good[1] ? r[1] : NULL;
}

static bool alike(const struct npmu_region_record *a, const struct npmu_region_record *b)
{
	return !strcmp((const char *)a->name, (const char *)b->name) ||
	       !memcmp(a->uuid, b->uuid, 16);
}

/* The bad list as the document has it; zeros are an empty one. */
static bool legal_bad(const struct npmu_bad_block *b, const struct npmu_superblock *sb)
{
	u64 last = le64_to_cpu(sb->data_start), i;

	if (zeros(b, sizeof(*b)))
		return true;
	if (le32_to_cpu(b->magic) != 0x424d504e || !sealed(b, 4) || le32_to_cpu(b->nr) > 250 ||
	    le32_to_cpu(b->flags) > 1 || le64_to_cpu(b->media_epoch) >> 63 ||
	    memcmp(b->unit_uuid, sb->uuid, 16) || !zeros(b->reserved, sizeof(b->reserved)))
		return false;
	for (i = 0; i < le32_to_cpu(b->nr); i++) {
		u64 start = le64_to_cpu(b->ranges[i].start), len = le64_to_cpu(b->ranges[i].len);

		if (!granules(start, len, last, le64_to_cpu(sb->size)))
			return false;
		last = start + len + GRANULE;
	}
	return zeros(&b->ranges[i], (250 - i) * 16);
}

/* The current copy of the list; NULL: there is none. */
static const struct npmu_bad_block *current_bad(const struct npmu_superblock *sb)
{
	const struct npmu_bad_block *a = (const void *)(image + 0x1000);
	const struct npmu_bad_block *b = (const void *)(image + 0x9000);

	if (!legal_bad(a, sb))
		return legal_bad(b, sb) ? b : NULL;
	return legal_bad(b, sb) && le64_to_cpu(b->media_epoch) > le64_to_cpu(a->media_epoch) ?
		b : a;
}

/* What failed is not free; what a region owns of it is an error. */
static void count_bad(struct twin_unit *out)
{
	const struct npmu_bad_block *bad = current_bad(out->sb);
	u64 i, at;

	if (!bad || bad->flags)
		out->clean = false;
	for (i = 0; bad && i < le32_to_cpu(bad->nr); i++) {
		u64 start = le64_to_cpu(bad->ranges[i].start);

		for (at = start; at < start + le64_to_cpu(bad->ranges[i].len); at += GRANULE) {
			if (owners[at / GRANULE])
				out->clean = false;
			else
				out->free -= GRANULE;
		}
	}
}

/* Who may create, as the document has it; zeros are nobody. */
bool twin_creators(const struct npmu_creators_block *b, const struct npmu_superblock *sb)
{
	u32 nr = le32_to_cpu(b->nr), i, k;

	if (zeros(b, sizeof(*b)))
		return true;
	if (memcmp(&b->magic, "NPMC", 4) || !sealed(b, 4) || nr > 62 || b->flags ||
	    le64_to_cpu(b->media_epoch) >> 63 || memcmp(b->unit_uuid, sb->uuid, 16) ||
	    !zeros(b->reserved, sizeof(b->reserved)))
		return false;
	for (i = 0; i < nr; i++) {
		const struct npmu_creator_rec *c = &b->creators[i];
		u32 max = le32_to_cpu(c->max_regions);

		if (!legal_principal(c->principal) || c->flags || !zeros(c->reserved, 16) ||
		    !granules(0, le64_to_cpu(c->quota), 0, 1ULL << 44) || !max || max > 10000)
			return false;
		for (k = 0; k < i; k++)
			if (!memcmp(c->principal, b->creators[k].principal, 32))
				return false;
	}
	return zeros(&b->creators[nr], (62 - nr) * 64);
}

void twin_unit(const u8 *bytes, u64 size, struct twin_unit *out)
{
	static const struct npmu_region_record *all[NPMU_MAX_REGIONS];
	const struct npmu_superblock *sb[2];
	u32 slot, nr = 0, i;
	u64 at;

	memset(out, 0, sizeof(*out));
	image = bytes;
	for (i = 2; i-- > 0;) {
		sb[i] = (const void *)(bytes + i * 0x8000);
		if (size >= i * 0x8000 + 4096 && twin_superblock(sb[i], size))
			out->sb = sb[i];
	}
	out->found = out->sb;
	if (!out->found)
		return;
	memset(owners, 0, sizeof(owners));
	twice = false;
	out->clean = true;
	for (slot = 0; slot < le32_to_cpu(out->sb->max_regions); slot++) {
		const struct npmu_region_record *r = current_of(out->sb, slot);

		if (!r)
			out->clean = false;
		if (!r || !r->state)
			continue;
		if (walk(r, out->sb, slot, false)) {
			walk(r, out->sb, slot, true);
			out->regions++;
		} else {
			out->clean = false;
		}
		for (i = 0; i < nr; i++)
			if (alike(all[i], r))
				out->clean = false;
		all[nr++] = r;
	}
	out->clean &= !twice;
	for (at = le64_to_cpu(out->sb->data_start); at < le64_to_cpu(out->sb->size); at += GRANULE)
		out->free += owners[at / GRANULE] ? 0 : GRANULE;
	count_bad(out);
	if (!twin_creators((const void *)(image + 0x2000), out->sb) &&
	    !twin_creators((const void *)(image + 0xa000), out->sb))
		out->clean = false;
}

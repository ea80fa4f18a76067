// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target over what reads media: records, extents, allocator, offline check.
 *
 * Input: a byte of flags, then patches {record, offset (2), length, bytes} upon a small
 * valid unit. With F_SEAL every record is sealed again, so that the CRC does not hide what is
 * behind it. What passed must keep its promises, and the twin must agree.
 */
#include <linux/npmu_ckpt.h>

#include "../../drivers/npmu/tests/media_image.h"
#include "alloc.h"
#include "fuzz.h"
#include "grant.h"
#include "look_twin.h"
#include "media_twin.h"
#include "mediacheck.h"
#include "range.h"

#define UNIT		(8ULL << 20)
#define SLOTS		8
#define BLOCKS		3
#define NR_LIST		(NPMU_INLINE_EXTENTS + 2 * NPMU_LIST_EXTENTS + 7)
#define LISTS		(NPMU_TABLE_START + 2 * SLOTS * NPMU_RECORD_SIZE)
#define META		(LISTS + 2 * BLOCKS * NPMU_RECORD_SIZE)
#define LIST_SLOT	3
#define GRANT_SLOT	5

/* The region in slot 1 holds a checkpoint; its pages are records, too. */
#define LOOK_SLOT	1
#define LOOK_AT		(UNIT - (LOOK_SLOT + 1) * 0x10000)
#define META_RECORDS	(2 + 2 * SLOTS + 2 * BLOCKS)

#define F_SEAL		1
#define F_COPY		2	/* second copies equal the first */
#define F_DEVICE	4	/* bits 2 and 3: the device is another size */

static const u64 device_sizes[4] = { UNIT, UNIT - 1, UNIT + 8191, 0x8800 };

static u8 base[META] __attribute__((aligned(4096)));
static u8 image[UNIT + 8192] __attribute__((aligned(4096)));

static u8 look_base[LOOK_SIZE] __attribute__((aligned(4096)));

static u64 device;

/* Three grants, of all, of a part, and of the last granule. */
static void grant(struct npmu_region_record *rec)
{
	struct npmu_grant g[3] = {
		{ "host1", 0, 0, NPMU_GRANT_ALL, 0 },
		{ "host2@site", NPMU_GRANULE_SIZE, 2 * NPMU_GRANULE_SIZE, NPMU_GRANT_READ, 0 },
		{ "p", 7 * NPMU_GRANULE_SIZE, NPMU_GRANULE_SIZE, NPMU_GRANT_ALL, 0 },
	};

	npmu_grants_store(rec->grants, g, 3);
	rec->nr_grants = cpu_to_le32(3);
	memcpy(rec->creator, "host1", 5);
	npmu_region_seal(rec);
}

static void build_creators(const struct npmu_superblock *sb)
{
	static const struct npmu_creators list = { 2, {
		{ "host1", 16 * NPMU_GRANULE_SIZE, 2, 0 }, { "maker", UNIT, 10000, 0 } } };

	npmu_creators_store((void *)(base + NPMU_CREATORS_COPY0), &list, sb, 3);
	memcpy(base + NPMU_CREATORS_COPY1, base + NPMU_CREATORS_COPY0, NPMU_RECORD_SIZE);
}

static void build(void)
{
	struct npmu_superblock *sb = (void *)base;
	struct npmu_list_block blk[BLOCKS];
	struct npmu_region_record *rec;
	u32 slot, i;

	image_superblock(sb, UNIT, SLOTS);
	memcpy(base + NPMU_SB_COPY1, sb, sizeof(*sb));
	build_creators(sb);
	for (slot = 0; slot < SLOTS; slot++) {
		rec = (void *)(base + npmu_record_offset(sb, slot, 0));
		if (slot == LIST_SLOT)
			image_region_list(rec, blk, sb, slot, META, NR_LIST,
					  LISTS);
		else if (slot & 1)
			image_region(rec, sb, slot, UNIT - (slot + 1) * 0x10000,
				     0x8000);
		if (slot == GRANT_SLOT)
			grant(rec);
		if (!(slot & 1))
			npmu_region_fill_free(rec, sb, slot, slot);
		memcpy(base + npmu_record_offset(sb, slot, 1), rec, sizeof(*rec));
	}
	for (i = 0; i < BLOCKS; i++) {
		memcpy(base + LISTS + 2 * i * 4096, &blk[i], 4096);
		memcpy(base + LISTS + (2 * i + 1) * 4096, &blk[i], 4096);
	}
	look_build(look_base);
}

/* Record number n of the metadata, in order of the media; then the checkpoint, the creators. */
#define CREATORS	(META_RECORDS + LOOK_PAGES)
static u8 *record_at(u32 n)
{
	n %= CREATORS + 2;
	if (n >= CREATORS)
		return image + (n > CREATORS ? NPMU_CREATORS_COPY1 : NPMU_CREATORS_COPY0);
	if (n >= META_RECORDS)
		return image + LOOK_AT + (n - META_RECORDS) * NPMU_RECORD_SIZE;
	if (n < 2)
		return image + n * NPMU_SB_COPY1;
	return image + NPMU_TABLE_START + (n - 2) * NPMU_RECORD_SIZE;
}

/* The CRC that a reference should have, where it names a block of ours. */
static void refer(struct npmu_list_ref *ref)
{
	u64 addr = le64_to_cpu(ref->addr[0]);

	if (addr % 4096 == 0 && addr >= LISTS && addr < META)
		ref->crc = ((struct npmu_list_block *)(image + addr))->crc;
}

static void seal_all(int copy_too)
{
	u32 i;

	for (i = BLOCKS; i-- > 0;) {
		struct npmu_list_block *b = (void *)(image + LISTS + 2 * i * 4096);

		refer(&b[0].next);
		npmu_list_seal(&b[0]);
		if (copy_too)
			b[1] = b[0];
		npmu_list_seal(&b[1]);
	}
	for (i = 0; i < 2 * SLOTS; i++) {
		struct npmu_region_record *r = (void *)record_at(2 + i);

		if (copy_too && i >= SLOTS)
			*r = *(struct npmu_region_record *)record_at(2 + i - SLOTS);
		refer(&r->list);
		npmu_region_seal(r);
	}
	if (copy_too) {
		memcpy(record_at(1), record_at(0), NPMU_RECORD_SIZE);
		memcpy(record_at(CREATORS + 1), record_at(CREATORS), NPMU_RECORD_SIZE);
	}
	for (i = 0; i < 2; i++) {
		struct npmu_creators_block *c = (void *)record_at(CREATORS + i);

		c->crc = cpu_to_le32(npmu_record_crc(c, offsetof(struct npmu_creators_block, crc)));
	}
	npmu_sb_seal((void *)record_at(0));
	npmu_sb_seal((void *)record_at(1));
	look_seal(image + LOOK_AT);
}

static int mem_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	(void)ctx;
	MUST(npmu_range_ok(off, len, device) && !((off | len) & 4095));
	memcpy(buf, image + off, len);
	return 0;
}

static void report(void *ctx, const struct npmu_finding *f)
{
	(void)ctx;
	MUST(*f->text && f->offset < UNIT + 8192);
	MUST(!*f->region || npmu_name_ok(f->region, NPMU_REGION_NAME_LEN));
}

/* What was told of the checkpoint in LOOK_SLOT. */
static struct {
	bool found;
	struct npmu_check_checkpoint it;
	struct npmu_checkpoint_info info;
} told;

static void note(void *ctx, const struct npmu_check_checkpoint *c)
{
	const struct npmu_checkpoint_info *i = c->info;
	u32 n;

	(void)ctx;
	MUST(npmu_name_ok(i->region, NPMU_REGION_NAME_LEN) && c->slot < SLOTS);
	MUST(c->nr_readers <= NPMU_CKPT_NR_READERS && (!c->code || !c->nr_readers));
	for (n = 0; n < c->nr_readers; n++)
		MUST(npmu_name_ok(c->readers[n].name, NPMU_CKPT_READER_NAME_LEN));
	MUST(i->free <= i->ring_size);
	if (c->slot != LOOK_SLOT)
		return;
	told.found = true;
	told.it = *c;
	told.info = *i;
}

/* As long as nobody touched where the region lies. */
static void use_look(void)
{
	u64 off[2] = { npmu_record_offset((void *)base, LOOK_SLOT, 0),
		       npmu_record_offset((void *)base, LOOK_SLOT, 1) };
	struct twin_look twin;

	if (memcmp(image, base, NPMU_RECORD_SIZE) || device < UNIT ||
	    memcmp(image + off[0], base + off[0], NPMU_RECORD_SIZE) ||
	    memcmp(image + off[1], base + off[1], NPMU_RECORD_SIZE))
		return;
	twin_look(image + LOOK_AT, &twin);
	/* Without the region, another one claims its bytes. */
	if (!told.found)
		return;
	MUST(told.it.code == twin.code);
	if (twin.code)
		return;
	MUST(told.info.base_sequence == twin.base_sequence);
	MUST(told.info.updates == twin.updates && told.info.end == twin.end);
	MUST(told.info.seal_fence_epoch == twin.seal_epoch && told.info.seal_end == twin.seal_end);
	MUST(told.it.nr_readers == twin.readers);
}

static void use_grants(const struct npmu_region_record *r, u64 size)
{
	struct npmu_grant g[NPMU_MAX_GRANTS];
	u32 nr = le32_to_cpu(r->nr_grants), i;

	MUST(nr <= NPMU_MAX_GRANTS);
	npmu_grants_load(g, r->grants, nr);
	for (i = 0; i < nr; i++) {
		MUST(npmu_principal_ok(g[i].principal));
		MUST(npmu_grants_find(g, nr, g[i].principal) == i);
		MUST(npmu_range_ok(g[i].offset, g[i].len, size) && g[i].access & NPMU_GRANT_READ);
	}
}

/* What npmu_region_check() promises. */
static void use_region(const struct npmu_region_record *r,
		       const struct npmu_superblock *sb)
{
	struct npmu_extent e[NPMU_INLINE_EXTENTS];
	u64 size = le64_to_cpu(r->size), end, off;
	u32 nr = le32_to_cpu(r->nr_extents);
	u32 in = nr < NPMU_INLINE_EXTENTS ? nr : NPMU_INLINE_EXTENTS;
	struct npmu_extent_cut cut;

	if (le32_to_cpu(r->state) == NPMU_SLOT_FREE)
		return;
	end = npmu_extents_load(e, r->extents, in, 0);
	MUST(nr > in ? end < size : end == size);
	MUST(npmu_extents_check(e, in, end, le64_to_cpu(sb->data_start),
				le64_to_cpu(sb->size)));
	MUST(nr > in == npmu_list_ref_present(&r->list));
	for (off = 0; off < end; off += e[0].len) {
		const struct npmu_extent *x = npmu_extent_find(e, in, off);

		MUST(x && npmu_range_ok(off - x->off, 1, x->len));
	}
	MUST(!npmu_extent_find(e, in, end));
	cut = npmu_extents_cut(e, in, NPMU_GRANULE_SIZE);
	MUST(cut.keep == 1 && cut.keep_len == NPMU_GRANULE_SIZE);
	MUST(npmu_name_ok((const char *)r->name, NPMU_REGION_NAME_LEN));
	use_grants(r, size);
}

static void use_list(const struct npmu_region_record *r, const struct npmu_superblock *sb,
		     u32 slot)
{
	u32 left = le32_to_cpu(r->nr_extents) - NPMU_INLINE_EXTENTS;
	const struct npmu_list_ref *ref = &r->list;

	while (npmu_list_ref_present(ref)) {
		const struct npmu_list_block *good = NULL;
		u32 i;

		for (i = 0; i < 2; i++) {
			const struct npmu_list_block *b = (void *)(image + le64_to_cpu(ref->addr[i]));
			bool ok = !npmu_list_check(b, ref, sb, slot, r->uuid, left);

			MUST(ok == twin_list(b, ref, sb, slot, r->uuid, left));
			if (ok)
				good = b;
		}
		if (!good)
			return;
		left -= le32_to_cpu(good->nr);
		ref = &good->next;
	}
	MUST(!left);
}

static void use_records(const struct npmu_superblock *sb)
{
	u32 slot, i;

	for (i = 0; i < 2; i++) {
		const struct npmu_creators_block *c = (void *)record_at(CREATORS + i);

		MUST(!npmu_creators_check(c, sb) == twin_creators(c, sb));
	}
	for (slot = 0; slot < SLOTS; slot++) {
		for (i = 0; i < 2; i++) {
			u64 off = npmu_record_offset(sb, slot, i);
			const struct npmu_region_record *r;

			MUST(npmu_range_ok(off, NPMU_RECORD_SIZE, UNIT));
			r = (void *)(image + off);
			MUST(!npmu_region_check(r, sb, slot) == twin_record(r, sb, slot));
			if (npmu_region_check(r, sb, slot))
				continue;
			use_region(r, sb);
			if (npmu_list_ref_present(&r->list))
				use_list(r, sb, slot);
		}
	}
}

static void use_unit(void)
{
	const struct npmu_superblock *sb = (void *)image;
	struct npmu_media_source src = { device, mem_read, NULL };
	const struct npmu_check_report who = { .finding = report, .checkpoint = note };
	struct npmu_check_summary s;
	struct twin_unit twin;

	told.found = false;
	twin_unit(image, device, &twin);
	MUST(!npmu_mediacheck(&src, &who, &s));
	MUST(s.regions + s.damaged <= s.max_regions);
	MUST(s.free_bytes <= s.data_bytes && s.data_bytes <= s.size);
	MUST(s.found_unit == twin.found);
	if (device >= NPMU_RECORD_SIZE)
		MUST(!npmu_sb_check(sb, device) == twin_superblock(sb, device));
	if (!twin.found)
		return;
	MUST(s.free_bytes == twin.free && s.size <= device);
	MUST(!s.errors || !twin.clean);
	MUST(!twin.clean || s.regions == twin.regions);
	MUST(s.errors || twin.clean);
	use_records(twin.sb);
	use_look();
}

static void start(unsigned int flags)
{
	static int built;

	if (!built)
		build();
	memcpy(image, base, META);
	memcpy(image + LOOK_AT, look_base, LOOK_SIZE);
	device = device_sizes[flags / F_DEVICE % 4];
	if (!built)
		use_unit();
	built = 1;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	u8 flags;

	if (!len)
		return 0;
	flags = *data++;
	len--;
	start(flags);
	while (len >= 4) {
		u8 *rec = record_at(data[0]);
		size_t at = (data[1] | data[2] << 8) % NPMU_RECORD_SIZE;
		size_t n = data[3];

		data += 4;
		len -= 4;
		if (n > len)
			n = len;
		if (n > NPMU_RECORD_SIZE - at)
			n = NPMU_RECORD_SIZE - at;
		memcpy(rec + at, data, n);
		data += n;
		len -= n;
	}
	if (flags & F_SEAL)
		seal_all(flags & F_COPY);
	use_unit();
	return 0;
}

/* --- what a mutation of an input is: most often one field with a telling value --- */

static const struct field {
	u8 kind;	/* 0 superblock, 1 record, 2 list block, 3 creators, 4 and on: a page of the checkpoint */
	u8 bytes;
	u16 at;
} fields[] = {
	{ 0, 4, 12 }, { 0, 8, 16 }, { 0, 8, 24 }, { 0, 8, 32 }, { 0, 1, 40 }, { 0, 8, 56 },
	{ 0, 8, 88 }, { 0, 8, 96 }, { 0, 8, 104 }, { 0, 8, 112 }, { 0, 4, 128 }, { 0, 1, 132 },
	{ 1, 4, 8 }, { 1, 4, 12 }, { 1, 8, 16 }, { 1, 8, 24 }, { 1, 8, 40 }, { 1, 8, 56 },
	{ 1, 8, 64 }, { 1, 8, 72 }, { 1, 4, 88 }, { 1, 4, 92 }, { 1, 4, 96 }, { 1, 4, 100 },
	{ 1, 8, 104 }, { 1, 8, 112 }, { 1, 4, 124 }, { 1, 1, 128 }, { 1, 8, 192 },
	{ 1, 8, 248 }, { 1, 8, 256 }, { 1, 8, 264 }, { 1, 8, 272 }, { 1, 8, 280 },
	{ 1, 8, 2288 }, { 1, 8, 2296 }, { 1, 1, 2304 }, { 1, 1, 4095 },
	{ 1, 8, 128 }, { 1, 1, 159 }, { 1, 1, 160 }, { 1, 8, 2304 }, { 1, 8, 2336 }, { 1, 8, 2344 },
	{ 1, 4, 2352 }, { 1, 4, 2356 }, { 1, 8, 2360 }, { 1, 8, 2368 }, { 1, 8, 2400 }, { 1, 8, 2408 },
	{ 1, 8, 2496 }, { 3, 4, 0 }, { 3, 4, 8 }, { 3, 4, 12 }, { 3, 8, 16 }, { 3, 8, 24 }, { 3, 1, 40 },
	{ 3, 8, 128 }, { 3, 8, 160 }, { 3, 4, 168 }, { 3, 4, 172 }, { 3, 8, 176 }, { 3, 8, 192 },
	{ 3, 8, 224 }, { 3, 8, 256 },
	{ 2, 4, 8 }, { 2, 4, 12 }, { 2, 8, 16 }, { 2, 8, 32 }, { 2, 8, 40 }, { 2, 4, 52 },
	{ 2, 1, 56 }, { 2, 8, 96 }, { 2, 8, 104 }, { 2, 8, 112 }, { 2, 8, 4080 }, { 2, 8, 4088 },
	{ 4, 8, 0 }, { 4, 4, 8 }, { 4, 4, 12 }, { 4, 8, 24 }, { 4, 8, 32 }, { 4, 8, 40 },
	{ 4, 8, 48 }, { 4, 8, 56 }, { 4, 8, 64 }, { 4, 8, 72 }, { 4, 8, 96 }, { 4, 8, 104 },
	{ 4, 4, 112 }, { 4, 1, 130 }, { 4, 8, 512 }, { 4, 8, 520 }, { 4, 8, 536 }, { 4, 8, 2048 },
	{ 4, 1, 2056 }, { 4, 1, 2059 }, { 4, 8, 2080 }, { 4, 1, 2100 }, { 5, 8, 520 }, { 5, 8, 536 },
	{ 6, 8, 0 }, { 6, 8, 8 }, { 6, 8, 16 }, { 6, 8, 24 }, { 6, 8, 40 }, { 6, 4, 56 },
	{ 7, 8, 8 }, { 7, 8, 24 }, { 7, 8, 40 }, { 8, 8, 0 }, { 8, 8, 8 }, { 8, 8, 16 },
	{ 8, 8, 24 }, { 8, 8, 40 }, { 8, 8, 328 }, { 8, 8, 336 }, { 8, 8, 344 }, { 8, 8, 3848 },
	{ 8, 8, 3856 }, { 8, 8, 3864 }, { 8, 8, 3872 }, { 8, 8, 3880 }, { 8, 4, 3896 },
	{ 8, 8, 3976 }, { 8, 8, 3984 }, { 8, 8, 4008 }, { 8, 4, 4024 },
};

static u64 telling(uint32_t *rng)
{
	static const u64 values[] = {
		0, 1, 2, 7, 8, 127, 128, 129, 250, 251, 666, 01000, 4095, 4096, 4097, 8192, 10000,
		10001, 0x8000, 0x10000, 1 << 20, 4 << 20, UNIT - 4096, UNIT, UNIT + 4096,
		NPMU_TABLE_START + SLOTS * 4096, LISTS, LISTS + 4096, META, META + 4096, META - 4096,
		UNIT - META, 3, 4, 5, 6, 64, 3840, 12288, 16384, 77, (1ULL << 63) - 64, 1ULL << 32, 1ULL << 44, (1ULL << 44) + 4096, 1ULL << 62, 1ULL << 63,
		~0ULL, ~0ULL - 4095, 0ULL - UNIT, 0ULL - META, 0x6161616161616161ULL, '.', '/',
	};
	u32 pick = fuzz_next(rng) % 8;

	if (pick < 6)
		return values[fuzz_next(rng) % (sizeof(values) / sizeof(values[0]))];
	if (pick == 6)
		return META + fuzz_next(rng) % (UNIT - META) / 4096 * 4096ULL;
	return fuzz_next(rng);
}

static size_t one_patch(uint8_t *data, size_t max, uint32_t *rng)
{
	const struct field *f = &fields[fuzz_next(rng) % (sizeof(fields) / sizeof(fields[0]))];
	u64 value = cpu_to_le64(telling(rng));

	if (max < 4U + f->bytes)
		return 0;
	data[0] = !f->kind ? fuzz_next(rng) % 2 : 2 + fuzz_next(rng) % (2 * SLOTS);
	if (f->kind > 3)
		data[0] = META_RECORDS + f->kind - 4;
	else if (f->kind == 2)
		data[0] = 2 + 2 * SLOTS + fuzz_next(rng) % (2 * BLOCKS);
	else if (f->kind == 3)
		data[0] = CREATORS + fuzz_next(rng) % 2;
	else if (f->kind && fuzz_next(rng) % 3 == 0)
		data[0] = 2 + GRANT_SLOT;
	else if (f->kind && fuzz_next(rng) % 3 == 0)
		data[0] = 2 + LIST_SLOT;
	data[1] = f->at & 255;
	data[2] = f->at >> 8;
	data[3] = f->bytes;
	memcpy(data + 4, &value, f->bytes);
	return 4U + f->bytes;
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	uint32_t rng = seed | 1;

	if (fuzz_next(&rng) % 3 == 0)
		return LLVMFuzzerMutate(data, size, max);
	if (!size || fuzz_next(&rng) % 8 == 0) {
		data[0] = (fuzz_next(&rng) & 15) | F_SEAL;
		size = 1;
	}
	if (fuzz_next(&rng) % 4)
		data[0] |= F_SEAL;
	do
		size += one_patch(data + size, max - size, &rng);
	while (fuzz_next(&rng) % 3 == 0);
	return size;
}

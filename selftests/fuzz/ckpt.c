// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target over the library's checkpoint: reader and writer on a region of any
 * bytes, which may change between two looks.
 *
 * Input: flags, size of the region, then patches {where, offset (2), when, length,
 * bytes} upon a valid checkpoint of two states. `when` is the look before which it
 * comes, 0: before all. F_SEAL seals headers and slots again after those of look 0.
 * `where` below 6 is a place (see place()); above 13 all is as it was; else it is a
 * step of another writer, as long as nothing else was changed.
 *
 * What is read must be a sealed state, copied whole. A region that stands still is
 * read as the naive twin reads it, and a writer that accepts it goes on from there.
 */
#include <endian.h>
#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include <npmu/ckpt.h>

#include "ckpt_hook.h"
#include "ckpt_twin.h"
#include "fuzz.h"
#include "handle.h"
#undef memcpy
#undef npmu_crc32c

#define F_SEAL		1
#define F_WRITER	2	/* then go on with a writer */
#define F_INIT		4	/* which begins anew */
#define F_SMALL		8	/* the reader's buffer is short */

#define ROOM		(9 * 4096)
#define SLOT		(3 * 4096)
#define MAX_LOOKS	255

static unsigned char base[ROOM];
static struct npmu_region region;
static struct npmu_status status;

/* The region as the target sees it: its end is the end of the allocation. */
static unsigned char *at;
static size_t size;

/* Patches still to come, and what was looked at. */
static const uint8_t *script;
static size_t script_len;
static unsigned int looks;
static bool live;
static bool orderly;	/* nobody but other_writer() has changed anything */
static struct npmu_ckpt_slot seen[512];
static unsigned int nr_seen;

static void seal_header(unsigned char *p)
{
	struct npmu_ckpt_header h;

	memcpy(&h, p, sizeof(h));
	h.crc = 0;
	h.crc = htole32(npmu_crc32c(0, &h, sizeof(h)));
	memcpy(p, &h, sizeof(h));
}

static void seal_slot(unsigned char *p, size_t room)
{
	struct npmu_ckpt_slot s;

	memcpy(&s, p, sizeof(s));
	if (room < sizeof(s) || le64toh(s.length) > room - sizeof(s))
		return;
	s.crc = 0;
	s.crc = htole32(npmu_crc32c(npmu_crc32c(0, p + sizeof(s), le64toh(s.length)),
				    &s, sizeof(s)));
	memcpy(p, &s, sizeof(s));
}

static void build(void)
{
	struct npmu_ckpt_header h = {
		.magic = htole64(NPMU_CKPT_MAGIC),
		.version = htole32(1), .form = htole32(1),
		.generation = htole64(3), .instance = htole64(0x1122334455667788),
		.slot_offset = { htole64(8192), htole64(8192 + SLOT) },
		.slot_size = htole64(SLOT), .capacity = htole64(SLOT - 64),
		.fence_epoch = htole64(2), .created = htole64(1700000000),
	};
	struct npmu_ckpt_slot s = { .instance = h.instance, .fence_epoch = htole64(2) };
	int i;

	for (i = 0; i < 2; i++) {
		memcpy(base + 4096 * i, &h, sizeof(h));
		seal_header(base + 4096 * i);
		s.sequence = htole64(5 + i);
		s.length = htole64(i ? 700 : SLOT - 64);
		memcpy(base + 8192 + SLOT * i, &s, sizeof(s));
		memset(base + 8192 + SLOT * i + 64, 'a' + i, le64toh(s.length));
		seal_slot(base + 8192 + SLOT * i, SLOT);
	}
}

/* Where a patch goes; NULL: nowhere. */
static unsigned char *place(unsigned int where, size_t offset, size_t *room)
{
	static const size_t start[6] = { 0, 4096, 8192, 8192 + SLOT, 0, 8192 };
	static const size_t span[6] = { 256, 256, 64, 64, ROOM, 2 * SLOT };
	size_t to = start[where] + offset % span[where];

	if (to >= size)
		return NULL;
	*room = size - to;
	return at + to;
}

/*
 * What another writer does in one step, in the order that linux/npmu_ckpt.h has: it
 * makes the checkpoint anew, or commits into the slot that is not current, wholly or
 * no further than the data.
 */
static void other_writer(unsigned int step, uint8_t byte)
{
	struct npmu_ckpt_header h;
	struct npmu_ckpt_slot s[2];
	unsigned char *slot;
	bool old[2];
	int i, to;

	memcpy(&h, at, sizeof(h));
	if (step & 2) {
		h.instance = htole64(le64toh(h.instance) + 1);
		h.generation = htole64(le64toh(h.generation) + 1);
		for (i = 0; i < 2; i++) {
			memcpy(at + 4096 * i, &h, sizeof(h));
			seal_header(at + 4096 * i);
		}
		return;
	}
	for (i = 0; i < 2; i++) {
		memcpy(&s[i], at + 8192 + SLOT * i, sizeof(s[i]));
		old[i] = s[i].instance != h.instance ||
			 !twin_sealed(&s[i], at + 8192 + SLOT * i + 64);
	}
	to = old[0] != old[1] ? old[1] : le64toh(s[1].sequence) < le64toh(s[0].sequence);
	slot = at + 8192 + SLOT * to;
	s[to].instance = h.instance;
	s[to].sequence = htole64((old[!to] ? 0 : le64toh(s[!to].sequence)) + 1);
	s[to].fence_epoch = htole64(2);
	s[to].length = htole64(byte * 40);
	memset(slot + sizeof(s[to]), byte, byte * 40);
	if (step & 1)
		return;
	memcpy(slot, &s[to], sizeof(s[to]));
	seal_slot(slot, SLOT);
}

/* Patches whose time has come. */
static void play(void)
{
	while (script_len >= 5 && (script[3] <= looks || !live)) {
		size_t offset = script[1] | script[2] << 8, n = script[4], room;
		unsigned int where = script[0] % 16;
		unsigned char *to;

		if (!live && script[3])
			return;
		script += 5;
		script_len -= 5;
		n = n < script_len ? n : script_len;
		if (where < 6) {
			to = place(where, offset, &room);
			orderly = false;
			if (to)
				memcpy(to, script, n < room ? n : room);
		} else if (where > 13) {
			orderly = false;
			memcpy(at, base, size);
		} else if (live && orderly) {
			other_writer(where, (uint8_t)offset);
		}
		script += n;
		script_len -= n;
	}
}

static void look(void)
{
	if (live && looks < MAX_LOOKS) {
		looks++;
		play();
	}
}

static bool inside(const void *p)
{
	return (const unsigned char *)p >= at && (const unsigned char *)p < at + size;
}

void *fuzz_memcpy(void *to, const void *from, size_t len)
{
	size_t half = len / 2;

	if (!inside(from))
		return memcpy(to, from, len);
	look();
	memcpy(to, from, half);
	look();
	memcpy((char *)to + half, (const char *)from + half, len - half);
	if (len == sizeof(seen[0]) && nr_seen < 512)
		memcpy(&seen[nr_seen++], to, len);
	return to;
}

uint32_t fuzz_crc32c(uint32_t crc, const void *buf, size_t len)
{
	if (inside(buf))
		look();
	return npmu_crc32c(crc, buf, len);
}

/* Some header that was looked at names what was handed out and seals it. */
static bool was_sealed(const struct npmu_ckpt_info *info, const void *data)
{
	unsigned int i;

	for (i = 0; i < nr_seen; i++)
		if (le64toh(seen[i].sequence) == info->sequence &&
		    le64toh(seen[i].length) == info->length &&
		    le64toh(seen[i].tag) == info->tag &&
		    le64toh(seen[i].fence_epoch) == info->fence_epoch &&
		    twin_sealed(&seen[i], data))
			return true;
	return false;
}

static void read_copy(struct npmu_ckpt_reader *r, size_t cap)
{
	const unsigned char *state = NULL;
	struct npmu_ckpt_info info = { 0 };
	struct npmu_ckpt_slot slot;
	unsigned char *buf = malloc(cap ? cap : 1);
	int code, twin;

	MUST(buf);
	nr_seen = 0;
	code = npmu_ckpt_read(r, buf, cap, &info);
	MUST(code <= 0);
	MUST(code || (info.length <= cap && was_sealed(&info, buf)));
	MUST(!code == !*npmu_ckpt_reader_error(r) || !code);
	if (!live) {
		twin = twin_find(at, size, &state, &slot);
		if (!twin && le64toh(slot.length) > cap)
			twin = -EMSGSIZE;
		MUST(code == twin);
		MUST(code || (info.sequence == le64toh(slot.sequence) &&
			      !memcmp(buf, state, info.length)));
	}
	free(buf);
}

static void read_peek(struct npmu_ckpt_reader *r)
{
	struct npmu_ckpt_info info;
	const void *data;
	unsigned char *copy;
	int code;

	nr_seen = 0;
	code = npmu_ckpt_peek(r, &data, &info);
	MUST(code <= 0);
	if (code)
		return;
	MUST(inside(data) && info.length <= size);
	copy = malloc(info.length + 1);
	MUST(copy);
	fuzz_memcpy(copy, data, info.length);
	code = npmu_ckpt_recheck(r, &info);
	MUST(code == 0 || code == -EAGAIN);
	MUST(live || !code);
	/* Who writes against the rules can deceive a reader, though not lead it astray. */
	if (!code && (!live || orderly))
		MUST(was_sealed(&info, copy));
	free(copy);
}

/* A writer that accepts the region goes on; one that refuses it leaves it alone. */
static void write_on(unsigned int flags, size_t len, unsigned char *before)
{
	static unsigned char state[ROOM];
	unsigned int init = flags & F_INIT ? NPMU_CKPT_INIT : 0;
	const unsigned char *found = NULL;
	struct npmu_ckpt_slot slot;
	struct npmu_ckpt_writer *w;
	struct npmu_ckpt_range range;
	struct npmu_error err;
	int code, was = twin_find(at, size, &found, &slot);

	memcpy(before, at, size);
	code = npmu_ckpt_writer_open(&region, 0, init, &w, &err);
	MUST(code <= 0 && !code == !err.text[0]);
	if (code) {
		MUST(!w && !memcmp(before + 8192, at + 8192, size - 8192));
		MUST(!init || size < NPMU_CKPT_MIN_REGION);
		return;
	}
	MUST(init || was == 0 || was == -ENODATA);
	MUST(init || npmu_ckpt_writer_sequence(w) == (was ? 0 : le64toh(slot.sequence)));
	if (len > npmu_ckpt_writer_capacity(w))
		len = npmu_ckpt_writer_capacity(w);
	memset(state, 'w', len);
	MUST(!npmu_ckpt_commit(w, state, len, 77));
	MUST(!twin_find(at, size, &found, &slot));
	MUST(le64toh(slot.length) == len && !memcmp(found, state, len));
	range = (struct npmu_ckpt_range){ len / 3, len / 4 };
	memset(state + len / 3, 'x', len / 4);
	MUST(!npmu_ckpt_commit_ranges(w, state, len, &range, 1, 78));
	MUST(!npmu_ckpt_commit_ranges(w, state, len, &range, 1, 79));
	MUST(!twin_find(at, size, &found, &slot));
	MUST(le64toh(slot.tag) == 79 && !memcmp(found, state, len));
	npmu_ckpt_writer_close(w);
}

static void begin(unsigned int flags, unsigned int size_byte)
{
	static const size_t sizes[8] = {
		ROOM, ROOM, ROOM, ROOM, ROOM - 4096, 16384, 8192, 12288,
	};
	int i;

	if (!base[0])
		build();
	size = sizes[size_byte % 8];
	at = malloc(size);
	MUST(at);
	if (size_byte & 64)
		memset(at, 0, size);
	else
		memcpy(at, base, size);
	region = (struct npmu_region){
		.fd = -1, .flags = NPMU_OPEN_WRITE, .is_file = true, .size = size,
		.entry_id = 1, .ops = npmu_persist_choose(), .status = &status, .addr = at,
		.length = size, .map_flags = NPMU_MAP_WRITE, .error = "",
		.persistence_class = size_byte & 128 ? NPMU_CLASS_WARM : NPMU_CLASS_VOLATILE,
	};
	status = (struct npmu_status){ .writer = 1, .fence_epoch = 9 };
	live = false;
	looks = 0;
	orderly = size == ROOM && !(size_byte & 64);
	play();
	for (i = 0; i < 2 && flags & F_SEAL && size == ROOM; i++) {
		seal_header(at + 4096 * i);
		seal_slot(at + 8192 + SLOT * i, SLOT);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static unsigned char before[ROOM];
	struct npmu_ckpt_reader *r;
	struct npmu_error err;
	unsigned int flags;

	if (len < 2)
		return 0;
	flags = data[0];
	script = data + 2;
	script_len = len - 2;
	begin(flags, data[1]);
	MUST(!npmu_ckpt_reader_open(&region, &r, &err));
	live = script_len >= 5;
	read_copy(r, flags & F_SMALL ? 600 : SLOT);
	read_peek(r);
	live = false;
	nr_seen = 0;
	read_copy(r, SLOT);
	npmu_ckpt_reader_close(r);
	if (flags & F_WRITER && size >= 8192)
		write_on(flags, data[1] * 61, before);
	free(at);
	return 0;
}

/* --- mutation: a field of a header or slot, now or between two looks --- */

static size_t one_patch(uint8_t *data, size_t max, uint32_t *rng)
{
	static const uint8_t header[] = { 8, 12, 16, 24, 32, 40, 48, 56, 64, 72, 80, 96, 192, 248 };
	static const uint64_t values[] = {
		0, 1, 2, 4, 5, 6, 7, 63, 64, 700, 4095, 4096, 8192, 8192 + SLOT, SLOT, SLOT - 63,
		SLOT - 64, ROOM - 4096, ROOM, 1ULL << 32, 1ULL << 62, 1ULL << 63, ~0ULL, ~0ULL - 4095,
		0 - (uint64_t)SLOT, 0x1122334455667788,
	};
	uint64_t value = values[fuzz_next(rng) % (sizeof(values) / sizeof(values[0]))];
	unsigned int where = fuzz_next(rng) % 15;

	if (max < 13)
		return 0;
	data[0] = where;
	data[1] = where < 2 ? header[fuzz_next(rng) % sizeof(header)] :
		  where < 4 ? 8 * (fuzz_next(rng) % 8) : fuzz_next(rng);
	data[2] = where < 4 ? 0 : fuzz_next(rng);
	data[3] = fuzz_next(rng) % 3 ? 0 : fuzz_next(rng) % 40;
	data[4] = where < 6 ? 8 : 0;
	value = htole64(value);
	memcpy(data + 5, &value, data[4]);
	return 5U + data[4];
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t len, size_t max, unsigned int seed)
{
	uint32_t rng = seed | 1;

	if (fuzz_next(&rng) % 3 == 0 || max < 16)
		return LLVMFuzzerMutate(data, len, max);
	if (len < 2 || fuzz_next(&rng) % 8 == 0) {
		data[0] = fuzz_next(&rng) % 16;
		data[1] = fuzz_next(&rng);
		len = 2;
	}
	if (fuzz_next(&rng) % 4)
		data[0] |= F_SEAL;
	do
		len += one_patch(data + len, max - len, &rng);
	while (fuzz_next(&rng) % 3 == 0);
	return len;
}

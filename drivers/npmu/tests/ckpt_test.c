// SPDX-License-Identifier: GPL-2.0-only
/*
 * The header of a checkpoint: each limit by a table, every changed byte, and the geometry
 * against a naive twin that marks bytes and counts in 128 bits.
 */
#include "check.h"
#include "ckpt.h"

#define KIB	(1ULL << 10)
#define REGION	(256 * KIB)
#define SLOT	(16 * KIB)
#define RING_AT	(NPMU_CKPT_SLOTS_START + 2 * SLOT)
#define RING	(64 * KIB)
#define INSTANCE 0x1122334455667788ULL

static struct npmu_ckpt_header copy[2];
static struct npmu_ckpt_geometry geo;

static u32 sum_of(const void *buf, size_t len)
{
	return npmu_crc32c(0, buf, len);
}

static void seal_header(struct npmu_ckpt_header *h)
{
	h->crc = 0;
	h->crc = cpu_to_le32(sum_of(h, sizeof(*h)));
}

static struct npmu_ckpt_header good_header(u32 form)
{
	struct npmu_ckpt_header h;

	memset(&h, 0, sizeof(h));
	h.magic = cpu_to_le64(NPMU_CKPT_MAGIC);
	h.version = cpu_to_le32(NPMU_CKPT_VERSION);
	h.form = cpu_to_le32(form);
	h.generation = cpu_to_le64(3);
	h.instance = cpu_to_le64(INSTANCE);
	h.slot_offset[0] = cpu_to_le64(NPMU_CKPT_SLOTS_START);
	h.slot_offset[1] = cpu_to_le64(NPMU_CKPT_SLOTS_START + SLOT);
	h.slot_size = cpu_to_le64(SLOT);
	h.capacity = cpu_to_le64(SLOT - NPMU_CKPT_SLOT_HEADER);
	h.fence_epoch = cpu_to_le64(7);
	h.created = cpu_to_le64(1234567);
	if (form == NPMU_CKPT_FORM_APPEND) {
		h.append.ring_offset = cpu_to_le64(RING_AT);
		h.append.ring_size = cpu_to_le64(RING);
	}
	seal_header(&h);
	return h;
}

static int pick(void)
{
	return npmu_ckpt_pick_header(copy, REGION, &geo);
}

/* One header in both copies. */
static int pick_sealed(struct npmu_ckpt_header h)
{
	seal_header(&h);
	copy[0] = h;
	copy[1] = h;
	return pick();
}

static void header__says_what_was_made(struct kunit *test)
{
	copy[0] = good_header(NPMU_CKPT_FORM_APPEND);
	CHECK(!pick(), "refused");
	CHECK(geo.form == NPMU_CKPT_FORM_APPEND && geo.instance == INSTANCE &&
	      geo.generation == 3 && geo.fence_epoch == 7 && geo.created == 1234567 &&
	      geo.slot_offset[1] == NPMU_CKPT_SLOTS_START + SLOT && geo.slot_size == SLOT &&
	      geo.capacity == SLOT - NPMU_CKPT_SLOT_HEADER && geo.ring_offset == RING_AT &&
	      geo.ring_size == RING && !geo.no_crc, "other values");
	copy[0] = good_header(NPMU_CKPT_FORM_OVERWRITE);
	CHECK(!pick() && !geo.ring_size && !geo.ring_offset, "the overwrite form has a ring");
}

static void header__the_higher_generation_counts(struct kunit *test)
{
	copy[0] = good_header(NPMU_CKPT_FORM_APPEND);
	copy[1] = copy[0];
	copy[1].generation = cpu_to_le64(4);
	seal_header(&copy[1]);
	CHECK(!pick() && geo.generation == 4, "generation %llu", geo.generation);
	copy[1].crc ^= cpu_to_le32(1);
	CHECK(!pick() && geo.generation == 3, "generation %llu", geo.generation);
	copy[0].crc ^= cpu_to_le32(1);
	CHECK(pick() == -EUCLEAN, "two damaged copies: %d", pick());
	/* What the current copy says cannot be used: its twin is not asked. */
	copy[0] = good_header(NPMU_CKPT_FORM_APPEND);
	copy[1].version = cpu_to_le32(9);
	seal_header(&copy[1]);
	CHECK(pick() == -EPROTONOSUPPORT, "an older twin of another version: %d", pick());
}

static void header__zeros_are_none(struct kunit *test)
{
	CHECK(pick() == -EMEDIUMTYPE, "%d", pick());
}

static void header__any_byte_damaged_is_refused(struct kunit *test)
{
	u8 *bytes = (u8 *)&copy[0];
	u32 at;

	copy[0] = good_header(NPMU_CKPT_FORM_APPEND);
	for (at = 0; at < sizeof(copy[0]); at++) {
		bytes[at] ^= 0x10;
		CHECK(pick() == (at < 8 ? -EMEDIUMTYPE : -EUCLEAN), "byte %u: %d", at, pick());
		bytes[at] ^= 0x10;
	}
}

/* A word of the header, by its offset: what is refused, with what. */
static void header__each_limit(struct kunit *test)
{
#define H(field)	offsetof(struct npmu_ckpt_header, field)
	static const struct {
		size_t at;
		u64 value;
		int err;
	} cases[] = {
		{ H(instance), 0, -EUCLEAN },
		{ H(incompat), 1, -EPROTONOSUPPORT },
		{ H(compat), ~0ULL, 0 },
		{ H(generation), ~0ULL, 0 },
		{ H(slot_size), 0, -EUCLEAN },
		{ H(slot_size), 2 * SLOT, -EUCLEAN },
		{ H(slot_size), SLOT - 1, -EUCLEAN },
		{ H(slot_size), ~0ULL, -EUCLEAN },
		{ H(slot_size), ~0ULL << 12, -EUCLEAN },
		{ H(capacity), SLOT - NPMU_CKPT_SLOT_HEADER + 1, -EUCLEAN },
		{ H(capacity), ~0ULL, -EUCLEAN },
		{ H(capacity), 0, 0 },
		{ H(slot_offset), 4096, -EUCLEAN },
		{ H(slot_offset), NPMU_CKPT_SLOTS_START + 1, -EUCLEAN },
		{ H(slot_offset), NPMU_CKPT_SLOTS_START + 4096, -EUCLEAN },
		{ H(slot_offset), RING_AT, -EUCLEAN },
		{ H(slot_offset), RING_AT + RING - 4096, -EUCLEAN },
		{ H(slot_offset), RING_AT + RING, 0 },
		{ H(slot_offset), REGION - SLOT, 0 },
		{ H(slot_offset), REGION - SLOT + 4096, -EUCLEAN },
		{ H(slot_offset), ~0ULL << 12, -EUCLEAN },
		{ H(append.ring_offset), 0, -EUCLEAN },
		{ H(append.ring_offset), RING_AT - 4096, -EUCLEAN },
		{ H(append.ring_offset), RING_AT + 64, -EUCLEAN },
		{ H(append.ring_offset), REGION - RING, 0 },
		{ H(append.ring_offset), REGION - RING + 4096, -EUCLEAN },
		{ H(append.ring_offset), ~0ULL << 12, -EUCLEAN },
		{ H(append.ring_size), 0, -EUCLEAN },
		{ H(append.ring_size), NPMU_CKPT_MIN_RING, 0 },
		{ H(append.ring_size), NPMU_CKPT_MIN_RING + 64, -EUCLEAN },
		{ H(append.ring_size), REGION - RING_AT, 0 },
		{ H(append.ring_size), REGION, -EUCLEAN },
		{ H(append.ring_size), ~0ULL << 12, -EUCLEAN },
		{ H(append.flags), NPMU_CKPT_APPEND_F_NO_CRC, 0 },
		{ H(append.flags), 2, -EPROTONOSUPPORT },
		{ H(append.flags), 1ULL << 32, -EUCLEAN },	/* reserved */
		{ H(append.reserved) + 68, 1, -EUCLEAN },
		{ H(reserved), 1, -EUCLEAN },
		{ H(reserved) + 52, 1ULL << 63, -EUCLEAN },
		{ H(version), 2 | (u64)NPMU_CKPT_FORM_APPEND << 32, -EPROTONOSUPPORT },
		{ H(version), 1 | 3ULL << 32, -EPROTONOSUPPORT },
		{ H(version), 1, -EPROTONOSUPPORT },
		/* The same bytes in the overwrite form: not reserved for it. */
		{ H(version), 1 | (u64)NPMU_CKPT_FORM_OVERWRITE << 32, -EUCLEAN },
	};
#undef H
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct npmu_ckpt_header h = good_header(NPMU_CKPT_FORM_APPEND);
		__le64 word = cpu_to_le64(cases[i].value);
		int err;

		memcpy((u8 *)&h + cases[i].at, &word, sizeof(word));
		err = pick_sealed(h);
		CHECK(err == cases[i].err, "case %u: %d", i, err);
	}
}

/* Does a byte of the region belong to two areas? The twin of the geometry. */
static bool twin_geometry(const u64 at[3], const u64 len[3], u64 size)
{
	static u8 owner[REGION / 4096];
	u32 i, b;

	memset(owner, 0, sizeof(owner));
	for (i = 0; i < 3; i++) {
		unsigned __int128 end = (unsigned __int128)at[i] + len[i];

		if (at[i] % 4096 || len[i] % 4096 || !len[i] || at[i] < 8192 || end > size)
			return false;
		for (b = at[i] / 4096; b < end / 4096; b++)
			if (owner[b]++)
				return false;
	}
	return true;
}

static u64 any_offset(u64 *seed)
{
	u64 r = seeded_random(seed);

	switch (r % 8) {
	case 0:
		return seeded_random(seed);
	case 1:
		return ~0ULL - (seeded_random(seed) % 4) * 4096 + 1;
	case 2:
		return seeded_random(seed) % (REGION + 8192);
	default:
		return (seeded_random(seed) % (REGION / 4096 + 2)) * 4096;
	}
}

static void header__agrees_with_a_naive_twin(struct kunit *test)
{
	u64 seed = 11;
	u32 good = 0;
	u32 round;

	for (round = 0; round < ROUNDS(100000); round++) {
		struct npmu_ckpt_header h = good_header(NPMU_CKPT_FORM_APPEND);
		u64 len[3], at[3];
		bool want;
		u32 i;

		for (i = 0; i < 3; i++) {
			at[i] = any_offset(&seed);
			len[i] = i != 1 && round % 3 ? (1 + seeded_random(&seed) % 20) * 4096 :
						       any_offset(&seed);
		}
		len[1] = len[0];
		h.slot_offset[0] = cpu_to_le64(at[0]);
		h.slot_offset[1] = cpu_to_le64(at[1]);
		h.slot_size = cpu_to_le64(len[0]);
		h.capacity = cpu_to_le64(0);
		h.append.ring_offset = cpu_to_le64(at[2]);
		h.append.ring_size = cpu_to_le64(len[2]);
		want = twin_geometry(at, len, REGION);
		good += want;
		CHECK(!pick_sealed(h) == want, "round %u: [%llx] [%llx] +%llx, [%llx] +%llx",
		      round, at[0], at[1], len[0], at[2], len[2]);
	}
	CHECK(good > ROUNDS(100000) / 200, "only %u good ones tried", good);
}

static struct kunit_case ckpt_cases[] = {
	KUNIT_CASE(header__says_what_was_made),
	KUNIT_CASE(header__the_higher_generation_counts),
	KUNIT_CASE(header__zeros_are_none),
	KUNIT_CASE(header__any_byte_damaged_is_refused),
	KUNIT_CASE(header__each_limit),
	KUNIT_CASE(header__agrees_with_a_naive_twin),
	{}
};

static int ckpt_init(struct kunit *test)
{
	memset(copy, 0, sizeof(copy));
	return 0;
}

static struct kunit_suite ckpt_suite = {
	.name = "npmu_ckpt",
	.init = ckpt_init,
	.test_cases = ckpt_cases,
};

kunit_test_suite(ckpt_suite);

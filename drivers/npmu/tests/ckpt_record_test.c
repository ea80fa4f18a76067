// SPDX-License-Identifier: GPL-2.0-only
/*
 * The records of a checkpoint: slots, updates, seals, readers, and the walk over updates.
 * Each limit by a table, every changed byte, and updates against a naive twin that counts
 * in 128 bits.
 */
#include "check.h"
#include "ckpt.h"

#define KIB	(1ULL << 10)
#define SLOT	(16 * KIB)
#define RING_AT	(NPMU_CKPT_SLOTS_START + 2 * SLOT)
#define RING	(64 * KIB)
#define INSTANCE 0x1122334455667788ULL

static struct npmu_ckpt_geometry geo;

static u32 sum_of(const void *buf, size_t len)
{
	return npmu_crc32c(0, buf, len);
}

static struct npmu_ckpt_slot good_slot(void)
{
	return (struct npmu_ckpt_slot) {
		.instance = cpu_to_le64(INSTANCE),
		.sequence = cpu_to_le64(9),
		.fence_epoch = cpu_to_le64(7),
		.length = cpu_to_le64(100),
		.tag = cpu_to_le64(55),
		.position = cpu_to_le64(640),
	};
}

/* A word of a record, by its offset, and whether the record is still plausible. */
struct word_case {
	size_t at;
	u64 value;
	bool good;
};

static void slot__each_limit(struct kunit *test)
{
#define S(field)	offsetof(struct npmu_ckpt_slot, field)
	static const struct word_case cases[] = {
		{ S(instance), INSTANCE, true },
		{ S(instance), INSTANCE + 1, false },
		{ S(instance), 0, false },
		{ S(sequence), 0, false },
		{ S(sequence), NPMU_CKPT_END - 1, true },
		{ S(sequence), NPMU_CKPT_END, false },
		{ S(fence_epoch), ~0ULL, true },
		{ S(length), SLOT - NPMU_CKPT_SLOT_HEADER, true },
		{ S(length), SLOT - NPMU_CKPT_SLOT_HEADER + 1, false },
		{ S(length), ~0ULL, false },
		{ S(length), 0, true },
		{ S(tag), ~0ULL, true },
		{ S(position), 0, true },
		{ S(position), 1, false },
		{ S(position), NPMU_CKPT_END - 64, true },
		{ S(position), NPMU_CKPT_END, false },
		{ S(reserved), 1, false },
		{ S(flags), 1, false },
	};
#undef S
	struct npmu_ckpt_record record;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct npmu_ckpt_slot slot = good_slot();
		__le64 word = cpu_to_le64(cases[i].value);

		memcpy((u8 *)&slot + cases[i].at, &word, sizeof(word));
		CHECK(npmu_ckpt_check_slot(&slot, &geo, &record) == cases[i].good, "case %u", i);
	}
	geo.form = NPMU_CKPT_FORM_OVERWRITE;
	{
		struct npmu_ckpt_slot slot = good_slot();

		CHECK(!npmu_ckpt_check_slot(&slot, &geo, &record), "a position without a ring");
		slot.position = 0;
		CHECK(npmu_ckpt_check_slot(&slot, &geo, &record) && record.sequence == 9 &&
		      record.length == 100 && record.tag == 55 && record.fence_epoch == 7,
		      "other values");
	}
}

static struct npmu_ckpt_update good_update(u64 position, u64 length)
{
	return (struct npmu_ckpt_update) {
		.instance = cpu_to_le64(INSTANCE),
		.sequence = cpu_to_le64(10),
		.fence_epoch = cpu_to_le64(7),
		.position = cpu_to_le64(position),
		.length = cpu_to_le64(length),
	};
}

static void update__each_limit(struct kunit *test)
{
#define U(field)	offsetof(struct npmu_ckpt_update, field)
	/* It stands 256 bytes before the end of the ring, in its second round. */
	const u64 here = 2 * RING - 256;
	const struct word_case cases[] = {
		{ U(instance), INSTANCE ^ 1, false },
		{ U(sequence), 0, false },
		{ U(sequence), NPMU_CKPT_END, false },
		{ U(position), here - 64, false },
		{ U(position), here - RING, false },
		{ U(position), here + RING, false },
		{ U(committed), here, true },
		{ U(committed), here + 1, false },
		{ U(committed), ~0ULL, false },
		{ U(length), 192, true },
		{ U(length), 193, false },
		{ U(length), RING, false },
		{ U(length), ~0ULL, false },
		{ U(length), ~0ULL - 63, false },
		{ U(length), 0, true },
		{ U(flags), 2, false },
		{ U(flags), 1U << 31, false },
	};
#undef U
	struct npmu_ckpt_record record;
	struct npmu_ckpt_update u;
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		__le64 word = cpu_to_le64(cases[i].value);

		u = good_update(here, 100);
		memcpy((u8 *)&u + cases[i].at, &word, sizeof(word));
		CHECK(npmu_ckpt_check_update(&u, &geo, here, &record) == cases[i].good, "case %u", i);
	}
	u = good_update(here, 191);
	u.flags = cpu_to_le32(NPMU_CKPT_UPDATE_F_PAD);
	CHECK(!npmu_ckpt_check_update(&u, &geo, here, &record), "a pad that does not fill");
	u.length = cpu_to_le64(192);
	CHECK(npmu_ckpt_check_update(&u, &geo, here, &record) && record.pad, "a pad is refused");
	u = good_update(NPMU_CKPT_END, 0);
	CHECK(!npmu_ckpt_check_update(&u, &geo, NPMU_CKPT_END, &record), "a position not believed");
}

/* Any update that is plausible lies within the ring, with all it takes. */
static void update__stays_within_the_ring(struct kunit *test)
{
	u64 seed = 5;
	u32 good = 0;
	u32 round;

	for (round = 0; round < ROUNDS(100000); round++) {
		u64 at = seeded_random(&seed) % (NPMU_CKPT_END / 64) * 64;
		u64 length = seeded_random(&seed) >> (seeded_random(&seed) % 64);
		struct npmu_ckpt_update u = good_update(at, length);
		unsigned __int128 end = (unsigned __int128)(at % RING) + 64 + length;
		struct npmu_ckpt_record record;
		bool fits = npmu_ckpt_check_update(&u, &geo, at, &record);

		good += fits;
		CHECK(fits == (end <= RING), "round %u: %llx + %llx", round, at, length);
		CHECK(!fits || at % RING + npmu_ckpt_update_room(length) <= RING,
		      "round %u: %llx + %llx reaches out", round, at, length);
		CHECK(!fits || npmu_ckpt_ring_at(&geo, at) - RING_AT == at % RING,
		      "round %u: %llx lies elsewhere", round, at);
	}
	CHECK(good > ROUNDS(100000) / 20, "only %u good ones tried", good);
}

static void sum__is_over_data_and_header(struct kunit *test)
{
	struct npmu_ckpt_update u = good_update(0, 3);
	u8 all[3 + sizeof(u)] = "abc";
	u32 sum;

	memcpy(all + 3, &u, sizeof(u));
	sum = sum_of(all, sizeof(all));
	u.crc = cpu_to_le32(12345);
	CHECK(npmu_ckpt_sum(sum_of("abc", 3), &u) == sum, "%x", sum);
}

static struct npmu_ckpt_seal good_seal(u64 epoch, u64 end)
{
	struct npmu_ckpt_seal seal = {
		.instance = cpu_to_le64(INSTANCE),
		.fence_epoch = cpu_to_le64(epoch),
		.sequence = cpu_to_le64(4),
		.end = cpu_to_le64(end),
		.base = cpu_to_le64(2),
	};

	seal.crc = cpu_to_le32(sum_of(&seal, sizeof(seal)));
	return seal;
}

static void seal__any_byte_damaged_is_refused(struct kunit *test)
{
	struct npmu_ckpt_seal seal = good_seal(8, 1280);
	struct npmu_ckpt_sealed sealed;
	u8 *bytes = (u8 *)&seal;
	u32 at;

	CHECK(npmu_ckpt_check_seal(&seal, &geo, &sealed) && sealed.fence_epoch == 8 &&
	      sealed.end == 1280 && sealed.sequence == 4 && sealed.base == 2, "refused as made");
	for (at = 0; at < sizeof(seal); at++) {
		bytes[at] ^= 0x10;
		CHECK(!npmu_ckpt_check_seal(&seal, &geo, &sealed), "byte %u is of no matter", at);
		bytes[at] ^= 0x10;
	}
	seal = good_seal(8, 1281);
	CHECK(!npmu_ckpt_check_seal(&seal, &geo, &sealed), "an end between two");
	seal = good_seal(8, 1280);
	geo.instance++;
	CHECK(!npmu_ckpt_check_seal(&seal, &geo, &sealed), "of another instance");
}

static struct npmu_ckpt_reader_entry good_reader(void)
{
	struct npmu_ckpt_named named = { .name = "standby", .uid = 1000, .position = 4096 };
	struct npmu_ckpt_reader_entry entry;

	npmu_ckpt_make_reader(&entry, INSTANCE, &named);
	return entry;
}

static void reader__says_what_was_made(struct kunit *test)
{
	struct npmu_ckpt_reader_entry entry = good_reader();
	struct npmu_ckpt_named named;

	CHECK(npmu_ckpt_check_reader(&entry, INSTANCE, &named), "refused");
	CHECK(!strcmp(named.name, "standby") && named.uid == 1000 && named.position == 4096,
	      "other values");
	CHECK(le32_to_cpu(entry.crc) == sum_of(&entry, 28), "not the sum that is documented");
	CHECK(!npmu_ckpt_check_reader(&entry, INSTANCE + 1, &named), "of another instance");
	memset(&entry, 0, sizeof(entry));
	CHECK(!npmu_ckpt_check_reader(&entry, 0, &named), "zeros are an entry");
}

/* The position is under no sum: any multiple of 64 in it is believed. */
static void reader__any_byte_damaged_is_refused(struct kunit *test)
{
	struct npmu_ckpt_reader_entry entry = good_reader();
	u8 *bytes = (u8 *)&entry;
	u32 at;

	for (at = 0; at < sizeof(entry); at++) {
		struct npmu_ckpt_named named;
		bool word = at > 32 && at < 40;

		bytes[at] ^= 0x10;
		CHECK(npmu_ckpt_check_reader(&entry, INSTANCE, &named) == word, "byte %u", at);
		bytes[at] ^= 0x10;
	}
}

static void reader__which_names(struct kunit *test)
{
	static const struct {
		u8 name[NPMU_CKPT_READER_NAME_LEN];
		bool good;
	} cases[] = {
		{ "a", true },
		{ "fifteen-letters", true },
		{ "node-1.rack_2", true },
		{ "", false },
		{ { 0, 'a' }, false },
		{ { 'a', 0, 'b' }, false },
		{ { 'a', [15] = 'b' }, false },
		{ { 's', 'i', 'x', 't', 'e', 'e', 'n', '-', 'l', 'e', 't', 't', 'e', 'r', 's', '!' },
		  false },
		{ ".hidden", false },
		{ "a b", false },
		{ "a\nb", false },
		{ "a/b", false },
		{ "\xff", false },
	};
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++)
		CHECK(npmu_ckpt_reader_name_ok(cases[i].name) == cases[i].good, "case %u", i);
}

/* --- walks --- */

static struct npmu_ckpt_record update_at(u64 sequence, u64 epoch, u64 position, u64 length)
{
	return (struct npmu_ckpt_record) {
		.sequence = sequence,
		.fence_epoch = epoch,
		.position = position,
		.length = length,
	};
}

static void walk__order_and_seal(struct kunit *test)
{
	const struct npmu_ckpt_sealed seal = { .fence_epoch = 8, .end = 256 };
	static const struct {
		u64 sequence, epoch, length;
		bool sealed, good;
	} cases[] = {
		{ 10, 7, 64, false, true },
		{ 11, 7, 64, false, true },
		{ 9, 7, 64, false, false },	/* the base's own */
		{ 8, 7, 64, false, false },
		{ 10, 6, 64, false, false },	/* an older epoch */
		{ 10, 9, 64, false, true },
		{ 10, 7, 64, true, true },	/* up to the seal */
		{ 10, 7, 65, true, false },	/* beyond it */
		{ 10, 8, 64, true, true },
		{ 10, 8, 500, true, true },	/* of the one who sealed */
	};
	const struct npmu_ckpt_record base = update_at(9, 7, 128, 0);
	u32 i;

	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct npmu_ckpt_walk walk = npmu_ckpt_walk_begin(&base);
		struct npmu_ckpt_record u = update_at(cases[i].sequence, cases[i].epoch, 128,
						      cases[i].length);
		const struct npmu_ckpt_sealed *behind = NULL;
		bool good;

		if (cases[i].sealed)
			behind = &seal;
		good = npmu_ckpt_walk_on(&walk, &u, &geo, behind);

		CHECK(good == cases[i].good, "case %u", i);
		CHECK(walk.position == 128 + (good ? npmu_ckpt_update_room(u.length) : 0),
		      "case %u: at %llu", i, walk.position);
	}
}

static void walk__a_pad_leaves_its_sequence(struct kunit *test)
{
	const struct npmu_ckpt_record base = update_at(9, 7, RING - 256, 0);
	struct npmu_ckpt_walk walk = npmu_ckpt_walk_begin(&base);
	struct npmu_ckpt_record pad = update_at(10, 7, RING - 256, 192);
	struct npmu_ckpt_record u = update_at(10, 7, RING, 10);

	pad.pad = true;
	CHECK(npmu_ckpt_walk_on(&walk, &pad, &geo, NULL) && walk.position == RING, "no pad");
	CHECK(npmu_ckpt_walk_on(&walk, &u, &geo, NULL), "what follows has the pad's sequence");
	CHECK(!npmu_ckpt_walk_on(&walk, &u, &geo, NULL), "the same again");
}

static void walk__ends_after_one_round(struct kunit *test)
{
	const struct npmu_ckpt_record base = update_at(1, 1, 1 * KIB, 0);
	struct npmu_ckpt_walk walk = npmu_ckpt_walk_begin(&base);
	u64 sequence = 2;
	u64 n = 0;

	for (;;) {
		struct npmu_ckpt_record u = update_at(sequence++, 1, walk.position, 4 * KIB - 64);

		if (!npmu_ckpt_walk_on(&walk, &u, &geo, NULL))
			break;
		if (++n > RING)
			break;
	}
	CHECK(n == RING / (4 * KIB) && walk.position - walk.start == RING, "%llu updates", n);
}

static struct kunit_case ckpt_record_cases[] = {
	KUNIT_CASE(slot__each_limit),
	KUNIT_CASE(update__each_limit),
	KUNIT_CASE(update__stays_within_the_ring),
	KUNIT_CASE(sum__is_over_data_and_header),
	KUNIT_CASE(seal__any_byte_damaged_is_refused),
	KUNIT_CASE(reader__says_what_was_made),
	KUNIT_CASE(reader__any_byte_damaged_is_refused),
	KUNIT_CASE(reader__which_names),
	KUNIT_CASE(walk__order_and_seal),
	KUNIT_CASE(walk__a_pad_leaves_its_sequence),
	KUNIT_CASE(walk__ends_after_one_round),
	{}
};

static int ckpt_record_init(struct kunit *test)
{
	geo = (struct npmu_ckpt_geometry) {
		.instance = INSTANCE,
		.capacity = SLOT - NPMU_CKPT_SLOT_HEADER,
		.form = NPMU_CKPT_FORM_APPEND,
		.ring_offset = RING_AT,
		.ring_size = RING,
	};
	return 0;
}

static struct kunit_suite ckpt_record_suite = {
	.name = "npmu_ckpt_record",
	.init = ckpt_record_init,
	.test_cases = ckpt_record_cases,
};

kunit_test_suite(ckpt_record_suite);

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Grants and creators in pure form: names, limits of each field, what is named twice,
 * and each byte of the block of creators changed.
 */
#include "check.h"
#include "grant.h"
#include "media_image.h"

#define MIB	(1ULL << 20)
#define UNIT	(64 * MIB)
#define SIZE	(3 * MIB)
#define G	NPMU_GRANULE_SIZE
#define SLOT	5

static struct npmu_superblock sb;
static struct npmu_region_record rec;
static struct npmu_creators_block block;
static struct npmu_creators list;

static int grant_test_init(struct kunit *test)
{
	image_superblock(&sb, UNIT, 16);
	memset(&list, 0, sizeof(list));
	return 0;
}

static void principal__names(struct kunit *test)
{
	static const char * const good[] = {
		"a", "host2", "host-2.example.org", "a@b", "A:b+c_d", "-", "@", "9",
		"0123456789012345678901234567890",
	};
	static const char * const bad[] = {
		"", ".", ".a", "a b", "a/b", "a\n", "\x7f", "\xc3\xa4", "a,b",
		"01234567890123456789012345678901", "012345678901234567890123456789012",
	};
	u8 field[NPMU_PRINCIPAL_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++) {
		memset(field, 0, sizeof(field));
		memcpy(field, good[i], strlen(good[i]));
		CHECK(npmu_principal_ok(good[i]), "good: %s", good[i]);
		CHECK(npmu_principal_field_ok(field), "good field: %s", good[i]);
		field[31] = 'x';
		CHECK(!npmu_principal_field_ok(field), "padded with an x: %s", good[i]);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		CHECK(!npmu_principal_ok(bad[i]), "bad: %s", bad[i]);
}

static void grant__ranges(struct kunit *test)
{
	static const struct {
		u64 offset, len;
		u32 access;
		bool good;
	} rows[] = {
		{ 0, 0, NPMU_GRANT_READ, true },
		{ 0, 0, NPMU_GRANT_ALL, true },
		{ 0, 0, NPMU_GRANT_WRITE, false },
		{ 0, 0, 0, false },
		{ 0, 0, NPMU_GRANT_ALL + 1, false },
		{ 0, 0, ~0U, false },
		{ G, 0, NPMU_GRANT_READ, false },
		{ 0, G, NPMU_GRANT_READ, true },
		{ 0, SIZE, NPMU_GRANT_ALL, true },
		{ 0, SIZE + G, NPMU_GRANT_READ, false },
		{ G, SIZE, NPMU_GRANT_READ, false },
		{ SIZE - G, G, NPMU_GRANT_READ, true },
		{ SIZE, G, NPMU_GRANT_READ, false },
		{ 1, G, NPMU_GRANT_READ, false },
		{ 0, 1, NPMU_GRANT_READ, false },
		{ 0, G + 1, NPMU_GRANT_READ, false },
		{ -G, 2 * G, NPMU_GRANT_READ, false },
		{ -G, G, NPMU_GRANT_READ, false },
		{ G, -G, NPMU_GRANT_READ, false },
		{ 0, 1ULL << 63, NPMU_GRANT_READ, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		CHECK(npmu_grant_range_ok(rows[i].offset, rows[i].len, rows[i].access, SIZE) ==
		      rows[i].good, "row %zu", i);
}

/* A record with the most grants there may be; of which one is then spoilt. */
static void make_record(u32 nr)
{
	static struct npmu_grant g[NPMU_MAX_GRANTS];
	u32 i;

	memset(g, 0, sizeof(g));
	for (i = 0; i < nr; i++) {
		snprintf(g[i].principal, sizeof(g[i].principal), "host%u@site", i);
		g[i].offset = i * G;
		g[i].len = i ? SIZE - i * G : 0;
		g[i].access = i % 2 ? NPMU_GRANT_READ : NPMU_GRANT_ALL;
	}
	image_region(&rec, &sb, SLOT, 4 * MIB, SIZE);
	rec.nr_grants = cpu_to_le32(nr);
	npmu_grants_store(rec.grants, g, nr);
	npmu_region_seal(&rec);
}

static int sealed(void)
{
	npmu_region_seal(&rec);
	return npmu_region_check(&rec, &sb, SLOT);
}

static void grants__come_back_as_they_were(struct kunit *test)
{
	static struct npmu_grant g[NPMU_MAX_GRANTS];
	u32 nr, i;

	for (nr = 0; nr <= NPMU_MAX_GRANTS; nr++) {
		make_record(nr);
		CHECK(!npmu_region_check(&rec, &sb, SLOT), "%u grants", nr);
		memset(g, 0xff, sizeof(g));
		npmu_grants_load(g, rec.grants, nr);
		for (i = 0; i < nr; i++) {
			char name[NPMU_PRINCIPAL_LEN];

			snprintf(name, sizeof(name), "host%u@site", i);
			CHECK(npmu_grants_find(g, nr, name) == i, "%s is not found", name);
			CHECK(g[i].offset == i * G && g[i].len == (i ? SIZE - i * G : 0) &&
			      g[i].access == (i % 2 ? NPMU_GRANT_READ : NPMU_GRANT_ALL),
			      "grant %u is another", i);
		}
		CHECK(npmu_grants_find(g, nr, "host") == nr, "half a name is found");
		CHECK(npmu_grants_find(g, nr, "") == nr, "no name is found");
	}
}

static void grants__each_field_spoilt(struct kunit *test)
{
	u32 i;

	for (i = 0; i < NPMU_MAX_GRANTS; i++) {
		struct npmu_grant_rec *g = &rec.grants[i];

		make_record(NPMU_MAX_GRANTS);
		g->principal[0] = '.';
		CHECK(sealed() == NPMU_FMT_PRINCIPAL, "%u: dot", i);
		g->principal[0] = 0;
		CHECK(sealed() == NPMU_FMT_PRINCIPAL, "%u: no name", i);
		make_record(NPMU_MAX_GRANTS);
		g->principal[31] = 'x';
		CHECK(sealed() == NPMU_FMT_PRINCIPAL, "%u: padding", i);
		make_record(NPMU_MAX_GRANTS);
		g->offset = cpu_to_le64(SIZE);
		CHECK(sealed() == NPMU_FMT_GRANT, "%u: offset", i);
		make_record(NPMU_MAX_GRANTS);
		g->len = cpu_to_le64(SIZE + G);
		CHECK(sealed() == NPMU_FMT_GRANT, "%u: length", i);
		make_record(NPMU_MAX_GRANTS);
		g->access = cpu_to_le32(NPMU_GRANT_WRITE);
		CHECK(sealed() == NPMU_FMT_GRANT, "%u: access", i);
		make_record(NPMU_MAX_GRANTS);
		g->flags = cpu_to_le32(1);
		CHECK(sealed() == NPMU_FMT_RESERVED, "%u: flags", i);
		make_record(NPMU_MAX_GRANTS);
		g->reserved = cpu_to_le64(1);
		CHECK(sealed() == NPMU_FMT_RESERVED, "%u: reserved", i);
		make_record(NPMU_MAX_GRANTS);
		memcpy(g->principal, rec.grants[(i + 1) % NPMU_MAX_GRANTS].principal,
		       NPMU_PRINCIPAL_LEN);
		CHECK(sealed() == NPMU_FMT_TWICE, "%u: twice", i);
		make_record(i);
		g->reserved = cpu_to_le64(1);
		CHECK(sealed() == NPMU_FMT_RESERVED, "%u: behind the last", i);
	}
	make_record(2);
	rec.nr_grants = cpu_to_le32(1);
	CHECK(sealed() == NPMU_FMT_RESERVED, "one too few");
	rec.nr_grants = cpu_to_le32(3);
	CHECK(sealed() == NPMU_FMT_PRINCIPAL, "one too many");
	/* A region that was cut below its grant. */
	make_record(2);
	rec.size = cpu_to_le64(SIZE - G);
	rec.extents[0].len = cpu_to_le64(SIZE - G);
	CHECK(sealed() == NPMU_FMT_GRANT, "beyond the end");
}

static void make_block(u32 nr)
{
	u32 i;

	memset(&list, 0, sizeof(list));
	list.nr = nr;
	for (i = 0; i < nr; i++) {
		snprintf(list.of[i].principal, NPMU_PRINCIPAL_LEN, "maker%u", i);
		list.of[i].quota = (i + 1) * G;
		list.of[i].max_regions = i + 1;
	}
	npmu_creators_store(&block, &list, &sb, 9);
}

static int block_sealed(void)
{
	const size_t crc = offsetof(struct npmu_creators_block, crc);

	block.crc = cpu_to_le32(npmu_record_crc(&block, crc));
	return npmu_creators_check(&block, &sb);
}

static void creators__come_back_as_they_were(struct kunit *test)
{
	static struct npmu_creators back;
	u32 nr;

	for (nr = 0; nr <= NPMU_MAX_CREATORS; nr++) {
		make_block(nr);
		CHECK(!npmu_creators_check(&block, &sb), "%u creators", nr);
		npmu_creators_load(&back, &block);
		CHECK(!memcmp(&back, &list, sizeof(list)), "%u creators are others", nr);
		CHECK(npmu_creators_find(&back, "maker0") == 0, "the first of %u", nr);
		CHECK(npmu_creators_find(&back, "maker") == nr, "half a name is found");
	}
	memset(&block, 0, sizeof(block));
	CHECK(!npmu_creators_check(&block, &sb), "zeros are nobody");
	npmu_creators_load(&back, &block);
	CHECK(!back.nr, "%u of zeros", back.nr);
}

static void creators__each_field_spoilt(struct kunit *test)
{
	static struct npmu_superblock other;
	u32 last = NPMU_MAX_CREATORS - 1;

#define SPOILT(field, value, want) do {					\
	make_block(NPMU_MAX_CREATORS);					\
	block.field = value;						\
	CHECK(block_sealed() == (want), #field " " #value);		\
} while (0)

	SPOILT(magic, cpu_to_le32(NPMU_BAD_MAGIC), NPMU_FMT_MAGIC);
	SPOILT(nr, cpu_to_le32(NPMU_MAX_CREATORS + 1), NPMU_FMT_NR_GRANTS);
	SPOILT(nr, cpu_to_le32(~0U), NPMU_FMT_NR_GRANTS);
	SPOILT(nr, cpu_to_le32(1), NPMU_FMT_RESERVED);
	SPOILT(flags, cpu_to_le32(1), NPMU_FMT_FLAGS);
	SPOILT(media_epoch, cpu_to_le64(NPMU_EPOCH_MAX), 0);
	SPOILT(media_epoch, cpu_to_le64(NPMU_EPOCH_MAX + 1), NPMU_FMT_EPOCH);
	SPOILT(reserved[0], 1, NPMU_FMT_RESERVED);
	SPOILT(reserved[87], 1, NPMU_FMT_RESERVED);
	SPOILT(creators[last].principal[0], 0, NPMU_FMT_PRINCIPAL);
	SPOILT(creators[last].principal[0], '/', NPMU_FMT_PRINCIPAL);
	SPOILT(creators[last].quota, 0, NPMU_FMT_QUOTA);
	SPOILT(creators[last].quota, cpu_to_le64(G + 1), NPMU_FMT_QUOTA);
	SPOILT(creators[last].quota, cpu_to_le64(NPMU_MAX_UNIT_SIZE), 0);
	SPOILT(creators[last].quota, cpu_to_le64(NPMU_MAX_UNIT_SIZE + G), NPMU_FMT_QUOTA);
	SPOILT(creators[last].quota, cpu_to_le64(-G), NPMU_FMT_QUOTA);
	SPOILT(creators[last].max_regions, 0, NPMU_FMT_QUOTA);
	SPOILT(creators[last].max_regions, cpu_to_le32(10000), 0);
	SPOILT(creators[last].max_regions, cpu_to_le32(10001), NPMU_FMT_QUOTA);
	SPOILT(creators[last].flags, cpu_to_le32(1), NPMU_FMT_RESERVED);
	SPOILT(creators[last].reserved[15], 1, NPMU_FMT_RESERVED);
#undef SPOILT
	make_block(3);
	memcpy(block.creators[2].principal, block.creators[0].principal, NPMU_PRINCIPAL_LEN);
	CHECK(block_sealed() == NPMU_FMT_TWICE, "twice");
	make_block(3);
	other = sb;
	other.uuid[3] ^= 1;
	CHECK(npmu_creators_check(&block, &other) == NPMU_FMT_FOREIGN, "of another unit");
}

static void creators__each_byte_changed_is_found(struct kunit *test)
{
	size_t i;

	make_block(7);
	for (i = 0; i < sizeof(block); i++) {
		((u8 *)&block)[i] ^= 0x10;
		CHECK(npmu_creators_check(&block, &sb), "byte %zu", i);
		((u8 *)&block)[i] ^= 0x10;
	}
	CHECK(!npmu_creators_check(&block, &sb), "changed back");
}

static struct kunit_case grant_cases[] = {
	KUNIT_CASE(principal__names),
	KUNIT_CASE(grant__ranges),
	KUNIT_CASE(grants__come_back_as_they_were),
	KUNIT_CASE(grants__each_field_spoilt),
	KUNIT_CASE(creators__come_back_as_they_were),
	KUNIT_CASE(creators__each_field_spoilt),
	KUNIT_CASE(creators__each_byte_changed_is_found),
	{}
};

static struct kunit_suite grant_suite = {
	.name = "npmu_grant",
	.init = grant_test_init,
	.test_cases = grant_cases,
};

kunit_test_suite(grant_suite);

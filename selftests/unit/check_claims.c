// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The offline media check of regions that contradict each other: extents claimed
 * twice, and who keeps them; one name or uuid twice.
 */
#include "check_image.h"

static void test_claimed_twice(void)
{
	struct npmu_check_summary s;
	struct npmu_region_record r;
	struct log log;

	/* A third region across the end of the second one's range. */
	build();
	image_region(&r, sb, 9, 2 * MIB - G, 3 * G);
	*rec(9, 0) = r;
	*rec(9, 1) = r;
	CHECK(!run(&log, &s) && s.regions == 2 && s.damaged == 1, "overlap");
	CHECK(s.errors == 3, "%" PRIu64 " errors", s.errors);
	/* Of its three granules one is nobody else's: not free for all that. */
	CHECK(s.free_bytes == UNIT - lists - MIB - NR_LIST * G -
	      2 * BLOCKS * NPMU_RECORD_SIZE - G, "free %" PRIu64, s.free_bytes);
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_EXTENT, 0, 9,
	       npmu_record_offset(sb, 9, 0));
	expect(&log, 1, NPMU_ERROR, NPMU_WHAT_EXTENT, 0, SMALL_SLOT,
	       npmu_record_offset(sb, SMALL_SLOT, 0));
	expect(&log, 2, NPMU_ERROR, NPMU_WHAT_EXTENT, 0, LIST_SLOT,
	       npmu_record_offset(sb, LIST_SLOT, 0));

	/* A region that claims a granule of its own twice. */
	build();
	r = *rec(SMALL_SLOT, 0);
	r.nr_extents = cpu_to_le32(2);
	r.size = cpu_to_le64(MIB + G);
	r.extents[1] = image_extent(MIB + 5 * G, G);
	npmu_region_seal(&r);
	*rec(SMALL_SLOT, 0) = r;
	*rec(SMALL_SLOT, 1) = r;
	CHECK(!run(&log, &s) && s.errors == 1 && s.damaged == 1, "itself");
}

/* A region of very many overlaps is told of a few times, and counts once. */
static void test_many_clashes(void)
{
	struct npmu_check_summary s;
	struct npmu_region_record r;
	struct log log;
	int i;

	build();
	r = *rec(SMALL_SLOT, 0);
	r.nr_extents = cpu_to_le32(100);
	r.size = cpu_to_le64(100 * G);
	for (i = 0; i < 100; i++)
		r.extents[i] = image_extent(2 * MIB + 2 * i * G, G);
	npmu_region_seal(&r);
	*rec(SMALL_SLOT, 0) = r;
	*rec(SMALL_SLOT, 1) = r;
	CHECK(!run(&log, &s) && s.damaged == 1 && s.regions == 1, "clashes");
	CHECK(s.errors == 32, "%" PRIu64 " errors", s.errors);
}

/* Of two regions that claim the same, the one of the higher epoch has it. */
static void test_higher_epoch_keeps(void)
{
	struct npmu_check_summary s;
	struct npmu_region_record r;
	struct log log;
	int newer;

	for (newer = 0; newer < 2; newer++) {
		int loser = newer ? SMALL_SLOT : 9;

		build();
		image_region(&r, sb, 9, MIB, G);
		r.media_epoch = cpu_to_le64(newer ? 50 : 1);
		npmu_region_seal(&r);
		*rec(9, 0) = r;
		*rec(9, 1) = r;
		CHECK(!run(&log, &s) && s.damaged == 1 && s.errors == 2, "clash");
		expect(&log, 0, NPMU_ERROR, NPMU_WHAT_EXTENT, 0, loser,
		       npmu_record_offset(sb, loser, 0));
	}
}

static void test_same_names(void)
{
	struct npmu_check_summary s;
	struct npmu_region_record r;
	struct log log;

	build();
	image_region(&r, sb, 9, 7 * MIB + 512 * 1024, G);
	memset(r.name, 0, sizeof(r.name));
	memcpy(r.name, "region-2", 8);
	npmu_region_seal(&r);
	*rec(9, 0) = r;
	*rec(9, 1) = r;
	CHECK(!run(&log, &s) && s.regions == 3 && s.errors == 1, "same name");
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_RECORD, -1, 9,
	       npmu_record_offset(sb, 9, 0));

	memcpy(r.name, "region-9", 8);
	memcpy(r.uuid, rec(SMALL_SLOT, 0)->uuid, sizeof(r.uuid));
	npmu_region_seal(&r);
	*rec(9, 0) = r;
	*rec(9, 1) = r;
	CHECK(!run(&log, &s) && s.errors == 1, "same uuid");
}

int main(void)
{
	image = malloc(UNIT);
	if (!image)
		return 1;
	TAP_RUN(test_claimed_twice);
	TAP_RUN(test_many_clashes);
	TAP_RUN(test_higher_epoch_keeps);
	TAP_RUN(test_same_names);
	free(image);
	return tap_end();
}

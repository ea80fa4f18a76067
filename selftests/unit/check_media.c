// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The offline media check over images: a good one has no findings, each way to break
 * its metadata gives the findings that it must, and every changed byte is found.
 */
#include "check_image.h"

static void test_good(void)
{
	struct npmu_check_summary s;
	struct log log;

	build();
	CHECK(!run(&log, &s), "run");
	CHECK(!log.nr && !s.errors && !s.warnings, "%u findings: %s", log.nr,
	      log.text[0]);
	CHECK(s.found_unit && !strcmp(s.unit_name, "unit0") &&
	      s.uuid[0] == 0xa5 && s.size == UNIT && s.device_size == UNIT &&
	      s.max_regions == SLOTS && s.regions == 2 && !s.damaged &&
	      s.media_epoch == 15, "summary");
	CHECK(s.data_bytes == UNIT - lists, "data");
	CHECK(s.free_bytes == UNIT - lists - MIB - NR_LIST * G -
	      2 * BLOCKS * NPMU_RECORD_SIZE, "free %" PRIu64, s.free_bytes);
}

static void test_superblocks(void)
{
	struct npmu_check_summary s;
	struct log log;

	build();
	image[NPMU_SB_COPY1 + 100] ^= 1;
	CHECK(!run(&log, &s) && s.found_unit && s.regions == 2, "copy 1 bad");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_SUPERBLOCK, 1, -1, NPMU_SB_COPY1);
	CHECK(log.nr == 1, "%u findings", log.nr);

	build();
	image[100] ^= 1;
	CHECK(!run(&log, &s) && s.found_unit && s.regions == 2, "copy 0 bad");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_SUPERBLOCK, 0, -1, 0);
	CHECK(log.nr == 1 && s.warnings == 1, "%u findings", log.nr);

	image[NPMU_SB_COPY1] ^= 1;
	CHECK(!run(&log, &s) && !s.found_unit && s.errors == 2, "both bad");
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_SUPERBLOCK, 0, -1, 0);
	expect(&log, 1, NPMU_ERROR, NPMU_WHAT_SUPERBLOCK, 1, -1, NPMU_SB_COPY1);

	build();
	sb->created = 0;
	npmu_sb_seal(sb);
	CHECK(!run(&log, &s) && s.warnings == 1 && !s.errors, "they differ");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_SUPERBLOCK, 1, -1, NPMU_SB_COPY1);
}

static void test_records(void)
{
	struct npmu_check_summary s;
	struct log log;
	int copy;

	for (copy = 0; copy < 2; copy++) {
		build();
		rec(SMALL_SLOT, copy)->uid ^= 1;
		CHECK(!run(&log, &s) && s.regions == 2 && s.warnings == 1 &&
		      !s.errors, "copy %d damaged", copy);
		expect(&log, 0, NPMU_WARNING, NPMU_WHAT_RECORD, copy, SMALL_SLOT,
		       npmu_record_offset(sb, SMALL_SLOT, copy));
		CHECK(!strcmp(log.region[0], "region-2"), "name \"%s\"",
		      log.region[0]);

		build();
		rec(SMALL_SLOT, copy)->media_epoch = cpu_to_le64(100);
		rec(SMALL_SLOT, copy)->mode = 0;
		npmu_region_seal(rec(SMALL_SLOT, copy));
		CHECK(!run(&log, &s) && s.regions == 2 && s.warnings == 1 &&
		      !s.errors && s.media_epoch == 100, "copy %d newer", copy);
		expect(&log, 0, NPMU_WARNING, NPMU_WHAT_RECORD, !copy, SMALL_SLOT,
		       npmu_record_offset(sb, SMALL_SLOT, !copy));
	}

	build();
	rec(SMALL_SLOT, 0)->uid ^= 1;
	rec(SMALL_SLOT, 1)->gid ^= 1;
	CHECK(!run(&log, &s) && s.regions == 1 && s.damaged == 1 &&
	      s.errors == 2, "both damaged");
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_RECORD, 0, SMALL_SLOT,
	       npmu_record_offset(sb, SMALL_SLOT, 0));
	expect(&log, 1, NPMU_ERROR, NPMU_WHAT_RECORD, 1, SMALL_SLOT,
	       npmu_record_offset(sb, SMALL_SLOT, 1));
}

static void test_lists(void)
{
	struct npmu_check_summary s;
	struct log log;
	int nr, copy;

	for (nr = 0; nr < BLOCKS; nr++) {
		for (copy = 0; copy < 2; copy++) {
			build();
			list(nr, copy)->slot ^= 1;
			CHECK(!run(&log, &s) && s.regions == 2 &&
			      s.warnings == 1 && !s.errors, "block %d", nr);
			expect(&log, 0, NPMU_WARNING, NPMU_WHAT_LIST, copy,
			       LIST_SLOT,
			       lists + (2 * nr + copy) * NPMU_RECORD_SIZE);
		}
		build();
		list(nr, 0)->slot ^= 1;
		list(nr, 1)->nr ^= 1;
		CHECK(!run(&log, &s) && s.regions == 1 && s.damaged == 1 &&
		      s.errors == 2, "block %d, both", nr);
		expect(&log, 0, NPMU_ERROR, NPMU_WHAT_LIST, 0, LIST_SLOT,
		       lists + 2 * nr * NPMU_RECORD_SIZE);
	}

	/* A list block where another region's extent is. */
	build();
	rec(LIST_SLOT, 0)->list.addr[1] = cpu_to_le64(MIB + G);
	npmu_region_seal(rec(LIST_SLOT, 0));
	*rec(LIST_SLOT, 1) = *rec(LIST_SLOT, 0);
	CHECK(!run(&log, &s) && s.damaged == 1 && s.errors == 2, "overlap");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_LIST, 1, LIST_SLOT, MIB + G);
	expect(&log, 1, NPMU_ERROR, NPMU_WHAT_LIST, 1, LIST_SLOT, MIB + G);
	expect(&log, 2, NPMU_ERROR, NPMU_WHAT_EXTENT, 0, SMALL_SLOT,
	       npmu_record_offset(sb, SMALL_SLOT, 0));

	/* A list that goes on, though its extents are more than the size. */
	build();
	rec(LIST_SLOT, 0)->size = cpu_to_le64(600 * G);
	rec(LIST_SLOT, 0)->nr_extents = cpu_to_le32(600);
	npmu_region_seal(rec(LIST_SLOT, 0));
	*rec(LIST_SLOT, 1) = *rec(LIST_SLOT, 0);
	CHECK(!run(&log, &s) && s.damaged == 1 && s.errors, "too long a list");

	/* Fewer bytes than the size. */
	build();
	rec(LIST_SLOT, 0)->size = cpu_to_le64((NR_LIST + 1) * G);
	npmu_region_seal(rec(LIST_SLOT, 0));
	*rec(LIST_SLOT, 1) = *rec(LIST_SLOT, 0);
	CHECK(!run(&log, &s) && s.damaged == 1 && s.errors == 1, "sum");
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_RECORD, 0, LIST_SLOT,
	       npmu_record_offset(sb, LIST_SLOT, 0));
}

/*
 * A value x for next.crc that is the CRC of the block then. The CRC is affine in
 * that field, so x solves 32 equations over GF(2). Not every block has one: the
 * polynomial has the factor x + 1, so the parity of the other bits must be right.
 */
static bool forge(struct npmu_list_block *blk, u32 *x)
{
	u32 basis[32] = { 0 }, made[32] = { 0 }, rest, v, m, bit;
	int i;

	blk->next.crc = 0;
	rest = npmu_list_seal(blk);
	*x = 0;
	for (bit = 0; bit < 32; bit++) {
		m = 1U << bit;
		blk->next.crc = cpu_to_le32(m);
		blk->crc = 0;
		v = npmu_list_seal(blk) ^ m;
		blk->next.crc = 0;
		v ^= npmu_list_seal(blk);
		for (i = 31; i >= 0 && v; i--) {
			if (!(v >> i & 1))
				continue;
			if (!basis[i]) {
				basis[i] = v;
				made[i] = m;
				break;
			}
			v ^= basis[i];
			m ^= made[i];
		}
	}
	for (i = 31; i >= 0; i--) {
		if (rest >> i & 1) {
			rest ^= basis[i];
			*x ^= made[i];
		}
	}
	return !rest;
}

/* A ring of list blocks: one block that names itself. */
static void test_ring(void)
{
	struct npmu_check_summary s;
	struct npmu_list_block *blk;
	struct log log;
	u32 crc, try;

	build();
	blk = list(0, 0);
	blk->next.addr[0] = rec(LIST_SLOT, 0)->list.addr[0];
	blk->next.addr[1] = rec(LIST_SLOT, 0)->list.addr[1];
	for (try = 0; try < 100 && !forge(blk, &crc); try++)
		blk->extents[try].len = cpu_to_le64(3 * G);
	if (!CHECK(try < 100, "nothing forged"))
		return;
	blk->next.crc = cpu_to_le32(crc);
	CHECK(npmu_list_seal(blk) == crc, "forged");
	*list(0, 1) = *blk;
	rec(LIST_SLOT, 0)->list.crc = cpu_to_le32(crc);
	npmu_region_seal(rec(LIST_SLOT, 0));
	*rec(LIST_SLOT, 1) = *rec(LIST_SLOT, 0);
	CHECK(!run(&log, &s) && s.damaged == 1 && s.errors, "ring");
	expect(&log, 0, NPMU_ERROR, NPMU_WHAT_LIST, 0, LIST_SLOT, lists);

	/* So long that the ring fits; now the blocks claim themselves again. */
	rec(LIST_SLOT, 0)->nr_extents = cpu_to_le32(NPMU_INLINE_EXTENTS +
						    4 * NPMU_LIST_EXTENTS);
	rec(LIST_SLOT, 0)->size = cpu_to_le64((NPMU_INLINE_EXTENTS +
					       4 * NPMU_LIST_EXTENTS) * G);
	npmu_region_seal(rec(LIST_SLOT, 0));
	*rec(LIST_SLOT, 1) = *rec(LIST_SLOT, 0);
	CHECK(!run(&log, &s) && s.damaged == 1 && s.errors, "longer ring");
}

/* Cut off in the middle of a commit, and the list of the newer copy is bad. */
static void test_older_copy_serves(void)
{
	struct npmu_check_summary s;
	struct log log;

	build();
	rec(LIST_SLOT, 1)->media_epoch = cpu_to_le64(100);
	rec(LIST_SLOT, 1)->list.crc ^= 1;
	npmu_region_seal(rec(LIST_SLOT, 1));
	CHECK(!run(&log, &s) && s.regions == 2 && !s.errors && s.warnings == 1 &&
	      s.media_epoch == 15, "older copy");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_RECORD, 1, LIST_SLOT,
	       npmu_record_offset(sb, LIST_SLOT, 1));
}

/* Every byte of metadata in use, one at a time: found, and nothing else lost. */
static void test_every_byte(void)
{
	static const struct {
		const char *name;
		int slot;	/* -1: superblock, -2: list block */
		int copy;
	} rows[] = {
		{ "superblock 0", -1, 0 }, { "superblock 1", -1, 1 },
		{ "free 0", 0, 0 }, { "free 1", 0, 1 },
		{ "region 0", SMALL_SLOT, 0 }, { "region 1", SMALL_SLOT, 1 },
		{ "large 0", LIST_SLOT, 0 }, { "large 1", LIST_SLOT, 1 },
		{ "list 0", -2, 0 }, { "list 1", -2, 1 },
	};
	struct npmu_check_summary s;
	struct log log;
	size_t row;
	int at;

	build();
	for (row = 0; row < sizeof(rows) / sizeof(*rows); row++) {
		u8 *p = rows[row].slot == -1 ?
			image + rows[row].copy * NPMU_SB_COPY1 :
			rows[row].slot == -2 ? (u8 *)list(1, rows[row].copy) :
			(u8 *)rec(rows[row].slot, rows[row].copy);

		for (at = 0; at < NPMU_RECORD_SIZE; at += 7) {
			p[at] ^= 0x40;
			CHECK(!run(&log, &s) && s.warnings == 1 && !s.errors &&
			      s.regions == 2, "%s byte %d: %" PRIu64 ", %" PRIu64,
			      rows[row].name, at, s.warnings, s.errors);
			p[at] ^= 0x40;
		}
	}
}

int main(void)
{
	image = malloc(UNIT);
	if (!image)
		return 1;
	TAP_RUN(test_good);
	TAP_RUN(test_superblocks);
	TAP_RUN(test_records);
	TAP_RUN(test_lists);
	TAP_RUN(test_ring);
	TAP_RUN(test_older_copy_serves);
	TAP_RUN(test_every_byte);
	free(image);
	return tap_end();
}

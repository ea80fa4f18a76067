// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The offline media check over images: a good one has no findings, each way to
 * break one gives the findings that it must, every changed byte of the metadata
 * is found, and a terabyte costs no more memory than its bitmap.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include "media_image.h"
#include "mediacheck.h"
#include "tap.h"

#define G		NPMU_GRANULE_SIZE
#define MIB		(1ULL << 20)
#define UNIT		(8 * MIB)
#define SLOTS		16
#define NR_LIST		700	/* extents of the region in LIST_SLOT */
#define SMALL_SLOT	2
#define LIST_SLOT	5
#define BLOCKS		3	/* list blocks of that region */

static u8 *image;		/* UNIT bytes */
static struct npmu_superblock *sb;
static u64 lists;		/* offset of the first list block */

/* What a check reported. */
struct log {
	unsigned int nr;
	struct npmu_finding f[64];
	char text[64][256];
	char region[64][NPMU_REGION_NAME_LEN];
};

static void record(void *ctx, const struct npmu_finding *f)
{
	struct log *log = ctx;
	unsigned int n = log->nr++;

	CHECK(f->text && *f->text && f->region, "a finding without words");
	CHECK(f->copy >= -1 && f->copy <= 1 && f->slot >= -1, "bad place");
	if (n >= 64)
		return;
	log->f[n] = *f;
	snprintf(log->text[n], sizeof(log->text[n]), "%s", f->text);
	snprintf(log->region[n], sizeof(log->region[n]), "%s", f->region);
}

static int mem_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	const u8 *bytes = ctx;

	CHECK(!((off | len | (uintptr_t)buf) & 4095), "unaligned read");
	CHECK(off <= UNIT && len <= UNIT - off, "read outside: %" PRIu64, off);
	if (off > UNIT || len > UNIT - off)
		return -EFAULT;
	memcpy(buf, bytes + off, len);
	return 0;
}

static int run(struct log *log, struct npmu_check_summary *sum)
{
	struct npmu_media_source src = { UNIT, mem_read, image };

	log->nr = 0;
	return npmu_mediacheck(&src, record, log, sum);
}

static struct npmu_region_record *rec(u32 slot, int copy)
{
	return (void *)(image + npmu_record_offset(sb, slot, copy));
}

static struct npmu_list_block *list(u32 nr, int copy)
{
	return (void *)(image + lists + (2 * nr + copy) * NPMU_RECORD_SIZE);
}

/* A unit with a plain region, one with list blocks, and free slots. */
static void build(void)
{
	struct npmu_list_block blk[BLOCKS] = {};
	struct npmu_region_record r;
	u32 slot;
	int i;

	memset(image, 0, UNIT);
	sb = (void *)image;
	image_superblock(sb, UNIT, SLOTS);
	memcpy(image + NPMU_SB_COPY1, sb, sizeof(*sb));
	lists = le64_to_cpu(sb->data_start);
	for (slot = 0; slot < SLOTS; slot++) {
		if (slot == SMALL_SLOT)
			image_region(&r, sb, slot, MIB, MIB);
		else if (slot == LIST_SLOT)
			image_region_list(&r, blk, sb, slot, 2 * MIB, NR_LIST,
					  lists);
		else
			npmu_region_fill_free(&r, sb, slot, slot);
		*rec(slot, 0) = r;
		*rec(slot, 1) = r;
	}
	for (i = 0; i < BLOCKS; i++) {
		*list(i, 0) = blk[i];
		*list(i, 1) = blk[i];
	}
}

static void expect(const struct log *log, unsigned int n,
		   enum npmu_severity severity, enum npmu_finding_what what,
		   int copy, int slot, uint64_t offset)
{
	const struct npmu_finding *f = &log->f[n];

	if (!CHECK(log->nr > n, "finding %u is missing", n))
		return;
	CHECK(f->severity == severity && f->what == what && f->copy == copy &&
	      f->slot == slot && f->offset == offset,
	      "finding %u: %s %s copy %d slot %d at %" PRIu64 ": %s", n,
	      npmu_severity_text(f->severity), npmu_finding_what_text(f->what),
	      f->copy, f->slot, f->offset, log->text[n]);
}

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

/* A read error is a finding about that copy, not the end of the check. */
static uint64_t poisoned;

static int poison_read(void *ctx, uint64_t off, void *buf, size_t len)
{
	return off == poisoned ? -EIO : mem_read(ctx, off, buf, len);
}

static void test_read_errors(void)
{
	struct npmu_media_source src = { UNIT, poison_read, image };
	struct npmu_check_summary s;
	struct log log;

	build();
	poisoned = npmu_record_offset(sb, SMALL_SLOT, 0);
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, record, &log, &s) && s.warnings == 1 &&
	      s.regions == 2, "record");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_RECORD, 0, SMALL_SLOT, poisoned);
	poisoned = lists;
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, record, &log, &s) && s.warnings == 1 &&
	      s.regions == 2, "list");
	poisoned = 0;
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, NULL, NULL, &s) && s.warnings == 1,
	      "superblock, no callback");
}

static int temp_file(char *path)
{
	int fd;

	strcpy(path, "/tmp/npmu-check-XXXXXX");
	fd = mkstemp(path);
	CHECK(fd >= 0, "no temporary file");
	return fd;
}

static void test_files(void)
{
	struct npmu_check_summary s;
	struct log log = { 0 };
	char path[64];
	int fd;

	build();
	fd = temp_file(path);
	CHECK(write(fd, image, UNIT) == (ssize_t)UNIT, "write");
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !log.nr &&
	      s.regions == 2, "image file: %s", log.text[0]);
	/* Longer than the unit is fine, shorter is not, and empty is no unit. */
	CHECK(!ftruncate(fd, UNIT + 12345), "truncate");
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !log.nr &&
	      s.device_size == UNIT + 12345, "longer");
	CHECK(!ftruncate(fd, UNIT - 1), "truncate");
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !s.found_unit &&
	      s.errors == 2, "shorter");
	CHECK(!ftruncate(fd, 5000), "truncate");
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !s.found_unit,
	      "5000 bytes");
	CHECK(!ftruncate(fd, 0), "truncate");
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !s.found_unit,
	      "empty");
	close(fd);
	unlink(path);

	CHECK(npmu_mediacheck_path(path, record, &log, &s) == -ENOENT, "absent");
	CHECK(npmu_mediacheck_path("/", record, &log, &s) == -EISDIR, "directory");
	CHECK(npmu_mediacheck_path("/dev/null", record, &log, &s) == -ENOTBLK,
	      "character device");
}

/* A sparse image of a terabyte, with a region of half of it. */
static void test_terabyte(void)
{
	struct npmu_check_summary s;
	struct npmu_superblock big;
	struct npmu_region_record r;
	struct log log = { 0 };
	struct rusage before, after;
	const u64 size = 1ULL << 40;
	char path[64];
	int fd, copy;
	u32 slot;

	fd = temp_file(path);
	if (ftruncate(fd, size)) {
		CHECK(1, "this file system has no sparse terabyte");
		goto out;
	}
	image_superblock(&big, size, SLOTS);
	for (copy = 0; copy < 2; copy++) {
		CHECK(pwrite(fd, &big, 4096, copy * NPMU_SB_COPY1) == 4096, "sb");
		for (slot = 0; slot < SLOTS; slot++) {
			npmu_region_fill_free(&r, &big, slot, 1);
			if (slot == 3)
				image_region(&r, &big, slot, size / 2, size / 2);
			CHECK(pwrite(fd, &r, 4096,
				     npmu_record_offset(&big, slot, copy)) ==
			      4096, "record");
		}
	}
	getrusage(RUSAGE_SELF, &before);
	CHECK(!npmu_mediacheck_path(path, record, &log, &s) && !log.nr &&
	      s.regions == 1, "%s", log.text[0]);
	getrusage(RUSAGE_SELF, &after);
	/* KiB. The bitmap has 33 MiB; sanitizer's shadow memory is on top. */
	CHECK(after.ru_maxrss - before.ru_maxrss < 64 * 1024,
	      "%ld KiB", after.ru_maxrss - before.ru_maxrss);
	CHECK(s.free_bytes == size / 2 - le64_to_cpu(big.data_start), "free");
out:
	close(fd);
	unlink(path);
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
	TAP_RUN(test_claimed_twice);
	TAP_RUN(test_many_clashes);
	TAP_RUN(test_higher_epoch_keeps);
	TAP_RUN(test_same_names);
	TAP_RUN(test_every_byte);
	TAP_RUN(test_read_errors);
	TAP_RUN(test_files);
	TAP_RUN(test_terabyte);
	free(image);
	return tap_end();
}

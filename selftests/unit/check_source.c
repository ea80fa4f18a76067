// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Where the offline media check reads from: blocks that cannot be read, image files
 * of any length, what is no image, and a terabyte that costs no more memory than its
 * bitmap.
 */
#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "check_image.h"

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
	const struct npmu_check_report report = { .finding = record, .ctx = &log };

	build();
	poisoned = npmu_record_offset(sb, SMALL_SLOT, 0);
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, &report, &s) && s.warnings == 1 &&
	      s.regions == 2, "record");
	expect(&log, 0, NPMU_WARNING, NPMU_WHAT_RECORD, 0, SMALL_SLOT, poisoned);
	poisoned = lists;
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, &report, &s) && s.warnings == 1 &&
	      s.regions == 2, "list");
	poisoned = 0;
	log.nr = 0;
	CHECK(!npmu_mediacheck(&src, NULL, &s) && s.warnings == 1,
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
	const struct npmu_check_report report = { .finding = record, .ctx = &log };
	char path[64];
	int fd;

	build();
	fd = temp_file(path);
	CHECK(write(fd, image, UNIT) == (ssize_t)UNIT, "write");
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !log.nr &&
	      s.regions == 2, "image file: %s", log.text[0]);
	/* Longer than the unit is fine, shorter is not, and empty is no unit. */
	CHECK(!ftruncate(fd, UNIT + 12345), "truncate");
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !log.nr &&
	      s.device_size == UNIT + 12345, "longer");
	CHECK(!ftruncate(fd, UNIT - 1), "truncate");
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !s.found_unit &&
	      s.errors == 2, "shorter");
	CHECK(!ftruncate(fd, 5000), "truncate");
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !s.found_unit,
	      "5000 bytes");
	CHECK(!ftruncate(fd, 0), "truncate");
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !s.found_unit,
	      "empty");
	close(fd);
	unlink(path);

	CHECK(npmu_mediacheck_path(path, &report, &s) == -ENOENT, "absent");
	CHECK(npmu_mediacheck_path("/", &report, &s) == -EISDIR, "directory");
	CHECK(npmu_mediacheck_path("/dev/null", &report, &s) == -ENOTBLK,
	      "character device");
}

/* A sparse image of a terabyte, with a region of half of it. */
static void test_terabyte(void)
{
	struct npmu_check_summary s;
	struct npmu_superblock big;
	struct npmu_region_record r;
	struct log log = { 0 };
	const struct npmu_check_report report = { .finding = record, .ctx = &log };
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
	CHECK(!npmu_mediacheck_path(path, &report, &s) && !log.nr &&
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
	TAP_RUN(test_read_errors);
	TAP_RUN(test_files);
	TAP_RUN(test_terabyte);
	free(image);
	return tap_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form against hostile bytes: whatever is damaged, a reader hands out what was
 * written, in order, and from one place on nothing; a writer goes on or refuses.
 */
#include <npmu/append.h>

#include "lib_memory.h"

#define SIZE		(40 << 10)
#define MAX_ITEMS	4096

/* What was committed, by sequence: its CRC of a kind, and its length. */
struct written {
	uint64_t sum;
	uint64_t length;
	int is_base;
};

static struct written written[MAX_ITEMS];
static uint64_t nr_written;
static unsigned char bytes[SIZE], image[SIZE];

static uint64_t sum(const void *data, size_t len)
{
	const unsigned char *p = data;
	uint64_t s = 14695981039346656037ULL;

	while (len--)
		s = (s ^ *p++) * 1099511628211ULL;
	return s;
}

static int file_of(const void *what)
{
	int fd = memfd_create("npmu", MFD_CLOEXEC);

	if (fd < 0 || ftruncate(fd, SIZE) || (what && pwrite(fd, what, SIZE, 0) != SIZE))
		exit(1);
	return fd;
}

static struct npmu_append_writer *writer_on(struct npmu_region *region, uint32_t flags)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = flags,
		.base_capacity = 2000,
		.ring_size = 4096,
	};
	struct npmu_append_writer *w;

	return npmu_append_writer_open(region, &options, &w, NULL) ? NULL : w;
}

static void note(struct npmu_append_writer *w, size_t len, int is_base)
{
	struct written *it = &written[npmu_append_sequence(w) % MAX_ITEMS];

	it->sum = sum(bytes, len);
	it->length = len;
	it->is_base = is_base;
	nr_written = npmu_append_sequence(w);
}

/* Some laps of the ring by several writers; the image of it. */
static void make_image(uint32_t flags, unsigned int seed, int rounds)
{
	int fd = file_of(NULL);
	struct npmu_region *region = memory_open(fd, NPMU_MAP_WRITE);
	struct npmu_append_writer *w = writer_on(region, flags);
	struct iovec iov = { bytes, 0 };
	int i;

	srand(seed);
	for (i = 0; i < rounds && w; i++) {
		fill(bytes, 2000, (size_t)i + seed);
		if (rand() % 30 == 0) {
			npmu_append_writer_close(w);
			w = writer_on(region, 0);
			if (!CHECK(w, "round %d: the writer does not open", i))
				break;
		}
		iov.iov_len = (size_t)rand() % 500;
		if (rand() % 12 == 0 || npmu_append_update(w, &iov, 1, 0)) {
			iov.iov_len = (size_t)rand() % 2000;
			CHECK(!npmu_append_base(w, &iov, 1, 0), "base");
			note(w, iov.iov_len, 1);
		} else {
			note(w, iov.iov_len, 0);
		}
	}
	npmu_append_writer_close(w);
	memcpy(image, npmu_region_addr(region), SIZE);
	npmu_region_close(region);
	close(fd);
}

static int as_written(const struct npmu_append_item *item, int is_base)
{
	const struct written *it = &written[item->sequence % MAX_ITEMS];

	return item->sequence <= nr_written && it->length == item->length &&
	       it->is_base == is_base && it->sum == sum(item->data, item->length);
}

/* Return: sequence of the last that a reader is handed out, or -1: something wrong. */
static int64_t read_all(struct npmu_region *region)
{
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	uint64_t last;
	int64_t got = 0;
	int i;

	if (npmu_append_reader_open(region, &r, NULL))
		exit(1);
	if (!npmu_append_read_base(r, &item)) {
		if (item.sequence && !as_written(&item, 1))
			got = -1;
		for (i = 0, last = item.sequence; got >= 0 && !npmu_append_next(r, &item); i++) {
			if (!as_written(&item, 0) || item.sequence <= last ||
			    npmu_append_recheck(r, &item))
				got = -1;
			last = item.sequence;
		}
		if (got >= 0)
			got = (int64_t)last;
	}
	npmu_append_reader_close(r);
	return got;
}

static void every_byte(uint32_t flags, unsigned int seed)
{
	struct npmu_append_writer *w;
	struct npmu_region *region;
	char *at;
	size_t i;
	int fd;

	make_image(flags, seed, 70);
	fd = file_of(image);
	region = memory_open(fd, NPMU_MAP_WRITE);
	at = npmu_region_addr(region);
	CHECK(read_all(region) == (int64_t)nr_written, "the last is not read");
	for (i = 0; i < SIZE; i++) {
		/* Without CRC, rot of data is not seen. */
		if (flags && i >= 8192 && memcmp(at + i - i % 64, image + 512, 8))
			continue;
		at[i] ^= (char)(1 + i % 255);
		if (!CHECK(read_all(region) >= 0, "byte %zu: something was made up", i))
			break;
		w = writer_on(region, 0);
		if (w)
			CHECK(read_all(region) >= 0, "byte %zu: after a writer", i);
		npmu_append_writer_close(w);
		memcpy(at, image, SIZE);
	}
	npmu_region_close(region);
	close(fd);
}

static void byte__damaged_makes_nothing_up(void)
{
	every_byte(0, 1);
}

static void byte__damaged_without_crc(void)
{
	every_byte(NPMU_APPEND_NO_CRC, 2);
}

/* Bytes from elsewhere in the image, some of them whole headers. */
static void bytes__from_elsewhere(void)
{
	struct npmu_region *region;
	unsigned int seed;
	size_t from, to, len;
	char *at;
	int i, fd;

	for (seed = 10; seed < 30; seed++) {
		make_image(0, seed, 60);
		fd = file_of(image);
		region = memory_open(fd, NPMU_MAP_WRITE);
		at = npmu_region_addr(region);
		for (i = 0; i < 400; i++) {
			len = 64 * (1 + (size_t)rand() % 8);
			from = 64 * ((size_t)rand() % ((SIZE - len) / 64));
			to = 64 * ((size_t)rand() % ((SIZE - len) / 64));
			memcpy(at + to, image + from, len);
			if (!CHECK(read_all(region) >= 0, "seed %u: something was made up", seed))
				break;
			if (i % 4 == 3)
				memcpy(at, image, SIZE);
		}
		npmu_region_close(region);
		close(fd);
	}
}

int main(void)
{
	TAP_RUN(byte__damaged_makes_nothing_up);
	TAP_RUN(byte__damaged_without_crc);
	TAP_RUN(bytes__from_elsewhere);
	return tap_end();
}

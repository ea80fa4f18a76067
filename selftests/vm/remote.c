// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region over the wire through the public calls of the library, beside the same region
 * opened locally. Client and unit are one host; the wire is soft RoCE.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/wait.h>

#include <npmu/append.h>
#include <npmu/ckpt.h>

#include "nihost.h"

#define SIZE	(256 * MIB)
#define URL	"npmu://alice@" NI_ADDRESS "/u/r"
#define KEY	"/tmp/remote.key"

static struct npmu_error err;

static struct npmu_region *open_as(const char *name, unsigned int flags)
{
	struct npmu_region *region;

	if (npmu_region_open(name, flags, &region, &err)) {
		fprintf(stderr, "# %s\n", err.text);
		return NULL;
	}
	return region;
}

static struct npmu_region *mapped(const char *name, unsigned int flags)
{
	struct npmu_region *region = open_as(name, flags);
	int code;

	if (!region)
		return NULL;
	code = npmu_region_map(region, flags ? NPMU_MAP_WRITE : 0);
	if (!code)
		return region;
	fprintf(stderr, "# map: %s\n", npmu_region_error(region));
	npmu_region_close(region);
	return NULL;
}

static int write_key(const char *path, const char *principal, mode_t mode)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];
	FILE *file;
	size_t i;

	ni_key(principal, key);
	unlink(path);
	file = fopen(path, "w");
	if (!file)
		return -errno;
	for (i = 0; i < sizeof(key); i++)
		fprintf(file, "%02x", key[i]);
	fputc('\n', file);
	fclose(file);
	return chmod(path, mode) ? -errno : 0;
}

static void host__comes_up(void)
{
	REQUIRE(!ni_up(), "no network interface");
	EXPECT(ni_load_key("alice"), 0);
	REQUIRE(!vm_dram("u", 300 * MIB), "%s", vm_why());
	EXPECT(vm_region("u", "r", SIZE), 0);
	EXPECT(ni_grant("r", "alice", NI_RW, 0, 0), 0);
	EXPECT(write_key(KEY, "alice", 0600), 0);
	setenv("NPMU_KEY_FILE", KEY, 1);
}

static struct npmu_append_writer *writer(struct npmu_region *region, unsigned int flags)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = flags,
		.ring_size = MIB,
	};
	struct npmu_append_writer *w = NULL;

	if (npmu_append_writer_open(region, &options, &w, &err))
		fprintf(stderr, "# writer: %s\n", err.text);
	return w;
}

/* What update number @n consists of. */
static void make_update(char *buf, size_t len, uint64_t n)
{
	vm_fill(buf, len, n * 8192, 5);
}

static int update(struct npmu_append_writer *w, uint64_t n, size_t len)
{
	char buf[8192];
	struct iovec iov[2] = { { buf, len / 2 }, { buf + len / 2, len - len / 2 } };
	int code;

	make_update(buf, len, n);
	code = npmu_append_update(w, iov, 2, n);
	if (code)
		fprintf(stderr, "# update %llu: %s\n", (unsigned long long)n,
			npmu_append_writer_error(w));
	return code;
}

/* All updates that are there are number @from and those after it. Return: how many. */
static int read_updates(struct npmu_append_reader *r, uint64_t from)
{
	struct npmu_append_item item;
	char buf[8192];
	int n = 0, code;

	while (!(code = npmu_append_next(r, &item))) {
		make_update(buf, item.length, item.tag);
		if (item.tag != from + (uint64_t)n || memcmp(buf, item.data, item.length)) {
			CHECK(false, "update %llu is not %llu, or its data are not",
			      (unsigned long long)item.tag, (unsigned long long)(from + n));
			return -1;
		}
		n++;
	}
	if (code != -ENODATA)
		fprintf(stderr, "# next: %d: %s\n", code, npmu_append_reader_error(r));
	return code == -ENODATA ? n : code;
}

static int read_base(struct npmu_append_reader *r, size_t len, uint64_t seed)
{
	struct npmu_append_item item;
	int code = npmu_append_read_base(r, &item);

	if (code) {
		fprintf(stderr, "# base: %s\n", npmu_append_reader_error(r));
		return code;
	}
	if (item.length != len || vm_compare(item.data, len, 0, seed) != -1)
		return -EBADMSG;
	return npmu_append_recheck(r, &item);
}

static int base(struct npmu_append_writer *w, size_t len, uint64_t seed)
{
	char *buf = malloc(len);
	struct iovec iov = { buf, len };
	int code;

	vm_fill(buf, len, 0, seed);
	code = npmu_append_base(w, &iov, 1, 0);
	if (code)
		fprintf(stderr, "# base: %s\n", npmu_append_writer_error(w));
	free(buf);
	return code;
}

/* Base, updates and a batch, by one side; read by the other. */
static void round_trip(const char *writes, const char *reads, unsigned int flags)
{
	struct npmu_region *from = mapped(writes, NPMU_OPEN_WRITE), *to;
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
	char batch[512];
	struct iovec iov = { batch, sizeof(batch) };
	uint64_t n;

	REQUIRE(from, "%s is not open", writes);
	w = writer(from, NPMU_APPEND_INIT | flags);
	REQUIRE(w, "no writer");
	EXPECT(base(w, 3 * MIB + 5, 1), 0);
	for (n = 0; n < 20; n++)
		EXPECT(update(w, n, 1 + n * 400), 0);
	to = mapped(reads, 0);
	REQUIRE(to, "%s is not open", reads);
	EXPECT(npmu_append_reader_open(to, &r, &err), 0);
	EXPECT(read_base(r, 3 * MIB + 5, 1), 0);
	EXPECT(read_updates(r, 0), 20);
	for (n = 20; n < 60; n++) {
		make_update(batch, sizeof(batch), n);
		EXPECT(npmu_append_add(w, &iov, 1, n), 0);
	}
	EXPECT(npmu_append_commit(w), 0);
	EXPECT(read_updates(r, 20), 40);
	npmu_append_reader_close(r);
	npmu_append_writer_close(w);
	npmu_region_close(to);
	npmu_region_close(from);
}

static void append__is_read_back_remotely(void)
{
	round_trip(URL, URL, 0);
}

static void append__is_read_back_locally(void)
{
	round_trip(URL, "u/r", 0);
}

static void append__of_a_local_writer_is_read(void)
{
	round_trip("u/r", URL, NPMU_APPEND_NO_CRC);
}

static void append__without_crc_is_read_back(void)
{
	round_trip(URL, URL, NPMU_APPEND_NO_CRC);
}

static void append__goes_on_where_it_stopped(void)
{
	struct npmu_region *region = mapped(URL, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
	uint64_t n;

	REQUIRE(region, "not open");
	w = writer(region, NPMU_APPEND_INIT);
	REQUIRE(w, "no writer");
	EXPECT(base(w, MIB, 2), 0);
	for (n = 0; n < 10; n++)
		EXPECT(update(w, n, 64), 0);
	npmu_append_writer_close(w);
	npmu_region_close(region);
	region = mapped(URL, NPMU_OPEN_WRITE);
	REQUIRE(region, "not open again");
	w = writer(region, 0);
	REQUIRE(w, "no writer again");
	CHECK(npmu_append_sequence(w) == 11, "sequence %llu",
	      (unsigned long long)npmu_append_sequence(w));
	EXPECT(update(w, 10, 64), 0);
	EXPECT(npmu_append_reader_open(region, &r, &err), 0);
	EXPECT(read_base(r, MIB, 2), 0);
	EXPECT(read_updates(r, 0), 11);
	npmu_append_reader_close(r);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

/* The wire and the CPU mean the same bytes by the same offset, from end to end. */
static void mapping__is_that_of_a_local_open(void)
{
	struct npmu_region *there = mapped(URL, NPMU_OPEN_WRITE), *here = mapped("u/r", 0);
	uint64_t at, word, wrong = 0;

	REQUIRE(there && here, "not open");
	for (at = 0; at < SIZE; at += 511 * 4096) {
		word = at ^ 0x5555;
		EXPECT(npmu_memcpy_persist(there, (char *)npmu_region_addr(there) + at, &word,
					   sizeof(word)), 0);
	}
	for (at = 0; at < SIZE; at += 511 * 4096) {
		memcpy(&word, (char *)npmu_region_addr(here) + at, sizeof(word));
		if (word != (at ^ 0x5555) && wrong++ < 5)
			CHECK(false, "at %#llx: %#llx", (unsigned long long)at,
			      (unsigned long long)word);
	}
	CHECK(!wrong, "%llu words are elsewhere", (unsigned long long)wrong);
	npmu_region_close(there);
	npmu_region_close(here);
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(mapping__is_that_of_a_local_open);
	VM_RUN(append__is_read_back_remotely);
	VM_RUN(append__is_read_back_locally);
	VM_RUN(append__of_a_local_writer_is_read);
	VM_RUN(append__without_crc_is_read_back);
	VM_RUN(append__goes_on_where_it_stopped);
	VM_RUN(host__goes_down);
	return vm_end();
}

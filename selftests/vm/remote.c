// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region over the wire through the public calls of the library, beside the same region
 * opened locally. Client and unit are one host; the wire is soft RoCE.
 */
#define _GNU_SOURCE
#include <npmu/grants.h>

#include "remotehost.h"

#define SIZE	(256 * MIB)

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
}

/* Base, updates and a batch, by one side; read by the other. */
static void round_trip(const char *writes, const char *reads, unsigned int flags)
{
	struct npmu_region *from = remote_mapped(writes, NPMU_OPEN_WRITE), *to;
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
	char batch[512];
	struct iovec iov = { batch, sizeof(batch) };
	uint64_t n;

	REQUIRE(from, "%s is not open", writes);
	w = remote_writer(from, NPMU_APPEND_INIT | flags);
	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, 3 * MIB + 5, 1), 0);
	for (n = 0; n < 20; n++)
		EXPECT(remote_update(w, n, 1 + n * 400), 0);
	to = remote_mapped(reads, 0);
	REQUIRE(to, "%s is not open", reads);
	EXPECT(npmu_append_reader_open(to, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, 3 * MIB + 5, 1), 0);
	EXPECT(remote_read_updates(r, 0), 20);
	for (n = 20; n < 60; n++) {
		remote_make_update(batch, sizeof(batch), n);
		EXPECT(npmu_append_add(w, &iov, 1, n), 0);
	}
	EXPECT(npmu_append_commit(w), 0);
	EXPECT(remote_read_updates(r, 20), 40);
	npmu_append_reader_close(r);
	npmu_append_writer_close(w);
	npmu_region_close(to);
	npmu_region_close(from);
}

static void append__is_read_back_remotely(void)
{
	round_trip(REMOTE_URL, REMOTE_URL, 0);
}

static void append__is_read_back_locally(void)
{
	round_trip(REMOTE_URL, "u/r", 0);
}

static void append__of_a_local_writer_is_read(void)
{
	round_trip("u/r", REMOTE_URL, NPMU_APPEND_NO_CRC);
}

static void append__without_crc_is_read_back(void)
{
	round_trip(REMOTE_URL, REMOTE_URL, NPMU_APPEND_NO_CRC);
}

static void append__goes_on_where_it_stopped(void)
{
	struct npmu_region *region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
	uint64_t n;

	REQUIRE(region, "not open");
	w = remote_writer(region, NPMU_APPEND_INIT);
	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, MIB, 2), 0);
	for (n = 0; n < 10; n++)
		EXPECT(remote_update(w, n, 64), 0);
	npmu_append_writer_close(w);
	npmu_region_close(region);
	region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	REQUIRE(region, "not open again");
	w = remote_writer(region, 0);
	REQUIRE(w, "no writer again");
	CHECK(npmu_append_sequence(w) == 11, "sequence %llu",
	      (unsigned long long)npmu_append_sequence(w));
	EXPECT(remote_update(w, 10, 64), 0);
	EXPECT(npmu_append_reader_open(region, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, MIB, 2), 0);
	EXPECT(remote_read_updates(r, 0), 11);
	npmu_append_reader_close(r);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

/* The wire and the CPU mean the same bytes by the same offset, from end to end. */
static void mapping__is_that_of_a_local_open(void)
{
	struct npmu_region *there = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE), *here = remote_mapped("u/r", 0);
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

/* Ranges that begin and end anywhere, and span keys and windows. */
static void bytes__are_those_of_a_local_open(void)
{
	static const struct { uint64_t offset; size_t len; } range[] = {
		{ 0, 1 }, { 1, 7 }, { 4095, 2 }, { 2 * MIB - 3, 6 }, { 12345, 9 * MIB + 1 },
		{ SIZE - MIB, MIB }, { 100 * MIB + 77, 12 * MIB }, { SIZE - 1, 1 }, { 5, 0 },
	};
	struct npmu_region *there = remote_open(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_region *here = remote_open("u/r", NPMU_OPEN_READ);
	char *buf = malloc(12 * MIB);
	size_t i;

	REQUIRE(there && here && buf, "not open");
	EXPECT(npmu_region_write(there, 0, buf, 1), -EPERM);
	EXPECT(npmu_region_claim(there, NULL), 0);
	for (i = 0; i < sizeof(range) / sizeof(range[0]); i++) {
		vm_fill(buf, range[i].len, range[i].offset, 40 + i);
		EXPECT(npmu_region_write(there, range[i].offset, buf, range[i].len), 0);
		memset(buf, 0, range[i].len);
		EXPECT(npmu_region_read(here, range[i].offset, buf, range[i].len), 0);
		CHECK(vm_compare(buf, range[i].len, range[i].offset, 40 + i) == -1,
		      "range %zu, read locally", i);
		memset(buf, 0, range[i].len);
		EXPECT(npmu_region_read(there, range[i].offset, buf, range[i].len), 0);
		CHECK(vm_compare(buf, range[i].len, range[i].offset, 40 + i) == -1,
		      "range %zu, read remotely", i);
	}
	EXPECT(npmu_region_read(there, SIZE - 1, buf, 2), -EINVAL);
	EXPECT(npmu_region_write(there, UINT64_MAX, buf, 2), -EINVAL);
	EXPECT(npmu_region_resign(there), 0);
	npmu_region_close(here);
	here = remote_open("u/r", NPMU_OPEN_WRITE);
	REQUIRE(here, "not open");
	EXPECT(npmu_region_write(here, 77, buf, 1000), -EPERM);
	EXPECT(npmu_region_claim(here, NULL), 0);
	vm_fill(buf, 1000, 77, 3);
	EXPECT(npmu_region_write(here, 77, buf, 1000), 0);
	memset(buf, 0, 1000);
	EXPECT(npmu_region_read(there, 77, buf, 1000), 0);
	CHECK(vm_compare(buf, 1000, 77, 3) == -1, "written locally, read remotely");
	free(buf);
	npmu_region_close(here);
	npmu_region_close(there);
}

static int create(const char *region, uint64_t size)
{
	char url[128];
	int code;

	snprintf(url, sizeof(url), "npmu://alice@" NI_ADDRESS "/%s", region);
	code = npmu_region_create(url, size, &remote_err);
	if (code)
		printf("# %s\n", remote_err.text);
	return code;
}

static void region__is_made_by_who_may(void)
{
	struct npmu_region *region;

	EXPECT(create("u/mine", MIB), -ENOENT);
	EXPECT(npmu_ctl_creator_add(vm_ctl(), "u", "alice", 2 * MIB, 2), 0);
	EXPECT(create("u/mine", 5000), 0);
	region = remote_mapped("npmu://alice@" NI_ADDRESS "/u/mine", NPMU_OPEN_WRITE);
	REQUIRE(region, "not open");
	CHECK(npmu_region_size(region) == 8192, "%llu bytes",
	      (unsigned long long)npmu_region_size(region));
	npmu_region_close(region);
	EXPECT(create("u/mine", MIB), -EEXIST);
	EXPECT(create("u/more", 4 * MIB), -EDQUOT);
	EXPECT(create("u/more", 0), -EINVAL);
	EXPECT(create("u/.more", 4096), -EINVAL);
	EXPECT(create("none/more", 4096), -ENOENT);
	EXPECT(npmu_region_create("u/more", 4096, &remote_err), -EOPNOTSUPP);
	/* The unit may not have noticed yet that nobody has it open. */
	EXPECT(vm_delete("u", "mine", true), 0);
}

/* At once, and not when the unit has noticed that the client is gone. */
static void close__leaves_the_role_vacant(void)
{
	struct npmu_region *there, *here;
	unsigned int i;

	for (i = 0; i < 10; i++) {
		there = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
		here = remote_open("u/r", NPMU_OPEN_WRITE);
		REQUIRE(there && here, "cannot be opened");
		EXPECT(npmu_region_map(here, NPMU_MAP_WRITE), -EBUSY);
		npmu_region_close(there);
		EXPECT(npmu_region_map(here, NPMU_MAP_WRITE), 0);
		npmu_region_close(here);
	}
}

static int close_it(void *region)
{
	npmu_region_close(region);
	return 0;
}

static void close__in_a_child_disturbs_nobody(void)
{
	struct npmu_region *region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	uint64_t i;

	REQUIRE(w, "no writer");
	for (i = 0; i < 3; i++) {
		EXPECT(remote_update(w, i, 100), 0);
		EXPECT(vm_reap(vm_child(close_it, region), 30000), 0);
	}
	EXPECT(remote_update(w, i, 100), 0);
	CHECK(npmu_region_is_writer(region), "not the writer any more");
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static void host__goes_down(void)
{
	EXPECT(remote_down(), 0);
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
	VM_RUN(bytes__are_those_of_a_local_open);
	VM_RUN(region__is_made_by_who_may);
	VM_RUN(close__leaves_the_role_vacant);
	VM_RUN(close__in_a_child_disturbs_nobody);
	VM_RUN(host__goes_down);
	return vm_end();
}

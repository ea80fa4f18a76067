// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commits over the wire from registered memory of the caller's: what lies in it is written
 * from there, all else is copied, and both are there in the end. Client and unit are one
 * host; the wire is soft RoCE.
 */
#define _GNU_SOURCE
#include "remotehost.h"

#define SIZE	(32 * MIB)
#define STATE	(5 * MIB + 12345)	/* of several pieces, the last of which is odd */
#define AT	77			/* where it lies in the memory */

static struct npmu_region *region;
static struct npmu_append_writer *w;
static char *memory;

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
	memory = aligned_alloc(4096, 8 * MIB);
	REQUIRE(memory, "out of memory");
	vm_fill(memory, 8 * MIB, 0, 3);
	region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	REQUIRE(region, "cannot be opened");
	w = remote_writer(region, NPMU_APPEND_INIT);
	REQUIRE(w, "no writer");
}

/* The newest base, as another open finds it. */
static void check_base(const void *want, size_t len, const char *from)
{
	struct npmu_region *other = remote_mapped("u/r", 0);
	struct npmu_append_reader *r;
	struct npmu_append_item base;

	REQUIRE(other && !npmu_append_reader_open(other, &r, &remote_err), "no reader");
	EXPECT(npmu_append_read_base(r, &base), 0);
	CHECK(base.length == len && !memcmp(base.data, want, len), "another state, %s", from);
	npmu_append_reader_close(r);
	npmu_region_close(other);
}

static bool mirror_has(const void *bytes, size_t len)
{
	return memmem(npmu_region_addr(region), npmu_region_length(region), bytes, len);
}

static void memory__that_is_not_registered_is_copied(void)
{
	struct iovec iov = { memory + AT, STATE };

	EXPECT(npmu_append_base(w, &iov, 1, 0), 0);
	check_base(iov.iov_base, STATE, "copied");
	CHECK(mirror_has(memory + AT, 4096), "is the test looking in the right place?");
}

static void memory__is_written_without_a_copy(void)
{
	struct iovec iov = { memory + AT, STATE };

	vm_fill(memory, 8 * MIB, 0, 4);
	EXPECT(npmu_region_register(region, memory, 8 * MIB), 0);
	EXPECT(npmu_append_base(w, &iov, 1, 0), 0);
	check_base(iov.iov_base, STATE, "from its place");
	CHECK(!mirror_has(memory + AT, 4096), "it was copied");
}

/* Small and large pieces, in and out of it, over its end; and what comes next to them. */
static void pieces__of_all_kinds_are_there(void)
{
	char *outside = malloc(64 * 1024), *want = malloc(256 * 1024);
	struct iovec iov[] = {
		{ memory + 5, 100 },
		{ memory + 8 * MIB - 20000, 20000 },
		{ outside + 3, 10001 },
		{ memory + 4096, 4096 },
		{ memory, 0 },
		{ outside, 1 },
		{ memory + 1, 65537 },
	};
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	size_t i, n = 0;

	REQUIRE(outside && want, "out of memory");
	vm_fill(outside, 64 * 1024, 0, 9);
	for (i = 0; i < sizeof(iov) / sizeof(iov[0]); i++) {
		memcpy(want + n, iov[i].iov_base, iov[i].iov_len);
		n += iov[i].iov_len;
	}
	EXPECT(remote_base(w, 100, 1), 0);
	REQUIRE(!npmu_append_reader_open(region, &r, &remote_err), "no reader");
	EXPECT(remote_read_base(r, 100, 1), 0);
	for (i = 0; i < 3; i++) {
		EXPECT(npmu_append_update(w, iov, 7, i), 0);
		EXPECT(npmu_append_next(r, &item), 0);
		CHECK(item.length == n && !memcmp(item.data, want, n), "update %zu", i);
		EXPECT(remote_update(w, 0, 77), 0);
		EXPECT(remote_read_updates(r, 0), 1);
	}
	/* Of a batch the memory is the caller's at once. */
	EXPECT(npmu_append_add(w, iov, 7, 0), 0);
	memset(memory, 0, 8 * MIB);
	EXPECT(npmu_append_commit(w), 0);
	EXPECT(npmu_append_next(r, &item), 0);
	CHECK(item.length == n && !memcmp(item.data, want, n), "an update of a batch");
	npmu_append_reader_close(r);
	free(outside);
	free(want);
}

static void memory__registered_twice_is_refused(void)
{
	EXPECT(npmu_region_register(region, memory + 8 * MIB - 1, 2), -EEXIST);
	EXPECT(npmu_region_register(region, memory, 1), -EEXIST);
	EXPECT(npmu_region_register(region, memory, 0), -EINVAL);
	EXPECT(npmu_region_register(region, NULL, 1), -EINVAL);
	EXPECT(npmu_region_register(region, memory + 8, SIZE_MAX), -EINVAL);
	EXPECT(npmu_region_unregister(region, memory + 4096), -ENOENT);
}

/* The connection, but not what was said of the memory. */
static void memory__stays_registered_over_a_reconnect(void)
{
	struct iovec iov = { memory, 64 * 1024 };
	uint64_t found;

	EXPECT(vm_sh("ip link set dev lo up && tools/build/npmu-admin ni unlisten " NI_ADDRESS), 0);
	CHECK(VM_UNTIL(npmu_append_update(w, &iov, 1, 0) == -ENOTCONN, 10000), "it goes on");
	EXPECT(vm_sh("tools/build/npmu-admin ni listen " NI_ADDRESS), 0);
	REQUIRE(VM_UNTIL(!npmu_append_writer_reconnect(w, &found, &remote_err), 60000), "%s",
		remote_err.text);
	vm_fill(memory, 8 * MIB, 0, 6);
	iov.iov_len = STATE;
	EXPECT(npmu_append_base(w, &iov, 1, 0), 0);
	check_base(memory, STATE, "after a reconnect");
	CHECK(!mirror_has(memory, 4096), "it was copied");
}

static void memory__unregistered_is_copied_again(void)
{
	struct iovec iov = { memory, STATE };

	EXPECT(npmu_region_unregister(region, memory), 0);
	EXPECT(npmu_region_unregister(region, memory), -ENOENT);
	vm_fill(memory, 8 * MIB, 0, 7);
	EXPECT(npmu_append_base(w, &iov, 1, 0), 0);
	check_base(memory, STATE, "copied");
	CHECK(mirror_has(memory, 4096), "it was not");
}

static void memory__of_a_local_region_is_nothing_to_do(void)
{
	struct npmu_region *local = remote_open("u/r", NPMU_OPEN_READ);

	REQUIRE(local, "cannot be opened");
	EXPECT(npmu_region_register(local, memory, 4096), 0);
	EXPECT(npmu_region_register(local, memory, 4096), 0);
	EXPECT(npmu_region_unregister(local, memory), 0);
	npmu_region_close(local);
}

static void host__goes_down(void)
{
	/* With memory that nobody unregistered. */
	EXPECT(npmu_region_register(region, memory, 8 * MIB), 0);
	npmu_append_writer_close(w);
	npmu_region_close(region);
	free(memory);
	EXPECT(remote_down(), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(memory__that_is_not_registered_is_copied);
	VM_RUN(memory__is_written_without_a_copy);
	VM_RUN(pieces__of_all_kinds_are_there);
	VM_RUN(memory__registered_twice_is_refused);
	VM_RUN(memory__stays_registered_over_a_reconnect);
	VM_RUN(memory__unregistered_is_copied_again);
	VM_RUN(memory__of_a_local_region_is_nothing_to_do);
	VM_RUN(host__goes_down);
	return vm_end();
}

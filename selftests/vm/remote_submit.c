// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Commits over the wire that are submitted and completed later: several under way at once, in
 * their order, and what a fence leaves of them. Client and unit are one host; the wire is soft
 * RoCE. What a lost connection leaves of them is remote_reconnect's.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "remotehost.h"

#define SIZE	(16 * MIB)
#define SECOND	1000000000ULL

static struct npmu_region *region, *here;
static struct npmu_append_writer *w;
static struct npmu_append_reader *r;
static char *memory;

/* Update number @n. Return: its sequence, or a negative errno. */
static int64_t submit(struct npmu_append_writer *writer, uint64_t n, size_t len)
{
	char buf[8192];
	struct iovec iov = { buf, len };
	uint64_t sequence = 0;
	int code;

	remote_make_update(buf, len, n);
	code = npmu_append_submit(writer, &iov, 1, n, &sequence);
	return code ? code : (int64_t)sequence;
}

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
	memory = aligned_alloc(4096, MIB);
	region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	here = remote_mapped("u/r", 0);
	REQUIRE(memory && region && here, "cannot be opened");
	w = remote_writer(region, NPMU_APPEND_INIT);
	REQUIRE(w && !remote_base(w, 100, 1), "no writer");
	REQUIRE(!npmu_append_reader_open(here, &r, &remote_err) && !remote_read_base(r, 100, 1),
		"no reader");
}

/* Commits that the unit has carried out for its only session. */
static int count_commits(void *ctx, const struct npmu_session_info *info)
{
	*(uint64_t *)ctx += info->commits;
	return 0;
}

static uint64_t commits(void)
{
	uint64_t n = 0;

	EXPECT(npmu_ni_session_list(ni_ctl(), count_commits, &n), 0);
	return n;
}

static void submit__does_not_wait(void)
{
	uint64_t before = npmu_append_sequence(w), done = commits();
	int64_t sequence = 0;
	unsigned int i;

	for (i = 0; i < 5; i++) {
		sequence = submit(w, i, 200);
		EXPECT(sequence, (int64_t)before + 1 + i);
	}
	/* Nobody has looked what is done: so all were under way. */
	EXPECT(npmu_append_sequence(w), before);
	EXPECT(npmu_append_complete(w, (uint64_t)sequence, UINT64_MAX), 0);
	EXPECT(npmu_append_sequence(w), (uint64_t)sequence);
	EXPECT(remote_read_updates(r, 0), 5);
	EXPECT(commits() - done, 5);
}

static void complete__is_in_order(void)
{
	uint64_t before = npmu_append_sequence(w);
	unsigned int i;

	for (i = 0; i < 5; i++)
		CHECK(submit(w, i, 3000) > 0, "%s", npmu_append_writer_error(w));
	EXPECT(npmu_append_complete(w, before + 3, UINT64_MAX), 0);
	EXPECT(npmu_append_sequence(w), before + 3);
	EXPECT(npmu_append_complete(w, before + 1, 0), 0);
	EXPECT(npmu_append_complete(w, before, 0), 0);
	EXPECT(npmu_append_complete(w, before + 6, UINT64_MAX), -EINVAL);
	EXPECT(npmu_append_sequence(w), before + 3);
	EXPECT(npmu_append_complete(w, before + 5, UINT64_MAX), 0);
	EXPECT(npmu_append_complete(w, before + 6, UINT64_MAX), -EINVAL);
	EXPECT(remote_read_updates(r, 0), 5);
}

static void complete__can_be_polled(void)
{
	struct pollfd fd = { .fd = npmu_region_fd(region), .events = POLLIN };
	int64_t sequence;
	unsigned int i, waits = 0;
	int code = 0;

	for (i = 0; i < 50; i++) {
		sequence = submit(w, i, 8000);
		CHECK(sequence > 0, "%s", npmu_append_writer_error(w));
		while ((code = npmu_append_complete(w, (uint64_t)sequence, 0)) == -ETIMEDOUT) {
			waits++;
			CHECK(poll(&fd, 1, 20000) == 1, "it never becomes readable");
		}
		EXPECT(code, 0);
	}
	printf("# %u waits\n", waits);
	CHECK(waits, "each was complete at once");
	EXPECT(remote_read_updates(r, 0), 50);
}

/* More than may be under way, over the end of the ring. */
static void submit__waits_for_the_oldest(void)
{
	uint64_t read = 0, i, before = npmu_append_sequence(w);
	int64_t sequence = 0;

	for (i = 0; i < 600; i++) {
		sequence = submit(w, i, 1 + i * 37 % 8192);
		CHECK(sequence == (int64_t)(before + 1), "%s", npmu_append_writer_error(w));
		if (sequence < 0)
			break;
		before = (uint64_t)sequence;
		if (i % 100 < 99)
			continue;
		EXPECT(npmu_append_complete(w, before, UINT64_MAX), 0);
		read += (uint64_t)remote_read_updates(r, read);
		EXPECT(read, i + 1);
		EXPECT(remote_base(w, 100, 1), 0);
		before = npmu_append_sequence(w);
		EXPECT(remote_read_base(r, 100, 1), 0);
	}
}

static void submit__goes_with_the_others(void)
{
	char buf[512];
	struct iovec iov = { buf, sizeof(buf) };
	uint64_t before = npmu_append_sequence(w);

	remote_make_update(buf, sizeof(buf), 1);
	CHECK(submit(w, 0, 100) > 0, "%s", npmu_append_writer_error(w));
	EXPECT(npmu_append_add(w, &iov, 1, 1), 0);
	CHECK(submit(w, 2, 100) > 0, "%s", npmu_append_writer_error(w));
	EXPECT(remote_update(w, 3, 100), 0);
	EXPECT(npmu_append_sequence(w), before + 4);
	CHECK(submit(w, 4, 100) > 0, "%s", npmu_append_writer_error(w));
	EXPECT(npmu_append_commit(w), 0);
	EXPECT(npmu_append_sequence(w), before + 5);
	EXPECT(remote_read_updates(r, 0), 5);
	CHECK(submit(w, 5, 100) > 0, "%s", npmu_append_writer_error(w));
	EXPECT(remote_base(w, 100, 1), 0);
	EXPECT(npmu_append_sequence(w), before + 7);
	EXPECT(remote_read_base(r, 100, 1), 0);
}

static void submit__refuses_what_update_refuses(void)
{
	struct iovec iov = { memory, MIB }, none = { NULL, 1 };
	uint64_t sequence;

	EXPECT(npmu_append_submit(w, &iov, 1, 0, &sequence), -EMSGSIZE);
	EXPECT(npmu_append_submit(w, &none, 1, 0, &sequence), -EINVAL);
	iov.iov_len = 10;
	EXPECT(npmu_append_submit(w, &iov, 1, 0, NULL), -EINVAL);
	EXPECT(npmu_append_complete(w, npmu_append_sequence(w), 0), 0);
}

/* It goes from there until it is complete: then the memory can be unregistered and written. */
static void memory__is_free_when_it_is_unregistered(void)
{
	struct iovec iov = { memory, 300 * KIB };
	struct npmu_append_item item;
	uint64_t sequence[2];
	char *want = malloc(MIB);

	REQUIRE(want, "out of memory");
	vm_fill(memory, MIB, 0, 8);
	memcpy(want, memory, MIB);
	EXPECT(npmu_region_register(region, memory, MIB), 0);
	EXPECT(npmu_append_submit(w, &iov, 1, 0, &sequence[0]), 0);
	iov.iov_base = memory + 4096 * 10;
	EXPECT(npmu_append_submit(w, &iov, 1, 1, &sequence[1]), 0);
	EXPECT(npmu_region_unregister(region, memory), 0);
	memset(memory, 0, MIB);
	EXPECT(npmu_append_complete(w, sequence[1], UINT64_MAX), 0);
	EXPECT(npmu_append_next(r, &item), 0);
	CHECK(item.length == iov.iov_len && !memcmp(item.data, want, item.length), "the first");
	EXPECT(npmu_append_next(r, &item), 0);
	CHECK(item.length == iov.iov_len && !memcmp(item.data, want + 4096 * 10, item.length),
	      "the second");
	EXPECT(remote_base(w, 100, 1), 0);
	EXPECT(remote_read_base(r, 100, 1), 0);
	free(want);
}

static void commits__under_way_end_with_the_writer(void)
{
	unsigned int i;

	for (i = 0; i < 6; i++)
		CHECK(submit(w, i, 8000) > 0, "%s", npmu_append_writer_error(w));
	npmu_append_writer_close(w);
	EXPECT(remote_read_updates(r, 0), 6);
	w = remote_writer(region, 0);
	REQUIRE(w, "no writer");
	EXPECT(remote_read_updates(r, 6), 0);
}

/* The successor has all that was said to be durable, and nothing that comes later. */
static void writer__is_fenced_with_commits_under_way(void)
{
	uint64_t before = npmu_append_sequence(w), last = 0;
	struct npmu_region *next;
	struct npmu_append_writer *successor;
	struct npmu_error err;
	int64_t sequence = 0;
	uint64_t i, found;
	int code = 0, read;

	next = remote_open("u/r", NPMU_OPEN_WRITE);
	REQUIRE(next, "cannot be opened");
	for (i = 0; i < 6; i++)
		sequence = submit(w, i, 4000);
	CHECK(sequence > 0, "%s", npmu_append_writer_error(w));
	EXPECT(npmu_region_takeover(next, npmu_region_fence_epoch(next), NULL), 0);
	EXPECT(npmu_region_map(next, NPMU_MAP_WRITE), 0);
	successor = remote_writer(next, 0);
	REQUIRE(successor, "no writer");
	for (i = before + 1; i <= (uint64_t)sequence && !code; i++) {
		code = npmu_append_complete(w, i, UINT64_MAX);
		last = code ? last : i - before;
	}
	/* It learns of it at the latest when it looks. */
	if (!code) {
		sequence = submit(w, 6, 100);
		code = sequence < 0 ? (int)sequence :
				      npmu_append_complete(w, (uint64_t)sequence, UINT64_MAX);
	}
	EXPECT(code, -ESTALE);
	read = remote_read_updates(r, 0);
	printf("# %llu were known to be durable, %d are there\n", (unsigned long long)last, read);
	CHECK(read >= (int)last && read <= 6, "%d", read);
	EXPECT(npmu_append_complete(w, before + 100, UINT64_MAX), -ESTALE);
	EXPECT(npmu_append_writer_reconnect(w, &found, &err), -ESTALE);
	EXPECT(remote_update(successor, (uint64_t)read, 100), 0);
	EXPECT(remote_read_updates(r, (uint64_t)read), 1);
	npmu_append_writer_close(successor);
	npmu_region_close(next);
}

static void submit__of_a_local_region_is_an_update(void)
{
	struct npmu_region *local = remote_mapped("u/r", NPMU_OPEN_WRITE);
	struct npmu_append_writer *writer = local ? remote_writer(local, NPMU_APPEND_INIT) : NULL;

	REQUIRE(writer, "no writer");
	EXPECT(submit(writer, 0, 100), 1);
	EXPECT(npmu_append_sequence(writer), 1);
	EXPECT(npmu_append_complete(writer, 1, 0), 0);
	EXPECT(npmu_append_complete(writer, 2, 0), -EINVAL);
	npmu_append_writer_close(writer);
	npmu_region_close(local);
}

static void submit__without_crc_is_an_update(void)
{
	struct npmu_append_writer *writer;

	npmu_append_writer_close(w);
	npmu_region_close(region);
	region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	writer = region ? remote_writer(region, NPMU_APPEND_INIT | NPMU_APPEND_NO_CRC) : NULL;
	REQUIRE(writer, "no writer");
	EXPECT(submit(writer, 0, 100), 1);
	EXPECT(npmu_append_sequence(writer), 1);
	EXPECT(npmu_append_complete(writer, 1, 0), 0);
	npmu_append_writer_close(writer);
}

static void host__goes_down(void)
{
	npmu_append_reader_close(r);
	npmu_region_close(here);
	npmu_region_close(region);
	free(memory);
	EXPECT(remote_down(), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(submit__does_not_wait);
	VM_RUN(complete__is_in_order);
	VM_RUN(complete__can_be_polled);
	VM_RUN(submit__waits_for_the_oldest);
	VM_RUN(submit__goes_with_the_others);
	VM_RUN(submit__refuses_what_update_refuses);
	VM_RUN(memory__is_free_when_it_is_unregistered);
	VM_RUN(commits__under_way_end_with_the_writer);
	VM_RUN(writer__is_fenced_with_commits_under_way);
	VM_RUN(submit__of_a_local_region_is_an_update);
	VM_RUN(submit__without_crc_is_an_update);
	VM_RUN(host__goes_down);
	return vm_end();
}

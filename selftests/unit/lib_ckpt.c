// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The overwrite checkpoint on a memory file: what is committed is read, whatever
 * is damaged, and a commit makes no system call.
 */

#include "lib_confined.h"
#include "lib_memory.h"

#define SIZE	(256 << 10)
#define MAX	100000

static unsigned char state[MAX], got[MAX];

static int reads(struct npmu_ckpt_reader *r, const void *want, size_t len,
		 uint64_t tag)
{
	struct npmu_ckpt_info info;
	const void *peeked;
	int code = npmu_ckpt_read(r, got, sizeof(got), &info);

	return CHECK(!code, "read: %d %s", code, npmu_ckpt_reader_error(r)) &&
	       CHECK(info.length == len && info.tag == tag, "length %llu tag %llu",
		     (unsigned long long)info.length, (unsigned long long)info.tag) &&
	       CHECK(!memcmp(got, want, len), "other bytes") &&
	       CHECK(!npmu_ckpt_peek(r, &peeked, &info) &&
		     !memcmp(peeked, want, len) && !npmu_ckpt_recheck(r, &info),
		     "peek");
}

static void commit__is_read_at_every_length(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, MAX, 0);
	struct npmu_ckpt_reader *r = reader_new(region);
	uint64_t tag = 0;
	size_t len;

	for (len = 0; len <= MAX; len += len < 700 ? 1 : 997) {
		fill(state, len, len);
		CHECK(!npmu_ckpt_commit(w, state, len, ++tag), "commit");
		if (!reads(r, state, len, tag))
			break;
	}
	CHECK(npmu_ckpt_writer_sequence(w) == tag, "sequence");
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static void reader__before_the_first_commit(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_reader *r = reader_new(region);
	struct npmu_ckpt_writer *w;

	CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA, "fresh region");
	w = writer_new(region, 1000, 0);
	CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA, "no commit");
	CHECK(npmu_ckpt_wait(r, 0, 3000000) == -ETIMEDOUT, "wait");
	CHECK(!npmu_ckpt_commit(w, "x", 1, 9), "commit");
	CHECK(npmu_ckpt_wait(r, 0, 3000000) == 0, "wait");
	CHECK(npmu_ckpt_wait(r, 1, 3000000) == -ETIMEDOUT, "wait for the second");
	reads(r, "x", 1, 9);
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static void writer__goes_on_after_a_takeover(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 1000, 0);
	struct npmu_ckpt_reader *r = reader_new(region);
	struct npmu_ckpt_info info;
	uint64_t epoch = npmu_region_fence_epoch(region), mine;

	CHECK(!npmu_ckpt_commit(w, "one", 3, 1), "commit");
	CHECK(!npmu_ckpt_commit(w, "two", 3, 2), "commit");
	CHECK(npmu_region_takeover(region, epoch + 1, &mine) == -ESTALE &&
	      mine == epoch, "a wrong epoch");
	CHECK(!npmu_region_takeover(region, epoch, &mine) && mine == epoch + 1,
	      "takeover");
	CHECK(npmu_ckpt_commit(w, "zombie", 6, 3) == -ESTALE, "the former writer");
	CHECK(npmu_ckpt_commit(w, "zombie", 6, 3) == -ESTALE, "again");
	npmu_ckpt_writer_close(w);
	reads(r, "two", 3, 2);
	w = writer_new(region, 0, 0);
	CHECK(npmu_ckpt_writer_sequence(w) == 2, "sequence");
	CHECK(npmu_ckpt_writer_capacity(w) == 1000, "capacity");
	CHECK(!npmu_ckpt_commit(w, "three", 5, 3), "commit");
	reads(r, "three", 5, 3);
	CHECK(!npmu_ckpt_read(r, got, sizeof(got), &info) &&
	      info.fence_epoch == mine && info.sequence == 3, "epoch, sequence");
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

/* Each byte of each slot, and of the header: the other one, or none. */
static void slot__every_byte_damaged(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 300, 0);
	struct npmu_ckpt_reader *r = reader_new(region);
	unsigned char *base = npmu_region_addr(region);
	struct npmu_ckpt_info info;
	unsigned char one[300], two[300];
	size_t used = NPMU_CKPT_SLOT_HEADER + sizeof(one);
	size_t i, slot;
	int flip, code;

	fill(one, sizeof(one), 1);
	fill(two, sizeof(two), 2);
	npmu_ckpt_commit(w, one, sizeof(one), 1);
	for (i = 0; i < used; i++) {
		base[NPMU_CKPT_SLOTS_START + i] ^= 1;
		CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA ||
		      (i >= 8 && i < 16), "a single state, byte %zu", i);
		CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) < 0,
		      "a single state, byte %zu", i);
		base[NPMU_CKPT_SLOTS_START + i] ^= 1;
	}
	npmu_ckpt_commit(w, two, sizeof(two), 2);
	for (slot = 0; slot < 2; slot++)
		for (i = 0; i < used; i++)
			for (flip = 1; flip < 256; flip = flip * 2 + 1) {
				unsigned char *p = base + NPMU_CKPT_SLOTS_START +
						   slot * NPMU_CKPT_SLOT_ALIGN + i;

				*p ^= flip;
				code = npmu_ckpt_read(r, got, sizeof(got), &info);
				CHECK(!code && info.slot == !slot &&
				      !memcmp(got, slot ? one : two, sizeof(one)),
				      "slot %zu byte %zu: %d", slot, i, code);
				*p ^= flip;
			}
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static void header__every_byte_damaged(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, 300, 0);
	struct npmu_ckpt_reader *r = reader_new(region);
	unsigned char *base = npmu_region_addr(region);
	static unsigned char before[SIZE];
	struct npmu_error err;
	size_t i, copy;
	int code;

	npmu_ckpt_commit(w, "kept", 4, 1);
	npmu_ckpt_writer_close(w);
	for (copy = 0; copy < 2; copy++)
		for (i = 0; i < NPMU_CKPT_HEADER_SIZE; i++) {
			base[copy * NPMU_CKPT_HEADER1 + i] ^= 0x41;
			reads(r, "kept", 4, 1);
			w = writer_new(region, 0, 0);	/* mends it */
			npmu_ckpt_writer_close(w);
			CHECK(!memcmp(base, base + NPMU_CKPT_HEADER1,
				      NPMU_CKPT_HEADER_SIZE), "mended, byte %zu", i);
		}
	for (i = 0; i < NPMU_CKPT_HEADER_SIZE; i++) {
		base[i] ^= 0x41;
		base[NPMU_CKPT_HEADER1 + i] ^= 0x41;
		memcpy(before, base, SIZE);
		code = npmu_ckpt_read(r, got, sizeof(got), NULL);
		CHECK(code == -EUCLEAN || (i < 8 && code == -EMEDIUMTYPE),
		      "both, byte %zu: %d", i, code);
		code = npmu_ckpt_writer_open(region, 0, 0, &w, &err);
		CHECK(code == -EUCLEAN || (i < 8 && code == -EMEDIUMTYPE),
		      "writer, both, byte %zu: %d", i, code);
		CHECK(err.code == code && err.text[0], "a text");
		CHECK(!memcmp(before, base, SIZE), "left as it is, byte %zu", i);
		base[i] ^= 0x41;
		base[NPMU_CKPT_HEADER1 + i] ^= 0x41;
	}
	reads(r, "kept", 4, 1);
	npmu_ckpt_reader_close(r);
	npmu_region_close(region);
}

/* Only NPMU_CKPT_INIT drops what is there. */
static void writer__foreign_bytes(void)
{
	struct npmu_region *region = memory_new(SIZE);
	unsigned char *base = npmu_region_addr(region);
	struct npmu_ckpt_reader *r = reader_new(region);
	struct npmu_ckpt_writer *w;
	struct npmu_error err;
	size_t i;

	for (i = 0; i < NPMU_CKPT_SLOTS_START; i += 64) {
		base[i] = 0xff;
		CHECK(npmu_ckpt_writer_open(region, 0, 0, &w, &err) == -EMEDIUMTYPE,
		      "a byte at %zu", i);
		CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -EMEDIUMTYPE,
		      "a byte at %zu", i);
		base[i] = 0;
		/* Words of a header that was never finished look like that. */
		if (i == 0 || i == NPMU_CKPT_HEADER1)
			i += NPMU_CKPT_HEADER_SIZE - 64;
	}
	fill(base, SIZE, 5);
	CHECK(npmu_ckpt_writer_open(region, 0, 0, &w, &err) == -EMEDIUMTYPE, "noise");
	w = writer_new(region, 500, NPMU_CKPT_INIT);
	CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA, "empty");
	npmu_ckpt_commit(w, "new", 3, 1);
	npmu_ckpt_commit(w, "newer", 5, 2);
	npmu_ckpt_writer_close(w);
	/* The same geometry: the slots of the former one must not count. */
	w = writer_new(region, 500, NPMU_CKPT_INIT);
	CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA, "made anew");
	npmu_ckpt_commit(w, "newest", 6, 1);
	reads(r, "newest", 6, 1);
	npmu_ckpt_writer_close(w);
	npmu_ckpt_reader_close(r);
	npmu_region_close(region);
}

/* Random sequences of whole and partial commits against a plain copy. */
static void commit_ranges__like_a_plain_copy(void)
{
	static unsigned char model[MAX];
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, MAX, 0);
	struct npmu_ckpt_reader *r = reader_new(region);
	struct npmu_ckpt_range range[8];
	uint64_t seed = 11;
	size_t len = 5000, n, i, k;
	int round;

	for (round = 0; round < 4000; round++) {
		uint64_t what = tap_random(&seed) % 40;

		if (what == 0)
			len = tap_random(&seed) % (MAX + 1);
		else if (what == 1)
			len = tap_random(&seed) % 1500;
		if (what <= 2) {
			fill(model, len, round);
			CHECK(!npmu_ckpt_commit(w, model, len, round), "whole");
		} else if (what == 3) {
			npmu_ckpt_writer_close(w);
			w = writer_new(region, 0, 0);
			continue;
		} else {
			n = tap_random(&seed) % 8;
			for (i = 0; i < n; i++) {
				range[i].offset = tap_random(&seed) % (len + 1);
				range[i].length = tap_random(&seed) %
					(len - range[i].offset + 1) %
					(what < 8 ? 20000 : 600);
				for (k = 0; k < range[i].length; k++)
					model[range[i].offset + k] =
						(unsigned char)tap_random(&seed);
			}
			CHECK(!npmu_ckpt_commit_ranges(w, model, len, range, n,
						       round), "ranges");
		}
		if (!reads(r, model, len, round)) {
			printf("# round %d\n", round);
			break;
		}
	}
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

/* A partial commit leaves what did not change alone. */
static void commit_ranges__stores_what_changed(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *w = writer_new(region, MAX, 0);
	unsigned char *base = npmu_region_addr(region);
	static unsigned char before[SIZE];
	struct npmu_ckpt_range range = { .length = 1 };
	size_t i, changed;
	int round;

	fill(state, MAX, 3);
	for (round = 0; round < 20; round++) {
		range.offset = (size_t)round * 4999;
		state[range.offset]++;
		memcpy(before, base, SIZE);
		CHECK(!npmu_ckpt_commit_ranges(w, state, MAX, &range, 1, 0), "commit");
		for (changed = i = 0; i < SIZE; i++)
			changed += base[i] != before[i];
		CHECK(round < 2 || changed <= 2 + NPMU_CKPT_SLOT_HEADER,
		      "round %d changed %zu bytes", round, changed);
	}
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
}

static void commit__bad_arguments(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_region *small = memory_new(4096);
	struct npmu_ckpt_writer *w, *none;
	struct npmu_ckpt_reader *r = reader_new(region);
	struct npmu_ckpt_range wrong[] = {
		{ 0, 11 }, { 10, 1 }, { 11, 0 }, { UINT64_MAX, 2 }, { 2, UINT64_MAX },
		{ UINT64_MAX, UINT64_MAX },
	};
	struct npmu_ckpt_info info;
	struct npmu_error err;
	size_t i;

	CHECK(npmu_ckpt_writer_open(small, 0, 0, &none, &err) == -ENOSPC && !none,
	      "too small a region");
	CHECK(npmu_ckpt_writer_open(region, SIZE, 0, &none, NULL) == -ENOSPC,
	      "too much");
	CHECK(npmu_ckpt_writer_open(region, UINT64_MAX, 0, &none, NULL) == -ENOSPC,
	      "far too much");
	CHECK(npmu_ckpt_writer_open(region, 0, 2, &none, NULL) == -EINVAL, "a flag");
	CHECK(npmu_ckpt_writer_open(NULL, 0, 0, &none, NULL) == -EINVAL, "no region");
	CHECK(npmu_ckpt_writer_open(region, 0, 0, NULL, NULL) == -EINVAL, "no place");
	w = writer_new(region, 100, 0);
	CHECK(npmu_ckpt_writer_open(region, 101, 0, &none, &err) == -ENOSPC,
	      "more than there is");
	CHECK(npmu_ckpt_commit(w, state, 101, 0) == -EMSGSIZE, "too long");
	CHECK(npmu_ckpt_commit(w, state, SIZE_MAX, 0) == -EMSGSIZE, "far too long");
	CHECK(npmu_ckpt_commit(w, NULL, 1, 0) == -EINVAL, "no data");
	CHECK(npmu_ckpt_writer_error(w)[0], "a text");
	CHECK(npmu_ckpt_read(r, got, sizeof(got), NULL) == -ENODATA,
	      "none of them committed");
	CHECK(!npmu_ckpt_commit(w, NULL, 0, 7), "an empty state");
	reads(r, "", 0, 7);
	CHECK(!npmu_ckpt_commit(w, "0123456789", 10, 8), "commit");
	for (i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		CHECK(npmu_ckpt_commit_ranges(w, state, 10, &wrong[i], 1, 0) ==
		      -EINVAL, "range %zu", i);
	CHECK(npmu_ckpt_commit_ranges(w, state, 10, NULL, 1, 0) == -EINVAL, "none");
	reads(r, "0123456789", 10, 8);
	CHECK(npmu_ckpt_read(r, got, 9, &info) == -EMSGSIZE && info.length == 10,
	      "a short buffer");
	CHECK(npmu_ckpt_read(r, NULL, 0, &info) == -EMSGSIZE && info.length == 10,
	      "no buffer");
	CHECK(!npmu_region_resign(region), "resign");
	CHECK(npmu_ckpt_commit(w, "x", 1, 0) == -ESTALE, "not the writer any more");
	CHECK(npmu_ckpt_writer_open(region, 0, 0, &none, &err) == -EPERM, "role");
	npmu_ckpt_reader_close(r);
	npmu_ckpt_writer_close(w);
	npmu_region_close(region);
	npmu_region_close(small);
}

static int run_confined(int misbehave)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct npmu_region *region = memory_new(SIZE);
		struct npmu_ckpt_writer *w = writer_new(region, MAX, 0);
		struct npmu_ckpt_range range = { 100, 50 };
		int i, code = 0;

		fill(state, MAX, 1);
		code |= npmu_ckpt_commit_ranges(w, state, MAX, &range, 1, 0);
		allow_exit_only();
		for (i = 0; i < 100; i++) {
			code |= npmu_ckpt_commit(w, state, 256, 0);
			code |= npmu_ckpt_commit(w, state, MAX, 0);
			code |= npmu_ckpt_commit_ranges(w, state, MAX, &range, 1, 0);
		}
		if (misbehave)
			syscall(SYS_getppid);
		syscall(SYS_exit_group, code ? 2 : 0);
	}
	waitpid(pid, &status, 0);
	return status;
}

static void commit__no_system_call(void)
{
	int status = run_confined(1);

	CHECK(WIFSIGNALED(status), "the filter does not kill: %x", status);
	status = run_confined(0);
	CHECK(WIFEXITED(status) && !WEXITSTATUS(status), "status %x", status);
}

int main(void)
{
	TAP_RUN(commit__is_read_at_every_length);
	TAP_RUN(reader__before_the_first_commit);
	TAP_RUN(writer__goes_on_after_a_takeover);
	TAP_RUN(slot__every_byte_damaged);
	TAP_RUN(header__every_byte_damaged);
	TAP_RUN(writer__foreign_bytes);
	TAP_RUN(commit_ranges__like_a_plain_copy);
	TAP_RUN(commit_ranges__stores_what_changed);
	TAP_RUN(commit__bad_arguments);
	TAP_RUN(commit__no_system_call);
	return tap_end();
}

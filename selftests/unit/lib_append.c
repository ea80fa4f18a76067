// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form on a memory file: bases and updates of every length are read in
 * order, by one reader and by a naive twin; what is damaged is told.
 */
#include "lib_confined.h"
#include "lib_append.h"

/* Updates of every length, some laps of the ring, a base whenever it is full. */
static void run_every_length(uint32_t flags)
{
	struct pair p;
	uint64_t tag = 0;
	size_t len;
	int code;

	up(&p, 1000, 16384, flags, NPMU_APPEND_FULL_ENOSPC);
	base_is(p.r, "", 0, 0);
	for (len = 0; len <= npmu_append_update_capacity(p.w); len += len < 300 ? 1 : 251) {
		fill(bytes, len, len);
		code = update(p.w, bytes, len, ++tag);
		if (code == -ENOSPC) {
			CHECK(!base(p.w, "base", 4, tag), "base");
			code = update(p.w, bytes, len, tag);
		}
		if (!CHECK(!code, "update of %zu: %s", len, npmu_append_writer_error(p.w)) ||
		    !next_is(p.r, bytes, len, tag) || !none_next(p.r, -ENODATA))
			break;
	}
	CHECK(update(p.w, bytes, npmu_append_update_capacity(p.w) + 1, 0) == -EMSGSIZE, "too long");
	CHECK(base(p.w, bytes, 1001, 0) == -EMSGSIZE, "base too long");
	down(&p);
}

static void update__is_read_at_every_length(void)
{
	run_every_length(0);
}

static void update__is_read_without_crc(void)
{
	run_every_length(NPMU_APPEND_NO_CRC);
}

static void update__of_pieces(void)
{
	struct iovec iov[8];
	struct pair p;
	size_t at;
	int i, round;

	up(&p, 1000, 16384, 0, NPMU_APPEND_FULL_ENOSPC);
	srand(3);
	for (round = 0; round < 300; round++) {
		fill(bytes, 2000, (size_t)round);
		for (i = 0, at = 0; i < 8; i++) {
			iov[i].iov_base = bytes + at;
			iov[i].iov_len = (size_t)rand() % (round % 2 ? 250 : 9);
			at += iov[i].iov_len;
		}
		if (npmu_append_update(p.w, iov, 8, 1) == -ENOSPC) {
			CHECK(!npmu_append_base(p.w, iov, 4, 2), "base");
			CHECK(!npmu_append_update(p.w, iov, 8, 1), "update");
		}
		if (!next_is(p.r, bytes, at, 1))
			break;
	}
	down(&p);
}

static void base__replaces_the_one_before(void)
{
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "one", 3, 1), "base");
	base_is(p.r, "one", 3, 1);
	CHECK(!update(p.w, "u", 1, 2), "update");
	CHECK(!base(p.w, "one u", 5, 3), "base");
	CHECK(!update(p.w, "v", 1, 4), "update");
	/* A reader that follows passes the base over, a new one begins at it. */
	next_is(p.r, "u", 1, 2);
	next_is(p.r, "v", 1, 4);
	none_next(p.r, -ENODATA);
	base_is(p.r, "one u", 5, 3);
	next_is(p.r, "v", 1, 4);
	none_next(p.r, -ENODATA);
	down(&p);
}

static void base__torn_leaves_the_one_before(void)
{
	struct npmu_append_writer *w;
	struct npmu_append_item item;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "one", 3, 1), "base");
	CHECK(!update(p.w, "u", 1, 2), "update");
	CHECK(!base(p.w, "two", 3, 3), "base");
	CHECK(!npmu_append_read_base(p.r, &item), "base");
	((char *)npmu_region_addr(p.wr))[(const char *)item.data -
					 (const char *)npmu_region_addr(p.rd)] ^= 1;
	base_is(p.r, "one", 3, 1);
	next_is(p.r, "u", 1, 2);
	none_next(p.r, -ENODATA);
	w = open_writer(p.wr, NULL);
	CHECK(!update(w, "v", 1, 4), "update");
	next_is(p.r, "v", 1, 4);
	npmu_append_writer_close(w);
	down(&p);
}

/* A reader as it is opened, which has read nothing. */
static struct npmu_append_reader *fresh_reader(const struct pair *p)
{
	struct npmu_append_reader *r;

	CHECK(!npmu_append_reader_open(p->rd, &r, NULL), "reader");
	return r;
}

/* Updates without the base before them would be a part of the state, taken for all of it. */
static void next__before_the_base_is_eoverflow(void)
{
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	struct npmu_append_who who;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	r = fresh_reader(&p);
	none_next(r, -EOVERFLOW);
	CHECK(!npmu_append_wait(r, 0), "the empty base is there to be read");
	CHECK(!base(p.w, "base", 4, 1) && !update(p.w, "one", 3, 2), "commits");
	none_next(r, -EOVERFLOW);
	CHECK(!npmu_append_who(r, &who) && who.sequence == 2, "who");
	none_next(r, -EOVERFLOW);
	CHECK(npmu_append_next_all(r, &item, 1) == -EOVERFLOW, "all at once");
	CHECK(!npmu_append_wait(r, 0), "wait");
	base_is(r, "base", 4, 1);
	next_is(r, "one", 3, 2);
	none_next(r, -ENODATA);
	npmu_append_reader_close(r);
	down(&p);
}

static void next__without_a_checkpoint_is_enodata(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_append_reader *r;

	CHECK(!npmu_append_reader_open(region, &r, NULL), "reader");
	none_next(r, -ENODATA);
	CHECK(npmu_append_wait(r, 0) == -ETIMEDOUT, "wait");
	npmu_append_reader_close(r);
	npmu_region_close(region);
}

static void attach__new_name_reads_the_base_first(void)
{
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "base", 4, 1) && !update(p.w, "one", 3, 2), "commits");
	r = fresh_reader(&p);
	CHECK(npmu_append_attach(r, "standby", NPMU_APPEND_CREATE) == 1, "a new name");
	none_next(r, -EOVERFLOW);
	base_is(r, "base", 4, 1);
	CHECK(!npmu_append_next(r, &item) && !npmu_append_ack(r, item.end), "ack");
	npmu_append_reader_close(r);
	/* Its successor has kept the state: it goes on without the base. */
	CHECK(!update(p.w, "two", 3, 3), "update");
	r = fresh_reader(&p);
	CHECK(!npmu_append_attach(r, "standby", 0), "the name is there");
	next_is(r, "two", 3, 3);
	npmu_append_reader_close(r);
	down(&p);
}

static void takeover__before_the_base_reads_it_after(void)
{
	struct npmu_append_reader *r;
	struct npmu_append_writer *w;
	struct npmu_append_who who;
	struct npmu_error err;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "base", 4, 1) && !update(p.w, "one", 3, 2), "commits");
	r = fresh_reader(&p);
	CHECK(!npmu_append_who(r, &who), "who");
	CHECK(!npmu_append_takeover(r, who.current_epoch, NULL, &w, &err), "%s", err.text);
	none_next(r, -EOVERFLOW);
	base_is(r, "base", 4, 1);
	next_is(r, "one", 3, 2);
	none_next(r, -ENODATA);
	npmu_append_writer_close(w);
	npmu_append_reader_close(r);
	down(&p);
}

static void batch__is_read_after_its_commit(void)
{
	struct npmu_append_item item[20];
	struct iovec iov = { bytes, 100 };
	struct pair p;
	int i, n;

	up(&p, 1000, 16384, NPMU_APPEND_NO_CRC, NPMU_APPEND_FULL_ENOSPC);
	fill(bytes, 100, 1);
	for (i = 0; i < 16; i++)
		CHECK(!npmu_append_add(p.w, &iov, 1, (uint64_t)i), "add");
	none_next(p.r, -ENODATA);
	CHECK(!npmu_append_commit(p.w), "commit");
	n = npmu_append_next_all(p.r, item, 20);
	CHECK(n == 16 && item[15].tag == 15, "%d updates", n);
	CHECK(npmu_append_sequence(p.w) == item[15].sequence, "sequence");
	down(&p);
}

static void recheck__tells_what_was_overwritten(void)
{
	struct npmu_append_item one, two;
	struct pair p;
	int i;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!update(p.w, "one", 3, 1), "update");
	CHECK(!npmu_append_next(p.r, &one), "next");
	CHECK(!base(p.w, "base", 4, 7), "base");
	/* The base makes it free, but nothing was stored there yet. */
	CHECK(!npmu_append_recheck(p.r, &one), "whole");
	CHECK(!npmu_append_read_base(p.r, &two), "base");
	for (i = 0; i < 8; i++)
		CHECK(!update(p.w, bytes, 1000, 1) || i == 7, "update %d", i);
	CHECK(!base(p.w, "base", 4, 7), "base");
	CHECK(!npmu_append_recheck(p.r, &two), "the base before stays until the next");
	CHECK(!base(p.w, "other", 5, 7), "base");
	CHECK(npmu_append_recheck(p.r, &two) == -EAGAIN, "base overwritten");
	CHECK(!update(p.w, bytes, 1000, 1), "update");
	CHECK(npmu_append_recheck(p.r, &one) == -EAGAIN, "update overwritten");
	down(&p);
}

static void takeover__goes_on_behind_what_is_there(void)
{
	struct npmu_append_writer *w;
	struct npmu_append_who who;
	struct npmu_error err;
	struct pair p;
	int i;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!base(p.w, "base", 4, 1), "base");
	CHECK(!update(p.w, "one", 3, 2), "update");
	base_is(p.r, "base", 4, 1);
	next_is(p.r, "one", 3, 2);
	CHECK(!update(p.w, "two", 3, 3), "update");
	CHECK(!npmu_append_who(p.r, &who) && who.sequence == 3, "last sequence %llu",
	      (unsigned long long)who.sequence);
	CHECK(npmu_append_takeover(p.r, who.current_epoch + 1, NULL, &w, &err) == -ESTALE, "epoch");
	CHECK(!npmu_append_takeover(p.r, who.current_epoch, NULL, &w, &err), "%s", err.text);
	next_is(p.r, "two", 3, 3);
	none_next(p.r, -ENODATA);
	CHECK(!update(w, "three", 5, 4), "update");
	next_is(p.r, "three", 5, 4);
	for (i = 0; i < 3; i++)
		CHECK(!base(w, "next", 4, 5), "base");
	base_is(p.r, "next", 4, 5);
	npmu_append_writer_close(w);
	down(&p);
}

/* A store of the former writer that comes late stands behind the seal. */
static void seal__hides_what_comes_late(void)
{
	struct npmu_append_writer *w;
	struct npmu_append_item item;
	struct npmu_error err;
	char late[128], *at;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!update(p.w, "one", 3, 1), "update");
	CHECK(!update(p.w, "two", 3, 2), "update");
	CHECK(!npmu_append_next(p.r, &item) && !npmu_append_next(p.r, &item), "next");
	at = (char *)npmu_region_addr(p.wr) + ((const char *)item.data -
	     (const char *)npmu_region_addr(p.rd)) - 64;
	memcpy(late, at, sizeof(late));
	memset(at, 0, sizeof(late));
	npmu_append_reader_close(p.r);
	p.r = open_reader(p.rd);
	next_is(p.r, "one", 3, 1);
	CHECK(!npmu_append_takeover(p.r, 0, NULL, &w, &err), "%s", err.text);
	memcpy(at, late, sizeof(late));
	none_next(p.r, -ENODATA);
	npmu_append_writer_close(w);
	down(&p);
}

static void damage__is_told(void)
{
	struct npmu_append_writer *w;
	struct npmu_append_item item[3];
	struct npmu_error err;
	struct pair p;
	char *at;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!update(p.w, "one", 3, 1) && !update(p.w, "two", 3, 2) &&
	      !update(p.w, "three", 5, 3), "updates");
	CHECK(npmu_append_next_all(p.r, item, 3) == 3, "next");
	at = (char *)npmu_region_addr(p.wr) + ((const char *)item[1].data -
	     (const char *)npmu_region_addr(p.rd));
	*at ^= 1;
	/* The third tells that the second had been committed. */
	CHECK(npmu_append_writer_open(p.wr, NULL, &w, &err) == -EUCLEAN, "damage is not seen");
	CHECK(npmu_append_recheck(p.r, &item[0]) == 0, "recheck");
	*at ^= 1;
	w = open_writer(p.wr, NULL);
	CHECK(!update(w, "four", 4, 4), "update");
	npmu_append_writer_close(w);
	/* The seal tells that the third had been accepted. */
	at = (char *)npmu_region_addr(p.wr) + ((const char *)item[2].data -
	     (const char *)npmu_region_addr(p.rd));
	*at ^= 1;
	CHECK(npmu_append_writer_open(p.wr, NULL, &w, &err) == -EUCLEAN, "damage is not seen");
	npmu_append_reader_close(p.r);
	p.r = open_reader(p.rd);
	next_is(p.r, "one", 3, 1);
	next_is(p.r, "two", 3, 2);
	none_next(p.r, -EUCLEAN);
	down(&p);
}

static void form__other_is_refused(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_ckpt_writer *other;
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	struct npmu_error err;

	w = open_writer(region, NULL);
	CHECK(!base(w, "x", 1, 1), "base");
	CHECK(npmu_ckpt_writer_open(region, 0, 0, &other, &err) == -EPROTONOSUPPORT, "overwrite");
	npmu_append_writer_close(w);
	other = writer_new(region, 1000, NPMU_CKPT_INIT);
	CHECK(npmu_append_writer_open(region, NULL, &w, &err) == -EPROTONOSUPPORT, "append");
	r = open_reader(region);
	CHECK(npmu_append_read_base(r, &item) == -EPROTONOSUPPORT, "reader");
	npmu_append_reader_close(r);
	npmu_ckpt_writer_close(other);
	npmu_region_close(region);
}

static void writer__made_anew_is_told(void)
{
	struct npmu_append_options options = { .size = sizeof(options),
					       .flags = NPMU_APPEND_INIT };
	struct npmu_append_writer *w;
	struct npmu_append_item item;
	struct pair p;

	up(&p, 1000, 8192, 0, NPMU_APPEND_FULL_ENOSPC);
	CHECK(!update(p.w, "one", 3, 1), "update");
	CHECK(!npmu_append_next(p.r, &item), "next");
	w = open_writer(p.wr, &options);
	CHECK(npmu_append_recheck(p.r, &item) == -EAGAIN, "recheck");
	none_next(p.r, -ESTALE);
	base_is(p.r, "", 0, 0);
	CHECK(!update(w, "anew", 4, 1), "update");
	next_is(p.r, "anew", 4, 1);
	npmu_append_writer_close(w);
	down(&p);
}

static void options__bad_are_refused(void)
{
	struct npmu_region *region = memory_new(SIZE);
	struct npmu_append_options o = { .size = sizeof(o) };
	struct npmu_append_writer *w;
	struct npmu_error err;

	o.size = 8;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -EINVAL, "size");
	o.size = sizeof(o);
	o.flags = 1U << 9;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -EINVAL, "flags");
	o.flags = 0;
	o.full = NPMU_APPEND_FULL_BASE;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -EINVAL, "no call");
	o.full = 0;
	o.base_capacity = SIZE / 2;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -ENOSPC, "base");
	o.base_capacity = UINT64_MAX;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -ENOSPC, "base");
	o.base_capacity = 0;
	o.ring_size = UINT64_MAX;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -ENOSPC, "ring");
	o.ring_size = SIZE - 8192 - 4096;
	CHECK(npmu_append_writer_open(region, &o, &w, &err) == -ENOSPC, "ring");
	o.ring_size = SIZE - 8192 - 8192;
	CHECK(!npmu_append_writer_open(region, &o, &w, &err), "%s", err.text);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static int run_confined(int misbehave)
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct npmu_append_item item;
		struct iovec iov = { bytes, 64 };
		struct pair p;
		int i, code = 0;

		up(&p, 1000, 16384, 0, NPMU_APPEND_FULL_ENOSPC);
		code |= npmu_append_read_base(p.r, &item);
		allow_exit_only();
		for (i = 0; i < 100; i++) {
			code |= npmu_append_base(p.w, &iov, 1, 0);
			code |= npmu_append_update(p.w, &iov, 1, 0);
			code |= npmu_append_add(p.w, &iov, 1, 0);
			code |= npmu_append_commit(p.w);
			code |= npmu_append_next(p.r, &item);
			code |= npmu_append_recheck(p.r, &item);
			code |= npmu_append_next(p.r, &item);
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
	TAP_RUN(update__is_read_at_every_length);
	TAP_RUN(update__is_read_without_crc);
	TAP_RUN(update__of_pieces);
	TAP_RUN(base__replaces_the_one_before);
	TAP_RUN(base__torn_leaves_the_one_before);
	TAP_RUN(next__before_the_base_is_eoverflow);
	TAP_RUN(next__without_a_checkpoint_is_enodata);
	TAP_RUN(attach__new_name_reads_the_base_first);
	TAP_RUN(takeover__before_the_base_reads_it_after);
	TAP_RUN(batch__is_read_after_its_commit);
	TAP_RUN(recheck__tells_what_was_overwritten);
	TAP_RUN(takeover__goes_on_behind_what_is_there);
	TAP_RUN(seal__hides_what_comes_late);
	TAP_RUN(damage__is_told);
	TAP_RUN(form__other_is_refused);
	TAP_RUN(writer__made_anew_is_told);
	TAP_RUN(options__bad_are_refused);
	TAP_RUN(commit__no_system_call);
	return tap_end();
}

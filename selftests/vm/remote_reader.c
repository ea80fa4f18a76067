// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Named readers over the wire through the public calls of the library: what is acknowledged
 * outlives the reader, and a writer that waits for readers waits for these.
 */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/wait.h>

#include <npmu/checkpoint.h>

#include "remotehost.h"

#define SIZE	(16 * MIB)
#define BASE	(100 * KIB)
#define RING	8192
#define DATA	1000
#define SECOND	1000000000ULL
#define ENOUGH	60	/* updates: some rings full of them */

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
}

struct reader {
	struct npmu_region *region;
	struct npmu_append_reader *r;
};

static bool reader_open(struct reader *r, const char *name)
{
	memset(r, 0, sizeof(*r));
	r->region = remote_mapped(name, 0);
	return r->region && !npmu_append_reader_open(r->region, &r->r, &remote_err);
}

static void reader_close(struct reader *r)
{
	npmu_append_reader_close(r->r);
	npmu_region_close(r->region);
}

/* The unit may still be busy with the end of a connection before. */
static int reader_attach(struct reader *r, const char *name, unsigned int flags)
{
	int code;

	VM_UNTIL((code = npmu_append_attach(r->r, name, flags)) != -EBUSY, 30000);
	if (code < 0)
		fprintf(stderr, "# attach: %s\n", npmu_append_reader_error(r->r));
	return code;
}

/* Updates from number @from on; up to @most. Return: where the last ends. */
static uint64_t read_some(struct reader *r, uint64_t from, uint64_t most)
{
	struct npmu_append_item item;
	char buf[8192];
	uint64_t n, end = 0;

	for (n = 0; n < most; n++) {
		int code = npmu_append_next(r->r, &item);

		if (code) {
			CHECK(false, "update %llu: %s", (unsigned long long)(from + n),
			      npmu_append_reader_error(r->r));
			break;
		}
		remote_make_update(buf, item.length, item.tag);
		CHECK(item.tag == from + n && !memcmp(buf, item.data, item.length),
		      "update %llu is not %llu, or its data are not",
		      (unsigned long long)item.tag, (unsigned long long)(from + n));
		end = item.end;
	}
	return end;
}

static struct npmu_append_writer *writer(struct npmu_region *region, uint32_t full,
					 uint64_t wait_ns)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT,
		.ring_size = RING,
		.full = full,
		.wait_ns = wait_ns,
	};
	struct npmu_append_writer *w = NULL;

	if (npmu_append_writer_open(region, &options, &w, &remote_err))
		fprintf(stderr, "# writer: %s\n", remote_err.text);
	return w;
}

static void reader__goes_on_behind_what_it_acknowledged(void)
{
	struct npmu_region *region = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	struct reader r;
	uint64_t n, end;

	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, BASE, 1), 0);
	for (n = 0; n < 10; n++)
		EXPECT(remote_update(w, n, DATA), 0);
	REQUIRE(reader_open(&r, REMOTE_URL), "no reader");
	EXPECT(npmu_append_ack(r.r, 0), -ENOTCONN);
	EXPECT(reader_attach(&r, "a", 0), -ENOENT);
	EXPECT(reader_attach(&r, "a/b", NPMU_APPEND_CREATE), -EINVAL);
	EXPECT(reader_attach(&r, "a", NPMU_APPEND_CREATE), 1);
	EXPECT(remote_read_base(r.r, BASE, 1), 0);
	end = read_some(&r, 0, 6);
	EXPECT(npmu_append_ack(r.r, end), 0);
	read_some(&r, 6, 2);
	reader_close(&r);
	REQUIRE(reader_open(&r, REMOTE_URL), "no reader again");
	EXPECT(reader_attach(&r, "a", 0), 0);
	EXPECT(remote_read_updates(r.r, 6), 4);
	EXPECT(npmu_append_detach(r.r, NULL), 0);
	EXPECT(npmu_append_detach(r.r, NULL), -ENOTCONN);
	reader_close(&r);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

/* Acknowledges three, has read five, and is killed. */
static int read_and_die(void)
{
	struct reader r;

	if (!reader_open(&r, REMOTE_URL) || reader_attach(&r, "d", NPMU_APPEND_CREATE) != 1 ||
	    remote_read_base(r.r, BASE, 2) || npmu_append_ack(r.r, read_some(&r, 0, 3)))
		return 10;
	read_some(&r, 3, 2);
	kill(getpid(), SIGKILL);
	return 11;
}

static void reader__is_resumed_after_its_death(void)
{
	struct npmu_region *region = remote_mapped("u/r", NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	struct reader r;
	uint64_t n;
	int status;
	pid_t pid;

	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, BASE, 2), 0);
	for (n = 0; n < 7; n++)
		EXPECT(remote_update(w, n, DATA), 0);
	pid = vm_child(remote_program, (char *[]){ "remote_reader", "die", NULL });
	REQUIRE(waitpid(pid, &status, 0) == pid, "%m");
	CHECK(WIFSIGNALED(status), "status %x", status);
	REQUIRE(reader_open(&r, REMOTE_URL), "no reader");
	EXPECT(reader_attach(&r, "d", 0), 0);
	EXPECT(remote_read_updates(r.r, 3), 4);
	EXPECT(npmu_append_drop(w, "d"), 0);
	EXPECT(npmu_append_ack(r.r, npmu_append_position(r.r)), -ESTALE);
	reader_close(&r);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static struct npmu_reader_info shown;

static int show(void *ctx, const struct npmu_reader_info *info)
{
	shown = *info;
	++*(int *)ctx;
	return 0;
}

static void reader__is_shown_by_its_principal(void)
{
	struct npmu_region *region = remote_mapped("u/r", NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	struct reader r;
	int n = 0;

	REQUIRE(w, "no writer");
	REQUIRE(reader_open(&r, REMOTE_URL), "no reader");
	EXPECT(reader_attach(&r, "s", NPMU_APPEND_CREATE), 1);
	EXPECT(npmu_ctl_reader_list(vm_ctl(), "u", "r", show, &n), 0);
	CHECK(n == 1 && !strcmp(shown.name, "s") && !strcmp(shown.principal, "alice") && !shown.pid,
	      "%d readers, \"%s\" of \"%s\", pid %u", n, shown.name, shown.principal, shown.pid);
	reader_close(&r);
	CHECK(VM_UNTIL(!npmu_ctl_reader_list(vm_ctl(), "u", "r", show, &n) && !*shown.principal,
		       30000), "it is shown as attached to the end");
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

/* A full ring waits for the reader that is behind, and goes on when it has acknowledged. */
static void full_ring(const char *writes, const char *reads)
{
	struct npmu_region *region = remote_mapped(writes, NPMU_OPEN_WRITE);
	struct npmu_append_writer *w = region ?
		writer(region, NPMU_APPEND_FULL_WAIT, SECOND / 5) : NULL;
	struct reader r;
	uint64_t n, end;
	int code = 0;

	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, BASE, 3), 0);
	REQUIRE(reader_open(&r, reads), "no reader");
	EXPECT(remote_read_base(r.r, BASE, 3), 0);
	EXPECT(reader_attach(&r, "w", NPMU_APPEND_CREATE), 1);
	for (n = 0; n < 3; n++)
		EXPECT(remote_update(w, n, DATA), 0);
	/* The base is out of the way: all that is in it is the reader's. */
	EXPECT(remote_base(w, BASE, 4), 0);
	while (n < ENOUGH && !(code = remote_update(w, n, DATA)))
		if (++n == 5)
			EXPECT(remote_base(w, BASE, 5), 0);
	CHECK(code == -ETIMEDOUT && n > 5, "update %llu: %d", (unsigned long long)n, code);
	end = read_some(&r, 0, 2);
	EXPECT(npmu_append_ack(r.r, end), 0);
	EXPECT(remote_update(w, n, DATA), 0);
	EXPECT(remote_read_updates(r.r, 2), (int)n - 1);
	reader_close(&r);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static void full_ring__of_a_remote_writer_waits_for_a_remote_reader(void)
{
	full_ring(REMOTE_URL, REMOTE_URL);
}

static void full_ring__of_a_remote_writer_waits_for_a_local_reader(void)
{
	full_ring(REMOTE_URL, "u/r");
}

static void full_ring__of_a_local_writer_waits_for_a_remote_reader(void)
{
	full_ring("u/r", REMOTE_URL);
}

/* Follows and acknowledges each, until ENOUGH. */
static int acknowledge(const char *name)
{
	struct npmu_append_item item;
	struct reader r;
	uint64_t n = 0;
	int code;

	if (!reader_open(&r, name) || reader_attach(&r, "f", 0) < 0)
		return 10;
	while (n < ENOUGH) {
		code = npmu_append_next(r.r, &item);
		if (code == -ENODATA)
			code = npmu_append_wait(r.r, vm_patience(30000) * 1000000ULL);
		else if (!code && item.tag != n)
			return 12;
		else if (!code && ++n)
			code = npmu_append_ack(r.r, item.end);
		if (code < 0)
			return 11;
	}
	reader_close(&r);
	return 0;
}

/* Each base stands for all updates so far, which the reader alone keeps in the ring. */
static int write_base(struct npmu_append_writer *w, void *ctx)
{
	(void)ctx;
	return remote_base(w, BASE, 6);
}

static void follow_slowly(const char *writes, const char *reads)
{
	const char *const args[] = { "remote_reader", "acknowledge", reads, NULL };
	struct npmu_region *region = remote_mapped(writes, NPMU_OPEN_WRITE);
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT,
		.ring_size = RING,
		.full = NPMU_APPEND_FULL_WAIT,
		.wait_ns = vm_patience(60000) * 1000000ULL,
		.write_base = write_base,
	};
	struct npmu_append_writer *w = NULL;
	struct reader r;
	uint64_t n;
	pid_t pid;

	REQUIRE(region && !npmu_append_writer_open(region, &options, &w, &remote_err), "no writer");
	EXPECT(remote_base(w, BASE, 6), 0);
	REQUIRE(reader_open(&r, reads), "no reader");
	EXPECT(reader_attach(&r, "f", NPMU_APPEND_CREATE), 1);
	reader_close(&r);
	pid = vm_child(remote_program, (void *)args);
	for (n = 0; n < ENOUGH; n++)
		EXPECT(remote_update(w, n, DATA), 0);
	EXPECT(vm_reap(pid, 60000), 0);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

static void follow__keeps_its_updates_in_the_ring(void)
{
	follow_slowly(REMOTE_URL, REMOTE_URL);
}

static void host__goes_down(void)
{
	EXPECT(remote_down(), 0);
}

int main(int argc, char **argv)
{
	if (argc == 2 && !strcmp(argv[1], "die"))
		return read_and_die();
	if (argc == 3 && !strcmp(argv[1], "acknowledge"))
		return acknowledge(argv[2]);
	VM_RUN(host__comes_up);
	VM_RUN(reader__goes_on_behind_what_it_acknowledged);
	VM_RUN(reader__is_resumed_after_its_death);
	VM_RUN(reader__is_shown_by_its_principal);
	VM_RUN(full_ring__of_a_remote_writer_waits_for_a_remote_reader);
	VM_RUN(full_ring__of_a_remote_writer_waits_for_a_local_reader);
	VM_RUN(full_ring__of_a_local_writer_waits_for_a_remote_reader);
	VM_RUN(follow__keeps_its_updates_in_the_ring);
	VM_RUN(host__goes_down);
	return vm_end();
}

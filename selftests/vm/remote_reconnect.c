// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The connection to a remote region is cut at chosen points, and the library goes on: every
 * update is there once. The client's queue pair is put into error, so that the unit takes
 * the former connection for alive until its keepalive, or a takeover, says otherwise.
 */
#define _GNU_SOURCE
#include <npmu/checkpoint.h>

#include "../../lib/clock.h"
#include "../../lib/rdma_region.h"
#include "remotehost.h"

#define SIZE	(16 * MIB)
#define BASE	(100 * KIB)
#define SECOND	1000000000ULL

/* Where the next cut comes, after so many that would do. */
static enum { NEVER, BEFORE_WRITE, BEFORE_MESSAGE, BEFORE_ANSWER, POINTS } cut_at;
static unsigned int cut_skip;
static unsigned int cut_us;
static uint64_t cut_ns;

int __real_npmu_rdma_post(struct rdma_conn *c, struct ibv_send_wr *wr, struct rdma_op *op);
int __real_npmu_rdma_ask_later(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
			       struct rdma_request *request);

static void cut(struct rdma_conn *c)
{
	struct ibv_qp_attr attr = { .qp_state = IBV_QPS_ERR };

	cut_at = NEVER;
	usleep(cut_us);
	cut_ns = npmu_now_ns();
	if (ibv_modify_qp(c->id->qp, &attr, IBV_QP_STATE))
		CHECK(false, "the queue pair stays as it is: %m");
}

static void cut_region(struct npmu_region *region)
{
	cut(rdma_region_of(region)->c);
}

static bool is_now(unsigned int point)
{
	return cut_at == point && !(cut_skip && cut_skip--);
}

/* What the library calls; see LDFLAGS of this program. */
int __wrap_npmu_rdma_post(struct rdma_conn *c, struct ibv_send_wr *wr, struct rdma_op *op)
{
	if (wr->opcode == IBV_WR_RDMA_WRITE && is_now(BEFORE_WRITE))
		cut(c);
	return __real_npmu_rdma_post(c, wr, op);
}

int __wrap_npmu_rdma_ask_later(struct rdma_conn *c, uint16_t type, void *msg, size_t len,
			       struct rdma_request *request)
{
	bool sent = type == NPMU_WIRE_COMMIT && is_now(BEFORE_ANSWER);
	int code;

	if (type == NPMU_WIRE_COMMIT && is_now(BEFORE_MESSAGE))
		cut(c);
	code = __real_npmu_rdma_ask_later(c, type, msg, len, request);
	/* It may come before the cut: then it is not known. */
	if (sent) {
		request->number = 0;
		cut(c);
	}
	return code;
}

static void host__comes_up(void)
{
	REQUIRE(!remote_up(SIZE), "%s", vm_why());
}

static unsigned int dice(unsigned int sides)
{
	static uint64_t state = 88172645463325252ULL;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned int)(state % sides);
}

/* A remote writer, and a local reader that sees what is there. */
struct pair {
	struct npmu_region *there, *here;
	struct npmu_append_writer *w;
	struct npmu_append_reader *r;
};

static bool pair_begin(struct pair *p, unsigned int flags)
{
	memset(p, 0, sizeof(*p));
	cut_ns = 0;
	p->there = remote_mapped(REMOTE_URL, NPMU_OPEN_WRITE);
	p->w = p->there ? remote_writer(p->there, NPMU_APPEND_INIT | flags) : NULL;
	p->here = remote_mapped("u/r", 0);
	return p->w && p->here && !remote_base(p->w, BASE, 7) &&
	       !npmu_append_reader_open(p->here, &p->r, &remote_err) &&
	       !remote_read_base(p->r, BASE, 7);
}

static void pair_end(struct pair *p)
{
	npmu_append_reader_close(p->r);
	npmu_append_writer_close(p->w);
	npmu_region_close(p->here);
	npmu_region_close(p->there);
}

/* Until it is decided. -1: it is not. */
static int64_t reconnect(struct npmu_append_writer *w)
{
	uint64_t found = 99;
	int code = 0;

	/* By its own queue pair, not by the unit's keepalive (20 s here). */
	CHECK(!cut_ns || npmu_now_ns() - cut_ns < 15 * SECOND, "noticed after %llu ms",
	      (unsigned long long)(npmu_now_ns() - cut_ns) / 1000000);
	cut_ns = 0;
	VM_UNTIL(!(code = npmu_append_writer_reconnect(w, &found, &remote_err)), 60000);
	if (!code)
		return (int64_t)found;
	CHECK(false, "not connected again: %d: %s", code, remote_err.text);
	return -1;
}

static void arm(unsigned int skips)
{
	cut_at = 1 + dice(POINTS - 1);
	cut_skip = dice(skips);
	cut_us = dice(2) ? dice(3000) : 0;
}

/* How often the cut update was found, or had to be written again. */
static unsigned int times_found, times_again;

/* Every update by a connection that is cut somewhere in it. */
static void updates(unsigned int flags, unsigned int skips, uint64_t count)
{
	struct pair p;
	int64_t found;
	uint64_t n;
	int code;

	REQUIRE(pair_begin(&p, flags), "no pair: %s", remote_err.text);
	times_found = 0;
	times_again = 0;
	for (n = 0; n < count; n++) {
		arm(skips);
		code = remote_update(p.w, n, 200);
		while (code == -ENOTCONN) {
			found = reconnect(p.w);
			if (found < 0)
				break;
			if (found)
				times_found++;
			else
				times_again++;
			code = found ? 0 : remote_update(p.w, n, 200);
			CHECK(found <= 1, "%lld of one", (long long)found);
		}
		cut_at = NEVER;
		EXPECT(code, 0);
		EXPECT(remote_read_updates(p.r, n), 1);
		if (code)
			break;
	}
	printf("# %u found, %u again\n", times_found, times_again);
	CHECK(times_found && times_again, "all are found, or none");
	pair_end(&p);
}

static void update__in_doubt_is_there_once(void)
{
	updates(0, 1, vm_times(16, 1000));
}

static void update__without_crc_is_there_once(void)
{
	updates(NPMU_APPEND_NO_CRC, 2, vm_times(8, 1000));
}

/* So many at once: of a batch some from its beginning may be there. */
#define BATCH	5

static void batch__in_doubt_is_there_once(void)
{
	char buf[512];
	struct iovec iov = { buf, sizeof(buf) };
	struct pair p;
	uint64_t n, i, from;
	int code;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	for (n = 0; n < 10; n++) {
		from = n * BATCH;
		code = -ENOTCONN;
		while (code == -ENOTCONN && from < (n + 1) * BATCH) {
			for (i = from; i < (n + 1) * BATCH; i++) {
				remote_make_update(buf, sizeof(buf), i);
				EXPECT(npmu_append_add(p.w, &iov, 1, i), 0);
			}
			if (from == n * BATCH)
				arm(1);
			code = npmu_append_commit(p.w);
			cut_at = NEVER;
			if (code == -ENOTCONN)
				from += (uint64_t)reconnect(p.w);
			else
				EXPECT(code, 0);
		}
		EXPECT(remote_read_updates(p.r, n * BATCH), BATCH);
	}
	pair_end(&p);
}

/* The same of commits of which several are under way. */
static void submitted__in_doubt_are_there_once(void)
{
	char buf[512];
	struct iovec iov = { buf, sizeof(buf) };
	uint64_t n, next, sequence = 0, of[BATCH];
	struct pair p;
	int code;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	times_found = 0;
	times_again = 0;
	for (n = 0; n < vm_times(12, 1000); n++) {
		next = n * BATCH;
		arm(BATCH);
		while (next < (n + 1) * BATCH) {
			uint64_t from = next, found;

			for (code = 0; next < (n + 1) * BATCH && !code; next += !code) {
				remote_make_update(buf, sizeof(buf), next);
				code = npmu_append_submit(p.w, &iov, 1, next, &sequence);
				of[next % BATCH] = sequence;
			}
			code = code ?: npmu_append_complete(p.w, sequence, UINT64_MAX);
			if (!code)
				break;
			CHECK(code == -ENOTCONN, "%d: %s", code, npmu_append_writer_error(p.w));
			/* Some of them may have been known to be durable. */
			while (from < next && of[from % BATCH] <= npmu_append_sequence(p.w))
				from++;
			found = (uint64_t)reconnect(p.w);
			times_found += found > 0;
			times_again += from + found < (n + 1) * BATCH;
			next = from + found;
			cut_at = NEVER;
		}
		cut_at = NEVER;
		EXPECT(remote_read_updates(p.r, n * BATCH), BATCH);
	}
	printf("# %u found, %u again\n", times_found, times_again);
	CHECK(times_found && times_again, "all are found, or none");
	pair_end(&p);
}

static void base__in_doubt_is_decided(void)
{
	struct npmu_append_item item;
	struct pair p;
	uint64_t n;
	int64_t found;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	for (n = 0; n < 6; n++) {
		arm(1);
		if (remote_base(p.w, BASE, 20 + n) != -ENOTCONN) {
			CHECK(false, "the connection is not cut");
			break;
		}
		found = reconnect(p.w);
		EXPECT(npmu_append_read_base(p.r, &item), 0);
		CHECK((item.length == BASE && vm_compare(item.data, BASE, 0, 20 + n) == -1) ==
		      (found == 1), "base %llu: found %lld", (unsigned long long)n,
		      (long long)found);
		EXPECT(remote_update(p.w, n, 100), 0);
		EXPECT(remote_read_updates(p.r, n), 1);
		EXPECT(remote_base(p.w, BASE, 7), 0);
	}
	pair_end(&p);
}

/* What the writer of a full ring calls: it is cut at one of the base's commits, or behind them. */
static int base_that_is_cut(struct npmu_append_writer *w, void *bases)
{
	cut_at = BEFORE_ANSWER;
	cut_skip = ++*(unsigned int *)bases % 3;
	cut_us = 2000;
	return remote_base(w, BASE, 7);
}

/* The updates that a lost call was about are there once, though it had written a base first. */
static void base__of_a_full_ring_is_not_counted(void)
{
	unsigned int bases = 0;
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = NPMU_APPEND_INIT,
		.ring_size = 64 * KIB,
		.full = NPMU_APPEND_FULL_BASE,
		.write_base = base_that_is_cut,
		.context = &bases,
	};
	struct pair p;
	uint64_t n;
	int code;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	npmu_append_writer_close(p.w);
	npmu_append_reader_close(p.r);
	REQUIRE(!npmu_append_writer_open(p.there, &options, &p.w, &remote_err) &&
		!remote_base(p.w, BASE, 7) &&
		!npmu_append_reader_open(p.here, &p.r, &remote_err) &&
		!remote_read_base(p.r, BASE, 7), "no pair: %s", remote_err.text);
	for (n = 0; n < 80; n++) {
		do {
			code = remote_update(p.w, n, 8000);
		} while (code == -ENOTCONN && !reconnect(p.w));
		cut_at = NEVER;
		CHECK(!code || code == -ENOTCONN, "%d", code);
		EXPECT(remote_read_updates(p.r, n), 1);
	}
	printf("# %u bases\n", bases);
	CHECK(bases > 6, "%u bases", bases);
	pair_end(&p);
}

static void writer__that_lost_nothing_is_told_so(void)
{
	uint64_t found;
	struct pair p;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	EXPECT(npmu_append_writer_reconnect(p.w, NULL, &remote_err), -EINVAL);
	EXPECT(npmu_append_writer_reconnect(p.w, &found, &remote_err), -EISCONN);
	EXPECT(npmu_region_reconnect(p.here, &remote_err), 0);
	EXPECT(remote_update(p.w, 0, 100), 0);
	pair_end(&p);
}

static void keepalive(unsigned int ms)
{
	EXPECT(vm_sh("echo %u >/sys/module/npmu_rdma/parameters/keepalive_ms", ms), 0);
}

/* Who became the writer meanwhile, by whatever way, is not disturbed. */
static void writer__is_fenced(int way)
{
	struct npmu_region *next;
	uint64_t found, epoch = 0;
	struct pair p;

	keepalive(4000);
	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	next = remote_open("u/r", NPMU_OPEN_WRITE);
	REQUIRE(next, "not open");
	EXPECT(remote_update(p.w, 0, 100), 0);
	cut_region(p.there);
	if (way) {
		/* At the end of the former connection the role is free. */
		CHECK(VM_UNTIL(!npmu_region_claim(next, &epoch), 30000), "%s",
		      npmu_region_error(next));
		EXPECT(npmu_region_resign(next), 0);
	} else {
		EXPECT(npmu_region_takeover(next, npmu_region_fence_epoch(next), &epoch), 0);
	}
	CHECK(remote_update(p.w, 1, 100) < 0, "a fenced writer commits");
	EXPECT(npmu_append_writer_reconnect(p.w, &found, &remote_err), -ESTALE);
	printf("# %s\n", remote_err.text);
	EXPECT(npmu_append_writer_reconnect(p.w, &found, &remote_err), -ESTALE);
	EXPECT(remote_update(p.w, 1, 100), -ESTALE);
	CHECK(npmu_region_fence_epoch(next) == epoch, "epoch %llu",
	      (unsigned long long)npmu_region_fence_epoch(next));
	EXPECT(remote_read_updates(p.r, 0), 1);
	npmu_region_close(next);
	pair_end(&p);
	keepalive(20000);
}

static void writer__after_a_takeover_is_stale(void)
{
	writer__is_fenced(0);
}

static void writer__after_a_claim_is_stale(void)
{
	writer__is_fenced(1);
}

static void region__of_the_same_name_is_another(void)
{
	struct npmu_region *region;

	EXPECT(vm_region("u", "other", MIB), 0);
	EXPECT(ni_grant("other", "alice", NI_RW, 0, 0), 0);
	region = remote_mapped("npmu://alice@" NI_ADDRESS "/u/other", 0);
	REQUIRE(region, "not open");
	cut_region(region);
	EXPECT(vm_delete("u", "other", true), 0);
	EXPECT(npmu_region_reconnect(region, &remote_err), -ENOENT);
	EXPECT(vm_region("u", "other", MIB), 0);
	EXPECT(ni_grant("other", "alice", NI_RW, 0, 0), 0);
	EXPECT(npmu_region_reconnect(region, &remote_err), -ESTALE);
	npmu_region_close(region);
	/* The unit may not have noticed yet that nobody has it open. */
	EXPECT(vm_delete("u", "other", true), 0);
}

/* Cut between and within its steps; a local writer does not know of it. */
static void reader__goes_on_behind_its_last(void)
{
	struct npmu_region *region = remote_mapped("u/r", NPMU_OPEN_WRITE), *there;
	struct npmu_append_writer *w = region ? remote_writer(region, NPMU_APPEND_INIT) : NULL;
	struct npmu_append_item item;
	struct npmu_append_reader *r;
	uint64_t n = 0, next = 0;
	int code;

	REQUIRE(w, "no writer");
	EXPECT(remote_base(w, BASE, 8), 0);
	there = remote_mapped(REMOTE_URL, 0);
	REQUIRE(there, "not open");
	EXPECT(npmu_append_reader_open(there, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, BASE, 8), 0);
	EXPECT(npmu_append_attach(r, "cut", NPMU_APPEND_CREATE), 1);
	while (next < 60) {
		while (n < next + 3)
			EXPECT(remote_update(w, n++, 300), 0);
		if (!dice(4)) {
			cut_us = dice(1000);
			cut_region(there);
		}
		code = npmu_append_next(r, &item);
		if (!code && item.tag == next) {
			next++;
			if (next % 2)
				code = npmu_append_ack(r, item.end);
		}
		if (code && code != -ENOTCONN)
			break;
		if (code)
			CHECK(VM_UNTIL(!(code = npmu_append_reader_reconnect(r, &remote_err)), 60000),
			      "not connected again: %s", remote_err.text);
		if (code)
			break;
	}
	CHECK(next == 60, "update %llu: %d: %s", (unsigned long long)next, code,
	      npmu_append_reader_error(r));
	/* The last was cut, too, and what it had was fetched ahead? */
	code = npmu_append_ack(r, npmu_append_position(r));
	if (code == -ENOTCONN && VM_UNTIL(!npmu_append_reader_reconnect(r, &remote_err), 60000))
		code = npmu_append_ack(r, npmu_append_position(r));
	EXPECT(code, 0);
	EXPECT(npmu_append_drop(w, "cut"), 0);
	cut_region(there);
	/* What it has fetched ahead it has. */
	while (!(code = npmu_append_next(r, &item)))
		;
	EXPECT(code, -ENOTCONN);
	EXPECT(npmu_append_reader_reconnect(r, &remote_err), -ENOENT);
	EXPECT(npmu_append_reader_reconnect(r, &remote_err), 0);
	CHECK(npmu_append_wait(r, SECOND) >= 0, "there is nothing to look at");
	npmu_append_reader_close(r);
	npmu_region_close(there);
	npmu_append_writer_close(w);
	npmu_region_close(region);
}

/* Unloaded, loaded, told the address, told the key: in each state it says what is missing. */
static void unit__comes_back(void)
{
	struct npmu_append_reader *r;
	struct npmu_region *reads;
	uint64_t found;
	struct pair p;

	REQUIRE(pair_begin(&p, 0), "no pair: %s", remote_err.text);
	reads = remote_mapped(REMOTE_URL, 0);
	REQUIRE(reads, "not open");
	EXPECT(npmu_append_reader_open(reads, &r, &remote_err), 0);
	EXPECT(remote_read_base(r, BASE, 7), 0);
	EXPECT(npmu_append_attach(r, "back", NPMU_APPEND_CREATE), 1);
	EXPECT(remote_update(p.w, 0, 100), 0);
	EXPECT(remote_read_updates(r, 0), 1);
	EXPECT(ni_down(), 0);
	EXPECT(remote_update(p.w, 1, 100), -ENOTCONN);
	CHECK(npmu_append_writer_reconnect(p.w, &found, &remote_err) < 0, "nobody is there");
	printf("# %s\n", remote_err.text);
	EXPECT(ni_up(), 0);
	EXPECT(npmu_append_writer_reconnect(p.w, &found, &remote_err), -EACCES);
	EXPECT(ni_load_key("alice"), 0);
	CHECK(reconnect(p.w) == 0, "an update was found");
	EXPECT(remote_update(p.w, 1, 100), 0);
	EXPECT(npmu_append_ack(r, 0), -ENOTCONN);
	EXPECT(npmu_append_reader_reconnect(r, &remote_err), 0);
	CHECK(npmu_append_wait(r, SECOND) >= 0, "there is nothing to look at");
	EXPECT(remote_read_updates(r, 1), 1);
	EXPECT(npmu_append_ack(r, npmu_append_position(r)), 0);
	EXPECT(remote_read_updates(p.r, 0), 2);
	npmu_append_reader_close(r);
	npmu_region_close(reads);
	pair_end(&p);
}

static void host__goes_down(void)
{
	EXPECT(remote_down(), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(update__in_doubt_is_there_once);
	VM_RUN(update__without_crc_is_there_once);
	VM_RUN(batch__in_doubt_is_there_once);
	VM_RUN(submitted__in_doubt_are_there_once);
	VM_RUN(base__in_doubt_is_decided);
	VM_RUN(base__of_a_full_ring_is_not_counted);
	VM_RUN(writer__that_lost_nothing_is_told_so);
	VM_RUN(writer__after_a_takeover_is_stale);
	VM_RUN(writer__after_a_claim_is_stale);
	VM_RUN(region__of_the_same_name_is_another);
	VM_RUN(reader__goes_on_behind_its_last);
	VM_RUN(unit__comes_back);
	VM_RUN(host__goes_down);
	return vm_end();
}

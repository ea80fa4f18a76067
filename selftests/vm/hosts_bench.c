// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: hosts_bench UNIT-HOST [NVME-DEVICE]
 *
 * What a commit over the wire costs, beside what the wire costs (hosts_serve) and beside
 * what one would use instead; in rounds, one after the other, so that ratios are of
 * the same moments. Events, no polling. See scripts/bench --remote.
 */
#define _GNU_SOURCE
#include <stdarg.h>

#include "../../lib/crc32c.h"
#include "../../lib/rdma_flush.h"
#include "../../tools/bench/rounds.h"
#include "../../tools/bench/stat.h"
#include "hosts_raw.h"
#include "nihost.h"

#define NR_SMALL	3
#define BLOCK		4096ULL
#define BIG		(64 * MIB)
#define PIECE		MIB
#define RING		(8 * MIB)

static struct ni_open o;
static struct raw raw;
static int tcp = -1, nvme = -1;
static void *raw_buf, *block;
static uint64_t at;

int bench_fail(const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	return -1;
}

/* A record that says whether it is whole, as the library's do. */
static void seal(uint64_t len)
{
	uint32_t *words = o.buf;

	words[1]++;
	words[0] = npmu_crc32c(0, words + 1, len - sizeof(*words));
}

static uint64_t next_place(uint64_t len)
{
	at += (len + BLOCK - 1) & ~(BLOCK - 1);
	if (at + len > RING)
		at = 0;
	return at;
}

/* The key that covers what is at @place; pieces do not lie across two. */
static uint32_t key_at(uint64_t place)
{
	uint32_t i;

	for (i = 0; i + 1 < o.nr_keys; i++)
		if (o.pm_address + place < le64toh(o.keys[i + 1].address))
			break;
	return le32toh(o.keys[i].rkey);
}

static int post(uint64_t place, size_t from, size_t len, struct rdma_op *op)
{
	struct ibv_sge sge = { .addr = (uintptr_t)o.buf + from, .length = (uint32_t)len,
			       .lkey = o.mr->lkey };
	struct ibv_send_wr wr = {
		.sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_RDMA_WRITE,
		.send_flags = op ? IBV_SEND_SIGNALED : 0,
		.wr.rdma = { .remote_addr = o.pm_address + place, .rkey = key_at(place) },
	};
	static struct rdma_op none;

	return npmu_rdma_post(o.c, &wr, op ?: &none);
}

static int commit(uint64_t place, uint64_t len)
{
	struct {
		struct npmu_wire_commit msg;
		struct npmu_wire_range range;
	} m = {
		.msg = { .nr_ranges = htole32(1) },
		.range = { .offset = htole64(place), .length = htole64(len) },
	};

	return npmu_rdma_ask(o.c, NPMU_WIRE_COMMIT, &m, sizeof(m), NULL, NI_TIMEOUT);
}

static int op_message(struct series *s)
{
	uint64_t place = next_place(s->size);

	seal(s->size);
	if (post(place, 0, s->size, NULL) || commit(place, s->size))
		return bench_fail("commit by message");
	return 0;
}

static int op_flush(struct series *s)
{
	struct ibv_sge sge = { .addr = (uintptr_t)o.buf, .length = (uint32_t)s->size,
			       .lkey = o.mr->lkey };
	uint64_t place = next_place(s->size);
	struct rdma_op op;

	seal(s->size);
	if (npmu_rdma_write_flush(o.c, &sge, 1, o.pm_address + place, key_at(place), &op) ||
	    npmu_rdma_wait(o.c, &op, NI_TIMEOUT))
		return bench_fail("commit by flush");
	return 0;
}

static int op_send_write(struct series *s)
{
	return raw_round_trip(&raw, raw_buf, s->size);
}

static int op_raw_write(struct series *s)
{
	return raw_write(&raw, raw_buf, s->size);
}

static int op_nvme(struct series *s)
{
	uint64_t len = (s->size + BLOCK - 1) & ~(BLOCK - 1);

	if (pwrite(nvme, block, len, (off_t)next_place(len)) != (ssize_t)len ||
	    fdatasync(nvme))
		return bench_fail("nvme: %m");
	return 0;
}

static int op_tcp(struct series *s)
{
	return tcp_send(tcp, raw_buf, s->size);
}

/* In pieces that are on their way together, then made durable by one commit. */
static int big_commit(struct series *s, bool crc)
{
	struct rdma_op ops[BIG / PIECE];
	uint32_t sum = 0;
	size_t i;

	for (i = 0; i < BIG / PIECE; i++) {
		if (crc)
			sum = npmu_crc32c(sum, o.buf, PIECE);
		if (post(i * PIECE, i % 4 * PIECE, PIECE, &ops[i]))
			return bench_fail("write");
	}
	for (i = 0; i < BIG / PIECE; i++)
		if (npmu_rdma_wait(o.c, &ops[i], NI_TIMEOUT))
			return bench_fail("write");
	(void)sum;
	return commit(0, s->size) ? bench_fail("commit") : 0;
}

static int op_big(struct series *s)
{
	return big_commit(s, false);
}

static int op_big_crc(struct series *s)
{
	return big_commit(s, true);
}

static int op_big_nvme(struct series *s)
{
	size_t done;

	for (done = 0; done < s->size; done += PIECE)
		if (pwrite(nvme, block, PIECE, (off_t)done) != (ssize_t)PIECE)
			return bench_fail("nvme: %m");
	return fdatasync(nvme) ? bench_fail("nvme: %m") : 0;
}

static struct ni_open other;

/* A second client fences the first, who was the writer, and is it now. */
static int op_takeover(struct series *s)
{
	(void)s;
	return ni_takeover(&other, o.fence_epoch) ? bench_fail("takeover") : 0;
}

static int before_takeover(struct series *s)
{
	(void)s;
	if (ni_open(&o, "alice", "u", "r", NI_RW) || ni_claim(&o))
		return bench_fail("takeover: no writer");
	return ni_open(&other, "bob", "u", "r", NI_RW) ? bench_fail("takeover: no open") : 0;
}

static int after_takeover(struct series *s)
{
	(void)s;
	ni_close(&other);
	ni_close(&o);
	return 0;
}

static int op_small_round_trip(struct series *s)
{
	(void)s;
	return raw_round_trip(&raw, raw_buf, 0);
}

static int print(struct series *s, size_t n, unsigned int rounds)
{
	size_t i;
	int code = rounds_run(s, n, rounds);

	for (i = 0; !code && i < n; i++) {
		printf("%-18s %9llu B  %10.1f us", s[i].what, (unsigned long long)s[i].size,
		       stat_median(s[i].mean, s[i].nr_mean) / 1e3);
		if (s[i].limit)
			printf("  %6.2f times %s",
			       stat_median_ratio(s[i].mean, s[i].limit->mean, s[i].nr_mean),
			       s[i].limit->what);
		putchar('\n');
	}
	fflush(stdout);
	rounds_free(s, n);
	return code;
}

static int small(unsigned int rounds)
{
	static const uint64_t sizes[NR_SMALL] = { 64, 256, 4096 };
	struct series s[6];
	size_t i, j, n;

	for (i = 0; i < NR_SMALL; i++) {
		n = 0;
		s[n++] = (struct series){ .what = "raw_send_write", .op = op_send_write };
		s[n++] = (struct series){ .what = "commit_message", .op = op_message };
		if (o.c->can_flush && o.persist & NPMU_WIRE_PERSIST_FLUSH)
			s[n++] = (struct series){ .what = "commit_flush", .op = op_flush };
		if (nvme >= 0)
			s[n++] = (struct series){ .what = "nvme_fdatasync", .op = op_nvme };
		s[n++] = (struct series){ .what = "tcp_fdatasync", .op = op_tcp };
		for (j = 0; j < n; j++) {
			s[j].size = sizes[i];
			s[j].batch = 4;
			s[j].limit = !j ? NULL : j == 1 ? &s[0] : &s[1];
		}
		if (print(s, n, rounds))
			return -1;
	}
	return 0;
}

static int large(unsigned int rounds)
{
	struct series s[4];
	size_t n = 0, i;

	s[n++] = (struct series){ .what = "raw_write", .op = op_raw_write };
	s[n++] = (struct series){ .what = "checkpoint", .op = op_big };
	s[n++] = (struct series){ .what = "checkpoint_crc", .op = op_big_crc };
	if (nvme >= 0)
		s[n++] = (struct series){ .what = "nvme_fdatasync", .op = op_big_nvme };
	for (i = 0; i < n; i++) {
		s[i].size = BIG;
		s[i].limit = i ? &s[0] : NULL;
	}
	return print(s, n, rounds);
}

static int takeover(unsigned int rounds)
{
	struct series s[2] = {
		{ .what = "raw_round_trip", .op = op_small_round_trip },
		{ .what = "takeover", .op = op_takeover, .before = before_takeover,
		  .after = after_takeover, .limit = &s[0] },
	};

	return print(s, 2, rounds);
}

static int more_connections(void)
{
	static const unsigned int counts[] = { 1, 16, 64 };
	static struct ni_open idle[64];
	unsigned int i, n = 0;
	char what[32];

	for (i = 0; i < 3; i++) {
		struct series s[2] = {
			{ .what = "raw_send_write", .op = op_send_write, .size = 64, .batch = 4 },
			{ .what = what, .op = op_message, .size = 64, .batch = 4, .limit = &s[0] },
		};

		for (; n < counts[i] - 1; n++)
			if (ni_open(&idle[n], "bob", "u", "r", NPMU_WIRE_READ))
				return bench_fail("connection %u", n);
		snprintf(what, sizeof(what), "of_%u_connected", counts[i]);
		if (print(s, 2, 51))
			return -1;
	}
	while (n--)
		ni_close(&idle[n]);
	return 0;
}

int main(int argc, char **argv)
{
	int code;

	if (argc < 2 || argc > 3)
		return 2;
	ni_at(argv[1]);
	raw_buf = aligned_alloc(BLOCK, BIG);
	block = aligned_alloc(BLOCK, BIG);
	if (!raw_buf || !block || raw_connect(&raw, argv[1], memset(raw_buf, 1, BIG), BIG))
		return 1;
	memset(block, 2, BIG);
	tcp = tcp_connect(argv[1]);
	if (argc == 3)
		nvme = open(argv[2], O_RDWR | O_DIRECT);
	if (tcp < 0 || (argc == 3 && nvme < 0))
		return 1;
	if (ni_open(&o, "alice", "u", "r", NI_RW) || ni_claim(&o))
		return 1;
	code = small(101) || more_connections() || large(5);
	ni_close(&o);
	code = code || takeover(21);
	raw_close(&raw);
	return code;
}

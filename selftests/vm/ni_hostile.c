// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of the network interface that has a key and means harm: it reaches nothing but
 * what its own keys open, and disturbs nobody else. Whatever it tries, a second client
 * goes on writing on a connection of its own.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <poll.h>

#include "nihost.h"

#define SIZE	(8 * MIB)

/* Another region than the one that is attacked; its writer must never notice. */
static struct ni_open innocent;
static uint64_t turns;

static bool innocent_goes_on(void)
{
	uint64_t back = 0;

	turns++;
	memcpy(innocent.buf, &turns, sizeof(turns));
	if (ni_write(&innocent, 4096, 0, 8) || ni_commit(&innocent, 4096, 8, 8192, turns))
		return false;
	if (ni_read(&innocent, 8192, 64, 8))
		return false;
	memcpy(&back, (char *)innocent.buf + 64, sizeof(back));
	return back == turns;
}

/* The bytes that are attacked, as the host sees them. */
static char *whole(const char *region)
{
	char *copy = malloc(SIZE);
	int fd = vm_open("u", region, O_RDONLY);

	if (vm_pread(fd, copy, SIZE, 0) != (int)SIZE)
		memset(copy, 0, SIZE);
	close(fd);
	return copy;
}

static char *before;

static void look(void)
{
	free(before);
	before = whole("r");
}

static void nothing_happened(void)
{
	char *after = whole("r");

	CHECK(!memcmp(before, after, SIZE), "bytes changed");
	CHECK(innocent_goes_on(), "another connection was disturbed");
	free(after);
}

static void host__comes_up(void)
{
	REQUIRE(!ni_up(), "no network interface");
	EXPECT(ni_load_key("alice"), 0);
	EXPECT(ni_load_key("mallory"), 0);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
	EXPECT(vm_region("u", "r", SIZE), 0);
	EXPECT(vm_region("u", "q", SIZE), 0);
	EXPECT(ni_grant("q", "alice", NI_RW, 0, 0), 0);
	EXPECT(ni_grant("r", "mallory", NI_RW, 0, 0), 0);
	EXPECT(ni_open(&innocent, "alice", "u", "q", NI_RW), 0);
	REQUIRE(innocent.mr, "no open");
	EXPECT(ni_claim(&innocent), 0);
	CHECK(innocent_goes_on(), "the innocent client does not work");
}

/* One attempt on a connection of its own; it must fail. */
static void attempt(const char *what, bool writer, enum ibv_wr_opcode opcode, uint64_t address,
		    uint32_t rkey, bool own_key, size_t len)
{
	struct ni_open o;

	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	if (!o.mr)
		return;
	if (writer)
		EXPECT(ni_claim(&o), 0);
	memset(o.buf, 0xee, len);
	look();
	CHECK(ni_move(&o, opcode, address, own_key ? le32toh(o.keys[0].rkey) : rkey, 0, len),
	      "%s: it worked", what);
	nothing_happened();
	ni_close(&o);
}

static uint64_t pm_address(void)
{
	struct ni_open o;
	uint64_t address;

	if (ni_open(&o, "mallory", "u", "r", NPMU_WIRE_READ))
		return 0;
	address = o.pm_address;
	ni_close(&o);
	return address;
}

static void address__outside_of_the_range_is_refused(void)
{
	uint64_t pm = pm_address();

	attempt("before", true, IBV_WR_RDMA_WRITE, pm - 4096, 0, true, 4096);
	attempt("a byte before", true, IBV_WR_RDMA_WRITE, pm - 1, 0, true, 64);
	attempt("after", true, IBV_WR_RDMA_WRITE, pm + SIZE, 0, true, 64);
	attempt("across the end", true, IBV_WR_RDMA_WRITE, pm + SIZE - 32, 0, true, 64);
	attempt("read across the end", true, IBV_WR_RDMA_READ, pm + SIZE - 32, 0, true, 64);
	attempt("zero", true, IBV_WR_RDMA_WRITE, 0, 0, true, 64);
	attempt("wrap", true, IBV_WR_RDMA_WRITE, ~0ULL - 31, 0, true, 64);
	attempt("wrap to the start", true, IBV_WR_RDMA_WRITE, ~0ULL, 0, true, 64);
}

static void key__read_only_cannot_write(void)
{
	attempt("write as a reader", false, IBV_WR_RDMA_WRITE, pm_address(), 0, true, 64);
}

static void key__of_another_connection_is_refused(void)
{
	attempt("write by another's key", true, IBV_WR_RDMA_WRITE, innocent.pm_address,
		le32toh(innocent.keys[0].rkey), false, 64);
	attempt("read by another's key", true, IBV_WR_RDMA_READ, innocent.pm_address,
		le32toh(innocent.keys[0].rkey), false, 64);
}

static void key__from_before_a_claim_is_refused(void)
{
	struct ni_open o;
	uint32_t old;

	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	old = le32toh(o.keys[0].rkey);
	EXPECT(ni_claim(&o), 0);
	look();
	CHECK(ni_move(&o, IBV_WR_RDMA_READ, o.pm_address, old, 0, 64), "an old key works");
	nothing_happened();
	ni_close(&o);
}

static void key__guessed_is_refused(void)
{
	struct ni_open o;
	uint32_t own;

	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	own = le32toh(o.keys[0].rkey);
	ni_close(&o);
	attempt("the low byte guessed", true, IBV_WR_RDMA_WRITE, pm_address(), own ^ 1, false, 64);
	attempt("the index guessed", true, IBV_WR_RDMA_WRITE, pm_address(), own ^ 0x100, false, 64);
}

static void commit__outside_of_the_range_is_refused(void)
{
	struct ni_open o;

	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_commit(&o, 0, 8, 64, 1), SAYS(ACCESS));
	EXPECT(ni_claim(&o), 0);
	look();
	EXPECT(ni_commit(&o, SIZE, 8, 64, 1), SAYS(RANGE));
	EXPECT(ni_commit(&o, SIZE - 4, 8, 64, 1), SAYS(RANGE));
	EXPECT(ni_commit(&o, ~0ULL - 7, 16, 64, 1), SAYS(RANGE));
	EXPECT(ni_commit(&o, 0, ~0ULL, 64, 1), SAYS(RANGE));
	EXPECT(ni_commit(&o, 0, 8, SIZE, 1), SAYS(RANGE));
	EXPECT(ni_commit(&o, 0, 8, ~0ULL - 7, 1), SAYS(RANGE));
	nothing_happened();
	ni_close(&o);
}

static void order__nothing_before_the_proof(void)
{
	struct npmu_wire_open open = { .unit = "u", .region = "r", .access = htole32(NI_RW) };
	struct npmu_wire_auth_prove prove = { 0 };
	struct npmu_wire_header header;
	struct npmu_error err;
	struct rdma_conn *c;

	EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_OPEN, &open, sizeof(open), NULL, NI_TIMEOUT), SAYS(ORDER));
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_CLAIM, &header, sizeof(header), NULL, NI_TIMEOUT),
	       SAYS(ORDER));
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_PROVE, &prove, sizeof(prove), NULL, NI_TIMEOUT),
	       SAYS(ORDER));
	npmu_rdma_disconnect(c);
}

/* A whole handshake that was listened to, said again on a connection of one's own. */
static void handshake__replayed_is_refused(void)
{
	struct npmu_wire_auth_begin begin = { .principal = "alice" };
	struct npmu_wire_auth_prove prove = { 0 };
	struct npmu_wire_open open = { .unit = "u", .region = "r", .access = htole32(NI_RW) };
	const struct npmu_wire_auth_begun *begun;
	uint8_t nonce[2][NPMU_WIRE_NONCE_LEN];
	struct npmu_error err;
	struct rdma_conn *c;
	const void *answer;
	int i;

	for (i = 0; i < 2; i++) {
		EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
		memset(begin.nonce, 7, sizeof(begin.nonce));
		EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_BEGIN, &begin, sizeof(begin), &answer,
				     NI_TIMEOUT), 0);
		begun = answer;
		memcpy(nonce[i], begun->nonce, sizeof(nonce[i]));
		/* The unit's own proof sent back to it, as a mirror would. */
		memcpy(prove.proof, begun->proof, sizeof(prove.proof));
		EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_PROVE, &prove, sizeof(prove), NULL,
				     NI_TIMEOUT), SAYS(AUTH));
		/* There is no second chance. */
		EXPECT(npmu_rdma_ask(c, NPMU_WIRE_AUTH_PROVE, &prove, sizeof(prove), NULL,
				     NI_TIMEOUT), SAYS(ORDER));
		EXPECT(npmu_rdma_ask(c, NPMU_WIRE_OPEN, &open, sizeof(open), NULL, NI_TIMEOUT),
		       SAYS(ORDER));
		npmu_rdma_disconnect(c);
	}
	CHECK(memcmp(nonce[0], nonce[1], sizeof(nonce[0])), "the unit used a nonce twice");
}

static void send_raw(struct ni_open *o, const void *bytes, size_t len)
{
	struct ibv_sge sge = { .addr = (uintptr_t)o->buf, .length = (uint32_t)len,
			       .lkey = o->mr->lkey };
	struct ibv_send_wr wr = { .sg_list = &sge, .num_sge = 1, .opcode = IBV_WR_SEND,
				  .send_flags = IBV_SEND_SIGNALED };
	struct rdma_op op;

	memcpy(o->buf, bytes, len);
	if (!npmu_rdma_post(o->c, &wr, &op))
		npmu_rdma_wait(o->c, &op, NI_TIMEOUT);
}

/* Bytes that are no message: the connection ends, and nothing else. */
static void message__of_any_bytes_does_no_harm(void)
{
	unsigned long i, n = vm_times(60, 5000);
	unsigned int seed = 12345;

	look();
	for (i = 0; i < n; i++) {
		union {
			struct npmu_wire_header header;
			uint8_t bytes[NPMU_WIRE_MSG_SIZE];
		} m;
		struct ni_open o;
		size_t len, k;

		if (!CHECK(!ni_open(&o, "mallory", "u", "r", NPMU_WIRE_READ), "open %lu", i))
			return;
		len = rand_r(&seed) % 256;
		for (k = 0; k < sizeof(m); k++)
			m.bytes[k] = (uint8_t)rand_r(&seed);
		if (i % 3) {
			/* A header that is right, and anything behind it. */
			m.header.type = htole16(rand_r(&seed) % (NPMU_WIRE_TYPES + 1));
			m.header.length = htole16((uint16_t)len);
			m.header.request = htole32(1);
			m.header.status = 0;
			m.header.reserved = 0;
		}
		send_raw(&o, m.bytes, len);
		ni_close(&o);
	}
	nothing_happened();
}

/* What this program is when it is called so: a writer in the middle of its work. */
static int claim_and_write(void)
{
	static const size_t len = 64 * KIB;
	struct ni_open o;
	bool told = false;

	if (ni_open(&o, "mallory", "u", "r", NI_RW) || ni_claim(&o))
		return 1;
	while (!ni_write(&o, 0, 0, len) && !ni_commit(&o, 0, len, len, 1))
		if (!told && write(1, "x", 1) == 1)
			told = true;
	return 1;
}

/* A client's process dies as it writes and commits: readers hear of it by its disconnect. */
static void death__is_told_at_once(void)
{
	struct npmu_ioc_info info = { .size = sizeof(info) };
	struct pollfd pfd;
	int fds[2], status;
	char byte;
	pid_t pid;

	REQUIRE(!pipe(fds), "%m");
	fflush(stdout);
	pid = fork();
	if (!pid) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		/* Verbs do not survive a fork. */
		execl("/proc/self/exe", "ni_hostile", "claim", NULL);
		_exit(1);
	}
	close(fds[1]);
	REQUIRE(read(fds[0], &byte, 1) == 1, "the client did not get so far");
	pfd.fd = vm_open("u", "r", O_RDONLY);
	pfd.events = POLLPRI;
	EXPECT(ioctl(pfd.fd, NPMU_IOC_INFO, &info), 0);
	CHECK(info.writer_id, "no writer");
	kill(pid, SIGKILL);
	EXPECT(poll(&pfd, 1, NI_TIMEOUT), 1);
	EXPECT(ioctl(pfd.fd, NPMU_IOC_INFO, &info), 0);
	CHECK(!info.writer_id, "the writer is there still");
	waitpid(pid, &status, 0);
	close(pfd.fd);
	close(fds[0]);
}

/* Whoever does not say who it is, is let go; and so is a great crowd of such. */
static void stranger__is_let_go(void)
{
	struct npmu_wire_header header;
	struct npmu_error err;
	struct rdma_conn *c;

	REQUIRE(!system("echo 300 >/sys/module/npmu_rdma/parameters/auth_ms"), "no parameter");
	EXPECT(npmu_rdma_connect(NI_ADDRESS, NULL, NI_TIMEOUT, &c, &err), 0);
	sleep(2);
	EXPECT(npmu_rdma_ask(c, NPMU_WIRE_CLAIM, &header, sizeof(header), NULL, NI_TIMEOUT),
	       -ENOTCONN);
	npmu_rdma_disconnect(c);
	CHECK(innocent_goes_on(), "another connection was disturbed");
	CHECK(!system("echo 5000 >/sys/module/npmu_rdma/parameters/auth_ms"), "no parameter");
}

static void takeover__goes_both_ways(void)
{
	struct npmu_ioc_takeover takeover = { .size = sizeof(takeover) };
	struct ni_open o;
	int fd;

	/* A local one fences a remote writer. */
	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	fd = vm_open("u", "r", O_RDWR);
	takeover.expected_epoch = o.fence_epoch;
	EXPECT(ioctl(fd, NPMU_IOC_TAKEOVER, &takeover), 0);
	look();
	CHECK(ni_write(&o, 0, 0, 64), "a fenced remote writer wrote");
	nothing_happened();
	ni_close(&o);

	/* A remote one fences a local writer. */
	EXPECT(ni_open(&o, "mallory", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_takeover(&o, takeover.fence_epoch + 1), SAYS(STALE));
	EXPECT(ni_takeover(&o, takeover.fence_epoch), 0);
	CHECK(pwrite(fd, "x", 1, 0) < 0 && errno == ESTALE, "a fenced local writer wrote");
	memset(o.buf, 0x77, 64);
	EXPECT(ni_write(&o, 0, 0, 64), 0);
	ni_close(&o);
	close(fd);
}

/* Nothing is left of connections that came and went. */
static void connections__come_and_go(void)
{
	unsigned long i, n = vm_times(50, 1000);

	for (i = 0; i < n; i++) {
		struct ni_open o;

		if (!CHECK(!ni_open(&o, "mallory", "u", "r", NI_RW), "connection %lu", i))
			return;
		if (i % 3 == 0)
			EXPECT(ni_claim(&o), 0);
		ni_close(&o);
	}
	CHECK(innocent_goes_on(), "another connection was disturbed");
}

static int count_session(void *ctx, const struct npmu_session_info *info)
{
	unsigned int *n = ctx;

	if (info->state == NPMU_NI_SESSION_STATE_OPEN)
		(*n)++;
	return 0;
}

static void connections__many_are_held(void)
{
	unsigned long i, n = vm_times(32, 256);
	struct ni_open *o = calloc(n, sizeof(*o));
	unsigned int there = 0;

	for (i = 0; i < n; i++)
		if (!CHECK(!ni_open(&o[i], "mallory", "u", "r", NPMU_WIRE_READ), "connection %lu", i))
			break;
	EXPECT(npmu_ni_session_list(ni_ctl(), count_session, &there), 0);
	CHECK(there == n + 1, "%u sessions, not %lu", there, n + 1);
	for (i = 0; i < n; i++)
		EXPECT(ni_read(&o[i], 0, 0, 64), 0);
	while (i--)
		ni_close(&o[i]);
	free(o);
	CHECK(innocent_goes_on(), "another connection was disturbed");
}

static void module__goes_while_connected(void)
{
	EXPECT(ni_down(), 0);
	CHECK(ni_write(&innocent, 0, 0, 64), "it writes without the module");
	ni_close(&innocent);
	EXPECT(vm_drop("u"), 0);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return claim_and_write();
	VM_RUN(host__comes_up);
	VM_RUN(address__outside_of_the_range_is_refused);
	VM_RUN(key__read_only_cannot_write);
	VM_RUN(key__of_another_connection_is_refused);
	VM_RUN(key__from_before_a_claim_is_refused);
	VM_RUN(key__guessed_is_refused);
	VM_RUN(commit__outside_of_the_range_is_refused);
	VM_RUN(order__nothing_before_the_proof);
	VM_RUN(handshake__replayed_is_refused);
	VM_RUN(message__of_any_bytes_does_no_harm);
	VM_RUN(death__is_told_at_once);
	VM_RUN(stranger__is_let_go);
	VM_RUN(takeover__goes_both_ways);
	VM_RUN(connections__come_and_go);
	VM_RUN(connections__many_are_held);
	VM_RUN(module__goes_while_connected);
	return vm_end();
}

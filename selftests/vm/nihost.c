// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network interface under test and a client of it, see nihost.h.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <fcntl.h>
#include <sched.h>
#include <unistd.h>

#include <npmu/grants.h>

#include "../../lib/error.h"
#include "nihost.h"

static struct npmu_ni *ni;
static const char *unit_address = NI_ADDRESS;

void ni_at(const char *address)
{
	unit_address = address;
}

static int sh(const char *command)
{
	int status = system(command);

	if (status)
		fprintf(stderr, "# %s: status %d\n", command, status);
	return status ? -EIO : 0;
}

struct npmu_ni *ni_ctl(void)
{
	struct npmu_error err;

	if (!ni && npmu_ni_open(&ni, &err))
		fprintf(stderr, "# %s\n", err.text);
	return ni;
}

/* Soft RoCE, unless who started this has made another. */
static int device_up(void)
{
	int code;

	if (!access("/sys/class/infiniband/npmu0", F_OK))
		return 0;
	code = sh("modprobe rdma_rxe 2>&1");
	if (!code)
		code = sh("ip link add npmu0 type dummy && ip link set npmu0 mtu 4200 up");
	if (!code)
		code = sh("ip addr add " NI_ADDRESS "/24 dev npmu0");
	return code ?: sh("rdma link add npmu0 type rxe netdev npmu0");
}

int ni_up(void)
{
	int code;

	code = sh("modprobe -a dummy ib_uverbs rdma_ucm rdma_cm crc32 2>&1");
	if (!code)
		code = device_up();
	/* On a slow host nobody is taken for gone, but where that is the test. */
	if (!code)
		code = sh("insmod ${NPMU_RDMA_KO:-$(dirname $NPMU_KO)/rdma/npmu_rdma.ko} keepalive_ms=20000");
	if (code || !ni_ctl())
		return code ?: -EIO;
	return npmu_ni_listen(ni, NI_ADDRESS, NPMU_NI_PORT);
}

int ni_down(void)
{
	npmu_ni_close(ni);
	ni = NULL;
	/* The device stays: this process has it open. */
	return sh("rmmod npmu_rdma");
}

int ni_grant(const char *region, const char *principal, uint32_t access, uint64_t offset,
	     uint64_t length)
{
	return vm_note(npmu_ctl_grant_add(vm_ctl(), "u", region, principal, access, offset, length));
}

void ni_key(const char *principal, uint8_t key[NPMU_WIRE_KEY_MIN])
{
	memset(key, 0x5a, NPMU_WIRE_KEY_MIN);
	memcpy(key, principal, strnlen(principal, NPMU_WIRE_KEY_MIN));
}

int ni_load_key(const char *principal)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];

	ni_key(principal, key);
	return npmu_ni_key_set(ni_ctl(), principal, key, sizeof(key));
}

int ni_count_session(void *count, const struct npmu_session_info *info)
{
	(void)info;
	++*(unsigned int *)count;
	return 0;
}

unsigned int ni_sessions(void)
{
	unsigned int n = 0;

	EXPECT(npmu_ni_session_list(ni_ctl(), ni_count_session, &n), 0);
	return n;
}

void ni_settle(void)
{
	unsigned int i;

	for (i = 0; ni_sessions() && i < 30000; i++)
		usleep(1000);
	CHECK(!ni_sessions(), "%u sessions are left", ni_sessions());
}

/* This thread, to the network namespace that a file names; closes it. */
static int enter(int fd)
{
	int code = fd < 0 || setns(fd, CLONE_NEWNET) ? -errno : 0;

	if (fd >= 0)
		close(fd);
	return code;
}

/* From the network namespace of NPMU_NI_CLIENT, if there is that: a connection stays in its own. */
static int reach(struct rdma_conn **c, struct npmu_error *err)
{
	const char *client = getenv("NPMU_NI_CLIENT");
	int code, own;

	if (!client)
		return npmu_rdma_connect(unit_address, NULL, NI_TIMEOUT, c, err);
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	code = enter(open(client, O_RDONLY | O_CLOEXEC));
	if (code)
		npmu_error_set(err, code, "%s: %s", client, strerror(-code));
	else
		code = npmu_rdma_connect(unit_address, NULL, NI_TIMEOUT, c, err);
	EXPECT(enter(own), 0);
	return code;
}

int ni_connect(const char *principal, struct rdma_conn **out)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];
	struct npmu_error err;
	struct rdma_conn *c;
	int code;

	*out = NULL;
	code = reach(&c, &err);
	if (!code) {
		ni_key(principal, key);
		code = npmu_rdma_authenticate(c, principal, key, sizeof(key), NI_TIMEOUT, &err);
		if (code)
			npmu_rdma_disconnect(c);
	}
	if (code)
		fprintf(stderr, "# connect: %s\n", err.text);
	else
		*out = c;
	return code;
}

static void take_keys(struct ni_open *o, const struct npmu_wire_key *keys, uint32_t nr)
{
	o->nr_keys = nr;
	memcpy(o->keys, keys, nr * sizeof(*keys));
}

int ni_ask_open(struct ni_open *o, const char *unit, const char *region, uint32_t access)
{
	struct npmu_wire_open msg = { .access = htole32(access) };
	const struct npmu_wire_opened *opened;
	const void *answer;
	int code;

	strncpy((char *)msg.unit, unit, sizeof(msg.unit) - 1);
	strncpy((char *)msg.region, region, sizeof(msg.region) - 1);
	code = npmu_rdma_ask(o->c, NPMU_WIRE_OPEN, &msg, sizeof(msg), &answer, NI_TIMEOUT);
	if (code)
		return code;
	opened = answer;
	o->pm_address = le64toh(opened->pm_address);
	o->offset = le64toh(opened->offset);
	o->length = le64toh(opened->length);
	o->fence_epoch = le64toh(opened->fence_epoch);
	o->entry = le64toh(opened->entry);
	o->persist = le32toh(opened->persist);
	take_keys(o, opened->keys, le32toh(opened->nr_keys));
	o->buf_len = 4 * MIB;
	o->buf = mmap(NULL, o->buf_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	o->mr = o->buf == MAP_FAILED ? NULL :
		npmu_rdma_reg_sink(o->c, o->buf, o->buf_len);
	return o->mr ? 0 : -ENOMEM;
}

int ni_open(struct ni_open *o, const char *principal, const char *unit, const char *region,
	    uint32_t access)
{
	int code;

	memset(o, 0, sizeof(*o));
	code = ni_connect(principal, &o->c);
	if (code)
		return code;
	code = ni_ask_open(o, unit, region, access);
	if (code)
		ni_close(o);
	return code;
}

void ni_close(struct ni_open *o)
{
	if (o->mr)
		ibv_dereg_mr(o->mr);
	if (o->buf)
		munmap(o->buf, o->buf_len);
	npmu_rdma_disconnect(o->c);
	memset(o, 0, sizeof(*o));
}

static int claimed(struct ni_open *o, int code, const void *answer)
{
	const struct npmu_wire_claimed *claimed = answer;

	if (code)
		return code;
	o->fence_epoch = le64toh(claimed->fence_epoch);
	take_keys(o, claimed->keys, le32toh(claimed->nr_keys));
	return 0;
}

int ni_claim(struct ni_open *o)
{
	struct npmu_wire_header msg;
	const void *answer = NULL;
	int code;

	code = npmu_rdma_ask(o->c, NPMU_WIRE_CLAIM, &msg, sizeof(msg), &answer, NI_TIMEOUT);
	return claimed(o, code, answer);
}

int ni_takeover(struct ni_open *o, uint64_t expected)
{
	struct npmu_wire_takeover msg = { .expected_epoch = htole64(expected) };
	const void *answer = NULL;
	int code;

	code = npmu_rdma_ask(o->c, NPMU_WIRE_TAKEOVER, &msg, sizeof(msg), &answer, NI_TIMEOUT);
	return claimed(o, code, answer);
}

int ni_move(struct ni_open *o, enum ibv_wr_opcode opcode, uint64_t address, uint32_t rkey,
	    size_t at, size_t len)
{
	struct ibv_sge sge = {
		.addr = (uintptr_t)o->buf + at,
		.length = (uint32_t)len,
		.lkey = o->mr->lkey,
	};
	struct ibv_send_wr wr = {
		.sg_list = &sge,
		.num_sge = 1,
		.opcode = opcode,
		.send_flags = IBV_SEND_SIGNALED,
		.wr.rdma = { .remote_addr = address, .rkey = rkey },
	};
	struct rdma_op op;
	int code;

	code = npmu_rdma_post(o->c, &wr, &op);
	return code ?: npmu_rdma_wait(o->c, &op, NI_TIMEOUT);
}

static int by_key(struct ni_open *o, enum ibv_wr_opcode opcode, uint64_t offset, size_t at,
		  size_t len)
{
	uint64_t address = o->pm_address + (offset - o->offset);
	uint32_t i;
	int code;

	for (i = 0; i < o->nr_keys && len; i++) {
		uint64_t start = le64toh(o->keys[i].address), end = start + le64toh(o->keys[i].length);
		size_t step = len;

		if (address < start || address >= end)
			continue;
		if (step > end - address)
			step = end - address;
		code = ni_move(o, opcode, address, le32toh(o->keys[i].rkey), at, step);
		if (code)
			return code;
		address += step;
		at += step;
		len -= step;
	}
	return len ? -ERANGE : 0;
}

int ni_write(struct ni_open *o, uint64_t offset, size_t at, size_t len)
{
	return by_key(o, IBV_WR_RDMA_WRITE, offset, at, len);
}

int ni_read(struct ni_open *o, uint64_t offset, size_t at, size_t len)
{
	return by_key(o, IBV_WR_RDMA_READ, offset, at, len);
}

bool ni_write_refused(struct ni_open *o, uint64_t address, uint32_t rkey, size_t len)
{
	if (ni_move(o, IBV_WR_RDMA_WRITE, address, rkey, 0, len))
		return true;
	return o->c->id->verbs->device->transport_type == IBV_TRANSPORT_IWARP &&
	       ni_read(o, o->offset, 0, 8);
}

int ni_commit(struct ni_open *o, uint64_t offset, uint64_t length, uint64_t word_offset,
	      uint64_t word)
{
	struct {
		struct npmu_wire_commit msg;
		struct npmu_wire_range range;
	} m = {
		.msg = {
			.flags = htole32(NPMU_WIRE_COMMIT_WORD),
			.nr_ranges = htole32(1),
			.word_offset = htole64(word_offset),
			.word = htole64(word),
		},
		.range = { .offset = htole64(offset), .length = htole64(length) },
	};

	return npmu_rdma_ask(o->c, NPMU_WIRE_COMMIT, &m, sizeof(m), NULL, NI_TIMEOUT);
}

/* Each burst has another byte, so that one that lands late changes what is there. */
void *ni_write_on(void *writer)
{
	struct ni_writer *w = writer;
	unsigned int n = 0;

	do {
		memset(w->o.buf, (int)(++n & 0xff), NI_BURST);
		atomic_fetch_add(&w->rounds, 1);
	} while (!ni_write(&w->o, (n % 4) * NI_BURST, 0, NI_BURST));
	return NULL;
}

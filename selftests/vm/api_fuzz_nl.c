// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API fuzzer's netlink requests: well-formed ones by the family's grammar, the
 * same with one thing wrong, and bytes. Speaks raw netlink, since a library would
 * mend the mistakes. Must not know files or mappings.
 */
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/npmu_netlink.h>
#include <sys/socket.h>

#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>

#include "api_fuzz.h"

#define ROOM	2048
#define DUMP	64		/* in struct request: a list is asked for */

struct message {
	struct nlmsghdr h;
	struct genlmsghdr g;
	char body[ROOM];
};

/* What a request of a kind has: each letter a value, see put_value(). */
static const struct request {
	enum af_op op;
	uint8_t cmd;
	uint8_t weight;
	struct { uint8_t attr; char value; bool always; } attrs[9];
} requests[] = {
	{ AF_UNIT_GET, NPMU_CMD_UNIT_GET, 2, { { NPMU_A_UNIT_NAME, 'u', 1 } } },
	{ AF_LISTS, NPMU_CMD_UNIT_GET | DUMP, 1, { { 0, 0, 0 } } },
	{ AF_UNIT_FORMAT, NPMU_CMD_UNIT_FORMAT, 1,
	  { { NPMU_A_UNIT_PATH, 'p', 1 }, { NPMU_A_UNIT_NAME, 'P', 1 },
	    { NPMU_A_UNIT_MAX_REGIONS, 'm', 0 }, { NPMU_A_UNIT_FORCE, 'f', 1 } } },
	{ AF_UNIT_ATTACH, NPMU_CMD_UNIT_ATTACH, 6,
	  { { NPMU_A_UNIT_PATH, 'p', 1 }, { NPMU_A_UNIT_NAME, 'u', 0 } } },
	{ AF_UNIT_ATTACH, NPMU_CMD_UNIT_ATTACH, 3,
	  { { NPMU_A_UNIT_BACKING, 'd', 1 }, { NPMU_A_UNIT_NAME, 'D', 1 },
	    { NPMU_A_UNIT_SIZE, 'S', 1 }, { NPMU_A_UNIT_MAX_REGIONS, 'm', 0 } } },
	{ AF_UNIT_DETACH, NPMU_CMD_UNIT_DETACH, 2, { { NPMU_A_UNIT_NAME, 'u', 1 } } },
	{ AF_REGION_GET, NPMU_CMD_REGION_GET, 4,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 } } },
	{ AF_LISTS, NPMU_CMD_REGION_GET | DUMP, 2, { { NPMU_A_REGION_UNIT, 'u', 0 } } },
	{ AF_REGION_CREATE, NPMU_CMD_REGION_CREATE, 10,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 },
	    { NPMU_A_REGION_SIZE, 's', 1 }, { NPMU_A_REGION_UID, 'i', 0 }, { NPMU_A_REGION_GID, 'i', 0 },
	    { NPMU_A_REGION_MODE, 'o', 1 }, { NPMU_A_REGION_FLAGS, 'F', 0 } } },
	{ AF_REGION_SET, NPMU_CMD_REGION_SET, 4,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 },
	    { NPMU_A_REGION_NEW_NAME, 'r', 0 }, { NPMU_A_REGION_UID, 'i', 0 }, { NPMU_A_REGION_GID, 'i', 0 },
	    { NPMU_A_REGION_MODE, 'o', 0 }, { NPMU_A_REGION_FLAGS, 'F', 0 }, { NPMU_A_REGION_FORCE, 'f', 0 } } },
	{ AF_REGION_RESIZE, NPMU_CMD_REGION_RESIZE, 5,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 },
	    { NPMU_A_REGION_SIZE, 's', 1 }, { NPMU_A_REGION_FORCE, 'f', 0 } } },
	{ AF_REGION_DELETE, NPMU_CMD_REGION_DELETE, 3,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 },
	    { NPMU_A_REGION_FORCE, 'f', 0 } } },
	{ AF_REGION_FENCE, NPMU_CMD_REGION_FENCE, 5,
	  { { NPMU_A_REGION_UNIT, 'u', 1 }, { NPMU_A_REGION_NAME, 'r', 1 },
	    { NPMU_A_REGION_EXPECTED_EPOCH, 'e', 0 } } },
	{ AF_CHECKPOINT_GET, NPMU_CMD_CHECKPOINT_GET, 3,
	  { { NPMU_A_CHECKPOINT_UNIT, 'u', 1 }, { NPMU_A_CHECKPOINT_REGION, 'r', 1 } } },
	{ AF_LISTS, NPMU_CMD_READER_GET | DUMP, 2,
	  { { NPMU_A_READER_UNIT, 'u', 1 }, { NPMU_A_READER_REGION, 'r', 1 } } },
	{ AF_LISTS, NPMU_CMD_TPT_GET | DUMP, 2,
	  { { NPMU_A_TPT_UNIT, 'u', 0 }, { NPMU_A_TPT_REGION, 'r', 0 } } },
	{ AF_GRANT_ADD, NPMU_CMD_GRANT_ADD, 5,
	  { { NPMU_A_GRANT_UNIT, 'u', 1 }, { NPMU_A_GRANT_REGION, 'r', 1 },
	    { NPMU_A_GRANT_PRINCIPAL, 'n', 1 }, { NPMU_A_GRANT_ACCESS, 'a', 1 },
	    { NPMU_A_GRANT_OFFSET, 's', 0 }, { NPMU_A_GRANT_LENGTH, 's', 0 } } },
	{ AF_GRANT_ADD, NPMU_CMD_GRANT_ADD, 2,
	  { { NPMU_A_GRANT_UNIT, 'u', 1 }, { NPMU_A_GRANT_PRINCIPAL, 'n', 1 },
	    { NPMU_A_GRANT_QUOTA, 's', 1 }, { NPMU_A_GRANT_MAX_REGIONS, 'm', 0 } } },
	{ AF_GRANT_REMOVE, NPMU_CMD_GRANT_REMOVE, 4,
	  { { NPMU_A_GRANT_UNIT, 'u', 1 }, { NPMU_A_GRANT_REGION, 'r', 0 },
	    { NPMU_A_GRANT_PRINCIPAL, 'n', 1 } } },
	{ AF_LISTS, NPMU_CMD_GRANT_GET | DUMP, 2,
	  { { NPMU_A_GRANT_UNIT, 'u', 0 }, { NPMU_A_GRANT_REGION, 'r', 0 } } },
	{ AF_BAD_GET, NPMU_CMD_BAD_GET | DUMP, 2, { { NPMU_A_BAD_UNIT, 'u', 0 } } },
};

#define NR_REQUESTS (sizeof(requests) / sizeof(requests[0]))
#define FORMAT	2		/* of them; only of what is not attached */

int af_netlink_open(struct af_thread *t)
{
	struct timeval limit = { .tv_sec = 60 };
	struct nl_sock *sock;
	int fd;

	if (!t->family) {
		sock = nl_socket_alloc();
		if (!sock || genl_connect(sock))
			return -ENOMEM;
		t->family = genl_ctrl_resolve(sock, NPMU_FAMILY_NAME);
		nl_socket_free(sock);
		if (t->family < 0)
			return -ENOENT;
	}
	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	t->netlink = fd;
	return 0;
}

static void put(struct message *m, unsigned int type, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)m + NLMSG_ALIGN(m->h.nlmsg_len));
	size_t at = (char *)a - (char *)m;

	if (at + NLA_HDRLEN + NLA_ALIGN(len) > sizeof(*m))
		return;
	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy((char *)a + NLA_HDRLEN, data, len);
	m->h.nlmsg_len = at + NLA_HDRLEN + NLA_ALIGN(len);
}

static void put_string(struct message *m, unsigned int type, const char *text)
{
	put(m, type, text, strlen(text) + 1);
}

static void put_value(struct af_thread *t, struct message *m, unsigned int attr, char kind)
{
	static const char *const paths[] = { "/dev/pmem0", "/dev/pmem1", "/dev/null", "/nowhere" };
	static const char *const pmem[] = { "f0", "f1" }, *const dram[] = { "f2", "f3" };
	static const char *const principals[] = { "p0", "p1@site", "p2", ".p3" };
	static const uint32_t modes[] = { 0666, 0600, 0666, 0, 0777, 0640 };
	uint64_t *rng = &t->rng;
	uint64_t wide;
	uint32_t word;

	switch (kind) {
	case 'u':
		put_string(m, attr, af_unit_name(rng));
		return;
	case 'r':
		put_string(m, attr, af_region_name(rng));
		return;
	case 'p':
		put_string(m, attr, paths[af_one_in(rng, 6) ? af_below(rng, 4) : af_below(rng, 2)]);
		return;
	case 'P':
		put_string(m, attr, pmem[af_below(rng, 2)]);
		return;
	case 'D':
		put_string(m, attr, dram[af_below(rng, 2)]);
		return;
	case 'n':
		put_string(m, attr, principals[af_below(rng, 4)]);
		return;
	case 'f':
		put(m, attr, NULL, 0);
		return;
	case 's':
	case 'S':
	case 'e':
		wide = kind == 'S' ? (8 + af_below(rng, 8)) * MIB :
		       kind == 'e' ? af_below(rng, 40) : (1 + af_below(rng, 700)) * 4096;
		if (af_one_in(rng, 8))
			wide = af_telling(rng);
		/* Memory is dear: no dram unit beyond this. */
		if (kind == 'S' && wide > 64 * MIB && wide < 1ULL << 40)
			wide = 64 * MIB;
		put(m, attr, &wide, 8);
		return;
	case 'd':
		word = NPMU_BACKING_KIND_DRAM;
		break;
	case 'm':
		word = af_one_in(rng, 4) ? af_telling(rng) : 8 + af_below(rng, 56);
		break;
	case 'i':
		word = af_one_in(rng, 4) ? af_telling(rng) : af_one_in(rng, 2) ? VM_UID : 0;
		break;
	case 'a':
		word = af_one_in(rng, 8) ? af_telling(rng) : af_one_in(rng, 2) ? 1 : 3;
		break;
	case 'o':
		word = modes[af_below(rng, 6)];
		break;
	default:
		word = af_one_in(rng, 8) ? af_telling(rng) : af_one_in(rng, 8);
	}
	put(m, attr, &word, 4);
}

static struct nlattr *some_attr(struct af_thread *t, struct message *m)
{
	struct nlattr *a = (void *)m->body;
	uint64_t n = af_below(&t->rng, 8);
	char *end = (char *)m + m->h.nlmsg_len;

	while (n-- && (char *)a + NLA_ALIGN(a->nla_len) + NLA_HDRLEN <= end)
		a = (void *)((char *)a + NLA_ALIGN(a->nla_len));
	/* Of random bytes it may say to be longer than it is. */
	return (char *)a + NLA_HDRLEN <= end && (char *)a + a->nla_len <= end ? a : NULL;
}

/* One thing that is wrong, and may be right all the same. */
static void spoil(struct af_thread *t, struct message *m)
{
	struct nlattr *a = some_attr(t, m);
	uint64_t value = af_telling(&t->rng);
	char filler[300];

	memset(filler, 'x', sizeof(filler));
	switch (af_below(&t->rng, 14)) {
	case 0:
		put(m, 200 + af_below(&t->rng, 100), &value, 8);
		return;
	case 1:
		put(m, 1 + af_below(&t->rng, 30), filler, af_below(&t->rng, sizeof(filler)));
		return;
	case 2:
		put(m, NLA_F_NESTED | (1 + af_below(&t->rng, 30)), filler, af_below(&t->rng, 40));
		return;
	case 3:
		m->h.nlmsg_len -= af_below(&t->rng, 24);
		if (m->h.nlmsg_len < NLMSG_HDRLEN)
			m->h.nlmsg_len = NLMSG_HDRLEN;
		return;
	case 4:
		m->g.cmd = af_next(&t->rng);
		return;
	case 5:
		m->g.version = af_next(&t->rng);
		return;
	case 6:
		m->h.nlmsg_flags ^= 1 << af_below(&t->rng, 16);
		return;
	case 7:
		m->g.reserved = af_next(&t->rng);
		return;
	}
	if (!a)
		return;
	switch (af_below(&t->rng, 6)) {
	case 0:
		a->nla_len += af_below(&t->rng, 9) - 4;
		break;
	case 1:
		a->nla_len = af_next(&t->rng);
		break;
	case 2:
		a->nla_type = af_below(&t->rng, 40);
		break;
	case 3:
		a->nla_type |= af_one_in(&t->rng, 2) ? NLA_F_NESTED : NLA_F_NET_BYTEORDER;
		break;
	case 4:
		if (a->nla_len >= NLA_HDRLEN + 4)
			memcpy((char *)a + NLA_HDRLEN, &value, a->nla_len < 12 ? 4 : 8);
		break;
	default:
		/* A text without its end. */
		if (a->nla_len > NLA_HDRLEN)
			((char *)a)[a->nla_len - 1] = 'x';
	}
}

static const struct request *some_request(struct af_thread *t)
{
	unsigned int all = 0, at;
	size_t i;

	if (t->formats && t->formats--)
		return &requests[FORMAT];
	for (i = 0; i < NR_REQUESTS; i++)
		all += requests[i].weight;
	at = af_below(&t->rng, all);
	for (i = 0; at >= requests[i].weight; i++)
		at -= requests[i].weight;
	return &requests[i];
}

/* Of an answer on a region: from now on no writer of a lower epoch commits. */
static void note_epoch(const struct nlmsghdr *h)
{
	const char *at = (const char *)h + NLMSG_HDRLEN + GENL_HDRLEN;
	const char *end = (const char *)h + h->nlmsg_len;
	const uint8_t *uuid = NULL;
	uint64_t epoch = 0;

	while (at + NLA_HDRLEN <= end) {
		const struct nlattr *a = (const void *)at;

		if (a->nla_type == NPMU_A_REGION_UUID)
			uuid = (const uint8_t *)at + NLA_HDRLEN;
		if (a->nla_type == NPMU_A_REGION_FENCE_EPOCH)
			memcpy(&epoch, at + NLA_HDRLEN, 8);
		at += NLA_ALIGN(a->nla_len);
	}
	if (uuid && epoch)
		af_raise(&af_region(uuid)->epoch, epoch);
}

/* Reads answers to the last one. Return: 0 or the kernel's verdict. */
static int receive(struct af_thread *t, bool fence)
{
	static _Thread_local char buf[32 << 10] __attribute__((aligned(8)));
	struct nlmsghdr *h;
	int code;
	ssize_t n;

	for (;;) {
		n = recv(t->netlink, buf, sizeof(buf), 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0) {
			if (errno == EAGAIN)
				af_broken("no answer to a netlink request for 60 s");
			return -errno;
		}
		for (h = (void *)buf; NLMSG_OK(h, n); h = NLMSG_NEXT(h, n)) {
			if (h->nlmsg_type == NLMSG_ERROR || h->nlmsg_type == NLMSG_DONE) {
				memcpy(&code, NLMSG_DATA(h), sizeof(code));
				return code;
			}
			if (fence && h->nlmsg_type == t->family)
				note_epoch(h);
		}
	}
}

static void bytes(struct af_thread *t, struct message *m)
{
	size_t len = af_below(&t->rng, 200), i;

	for (i = 0; i < len; i++)
		m->body[i] = af_next(&t->rng);
	m->h.nlmsg_len = sizeof(m->h) + sizeof(m->g) + len;
	m->g.cmd = af_below(&t->rng, NPMU_CMD_MAX + 3);
}

void af_netlink(struct af_thread *t)
{
	const struct request *r = some_request(t);
	enum af_op op = r->op;
	bool list = r->cmd & DUMP;
	struct message m = {
		.h = { .nlmsg_len = sizeof(m.h) + sizeof(m.g), .nlmsg_type = t->family,
		       .nlmsg_flags = NLM_F_REQUEST | (list ? NLM_F_DUMP : NLM_F_ACK) },
		.g = { .cmd = r->cmd & ~DUMP, .version = NPMU_FAMILY_VERSION },
	};
	int ret, i;

	if (t->netlink < 0 && af_netlink_open(t))
		return;
	for (i = 0; i < 9 && r->attrs[i].attr; i++)
		if (r->attrs[i].always || af_one_in(&t->rng, 3))
			put_value(t, &m, r->attrs[i].attr, r->attrs[i].value);
	if (af_one_in(&t->rng, 12)) {
		bytes(t, &m);
		op = AF_RAW_NETLINK;
	}
	if (af_one_in(&t->rng, 4))
		spoil(t, &m);
	/* Without this no answer would come to some. */
	m.h.nlmsg_flags |= NLM_F_REQUEST;
	if ((m.h.nlmsg_flags & NLM_F_DUMP) == NLM_F_DUMP)
		m.h.nlmsg_flags &= ~NLM_F_ACK;
	else
		m.h.nlmsg_flags |= NLM_F_ACK;
	m.h.nlmsg_type = t->family;
	m.h.nlmsg_seq = 1;
	ret = send(t->netlink, &m, m.h.nlmsg_len, 0) < 0 ? -errno :
	      receive(t, m.g.cmd == NPMU_CMD_REGION_FENCE);
	if (m.g.cmd != (r->cmd & ~DUMP))
		op = AF_RAW_NETLINK;
	af_count(op, ret);
	if (op == AF_UNIT_DETACH && !ret)
		t->formats = 3;
	/* The socket may be out of step, or not be one any more. */
	if (ret == -EBADF || ret == -ENOTSOCK || ret == -EAGAIN || af_one_in(&t->rng, 50)) {
		if (ret != -EBADF && ret != -ENOTSOCK)
			close(t->netlink);
		t->netlink = -1;
	}
}

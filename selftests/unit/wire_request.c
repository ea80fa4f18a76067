// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What clients send: each message as it must be, and then with every single thing wrong
 * that can be. See drivers/npmu/rdma/msg.h.
 */
#include <stdlib.h>

#include "rdma/msg.h"
#include "tap.h"

union message {
	struct npmu_wire_header header;
	struct npmu_wire_auth_begin begin;
	struct npmu_wire_open open;
	struct npmu_wire_commit commit;
	struct npmu_wire_create create;
	struct npmu_wire_reader_attach attach;
	struct npmu_wire_reader_detach detach;
	u8 bytes[NPMU_WIRE_MSG_SIZE + 64];
};

static const struct {
	u16 type;
	size_t len;
} requests[] = {
	{ NPMU_WIRE_AUTH_BEGIN, sizeof(struct npmu_wire_auth_begin) },
	{ NPMU_WIRE_AUTH_PROVE, sizeof(struct npmu_wire_auth_prove) },
	{ NPMU_WIRE_OPEN, sizeof(struct npmu_wire_open) },
	{ NPMU_WIRE_CLAIM, sizeof(struct npmu_wire_header) },
	{ NPMU_WIRE_TAKEOVER, sizeof(struct npmu_wire_takeover) },
	{ NPMU_WIRE_RESIGN, sizeof(struct npmu_wire_header) },
	{ NPMU_WIRE_COMMIT, sizeof(struct npmu_wire_commit) + 2 * sizeof(struct npmu_wire_range) },
	{ NPMU_WIRE_KICK, sizeof(struct npmu_wire_header) },
	{ NPMU_WIRE_WATCH, sizeof(struct npmu_wire_watch) },
	{ NPMU_WIRE_CREATE, sizeof(struct npmu_wire_create) },
	{ NPMU_WIRE_READER_ATTACH, sizeof(struct npmu_wire_reader_attach) },
	{ NPMU_WIRE_READER_ACK, sizeof(struct npmu_wire_reader_ack) },
	{ NPMU_WIRE_READER_DETACH, sizeof(struct npmu_wire_reader_detach) },
};

#define NR_REQUESTS	(sizeof(requests) / sizeof(requests[0]))

_Static_assert(NPMU_WIRE_TYPES - 1 == sizeof(requests) / sizeof(requests[0]),
	       "a request without a test");

static void make(union message *m, u16 type, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->header.type = cpu_to_le16(type);
	m->header.length = cpu_to_le16((u16)len);
	m->header.request = cpu_to_le32(7);
	if (type == NPMU_WIRE_AUTH_BEGIN) {
		memcpy(m->begin.principal, "alice", 5);
	} else if (type == NPMU_WIRE_OPEN) {
		memcpy(m->open.unit, "u", 1);
		memcpy(m->open.region, "r", 1);
		m->open.access = cpu_to_le32(NPMU_WIRE_READ);
	} else if (type == NPMU_WIRE_COMMIT) {
		m->commit.nr_ranges = cpu_to_le32(2);
		m->commit.ranges[0].length = cpu_to_le64(8);
		m->commit.ranges[1].length = cpu_to_le64(1);
	} else if (type == NPMU_WIRE_CREATE) {
		memcpy(m->create.unit, "u", 1);
		memcpy(m->create.region, "r", 1);
		m->create.size = cpu_to_le64(1);
	} else if (type == NPMU_WIRE_READER_ATTACH) {
		memcpy(m->attach.name, "me", 2);
	}
}

/* In memory of its own size, so that a look past the end is found. */
static u32 judge(const union message *m, size_t len)
{
	void *copy = malloc(len ? len : 1);
	u32 verdict;

	memcpy(copy, m, len);
	verdict = npmu_msg_request(copy, len);
	free(copy);
	return verdict;
}

static void request__as_it_must_be_is_taken(void)
{
	union message m;
	size_t i;

	for (i = 0; i < NR_REQUESTS; i++) {
		make(&m, requests[i].type, requests[i].len);
		CHECK(!judge(&m, requests[i].len), "type %u", requests[i].type);
	}
}

static void request__of_any_other_length_is_refused(void)
{
	union message m;
	size_t i, len;

	for (i = 0; i < NR_REQUESTS; i++)
		for (len = 0; len < 600; len++) {
			if (len == requests[i].len)
				continue;
			/* What came is of another length than what it says. */
			make(&m, requests[i].type, requests[i].len);
			CHECK(judge(&m, len) == NPMU_WIRE_E_MALFORMED, "type %u, came %zu",
			      requests[i].type, len);
			/* Both are, alike. */
			make(&m, requests[i].type, len);
			CHECK(judge(&m, len) == NPMU_WIRE_E_MALFORMED, "type %u, length %zu",
			      requests[i].type, len);
		}
}

static void request__longer_than_a_buffer_is_refused(void)
{
	union message m;

	make(&m, NPMU_WIRE_COMMIT, NPMU_WIRE_MSG_SIZE + 16);
	CHECK(judge(&m, NPMU_WIRE_MSG_SIZE + 16) == NPMU_WIRE_E_MALFORMED, "taken");
}

static void request__of_an_unknown_type_is_refused(void)
{
	union message m;
	unsigned int type;
	size_t i;

	for (type = 0; type <= 0xffff; type++) {
		for (i = 0; i < NR_REQUESTS && requests[i].type != type; i++)
			;
		if (i < NR_REQUESTS)
			continue;
		make(&m, (u16)type, sizeof(m.header));
		CHECK(judge(&m, sizeof(m.header)) == NPMU_WIRE_E_MALFORMED, "type %u", type);
	}
}

static void header__wrong_is_refused(void)
{
	union message m;
	size_t i;

	for (i = 0; i < NR_REQUESTS; i++) {
		make(&m, requests[i].type, requests[i].len);
		m.header.request = 0;
		CHECK(judge(&m, requests[i].len), "type %u without a number", requests[i].type);
		make(&m, requests[i].type, requests[i].len);
		m.header.status = cpu_to_le32(1);
		CHECK(judge(&m, requests[i].len), "type %u with a status", requests[i].type);
		make(&m, requests[i].type, requests[i].len);
		m.header.reserved = cpu_to_le32(0x80000000);
		CHECK(judge(&m, requests[i].len), "type %u with reserved bits", requests[i].type);
	}
}

static void name__empty_open_or_padded_wrong_is_refused(void)
{
	union message m;

	make(&m, NPMU_WIRE_AUTH_BEGIN, sizeof(m.begin));
	memset(m.begin.principal, 0, sizeof(m.begin.principal));
	CHECK(judge(&m, sizeof(m.begin)), "an empty principal");
	memset(m.begin.principal, 'a', sizeof(m.begin.principal));
	CHECK(judge(&m, sizeof(m.begin)), "a principal without an end");
	make(&m, NPMU_WIRE_AUTH_BEGIN, sizeof(m.begin));
	m.begin.principal[31] = 'x';
	CHECK(judge(&m, sizeof(m.begin)), "bytes behind the principal");
	make(&m, NPMU_WIRE_OPEN, sizeof(m.open));
	m.open.unit[0] = 0;
	CHECK(judge(&m, sizeof(m.open)), "no unit");
	make(&m, NPMU_WIRE_OPEN, sizeof(m.open));
	m.open.region[63] = 'x';
	CHECK(judge(&m, sizeof(m.open)), "bytes behind the region");
}

static void open__access_must_be_known(void)
{
	static const struct { u32 access; bool ok; } table[] = {
		{ 0, false }, { NPMU_WIRE_READ, true }, { NPMU_WIRE_WRITE, false },
		{ NPMU_WIRE_READ | NPMU_WIRE_WRITE, true }, { NPMU_WIRE_READ | 8, false },
		{ NPMU_WIRE_READ | NPMU_WIRE_WRITE | NPMU_WIRE_TELL, true }, { NPMU_WIRE_TELL, false },
		{ 0x80000001, false },
	};
	union message m;
	size_t i;

	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		make(&m, NPMU_WIRE_OPEN, sizeof(m.open));
		m.open.access = cpu_to_le32(table[i].access);
		CHECK(!judge(&m, sizeof(m.open)) == table[i].ok, "access %x", table[i].access);
	}
}

static void create__without_name_or_size_is_refused(void)
{
	union message m;

#define BAD(change, what) do {						\
	make(&m, NPMU_WIRE_CREATE, sizeof(m.create));			\
	change;								\
	CHECK(judge(&m, sizeof(m.create)), what);			\
} while (0)
	BAD(m.create.unit[0] = 0, "no unit");
	BAD(m.create.region[0] = 0, "no region");
	BAD(m.create.region[63] = 'x', "bytes behind the region");
	BAD(m.create.unit[31] = 'x', "bytes behind the unit");
	BAD(m.create.size = 0, "nothing");
#undef BAD
}

static void reader__message_is_judged(void)
{
	union message m;

#define BAD(change, what) do {						\
	make(&m, NPMU_WIRE_READER_ATTACH, sizeof(m.attach));		\
	change;								\
	CHECK(judge(&m, sizeof(m.attach)), what);			\
} while (0)
	BAD(m.attach.flags = cpu_to_le32(2), "an unknown flag");
	BAD(m.attach.reserved = cpu_to_le32(1), "reserved bits");
	BAD(m.attach.name[0] = 0, "no name");
	BAD(m.attach.name[15] = 'x', "bytes behind the name");
	BAD(memset(m.attach.name, 'x', sizeof(m.attach.name)), "a name without an end");
#undef BAD
	make(&m, NPMU_WIRE_READER_ATTACH, sizeof(m.attach));
	m.attach.flags = cpu_to_le32(NPMU_WIRE_READER_CREATE);
	CHECK(!judge(&m, sizeof(m.attach)), "to make one");
	make(&m, NPMU_WIRE_READER_DETACH, sizeof(m.detach));
	CHECK(!judge(&m, sizeof(m.detach)), "of one's own");
	memcpy(m.detach.name, "me", 2);
	CHECK(!judge(&m, sizeof(m.detach)), "by name");
	m.detach.name[8] = 'x';
	CHECK(judge(&m, sizeof(m.detach)), "bytes behind the name");
}

static size_t commit_of(union message *m, u32 nr)
{
	size_t len = sizeof(m->commit) + nr * sizeof(m->commit.ranges[0]);
	u32 i;

	make(m, NPMU_WIRE_COMMIT, len);
	m->commit.nr_ranges = cpu_to_le32(nr);
	for (i = 0; i < nr; i++)
		m->commit.ranges[i].length = cpu_to_le64(1);
	return len;
}

static void commit__must_be_consistent(void)
{
	union message m;
	size_t len;

	len = commit_of(&m, NPMU_WIRE_MAX_RANGES);
	CHECK(!judge(&m, len), "as many ranges as there may be");
	len = commit_of(&m, NPMU_WIRE_MAX_RANGES + 1);
	CHECK(judge(&m, len), "one more");
	len = commit_of(&m, 0);
	CHECK(judge(&m, len), "nothing to do");
	m.commit.flags = cpu_to_le32(NPMU_WIRE_COMMIT_WORD);
	CHECK(!judge(&m, len), "a word alone");
	m.commit.word_offset = cpu_to_le64(4);
	CHECK(judge(&m, len), "a word that is not aligned");
	len = commit_of(&m, 1);
	m.commit.flags = cpu_to_le32(NPMU_WIRE_COMMIT_SEEN);
	CHECK(!judge(&m, len), "what was seen");
	m.commit.flags = cpu_to_le32(NPMU_WIRE_COMMIT_SEEN | NPMU_WIRE_COMMIT_KICK);
	CHECK(judge(&m, len), "what was seen, and more");
	m.commit.flags = cpu_to_le32(8);
	CHECK(judge(&m, len), "an unknown flag");
	len = commit_of(&m, 1);
	m.commit.word = cpu_to_le64(1);
	CHECK(judge(&m, len), "a word that is not to be stored");
	len = commit_of(&m, 1);
	m.commit.word_offset = cpu_to_le64(8);
	CHECK(judge(&m, len), "a place for no word");
	len = commit_of(&m, 2);
	m.commit.ranges[1].length = 0;
	CHECK(judge(&m, len), "an empty range");
	len = commit_of(&m, 2);
	m.commit.nr_ranges = cpu_to_le32(0x10000002);
	CHECK(judge(&m, len), "a number of ranges whose size wraps");
}

static void hello__is_judged(void)
{
	struct npmu_wire_hello good = {
		.magic = cpu_to_le32(NPMU_WIRE_MAGIC),
		.length = cpu_to_le16(sizeof(good)),
		.version = cpu_to_le16(NPMU_WIRE_VERSION),
	};
	u8 padded[56] = { 0 };
	struct npmu_wire_hello h;

	CHECK(!npmu_msg_hello(&good, sizeof(good)), "a good one");
	memcpy(padded, &good, sizeof(good));
	CHECK(!npmu_msg_hello(padded, sizeof(padded)), "a padded one");
	padded[55] = 1;
	CHECK(npmu_msg_hello(padded, sizeof(padded)) == NPMU_REFUSED_RESERVED, "bytes behind");
	CHECK(npmu_msg_hello(&good, sizeof(good) - 1) == NPMU_REFUSED_LENGTH, "too short");
	CHECK(npmu_msg_hello(NULL, 0) == NPMU_REFUSED_LENGTH, "none");
	h = good;
	h.length = cpu_to_le16(64);
	CHECK(npmu_msg_hello(&h, sizeof(h)) == NPMU_REFUSED_LENGTH, "another length");
	h = good;
	h.magic ^= 1;
	CHECK(npmu_msg_hello(&h, sizeof(h)) == NPMU_REFUSED_MAGIC, "another magic");
	h = good;
	h.version = 0;
	CHECK(npmu_msg_hello(&h, sizeof(h)) == NPMU_REFUSED_VERSION, "version 0");
	h.version = cpu_to_le16(NPMU_WIRE_VERSION + 1);
	CHECK(!npmu_msg_hello(&h, sizeof(h)), "a newer one, which can speak ours");
	h = good;
	h.reserved[23] = 1;
	CHECK(npmu_msg_hello(&h, sizeof(h)) == NPMU_REFUSED_RESERVED, "reserved bytes");
}

int main(void)
{
	TAP_RUN(request__as_it_must_be_is_taken);
	TAP_RUN(request__of_any_other_length_is_refused);
	TAP_RUN(request__longer_than_a_buffer_is_refused);
	TAP_RUN(request__of_an_unknown_type_is_refused);
	TAP_RUN(header__wrong_is_refused);
	TAP_RUN(name__empty_open_or_padded_wrong_is_refused);
	TAP_RUN(open__access_must_be_known);
	TAP_RUN(create__without_name_or_size_is_refused);
	TAP_RUN(reader__message_is_judged);
	TAP_RUN(commit__must_be_consistent);
	TAP_RUN(hello__is_judged);
	return tap_end();
}

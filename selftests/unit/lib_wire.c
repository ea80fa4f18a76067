// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What a unit sends, as the library judges it: a hostile unit is believed nothing.
 */
#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "rdma_wire.h"
#include "tap.h"

union message {
	struct npmu_wire_header header;
	struct npmu_wire_opened opened;
	struct npmu_wire_claimed claimed;
	struct npmu_wire_created created;
	struct npmu_wire_reader_attached attached;
	uint8_t bytes[NPMU_WIRE_MSG_SIZE];
};

#define PM	0x100000200000ULL
#define PIECE	0x40000000ULL

/* In memory of its own size, so that a look past the end is found. */
static uint32_t judge(const union message *m, size_t len, uint16_t type, uint32_t request)
{
	void *copy = malloc(len ? len : 1);
	uint32_t verdict;

	memcpy(copy, m, len);
	verdict = npmu_wire_answer(copy, len, type, request);
	free(copy);
	return verdict;
}

static void header(union message *m, uint16_t type, size_t len)
{
	memset(m, 0, sizeof(*m));
	m->header.type = htole16(type);
	m->header.length = htole16((uint16_t)len);
	m->header.request = htole32(7);
}

static void keys(struct npmu_wire_key *key, uint32_t nr)
{
	uint32_t i;

	for (i = 0; i < nr; i++) {
		key[i].address = htole64(PM + i * PIECE);
		key[i].length = htole64(PIECE);
		key[i].rkey = htole32(i + 1);
		key[i].access = htole32(NPMU_WIRE_READ);
	}
}

static size_t opened(union message *m, uint32_t nr)
{
	size_t len = sizeof(m->opened) + nr * sizeof(m->opened.keys[0]);

	header(m, NPMU_WIRE_OPEN | NPMU_WIRE_ANSWER, len);
	m->opened.pm_address = htole64(PM);
	m->opened.offset = htole64(4096);
	m->opened.length = htole64(nr * PIECE);
	m->opened.region_size = htole64(nr * PIECE + 4096);
	m->opened.nr_keys = htole32(nr);
	keys(m->opened.keys, nr);
	return len;
}

static void opened__as_it_must_be_is_taken(void)
{
	union message m;
	size_t len;

	len = opened(&m, 1);
	CHECK(!judge(&m, len, NPMU_WIRE_OPEN, 7), "one key");
	len = opened(&m, NPMU_WIRE_MAX_KEYS);
	CHECK(!judge(&m, len, NPMU_WIRE_OPEN, 7), "as many as there may be");
}

static void opened__hostile_is_refused(void)
{
	union message m;
	size_t whole = opened(&m, 2);
	size_t len, i;

#define BAD(change, what) do {						\
	len = opened(&m, 2);						\
	change;								\
	CHECK(judge(&m, len, NPMU_WIRE_OPEN, 7) == NPMU_WIRE_E_MALFORMED, what); \
} while (0)
	BAD(m.opened.keys[1].address = htole64(PM + PIECE + 8), "a gap");
	BAD(m.opened.keys[1].address = htole64(PM), "an overlap");
	BAD(m.opened.keys[0].address = htole64(PM + 8), "a start elsewhere");
	BAD(m.opened.keys[1].length = 0, "an empty key");
	BAD(m.opened.keys[1].length = htole64(~0ULL), "a length that wraps");
	BAD(m.opened.keys[1].length = htole64(PIECE - 1), "less than is granted");
	BAD(m.opened.keys[1].access = 0, "a key for nothing");
	BAD(m.opened.keys[1].access = htole32(9), "unknown access");
	BAD(m.opened.nr_keys = htole32(3), "more keys than came");
	BAD(m.opened.nr_keys = htole32(0x10000002), "a number whose size wraps");
	BAD(m.opened.length = 0, "nothing granted");
	BAD(m.opened.offset = htole64(2 * PIECE + 4097), "an offset behind the end");
	BAD(m.opened.offset = htole64(~0ULL), "an offset that wraps");
	BAD(m.opened.region_size = htole64(PIECE), "a grant that is longer than the region");
	BAD(m.header.reserved = 1, "reserved bits");
	BAD(m.header.request = htole32(8), "the answer to another request");
	BAD(m.header.type = htole16(NPMU_WIRE_CLAIM | NPMU_WIRE_ANSWER), "another type");
	BAD(m.header.type = htole16(NPMU_WIRE_OPEN), "a request");
	for (i = 0; i < 200; i++)
		BAD(len = i + (i >= whole); m.header.length = htole16((uint16_t)len),
		    "another length");
#undef BAD
}

static void error__is_the_header_alone(void)
{
	union message m;

	header(&m, NPMU_WIRE_OPEN | NPMU_WIRE_ANSWER, sizeof(m.header));
	m.header.status = htole32(NPMU_WIRE_E_STALE);
	CHECK(judge(&m, sizeof(m.header), NPMU_WIRE_OPEN, 7) == NPMU_WIRE_E_STALE, "not told");
	m.header.length = htole16(sizeof(m.header) + 8);
	CHECK(judge(&m, sizeof(m.header) + 8, NPMU_WIRE_OPEN, 7) == NPMU_WIRE_E_MALFORMED,
	      "an error with something behind it");
}

static void claimed__is_judged(void)
{
	union message m;
	size_t len = sizeof(m.claimed) + sizeof(m.claimed.keys[0]);

	header(&m, NPMU_WIRE_CLAIM | NPMU_WIRE_ANSWER, len);
	m.claimed.nr_keys = htole32(1);
	keys(m.claimed.keys, 1);
	CHECK(!judge(&m, len, NPMU_WIRE_CLAIM, 7), "a good one");
	m.claimed.reserved = htole32(1);
	CHECK(judge(&m, len, NPMU_WIRE_CLAIM, 7), "reserved bits");
	m.claimed.reserved = 0;
	m.claimed.nr_keys = 0;
	CHECK(judge(&m, len, NPMU_WIRE_CLAIM, 7), "a key that is not counted");
}

static void created__is_judged(void)
{
	union message m;
	size_t len = sizeof(m.created);

	header(&m, NPMU_WIRE_CREATE | NPMU_WIRE_ANSWER, len);
	CHECK(judge(&m, len, NPMU_WIRE_CREATE, 7), "a region of no bytes");
	m.created.size = htole64(4096);
	CHECK(!judge(&m, len, NPMU_WIRE_CREATE, 7), "a good one");
	m.header.length = htole16((uint16_t)(len - 8));
	CHECK(judge(&m, len - 8, NPMU_WIRE_CREATE, 7), "too short");
}

static void attached__is_judged(void)
{
	union message m;
	size_t len = sizeof(m.attached);

	header(&m, NPMU_WIRE_READER_ATTACH | NPMU_WIRE_ANSWER, len);
	m.attached.slot = htole32(NPMU_CKPT_NR_READERS - 1);
	CHECK(!judge(&m, len, NPMU_WIRE_READER_ATTACH, 7), "a good one");
	m.attached.reserved = htole32(1);
	CHECK(judge(&m, len, NPMU_WIRE_READER_ATTACH, 7), "reserved bits");
	m.attached.reserved = 0;
	m.attached.slot = htole32(NPMU_CKPT_NR_READERS);
	CHECK(judge(&m, len, NPMU_WIRE_READER_ATTACH, 7), "a place that is not there");
}

static void notice__has_no_number(void)
{
	union message m;
	size_t len = sizeof(struct npmu_wire_changed);

	header(&m, NPMU_WIRE_CHANGED, len);
	CHECK(judge(&m, len, NPMU_WIRE_CHANGED, 0), "a notice with a number");
	m.header.request = 0;
	CHECK(!judge(&m, len, NPMU_WIRE_CHANGED, 0), "a good one");
	m.header.status = htole32(1);
	CHECK(judge(&m, len, NPMU_WIRE_CHANGED, 0) == NPMU_WIRE_E_MALFORMED, "with a status");
	len = sizeof(m.header);
	header(&m, NPMU_WIRE_KICK_WANTED, len);
	CHECK(judge(&m, len, NPMU_WIRE_KICK_WANTED, 0), "a kick is wanted, with a number");
	m.header.request = 0;
	CHECK(!judge(&m, len, NPMU_WIRE_KICK_WANTED, 0), "a kick is wanted");
	header(&m, NPMU_WIRE_KICK_WANTED, len + 8);
	m.header.request = 0;
	CHECK(judge(&m, len + 8, NPMU_WIRE_KICK_WANTED, 0), "too long");
}

static void welcome__is_judged(void)
{
	struct npmu_wire_welcome good = {
		.magic = htole32(NPMU_WIRE_MAGIC),
		.length = htole16(sizeof(good)),
		.version = htole16(NPMU_WIRE_VERSION),
	};
	struct npmu_wire_welcome w = good;

	CHECK(!npmu_wire_welcome(&good, sizeof(good)), "a good one");
	CHECK(npmu_wire_welcome(&good, 31) == NPMU_REFUSED_LENGTH, "too short");
	w.version = htole16(NPMU_WIRE_VERSION + 1);
	CHECK(npmu_wire_welcome(&w, sizeof(w)) == NPMU_REFUSED_VERSION, "a version of its own");
	w = good;
	w.magic = 0;
	CHECK(npmu_wire_welcome(&w, sizeof(w)) == NPMU_REFUSED_MAGIC, "no magic");
	w = good;
	w.reserved[0] = 1;
	CHECK(npmu_wire_welcome(&w, sizeof(w)) == NPMU_REFUSED_RESERVED, "reserved bytes");
}

int main(void)
{
	TAP_RUN(opened__as_it_must_be_is_taken);
	TAP_RUN(opened__hostile_is_refused);
	TAP_RUN(error__is_the_header_alone);
	TAP_RUN(claimed__is_judged);
	TAP_RUN(created__is_judged);
	TAP_RUN(attached__is_judged);
	TAP_RUN(notice__has_no_number);
	TAP_RUN(welcome__is_judged);
	return tap_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target over what reads messages of the wire: the module's judge of requests and
 * greetings, the library's of answers and notices.
 *
 * Input: what it is to be (F_FIT: with a length that fits, as a stranger can always do),
 * then the message. What is taken must keep the promises of msg.h and rdma_wire.h.
 */
#include <endian.h>
#include <string.h>

#include "fuzz.h"
#include "rdma/msg.h"
#include "rdma_wire.h"

#define F_FIT	0x80

enum { REQUEST, HELLO, WELCOME, NOTICE, ANSWERS };

static bool ends_in_zeros(const uint8_t *name, size_t room)
{
	size_t len = strnlen((const char *)name, room);

	while (len < room)
		if (name[len++])
			return false;
	return name[0] && !name[room - 1];
}

static void use_request(const void *buf, size_t len)
{
	const struct npmu_wire_header *header = buf;
	const struct npmu_wire_commit *commit = buf;
	const struct npmu_wire_reader_attach *attach = buf;
	const struct npmu_wire_create *create = buf;
	const struct npmu_wire_open *open = buf;
	uint32_t i;

	if (npmu_msg_request(buf, len))
		return;
	MUST(le16toh(header->length) == len && header->request && !header->status);
	switch (le16toh(header->type)) {
	case NPMU_WIRE_AUTH_BEGIN:
		MUST(len == sizeof(struct npmu_wire_auth_begin));
		MUST(ends_in_zeros(((const struct npmu_wire_auth_begin *)buf)->principal,
				   NPMU_PRINCIPAL_LEN));
		break;
	case NPMU_WIRE_OPEN:
		MUST(ends_in_zeros(open->unit, sizeof(open->unit)));
		MUST(ends_in_zeros(open->region, sizeof(open->region)));
		break;
	case NPMU_WIRE_COMMIT:
		MUST(len >= sizeof(*commit));
		for (i = 0; i < le32toh(commit->nr_ranges); i++) {
			/* Within the message. */
			MUST((const char *)&commit->ranges[i + 1] <= (const char *)buf + len);
			MUST(commit->ranges[i].length);
		}
		break;
	case NPMU_WIRE_CREATE:
		MUST(ends_in_zeros(create->unit, sizeof(create->unit)));
		MUST(ends_in_zeros(create->region, sizeof(create->region)));
		MUST(create->size);
		break;
	case NPMU_WIRE_READER_ATTACH:
		MUST(ends_in_zeros(attach->name, sizeof(attach->name)));
		break;
	default:
		MUST(le16toh(header->type) && le16toh(header->type) < NPMU_WIRE_TYPES);
	}
}

static void use_keys(const struct npmu_wire_key *keys, uint32_t nr, const void *end)
{
	uint32_t i;

	MUST(nr <= NPMU_WIRE_MAX_KEYS && (const void *)(keys + nr) <= end);
	for (i = 0; i < nr; i++) {
		uint64_t start = le64toh(keys[i].address), length = le64toh(keys[i].length);

		MUST(length && start + length >= start);
		MUST(!i || start == le64toh(keys[i - 1].address) + le64toh(keys[i - 1].length));
	}
}

static void use_answer(const void *buf, size_t len, uint16_t type)
{
	const struct npmu_wire_claimed *claimed = buf;
	const struct npmu_wire_opened *opened = buf;
	const char *end = (const char *)buf + len;

	if (npmu_wire_answer(buf, len, type, type & 0x4000 ? 0 : 7))
		return;
	if (type == NPMU_WIRE_OPEN) {
		MUST(le64toh(opened->offset) + le64toh(opened->length) <=
		     le64toh(opened->region_size));
		use_keys(opened->keys, le32toh(opened->nr_keys), end);
	} else if (type == NPMU_WIRE_CLAIM || type == NPMU_WIRE_TAKEOVER ||
		   type == NPMU_WIRE_RESIGN) {
		use_keys(claimed->keys, le32toh(claimed->nr_keys), end);
	} else if (type == NPMU_WIRE_READER_ATTACH) {
		MUST(le32toh(((const struct npmu_wire_reader_attached *)buf)->slot) <
		     NPMU_CKPT_NR_READERS);
	} else if (type == NPMU_WIRE_CHANGED || type == NPMU_WIRE_WATCH) {
		MUST(len == sizeof(struct npmu_wire_changed));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	unsigned int what;
	char *buf;

	if (!len || len > NPMU_WIRE_MSG_SIZE + 64)
		return 0;
	what = (data[0] & ~F_FIT) % (ANSWERS + NPMU_WIRE_TYPES);
	len--;
	/* Of its own size, and aligned as a buffer is. */
	buf = malloc(len ? len : 1);
	memcpy(buf, data + 1, len);
	if (data[0] & F_FIT && len >= sizeof(struct npmu_wire_header)) {
		struct npmu_wire_header *header = (void *)buf;
		struct npmu_wire_hello *hello = (void *)buf;

		if (what == HELLO || what == WELCOME) {
			hello->magic = htole32(NPMU_WIRE_MAGIC);
			hello->length = htole16(sizeof(*hello));
		} else {
			header->length = htole16((uint16_t)len);
			header->request = what == NOTICE ? 0 : htole32(7);
			header->status = 0;
			header->reserved = 0;
			if (what > NOTICE)
				header->type = htole16((uint16_t)((what - ANSWERS) |
								  NPMU_WIRE_ANSWER));
		}
	}
	if (what == REQUEST)
		use_request(buf, len);
	else if (what == HELLO)
		MUST(npmu_msg_hello(buf, len) || len >= sizeof(struct npmu_wire_hello));
	else if (what == WELCOME)
		MUST(npmu_wire_welcome(buf, len) || len >= sizeof(struct npmu_wire_welcome));
	else
		use_answer(buf, len, what == NOTICE ? NPMU_WIRE_CHANGED : (uint16_t)(what - ANSWERS));
	free(buf);
	return 0;
}

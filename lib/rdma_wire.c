// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * What a unit sends: which bytes are a message at all. Pure; believes no field before its
 * length and its type are right.
 */
#include <endian.h>
#include <stdbool.h>
#include <string.h>

#include "rdma_wire.h"

uint32_t npmu_wire_welcome(const void *buf, size_t len)
{
	const struct npmu_wire_welcome *welcome = buf;
	const uint8_t *p = buf;
	size_t i;

	if (len < sizeof(*welcome) || le16toh(welcome->length) != sizeof(*welcome))
		return NPMU_REFUSED_LENGTH;
	if (le32toh(welcome->magic) != NPMU_WIRE_MAGIC)
		return NPMU_REFUSED_MAGIC;
	for (i = offsetof(struct npmu_wire_welcome, reserved); i < len; i++)
		if (p[i])
			return NPMU_REFUSED_RESERVED;
	return le16toh(welcome->version) == NPMU_WIRE_VERSION ? 0 : NPMU_REFUSED_VERSION;
}

static bool header_ok(const struct npmu_wire_header *header, size_t len)
{
	return len >= sizeof(*header) && len <= NPMU_WIRE_MSG_SIZE &&
	       le16toh(header->length) == len && !header->reserved;
}

/* Keys that follow one another from @address on, without a gap, and end where they must. */
static bool keys_ok(const struct npmu_wire_key *keys, uint32_t nr, uint64_t room)
{
	uint64_t address;
	uint32_t i;

	if (nr > NPMU_WIRE_MAX_KEYS || room != nr * sizeof(*keys))
		return false;
	address = nr ? le64toh(keys[0].address) : 0;
	for (i = 0; i < nr; i++) {
		uint64_t length = le64toh(keys[i].length);
		uint32_t access = le32toh(keys[i].access);

		if (le64toh(keys[i].address) != address || !length ||
		    length > UINT64_MAX - address)
			return false;
		if (!(access & NPMU_WIRE_READ) || access & ~(NPMU_WIRE_READ | NPMU_WIRE_WRITE))
			return false;
		address += length;
	}
	return true;
}

static uint64_t keys_length(const struct npmu_wire_key *keys, uint32_t nr)
{
	uint64_t length = 0;

	while (nr--)
		length += le64toh(keys[nr].length);
	return length;
}

static bool opened_ok(const struct npmu_wire_opened *opened, size_t len)
{
	uint64_t size, offset, length;
	uint32_t nr;

	if (len < sizeof(*opened))
		return false;
	size = le64toh(opened->region_size);
	offset = le64toh(opened->offset);
	length = le64toh(opened->length);
	nr = le32toh(opened->nr_keys);
	if (!length || offset > size || length > size - offset)
		return false;
	return keys_ok(opened->keys, nr, len - sizeof(*opened)) &&
	       nr && opened->keys[0].address == opened->pm_address &&
	       keys_length(opened->keys, nr) == length;
}

static bool claimed_ok(const struct npmu_wire_claimed *claimed, size_t len)
{
	return len >= sizeof(*claimed) && !claimed->reserved && keys_ok(claimed->keys, le32toh(claimed->nr_keys), len - sizeof(*claimed));
}

static bool created_ok(const struct npmu_wire_created *created, size_t len)
{
	return len == sizeof(*created) && created->size;
}

static bool attached_ok(const struct npmu_wire_reader_attached *attached, size_t len)
{
	return len == sizeof(*attached) && !attached->reserved &&
	       le32toh(attached->slot) < NPMU_CKPT_NR_READERS;
}

uint32_t npmu_wire_answer(const void *buf, size_t len, uint16_t type, uint32_t request)
{
	const struct npmu_wire_header *header = buf;
	bool notice = type == NPMU_WIRE_CHANGED || type == NPMU_WIRE_KICK_WANTED;
	bool ok;
	uint32_t status;

	if (!header_ok(header, len) || le32toh(header->request) != request ||
	    le16toh(header->type) != (notice ? type : (type | NPMU_WIRE_ANSWER)))
		return NPMU_WIRE_E_MALFORMED;
	status = le32toh(header->status);
	if (status)
		return len == sizeof(*header) && !notice ? status : NPMU_WIRE_E_MALFORMED;

	switch (type) {
	case NPMU_WIRE_AUTH_BEGIN:
		ok = len == sizeof(struct npmu_wire_auth_begun);
		break;
	case NPMU_WIRE_OPEN:
		ok = opened_ok(buf, len);
		break;
	case NPMU_WIRE_CLAIM:
	case NPMU_WIRE_TAKEOVER:
	case NPMU_WIRE_RESIGN:
		ok = claimed_ok(buf, len);
		break;
	case NPMU_WIRE_CREATE:
		ok = created_ok(buf, len);
		break;
	case NPMU_WIRE_READER_ATTACH:
		ok = attached_ok(buf, len);
		break;
	case NPMU_WIRE_WATCH:
	case NPMU_WIRE_CHANGED:
		ok = len == sizeof(struct npmu_wire_changed);
		break;
	default:
		ok = len == sizeof(*header);
	}
	return ok ? NPMU_WIRE_OK : NPMU_WIRE_E_MALFORMED;
}

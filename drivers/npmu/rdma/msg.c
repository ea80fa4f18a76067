// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which bytes are a message: length and type first, then every field that can be
 * judged without knowing who sent it. See msg.h.
 */
#include "msg.h"

static_assert(sizeof(struct npmu_wire_hello) == 32, "wire");
static_assert(sizeof(struct npmu_wire_welcome) == 32, "wire");
static_assert(sizeof(struct npmu_wire_refusal) == 32, "wire");
static_assert(sizeof(struct npmu_wire_header) == 16, "wire");
static_assert(sizeof(struct npmu_wire_auth_begin) == 80, "wire");
static_assert(sizeof(struct npmu_wire_auth_begun) == 80, "wire");
static_assert(sizeof(struct npmu_wire_auth_prove) == 48, "wire");
static_assert(sizeof(struct npmu_wire_transcript) == 176, "wire");
static_assert(sizeof(struct npmu_wire_open) == 120, "wire");
static_assert(sizeof(struct npmu_wire_key) == 24, "wire");
static_assert(sizeof(struct npmu_wire_opened) == 112, "wire");
static_assert(sizeof(struct npmu_wire_takeover) == 24, "wire");
static_assert(sizeof(struct npmu_wire_claimed) == 32, "wire");
static_assert(sizeof(struct npmu_wire_range) == 16, "wire");
static_assert(sizeof(struct npmu_wire_commit) == 40, "wire");
static_assert(sizeof(struct npmu_wire_watch) == 32, "wire");
static_assert(sizeof(struct npmu_wire_changed) == 56, "wire");
static_assert(sizeof(struct npmu_wire_create) == 120, "wire");
static_assert(sizeof(struct npmu_wire_created) == 40, "wire");
static_assert(sizeof(struct npmu_wire_reader_attach) == 56, "wire");
static_assert(sizeof(struct npmu_wire_reader_attached) == 32, "wire");
static_assert(sizeof(struct npmu_wire_reader_ack) == 24, "wire");
static_assert(sizeof(struct npmu_wire_reader_detach) == 32, "wire");
static_assert(sizeof(struct npmu_wire_opened) +
	      NPMU_WIRE_MAX_KEYS * sizeof(struct npmu_wire_key) <= NPMU_WIRE_MSG_SIZE,
	      "an answer with all keys fits");

u32 npmu_msg_hello(const void *buf, size_t len)
{
	const struct npmu_wire_hello *hello = buf;
	const size_t known = offsetof(struct npmu_wire_hello, reserved);

	if (len < sizeof(*hello) || le16_to_cpu(hello->length) != sizeof(*hello))
		return NPMU_REFUSED_LENGTH;
	if (le32_to_cpu(hello->magic) != NPMU_WIRE_MAGIC)
		return NPMU_REFUSED_MAGIC;
	if (!npmu_bytes_zero((const u8 *)buf + known, len - known))
		return NPMU_REFUSED_RESERVED;
	/* A newer client goes down to our version, which is the lowest. */
	if (le16_to_cpu(hello->version) < NPMU_WIRE_VERSION)
		return NPMU_REFUSED_VERSION;
	return 0;
}

/* Nothing but zeros behind its end, which is there. */
static bool text_ok(const u8 *name, size_t room)
{
	size_t len = 0;

	while (len < room && name[len])
		len++;
	return len < room && npmu_bytes_zero(name + len, room - len);
}

static bool name_ok(const u8 *name, size_t room)
{
	return *name && text_ok(name, room);
}

static bool commit_ok(const struct npmu_wire_commit *commit, size_t len)
{
	u32 flags = le32_to_cpu(commit->flags);
	u32 nr = le32_to_cpu(commit->nr_ranges);
	u32 i;

	if (nr > NPMU_WIRE_MAX_RANGES || len != sizeof(*commit) + nr * sizeof(commit->ranges[0]))
		return false;
	if (flags & ~(NPMU_WIRE_COMMIT_WORD | NPMU_WIRE_COMMIT_KICK) &&
	    flags != NPMU_WIRE_COMMIT_SEEN)
		return false;
	if (!(flags & NPMU_WIRE_COMMIT_WORD) && (commit->word || commit->word_offset))
		return false;
	if (le64_to_cpu(commit->word_offset) & 7)
		return false;
	for (i = 0; i < nr; i++)
		if (!commit->ranges[i].length)
			return false;
	return nr || flags & NPMU_WIRE_COMMIT_WORD;
}

static bool open_ok(const struct npmu_wire_open *open)
{
	u32 access = le32_to_cpu(open->access);

	return name_ok(open->unit, sizeof(open->unit)) &&
	       name_ok(open->region, sizeof(open->region)) &&
	       access & NPMU_WIRE_READ &&
	       !(access & ~(NPMU_WIRE_READ | NPMU_WIRE_WRITE | NPMU_WIRE_TELL));
}

static bool create_ok(const struct npmu_wire_create *create)
{
	return name_ok(create->unit, sizeof(create->unit)) &&
	       name_ok(create->region, sizeof(create->region)) && create->size;
}

static bool attach_ok(const struct npmu_wire_reader_attach *attach)
{
	return !(le32_to_cpu(attach->flags) & ~NPMU_WIRE_READER_CREATE) && !attach->reserved &&
	       name_ok(attach->name, sizeof(attach->name));
}

static bool detach_ok(const struct npmu_wire_reader_detach *detach)
{
	return text_ok(detach->name, sizeof(detach->name));
}

static size_t request_length(u16 type)
{
	switch (type) {
	case NPMU_WIRE_AUTH_BEGIN:
		return sizeof(struct npmu_wire_auth_begin);
	case NPMU_WIRE_AUTH_PROVE:
		return sizeof(struct npmu_wire_auth_prove);
	case NPMU_WIRE_OPEN:
		return sizeof(struct npmu_wire_open);
	case NPMU_WIRE_CLAIM:
	case NPMU_WIRE_RESIGN:
	case NPMU_WIRE_KICK:
		return sizeof(struct npmu_wire_header);
	case NPMU_WIRE_TAKEOVER:
		return sizeof(struct npmu_wire_takeover);
	case NPMU_WIRE_COMMIT:
		return sizeof(struct npmu_wire_commit);
	case NPMU_WIRE_WATCH:
		return sizeof(struct npmu_wire_watch);
	case NPMU_WIRE_CREATE:
		return sizeof(struct npmu_wire_create);
	case NPMU_WIRE_READER_ATTACH:
		return sizeof(struct npmu_wire_reader_attach);
	case NPMU_WIRE_READER_ACK:
		return sizeof(struct npmu_wire_reader_ack);
	case NPMU_WIRE_READER_DETACH:
		return sizeof(struct npmu_wire_reader_detach);
	default:
		return 0;
	}
}

/* What is behind the header, of a message whose length is right. */
static bool fields_ok(u16 type, const void *buf, size_t len)
{
	switch (type) {
	case NPMU_WIRE_AUTH_BEGIN:
		return name_ok(((const struct npmu_wire_auth_begin *)buf)->principal,
			       NPMU_PRINCIPAL_LEN);
	case NPMU_WIRE_OPEN:
		return open_ok(buf);
	case NPMU_WIRE_COMMIT:
		return commit_ok(buf, len);
	case NPMU_WIRE_CREATE:
		return create_ok(buf);
	case NPMU_WIRE_READER_ATTACH:
		return attach_ok(buf);
	case NPMU_WIRE_READER_DETACH:
		return detach_ok(buf);
	default:
		return true;
	}
}

static bool header_ok(const struct npmu_wire_header *header, size_t len)
{
	return len >= sizeof(*header) && len <= NPMU_WIRE_MSG_SIZE &&
	       le16_to_cpu(header->length) == len && !header->reserved;
}

u32 npmu_msg_request(const void *buf, size_t len)
{
	const struct npmu_wire_header *header = buf;
	size_t want;
	u16 type;

	if (!header_ok(header, len) || !header->request || header->status)
		return NPMU_WIRE_E_MALFORMED;
	type = le16_to_cpu(header->type);
	want = request_length(type);
	if (!want || len < want || (len > want && type != NPMU_WIRE_COMMIT))
		return NPMU_WIRE_E_MALFORMED;

	return fields_ok(type, buf, len) ? NPMU_WIRE_OK : NPMU_WIRE_E_MALFORMED;
}

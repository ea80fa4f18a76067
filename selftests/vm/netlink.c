// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile netlink: requests that no library would send.
 */
#define _GNU_SOURCE
#include "msg.h"
#include "vmtest.h"

#define BAD(msg, want) do {						\
	int got_ = msg_ask(msg);						\
									\
	CHECK(got_ == (want), "%s, expected %s: %s", vm_strerror(got_),	\
	      vm_strerror(want), msg_words);				\
	CHECK(msg_words[0], "refused without a message");			\
} while (0)

static int up(void)
{
	return vm_dram("t", 32 * MIB) ?: vm_region("t", "r", 4096) ?: msg_find_family();
}

/* What requests that fail must not change. */
static uint64_t media_epoch(void)
{
	struct npmu_unit_info info;

	return vm_unit("t", &info) ? 0 : info.media_epoch * 1000 + info.regions;
}

static const uint8_t changes[] = {
	NPMU_CMD_UNIT_FORMAT, NPMU_CMD_UNIT_ATTACH, NPMU_CMD_UNIT_DETACH, NPMU_CMD_REGION_CREATE,
	NPMU_CMD_REGION_SET, NPMU_CMD_REGION_RESIZE, NPMU_CMD_REGION_DELETE, NPMU_CMD_REGION_FENCE,
	/* Whose first attributes are a unit and a region, too. */
	NPMU_CMD_GRANT_ADD, NPMU_CMD_GRANT_REMOVE,
};

static bool of_unit(uint8_t cmd)
{
	return cmd <= NPMU_CMD_UNIT_DETACH;
}

static void request__without_attributes_is_einval(void)
{
	struct msg msg;
	uint64_t before;
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	for (i = 0; i < sizeof(changes); i++) {
		msg_begin(&msg, msg_family, changes[i], 0);
		BAD(&msg, -EINVAL);
		/* With the first one only, of those that need two. */
		if (of_unit(changes[i]) && changes[i] != NPMU_CMD_UNIT_FORMAT)
			continue;
		if (changes[i] == NPMU_CMD_UNIT_FORMAT)
			msg_add_str(&msg, NPMU_A_UNIT_NAME, "t");
		else
			msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
		BAD(&msg, -EINVAL);
	}
	msg_begin(&msg, msg_family, NPMU_CMD_UNIT_GET, 0);
	BAD(&msg, -EINVAL);
	msg_begin(&msg, msg_family, NPMU_CMD_REGION_GET, 0);
	BAD(&msg, -EINVAL);
	msg_begin(&msg, msg_family, NPMU_CMD_REGION_RESIZE, 0);
	msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
	msg_add_str(&msg, NPMU_A_REGION_NAME, "r");
	BAD(&msg, -EINVAL);
	msg_begin(&msg, msg_family, NPMU_CMD_REGION_SET, 0);
	msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
	msg_add_str(&msg, NPMU_A_REGION_NAME, "r");
	BAD(&msg, -EINVAL);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static void request__with_too_long_strings_is_refused(void)
{
	char text[400];
	struct msg msg;
	unsigned int i;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	memset(text, 'a', sizeof(text));
	for (i = 0; i < sizeof(changes); i++) {
		bool unit = of_unit(changes[i]);

		if (changes[i] == NPMU_CMD_UNIT_FORMAT || changes[i] == NPMU_CMD_UNIT_ATTACH) {
			msg_begin(&msg, msg_family, changes[i], 0);
			msg_add(&msg, NPMU_A_UNIT_PATH, text, 257);
			ret = msg_ask(&msg);
			CHECK(ret == -EINVAL || ret == -ERANGE, "path: %s", vm_strerror(ret));
		}
		/* Longer than allowed, and without an end. */
		text[80] = 0;
		msg_begin(&msg, msg_family, changes[i], 0);
		msg_add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 81);
		BAD(&msg, -EINVAL);
		text[80] = 'a';
		msg_begin(&msg, msg_family, changes[i], 0);
		msg_add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 10);
		BAD(&msg, -EINVAL);
		msg_begin(&msg, msg_family, changes[i], 0);
		msg_add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 0);
		ret = msg_ask(&msg);
		CHECK(ret == -EINVAL || ret == -ERANGE, "no bytes: %s", vm_strerror(ret));
	}
	EXPECT(vm_drop("t"), 0);
}

static void request__with_wrong_sizes_is_refused(void)
{
	static const uint16_t numbers[] = {
		NPMU_A_REGION_SIZE, NPMU_A_REGION_UID, NPMU_A_REGION_GID, NPMU_A_REGION_MODE,
		NPMU_A_REGION_FLAGS,
	};
	uint64_t before, big[2] = { 8192, 0 };
	unsigned int i, len;
	struct msg msg;
	int ret;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		for (len = 0; len <= 16; len++) {
			if (len == (i ? 4 : 8))
				continue;
			msg_begin(&msg, msg_family, NPMU_CMD_REGION_CREATE, 0);
			msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
			msg_add_str(&msg, NPMU_A_REGION_NAME, "x");
			if (i)
				msg_add_u64(&msg, NPMU_A_REGION_SIZE, 4096);
			msg_add(&msg, numbers[i], big, len);
			ret = msg_ask(&msg);
			CHECK(ret == -EINVAL || ret == -ERANGE, "attribute %u length %u: %s",
			      numbers[i], len, vm_strerror(ret));
			CHECK(msg_words[0], "attribute %u length %u: no msg_words", numbers[i], len);
		}
	}
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static void request__with_unknown_attributes_is_refused(void)
{
	struct msg msg;
	unsigned int i;
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	for (i = 0; i < sizeof(changes); i++) {
		msg_begin(&msg, msg_family, changes[i], 0);
		if (of_unit(changes[i])) {
			msg_add_str(&msg, NPMU_A_UNIT_NAME, "t");
		} else {
			msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
			msg_add_str(&msg, NPMU_A_REGION_NAME, "r");
		}
		msg_add_u64(&msg, 200, 1);
		BAD(&msg, -EINVAL);
	}
	/* Known, but not of this request. */
	msg_begin(&msg, msg_family, NPMU_CMD_UNIT_DETACH, 0);
	msg_add_str(&msg, NPMU_A_UNIT_NAME, "t");
	msg_add_u64(&msg, NPMU_A_UNIT_SIZE, 1);
	BAD(&msg, -EINVAL);
	msg_begin(&msg, msg_family, 99, 0);
	EXPECT(msg_ask(&msg), -EOPNOTSUPP);
	msg_begin(&msg, msg_family, 0, 0);
	EXPECT(msg_ask(&msg), -EOPNOTSUPP);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static void request__truncated_does_nothing(void)
{
	struct msg msg, cut;
	uint64_t before;
	size_t len;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	msg_begin(&msg, msg_family, NPMU_CMD_REGION_CREATE, 0);
	msg_add_str(&msg, NPMU_A_REGION_UNIT, "t");
	msg_add_str(&msg, NPMU_A_REGION_NAME, "x");
	msg_add_u64(&msg, NPMU_A_REGION_SIZE, 4096);
	/* The header tells the truth about a message that ends too soon ... */
	for (len = NLMSG_HDRLEN; len < msg.nlh.nlmsg_len; len++) {
		cut = msg;
		cut.nlh.nlmsg_len = len;
		CHECK(msg_send(&cut, len) < 0, "cut to %zu bytes it was accepted", len);
	}
	/* ... or it lies about an attribute. */
	for (len = 0; len < 64; len++) {
		struct nlattr *a = (void *)((char *)&cut + NLMSG_LENGTH(GENL_HDRLEN));

		if (len >= 6 && len <= 8)
			continue;	/* still the same string */
		cut = msg;
		a->nla_len = len;
		CHECK(msg_ask(&cut) < 0, "with an attribute length %zu it was accepted", len);
	}
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(request__without_attributes_is_einval);
	VM_RUN(request__with_too_long_strings_is_refused);
	VM_RUN(request__with_wrong_sizes_is_refused);
	VM_RUN(request__with_unknown_attributes_is_refused);
	VM_RUN(request__truncated_does_nothing);
	return vm_end();
}

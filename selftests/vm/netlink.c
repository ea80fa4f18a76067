// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Hostile netlink: requests that no library would send, callers without rights,
 * dumps while the list changes, and an event for each change.
 */
#define _GNU_SOURCE
#include <linux/capability.h>
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sched.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "vmtest.h"

struct msg {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	uint8_t attrs[2000];
};

static uint16_t family;
static char words[256];

static void begin(struct msg *msg, uint16_t type, uint8_t cmd, uint16_t flags)
{
	memset(msg, 0, sizeof(*msg));
	msg->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	msg->nlh.nlmsg_type = type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->nlh.nlmsg_seq = 1;
	msg->genl.cmd = cmd;
	msg->genl.version = 1;
}

static void add(struct msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(a + 1, data, len);
	msg->nlh.nlmsg_len = NLMSG_ALIGN(msg->nlh.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

static void add_str(struct msg *msg, uint16_t type, const char *text)
{
	add(msg, type, text, strlen(text) + 1);
}

static void add_u64(struct msg *msg, uint16_t type, uint64_t value)
{
	add(msg, type, &value, 8);
}

static void note_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = (const void *)(nlh + 1);
	size_t at = NLMSG_HDRLEN + sizeof(*err);

	words[0] = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *a = (const void *)((const char *)nlh + at);

		if (a->nla_len < NLA_HDRLEN)
			break;
		if (a->nla_type == NLMSGERR_ATTR_MSG)
			snprintf(words, sizeof(words), "%s", (const char *)(a + 1));
		at += NLA_ALIGN(a->nla_len);
	}
}

/* Send @len bytes of a message. Return: the error of the answer, 0 or -errno. */
static int send_len(struct msg *msg, size_t len)
{
	struct timeval tv = { 10, 0 };
	static char buf[65536];
	int fd, one = 1, ret = -ENOMSG;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	words[0] = 0;
	if (send(fd, msg, len, 0) != (ssize_t)len) {
		ret = -errno;
		close(fd);
		return ret;
	}
	while (ret == -ENOMSG) {
		struct nlmsghdr *nlh = (void *)buf;

		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0) {
			ret = -ETIME;
			break;
		}
		for (; NLMSG_OK(nlh, n); nlh = NLMSG_NEXT(nlh, n)) {
			if (nlh->nlmsg_type == NLMSG_ERROR) {
				ret = ((struct nlmsgerr *)NLMSG_DATA(nlh))->error;
				note_words(nlh);
			} else if (nlh->nlmsg_type == NLMSG_DONE) {
				ret = *(int *)NLMSG_DATA(nlh);
			}
		}
	}
	close(fd);
	return ret;
}

static int ask(struct msg *msg)
{
	return send_len(msg, msg->nlh.nlmsg_len);
}

#define BAD(msg, want) do {						\
	int got_ = ask(msg);						\
									\
	CHECK(got_ == (want), "%s, expected %s: %s", vm_strerror(got_),	\
	      vm_strerror(want), words);				\
	CHECK(words[0], "refused without a message");			\
} while (0)

static int find_family(void)
{
	static char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *a;
	struct msg msg;
	ssize_t left;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	begin(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	add_str(&msg, CTRL_ATTR_FAMILY_NAME, "npmu");
	send(fd, &msg, msg.nlh.nlmsg_len, 0);
	if (recv(fd, buf, sizeof(buf), 0) < 0 || nlh->nlmsg_type != GENL_ID_CTRL) {
		close(fd);
		return -ENOENT;
	}
	close(fd);
	left = nlh->nlmsg_len - NLMSG_LENGTH(GENL_HDRLEN);
	a = (void *)(buf + NLMSG_LENGTH(GENL_HDRLEN));
	while (left >= NLA_HDRLEN && a->nla_type != CTRL_ATTR_FAMILY_ID) {
		left -= NLA_ALIGN(a->nla_len);
		a = (void *)((char *)a + NLA_ALIGN(a->nla_len));
	}
	family = *(uint16_t *)(a + 1);
	return family ? 0 : -ENOENT;
}

static int up(void)
{
	return vm_dram("t", 32 * MIB) ?: vm_region("t", "r", 4096) ?: find_family();
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
		begin(&msg, family, changes[i], 0);
		BAD(&msg, -EINVAL);
		/* With the first one only, of those that need two. */
		if (of_unit(changes[i]) && changes[i] != NPMU_CMD_UNIT_FORMAT)
			continue;
		if (changes[i] == NPMU_CMD_UNIT_FORMAT)
			add_str(&msg, NPMU_A_UNIT_NAME, "t");
		else
			add_str(&msg, NPMU_A_REGION_UNIT, "t");
		BAD(&msg, -EINVAL);
	}
	begin(&msg, family, NPMU_CMD_UNIT_GET, 0);
	BAD(&msg, -EINVAL);
	begin(&msg, family, NPMU_CMD_REGION_GET, 0);
	BAD(&msg, -EINVAL);
	begin(&msg, family, NPMU_CMD_REGION_RESIZE, 0);
	add_str(&msg, NPMU_A_REGION_UNIT, "t");
	add_str(&msg, NPMU_A_REGION_NAME, "r");
	BAD(&msg, -EINVAL);
	begin(&msg, family, NPMU_CMD_REGION_SET, 0);
	add_str(&msg, NPMU_A_REGION_UNIT, "t");
	add_str(&msg, NPMU_A_REGION_NAME, "r");
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
			begin(&msg, family, changes[i], 0);
			add(&msg, NPMU_A_UNIT_PATH, text, 257);
			ret = ask(&msg);
			CHECK(ret == -EINVAL || ret == -ERANGE, "path: %s", vm_strerror(ret));
		}
		/* Longer than allowed, and without an end. */
		text[80] = 0;
		begin(&msg, family, changes[i], 0);
		add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 81);
		BAD(&msg, -EINVAL);
		text[80] = 'a';
		begin(&msg, family, changes[i], 0);
		add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 10);
		BAD(&msg, -EINVAL);
		begin(&msg, family, changes[i], 0);
		add(&msg, unit ? NPMU_A_UNIT_NAME : NPMU_A_REGION_NAME, text, 0);
		ret = ask(&msg);
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
			begin(&msg, family, NPMU_CMD_REGION_CREATE, 0);
			add_str(&msg, NPMU_A_REGION_UNIT, "t");
			add_str(&msg, NPMU_A_REGION_NAME, "x");
			if (i)
				add_u64(&msg, NPMU_A_REGION_SIZE, 4096);
			add(&msg, numbers[i], big, len);
			ret = ask(&msg);
			CHECK(ret == -EINVAL || ret == -ERANGE, "attribute %u length %u: %s",
			      numbers[i], len, vm_strerror(ret));
			CHECK(words[0], "attribute %u length %u: no words", numbers[i], len);
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
		begin(&msg, family, changes[i], 0);
		if (of_unit(changes[i])) {
			add_str(&msg, NPMU_A_UNIT_NAME, "t");
		} else {
			add_str(&msg, NPMU_A_REGION_UNIT, "t");
			add_str(&msg, NPMU_A_REGION_NAME, "r");
		}
		add_u64(&msg, 200, 1);
		BAD(&msg, -EINVAL);
	}
	/* Known, but not of this request. */
	begin(&msg, family, NPMU_CMD_UNIT_DETACH, 0);
	add_str(&msg, NPMU_A_UNIT_NAME, "t");
	add_u64(&msg, NPMU_A_UNIT_SIZE, 1);
	BAD(&msg, -EINVAL);
	begin(&msg, family, 99, 0);
	EXPECT(ask(&msg), -EOPNOTSUPP);
	begin(&msg, family, 0, 0);
	EXPECT(ask(&msg), -EOPNOTSUPP);
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
	begin(&msg, family, NPMU_CMD_REGION_CREATE, 0);
	add_str(&msg, NPMU_A_REGION_UNIT, "t");
	add_str(&msg, NPMU_A_REGION_NAME, "x");
	add_u64(&msg, NPMU_A_REGION_SIZE, 4096);
	/* The header tells the truth about a message that ends too soon ... */
	for (len = NLMSG_HDRLEN; len < msg.nlh.nlmsg_len; len++) {
		cut = msg;
		cut.nlh.nlmsg_len = len;
		CHECK(send_len(&cut, len) < 0, "cut to %zu bytes it was accepted", len);
	}
	/* ... or it lies about an attribute. */
	for (len = 0; len < 64; len++) {
		struct nlattr *a = (void *)((char *)&cut + NLMSG_LENGTH(GENL_HDRLEN));

		if (len >= 6 && len <= 8)
			continue;	/* still the same string */
		cut = msg;
		a->nla_len = len;
		CHECK(ask(&cut) < 0, "with an attribute length %zu it was accepted", len);
	}
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static void complete(struct msg *msg, uint8_t cmd)
{
	begin(msg, family, cmd, 0);
	if (cmd == NPMU_CMD_UNIT_FORMAT || cmd == NPMU_CMD_UNIT_ATTACH) {
		add_str(msg, NPMU_A_UNIT_PATH, "/dev/nosuch");
		if (cmd == NPMU_CMD_UNIT_FORMAT)
			add_str(msg, NPMU_A_UNIT_NAME, "x");
		return;
	}
	if (cmd == NPMU_CMD_UNIT_DETACH) {
		add_str(msg, NPMU_A_UNIT_NAME, "t");
		return;
	}
	add_str(msg, NPMU_A_REGION_UNIT, "t");
	add_str(msg, NPMU_A_REGION_NAME, cmd == NPMU_CMD_REGION_CREATE ? "x" : "r");
	if (cmd == NPMU_CMD_REGION_CREATE || cmd == NPMU_CMD_REGION_RESIZE)
		add_u64(msg, NPMU_A_REGION_SIZE, 8192);
	if (cmd == NPMU_CMD_REGION_SET)
		add_str(msg, NPMU_A_REGION_NEW_NAME, "y");
}

static int change_all(void *ctx)
{
	struct msg msg;
	unsigned int i;

	for (i = 0; i < sizeof(changes); i++) {
		complete(&msg, changes[i]);
		if (ask(&msg) != -EPERM || (ctx && !words[0]))
			return 1 + i;
	}
	return 0;
}

static void change__needs_privilege(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_as_nobody(change_all, NULL), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

/* CAP_NET_ADMIN alone passes the generic check, not ours. */
static int with_net_admin(void *ctx)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2] = {};

	data[0].permitted = 1U << CAP_NET_ADMIN;
	data[0].effective = data[0].permitted;
	return syscall(SYS_capset, &head, data) ? 99 : change_all(ctx);
}

static void change__needs_cap_sys_admin(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_reap(vm_child(with_net_admin, &family), 20000), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static int show(void *ctx)
{
	struct npmu_unit_info info;

	(void)ctx;
	return vm_unit("t", &info) ? 1 : 0;
}

static void show__needs_no_privilege(void)
{
	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_as_nobody(show, NULL), 0);
	EXPECT(vm_drop("t"), 0);
}

static int in_other_namespace(void *ctx)
{
	struct msg msg;

	(void)ctx;
	if (unshare(CLONE_NEWNET))
		return 99;
	begin(&msg, family, NPMU_CMD_UNIT_GET, 0);
	add_str(&msg, NPMU_A_UNIT_NAME, "t");
	if (ask(&msg) != -EPERM || !words[0])
		return 98;
	begin(&msg, family, NPMU_CMD_UNIT_GET, NLM_F_DUMP);
	if (ask(&msg) != -EPERM)
		return 97;
	begin(&msg, family, NPMU_CMD_TPT_GET, NLM_F_DUMP);
	if (ask(&msg) != -EPERM)
		return 96;
	return change_all(&family);
}

static void namespace__other_than_the_first_is_refused(void)
{
	uint64_t before;

	REQUIRE(!up(), "%s", vm_why());
	before = media_epoch();
	EXPECT(vm_reap(vm_child(in_other_namespace, NULL), 20000), 0);
	CHECK(media_epoch() == before, "something changed");
	EXPECT(vm_drop("t"), 0);
}

static int come_and_go(void *ctx)
{
	uint64_t random = 7;
	char name[16];

	(void)ctx;
	for (;;) {
		snprintf(name, sizeof(name), "x%lu", tap_random(&random) % 40);
		if (vm_region("t", name, 4096) == -EEXIST)
			vm_delete("t", name, false);
	}
	return 0;
}

struct stable {
	int seen[20];
	int others;
};

static int count_stable(void *ctx, const struct npmu_region_info *info)
{
	struct stable *s = ctx;

	if (info->name[0] == 's')
		s->seen[atoi(info->name + 1)]++;
	else
		s->others++;
	return 0;
}

static void dump__shows_what_stays_exactly_once(void)
{
	uint64_t end;
	unsigned long dumps = 0;
	char name[16];
	pid_t pid;
	int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		EXPECT(vm_region("t", name, 4096), 0);
	}
	pid = vm_child(come_and_go, NULL);
	end = vm_now_ns() + vm_times(3, 60) * 1000000000ULL;
	while (vm_now_ns() < end) {
		struct stable s = {};
		int ret = npmu_ctl_region_list(vm_ctl(), "t", count_stable, &s);

		CHECK(!ret, "%s", vm_strerror(ret));
		for (i = 0; i < 20; i++)
			CHECK(s.seen[i] == 1, "s%d was shown %d times", i, s.seen[i]);
		dumps++;
	}
	kill(pid, SIGKILL);
	vm_reap(pid, 5000);
	printf("# %lu dumps\n", dumps);
	CHECK(dumps > 5, "%lu dumps", dumps);
	EXPECT(vm_drop("t"), 0);
}

static struct npmu_events *events;

/* The next event must be this one. */
static void next_is(uint32_t event, const char *region)
{
	struct npmu_event_info info;
	int ret;

	CHECK(VM_UNTIL((ret = npmu_events_next(events, &info)) != -EAGAIN, 5000), "no %s came",
	      npmu_event_name(event));
	CHECK(!ret && info.event == event && !strcmp(info.unit, "t") &&
	      !strcmp(info.region, region), "%s of %s, not %s of %s", npmu_event_name(info.event),
	      info.region, npmu_event_name(event), region);
}

static int claim_and_die(void *ctx)
{
	(void)ctx;
	vm_claim(vm_open("t", "r", O_RDWR), NULL);
	return 0;
}

static void event__comes_with_each_change(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_MODE, .mode = 0640 };
	struct npmu_event_info info;
	uint64_t epoch;
	int a, b;

	vm_drop("t");
	EXPECT(npmu_events_open(&events, NULL), 0);
	EXPECT(vm_dram("t", 32 * MIB), 0);
	next_is(NPMU_EVENT_UNIT_ATTACHED, "");
	EXPECT(vm_region("t", "r", 4096), 0);
	next_is(NPMU_EVENT_REGION_CREATED, "r");
	/* A refused change is none. */
	EXPECT(vm_region("t", "r", 4096), -EEXIST);
	EXPECT(vm_resize("t", "r", 8192, false), 0);
	next_is(NPMU_EVENT_REGION_RESIZED, "r");
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_SET, "r");
	params.mask = NPMU_PARAM_NEW_NAME;
	params.new_name = "q";
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_RENAMED, "r");
	params.new_name = "r";
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "q", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_RENAMED, "q");
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDWR);
	EXPECT(vm_claim(a, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	EXPECT(vm_claim(a, &epoch), 0);
	EXPECT(vm_claim(b, &epoch), -EBUSY);
	EXPECT(vm_resign(a), 0);
	next_is(NPMU_EVENT_WRITER_RESIGNED, "r");
	EXPECT(vm_claim(a, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	EXPECT(vm_takeover(b, epoch, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_FENCED, "r");
	next_is(NPMU_EVENT_WRITER_REPLACED, "r");
	EXPECT(vm_fence("t", "r"), 0);
	next_is(NPMU_EVENT_WRITER_FENCED, "r");
	close(a);
	close(b);
	EXPECT(vm_reap(vm_child(claim_and_die, NULL), 5000), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	next_is(NPMU_EVENT_WRITER_DEAD, "r");
	EXPECT(vm_delete("t", "r", false), 0);
	next_is(NPMU_EVENT_REGION_DELETED, "r");
	EXPECT(vm_detach("t"), 0);
	next_is(NPMU_EVENT_UNIT_DETACHED, "");
	EXPECT(npmu_events_next(events, &info), -EAGAIN);
	npmu_events_close(events);
}

int main(void)
{
	VM_RUN(request__without_attributes_is_einval);
	VM_RUN(request__with_too_long_strings_is_refused);
	VM_RUN(request__with_wrong_sizes_is_refused);
	VM_RUN(request__with_unknown_attributes_is_refused);
	VM_RUN(request__truncated_does_nothing);
	VM_RUN(change__needs_privilege);
	VM_RUN(change__needs_cap_sys_admin);
	VM_RUN(show__needs_no_privilege);
	VM_RUN(namespace__other_than_the_first_is_refused);
	VM_RUN(dump__shows_what_stays_exactly_once);
	VM_RUN(event__comes_with_each_change);
	return vm_end();
}

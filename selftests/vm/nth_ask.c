// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Netlink requests for the sweep (nth.h): made ready beforehand and sent by one system
 * call, so that what fails is the kernel's. Owns the subscription to events.
 */
#define _GNU_SOURCE
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <linux/npmu_netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <sys/socket.h>

#include "nth.h"

unsigned int nth_answers;
char nth_words[128];

static int family(void)
{
	static int id;
	struct nl_sock *sock;

	if (id > 0)
		return id;
	sock = nl_socket_alloc();
	genl_connect(sock);
	id = genl_ctrl_resolve(sock, NPMU_FAMILY_NAME);
	nl_socket_free(sock);
	return id;
}

static struct nl_msg *make(uint8_t cmd, bool dump, const struct nth_arg *args, unsigned int nr)
{
	struct nl_msg *msg = nlmsg_alloc();
	unsigned int i;

	genlmsg_put(msg, 0, 1, family(), 0, NLM_F_REQUEST | (dump ? NLM_F_DUMP : NLM_F_ACK),
		    cmd, NPMU_FAMILY_VERSION);
	for (i = 0; i < nr; i++) {
		if (args[i].bytes < 0)
			nla_put_string(msg, args[i].attr, args[i].string);
		else
			nla_put(msg, args[i].attr, args[i].bytes, &args[i].number);
	}
	return msg;
}

static void take_words(const struct nlmsghdr *h, size_t skip)
{
	const struct nlattr *attr;
	int left;

	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	attr = (const void *)((const char *)h + NLMSG_HDRLEN + skip);
	left = h->nlmsg_len - NLMSG_HDRLEN - skip;
	for (; nla_ok(attr, left); attr = nla_next(attr, &left))
		if (nla_type(attr) == NLMSGERR_ATTR_MSG)
			snprintf(nth_words, sizeof(nth_words), "%.*s", nla_len(attr),
				 (char *)nla_data(attr));
}

/* Return: true when the verdict is in @ret. */
static bool take(const char *buf, int len, int *ret)
{
	const struct nlmsghdr *h = (const void *)buf;
	int code;

	for (; nlmsg_ok(h, len); h = nlmsg_next((struct nlmsghdr *)h, &len)) {
		if (h->nlmsg_type != NLMSG_ERROR && h->nlmsg_type != NLMSG_DONE) {
			nth_answers++;
			continue;
		}
		memcpy(&code, nlmsg_data(h), sizeof(code));
		*ret = code;
		take_words(h, h->nlmsg_type == NLMSG_DONE ? sizeof(int) :
						    sizeof(struct nlmsgerr));
		return true;
	}
	return false;
}

/* What came back. An error of recv(2) says that something was lost. */
static int collect(int fd)
{
	static char buf[64 << 10];
	int code = NTH_UNKNOWN;
	int lost = 0;
	ssize_t n;

	for (;;) {
		n = recv(fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			/* No verdict and no word of a loss: that is an operation that hangs. */
			return lost ? NTH_UNKNOWN : -ETIMEDOUT;
		}
		if (n < 0) {
			if (lost++ > 4)
				return NTH_UNKNOWN;
			continue;
		}
		if (take(buf, n, &code))
			return code || !lost ? code : NTH_UNKNOWN;
	}
}

int nth_ask(uint8_t cmd, bool dump, const struct nth_arg *args, unsigned int nr)
{
	struct nl_msg *msg = make(cmd, dump, args, nr);
	struct nlmsghdr *h = nlmsg_hdr(msg);
	int on = 1, ret;
	int fd;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	if (fd < 0)
		return -errno;
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	nth_answers = 0;
	nth_words[0] = 0;
	if (dump) {
		nth_arm();
		ret = send(fd, h, h->nlmsg_len, 0) < 0 ? -errno : collect(fd);
		nth_disarm();
	} else {
		ret = NTH(send(fd, h, h->nlmsg_len, 0));
		ret = ret < 0 ? -errno : collect(fd);
	}
	close(fd);
	nlmsg_free(msg);
	return ret;
}

unsigned int nth_probe(uint8_t cmd, const struct nth_arg *args, unsigned int nr)
{
	unsigned int most = 0;
	unsigned int refused;
	unsigned int past;
	int tries, ret;

	/* A cache that runs empty in between hides one. */
	for (tries = 0; tries < 4; tries++) {
		refused = 0;
		past = 0;
		for (nth_now = 1; past < 2; nth_now++) {
			ret = nth_ask(cmd, false, args, nr);
			refused += ret == -ENOMEM || ret == -ENOBUFS;
			past = nth_hit ? 0 : past + 1;
		}
		if (refused > most)
			most = refused;
	}
	nth_now = 0;
	return most;
}

int nth_events(void)
{
	static struct npmu_events *events;
	struct npmu_event_info event;
	int count = 0, lost = 0, ret;

	if (!events && npmu_events_open(&events, NULL))
		return -ENODEV;
	for (;;) {
		ret = npmu_events_next(events, &event);
		if (ret == -EAGAIN)
			return lost ?: count;
		if (!ret)
			count++;
		else if (ret == -ENOBUFS)
			lost = ret;
		else
			return ret;
	}
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Generic netlink messages made by hand. Owns their bytes; must not know what any
 * request means.
 */
#define _GNU_SOURCE
#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include "msg.h"
#include "vmtest.h"

uint16_t msg_family;
char msg_words[256];

void msg_begin(struct msg *msg, uint16_t type, uint8_t cmd, uint16_t flags)
{
	memset(msg, 0, sizeof(*msg));
	msg->nlh.nlmsg_len = NLMSG_LENGTH(GENL_HDRLEN);
	msg->nlh.nlmsg_type = type;
	msg->nlh.nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK | flags;
	msg->nlh.nlmsg_seq = 1;
	msg->genl.cmd = cmd;
	msg->genl.version = 1;
}

void msg_add(struct msg *msg, uint16_t type, const void *data, size_t len)
{
	struct nlattr *a = (void *)((char *)msg + NLMSG_ALIGN(msg->nlh.nlmsg_len));

	a->nla_type = type;
	a->nla_len = NLA_HDRLEN + len;
	memcpy(a + 1, data, len);
	msg->nlh.nlmsg_len = NLMSG_ALIGN(msg->nlh.nlmsg_len) + NLA_ALIGN(a->nla_len);
}

void msg_add_str(struct msg *msg, uint16_t type, const char *text)
{
	msg_add(msg, type, text, strlen(text) + 1);
}

void msg_add_u64(struct msg *msg, uint16_t type, uint64_t value)
{
	msg_add(msg, type, &value, 8);
}

static void note_words(const struct nlmsghdr *nlh)
{
	const struct nlmsgerr *err = (const void *)(nlh + 1);
	size_t at = NLMSG_HDRLEN + sizeof(*err);

	msg_words[0] = 0;
	if (!(nlh->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	if (!(nlh->nlmsg_flags & NLM_F_CAPPED))
		at += NLMSG_ALIGN(err->msg.nlmsg_len) - NLMSG_HDRLEN;
	while (at + NLA_HDRLEN <= nlh->nlmsg_len) {
		const struct nlattr *a = (const void *)((const char *)nlh + at);

		if (a->nla_len < NLA_HDRLEN)
			break;
		if (a->nla_type == NLMSGERR_ATTR_MSG)
			snprintf(msg_words, sizeof(msg_words), "%s", (const char *)(a + 1));
		at += NLA_ALIGN(a->nla_len);
	}
}

/* Send @len bytes of a message. Return: the error of the answer, 0 or -errno. */
int msg_send(struct msg *msg, size_t len)
{
	struct timeval tv = { vm_patience(10000) / 1000, 0 };
	static char buf[65536];
	int fd, one = 1, ret = -ENOMSG;
	ssize_t n;

	fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);
	setsockopt(fd, SOL_NETLINK, NETLINK_EXT_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_CAP_ACK, &one, sizeof(one));
	setsockopt(fd, SOL_NETLINK, NETLINK_GET_STRICT_CHK, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	msg_words[0] = 0;
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

int msg_ask(struct msg *msg)
{
	return msg_send(msg, msg->nlh.nlmsg_len);
}

int msg_find_family(void)
{
	static char buf[8192];
	struct nlmsghdr *nlh = (void *)buf;
	struct nlattr *a;
	struct msg msg;
	ssize_t left;
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_GENERIC);

	msg_begin(&msg, GENL_ID_CTRL, CTRL_CMD_GETFAMILY, 0);
	msg_add_str(&msg, CTRL_ATTR_FAMILY_NAME, "npmu");
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
	msg_family = *(uint16_t *)(a + 1);
	return msg_family ? 0 : -ENOENT;
}

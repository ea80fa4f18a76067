/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Generic netlink messages made by hand, for what no library would send.
 */
#ifndef NPMU_MSG_H
#define NPMU_MSG_H

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <stddef.h>
#include <stdint.h>

struct msg {
	struct nlmsghdr nlh;
	struct genlmsghdr genl;
	uint8_t attrs[2000];
};

extern uint16_t msg_family;
/* What the kernel said of the last request, besides an errno. */
extern char msg_words[256];

/* Learn msg_family. Return: 0 or -ENOENT. */
int msg_find_family(void);
void msg_begin(struct msg *msg, uint16_t type, uint8_t cmd, uint16_t flags);
void msg_add(struct msg *msg, uint16_t type, const void *data, size_t len);
void msg_add_str(struct msg *msg, uint16_t type, const char *text);
void msg_add_u64(struct msg *msg, uint16_t type, uint64_t value);
/* Send @len bytes of a message. Return: the error of the answer, 0 or -errno. */
int msg_send(struct msg *msg, size_t len);
int msg_ask(struct msg *msg);

#endif /* NPMU_MSG_H */

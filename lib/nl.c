// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Generic netlink over libnl. Owns sockets, messages and error texts from the
 * kernel; knows no command.
 */
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <linux/genetlink.h>
#include <linux/netlink.h>
#include <netlink/genl/ctrl.h>
#include <netlink/genl/genl.h>
#include <netlink/netlink.h>

#include "error.h"
#include "nl.h"

#define MAX_ATTR	63
#define DUMP_TRIES	8	/* then a list that keeps changing is -EAGAIN */
#define EVENT_ROOM	(16 << 20)
#define TEXT_LEN	NPMU_ERROR_LEN

struct nl {
	pthread_mutex_t lock;	/* all below, but for @sock's descriptor */
	struct nl_sock *sock;
	bool out_of_step;		/* an answer may come that nobody waits for */
	int family;
	char text[TEXT_LEN];
};

/* One request and what came of it; lives on the stack of the asker. */
struct exchange {
	struct nl *nl;
	uint32_t sequence;
	int code;
	bool done;
	bool interrupted;		/* the list changed meanwhile */
	const struct nl_struct *desc;
	bool list;
	char *items;
	size_t count, room;
};

/* libnl folds many errnos into few; these are what it can say by itself. */
static int errno_of(int code)
{
	switch (-code) {
	case NLE_AGAIN:
		return -EAGAIN;
	case NLE_NOMEM:
		return -ENOMEM;
	case NLE_INTR:
		return -EINTR;
	case NLE_PERM:
	case NLE_NOACCESS:
		return -EPERM;
	case NLE_AF_NOSUPPORT:
	case NLE_PROTO_MISMATCH:
		return -EPROTONOSUPPORT;
	case NLE_OBJ_NOTFOUND:
		return -ENOENT;
	default:
		return -EPROTO;
	}
}

static int fail(struct nl *nl, int code, const char *text, size_t len)
{
	if (len >= sizeof(nl->text))
		len = sizeof(nl->text) - 1;
	memcpy(nl->text, text, len);
	nl->text[len] = '\0';
	return code;
}

static int fail_errno(struct nl *nl, int code)
{
	const char *text = npmu_error_phrase(code);

	return fail(nl, code, text, strlen(text));
}

/* What the kernel says in an answer; a number that is no errno is none of ours. */
static int verdict(int code)
{
	return code < 0 && code >= -4095 ? code : -EPROTO;
}

/* The kernel's words follow its verdict as attributes. */
static void take_extack(struct nl *nl, int code, const struct nlmsghdr *h,
			size_t skip)
{
	const char *start = (const char *)h + NLMSG_HDRLEN;
	struct nlattr *tb[NLMSGERR_ATTR_MAX + 1];
	struct nlattr *msg;

	fail_errno(nl, code);
	if (!(h->nlmsg_flags & NLM_F_ACK_TLVS) ||
	    h->nlmsg_len < NLMSG_HDRLEN + skip ||
	    nla_parse(tb, NLMSGERR_ATTR_MAX, (struct nlattr *)(start + skip),
		      (int)(h->nlmsg_len - NLMSG_HDRLEN - skip), NULL))
		return;
	msg = tb[NLMSGERR_ATTR_MSG];
	if (msg)
		fail(nl, code, nla_data(msg),
		     strnlen(nla_data(msg), (size_t)nla_len(msg)));
}

static int on_error(struct sockaddr_nl *from, struct nlmsgerr *err, void *arg)
{
	struct nlmsghdr *h = (struct nlmsghdr *)err - 1;
	struct exchange *x = arg;
	size_t skip = sizeof(*err);

	(void)from;
	x->done = true;
	x->code = verdict(err->error);
	if (!(h->nlmsg_flags & NLM_F_CAPPED) && err->msg.nlmsg_len > sizeof(err->msg))
		skip += err->msg.nlmsg_len - sizeof(err->msg);
	take_extack(x->nl, x->code, h, NLMSG_ALIGN(skip));
	return NL_STOP;
}

/* What was asked before, and given up, has answers that are nobody's. */
static int on_sequence(struct nl_msg *msg, void *arg)
{
	const struct exchange *x = arg;

	return nlmsg_hdr(msg)->nlmsg_seq == x->sequence ? NL_OK : NL_SKIP;
}

static int on_ack(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->done = true;
	return NL_STOP;
}

/* The end of a list carries its verdict as an int. */
static int on_finish(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	struct exchange *x = arg;
	int code = 0;

	x->done = true;
	if (h->nlmsg_len >= NLMSG_HDRLEN + sizeof(code))
		memcpy(&code, NLMSG_DATA(h), sizeof(code));
	if (code < 0 && !x->code) {
		x->code = verdict(code);
		take_extack(x->nl, x->code, h, sizeof(code));
	}
	return NL_STOP;
}

static int on_interrupted(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;

	(void)msg;
	x->interrupted = true;
	return NL_OK;
}

static int take_field(const struct nl_struct *desc, const struct nl_field *f,
		      const struct nlattr *attr, char *out)
{
	size_t len = (size_t)nla_len(attr);
	const void *data = nla_data(attr);
	char *member = out + f->offset;
	uint32_t has, one = 1;

	switch (f->type) {
	case NL_FLAG:
		memcpy(member, &one, sizeof(one));
		break;
	case NL_STRING:
		len = strnlen(data, len);
		if (len >= f->size)
			return -EPROTO;
		memcpy(member, data, len);
		break;
	default:
		if (len != f->size)
			return -EPROTO;
		memcpy(member, data, len);
	}
	if (f->has) {
		memcpy(&has, out + desc->has_offset, sizeof(has));
		has |= 1U << (f->has - 1);
		memcpy(out + desc->has_offset, &has, sizeof(has));
	}
	return 0;
}

static int parse(struct nlmsghdr *h, const struct nl_struct *desc, char *out)
{
	struct nlattr *tb[MAX_ATTR + 1];
	size_t i;
	int code;

	memset(out, 0, desc->size);
	if (genlmsg_parse(h, 0, tb, MAX_ATTR, NULL))
		return -EPROTO;
	for (i = 0; i < desc->nr_fields; i++) {
		const struct nl_field *f = &desc->fields[i];

		if (!tb[f->attr])
			continue;
		code = take_field(desc, f, tb[f->attr], out);
		if (code)
			return code;
	}
	return 0;
}

static int make_room(struct exchange *x)
{
	size_t room = x->room ? 2 * x->room : 64;
	char *items;

	if (x->count < x->room)
		return 0;
	items = reallocarray(x->items, room, x->desc->size);
	if (!items)
		return -ENOMEM;
	x->items = items;
	x->room = room;
	return 0;
}

static int on_valid(struct nl_msg *msg, void *arg)
{
	struct exchange *x = arg;
	int code;

	/* After a failure the rest is read, so that the socket is in step. */
	if (x->code || !x->desc || (!x->list && x->count))
		return NL_OK;
	code = make_room(x);
	if (!code)
		code = parse(nlmsg_hdr(msg), x->desc,
			     x->items + x->count * x->desc->size);
	if (code)
		x->code = fail_errno(x->nl, code);
	else
		x->count++;
	return NL_OK;
}

static int put_args(struct nl_msg *msg, const struct nl_arg *args, size_t n)
{
	size_t i;
	int code = 0;

	for (i = 0; i < n && !code; i++) {
		switch (args[i].type) {
		case NL_U16:
			code = nla_put_u16(msg, args[i].attr,
					   (uint16_t)args[i].number);
			break;
		case NL_BYTES:
			code = nla_put(msg, args[i].attr, (int)args[i].number,
				       args[i].string);
			break;
		case NL_U32:
			code = nla_put_u32(msg, args[i].attr,
					   (uint32_t)args[i].number);
			break;
		case NL_U64:
			code = nla_put_u64(msg, args[i].attr, args[i].number);
			break;
		case NL_FLAG:
			code = nla_put_flag(msg, args[i].attr);
			break;
		default:
			code = nla_put_string(msg, args[i].attr, args[i].string);
		}
	}
	return code;
}

static int connect_socket(struct nl_sock *sock)
{
	int code = genl_connect(sock), on = 1;

	if (code < 0)
		return code;
	/* An old kernel without these only says less. */
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_EXT_ACK, &on, sizeof(on));
	setsockopt(nl_socket_get_fd(sock), SOL_NETLINK, NETLINK_CAP_ACK, &on, sizeof(on));
	return 0;
}

/* After an exchange that was not ended a new socket: half a list may be under way on it. */
static int get_in_step(struct nl *nl)
{
	int code;

	if (!nl->out_of_step)
		return 0;
	nl_close(nl->sock);
	code = connect_socket(nl->sock);
	nl->out_of_step = code < 0;
	return code < 0 ? fail_errno(nl, errno_of(code)) : 0;
}

static int send_request(struct exchange *x, uint8_t cmd, int flags,
			const struct nl_arg *args, size_t n)
{
	struct nl_msg *msg = nlmsg_alloc();
	struct nl *nl = x->nl;
	int code;

	if (!msg)
		return fail_errno(nl, -ENOMEM);
	if (!genlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, nl->family, 0, flags, cmd,
			 NPMU_FAMILY_VERSION) || put_args(msg, args, n)) {
		nlmsg_free(msg);
		return fail_errno(nl, -EMSGSIZE);
	}
	code = nl_send_auto(nl->sock, msg);
	x->sequence = nlmsg_hdr(msg)->nlmsg_seq;
	nlmsg_free(msg);
	return code < 0 ? fail_errno(nl, errno_of(code)) : 0;
}

static int exchange(struct exchange *x, uint8_t cmd, int flags,
		    const struct nl_arg *args, size_t n)
{
	struct nl *nl = x->nl;
	struct nl_cb *cb;
	int code;

	cb = nl_cb_alloc(NL_CB_DEFAULT);
	if (!cb)
		return fail_errno(nl, -ENOMEM);
	code = get_in_step(nl) ?: send_request(x, cmd, flags, args, n);
	if (code) {
		nl_cb_put(cb);
		return code;
	}
	nl_cb_set(cb, NL_CB_SEQ_CHECK, NL_CB_CUSTOM, on_sequence, x);
	nl_cb_err(cb, NL_CB_CUSTOM, on_error, x);
	nl_cb_set(cb, NL_CB_ACK, NL_CB_CUSTOM, on_ack, x);
	nl_cb_set(cb, NL_CB_FINISH, NL_CB_CUSTOM, on_finish, x);
	nl_cb_set(cb, NL_CB_VALID, NL_CB_CUSTOM, on_valid, x);
	nl_cb_set(cb, NL_CB_DUMP_INTR, NL_CB_CUSTOM, on_interrupted, x);
	while (!x->done) {
		code = nl_recvmsgs(nl->sock, cb);
		if (code < 0 && !x->done) {
			x->code = fail_errno(nl, errno_of(code));
			nl->out_of_step = true;
			break;
		}
	}
	nl_cb_put(cb);
	return x->code;
}

int npmu_nl_do(struct nl *nl, uint8_t cmd, const struct nl_arg *args, size_t n,
	       const struct nl_struct *desc, void *out)
{
	struct exchange x = { .nl = nl, .desc = desc };
	int code;

	pthread_mutex_lock(&nl->lock);
	nl->text[0] = '\0';
	code = exchange(&x, cmd, NLM_F_ACK, args, n);
	if (!code && desc && !x.count)
		code = fail_errno(nl, -EPROTO);
	if (!code && desc && out)
		memcpy(out, x.items, desc->size);
	pthread_mutex_unlock(&nl->lock);
	free(x.items);
	return code;
}

int npmu_nl_dump(struct nl *nl, uint8_t cmd, const struct nl_arg *args, size_t n,
		 const struct nl_struct *desc, void **items, size_t *count)
{
	static const char changing[] = "the list changes all the time, try again";
	struct exchange x;
	int tries, code = 0;

	pthread_mutex_lock(&nl->lock);
	nl->text[0] = '\0';
	for (tries = 0; tries < DUMP_TRIES; tries++) {
		x = (struct exchange){ .nl = nl, .desc = desc, .list = true };
		code = exchange(&x, cmd, NLM_F_DUMP, args, n);
		if (code || !x.interrupted)
			break;
		free(x.items);
		x.items = NULL;
		code = -EAGAIN;
	}
	if (code == -EAGAIN)
		fail(nl, code, changing, sizeof(changing) - 1);
	pthread_mutex_unlock(&nl->lock);
	if (code) {
		free(x.items);
		return code;
	}
	*items = x.items;
	*count = x.count;
	return 0;
}

int npmu_nl_refuse(struct nl *nl, int code, const char *why)
{
	pthread_mutex_lock(&nl->lock);
	fail(nl, code, why, strlen(why));
	pthread_mutex_unlock(&nl->lock);
	return code;
}

const char *npmu_nl_error(const struct nl *nl)
{
	return nl->text;
}

int npmu_nl_open(struct nl **out, const char *family, const char *module,
		 struct npmu_error *err)
{
	struct nl *nl = calloc(1, sizeof(*nl));
	int code;

	if (!nl)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	nl->sock = nl_socket_alloc();
	if (!nl->sock) {
		free(nl);
		return npmu_error_set(err, -ENOMEM, "out of memory");
	}
	pthread_mutex_init(&nl->lock, NULL);
	code = connect_socket(nl->sock);
	if (code < 0) {
		npmu_nl_close(nl);
		return npmu_error_set(err, errno_of(code), "netlink: %s",
				      nl_geterror(code));
	}
	nl->family = genl_ctrl_resolve(nl->sock, family);
	if (nl->family < 0) {
		code = nl->family;
		npmu_nl_close(nl);
		if (code == -NLE_OBJ_NOTFOUND)
			return npmu_error_set(err, -ENOENT,
					      "the kernel module %s is not loaded: modprobe %s",
					      module, module);
		return npmu_error_set(err, errno_of(code), "netlink: %s",
				      nl_geterror(code));
	}
	nl_socket_enable_msg_peek(nl->sock);
	*out = nl;
	return npmu_error_clear(err);
}

void npmu_nl_close(struct nl *nl)
{
	nl_socket_free(nl->sock);
	pthread_mutex_destroy(&nl->lock);
	free(nl);
}

int npmu_nl_subscribe(struct nl **out, const char *family, const char *module,
		      const char *group, struct npmu_error *err)
{
	const int room = EVENT_ROOM;
	struct nl *nl;
	int id, code;

	code = npmu_nl_open(&nl, family, module, err);
	if (code)
		return code;
	id = genl_ctrl_resolve_grp(nl->sock, family, group);
	code = id < 0 ? id : nl_socket_add_membership(nl->sock, id);
	if (!code)
		code = nl_socket_set_nonblocking(nl->sock);
	if (code) {
		npmu_nl_close(nl);
		return npmu_error_set(err, errno_of(code), "events: %s",
				      nl_geterror(code));
	}
	nl_socket_disable_seq_check(nl->sock);
	/* Each event takes some 3 KiB of it; without the right, what there is. */
	setsockopt(nl_socket_get_fd(nl->sock), SOL_SOCKET, SO_RCVBUFFORCE, &room,
		   sizeof(room));
	*out = nl;
	return npmu_error_clear(err);
}

int npmu_nl_fd(const struct nl *nl)
{
	return nl_socket_get_fd(nl->sock);
}

struct taking {
	const struct nl_struct *(*desc_of)(uint8_t cmd);
	void *out;
	int code;
	bool taken;
};

static int on_event(struct nl_msg *msg, void *arg)
{
	struct nlmsghdr *h = nlmsg_hdr(msg);
	const struct nl_struct *desc;
	struct taking *t = arg;

	if (!genlmsg_valid_hdr(h, 0)) {
		t->code = -EPROTO;
		return NL_STOP;
	}
	desc = t->desc_of(genlmsg_hdr(h)->cmd);
	if (!desc)
		return NL_OK;
	t->code = parse(h, desc, t->out);
	t->taken = !t->code;
	return NL_STOP;
}

int npmu_nl_next(struct nl *nl, const struct nl_struct *(*desc_of)(uint8_t cmd),
		 void *out)
{
	struct taking t = { .desc_of = desc_of, .out = out };
	int code;

	nl_socket_modify_cb(nl->sock, NL_CB_VALID, NL_CB_CUSTOM, on_event, &t);
	do {
		code = nl_recvmsgs_default(nl->sock);
		/* Of a full receive buffer libnl makes an "out of memory". */
		if (code == -NLE_NOMEM)
			return -ENOBUFS;
		if (code < 0)
			return errno_of(code);
	} while (!t.taken && !t.code);
	return t.code;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * A remote region: opening it, the writer role, and what the end of a connection means. Asks
 * the unit; must not know what the bytes mean, nor how they move (rdma_mirror.c).
 */
#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "error.h"
#include "rdma_region.h"
#include "remote_key.h"

#define CONNECT_TIMEOUT	5000	/* ms for each step */
#define LEAVE_TIMEOUT	2000	/* ms: then the unit learns it by the disconnect */

/* What the unit says. The phrases are for a handle that has no other text. */
static const struct {
	int code;
	const char *why;
} said[] = {
	[NPMU_WIRE_E_ORDER] = { -EPROTO, "the unit did not expect that now" },
	[NPMU_WIRE_E_AUTH] = { -EACCES, "the unit does not know this principal by this key" },
	[NPMU_WIRE_E_NOT_FOUND] = { -ENOENT, "there is no such region, or no grant of it: npmu-admin grant list, on the unit's host" },
	[NPMU_WIRE_E_ACCESS] = { -EACCES, "the grant does not allow that, or this open is not the writer" },
	[NPMU_WIRE_E_STALE] = { -ESTALE, "another fence epoch is current, or this open is dead" },
	[NPMU_WIRE_E_BUSY] = { -EBUSY, "another open is the writer, or a fence is not done" },
	[NPMU_WIRE_E_READ_ONLY] = { -EROFS, "the region is read-only" },
	[NPMU_WIRE_E_RANGE] = { -ERANGE, "the range is not within what was granted" },
	[NPMU_WIRE_E_IO] = { -EIO, "the unit's memory failed" },
	[NPMU_WIRE_E_GONE] = { -ENXIO, "the unit's device is gone" },
	[NPMU_WIRE_E_LIMIT] = { -EUSERS, "too many opens of this principal, or more keys than a connection has" },
	[NPMU_WIRE_E_MEMORY] = { -ENOMEM, "the unit is out of memory" },
	[NPMU_WIRE_E_TIMEDOUT] = { -ETIMEDOUT, "something of the former writer is still inside" },
	[NPMU_WIRE_E_CLASS] = { -EOPNOTSUPP, "the unit survives less than was asked for" },
	[NPMU_WIRE_E_NO_SPACE] = { -ENOSPC, "there is no room in the unit, or in the table of readers" },
	[NPMU_WIRE_E_INVALID] = { -EINVAL, "a name or a position that cannot be" },
	[NPMU_WIRE_E_NO_CHECKPOINT] = { -EMEDIUMTYPE, "the region holds no checkpoint in the append form" },
	[NPMU_WIRE_E_NOT_ATTACHED] = { -ENODEV, "this reader has no name yet" },
};

int npmu_rdma_say(struct npmu_region *region, int code)
{
	uint32_t status = (uint32_t)(-code - NPMU_RDMA_STATUS);

	if (status < sizeof(said) / sizeof(said[0]) && said[status].why)
		return npmu_region_fail(region, said[status].code, said[status].why);
	return npmu_region_fail(region, -EPROTO, "the unit refused the request");
}

int npmu_rdma_meet(const struct npmu_remote_url *url, struct rdma_conn **c,
		   struct npmu_error *err)
{
	uint8_t key[NPMU_WIRE_KEY_MAX];
	int len, code;

	len = npmu_remote_key_read(url->principal, key, err);
	if (len < 0)
		return len;
	code = npmu_rdma_connect(url->host, *url->port ? url->port : NULL, CONNECT_TIMEOUT, c,
				 err);
	if (!code) {
		code = npmu_rdma_authenticate(*c, url->principal, key, (size_t)len,
					      CONNECT_TIMEOUT, err);
		if (code) {
			npmu_rdma_disconnect(*c);
			*c = NULL;
		}
	}
	explicit_bzero(key, sizeof(key));
	return code;
}

int npmu_rdma_reach(struct rdma_region *r, uint32_t access, struct rdma_conn **c,
		    const struct npmu_wire_opened **opened, struct npmu_error *err)
{
	struct npmu_wire_open msg = { .access = htole32(access) };
	const void *answer;
	int code;

	code = npmu_rdma_meet(&r->url, c, err);
	if (code)
		return code;
	if (access & NPMU_WIRE_WRITE && npmu_rdma_may_flush(*c))
		msg.access |= htole32(NPMU_WIRE_TELL);
	memcpy(msg.unit, r->url.unit, sizeof(msg.unit));
	memcpy(msg.region, r->url.region, sizeof(msg.region));
	code = npmu_rdma_ask(*c, NPMU_WIRE_OPEN, &msg, sizeof(msg), &answer, REGION_TIMEOUT);
	if (!code) {
		*opened = answer;
		return 0;
	}
	if (code > -NPMU_RDMA_STATUS)
		npmu_error_set(err, code, "%s: the unit does not answer", r->url.host);
	npmu_rdma_disconnect(*c);
	*c = NULL;
	return code;
}

int npmu_rdma_lose(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	const struct npmu_wire_opened *opened;
	struct rdma_conn *again = NULL;
	struct npmu_error err;
	unsigned int i;
	int code;

	if (region->remote->lost)
		return region->remote->lost;
	r->c->dead = true;
	region->own_status->writer = 0;
	/* Nobody waits for them; they are taken before the connection goes. */
	for (i = 0; i < REGION_OPS; i++)
		r->ops[i].done = true;
	/* A unit that fences ends the connection: so ask it anew who is the writer. */
	code = npmu_rdma_reach(r, NPMU_WIRE_READ, &again, &opened, &err);
	if (!code && r->writer_epoch && le64toh(opened->fence_epoch) != r->writer_epoch) {
		region->own_status->fence_epoch = le64toh(opened->fence_epoch);
		code = -ESTALE;
	}
	if (code == -NPMU_RDMA_STATUS - NPMU_WIRE_E_NOT_FOUND)
		code = -ESTALE;
	npmu_rdma_disconnect(again);
	region->remote->lost = code == -ESTALE ? -ESTALE : -ENOTCONN;
	return npmu_region_fail(region, region->remote->lost, code == -ESTALE ?
				"fenced, or there is no grant of the region any more: open it again" :
				"the connection to the unit was lost: npmu_region_reconnect(), or open it again");
}

int npmu_rdma_request(struct npmu_region *region, uint16_t type, void *msg, size_t len,
		      const void **answer)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = region->remote->lost;

	if (code)
		return npmu_region_fail(region, code, code == -ENOTCONN ?
					"the connection to the unit was lost: npmu_region_reconnect(), or open it again" :
					"this open is dead: open the region again");
	code = npmu_rdma_ask(r->c, type, msg, len, answer, REGION_TIMEOUT);
	if (!code)
		return 0;
	if (code > -NPMU_RDMA_STATUS)
		return npmu_rdma_lose(region);
	return npmu_rdma_say(region, code);
}

void npmu_rdma_take_keys(struct rdma_region *r, const struct npmu_wire_key *keys, uint32_t nr)
{
	r->nr_keys = le32toh(nr);
	memcpy(r->keys, keys, r->nr_keys * sizeof(*keys));
}

static int claimed(struct npmu_region *region, int code, const void *answer,
		   uint64_t *fence_epoch)
{
	struct rdma_region *r = rdma_region_of(region);
	const struct npmu_wire_claimed *claimed = answer;

	if (code)
		return code;
	npmu_rdma_take_keys(r, claimed->keys, claimed->nr_keys);
	r->writer_epoch = le64toh(claimed->fence_epoch);
	/* Another wrote until now. */
	region->remote->ahead_to = 0;
	region->own_status->fence_epoch = r->writer_epoch;
	region->own_status->writer = region->entry_id;
	if (fence_epoch)
		*fence_epoch = r->writer_epoch;
	return 0;
}

static int remote_claim(struct npmu_region *region, uint64_t *fence_epoch)
{
	struct npmu_wire_header msg;
	const void *answer = NULL;
	int code;

	if (!(region->flags & NPMU_OPEN_WRITE))
		return npmu_region_fail(region, -EBADF, "the region is not open for writing");
	if (npmu_region_is_writer(region)) {
		if (fence_epoch)
			*fence_epoch = npmu_region_fence_epoch(region);
		return 0;
	}
	code = npmu_rdma_request(region, NPMU_WIRE_CLAIM, &msg, sizeof(msg), &answer);
	return claimed(region, code, answer, fence_epoch);
}

static int remote_takeover(struct npmu_region *region, uint64_t expected, uint64_t *fence_epoch)
{
	struct npmu_wire_takeover msg = { .expected_epoch = htole64(expected) };
	const void *answer = NULL;
	int code;

	if (!(region->flags & NPMU_OPEN_WRITE))
		return npmu_region_fail(region, -EBADF, "the region is not open for writing");
	code = npmu_rdma_request(region, NPMU_WIRE_TAKEOVER, &msg, sizeof(msg), &answer);
	if (code == -ESTALE && !npmu_rdma_watch(region) && fence_epoch)
		*fence_epoch = npmu_region_fence_epoch(region);
	return claimed(region, code, answer, fence_epoch);
}

static int remote_resign(struct npmu_region *region)
{
	struct npmu_wire_header msg;
	const struct npmu_wire_claimed *answer;
	const void *reply = NULL;
	int code;

	if (!npmu_region_is_writer(region) && !region->remote->lost)
		return npmu_region_fail(region, -EPERM, "this open is not the writer");
	code = npmu_rdma_request(region, NPMU_WIRE_RESIGN, &msg, sizeof(msg), &reply);
	if (code)
		return code;
	answer = reply;
	npmu_rdma_take_keys(rdma_region_of(region), answer->keys, answer->nr_keys);
	rdma_region_of(region)->writer_epoch = 0;
	region->own_status->writer = 0;
	region->own_status->fence_epoch = le64toh(answer->fence_epoch);
	return 0;
}

static int remote_kick(struct npmu_region *region)
{
	struct npmu_wire_header msg;

	if (!npmu_region_is_writer(region) && !region->remote->lost)
		return npmu_region_fail(region, -EPERM, "this open is not the writer");
	/* What is told after this comes behind it. */
	rdma_region_of(region)->c->kick_wanted = false;
	return npmu_rdma_request(region, NPMU_WIRE_KICK, &msg, sizeof(msg), NULL);
}

/* Of a dead open: what was heard last. */
static int remote_info(struct npmu_region *region, struct npmu_ioc_info *info)
{
	struct rdma_region *r = rdma_region_of(region);

	if (!region->remote->lost)
		npmu_rdma_watch(region);
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	info->region_size = region->size;
	info->pm_addr = r->pm_address;
	info->fence_epoch = npmu_region_fence_epoch(region);
	info->entry_id = region->entry_id;
	info->dead = region->remote->lost != 0;
	if (npmu_region_is_writer(region))
		info->writer_id = region->entry_id;
	else if (r->writer && !info->dead)
		info->writer_id = UINT64_MAX;
	info->last_writer_epoch = r->last_epoch;
	memcpy(info->unit_uuid, r->unit_uuid, sizeof(info->unit_uuid));
	memcpy(info->region_uuid, r->region_uuid, sizeof(info->region_uuid));
	info->persistence_class = region->persistence_class;
	info->access = NPMU_ACCESS_READ;
	if (region->flags & NPMU_OPEN_WRITE)
		info->access |= NPMU_ACCESS_WRITE;
	info->role = info->writer_id ? NPMU_ROLE_HELD : NPMU_ROLE_VACANT;
	memcpy(info->unit_name, r->url.unit, sizeof(r->url.unit));
	memcpy(info->region_name, r->url.region, sizeof(r->url.region));
	r->role_seen = r->role;
	return 0;
}

/* The role is vacant when this returns, not some time after the unit has noticed. */
static void leave_role(struct npmu_region *region)
{
	struct npmu_wire_header msg;

	if (npmu_region_is_writer(region) && !region->remote->lost)
		npmu_rdma_ask(rdma_region_of(region)->c, NPMU_WIRE_RESIGN, &msg, sizeof(msg),
			      NULL, LEAVE_TIMEOUT);
}

static void remote_close(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);

	if (rdma_region_is_ours(r)) {
		leave_role(region);
		npmu_rdma_unpin(r);
		npmu_rdma_disconnect(r->c);
	}
	free(r->memory);
	free(r->dirty);
	free(r);
	region->remote = NULL;
}

static const struct npmu_remote_ops ops = {
	.close = remote_close,
	.map = npmu_rdma_map,
	.unmap = npmu_rdma_unmap,
	.fetch = npmu_rdma_fetch,
	.stored = npmu_rdma_stored,
	.commit = npmu_rdma_commit,
	.submit = npmu_rdma_submit,
	.complete = npmu_rdma_land,
	.persist = npmu_rdma_persist,
	.gather = npmu_rdma_gather,
	.register_memory = npmu_rdma_register,
	.unregister_memory = npmu_rdma_unregister,
	.method = npmu_rdma_method,
	.claim = remote_claim,
	.takeover = remote_takeover,
	.resign = remote_resign,
	.kick = remote_kick,
	.info = remote_info,
	.wait = npmu_rdma_region_wait,
	.read = npmu_rdma_read,
	.write = npmu_rdma_write,
	.reconnect = npmu_rdma_reconnect,
	.reader_attach = npmu_rdma_reader_attach,
	.reader_ack = npmu_rdma_reader_ack,
	.reader_detach = npmu_rdma_reader_detach,
};

int npmu_rdma_wake_by(struct npmu_region *region, struct rdma_conn *c)
{
	struct epoll_event event = { .events = EPOLLIN };

	if (epoll_ctl(region->fd, EPOLL_CTL_ADD, c->completions->fd, &event) ||
	    epoll_ctl(region->fd, EPOLL_CTL_ADD, c->events->fd, &event))
		return npmu_region_fail(region, -errno, "no descriptor is left");
	return 0;
}

static int begin(struct npmu_region *region, uint32_t access, struct npmu_error *err)
{
	struct rdma_region *r = rdma_region_of(region);
	const struct npmu_wire_opened *opened;
	unsigned int i;
	int code;

	code = npmu_rdma_reach(r, access, &r->c, &opened, err);
	if (code > -NPMU_RDMA_STATUS && code)
		return code;
	if (code) {
		code = npmu_rdma_say(region, code);
		return npmu_error_set(err, code, "%s/%s at %s: %s", r->url.unit, r->url.region,
				      r->url.host, npmu_region_error(region));
	}
	for (i = 0; i < REGION_OPS; i++)
		r->ops[i].done = true;
	r->pm_address = le64toh(opened->pm_address);
	r->offset = le64toh(opened->offset);
	memcpy(r->unit_uuid, opened->unit_uuid, sizeof(r->unit_uuid));
	memcpy(r->region_uuid, opened->region_uuid, sizeof(r->region_uuid));
	npmu_rdma_take_keys(r, opened->keys, opened->nr_keys);
	region->size = le64toh(opened->length);
	region->entry_id = le64toh(opened->entry);
	region->persistence_class = le32toh(opened->persistence_class);
	region->own_status->fence_epoch = le64toh(opened->fence_epoch);
	code = npmu_rdma_choose_persist(r, le32toh(opened->persist), err);
	if (code)
		return code;
	if (region->size > SIZE_MAX)
		return npmu_error_set(err, -ENOMEM, "the region is larger than the address space");
	code = npmu_rdma_watch(region);
	if (code)
		return npmu_error_set(err, code, "%s", npmu_region_error(region));
	r->kicks_seen = r->kicks;
	r->role_seen = r->role;
	region->fd = epoll_create1(EPOLL_CLOEXEC);
	if (region->fd < 0 || npmu_rdma_wake_by(region, r->c))
		return npmu_error_set(err, -errno, "no descriptor is left");
	region->remote->connection = 1;
	return 0;
}

/* What the URL says, and who asks. */
static int parse(const char *text, struct npmu_remote_url *url, struct npmu_error *err)
{
	const char *principal = secure_getenv("NPMU_PRINCIPAL");
	int code = npmu_remote_url_parse(text, url, err);

	if (code)
		return code;
	if (!*url->principal && principal && strlen(principal) < sizeof(url->principal))
		strcpy(url->principal, principal);
	if (*url->principal)
		return 0;
	return npmu_error_set(err, -EINVAL,
			      "%s: who are you? npmu://PRINCIPAL@host/unit/region, or NPMU_PRINCIPAL",
			      text);
}

int npmu_remote_create(const char *text, uint64_t size, struct npmu_error *err)
{
	struct npmu_remote_url url;
	int code = parse(text, &url, err);

	return code ? code : npmu_rdma_create(&url, size, err);
}

int npmu_remote_open(const char *url, unsigned int flags, struct npmu_region **out,
		     struct npmu_error *err)
{
	uint32_t access = NPMU_WIRE_READ | (flags & NPMU_OPEN_WRITE ? NPMU_WIRE_WRITE : 0);
	struct npmu_region *region = calloc(1, sizeof(*region));
	struct rdma_region *r = calloc(1, sizeof(*r));
	int code = -ENOMEM;

	if (region)
		region->own_status = calloc(1, sizeof(*region->own_status));
	if (!region || !r || !region->own_status) {
		npmu_error_set(err, code, "out of memory");
		goto err;
	}
	code = parse(url, &r->url, err);
	if (code)
		goto err;
	r->remote.ops = &ops;
	r->owner = getpid();
	region->remote = &r->remote;
	region->fd = -1;
	region->flags = flags;
	region->ops = &npmu_persist_kernel;
	region->status = region->own_status;
	atomic_init(&region->error, "");
	code = begin(region, access, err);
	if (code) {
		npmu_rdma_disconnect(r->c);
		if (region->fd >= 0)
			close(region->fd);
		goto err;
	}
	*out = region;
	return npmu_error_clear(err);
err:
	if (region)
		free(region->own_status);
	free(region);
	free(r);
	return code;
}

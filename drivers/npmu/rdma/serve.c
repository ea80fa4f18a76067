// SPDX-License-Identifier: GPL-2.0-only
/*
 * What a client asks for. Owns the order of things on a connection: who are you, what
 * do you open, what do you do with it. Works through the TPT and the writer role like
 * any other front end; it must not know queue pairs (conn.c) nor memory regions (mr.c).
 */
#include <crypto/utils.h>
#include <linux/random.h>

#include "../access.h"
#include "../range.h"
#include "../reader.h"
#include "../role.h"
#include "answer.h"
#include "auth.h"
#include "mr.h"
#include "netlink.h"
#include "watch.h"

/* Bytes that an entry reaches from its offset on. */
static u64 reach(const struct npmu_tpt_entry *entry)
{
	return entry->len ?: READ_ONCE(entry->region->size) - entry->offset;
}

/* For npmu_conn_stat(). */
static void show(struct npmu_conn *conn)
{
	struct npmu_tpt_entry *entry = conn->entry;
	struct npmu_conn_stat stat = {};

	strscpy(stat.principal, conn->principal);
	if (entry) {
		strscpy(stat.unit, entry->region->unit->name);
		npmu_region_name(entry->region, stat.region);
		stat.entry = entry->id;
	}
	npmu_conn_show(conn, &stat);
}

/* 1. Who are you? */

static void auth_begin(struct npmu_answer *answer, const struct npmu_wire_auth_begin *msg)
{
	struct npmu_wire_auth_begun *begun = answer->buf->bytes;
	struct npmu_conn *conn = answer->conn;
	int ret;

	memcpy(conn->principal, msg->principal, sizeof(conn->principal));
	memcpy(conn->client_nonce, msg->nonce, sizeof(conn->client_nonce));
	get_random_bytes(conn->unit_nonce, sizeof(conn->unit_nonce));
	ret = npmu_auth_proof(conn, NPMU_WIRE_ROLE_UNIT, begun->proof);
	if (!ret && !npmu_conn_move(conn, NPMU_CONN_NEW, NPMU_CONN_CHALLENGED))
		ret = -ESTALE;
	if (ret) {
		npmu_answer_error(answer, ret);
		return;
	}
	memcpy(begun->nonce, conn->unit_nonce, sizeof(begun->nonce));
	npmu_answer(answer, NPMU_WIRE_OK, sizeof(*begun));
}

/* One chance a connection, which ends when the time for it is over. */
static void auth_prove(struct npmu_answer *answer, const struct npmu_wire_auth_prove *msg)
{
	struct npmu_conn *conn = answer->conn;
	u8 proof[NPMU_WIRE_PROOF_LEN];
	int ret;

	ret = npmu_auth_proof(conn, NPMU_WIRE_ROLE_CLIENT, proof);
	if (ret) {
		npmu_answer_error(answer, ret);
		return;
	}
	if (crypto_memneq(proof, msg->proof, sizeof(proof))) {
		/* Any bytes may be in the name of a stranger. */
		pr_warn_ratelimited("npmu_rdma: %*pE did not prove who it is\n",
				    (int)strlen(conn->principal), conn->principal);
		npmu_conn_doom(conn, NPMU_NI_SESSION_END_UNPROVED);
		npmu_conn_move(conn, NPMU_CONN_CHALLENGED, NPMU_CONN_REFUSED);
		npmu_ni_notify(conn, NPMU_NI_SESSION_EVENT_REFUSED);
		npmu_answer(answer, NPMU_WIRE_E_AUTH, 0);
		return;
	}
	show(conn);
	WRITE_ONCE(conn->idle_since, jiffies);
	npmu_conn_move(conn, NPMU_CONN_CHALLENGED, NPMU_CONN_KNOWN);
	npmu_ni_notify(conn, NPMU_NI_SESSION_EVENT_BEGUN);
	npmu_answer(answer, NPMU_WIRE_OK, sizeof(struct npmu_wire_header));
}

/* 2. What do you open? */

/* Under region->lock, of a fence or of anything else that takes away. */
static void entry_zap(struct npmu_tpt_entry *entry)
{
	struct npmu_conn *conn = entry->owner;
	bool dead = READ_ONCE(entry->dead) && !READ_ONCE(conn->leaving);

	/* Who goes on with a key that is gone is not the one who did wrong. */
	if (dead)
		npmu_conn_doom(conn, NPMU_NI_SESSION_END_FENCED);
	npmu_keys_drop(conn, dead);
	if (dead)
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FENCED);
}

/* Memory failed: rather no key than one that reaches it. */
static void entry_zap_range(struct npmu_tpt_entry *entry, u64 offset, u64 len)
{
	struct npmu_conn *conn = entry->owner;

	npmu_conn_doom(conn, NPMU_NI_SESSION_END_MEMORY);
	npmu_keys_drop(conn, true);
	npmu_conn_close(conn, NPMU_NI_SESSION_END_MEMORY);
}

static const struct npmu_revoke_ops revoke_ops = {
	.zap = entry_zap,
	.zap_range = entry_zap_range,
};

static struct npmu_region *region_of(const struct npmu_wire_open *msg)
{
	struct npmu_region *region;
	struct npmu_unit *unit;

	unit = npmu_unit_find((const char *)msg->unit);
	if (!unit)
		return NULL;
	region = npmu_region_find(unit, (const char *)msg->region);
	npmu_unit_put(unit);
	return region;
}

static int entry_open(struct npmu_conn *conn, const struct npmu_wire_open *msg)
{
	struct npmu_tpt_entry *entry;
	struct npmu_region *region;

	region = region_of(msg);
	if (!region)
		return -ENOENT;
	/* An open that came to nothing on this connection took them for good. */
	npmu_keys_admit(conn);
	WRITE_ONCE(conn->leaving, false);
	mutex_lock(&region->lock);
	entry = npmu_tpt_open_principal(region, conn->principal,
					le32_to_cpu(msg->access) & ~NPMU_WIRE_TELL, &revoke_ops,
					conn);
	mutex_unlock(&region->lock);
	npmu_region_put(region);
	if (IS_ERR(entry))
		/* Who has no grant does not learn what there is. */
		return PTR_ERR(entry) == -EACCES ? -ENOENT : PTR_ERR(entry);
	conn->entry = entry;
	conn->tell = le32_to_cpu(msg->access) & NPMU_WIRE_TELL;
	npmu_watch_begin(conn);
	return 0;
}

/* On an error nothing is open. */
static u32 try_open(struct npmu_conn *conn, const struct npmu_wire_open *msg, u64 *len)
{
	struct npmu_tpt_entry *entry;
	int ret;

	ret = entry_open(conn, msg);
	if (ret)
		return npmu_answer_status(ret);
	entry = conn->entry;
	*len = reach(entry);
	if (entry->region->unit->class < le32_to_cpu(msg->persistence_class)) {
		npmu_serve_end(conn);
		return NPMU_WIRE_E_CLASS;
	}
	ret = npmu_keys_make(conn, entry->offset, *len, false);
	if (ret)
		npmu_serve_end(conn);
	return npmu_answer_status(ret);
}

static void serve_open(struct npmu_answer *answer, const struct npmu_wire_open *msg)
{
	struct npmu_wire_opened *opened = answer->buf->bytes;
	struct npmu_conn *conn = answer->conn;
	struct npmu_tpt_entry *entry;
	struct npmu_region *region;
	u32 status, nr;
	u64 len;

	status = try_open(conn, msg, &len);
	if (status) {
		npmu_answer(answer, status, 0);
		return;
	}
	entry = conn->entry;
	region = entry->region;
	show(conn);
	npmu_conn_move(conn, NPMU_CONN_KNOWN, NPMU_CONN_OPEN);
	npmu_ni_notify(conn, NPMU_NI_SESSION_EVENT_OPENED);
	nr = npmu_keys_tell(conn, opened->keys);
	memcpy(opened->unit_uuid, region->unit->uuid, sizeof(opened->unit_uuid));
	memcpy(opened->region_uuid, region->uuid, sizeof(opened->region_uuid));
	opened->pm_address = cpu_to_le64(region->pm_addr + entry->offset);
	opened->offset = cpu_to_le64(entry->offset);
	opened->length = cpu_to_le64(len);
	/* It may have grown since, but never stands below what is granted. */
	opened->region_size = cpu_to_le64(max(READ_ONCE(region->size), entry->offset + len));
	opened->fence_epoch = cpu_to_le64(READ_ONCE(region->fence_epoch));
	opened->entry = cpu_to_le64(entry->id);
	opened->persistence_class = cpu_to_le32(region->unit->class);
	opened->persist = cpu_to_le32(NPMU_WIRE_PERSIST_MESSAGE |
				      (npmu_keys_flush(conn) ? NPMU_WIRE_PERSIST_FLUSH : 0));
	opened->writer = cpu_to_le32(!!READ_ONCE(region->writer));
	opened->nr_keys = cpu_to_le32(nr);
	npmu_answer(answer, NPMU_WIRE_OK, struct_size(opened, keys, nr));
}

/* 3. What do you do with it? */

static void answer_claimed(struct npmu_answer *answer, u64 fence_epoch, bool write)
{
	struct npmu_wire_claimed *claimed = answer->buf->bytes;
	struct npmu_conn *conn = answer->conn;
	struct npmu_tpt_entry *entry = conn->entry;
	u32 nr;
	int ret;

	ret = npmu_keys_make(conn, entry->offset, reach(entry), write);
	if (ret) {
		/* A writer that cannot write is none, and an open without keys is no use. */
		npmu_answer_error(answer, ret);
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
		return;
	}
	npmu_watch_tell(conn, write && conn->tell);
	nr = npmu_keys_tell(conn, claimed->keys);
	claimed->fence_epoch = cpu_to_le64(fence_epoch);
	claimed->nr_keys = cpu_to_le32(nr);
	npmu_answer(answer, NPMU_WIRE_OK, struct_size(claimed, keys, nr));
}

static void serve_claim(struct npmu_answer *answer)
{
	u64 fence_epoch;
	int ret;

	ret = npmu_role_claim(answer->conn->entry, true, &fence_epoch);
	if (ret)
		npmu_answer_error(answer, ret);
	else
		answer_claimed(answer, fence_epoch, true);
}

static void serve_takeover(struct npmu_answer *answer, const struct npmu_wire_takeover *msg)
{
	u64 fence_epoch;
	int ret;

	ret = npmu_role_takeover(answer->conn->entry, le64_to_cpu(msg->expected_epoch),
				 &fence_epoch);
	if (ret)
		npmu_answer_error(answer, ret);
	else
		answer_claimed(answer, fence_epoch, true);
}

static void serve_resign(struct npmu_answer *answer)
{
	struct npmu_tpt_entry *entry = answer->conn->entry;
	int ret;

	ret = npmu_role_resign(entry);
	if (ret)
		npmu_answer_error(answer, ret);
	else
		answer_claimed(answer, READ_ONCE(entry->region->fence_epoch), false);
}

static int commit_check(struct npmu_tpt_entry *entry, const struct npmu_wire_commit *msg)
{
	u64 offset = entry->offset, len = reach(entry);
	u32 i;

	for (i = 0; i < le32_to_cpu(msg->nr_ranges); i++) {
		u64 first = le64_to_cpu(msg->ranges[i].offset);

		if (first < offset ||
		    !npmu_range_ok(first - offset, le64_to_cpu(msg->ranges[i].length), len))
			return -ERANGE;
	}
	if (le32_to_cpu(msg->flags) & NPMU_WIRE_COMMIT_WORD) {
		u64 first = le64_to_cpu(msg->word_offset);

		if (first < offset || !npmu_range_ok(first - offset, sizeof(u64), len))
			return -ERANGE;
	}
	return 0;
}

static int kick(struct npmu_tpt_entry *entry)
{
	int ret = npmu_role_kick(entry);

	if (!ret)
		npmu_watch_kicked(entry->owner);
	return ret;
}

/* So much at a time, between looks at whether anybody still wants to know. */
#define PERSIST_STEP	(64 << 20)

static int persist(struct npmu_tpt_entry *entry, u64 offset, u64 len)
{
	struct npmu_conn *conn = entry->owner;
	int ret = 0;

	while (len && !ret) {
		u64 step = min_t(u64, len, PERSIST_STEP);

		/* Nobody waits for the answer, but for the end of this. */
		if (READ_ONCE(conn->state) == NPMU_CONN_CLOSING)
			return -ESTALE;
		ret = npmu_tpt_persist(entry, offset, step);
		offset += step;
		len -= step;
	}
	return ret;
}

static int commit(struct npmu_tpt_entry *entry, const struct npmu_wire_commit *msg)
{
	u32 flags = le32_to_cpu(msg->flags);
	u32 i;
	int ret;

	ret = commit_check(entry, msg);
	if (ret)
		return ret;
	/* A reader makes durable what it acts on. */
	if (flags != NPMU_WIRE_COMMIT_SEEN &&
	    READ_ONCE(entry->region->status->writer) != entry->id)
		return READ_ONCE(entry->dead) ? -ESTALE : -EPERM;
	for (i = 0; i < le32_to_cpu(msg->nr_ranges); i++) {
		ret = persist(entry, le64_to_cpu(msg->ranges[i].offset),
			      le64_to_cpu(msg->ranges[i].length));
		if (ret)
			return ret;
	}
	if (flags & NPMU_WIRE_COMMIT_WORD) {
		ret = npmu_tpt_store(entry, le64_to_cpu(msg->word_offset), &msg->word);
		if (ret)
			return ret;
	}
	if (flags & NPMU_WIRE_COMMIT_KICK)
		kick(entry);
	return 0;
}

static void serve_commit(struct npmu_answer *answer, const struct npmu_wire_commit *msg)
{
	struct npmu_conn *conn = answer->conn;
	struct npmu_region *region = conn->entry->region;
	int ret;

	ret = commit(conn->entry, msg);
	if (!ret)
		atomic64_inc(&conn->counters.commits);
	atomic64_inc(ret ? &region->counters.denied : &region->counters.commits);
	npmu_answer_error(answer, ret);
}

/* In which state a request is admitted. */
static enum npmu_conn_state state_for(u16 type)
{
	switch (type) {
	case NPMU_WIRE_AUTH_BEGIN:
		return NPMU_CONN_NEW;
	case NPMU_WIRE_AUTH_PROVE:
		return NPMU_CONN_CHALLENGED;
	case NPMU_WIRE_CREATE:
	case NPMU_WIRE_OPEN:
		return NPMU_CONN_KNOWN;
	default:
		return NPMU_CONN_OPEN;
	}
}

static void serve(struct npmu_answer *answer, const void *msg)
{
	switch (answer->type & ~NPMU_WIRE_ANSWER) {
	case NPMU_WIRE_AUTH_BEGIN:
		return auth_begin(answer, msg);
	case NPMU_WIRE_AUTH_PROVE:
		return auth_prove(answer, msg);
	case NPMU_WIRE_OPEN:
		return serve_open(answer, msg);
	case NPMU_WIRE_CLAIM:
		return serve_claim(answer);
	case NPMU_WIRE_TAKEOVER:
		return serve_takeover(answer, msg);
	case NPMU_WIRE_RESIGN:
		return serve_resign(answer);
	case NPMU_WIRE_COMMIT:
		return serve_commit(answer, msg);
	case NPMU_WIRE_WATCH:
		return npmu_answer(answer, NPMU_WIRE_OK, npmu_watch_ask(answer->conn, msg,
									answer->buf->bytes));
	case NPMU_WIRE_KICK:
		return npmu_answer_error(answer, kick(answer->conn->entry));
	case NPMU_WIRE_CREATE:
		return npmu_serve_create(answer, msg);
	case NPMU_WIRE_READER_ATTACH:
		return npmu_serve_attach(answer, msg);
	case NPMU_WIRE_READER_ACK:
		return npmu_serve_ack(answer, msg);
	case NPMU_WIRE_READER_DETACH:
		return npmu_serve_detach(answer, msg);
	}
}

void npmu_serve(struct npmu_conn *conn, const void *msg, u32 len)
{
	const struct npmu_wire_header *header = msg;
	struct npmu_answer answer = { .conn = conn };
	u32 status;

	atomic64_inc(&conn->counters.requests);
	status = npmu_msg_request(msg, len);
	if (status) {
		/* Whoever sends that cannot be told which of his requests it was. */
		npmu_conn_close(conn, NPMU_NI_SESSION_END_MALFORMED);
		return;
	}
	answer.type = le16_to_cpu(header->type) | NPMU_WIRE_ANSWER;
	answer.request = le32_to_cpu(header->request);
	answer.buf = npmu_conn_buf_get(conn);
	if (!answer.buf)
		return;
	if (READ_ONCE(conn->state) != state_for(le16_to_cpu(header->type)))
		npmu_answer(&answer, NPMU_WIRE_E_ORDER, 0);
	else
		serve(&answer, msg);
}

void npmu_serve_end(struct npmu_conn *conn)
{
	struct npmu_tpt_entry *entry = conn->entry;

	if (!entry)
		return;
	if (READ_ONCE(conn->end) == NPMU_NI_SESSION_END_VIOLATION)
		atomic64_inc(&entry->region->counters.denied);
	WRITE_ONCE(conn->leaving, true);
	npmu_watch_end(conn);
	npmu_reader_leave(entry);
	/* Drops the keys, too. */
	npmu_role_death(entry);
	npmu_keys_drop(conn, true);
	npmu_tpt_close(entry);
	conn->entry = NULL;
}

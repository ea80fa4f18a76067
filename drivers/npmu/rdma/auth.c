// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who a principal is: who knows its key. Owns the keyring of the module, where keys
 * that the administrator loads stay until they are removed or the module goes. It must
 * not know what a principal may do.
 */
#include <crypto/hash.h>
#include <crypto/utils.h>
#include <keys/user-type.h>
#include <linux/cred.h>
#include <linux/key.h>
#include <linux/random.h>

#include "auth.h"
#include "trace.h"

#define MAX_KEYS	1024
#define NPMU_HMAC	"hmac(sha256)"

/* Names of principals that have a key, in the order they came. Under the lock. */
static DEFINE_MUTEX(npmu_keys_lock);
static char (*names)[NPMU_PRINCIPAL_LEN];
static unsigned int nr_names;

static struct key *npmu_keyring;
static struct crypto_shash *npmu_hmac;
/* Stands in for the key of a principal that has none. */
static u8 nobodys[NPMU_WIRE_KEY_MIN];

/* Names in the keyring begin so: /proc/keys shows them among others. */
#define DESC_LEN	(sizeof("npmu:") + NPMU_PRINCIPAL_LEN)

static void describe(char desc[DESC_LEN], const char *principal)
{
	snprintf(desc, DESC_LEN, "npmu:%s", principal);
}

static int name_index(const char *principal)
{
	unsigned int i;

	lockdep_assert_held(&npmu_keys_lock);
	for (i = 0; i < nr_names; i++)
		if (!strcmp(names[i], principal))
			return i;
	return -ENOENT;
}

int npmu_key_set(const char *principal, const u8 *key, size_t len,
		 struct netlink_ext_ack *extack)
{
	char desc[DESC_LEN];
	key_ref_t ref;
	int index;

	if (len < NPMU_WIRE_KEY_MIN || len > NPMU_WIRE_KEY_MAX) {
		NL_SET_ERR_MSG_FMT(extack, "a key has %u to %u bytes", NPMU_WIRE_KEY_MIN,
				   NPMU_WIRE_KEY_MAX);
		return -EINVAL;
	}
	guard(mutex)(&npmu_keys_lock);
	index = name_index(principal);
	if (index < 0 && nr_names == MAX_KEYS) {
		NL_SET_ERR_MSG_FMT(extack, "there are %u keys, as many as are allowed", nr_names);
		return -ENOSPC;
	}
	describe(desc, principal);
	/* Of type "logon": user space cannot read it back. */
	ref = key_create_or_update(make_key_ref(npmu_keyring, true), "logon", desc, key, len,
				   KEY_POS_VIEW | KEY_POS_SEARCH | KEY_POS_WRITE | KEY_USR_VIEW,
				   KEY_ALLOC_NOT_IN_QUOTA);
	if (IS_ERR(ref))
		return PTR_ERR(ref);
	key_ref_put(ref);
	if (index < 0)
		strscpy(names[nr_names++], principal);
	trace_npmu_rdma_key(principal, "loaded");
	return 0;
}

static struct key *key_find(const char *principal)
{
	char desc[DESC_LEN];
	key_ref_t ref;

	describe(desc, principal);
	ref = keyring_search(make_key_ref(npmu_keyring, true), &key_type_logon, desc, true);
	return IS_ERR(ref) ? NULL : key_ref_to_ptr(ref);
}

int npmu_key_remove(const char *principal, struct netlink_ext_ack *extack)
{
	struct key *key;
	int index;

	guard(mutex)(&npmu_keys_lock);
	index = name_index(principal);
	if (index < 0) {
		NL_SET_ERR_MSG(extack, "no key of this principal is loaded");
		return -ENOENT;
	}
	key = key_find(principal);
	if (key) {
		key_unlink(npmu_keyring, key);
		key_put(key);
	}
	trace_npmu_rdma_key(principal, "removed");
	nr_names--;
	memmove(names[index], names[index + 1], (nr_names - index) * sizeof(names[0]));
	return 0;
}

bool npmu_key_next(unsigned int index, char principal[NPMU_PRINCIPAL_LEN])
{
	guard(mutex)(&npmu_keys_lock);
	if (index >= nr_names)
		return false;
	strscpy(principal, names[index], NPMU_PRINCIPAL_LEN);
	return true;
}

static size_t key_copy(const char *principal, u8 bytes[NPMU_WIRE_KEY_MAX])
{
	const struct user_key_payload *payload;
	size_t len = 0;
	struct key *key;

	key = key_find(principal);
	if (key) {
		down_read(&key->sem);
		payload = user_key_payload_locked(key);
		/* Not so where it was revoked. */
		if (payload && payload->datalen <= NPMU_WIRE_KEY_MAX) {
			len = payload->datalen;
			memcpy(bytes, payload->data, len);
		}
		up_read(&key->sem);
		key_put(key);
	}
	if (!len) {
		len = sizeof(nobodys);
		memcpy(bytes, nobodys, len);
	}
	return len;
}

static void transcribe(struct npmu_conn *conn, u32 role, struct npmu_wire_transcript *t)
{
	memset(t, 0, sizeof(*t));
	t->role = cpu_to_le32(role);
	if (!rdma_protocol_iwarp(conn->cm->device, conn->cm->port_num)) {
		t->client_qp = cpu_to_le32(conn->client_qp);
		t->unit_qp = cpu_to_le32(conn->cm->qp->qp_num);
	}
	t->hello = conn->hello;
	t->welcome = npmu_conn_welcome();
	memcpy(t->principal, conn->principal, sizeof(t->principal));
	memcpy(t->client_nonce, conn->client_nonce, sizeof(t->client_nonce));
	memcpy(t->unit_nonce, conn->unit_nonce, sizeof(t->unit_nonce));
}

int npmu_auth_proof(struct npmu_conn *conn, u32 role, u8 *proof)
{
	struct npmu_wire_transcript transcript;
	u8 key[NPMU_WIRE_KEY_MAX];
	struct crypto_shash *tfm;
	int ret;

	/* One of its own: the key is part of it. */
	tfm = crypto_alloc_shash(NPMU_HMAC, 0, 0);
	if (IS_ERR(tfm))
		return PTR_ERR(tfm);
	transcribe(conn, role, &transcript);
	ret = crypto_shash_setkey(tfm, key, key_copy(conn->principal, key));
	memzero_explicit(key, sizeof(key));
	if (!ret)
		ret = crypto_shash_tfm_digest(tfm, (u8 *)&transcript, sizeof(transcript), proof);
	crypto_free_shash(tfm);
	return ret;
}

int npmu_auth_init(void)
{
	int ret;

	get_random_bytes(nobodys, sizeof(nobodys));
	names = kvcalloc(MAX_KEYS, sizeof(*names), GFP_KERNEL);
	if (!names)
		return -ENOMEM;
	/* Held, so that it is there when a client comes. */
	npmu_hmac = crypto_alloc_shash(NPMU_HMAC, 0, 0);
	if (IS_ERR(npmu_hmac)) {
		ret = PTR_ERR(npmu_hmac);
		goto err_names;
	}
	npmu_keyring = keyring_alloc(".npmu", GLOBAL_ROOT_UID, GLOBAL_ROOT_GID, current_cred(),
				     KEY_POS_ALL & ~KEY_POS_SETATTR, KEY_ALLOC_NOT_IN_QUOTA,
				     NULL, NULL);
	if (IS_ERR(npmu_keyring)) {
		ret = PTR_ERR(npmu_keyring);
		goto err_hmac;
	}
	return 0;

err_hmac:
	crypto_free_shash(npmu_hmac);
err_names:
	kvfree(names);
	return ret;
}

void npmu_auth_exit(void)
{
	key_revoke(npmu_keyring);
	key_put(npmu_keyring);
	crypto_free_shash(npmu_hmac);
	kvfree(names);
	memzero_explicit(nobodys, sizeof(nobodys));
}

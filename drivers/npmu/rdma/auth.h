/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Principals' keys, and the proofs made with them.
 */
#ifndef NPMU_AUTH_H
#define NPMU_AUTH_H

#include <linux/netlink.h>

#include "conn.h"

int npmu_auth_init(void);
void npmu_auth_exit(void);

/**
 * npmu_key_set - load the key of a principal, in place of the one it has
 * @principal: its name
 * @key: bytes; NPMU_WIRE_KEY_MIN to NPMU_WIRE_KEY_MAX of them
 * @len: how many
 * @extack: message on refusal
 *
 * Kept in the kernel's memory only, and never shown again.
 *
 * Return: 0; -EINVAL, -ENOSPC (as many as are allowed), -ENOMEM.
 */
int npmu_key_set(const char *principal, const u8 *key, size_t len,
		 struct netlink_ext_ack *extack);

/* Forgets it; connections that were made with it go on. -ENOENT. */
int npmu_key_remove(const char *principal, struct netlink_ext_ack *extack);

/*
 * The name of the @index-th principal that has a key; false: there are not so many.
 */
bool npmu_key_next(unsigned int index, char principal[NPMU_PRINCIPAL_LEN]);

/**
 * npmu_auth_proof - the proof of one side of a connection
 * @conn: with principal and nonces
 * @role: NPMU_WIRE_ROLE_*
 * @proof: NPMU_WIRE_PROOF_LEN bytes
 *
 * Of a principal without a key it is made with one that nobody knows.
 *
 * Return: 0, -ENOMEM or what the crypto says.
 */
int npmu_auth_proof(struct npmu_conn *conn, u32 role, u8 *proof);

#endif /* NPMU_AUTH_H */

/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Keys: memory regions over exactly what an entry of the TPT may reach, by PM address.
 */
#ifndef NPMU_MR_H
#define NPMU_MR_H

#include "conn.h"

/**
 * npmu_keys_make - give a connection fresh keys in place of those it has
 * @conn: with an entry; from its work
 * @offset: in the region
 * @len: bytes, not zero
 * @write: also for writing
 *
 * On failure the connection has no keys.
 *
 * Return: 0; -ESTALE (revoked), -EIO (a bad block), -E2BIG (more keys than fit an answer),
 * -ENOMEM, -ETIMEDOUT (the device does not answer), -ENXIO (out of the region), -EOPNOTSUPP (the
 * device reaches a copy of the memory).
 */
int npmu_keys_make(struct npmu_conn *conn, u64 offset, u64 len, bool write);

/*
 * Is RDMA FLUSH offered on the keys for writing? Where the unit is of class persistent and the
 * device can.
 */
bool npmu_keys_flush(struct npmu_conn *conn);

/* Keys may be made again: of an entry that is not yet there. */
void npmu_keys_admit(struct npmu_conn *conn);

/* No access lands by a key once this returned. @for_good: and none is made again. */
void npmu_keys_drop(struct npmu_conn *conn, bool for_good);

/* Tells the keys to the client: at most NPMU_WIRE_MAX_KEYS of them. Returns how many. */
u32 npmu_keys_tell(struct npmu_conn *conn, struct npmu_wire_key *keys);

#endif /* NPMU_MR_H */

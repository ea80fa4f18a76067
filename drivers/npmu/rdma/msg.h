/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What clients send (linux/npmu_wire.h): which bytes are a message at all. Pure: the
 * same source is compiled into npmu_rdma.ko and into tests and fuzzers. Knows no
 * connection, no name and no right.
 */
#ifndef NPMU_MSG_H
#define NPMU_MSG_H

#include <linux/npmu_wire.h>

#include "../pure.h"

/**
 * npmu_msg_hello - is that the private data of a connect request
 * @buf: as it came; longer than what was sent where the transport pads with zeros
 * @len: bytes of it
 *
 * Return: 0 or NPMU_REFUSED_*.
 */
u32 npmu_msg_hello(const void *buf, size_t len);

/**
 * npmu_msg_request - is that a request
 * @buf: as it came, aligned to 8 bytes
 * @len: bytes of it, at most NPMU_WIRE_MSG_SIZE
 *
 * Return: NPMU_WIRE_OK: every field that depends on no state is right, and the header
 * may be read; NPMU_WIRE_E_MALFORMED.
 */
u32 npmu_msg_request(const void *buf, size_t len);

#endif /* NPMU_MSG_H */

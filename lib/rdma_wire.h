/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a unit sends (linux/npmu_wire.h): which bytes are a message at all.
 */
#ifndef NPMU_LIB_RDMA_WIRE_H
#define NPMU_LIB_RDMA_WIRE_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_wire.h>

/* The private data of an accept; the transport may pad it with zeros. 0 or NPMU_REFUSED_*. */
uint32_t npmu_wire_welcome(const void *buf, size_t len);

/*
 * What may come back to a request of @type with number @request, or as a notice of that
 * type with number 0; @buf is aligned to 8 bytes. The status in it; NPMU_WIRE_E_MALFORMED
 * also where it is no answer to that.
 */
uint32_t npmu_wire_answer(const void *buf, size_t len, uint16_t type, uint32_t request);

#endif /* NPMU_LIB_RDMA_WIRE_H */

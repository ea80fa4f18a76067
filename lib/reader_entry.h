/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The table of named readers, linux/npmu_ckpt.h: what the kernel does for an open. */
#ifndef NPMU_LIB_READER_ENTRY_H
#define NPMU_LIB_READER_ENTRY_H

#include "handle.h"

/*
 * As NPMU_IOC_READER_ATTACH, ACK and DETACH, whose errors they return. Of a plain file,
 * which must be open for writing, they write the entry themselves.
 */
int npmu_region_reader_attach(struct npmu_region *region, const char *name,
			      unsigned int flags, uint64_t instance,
			      uint64_t *position);
int npmu_region_reader_ack(struct npmu_region *region, uint64_t position);
int npmu_region_reader_detach(struct npmu_region *region, const char *name);

#endif /* NPMU_LIB_READER_ENTRY_H */

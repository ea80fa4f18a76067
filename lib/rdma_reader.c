// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Named readers of a remote region: the messages that say what NPMU_IOC_READER_* say of a
 * local one. Knows no update, and not why a name is refused.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "rdma_region.h"

static void put_name(__u8 *field, const char *name)
{
	memset(field, 0, NPMU_CKPT_READER_NAME_LEN);
	if (name)
		memcpy(field, name, strnlen(name, NPMU_CKPT_READER_NAME_LEN - 1));
}

int npmu_rdma_reader_attach(struct npmu_region *region, const char *name, unsigned int flags,
			    uint64_t instance, uint64_t *position)
{
	struct npmu_wire_reader_attach msg = {
		.flags = htole32(flags & NPMU_READER_F_CREATE ? NPMU_WIRE_READER_CREATE : 0),
		.instance = htole64(instance),
		.position = htole64(*position),
	};
	const struct npmu_wire_reader_attached *attached;
	const void *answer = NULL;
	int code;

	put_name(msg.name, name);
	code = npmu_rdma_request(region, NPMU_WIRE_READER_ATTACH, &msg, sizeof(msg), &answer);
	if (code)
		return code;
	attached = answer;
	*position = le64toh(attached->position);
	return 0;
}

int npmu_rdma_reader_ack(struct npmu_region *region, uint64_t position)
{
	struct npmu_wire_reader_ack msg = { .position = htole64(position) };

	return npmu_rdma_request(region, NPMU_WIRE_READER_ACK, &msg, sizeof(msg), NULL);
}

int npmu_rdma_reader_detach(struct npmu_region *region, const char *name)
{
	struct npmu_wire_reader_detach msg = { 0 };

	put_name(msg.name, name);
	return npmu_rdma_request(region, NPMU_WIRE_READER_DETACH, &msg, sizeof(msg), NULL);
}

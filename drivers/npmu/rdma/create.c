// SPDX-License-Identifier: GPL-2.0-only
/*
 * CREATE: a principal makes a region. What it may is for the core to say; it must not
 * know what the principal does with the region.
 */
#include "../region.h"
#include "answer.h"

static int make(struct npmu_conn *conn, const struct npmu_wire_create *msg,
		struct npmu_region **region)
{
	const struct npmu_region_attr attr = {
		.valid = NPMU_ATTR_NAME | NPMU_ATTR_CREATOR,
		.name = (const char *)msg->region,
		.size = le64_to_cpu(msg->size),
		.creator = conn->principal,
	};
	struct npmu_unit *unit;
	int ret;

	unit = npmu_unit_find((const char *)msg->unit);
	if (!unit)
		return -ENOENT;
	ret = npmu_region_create(unit, &attr, region, NULL);
	npmu_unit_put(unit);
	/* Who may not create does not learn whether there is such a unit. */
	return ret == -EACCES ? -ENOENT : ret;
}

void npmu_serve_create(struct npmu_answer *answer, const struct npmu_wire_create *msg)
{
	struct npmu_wire_created *created = answer->buf->bytes;
	struct npmu_region *region;
	int ret;

	ret = make(answer->conn, msg, &region);
	if (ret) {
		npmu_answer_error(answer, ret);
		return;
	}
	memcpy(created->region_uuid, region->uuid, sizeof(created->region_uuid));
	created->size = cpu_to_le64(READ_ONCE(region->size));
	npmu_region_put(region);
	WRITE_ONCE(answer->conn->idle_since, jiffies);
	npmu_answer(answer, NPMU_WIRE_OK, sizeof(*created));
}

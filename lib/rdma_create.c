// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Making a region at a unit that is reached by RDMA. Owns what a refusal means to who asks
 * for one; opens nothing.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "error.h"
#include "rdma_region.h"

static int refused(const struct npmu_remote_url *url, uint64_t size, int code,
		   struct npmu_error *err)
{
	uint32_t status = (uint32_t)(-code - NPMU_RDMA_STATUS);

	switch (status) {
	case NPMU_WIRE_E_NOT_FOUND:
		return npmu_error_set(err, -ENOENT,
				      "%s: there is no unit %s, or %s may not create in it: npmu-admin grant add %s %s --create --quota SIZE, on the unit's host",
				      url->host, url->unit, url->principal, url->unit,
				      url->principal);
	case NPMU_WIRE_E_QUOTA:
		return npmu_error_set(err, -EDQUOT,
				      "%s: %llu bytes more, or one region more, than %s may have in %s: npmu-admin grant list %s, on the unit's host",
				      url->host, (unsigned long long)size, url->principal,
				      url->unit, url->unit);
	case NPMU_WIRE_E_EXISTS:
		return npmu_error_set(err, -EEXIST,
				      "%s: %s/%s is there already: open it, or choose another name",
				      url->host, url->unit, url->region);
	case NPMU_WIRE_E_NO_SPACE:
		return npmu_error_set(err, -ENOSPC,
				      "%s: %s has no room for %llu bytes: npmu-admin unit show %s, on the unit's host",
				      url->host, url->unit, (unsigned long long)size, url->unit);
	case NPMU_WIRE_E_INVALID:
	case NPMU_WIRE_E_MALFORMED:
		return npmu_error_set(err, -EINVAL,
				      "%s/%s of %llu bytes: such a name, or so large a region, cannot be: see npmu-admin(8)",
				      url->unit, url->region, (unsigned long long)size);
	case NPMU_WIRE_E_GONE:
		return npmu_error_set(err, -ENXIO, "%s: the device of unit %s is gone", url->host,
				      url->unit);
	case NPMU_WIRE_E_MEMORY:
		return npmu_error_set(err, -ENOMEM, "%s: the unit's host is out of memory",
				      url->host);
	default:
		return npmu_error_set(err, -EIO,
				      "%s: the unit could not make %s/%s (%u): npmu-admin unit show %s, on the unit's host",
				      url->host, url->unit, url->region, status, url->unit);
	}
}

int npmu_rdma_create(const struct npmu_remote_url *url, uint64_t size, struct npmu_error *err)
{
	struct npmu_wire_create msg = { .size = htole64(size) };
	struct rdma_conn *c;
	int code;

	if (!size)
		return npmu_error_set(err, -EINVAL, "a region has at least one byte");
	memcpy(msg.unit, url->unit, sizeof(msg.unit));
	memcpy(msg.region, url->region, sizeof(msg.region));
	code = npmu_rdma_meet(url, &c, err);
	if (code)
		return code;
	code = npmu_rdma_ask(c, NPMU_WIRE_CREATE, &msg, sizeof(msg), NULL, REGION_TIMEOUT);
	npmu_rdma_disconnect(c);
	if (!code)
		return npmu_error_clear(err);
	if (code <= -NPMU_RDMA_STATUS)
		return refused(url, size, code, err);
	return npmu_error_set(err, code,
			      "%s: the connection was lost: %s/%s may have been made or not: open it, or try again",
			      url->host, url->unit, url->region);
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Connecting anew a remote region whose connection is lost: the same identity, the same unit
 * and region, and the writer role only from the hand that held it. Must not know what was
 * being written.
 */
#include <endian.h>
#include <errno.h>
#include <string.h>

#include "error.h"
#include "rdma_region.h"

/* What is there must be what was open. */
static int same(const struct npmu_region *region, const struct npmu_wire_opened *opened,
		struct npmu_error *err)
{
	const struct rdma_region *r = rdma_region_of(region);

	if (memcmp(opened->unit_uuid, r->unit_uuid, sizeof(r->unit_uuid)) ||
	    memcmp(opened->region_uuid, r->region_uuid, sizeof(r->region_uuid)))
		return npmu_error_set(err, -ESTALE,
				      "%s/%s at %s is another region than the one that was open",
				      r->url.unit, r->url.region, r->url.host);
	if (le64toh(opened->pm_address) != r->pm_address ||
	    le64toh(opened->offset) != r->offset ||
	    le64toh(opened->length) < region->size)
		return npmu_error_set(err, -ESTALE,
				      "%s/%s at %s, or the grant of it, is not as large as it was: open it again",
				      r->url.unit, r->url.region, r->url.host);
	if (le32toh(opened->persistence_class) < region->persistence_class)
		return npmu_error_set(err, -ESTALE,
				      "the unit of %s/%s at %s survives less than it did: open it again",
				      r->url.unit, r->url.region, r->url.host);
	return 0;
}

/* Not the role, which is asked for. */
static void adopt(struct npmu_region *region, struct rdma_conn *c,
		  const struct npmu_wire_opened *opened)
{
	struct rdma_region *r = rdma_region_of(region);

	r->c = c;
	npmu_rdma_take_keys(r, opened->keys, opened->nr_keys);
	r->watching = false;
	region->entry_id = le64toh(opened->entry);
	region->own_status->writer = 0;
	region->own_status->kick_wanted = 0;
	region->own_status->fence_epoch = le64toh(opened->fence_epoch);
	region->remote->lost = 0;
	region->remote->connection++;
}

/*
 * Who was the writer is it again if nobody else was since: the unit compares. What the open
 * before still had on its way does not land any more.
 */
static int take_role(struct npmu_region *region, uint64_t epoch)
{
	int code;

	if (!epoch)
		return 0;
	code = region->remote->ops->takeover(region, epoch, NULL);
	/* Then the epoch is raised, and by us: from there it goes on the next time. */
	if (code == -ETIMEDOUT)
		rdma_region_of(region)->writer_epoch = epoch + 1;
	if (code == -ESTALE)
		return npmu_region_fail(region, code,
					"fenced: another has become the writer since the connection was lost");
	return code;
}

/* What happened meanwhile is not known: who waits is to look. */
static int hear(struct npmu_region *region)
{
	struct rdma_region *r = rdma_region_of(region);
	int code = npmu_rdma_watch(region);

	r->kicks_seen = r->kicks - 1;
	r->role_seen = r->role - 1;
	return code;
}

int npmu_rdma_reconnect(struct npmu_region *region, struct npmu_error *err)
{
	struct rdma_region *r = rdma_region_of(region);
	uint32_t access = NPMU_WIRE_READ |
			  (region->flags & NPMU_OPEN_WRITE ? NPMU_WIRE_WRITE : 0);
	const struct npmu_wire_opened *opened;
	uint64_t epoch = r->writer_epoch;
	struct rdma_conn *c = NULL;
	unsigned int i;
	int code;

	if (!region->remote->lost && !npmu_rdma_watch(region))
		return npmu_error_clear(err);
	npmu_rdma_forget(region);
	npmu_rdma_disconnect(r->c);
	r->c = NULL;
	for (i = 0; i < REGION_OPS; i++)
		r->ops[i].done = true;
	region->remote->lost = -ENOTCONN;
	code = npmu_rdma_reach(r, access, &c, &opened, err);
	if (code <= -NPMU_RDMA_STATUS) {
		code = npmu_rdma_say(region, code);
		npmu_error_set(err, code, "%s/%s at %s: %s", r->url.unit, r->url.region,
			       r->url.host, npmu_region_error(region));
	}
	if (code)
		return code;
	code = same(region, opened, err);
	if (code) {
		npmu_rdma_disconnect(c);
		region->remote->lost = code;
		return npmu_region_fail(region, code, "this open is dead: open the region again");
	}
	adopt(region, c, opened);
	/* What was there before may not be any more. */
	code = npmu_rdma_choose_persist(r, le32toh(opened->persist), err);
	if (code) {
		region->remote->lost = -ENOTCONN;
		return code;
	}
	code = npmu_rdma_wake_by(region, c) ?: take_role(region, epoch) ?: hear(region);
	if (!code)
		return npmu_error_clear(err);
	region->remote->lost = region->remote->lost ?: code == -ESTALE ? code : -ENOTCONN;
	region->own_status->writer = 0;
	return npmu_error_set(err, code, "%s/%s at %s: %s", r->url.unit, r->url.region,
			      r->url.host, npmu_region_error(region));
}

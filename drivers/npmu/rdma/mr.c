// SPDX-License-Identifier: GPL-2.0-only
/*
 * Keys over extents. Owns conn->keys: scattered extents of a region are registered
 * as memory regions whose addresses are PM addresses, so that the client sees one run.
 * It must not know who may have a key, nor when one is taken away.
 */
#include <linux/scatterlist.h>
#include <linux/slab.h>
#include <linux/random.h>

#include "../backing.h"
#include "../media.h"
#include "../tpt.h"
#include "mr.h"
#include "trace.h"

/* A device that does not answer a registration for so long is broken. */
#define NPMU_REG_BOUND	(2 * HZ)

/*
 * struct run - what one key is to cover: pieces that are contiguous by PM address.
 * Interior boundaries are aligned to the page size by physical address.
 */
struct run {
	u64 offset;
	u64 len;
	int nr_sg;
	u32 nr_pages;
	u32 page_size;
};

static u64 phys_of(struct npmu_unit *unit, u64 where)
{
	return ((u64)npmu_backing_pfn(unit->backing, where) << PAGE_SHIFT) +
	       (where & (PAGE_SIZE - 1));
}

/* How far memory goes on without a gap: pages of a dram backing lie anywhere. */
static u64 phys_reach(struct npmu_unit *unit, u64 where, u64 len)
{
	unsigned long pfn = npmu_backing_pfn(unit->backing, where);
	u64 reach = PAGE_SIZE - (where & (PAGE_SIZE - 1));

	while (reach < len && npmu_backing_pfn(unit->backing, where + reach) == ++pfn)
		reach += PAGE_SIZE;
	return min(reach, len);
}

/*
 * The longest run at @offset by pages of @page_size, at most @len. Without @sg only
 * counts its pieces. 0: not even one page of that size fits there.
 */
static int run_take(struct npmu_conn *conn, u64 offset, u64 len, u32 page_size,
		    struct run *run, struct scatterlist *sg)
{
	struct npmu_tpt_entry *entry = conn->entry;
	struct npmu_unit *unit = entry->region->unit;
	u64 pm_addr = entry->region->pm_addr;
	u32 max = conn->cm->device->attrs.max_fast_reg_page_list_len;
	u64 mask = page_size - 1;

	run->offset = offset;
	run->len = 0;
	run->nr_sg = 0;
	run->nr_pages = 0;
	run->page_size = page_size;
	while (len && run->nr_pages < max) {
		u64 step, room, phys;
		u64 where = npmu_tpt_translate(entry, offset, &step);

		if (where == NPMU_NOWHERE)
			return -ENXIO;
		phys = phys_of(unit, where);
		/* The first page may be entered in its middle, the last be left there. */
		if (run->nr_sg ? phys & mask : (phys ^ (pm_addr + offset)) & mask)
			break;
		room = (u64)(max - run->nr_pages) * page_size - (phys & mask);
		/* What an sg entry's length holds; and no more is looked at than is taken. */
		room = min_t(u64, room, SZ_1G);
		step = phys_reach(unit, where, min3(step, len, room));
		/* No piece ends within a page, but for the last one. */
		if (step < len && (phys + step) & mask) {
			u64 whole = step - ((phys + step) & mask);

			if ((s64)whole <= 0)
				break;
			step = whole;
		}
		if (npmu_media_is_bad(unit->media, where, step))
			return -EIO;
		if (sg) {
			sg_set_page(sg, pfn_to_page(phys >> PAGE_SHIFT), step,
				    phys & (PAGE_SIZE - 1));
			sg = sg_next(sg);
		}
		run->nr_sg++;
		run->len += step;
		run->nr_pages += DIV_ROUND_UP((phys & mask) + step, page_size);
		offset += step;
		len -= step;
	}
	return run->len ? 0 : -EINVAL;
}

/* By @largest pages where extents and device allow, else by the page size of the CPU. */
static int run_find(struct npmu_conn *conn, u64 offset, u64 len, u32 largest, struct run *run)
{
	int ret = -EINVAL;

	if (largest == NPMU_CHUNK_SIZE &&
	    conn->cm->device->attrs.page_size_cap & NPMU_CHUNK_SIZE)
		ret = run_take(conn, offset, len, NPMU_CHUNK_SIZE, run, NULL);
	if (ret == -EINVAL)
		ret = run_take(conn, offset, len, PAGE_SIZE, run, NULL);
	return ret;
}

static void reg_done(struct ib_cq *cq, struct ib_wc *wc)
{
	struct npmu_reg *reg = container_of(wc->wr_cqe, struct npmu_reg, cqe);
	struct npmu_conn *conn = cq->cq_context;

	atomic64_inc(&conn->counters.completions);
	reg->status = wc->status;
	complete(&reg->done);
}

static int key_register(struct npmu_conn *conn, struct npmu_key *key, int access)
{
	struct npmu_reg *reg = &conn->reg;
	struct ib_reg_wr wr = {
		.wr.wr_cqe = &reg->cqe,
		.wr.opcode = IB_WR_REG_MR,
		.wr.send_flags = IB_SEND_SIGNALED,
		.mr = key->mr,
		.key = key->mr->rkey,
		.access = access,
	};
	int ret;

	lockdep_assert_held(&conn->keys_lock);
	init_completion(&reg->done);
	reg->cqe.done = reg_done;
	ret = ib_post_send(conn->cm->qp, &wr.wr, NULL);
	if (!ret && !wait_for_completion_timeout(&reg->done, NPMU_REG_BOUND)) {
		/* An error of the queue pair completes it, or the device is beyond help. */
		npmu_conn_close(conn, NPMU_NI_SESSION_END_FAILED);
		ib_drain_sq(conn->cm->qp);
		return -ETIMEDOUT;
	}
	/* Else the queue pair is not what it was: the connection ends. */
	return ret || reg->status != IB_WC_SUCCESS ? -ESTALE : 0;
}

static void key_free(struct npmu_conn *conn, struct npmu_key *key)
{
	/* A device that cannot is told to take no more of the client at all. */
	if (!IS_ERR_OR_NULL(key->mr) && WARN_ON_ONCE(ib_dereg_mr(key->mr)))
		ib_drain_qp(conn->cm->qp);
	if (key->nr_sg)
		ib_dma_unmap_sg(conn->cm->device, key->sg, key->nr_sg, key->dir);
	kvfree(key->sg);
}

/*
 * Does the device reach a copy of the memory (swiotlb), or the memory past the caches? What it
 * then writes would stand in the region only once somebody synchronized the two.
 */
static bool is_copied(struct ib_device *dev, struct scatterlist *sgl, int nr)
{
	struct scatterlist *sg;
	int i;

	if (ib_uses_virt_dma(dev))
		return false;
	for_each_sg(sgl, sg, nr, i)
		if (dma_need_sync(dev->dma_device, sg_dma_address(sg)))
			return true;
	return false;
}

/* -EXDEV: not by pages as large as these. */
static int key_make(struct npmu_conn *conn, struct npmu_key *key, const struct run *run,
		    int access)
{
	u64 pm_addr = conn->entry->region->pm_addr + run->offset;
	struct ib_device *dev = conn->cm->device;
	struct run again;
	int mapped;
	u8 low;
	int ret;

	key->offset = run->offset;
	key->len = run->len;
	key->sg = kvcalloc(run->nr_sg, sizeof(*key->sg), GFP_KERNEL);
	if (!key->sg)
		return -ENOMEM;
	sg_init_table(key->sg, run->nr_sg);
	ret = run_take(conn, run->offset, run->len, run->page_size, &again, key->sg);
	if (ret || again.len != run->len || again.nr_sg != run->nr_sg)
		return ret ?: -EAGAIN;
	/* Where an IOMMU translates, it too lets nobody write by a key for reading. */
	key->dir = access & IB_ACCESS_REMOTE_WRITE ? DMA_BIDIRECTIONAL : DMA_TO_DEVICE;
	mapped = ib_dma_map_sg(dev, key->sg, run->nr_sg, key->dir);
	if (!mapped)
		return -ENOMEM;
	key->nr_sg = run->nr_sg;
	if (is_copied(dev, key->sg, mapped)) {
		pr_warn_ratelimited("npmu_rdma: device %s does not reach memory itself, and cannot serve\n",
				    dev_name(&dev->dev));
		return -EOPNOTSUPP;
	}
	key->mr = ib_alloc_mr(conn->pd, IB_MR_TYPE_MEM_REG, run->nr_pages);
	if (IS_ERR(key->mr))
		return PTR_ERR(key->mr);
	ret = ib_map_mr_sg(key->mr, key->sg, mapped, NULL, run->page_size);
	if (ret < 0)
		return ret;
	/*
	 * Where an IOMMU translates, the device's addresses need not agree with ours within a
	 * large page: the key would cover what lies beside.
	 */
	if (ret != mapped || key->mr->length != run->len ||
	    (key->mr->iova ^ pm_addr) & (run->page_size - 1))
		return run->page_size > PAGE_SIZE ? -EXDEV : -E2BIG;
	key->mr->iova = pm_addr;
	get_random_bytes(&low, sizeof(low));
	ib_update_fast_reg_key(key->mr, low);
	return key_register(conn, key, access);
}

static int keys_count(struct npmu_conn *conn, u64 offset, u64 len, u32 largest)
{
	struct run run;
	int nr = 0;

	while (len) {
		int ret = run_find(conn, offset, len, largest, &run);

		if (ret)
			return ret;
		if (++nr > NPMU_WIRE_MAX_KEYS)
			return -E2BIG;
		offset += run.len;
		len -= run.len;
	}
	return nr;
}

static void keys_free(struct npmu_conn *conn)
{
	struct npmu_keys *keys = conn->keys;

	lockdep_assert_held(&conn->keys_lock);
	conn->keys = NULL;
	WRITE_ONCE(conn->nr_keys, 0);
	if (!keys)
		return;
	while (keys->nr)
		key_free(conn, &keys->key[--keys->nr]);
	kvfree(keys);
}

/* A device does what it is asked, on memory that forgets as well: the class decides. */
bool npmu_keys_flush(struct npmu_conn *conn)
{
	return conn->entry->region->unit->class == NPMU_CLASS_PERSISTENT &&
	       conn->cm->device->attrs.device_cap_flags & IB_DEVICE_FLUSH_PERSISTENT;
}

static int keys_fill(struct npmu_conn *conn, u64 offset, u64 len, u32 largest, bool write)
{
	int access = IB_ACCESS_REMOTE_READ;
	struct run run;
	int ret, nr;

	if (write)
		access |= IB_ACCESS_LOCAL_WRITE | IB_ACCESS_REMOTE_WRITE;
	if (write && npmu_keys_flush(conn))
		access |= IB_ACCESS_FLUSH_PERSISTENT;
	nr = keys_count(conn, offset, len, largest);
	if (nr < 0)
		return nr;
	conn->keys = kvzalloc(struct_size(conn->keys, key, nr), GFP_KERNEL);
	if (!conn->keys)
		return -ENOMEM;
	conn->keys->write = write;
	while (conn->keys->nr < nr && len) {
		ret = run_find(conn, offset, len, largest, &run);
		if (ret)
			return ret;
		ret = key_make(conn, &conn->keys->key[conn->keys->nr++], &run, access);
		if (ret)
			return ret;
		offset += run.len;
		len -= run.len;
	}
	/* The extents changed meanwhile. */
	return len ? -EAGAIN : 0;
}

int npmu_keys_make(struct npmu_conn *conn, u64 offset, u64 len, bool write)
{
	int ret;

	guard(mutex)(&conn->keys_lock);
	keys_free(conn);
	if (conn->revoked)
		return -ESTALE;
	ret = keys_fill(conn, offset, len, NPMU_CHUNK_SIZE, write);
	if (ret == -EXDEV) {
		keys_free(conn);
		ret = keys_fill(conn, offset, len, PAGE_SIZE, write);
	}
	if (ret)
		keys_free(conn);
	else
		WRITE_ONCE(conn->nr_keys, conn->keys->nr);
	trace_npmu_rdma_keys_made(conn->id, offset, len, write, conn->nr_keys, ret);
	return ret;
}

void npmu_keys_admit(struct npmu_conn *conn)
{
	guard(mutex)(&conn->keys_lock);
	conn->revoked = false;
}

void npmu_keys_drop(struct npmu_conn *conn, bool for_good)
{
	guard(mutex)(&conn->keys_lock);
	if (for_good)
		conn->revoked = true;
	trace_npmu_rdma_keys_dropped(conn->id, conn->nr_keys, for_good);
	keys_free(conn);
}

u32 npmu_keys_tell(struct npmu_conn *conn, struct npmu_wire_key *keys)
{
	u64 pm_addr = conn->entry->region->pm_addr;
	u32 i;

	guard(mutex)(&conn->keys_lock);
	if (!conn->keys)
		return 0;
	for (i = 0; i < conn->keys->nr; i++) {
		const struct npmu_key *key = &conn->keys->key[i];

		keys[i].address = cpu_to_le64(pm_addr + key->offset);
		keys[i].length = cpu_to_le64(key->len);
		keys[i].rkey = cpu_to_le32(key->mr->rkey);
		keys[i].access = cpu_to_le32(conn->keys->write ?
					     NPMU_WIRE_READ | NPMU_WIRE_WRITE : NPMU_WIRE_READ);
	}
	return conn->keys->nr;
}

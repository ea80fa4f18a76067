// SPDX-License-Identifier: GPL-2.0-only
/*
 * Region bytes that the kernel itself reads, writes or persists for whoever opened the
 * region. Owns no state. It must not know who asks: a file, a request, a message.
 */
#include <linux/export.h>
#include <linux/sched/signal.h>

#include "access.h"
#include "backing.h"
#include "bad.h"
#include "media.h"

int npmu_tpt_read(struct npmu_tpt_entry *entry, u64 offset, void *buf, size_t len)
{
	struct npmu_unit *unit = entry->region->unit;
	int ret = 0;

	atomic64_inc(&entry->region->counters.reads);
	if (!npmu_gate_enter(&entry->read))
		return -ESTALE;
	while (len && !ret) {
		u64 run;
		u64 where = npmu_tpt_translate(entry, offset, &run);
		size_t step = min_t(u64, run, len);

		if (where == NPMU_NOWHERE || npmu_media_is_bad(unit->media, where, step)) {
			ret = -EIO;
			break;
		}
		ret = npmu_backing_read(unit->backing, where, buf, step);
		offset += step;
		buf += step;
		len -= step;
	}
	npmu_gate_leave(&entry->read);
	return ret;
}

int npmu_tpt_write(struct npmu_tpt_entry *entry, u64 offset, const void *buf, size_t len)
{
	struct npmu_backing *backing = entry->region->unit->backing;
	int ret = 0;
	int touch;

	atomic64_inc(&entry->region->counters.writes);
	if (!npmu_gate_enter(&entry->write))
		return -ESTALE;
	touch = npmu_touch_begin();
	while (len) {
		u64 run;
		u64 where = npmu_tpt_translate(entry, offset, &run);
		size_t step = min_t(u64, run, len);

		if (where == NPMU_NOWHERE ||
		    npmu_media_is_bad(entry->region->unit->media, where, step)) {
			ret = -EIO;
			break;
		}
		npmu_backing_write(backing, where, buf, step);
		offset += step;
		buf += step;
		len -= step;
	}
	npmu_backing_fence(backing);
	npmu_touch_end(touch);
	npmu_gate_leave(&entry->write);
	return ret;
}

int npmu_tpt_store(struct npmu_tpt_entry *entry, u64 offset, const void *word)
{
	struct npmu_unit *unit = entry->region->unit;
	u64 where, run;
	int ret = 0;
	int touch;

	atomic64_inc(&entry->region->counters.writes);
	if (!npmu_gate_enter(&entry->write))
		return -ESTALE;
	touch = npmu_touch_begin();
	where = npmu_tpt_translate(entry, offset, &run);
	if (where == NPMU_NOWHERE || npmu_media_is_bad(unit->media, where, sizeof(u64))) {
		ret = -EIO;
	} else {
		npmu_backing_store(unit->backing, where, word);
		npmu_backing_fence(unit->backing);
	}
	npmu_touch_end(touch);
	npmu_gate_leave(&entry->write);
	return ret;
}
EXPORT_SYMBOL_GPL(npmu_tpt_store);

/*
 * In a section of the read gate. Of a range with bad bytes in it only the first
 * granule is taken, and it is not touched where it is itself bad: -EIO.
 */
static int persist_step(struct npmu_tpt_entry *entry, u64 offset, u64 *len)
{
	struct npmu_unit *unit = entry->region->unit;
	u64 where;
	u64 step;
	int touch;
	int ret = 0;

	where = npmu_tpt_translate(entry, offset, &step);
	if (where == NPMU_NOWHERE)
		return -ENXIO;
	/* In steps, so that a fence need not wait for long. */
	step = min3(step, *len, NPMU_CHUNK_SIZE);
	touch = npmu_touch_begin();
	if (npmu_media_is_bad(unit->media, where, step)) {
		step = min(step, NPMU_GRANULE_SIZE - (where & (NPMU_GRANULE_SIZE - 1)));
		if (npmu_media_is_bad(unit->media, where, step))
			ret = -EIO;
	}
	if (!ret) {
		npmu_backing_writeback(unit->backing, where, step);
		npmu_backing_fence(unit->backing);
	}
	npmu_touch_end(touch);
	*len = step;
	return ret;
}

int npmu_tpt_persist(struct npmu_tpt_entry *entry, u64 offset, u64 len)
{
	int result = 0;

	atomic64_inc(&entry->region->counters.persists);
	while (len) {
		u64 step = len;
		int ret;

		if (!npmu_gate_enter(&entry->read))
			return -ESTALE;
		ret = persist_step(entry, offset, &step);
		npmu_gate_leave(&entry->read);
		if (ret == -ENXIO)
			return -EIO;
		/* What can be persisted is. */
		if (ret)
			result = ret;
		offset += step;
		len -= step;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return READ_ONCE(entry->dead) ? -ESTALE : result;
}
EXPORT_SYMBOL_GPL(npmu_tpt_persist);

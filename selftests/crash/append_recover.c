// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The append form: what a reader and the next writer must find after a cut. It must
 * not know libnpmu's way of storing, nor which cuts are tried.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "append_ops.h"
#include "handle.h"

/* From the first entry to @high. Return: how many. */
static unsigned int way_to(const struct append_run *run, uint16_t high, uint16_t *way)
{
	unsigned int nr = 0, i;
	uint16_t at;

	for (at = high; at != APPEND_ROOT; at = run->item[at].parent)
		nr++;
	i = nr;
	for (at = high; at != APPEND_ROOT; at = run->item[at].parent)
		way[--i] = at;
	return nr;
}

static bool is_entry(const struct append_entry *e, bool base,
		     const struct npmu_append_item *item)
{
	unsigned char bytes[APPEND_MOST];

	if (e->base != base || e->tag != item->tag || e->len != item->length ||
	    e->fence_epoch != item->fence_epoch)
		return false;
	append_bytes(e, bytes);
	return !memcmp(bytes, item->data, e->len);
}

static const char *why_not(const char *what, const struct npmu_append_item *item)
{
	static char text[96];

	snprintf(text, sizeof(text), "%s: tag %llu of %llu bytes, sequence %llu", what,
		 (unsigned long long)item->tag, (unsigned long long)item->length,
		 (unsigned long long)item->sequence);
	return text;
}

/* The base. Return: the first entry of the way that comes behind it. */
static unsigned int look_base(const struct append_run *run, const uint16_t *way,
			      unsigned int nr, const struct npmu_append_item *item,
			      struct append_found *found)
{
	unsigned int i;

	found->sequence = item->sequence;
	if (!item->sequence)
		return 0;
	if (item->tag == APPEND_SUCCESSOR) {
		found->base = true;
		return nr;
	}
	for (i = nr; i; i--)
		if (is_entry(&run->item[way[i - 1]], true, item)) {
			found->last = way[i - 1];
			return i;
		}
	found->why = why_not("no such base was written", item);
	return nr;
}

static void look_update(const struct append_run *run, const uint16_t *way, unsigned int i,
			unsigned int nr, const struct npmu_append_item *item,
			struct append_found *found)
{
	if (item->sequence <= found->sequence)
		found->why = why_not("the sequence does not rise", item);
	found->sequence = item->sequence;
	if (item->tag == APPEND_SUCCESSOR)
		found->update = true;
	else if (found->update || i >= nr || !is_entry(&run->item[way[i]], false, item))
		found->why = why_not("not what was written next", item);
	else
		found->last = way[i];
}

void append_look(const struct append_run *run, uint16_t high, struct append_found *found)
{
	static uint16_t way[APPEND_ITEMS];
	unsigned int nr = way_to(run, high, way), i;
	struct npmu_append_reader *r;
	struct npmu_append_item item;

	memset(found, 0, sizeof(*found));
	if (npmu_append_reader_open(run->region, &r, NULL)) {
		found->why = "no reader";
		return;
	}
	found->code = npmu_append_read_base(r, &item);
	if (found->code && found->code != -ENODATA)
		found->why = npmu_append_reader_error(r);
	if (!found->code) {
		i = look_base(run, way, nr, &item, found);
		if (npmu_append_recheck(r, &item))
			found->why = "the base is not whole any more";
		while (!found->why && !(found->code = npmu_append_next(r, &item))) {
			look_update(run, way, i++, nr, &item, found);
			if (npmu_append_recheck(r, &item))
				found->why = why_not("not whole any more", &item);
		}
		if (found->code == -ENODATA)
			found->code = 0;
		else if (!found->why)
			found->why = npmu_append_reader_error(r);
	}
	npmu_append_reader_close(r);
}

/* May this be there? */
static const char *judge(const struct explore_at *at, const struct append_found *found)
{
	const struct append_run *run = append_now;
	const struct append_snap *low = &run->snap[at->answered];
	const struct append_snap *high = at->inflight == EXPLORE_NONE ? low :
					 &run->snap[at->inflight + 1];
	static char text[96];

	if (found->code == -ENODATA)
		return low->made ? "there is no checkpoint any more" : NULL;
	if (found->why)
		return found->why;
	if (found->code) {
		snprintf(text, sizeof(text), "read: %d", found->code);
		return text;
	}
	if (!at->nested && (found->base || found->update))
		return "what a recovery wrote comes back";
	if (found->base || (high->anew && found->last == APPEND_ROOT) ||
	    append_is_behind(run, low->low, found->last))
		return NULL;
	snprintf(text, sizeof(text), "the last entry is %u, %u is lost", found->last, low->low);
	return text;
}

static int become_writer(uint64_t how, struct npmu_append_writer **w)
{
	struct npmu_append_options fresh = append_now->options;
	struct npmu_region *region = append_now->region;
	uint64_t epoch = npmu_region_fence_epoch(region);
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	int code;

	fresh.full = NPMU_APPEND_FULL_ENOSPC;
	if (how % 3 == 0)
		return npmu_append_writer_open(region, &fresh, w, NULL);
	if (how % 3 == 1) {
		code = npmu_region_takeover(region, epoch, NULL);
		return code ? code : npmu_append_writer_open(region, &fresh, w, NULL);
	}
	code = npmu_append_reader_open(region, &r, NULL);
	if (code)
		return code;
	code = npmu_append_read_base(r, &item);
	while (!code && (how >> 8 & 1))
		code = npmu_append_next(r, &item);
	if (!code || code == -ENODATA)
		code = npmu_append_takeover(r, epoch, NULL, w, NULL);
	npmu_append_reader_close(r);
	/* Before there is a checkpoint there is nothing to take over. */
	return code == -ENODATA ? npmu_append_writer_open(region, &fresh, w, NULL) : code;
}

/* A successor goes on, and is read. */
static const char *successor(struct npmu_append_writer *w, uint16_t high, uint64_t how,
			     const struct append_found *before)
{
	unsigned char data[APPEND_MOST] = { 0 };
	struct iovec iov = { data, 64 + how % 64 };
	struct append_found after;
	int code = npmu_append_update(w, &iov, 1, APPEND_SUCCESSOR);

	if (code && code != -ENOSPC)
		return "the next writer cannot commit";
	append_look(append_now, high, &after);
	if (!code && (after.code || after.why || !after.update || after.last != before->last ||
		      after.sequence <= before->sequence))
		return after.why ? after.why : "the next writer's update is not read";
	if (!code && how & 4)
		return NULL;
	if (npmu_append_base(w, &iov, 1, APPEND_SUCCESSOR))
		return "the next writer cannot write a base";
	append_look(append_now, high, &after);
	if (after.code || after.why || !after.base || after.sequence <= before->sequence)
		return after.why ? after.why : "the next writer's base is not read";
	return NULL;
}

const char *append_recover(const struct explore_at *at)
{
	const struct append_run *run = append_now;
	const struct npmu_region *region = run->region;
	uint16_t high = at->inflight == EXPLORE_NONE ? run->snap[at->answered].high :
			run->snap[at->inflight + 1].tried;
	struct append_found found, again;
	struct npmu_append_writer *w;
	const char *why;

	append_look(run, high, &found);
	why = judge(at, &found);
	if (why)
		return why;
	if (become_writer(at->salt >> 16, &w))
		return "the next writer cannot open it";
	append_look(run, high, &again);
	if (memcmp((char *)region->addr + NPMU_CKPT_HEADER0,
		   (char *)region->addr + NPMU_CKPT_HEADER1, NPMU_CKPT_HEADER_SIZE))
		why = "the copies of the header differ after an open";
	else if (again.code || again.why)
		why = again.why ? again.why : "no base after an open";
	else if (again.last != found.last || again.update != found.update ||
		 again.base != found.base || again.sequence != found.sequence)
		why = "another state after an open";
	else
		why = successor(w, high, at->salt >> 24, &again);
	npmu_append_writer_close(w);
	return why;
}

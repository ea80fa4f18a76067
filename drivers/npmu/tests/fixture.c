// SPDX-License-Identifier: GPL-2.0-only
/*
 * Units, regions and opens for suites, and the record of events. Owns their ends.
 */
#include <kunit/test-bug.h>
#include <linux/seq_buf.h>

#include "fixture.h"
#include "format.h"

struct netlink_ext_ack fixture_ack;

bool refused(int err, int want)
{
	bool said = fixture_ack._msg && *fixture_ack._msg;

	memset(&fixture_ack, 0, sizeof(fixture_ack));
	return err == want && said;
}

static void end_unit(void *arg)
{
	struct npmu_unit *unit = arg;
	struct kunit *test = kunit_get_current_test();
	int ret = npmu_unit_detach(unit->name, &fixture_ack);

	if (test)
		CHECK(!ret, "detach: %d %s", ret, fixture_ack._msg ?: "");
	npmu_unit_put(unit);
}

struct npmu_unit *fixture_attach(struct kunit *test, struct memdev *dev)
{
	struct npmu_unit *unit;
	u8 uuid[NPMU_UUID_LEN];

	if (npmu_bytes_zero(dev->mem, NPMU_RECORD_SIZE))
		KUNIT_ASSERT_EQ(test, 0, npmu_unit_format(dev->b.path, "kunit", 0, false, uuid,
							  &fixture_ack));
	unit = npmu_unit_attach_pmem(dev->b.path, NULL, &fixture_ack);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, unit);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_unit, unit));
	return unit;
}

void fixture_detach(struct kunit *test, struct npmu_unit *unit)
{
	kunit_release_action(test, end_unit, unit);
}

struct npmu_unit *fixture_unit(struct kunit *test, u64 size, struct memdev **out)
{
	struct memdev *dev = memdev_make(test, "memdev", size);

	if (out)
		*out = dev;
	return fixture_attach(test, dev);
}

struct npmu_unit *fixture_reattach(struct kunit *test, struct npmu_unit *unit,
				   struct memdev *dev)
{
	fixture_detach(test, unit);
	return fixture_attach(test, dev);
}

static void end_region(void *arg)
{
	npmu_region_put(arg);
}

static struct npmu_region *until_end(struct kunit *test, struct npmu_region *region)
{
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_region, region));
	return region;
}

struct npmu_region *fixture_region(struct kunit *test, struct npmu_unit *unit,
				   const char *name, u64 size)
{
	struct npmu_region_attr attr = { .valid = NPMU_ATTR_NAME, .name = name, .size = size };
	struct npmu_region *region;

	KUNIT_ASSERT_EQ(test, 0, npmu_region_create(unit, &attr, &region, &fixture_ack));
	return until_end(test, region);
}

struct npmu_region *fixture_find(struct kunit *test, struct npmu_unit *unit, const char *name)
{
	struct npmu_region *region = npmu_region_find(unit, name);

	KUNIT_ASSERT_NOT_NULL_MSG(test, region, "region %s", name);
	return until_end(test, region);
}

static void fixture_zap(struct npmu_tpt_entry *entry)
{
	struct fixture_open *open = entry->owner;

	if (!npmu_gate_is_empty(&entry->write) ||
	    (entry->dead && !npmu_gate_is_empty(&entry->read)))
		WRITE_ONCE(open->zapped_inside, true);
	atomic_inc(&open->zaps);
}

static const struct npmu_revoke_ops fixture_ops = {
	.zap = fixture_zap,
};

static void end_open(void *arg)
{
	struct fixture_open *open = arg;
	struct kunit *test = kunit_get_current_test();

	if (test)
		CHECK(!open->zapped_inside, "zapped while somebody was inside");
	/* As the file of a writer does, whose process it is told of. */
	if (READ_ONCE(open->entry->region->writer) == open->entry)
		npmu_role_death(open->entry);
	npmu_tpt_close(open->entry);
}

struct fixture_open *fixture_open(struct kunit *test, struct npmu_region *region, u32 access)
{
	struct fixture_open *open = kunit_kzalloc(test, sizeof(*open), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, open);
	mutex_lock(&region->lock);
	open->entry = npmu_tpt_open(region, access, &fixture_ops, open);
	mutex_unlock(&region->lock);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, open->entry);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_open, open));
	return open;
}

struct fixture_open *fixture_open_as(struct kunit *test, struct npmu_region *region,
				     const char *principal, u32 access)
{
	struct fixture_open *open = kunit_kzalloc(test, sizeof(*open), GFP_KERNEL);

	KUNIT_ASSERT_NOT_NULL(test, open);
	mutex_lock(&region->lock);
	open->entry = npmu_tpt_open_principal(region, principal, access, &fixture_ops, open);
	mutex_unlock(&region->lock);
	KUNIT_ASSERT_NOT_ERR_OR_NULL(test, open->entry);
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_open, open));
	return open;
}

int fixture_grant(struct npmu_region *region, const char *principal, u32 access, u64 offset,
		  u64 len)
{
	struct npmu_grant grant = { .offset = offset, .len = len, .access = access };

	strscpy(grant.principal, principal);
	return npmu_evict_grant(region, &grant, &fixture_ack);
}

void fixture_close(struct kunit *test, struct fixture_open *open)
{
	kunit_release_action(test, end_open, open);
}

u64 fixture_free(struct npmu_unit *unit)
{
	struct npmu_unit_stat stat;

	npmu_unit_stat(unit, &stat);
	return stat.free;
}

u64 fixture_media_epoch(struct npmu_region *region)
{
	struct npmu_unit *unit = region->unit;
	struct npmu_region_record *rec;
	u64 epoch[2];
	int copy;

	guard(mutex)(&unit->lock);
	rec = unit->media->rec;
	for (copy = 0; copy < 2; copy++) {
		if (npmu_backing_read(unit->backing,
				      npmu_record_offset(unit->media->sb, region->slot, copy),
				      rec, sizeof(*rec)) ||
		    npmu_region_check(rec, unit->media->sb, region->slot))
			return U64_MAX;
		epoch[copy] = le64_to_cpu(rec->fence_epoch);
	}
	return epoch[0] == epoch[1] ? epoch[0] : U64_MAX;
}

/* --- events --- */

static DEFINE_MUTEX(events_lock);
static char events_text[512];
static struct seq_buf events_buf;
static void (*events_sink)(const struct npmu_event_info *info);

static void record_event(const struct npmu_event_info *info)
{
	static const char * const text[] = {
		[NPMU_EVENT_UNIT_ATTACHED] = "attached",
		[NPMU_EVENT_UNIT_DETACHED] = "detached",
		[NPMU_EVENT_UNIT_GONE] = "gone",
		[NPMU_EVENT_REGION_CREATED] = "created",
		[NPMU_EVENT_REGION_DELETED] = "deleted",
		[NPMU_EVENT_REGION_RESIZED] = "resized",
		[NPMU_EVENT_REGION_RENAMED] = "renamed",
		[NPMU_EVENT_REGION_SET] = "set",
		[NPMU_EVENT_WRITER_CLAIMED] = "claimed",
		[NPMU_EVENT_WRITER_RESIGNED] = "resigned",
		[NPMU_EVENT_WRITER_DEAD] = "dead",
		[NPMU_EVENT_WRITER_FENCED] = "fenced",
		[NPMU_EVENT_WRITER_REPLACED] = "replaced",
		[NPMU_EVENT_GRANT_ADDED] = "granted",
		[NPMU_EVENT_GRANT_REMOVED] = "revoked",
	};

	mutex_lock(&events_lock);
	seq_buf_printf(&events_buf, "%s%s", seq_buf_used(&events_buf) ? "," : "",
		       text[info->event]);
	if (info->principal && *info->principal)
		seq_buf_printf(&events_buf, " %s", info->principal);
	mutex_unlock(&events_lock);
	events_sink(info);
}

static void end_events(void *arg)
{
	npmu_event_sink = events_sink;
}

void fixture_record_events(struct kunit *test)
{
	seq_buf_init(&events_buf, events_text, sizeof(events_text));
	events_sink = npmu_event_sink;
	npmu_event_sink = record_event;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_events, NULL));
}

const char *fixture_events(void)
{
	static char text[sizeof(events_text)];

	mutex_lock(&events_lock);
	strscpy(text, seq_buf_str(&events_buf));
	seq_buf_clear(&events_buf);
	mutex_unlock(&events_lock);
	return text;
}

/* --- nodes --- */

static const struct npmu_front_ops *nodes_front;
static struct npmu_front_ops nodes_ops;
static int nodes_left;

static int add_node(struct npmu_region *region)
{
	return nodes_left-- > 0 ? nodes_front->add(region) : -ENOMEM;
}

static int show_node(struct npmu_region *region)
{
	return nodes_left-- > 0 ? nodes_front->show(region) : -ENOMEM;
}

static void end_nodes(void *arg)
{
	npmu_front = nodes_front;
}

void fixture_limit_nodes(struct kunit *test, int nodes)
{
	nodes_left = nodes;
	if (npmu_front == &nodes_ops)
		return;
	nodes_front = npmu_front;
	nodes_ops = *npmu_front;
	nodes_ops.add = add_node;
	nodes_ops.show = show_node;
	npmu_front = &nodes_ops;
	KUNIT_ASSERT_EQ(test, 0, kunit_add_action_or_reset(test, end_nodes, NULL));
}

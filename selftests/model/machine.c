// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine and the kernel's roles. It must not know the format. */
#include <errno.h>
#include <string.h>

#include <linux/npmu_ckpt.h>
#include <linux/npmu_ioctl.h>

#include "machine.h"

uint8_t machine_memory[MACHINE_SIZE] __attribute__((aligned(4096)));
struct npmu_status machine_status;
struct crash_point *crash_point_last;	/* model.c notes it; here are no points */

static bool late_on, late_used, landed;
static int late_line;		/* that is held back, 0: none */
static uint8_t late_bytes[MODEL_LINE];
static uint64_t late_mask;

/* Write-backs and fences are those of the CPU that the actor runs on. */
static void as_actor(void)
{
	model_agent((enum model_agent)(actor_now == NOBODY ? ACTORS : actor_now));
}

static void flush(const void *addr, size_t len)
{
	as_actor();
	model_writeback(addr, len);
}

static const struct npmu_persist_ops ops = { "model", flush };

void machine_open(struct npmu_region *region, int actor)
{
	memset(region, 0, sizeof(*region));
	region->flags = NPMU_OPEN_WRITE;
	region->map_flags = NPMU_MAP_WRITE;
	region->persistence_class = NPMU_CLASS_PERSISTENT;
	region->size = MACHINE_SIZE;
	region->length = MACHINE_SIZE;
	region->entry_id = actor == NOBODY ? 99 : (uint64_t)actor + 1;
	region->ops = &ops;
	region->status = &machine_status;
	region->addr = machine_memory;
	atomic_init(&region->error, "");
}

void machine_late(bool on)
{
	late_on = on;
	late_used = false;
	landed = false;
	late_line = 0;
}

static void land(void)
{
	unsigned int i;

	model_agent((enum model_agent)(ACTORS + 1));
	for (i = 0; i < 8; i++)
		if (late_mask >> i & 1)
			model_stream(machine_memory + late_line * MODEL_LINE + 8 * i,
				     late_bytes + 8 * i, 8);
}

void machine_land(void)
{
	if (late_line)
		land();
	late_line = 0;
	landed = true;
}

/* A store that the fence caught. Is it the one that lands? */
static void fenced_store(uint8_t *dst, const void *src, size_t len)
{
	static int decided_line, chosen;
	size_t at = (size_t)(dst - machine_memory);
	int line = (int)(at / MODEL_LINE);

	if (!late_on || late_used || landed)
		return;
	if (at % MODEL_LINE == 0 || line != decided_line) {
		decided_line = line;
		chosen = (int)actor_choose(2);
		if (chosen) {
			late_line = line;
			late_mask = 0;
		}
	}
	if (!chosen)
		return;
	memcpy(late_bytes + at % MODEL_LINE, src, len);
	late_mask |= ((1ULL << len / 8) - 1) << (at % MODEL_LINE / 8);
	late_used = at % MODEL_LINE + len == MODEL_LINE;
}

static bool may_store(void)
{
	return actor_now == NOBODY || machine_status.writer == (uint64_t)actor_now + 1;
}

void machine_stream(void *dst, const void *src, size_t len)
{
	if ((uintptr_t)dst % 32 == 0)
		actor_yield();
	as_actor();
	if (may_store())
		model_stream(dst, src, len);
	else
		fenced_store(dst, src, len);
}

void *machine_memcpy(void *dst, const void *src, size_t len)
{
	if (len && model_holds(dst, len)) {
		actor_yield();
		as_actor();
		if (may_store())
			model_store(dst, src, len);
		return dst;
	}
	machine_load(src, len);
	return memcpy(dst, src, len);
}

void machine_load(const void *src, size_t len)
{
	if (len && model_holds(src, len))
		actor_yield();
}

void machine_sfence(void)
{
	actor_yield();
	as_actor();
	model_fence();
}

ssize_t machine_getrandom(void *buf, size_t len)
{
	memset(buf, 0x5a, len);
	return (ssize_t)len;
}

/* --- the kernel --- */

int npmu_region_is_writer(const struct npmu_region *region)
{
	return machine_status.writer == region->entry_id;
}

uint64_t npmu_region_fence_epoch(const struct npmu_region *region)
{
	return region->status->fence_epoch;
}

int npmu_region_info(struct npmu_region *region, struct npmu_ioc_info *info)
{
	(void)region;
	memset(info, 0, sizeof(*info));
	info->fence_epoch = machine_status.fence_epoch;
	info->writer_id = machine_status.writer;
	return 0;
}

int npmu_region_takeover(struct npmu_region *region, uint64_t expected_epoch,
			 uint64_t *fence_epoch)
{
	actor_yield();
	if (fence_epoch)
		*fence_epoch = machine_status.fence_epoch;
	if (expected_epoch != machine_status.fence_epoch)
		return -ESTALE;
	machine_status.fence_epoch++;
	machine_status.writer = region->entry_id;
	return 0;
}

int npmu_region_map_beside(struct npmu_region *region)
{
	(void)region;
	return 0;
}

void npmu_region_epoch_above(struct npmu_region *region, uint64_t fence_epoch)
{
	(void)region;
	(void)fence_epoch;
}

int npmu_region_kick(struct npmu_region *region)
{
	(void)region;
	return 0;
}

int npmu_region_wait(struct npmu_region *region, unsigned int flags, uint64_t offset,
		     uint64_t value, uint64_t timeout_ns, uint32_t *events)
{
	(void)region;
	(void)flags;
	(void)offset;
	(void)value;
	(void)timeout_ns;
	(void)events;
	return -ETIMEDOUT;
}

int npmu_region_sync(struct npmu_region *region, uint64_t offset, uint64_t length)
{
	(void)region;
	as_actor();
	model_writeback(machine_memory + offset, length);
	model_fence();
	return 0;
}

/* One of each actor, by whatever name. */
static struct npmu_ckpt_reader_entry *entry_of(const struct npmu_region *region)
{
	return (void *)(machine_memory + NPMU_CKPT_READERS +
			(region->entry_id - 1) * sizeof(struct npmu_ckpt_reader_entry));
}

int npmu_region_reader_attach(struct npmu_region *region, const char *name, unsigned int flags,
			      uint64_t instance, uint64_t *position)
{
	struct npmu_ckpt_reader_entry entry = {
		.instance = instance,
		.position = *position,
	};

	if (!(flags & NPMU_READER_F_CREATE))
		return -ENOENT;
	entry.name[0] = (uint8_t)name[0];
	model_agent((enum model_agent)(ACTORS + 1));
	model_stream(entry_of(region), &entry, sizeof(entry));
	model_fence();
	return 0;
}

int npmu_region_reader_ack(struct npmu_region *region, uint64_t position)
{
	actor_yield();
	model_agent((enum model_agent)(ACTORS + 1));
	model_stream(&entry_of(region)->position, &position, sizeof(position));
	model_fence();
	return 0;
}

int npmu_region_reader_detach(struct npmu_region *region, const char *name)
{
	(void)region;
	(void)name;
	return -ENOENT;
}

const char *npmu_region_error(const struct npmu_region *region)
{
	return atomic_load(&region->error);
}

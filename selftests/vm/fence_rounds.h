/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Rounds of a hammer against a fence, and what was seen. The fence is one of the
 * two there are: a request of the administrator, or a successor's TAKEOVER.
 */
#ifndef NPMU_FENCE_ROUNDS_H
#define NPMU_FENCE_ROUNDS_H

#include "fence_hammer.h"

/**
 * struct fence_rounds - totals
 * @done: rounds that were played to their end
 * @changed: rounds in which bytes changed after the fence had returned
 * @missed: rounds in which the hammer met no SIGBUS
 * @stray: signals that were not the SIGBUS expected
 * @refused: rounds in which the fence failed
 */
struct fence_rounds {
	unsigned long done;
	unsigned long changed;
	unsigned long missed;
	unsigned long stray;
	unsigned long refused;
};

struct fence_by {
	const char *unit;
	const char *region;
	bool takeover;
	int successor;		/* an open of its own, for takeover */
};

static inline int fence_now(const struct fence_by *by)
{
	struct npmu_ioc_info info;
	int ret;

	if (!by->takeover)
		return vm_fence(by->unit, by->region);
	ret = vm_info(by->successor, &info);
	return ret ?: vm_takeover(by->successor, info.fence_epoch, NULL);
}

/* So that the next round finds the role vacant. */
static inline int fence_undo(const struct fence_by *by)
{
	return by->takeover ? vm_resign(by->successor) : 0;
}

/* @view: a mapping of all of it, by an open for reading. Return: 0 or -errno. */
static inline int fence_play(struct hammer *h, const struct fence_by *by, const void *view,
			     unsigned int delay_us, uint64_t *looks, struct fence_rounds *sum)
{
	size_t places = h->size / h->stride;
	struct timespec ts = { 0, delay_us * 1000L };
	bool changed;
	int ret;

	ret = hammer_go(h);
	if (ret)
		return ret;
	nanosleep(&ts, NULL);
	ret = fence_now(by);
	hammer_look(h, view, looks);
	sum->refused += !!ret;
	vm_sleep_ms(2);
	hammer_look(h, view, looks + places);
	changed = hammer_changed(h, looks, looks + places);
	sum->missed += !VM_UNTIL(atomic_load(&h->lost), 2000);
	hammer_look(h, view, looks + places);
	changed |= hammer_changed(h, looks, looks + places);
	sum->changed += changed;
	sum->stray += atomic_load(&h->other);
	sum->done++;
	ret = hammer_stop(h);
	return ret ?: fence_undo(by);
}

/**
 * struct fence_kind - a kind of rounds
 * @small: mapped by 4 KiB pages
 * @prefault: no fault is under way when the fence comes
 * @takeover: the fence is a successor's TAKEOVER
 */
struct fence_kind {
	bool small;
	bool prefault;
	bool takeover;
};

/* Plays rounds against unit/region of @size. Return: 0 or the -errno that ended it. */
static inline int fence_rounds(const char *unit, const char *region, uint64_t size,
			       struct fence_kind kind, unsigned long rounds,
			       struct fence_rounds *sum)
{
	struct hammer *h = hammer_new(unit, region, size, kind.small ? 4 * KIB : 64 * KIB);
	struct fence_by by = { unit, region, kind.takeover, -1 };
	uint64_t *looks = malloc(2 * sizeof(*looks) * (h->size / h->stride));
	int reader = vm_open(unit, region, O_RDONLY);
	void *view = vm_map(reader, 0, size, PROT_READ);
	uint64_t seed = 1;
	int ret;

	if (!view || !looks) {
		free(looks);
		return reader < 0 ? reader : -ENOMEM;
	}
	h->prefault = kind.prefault;
	if (kind.small)
		h->map = hammer_map_small;
	ret = hammer_start(h);
	if (kind.takeover)
		by.successor = vm_open(unit, region, O_RDWR);
	while (!ret && sum->done < rounds)
		ret = fence_play(h, &by, view, tap_random(&seed) % 2000, looks, sum);
	sum->stray += !!hammer_end(h);
	if (kind.takeover)
		close(by.successor);
	munmap(view, size);
	close(reader);
	free(looks);
	return ret;
}

/* As above, and checks that each round went as it must. */
static inline void fence_rounds_check(const char *unit, const char *region, uint64_t size,
				      struct fence_kind kind, unsigned long rounds)
{
	struct fence_rounds sum = {};

	EXPECT(fence_rounds(unit, region, size, kind, rounds, &sum), 0);
	CHECK(sum.done == rounds, "%lu of %lu rounds", sum.done, rounds);
	CHECK(!sum.changed, "bytes changed after the fence %lu times", sum.changed);
	CHECK(!sum.missed, "no SIGBUS in %lu rounds", sum.missed);
	CHECK(!sum.stray, "%lu signals that were not BUS_ADRERR at the store", sum.stray);
	CHECK(!sum.refused, "%lu fences failed", sum.refused);
}

#endif /* NPMU_FENCE_ROUNDS_H */

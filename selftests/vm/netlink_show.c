// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What netlink tells: dumps while the list changes, and an event with each change.
 */
#define _GNU_SOURCE
#include "vmtest.h"

static int up(void)
{
	return vm_dram("t", 32 * MIB) ?: vm_region("t", "r", 4096);
}

static int come_and_go(void *ctx)
{
	uint64_t random = 7;
	char name[16];

	(void)ctx;
	for (;;) {
		snprintf(name, sizeof(name), "x%lu", tap_random(&random) % 40);
		if (vm_region("t", name, 4096) == -EEXIST)
			vm_delete("t", name, false);
	}
	return 0;
}

struct stable {
	int seen[20];
	int others;
};

static int count_stable(void *ctx, const struct npmu_region_info *info)
{
	struct stable *s = ctx;

	if (info->name[0] == 's')
		s->seen[atoi(info->name + 1)]++;
	else
		s->others++;
	return 0;
}

static void dump__shows_what_stays_exactly_once(void)
{
	uint64_t end;
	unsigned long dumps = 0;
	char name[16];
	pid_t pid;
	int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "s%d", i);
		EXPECT(vm_region("t", name, 4096), 0);
	}
	pid = vm_child(come_and_go, NULL);
	end = vm_now_ns() + vm_times(3, 60) * 1000000000ULL;
	while (dumps <= 5 || vm_now_ns() < end) {
		struct stable s = {};
		int ret = npmu_ctl_region_list(vm_ctl(), "t", count_stable, &s);

		CHECK(!ret, "%s", vm_strerror(ret));
		for (i = 0; i < 20; i++)
			CHECK(s.seen[i] == 1, "s%d was shown %d times", i, s.seen[i]);
		dumps++;
	}
	kill(pid, SIGKILL);
	vm_reap(pid, 5000);
	printf("# %lu dumps\n", dumps);
	EXPECT(vm_drop("t"), 0);
}

static struct npmu_events *events;

/* The next event must be this one. */
static void next_is(uint32_t event, const char *region)
{
	struct npmu_event_info info;
	int ret;

	CHECK(VM_UNTIL((ret = npmu_events_next(events, &info)) != -EAGAIN, 5000), "no %s came",
	      npmu_event_name(event));
	CHECK(!ret && info.event == event && !strcmp(info.unit, "t") &&
	      !strcmp(info.region, region), "%s of %s, not %s of %s", npmu_event_name(info.event),
	      info.region, npmu_event_name(event), region);
}

static int claim_and_die(void *ctx)
{
	(void)ctx;
	vm_claim(vm_open("t", "r", O_RDWR), NULL);
	return 0;
}

static void event__comes_with_each_change(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_MODE, .mode = 0640 };
	struct npmu_event_info info;
	uint64_t epoch;
	int a, b;

	vm_drop("t");
	EXPECT(npmu_events_open(&events, NULL), 0);
	EXPECT(vm_dram("t", 32 * MIB), 0);
	next_is(NPMU_EVENT_UNIT_ATTACHED, "");
	EXPECT(vm_region("t", "r", 4096), 0);
	next_is(NPMU_EVENT_REGION_CREATED, "r");
	/* A refused change is none. */
	EXPECT(vm_region("t", "r", 4096), -EEXIST);
	EXPECT(vm_resize("t", "r", 8192, false), 0);
	next_is(NPMU_EVENT_REGION_RESIZED, "r");
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_SET, "r");
	params.mask = NPMU_PARAM_NEW_NAME;
	params.new_name = "q";
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_RENAMED, "r");
	params.new_name = "r";
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "q", &params, 0, NULL), 0);
	next_is(NPMU_EVENT_REGION_RENAMED, "q");
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDWR);
	EXPECT(vm_claim(a, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	EXPECT(vm_claim(a, &epoch), 0);
	EXPECT(vm_claim(b, &epoch), -EBUSY);
	EXPECT(vm_resign(a), 0);
	next_is(NPMU_EVENT_WRITER_RESIGNED, "r");
	EXPECT(vm_claim(a, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	EXPECT(vm_takeover(b, epoch, &epoch), 0);
	next_is(NPMU_EVENT_WRITER_FENCED, "r");
	next_is(NPMU_EVENT_WRITER_REPLACED, "r");
	EXPECT(vm_fence("t", "r"), 0);
	next_is(NPMU_EVENT_WRITER_FENCED, "r");
	close(a);
	close(b);
	EXPECT(vm_reap(vm_child(claim_and_die, NULL), 5000), 0);
	next_is(NPMU_EVENT_WRITER_CLAIMED, "r");
	next_is(NPMU_EVENT_WRITER_DEAD, "r");
	EXPECT(vm_delete("t", "r", false), 0);
	next_is(NPMU_EVENT_REGION_DELETED, "r");
	EXPECT(vm_detach("t"), 0);
	next_is(NPMU_EVENT_UNIT_DETACHED, "");
	EXPECT(npmu_events_next(events, &info), -EAGAIN);
	npmu_events_close(events);
}

int main(void)
{
	VM_RUN(dump__shows_what_stays_exactly_once);
	VM_RUN(event__comes_with_each_change);
	return vm_end();
}

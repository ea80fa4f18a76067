// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * How long a fence takes, as a report: nothing here fails because it is slow.
 */
#define _GNU_SOURCE
#include "fence_rounds.h"
#include "vmunit.h"

#define SIZE	(64 * MIB)
#define UNIT	"latency"
#define MAX	100

/* On a debug kernel the paths count, not the times. */
static unsigned long rounds(void)
{
	return vm_slow() > 1 ? 3 : vm_times(20, MAX);
}

static void by_median(const char *what, uint64_t *took, unsigned long n)
{
	uint64_t median = vm_median(took, n);

	printf("# fence, %s: median %llu us, p90 %llu us of %lu\n", what,
	       (unsigned long long)median / 1000,
	       (unsigned long long)took[n * 9 / 10] / 1000, n);
}

/* @map: how the writer maps, NULL: not at all. It does not store meanwhile. */
static void quiet(const char *what, hammer_map_fn *map)
{
	struct hammer h = { .unit = UNIT, .region = "r", .size = SIZE };
	unsigned long n = rounds();
	uint64_t took[MAX];
	unsigned long i;
	size_t at;

	for (i = 0; i < n; i++) {
		int fd = -1;
		char *base = NULL;

		if (map) {
			base = map(&h, &fd);
			REQUIRE(base, "map: %s", strerror(errno));
			for (at = 0; at < SIZE; at += 4 * KIB)
				base[at] = 1;
		} else {
			fd = vm_open(UNIT, "r", O_RDWR);
			EXPECT(vm_claim(fd, NULL), 0);
		}
		took[i] = vm_now_ns();
		EXPECT(vm_fence(UNIT, "r"), 0);
		took[i] = vm_now_ns() - took[i];
		if (base)
			munmap(base, SIZE);
		close(fd);
	}
	by_median(what, took, n);
}

static void fence__latency_unmapped(void)
{
	quiet("64 MiB, not mapped", NULL);
}

static void fence__latency_2m_pages(void)
{
	quiet("64 MiB in 2 MiB pages", hammer_map_huge);
}

static void fence__latency_4k_pages(void)
{
	quiet("64 MiB in 4 KiB pages", hammer_map_small);
}

static void fence__latency_under_stores(void)
{
	struct hammer *h = hammer_new(UNIT, "r", SIZE, 64 * KIB);
	unsigned long n = rounds();
	uint64_t took[MAX];
	unsigned long i;

	h->prefault = true;
	EXPECT(hammer_start(h), 0);
	for (i = 0; i < n; i++) {
		REQUIRE(!hammer_go(h), "no writer");
		took[i] = vm_now_ns();
		EXPECT(vm_fence(UNIT, "r"), 0);
		took[i] = vm_now_ns() - took[i];
		EXPECT(hammer_stop(h), 0);
	}
	EXPECT(hammer_end(h), 0);
	by_median("64 MiB in 2 MiB pages, stored to in a loop", took, n);
}

int main(void)
{
	vm_one_unit(UNIT, 128 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__latency_unmapped);
	VM_RUN(fence__latency_2m_pages);
	VM_RUN(fence__latency_4k_pages);
	VM_RUN(fence__latency_under_stores);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fence of a process that stores in a loop: it meets SIGBUS, and no byte changes
 * after the fence returned. Both ways to fence, both page sizes, both backings,
 * with faults under way and without.
 */
#define _GNU_SOURCE
#include <sys/resource.h>

#include "fence_rounds.h"
#include "vmunit.h"

#define SIZE	(64 * MIB)
#define UNIT	"fence"

static const char *unit = UNIT;

static void play(bool small, bool prefault, bool takeover, unsigned long rounds)
{
	fence_rounds_check(unit, "r", SIZE, (struct fence_kind) { small, prefault, takeover },
			   rounds);
}

static void fence__writer_of_2m_pages_loses_its_stores(void)
{
	play(false, true, false, vm_times(35, 1800));
}

static void fence__writer_of_2m_pages_taken_over(void)
{
	play(false, true, true, vm_times(30, 1800));
}

static void fence__writer_in_the_middle_of_its_faults(void)
{
	play(true, false, false, vm_times(20, 700));
}

static void fence__writer_in_the_middle_of_its_faults_taken_over(void)
{
	play(true, false, true, vm_times(15, 700));
}

/* Not only the places: each byte of it. */
static void fence__no_byte_of_64m_changes(void)
{
	struct hammer *h = hammer_new(unit, "r", SIZE, 4 * KIB + 8);
	unsigned long i;
	char *copy = malloc(SIZE);
	char *view;
	int reader = vm_open(unit, "r", O_RDONLY);

	h->prefault = true;
	EXPECT(hammer_start(h), 0);
	view = vm_map(reader, 0, SIZE, PROT_READ);
	REQUIRE(view, "map: %s", strerror(errno));
	for (i = 0; i < 3; i++) {
		EXPECT(hammer_go(h), 0);
		EXPECT(vm_fence(unit, "r"), 0);
		memcpy(copy, view, SIZE);
		vm_sleep_ms(50);
		CHECK(!memcmp(copy, view, SIZE), "bytes changed after the fence");
		EXPECT(hammer_stop(h), 0);
	}
	EXPECT(hammer_end(h), 0);
	munmap(view, SIZE);
	close(reader);
	free(copy);
}

static long minor_faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return usage.ru_minflt;
}

static uint64_t sum_of(const char *view)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < SIZE; i += 4 * KIB)
		sum += *(const volatile uint64_t *)(view + i);
	return sum;
}

/* Readers of the same process and of the one that fences go on undisturbed. */
static void fence__readers_take_no_fault(void)
{
	struct hammer *h = hammer_new(unit, "r", SIZE, 64 * KIB);
	struct npmu_region_info before, after;
	const volatile struct npmu_status *status;
	int reader = vm_open(unit, "r", O_RDONLY);
	uint64_t other;
	long faults;
	char *view;
	int i;

	h->prefault = true;
	EXPECT(hammer_start(h), 0);
	view = vm_map(reader, 0, SIZE, PROT_READ);
	status = vm_status(reader);
	REQUIRE(view && status, "map: %s", strerror(errno));
	for (i = 0; i < 10; i++) {
		EXPECT(hammer_go(h), 0);
		CHECK(status->writer != 0, "no writer");
		sum_of(view);
		EXPECT(vm_get(unit, "r", &before), 0);
		EXPECT(vm_fence(unit, "r"), 0);
		CHECK(status->writer == 0, "writer %llu after the fence",
		      (unsigned long long)status->writer);
		EXPECT(vm_get(unit, "r", &after), 0);
		/* Once all is warm: the reads themselves must not fault. */
		faults = minor_faults();
		sum_of(view);
		other = status->fence_epoch;
		faults = minor_faults() - faults;
		CHECK(!faults, "%ld faults of the reader", faults);
		CHECK(other == after.fence_epoch, "epoch of the status page");
		EXPECT(vm_get(unit, "r", &after), 0);
		CHECK(after.faults_huge == before.faults_huge &&
		      after.faults_small == before.faults_small,
		      "faults of the region rose by %llu and %llu",
		      (unsigned long long)(after.faults_huge - before.faults_huge),
		      (unsigned long long)(after.faults_small - before.faults_small));
		CHECK(VM_UNTIL(atomic_load(&h->lost), 2000), "no SIGBUS");
		EXPECT(hammer_stop(h), 0);
	}
	EXPECT(hammer_end(h), 0);
	munmap(view, SIZE);
	munmap((void *)status, NPMU_STATUS_SIZE);
	close(reader);
}

static void all_on(const char *backing)
{
	printf("# on %s\n", backing);
	VM_RUN(fence__writer_of_2m_pages_loses_its_stores);
	VM_RUN(fence__writer_of_2m_pages_taken_over);
	VM_RUN(fence__writer_in_the_middle_of_its_faults);
	VM_RUN(fence__writer_in_the_middle_of_its_faults_taken_over);
	VM_RUN(fence__no_byte_of_64m_changes);
	VM_RUN(fence__readers_take_no_fault);
}

int main(void)
{
	vm_one_unit(unit, 160 * MIB, SIZE);
	vm_on_each_kind(all_on);
	return vm_end();
}

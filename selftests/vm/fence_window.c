// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fence beside faults whose window between check and insertion is widened on
 * purpose, and the same against a fence with a seeded defect, which must be found:
 * it shows that the test sees what it looks for. Needs a module built with
 * CONFIG_NPMU_DEBUG.
 */
#define _GNU_SOURCE
#include "fence_rounds.h"
#include "vmunit.h"

#define SIZE	(64 * MIB)
#define PARAMS	"/sys/module/npmu/parameters/"
#define UNIT	"window"

static bool set(const char *param, unsigned int value)
{
	char path[128];
	char text[16];
	int fd;
	int n;
	bool ok;

	snprintf(path, sizeof(path), PARAMS "%s", param);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = snprintf(text, sizeof(text), "%u", value);
	ok = write(fd, text, n) == n;
	close(fd);
	return ok;
}

/* Is a fault held between check and insertion? */
static bool in_fault(void)
{
	char c = 0;
	int fd = open(PARAMS "debug_in_fault", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0 && read(fd, &c, 1) == 1 && c == 'Y';

	close(fd);
	return ok;
}

static void widened(bool small, bool takeover)
{
	struct fence_kind kind = { small, false, takeover };

	if (access(PARAMS "debug_fault_us", W_OK))
		SKIP("the module is not built with CONFIG_NPMU_DEBUG");
	CHECK(set("debug_fault_us", 300), "cannot widen the window");
	fence_rounds_check(UNIT, "r", SIZE, kind, vm_times(25, 250));
	set("debug_fault_us", 0);
}

static void fence__window_widened_4k_pages(void)
{
	widened(true, false);
}

static void fence__window_widened_4k_pages_taken_over(void)
{
	widened(true, true);
}

static void fence__window_widened_2m_pages(void)
{
	widened(false, false);
}

static void fence__window_widened_2m_pages_taken_over(void)
{
	widened(false, true);
}

/* Without the wait for those inside, stores land after the fence returned. */
static void naive(bool small)
{
	struct fence_kind kind = { small, false, false };
	struct fence_rounds sum = {};

	if (access(PARAMS "debug_naive_fence", W_OK))
		SKIP("the module is not built with CONFIG_NPMU_DEBUG");
	CHECK(set("debug_fault_us", 300), "cannot widen the window");
	CHECK(set("debug_naive_fence", 1), "cannot seed the defect");
	EXPECT(fence_rounds(UNIT, "r", SIZE, kind, 25, &sum), 0);
	printf("# a fence that does not wait: bytes changed %lu times in %lu rounds\n",
	       sum.changed, sum.done);
	CHECK(sum.changed > 0, "the defect was not seen");
	set("debug_naive_fence", 0);
	set("debug_fault_us", 0);
}

static void fence__naive_one_is_caught_with_4k_pages(void)
{
	naive(true);
}

static void fence__naive_one_is_caught_with_2m_pages(void)
{
	naive(false);
}

/* Memory that the stuck writer and the one who fences it share. */
struct stuck {
	atomic_int again;
	atomic_int first;	/* what the store met whose fault took so long */
	atomic_int second;	/* what one met after the takeover */
};

static int store_into_a_slow_fault(void *ctx)
{
	struct stuck *stuck = ctx;
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	if (!at)
		return 1;
	atomic_store(&stuck->first, vm_store(at, 0xbad));
	while (!atomic_load(&stuck->again))
		vm_sleep_ms(1);
	atomic_store(&stuck->second, vm_store(at, 0xbad));
	return 0;
}

/* Who is still inside when the bound passes makes it no success, and no writer. */
static void fence__past_its_bound_is_no_success(void)
{
	struct stuck *stuck = mmap(NULL, sizeof(*stuck), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int successor, reader;
	struct npmu_ioc_info info;
	uint64_t *view, seen, epoch;
	pid_t pid;

	if (access(PARAMS "debug_fault_us", W_OK))
		SKIP("the module is not built with CONFIG_NPMU_DEBUG");
	successor = vm_open(UNIT, "r", O_RDWR);
	reader = vm_open(UNIT, "r", O_RDONLY);
	view = vm_map(reader, 0, SIZE, PROT_READ);
	REQUIRE(view, "map: %s", strerror(errno));
	seen = *(volatile uint64_t *)view;
	CHECK(set("debug_fault_us", 4000000000U), "cannot widen the window");
	pid = vm_child(store_into_a_slow_fault, stuck);
	CHECK(VM_UNTIL(in_fault(), 5000), "no writer in a fault");

	EXPECT(vm_info(successor, &info), 0);
	epoch = info.fence_epoch;
	EXPECT(vm_fence(UNIT, "r"), -ETIMEDOUT);
	EXPECT(vm_info(successor, &info), 0);
	CHECK(info.role == NPMU_ROLE_FENCING && !info.writer_id, "role %u, writer %llu", info.role,
	      (unsigned long long)info.writer_id);
	CHECK(info.fence_epoch == epoch + 1, "epoch %llu", (unsigned long long)info.fence_epoch);
	EXPECT(vm_maperr(successor, 0, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED), -EBUSY);
	CHECK(*(volatile uint64_t *)view == seen, "the store landed before its fault was done");
	/* Now it comes out. */
	set("debug_fault_us", 0);
	EXPECT(vm_takeover(successor, info.fence_epoch, &epoch), 0);
	seen = *(volatile uint64_t *)view;
	atomic_store(&stuck->again, 1);
	EXPECT(vm_reap(pid, 10000), 0);
	EXPECT(atomic_load(&stuck->second), SIGBUS);
	CHECK(*(volatile uint64_t *)view == seen, "bytes changed after the takeover");
	EXPECT(vm_pwrite(successor, "x", 1, 0), 1);
	munmap(view, SIZE);
	munmap(stuck, sizeof(*stuck));
	close(reader);
	close(successor);
}

int main(void)
{
	vm_one_unit(UNIT, 160 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__window_widened_4k_pages);
	VM_RUN(fence__window_widened_4k_pages_taken_over);
	VM_RUN(fence__window_widened_2m_pages);
	VM_RUN(fence__window_widened_2m_pages_taken_over);
	VM_RUN(fence__naive_one_is_caught_with_4k_pages);
	VM_RUN(fence__naive_one_is_caught_with_2m_pages);
	VM_RUN(fence__past_its_bound_is_no_success);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

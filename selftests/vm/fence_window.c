// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fence beside faults whose window between check and insertion is widened on
 * purpose, and the same against a fence with a seeded defect, which must be found:
 * it shows that the test sees what it looks for. Needs a module built with
 * CONFIG_NPMU_DEBUG.
 */
#define _GNU_SOURCE
#include "fence_rounds.h"

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

static void unit__can_be_made(void)
{
	REQUIRE(!vm_dram(UNIT, 160 * MIB), "%s", vm_why());
	EXPECT(vm_region(UNIT, "r", SIZE), 0);
}

static void unit__can_be_dropped(void)
{
	EXPECT(vm_drop(UNIT), 0);
}

int main(void)
{
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__window_widened_4k_pages);
	VM_RUN(fence__window_widened_4k_pages_taken_over);
	VM_RUN(fence__window_widened_2m_pages);
	VM_RUN(fence__window_widened_2m_pages_taken_over);
	VM_RUN(fence__naive_one_is_caught_with_4k_pages);
	VM_RUN(fence__naive_one_is_caught_with_2m_pages);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

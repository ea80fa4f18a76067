// SPDX-License-Identifier: GPL-2.0-only
/*
 * Gates: who gets in, who is waited for, and that nobody is inside once a closed
 * gate was seen empty, with threads that try.
 */
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/kthread.h>

#include "check.h"
#include "gate.h"

#define THREADS		4

static struct npmu_gate gate;

static void gate__enter_only_while_open(struct kunit *test)
{
	npmu_gate_init(&gate, false);
	CHECK(!npmu_gate_is_open(&gate) && npmu_gate_is_empty(&gate), "made closed");
	CHECK(!npmu_gate_enter(&gate), "entered a closed one");
	CHECK(npmu_gate_is_empty(&gate), "a refusal left something");
	npmu_gate_init(&gate, true);
	CHECK(npmu_gate_is_open(&gate) && !npmu_gate_is_empty(&gate), "made open");
	CHECK(npmu_gate_enter(&gate) && npmu_gate_enter(&gate), "two at once");
	npmu_gate_close(&gate);
	CHECK(!npmu_gate_is_open(&gate), "still open");
	CHECK(!npmu_gate_enter(&gate), "entered while it is being emptied");
	npmu_gate_leave(&gate);
	CHECK(!npmu_gate_is_empty(&gate), "one is still inside");
	npmu_gate_leave(&gate);
	CHECK(npmu_gate_is_empty(&gate), "nobody is inside");
	npmu_gate_open(&gate);
	CHECK(npmu_gate_enter(&gate), "open again");
	npmu_gate_leave(&gate);
	CHECK(npmu_gate_is_open(&gate), "the last one closed it");
}

static void gate__closing_twice_counts_once(struct kunit *test)
{
	npmu_gate_init(&gate, true);
	CHECK(npmu_gate_enter(&gate), "enter");
	npmu_gate_close(&gate);
	npmu_gate_close(&gate);
	CHECK(!npmu_gate_wait(&gate, 0), "empty with one inside");
	npmu_gate_leave(&gate);
	CHECK(npmu_gate_wait(&gate, 0), "not empty with nobody inside");
	npmu_gate_close(&gate);
	CHECK(npmu_gate_is_empty(&gate), "closing an empty one");
}

static void gate__wait_has_a_bound(struct kunit *test)
{
	unsigned long began = jiffies;

	npmu_gate_init(&gate, true);
	CHECK(npmu_gate_enter(&gate), "enter");
	npmu_gate_close(&gate);
	CHECK(!npmu_gate_wait(&gate, HZ / 10), "waited for nothing");
	CHECK(time_after_eq(jiffies, began + HZ / 10), "gave up too early");
	npmu_gate_leave(&gate);
}

static int leave_later(void *arg)
{
	msleep(50);
	npmu_gate_leave(&gate);
	return 0;
}

static void gate__last_one_wakes_who_waits(struct kunit *test)
{
	struct task_struct *task;
	int i;

	npmu_gate_init(&gate, true);
	for (i = 0; i < THREADS; i++)
		CHECK(npmu_gate_enter(&gate), "enter");
	npmu_gate_close(&gate);
	for (i = 0; i < THREADS; i++) {
		task = kthread_run(leave_later, NULL, "npmu-leave");
		KUNIT_ASSERT_FALSE(test, IS_ERR(task));
	}
	CHECK(npmu_gate_wait(&gate, 60 * HZ), "never woken");
}

/* --- threads that go in and out --- */

static struct {
	struct completion ended;
	atomic_t running;
	atomic_t inside;
	atomic64_t sections;
	bool stop;
	bool overtaken;
	bool forbidden;
} crowd;

static int go_in_and_out(void *arg)
{
	while (!READ_ONCE(crowd.stop)) {
		if (!npmu_gate_enter(&gate)) {
			cond_resched();
			continue;
		}
		atomic_inc(&crowd.inside);
		if (READ_ONCE(crowd.forbidden))
			WRITE_ONCE(crowd.overtaken, true);
		atomic64_inc(&crowd.sections);
		if (atomic64_read(&crowd.sections) % 64 == 0)
			cond_resched();
		if (READ_ONCE(crowd.forbidden))
			WRITE_ONCE(crowd.overtaken, true);
		atomic_dec(&crowd.inside);
		npmu_gate_leave(&gate);
	}
	if (atomic_dec_and_test(&crowd.running))
		complete(&crowd.ended);
	return 0;
}

static void gate__nobody_inside_once_empty(struct kunit *test)
{
	int round, i;

	memset(&crowd, 0, sizeof(crowd));
	init_completion(&crowd.ended);
	npmu_gate_init(&gate, true);
	atomic_set(&crowd.running, 1);
	for (i = 0; i < THREADS; i++) {
		atomic_inc(&crowd.running);
		if (IS_ERR(kthread_run(go_in_and_out, NULL, "npmu-crowd-%d", i)))
			atomic_dec(&crowd.running);
	}
	for (round = 0; round < 100; round++) {
		u64 before = atomic64_read(&crowd.sections);

		while (atomic64_read(&crowd.sections) == before)
			cond_resched();
		npmu_gate_close(&gate);
		if (!npmu_gate_wait(&gate, 60 * HZ)) {
			CHECK(false, "never empty");
			break;
		}
		WRITE_ONCE(crowd.forbidden, true);
		CHECK(!atomic_read(&crowd.inside), "round %d: somebody is inside", round);
		if (round % 10 == 0)
			usleep_range(100, 200);
		WRITE_ONCE(crowd.forbidden, false);
		npmu_gate_open(&gate);
	}
	WRITE_ONCE(crowd.stop, true);
	if (!atomic_dec_and_test(&crowd.running))
		wait_for_completion(&crowd.ended);
	CHECK(!crowd.overtaken, "a section began or went on in an empty gate");
	CHECK(atomic64_read(&crowd.sections) > 100, "nobody went in");
}

static struct kunit_case gate_cases[] = {
	KUNIT_CASE(gate__enter_only_while_open),
	KUNIT_CASE(gate__closing_twice_counts_once),
	KUNIT_CASE(gate__wait_has_a_bound),
	KUNIT_CASE(gate__last_one_wakes_who_waits),
	KUNIT_CASE(gate__nobody_inside_once_empty),
	{}
};

static struct kunit_suite gate_suite = {
	.name = "npmu_gate",
	.test_cases = gate_cases,
};

kunit_test_suite(gate_suite);

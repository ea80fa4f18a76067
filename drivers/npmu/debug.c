// SPDX-License-Identifier: GPL-2.0-only
/* The knobs of debug.h, as module parameters. */
#include <linux/delay.h>
#include <linux/module.h>

#include "debug.h"

static unsigned int debug_fault_us;
module_param(debug_fault_us, uint, 0600);
MODULE_PARM_DESC(debug_fault_us, "microseconds a fault waits between check and insertion");

static bool debug_naive_fence;
module_param(debug_naive_fence, bool, 0600);
MODULE_PARM_DESC(debug_naive_fence, "a fence does not wait for those inside (a defect)");

static bool debug_in_fault;
module_param(debug_in_fault, bool, 0400);
MODULE_PARM_DESC(debug_in_fault, "a fault waits, until debug_fault_us is 0 or the time is over");

void npmu_debug_fault(void)
{
	unsigned int us = READ_ONCE(debug_fault_us);
	unsigned int ms = us / USEC_PER_MSEC;

	/* udelay() wraps at a quarter of a second. */
	if (ms < 10) {
		udelay(us);
		return;
	}
	WRITE_ONCE(debug_in_fault, true);
	for (; ms && READ_ONCE(debug_fault_us); ms -= min(ms, 20U))
		msleep(20);
	WRITE_ONCE(debug_in_fault, false);
}

bool npmu_debug_naive_fence(void)
{
	return READ_ONCE(debug_naive_fence);
}

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

void npmu_debug_fault(void)
{
	unsigned int us = READ_ONCE(debug_fault_us);

	/* udelay() wraps at a quarter of a second. */
	if (us >= 10 * USEC_PER_MSEC)
		msleep(us / USEC_PER_MSEC);
	else if (us)
		udelay(us);
}

bool npmu_debug_naive_fence(void)
{
	return READ_ONCE(debug_naive_fence);
}

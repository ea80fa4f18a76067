// SPDX-License-Identifier: GPL-2.0-only
/*
 * npmu.ko: puts the layers together. Owns nothing else.
 */
#include <linux/module.h>

#include "event.h"
#include "evict.h"
#include "front.h"
#include "netlink.h"
#include "notify.h"

static const struct npmu_front_ops front_ops = {
	.add = npmu_cdev_add,
	.hide = npmu_cdev_hide,
	.show = npmu_cdev_show,
	.remove = npmu_cdev_remove,
	.gone = npmu_evict_gone,
	.zap = npmu_tpt_zap,
	.devt = npmu_cdev_devt,
};

static int __init npmu_init(void)
{
	int ret;

	npmu_front = &front_ops;
	npmu_event_sink = npmu_notify;
	ret = npmu_cdev_init();
	if (ret)
		return ret;
	ret = npmu_netlink_init();
	if (ret)
		npmu_cdev_exit();
	return ret;
}

static void __exit npmu_exit(void)
{
	/* Each attached unit holds the module, so that there is none. */
	npmu_netlink_exit();
	npmu_cdev_exit();
	/* Maps that were replaced are freed after a grace period. */
	rcu_barrier();
}

module_init(npmu_init);
module_exit(npmu_exit);

MODULE_DESCRIPTION("Network-attached persistent memory unit");
MODULE_LICENSE("GPL");

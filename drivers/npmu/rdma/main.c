// SPDX-License-Identifier: GPL-2.0-only
/*
 * npmu_rdma.ko: puts the network interface together. Owns nothing else.
 */
#include <linux/module.h>

#include "auth.h"
#include "conn.h"
#include "listen.h"
#include "netlink.h"

static int __init npmu_rdma_init(void)
{
	int ret;

	ret = npmu_auth_init();
	if (ret)
		return ret;
	ret = npmu_conn_init();
	if (ret)
		goto err_auth;
	ret = npmu_ni_netlink_init();
	if (ret)
		goto err_conn;
	return 0;

err_conn:
	npmu_conn_exit();
err_auth:
	npmu_auth_exit();
	return ret;
}

static void __exit npmu_rdma_exit(void)
{
	npmu_unlisten_all();
	npmu_conn_end_all(NULL);
	/* Whoever listens for events has heard of the end of all by now. */
	npmu_ni_netlink_exit();
	npmu_conn_exit();
	npmu_auth_exit();
}

module_init(npmu_rdma_init);
module_exit(npmu_rdma_exit);

MODULE_DESCRIPTION("Network interface of the persistent memory unit");
MODULE_LICENSE("GPL");

/* SPDX-License-Identifier: GPL-2.0-only */
/* The netlink front end of the network interface. */
#ifndef NPMU_NI_NETLINK_H
#define NPMU_NI_NETLINK_H

int npmu_ni_netlink_init(void);
void npmu_ni_netlink_exit(void);

#endif /* NPMU_NI_NETLINK_H */

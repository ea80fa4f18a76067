/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Multicast events. npmu_notify() is made to be the npmu_event_sink.
 */
#ifndef _NPMU_NOTIFY_H
#define _NPMU_NOTIFY_H

struct npmu_event_info;

/* May sleep, never fails: who missed an event learns that it did (ENOBUFS). */
void npmu_notify(const struct npmu_event_info *info);

#endif /* _NPMU_NOTIFY_H */

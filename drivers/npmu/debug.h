/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Knobs of a module built with CONFIG_NPMU_DEBUG, for tests that must make a
 * race likely or prove that they see a defect. Otherwise nothing is compiled in.
 */
#ifndef _NPMU_DEBUG_H
#define _NPMU_DEBUG_H

#ifdef CONFIG_NPMU_DEBUG
/* Widens the window between the check in a fault and its insertion. */
void npmu_debug_fault(void);
/* A seeded defect: a fence that does not wait for those inside. */
bool npmu_debug_naive_fence(void);
#else
static inline void npmu_debug_fault(void) { }
static inline bool npmu_debug_naive_fence(void) { return false; }
#endif

#endif /* _NPMU_DEBUG_H */

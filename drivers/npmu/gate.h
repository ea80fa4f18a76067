/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A gate: sections that many may be in at once and that can be closed for good
 * or for a while. Closing and waiting for those inside takes no allocation and
 * no grace period, so that a fence is as fast as the slowest section.
 *
 * Nothing that can fault on user memory may run inside a section.
 */
#ifndef _NPMU_GATE_H
#define _NPMU_GATE_H

#include <linux/atomic.h>
#include <linux/limits.h>
#include <linux/types.h>
#include <linux/wait.h>

#define NPMU_GATE_CLOSED	INT_MIN

/**
 * struct npmu_gate - see above
 * @inside: number of those inside, plus NPMU_GATE_CLOSED while it is closed
 * @empty: who closed it waits here
 */
struct npmu_gate {
	atomic_t inside;
	wait_queue_head_t empty;
};

static inline void npmu_gate_init(struct npmu_gate *gate, bool open)
{
	atomic_set(&gate->inside, open ? 0 : NPMU_GATE_CLOSED);
	init_waitqueue_head(&gate->empty);
}

static inline bool npmu_gate_is_open(struct npmu_gate *gate)
{
	return atomic_read(&gate->inside) >= 0;
}

/* True: the caller is inside and must leave. A full barrier when true. */
static inline bool npmu_gate_enter(struct npmu_gate *gate)
{
	return atomic_inc_unless_negative(&gate->inside);
}

static inline void npmu_gate_leave(struct npmu_gate *gate)
{
	if (atomic_dec_return(&gate->inside) == NPMU_GATE_CLOSED)
		wake_up_all(&gate->empty);
}

/*
 * Nobody enters from now on. Callers serialize closing and opening themselves.
 * Closing a closed gate does nothing. A full barrier.
 */
static inline void npmu_gate_close(struct npmu_gate *gate)
{
	atomic_fetch_or(NPMU_GATE_CLOSED, &gate->inside);
}

static inline bool npmu_gate_is_empty(struct npmu_gate *gate)
{
	return atomic_read(&gate->inside) == NPMU_GATE_CLOSED;
}

/* Only on a closed and empty gate. */
static inline void npmu_gate_open(struct npmu_gate *gate)
{
	atomic_set_release(&gate->inside, 0);
}

/* Waits until a closed gate is empty; false when @timeout jiffies passed. */
static inline bool npmu_gate_wait(struct npmu_gate *gate, long timeout)
{
	return wait_event_timeout(gate->empty, npmu_gate_is_empty(gate), timeout);
}

#endif /* _NPMU_GATE_H */

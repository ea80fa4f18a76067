// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fencing the writer over the wire and taking over its role: one that does nothing, and one
 * that writes as fast as it can.
 */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "remote_part.h"

/* The writer that is fenced, and who fences it. */
struct duel {
	struct remote *r;
	struct npmu_region *old;
	struct npmu_region *new;
	bool busy;		/* the old one writes meanwhile */
	bool started;
	pthread_t thread;
	atomic_uint written;
	int end;		/* why it writes no more */
};

static void *write_on(void *context)
{
	struct duel *d = context;

	do {
		d->end = npmu_region_write(d->old, 0, d->r->buf, MIB);
		atomic_fetch_add(&d->written, 1);
	} while (!d->end);
	return NULL;
}

static int before_takeover(struct series *s)
{
	struct duel *d = s->context;

	if (remote_open(d->r, NPMU_OPEN_WRITE, &d->old) ||
	    remote_open(d->r, NPMU_OPEN_WRITE, &d->new))
		return -1;
	if (npmu_region_claim(d->old, NULL))
		return bench_fail("claim: %s", npmu_region_error(d->old));
	if (!d->busy)
		return 0;
	atomic_store(&d->written, 0);
	if (pthread_create(&d->thread, NULL, write_on, d))
		return bench_fail("no thread");
	d->started = true;
	while (atomic_load(&d->written) < 2)
		sched_yield();
	return 0;
}

static int op_takeover(struct series *s)
{
	struct duel *d = s->context;

	if (!npmu_region_takeover(d->new, npmu_region_fence_epoch(d->old), NULL))
		return 0;
	return bench_fail("takeover: %s", npmu_region_error(d->new));
}

static int after_takeover(struct series *s)
{
	struct duel *d = s->context;

	if (d->started)
		pthread_join(d->thread, NULL);
	d->started = false;
	npmu_region_close(d->old);
	npmu_region_close(d->new);
	d->old = NULL;
	d->new = NULL;
	if (!d->busy || d->end == -ESTALE || d->end == -ENOTCONN)
		return 0;
	return bench_fail("the fenced writer ended with %d, not with ESTALE", d->end);
}

int remote_takeover(struct remote *r)
{
	struct part p = { .r = r };
	struct duel idle = { .r = r }, busy = { .r = r, .busy = true };
	struct series s[3] = {
		{ .what = "raw_message", .op = part_message, .context = &p },
		{ .what = "takeover", .op = op_takeover, .before = before_takeover,
		  .after = after_takeover, .limit = &s[0], .context = &idle },
		{ .what = "takeover_full_speed", .op = op_takeover, .before = before_takeover,
		  .after = after_takeover, .limit = &s[0], .context = &busy },
	};
	size_t first = r->peer ? 0 : 1;
	int code;

	if (first) {
		s[1].limit = NULL;
		s[2].limit = NULL;
	}
	code = rounds_run(&s[first], 3 - first, r->rounds / 10 + 5);
	if (!code)
		code = report_add(r->report, "remote_takeover", &s[first], 3 - first);
	rounds_free(&s[first], 3 - first);
	return code;
}

// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Commits that are not waited for. Owns which are under way, and what is known of them. Of a local
 * region none ever is: there a commit takes less time than looking whether it is done.
 */
#include <errno.h>
#include <string.h>

#include "append_write.h"
#include "clock.h"
#include "remote.h"

#define fail npmu_append_writer_fail

/* The oldest, until then. */
static int complete_first(struct npmu_append_writer *w, uint64_t until)
{
	struct submitted first = w->submitted[0];
	int code = w->region->remote->ops->complete(w->region, first.number, until);

	if (code == -ETIMEDOUT)
		return fail(w, code, "the commit is still under way");
	w->nr_submitted--;
	memmove(&w->submitted[0], &w->submitted[1], w->nr_submitted * sizeof(first));
	return npmu_append_durable(w, first.sequence, first.end, code);
}

int npmu_append_submit(struct npmu_append_writer *w, const struct iovec *iov, int n, uint64_t tag,
		       uint64_t *sequence)
{
	uint64_t number;
	int code;

	if (!sequence)
		return fail(w, -EINVAL, "no place for the sequence");
	/* A commit word must not be seen before what it commits is durable: that is waited for. */
	if (!w->region->remote || !npmu_append_has_crc(w)) {
		code = npmu_append_update(w, iov, n, tag);
		if (!code)
			*sequence = w->last_sequence;
		return code;
	}
	code = 0;
	while (!code && !w->dead && w->nr_submitted == NPMU_REMOTE_COMMITS)
		code = complete_first(w, UINT64_MAX);
	if (code)
		return code;
	code = npmu_append_store(w, iov, n, tag, true);
	if (code)
		return code;
	code = w->region->remote->ops->submit(w->region, &number);
	if (code)
		return npmu_append_conclude(w, code);
	w->submitted[w->nr_submitted++] = (struct submitted){
		.sequence = w->next_sequence - 1,
		.end = w->end,
		.number = number,
	};
	*sequence = w->next_sequence - 1;
	return 0;
}

int npmu_append_complete(struct npmu_append_writer *w, uint64_t sequence, uint64_t timeout_ns)
{
	uint64_t now = npmu_now_ns();
	uint64_t until = timeout_ns < UINT64_MAX - now ? now + timeout_ns : UINT64_MAX;
	int code = 0;

	while (!code && w->last_sequence < sequence) {
		if (w->dead)
			return npmu_append_dead(w);
		if (!w->nr_submitted || w->submitted[w->nr_submitted - 1].sequence < sequence)
			return fail(w, -EINVAL, "nothing of that sequence was submitted");
		code = complete_first(w, until);
	}
	return code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The crashes that are tried. Owns the choice of crash points and of states; what a
 * state is follows from pending.c, whether it is good is for the oracle.
 *
 * Between two fences only the point before the second is a crash point: a store that
 * was not made yet and a line that did not arrive leave the same memory.
 */
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "explore.h"
#include "jobs.h"
#include "pending.h"

#define FEW_LINES	10	/* all subsets of so many are tried */
#define FEW_NESTED	4	/* the same within a recovery */
#define NESTED_CAP	8	/* states at each point of a recovery */
#define MAX_TOLD	5	/* failures shown of a log */

struct replay {
	const struct explore *x;
	struct explore_stat *stat;
	struct pend pend;
	struct pend_choice *choice;
	uint32_t room;
	uint32_t point;		/* number of the crash point */
	uint32_t nested_of;	/* the state whose recovery this is, or EXPLORE_NONE */
	struct explore_at at;
	struct replay *outer;
};

static struct model_log recovery;	/* of the state that is being tried */

/* --- images seen --- */

static _Atomic uint64_t *seen;
static size_t seen_room;

void explore_expect(uint64_t states)
{
	for (seen_room = 1 << 16; seen_room < 2 * states; seen_room *= 2)
		;
	seen = jobs_memory(seen_room * sizeof(*seen));
}

/* Of all processes. A table that is all but full gives up early: too few are counted. */
static bool image_is_new(uint64_t hash)
{
	size_t i, n;

	hash |= 1;
	i = (hash * 0x9e3779b97f4a7c15ULL) & (seen_room - 1);
	for (n = 0; n < 1024 && n < seen_room; n++, i = (i + 1) & (seen_room - 1)) {
		uint64_t there = 0;

		if (atomic_compare_exchange_strong(&seen[i], &there, hash))
			return true;
		if (there == hash)
			return false;
	}
	return false;
}

/* Those of one crash point: the same one is not tried twice. */
#define POINT_ROOM	(1 << 14)
static struct { uint64_t hash; uint64_t stamp; } point_seen[2][POINT_ROOM];
static uint64_t point_stamp[2];

static bool state_is_new(int depth, uint64_t hash)
{
	size_t i = (hash * 0x9e3779b97f4a7c15ULL) & (POINT_ROOM - 1), n;

	for (n = 0; n < 64; n++, i = (i + 1) & (POINT_ROOM - 1)) {
		if (point_seen[depth][i].stamp != point_stamp[depth]) {
			point_seen[depth][i].stamp = point_stamp[depth];
			point_seen[depth][i].hash = hash;
			return true;
		}
		if (point_seen[depth][i].hash == hash)
			return false;
	}
	return true;
}

/* --- which state --- */

static uint64_t salt(const struct replay *r, uint32_t k)
{
	uint64_t s = r->x->seed * 0x2545f4914f6cdd1dULL;

	s = (s ^ r->point) * 0x9e3779b97f4a7c15ULL;
	s = (s ^ k) * 0xff51afd7ed558ccdULL;
	s ^= r->nested_of;
	return model_random(&s);
}

static void choose_all(struct replay *r, bool there)
{
	uint32_t i;

	for (i = 0; i < r->pend.nr; i++)
		r->choice[i] = (struct pend_choice){
			.words = there ? r->pend.line[i].words : 0 };
}

/* One line arrives in part. */
static void tear(struct replay *r, uint32_t i, uint64_t *random)
{
	const struct pend_line *line = &r->pend.line[i];
	struct pend_choice *c = &r->choice[i];

	if (line->streamed && line->words <= 64 && model_random(random) % 2) {
		c->masked = true;
		c->mask = model_random(random);
		if (model_random(random) % 2)
			c->mask &= model_random(random);
	} else {
		c->masked = false;
		c->words = (uint32_t)(model_random(random) % (line->words + 1));
	}
}

static void choose_random(struct replay *r, uint64_t random)
{
	uint32_t share = (uint32_t)(model_random(&random) % 9), i, torn;

	/* Of all, none or some lines, one or a few are torn. */
	for (i = 0; i < r->pend.nr; i++)
		r->choice[i] = (struct pend_choice){
			.words = model_random(&random) % 8 < share ?
				 r->pend.line[i].words : 0 };
	torn = model_random(&random) % 4 ? 1 : 1 + (uint32_t)(model_random(&random) % 4);
	while (torn--)
		tear(r, (uint32_t)(model_random(&random) % r->pend.nr), &random);
}

/* State number @k of this point. False: there are no more. */
static bool choose(struct replay *r, uint32_t k, uint32_t cap)
{
	uint32_t nr = r->pend.nr, few = r->outer ? FEW_NESTED : FEW_LINES;
	uint32_t all = nr <= few ? 1U << nr : 2, i, at;

	if (k >= all + (nr ? cap : 0))
		return false;
	if (nr <= few && k < all) {
		/* The last of them first: nothing, then everything, arrived. */
		at = k == 1 ? all - 1 : k == all - 1 ? 1 : k;
		choose_all(r, false);
		for (i = 0; i < nr; i++)
			if (at >> i & 1)
				r->choice[i].words = r->pend.line[i].words;
		return true;
	}
	if (nr <= few) {
		choose_random(r, salt(r, k));
		return true;
	}
	if (k < 2) {
		choose_all(r, k);
		return true;
	}
	/* Evenly over the lines, whatever the cap. */
	at = (uint32_t)((uint64_t)k * 2654435761U % nr);
	switch (k % 5) {
	case 0:		/* a single one is missing */
		choose_all(r, true);
		r->choice[at].words = 0;
		return true;
	case 1:		/* a prefix in program order */
		for (i = 0; i < nr; i++)
			r->choice[i] = (struct pend_choice){
				.words = i < at ? r->pend.line[i].words : 0 };
		return true;
	case 2:		/* a single one is there */
		choose_all(r, false);
		r->choice[at].words = r->pend.line[at].words;
		return true;
	default:
		choose_random(r, salt(r, k));
		return true;
	}
}

/* --- trying it --- */

static void tell(const struct replay *r, uint32_t k, const char *how, const char *why,
		 const struct crash_point *before)
{
	const struct replay *top = r->outer ? r->outer : r;
	uint32_t state = r->outer ? r->nested_of : k, i, shown = 0;

	printf("# FAILED %s: %s\n", how, why);
	printf("#   operations answered: %u, in flight: %s", top->at.answered,
	       top->at.inflight == EXPLORE_NONE ? "none" : "");
	if (top->at.inflight != EXPLORE_NONE)
		printf("%u", top->at.inflight);
	if (before)
		printf(", before %s:%d (%s)", crash_point_file(before), before->line, before->what);
	printf("\n#   lines that were pending (words there of words stored):");
	for (i = 0; i < r->pend.nr && shown < 12; i++) {
		const struct pend_choice *c = &r->choice[i];

		if (!c->masked && c->words == r->pend.line[i].words)
			continue;
		shown++;
		printf(" 0x%llx:%u/%u%s", (unsigned long long)r->pend.line[i].line * MODEL_LINE,
		       c->masked ? (unsigned int)__builtin_popcountll(c->mask) : c->words,
		       r->pend.line[i].words, c->masked ? "*" : "");
	}
	printf("%s of %u\n", i < r->pend.nr ? " ..." : "", r->pend.nr);
	printf("#   again: crash-states --replay %s:%llu:%u:%u\n", r->x->workload,
	       (unsigned long long)r->x->seed, top->point, state);
}

static void fail(struct replay *r, uint32_t k, const char *how, const char *why,
		 const struct crash_point *before)
{
	if (r->stat->failed++ < MAX_TOLD)
		tell(r, k, how, why, before);
}

static void replay(struct replay *r, const struct model_log *log, uint32_t cap);

/* The recovery itself is cut off. */
static void try_nested(struct replay *outer, uint32_t k)
{
	struct model_log log = recovery;
	struct replay r = { .x = outer->x, .stat = outer->stat, .nested_of = k,
			    .at = outer->at, .outer = outer };

	memset(&recovery, 0, sizeof(recovery));
	r.at.deep = false;
	r.at.nested = true;
	replay(&r, &log, NESTED_CAP);
	model_log_free(&recovery);
	recovery = log;
}

static bool has_stores(const struct model_log *log)
{
	size_t i;

	for (i = 0; i < log->nr; i++)
		if (log->event[i].kind <= MODEL_STREAM)
			return true;
	return false;
}

/* Recover from the memory as it is, and perhaps once more from in the middle of that. */
static void attempt(struct replay *r, uint32_t k, const char *spoilt, bool again,
		    const struct crash_point *before)
{
	size_t mark = model_mark_journal();
	const char *why;
	char how[160];

	r->stat->states++;
	r->stat->distinct += image_is_new(model_hash);
	model_log_clear(&recovery);
	model_record(&recovery);
	why = r->x->ops->recover(&r->at);
	model_record(NULL);
	model_rollback(mark);
	if (!why) {
		if (again && !r->outer && has_stores(&recovery))
			try_nested(r, k);
		return;
	}
	snprintf(how, sizeof(how), "after a cut%s%s%s", r->outer ? " of the recovery" : "",
		 spoilt ? ", with a rotten copy: " : "", spoilt ? spoilt : "");
	fail(r, k, how, why, before);
}

static void try_state(struct replay *r, uint32_t k, const struct crash_point *before)
{
	const struct explore_ops *ops = r->x->ops;
	size_t mark = model_mark_journal();
	const char *spoilt;
	uint64_t random;
	int i;

	random = salt(r, k);
	r->at.salt = random;
	r->at.deep = !r->outer && random % 16 == 0;
	if (r->outer)
		r->stat->nested++;
	else
		r->stat->direct++;
	attempt(r, k, NULL, model_random(&random) % 4 == 0, before);
	if (r->outer || !ops->rot)
		return;
	for (i = r->at.deep || r->at.inflight == EXPLORE_NONE ? 4 : 1; i > 0; i--) {
		spoilt = ops->rot(&r->at, model_random(&random));
		r->at.spoilt = spoilt;
		if (spoilt) {
			r->stat->rotten++;
			attempt(r, k, spoilt, model_random(&random) % 16 == 0, before);
		}
		model_rollback(mark);
	}
	r->at.spoilt = false;
}

static void crash_here(struct replay *r, uint32_t cap, const struct crash_point *before)
{
	const struct explore *x = r->x;
	int depth = !!r->outer;
	uint32_t k;

	r->point++;
	if (!r->outer && x->only_point != EXPLORE_NONE && x->only_point != r->point)
		return;
	if (!r->outer)
		r->stat->points++;
	if (r->pend.nr > r->room) {
		r->room = r->pend.nr + 64;
		r->choice = realloc(r->choice, r->room * sizeof(*r->choice));
		if (!r->choice)
			exit(1);
	}
	point_stamp[depth]++;
	for (k = 0; choose(r, k, cap); k++) {
		size_t mark = model_mark_journal();

		if (!r->outer && x->only_state != EXPLORE_NONE && x->only_state != k)
			continue;
		pend_apply(&r->pend, r->choice);
		if (state_is_new(depth, model_hash))
			try_state(r, k, before);
		model_rollback(mark);
	}
}

static void replay(struct replay *r, const struct model_log *log, uint32_t cap)
{
	size_t mark = model_mark_journal();
	bool passed = !r->outer && r->x->first;
	uint32_t i;

	pend_init(&r->pend, log);
	for (i = 0; i < log->nr; i++) {
		const struct model_event *e = &log->event[i];

		if (!r->outer && e->kind == MODEL_BEGIN) {
			r->at.inflight = e->line;
			passed = e->line < r->x->first;
		}
		if (e->kind == MODEL_FENCE && r->pend.nr && !passed)
			crash_here(r, cap, e->point);
		pend_event(&r->pend, i);
		if (e->kind == MODEL_END) {
			if (!r->outer) {
				r->at.answered = e->line + 1;
				r->at.inflight = EXPLORE_NONE;
			}
			if (!passed)
				crash_here(r, cap, NULL);
		}
		if (r->stat->failed >= MAX_TOLD)
			break;
	}
	pend_free(&r->pend);
	free(r->choice);
	model_rollback(mark);
}

void explore_run(const struct explore *x, struct explore_stat *stat)
{
	struct replay r = { .x = x, .stat = stat, .nested_of = EXPLORE_NONE,
			    .at = { .inflight = EXPLORE_NONE } };

	model_record(NULL);
	model_journal(true);
	replay(&r, x->log, x->cap);
	model_journal(false);
}

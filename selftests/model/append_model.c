// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * append-model: the scenarios of writer, contender and reader, a crash at any point of
 * them, and the report. It must not know how libnpmu stores what it is given.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "append_model.h"
#include "pending.h"

/*
 * u: update, U: one of almost half a ring, a: add, c: commit, b: base; B: read the base,
 * n: the next update, k: acknowledge, T: take over, then read all that is unread.
 */
static const struct scenario {
	const char *name;
	const char *script[ACTORS];
	bool late;
	bool named;		/* the last one is, from before the first update on, and waited for */
} scenarios[] = {
	{ .name = "follow", .script = { "uu", NULL, "Bnn" } },
	{ .name = "batch", .script = { "aac", NULL, "Bnn" } },
	{ .name = "bases", .script = { "bb", NULL, "BB" } },
	{ .name = "base_overwritten", .script = { "bbb", NULL, "B" } },
	{ .name = "base_between", .script = { "ubu", NULL, "nnB" } },
	{ .name = "laps", .script = { "UbUU", NULL, "nn" } },
	{ .name = "takeover", .script = { "uu", "BTu", "Bnn" } },
	{ .name = "takeover_of_batch", .script = { "aac", "BTu", NULL } },
	{ .name = "takeover_of_base", .script = { "ub", "BTb", NULL } },
	{ .name = "late_store", .script = { "uu", "BT", "Bnn" }, .late = true },
	{ .name = "late_batch", .script = { "aac", "BT", "Bnn" }, .late = true },
	{ .name = "late_then_update", .script = { "uu", "BTu", "nn" }, .late = true },
	{ .name = "two_contenders", .script = { "u", "BTu", "BTu" } },
	{ .name = "named", .script = { "UUbUU", NULL, "nknknk" }, .named = true },
	{ .name = "named_between", .script = { "UbU", "BTbU", "nknknk" }, .named = true },
};

#define NR_SCENARIOS	(sizeof(scenarios) / sizeof(scenarios[0]))

static struct npmu_region region[ACTORS], recoverer;
static const struct scenario *now;
bool no_crc;

static uint8_t made[MACHINE_SIZE], before[MACHINE_SIZE];
static struct npmu_status status_before;
static struct model_log log_;
static size_t log_seen;		/* events that a run before this one had, too */
static unsigned long long schedules, crashes, images;

#define SEEN	(1U << 21)
static uint64_t image_seen[SEEN];

/* --- a crash --- */

/* Reads all. Return: tag of the last, 0: none, -1: something is wrong. */
static int read_all(const struct list *list, const char **why)
{
	struct npmu_append_reader *r;
	struct npmu_append_item item;
	int at = -1, code;

	*why = "no reader";
	if (npmu_append_reader_open(&recoverer, &r, NULL))
		return -1;
	code = npmu_append_read_base(r, &item);
	*why = npmu_append_reader_error(r);
	if (!code && item.sequence) {
		at = index_of(list, item.tag);
		if (at < 0 || !is_whole(&item) || !tag_is_base(item.tag)) {
			*why = "after a cut: a base that is not there";
			code = -EINVAL;
		}
	}
	while (!code && !(code = npmu_append_next(r, &item))) {
		if (++at >= list->nr || list->tag[at] != item.tag || !is_whole(&item)) {
			*why = "after a cut: not the next update";
			code = -EINVAL;
		} else if (npmu_append_recheck(r, &item)) {
			*why = "after a cut: the recheck fails";
			code = -EINVAL;
		}
	}
	if (code != -ENODATA && code != -EINVAL)
		*why = npmu_append_reader_error(r);
	npmu_append_reader_close(r);
	return code == -ENODATA ? at + 1 : -1;
}

static void recover(const struct snap *s)
{
	struct npmu_append_writer *w;
	int first, again, least, at;
	const char *why;
	struct list list;
	struct iovec iov = { NULL, 0 };

	list_make(&list, s->accepted, s->successor);
	first = read_all(&list, &why);
	if (first < 0) {
		bad(why, 0);
		return;
	}
	least = s->committed[0];
	if (s->successor > 0)
		least = s->accepted + s->committed[s->successor];
	if (first < least)
		bad("a cut takes back what was committed", (uint64_t)least);
	at = s->seen ? index_of(&list, (uint64_t)s->seen) : -1;
	if (s->seen && at + 1 > first)
		bad("a cut takes back what a reader has applied", (uint64_t)s->seen);
	machine_status.fence_epoch += 2;
	machine_status.writer = 99;
	if (npmu_append_writer_open(&recoverer, NULL, &w, NULL)) {
		bad("after a cut: no writer can open it", 0);
		return;
	}
	again = read_all(&list, &why);
	if (again != first)
		bad("after a cut: another state once it is opened", (uint64_t)first);
	if (npmu_append_base(w, &iov, 0, 777) && !failure)
		bad("after a cut: no base can be written", 0);
	npmu_append_writer_close(w);
}

static bool image_is_new(uint64_t hash)
{
	size_t i = (hash * 0x9e3779b97f4a7c15ULL) >> 43, n;

	for (n = 0; n < 32; n++, i++) {
		if (image_seen[i & (SEEN - 1)] == (hash | 1))
			return false;
		if (!image_seen[i & (SEEN - 1)]) {
			image_seen[i & (SEEN - 1)] = hash | 1;
			return true;
		}
	}
	return true;
}

static uint64_t hash_of(const struct snap *s)
{
	const uint8_t *p = (const void *)s;
	uint64_t h = model_hash;
	size_t i;

	for (i = 0; i < sizeof(*s); i++)
		h = (h ^ p[i]) * 0x100000001b3ULL;
	return h;
}

/* All subsets of few lines; of many each alone there, or alone missing, and some. */
static void cut(const struct pend *pend, const struct snap *s)
{
	struct pend_choice choice[64];
	uint32_t nr = pend->nr < 64 ? pend->nr : 64, k, i, all = nr <= 5 ? 1U << nr : 2 * nr + 8;
	uint64_t random = schedules;
	size_t mark;

	for (k = 0; k < all && !failure; k++) {
		for (i = 0; i < nr; i++) {
			bool there = nr <= 5 ? k >> i & 1 : k < nr ? i == k :
				     k < 2 * nr ? i != k - nr : model_random(&random) & 1;
			choice[i] = (struct pend_choice){
				.words = there ? pend->line[i].words : 0 };
		}
		/* One of them in part. */
		if (nr && k == all - 1)
			choice[random % nr].words /= 2;
		mark = model_mark_journal();
		pend_apply(pend, choice);
		crashes++;
		if (image_is_new(hash_of(s))) {
			struct npmu_status saved = machine_status;

			images++;
			recover(s);
			machine_status = saved;
		}
		model_rollback(mark);
	}
}

/* The run is over: cut it at each fence, and wherever something was answered. */
static void crash_everywhere(void)
{
	struct snap s = snaps[SNAPS - 1];
	struct pend pend;
	size_t i;

	machine_open(&recoverer, NOBODY);
	memcpy(machine_memory, before, sizeof(before));
	model_journal(true);
	pend_init(&pend, &log_);
	for (i = 0; i < log_.nr && !failure; i++) {
		const struct model_event *e = &log_.event[i];

		if ((e->kind == MODEL_FENCE || i + 1 == log_.nr) && i >= log_seen)
			cut(&pend, &s);
		pend_event(&pend, (uint32_t)i);
		if (e->kind == MODEL_END) {
			s = snaps[e->line];
			if (i >= log_seen)
				cut(&pend, &s);
		}
	}
	pend_free(&pend);
	model_rollback(0);
	model_journal(false);
}

/* --- runs --- */

static void body(int actor)
{
	actor_do(actor, now->script[actor]);
}

static void leave(void)
{
	log_seen = log_.nr;
}

static void prepare(void)
{
	struct npmu_append_options options = {
		.size = sizeof(options),
		.flags = no_crc ? NPMU_APPEND_NO_CRC : 0,
		.base_capacity = 1000,
		.ring_size = 4096,
	};
	int i;

	memset(machine_memory, 0, sizeof(machine_memory));
	memset(&machine_status, 0, sizeof(machine_status));
	machine_status.fence_epoch = 1;
	machine_status.writer = 1;
	model_memory(machine_memory, sizeof(machine_memory));
	for (i = 0; i < ACTORS; i++)
		machine_open(&region[i], i);
	if (npmu_append_writer_open(&region[0], &options, &writer[0], NULL)) {
		printf("Bail out! writer\n");
		exit(1);
	}
	npmu_append_writer_close(writer[0]);
	memcpy(made, machine_memory, sizeof(made));
	status_before = machine_status;
}

/* One order, and every cut of it. */
static void run(unsigned int bound, bool fresh)
{
	struct npmu_append_item item;
	int i;

	memcpy(machine_memory, made, sizeof(made));
	machine_status = status_before;
	actors_fresh();
	snaps[SNAPS - 1] = snaps[0];
	machine_late(now->late);
	model_record(NULL);
	named = now->named ? ACTORS - 1 : NOBODY;
	if (npmu_append_writer_open(&region[0], now->named ? &writer_waits : NULL, &writer[0], NULL))
		bad("set-up", 0);
	memcpy(before, machine_memory, sizeof(before));
	for (i = 0; i < ACTORS; i++)
		npmu_append_reader_open(&region[i], &reader[i], NULL);
	if (now->named && (npmu_append_attach(reader[named], "n", NPMU_APPEND_CREATE) != 1 ||
			   npmu_append_read_base(reader[named], &item)))
		bad("set-up", 1);
	model_log_clear(&log_);
	log_seen = 0;
	model_record(&log_);
	actors_run(now->script, body, bound, fresh);
	model_record(NULL);
	schedules++;
	for (i = 1; i < ACTORS; i++)
		judge_applied(i, &snaps[nr_snaps]);
	for (i = 0; i < ACTORS; i++) {
		npmu_append_writer_close(writer[i]);
		npmu_append_reader_close(reader[i]);
	}
	if (!failure)
		crash_everywhere();
}

static double seconds(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

/* Return: was every order up to @bound preemptions tried? */
static bool explore(unsigned int bound, double until)
{
	bool more = true, fresh = true;

	prepare();
	/* The first bound is tried to its end, however slow the machine is. */
	for (; more && !failure && (!bound || seconds() < until); fresh = false) {
		run(bound, fresh);
		more = actors_more();
	}
	if (failure)
		printf("# FAILED %s%s, %u preemptions: %s\n", now->name,
		       no_crc ? "_no_crc" : "", bound, failure);
	if (failure)
		actors_tell();
	return !more;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "seconds", required_argument, NULL, 's' },
		{ "bound", required_argument, NULL, 'b' },
		{ "scenario", required_argument, NULL, 'n' },
		{ NULL, 0, NULL, 0 },
	};
	unsigned int test = 0, failed = 0, most = 8, bound, i;
	double limit = 40, began = seconds();
	const char *only = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1)
		switch (c) {
		case 's':
			limit = strtod(optarg, NULL);
			break;
		case 'b':
			most = (unsigned int)strtoul(optarg, NULL, 0);
			break;
		case 'n':
			only = optarg;
			break;
		default:
			printf("usage: append-model [--seconds N] [--bound PREEMPTIONS] [--scenario NAME]\n");
			return 2;
		}
	actors_leave = leave;
	for (i = 0; i < 2 * NR_SCENARIOS; i++) {
		unsigned long long runs = schedules, cuts = crashes, distinct = images;
		double until = began + limit * (only ? 1 + i % 2 : i + 1) /
			       (only ? 2 : 2 * NR_SCENARIOS);
		int whole = -1;

		now = &scenarios[i / 2];
		no_crc = i % 2;
		if (only && strcmp(only, now->name))
			continue;
		failure = NULL;
		memset(image_seen, 0, sizeof(image_seen));
		for (bound = 0; bound <= most && !failure; bound++) {
			if (!explore(bound, until))
				break;
			whole = (int)bound;
		}
		failed += failure || whole < 0;
		printf("# %s: %llu schedules, all up to %d preemptions; %llu cuts, %llu images recovered\n",
		       now->name, schedules - runs, whole, crashes - cuts, images - distinct);
		printf("%sok %u %s%s\n", failure || whole < 0 ? "not " : "", ++test, now->name,
		       no_crc ? "_no_crc" : "");
		fflush(stdout);
	}
	printf("# total: %llu schedules, %llu cuts, %llu images recovered, %.0f seconds\n1..%u\n",
	       schedules, crashes, images, seconds() - began, test);
	return failed || !test;
}

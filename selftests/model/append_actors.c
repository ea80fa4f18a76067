// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the actors of append-model do, and what must hold while they run. Every base and
 * update has a tag of its own: actor * 100 + number. It must not know in which order they run.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "append_model.h"

struct written written[ACTORS];
struct snap snaps[SNAPS];
unsigned int nr_snaps;
struct npmu_append_writer *writer[ACTORS];
struct npmu_append_reader *reader[ACTORS];
const char *failure;
int named;
const struct npmu_append_options writer_waits = {
	.size = sizeof(writer_waits),
	.full = NPMU_APPEND_FULL_WAIT,
};

static uint64_t applied[ACTORS][APPLIED];
static int nr_applied[ACTORS];
static int winners;		/* contenders whose takeover succeeded */
static char failure_text[160];

void bad(const char *what, uint64_t tag)
{
	if (failure)
		return;
	snprintf(failure_text, sizeof(failure_text), "%s (tag %llu)", what,
		 (unsigned long long)tag);
	failure = failure_text;
}

static void bytes_of(uint64_t tag, uint8_t *buf, size_t len)
{
	uint64_t random = tag;
	size_t i;

	for (i = 0; i < len; i++)
		buf[i] = (uint8_t)(model_random(&random) >> 24);
}

/* What holds changed: an event of the log says since when. */
static void snap_now(void)
{
	struct snap *s = &snaps[nr_snaps];

	if (nr_snaps + 1 == SNAPS) {
		printf("Bail out! too many snapshots\n");
		exit(1);
	}
	snaps[nr_snaps + 1] = *s;
	model_mark(MODEL_END, nr_snaps++);
}

/* --- the list of what there is, for a given end of the first writer's --- */

void list_make(struct list *list, int accepted, int successor)
{
	int i;

	list->nr = 0;
	for (i = 0; i < (accepted < 0 ? written[0].nr : accepted); i++)
		list->tag[list->nr++] = (uint64_t)i + 1;
	if (successor <= 0 || successor >= ACTORS)
		return;
	for (i = 0; i < written[successor].nr; i++)
		list->tag[list->nr++] = (uint64_t)successor * 100 + (uint64_t)i + 1;
}

bool tag_is_base(uint64_t tag)
{
	return written[tag / 100].base[tag % 100 - 1];
}

bool is_whole(const struct npmu_append_item *item)
{
	uint8_t buf[2048];
	const struct written *w;

	if (item->tag / 100 >= ACTORS || !(item->tag % 100))
		return false;
	w = &written[item->tag / 100];
	if ((int)(item->tag % 100) > w->nr || item->length != w->len[item->tag % 100 - 1])
		return false;
	bytes_of(item->tag, buf, item->length);
	return !memcmp(buf, item->data, item->length);
}

int index_of(const struct list *list, uint64_t tag)
{
	int i;

	for (i = 0; i < list->nr; i++)
		if (list->tag[i] == tag)
			return i;
	return -1;
}

/* --- actors --- */

static int store(int actor, char what)
{
	struct written *w = &written[actor];
	uint64_t tag = (uint64_t)actor * 100 + (uint64_t)w->nr + 1;
	uint8_t buf[2048];
	struct iovec iov = { buf, what == 'U' ? 1900 : 40 };

	w->base[w->nr] = what == 'b';
	w->len[w->nr] = (uint16_t)iov.iov_len;
	snaps[nr_snaps].begun[actor] = ++w->nr;
	bytes_of(tag, buf, iov.iov_len);
	if (what == 'b')
		return npmu_append_base(writer[actor], &iov, 1, tag);
	return what == 'a' ? npmu_append_add(writer[actor], &iov, 1, tag) :
			     npmu_append_update(writer[actor], &iov, 1, tag);
}

static void write_one(int actor, char what)
{
	struct snap *s;
	int code;

	if (!writer[actor])
		return;
	code = what == 'c' ? npmu_append_commit(writer[actor]) : store(actor, what);
	s = &snaps[nr_snaps];
	if (code == -ETIMEDOUT && named != NOBODY) {
		/* No room, as somebody has not acknowledged: nothing was written. */
		s->begun[actor] = --written[actor].nr;
		return;
	}
	if (code && code != -ESTALE)
		bad(npmu_append_writer_error(writer[actor]), (uint64_t)-code);
	if (code == -ESTALE) {
		npmu_append_writer_close(writer[actor]);
		writer[actor] = NULL;
		return;
	}
	if (code || what == 'a')
		return;
	s->committed[actor] = written[actor].nr;
	if (actor == 0 && s->accepted >= 0 && s->accepted < written[0].nr)
		bad("a commit of a fenced writer succeeds", (uint64_t)written[0].nr);
	snap_now();
}

/* What was handed out is used, then rechecked. Return: was it applied? */
static bool apply(int actor, const struct npmu_append_item *item)
{
	bool whole = is_whole(item);

	actor_yield();
	whole &= is_whole(item);
	if (npmu_append_recheck(reader[actor], item))
		return false;
	if (!whole) {
		bad("a reader applied something torn", item->tag);
		return false;
	}
	if (nr_applied[actor] < APPLIED)
		applied[actor][nr_applied[actor]++] = item->tag;
	snaps[nr_snaps].seen = (int)item->tag;
	snap_now();
	return true;
}

static int read_base(int actor)
{
	struct npmu_append_item item;
	int code = npmu_append_read_base(reader[actor], &item);

	if (code && code != -EAGAIN)
		bad(npmu_append_reader_error(reader[actor]), (uint64_t)-code);
	if (!code && item.sequence)
		apply(actor, &item);
	return code;
}

static int read_next(int actor)
{
	struct npmu_append_item item;
	int code = npmu_append_next(reader[actor], &item);

	if (actor == named && code == -EOVERFLOW)
		bad("a named reader was not waited for", 0);
	if (code == -EOVERFLOW)
		return read_base(actor);
	if (code && code != -ENODATA && code != -EAGAIN)
		bad(npmu_append_reader_error(reader[actor]), (uint64_t)-code);
	if (!code && !apply(actor, &item)) {
		/* Without CRC a later base is enough for it not to be sure. */
		if (actor == named && !no_crc)
			bad("what a named reader had not acknowledged was overwritten", item.tag);
		return read_base(actor);
	}
	return code;
}

static void acknowledge(int actor)
{
	if (npmu_append_ack(reader[actor], npmu_append_position(reader[actor])))
		bad(npmu_append_reader_error(reader[actor]), 0);
}

static void take_over(int actor)
{
	struct snap *s;
	int code, i;

	code = npmu_append_takeover(reader[actor], 1, named == NOBODY ? NULL : &writer_waits,
				    &writer[actor], NULL);
	if (code) {
		writer[actor] = NULL;
		if (code != -ESTALE)
			bad("a takeover fails", (uint64_t)-code);
		return;
	}
	if (winners++)
		bad("two contenders won with the same expectation", machine_status.fence_epoch);
	while (!failure && !read_next(actor))
		;
	s = &snaps[nr_snaps];
	s->successor = actor;
	s->accepted = 0;
	/* The last of the first writer's that it has: a base stands for all before it. */
	for (i = 0; i < nr_applied[actor]; i++)
		if (applied[actor][i] < 100 && (int)applied[actor][i] > s->accepted)
			s->accepted = (int)applied[actor][i];
	/* A base that was passed over. */
	while (s->accepted < written[0].nr && written[0].base[s->accepted] &&
	       npmu_append_sequence(writer[actor]) > (uint64_t)s->accepted)
		s->accepted++;
	if (s->accepted < s->committed[0])
		bad("a takeover loses what was committed", (uint64_t)s->accepted + 1);
	snap_now();
	/* From here on whatever was late has lost. */
	machine_land();
}

void actor_do(int actor, const char *script)
{
	const char *p;

	for (p = script; *p && !failure; p++)
		switch (*p) {
		case 'B':
			read_base(actor);
			break;
		case 'n':
			read_next(actor);
			break;
		case 'k':
			acknowledge(actor);
			break;
		case 'T':
			take_over(actor);
			break;
		default:
			write_one(actor, *p);
		}
}

void actors_fresh(void)
{
	memset(written, 0, sizeof(written));
	memset(nr_applied, 0, sizeof(nr_applied));
	memset(writer, 0, sizeof(writer));
	memset(snaps, 0, sizeof(snaps[0]));
	snaps[0].accepted = -1;
	snaps[0].successor = NOBODY;
	nr_snaps = 0;
	winners = 0;
}

/* Each update that was applied follows the one before; bases in between are passed over. */
void judge_applied(int actor, const struct snap *s)
{
	struct list list;
	int i, at, last = -1;

	list_make(&list, s->accepted, s->successor);
	for (i = 0; i < nr_applied[actor]; i++) {
		at = index_of(&list, applied[actor][i]);
		if (at < 0)
			bad("a reader applied what is not there", applied[actor][i]);
		else if (at <= last && !tag_is_base(applied[actor][i]))
			bad("a reader applied an update twice", applied[actor][i]);
		else if (i && !tag_is_base(applied[actor][i]))
			while (++last < at && last < list.nr)
				if (!tag_is_base(list.tag[last]))
					bad("a reader missed an update", list.tag[last]);
		if (at > last || (at >= 0 && tag_is_base(applied[actor][i])))
			last = at;
	}
}

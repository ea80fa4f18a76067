// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The rules of durability. Owns which stores a fence makes durable and what of the
 * others may be there. It must not know which combinations are tried (explore.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pending.h"

#define NO_EVENT	(~0U)

static void *need(void *p)
{
	if (!p) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return p;
}

void pend_init(struct pend *p, const struct model_log *log)
{
	memset(p, 0, sizeof(*p));
	p->log = log;
	p->next = need(malloc((log->nr + 1) * sizeof(*p->next)));
	p->wb = need(calloc(log->nr + 1, 1));
	p->where = need(calloc(model_size() / MODEL_LINE, sizeof(*p->where)));
}

void pend_free(struct pend *p)
{
	free(p->line);
	free(p->next);
	free(p->wb);
	free(p->where);
}

static uint32_t words_of(const struct model_event *e)
{
	return (e->at + e->len - 1U) / 8 - e->at / 8 + 1;
}

/* The @i-th word of a store: its first byte in the line, and its length. */
static unsigned int word_at(const struct model_event *e, uint32_t i, unsigned int *len)
{
	unsigned int at = i ? (e->at / 8 + i) * 8 : e->at;
	unsigned int end = (e->at / 8 + i + 1) * 8;

	if (end > (unsigned int)e->at + e->len)
		end = e->at + e->len;
	*len = end - at;
	return at;
}

static void poke_word(const struct pend *p, uint32_t event, uint32_t i)
{
	const struct model_event *e = &p->log->event[event];
	unsigned int len, at = word_at(e, i, &len);

	model_poke(e->line, at, p->log->data + e->data + (at - e->at), len);
}

static void pend_store(struct pend *p, uint32_t event)
{
	const struct model_event *e = &p->log->event[event];
	struct pend_line *line;

	p->next[event] = NO_EVENT;
	if (e->kind == MODEL_STREAM)
		p->wb[event] = 1U << e->agent;
	if (!p->where[e->line]) {
		/* What changes nothing may as well have arrived. */
		if (!memcmp(model_line(e->line) + e->at, p->log->data + e->data, e->len))
			return;
		if (p->nr == p->room) {
			p->room = 2 * p->room + 64;
			p->line = need(realloc(p->line, p->room * sizeof(*p->line)));
		}
		p->where[e->line] = ++p->nr;
		line = &p->line[p->nr - 1];
		memset(line, 0, sizeof(*line));
		line->line = e->line;
		line->first = event;
		line->streamed = true;
	} else {
		line = &p->line[p->where[e->line] - 1];
		p->next[line->last] = event;
	}
	line->last = event;
	line->words += words_of(e);
	line->streamed &= e->kind == MODEL_STREAM;
}

static void pend_writeback(struct pend *p, const struct model_event *e)
{
	uint32_t at = p->where[e->line], i;

	if (!at)
		return;
	for (i = p->line[at - 1].first; i != NO_EVENT; i = p->next[i])
		p->wb[i] |= 1U << e->agent;
}

/* A line is written back as it is: what came before is in it. */
static void fence_line(struct pend *p, struct pend_line *line, unsigned int agent)
{
	uint32_t i, w, nr, last = NO_EVENT;

	for (i = line->first; i != NO_EVENT; i = p->next[i])
		if (p->wb[i] & 1U << agent)
			last = i;
	if (last == NO_EVENT)
		return;
	for (i = line->first; ; i = p->next[i]) {
		nr = words_of(&p->log->event[i]);
		for (w = 0; w < nr; w++)
			poke_word(p, i, w);
		line->words -= nr;
		if (i == last)
			break;
	}
	line->first = p->next[last];
	line->streamed = true;
	for (i = line->first; i != NO_EVENT; i = p->next[i])
		line->streamed &= p->log->event[i].kind == MODEL_STREAM;
}

static void pend_fence(struct pend *p, unsigned int agent)
{
	uint32_t i, kept = 0;

	for (i = 0; i < p->nr; i++) {
		struct pend_line line = p->line[i];

		fence_line(p, &line, agent);
		p->where[line.line] = 0;
		if (line.first == NO_EVENT)
			continue;
		p->line[kept++] = line;
		p->where[line.line] = kept;
	}
	p->nr = kept;
}

void pend_event(struct pend *p, uint32_t event)
{
	const struct model_event *e = &p->log->event[event];

	switch (e->kind) {
	case MODEL_STORE:
	case MODEL_STREAM:
		pend_store(p, event);
		break;
	case MODEL_WRITEBACK:
		pend_writeback(p, e);
		break;
	case MODEL_FENCE:
		pend_fence(p, e->agent);
		break;
	}
}

void pend_apply(const struct pend *p, const struct pend_choice *choice)
{
	uint32_t l, i, w, nr, done;

	for (l = 0; l < p->nr; l++) {
		const struct pend_choice *c = &choice[l];

		done = 0;
		for (i = p->line[l].first; i != NO_EVENT; i = p->next[i]) {
			nr = words_of(&p->log->event[i]);
			if (!c->masked && done >= c->words)
				break;
			if (!c->masked && nr <= c->words - done) {
				/* All of it. */
				model_poke(p->line[l].line, p->log->event[i].at,
					   p->log->data + p->log->event[i].data,
					   p->log->event[i].len);
				done += nr;
				continue;
			}
			for (w = 0; w < nr; w++, done++)
				if (c->masked ? c->mask >> done & 1 : done < c->words)
					poke_word(p, i, w);
		}
	}
}

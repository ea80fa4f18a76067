// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The memory, its log and its journal. Owns every change of the memory. It must not
 * know what the bytes mean nor which crashes are tried (explore.c).
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "model.h"

static uint8_t *memory;
static size_t memory_size;
static struct model_log *recording;
static enum model_agent agent_now;

uint64_t model_hash;

static struct saved {
	uint64_t hash;
	uint32_t line;
	uint8_t bytes[MODEL_LINE];
} *journal;
static size_t journal_nr, journal_room;
static bool journal_on;

static void *grow(void *p, size_t nr, size_t *room, size_t size)
{
	if (nr <= *room)
		return p;
	*room = nr + nr / 2 + 64;
	p = realloc(p, *room * size);
	if (!p) {
		printf("Bail out! out of memory\n");
		exit(1);
	}
	return p;
}

void model_log_clear(struct model_log *log)
{
	log->nr = 0;
	log->data_len = 0;
}

void model_log_free(struct model_log *log)
{
	free(log->event);
	free(log->data);
	memset(log, 0, sizeof(*log));
}

static uint64_t hash_line(uint32_t line)
{
	const uint8_t *p = memory + (size_t)line * MODEL_LINE;
	uint64_t h = (line + 1) * 0x9e3779b97f4a7c15ULL, word;
	int i;

	for (i = 0; i < MODEL_LINE; i += 8) {
		memcpy(&word, p + i, 8);
		h = (h ^ word) * 0xff51afd7ed558ccdULL;
		h ^= h >> 29;
	}
	return h;
}

void model_memory(void *mem, size_t size)
{
	memory = mem;
	memory_size = size;
	recording = NULL;
	journal_on = false;
	journal_nr = 0;
	agent_now = MODEL_CPU;
}

struct model_log *model_record(struct model_log *log)
{
	struct model_log *before = recording;

	recording = log;
	return before;
}

enum model_agent model_agent(enum model_agent agent)
{
	enum model_agent before = agent_now;

	agent_now = agent;
	return before;
}

void model_journal(bool on)
{
	size_t line;

	journal_on = on;
	journal_nr = 0;
	model_hash = 0;
	for (line = 0; on && line < memory_size / MODEL_LINE; line++)
		model_hash ^= hash_line((uint32_t)line);
}

size_t model_mark_journal(void)
{
	return journal_nr;
}

void model_rollback(size_t mark)
{
	while (journal_nr > mark) {
		struct saved *s = &journal[--journal_nr];

		memcpy(memory + (size_t)s->line * MODEL_LINE, s->bytes, MODEL_LINE);
		model_hash = s->hash;
	}
}

void model_poke(uint32_t line, unsigned int at, const void *src, unsigned int len)
{
	uint8_t *p = memory + (size_t)line * MODEL_LINE;
	struct saved *s;

	if (!journal_on) {
		memcpy(p + at, src, len);
		return;
	}
	if (!memcmp(p + at, src, len))
		return;
	journal = grow(journal, journal_nr + 1, &journal_room, sizeof(*journal));
	s = &journal[journal_nr++];
	s->hash = model_hash;
	s->line = line;
	memcpy(s->bytes, p, MODEL_LINE);
	model_hash ^= hash_line(line);
	memcpy(p + at, src, len);
	model_hash ^= hash_line(line);
}

static struct model_event *event_new(enum model_kind kind)
{
	struct model_log *log = recording;
	struct model_event *e;

	log->event = grow(log->event, log->nr + 1, &log->room, sizeof(*e));
	e = &log->event[log->nr++];
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->agent = agent_now;
	e->point = crash_point_last;
	return e;
}

static uint32_t data_new(const void *src, size_t len)
{
	struct model_log *log = recording;
	size_t at = log->data_len;

	log->data = grow(log->data, at + len, &log->data_room, 1);
	memcpy(log->data + at, src, len);
	log->data_len += len;
	return (uint32_t)at;
}

size_t model_size(void)
{
	return memory_size;
}

const uint8_t *model_line(uint32_t line)
{
	return memory + (size_t)line * MODEL_LINE;
}

bool model_holds(const void *addr, size_t len)
{
	uintptr_t at = (uintptr_t)addr - (uintptr_t)memory;

	return memory && at < memory_size && len <= memory_size - at;
}

static void store(void *dst, const void *src, size_t len, enum model_kind kind)
{
	size_t at = (size_t)((uint8_t *)dst - memory), n;
	struct model_event *e;

	if (!model_holds(dst, len)) {
		printf("Bail out! a store outside of the memory\n");
		abort();
	}
	for (; len; at += n, src = (const uint8_t *)src + n, len -= n) {
		n = MODEL_LINE - at % MODEL_LINE;
		n = len < n ? len : n;
		if (recording) {
			e = event_new(kind);
			e->line = (uint32_t)(at / MODEL_LINE);
			e->at = at % MODEL_LINE;
			e->len = (uint8_t)n;
			e->data = data_new(src, n);
		}
		model_poke((uint32_t)(at / MODEL_LINE), at % MODEL_LINE, src, (unsigned int)n);
	}
}

void model_store(void *dst, const void *src, size_t len)
{
	store(dst, src, len, MODEL_STORE);
}

void model_stream(void *dst, const void *src, size_t len)
{
	store(dst, src, len, MODEL_STREAM);
}

void model_zero(void *dst, size_t len)
{
	static const uint8_t zeros[4096];
	size_t n;

	for (; len; dst = (uint8_t *)dst + n, len -= n) {
		n = len < sizeof(zeros) ? len : sizeof(zeros);
		store(dst, zeros, n, MODEL_STREAM);
	}
}

void model_writeback(const void *addr, size_t len)
{
	size_t at = (size_t)((const uint8_t *)addr - memory);
	size_t line;

	if (!recording || !len)
		return;
	for (line = at / MODEL_LINE; line <= (at + len - 1) / MODEL_LINE; line++)
		event_new(MODEL_WRITEBACK)->line = (uint32_t)line;
}

void model_fence(void)
{
	if (recording)
		event_new(MODEL_FENCE);
}

void model_mark(enum model_kind kind, uint32_t op)
{
	if (recording)
		event_new(kind)->line = op;
}

long model_unseen(const struct model_log *log, const uint8_t *before)
{
	uint8_t *image = malloc(memory_size);
	const struct model_event *e;
	long found = -1;
	size_t i;

	if (!image)
		return 0;
	memcpy(image, before, memory_size);
	for (e = log->event; e < log->event + log->nr; e++)
		if (e->kind == MODEL_STORE || e->kind == MODEL_STREAM)
			memcpy(image + (size_t)e->line * MODEL_LINE + e->at,
			       log->data + e->data, e->len);
	for (i = 0; i < memory_size && found < 0; i += MODEL_LINE)
		if (memcmp(image + i, memory + i, MODEL_LINE))
			found = (long)(i / MODEL_LINE);
	free(image);
	return found;
}

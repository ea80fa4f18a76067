/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Memory as a power cut sees it: what was stored, written back and fenced, by lines
 * of 64 bytes. Code under test stores by these calls; the memory always holds what a
 * CPU would load, and the log what happened, in program order.
 */
#ifndef CRASH_MODEL_H
#define CRASH_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "points.h"

#define MODEL_LINE	64

enum model_kind {
	MODEL_STORE,		/* into the cache: durable when written back and fenced */
	MODEL_STREAM,		/* past it: durable when fenced */
	MODEL_WRITEBACK,
	MODEL_FENCE,
	MODEL_BEGIN,		/* of operation @line */
	MODEL_END,		/* it was answered */
};

/* Whose write-backs a fence waits for. */
enum model_agent { MODEL_CPU, MODEL_OTHER_CPU };

/**
 * struct model_event - one step
 * @kind: enum model_kind
 * @agent: enum model_agent
 * @at: first byte in the line
 * @len: bytes, within the line
 * @line: number of the line, or of the operation
 * @data: where the bytes are in the log
 * @point: whose step it was, or NULL
 */
struct model_event {
	uint8_t kind;
	uint8_t agent;
	uint8_t at;
	uint8_t len;
	uint32_t line;
	uint32_t data;
	const struct crash_point *point;
};

struct model_log {
	struct model_event *event;
	size_t nr, room;
	uint8_t *data;
	size_t data_len, data_room;
};

void model_log_clear(struct model_log *log);
void model_log_free(struct model_log *log);

/* The memory that counts; nothing is recorded or journalled yet. */
void model_memory(void *mem, size_t size);
/* Where events go from now on, NULL: nowhere. Return: where they went before. */
struct model_log *model_record(struct model_log *log);
enum model_agent model_agent(enum model_agent agent);

size_t model_size(void);
const uint8_t *model_line(uint32_t line);
bool model_holds(const void *addr, size_t len);
void model_store(void *dst, const void *src, size_t len);
void model_stream(void *dst, const void *src, size_t len);
/* As model_stream(), of zeros. */
void model_zero(void *dst, size_t len);
void model_writeback(const void *addr, size_t len);
void model_fence(void);
void model_mark(enum model_kind kind, uint32_t op);

/*
 * For who explores: bytes of one line, and the way back. While a journal is kept,
 * each change of the memory is undone by model_rollback().
 */
void model_poke(uint32_t line, unsigned int at, const void *src, unsigned int len);
void model_journal(bool on);
size_t model_mark_journal(void);
void model_rollback(size_t mark);
/* Hash of the whole memory; kept up to date while a journal is kept. */
extern uint64_t model_hash;

/*
 * Were there stores that the log does not know? @before: the memory when the log
 * began. Return: the first line that differs, or -1.
 */
long model_unseen(const struct model_log *log, const uint8_t *before);

/* The same numbers everywhere for the same seed. */
static inline uint64_t model_random(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

#endif /* CRASH_MODEL_H */

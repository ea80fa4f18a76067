/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The lines that a power cut may or may not leave behind: what was stored and is not
 * durable yet. A line holds any prefix, in program order, of the words stored to it;
 * what went past the cache may arrive in any order of its words.
 */
#ifndef CRASH_PENDING_H
#define CRASH_PENDING_H

#include "model.h"

/**
 * struct pend_line - a line with stores that are not durable
 * @line: which
 * @first: its first store in the log; they are chained
 * @last: its last one
 * @words: aligned pieces of 8 bytes at most that they are made of
 * @streamed: all of them went past the cache
 */
struct pend_line {
	uint32_t line;
	uint32_t first, last;
	uint32_t words;
	bool streamed;
};

/* What of a line arrived: its first @words, or, of few, those in @mask. */
struct pend_choice {
	uint32_t words;
	uint64_t mask;
	bool masked;
};

/**
 * struct pend - the lines pending at some point of a log
 * @log: the log
 * @line: the lines
 * @nr: how many
 * @next: by event: the next store to the same line
 * @wb: by event: whose write-back of it was begun, a bit each
 * @where: by line of the memory: its place in @line, plus 1
 */
struct pend {
	const struct model_log *log;
	struct pend_line *line;
	uint32_t nr, room;
	uint32_t *next;
	uint8_t *wb;
	uint32_t *where;
};

void pend_init(struct pend *p, const struct model_log *log);
void pend_free(struct pend *p);

/* Go on over one event. A fence changes the memory: what it made durable is there. */
void pend_event(struct pend *p, uint32_t event);

/* Make the memory what @choice (for each line) says. */
void pend_apply(const struct pend *p, const struct pend_choice *choice);

#endif /* CRASH_PENDING_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Words and how often each was seen. No part of the pair: whoever reads the example for the
 * library needs to know only that a table's content is one piece of memory without a
 * pointer in it, and that such pieces can be added up.
 */
#ifndef WORD_COUNT_TABLE_H
#define WORD_COUNT_TABLE_H

#include <stddef.h>
#include <stdint.h>

/* struct table - all zero is an empty one */
struct table {
	char *bytes;		/* the content: one record behind the other */
	size_t length;
	size_t room;
	uint32_t *index;	/* by hash: where its record is; made from the content */
	size_t slots;
	size_t words;
};

/* Return: 0; -ENOMEM. */
int table_add(struct table *table, const char *word, size_t length, uint64_t count);

/* Adds the content of another table. Return: 0; -ENOMEM; -EINVAL: it is not one. */
int table_add_all(struct table *table, const void *bytes, size_t length);

/*
 * Counts the words of a text: runs of ASCII letters, small and capital ones alike. Return:
 * bytes counted, up to the end of the last word of which the end is known: where @last is
 * set that is all; -ENOMEM.
 */
ptrdiff_t table_count(struct table *table, const char *text, size_t length, int last);

void table_clear(struct table *table);

/* Prints what "LC_ALL=C sort | uniq -c" would of the same words. Return: 0; -1: see errno. */
int table_print(const struct table *table);

#endif /* WORD_COUNT_TABLE_H */

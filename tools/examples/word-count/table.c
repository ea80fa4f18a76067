// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A hash table whose records lie one behind the other, so that all of it can be stored as
 * one piece and read by another process. Owns that; knows neither npmu nor files.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define ALIGN	8
#define LONGEST	65535	/* letters of a word that are believed in others' bytes */

struct record {
	uint64_t count;
	uint32_t length;
	char word[];
};

/* Bytes that a record takes. */
static size_t record_size(size_t length)
{
	return (offsetof(struct record, word) + length + ALIGN - 1) & ~(size_t)(ALIGN - 1);
}

/* An index names records by their place in units of ALIGN, plus 1: 0 is free. */
static struct record *record_at(const struct table *table, uint32_t place)
{
	return (struct record *)(table->bytes + (size_t)(place - 1) * ALIGN);
}

static uint64_t hash(const char *word, size_t length)
{
	uint64_t value = 0xcbf29ce484222325;
	size_t i;

	for (i = 0; i < length; i++)
		value = (value ^ (unsigned char)word[i]) * 0x100000001b3;
	return value ^ value >> 32;
}

/* Where the word is, or would be. */
static uint32_t *find(const struct table *table, const char *word, size_t length)
{
	size_t slot = hash(word, length) & (table->slots - 1);

	for (;; slot = (slot + 1) & (table->slots - 1)) {
		const struct record *record;

		if (!table->index[slot])
			break;
		record = record_at(table, table->index[slot]);
		if (record->length == length && !memcmp(record->word, word, length))
			break;
	}
	return &table->index[slot];
}

/* Half of the slots at least are free. */
static int make_slots(struct table *table)
{
	struct table larger = *table;
	size_t at;

	if (table->slots > 2 * (table->words + 1))
		return 0;
	larger.slots = table->slots ? 2 * table->slots : 1024;
	larger.index = calloc(larger.slots, sizeof(*larger.index));
	if (!larger.index)
		return -ENOMEM;
	for (at = 0; at < table->length;) {
		const struct record *record = (struct record *)(table->bytes + at);

		*find(&larger, record->word, record->length) = (uint32_t)(at / ALIGN + 1);
		at += record_size(record->length);
	}
	free(table->index);
	*table = larger;
	return 0;
}

static int make_room(struct table *table, size_t length)
{
	size_t room = table->room ? table->room : 65536;
	char *bytes;

	while (room - table->length < length)
		room *= 2;
	if (room == table->room)
		return 0;
	bytes = room / ALIGN < UINT32_MAX ? realloc(table->bytes, room) : NULL;
	if (!bytes)
		return -ENOMEM;
	table->bytes = bytes;
	table->room = room;
	return 0;
}

int table_add(struct table *table, const char *word, size_t length, uint64_t count)
{
	size_t size = record_size(length);
	struct record *record;
	uint32_t *place;

	if (make_slots(table) || make_room(table, size))
		return -ENOMEM;
	place = find(table, word, length);
	if (!*place) {
		*place = (uint32_t)(table->length / ALIGN + 1);
		record = record_at(table, *place);
		memset(record, 0, size);
		record->length = (uint32_t)length;
		memcpy(record->word, word, length);
		table->length += size;
		table->words++;
	}
	record_at(table, *place)->count += count;
	return 0;
}

/* The bytes may change meanwhile: each is looked at once before it is believed. */
int table_add_all(struct table *table, const void *bytes, size_t length)
{
	const char *at = bytes;
	struct record head;

	while (length) {
		if (length < record_size(0))
			return -EINVAL;
		memcpy(&head, at, offsetof(struct record, word));
		if (!head.length || head.length > LONGEST || record_size(head.length) > length)
			return -EINVAL;
		if (table_add(table, at + offsetof(struct record, word), head.length, head.count))
			return -ENOMEM;
		at += record_size(head.length);
		length -= record_size(head.length);
	}
	return 0;
}

/* What a letter counts as; 0: no letter. */
static char letter(char c)
{
	if (c >= 'A' && c <= 'Z')
		return (char)(c - 'A' + 'a');
	return c >= 'a' && c <= 'z' ? c : 0;
}

ptrdiff_t table_count(struct table *table, const char *text, size_t length, int last)
{
	char word[LONGEST];
	size_t in_word = 0, done = 0, i;

	for (i = 0; i <= length; i++) {
		char c = i < length ? letter(text[i]) : 0;

		if (i == length && !last)
			break;
		if (c) {
			if (in_word == LONGEST)
				break;
			word[in_word++] = c;
			continue;
		}
		if (in_word && table_add(table, word, in_word, 1))
			return -ENOMEM;
		in_word = 0;
		done = i < length ? i + 1 : length;
	}
	return (ptrdiff_t)done;
}

void table_clear(struct table *table)
{
	free(table->bytes);
	free(table->index);
	memset(table, 0, sizeof(*table));
}

static int ascending(const void *a, const void *b)
{
	const struct record *x = *(const struct record *const *)a;
	const struct record *y = *(const struct record *const *)b;
	int order = memcmp(x->word, y->word, x->length < y->length ? x->length : y->length);

	return order ? order : (x->length > y->length) - (x->length < y->length);
}

int table_print(const struct table *table)
{
	const struct record **all = calloc(table->words + 1, sizeof(*all));
	size_t at, i, n = 0;

	if (!all)
		return -1;
	for (at = 0; at < table->length; at += record_size(all[n++]->length))
		all[n] = (const struct record *)(table->bytes + at);
	qsort(all, n, sizeof(*all), ascending);
	for (i = 0; i < n; i++)
		printf("%7llu %.*s\n", (unsigned long long)all[i]->count,
		       (int)all[i]->length, all[i]->word);
	free(all);
	return fflush(stdout) ? -1 : 0;
}

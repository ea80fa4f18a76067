// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Standard output: text tables and JSON from the same records, and whether it
 * arrived. Owns how values look. Knows no command and no kernel.
 */
#include "output.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "admin.h"

#define CELL	160

static void *need(void *memory)
{
	if (!memory) {
		complain("out of memory");
		exit(FAILED);
	}
	return memory;
}

struct json_object *record_new(void)
{
	return need(json_object_new_object());
}

struct json_object *list_new(void)
{
	return need(json_object_new_array());
}

void list_add(struct json_object *list, struct json_object *record)
{
	if (json_object_array_add(list, record) < 0)
		need(NULL);
}

void record_add(struct json_object *record, const char *key, struct json_object *value)
{
	if (json_object_object_add(record, key, need(value)) < 0)
		need(NULL);
}

void record_number(struct json_object *record, const char *key, uint64_t number)
{
	record_add(record, key, json_object_new_uint64(number));
}

void record_bool(struct json_object *record, const char *key, bool value)
{
	record_add(record, key, json_object_new_boolean(value));
}

/* Bytes of the well-formed, printable UTF-8 character at @p, or 0. */
static size_t utf8_length(const unsigned char *p)
{
	static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
	uint32_t code;
	size_t len;
	size_t i;

	if (*p < 0x80)
		return *p >= 0x20 && *p != 0x7f;
	len = (*p & 0xe0) == 0xc0 ? 2 : (*p & 0xf0) == 0xe0 ? 3 : (*p & 0xf8) == 0xf0 ? 4 : 0;
	if (!len)
		return 0;
	code = *p & (0x7f >> len);
	for (i = 1; i < len; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (p[i] & 0x3f);
	}
	/* Overlong forms, surrogates, beyond Unicode, and C1 controls. */
	if (code < least[len] || (code >= 0xd800 && code <= 0xdfff) || code > 0x10ffff ||
	    code < 0xa0)
		return 0;
	return len;
}

/* A process can call itself anything: no escape sequence of it gets out of here. */
void record_text(struct json_object *record, const char *key, const char *text)
{
	char *clean = need(strdup(text));
	unsigned char *p = (unsigned char *)clean;

	while (*p) {
		size_t len = utf8_length(p);

		if (len == 0) {
			*p = '?';
			len = 1;
		}
		p += len;
	}
	record_add(record, key, json_object_new_string(clean));
	free(clean);
}

void record_uuid(struct json_object *record, const char *key, const uint8_t *uuid)
{
	char text[37];
	int at = 0;
	int i;

	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			text[at++] = '-';
		at += snprintf(text + at, sizeof(text) - at, "%02x", uuid[i]);
	}
	record_text(record, key, text);
}

/* Exact, so that what is shown can be typed back. */
void format_size(uint64_t bytes, char *text, size_t len)
{
	static const char letters[] = "KMGT";
	int i = -1;

	while (bytes && bytes % 1024 == 0 && i < 3) {
		bytes /= 1024;
		i++;
	}
	if (i < 0)
		snprintf(text, len, "%" PRIu64, bytes);
	else
		snprintf(text, len, "%" PRIu64 "%c", bytes, letters[i]);
}

static void format_cell(struct json_object *record, const struct column *column,
			char *text, size_t len)
{
	struct json_object *value;
	uint64_t number;

	if (!json_object_object_get_ex(record, column->key, &value)) {
		snprintf(text, len, "-");
		return;
	}
	if (json_object_is_type(value, json_type_boolean)) {
		snprintf(text, len, "%s", json_object_get_boolean(value) ? "yes" : "no");
		return;
	}
	if (!json_object_is_type(value, json_type_int)) {
		const char *string = json_object_get_string(value);

		snprintf(text, len, "%s", string && *string ? string : "-");
		return;
	}
	number = json_object_get_uint64(value);
	switch (column->form) {
	case FORM_SIZE:
		format_size(number, text, len);
		break;
	case FORM_MODE:
		snprintf(text, len, "%04" PRIo64, number);
		break;
	case FORM_HEX:
		snprintf(text, len, "0x%" PRIx64, number);
		break;
	case FORM_ID:
		snprintf(text, len, number ? "%" PRIu64 : "-", number);
		break;
	case FORM_PLAIN:
		snprintf(text, len, "%" PRIu64, number);
		break;
	}
}

/* Characters, not bytes. */
static int width_of(const char *text)
{
	int width = 0;

	for (; *text; text++)
		width += (*text & 0xc0) != 0x80;
	return width;
}

static void print_cell(const char *text, int width, bool last)
{
	printf("%s", text);
	if (!last)
		printf("%*s", width - width_of(text) + 2, "");
}

static void print_table(struct json_object *list, const struct column *columns)
{
	size_t nr = json_object_array_length(list);
	char text[CELL];
	int width[32];
	int nr_columns;
	size_t row;
	int i;

	for (i = 0; columns[i].key; i++)
		width[i] = width_of(columns[i].title);
	nr_columns = i;
	for (row = 0; row < nr; row++) {
		for (i = 0; i < nr_columns; i++) {
			int cell;

			format_cell(json_object_array_get_idx(list, row), &columns[i],
				    text, sizeof(text));
			cell = width_of(text);
			if (cell > width[i])
				width[i] = cell;
		}
	}
	for (i = 0; i < nr_columns; i++)
		print_cell(columns[i].title, width[i], i == nr_columns - 1);
	printf("\n");
	for (row = 0; row < nr; row++) {
		for (i = 0; i < nr_columns; i++) {
			format_cell(json_object_array_get_idx(list, row), &columns[i],
				    text, sizeof(text));
			print_cell(text, width[i], i == nr_columns - 1);
		}
		printf("\n");
	}
}

static void print_json(struct json_object *value, int flags)
{
	flags |= JSON_C_TO_STRING_NOSLASHESCAPE;
	printf("%s\n", (const char *)need((void *)json_object_to_json_string_ext(value, flags)));
}

void print_list(const struct invocation *inv, struct json_object *list,
		const struct column *columns)
{
	if (inv->json)
		print_json(list, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
	else
		print_table(list, columns);
}

void print_record(const struct invocation *inv, struct json_object *record,
		  const struct column *columns)
{
	char text[CELL * 2];
	int width = 0;
	int i;

	if (inv->json) {
		print_json(record, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED);
		return;
	}
	for (i = 0; columns[i].key; i++)
		if (width_of(columns[i].title) > width)
			width = width_of(columns[i].title);
	for (i = 0; columns[i].key; i++) {
		print_cell(columns[i].title, width, false);
		format_cell(record, &columns[i], text, sizeof(text));
		printf("%s\n", text);
	}
}

void print_json_line(struct json_object *record)
{
	print_json(record, JSON_C_TO_STRING_PLAIN);
}

void print_line(const char *line)
{
	printf("%s\n", line);
}

bool output_flush(void)
{
	static bool said;

	if (fflush(stdout) == 0 && !ferror(stdout))
		return true;
	if (!said)
		complain("cannot write to standard output: %s", strerror(errno));
	said = true;
	return false;
}

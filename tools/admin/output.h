/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What goes to stdout: records of keys and values, shown as JSON or as text.
 */
#ifndef NPMU_ADMIN_OUTPUT_H
#define NPMU_ADMIN_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>

#include <json-c/json.h>

struct invocation;

/*
 * A record is made once and shown either way, so that text and JSON cannot say
 * different things. Keys of JSON are stable. Running out of memory ends the
 * program with status 1 and a message.
 */
struct json_object *record_new(void);
struct json_object *list_new(void);
void list_add(struct json_object *list, struct json_object *record);
void record_number(struct json_object *record, const char *key, uint64_t number);
void record_bool(struct json_object *record, const char *key, bool value);
/* @text may hold any bytes: what a terminal or JSON cannot take becomes '?'. */
void record_text(struct json_object *record, const char *key, const char *text);
void record_uuid(struct json_object *record, const char *key, const uint8_t *uuid);
void record_add(struct json_object *record, const char *key, struct json_object *value);

enum form {
	FORM_PLAIN,
	FORM_ID,	/* a dash for 0, which is nobody's */
	FORM_SIZE,	/* 64M */
	FORM_MODE,	/* 0660 */
	FORM_HEX,	/* 0x100000000000 */
};

/* struct column - how text shows a key; an array ends with a NULL key */
struct column {
	const char *key;
	const char *title;
	enum form form;
};

/* A table, or a JSON array. */
void print_list(const struct invocation *inv, struct json_object *list,
		const struct column *columns);
/* One line a key, or a JSON object. Keys without a column are JSON's alone. */
void print_record(const struct invocation *inv, struct json_object *record,
		  const struct column *columns);
/* One object on one line. */
void print_json_line(struct json_object *record);
void print_line(const char *line);
/* What FORM_SIZE shows. */
void format_size(uint64_t bytes, char *text, size_t len);

/* False, and it is said: something of the output did not arrive. */
bool output_flush(void);

#endif /* NPMU_ADMIN_OUTPUT_H */

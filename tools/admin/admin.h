/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of npmu-admin share: the command table's types, the parsed
 * command line and how an error is said.
 */
#ifndef NPMU_ADMIN_H
#define NPMU_ADMIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "size.h"

#define PROGRAM "npmu-admin"

/* Exit statuses; scripts rely on them. */
enum status {
	DONE,
	FAILED,
	USAGE,
	NOT_FOUND,
};

enum option_id {
	OPT_NONE,
	OPT_ACCESS,
	OPT_COUNT,
	OPT_CREATE,
	OPT_DRAM,
	OPT_EXPECTED_EPOCH,
	OPT_FILE,
	OPT_FORCE,
	OPT_FRAMED,
	OPT_LENGTH,
	OPT_MAX_REGIONS,
	OPT_MODE,
	OPT_NAME,
	OPT_OFFSET,
	OPT_OWNER,
	OPT_QUOTA,
	OPT_READ_ONLY,
	OPT_SIZE,
	OPT_TAG,
	OPT_TAKEOVER,
	NR_OPTIONS,
};

/**
 * struct option_spec - an option of one command
 * @id: where its value goes in struct invocation
 * @name: without the dashes
 * @value: what stands for its value in the help; NULL: it takes none
 * @help: what it does
 */
struct option_spec {
	enum option_id id;
	const char *name;
	const char *value;
	const char *help;
};

struct invocation;

/**
 * struct command - one line of the command table
 * @noun: first word
 * @verb: second word, or NULL
 * @operands: as the help shows them
 * @min: fewest operands
 * @max: most operands
 * @options: ends with OPT_NONE; may be NULL. --json and --help are everyone's
 * @summary: one line
 * @detail: what else is to be known, or NULL
 * @example: one command line
 * @run: does it
 */
struct command {
	const char *noun;
	const char *verb;
	const char *operands;
	int min;
	int max;
	const struct option_spec *options;
	const char *summary;
	const char *detail;
	const char *example;
	enum status (*run)(const struct invocation *inv);
};

#define MAX_OPERANDS	2

/**
 * struct invocation - a command line that was understood
 * @command: what to do
 * @operands: in order
 * @nr_operands: how many
 * @given: which options there were
 * @value: their values; "" for those that take none
 * @json: print JSON
 */
struct invocation {
	const struct command *command;
	const char *operands[MAX_OPERANDS];
	int nr_operands;
	bool given[NR_OPTIONS];
	const char *value[NR_OPTIONS];
	bool json;
};

/* main.c: the one table, ended by an entry without noun. */
extern const struct command commands[];

/*
 * args.c: reads a command line. Returns true with @inv filled in; false: all is
 * said (help, or an error), exit with @status.
 */
bool parse_command_line(int argc, char **argv, struct invocation *inv, enum status *status);

/* error.c: messages to stderr. */

/* A sentence of its own, without a status. */
void complain(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Says what is wrong with the command line, and where its help is. */
enum status usage(const struct invocation *inv, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
/*
 * Says that the command failed on @target with @err (negative errno), the reason
 * the kernel or the library gave (@message, may be NULL or empty) and what to
 * try next.
 */
enum status failed(const struct invocation *inv, const char *target, int err,
		   const char *message);

/* error.c: values of options, checked. False: it is said, return USAGE. */
bool size_value(const struct invocation *inv, enum option_id id, uint64_t *bytes);
bool number_value(const struct invocation *inv, enum option_id id, uint64_t min, uint64_t max,
		  uint64_t *number);
bool unit_operand(const struct invocation *inv, int index, struct target *target);
bool region_operand(const struct invocation *inv, int index, struct target *target);

/* One function a command. */
enum status unit_format(const struct invocation *inv);
enum status unit_attach(const struct invocation *inv);
enum status unit_detach(const struct invocation *inv);
enum status unit_list(const struct invocation *inv);
enum status unit_show(const struct invocation *inv);
enum status unit_bad(const struct invocation *inv);
enum status unit_check(const struct invocation *inv);
enum status ni_listen(const struct invocation *inv);
enum status ni_unlisten(const struct invocation *inv);
enum status ni_list(const struct invocation *inv);
enum status ni_sessions(const struct invocation *inv);
enum status key_make(const struct invocation *inv);
enum status key_load(const struct invocation *inv);
enum status key_remove(const struct invocation *inv);
enum status key_list(const struct invocation *inv);
enum status region_create(const struct invocation *inv);
enum status region_list(const struct invocation *inv);
enum status region_show(const struct invocation *inv);
enum status region_resize(const struct invocation *inv);
enum status region_rename(const struct invocation *inv);
enum status region_set(const struct invocation *inv);
enum status region_delete(const struct invocation *inv);
enum status region_fence(const struct invocation *inv);
enum status checkpoint_show(const struct invocation *inv);
enum status checkpoint_export(const struct invocation *inv);
enum status checkpoint_import(const struct invocation *inv);
enum status checkpoint_follow(const struct invocation *inv);
enum status checkpoint_takeover(const struct invocation *inv);
enum status grant_add(const struct invocation *inv);
enum status grant_remove(const struct invocation *inv);
enum status grant_list(const struct invocation *inv);
enum status tpt_list(const struct invocation *inv);
enum status monitor(const struct invocation *inv);
enum status doctor(const struct invocation *inv);
enum status version(const struct invocation *inv);

#endif /* NPMU_ADMIN_H */

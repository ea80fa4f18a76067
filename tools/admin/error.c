// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Errors: what went wrong, why, and what to try next. Owns every hint and the
 * exit statuses. All goes to stderr, with or without --json.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "admin.h"

/* struct hint - what to try next; {} is the target, {unit} its unit */
struct hint {
	const char *noun;	/* NULL: any */
	const char *verb;	/* NULL: any */
	int err;
	const char *text;
};

/* The first that fits is said: the special ones stand before the general ones. */
static const struct hint hints[] = {
	{ "unit", "format", EEXIST,
	  "see what it holds with '" PROGRAM " unit check {}' or 'blkid {}'; --force overwrites it" },
	{ "unit", "format", EBUSY,
	  "in use: see '" PROGRAM " unit list' and 'lsblk {}', and let it go there first" },
	{ "unit", "format", ENOENT,
	  "'" PROGRAM " doctor' lists the pmem devices of this host and says how to get one" },
	{ "unit", "attach", EEXIST,
	  "see '" PROGRAM " unit list': the name is taken (--name NAME gives another) or this very unit is attached" },
	{ "unit", "attach", EBUSY,
	  "in use: see '" PROGRAM " unit list' and 'lsblk {}', and let it go there first" },
	{ "unit", "attach", EUCLEAN,
	  "'" PROGRAM " unit check {}' says what is wrong; '" PROGRAM " unit format {} --name NAME' makes a new, empty unit" },
	{ "unit", "attach", EINVAL,
	  "'" PROGRAM " unit check {}' says what is wrong on a device" },
	{ "unit", "attach", ENOENT,
	  "'" PROGRAM " doctor' lists the pmem devices of this host and says how to get one" },
	{ "unit", "attach", ENOMEM,
	  "see 'free -m' and take a smaller size" },
	{ "unit", "check", EACCES,
	  "run it as root" },
	{ "unit", NULL, EACCES,
	  "make it writable: 'blockdev --setrw {}'" },
	{ "unit", NULL, EROFS,
	  "make it writable: 'blockdev --setrw {}'" },
	{ "unit", "format", EIO,
	  "'" PROGRAM " doctor' shows the bad blocks of the device, and how to clear them" },
	{ "unit", "format", ENODEV,
	  "'" PROGRAM " doctor' lists the pmem devices of this host" },
	{ "unit", "attach", ENODEV,
	  "'" PROGRAM " doctor' lists the pmem devices of this host" },
	{ "unit", NULL, ENXIO,
	  "'" PROGRAM " doctor' lists the pmem devices of this host" },
	{ "unit", "format", ENOSPC,
	  "take a larger device, or fewer slots with --max-regions" },
	{ "unit", NULL, ENOTBLK,
	  "a unit lies on a pmem block device: '" PROGRAM " doctor' lists those of this host" },
	{ "unit", "format", EOPNOTSUPP,
	  "'" PROGRAM " doctor' says which devices are fit, and how to make one so" },
	{ "unit", "attach", EOPNOTSUPP,
	  "'" PROGRAM " doctor' says which devices are fit, and how to make one so" },
	{ "unit", "detach", EBUSY,
	  "in use: '" PROGRAM " tpt list {unit}' shows by whom; end these processes first" },
	{ "unit", "check", ENOENT,
	  "see 'ls -l {}'; '" PROGRAM " doctor' lists the pmem devices of this host" },
	{ "unit", NULL, ENOENT,
	  "see '" PROGRAM " unit list'" },
	{ "region", "create", EEXIST,
	  "see '" PROGRAM " region show {}', or take another name" },
	{ "region", "rename", EEXIST,
	  "see '" PROGRAM " region list {unit}', and take another name" },
	{ "region", "create", ENOENT,
	  "see '" PROGRAM " unit list'" },
	{ "region", "list", ENOENT,
	  "see '" PROGRAM " unit list'" },
	{ "region", NULL, ENOSPC,
	  "see the free bytes and slots with '" PROGRAM " unit show {unit}'" },
	{ "region", "resize", EBUSY,
	  "in use: see '" PROGRAM " tpt list {}', or --force to fence its users first" },
	{ "region", "delete", EBUSY,
	  "in use: see '" PROGRAM " tpt list {}', or --force to fence its users first" },
	{ "region", "set", EBUSY,
	  "it has a writer: see '" PROGRAM " tpt list {}', or --force to fence the writer first" },
	{ "region", "fence", ESTALE,
	  "another fence epoch is current: see '" PROGRAM " region show {}'" },
	{ "region", NULL, ETIMEDOUT,
	  "the writer has lost its role, but something of it is still inside: run the same command again" },
	{ "region", "create", EUCLEAN,
	  "see health in '" PROGRAM " region list {unit}', and '" PROGRAM " unit bad {unit}'; nothing is made over what a damaged region may own" },
	{ "region", NULL, EUCLEAN,
	  "see health in '" PROGRAM " region list {unit}', copy out what can be read, then '" PROGRAM " region delete' what is not good" },
	{ "region", NULL, EBUSY,
	  "see '" PROGRAM " tpt list {unit}', or try again" },
	{ "grant", "add", EEXIST,
	  "see '" PROGRAM " grant list {}', and '" PROGRAM " grant remove' it first" },
	{ "grant", "add", ENOSPC,
	  "see '" PROGRAM " grant list {}', and '" PROGRAM " grant remove' one that is not needed" },
	{ "grant", "add", EINVAL,
	  "see the region's size with '" PROGRAM " region show {}'" },
	{ "grant", "remove", ENOENT,
	  "see '" PROGRAM " grant list {unit}'" },
	{ "grant", NULL, EUCLEAN,
	  "see health in '" PROGRAM " region list {unit}'; delete a region that is not good: its grants go with it" },
	{ "grant", "remove", ETIMEDOUT,
	  "the grant is gone; run the same command again until nobody is inside" },
	{ "checkpoint", NULL, EMEDIUMTYPE,
	  "a program that commits with libnpmu makes one; see who is there with '" PROGRAM " tpt list {}'" },
	{ "checkpoint", NULL, EUCLEAN,
	  "see the region's size and health with '" PROGRAM " region show {}'; its writer can make it anew" },
	{ "checkpoint", NULL, EPROTONOSUPPORT,
	  "made by another version: see '" PROGRAM " version'" },
	{ "checkpoint", NULL, ENODATA,
	  "see '" PROGRAM " checkpoint show {}'; 'checkpoint follow' waits for what comes" },
	{ "checkpoint", NULL, EBUSY,
	  "see who with '" PROGRAM " region show {}'; --takeover EPOCH, with the fence epoch there, fences it" },
	{ "checkpoint", NULL, ESTALE,
	  "see '" PROGRAM " region show {}' for the fence epoch and the writer of now" },
	{ "checkpoint", NULL, ETIMEDOUT,
	  "the writer has lost its role, but something of it is still inside: run it again with the fence epoch of '" PROGRAM " region show {}'" },
	{ "checkpoint", NULL, EOVERFLOW,
	  "--framed goes on with the base; or let the writer wait for a named reader" },
	{ "checkpoint", NULL, EMSGSIZE,
	  "make a larger one: '" PROGRAM " region create'" },
	{ "checkpoint", NULL, ENOSPC,
	  "make a larger one: '" PROGRAM " region create'" },
	{ "checkpoint", NULL, EACCES,
	  "see its owner and mode with '" PROGRAM " region show {}'" },
	{ "checkpoint", NULL, EROFS,
	  "let it be written: '" PROGRAM " region set {} --read-only=off'" },
	{ "checkpoint", NULL, EAGAIN,
	  "run the same command again" },
	{ "checkpoint", NULL, EIO,
	  "'" PROGRAM " unit bad {unit}' says what of it failed" },
	{ NULL, NULL, ENOENT,
	  "see '" PROGRAM " region list' and '" PROGRAM " unit list'" },
	{ NULL, NULL, EPERM,
	  "run it as root (CAP_SYS_ADMIN), on the host itself" },
	{ NULL, NULL, ENODEV,
	  "the device of the unit went away: '" PROGRAM " unit detach {unit}', bring it back, attach it again" },
	{ NULL, NULL, ENOMEM,
	  "see 'free -m', and run it again" },
	{ NULL, NULL, EIO,
	  "'" PROGRAM " unit check DEVICE' says what is damaged and where" },
	{ "ni", NULL, EPROTONOSUPPORT,
	  "'modprobe npmu_rdma'; '" PROGRAM " doctor' says what else is missing" },
	{ "key", NULL, EPROTONOSUPPORT,
	  "'modprobe npmu_rdma'; '" PROGRAM " doctor' says what else is missing" },
	{ NULL, NULL, EPROTONOSUPPORT,
	  "the module is not there: 'modprobe npmu'; '" PROGRAM " doctor' says what else is missing" },
};

static const char *find_hint(const struct command *cmd, int err)
{
	size_t i;

	for (i = 0; i < sizeof(hints) / sizeof(hints[0]); i++) {
		const struct hint *hint = &hints[i];

		if (hint->err != err)
			continue;
		if (hint->noun && strcmp(hint->noun, cmd->noun) != 0)
			continue;
		if (hint->verb && (!cmd->verb || strcmp(hint->verb, cmd->verb) != 0))
			continue;
		return hint->text;
	}
	return NULL;
}

static void print_hint(const char *text, const char *target)
{
	size_t unit_len = strcspn(target, "/");

	fprintf(stderr, "  ");
	while (*text) {
		if (strncmp(text, "{}", 2) == 0) {
			fprintf(stderr, "%s", target);
			text += 2;
		} else if (strncmp(text, "{unit}", 6) == 0) {
			fprintf(stderr, "%.*s", (int)unit_len, target);
			text += 6;
		} else {
			fputc(*text++, stderr);
		}
	}
	fprintf(stderr, "\n");
}

void complain(const char *format, ...)
{
	va_list args;

	/* In one terminal or file both are read in the order they were said. */
	fflush(stdout);
	fprintf(stderr, PROGRAM ": ");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
}

enum status usage(const struct invocation *inv, const char *format, ...)
{
	const struct command *cmd = inv ? inv->command : NULL;
	va_list args;

	fprintf(stderr, PROGRAM ": ");
	if (cmd)
		fprintf(stderr, "%s%s%s: ", cmd->noun, cmd->verb ? " " : "",
			cmd->verb ? cmd->verb : "");
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n  see '" PROGRAM "%s%s%s%s --help'\n", cmd ? " " : "",
		cmd ? cmd->noun : "", cmd && cmd->verb ? " " : "",
		cmd && cmd->verb ? cmd->verb : "");
	return USAGE;
}

enum status failed(const struct invocation *inv, const char *target, int err, const char *message)
{
	const struct command *cmd = inv->command;
	const char *hint = find_hint(cmd, -err);

	if (!message || !*message)
		message = strerror(-err);
	fflush(stdout);
	fprintf(stderr, PROGRAM ": %s%s%s%s%s: %s\n", cmd->noun, cmd->verb ? " " : "",
		cmd->verb ? cmd->verb : "", *target ? " " : "", target, message);
	if (hint)
		print_hint(hint, target);
	return err == -ENOENT ? NOT_FOUND : FAILED;
}

bool size_value(const struct invocation *inv, enum option_id id, uint64_t *bytes)
{
	const char *why = parse_size(inv->value[id], bytes);

	if (!why)
		return true;
	usage(inv, "'%s' is not a size: %s", inv->value[id], why);
	return false;
}

bool number_value(const struct invocation *inv, enum option_id id, uint64_t min, uint64_t max,
		  uint64_t *number)
{
	const char *why = parse_number(inv->value[id], min, max, number);

	if (!why)
		return true;
	usage(inv, "'%s' is not a number for this: %s", inv->value[id], why);
	return false;
}

bool unit_operand(const struct invocation *inv, int index, struct target *target)
{
	const char *text = inv->operands[index];
	const char *why = check_unit_name(text);

	if (!why && !parse_any_target(text, target))
		return true;
	usage(inv, "'%s' is not a unit: %s", text, why);
	return false;
}

bool region_operand(const struct invocation *inv, int index, struct target *target)
{
	const char *why = parse_region_target(inv->operands[index], target);

	if (!why)
		return true;
	usage(inv, "'%s' is not a region: %s", inv->operands[index], why);
	return false;
}

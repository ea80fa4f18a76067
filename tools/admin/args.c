// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The command line and the help, both from the one command table. Whole words
 * only: getopt_long() would take any unique beginning of an option, so that a
 * new option could change what an old script means. Knows no command.
 */
#include <stdio.h>
#include <string.h>

#include "admin.h"
#include "output.h"

static bool same(const char *a, const char *b)
{
	return strcmp(a, b) == 0;
}

static void print_name(const struct command *cmd)
{
	printf("%s %s%s%s", PROGRAM, cmd->noun, cmd->verb ? " " : "", cmd->verb ? cmd->verb : "");
}

static void help_all(const char *noun)
{
	const struct command *cmd;
	char name[80];

	printf("Usage: %s NOUN VERB [OPERAND]... [OPTION]...\n\n", PROGRAM);
	for (cmd = commands; cmd->noun; cmd++) {
		if (noun && !same(noun, cmd->noun))
			continue;
		snprintf(name, sizeof(name), "%s %s %s", cmd->noun, cmd->verb ? cmd->verb : "",
			 cmd->operands);
		printf("  %-34s%s\n", name, cmd->summary);
	}
	printf("\n"
	       "  --json     data to stdout as JSON; messages go to stderr always\n"
	       "  --help     this text, or that of a command: %s NOUN VERB --help\n\n"
	       "Exit status: 0 done, 1 failed, 2 wrong usage, 3 not found. See npmu-admin(8).\n",
	       PROGRAM);
}

static void help_command(const struct command *cmd)
{
	const struct option_spec *opt;
	char name[80];

	printf("Usage: ");
	print_name(cmd);
	printf("%s%s [OPTION]...\n\n", cmd->operands[0] ? " " : "", cmd->operands);
	printf("  %s\n", cmd->summary);
	if (cmd->detail)
		printf("  %s\n", cmd->detail);
	printf("\n");
	for (opt = cmd->options; opt && opt->id != OPT_NONE; opt++) {
		snprintf(name, sizeof(name), "--%s%s%s", opt->name, opt->value ? " " : "",
			 opt->value ? opt->value : "");
		printf("  %-26s%s\n", name, opt->help);
	}
	printf("  %-26s%s\n", "--json", "print JSON");
	printf("  %-26s%s\n\n", "--help", "this text");
	printf("Example: %s %s\n", PROGRAM, cmd->example);
}

/* The first command of a noun, or NULL. */
static const struct command *find_noun(const char *noun)
{
	const struct command *cmd;

	for (cmd = commands; cmd->noun; cmd++)
		if (same(cmd->noun, noun))
			return cmd;
	return NULL;
}

/* Takes one or two words off @argv: the command, or NULL with the error said. */
static const struct command *find_command(int *argc, char ***argv)
{
	const char *noun = (*argv)[0];
	const char *verb = *argc > 1 && (*argv)[1][0] != '-' ? (*argv)[1] : NULL;
	const struct command *cmd;

	for (cmd = commands; cmd->noun; cmd++) {
		if (!same(cmd->noun, noun))
			continue;
		if (cmd->verb && (!verb || !same(cmd->verb, verb)))
			continue;
		*argc -= cmd->verb ? 2 : 1;
		*argv += cmd->verb ? 2 : 1;
		return cmd;
	}
	if (!find_noun(noun))
		usage(NULL, "'%s' is no noun", noun);
	else if (!verb)
		usage(NULL, "'%s' needs a verb", noun);
	else
		usage(NULL, "'%s' has no verb '%s'", noun, verb);
	return NULL;
}

static const struct option_spec *find_option(const struct command *cmd, const char *name,
					     size_t len)
{
	const struct option_spec *opt;

	for (opt = cmd->options; opt && opt->id != OPT_NONE; opt++)
		if (strlen(opt->name) == len && memcmp(opt->name, name, len) == 0)
			return opt;
	return NULL;
}

/* @arg begins with "--"; @next is what follows it, or NULL. */
static bool take_option(struct invocation *inv, const char *arg, const char *next, int *used)
{
	const char *equals = strchr(arg, '=');
	size_t len = equals ? (size_t)(equals - arg) : strlen(arg);
	const struct option_spec *opt = find_option(inv->command, arg + 2, len - 2);

	*used = 1;
	if (!opt) {
		usage(inv, "unknown option '%.*s'", (int)len, arg);
		return false;
	}
	if (inv->given[opt->id]) {
		usage(inv, "--%s is given twice", opt->name);
		return false;
	}
	if (!opt->value) {
		if (equals) {
			usage(inv, "--%s takes no value", opt->name);
			return false;
		}
		inv->value[opt->id] = "";
	} else if (equals) {
		inv->value[opt->id] = equals + 1;
	} else if (next && strncmp(next, "--", 2) != 0) {
		/* A name may begin with dashes: that needs --name=--that. */
		inv->value[opt->id] = next;
		*used = 2;
	} else {
		usage(inv, "--%s needs a value: %s", opt->name, opt->value);
		return false;
	}
	inv->given[opt->id] = true;
	return true;
}

/* What follows the command. False: said, @status is set. */
static bool take_rest(struct invocation *inv, int argc, char **argv, enum status *status)
{
	bool options = true;
	int i = 0;
	int used;

	*status = USAGE;
	while (i < argc) {
		const char *arg = argv[i];

		if (!options || arg[0] != '-' || arg[1] == '\0') {
			if (inv->nr_operands == inv->command->max) {
				usage(inv, "'%s' is one operand too many", arg);
				return false;
			}
			inv->operands[inv->nr_operands++] = arg;
			i++;
		} else if (same(arg, "--")) {
			options = false;
			i++;
		} else if (same(arg, "--help")) {
			help_command(inv->command);
			*status = DONE;
			return false;
		} else if (same(arg, "--json")) {
			inv->json = true;
			i++;
		} else if (arg[1] != '-') {
			usage(inv, "unknown option '%s'", arg);
			return false;
		} else {
			if (!take_option(inv, arg, i + 1 < argc ? argv[i + 1] : NULL, &used))
				return false;
			i += used;
		}
	}
	if (inv->nr_operands < inv->command->min) {
		usage(inv, "needs %s", inv->command->operands);
		return false;
	}
	return true;
}

bool parse_command_line(int argc, char **argv, struct invocation *inv, enum status *status)
{
	const struct command *noun;

	memset(inv, 0, sizeof(*inv));
	*status = USAGE;
	argc--;
	argv++;
	while (argc > 0 && argv[0][0] == '-') {
		if (same(argv[0], "--help")) {
			help_all(NULL);
			*status = DONE;
			return false;
		}
		if (!same(argv[0], "--json")) {
			usage(NULL, "unknown option '%s'", argv[0]);
			return false;
		}
		inv->json = true;
		argc--;
		argv++;
	}
	if (argc <= 0) {
		usage(NULL, "no command");
		return false;
	}
	/* "unit --help" is asked by who does not know the verb. */
	noun = find_noun(argv[0]);
	if (noun && noun->verb && argc > 1 && same(argv[1], "--help")) {
		help_all(noun->noun);
		*status = DONE;
		return false;
	}
	inv->command = find_command(&argc, &argv);
	if (!inv->command)
		return false;
	return take_rest(inv, argc, argv, status);
}

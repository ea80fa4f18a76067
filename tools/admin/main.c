// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-admin: the command table, from which the parser and the help are made,
 * and the last word on the exit status. Knows no command from inside.
 */
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include <npmu/npmu.h>

#include "admin.h"
#include "output.h"

#define OPTIONS(...) (const struct option_spec[]) { __VA_ARGS__ { .id = OPT_NONE } }
#define OPTION(_id, _name, _value, _help) \
	{ .id = (_id), .name = (_name), .value = (_value), .help = (_help) },

#define OWNER_MODE							\
	OPTION(OPT_OWNER, "owner", "USER[:GROUP]", "owner; names or numbers")	\
	OPTION(OPT_MODE, "mode", "MODE", "permissions in octal, 0666 at most")

#define REGION_OR_FILE							\
	OPTION(OPT_FILE, "file", "PATH", "a plain file instead of a region, for trials")

const struct command commands[] = {
	{
		.noun = "unit", .verb = "format", .operands = "DEVICE", .min = 1, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_NAME, "name", "UNIT", "name of the unit (required)")
			OPTION(OPT_MAX_REGIONS, "max-regions", "N",
			       "slots for regions, 8 to 10000; default by size")
			OPTION(OPT_FORCE, "force", NULL, "even when the device holds something")),
		.summary = "write an empty unit on a pmem block device",
		.detail = "What the device held is lost. The unit is not attached by this.",
		.example = "unit format /dev/pmem0 --name u0",
		.run = unit_format,
	},
	{
		.noun = "unit", .verb = "attach", .operands = "[DEVICE]", .min = 0, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_NAME, "name", "UNIT",
			       "attach under this name; default the unit's own")
			OPTION(OPT_DRAM, "dram", "SIZE",
			       "make a volatile unit of DRAM instead; needs --name")
			OPTION(OPT_MAX_REGIONS, "max-regions", "N",
			       "slots for regions of a DRAM unit; default by size")),
		.summary = "attach the unit on a device, or make one of DRAM",
		.example = "unit attach /dev/pmem0",
		.run = unit_attach,
	},
	{
		.noun = "unit", .verb = "detach", .operands = "UNIT", .min = 1, .max = 1,
		.summary = "let a unit go",
		.detail = "Refused while a region of it is open. A unit of DRAM is lost.",
		.example = "unit detach u0",
		.run = unit_detach,
	},
	{
		.noun = "unit", .verb = "list", .operands = "",
		.summary = "list the attached units",
		.example = "unit list --json",
		.run = unit_list,
	},
	{
		.noun = "unit", .verb = "show", .operands = "UNIT", .min = 1, .max = 1,
		.summary = "show one unit",
		.example = "unit show u0",
		.run = unit_show,
	},
	{
		.noun = "unit", .verb = "check", .operands = "PATH", .min = 1, .max = 1,
		.summary = "read the media of a device or image and say what is wrong where",
		.detail = "Reads only, and needs no module. Exit status 1 when anything is wrong.",
		.example = "unit check /dev/pmem0",
		.run = unit_check,
	},
	{
		.noun = "unit", .verb = "bad", .operands = "[UNIT]", .min = 0, .max = 1,
		.summary = "list memory that failed, and the regions it took bytes from",
		.detail = "What is listed is never handed out again.",
		.example = "unit bad u0",
		.run = unit_bad,
	},
	{
		.noun = "region", .verb = "create", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_SIZE, "size", "SIZE", "bytes, K, M, G or T (required)")
			OWNER_MODE
			OPTION(OPT_READ_ONLY, "read-only", NULL, "admit no writer")),
		.summary = "make a region of zeros",
		.detail = "Returns when the node /dev/npmu/UNIT/REGION is there.",
		.example = "region create u0/r0 --size 64M --owner app:app --mode 0660",
		.run = region_create,
	},
	{
		.noun = "region", .verb = "list", .operands = "[UNIT]", .min = 0, .max = 1,
		.summary = "list regions",
		.example = "region list u0 --json",
		.run = region_list,
	},
	{
		.noun = "region", .verb = "show", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.summary = "show one region",
		.example = "region show u0/r0",
		.run = region_show,
	},
	{
		.noun = "region", .verb = "resize", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_SIZE, "size", "SIZE", "new size (required)")
			OPTION(OPT_FORCE, "force", NULL,
			       "shrink a region in use: its users are fenced first")),
		.summary = "grow a region in place, or shrink it",
		.detail = "New bytes read as zero; bytes cut off are lost.",
		.example = "region resize u0/r0 --size 128M",
		.run = region_resize,
	},
	{
		.noun = "region", .verb = "rename", .operands = "UNIT/REGION NEWNAME",
		.min = 2, .max = 2,
		.summary = "give a region another name",
		.detail = "Those who have it open keep it.",
		.example = "region rename u0/r0 state",
		.run = region_rename,
	},
	{
		.noun = "region", .verb = "set", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.options = OPTIONS(
			OWNER_MODE
			OPTION(OPT_READ_ONLY, "read-only", "on|off", "admit no writer, or do again")
			OPTION(OPT_FORCE, "force", NULL,
			       "make it read-only in spite of a live writer, who is fenced")),
		.summary = "change owner, mode or flags, all in one commit",
		.example = "region set u0/r0 --owner app --read-only=on",
		.run = region_set,
	},
	{
		.noun = "region", .verb = "delete", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_FORCE, "force", NULL,
			       "even when it is in use: its users are fenced first")),
		.summary = "delete a region and what is in it",
		.example = "region delete u0/r0",
		.run = region_delete,
	},
	{
		.noun = "region", .verb = "fence", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.options = OPTIONS(
			OPTION(OPT_EXPECTED_EPOCH, "expected-epoch", "N",
			       "only if this fence epoch is still current")),
		.summary = "take the writer role away from whoever holds it",
		.detail = "When it returns with status 0, no store of the former writer can land.",
		.example = "region fence u0/r0 --expected-epoch 7",
		.run = region_fence,
	},
	{
		.noun = "checkpoint", .verb = "show", .operands = "UNIT/REGION", .min = 1, .max = 1,
		.summary = "show the checkpoint in a region, and its readers",
		.detail = "Reads all of it, and disturbs nobody.",
		.example = "checkpoint show u0/r0 --json",
		.run = checkpoint_show,
	},
	{
		.noun = "checkpoint", .verb = "export", .operands = "UNIT/REGION", .max = 1,
		.options = OPTIONS(
			REGION_OR_FILE),
		.summary = "write the base, or the state, to standard output",
		.detail = "Whole and durable, whoever writes meanwhile. Updates after the base are left out.",
		.example = "checkpoint export u0/r0 >state",
		.run = checkpoint_export,
	},
	{
		.noun = "checkpoint", .verb = "import", .operands = "UNIT/REGION", .max = 1,
		.options = OPTIONS(
			OPTION(OPT_TAG, "tag", "N", "the application's mark on it; default 0")
			OPTION(OPT_TAKEOVER, "takeover", "EPOCH",
			       "fence the writer first, if this fence epoch is still current")
			REGION_OR_FILE),
		.summary = "commit standard input as a base, or as the state",
		.detail = "Standard input is read to its end before the writer role is taken.",
		.example = "checkpoint import u0/r0 --tag 1 <state",
		.run = checkpoint_import,
	},
	{
		.noun = "checkpoint", .verb = "follow", .operands = "UNIT/REGION", .max = 1,
		.options = OPTIONS(
			OPTION(OPT_COUNT, "count", "N", "stop after N items")
			OPTION(OPT_FRAMED, "framed", NULL,
			       "before each item a line with its kind, tag and length")
			REGION_OR_FILE),
		.summary = "write the base and then each update to standard output as it comes",
		.detail = "Without --framed it fails where it is overrun; with it the base comes again.",
		.example = "checkpoint follow u0/r0 --framed",
		.run = checkpoint_follow,
	},
	{
		.noun = "checkpoint", .verb = "takeover", .operands = "UNIT/REGION", .max = 1,
		.options = OPTIONS(
			OPTION(OPT_EXPECTED_EPOCH, "expected-epoch", "N",
			       "the fence epoch that is believed to be current (required)")
			REGION_OR_FILE),
		.summary = "fence the writer, seal what it committed, and say the new fence epoch",
		.detail = "Of several with the same epoch one succeeds. The region is without a writer then.",
		.example = "checkpoint takeover u0/r0 --expected-epoch 7 --json",
		.run = checkpoint_takeover,
	},
	{
		.noun = "grant", .verb = "add", .operands = "UNIT[/REGION] PRINCIPAL",
		.min = 2, .max = 2,
		.options = OPTIONS(
			OPTION(OPT_ACCESS, "access", "r|rw", "of a region: to read, or also to write")
			OPTION(OPT_OFFSET, "offset", "SIZE", "first byte of the region; default 0")
			OPTION(OPT_LENGTH, "length", "SIZE",
			       "bytes of it; default all, also as it grows")
			OPTION(OPT_CREATE, "create", NULL, "of a unit: to create regions in it")
			OPTION(OPT_QUOTA, "quota", "SIZE", "bytes they may have together")
			OPTION(OPT_MAX_REGIONS, "max-regions", "N",
			       "how many they may be; default as many as there can be")),
		.summary = "let a principal use a region, or create regions",
		.detail = "A principal has one grant of a region. Who creates a region has one of all of it.",
		.example = "grant add u0/r0 host2 --access rw",
		.run = grant_add,
	},
	{
		.noun = "grant", .verb = "remove", .operands = "UNIT[/REGION] PRINCIPAL",
		.min = 2, .max = 2,
		.summary = "take a grant away, and what is open under it",
		.detail = "Others go on. Without a region it is the right to create; what was created stays.",
		.example = "grant remove u0/r0 host2",
		.run = grant_remove,
	},
	{
		.noun = "grant", .verb = "list", .operands = "[UNIT[/REGION]]", .min = 0, .max = 1,
		.summary = "list what principals may do",
		.example = "grant list u0 --json",
		.run = grant_list,
	},
	{
		.noun = "tpt", .verb = "list", .operands = "[UNIT[/REGION]]", .min = 0, .max = 1,
		.summary = "list who has regions open, and who writes",
		.example = "tpt list u0/r0",
		.run = tpt_list,
	},
	{
		.noun = "ni", .verb = "listen", .operands = "ADDRESS[:PORT]", .min = 1, .max = 1,
		.summary = "let clients of other hosts connect to an address",
		.detail = "Of an RDMA device of this host; 0.0.0.0 or [::] is any. An IPv6 address with a port\n"
			"stands in brackets. An address that is not there yet is waited for. Must be said\n"
			"again after a restart.",
		.example = "ni listen 192.168.7.1",
		.run = ni_listen,
	},
	{
		.noun = "ni", .verb = "unlisten", .operands = "ADDRESS[:PORT]", .min = 1, .max = 1,
		.summary = "stop that, and end the connections that came by it",
		.example = "ni unlisten 192.168.7.1",
		.run = ni_unlisten,
	},
	{
		.noun = "ni", .verb = "list", .operands = "",
		.summary = "list the addresses that are listened at",
		.example = "ni list",
		.run = ni_list,
	},
	{
		.noun = "ni", .verb = "sessions", .operands = "",
		.summary = "list who is connected, and to what",
		.example = "ni sessions --json",
		.run = ni_sessions,
	},
	{
		.noun = "key", .verb = "make", .operands = "",
		.summary = "print a new key, for a file that is the principal's and the unit's alone",
		.example = "key make",
		.run = key_make,
	},
	{
		.noun = "key", .verb = "load", .operands = "PRINCIPAL FILE", .min = 2, .max = 2,
		.summary = "load the key of a principal into the kernel",
		.detail = "FILE is what 'key make' printed; - is the standard input. The kernel keeps the key\n"
			"until it is removed, or the host restarts: then it must be loaded again.",
		.example = "key load alice /etc/npmu/keys/alice",
		.run = key_load,
	},
	{
		.noun = "key", .verb = "remove", .operands = "PRINCIPAL", .min = 1, .max = 1,
		.summary = "forget the key of a principal",
		.detail = "Connections that were made with it go on; 'grant remove' ends what it may do.",
		.example = "key remove alice",
		.run = key_remove,
	},
	{
		.noun = "key", .verb = "list", .operands = "",
		.summary = "list the principals whose keys are loaded",
		.example = "key list",
		.run = key_list,
	},
	{
		.noun = "monitor", .operands = "",
		.options = OPTIONS(
			OPTION(OPT_COUNT, "count", "N", "stop after N events")),
		.summary = "print one line (--json: one object) for each event as it comes",
		.example = "monitor --json --count 1",
		.run = monitor,
	},
	{
		.noun = "doctor", .operands = "",
		.summary = "say what this host lacks, and the command that mends it",
		.detail = "Exit status 1 when a check fails.",
		.example = "doctor",
		.run = doctor,
	},
	{
		.noun = "version", .operands = "",
		.summary = "print the version",
		.example = "version --json",
		.run = version,
	},
	{ .noun = NULL },
};

enum status version(const struct invocation *inv)
{
	struct json_object *row = record_new();

	record_text(row, "version", NPMU_VERSION_STRING);
	record_text(row, "library_version", npmu_version());
	record_number(row, "format_version", NPMU_FORMAT_VERSION);
	if (inv->json)
		print_record(inv, row, NULL);
	else
		print_line(PROGRAM " " NPMU_VERSION_STRING);
	json_object_put(row);
	return DONE;
}

/*
 * Where a standard file is closed, the next one opened would take its place, and
 * a netlink socket would get the output. This one fails every write instead.
 */
static void fill_standard_files(void)
{
	int fd;

	do {
		fd = open("/dev/null", O_RDONLY);
	} while (fd >= 0 && fd <= STDERR_FILENO);
	if (fd >= 0)
		close(fd);
}

int main(int argc, char **argv)
{
	struct invocation inv;
	enum status status;

	fill_standard_files();
	if (parse_command_line(argc, argv, &inv, &status))
		status = inv.command->run(&inv);
	/* Output that did not arrive is not done, whatever the command thinks. */
	if (!output_flush() && status == DONE)
		status = FAILED;
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Fuzz target over what people type: sizes, numbers, modes and names, whole command
 * lines of npmu-admin, the names that libnpmu opens, and /proc/iomem.
 *
 * Input: text. It is given whole to each parser of a word, and split at line ends
 * to the command line. What is accepted is held against naive twins, and against
 * the kernel's own idea of a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <npmu/region.h>

#include "../../drivers/npmu/format.h"
#include "../../tools/admin/admin.h"
#include "../../tools/admin/memmap.h"
#include "../../tools/admin/output.h"
#include "../../tools/admin/owner.h"
#include "fuzz.h"

#define MAX_WORDS	24

/* A decimal number in front; saturates. Return: how many digits. */
static size_t naive_digits(const char *text, unsigned __int128 *value)
{
	size_t n;

	*value = 0;
	for (n = 0; text[n] >= '0' && text[n] <= '9'; n++)
		if (*value >> 100 == 0)
			*value = *value * 10 + (unsigned int)(text[n] - '0');
	return n;
}

static void sizes(const char *text)
{
	static const char *const suffix[] = {
		"", "K", "k", "KiB", "kiB", "M", "m", "MiB", "miB", "G", "g", "GiB", "giB",
		"T", "t", "TiB", "tiB",
	};
	unsigned __int128 value;
	uint64_t bytes = 4711, again = 0;
	size_t n = naive_digits(text, &value), i;
	bool good = false;
	char shown[64];
	const char *why;

	for (i = 0; i < sizeof(suffix) / sizeof(suffix[0]); i++) {
		if (!n || strcmp(text + n, suffix[i]))
			continue;
		if (i && value >> 100 == 0)
			value <<= 10 * ((i - 1) / 4 + 1);
		good = value && value >> 64 == 0;
	}
	why = parse_size(text, &bytes);
	MUST(!why == good);
	MUST(why ? *why && bytes == 4711 : bytes == (uint64_t)value);
	if (why)
		return;
	format_size(bytes, shown, sizeof(shown));
	MUST(!parse_size(shown, &again) && again == bytes);
}

static void numbers(const char *text)
{
	static const struct { uint64_t min, max; } bounds[] = {
		{ 0, UINT64_MAX }, { 8, 10000 }, { 1, 0xfffffffe },
	};
	unsigned __int128 value;
	size_t n = naive_digits(text, &value), i;
	uint64_t number;
	uint32_t mode = 4711;
	const char *why;
	bool good;

	for (i = 0; i < sizeof(bounds) / sizeof(bounds[0]); i++) {
		number = 4711;
		why = parse_number(text, bounds[i].min, bounds[i].max, &number);
		good = n && !text[n] && value >= bounds[i].min && value <= bounds[i].max;
		MUST(!why == good);
		MUST(number == (good ? (uint64_t)value : 4711));
	}
	why = parse_mode(text, &mode);
	MUST(why ? mode == 4711 : !(mode & ~0666U) && strspn(text, "01234567") == strlen(text));
	if (!why)
		MUST(mode == strtoul(text, NULL, 8));
}

/* What the tool lets through, the kernel takes, and the other way round. */
static void names(const char *text)
{
	char padded[NPMU_REGION_NAME_LEN] = "";
	struct target target = { "before", "before" };
	size_t len = strlen(text);
	const char *slash = strchr(text, '/');
	const char *why;

	memcpy(padded, text, len < sizeof(padded) ? len : sizeof(padded) - 1);
	MUST(!check_region_name(text) == (len < NPMU_REGION_NAME_LEN &&
					  npmu_name_ok(padded, NPMU_REGION_NAME_LEN)));
	MUST(!check_unit_name(text) == (len < NPMU_UNIT_NAME_LEN &&
					npmu_name_ok(padded, NPMU_UNIT_NAME_LEN)));
	why = parse_any_target(text, &target);
	MUST(!why || !strcmp(target.unit, "before"));
	/* A region that the module named begins with a dot. */
	MUST(why || (!check_unit_name(target.unit) &&
		     (!slash || !check_region_name(target.region + (target.region[0] == '.')))));
	MUST(why || !strncmp(text, target.unit, strlen(target.unit)));
	MUST(!parse_region_target(text, &target) == (!why && slash));
}

/* --- the library: instead of the system's --- */

static char opened[4096];
static int open_fails;

int fuzz_open(const char *path, int flags, ...);
int fuzz_stat(const char *path, struct stat *st);

int fuzz_open(const char *path, int flags, ...)
{
	(void)flags;
	snprintf(opened, sizeof(opened), "%s", path);
	errno = open_fails;
	return -1;
}

int fuzz_stat(const char *path, struct stat *st)
{
	memset(st, 0, sizeof(*st));
	errno = open_fails;
	return path[0] == '/' ? 0 : -1;
}

static void region_names(const char *text)
{
	static const int errors[] = { ENOENT, EACCES, EROFS, ENXIO, EUSERS, EIO, EMFILE };
	static const char root[] = "/dev/npmu/";
	struct npmu_region *region = (void *)1;
	struct npmu_error err;
	const char *rest;
	int code;

	opened[0] = '\0';
	open_fails = errors[strlen(text) % 7];
	code = npmu_region_open(text, NPMU_OPEN_READ, &region, &err);
	MUST(code < 0 && !region && code == err.code && err.text[0] &&
	     memchr(err.text, 0, sizeof(err.text)));
	if (!opened[0] || text[0] == '/')
		return;
	/* A name leads to two parts below the directory of the regions, no further. */
	MUST(!strncmp(opened, root, strlen(root)));
	rest = opened + strlen(root);
	MUST(!strcmp(rest, text) && rest[0] != '.' && rest[0] != '/');
	rest = strchr(rest, '/');
	MUST(rest && rest[1] && rest[1] != '.' && !strchr(rest + 1, '/'));
}

/* --- a command line --- */

static void values(const struct invocation *inv)
{
	struct npmu_region_params params = { 0 };
	struct target target;
	uint64_t number = 0;
	int i;

	for (i = 0; i < inv->nr_operands; i++) {
		unit_operand(inv, i, &target);
		region_operand(inv, i, &target);
	}
	if (inv->given[OPT_SIZE])
		MUST(!size_value(inv, OPT_SIZE, &number) || number);
	if (inv->given[OPT_MAX_REGIONS] &&
	    number_value(inv, OPT_MAX_REGIONS, 8, 10000, &number))
		MUST(number >= 8 && number <= 10000);
	if (inv->given[OPT_OWNER] && owner_value(inv, &params))
		MUST(params.mask && !(params.mask & ~(NPMU_PARAM_UID | NPMU_PARAM_GID)));
}

static void command_line(char *text)
{
	char *words[MAX_WORDS + 2] = { "npmu-admin" };
	struct invocation inv;
	enum status status = DONE;
	char *save = NULL, *word;
	int n = 1, i;

	for (word = strtok_r(text, "\n", &save); word && n < MAX_WORDS;
	     word = strtok_r(NULL, "\n", &save))
		words[n++] = word;
	if (!parse_command_line(n, words, &inv, &status)) {
		MUST(status == USAGE || status == DONE);
		return;
	}
	MUST(inv.command && inv.command->run);
	MUST(inv.nr_operands >= inv.command->min && inv.nr_operands <= inv.command->max);
	for (i = 0; i < inv.nr_operands; i++)
		MUST(inv.operands[i]);
	for (i = 0; i < NR_OPTIONS; i++)
		MUST(inv.given[i] == !!inv.value[i]);
	values(&inv);
}

static void memory_map(const char *text)
{
	uint64_t start = 0, size = 0;

	if (memmap_suggest(text, &start, &size))
		return;
	MUST(size >= 64 << 20 && !(size & (size - 1)) && !(start & (size - 1)));
	MUST(start + (size - 1) >= start);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);

	MUST(text);
	memcpy(text, data, len);
	text[len] = '\0';
	sizes(text);
	numbers(text);
	names(text);
	region_names(text);
	memory_map(text);
	command_line(text);
	free(text);
	return 0;
}

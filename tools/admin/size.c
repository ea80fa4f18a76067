// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Sizes, numbers, modes and names as they are typed. Owns what is legal on a
 * command line, and the words that refuse the rest. Knows no option, no output
 * and no kernel: the unit test compiles it alone.
 */
#include "size.h"

#include <stdbool.h>
#include <string.h>

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/*
 * strtoull() takes signs, blanks and 0x and wraps negative numbers, so the
 * digits are read here. Stops at the first byte that is no digit.
 */
static const char *read_digits(const char **text, uint64_t *number)
{
	const char *p = *text;
	uint64_t value = 0;

	if (*p == '\0')
		return "it is empty";
	if (*p == '-')
		return "it is negative";
	if (!is_digit(*p))
		return "it does not begin with a digit";
	for (; is_digit(*p); p++) {
		unsigned int digit = *p - '0';

		if (value > (UINT64_MAX - digit) / 10)
			return "it is too large";
		value = value * 10 + digit;
	}
	*text = p;
	*number = value;
	return NULL;
}

/* The shift of a suffix, or -1. */
static int suffix_shift(const char *text)
{
	static const char letters[] = "KMGT";
	static const char lower[] = "kmgt";
	const char *at;
	int shift;

	if (*text == '\0')
		return 0;
	at = strchr(letters, *text);
	if (at) {
		shift = 10 * (at - letters + 1);
	} else {
		at = strchr(lower, *text);
		if (!at)
			return -1;
		shift = 10 * (at - lower + 1);
	}
	text++;
	return *text == '\0' || strcmp(text, "iB") == 0 ? shift : -1;
}

const char *parse_size(const char *text, uint64_t *bytes)
{
	uint64_t number;
	const char *why;
	int shift;

	why = read_digits(&text, &number);
	if (why)
		return why;
	if (*text == '.' || *text == ',')
		return "it is not whole: write it in the next smaller unit";
	shift = suffix_shift(text);
	if (shift < 0)
		return "what follows the number is none of K, M, G, T, KiB, MiB, GiB, TiB";
	if (number > UINT64_MAX >> shift)
		return "it is too large";
	if (number == 0)
		return "it is zero";
	*bytes = number << shift;
	return NULL;
}

const char *parse_number(const char *text, uint64_t min, uint64_t max, uint64_t *number)
{
	uint64_t value;
	const char *why;

	why = read_digits(&text, &value);
	if (why)
		return why;
	if (*text != '\0')
		return "something follows the number";
	if (value < min)
		return "it is too small";
	if (value > max)
		return "it is too large";
	*number = value;
	return NULL;
}

const char *parse_mode(const char *text, uint32_t *mode)
{
	uint32_t value = 0;

	if (*text == '\0')
		return "it is empty";
	for (; *text; text++) {
		if (*text < '0' || *text > '7')
			return "it is not octal";
		value = value * 8 + (*text - '0');
		if (value > 0777)
			return "it is above 0666";
	}
	if (value & ~0666U)
		return "a region has only read and write permissions, 0666 at most";
	*mode = value;
	return NULL;
}

static bool name_char_ok(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("._+:-", c));
}

static const char *check_length(const char *name, size_t len, size_t max)
{
	if (len == 0)
		return "it is empty";
	if (len >= max)
		return max == NPMU_REGION_NAME_LEN ? "it is longer than 63 bytes" :
						     "it is longer than 31 bytes";
	return name[0] == '.' ? "it begins with a dot" : NULL;
}

static const char *check_name(const char *name, size_t len, size_t max)
{
	const char *why = check_length(name, len, max);
	size_t i;

	if (why)
		return why;
	for (i = 0; i < len; i++)
		if (!name_char_ok(name[i]))
			return "it holds something else than letters, digits and . _ + : -";
	return NULL;
}

const char *check_unit_name(const char *text)
{
	return check_name(text, strlen(text), NPMU_UNIT_NAME_LEN);
}

const char *check_region_name(const char *text)
{
	return check_name(text, strlen(text), NPMU_REGION_NAME_LEN);
}

const char *check_principal_name(const char *text)
{
	const char *why = check_length(text, strlen(text), NPMU_PRINCIPAL_LEN);

	for (; !why && *text; text++)
		if (!name_char_ok(*text) && *text != '@')
			why = "it holds something else than letters, digits and . _ + @ : -";
	return why;
}

/*
 * A region that is there may have a name that none can be given: the module calls what
 * it found damaged .lost-slot-N or the like, and it is to be deleted by that.
 */
static const char *check_known_region(const char *text)
{
	size_t len = strlen(text);

	if (text[0] == '.' && len > 1 && len < NPMU_REGION_NAME_LEN)
		return check_name(text + 1, len - 1, NPMU_REGION_NAME_LEN);
	return check_region_name(text);
}

const char *parse_any_target(const char *text, struct target *target)
{
	const char *slash = strchr(text, '/');
	size_t len = slash ? (size_t)(slash - text) : strlen(text);
	struct target made;
	const char *why;

	memset(&made, 0, sizeof(made));
	why = check_name(text, len, sizeof(made.unit));
	if (why)
		return why;
	memcpy(made.unit, text, len);
	if (slash) {
		why = check_known_region(slash + 1);
		if (why)
			return why;
		memcpy(made.region, slash + 1, strlen(slash + 1));
	}
	*target = made;
	return NULL;
}

const char *parse_region_target(const char *text, struct target *target)
{
	if (!strchr(text, '/'))
		return "the region is missing: write UNIT/REGION";
	return parse_any_target(text, target);
}

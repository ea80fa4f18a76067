// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Picks a range of System RAM to set aside by memmap=. A range that is not
 * wholly RAM swallows stores without a word, so it is taken from the firmware's
 * and the kernel's own list and from nowhere else. Knows no file.
 */
#include "memmap.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define MIB		(1ULL << 20)
#define SMALLEST	(64 * MIB)
#define LARGEST		(4096 * MIB)

/* Places looked at each way: the middle of a host's memory is not that full. */
#define TRIES		4096

/* struct line - one line of /proc/iomem */
struct line {
	uint64_t first;
	uint64_t last;		/* inclusive, as there */
	bool nested;
	bool ram;
};

/* A number in hex; unlike strtoull() it does not look beyond the line. */
static bool read_hex(const char **text, uint64_t *number)
{
	char *after;

	if (!isxdigit((unsigned char)**text))
		return false;
	*number = strtoull(*text, &after, 16);
	*text = after;
	return true;
}

static bool read_line(const char *p, struct line *line)
{
	line->nested = *p == ' ';
	p += strspn(p, " ");
	if (!read_hex(&p, &line->first) || *p++ != '-' || !read_hex(&p, &line->last) ||
	    strncmp(p, " : ", 3) != 0 || line->last < line->first || line->last >= 1ULL << 56)
		return false;
	line->ram = strncmp(p + 3, "System RAM", 10) == 0;
	return true;
}

/* Reads the next line from @*text on and moves behind it. False: the end. */
static bool next_line(const char **text, struct line *line)
{
	const char *p = *text;
	const char *end;

	while (*p) {
		end = strchr(p, '\n');
		*text = end ? end + 1 : p + strlen(p);
		if (read_line(p, line))
			return true;
		p = *text;
	}
	return false;
}

/* Is something of [@start, @start + @size - 1] in use inside RAM (kernel, crash kernel)? */
static bool taken(const char *iomem, uint64_t start, uint64_t size)
{
	struct line line;

	while (next_line(&iomem, &line))
		if (line.nested && line.first <= start + (size - 1) && line.last >= start)
			return true;
	return false;
}

/*
 * A place in the run, a multiple of @size. From the middle up, then down: boot
 * loaders and firmware put their things at the ends.
 */
static bool place(const char *iomem, const struct line *run, uint64_t size, uint64_t *start)
{
	uint64_t middle = run->first + (run->last - run->first) / 2;
	uint64_t at;
	int tries;

	for (at = middle / size * size, tries = TRIES;
	     tries && at <= run->last && run->last - at >= size - 1; at += size, tries--) {
		if (at >= run->first && !taken(iomem, at, size)) {
			*start = at;
			return true;
		}
	}
	for (at = middle / size * size, tries = TRIES;
	     tries && at >= size && at - size >= run->first; tries--) {
		at -= size;
		if (run->last - at >= size - 1 && !taken(iomem, at, size)) {
			*start = at;
			return true;
		}
	}
	return false;
}

const char *memmap_suggest(const char *iomem, uint64_t *start, uint64_t *size)
{
	struct line best = { 0 };
	uint64_t total = 0;
	const char *at = iomem;
	struct line line;
	uint64_t want;

	while (next_line(&at, &line)) {
		if (line.nested || !line.ram || line.last == 0)
			continue;
		total += line.last - line.first + 1;
		if (line.last - line.first > best.last - best.first)
			best = line;
	}
	if (!total)
		return "the addresses of memory are hidden";
	for (want = LARGEST; want >= SMALLEST; want /= 2) {
		/* The host needs the rest. */
		if (want > total / 3)
			continue;
		if (place(iomem, &best, want, start)) {
			*size = want;
			return NULL;
		}
	}
	return "there is too little memory";
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The host's files, under a root that tests choose. Owns the root and nothing
 * of what the files mean.
 */
#include "host.h"

#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LARGEST_TEXT	(16U << 20)

static const char *root(void)
{
	const char *value = getenv("NPMU_DOCTOR_ROOT");

	return value ? value : "";
}

bool host_is_fixture(void)
{
	return *root() != '\0';
}

const char *host_path(char path[PATH_MAX], const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(path, PATH_MAX, format, args);
	va_end(args);
	return path;
}

static const char *under_root(char full[PATH_MAX], const char *path)
{
	return host_path(full, "%s%s", root(), path);
}

bool host_exists(const char *path)
{
	char full[PATH_MAX];

	return access(under_root(full, path), F_OK) == 0;
}

bool host_line(char *line, size_t len, const char *path)
{
	char full[PATH_MAX];
	FILE *file = fopen(under_root(full, path), "re");
	bool read = false;

	line[0] = '\0';
	if (file) {
		read = fgets(line, len, file);
		fclose(file);
	}
	if (!read)
		line[0] = '\0';
	line[strcspn(line, "\n")] = '\0';
	return read;
}

/* Files of /proc have no size: read until there is no more. */
char *host_text(const char *path)
{
	char full[PATH_MAX];
	FILE *file = fopen(under_root(full, path), "re");
	size_t room = 0;
	size_t used = 0;
	char *text = NULL;

	if (!file)
		return NULL;
	do {
		char *larger;

		room = room ? room * 2 : 65536;
		larger = realloc(text, room);
		if (!larger)
			break;
		text = larger;
		used += fread(text + used, 1, room - used - 1, file);
		text[used] = '\0';
	} while (used == room - 1 && room < LARGEST_TEXT);
	fclose(file);
	return text;
}

bool host_resolve(char resolved[PATH_MAX], const char *path)
{
	char full[PATH_MAX];
	char base[PATH_MAX] = "";
	size_t len = 0;

	if (!realpath(under_root(full, path), resolved))
		return false;
	if (host_is_fixture() && realpath(root(), base))
		len = strlen(base);
	if (len && strncmp(resolved, base, len) == 0)
		memmove(resolved, resolved + len, strlen(resolved + len) + 1);
	return true;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

size_t host_list(char ***names, const char *path, const char *prefix)
{
	char full[PATH_MAX];
	DIR *dir = opendir(under_root(full, path));
	struct dirent *entry;
	char **list = NULL;
	size_t nr = 0;

	*names = NULL;
	if (!dir)
		return 0;
	while ((entry = readdir(dir))) {
		char **larger;

		if (entry->d_name[0] == '.' ||
		    strncmp(entry->d_name, prefix, strlen(prefix)) != 0)
			continue;
		larger = realloc(list, (nr + 1) * sizeof(*list));
		if (!larger)
			break;
		list = larger;
		list[nr] = strdup(entry->d_name);
		if (!list[nr])
			break;
		nr++;
	}
	closedir(dir);
	if (nr)
		qsort(list, nr, sizeof(*list), by_name);
	*names = list;
	return nr;
}

void host_list_free(char **names, size_t nr)
{
	while (nr)
		free(names[--nr]);
	free(names);
}

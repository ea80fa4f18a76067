/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reading /proc, /sys, /dev and /lib of this host, or of the tree that
 * NPMU_DOCTOR_ROOT names: so doctor is tested on hosts that do not exist.
 */
#ifndef NPMU_ADMIN_HOST_H
#define NPMU_ADMIN_HOST_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* Is it another tree than this host's own? */
bool host_is_fixture(void);
bool host_exists(const char *path);
/* The first line, cut to fit; false and "" when it cannot be read. */
bool host_line(char *line, size_t len, const char *path);
/* The whole file, to be freed, or NULL. */
char *host_text(const char *path);
/* Where symbolic links lead, without the root; false: nowhere. */
bool host_resolve(char resolved[PATH_MAX], const char *path);
/* Names in a directory that begin with @prefix, sorted. Returns how many. */
size_t host_list(char ***names, const char *path, const char *prefix);
void host_list_free(char **names, size_t nr);
/* A path put together; always terminated. */
const char *host_path(char path[PATH_MAX], const char *format, ...)
	__attribute__((format(printf, 2, 3)));

#endif /* NPMU_ADMIN_HOST_H */

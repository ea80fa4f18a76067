// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The key by which this host proves who it is: where it lies and how it is written, which
 * is as npmu-admin key make prints it. Never in an argument, never shown.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "remote_key.h"

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Return: bytes of the key, 0: it is none. White space around it is passed over. */
static int parse(const char *text, size_t len, uint8_t *key)
{
	int n = 0;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len % 2 || len < 2 * NPMU_WIRE_KEY_MIN || len > 2 * NPMU_WIRE_KEY_MAX)
		return 0;
	for (; len; len -= 2, text += 2) {
		if (digit(text[0]) < 0 || digit(text[1]) < 0)
			return 0;
		key[n++] = (uint8_t)(digit(text[0]) << 4 | digit(text[1]));
	}
	return n;
}

int npmu_remote_key_read(const char *principal, uint8_t key[NPMU_WIRE_KEY_MAX],
			 struct npmu_error *err)
{
	const char *path = secure_getenv("NPMU_KEY_FILE");
	char text[2 * NPMU_WIRE_KEY_MAX + 64];
	char usual[128];
	struct stat st;
	ssize_t len;
	int fd, n;

	if (!path) {
		if (strchr(principal, '/'))
			return npmu_error_set(err, -EINVAL, "no principal has a / in its name");
		snprintf(usual, sizeof(usual), "/etc/npmu/%s.key", principal);
		path = usual;
	}
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return npmu_error_set(err, -errno,
				      "the key of %s: %s: %s: NPMU_KEY_FILE names another file",
				      principal, path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) || st.st_mode & 077) {
		close(fd);
		return npmu_error_set(err, -EACCES,
				      "%s: not a file, or others may use this key: chmod 600", path);
	}
	len = read(fd, text, sizeof(text));
	close(fd);
	n = len > 0 && (size_t)len < sizeof(text) ? parse(text, (size_t)len, key) : 0;
	explicit_bzero(text, sizeof(text));
	if (!n)
		return npmu_error_set(err, -EINVAL,
				      "%s: not a key, as 'npmu-admin key make' prints them", path);
	return n;
}

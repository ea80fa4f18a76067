// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * key make, load, remove and list: the keys by which principals prove who they are. Owns
 * how a key is written: two hexadecimal digits a byte. A key is never an argument and
 * never shown, but by the command that makes it.
 */
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <linux/npmu_wire.h>

#include "ni.h"
#include "output.h"

enum status key_make(const struct invocation *inv)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];
	char text[2 * sizeof(key) + 1];
	size_t i;

	if (getrandom(key, sizeof(key), 0) != sizeof(key))
		return failed(inv, "", -errno, "no random bytes");
	for (i = 0; i < sizeof(key); i++)
		snprintf(text + 2 * i, 3, "%02x", key[i]);
	print_line(text);
	explicit_bzero(key, sizeof(key));
	explicit_bzero(text, sizeof(text));
	return DONE;
}

static int digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, tolower((unsigned char)c)) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* Return: bytes of the key, 0: it is none. White space around it is passed over. */
static size_t parse_key(const char *text, size_t len, uint8_t key[NPMU_WIRE_KEY_MAX])
{
	size_t n = 0;

	while (len && isspace((unsigned char)text[len - 1]))
		len--;
	while (len && isspace((unsigned char)*text)) {
		text++;
		len--;
	}
	if (len % 2 || len < 2 * NPMU_WIRE_KEY_MIN || len > 2 * NPMU_WIRE_KEY_MAX)
		return 0;
	for (n = 0; n < len / 2; n++) {
		int high = digit(text[2 * n]), low = digit(text[2 * n + 1]);

		if (high < 0 || low < 0)
			return 0;
		key[n] = (uint8_t)(high << 4 | low);
	}
	return n;
}

/* Reads the whole file, one byte more than a key may have. Return: bytes or -1. */
static ssize_t read_text(int fd, char *text, size_t room)
{
	size_t len = 0;
	ssize_t n;

	while (len < room) {
		n = read(fd, text + len, room - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (!n)
			break;
		len += (size_t)n;
	}
	return (ssize_t)len;
}

static enum status load(const struct invocation *inv, int fd)
{
	const char *principal = inv->operands[0];
	char text[2 * NPMU_WIRE_KEY_MAX + 64];
	uint8_t key[NPMU_WIRE_KEY_MAX];
	enum status status = FAILED;
	struct npmu_ni *ni;
	ssize_t len;
	size_t bytes;

	len = read_text(fd, text, sizeof(text));
	bytes = len > 0 && (size_t)len < sizeof(text) ? parse_key(text, (size_t)len, key) : 0;
	explicit_bzero(text, sizeof(text));
	if (len < 0) {
		failed(inv, inv->operands[1], -errno, strerror(errno));
	} else if (!bytes) {
		failed(inv, inv->operands[1], -EINVAL,
		       "not a key: 64 to 128 hexadecimal digits, as 'key make' prints them");
	} else {
		ni = ni_handle(inv);
		if (ni)
			status = ni_ended(ni, inv, principal,
					  npmu_ni_key_set(ni, principal, key, bytes));
	}
	explicit_bzero(key, sizeof(key));
	return status;
}

enum status key_load(const struct invocation *inv)
{
	const char *path = inv->operands[1];
	enum status status;
	struct stat st;
	int fd;

	if (!strcmp(path, "-"))
		return load(inv, STDIN_FILENO);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		status = failed(inv, path, errno == ENOENT ? -ENODATA : -errno, strerror(errno));
	} else if (S_ISREG(st.st_mode) && st.st_mode & 077) {
		status = failed(inv, path, -EINVAL,
				"others may read or write this key: chmod 600, and think of a new one");
	} else {
		status = load(inv, fd);
	}
	if (fd >= 0)
		close(fd);
	return status;
}

enum status key_remove(const struct invocation *inv)
{
	struct npmu_ni *ni = ni_handle(inv);

	if (!ni)
		return FAILED;
	return ni_ended(ni, inv, inv->operands[0], npmu_ni_key_remove(ni, inv->operands[0]));
}

static int add_key(void *ctx, const struct npmu_key_info *info)
{
	struct json_object *row = record_new();

	record_text(row, "principal", info->principal);
	list_add(ctx, row);
	return 0;
}

static const struct column columns[] = {
	{ "principal", "PRINCIPAL", FORM_PLAIN },
	{ NULL },
};

enum status key_list(const struct invocation *inv)
{
	struct json_object *list;
	enum status status;
	struct npmu_ni *ni;

	ni = ni_handle(inv);
	if (!ni)
		return FAILED;
	list = list_new();
	status = ni_ended(ni, inv, "", npmu_ni_key_list(ni, add_key, list));
	if (status == DONE)
		print_list(inv, list, columns);
	if (status == DONE && !json_object_array_length(list))
		complain("key list: none is loaded: nobody can come in over the network\n"
			 "  after each start of the host: '" PROGRAM " key load PRINCIPAL FILE'");
	json_object_put(list);
	return status;
}

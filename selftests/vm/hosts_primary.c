// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * usage: hosts_primary ADDRESS PRINCIPAL DIR
 *
 * A primary on a host of its own, see hosts.sh: commits record after record to u/r and
 * notes in DIR/committed each that was answered. When its connection ends it connects
 * again, asks for the role with the epoch that it had, and notes in DIR/ended the answer.
 */
#define _GNU_SOURCE
#include "hosts.h"

static int note(const char *dir, const char *name, uint64_t value)
{
	char path[256], text[32];
	int fd, len;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	len = snprintf(text, sizeof(text), "%-20lld\n", (long long)value);
	fd = open(path, O_WRONLY | O_CREAT, 0644);
	if (fd < 0 || pwrite(fd, text, (size_t)len, 0) != len)
		return -errno;
	return close(fd);
}

/* The unit may be out of reach for some time: 0 or the unit's own answer. */
static int again(struct ni_open *o, const char *principal, uint64_t epoch)
{
	int code;

	ni_close(o);
	for (;;) {
		code = ni_open(o, principal, "u", "r", NI_RW);
		if (!code || code < -NPMU_RDMA_STATUS)
			break;
		sleep(1);
	}
	return code ?: ni_takeover(o, epoch);
}

int main(int argc, char **argv)
{
	uint64_t i, epoch;
	struct ni_open o;
	int code;

	if (argc != 4)
		return 2;
	ni_at(argv[1]);
	code = ni_open(&o, argv[2], "u", "r", NI_RW);
	code = code ?: ni_claim(&o);
	if (code) {
		fprintf(stderr, "hosts_primary: %d\n", code);
		return 1;
	}
	epoch = o.fence_epoch;
	code = hosts_last(&o, &i);
	while (!code) {
		code = hosts_commit(&o, ++i);
		if (!code && note(argv[3], "committed", i))
			return 1;
	}
	fprintf(stderr, "hosts_primary: record %llu: %d\n", (unsigned long long)i, code);
	return !!note(argv[3], "ended", (uint64_t)(int64_t)again(&o, argv[2], epoch));
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The work that must survive: the SHA-256 of a file, and how far it has come.
 * Knows nothing of npmu.
 */
#ifndef PAIR_WORK_H
#define PAIR_WORK_H

#include <stddef.h>
#include <stdint.h>

#include <nettle/sha2.h>

#define STATE_VERSION	1
#define STEP_SIZE	65536	/* bytes of input from one checkpoint to the next */
#define READ_SIZE	16384

/*
 * All that a successor needs, and so what a checkpoint holds: plain data, no
 * pointer. It lasts longer than the program, so it says what it is: its version
 * and size (nettle may change its struct), and which file it belongs to.
 */
struct state {
	uint32_t version;
	uint32_t size;
	uint64_t offset;		/* bytes of the file that are in the sum */
	uint64_t file_size;
	int64_t file_mtime[2];		/* seconds, nanoseconds */
	struct sha256_ctx sum;
};

/* Called with the number of bytes read from the file so far. */
typedef void progress_fn(uint64_t offset);

/* All return 0, or print why not and return -1. */
int work_open_file(const char *path, struct state *fresh);
int work_continues(const struct state *found, size_t len, const struct state *fresh,
		   const char *path);
int work_step(struct state *state, int fd, const char *path, progress_fn *progress);
void work_result(const struct state *state, char hex[2 * SHA256_DIGEST_SIZE + 1]);

/* Print a message behind the program's name; returns -1. */
int complain(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif /* PAIR_WORK_H */

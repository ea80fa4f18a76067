// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The SHA-256 of a file in steps. Owns what the state means; whoever calls it
 * decides when to keep a copy of the state, and where.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "work.h"

/*
 * Open the file and make the state in which nothing of it is done yet. Returns
 * the descriptor.
 */
int work_open_file(const char *path, struct state *fresh)
{
	struct stat st;
	int fd;

	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return complain("%s: %s: name a file that can be read", path, strerror(errno));
	if (fstat(fd, &st) || !S_ISREG(st.st_mode)) {
		close(fd);
		return complain("%s is not a regular file: name one", path);
	}
	/* The padding is zero too: it is part of what is checkpointed. */
	memset(fresh, 0, sizeof(*fresh));
	fresh->version = STATE_VERSION;
	fresh->size = sizeof(*fresh);
	fresh->file_size = (uint64_t)st.st_size;
	fresh->file_mtime[0] = st.st_mtim.tv_sec;
	fresh->file_mtime[1] = st.st_mtim.tv_nsec;
	sha256_init(&fresh->sum);
	return fd;
}

/*
 * May the work go on from @found? It is a whole state that somebody committed,
 * but perhaps another version of this program, or for another file.
 */
int work_continues(const struct state *found, size_t len, const struct state *fresh,
		   const char *path)
{
	const char *why = NULL;

	if (len != sizeof(*found) || found->version != STATE_VERSION ||
	    found->size != sizeof(*found))
		why = "the checkpoint is of another version of this program";
	else if (found->file_size != fresh->file_size ||
		 memcmp(found->file_mtime, fresh->file_mtime, sizeof(found->file_mtime)))
		why = "the checkpoint is about another file, or this one has changed";
	else if (found->offset > found->file_size)
		why = "it ends before the checkpoint";
	if (why)
		return complain("%s: %s: begin with \"primary --anew\"", path, why);
	return 0;
}

/* Go on by STEP_SIZE bytes, or to the end. */
int work_step(struct state *state, int fd, const char *path, progress_fn *progress)
{
	uint64_t end = state->file_size;
	uint8_t buf[READ_SIZE];

	if (end - state->offset > STEP_SIZE)
		end = state->offset + STEP_SIZE;
	while (state->offset < end) {
		uint64_t left = end - state->offset;
		ssize_t n = pread(fd, buf, left < READ_SIZE ? left : READ_SIZE,
				  (off_t)state->offset);

		if (n < 0)
			return complain("%s: %s", path, strerror(errno));
		if (!n)
			return complain("%s became shorter: begin with \"primary --anew\"", path);
		progress(state->offset + (uint64_t)n);
		sha256_update(&state->sum, (size_t)n, buf);
		state->offset += (uint64_t)n;
	}
	return 0;
}

void work_result(const struct state *state, char hex[2 * SHA256_DIGEST_SIZE + 1])
{
	struct sha256_ctx sum = state->sum;	/* making the digest spends it */
	uint8_t digest[SHA256_DIGEST_SIZE];
	int i;

	sha256_digest(&sum, sizeof(digest), digest);
	for (i = 0; i < SHA256_DIGEST_SIZE; i++)
		sprintf(hex + 2 * i, "%02x", digest[i]);
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands share that carry checkpoints over standard input and output.
 */
#ifndef NPMU_ADMIN_CHECKPOINT_STREAM_H
#define NPMU_ADMIN_CHECKPOINT_STREAM_H

#include <npmu/region.h>

#include "admin.h"

/**
 * struct stream - a region, and what is carried
 * @inv: the command
 * @name: of the region, or of the file that stands for it
 * @region: open, not mapped by stream_open()
 * @bytes: what was read, from the region or from standard input
 * @length: of that
 * @room: of @bytes
 */
struct stream {
	const struct invocation *inv;
	const char *name;
	struct npmu_region *region;
	char *bytes;
	size_t length;
	size_t room;
};

/* DONE; else it is said. The operand is the region, or --file names a file. */
enum status stream_open(struct stream *stream, const struct invocation *inv,
			unsigned int flags);
void stream_close(struct stream *stream);
/* Says why @err came back from a call whose reason is @message (or NULL). */
enum status stream_failed(const struct stream *stream, int err, const char *message);
/* Room for so many bytes in all. False: there is no memory. */
bool stream_room(struct stream *stream, size_t length);
/*
 * On a terminal, how far work that takes a while has come: of @all bytes, 0 when that is
 * not known. @done of UINT64_MAX ends it.
 */
void stream_progress(const struct stream *stream, uint64_t done, uint64_t all);

#endif /* NPMU_ADMIN_CHECKPOINT_STREAM_H */

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What checkpoint export, follow, import and takeover share: the region or the file that
 * stands for it, the bytes on their way, and how far they have come. Knows no checkpoint.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "checkpoint_stream.h"
#include "output.h"

#define FIRST_ROOM	65536
#define SAY_AFTER	1	/* seconds that are no long time */

enum status stream_open(struct stream *stream, const struct invocation *inv,
			unsigned int flags)
{
	bool is_file = inv->given[OPT_FILE];
	bool named = inv->nr_operands == 1;
	struct npmu_error err;
	struct target target;
	int code;

	*stream = (struct stream){ .inv = inv };
	if (is_file == named)
		return usage(inv, "give UNIT/REGION, or --file PATH and no region");
	if (!is_file && !region_operand(inv, 0, &target))
		return USAGE;
	stream->name = is_file ? inv->value[OPT_FILE] : inv->operands[0];
	code = is_file ? npmu_region_open_file(stream->name, flags, &stream->region, &err) :
			 npmu_region_open(stream->name, flags, &stream->region, &err);
	if (code)
		return stream_failed(stream, code, err.text);
	/* When the region goes meanwhile, that is an error and not a SIGBUS. */
	code = npmu_region_sink(stream->region);
	if (!code)
		return DONE;
	stream_failed(stream, code, npmu_region_error(stream->region));
	stream_close(stream);
	return FAILED;
}

void stream_close(struct stream *stream)
{
	npmu_region_close(stream->region);
	free(stream->bytes);
}

enum status stream_failed(const struct stream *stream, int err, const char *message)
{
	return failed(stream->inv, stream->name, err, message);
}

bool stream_room(struct stream *stream, size_t length)
{
	size_t room = stream->room ? stream->room : FIRST_ROOM;
	char *bytes;

	while (room < length)
		room = room < SIZE_MAX / 2 ? 2 * room : length;
	if (room == stream->room)
		return true;
	bytes = realloc(stream->bytes, room);
	if (!bytes)
		return false;
	stream->bytes = bytes;
	stream->room = room;
	return true;
}

void stream_progress(const struct stream *stream, uint64_t done, uint64_t all)
{
	static time_t began, said;
	char text[2][32];
	time_t now = time(NULL);

	if (!isatty(STDERR_FILENO))
		return;
	if (done == UINT64_MAX) {
		if (said)
			fprintf(stderr, "\r\033[K");
		began = 0;
		said = 0;
		return;
	}
	if (!began)
		began = now;
	if (now - began <= SAY_AFTER || now == said)
		return;
	said = now;
	format_size(done & ~(uint64_t)0xfffff, text[0], sizeof(text[0]));
	format_size(all & ~(uint64_t)0xfffff, text[1], sizeof(text[1]));
	if (all)
		fprintf(stderr, "\r%s: %s of %s, %" PRIu64 " %%\033[K", stream->name, text[0],
			text[1], done / (all / 100 + 1));
	else
		fprintf(stderr, "\r%s: %s\033[K", stream->name, text[0]);
}

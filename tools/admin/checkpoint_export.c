// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * checkpoint export and follow: what programs committed, on standard output. Owns the form
 * of that stream. Nothing goes out that was not whole when all of it had been read.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <npmu/append.h>
#include <npmu/ckpt.h>

#include "checkpoint_stream.h"
#include "output.h"

#define TRIES	64	/* that often the writer may be faster */
#define PIECE	(1U << 20)

/* What a stream holds, besides the bytes. */
struct carried {
	const char *kind;	/* "base" or "update" */
	uint64_t sequence;
	uint64_t fence_epoch;
	uint64_t tag;
};

/* The writer overwrites what lies in the region: it is judged when it was copied. */
static int take(struct stream *stream, const void *data, uint64_t length)
{
	if (!stream_room(stream, (size_t)length))
		return -ENOMEM;
	if (length)
		memcpy(stream->bytes, data, (size_t)length);
	stream->length = (size_t)length;
	return 0;
}

static bool put(const struct stream *stream)
{
	size_t done, piece;

	for (done = 0; done < stream->length; done += piece) {
		piece = stream->length - done < PIECE ? stream->length - done : PIECE;
		if (fwrite(stream->bytes + done, 1, piece, stdout) != piece)
			break;
		stream_progress(stream, done + piece, stream->length);
	}
	stream_progress(stream, UINT64_MAX, 0);
	return output_flush();
}

/* One line before each item, which says how many bytes follow. */
static bool put_framed(const struct stream *stream, const struct carried *carried)
{
	printf("%s sequence=%" PRIu64 " fence_epoch=%" PRIu64 " tag=%" PRIu64 " length=%zu\n",
	       carried->kind, carried->sequence, carried->fence_epoch, carried->tag,
	       stream->length);
	return put(stream);
}

static bool read_only_json(const struct invocation *inv)
{
	if (inv->json)
		usage(inv, "standard output is the data: see checkpoint show --json");
	return !inv->json;
}

static int take_state(struct stream *stream, const char **why)
{
	struct npmu_ckpt_reader *reader;
	struct npmu_ckpt_info info;
	const void *data;
	int code, tries = 0;

	code = npmu_ckpt_reader_open(stream->region, &reader, NULL);
	if (code)
		return code;
	do {
		code = npmu_ckpt_peek(reader, &data, &info);
		if (!code)
			code = take(stream, data, info.length);
		if (!code && npmu_ckpt_recheck(reader, &info))
			code = -EAGAIN;
	} while (code == -EAGAIN && tries++ < TRIES);
	if (code)
		*why = npmu_ckpt_reader_error(reader);
	npmu_ckpt_reader_close(reader);
	return code;
}

/* Return: 0; or why not. */
static int take_base(struct stream *stream, struct npmu_append_reader *reader,
		     struct npmu_append_item *item)
{
	int code, tries = 0;

	do {
		code = npmu_append_read_base(reader, item);
		if (!code)
			code = take(stream, item->data, item->length);
		if (!code && npmu_append_recheck(reader, item))
			code = -EAGAIN;
	} while (code == -EAGAIN && tries++ < TRIES);
	return code;
}

static enum status export_append(struct stream *stream, struct npmu_append_reader *reader)
{
	struct npmu_append_item base, update;
	const char *why = "";
	int code;

	code = take_base(stream, reader, &base);
	if (code == -EPROTONOSUPPORT) {
		/* Of the other form, or nothing that is known. */
		code = take_state(stream, &why);
		if (code)
			return stream_failed(stream, code, why);
		return put(stream) ? DONE : FAILED;
	}
	if (code)
		return stream_failed(stream, code, code == -ENOMEM ? NULL :
				     npmu_append_reader_error(reader));
	code = npmu_append_next(reader, &update);
	if (!base.sequence)
		return stream_failed(stream, -ENODATA, code ?
				     "nothing was committed yet" :
				     "there are updates, but no base was written yet");
	if (!put(stream))
		return FAILED;
	if (!code)
		complain("%s: updates follow this base: 'checkpoint follow' has them",
			 stream->name);
	return DONE;
}

enum status checkpoint_export(const struct invocation *inv)
{
	struct npmu_append_reader *reader = NULL;
	struct stream stream;
	struct npmu_error err;
	enum status status;
	int code;

	if (!read_only_json(inv))
		return USAGE;
	status = stream_open(&stream, inv, NPMU_OPEN_READ);
	if (status != DONE)
		return status;
	code = npmu_region_map(stream.region, NPMU_MAP_LAZY);
	if (code)
		status = stream_failed(&stream, code, npmu_region_error(stream.region));
	else if (npmu_append_reader_open(stream.region, &reader, &err))
		status = stream_failed(&stream, err.code, err.text);
	else
		status = export_append(&stream, reader);
	npmu_append_reader_close(reader);
	stream_close(&stream);
	return status;
}

/* Return: 0: there is something to look at; or an errno. */
static int wait_for_more(struct npmu_append_reader *reader)
{
	struct npmu_append_who who;
	int code = npmu_append_wait(reader, UINT64_MAX);

	/* Whoever writes now: that is seen, and waiting goes on. */
	if (code == 1)
		code = npmu_append_who(reader, &who);
	return code == -EINTR ? 0 : code;
}

/*
 * The next item. Return: 0; -ENODATA: not yet; -EOVERFLOW: the base comes next, and holds
 * what was passed over; or an errno.
 */
static int take_next(struct stream *stream, struct npmu_append_reader *reader,
		     bool *begun, struct carried *carried)
{
	struct npmu_append_item item;
	int code;

	if (!*begun) {
		code = take_base(stream, reader, &item);
		*begun = !code;
		carried->kind = "base";
		/* The empty one before any other is nobody's. */
		if (!code && !item.sequence)
			return -ENODATA;
	} else {
		code = npmu_append_next(reader, &item);
		if (!code) {
			code = take(stream, item.data, item.length);
			if (!code && npmu_append_recheck(reader, &item))
				code = -EOVERFLOW;
		}
		if (code == -ESTALE)
			code = -EOVERFLOW;
		*begun = code != -EOVERFLOW;
		carried->kind = "update";
	}
	carried->sequence = item.sequence;
	carried->fence_epoch = item.fence_epoch;
	carried->tag = item.tag;
	return code;
}

static enum status follow(struct stream *stream, struct npmu_append_reader *reader,
			  uint64_t count)
{
	bool framed = stream->inv->given[OPT_FRAMED];
	struct carried carried;
	bool begun = false;
	uint64_t n = 0;
	int code;

	while (!count || n < count) {
		code = take_next(stream, reader, &begun, &carried);
		if (!code) {
			if (!(framed ? put_framed(stream, &carried) : put(stream)))
				return FAILED;
			n++;
			continue;
		}
		/* A later base says all anew, which bytes alone cannot say. */
		if (code == -EOVERFLOW && (framed || !n))
			continue;
		if (code == -ENODATA) {
			code = wait_for_more(reader);
			if (!code)
				continue;
		}
		return stream_failed(stream, code, code == -ENOMEM ? NULL : code == -EOVERFLOW ?
				     "updates were overwritten before they were read" :
				     npmu_append_reader_error(reader));
	}
	return DONE;
}

enum status checkpoint_follow(const struct invocation *inv)
{
	struct npmu_append_reader *reader = NULL;
	struct stream stream;
	struct npmu_error err;
	enum status status;
	uint64_t count = 0;
	int code;

	if (!read_only_json(inv))
		return USAGE;
	if (inv->given[OPT_COUNT] && !number_value(inv, OPT_COUNT, 1, UINT64_MAX, &count))
		return USAGE;
	status = stream_open(&stream, inv, NPMU_OPEN_READ);
	if (status != DONE)
		return status;
	code = npmu_region_map(stream.region, NPMU_MAP_LAZY);
	if (code)
		status = stream_failed(&stream, code, npmu_region_error(stream.region));
	else if (npmu_append_reader_open(stream.region, &reader, &err))
		status = stream_failed(&stream, err.code, err.text);
	else
		status = follow(&stream, reader, count);
	npmu_append_reader_close(reader);
	stream_close(&stream);
	return status;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * checkpoint import and takeover: the commands that become the writer of a region, for as
 * long as they run. Owns the order: what can be known before is refused before the role is
 * taken.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <npmu/append.h>
#include <npmu/ckpt.h>

#include "checkpoint_room.h"
#include "checkpoint_stream.h"
#include "output.h"

static const struct column columns[] = {
	{ "region", "region", FORM_PLAIN },
	{ "form", "form", FORM_PLAIN },
	{ "fence_epoch", "fence epoch", FORM_PLAIN },
	{ "sequence", "sequence", FORM_PLAIN },
	{ "length", "length", FORM_PLAIN },
	{ "tag", "tag", FORM_PLAIN },
	{ NULL },
};

/* What the region holds. */
enum holds { NOTHING, APPEND, OVERWRITE };

static const char *const form_names[] = { "none", "append", "overwrite" };

/* Return: enum holds; or an errno, and *@why. */
static int find_form(struct npmu_region *region, const char **why)
{
	struct npmu_append_reader *append;
	struct npmu_ckpt_reader *overwrite;
	struct npmu_append_item item;
	struct npmu_ckpt_info info;
	const void *data;
	int code;

	code = npmu_append_reader_open(region, &append, NULL);
	if (code)
		return code;
	code = npmu_append_read_base(append, &item);
	npmu_append_reader_close(append);
	if (code == -ENODATA)
		return NOTHING;
	/* Who would fence the writer would gain nothing by it. */
	if (code == -EUCLEAN) {
		*why = "the checkpoint that is there is damaged";
		return code;
	}
	if (code != -EPROTONOSUPPORT)
		/* What is in a hurry is there. */
		return code == -EMEDIUMTYPE ? code : APPEND;
	code = npmu_ckpt_reader_open(region, &overwrite, NULL);
	if (code)
		return code;
	code = npmu_ckpt_peek(overwrite, &data, &info);
	if (code == -EPROTONOSUPPORT)
		*why = "a checkpoint of another version";
	npmu_ckpt_reader_close(overwrite);
	return code == -EPROTONOSUPPORT || code == -ENOMEM ? code : OVERWRITE;
}

/* Become the writer; the region is mapped for writing. Without --takeover nobody is fenced. */
static enum status become_writer(struct stream *stream, enum option_id epoch_option)
{
	struct npmu_region *region = stream->region;
	uint64_t expected, current = 0;
	char why[96] = "";
	int code;

	if (stream->inv->given[epoch_option]) {
		if (!number_value(stream->inv, epoch_option, 0, UINT64_MAX, &expected))
			return USAGE;
		code = npmu_region_takeover(region, expected, &current);
		if (code == -ESTALE)
			snprintf(why, sizeof(why), "the fence epoch is %" PRIu64 ", not %" PRIu64,
				 current, expected);
	} else {
		code = npmu_region_claim(region, NULL);
		if (code == -EBUSY)
			snprintf(why, sizeof(why), "it has a writer, or one is being fenced");
	}
	if (!code) {
		npmu_region_unmap(region);
		code = npmu_region_map(region, NPMU_MAP_WRITE | NPMU_MAP_LAZY);
	}
	if (!code)
		return DONE;
	return stream_failed(stream, code, *why ? why : npmu_region_error(region));
}

static void add_writer(struct json_object *row, const struct stream *stream, int form,
		       uint64_t sequence)
{
	record_text(row, "region", stream->name);
	record_text(row, "form", form_names[form]);
	record_number(row, "fence_epoch", npmu_region_fence_epoch(stream->region));
	record_number(row, "sequence", sequence);
}

/* All of standard input; what cannot be there is not read to its end. */
static enum status read_input(struct stream *stream)
{
	uint64_t most = npmu_region_size(stream->region);
	ssize_t n;

	do {
		if (stream->length > most)
			return stream_failed(stream, -EMSGSIZE,
					     "standard input is longer than the region");
		if (!stream_room(stream, stream->length + 65536))
			return stream_failed(stream, -ENOMEM, NULL);
		n = read(STDIN_FILENO, stream->bytes + stream->length,
			 stream->room - stream->length);
		if (n > 0)
			stream->length += (size_t)n;
		stream_progress(stream, stream->length, 0);
	} while (n > 0 || (n < 0 && errno == EINTR));
	stream_progress(stream, UINT64_MAX, 0);
	if (!n)
		return DONE;
	complain("standard input: %s", strerror(errno));
	return FAILED;
}

static enum status commit_base(struct stream *stream, uint64_t tag, uint64_t *sequence)
{
	struct iovec iov = { stream->bytes, stream->length };
	struct npmu_append_options options = { .size = sizeof(options) };
	struct npmu_append_writer *writer;
	struct npmu_error err;
	int code;

	/* A third of the region is for one base, unless that is too little. */
	if (stream->length > npmu_region_size(stream->region) / 3 - 8192)
		options.base_capacity = stream->length;
	if (npmu_append_writer_open(stream->region, &options, &writer, &err))
		return stream_failed(stream, err.code, err.text);
	code = npmu_append_base(writer, &iov, 1, tag);
	*sequence = npmu_append_sequence(writer);
	if (code)
		stream_failed(stream, code, npmu_append_writer_error(writer));
	npmu_append_writer_close(writer);
	return code ? FAILED : DONE;
}

static enum status commit_state(struct stream *stream, uint64_t tag, uint64_t *sequence)
{
	struct npmu_ckpt_writer *writer;
	struct npmu_error err;
	int code;

	if (npmu_ckpt_writer_open(stream->region, stream->length, 0, &writer, &err))
		return stream_failed(stream, err.code, err.text);
	code = npmu_ckpt_commit(writer, stream->bytes, stream->length, tag);
	*sequence = npmu_ckpt_writer_sequence(writer);
	if (code)
		stream_failed(stream, code, npmu_ckpt_writer_error(writer));
	npmu_ckpt_writer_close(writer);
	return code ? FAILED : DONE;
}

/* What would be refused after all of standard input was read. */
static enum status may_write(const struct stream *stream)
{
	struct npmu_ioc_info info;
	int code = npmu_region_info(stream->region, &info);

	if (code)
		return stream_failed(stream, code, npmu_region_error(stream->region));
	if (info.writer_id && !stream->inv->given[OPT_TAKEOVER])
		return stream_failed(stream, -EBUSY, "it has a writer");
	return DONE;
}

/* Maps to see what is there. Return: DONE with @form; else it is said. */
static enum status look(struct stream *stream, int *form)
{
	const char *why = NULL;

	*form = npmu_region_map(stream->region, NPMU_MAP_LAZY);
	if (*form)
		return stream_failed(stream, *form, npmu_region_error(stream->region));
	*form = find_form(stream->region, &why);
	return *form < 0 ? stream_failed(stream, *form, why) : DONE;
}

/* What would be refused after the writer was fenced, or the role taken. */
static enum status must_fit(const struct stream *stream)
{
	char why[96];
	uint64_t most;
	int code;

	code = checkpoint_room(npmu_region_addr(stream->region),
			       npmu_region_size(stream->region), &most);
	if (code)
		return stream_failed(stream, code, "the checkpoint that is there changed meanwhile");
	if (stream->length <= most)
		return DONE;
	snprintf(why, sizeof(why), "it holds %" PRIu64 " bytes at most, standard input has %zu",
		 most, stream->length);
	return stream_failed(stream, -ENOSPC, why);
}

static enum status import(struct stream *stream, uint64_t tag)
{
	struct json_object *row;
	enum status status;
	uint64_t sequence = 0;
	int form = NOTHING;

	status = may_write(stream);
	if (status == DONE)
		status = look(stream, &form);
	if (status == DONE)
		status = read_input(stream);
	if (status == DONE)
		status = must_fit(stream);
	if (status == DONE)
		status = become_writer(stream, OPT_TAKEOVER);
	/* It may have been made since. */
	if (status == DONE && form == NOTHING)
		form = APPEND;
	if (status == DONE)
		status = form == APPEND ? commit_base(stream, tag, &sequence) :
					  commit_state(stream, tag, &sequence);
	if (status != DONE)
		return status;
	row = record_new();
	add_writer(row, stream, form, sequence);
	record_number(row, "length", stream->length);
	record_number(row, "tag", tag);
	print_record(stream->inv, row, columns);
	json_object_put(row);
	return DONE;
}

enum status checkpoint_import(const struct invocation *inv)
{
	struct stream stream;
	enum status status;
	uint64_t tag = 0, epoch;

	if (inv->given[OPT_TAG] && !number_value(inv, OPT_TAG, 0, UINT64_MAX, &tag))
		return USAGE;
	if (inv->given[OPT_TAKEOVER] && !number_value(inv, OPT_TAKEOVER, 0, UINT64_MAX, &epoch))
		return USAGE;
	status = stream_open(&stream, inv, NPMU_OPEN_WRITE);
	if (status != DONE)
		return status;
	status = import(&stream, tag);
	stream_close(&stream);
	return status;
}

static enum status take_over(struct stream *stream)
{
	struct npmu_append_writer *writer = NULL;
	struct npmu_error err;
	struct json_object *row;
	enum status status;
	int form;

	status = look(stream, &form);
	if (status == DONE)
		status = become_writer(stream, OPT_EXPECTED_EPOCH);
	/* The seal: what the former writer committed ends here. */
	if (status == DONE && form == APPEND &&
	    npmu_append_writer_open(stream->region, NULL, &writer, &err))
		status = stream_failed(stream, err.code, err.text);
	if (status != DONE)
		return status;
	row = record_new();
	add_writer(row, stream, form, writer ? npmu_append_sequence(writer) : 0);
	npmu_append_writer_close(writer);
	print_record(stream->inv, row, columns);
	json_object_put(row);
	return DONE;
}

enum status checkpoint_takeover(const struct invocation *inv)
{
	struct stream stream;
	enum status status;
	uint64_t epoch;

	if (!inv->given[OPT_EXPECTED_EPOCH])
		return usage(inv, "needs --expected-epoch: see region show");
	if (!number_value(inv, OPT_EXPECTED_EPOCH, 0, UINT64_MAX, &epoch))
		return USAGE;
	status = stream_open(&stream, inv, NPMU_OPEN_WRITE);
	if (status != DONE)
		return status;
	status = take_over(&stream);
	stream_close(&stream);
	return status;
}

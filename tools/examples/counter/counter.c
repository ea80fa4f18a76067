// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The smallest process pair in the append form: numbers on standard input are summed
 * up. Start it twice on one region: the first is the primary, the second stands by, and
 * goes on with the sum when the first is gone. Documentation/process-pair.rst explains it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <npmu/append.h>

/* The state, which a base holds whole. Never a pointer. */
struct state {
	long long sum;
	unsigned long long numbers;
};

/* An update: what turns one state into the next. */
struct change {
	long long number;
};

static struct state state;

static int give_up(const char *what, const char *why)
{
	fprintf(stderr, "counter: %s: %s\n", what, why);
	return EXIT_FAILURE;
}

/* The ring is full: a base that holds all updates so far makes room. */
static int write_base(struct npmu_append_writer *writer, void *context)
{
	struct state *whole = context;
	struct iovec iov = { whole, sizeof(*whole) };

	return npmu_append_base(writer, &iov, 1, 0);
}

static const struct npmu_append_options options = {
	.size = sizeof(options),
	.full = NPMU_APPEND_FULL_BASE,
	.write_base = write_base,
	.context = &state,
};

/* First commit, then act on it: what nobody has seen may be lost, nothing else. */
static int work(struct npmu_append_writer *writer)
{
	struct change change;
	struct iovec iov = { &change, sizeof(change) };
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		change.number = strtoll(line, NULL, 10);
		if (npmu_append_update(writer, &iov, 1, 0))
			return give_up("update", npmu_append_writer_error(writer));
		state.sum += change.number;
		state.numbers++;
		printf("%llu %lld\n", state.numbers, state.sum);
		fflush(stdout);
	}
	return EXIT_SUCCESS;
}

/* The state is copied, then judged: was it still whole when we had copied it? */
static int take_base(struct npmu_append_reader *reader)
{
	struct npmu_append_item item;
	int code;

	do {
		code = npmu_append_read_base(reader, &item);
		if (code)
			return code;
		memset(&state, 0, sizeof(state));
		if (item.length == sizeof(state))
			memcpy(&state, item.data, sizeof(state));
	} while (npmu_append_recheck(reader, &item));
	return 0;
}

/* Everything unread; at first that is the base. Return: 0: nothing is left. */
static int catch_up(struct npmu_append_reader *reader)
{
	struct npmu_append_item item;
	struct change change;
	int code = 0;

	while (!code) {
		code = npmu_append_next(reader, &item);
		if (code == -ENODATA)
			return 0;
		if (!code && item.length == sizeof(change)) {
			memcpy(&change, item.data, sizeof(change));
			if (!npmu_append_recheck(reader, &item)) {
				state.sum += change.number;
				state.numbers++;
				continue;
			}
		}
		/* The base comes first; also when the primary was a ring ahead, or began anew. */
		if (!code || code == -EOVERFLOW || code == -ESTALE)
			code = take_base(reader);
	}
	return code;
}

/* Follow the primary until it is gone, then take its place. */
static int stand_by(struct npmu_region *region, struct npmu_append_writer **writer,
		    struct npmu_error *err)
{
	struct npmu_append_reader *reader;
	struct npmu_append_who who;
	int code;

	code = npmu_append_reader_open(region, &reader, err);
	if (code)
		return code;
	for (;;) {
		code = npmu_append_wait(reader, UINT64_MAX);
		if (code >= 0)
			code = catch_up(reader);
		if (!code)
			code = npmu_append_who(reader, &who);
		if (code) {
			snprintf(err->text, sizeof(err->text), "%s",
				 npmu_append_reader_error(reader));
			break;
		}
		if (who.alive)
			continue;
		code = npmu_append_takeover(reader, who.current_epoch, &options, writer, err);
		/* -ESTALE: another standby was faster: go on following. */
		if (!code)
			code = catch_up(reader);
		else if (code == -ESTALE)
			continue;
		if (!code)
			fprintf(stderr, "counter: takeover from process %u at %llu numbers\n",
				who.pid, state.numbers);
		break;
	}
	npmu_append_reader_close(reader);
	return code;
}

int main(int argc, char **argv)
{
	struct npmu_append_writer *writer = NULL;
	struct npmu_region *region;
	struct npmu_error err = { 0 };
	int status;

	if (argc != 2) {
		fprintf(stderr, "usage: counter UNIT/REGION\n");
		return 2;
	}
	if (npmu_region_open(argv[1], NPMU_OPEN_WRITE, &region, &err))
		return give_up("open", err.text);
	/* Without a checkpoint there is nobody to follow: the first one makes it. */
	if (!npmu_region_claim(region, NULL) && !npmu_region_map(region, NPMU_MAP_WRITE)) {
		struct npmu_append_reader *reader;

		if (npmu_append_writer_open(region, &options, &writer, &err))
			return give_up("writer", err.text);
		if (npmu_append_reader_open(region, &reader, &err) || catch_up(reader))
			return give_up("what was there", "it cannot be read");
		npmu_append_reader_close(reader);
	} else if (npmu_region_map(region, 0) || stand_by(region, &writer, &err)) {
		return give_up("standby", err.text[0] ? err.text : npmu_region_error(region));
	}
	status = work(writer);
	npmu_append_writer_close(writer);
	npmu_region_close(region);
	return status;
}

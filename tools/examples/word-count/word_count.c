// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-word-count: a process pair that counts the words of a file. Start it as often as you
 * like on one region and one file: the first is the primary and counts, the others follow
 * it update by update. When the primary is gone, at any point, one of them goes on.
 *
 * This file is the whole use of the library: what the primary does, what a standby does,
 * and the loop around both. What is counted is in table.c.
 *
 * The state is a table of words and how far the file was read. An update is the same for a
 * piece of the file; a base is an update to nothing. So one function takes both, in both roles.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <npmu/append.h>

#include "table.h"

/* Tells our checkpoints from those of other programs in the same form. */
#define TAG		0x6e756f6364726f77ULL	/* "wordcoun" */
#define BATCH		16384			/* bytes of the file for each update */

#define QUIET_NS	1000000000		/* a standby looks after so long */

/* What bases and updates begin with; the content of a table follows. */
struct head {
	uint64_t offset;	/* so far the file was read then */
	uint64_t file_size;
};

struct pair {
	const char *region_name;
	const char *path;
	int fd;
	unsigned int slow_us;	/* sleep after each update, so that there is time to die */
	int verbose;
	struct npmu_append_options options;
	struct npmu_region *region;
	struct head head;	/* the state, and */
	struct table table;	/* the rest of it */
	int begun;		/* the base in this region is part of it */
};

/* Where stand_by() and work() end, besides errors. */
#define COMPLETE	1

static int complain(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static int complain(int code, const char *format, ...)
{
	va_list args;

	fputs("npmu-word-count: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return code;
}

/* An event, in one write: processes may share a log. */
static void tell(const struct pair *p, const char *what)
{
	char line[160];
	int length = snprintf(line, sizeof(line), "pid=%d %s offset=%" PRIu64 "\n",
			      (int)getpid(), what, p->head.offset);

	if (write(STDERR_FILENO, line, (size_t)length) != length)
		exit(complain(EXIT_FAILURE, "stderr: %s", strerror(errno)));
}

static int complete(const struct pair *p)
{
	return p->head.offset == p->head.file_size;
}

/* The one place where an update becomes part of the state. */
static int apply(struct pair *p, const struct head *head, const void *bytes, size_t length)
{
	if (head->file_size != p->head.file_size || head->offset > head->file_size)
		return -EINVAL;
	p->head.offset = head->offset;
	return table_add_all(&p->table, bytes, length);
}

/* Reading ------------------------------------------------------------------------------ */

/* The same for what comes from the region: used where it lies there. */
static int apply_item(struct pair *p, const struct npmu_append_item *item)
{
	struct head head;

	if (item->tag != TAG || item->length < sizeof(head))
		return -EINVAL;
	memcpy(&head, item->data, sizeof(head));
	return apply(p, &head, (const char *)item->data + sizeof(head),
		     item->length - sizeof(head));
}

/* From nothing, the base: whatever we had is thrown away. */
static int take_base(struct pair *p, struct npmu_append_reader *reader)
{
	struct npmu_append_item item;
	int code, whole = 0;

	do {
		code = npmu_append_read_base(reader, &item);
		if (code == -EAGAIN)
			continue;
		if (code)
			return code;
		table_clear(&p->table);
		p->head.offset = 0;
		/* The empty base before any other is no application's. */
		if (item.sequence)
			code = apply_item(p, &item);
		/*
		 * The primary never waits for us, so it may have overwritten what we
		 * were reading. Only now we know, and before we must believe nothing,
		 * not even that it makes no sense.
		 */
		whole = !npmu_append_recheck(reader, &item);
	} while (!whole);
	p->begun = !code;
	return code;
}

/* Everything unread. Return: 0: nothing is left; -ENODATA: nobody wrote anything yet. */
static int catch_up(struct pair *p, struct npmu_append_reader *reader)
{
	struct npmu_append_item item;
	int code = p->begun ? 0 : take_base(p, reader);

	while (!code) {
		code = npmu_append_next(reader, &item);
		if (code == -ENODATA)
			return 0;
		if (!code) {
			code = apply_item(p, &item);
			if (!npmu_append_recheck(reader, &item)) {
				if (code)
					return code;
				continue;
			}
			code = -EOVERFLOW;
		}
		/* The primary was a whole ring ahead, or began anew: its base has it all. */
		if (code == -EOVERFLOW || code == -ESTALE)
			code = take_base(p, reader);
	}
	return code;
}

static int cannot_read(const struct pair *p, const struct npmu_append_reader *reader, int code)
{
	if (code == -EINVAL)
		return complain(code, "%s holds something else, or the count of another file: name another region",
				p->region_name);
	return complain(code, "%s: %s", p->region_name, npmu_append_reader_error(reader));
}

/* Taking over -------------------------------------------------------------------------- */

/* The writer role is ours, but not the state yet: at the start, or after a detour. */
static int begin(struct pair *p, struct npmu_append_writer **writer)
{
	struct npmu_append_reader *reader;
	struct npmu_error err;
	int code;

	/* It seals what is there; then that is read. */
	code = npmu_append_writer_open(p->region, &p->options, writer, &err);
	if (!code)
		code = npmu_append_reader_open(p->region, &reader, &err);
	if (code)
		return complain(code, "%s: %s", p->region_name, err.text);
	p->begun = 0;
	code = catch_up(p, reader);
	if (code)
		cannot_read(p, reader, code);
	else
		tell(p, "primary");
	npmu_append_reader_close(reader);
	return code;
}

/*
 * The primary is gone. Return: 0: we are the writer, the state is all that it had
 * committed; -EAGAIN: not yet, or another standby was faster; -ENODATA: nobody wrote
 * anything yet.
 */
static int take_over(struct pair *p, struct npmu_append_reader *reader,
		     const struct npmu_append_who *who, struct npmu_append_writer **writer)
{
	struct npmu_append_options options = p->options;
	struct npmu_error err;
	int code;

	/* The sizes are what they are. */
	options.ring_size = 0;
	code = npmu_append_takeover(reader, who->current_epoch, &options, writer, &err);
	switch (code) {
	case 0:
		/* What it had committed and we had not read. */
		code = catch_up(p, reader);
		if (code)
			return cannot_read(p, reader, code);
		tell(p, "takeover");
		return 0;
	case -ESTALE:		/* the epoch is another's already */
	case -ETIMEDOUT:	/* the old one is not out of it yet */
		return -EAGAIN;
	case -EOVERFLOW:	/* we are the writer, but were too far behind */
		return begin(p, writer);
	case -ENODATA:
		return code;
	default:
		return complain(code, "%s: %s", p->region_name, err.text);
	}
}

/*
 * Follow the primary until it is gone. Return: as take_over(); COMPLETE: all is counted.
 * The table is the primary's of this moment all the time, so that taking over takes no
 * longer with a large one.
 */
static int stand_by(struct pair *p, struct npmu_append_writer **writer)
{
	struct npmu_append_reader *reader;
	struct npmu_append_who who;
	struct npmu_error err;
	int code, event = 1;

	code = npmu_append_reader_open(p->region, &reader, &err);
	if (code)
		return complain(code, "%s: %s", p->region_name, err.text);
	tell(p, "standby");
	for (;;) {
		code = catch_up(p, reader);
		if (!code && complete(p)) {
			code = COMPLETE;
			break;
		}
		/* An event besides updates: the role changed, or all is quiet. */
		if (event && (!code || code == -ENODATA)) {
			code = npmu_append_who(reader, &who);
			if (!code && !who.alive) {
				code = take_over(p, reader, &who, writer);
				if (code != -EAGAIN)
					break;
				code = 0;
			}
		}
		if (code && code != -ENODATA) {
			cannot_read(p, reader, code);
			break;
		}
		event = npmu_append_wait(reader, QUIET_NS);
		if (event == -ESTALE) {
			/* The region is no more: opening it again says why. */
			code = event;
			break;
		}
	}
	npmu_append_reader_close(reader);
	return code;
}

/* The primary -------------------------------------------------------------------------- */

/* Called when the ring is full: a base that holds all updates so far makes room. */
static int write_base(struct npmu_append_writer *writer, void *context)
{
	struct pair *p = context;
	struct iovec iov[] = {
		{ &p->head, sizeof(p->head) },
		{ p->table.bytes, p->table.length },
	};

	/* Straight from the table's memory: nothing is packed or copied before. */
	return npmu_append_base(writer, iov, 2, TAG);
}

/* Counts the next piece of the file. Return: its bytes; or an error, which is said. */
static ssize_t count_batch(const struct pair *p, struct table *batch)
{
	char text[BATCH];
	ssize_t bytes = pread(p->fd, text, sizeof(text), (off_t)p->head.offset);
	int last;

	if (bytes <= 0)
		return complain(-EIO, "%s: %s", p->path,
				bytes ? strerror(errno) : "it became shorter");
	last = p->head.offset + (uint64_t)bytes >= p->head.file_size;
	table_clear(batch);
	bytes = table_count(batch, text, (size_t)bytes, last);
	if (bytes <= 0)
		return complain(-EIO, "%s: %s", p->path, bytes ? "out of memory" :
				"a word is longer than can be counted: this is for text");
	return bytes;
}

/* From the state to the end of the file: where a primary spends its life. */
static int work(struct pair *p, struct npmu_append_writer *writer)
{
	struct table batch = { 0 };
	int code = 0;

	while (!complete(p)) {
		ssize_t bytes = count_batch(p, &batch);
		struct head head = p->head;
		struct iovec iov[] = {
			{ &head, sizeof(head) },
			{ batch.bytes, batch.length },
		};

		if (bytes < 0) {
			code = (int)bytes;
			goto out;
		}
		head.offset += (uint64_t)bytes;
		/*
		 * The whole of it: when this returns 0 the update is durable, and a
		 * standby that sleeps was woken. It waits for none of them, and does
		 * not know whether there are any.
		 */
		code = npmu_append_update(writer, iov, 2, TAG);
		if (code)
			break;
		/* First committed, then applied, and then told to others. */
		code = apply(p, &head, batch.bytes, batch.length);
		if (code) {
			complain(code, "out of memory");
			goto out;
		}
		if (p->verbose)
			tell(p, "commit");
		if (p->slow_us)
			usleep(p->slow_us);
	}
	if (code == -ESTALE)
		/* Fenced: somebody else has it now, and what we did since counts nothing. */
		tell(p, "fenced");
	else if (code == -EMSGSIZE)
		complain(code, "%s is too small for this table: npmu-admin region create with a larger --size",
			 p->region_name);
	else if (code)
		complain(code, "%s: %s", p->region_name, npmu_append_writer_error(writer));
	else
		code = COMPLETE;
out:
	table_clear(&batch);
	return code;
}

/* Both --------------------------------------------------------------------------------- */

/* Once through a role or two. Return: COMPLETE; or why it ended. */
static int live(struct pair *p)
{
	struct npmu_append_writer *writer = NULL;
	struct npmu_error err;
	int code, standby;

	p->begun = 0;
	/* Opening for writing claims nothing: that comes with the role. */
	if (npmu_region_open(p->region_name, NPMU_OPEN_WRITE, &p->region, &err))
		return complain(err.code, "%s", err.text);
	/* A store that meets a fence is to go nowhere, where the default is a SIGBUS. */
	code = npmu_region_sink(p->region);
	/* Who has the role need not be configured: whoever comes first. */
	if (!code)
		code = npmu_region_claim(p->region, NULL);
	standby = code == -EBUSY;
	if (!code || standby)
		code = npmu_region_map(p->region, standby ? 0 : NPMU_MAP_WRITE);
	if (code)
		complain(code, "%s: %s", p->region_name, npmu_region_error(p->region));
	else
		code = standby ? stand_by(p, &writer) : begin(p, &writer);
	if (!code)
		code = work(p, writer);
	npmu_append_writer_close(writer);
	npmu_region_close(p->region);
	return code;
}

static int usage(void)
{
	return complain(2, "usage: npmu-word-count [--ring BYTES] [--slow US] [--verbose] UNIT/REGION FILE");
}

static int read_arguments(struct pair *p, int argc, char **argv)
{
	static const struct option options[] = {
		{ "ring", required_argument, NULL, 'r' },
		{ "slow", required_argument, NULL, 's' },
		{ "verbose", no_argument, NULL, 'v' },
		{ NULL, 0, NULL, 0 },
	};
	struct stat st;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c == 'r')
			p->options.ring_size = strtoull(optarg, NULL, 10);
		else if (c == 's')
			p->slow_us = (unsigned int)strtoul(optarg, NULL, 10);
		else if (c == 'v')
			p->verbose = 1;
		else
			return usage();
	}
	if (argc - optind != 2)
		return usage();
	p->region_name = argv[optind];
	p->path = argv[optind + 1];
	p->fd = open(p->path, O_RDONLY | O_CLOEXEC);
	if (p->fd < 0 || fstat(p->fd, &st))
		return complain(EXIT_FAILURE, "%s: %s", p->path, strerror(errno));
	if (!S_ISREG(st.st_mode))
		return complain(EXIT_FAILURE, "%s is not a regular file: only that can be read again",
				p->path);
	p->head.file_size = (uint64_t)st.st_size;
	return 0;
}

int main(int argc, char **argv)
{
	struct pair p = {
		.options = {
			.size = sizeof(p.options),
			.full = NPMU_APPEND_FULL_BASE,
			.write_base = write_base,
			.context = &p,
		},
	};
	int code = read_arguments(&p, argc, argv);

	if (code)
		return code;
	/*
	 * One that was fenced comes back and stands by. And where the first one died before
	 * there was a checkpoint to take over, the next is the first.
	 */
	do {
		code = live(&p);
	} while (code == -ESTALE || code == -ENODATA);
	if (code != COMPLETE)
		return EXIT_FAILURE;
	if (table_print(&p.table))
		return complain(EXIT_FAILURE, "stdout: %s", strerror(errno));
	return EXIT_SUCCESS;
}

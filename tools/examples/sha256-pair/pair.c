// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * npmu-sha256-pair: a process pair. A primary computes the SHA-256 of a file and
 * keeps its state in a region of an npmu unit; when it dies, at any point, a
 * backup on the same machine goes on from there, and so on.
 *
 * This file is the whole use of the library: what the primary does, what the
 * backup does, and the loop that both end in. The work itself is in work.c;
 * measure.c is for the demo only.
 */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <poll.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <npmu/ckpt.h>
#include <npmu/npmu.h>
#include <npmu/region.h>

#include "../../common/timing.h"
#include "measure.h"
#include "work.h"

/* Exit statuses, besides 0 and 1. */
#define EXIT_USAGE	2
#define EXIT_FENCED	3

/* Tells our checkpoints from those of other programs in the same form. */
#define TAG		0x7269617036353261ULL	/* "a256pair" */

int complain(const char *format, ...)
{
	va_list args;

	fputs("npmu-sha256-pair: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return -1;
}

/* An event of this process for who watches: time of day, role, key=value ... */
__attribute__((format(printf, 1, 2)))
static void tell(const char *format, ...)
{
	struct timeval now;
	va_list args;

	gettimeofday(&now, NULL);
	printf("%lld.%06ld pid=%d ", (long long)now.tv_sec, (long)now.tv_usec, (int)getpid());
	va_start(args, format);
	vprintf(format, args);
	va_end(args);
	putchar('\n');
	fflush(stdout);
}

#define REGION_SIZE	65536	/* of one that is made */
#define PATIENCE	120	/* seconds for a unit that is out of reach */

/* What both roles know. */
struct pair {
	const char *region_name;
	const char *path;
	int create;			/* the region, where there is none */
	int fd;
	struct npmu_region *region;
	struct state fresh;		/* nothing done yet */
	struct state state;		/* the work */
};

/*
 * Open the region for writing. That alone claims nothing: it is one entry of the
 * unit's translation and protection table, and the writer role comes later.
 */
static int open_region(struct pair *p)
{
	struct npmu_error err;
	int code;

	code = npmu_region_open(p->region_name, NPMU_OPEN_WRITE, &p->region, &err);
	/* A unit on another host makes one for a principal that may create there. */
	if (code == -ENOENT && p->create) {
		code = npmu_region_create(p->region_name, REGION_SIZE, &err);
		if (!code || code == -EEXIST)
			code = npmu_region_open(p->region_name, NPMU_OPEN_WRITE, &p->region, &err);
	}
	if (code)
		return complain("%s", err.text);
	/*
	 * If a successor fences us while we live, the next commit returns -ESTALE.
	 * One that the fence overtakes stores into a mapping that is no longer
	 * ours: let it go nowhere, where the default is a SIGBUS.
	 */
	if (npmu_region_sink(p->region))
		return complain("%s: %s", p->region_name, npmu_region_error(p->region));
	return 0;
}

/*
 * Read the checkpoint into p->state, or nothing done yet if there is none, and see
 * whether we may go on from it. Needs a mapping, not the writer role: this works
 * beside a writer that runs, too.
 */
static int read_state(struct pair *p)
{
	struct npmu_ckpt_reader *reader;
	struct npmu_ckpt_info info;
	struct npmu_error err;
	int code;

	if (npmu_ckpt_reader_open(p->region, &reader, &err))
		return complain("%s: %s", p->region_name, err.text);
	do {
		code = npmu_ckpt_read(reader, &p->state, sizeof(p->state), &info);
	} while (code == -EAGAIN);	/* the writer was faster */
	if (code == -ENODATA) {
		p->state = p->fresh;
		code = 0;
	} else if (code && code != -EMSGSIZE) {
		complain("%s: %s: use another region, or a new one: npmu-admin region create",
			 p->region_name, npmu_ckpt_reader_error(reader));
	} else if (info.tag != TAG) {
		code = complain("%s holds the checkpoint of another program: use another region",
				p->region_name);
	} else {
		code = work_continues(&p->state, info.length, &p->fresh, p->path);
	}
	npmu_ckpt_reader_close(reader);
	return code;
}

/*
 * The unit of another host is out of reach: its wire is cut, or its power. Go on when it is there
 * again, for there is nowhere else to keep the state; and as the writer only if nobody else has
 * been that since: else it is -ESTALE.
 */
static int reconnect(struct pair *p)
{
	const struct timespec pause = { .tv_nsec = 200000000 };
	uint64_t end = timing_now_ns() + PATIENCE * 1000000000ULL;
	struct npmu_error err;
	int code;

	tell("lost offset=%" PRIu64, p->state.offset);
	while ((code = npmu_region_reconnect(p->region, &err)) && code != -ESTALE &&
	       timing_now_ns() < end)
		nanosleep(&pause, NULL);
	if (!code)
		tell("reconnected fence_epoch=%" PRIu64, npmu_region_fence_epoch(p->region));
	else if (code != -ESTALE)
		complain("%s", err.text);
	return code;
}

/* A writer that has found out what of the last commit is there, after a reconnect. */
static int write_again(struct pair *p, struct npmu_ckpt_writer **writer)
{
	struct npmu_error err;
	int code = reconnect(p);

	npmu_ckpt_writer_close(*writer);
	*writer = NULL;
	return code ? code : npmu_ckpt_writer_open(p->region, sizeof(p->state), 0, writer, &err);
}

/* From p->state to the end. This is where a primary spends its life. */
static int work(struct pair *p, unsigned int flags)
{
	char hex[2 * SHA256_DIGEST_SIZE + 1];
	struct npmu_ckpt_writer *writer;
	struct npmu_error err;
	int code;

	code = npmu_ckpt_writer_open(p->region, sizeof(p->state), flags, &writer, &err);
	if (code) {
		complain("%s: %s", p->region_name, err.text);
		return EXIT_FAILURE;
	}
	for (;;) {
		uint64_t start = timing_now_ns();

		/*
		 * The whole of it: the state replaces the one before. When this
		 * returns 0 the new one is durable, and until then the old one is.
		 * It waits for no backup, and does not know whether there is one.
		 */
		code = npmu_ckpt_commit(writer, &p->state, sizeof(p->state), TAG);
		/* It may be there or not: the same once more does no harm. */
		if (code == -ENOTCONN) {
			while (code == -ENOTCONN)
				code = write_again(p, &writer);
			if (!code)
				continue;
		}
		if (code)
			break;
		measure_commit(timing_now_ns() - start);
		if (p->state.offset == p->state.file_size)
			break;
		code = measure_write_beside(&p->state, sizeof(p->state));
		if (!code)
			code = work_step(&p->state, p->fd, p->path, measure_progress);
		if (code)
			goto out;
	}
	if (code == -ESTALE) {
		/* A successor has it now: nothing we did since counts. Not an error. */
		tell("fenced offset=%" PRIu64, p->state.offset);
		code = EXIT_FENCED;
	} else if (code) {
		complain("%s: %s", p->region_name, writer ? npmu_ckpt_writer_error(writer) :
							    strerror(-code));
	} else {
		tell("done offset=%" PRIu64 " commits=%" PRIu64, p->state.offset,
		     npmu_ckpt_writer_sequence(writer));
		work_result(&p->state, hex);
		printf("%s  %s\n", hex, p->path);	/* as sha256sum does */
	}
out:
	npmu_ckpt_writer_close(writer);
	return code < 0 ? EXIT_FAILURE : code;
}

/* A writable mapping makes this open the region's only writer, if it is not yet. */
static int map_writable(struct pair *p)
{
	int code = npmu_region_map(p->region, NPMU_MAP_WRITE);

	if (!code)
		return 0;
	complain("%s: %s", p->region_name, npmu_region_error(p->region));
	if (code == -EBUSY)
		complain("to be its successor, run \"backup\" instead of \"primary\"");
	return -1;
}

static int primary(struct pair *p, int anew)
{
	if (open_region(p) || map_writable(p) || (!anew && read_state(p)))
		return EXIT_FAILURE;
	if (!anew && p->state.offset && p->state.offset < p->state.file_size) {
		complain("%s is at byte %" PRIu64 " of %s: \"backup --now\", or \"primary --anew\"",
			 p->region_name, p->state.offset, p->path);
		return EXIT_FAILURE;
	}
	p->state = p->fresh;
	measure_progress(0);
	tell("primary fence_epoch=%" PRIu64 " class=%s persist=%s",
	     npmu_region_fence_epoch(p->region), npmu_class_name(npmu_region_class(p->region)),
	     npmu_persist_method_name(npmu_region_persist_method(p->region)));
	return work(p, anew ? NPMU_CKPT_INIT : 0);
}

static bool is_remote(const struct pair *p)
{
	return !strncmp(p->region_name, "npmu://", strlen("npmu://"));
}

/*
 * Sleep until the writer role changes, or for less. poll(2) for the role does not touch the
 * writer's path; waiting for commits (npmu_ckpt_wait) would cost it a kick. A unit on another
 * host tells of both.
 */
static int wait_for_role(struct pair *p)
{
	struct pollfd role = { .fd = npmu_region_fd(p->region), .events = POLLPRI };

	if (is_remote(p))
		return npmu_region_wait(p->region, 0, 0, 0, UINT64_MAX, NULL);
	return poll(&role, 1, -1) < 0 ? -errno : 0;
}

/*
 * Sleep until a writer that was there is gone. Sets the fence epoch under which it was seen
 * to be gone.
 */
static int wait_for_death(struct pair *p, uint64_t *epoch)
{
	struct npmu_ioc_info info;
	int code;

	for (;;) {
		/* Marks the role as seen: poll tells of any change after this. */
		if (npmu_region_info(p->region, &info))
			return complain("%s: %s", p->region_name, npmu_region_error(p->region));
		if (info.dead && is_remote(p) && !reconnect(p))
			continue;
		if (info.dead)
			return complain("%s was deleted, or its unit is gone: npmu-admin unit list",
					p->region_name);
		*epoch = info.fence_epoch;
		if (!info.writer_id && info.last_writer_epoch)
			return 0;
		code = wait_for_role(p);
		if (code && code != -EINTR && code != -ENOTCONN)
			return complain("%s: waiting: %s", p->region_name, strerror(-code));
	}
}

static int backup(struct pair *p, int now)
{
	uint64_t epoch, expected, start;
	int code;

	if (open_region(p))
		return EXIT_FAILURE;
	/* For reading, to look at the checkpoint before anything is changed. */
	if (npmu_region_map(p->region, 0)) {
		complain("%s: %s", p->region_name, npmu_region_error(p->region));
		return EXIT_FAILURE;
	}
	tell("backup fence_epoch=%" PRIu64, npmu_region_fence_epoch(p->region));
	for (;;) {
		expected = npmu_region_fence_epoch(p->region);
		if (!now && wait_for_death(p, &expected))
			return EXIT_FAILURE;
		start = timing_now_ns();
		if (read_state(p))
			return EXIT_FAILURE;
		/*
		 * A compare-and-swap of the fence epoch: of two backups that saw the
		 * same death one wins, and no store of the former writer can land
		 * any more, even if it lives after all. The other one waits on, for
		 * the death of the winner.
		 */
		code = npmu_region_takeover(p->region, expected, &epoch);
		if (!code)
			break;
		if (code == -ESTALE && !now) {
			tell("late expected=%" PRIu64 " found=%" PRIu64, expected, epoch);
			continue;
		}
		complain("%s: %s: try again: backup --now", p->region_name,
			 npmu_region_error(p->region));
		return EXIT_FAILURE;
	}
	/* Only now is it sure that the state is the last one. */
	npmu_region_unmap(p->region);
	if (map_writable(p) || read_state(p))
		return EXIT_FAILURE;
	tell("takeover fence_epoch=%" PRIu64 " expected=%" PRIu64 " offset=%" PRIu64
	     " reached=%" PRIu64 " us=%" PRIu64, epoch, expected, p->state.offset,
	     measure_reached(), (timing_now_ns() - start) / 1000);
	return work(p, 0);
}

static int usage(void)
{
	fputs("Usage: npmu-sha256-pair primary [--anew] [--create] [OPTION]... UNIT/REGION FILE\n"
	      "       npmu-sha256-pair backup [--now] [OPTION]... UNIT/REGION FILE\n"
	      "       npmu-sha256-pair report MEASUREMENTS\n"
	      "\n"
	      "Computes the SHA-256 of FILE. The primary checkpoints its state into the region,\n"
	      "which the backup goes on from when the primary is gone, or at once with --now:\n"
	      "a primary that lives is fenced, and ends with exit status 3. With --anew the\n"
	      "primary drops what the region holds; with --create it makes the region, by an URL\n"
	      "npmu://PRINCIPAL@HOST/UNIT/REGION, where there is none.\n"
	      "\n"
	      "  --measure MEASUREMENTS  keep progress and commit times in this file\n"
	      "  --beside FILE  write every 2nd state to this file too, with fdatasync;\n"
	      "                 may be given twice\n"
	      "  --slow US      sleep so many microseconds after each 16 KiB\n"
	      "  --stop-at BYTES  stop, as by SIGSTOP, when so much of FILE is read\n"
	      "\n"
	      "A region for it: npmu-admin region create UNIT/REGION --size 64K\n", stderr);
	return EXIT_USAGE;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{ "anew", no_argument, NULL, 'a' },
		{ "create", no_argument, NULL, 'c' },
		{ "now", no_argument, NULL, 'n' },
		{ "measure", required_argument, NULL, 'm' },
		{ "beside", required_argument, NULL, 'b' },
		{ "slow", required_argument, NULL, 's' },
		{ "stop-at", required_argument, NULL, 't' },
		{ }
	};
	const char *measurements = NULL, *slow = "0", *stop = "0", *beside[2];
	int option, is_primary, i, anew = 0, now = 0, nr_beside = 0;
	struct pair p = { 0 };

	while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (option == 'a')
			anew = 1;
		else if (option == 'c')
			p.create = 1;
		else if (option == 'n')
			now = 1;
		else if (option == 'm')
			measurements = optarg;
		else if (option == 'b' && nr_beside < 2)
			beside[nr_beside++] = optarg;
		else if (option == 's')
			slow = optarg;
		else if (option == 't')
			stop = optarg;
		else
			return usage();
	}
	argv += optind;
	argc -= optind;
	if (argc == 2 && !strcmp(argv[0], "report"))
		return measure_report(argv[1]) ? EXIT_FAILURE : EXIT_SUCCESS;
	if (argc != 3)
		return usage();
	is_primary = !strcmp(argv[0], "primary");
	if ((!is_primary && strcmp(argv[0], "backup")) || (is_primary ? now : anew || p.create))
		return usage();

	p.region_name = argv[1];
	p.path = argv[2];
	p.fd = work_open_file(p.path, &p.fresh);
	if (p.fd < 0 || measure_open(measurements) || measure_slow(slow) ||
	    measure_stop_at(stop))
		return EXIT_FAILURE;
	for (i = 0; i < nr_beside; i++)
		if (measure_beside(beside[i]))
			return EXIT_FAILURE;
	/* Exit closes the region, and so gives the role up; no handler is needed. */
	return is_primary ? primary(&p, anew) : backup(&p, now);
}

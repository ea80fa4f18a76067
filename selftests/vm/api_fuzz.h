/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the files of the API fuzzer share: the generator's choices, the count of what
 * was reached, and what all processes know together.
 */
#ifndef NPMU_API_FUZZ_H
#define NPMU_API_FUZZ_H

#include <linux/npmu_ckpt.h>
#include <stdatomic.h>

#include "vmtest.h"

/* One choice of a stream that the seed decides. */
static inline uint64_t af_next(uint64_t *rng)
{
	*rng ^= *rng << 13;
	*rng ^= *rng >> 7;
	*rng ^= *rng << 17;
	return *rng;
}

#define af_below(rng, n)	(af_next(rng) % (n))
#define af_one_in(rng, n)	(af_below(rng, n) == 0)

/* Every operation must have succeeded and failed before the storm counts as one. */
#define AF_OPS(op)							\
	op(UNIT_GET) op(UNIT_FORMAT) op(UNIT_ATTACH) op(UNIT_DETACH)	\
	op(REGION_GET) op(REGION_CREATE) op(REGION_SET) op(REGION_RESIZE) \
	op(REGION_DELETE) op(REGION_FENCE) op(LISTS) op(BAD_GET) op(CHECKPOINT_GET) \
	op(GRANT_ADD) op(GRANT_REMOVE) \
	op(INFO) op(PERSIST) op(CLAIM) op(TAKEOVER) op(RESIGN) op(KICK) op(WAIT) op(SINK) \
	op(READER_ATTACH) op(READER_ACK) op(READER_DETACH)		\
	op(OPEN) op(READ) op(WRITE) op(SEEK) op(FSYNC) op(MMAP) op(MUNMAP) op(MREMAP) \
	op(MPROTECT) op(MADVISE) op(MSYNC) op(LOAD) op(STORE)
/* These cannot do both. */
#define AF_ONE_WAY(op)	op(POLL) op(FORK) op(EXEC) op(COMMIT) op(OTHER_IOCTL) op(RAW_NETLINK)

enum af_op {
#define AF_ENUM(name) AF_##name,
	AF_OPS(AF_ENUM)
	AF_NR_TWO_WAY,
	AF_BEFORE_ONE_WAY = AF_NR_TWO_WAY - 1,
	AF_ONE_WAY(AF_ENUM)
	AF_NR_OPS
};

/* Where commits store: nothing of a checkpoint stands between its seal and its readers. */
#define AF_WORD	1024
_Static_assert(AF_WORD >= NPMU_CKPT_SEAL0 + NPMU_CKPT_SEAL_SIZE && AF_WORD + 8 <= NPMU_CKPT_READERS,
	       "the kernel writes there");

#define AF_REGIONS	1024
#define AF_UNITS	4

/* What is known of a region, by its uuid: it outlives names. */
struct af_region {
	_Atomic uint64_t uuid;		/* first half; 0: unused */
	_Atomic uint64_t epoch;		/* highest that a claim, takeover or fence returned */
	_Atomic uint64_t landed;	/* highest under which a commit returned */
};

struct af_shared {
	_Atomic uint64_t done[AF_NR_OPS], failed[AF_NR_OPS];
	_Atomic uint64_t errnos[AF_NR_OPS][3];	/* bitmap: errno 0 to 191 */
	_Atomic uint64_t calls, commits, broken;
	_Atomic uint64_t digest;	/* of all calls and what came of them, in order */
	_Atomic int stop;
	struct af_region regions[AF_REGIONS];
	char broken_text[256];		/* of the first broken promise */
};

extern struct af_shared *af;
extern const char *const af_op_names[AF_NR_OPS];

/* Note what came of a call: 0 or more, or -errno. Return: @ret. */
long af_count(enum af_op op, long ret);
/* A promise of the interface was broken. */
__attribute__((format(printf, 1, 2)))
void af_broken(const char *fmt, ...);

struct af_region *af_region(const uint8_t *uuid);
void af_raise(_Atomic uint64_t *value, uint64_t to);

/* struct af_thread - what one thread has; files are its process's */
#define AF_FILES	6
#define AF_MAPS		6
struct af_thread {
	uint64_t rng;
	int netlink;
	int family;
	unsigned int formats;		/* so many requests to come shall be these */
	_Atomic int *files;		/* -1: none */
	struct { char *addr; size_t len; } maps[AF_MAPS];
};

/* api_fuzz_nl.c: one request. */
int af_netlink_open(struct af_thread *t);
void af_netlink(struct af_thread *t);

/* api_fuzz_dev.c: one call on a region's file or mapping. */
void af_device(struct af_thread *t);
/* api_fuzz_map.c: the same, on its mappings. */
void af_mapping(struct af_thread *t);
void af_unmap_all(struct af_thread *t);

/* A value that may matter: bounds, sizes, wraps. */
uint64_t af_telling(uint64_t *rng);
/* Names out of a few. */
const char *af_unit_name(uint64_t *rng);
const char *af_region_name(uint64_t *rng);
int af_file(struct af_thread *t);

#endif /* NPMU_API_FUZZ_H */

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A hammer: a process of its own whose thread stores into a writable mapping in a
 * loop, goes on when a store is lost, and counts. What is stored rises with every
 * store, so that one store that lands is seen as a change.
 *
 * Once a store is lost, the last few places before it are tried over and over: a
 * mapping that was put back by a fault beside a fence is one of these.
 */
#ifndef NPMU_FENCE_HAMMER_H
#define NPMU_FENCE_HAMMER_H

#include <pthread.h>
#include <setjmp.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <time.h>

#include "vmtest.h"

#define HAMMER_SLOW_MS	20000
#define HAMMER_FORKS	8

struct hammer;

/* Makes the mapping. Return: where, or NULL with errno; *fd is closed later. */
typedef void *hammer_map_fn(struct hammer *h, int *fd);

/**
 * struct hammer - memory that both processes share
 * @unit, @region, @size: what is mapped
 * @stride: bytes from one place to the next
 * @map: how it is mapped
 * @prefault: it is ready when each place was stored to, not when the first was
 * @move: the mapping is moved by mremap again and again
 * @forks: so many forked children store, not a thread; of more than one, while
 *	others are still being forked off a mapping that is present
 * @threads: how many store at once, 1 or 2
 * @fd: for @map
 * @ready, @stop: of this round
 * @stores: stores that landed
 * @lost: SIGBUS with BUS_ADRERR at the place of the store
 * @other: any other signal
 * @error: why there was no round, -errno
 */
struct hammer {
	const char *unit;
	const char *region;
	uint64_t size;
	uint64_t stride;
	hammer_map_fn *map;
	bool prefault;
	bool move;
	int forks;
	int threads;
	int fd;

	atomic_bool ready;
	atomic_bool stop;
	atomic_ulong stores;
	atomic_ulong lost;
	atomic_ulong other;
	atomic_int error;

	void *base;
	pid_t pid;
	int to[2];
	int from[2];
};

#define HAMMER_NOWHERE	((size_t)-1)

/* What a signal must not clobber. */
struct hammer_state {
	volatile size_t count;		/* places tried */
	volatile size_t index;		/* the place of the store under way */
	volatile size_t top;		/* where the first store was lost */
	volatile uint64_t value;
	void *volatile base;
	void *volatile other;		/* where to move to */
	sigjmp_buf env;
};

static __thread struct hammer *hammer_mine;
static __thread struct hammer_state *hammer_state;

static inline void hammer_signal(int sig, siginfo_t *si, void *uc)
{
	struct hammer_state *st = hammer_state;
	struct hammer *h = hammer_mine;
	uintptr_t want;

	(void)uc;
	if (!h)
		_exit(97);
	want = (uintptr_t)st->base + st->index * h->stride;
	if (sig == SIGBUS && si->si_code == BUS_ADRERR && (uintptr_t)si->si_addr == want)
		atomic_fetch_add(&h->lost, 1);
	else
		atomic_fetch_add(&h->other, 1);
	siglongjmp(st->env, 1);
}

static inline void hammer_install(void)
{
	struct sigaction sa = { .sa_flags = SA_SIGINFO | SA_NODEFER };

	sa.sa_sigaction = hammer_signal;
	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
}

static inline void hammer_move(struct hammer *h, struct hammer_state *st)
{
	void *to = st->other;
	void *from = st->base;

	if (mremap(from, h->size, h->size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
		atomic_store(&h->error, -errno);
		return;
	}
	st->base = to;
	st->other = from;
}

static inline void hammer_loop(struct hammer *h, struct hammer_state *st)
{
	size_t places = h->size / h->stride;

	while (!atomic_load(&h->stop)) {
		size_t i = st->count++;

		if (st->top == HAMMER_NOWHERE)
			st->index = i % places;
		else
			st->index = (st->top + places - i % 8) % places;
		if (h->move && i % 64 == 0)
			hammer_move(h, st);
		*(volatile uint64_t *)((char *)st->base + st->index * h->stride) = ++st->value;
		atomic_fetch_add(&h->stores, 1);
		if (!h->prefault || st->count >= places)
			atomic_store(&h->ready, true);
	}
}

static inline void *hammer_thread(void *arg)
{
	struct hammer *h = arg;
	struct hammer_state *st = calloc(1, sizeof(*st));
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	st->top = HAMMER_NOWHERE;
	/* No round stores what another one stored. */
	st->value = now.tv_sec * 1000000000ULL + now.tv_nsec;
	st->base = h->base;
	/* A store cannot hit what another thread moves. */
	if (h->move)
		st->other = mmap(NULL, h->size + 2 * MIB, PROT_NONE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (h->move)
		st->other = (void *)(((uintptr_t)st->other + 2 * MIB - 1) & ~(2 * MIB - 1));
	hammer_mine = h;
	hammer_state = st;
	if (sigsetjmp(st->env, 1) && st->top == HAMMER_NOWHERE)
		st->top = st->index;
	hammer_loop(h, st);
	h->base = st->base;
	hammer_mine = NULL;
	free(st);
	return NULL;
}

static inline int hammer_fork(void *arg)
{
	hammer_thread(arg);
	return 0;
}

/* One round, in the hammer's process. */
static inline void hammer_round(struct hammer *h)
{
	pthread_t thread[2];
	pid_t pid[HAMMER_FORKS];
	int fd = -1;
	size_t at;
	int i;

	h->base = h->map(h, &fd);
	if (!h->base) {
		atomic_store(&h->error, -errno);
	} else if (h->forks) {
		for (at = 0; h->forks > 1 && at < h->size; at += h->stride)
			*(volatile char *)((char *)h->base + at) = 0;
		for (i = 0; i < h->forks; i++)
			pid[i] = vm_child(hammer_fork, h);
		for (i = 0; i < h->forks; i++)
			if (vm_reap(pid[i], HAMMER_SLOW_MS))
				atomic_store(&h->error, -ECHILD);
	} else {
		for (i = 0; i < h->threads; i++)
			pthread_create(&thread[i], NULL, hammer_thread, h);
		for (i = 0; i < h->threads; i++)
			pthread_join(thread[i], NULL);
	}
	if (h->base)
		munmap(h->base, h->size);
	if (fd >= 0)
		close(fd);
}

static inline int hammer_main(void *arg)
{
	struct hammer *h = arg;
	char c;

	hammer_install();
	close(h->to[1]);
	close(h->from[0]);
	while (read(h->to[0], &c, 1) == 1) {
		hammer_round(h);
		if (write(h->from[1], &c, 1) != 1)
			return 1;
	}
	return 0;
}

/* Maps what is wanted in the plain way: 2 MiB where it can. */
static inline void *hammer_map_huge(struct hammer *h, int *fd)
{
	*fd = vm_open(h->unit, h->region, O_RDWR);
	if (*fd < 0) {
		errno = -*fd;
		return NULL;
	}
	return vm_map(*fd, 0, h->size, PROT_READ | PROT_WRITE);
}

/* At an address that is not congruent to the offset: 4 KiB is all there can be. */
static inline void *hammer_map_small(struct hammer *h, int *fd)
{
	uintptr_t room;
	void *addr;

	*fd = vm_open(h->unit, h->region, O_RDWR);
	if (*fd < 0) {
		errno = -*fd;
		return NULL;
	}
	addr = mmap(NULL, h->size + 4 * MIB, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (addr == MAP_FAILED)
		return NULL;
	room = ((uintptr_t)addr + 2 * MIB - 1) & ~(2 * MIB - 1);
	munmap(addr, h->size + 4 * MIB);
	addr = mmap((void *)(room + 4 * KIB), h->size, PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_FIXED_NOREPLACE, *fd, 0);
	return addr == MAP_FAILED ? NULL : addr;
}

static inline struct hammer *hammer_new(const char *unit, const char *region, uint64_t size,
					uint64_t stride)
{
	struct hammer *h = mmap(NULL, sizeof(*h), PROT_READ | PROT_WRITE,
				MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	h->unit = unit;
	h->region = region;
	h->size = size;
	h->stride = stride;
	h->map = hammer_map_huge;
	h->threads = 1;
	h->fd = -1;
	return h;
}

/* Starts the process; all options are set. */
static inline int hammer_start(struct hammer *h)
{
	if (pipe2(h->to, O_CLOEXEC) || pipe2(h->from, O_CLOEXEC))
		return -errno;
	h->pid = vm_child(hammer_main, h);
	close(h->to[0]);
	close(h->from[1]);
	return h->pid < 0 ? h->pid : 0;
}

/* Starts a round. Return: 0: it stores. */
static inline int hammer_go(struct hammer *h)
{
	atomic_store(&h->ready, false);
	atomic_store(&h->stop, false);
	atomic_store(&h->stores, 0);
	atomic_store(&h->lost, 0);
	atomic_store(&h->other, 0);
	atomic_store(&h->error, 0);
	if (write(h->to[1], "g", 1) != 1)
		return -errno;
	if (VM_UNTIL(atomic_load(&h->ready) || atomic_load(&h->error), HAMMER_SLOW_MS))
		return atomic_load(&h->error);
	return -ETIMEDOUT;
}

/* Ends a round. Return: 0: its mapping is gone and its file closed. */
static inline int hammer_stop(struct hammer *h)
{
	char c;

	atomic_store(&h->stop, true);
	return read(h->from[0], &c, 1) == 1 ? atomic_load(&h->error) : -EPIPE;
}

/* Ends the process. Return: its exit status. */
static inline int hammer_end(struct hammer *h)
{
	int ret;

	close(h->to[1]);
	ret = vm_reap(h->pid, HAMMER_SLOW_MS);
	close(h->from[0]);
	munmap(h, sizeof(*h));
	return ret;
}

/* What is at each place, seen through another open. */
static inline void hammer_look(const struct hammer *h, const void *view, uint64_t *out)
{
	size_t i;

	for (i = 0; i < h->size / h->stride; i++)
		out[i] = *(const volatile uint64_t *)((const char *)view + i * h->stride);
}

/* How many places changed between two looks. */
static inline size_t hammer_changed(const struct hammer *h, const uint64_t *a, const uint64_t *b)
{
	size_t changed = 0;
	size_t i;

	for (i = 0; i < h->size / h->stride; i++)
		changed += a[i] != b[i];
	return changed;
}

#endif /* NPMU_FENCE_HAMMER_H */

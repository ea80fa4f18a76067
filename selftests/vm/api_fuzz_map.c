// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API fuzzer's mappings of regions: made, moved, cut, touched, inherited. Each
 * thread has its own, or a touch could meet the memory of the program itself.
 */
#define _GNU_SOURCE
#include "api_fuzz.h"

/* A mapping of this size at most, and not of the first page, which commits own. */
#define MOST	(4 * MIB)

static void map_one(struct af_thread *t, unsigned int i)
{
	static const int kinds[] = { MAP_SHARED, MAP_SHARED, MAP_SHARED, MAP_SHARED,
		MAP_SHARED_VALIDATE, MAP_SHARED_VALIDATE | MAP_SYNC, MAP_PRIVATE,
		MAP_SHARED | MAP_POPULATE };
	static const int prots[] = { PROT_READ, PROT_READ | PROT_WRITE, PROT_READ | PROT_WRITE,
		PROT_WRITE, PROT_READ | PROT_EXEC, PROT_NONE };
	bool large = af_one_in(&t->rng, 3);
	uint64_t offset = 4096 * (1 + af_below(&t->rng, large ? 300 : 2));
	size_t len = 4096 * (1 + af_below(&t->rng, large ? 600 : 3));
	char *addr;

	if (af_one_in(&t->rng, 8)) {
		offset = NPMU_STATUS_OFFSET;
		len = 4096 * (1 + af_below(&t->rng, 2));
	} else if (af_one_in(&t->rng, 8)) {
		offset = af_telling(&t->rng) & ~4095ULL;
		offset = offset ? offset : 4096;
	}
	addr = mmap(NULL, len, prots[af_below(&t->rng, 6)], kinds[af_below(&t->rng, 8)],
		    af_file(t), offset);
	if (af_count(AF_MMAP, addr == MAP_FAILED ? -errno : 0))
		return;
	t->maps[i].addr = addr;
	t->maps[i].len = len;
}

static void forget(struct af_thread *t, unsigned int i)
{
	t->maps[i].addr = NULL;
	t->maps[i].len = 0;
}

void af_unmap_all(struct af_thread *t)
{
	unsigned int i;

	for (i = 0; i < AF_MAPS; i++) {
		if (t->maps[i].len)
			munmap(t->maps[i].addr, t->maps[i].len);
		forget(t, i);
	}
}

static void unmap_one(struct af_thread *t, unsigned int i)
{
	size_t pages = t->maps[i].len / 4096, cut = pages > 1 ? af_below(&t->rng, pages) : 0;

	if (af_one_in(&t->rng, 8)) {
		af_count(AF_MUNMAP, munmap(t->maps[i].addr + 1, 4096) ? -errno : 0);
		return;
	}
	/* The tail, or all. */
	af_count(AF_MUNMAP, munmap(t->maps[i].addr + cut * 4096, (pages - cut) * 4096) ? -errno : 0);
	t->maps[i].len = cut * 4096;
	if (!cut)
		forget(t, i);
}

static void move_one(struct af_thread *t, unsigned int i)
{
	size_t len = 4096 * (1 + af_below(&t->rng, af_one_in(&t->rng, 3) ? MOST / 4096 : 6));
	char *addr = mremap(t->maps[i].addr, t->maps[i].len, len,
			    af_one_in(&t->rng, 4) ? 0 : MREMAP_MAYMOVE);

	if (af_count(AF_MREMAP, addr == MAP_FAILED ? -errno : 0))
		return;
	t->maps[i].addr = addr;
	t->maps[i].len = len;
}

static void advise(struct af_thread *t, unsigned int i)
{
	static const int advices[] = {
		MADV_DONTNEED, MADV_WILLNEED, MADV_DONTFORK, MADV_DOFORK, MADV_HUGEPAGE,
		MADV_NOHUGEPAGE, MADV_MERGEABLE, MADV_REMOVE, MADV_FREE, MADV_COLD,
		MADV_PAGEOUT, MADV_POPULATE_READ, MADV_POPULATE_WRITE, MADV_DONTDUMP, 9999,
	};

	af_count(AF_MADVISE, madvise(t->maps[i].addr, t->maps[i].len,
				     advices[af_below(&t->rng, 15)]) ? -errno : 0);
}

static void touch(struct af_thread *t, unsigned int i)
{
	volatile uint64_t *at = (void *)(t->maps[i].addr + 8 * af_below(&t->rng, t->maps[i].len / 8));
	uint64_t value;
	int times = 1 + af_below(&t->rng, 16);

	while (times--) {
		if (af_one_in(&t->rng, 3))
			af_count(AF_LOAD, vm_load(at, &value) ? -EFAULT : 0);
		else
			af_count(AF_STORE, vm_store(at, 0x6f6f) ? -EFAULT : 0);
	}
}

/* A child that inherits all: touches, perhaps takes the role, runs another program. */
static void child(struct af_thread *t)
{
	pid_t pid = fork();
	unsigned int i, n;

	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (pid) {
		af_count(AF_FORK, pid < 0 ? -errno : 0);
		return;
	}
	alarm(vm_patience(120000) / 1000);
	t->rng ^= 0x2545f4914f6cdd1d;
	for (n = 0; n < 6; n++) {
		i = af_below(&t->rng, AF_MAPS);
		if (t->maps[i].len)
			touch(t, i);
		vm_claim(af_file(t), NULL);
	}
	if (af_one_in(&t->rng, 2)) {
		af_count(AF_EXEC, 0);
		execl("/bin/true", "true", NULL);
	}
	_exit(0);
}

void af_mapping(struct af_thread *t)
{
	unsigned int i = af_below(&t->rng, AF_MAPS);

	if (af_one_in(&t->rng, 60)) {
		child(t);
		return;
	}
	if (!t->maps[i].len) {
		map_one(t, i);
		return;
	}
	switch (af_below(&t->rng, 10)) {
	case 0:
		unmap_one(t, i);
		break;
	case 1:
		move_one(t, i);
		break;
	case 2:
		af_count(AF_MPROTECT, mprotect(t->maps[i].addr, t->maps[i].len,
					       af_below(&t->rng, 8)) ? -errno : 0);
		break;
	case 3:
		advise(t, i);
		break;
	case 4:
		af_count(AF_MSYNC, msync(t->maps[i].addr, t->maps[i].len,
					 af_below(&t->rng, 8)) ? -errno : 0);
		break;
	default:
		touch(t, i);
	}
}

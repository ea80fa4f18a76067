// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A fence reaches a writer however it came to its mapping: through a node of its
 * own making, as a forked child, at a place it was moved to, in a second thread,
 * by a file that another process handed over. Both ways to fence.
 */
#define _GNU_SOURCE
#include <sys/stat.h>

#include "death_writer.h"
#include "fence_rounds.h"
#include "vmunit.h"

#define SIZE	(16 * MIB)
#define UNIT	"ways"
#define NODE	"/dev/npmu-fence-ways"

/* @hand_over: a file goes to the hammer before each round. */
static void play(struct hammer *h, bool hand_over)
{
	unsigned long rounds = vm_times(8, 200);
	size_t places = h->size / h->stride;
	uint64_t *looks = malloc(2 * sizeof(*looks) * places);
	struct fence_by by = { UNIT, "r", false, vm_open(UNIT, "r", O_RDWR) };
	struct fence_rounds sum = {};
	int reader = vm_open(UNIT, "r", O_RDONLY);
	void *view = vm_map(reader, 0, h->size, PROT_READ);
	struct death_hello hello = { 0 };
	int socks[2] = { -1, -1 };
	uint64_t seed = 7;
	unsigned long i;
	int ret, fd;

	REQUIRE(view, "map: %s", strerror(errno));
	if (hand_over) {
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, socks);
		h->fd = socks[0];
	}
	ret = hammer_start(h);
	for (i = 0; i < rounds && !ret; i++) {
		if (hand_over) {
			fd = vm_open(UNIT, "r", O_RDWR);
			EXPECT(death_send(socks[1], &hello, fd), 0);
			close(fd);
		}
		by.takeover = i % 2;
		ret = fence_play(h, &by, view, tap_random(&seed) % 3000, looks, &sum);
	}
	EXPECT(ret, 0);
	CHECK(sum.done == rounds, "%lu of %lu rounds", sum.done, rounds);
	CHECK(!sum.changed, "bytes changed after the fence %lu times", sum.changed);
	CHECK(!sum.missed, "no SIGBUS in %lu rounds", sum.missed);
	CHECK(!sum.stray, "%lu signals that were not BUS_ADRERR at the store", sum.stray);
	CHECK(!sum.refused, "%lu fences failed", sum.refused);
	EXPECT(hammer_end(h), 0);
	if (hand_over) {
		close(socks[0]);
		close(socks[1]);
	}
	munmap(view, SIZE);
	close(reader);
	close(by.successor);
	free(looks);
}

static struct hammer *way(void)
{
	return hammer_new(UNIT, "r", SIZE, 16 * KIB);
}

static void *map_own_node(struct hammer *h, int *fd)
{
	*fd = vm_open_path(NODE, O_RDWR);
	return *fd < 0 ? NULL : vm_map(*fd, 0, h->size, PROT_READ | PROT_WRITE);
}

static void fence__of_a_writer_through_a_node_of_its_own(void)
{
	struct npmu_region_info info;
	struct hammer *h = way();

	EXPECT(vm_get(UNIT, "r", &info), 0);
	unlink(NODE);
	REQUIRE(!mknod(NODE, S_IFCHR | 0600, info.device), "mknod: %s", strerror(errno));
	h->map = map_own_node;
	play(h, false);
	unlink(NODE);
}

static void fence__of_a_forked_child(void)
{
	struct hammer *h = way();

	h->forks = 1;
	play(h, false);
}

static void fence__of_a_forked_child_with_4k_pages(void)
{
	struct hammer *h = way();

	h->forks = 1;
	h->map = hammer_map_small;
	play(h, false);
}

/* fork(2) copies 2 MiB entries without the lock that a zap takes. */
static void fence__of_a_writer_that_forks(void)
{
	struct hammer *h = way();

	h->forks = HAMMER_FORKS;
	play(h, false);
}

static void *map_and_move(struct hammer *h, int *fd)
{
	char *at = hammer_map_huge(h, fd);
	size_t i;

	if (!at)
		return NULL;
	for (i = 0; i < h->size; i += h->stride)
		at[i] = 1;
	at = mremap(at, h->size, h->size, MREMAP_MAYMOVE | MREMAP_FIXED,
		    (void *)((uintptr_t)at - 64 * MIB + 4 * KIB));
	return at == MAP_FAILED ? NULL : at;
}

static void fence__of_a_mapping_that_was_moved(void)
{
	struct hammer *h = way();

	h->map = map_and_move;
	play(h, false);
}

static void fence__of_a_mapping_that_moves(void)
{
	struct hammer *h = way();

	h->move = true;
	play(h, false);
}

static void fence__of_a_mapping_of_4k_pages_that_moves(void)
{
	struct hammer *h = way();

	h->move = true;
	h->map = hammer_map_small;
	play(h, false);
}

static void fence__of_two_threads(void)
{
	struct hammer *h = way();

	h->threads = 2;
	play(h, false);
}

static void *map_handed_over(struct hammer *h, int *fd)
{
	struct death_hello hello;

	*fd = death_receive(h->fd, &hello);
	return *fd < 0 ? NULL : vm_map(*fd, 0, h->size, PROT_READ | PROT_WRITE);
}

static void fence__of_a_file_handed_over(void)
{
	struct hammer *h = way();

	h->map = map_handed_over;
	play(h, true);
}

/* Two mappings of one open, one of them for reading: all of the open is lost. */
static void fence__of_each_mapping_of_the_open(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *a = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);
	uint64_t *b = vm_map(fd, 4 * MIB, 8 * KIB, PROT_READ | PROT_WRITE);
	uint64_t *c = vm_map(fd, 0, SIZE, PROT_READ);

	REQUIRE(a && b && c, "map: %s", strerror(errno));
	EXPECT(vm_store(a, 1), 0);
	EXPECT(vm_store(b, 1), 0);
	EXPECT(vm_load(c, NULL), 0);
	EXPECT(vm_fence(UNIT, "r"), 0);
	EXPECT(vm_store(a, 1), SIGBUS);
	EXPECT(vm_store(b, 1), SIGBUS);
	EXPECT(vm_load(c, NULL), SIGBUS);
	munmap(a, SIZE);
	munmap(b, 8 * KIB);
	munmap(c, SIZE);
	close(fd);
}

/* Protection taken and given back beside the fence brings nothing back. */
static void fence__of_a_mapping_that_was_protected(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	EXPECT(vm_store(at, 1), 0);
	EXPECT(mprotect(at, SIZE, PROT_READ), 0);
	EXPECT(vm_load(at, NULL), 0);
	EXPECT(vm_fence(UNIT, "r"), 0);
	EXPECT(vm_load(at, NULL), SIGBUS);
	EXPECT(mprotect(at, SIZE, PROT_READ | PROT_WRITE), 0);
	EXPECT(vm_store(at, 1), SIGBUS);
	munmap(at, SIZE);
	close(fd);
}

int main(void)
{
	vm_one_unit(UNIT, 64 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__of_a_writer_through_a_node_of_its_own);
	VM_RUN(fence__of_a_forked_child);
	VM_RUN(fence__of_a_forked_child_with_4k_pages);
	VM_RUN(fence__of_a_writer_that_forks);
	VM_RUN(fence__of_a_mapping_that_was_moved);
	VM_RUN(fence__of_a_mapping_that_moves);
	VM_RUN(fence__of_a_mapping_of_4k_pages_that_moves);
	VM_RUN(fence__of_two_threads);
	VM_RUN(fence__of_a_file_handed_over);
	VM_RUN(fence__of_each_mapping_of_the_open);
	VM_RUN(fence__of_a_mapping_that_was_protected);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

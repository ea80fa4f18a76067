// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What must not hold up a fence: user memory that never comes, under a write(2) of
 * the writer or a read(2) of a reader, and an administrator's long work on the
 * same region.
 */
#define _GNU_SOURCE
#include <linux/userfaultfd.h>
#include <pthread.h>
#include <sys/syscall.h>

#include "vmtest.h"

#define SIZE	(4 * MIB)
#define LARGE	(320 * MIB)
#define UNIT	"held"
/* Less than the bound of a fence, at which it would give up. */
#define SOON	4000000000ULL

/* Pages that come when they are let: the first @ready bytes are there. */
struct slow_pages {
	int uffd;
	char *at;
	size_t len;
	size_t ready;
};

static int slow_make(struct slow_pages *s, size_t len, size_t ready)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register reg = { .mode = UFFDIO_REGISTER_MODE_MISSING };

	s->len = len;
	s->ready = ready;
	s->at = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memset(s->at, 'f', ready);
	s->uffd = syscall(SYS_userfaultfd, O_CLOEXEC | O_NONBLOCK);
	if (s->uffd < 0 || ioctl(s->uffd, UFFDIO_API, &api))
		return -errno;
	reg.range.start = (uintptr_t)s->at + ready;
	reg.range.len = len - ready;
	return vm_ioctl(s->uffd, UFFDIO_REGISTER, &reg);
}

/* Does somebody wait for a page? */
static bool slow_awaited(struct slow_pages *s)
{
	struct uffd_msg msg;

	return VM_UNTIL(read(s->uffd, &msg, sizeof(msg)) == sizeof(msg), 5000);
}

static void slow_let(struct slow_pages *s)
{
	char *bytes = malloc(s->len);
	struct uffdio_copy copy = {
		.dst = (uintptr_t)s->at + s->ready,
		.src = (uintptr_t)bytes,
		.len = s->len - s->ready,
	};

	memset(bytes, 's', s->len);
	EXPECT(vm_ioctl(s->uffd, UFFDIO_COPY, &copy), 0);
	free(bytes);
}

static void slow_end(struct slow_pages *s)
{
	close(s->uffd);
	munmap(s->at, s->len);
}

struct transfer {
	int fd;
	struct slow_pages *pages;
	ssize_t ret;
};

static void *do_write(void *arg)
{
	struct transfer *t = arg;

	t->ret = vm_pwrite(t->fd, t->pages->at, t->pages->len, 0);
	return NULL;
}

static void *do_read(void *arg)
{
	struct transfer *t = arg;

	t->ret = vm_pread(t->fd, t->pages->at, t->pages->len, 0);
	return NULL;
}

static int by_fence(int successor)
{
	(void)successor;
	return vm_fence(UNIT, "r");
}

static int by_takeover(int successor)
{
	struct npmu_ioc_info info;

	return vm_info(successor, &info) ?: vm_takeover(successor, info.fence_epoch, NULL);
}

static void writer_waits(int (*fence)(int successor), size_t ready, ssize_t want)
{
	struct slow_pages pages;
	struct transfer t = { vm_open(UNIT, "r", O_RDWR), &pages, 0 };
	int successor = vm_open(UNIT, "r", O_RDWR);
	int reader = vm_open(UNIT, "r", O_RDONLY);
	char *before = malloc(SIZE);
	char *view = vm_map(reader, 0, SIZE, PROT_READ);
	pthread_t thread;
	uint64_t start;
	int ret;

	ret = slow_make(&pages, 128 * KIB, ready);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP("no userfaultfd: %s", vm_strerror(ret));
	EXPECT(ret, 0);
	/* A first write claims the role once it has something to write. */
	EXPECT(vm_claim(t.fd, NULL), 0);
	pthread_create(&thread, NULL, do_write, &t);
	REQUIRE(slow_awaited(&pages), "the write does not wait for its source");
	start = vm_now_ns();
	EXPECT(fence(successor), 0);
	start = vm_now_ns() - start;
	CHECK(start < SOON, "the fence took %llu ms", (unsigned long long)start / 1000000);
	memcpy(before, view, SIZE);
	slow_let(&pages);
	pthread_join(thread, NULL);
	EXPECT(t.ret, want);
	CHECK(!memcmp(before, view, SIZE), "bytes changed after the fence");
	slow_end(&pages);
	munmap(view, SIZE);
	free(before);
	close(t.fd);
	close(successor);
	close(reader);
}

static void fence__not_held_up_by_a_source_that_never_comes(void)
{
	writer_waits(by_fence, 0, -ESTALE);
}

static void fence__not_held_up_by_the_rest_of_a_write(void)
{
	/* What was copied before is what is reported. */
	writer_waits(by_fence, 64 * KIB, 64 * KIB);
}

static void takeover__not_held_up_by_a_source_that_never_comes(void)
{
	writer_waits(by_takeover, 0, -ESTALE);
}

static void delete__not_held_up_by_a_destination_that_never_comes(void)
{
	struct slow_pages pages;
	struct transfer t = { -1, &pages, 0 };
	pthread_t thread;
	uint64_t start;
	int ret;

	EXPECT(vm_region(UNIT, "gone", SIZE), 0);
	t.fd = vm_open(UNIT, "gone", O_RDONLY);
	ret = slow_make(&pages, 128 * KIB, 0);
	if (ret == -ENOSYS || ret == -EPERM)
		SKIP("no userfaultfd: %s", vm_strerror(ret));
	pthread_create(&thread, NULL, do_read, &t);
	REQUIRE(slow_awaited(&pages), "the read does not wait for its destination");
	start = vm_now_ns();
	EXPECT(vm_delete(UNIT, "gone", true), 0);
	start = vm_now_ns() - start;
	CHECK(start < SOON, "the delete took %llu ms", (unsigned long long)start / 1000000);
	slow_let(&pages);
	pthread_join(thread, NULL);
	/* The first piece was read while it was there. */
	EXPECT(t.ret, 64 * KIB);
	slow_end(&pages);
	close(t.fd);
}

static int grow(void *ctx)
{
	(void)ctx;
	return vm_resize(UNIT, "large", LARGE, false) ? 1 : 0;
}

/* How long one growth takes, when nothing else goes on. */
static uint64_t growth_ns(void)
{
	uint64_t start = vm_now_ns();

	EXPECT(vm_resize(UNIT, "large", LARGE, false), 0);
	start = vm_now_ns() - start;
	EXPECT(vm_resize(UNIT, "large", SIZE, true), 0);
	return start;
}

/*
 * Zeroing terabytes takes minutes. A region grows; after a quarter of that @act is
 * done, which must not wait for the end. @act returns nanoseconds. Who waits, does so
 * every time: on a busy machine the quickest of some rounds tells.
 */
static void beside_growth(const char *what, uint64_t (*act)(void), void (*prepare)(void))
{
	uint64_t took, least = UINT64_MAX, growth = growth_ns();
	unsigned int i;
	pid_t grower;

	for (i = 0; i < 5; i++) {
		prepare();
		grower = vm_child(grow, NULL);
		vm_sleep_ms(growth / 4000000);
		took = act();
		least = took < least ? took : least;
		EXPECT(vm_reap(grower, 10000), 0);
		EXPECT(vm_resize(UNIT, "large", SIZE, true), 0);
	}
	printf("# %s took %llu us beside a growth of %llu us\n", what,
	       (unsigned long long)least / 1000, (unsigned long long)growth / 1000);
	CHECK(least < growth / 2, "a growth of %llu us held it up for %llu us",
	      (unsigned long long)growth / 1000, (unsigned long long)least / 1000);
}

static int held_fd, held_reader;
static pid_t held_pid;
static const volatile struct npmu_status *held_status;

static void open_a_writer(void)
{
	held_fd = vm_open(UNIT, "large", O_RDWR);
	EXPECT(vm_pwrite(held_fd, "x", 1, 0), 1);
}

static uint64_t time_a_fence(void)
{
	uint64_t start = vm_now_ns();

	EXPECT(vm_fence(UNIT, "large"), 0);
	start = vm_now_ns() - start;
	close(held_fd);
	return start;
}

static void fence__not_held_up_by_a_growing_region(void)
{
	beside_growth("a fence", time_a_fence, open_a_writer);
}

static int write_and_wait(void *ctx)
{
	int fd = vm_open(UNIT, "large", O_RDWR);

	(void)ctx;
	if (vm_pwrite(fd, "x", 1, 0) == 1)
		pause();
	return 1;
}

static void start_a_writer(void)
{
	held_reader = vm_open(UNIT, "large", O_RDONLY);
	held_status = vm_status(held_reader);
	held_pid = vm_child(write_and_wait, NULL);
	CHECK(held_status && VM_UNTIL(held_status->writer, 5000), "no writer");
}

static uint64_t time_a_death(void)
{
	uint64_t start = vm_now_ns();

	kill(held_pid, SIGKILL);
	CHECK(VM_UNTIL(!held_status->writer, 5000), "not told");
	start = vm_now_ns() - start;
	EXPECT(vm_reap(held_pid, 10000), 256 + SIGKILL);
	munmap((void *)held_status, NPMU_STATUS_SIZE);
	close(held_reader);
	return start;
}

static void death__not_held_up_by_a_growing_region(void)
{
	beside_growth("the report of a death", time_a_death, start_a_writer);
}

static void unit__can_be_made(void)
{
	REQUIRE(!vm_dram(UNIT, 400 * MIB), "%s", vm_why());
	EXPECT(vm_region(UNIT, "r", SIZE), 0);
	EXPECT(vm_region(UNIT, "large", SIZE), 0);
}

static void unit__can_be_dropped(void)
{
	EXPECT(vm_drop(UNIT), 0);
}

int main(void)
{
	VM_RUN(unit__can_be_made);
	VM_RUN(fence__not_held_up_by_a_source_that_never_comes);
	VM_RUN(fence__not_held_up_by_the_rest_of_a_write);
	VM_RUN(takeover__not_held_up_by_a_source_that_never_comes);
	VM_RUN(delete__not_held_up_by_a_destination_that_never_comes);
	VM_RUN(fence__not_held_up_by_a_growing_region);
	VM_RUN(death__not_held_up_by_a_growing_region);
	VM_RUN(unit__can_be_dropped);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The module goes only when nothing of it is in use: not while a unit is attached, a
 * file open or a mapping there, even of a unit that is gone; and it comes again.
 */
#define _GNU_SOURCE
#include <sys/syscall.h>

#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)
#define SIZE	(2 * MIB)

/* 0, -EWOULDBLOCK: it is in use, -ENOENT: there is none. */
static int take_out(void)
{
	return syscall(SYS_delete_module, "npmu", O_NONBLOCK) ? -errno : 0;
}

static int put_in(void)
{
	int fd = vm_open_path(getenv("NPMU_KO"), O_RDONLY);
	int ret;

	if (fd < 0)
		return fd;
	ret = syscall(SYS_finit_module, fd, getenv("NPMU_KO_PARAMS") ?: "", 0) ? -errno : 0;
	close(fd);
	return ret;
}

/* It can go, and what comes works: asked by a process that never knew the other one. */
static int works(void *ctx)
{
	(void)ctx;
	return vm_dram("fresh", 16 * MIB) || vm_region("fresh", "r", SIZE) || vm_drop("fresh");
}

static void check_goes(const char *when)
{
	int ret = take_out();

	CHECK(!ret, "%s: it does not go: %s", when, vm_strerror(ret));
	if (!ret)
		EXPECT(put_in(), 0);
	EXPECT(vm_reap(vm_child(works, NULL), 60000), 0);
}

#define BEGIN() do {							\
	if (!getenv("NPMU_KO"))						\
		SKIP("NPMU_KO says not which module");			\
} while (0)

/* Of each test the calls are a child's: the handle of one module is none of the next. */
static int attach(void *ctx)
{
	(void)ctx;
	return vm_dram("u", 32 * MIB) || vm_region("u", "r", SIZE);
}

static int drop(void *ctx)
{
	(void)ctx;
	return !!vm_drop("u");
}

static void make_unit(void)
{
	EXPECT(vm_reap(vm_child(attach, NULL), 60000), 0);
}

static void drop_unit(void)
{
	EXPECT(vm_reap(vm_child(drop, NULL), 60000), 0);
}

static void module__stays_while_a_unit_is_attached(void)
{
	BEGIN();
	make_unit();
	EXPECT(take_out(), -EWOULDBLOCK);
	CHECK(!vm_sh("rmmod npmu 2>&1 | grep -q 'in use'"), "rmmod does not say why");
	EXPECT(take_out(), -EWOULDBLOCK);
	drop_unit();
	check_goes("no unit");
}

static void module__stays_while_a_file_is_open(void)
{
	int fd;

	BEGIN();
	make_unit();
	fd = vm_open("u", "r", O_RDWR);
	CHECK(fd >= 0, "open: %s", vm_strerror(fd));
	EXPECT(take_out(), -EWOULDBLOCK);
	/* The region is deleted by force, and its unit detached. */
	drop_unit();
	EXPECT(take_out(), -EWOULDBLOCK);
	EXPECT(vm_pread(fd, &(char){ 0 }, 1, 0), -ESTALE);
	close(fd);
	check_goes("the file is closed");
}

static void module__stays_while_a_mapping_is_there(void)
{
	uint64_t *map;
	int fd;

	BEGIN();
	make_unit();
	fd = vm_open("u", "r", O_RDWR);
	map = vm_map(fd, 0, SIZE, RW);
	REQUIRE(map, "%m");
	EXPECT(vm_store(map, 1), 0);
	close(fd);
	EXPECT(take_out(), -EWOULDBLOCK);
	EXPECT(vm_store(map, 2), 0);
	drop_unit();
	EXPECT(take_out(), -EWOULDBLOCK);
	EXPECT(vm_store(map, 3), SIGBUS);
	/* A part of it is enough. */
	munmap(map, SIZE / 2);
	EXPECT(take_out(), -EWOULDBLOCK);
	munmap((char *)map + SIZE / 2, SIZE / 2);
	check_goes("the mapping is gone");
}

static void module__stays_while_a_status_page_is_mapped(void)
{
	const volatile struct npmu_status *status;
	int fd;

	BEGIN();
	make_unit();
	fd = vm_open("u", "r", O_RDONLY);
	status = vm_status(fd);
	REQUIRE(status, "%m");
	close(fd);
	drop_unit();
	EXPECT(take_out(), -EWOULDBLOCK);
	CHECK(!status->writer, "there is a writer");
	munmap((void *)status, 4096);
	check_goes("the page is unmapped");
}

/* Who only listens does not hold it; nor does he get anything from the next one. */
static void module__goes_under_a_listener(void)
{
	struct npmu_event_info event;
	struct npmu_events *events;

	BEGIN();
	REQUIRE(!npmu_events_open(&events, NULL), "no events");
	check_goes("one listens");
	while (!npmu_events_next(events, &event))
		;
	npmu_events_close(events);
}

/* Asks without end for what may not be there. */
static int ask(void *ctx)
{
	volatile bool *stop = ctx;
	struct npmu_ctl *ctl;
	int fd;

	while (!*stop) {
		if (!npmu_ctl_open(&ctl, NULL)) {
			npmu_ctl_unit_attach_dram(ctl, "asked", 8 * MIB, 0, NULL);
			npmu_ctl_region_create(ctl, "asked", "r", 4096, NULL, NULL);
			fd = open("/dev/npmu/asked/r", O_RDWR | O_CLOEXEC);
			npmu_ctl_region_list(ctl, NULL, NULL, NULL);
			if (fd >= 0)
				close(fd);
			npmu_ctl_region_delete(ctl, "asked", "r", NPMU_CTL_FORCE);
			npmu_ctl_unit_detach(ctl, "asked");
			npmu_ctl_close(ctl);
		}
	}
	return 0;
}

static void module__comes_and_goes_while_it_is_asked(void)
{
	unsigned long rounds = vm_times(10, 1000), gone = 0, refused = 0;
	bool *stop;
	pid_t pid;
	int ret;

	BEGIN();
	stop = mmap(NULL, 4096, RW, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid = vm_child(ask, stop);
	while (gone < rounds && refused < 100000) {
		ret = take_out();
		if (ret == -EWOULDBLOCK) {
			refused++;
			continue;
		}
		EXPECT(ret, 0);
		EXPECT(put_in(), 0);
		if (ret)
			break;
		gone++;
		vm_sleep_ms(gone % 8);
	}
	*stop = true;
	EXPECT(vm_reap(pid, 60000), 0);
	munmap(stop, 4096);
	printf("# went %lu times, refused %lu times\n", gone, refused);
	CHECK(gone == rounds, "it went %lu times, not %lu", gone, rounds);
	check_goes("in the end");
}

int main(void)
{
	VM_RUN(module__stays_while_a_unit_is_attached);
	VM_RUN(module__stays_while_a_file_is_open);
	VM_RUN(module__stays_while_a_mapping_is_there);
	VM_RUN(module__stays_while_a_status_page_is_mapped);
	VM_RUN(module__goes_under_a_listener);
	VM_RUN(module__comes_and_goes_while_it_is_asked);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A writer ends in each way there is while a child that inherited its mapping and
 * a copy of its file live on: the region has no writer, readers are told, and
 * the heirs reach nothing.
 */
#define _GNU_SOURCE
#include <poll.h>

#include "death_writer.h"
#include "vmunit.h"

#define SIZE	(4 * MIB)
#define UNIT	"death"

/* What is expected of one who sees it. */
struct view {
	int reader;
	const volatile struct npmu_status *status;
	struct npmu_events *events;
};

static bool view_make(struct view *v)
{
	struct npmu_event_info event;
	struct npmu_ioc_info info;

	v->reader = vm_open(UNIT, "r", O_RDONLY);
	v->status = vm_status(v->reader);
	if (!CHECK(v->reader >= 0 && v->status, "no reader"))
		return false;
	if (!CHECK(!npmu_events_open(&v->events, NULL), "no events"))
		return false;
	while (!npmu_events_next(v->events, &event))
		;
	EXPECT(vm_info(v->reader, &info), 0);
	return true;
}

static void view_end(struct view *v)
{
	npmu_events_close(v->events);
	munmap((void *)v->status, NPMU_STATUS_SIZE);
	close(v->reader);
}

static bool event_comes(struct view *v, uint32_t event, uint32_t pid)
{
	struct pollfd pfd = { npmu_events_fd(v->events), POLLIN, 0 };
	struct npmu_event_info info;
	uint64_t end = vm_now_ns() + vm_patience(5000) * 1000000;

	while (vm_now_ns() < end) {
		while (!npmu_events_next(v->events, &info))
			if (info.event == event && !strcmp(info.unit, UNIT) &&
			    info.writer_pid == pid)
				return true;
		poll(&pfd, 1, 100);
	}
	return false;
}

/* The end was told by @event, and nothing of it is left. @dead: its open is. */
static void check_end(struct view *v, struct death_writer *w, uint32_t event, bool dead)
{
	struct pollfd pfd = { v->reader, POLLPRI, 0 };
	struct npmu_ioc_info info;
	int successor;

	CHECK(poll(&pfd, 1, vm_patience(5000)) == 1 && pfd.revents & POLLPRI, "poll says %x", pfd.revents);
	CHECK(v->status->writer == 0, "writer %llu", (unsigned long long)v->status->writer);
	EXPECT(vm_info(v->reader, &info), 0);
	CHECK(!info.writer_id && info.last_writer_pid == (uint32_t)w->pid,
	      "writer %llu, last %u, expected %d", (unsigned long long)info.writer_id,
	      info.last_writer_pid, w->pid);
	CHECK(event_comes(v, event, w->pid), "no event %u of %d", event, w->pid);
	if (dead) {
		EXPECT(vm_info(w->copy, &info), 0);
		CHECK(info.dead, "its open is not dead");
		EXPECT(vm_pwrite(w->copy, "x", 1, 0), -ESTALE);
		EXPECT(vm_claim(w->copy, NULL), -ESTALE);
		EXPECT(death_ask_heir(w), HEIR_ALL);
	}
	successor = vm_open(UNIT, "r", O_RDWR);
	EXPECT(vm_claim(successor, NULL), 0);
	EXPECT(vm_pwrite(successor, "x", 1, 0), 1);
	close(successor);
}

static void death__sigkill_is_told_while_heirs_live(void)
{
	struct death_writer w = { .unit = UNIT, .region = "r", .size = SIZE };
	struct view v;

	EXPECT(death_start(&w), 0);
	if (!view_make(&v))
		return;
	CHECK(v.status->writer != 0, "no writer");
	kill(w.pid, SIGKILL);
	check_end(&v, &w, NPMU_EVENT_WRITER_DEAD, true);
	EXPECT(death_end(&w), 256 + SIGKILL);
	view_end(&v);
}

static void death__sigkill_of_a_writer_with_threads_is_told(void)
{
	struct death_writer w = { .unit = UNIT, .region = "r", .size = SIZE, .threads = 2 };
	struct view v;

	EXPECT(death_start(&w), 0);
	if (!view_make(&v))
		return;
	vm_sleep_ms(20);
	kill(w.pid, SIGKILL);
	check_end(&v, &w, NPMU_EVENT_WRITER_DEAD, true);
	EXPECT(death_end(&w), 256 + SIGKILL);
	view_end(&v);
}

static int just_exit(int fd, void *at)
{
	(void)fd;
	(void)at;
	return 0;
}

static int touch_nothing(int fd, void *at)
{
	(void)fd;
	(void)at;
	/* cppcheck-suppress nullPointer */
	*(volatile int *)NULL = 0;
	return 0;
}

static int exec_on(int fd, void *at)
{
	(void)at;
	/* The file is open in the new program too. */
	fcntl(fd, F_SETFD, 0);
	execl("/bin/sleep", "sleep", "1", NULL);
	return 5;
}

static void ends_with(int (*die)(int fd, void *at), int status)
{
	struct death_writer w = { .unit = UNIT, .region = "r", .size = SIZE, .die = die };
	struct view v;

	EXPECT(death_start(&w), 0);
	if (!view_make(&v))
		return;
	EXPECT(death_tell(&w), 0);
	check_end(&v, &w, NPMU_EVENT_WRITER_DEAD, true);
	EXPECT(death_end(&w), status);
	view_end(&v);
}

static void death__exit_is_told_while_heirs_live(void)
{
	ends_with(just_exit, 0);
}

static void death__crash_is_told_while_heirs_live(void)
{
	ends_with(touch_nothing, 256 + SIGSEGV);
}

static void death__exec_is_told_while_heirs_live(void)
{
	ends_with(exec_on, 0);
}

static int resign_and_stay(int fd, void *at)
{
	(void)at;
	if (vm_resign(fd))
		return 6;
	pause();
	return 7;
}

static void death__resign_is_told(void)
{
	struct death_writer w = { .unit = UNIT, .region = "r", .size = SIZE,
				  .die = resign_and_stay };
	struct view v;

	EXPECT(death_start(&w), 0);
	if (!view_make(&v))
		return;
	EXPECT(death_tell(&w), 0);
	check_end(&v, &w, NPMU_EVENT_WRITER_RESIGNED, false);
	kill(w.pid, SIGKILL);
	EXPECT(death_end(&w), 256 + SIGKILL);
	view_end(&v);
}

/* Of a writer that nobody inherited from. */
static void death__last_close_is_told(void)
{
	struct pollfd pfd;
	struct view v;
	int fd = vm_open(UNIT, "r", O_RDWR);

	EXPECT(vm_claim(fd, NULL), 0);
	if (!view_make(&v))
		return;
	close(fd);
	pfd = (struct pollfd) { v.reader, POLLPRI, 0 };
	CHECK(poll(&pfd, 1, vm_patience(5000)) == 1, "poll");
	CHECK(v.status->writer == 0, "writer %llu", (unsigned long long)v.status->writer);
	CHECK(event_comes(&v, NPMU_EVENT_WRITER_DEAD, getpid()), "no event");
	view_end(&v);
}

/* An inherited mapping keeps the file open: the writer lives as its process does. */
static void death__close_beside_a_mapping_is_none(void)
{
	struct view v;
	int fd = vm_open(UNIT, "r", O_RDWR);
	uint64_t *at = vm_map(fd, 0, SIZE, PROT_READ | PROT_WRITE);

	REQUIRE(at, "map: %s", strerror(errno));
	if (!view_make(&v))
		return;
	close(fd);
	EXPECT(vm_store(at, 1), 0);
	CHECK(v.status->writer != 0, "no writer");
	munmap(at, SIZE);
	CHECK(VM_UNTIL(!v.status->writer, 5000), "it outlived its last mapping");
	view_end(&v);
}

/* A thread that ends, and a child that inherited, are not the writer's process. */
static void *thread_ends(void *arg)
{
	return (void *)(long)vm_pwrite(*(int *)arg, "t", 1, 0);
}

static int child_ends(void *ctx)
{
	close(*(int *)ctx);
	return 0;
}

static void death__of_a_thread_or_child_is_none(void)
{
	int fd = vm_open(UNIT, "r", O_RDWR);
	pthread_t thread;
	struct view v;

	if (!view_make(&v))
		return;
	pthread_create(&thread, NULL, thread_ends, &fd);
	pthread_join(thread, NULL);
	EXPECT(vm_reap(vm_child(child_ends, &fd), 10000), 0);
	vm_sleep_ms(20);
	CHECK(v.status->writer != 0, "no writer");
	EXPECT(vm_pwrite(fd, "x", 1, 0), 1);
	close(fd);
	view_end(&v);
}

static void unit__can_be_dropped_soon(void)
{
	/* The heirs were killed, but not by their parents: they may take a moment. */
	CHECK(VM_UNTIL(!vm_drop(UNIT), 5000), "%s", vm_why());
}

int main(void)
{
	vm_one_unit(UNIT, 64 * MIB, SIZE);
	VM_RUN(unit__can_be_made);
	VM_RUN(death__sigkill_is_told_while_heirs_live);
	VM_RUN(death__sigkill_of_a_writer_with_threads_is_told);
	VM_RUN(death__exit_is_told_while_heirs_live);
	VM_RUN(death__crash_is_told_while_heirs_live);
	VM_RUN(death__exec_is_told_while_heirs_live);
	VM_RUN(death__resign_is_told);
	VM_RUN(death__last_close_is_told);
	VM_RUN(death__close_beside_a_mapping_is_none);
	VM_RUN(death__of_a_thread_or_child_is_none);
	VM_RUN(unit__can_be_dropped_soon);
	return vm_end();
}

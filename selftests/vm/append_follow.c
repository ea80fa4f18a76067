// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Following a writer on the device: by an event loop that has other things to wait for,
 * what is told of a writer's death, and what a forked child has of the mapping.
 */
#include <poll.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/wait.h>

#include "append.h"

/* The rounds that the two sides play. */
#define ROUNDS		20

/* As libnpmu does it in npmu_append_wait(), for a loop of one's own: arm, look, wait. */
static int64_t armed_next(struct end *r, uint32_t *seen)
{
	EXPECT(npmu_region_wait(r->region, NPMU_WAIT_F_ARM, 0, 0, 0, seen), 0);
	return next(r);
}

struct loop {
	int epoll;
	int other;
};

static int watch(const struct loop *loop, int fd, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	return epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &event);
}

static int write_and_tell(void *ctx)
{
	struct loop *loop = ctx;
	uint64_t one = 1;
	struct end w;
	int i;

	if (end_write(&w, NPMU_APPEND_FULL_ENOSPC, 0) || base(&w, 1))
		return 1;
	for (i = 0; i < ROUNDS; i++) {
		if (i % IN_RING == IN_RING - 1 && base(&w, 1))
			return 2;
		if (i % 3 == 2 ? write(loop->other, &one, sizeof(one)) != sizeof(one) : update(&w, 10 + i))
			return 3;
		vm_sleep_ms(i % 2 ? 20 : 0);
	}
	return 0;
}

/* The region's descriptor beside another one; no turn of the loop is by time. */
static void epoll__region_beside_another_descriptor(void)
{
	struct loop loop = { epoll_create1(EPOLL_CLOEXEC), eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) };
	int updates = 0, others = 0, changes = 0;
	struct npmu_append_who who;
	struct epoll_event event;
	struct end r;
	uint32_t seen;
	uint64_t n;
	int64_t tag;
	pid_t pid;

	REQUIRE(!vm_any("t", 32 * MIB, 16) && !vm_region("t", "r", SIZE) &&
		!end_open(&r, NPMU_OPEN_WRITE, 0), "%s", vm_why());
	REQUIRE(!watch(&loop, npmu_region_fd(r.region), EPOLLIN | EPOLLPRI) &&
		!watch(&loop, loop.other, EPOLLIN), "epoll");
	pid = vm_child(write_and_tell, &loop);
	do {
		/* All that is there, until there is nothing, armed before that look. */
		while ((tag = armed_next(&r, &seen)) != -ENODATA) {
			if (tag == -EOVERFLOW || tag == -ESTALE)
				tag = read_base(&r) ? -1 : 0;
			CHECK(tag >= 0, "next: %ld", (long)tag);
			if (tag < 0)
				break;
			updates += tag >= 10;
		}
		if (epoll_wait(loop.epoll, &event, 1, (int)vm_patience(60000)) != 1) {
			CHECK(0, "nobody told in time: %d updates, %d others", updates, others);
			break;
		}
		if (event.data.fd == loop.other) {
			others += read(loop.other, &n, sizeof(n)) == sizeof(n) ? (int)n : 0;
			continue;
		}
		if (event.events & EPOLLPRI) {
			changes++;
			EXPECT(npmu_append_who(r.r, &who), 0);
		}
	} while (!changes || who.alive || who.pid != (uint32_t)pid);
	CHECK(vm_reap(pid, 20000) == 0, "the writer failed");
	while ((tag = next(&r)) >= 0)
		updates += tag >= 10;
	if (read(loop.other, &n, sizeof(n)) == sizeof(n))
		others += (int)n;
	CHECK(others > 0, "the other descriptor was never told");
	CHECK(updates > 0 && updates <= ROUNDS - ROUNDS / 3, "%d updates", updates);
	CHECK(changes > 0 && !who.alive && who.pid == (uint32_t)pid, "the end was not told");
	close(loop.other);
	close(loop.epoll);
	end_close(&r);
	EXPECT(vm_drop("t"), 0);
}

static int write_and_die(void *ctx)
{
	struct end w;
	int i;

	(void)ctx;
	if (end_write(&w, NPMU_APPEND_FULL_ENOSPC, 0) || base(&w, 1))
		return 1;
	for (i = 0; i < 3; i++)
		if (update(&w, 10 + i))
			return 2;
	kill(getpid(), SIGKILL);
	return 3;
}

static void death__tells_pid_epoch_and_sequence(void)
{
	struct npmu_append_who who;
	struct npmu_ioc_info info;
	int64_t tag;
	struct end r;
	pid_t pid;
	int code;

	REQUIRE(!vm_any("t", 32 * MIB, 16) && !vm_region("t", "r", SIZE) &&
		!end_open(&r, NPMU_OPEN_WRITE, 0), "%s", vm_why());
	EXPECT(npmu_append_who(r.r, &who), 0);
	CHECK(!who.alive && !who.pid && !who.sequence, "a writer before there was one");
	pid = vm_child(write_and_die, NULL);
	/* Whatever is committed first: then what it was. */
	do {
		code = npmu_append_wait(r.r, vm_patience(60000) * 1000000ULL);
		while (!code && (tag = next(&r)) != -ENODATA)
			if (tag < 0 && read_base(&r))
				break;
		if (code > 0)
			EXPECT(npmu_append_who(r.r, &who), 0);
	} while (code == 0 || (code == 1 && (who.alive || !who.pid)));
	EXPECT(code, 1);
	CHECK(who.pid == (uint32_t)pid && who.sequence == 4, "pid %u, not %d; sequence %lu", who.pid,
	      pid, who.sequence);
	EXPECT(npmu_region_info(r.region, &info), 0);
	CHECK(who.fence_epoch == info.last_writer_epoch && who.current_epoch == info.fence_epoch &&
	      who.fence_epoch == 1, "epoch %lu of %lu", who.fence_epoch, who.current_epoch);
	CHECK(vm_reap(pid, 20000) == 256 + SIGKILL, "it was not killed");
	/* Told once. */
	EXPECT(npmu_append_wait(r.r, 0), -ETIMEDOUT);
	end_close(&r);
	EXPECT(vm_drop("t"), 0);
}

/* A child that only looks at what it has of its parent's mapping. */
static int looks(struct end *e)
{
	int status;
	pid_t pid = fork();

	if (!pid) {
		volatile char *at = npmu_region_addr(e->region);

		signal(SIGSEGV, SIG_DFL);
		_exit(*at == *(volatile char *)"N" ? 7 : 8);
	}
	if (waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void fork__child_has_no_mapping(void)
{
	struct end w, r;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	EXPECT(looks(&w), -SIGSEGV);
	EXPECT(looks(&r), -SIGSEGV);
	/* And its end is not the writer's. */
	EXPECT(update(&w, 10), 0);
	EXPECT((int)next(&r), 10);
	down(&w, &r);
}

static void fork__child_has_it_if_asked(void)
{
	struct end w, r, heir;

	REQUIRE(!up(&w, &r, NPMU_APPEND_FULL_ENOSPC, 0), "%s", vm_why());
	REQUIRE(!end_open(&heir, NPMU_OPEN_READ, NPMU_MAP_FORK), "%s", vm_why());
	EXPECT(looks(&heir), 7);
	EXPECT(update(&w, 10), 0);
	end_close(&heir);
	down(&w, &r);
}

int main(void)
{
	VM_RUN(epoll__region_beside_another_descriptor);
	VM_RUN(death__tells_pid_epoch_and_sequence);
	VM_RUN(fork__child_has_no_mapping);
	VM_RUN(fork__child_has_it_if_asked);
	return vm_end();
}

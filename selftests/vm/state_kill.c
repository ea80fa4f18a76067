// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A writer killed by SIGKILL at a random point: every state whose commit returned
 * is there, and no torn one.
 */
#include "state.h"

static int report;

static int write_for_ever(void *ctx)
{
	struct state_writer w;
	int ret;

	(void)ctx;
	ret = state_writer_open(&w, "t/state");
	while (!ret) {
		ret = state_commit(&w);
		if (!ret && write(report, &w.commit, 8) != 8)
			return 1;
	}
	fprintf(stderr, "# writer: %s\n", vm_strerror(ret));
	return 2;
}

/* Kills a writer, and checks. Return: the last commit reported. */
static uint64_t one_round(uint64_t last, uint64_t *random)
{
	uint64_t found = 0;
	int fds[2], ret;
	pid_t pid;

	if (!CHECK(!pipe(fds), "%m"))
		return last;
	report = fds[1];
	pid = vm_child(write_for_ever, NULL);
	close(fds[1]);
	/* Not before its first commit. */
	if (CHECK(read(fds[0], &last, 8) == 8, "the writer made no commit")) {
		usleep(tap_random(random) % 40000);
		kill(pid, SIGKILL);
		while (read(fds[0], &found, 8) == 8)
			last = found;
	}
	close(fds[0]);
	EXPECT(vm_reap(pid, 5000), 256 + SIGKILL);
	ret = state_read("t/state", &found);
	CHECK(!ret, "after commit %lu: %s, commit %lu", last, vm_strerror(ret), found);
	CHECK(found >= last && found <= last + 1, "commit %lu returned, %lu was found", last, found);
	return found;
}

static void state__kill_9(void)
{
	unsigned long i, rounds = vm_times(30, 200);
	uint64_t random = vm_now_ns(), last = 0;

	printf("# seed %lu\n", random);
	REQUIRE(!vm_any("t", 64 * MIB, 8), "%s", vm_why());
	REQUIRE(!vm_region("t", "state", MIB), "%s", vm_why());
	for (i = 0; i < rounds; i++)
		last = one_round(last, &random);
	printf("# %lu kills, %lu commits\n", rounds, last);
	CHECK(last >= rounds, "only %lu commits", last);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(state__kill_9);
	return vm_end();
}

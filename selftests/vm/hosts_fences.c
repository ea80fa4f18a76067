// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A client of this host (10.77.0.1) writes at full speed into a unit on another (10.77.0.2), and
 * another client fences it: no byte changes after the unit has answered. The same within one
 * host is in ni_bounds.c. See hosts.sh.
 */
#define _GNU_SOURCE
#include <pthread.h>

#include "nihost.h"

#define UNIT	"10.77.0.2"

static void hosts__come_up(void)
{
	EXPECT(vm_sh("selftests/vm/hosts_rxe"), 0);
	REQUIRE(!vm_sh("scripts/vm-run 2 'tools/build/npmu-admin ni list' >/dev/null"), "no unit");
	/* On a slow host nobody is taken for gone. */
	EXPECT(vm_sh("scripts/vm-run 2 'echo 60000 >/sys/module/npmu_rdma/parameters/keepalive_ms'"), 0);
	ni_at(UNIT);
}

/* Where the bytes are, of the successor's buffer: at once, and when the writer has given up. */
#define AT_ONCE	0
#define LATER	NI_BURSTS

/* True: the bytes stood still behind the fence. */
static bool round_of(struct ni_writer *w, struct ni_open *successor)
{
	pthread_t thread;
	bool still;
	int ret;

	/* The role is vacant when the unit has seen the successor of before go. */
	if (ni_open(&w->o, "alice", "u", "r", NI_RW) || !VM_UNTIL(!ni_claim(&w->o), 30000) ||
	    ni_open(successor, "bob", "u", "r", NI_RW) ||
	    pthread_create(&thread, NULL, ni_write_on, w))
		return false;
	while (atomic_load(&w->rounds) < 3)
		usleep(100);
	ret = ni_takeover(successor, w->o.fence_epoch);
	if (ret)
		printf("# fence: %d\n", ret);
	still = !ret && !ni_read(successor, 0, AT_ONCE, NI_BURSTS);
	pthread_join(thread, NULL);
	return still && !ni_read(successor, 0, LATER, NI_BURSTS) &&
	       !memcmp(successor->buf, successor->buf + LATER, NI_BURSTS);
}

static void fence__lets_nothing_land(void)
{
	unsigned long i, n = vm_times(67, 10000);
	bool still = true;

	for (i = 0; i < n && still; i++) {
		struct ni_writer w = { .rounds = 0 };
		struct ni_open successor = { 0 };

		still = CHECK(round_of(&w, &successor), "round %lu", i);
		if (successor.c)
			ni_close(&successor);
		if (w.o.c)
			ni_close(&w.o);
	}
	printf("# %lu fences\n", i);
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(fence__lets_nothing_land);
	return vm_end();
}

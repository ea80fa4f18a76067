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

/*
 * @w writes; another opens, takes over and is the writer of the next round. True: the bytes stood
 * still behind the fence.
 */
static bool round_of(struct ni_writer *w, struct ni_open *successor, const char *principal)
{
	pthread_t thread;
	bool still;
	int ret;

	if (ni_open(successor, principal, "u", "r", NI_RW) ||
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
	static const char *const principals[] = { "alice", "bob" };
	unsigned long i, n = vm_times(200, 10000);
	struct ni_writer w = { .rounds = 0 };
	struct ni_open successor = { 0 };
	bool still;

	REQUIRE(!ni_open(&w.o, principals[0], "u", "r", NI_RW) && !ni_claim(&w.o), "no writer");
	for (i = 0, still = true; i < n && still; i++) {
		still = CHECK(round_of(&w, &successor, principals[(i + 1) % 2]), "round %lu", i);
		ni_close(&w.o);
		w = (struct ni_writer){ .o = successor };
		successor = (struct ni_open){ 0 };
	}
	printf("# %lu fences\n", i);
	if (w.o.c)
		ni_close(&w.o);
}

int main(void)
{
	VM_RUN(hosts__come_up);
	VM_RUN(fence__lets_nothing_land);
	return vm_end();
}

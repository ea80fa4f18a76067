// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation of the network interface: of its netlink requests, in the process
 * that makes them, and of what it does for a client once that is connected, in the workers of its
 * work queue. They are nobody else's, as the queue is made a little nicer than others.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <sys/resource.h>

#include <npmu/grants.h>

#include "nihost.h"
#include "nth.h"

#define MOST	2000
#define PORT	7001

/* --- a sweep: its own, as the unit's state is not what is at stake --- */

/* libnl has no other word for -EFAULT than one that says nothing. */
static bool is_refusal(int ret)
{
	return ret == -ENOMEM || ret == -ENOBUFS || ret == -EPROTO;
}

/* Until a run is over before its turn came, twice. Return: how much failed. */
static unsigned int sweep(const char *name, int (*begin)(void), int (*act)(void),
			  void (*look)(int ret))
{
	unsigned int n, past = 0, injected = 0, refused = 0;
	uint64_t began = vm_now_ns();
	int ret;

	for (n = 1; n < MOST && past < 2; n++) {
		if (begin && !CHECK(!begin(), "%s: run %u cannot begin", name, n))
			return injected;
		nth_now = n;
		ret = act();
		nth_now = 0;
		past = nth_hit ? 0 : past + 1;
		injected += nth_hit;
		refused += ret != 0;
		CHECK(nth_hit || !ret, "%s: nothing failed, but it is %d", name, ret);
		look(ret);
	}
	CHECK(past == 2, "%s: no end after %u", name, n);
	printf("# %-28s %4u failures injected: %u refused; %llu ms\n", name, injected, refused,
	       (unsigned long long)(vm_now_ns() - began) / 1000000);
	fflush(stdout);
	return injected;
}

/* --- netlink --- */

static int count_listener(void *ctx, const struct npmu_listener_info *info)
{
	*(unsigned int *)ctx += info->port == PORT;
	return 0;
}

static int count_key(void *ctx, const struct npmu_key_info *info)
{
	*(unsigned int *)ctx += !strcmp(info->principal, "carol");
	return 0;
}

static bool listens(void)
{
	unsigned int n = 0;

	EXPECT(npmu_ni_listener_list(ni_ctl(), count_listener, &n), 0);
	return n;
}

static bool knows(void)
{
	unsigned int n = 0;

	EXPECT(npmu_ni_key_list(ni_ctl(), count_key, &n), 0);
	return n;
}

static int listen_first(void)
{
	int ret = npmu_ni_listen(ni_ctl(), NI_ADDRESS, PORT);

	return ret == -EADDRINUSE || ret == -EEXIST ? 0 : ret;
}

static int unlisten_first(void)
{
	int ret = npmu_ni_unlisten(ni_ctl(), NI_ADDRESS, PORT);

	return ret == -ENOENT ? 0 : ret;
}

static int act_listen(void)
{
	return NTH(npmu_ni_listen(ni_ctl(), NI_ADDRESS, PORT));
}

/* The answer may be what got lost: what was asked for is there, then, or it is not. */
static void look_listen(int ret)
{
	CHECK(!ret || is_refusal(ret), "%d", ret);
	CHECK(ret || listens(), "it does not listen");
	EXPECT(listen_first(), 0);
	CHECK(listens(), "it does not listen when asked again");
	EXPECT(unlisten_first(), 0);
}

static int act_unlisten(void)
{
	return NTH(npmu_ni_unlisten(ni_ctl(), NI_ADDRESS, PORT));
}

static void look_unlisten(int ret)
{
	CHECK(!ret || is_refusal(ret), "%d", ret);
	CHECK(ret || !listens(), "it listens still");
	EXPECT(unlisten_first(), 0);
	CHECK(!listens(), "it listens still when asked again");
}

static int set_key(void)
{
	uint8_t key[NPMU_WIRE_KEY_MIN];

	ni_key("carol", key);
	return npmu_ni_key_set(ni_ctl(), "carol", key, sizeof(key));
}

static int remove_key(void)
{
	int ret = npmu_ni_key_remove(ni_ctl(), "carol");

	return ret == -ENOENT ? 0 : ret;
}

static int act_key(void)
{
	return NTH(set_key());
}

static void look_key(int ret)
{
	CHECK(!ret || is_refusal(ret), "%d", ret);
	CHECK(ret || knows(), "the key is not there");
	EXPECT(set_key(), 0);
	CHECK(knows(), "the key is not there when it is set again");
	EXPECT(remove_key(), 0);
}

static int act_key_remove(void)
{
	return NTH(npmu_ni_key_remove(ni_ctl(), "carol"));
}

static void look_key_remove(int ret)
{
	CHECK(!ret || is_refusal(ret), "%d", ret);
	CHECK(ret || !knows(), "the key is there still");
	EXPECT(remove_key(), 0);
}

static int act_lists(void)
{
	unsigned int n = 0;

	return NTH(npmu_ni_session_list(ni_ctl(), ni_count_session, &n) ?:
		   npmu_ni_listener_list(ni_ctl(), count_listener, &n) ?:
		   npmu_ni_key_list(ni_ctl(), count_key, &n));
}

static void look_lists(int ret)
{
	CHECK(!ret || is_refusal(ret), "%d", ret);
	CHECK(!listens() && !knows(), "a list changes something");
}

static void requests__fail_and_change_nothing(void)
{
	CHECK(sweep("listen", NULL, act_listen, look_listen), "nothing failed");
	CHECK(sweep("unlisten", listen_first, act_unlisten, look_unlisten), "nothing failed");
	CHECK(sweep("key set", NULL, act_key, look_key), "nothing failed");
	CHECK(sweep("key remove", set_key, act_key_remove, look_key_remove), "nothing failed");
	CHECK(sweep("lists", NULL, act_lists, look_lists), "nothing failed");
}

/* --- what is done for a client --- */

static int worker[256];
static unsigned int workers;

/* What no other work queue has. */
#define NICE	-7

static bool is_worker(const char *pid)
{
	char path[64], name[8] = "";
	int fd;

	if (getpriority(PRIO_PROCESS, atoi(pid)) != NICE)
		return false;
	snprintf(path, sizeof(path), "/proc/%.16s/comm", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	if (read(fd, name, sizeof(name) - 1) < 0)
		name[0] = 0;
	close(fd);
	return !strncmp(name, "kworker", 7);
}

static void arm_workers(void)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	char path[64], text[16];
	int len = snprintf(text, sizeof(text), "%u", nth_now);

	for (workers = 0; dir && workers < 256 && (e = readdir(dir));) {
		if (*e->d_name < '1' || *e->d_name > '9' || !is_worker(e->d_name))
			continue;
		snprintf(path, sizeof(path), "/proc/%.16s/fail-nth", e->d_name);
		worker[workers] = open(path, O_RDWR | O_CLOEXEC);
		if (worker[workers] >= 0)
			workers++;
	}
	if (dir)
		closedir(dir);
	CHECK(workers, "no worker is to be found");
	for (unsigned int i = 0; nth_now && i < workers; i++)
		if (pwrite(worker[i], text, len, 0) != len)
			CHECK(errno == ESRCH, "a worker is not armed: %m");
}

static void disarm_workers(void)
{
	unsigned int i;

	nth_hit = false;
	for (i = 0; i < workers; i++) {
		char text[16] = "";

		if (pread(worker[i], text, sizeof(text) - 1, 0) > 0 && !atoi(text))
			nth_hit = true;
		if (pwrite(worker[i], "0", 1, 0) != 1)
			CHECK(errno == ESRCH, "a worker stays armed: %m");
		close(worker[i]);
	}
}

#define WORKERS(call) ({						\
	arm_workers();							\
	long long ret_ = (call);					\
	disarm_workers();						\
	ret_;								\
})

static struct ni_open o, other;

static int opened(void)
{
	return ni_open(&o, "alice", NTH_UNIT, "r", NI_RW);
}

static int claimed(void)
{
	return opened() ?: VM_UNTIL(!ni_claim(&o), 30000) ? 0 : -EBUSY;
}

static int contended(void)
{
	return claimed() ?: ni_open(&other, "alice", NTH_UNIT, "r", NI_RW);
}

static int act_open(void)
{
	return WORKERS(opened());
}

static int act_claim(void)
{
	return WORKERS(ni_claim(&o));
}

static int act_commit(void)
{
	return WORKERS(ni_write(&o, 0, 0, 8192) ?: ni_commit(&o, 0, 8192, 8192, 1));
}

static int act_takeover(void)
{
	return WORKERS(ni_takeover(&other, o.fence_epoch));
}

/* Whatever became of it: nothing is left of it, and who comes next is served. */
static void look_client(int ret)
{
	struct npmu_region_info info;

	(void)ret;
	if (other.c)
		ni_close(&other);
	if (o.c)
		ni_close(&o);
	ni_settle();
	EXPECT(vm_get(NTH_UNIT, "r", &info), 0);
	CHECK(!info.opens, "%u opens are left", info.opens);
	EXPECT(claimed(), 0);
	if (!o.c)
		return;
	memset(o.buf, 0x5a, 4096);
	EXPECT(ni_write(&o, 4096, 0, 4096), 0);
	EXPECT(ni_commit(&o, 4096, 4096, 8192, 2), 0);
	EXPECT(ni_read(&o, 4096, 4096, 4096), 0);
	CHECK(!memcmp(o.buf, (char *)o.buf + 4096, 4096), "other bytes");
	ni_close(&o);
}

static void clients__fail_and_leave_nothing(void)
{
	REQUIRE(!vm_sh("echo %d >/sys/devices/virtual/workqueue/npmu_rdma/nice", NICE), "no queue");
	CHECK(sweep("OPEN", NULL, act_open, look_client), "nothing failed");
	CHECK(sweep("CLAIM", opened, act_claim, look_client), "nothing failed");
	CHECK(!sweep("COMMIT", claimed, act_commit, look_client), "it wants memory");
	CHECK(sweep("TAKEOVER", contended, act_takeover, look_client), "nothing failed");
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop(NTH_UNIT), 0);
}

static int up(void)
{
	return ni_up() ?: ni_load_key("alice") ?: vm_dram(NTH_UNIT, 8 * MIB) ?:
	       vm_region(NTH_UNIT, "r", MIB) ?:
	       vm_note(npmu_ctl_grant_add(vm_ctl(), NTH_UNIT, "r", "alice", NI_RW, 0, 0));
}

int main(void)
{
	int ret = nth_begin(up);

	if (ret)
		return ret;
	VM_RUN(requests__fail_and_change_nothing);
	VM_RUN(clients__fail_and_leave_nothing);
	VM_RUN(host__goes_down);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The network interface in numbers: fences under a remote writer at full speed, connections
 * that come and go and leave nothing behind, a large scattered region, some that grow.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <pthread.h>

#include <npmu/grants.h>

#include "nihost.h"

#define SIZE	(4 * MIB)

static void host__comes_up(void)
{
	REQUIRE(!ni_up(), "no network interface");
	EXPECT(ni_load_key("alice"), 0);
	EXPECT(ni_load_key("bob"), 0);
	REQUIRE(!vm_dram("u", 64 * MIB), "%s", vm_why());
	EXPECT(vm_region("u", "r", SIZE), 0);
	EXPECT(ni_grant("r", "alice", NI_RW, 0, 0), 0);
	EXPECT(ni_grant("r", "bob", NI_RW, 0, 0), 0);
}

enum way { BY_ADMIN, BY_LOCAL, BY_REMOTE, NR_WAYS };

/* Returns once it has fenced the writer. */
static int fence(enum way way, uint64_t epoch, struct ni_open *successor, int *fd)
{
	struct npmu_ioc_takeover takeover = {
		.size = sizeof(takeover),
		.expected_epoch = epoch,
	};

	if (way == BY_ADMIN)
		return vm_fence("u", "r");
	if (way == BY_LOCAL)
		return ioctl(*fd, NPMU_IOC_TAKEOVER, &takeover) ? -errno : 0;
	return ni_takeover(successor, epoch);
}

/* True: the bytes stood still behind the fence. */
static bool round_of(enum way way, char *before, char *after)
{
	struct ni_open successor = { 0 };
	struct ni_writer w = { .rounds = 0 };
	pthread_t thread;
	bool still;
	int fd, ret;

	if (ni_open(&w.o, "alice", "u", "r", NI_RW) || ni_claim(&w.o))
		return false;
	if (way == BY_REMOTE && ni_open(&successor, "bob", "u", "r", NI_RW))
		return false;
	fd = vm_open("u", "r", O_RDWR);
	if (pthread_create(&thread, NULL, ni_write_on, &w))
		return false;
	/* In the middle of a burst, wherever that is. */
	while (atomic_load(&w.rounds) < 3)
		;
	ret = fence(way, w.o.fence_epoch, &successor, &fd);
	if (ret)
		printf("# fence: %d\n", ret);
	still = !ret && vm_pread(fd, before, NI_BURSTS, 0) == NI_BURSTS;
	pthread_join(thread, NULL);
	still = still && vm_pread(fd, after, NI_BURSTS, 0) == NI_BURSTS &&
		!memcmp(before, after, NI_BURSTS);
	close(fd);
	if (successor.c)
		ni_close(&successor);
	ni_close(&w.o);
	return still;
}

static void fences(enum way way)
{
	unsigned long i, n = vm_times(10, 3334);
	char *before = malloc(NI_BURSTS), *after = malloc(NI_BURSTS);

	for (i = 0; i < n; i++)
		if (!CHECK(round_of(way, before, after), "round %lu", i))
			break;
	free(before);
	free(after);
}

static void fence__by_administrator_lets_nothing_land(void)
{
	fences(BY_ADMIN);
}

static void fence__by_local_takeover_lets_nothing_land(void)
{
	fences(BY_LOCAL);
}

static void fence__by_remote_takeover_lets_nothing_land(void)
{
	fences(BY_REMOTE);
}

/* What the RDMA core counts of one kind, all users together. */
static int resources(const char *kind)
{
	char line[512];
	int n = -1;
	FILE *p;

	p = popen("rdma resource show", "r");
	while (p && fgets(line, sizeof(line), p)) {
		char *at = strstr(line, kind);

		if (at)
			n = atoi(at + strlen(kind));
	}
	if (p)
		pclose(p);
	return n;
}

static void connections__leave_nothing_behind(void)
{
	static const char *const kinds[] = { " pd ", " cq ", " qp ", " cm_id ", " mr " };
	int before[5], now;
	unsigned long i, n = vm_times(50, 1000);
	struct npmu_region_info info;
	struct ni_open o;
	size_t k;

	/* The first makes what stays. */
	EXPECT(ni_open(&o, "alice", "u", "r", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	ni_close(&o);
	ni_settle();
	for (k = 0; k < 5; k++)
		before[k] = resources(kinds[k]);
	for (i = 0; i < n; i++) {
		if (!CHECK(!ni_open(&o, "alice", "u", "r", NI_RW), "connection %lu", i))
			break;
		if (i % 2)
			ni_claim(&o);
		ni_close(&o);
	}
	ni_settle();
	for (k = 0; k < 5; k++) {
		now = resources(kinds[k]);
		CHECK(now == before[k], "%s: %d, not %d", kinds[k], now, before[k]);
	}
	EXPECT(vm_get("u", "r", &info), 0);
	CHECK(!info.opens, "%u opens", info.opens);
}

static void connections__are_bounded(void)
{
	static const char path[] = "/sys/module/npmu_rdma/parameters/max_connections";
	struct ni_open a, b, c;

	EXPECT(vm_sh("echo 2 >%s", path), 0);
	EXPECT(ni_open(&a, "alice", "u", "r", NPMU_WIRE_READ), 0);
	EXPECT(ni_open(&b, "alice", "u", "r", NPMU_WIRE_READ), 0);
	CHECK(ni_open(&c, "alice", "u", "r", NPMU_WIRE_READ), "one more than may be");
	EXPECT(ni_read(&a, 0, 0, 64), 0);
	ni_close(&a);
	ni_close(&b);
	ni_settle();
	EXPECT(vm_sh("echo 1024 >%s", path), 0);
}

/* Many regions, every other one removed: what comes next lies in the holes. */
static bool make_holes(unsigned int n, uint64_t size)
{
	char name[16];
	unsigned int i;
	bool there = true;

	for (i = 0; i < 2 * n; i++) {
		snprintf(name, sizeof(name), "f%u", i);
		there &= CHECK(!vm_region("big", name, size), "%s: %s", name, vm_why());
	}
	for (i = 0; i < 2 * n; i += 2) {
		snprintf(name, sizeof(name), "f%u", i);
		there &= CHECK(!vm_delete("big", name, false), "%s: %s", name, vm_why());
	}
	return there;
}

/* 1 GiB; the unit has not much more, so that it lies in holes of 8 MiB. */
static void region__scattered_is_one_run_to_the_client(void)
{
	static const uint64_t size = 1024 * MIB, hole = 8 * MIB;
	struct npmu_region_info info;
	struct ni_open o;
	uint64_t at;

	REQUIRE(!vm_dram("big", 2 * size + 64 * MIB), "%s", vm_why());
	REQUIRE(make_holes(size / hole, hole), "%s", vm_why());
	REQUIRE(!vm_region("big", "s", size), "%s", vm_why());
	EXPECT(vm_get("big", "s", &info), 0);
	CHECK(info.extents > 100, "%u extents", info.extents);
	EXPECT(vm_note(npmu_ctl_grant_add(vm_ctl(), "big", "s", "alice", NI_RW, 0, 0)), 0);
	EXPECT(ni_open(&o, "alice", "big", "s", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	printf("# %llu MiB in %u extents: %u keys\n", (unsigned long long)(size / MIB),
	       info.extents, o.nr_keys);
	CHECK(o.length == size, "%llu bytes", (unsigned long long)o.length);
	CHECK(o.nr_keys <= NPMU_WIRE_MAX_KEYS / 4, "%u keys", o.nr_keys);
	EXPECT(ni_claim(&o), 0);
	for (at = hole - MIB; at + 2 * MIB <= size; at += 4 * hole) {
		/* Across a border of extents. */
		vm_fill(o.buf, 2 * MIB, at, 3);
		EXPECT(ni_write(&o, at, 0, 2 * MIB), 0);
		memset(o.buf, 0, 2 * MIB);
		EXPECT(ni_read(&o, at, 0, 2 * MIB), 0);
		EXPECT(vm_compare(o.buf, 2 * MIB, at, 3), -1);
	}
	EXPECT(ni_write(&o, size - 4096, 0, 4096), 0);
	EXPECT(ni_commit(&o, size - 4096, 4096, 0, 1), 0);
	ni_close(&o);
	ni_settle();
	EXPECT(vm_drop("big"), 0);
}

/* Keys of before do not reach what came after; the next open does. */
static void region__that_grew_needs_another_open(void)
{
	struct ni_open o;

	EXPECT(vm_region("u", "g", MIB), 0);
	EXPECT(ni_grant("g", "alice", NI_RW, 0, 0), 0);
	EXPECT(ni_open(&o, "alice", "u", "g", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	EXPECT(ni_claim(&o), 0);
	EXPECT(vm_resize("u", "g", 2 * MIB, false), 0);
	EXPECT(ni_write(&o, MIB - 4096, 0, 4096), 0);
	EXPECT(ni_write(&o, MIB, 0, 4096), -ERANGE);
	CHECK(ni_move(&o, IBV_WR_RDMA_WRITE, o.pm_address + MIB, le32toh(o.keys[0].rkey), 0, 64),
	      "a key of before reaches what came after");
	ni_close(&o);
	ni_settle();
	EXPECT(ni_open(&o, "alice", "u", "g", NI_RW), 0);
	REQUIRE(o.mr, "no open");
	CHECK(o.length == 2 * MIB, "%llu bytes", (unsigned long long)o.length);
	EXPECT(ni_claim(&o), 0);
	EXPECT(ni_write(&o, MIB, 0, 4096), 0);
	ni_close(&o);
}

static atomic_bool grown;

static void *grow(void *unused)
{
	uint64_t size;

	(void)unused;
	for (size = 2 * MIB; size <= 40 * MIB; size += MIB) {
		EXPECT(vm_resize("u", "grows", size, false), 0);
		vm_sleep_ms(20);
	}
	atomic_store(&grown, true);
	return NULL;
}

/* Each open is of one size, and its keys reach to its end. */
static void region__that_grows_is_opened_whole(void)
{
	unsigned int opens = 0, sizes = 0;
	uint64_t length = 0;
	struct ni_open o;
	pthread_t thread;
	bool last;

	EXPECT(vm_region("u", "grows", MIB), 0);
	EXPECT(ni_grant("grows", "alice", NI_RW, 0, 0), 0);
	REQUIRE(!pthread_create(&thread, NULL, grow, NULL), "no thread");
	do {
		last = atomic_load(&grown);
		if (!CHECK(!ni_open(&o, "alice", "u", "grows", NPMU_WIRE_READ), "open %u", opens))
			break;
		CHECK(o.length >= length && !(o.length % MIB), "%llu bytes",
		      (unsigned long long)o.length);
		sizes += o.length != length;
		length = o.length;
		EXPECT(ni_read(&o, length - 4096, 0, 4096), 0);
		ni_close(&o);
		opens++;
	} while (!last);
	pthread_join(thread, NULL);
	printf("# %u opens, %u sizes\n", opens, sizes);
	CHECK(length == 40 * MIB && sizes > 2, "nothing grew beside an open");
}

static void host__goes_down(void)
{
	EXPECT(ni_down(), 0);
	EXPECT(vm_drop("u"), 0);
}

int main(void)
{
	VM_RUN(host__comes_up);
	VM_RUN(fence__by_administrator_lets_nothing_land);
	VM_RUN(fence__by_local_takeover_lets_nothing_land);
	VM_RUN(fence__by_remote_takeover_lets_nothing_land);
	VM_RUN(connections__leave_nothing_behind);
	VM_RUN(connections__are_bounded);
	VM_RUN(region__scattered_is_one_run_to_the_client);
	VM_RUN(region__that_grew_needs_another_open);
	VM_RUN(region__that_grows_is_opened_whole);
	VM_RUN(host__goes_down);
	return vm_end();
}

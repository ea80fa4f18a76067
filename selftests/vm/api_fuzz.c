// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The API fuzzer: processes of two threads that make calls of every kind on the same
 * few units and regions, now and then killed, for a while; then what is left is
 * checked. Owns the processes, the counts and the judgement; what a call is stands in
 * api_fuzz_{nl,dev,map}.c.
 *
 *	NPMU_FUZZ_SECONDS	how long (30)
 *	NPMU_FUZZ_SEED		where to begin (the time)
 *	NPMU_FUZZ_CALLS		one thread alone makes so many calls, twice: the same ones
 *				with the same results (300, and the storm)
 */
#include <grp.h>
#include <pthread.h>
#include <stdarg.h>
#include <sys/personality.h>
#include <sys/prctl.h>

#include "api_fuzz.h"

#define WORKERS		3
#define NOBODY		2	/* this one has no privileges */

#define AF_NAME(name)	#name,
const char *const af_op_names[AF_NR_OPS] = { AF_OPS(AF_NAME) AF_ONE_WAY(AF_NAME) };

struct af_shared *af;

static const char *const units[AF_UNITS] = { "f0", "f1", "f2", "f3" };
/* What calls name that mean no unit; an attach can make it one. */
#define NO_UNIT		"nowhere"
#define MOST_UNITS	64
static const char *const names[] = { "a", "b", "c", "d", "e" };
static uint64_t seed;

long af_count(enum af_op op, long ret)
{
	unsigned int code = ret < 0 ? -ret : 0;

	/* With several threads this means nothing. */
	atomic_store(&af->digest, (atomic_load(&af->digest) ^ (op << 8 | code)) * 0x100000001b3);
	atomic_fetch_add(&af->calls, 1);
	atomic_fetch_add(ret < 0 ? &af->failed[op] : &af->done[op], 1);
	if (code < 192)
		atomic_fetch_or(&af->errnos[op][code / 64], 1ULL << code % 64);
	return ret;
}

void af_broken(const char *fmt, ...)
{
	va_list ap;

	if (atomic_fetch_add(&af->broken, 1))
		return;
	va_start(ap, fmt);
	vsnprintf(af->broken_text, sizeof(af->broken_text), fmt, ap);
	va_end(ap);
}

struct af_region *af_region(const uint8_t *uuid)
{
	static struct af_region none;
	uint64_t key, old;
	unsigned int i, n;

	memcpy(&key, uuid, sizeof(key));
	key |= !key;
	for (n = 0, i = key % AF_REGIONS; n < AF_REGIONS; n++, i = (i + 1) % AF_REGIONS) {
		old = 0;
		if (atomic_compare_exchange_strong(&af->regions[i].uuid, &old, key) || old == key)
			return &af->regions[i];
	}
	/* More regions than are kept count of: nothing is known of this one. */
	memset(&none, 0, sizeof(none));
	return &none;
}

void af_raise(_Atomic uint64_t *value, uint64_t to)
{
	uint64_t now = atomic_load(value);

	while (now < to && !atomic_compare_exchange_weak(value, &now, to))
		;
}

uint64_t af_telling(uint64_t *rng)
{
	static const uint64_t values[] = {
		0, 1, 7, 8, 63, 64, 4095, 4096, 4097, 8192, 10000, 1 << 20, 2 << 20, (2 << 20) + 4096,
		1 << 24, 64 << 20, 0x7fffffff, 0x80000000, 0xffffffff, 1ULL << 32, 1ULL << 44,
		(1ULL << 44) + 4096, 1ULL << 62, (1ULL << 62) + 4096, 1ULL << 63, ~0ULL, ~0ULL - 4095,
		~0ULL - 8191, 0x7fffffffffffffff, 0x7ffffffffffff000,
	};

	return af_one_in(rng, 8) ? af_next(rng) : values[af_below(rng, 30)];
}

const char *af_unit_name(uint64_t *rng)
{
	return af_one_in(rng, 40) ? NO_UNIT : units[af_below(rng, AF_UNITS)];
}

const char *af_region_name(uint64_t *rng)
{
	static const char *const odd[] = { "", ".", "..", "a/b", "nowhere", "a b",
		"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa" };

	return af_one_in(rng, 20) ? odd[af_below(rng, 7)] : names[af_below(rng, 5)];
}

static void one_call(struct af_thread *t)
{
	switch (af_below(&t->rng, 8)) {
	case 0:
	case 1:
		af_netlink(t);
		break;
	case 2:
	case 3:
	case 4:
		af_mapping(t);
		break;
	default:
		af_device(t);
	}
}

static _Atomic int files[AF_FILES];

static void *thread(void *ctx)
{
	struct af_thread *t = ctx;

	while (!atomic_load(&af->stop))
		one_call(t);
	af_unmap_all(t);
	return NULL;
}

static void begin(struct af_thread *t, uint64_t stream)
{
	memset(t, 0, sizeof(*t));
	t->rng = (seed + stream) * 0x9e3779b97f4a7c15 | 1;
	t->files = files;
	af_next(&t->rng);
	if (af_netlink_open(t)) {
		fprintf(stderr, "# no netlink\n");
		_exit(98);
	}
}

static void worker(unsigned int which, unsigned int life)
{
	struct af_thread t[2];
	pthread_t id;
	int i;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (i = 0; i < AF_FILES; i++)
		files[i] = -1;
	for (i = 0; i < 2; i++)
		begin(&t[i], life * 64 + which * 2 + i);
	if (which == NOBODY && (setgroups(0, NULL) || setgid(VM_GID) || setuid(VM_UID)))
		_exit(97);
	pthread_create(&id, NULL, thread, &t[1]);
	thread(&t[0]);
	pthread_join(id, NULL);
	_exit(0);
}

static pid_t start(unsigned int which, unsigned int life)
{
	pid_t pid = fork();

	if (!pid)
		worker(which, life);
	return pid;
}

/* Something to begin with, so that no seed spends its time on empty units. */
static void furnish(void)
{
	unsigned int i, j;

	for (i = 0; i < 2; i++) {
		char path[32];

		snprintf(path, sizeof(path), "/dev/pmem%u", i);
		vm_pmem(path, units[i], 0);
		vm_dram(units[i + 2], 12 * MIB);
	}
	for (i = 0; i < AF_UNITS; i++)
		for (j = 0; j < 5; j++)
			vm_region_mode(units[i], names[j], 16384ULL << 2 * j, 0, 0, 0666);
}

static bool all_tried(void)
{
	unsigned int op;

	for (op = 0; op < AF_NR_TWO_WAY; op++)
		if (!af->done[op] || !af->failed[op])
			return false;
	return true;
}

/* On a slow machine it goes on for a while until all operations had their turn. */
static void storm__ends(void)
{
	const char *text = getenv("NPMU_FUZZ_SECONDS");
	uint64_t time = (text ? strtoull(text, NULL, 10) : vm_times(30, 600)) * 1000000000ULL;
	uint64_t end = vm_now_ns() + time, late = end + 2 * time;
	uint64_t rng = seed | 1;
	pid_t pids[WORKERS];
	unsigned int i, life = 0, kills = 0;
	int status;

	furnish();
	for (i = 0; i < WORKERS; i++)
		pids[i] = start(i, life++);
	while ((vm_now_ns() < end || (!all_tried() && vm_now_ns() < late)) &&
	       !atomic_load(&af->broken)) {
		vm_sleep_ms((500 + af_below(&rng, 1500)) * vm_slow());
		i = af_below(&rng, WORKERS);
		kill(pids[i], SIGKILL);
		status = vm_reap(pids[i], 60000);
		CHECK(status != -ETIMEDOUT, "a killed process does not end: pid %d", pids[i]);
		CHECK(status == 256 + SIGKILL || status == -ETIMEDOUT, "a process ended with %d", status);
		kills++;
		pids[i] = start(i, life++);
	}
	atomic_store(&af->stop, 1);
	for (i = 0; i < WORKERS; i++) {
		status = vm_reap(pids[i], 60000);
		CHECK(!status, "a process ended with %d", status);
	}
	printf("# %llu calls, %llu commits, %u kills\n", (unsigned long long)af->calls,
	       (unsigned long long)af->commits, kills);
}

static void all_balance(void);

/* One thread, in a process like that of the last time. Return: what came of all calls. */
static uint64_t some_calls(uint64_t n)
{
	uint64_t slow = strtoull(getenv("NPMU_SLOW") ?: "1", NULL, 10);
	struct af_thread t;
	pid_t pid;
	int i;

	furnish();
	af->digest = 0;
	pid = fork();
	if (!pid) {
		for (i = 0; i < AF_FILES; i++)
			files[i] = -1;
		begin(&t, 0);
		while (n--)
			one_call(&t);
		_exit(0);
	}
	i = vm_reap(pid, (60000 + n * 100) * slow);
	CHECK(!i, "a process ended with %d", i);
	all_balance();
	return af->digest;
}

/* What the storm found has to be looked for step by step: that takes one way for a seed. */
static void calls__same_each_time(void)
{
	const char *text = getenv("NPMU_FUZZ_CALLS");
	uint64_t n = text ? strtoull(text, NULL, 10) : vm_times(300, 20000);
	uint64_t first = some_calls(n), second = some_calls(n);

	printf("# %llu calls twice: %016llx\n", (unsigned long long)n, (unsigned long long)first);
	CHECK(!af->broken, "%s", af->broken_text);
	CHECK(first == second, "and then %016llx", (unsigned long long)second);
}

static void promises__kept(void)
{
	CHECK(!af->broken, "%llu times, first: %s", (unsigned long long)af->broken, af->broken_text);
	CHECK(getenv("NPMU_FUZZ_CALLS") || af->commits, "no commit was made");
}

static unsigned int bits(const _Atomic uint64_t *map)
{
	return __builtin_popcountll(map[0]) + __builtin_popcountll(map[1]) +
	       __builtin_popcountll(map[2]);
}

/*
 * So many calls are enough for each operation to do both: the rarest succeeds once in
 * 7000, so that one run in a million takes longer than this.
 */
#define ENOUGH	100000

/* A storm in which an operation always fails has not tried it. */
static void operations__succeed_and_fail(void)
{
	bool enough = af->calls >= ENOUGH;
	unsigned int op, results = 0;

	for (op = 0; op < AF_NR_OPS; op++) {
		results += bits(af->errnos[op]);
		printf("# %-15s %8llu done %8llu failed, %2u results\n", af_op_names[op],
		       (unsigned long long)af->done[op], (unsigned long long)af->failed[op],
		       bits(af->errnos[op]));
		CHECK(!enough || af->done[op] || af->failed[op], "%s was never tried",
		      af_op_names[op]);
		CHECK(!enough || op >= AF_NR_TWO_WAY || (af->done[op] && af->failed[op]),
		      "%s never %s", af_op_names[op], af->done[op] ? "failed" : "succeeded");
	}
	printf("# %u kinds of results\n", results);
	if (!enough && !all_tried())
		SKIP("%llu calls only: the machine is slow", (unsigned long long)af->calls);
}

static int sum_up(void *ctx, const struct npmu_region_info *info)
{
	uint64_t *sum = ctx;
	uint32_t more = info->extents > NPMU_INLINE_EXTENTS ? info->extents - NPMU_INLINE_EXTENTS : 0;

	CHECK(info->health == NPMU_HEALTH_GOOD, "%s/%s is not good", info->unit, info->name);
	CHECK(!info->opens && info->role == NPMU_ROLE_VACANT, "%s/%s is still in use", info->unit,
	      info->name);
	*sum += info->size + (more + NPMU_LIST_EXTENTS - 1) / NPMU_LIST_EXTENTS * 2 * 4096;
	return 0;
}

/* What is not free belongs to a region, and every byte of a region to the unit. */
static void balance(const char *unit)
{
	struct npmu_unit_info info;
	uint64_t sum = 0;

	if (vm_unit(unit, &info))
		return;
	CHECK(!npmu_ctl_region_list(vm_ctl(), unit, sum_up, &sum), "list of %s", unit);
	CHECK(info.free + sum == info.data_size, "%s: %llu free, %llu in regions, %llu in all", unit,
	      (unsigned long long)info.free, (unsigned long long)sum,
	      (unsigned long long)info.data_size);
	CHECK(!info.opens && !info.unsound_regions, "%s: %u opens, %u unsound", unit, info.opens,
	      info.unsound_regions);
	EXPECT(vm_detach(unit), 0);
}

static int remember(void *ctx, const struct npmu_unit_info *info)
{
	char (*attached)[NPMU_UNIT_NAME_LEN] = ctx;

	while (**attached)
		attached++;
	strcpy(*attached, info->name);
	return attached - (typeof(attached))ctx == MOST_UNITS - 1;
}

/* Attach takes the name from the caller: it may be one made of bytes that were changed at random. */
static void all_balance(void)
{
	char attached[MOST_UNITS + 1][NPMU_UNIT_NAME_LEN] = { { 0 } };
	unsigned int i;

	npmu_ctl_unit_list(vm_ctl(), remember, attached);
	for (i = 0; *attached[i]; i++)
		balance(attached[i]);
}

static void units__come_back(void)
{
	char path[32];
	unsigned int i;

	all_balance();
	for (i = 0; i < 2; i++) {
		snprintf(path, sizeof(path), "/dev/pmem%u", i);
		EXPECT(vm_sh("tools/build/npmu-admin unit check %s", path), 0);
		EXPECT(vm_attach(path, units[i]), 0);
		balance(units[i]);
		EXPECT(vm_attach(path, units[i]), 0);
		EXPECT(vm_drop(units[i]), 0);
	}
}

/* Where memory is decides what comes of a call with an address made up. */
static void fix_addresses(char **argv)
{
	int now = personality(0xffffffff);

	if (now != -1 && !(now & ADDR_NO_RANDOMIZE) && personality(now | ADDR_NO_RANDOMIZE) != -1)
		execv("/proc/self/exe", argv);
}

int main(int argc, char **argv)
{
	const char *text = getenv("NPMU_FUZZ_SEED");

	(void)argc;
	fix_addresses(argv);
	setbuf(stdout, NULL);
	seed = text ? strtoull(text, NULL, 10) : vm_now_ns() / 1000;
	printf("# again: NPMU_FUZZ_SEED=%llu\n", (unsigned long long)seed);
	af = mmap(NULL, sizeof(*af), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (af == MAP_FAILED || access("/dev/pmem1", F_OK)) {
		printf("1..0 # SKIP two pmem devices are needed\n");
		return 4;
	}
	VM_RUN(calls__same_each_time);
	if (!getenv("NPMU_FUZZ_CALLS")) {
		memset(af, 0, sizeof(*af));
		VM_RUN(storm__ends);
		VM_RUN(operations__succeed_and_fail);
	}
	VM_RUN(promises__kept);
	VM_RUN(units__come_back);
	return vm_end();
}

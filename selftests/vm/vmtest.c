// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helpers of vmtest.h. Owns the control handle of the process and the
 * handler that survives touches of lost memory; must not know any one test.
 */
#define _GNU_SOURCE
#include <grp.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <time.h>

#include "vmtest.h"

char vm_skipped[256];
unsigned int vm_nr_skipped;

static struct npmu_ctl *ctl;
static pid_t ctl_owner;
static char why[512];
static int why_code;

int vm_finish(unsigned int tests, unsigned int failed)
{
	printf("1..%u\n", tests);
	fflush(stdout);
	if (!tests && getenv("NPMU_TESTS") && *getenv("NPMU_TESTS"))
		return 4;
	if (failed || !tests)
		return 1;
	return vm_nr_skipped == tests ? 4 : 0;
}

bool vm_wanted(const char *test)
{
	const char *list = getenv("NPMU_TESTS");
	size_t len = strlen(test);
	const char *at = list;

	if (!list || !*list)
		return true;
	while ((at = strstr(at, test))) {
		if ((at == list || at[-1] == ' ') && (!at[len] || at[len] == ' '))
			return true;
		at += len;
	}
	return false;
}

unsigned long vm_times(unsigned long normal, unsigned long stress)
{
	const char *env = getenv("NPMU_STRESS");

	return env && !strcmp(env, "1") ? stress : normal;
}

const char *vm_why(void)
{
	return why;
}

bool vm_has_words(void)
{
	return why[0] && strcmp(why, strerror(-why_code));
}

const char *vm_strerror(long long ret)
{
	if (ret >= 0)
		return "ok";
	return strerrorname_np(-ret) ?: "?";
}

struct npmu_ctl *vm_ctl(void)
{
	struct npmu_error err;

	if (ctl && ctl_owner == getpid())
		return ctl;
	/* Of a forked child: the parent's handle is left alone. */
	ctl = NULL;
	if (npmu_ctl_open(&ctl, &err)) {
		fprintf(stderr, "# no control handle: %s\n", err.text);
		_exit(99);
	}
	ctl_owner = getpid();
	return ctl;
}

int vm_note(int ret)
{
	why_code = ret;
	snprintf(why, sizeof(why), "%s", ret < 0 ? npmu_ctl_error(ctl) : "");
	return ret;
}

const char *vm_pmem_path(void)
{
	return getenv("NPMU_PMEM") ?: "/dev/pmem0";
}

int vm_dram(const char *unit, uint64_t size)
{
	vm_drop(unit);
	return vm_note(npmu_ctl_unit_attach_dram(vm_ctl(), unit, size, 0, NULL));
}

int vm_any(const char *unit, uint64_t size, uint32_t max_regions)
{
	if (access(vm_pmem_path(), F_OK))
		return vm_dram(unit, size);
	return vm_pmem(NULL, unit, max_regions);
}

int vm_pmem(const char *path, const char *unit, uint32_t max_regions)
{
	int ret;

	vm_drop(unit);
	path = path ?: vm_pmem_path();
	ret = vm_note(npmu_ctl_unit_format(vm_ctl(), path, unit, max_regions,
					   NPMU_CTL_FORCE, NULL));
	return ret ?: vm_attach(path, NULL);
}

int vm_attach(const char *path, const char *unit)
{
	return vm_note(npmu_ctl_unit_attach(vm_ctl(), path ?: vm_pmem_path(), unit, NULL));
}

int vm_detach(const char *unit)
{
	return vm_note(npmu_ctl_unit_detach(vm_ctl(), unit));
}

static int drop_one(void *ctx, const struct npmu_region_info *info)
{
	(void)ctx;
	return npmu_ctl_region_delete(ctl, info->unit, info->name, NPMU_CTL_FORCE);
}

int vm_drop(const char *unit)
{
	struct npmu_unit_info info;
	int ret;

	ret = npmu_ctl_unit_get(vm_ctl(), unit, &info);
	if (ret)
		return vm_note(ret);
	/* A region cannot be deleted when the device is gone: detach may do. */
	ret = info.gone ? 0 : npmu_ctl_region_list(ctl, unit, drop_one, NULL);
	return ret ? vm_note(ret) : vm_detach(unit);
}

int vm_region(const char *unit, const char *region, uint64_t size)
{
	return vm_note(npmu_ctl_region_create(vm_ctl(), unit, region, size, NULL, NULL));
}

int vm_region_mode(const char *unit, const char *region, uint64_t size,
		   uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_UID | NPMU_PARAM_GID | NPMU_PARAM_MODE,
		.uid = uid,
		.gid = gid,
		.mode = mode,
	};

	return vm_note(npmu_ctl_region_create(vm_ctl(), unit, region, size, &params, NULL));
}

int vm_resize(const char *unit, const char *region, uint64_t size, bool force)
{
	return vm_note(npmu_ctl_region_resize(vm_ctl(), unit, region, size,
					    force ? NPMU_CTL_FORCE : 0, NULL));
}

int vm_delete(const char *unit, const char *region, bool force)
{
	return vm_note(npmu_ctl_region_delete(vm_ctl(), unit, region,
					    force ? NPMU_CTL_FORCE : 0));
}

int vm_get(const char *unit, const char *region, struct npmu_region_info *out)
{
	return vm_note(npmu_ctl_region_get(vm_ctl(), unit, region, out));
}

int vm_unit(const char *unit, struct npmu_unit_info *out)
{
	return vm_note(npmu_ctl_unit_get(vm_ctl(), unit, out));
}

int vm_fence(const char *unit, const char *region)
{
	return vm_note(npmu_ctl_region_fence(vm_ctl(), unit, region, NULL, NULL));
}

int vm_open_path(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

int vm_open(const char *unit, const char *region, int flags)
{
	char path[256];

	snprintf(path, sizeof(path), "/dev/npmu/%s/%s", unit, region);
	return vm_open_path(path, flags);
}

int vm_ioctl(int fd, unsigned long request, void *arg)
{
	return ioctl(fd, request, arg) ? -errno : 0;
}

ssize_t vm_pread(int fd, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(fd, buf, len, offset);

	return n < 0 ? -errno : n;
}

ssize_t vm_pwrite(int fd, const void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pwrite(fd, buf, len, offset);

	return n < 0 ? -errno : n;
}

void *vm_map(int fd, uint64_t offset, size_t len, int prot)
{
	void *addr = mmap(NULL, len, prot, MAP_SHARED, fd, offset);

	return addr == MAP_FAILED ? NULL : addr;
}

int vm_maperr(int fd, uint64_t offset, size_t len, int prot, int flags)
{
	void *addr = mmap(NULL, len, prot, flags, fd, offset);

	if (addr == MAP_FAILED)
		return -errno;
	munmap(addr, len);
	return 0;
}

const volatile struct npmu_status *vm_status(int fd)
{
	return vm_map(fd, NPMU_STATUS_OFFSET, NPMU_STATUS_SIZE, PROT_READ);
}

int vm_info(int fd, struct npmu_ioc_info *info)
{
	memset(info, 0, sizeof(*info));
	info->size = sizeof(*info);
	return vm_ioctl(fd, NPMU_IOC_INFO, info);
}

int vm_claim(int fd, uint64_t *epoch)
{
	struct npmu_ioc_claim arg = { .size = sizeof(arg) };
	int ret = vm_ioctl(fd, NPMU_IOC_CLAIM, &arg);

	if (epoch)
		*epoch = arg.fence_epoch;
	return ret;
}

int vm_takeover(int fd, uint64_t expected, uint64_t *epoch)
{
	struct npmu_ioc_takeover arg = {
		.size = sizeof(arg),
		.expected_epoch = expected,
	};
	int ret = vm_ioctl(fd, NPMU_IOC_TAKEOVER, &arg);

	if (epoch)
		*epoch = arg.fence_epoch;
	return ret;
}

int vm_resign(int fd)
{
	struct npmu_ioc_resign arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_RESIGN, &arg);
}

int vm_kick(int fd)
{
	struct npmu_ioc_kick arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_KICK, &arg);
}

int vm_sink(int fd)
{
	struct npmu_ioc_sink arg = { .size = sizeof(arg) };

	return vm_ioctl(fd, NPMU_IOC_SINK, &arg);
}

int vm_persist(int fd, uint64_t offset, uint64_t length)
{
	struct npmu_ioc_persist arg = {
		.size = sizeof(arg),
		.offset = offset,
		.length = length,
	};

	return vm_ioctl(fd, NPMU_IOC_PERSIST, &arg);
}

int vm_wait(int fd, uint32_t flags, uint64_t offset, uint64_t value,
	    uint64_t timeout_ns, uint32_t *events)
{
	struct npmu_ioc_wait arg = {
		.size = sizeof(arg),
		.flags = flags,
		.offset = offset,
		.value = value,
		.timeout_ns = timeout_ns,
	};
	int ret = vm_ioctl(fd, NPMU_IOC_WAIT, &arg);

	if (events)
		*events = arg.events;
	return ret;
}

static __thread sigjmp_buf touch_env;
static __thread volatile int touch_signal;
static __thread volatile bool touching;

static void touch_handler(int sig)
{
	if (!touching) {
		signal(sig, SIG_DFL);
		raise(sig);
		return;
	}
	touch_signal = sig;
	siglongjmp(touch_env, 1);
}

static void touch_install(void)
{
	struct sigaction sa = { .sa_handler = touch_handler, .sa_flags = SA_NODEFER };

	sigaction(SIGBUS, &sa, NULL);
	sigaction(SIGSEGV, &sa, NULL);
}

static void touch_once(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, touch_install);
}

int vm_load(const volatile uint64_t *addr, uint64_t *value)
{
	uint64_t got;

	touch_once();
	touch_signal = 0;
	if (!sigsetjmp(touch_env, 1)) {
		touching = true;
		got = *addr;
		touching = false;
		if (value)
			*value = got;
	}
	touching = false;
	return touch_signal;
}

int vm_store(volatile uint64_t *addr, uint64_t value)
{
	touch_once();
	touch_signal = 0;
	if (!sigsetjmp(touch_env, 1)) {
		touching = true;
		*addr = value;
	}
	touching = false;
	return touch_signal;
}

static uint64_t pattern(uint64_t word, uint64_t seed)
{
	uint64_t state = word * 0x9e3779b97f4a7c15ULL ^ seed;

	/* Never zero, so that lost bytes show. */
	return tap_random(&state) | 1;
}

static uint8_t pattern_byte(uint64_t offset, uint64_t seed)
{
	return pattern(offset / 8, seed) >> offset % 8 * 8;
}

void vm_fill(void *buf, size_t len, uint64_t offset, uint64_t seed)
{
	uint8_t *p = buf;
	uint64_t word;
	size_t i = 0;

	while (i < len) {
		if ((offset + i) % 8 || len - i < 8) {
			p[i] = pattern_byte(offset + i, seed);
			i++;
			continue;
		}
		word = pattern((offset + i) / 8, seed);
		memcpy(p + i, &word, 8);
		i += 8;
	}
}

ssize_t vm_compare(const void *buf, size_t len, uint64_t offset, uint64_t seed)
{
	const uint8_t *p = buf;
	uint64_t word;
	size_t i = 0;

	while (i < len) {
		if ((offset + i) % 8 == 0 && len - i >= 8) {
			word = pattern((offset + i) / 8, seed);
			if (!memcmp(p + i, &word, 8)) {
				i += 8;
				continue;
			}
		}
		if (p[i] != pattern_byte(offset + i, seed))
			return i;
		i++;
	}
	return -1;
}

ssize_t vm_nonzero(const void *buf, size_t len)
{
	static const uint8_t zeros[4096];
	const uint8_t *p = buf;
	size_t i = 0, step;

	while (i < len) {
		step = len - i < sizeof(zeros) ? len - i : sizeof(zeros);
		if (memcmp(p + i, zeros, step))
			break;
		i += step;
	}
	for (; i < len; i++)
		if (p[i])
			return i;
	return -1;
}

pid_t vm_child(int (*fn)(void *ctx), void *ctx)
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	_exit(fn(ctx));
}

static bool waited(pid_t pid, int *status, pid_t *got)
{
	*got = waitpid(pid, status, WNOHANG);
	return *got;
}

int vm_reap(pid_t pid, unsigned int timeout_ms)
{
	int status;
	pid_t got;

	if (pid <= 0)
		return -ECHILD;
	if (!VM_UNTIL(waited(pid, &status, &got), timeout_ms)) {
		kill(pid, SIGKILL);
		waitpid(pid, &status, 0);
		return -ETIMEDOUT;
	}
	if (got < 0)
		return -errno;
	return WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
}

struct as_nobody {
	int (*fn)(void *ctx);
	void *ctx;
};

static int become_nobody(void *ctx)
{
	struct as_nobody *as = ctx;

	if (setgroups(0, NULL) || setresgid(VM_GID, VM_GID, VM_GID) ||
	    setresuid(VM_UID, VM_UID, VM_UID))
		return 98;
	return as->fn(as->ctx);
}

int vm_as_nobody(int (*fn)(void *ctx), void *ctx)
{
	struct as_nobody as = { fn, ctx };

	return vm_reap(vm_child(become_nobody, &as), 60000);
}

uint64_t vm_now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

void vm_sleep_ms(unsigned int ms)
{
	struct timespec ts = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&ts, NULL);
}

static int by_value(const void *a, const void *b)
{
	uint64_t l = *(const uint64_t *)a, r = *(const uint64_t *)b;

	return l < r ? -1 : l > r;
}

uint64_t vm_median(uint64_t *values, size_t n)
{
	qsort(values, n, sizeof(*values), by_value);
	return n ? values[n / 2] : 0;
}

int vm_sh(const char *fmt, ...)
{
	char command[1024];
	va_list ap;
	int status;

	va_start(ap, fmt);
	vsnprintf(command, sizeof(command), fmt, ap);
	va_end(ap);
	fflush(stdout);
	status = system(command);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

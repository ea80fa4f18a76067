// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helpers of vmtest.h: TAP, units and regions, children, time. Owns the control
 * handle of the process; must not know any one test.
 */
#define _GNU_SOURCE
#include <grp.h>
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

int vm_any_t(void)
{
	return vm_any("t", 64 * MIB, 16);
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

uint64_t vm_free(const char *unit)
{
	struct npmu_unit_info info;

	return vm_unit(unit, &info) ? 0 : info.free;
}

bool vm_same_region(const struct npmu_region_info *a, const struct npmu_region_info *b)
{
	return !strcmp(a->name, b->name) && !memcmp(a->uuid, b->uuid, 16) && a->size == b->size &&
	       a->pm_addr == b->pm_addr && a->fence_epoch == b->fence_epoch &&
	       a->uid == b->uid && a->gid == b->gid && a->mode == b->mode &&
	       a->flags == b->flags && a->extents == b->extents && a->slot == b->slot;
}

int vm_fence(const char *unit, const char *region)
{
	return vm_note(npmu_ctl_region_fence(vm_ctl(), unit, region, NULL, NULL));
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

unsigned int vm_slow(void)
{
	const char *env = getenv("NPMU_SLOW");
	unsigned int slow = env ? strtoul(env, NULL, 10) : 0;

	return slow ?: 1;
}

uint64_t vm_patience(uint64_t ms)
{
	return 4 * ms * vm_slow();
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

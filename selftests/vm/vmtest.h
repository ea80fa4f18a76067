/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What every VM test program stands on: TAP with skip, units and regions to test
 * with, raw file and ioctl calls that return -errno, touches of memory that
 * report the signal they met, and children.
 *
 *	static void region__is_there(void)
 *	{
 *		REQUIRE(!vm_dram("t", 64 << 20), "%s", vm_why());
 *		CHECK(!vm_region("t", "r", 4096), "%s", vm_why());
 *		CHECK(!vm_detach("t"), "%s", vm_why());
 *	}
 *
 *	int main(void)
 *	{
 *		VM_RUN(region__is_there);
 *		return vm_end();
 *	}
 *
 * Helpers do not CHECK by themselves: they return 0 or a positive result, or a
 * negative errno, and vm_why() has the words for it.
 */
#ifndef NPMU_VMTEST_H
#define NPMU_VMTEST_H

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <npmu/control.h>
#include <npmu/npmu.h>
#include <npmu/region.h>

#include "../unit/tap.h"

#define KIB	1024ULL
#define MIB	(1024 * KIB)
#define GIB	(1024 * MIB)

/* Unprivileged ids to become. */
#define VM_UID	65534
#define VM_GID	65534

/* Ends the test: it could not be done here. */
#define SKIP(...) do {							\
	snprintf(vm_skipped, sizeof(vm_skipped), __VA_ARGS__);		\
	return;								\
} while (0)

/* Ends the test when the condition does not hold. */
#define REQUIRE(cond, ...) do {						\
	if (!CHECK(cond, __VA_ARGS__))					\
		return;							\
} while (0)

/* A call that must return exactly this. */
#define EXPECT(call, want) do {						\
	long long got_ = (call), want_ = (want);			\
									\
	CHECK(got_ == want_, "%s: %lld (%s), expected %lld (%s): %s",	\
	      #call, got_, vm_strerror(got_), want_,			\
	      vm_strerror(want_), vm_why());				\
} while (0)

/* A control call that must be refused with this errno and in words. */
#define REFUSED(call, want) do {					\
	long long ret_ = vm_note(call), expected_ = (want);		\
									\
	CHECK(ret_ == expected_, "%s: %s, expected %s: %s", #call,	\
	      vm_strerror(ret_), vm_strerror(expected_), vm_why());	\
	CHECK(vm_has_words(), "%s: refused without a message", #call);	\
} while (0)

extern char vm_skipped[256];
extern unsigned int vm_nr_skipped;

#define VM_RUN(test) do {						\
	unsigned long before_ = tap_checks;				\
									\
	tap_failures = 0;						\
	vm_skipped[0] = 0;						\
	if (vm_wanted(#test)) {						\
		test();							\
		if (tap_checks == before_ && !vm_skipped[0])		\
			CHECK(0, "a test without a check");		\
		if (tap_failures > TAP_SHOWN)				\
			printf("# ... %lu failed checks in all\n", tap_failures); \
		tap_failed_tests += !!tap_failures;			\
		vm_nr_skipped += !tap_failures && vm_skipped[0];	\
		printf("%sok %u - %s%s%s\n", tap_failures ? "not " : "",	\
		       ++tap_tests, #test,				\
		       vm_skipped[0] && !tap_failures ? " # SKIP " : "",	\
		       tap_failures ? "" : vm_skipped);			\
		fflush(stdout);						\
	}								\
} while (0)

/* Prints the plan. Return: the program's status: 0, 1, or 4: all were skipped. */
#define vm_end() vm_finish(tap_tests, tap_failed_tests)
int vm_finish(unsigned int tests, unsigned int failed);

/* Is the test named in NPMU_TESTS (words), or is that not set? */
bool vm_wanted(const char *test);

/* How many times: the first number, or the second one with NPMU_STRESS=1. */
unsigned long vm_times(unsigned long normal, unsigned long stress);

/*
 * Notes the result of a control call, and its words when it failed; the helpers
 * below have done so. Return: @ret.
 */
int vm_note(int ret);
/* Why the last noted call failed. */
const char *vm_why(void);
/* Did the last refusal carry the kernel's own words, not just the errno's? */
bool vm_has_words(void);
/* "EBUSY" of -EBUSY; a number that is not negative is "ok". */
const char *vm_strerror(long long ret);

/* The control handle of this process; a child gets one of its own. */
struct npmu_ctl *vm_ctl(void);

/*
 * Units. The device of vm_pmem() is NPMU_PMEM, else /dev/pmem0, where @path is
 * NULL; it is formatted by force. Both drop a unit of the same name first.
 */
int vm_dram(const char *unit, uint64_t size);
int vm_pmem(const char *path, const char *unit, uint32_t max_regions);
/* On pmem where there is any, else of dram and this size. */
int vm_any(const char *unit, uint64_t size, uint32_t max_regions);
/* The unit "t" as most tests of regions want it. */
int vm_any_t(void);
int vm_attach(const char *path, const char *unit);
int vm_detach(const char *unit);
/* Delete every region by force, and detach. */
int vm_drop(const char *unit);
const char *vm_pmem_path(void);

/* Regions, by the names of unit and region. Created root:root 0600. */
int vm_region(const char *unit, const char *region, uint64_t size);
int vm_region_mode(const char *unit, const char *region, uint64_t size,
		   uint32_t uid, uint32_t gid, uint32_t mode);
int vm_resize(const char *unit, const char *region, uint64_t size, bool force);
int vm_delete(const char *unit, const char *region, bool force);
int vm_get(const char *unit, const char *region, struct npmu_region_info *out);
int vm_unit(const char *unit, struct npmu_unit_info *out);
/* Bytes that no region has; 0 when there is no such unit. */
uint64_t vm_free(const char *unit);
/* In all that an administrator can change. */
bool vm_same_region(const struct npmu_region_info *a, const struct npmu_region_info *b);
/* Fence the writer; any epoch. */
int vm_fence(const char *unit, const char *region);

/* Files. Return: a descriptor or result, or -errno. */
int vm_open(const char *unit, const char *region, int flags);
int vm_open_path(const char *path, int flags);
int vm_ioctl(int fd, unsigned long request, void *arg);
ssize_t vm_pread(int fd, void *buf, size_t len, uint64_t offset);
ssize_t vm_pwrite(int fd, const void *buf, size_t len, uint64_t offset);
/* MAP_SHARED. Return: NULL and errno on failure; vm_maperr() tries and unmaps. */
void *vm_map(int fd, uint64_t offset, size_t len, int prot);
int vm_maperr(int fd, uint64_t offset, size_t len, int prot, int flags);
const volatile struct npmu_status *vm_status(int fd);

/* The requests of npmu_ioctl.h in short; 0 or -errno. */
int vm_info(int fd, struct npmu_ioc_info *info);
int vm_claim(int fd, uint64_t *epoch);
int vm_takeover(int fd, uint64_t expected, uint64_t *epoch);
int vm_resign(int fd);
int vm_kick(int fd);
int vm_sink(int fd);
int vm_persist(int fd, uint64_t offset, uint64_t length);
int vm_wait(int fd, uint32_t flags, uint64_t offset, uint64_t value,
	    uint64_t timeout_ns, uint32_t *events);

/*
 * Touch memory and survive it. Return: 0, or the number of the signal (SIGBUS,
 * SIGSEGV). For use in several threads at once too.
 */
int vm_load(const volatile uint64_t *addr, uint64_t *value);
int vm_store(volatile uint64_t *addr, uint64_t value);

/* Bytes that tell where they were written: of offset and seed. */
void vm_fill(void *buf, size_t len, uint64_t offset, uint64_t seed);
/* Return: offset in buf of the first wrong byte, or -1. */
ssize_t vm_compare(const void *buf, size_t len, uint64_t offset, uint64_t seed);
ssize_t vm_nonzero(const void *buf, size_t len);

/*
 * How many milliseconds to wait for what takes at most @ms on an idle machine: more, as
 * others may use it, and more again where NPMU_SLOW says so. Limits are for what hangs.
 */
uint64_t vm_patience(uint64_t ms);
/* How many times slower than the distribution's kernel this one is (NPMU_SLOW). */
unsigned int vm_slow(void);

/*
 * Children: @fn runs in one, its result (0 to 255) is the exit status; after a
 * fork they have a control handle of their own. vm_reap() waits at most so long, with
 * patience, then kills. Return: exit status, 256 + signal, or -ETIMEDOUT.
 */
pid_t vm_child(int (*fn)(void *ctx), void *ctx);
int vm_reap(pid_t pid, unsigned int timeout_ms);
/* Run @fn in a child as VM_UID, VM_GID and without capabilities. */
int vm_as_nobody(int (*fn)(void *ctx), void *ctx);

uint64_t vm_now_ns(void);
void vm_sleep_ms(unsigned int ms);
/* Wait until the condition holds, for so many ms at most, with patience. */
#define VM_UNTIL(cond, ms) ({						\
	uint64_t end_ = vm_now_ns() + vm_patience(ms) * 1000000ULL;		\
	bool ok_;							\
									\
	while (!(ok_ = (cond)) && vm_now_ns() < end_)			\
		vm_sleep_ms(1);						\
	ok_;								\
})
uint64_t vm_median(uint64_t *values, size_t n);
/* sh -c with printf-like text. Return: exit status, or -1. */
__attribute__((format(printf, 1, 2)))
int vm_sh(const char *fmt, ...);

#endif /* NPMU_VMTEST_H */

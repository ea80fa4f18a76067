// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The helpers of vmtest.h for memory: touches that survive its loss, and patterns.
 * Owns the handlers of SIGBUS and SIGSEGV; must not know any one test.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <setjmp.h>

#include "vmtest.h"

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

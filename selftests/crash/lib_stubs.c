// SPDX-License-Identifier: GPL-2.0-or-later
/* The machine under libnpmu. Must not know what the library does with it. */
#include <string.h>

#include "lib_stubs.h"

enum lib_cpu lib_cpu = LIB_CLWB;
uint64_t lib_random;
bool lib_fenced;
unsigned long lib_nr_fences;
void (*lib_before_fence)(void);

void lib_stream(void *dst, const void *src, size_t len)
{
	if (!lib_fenced)
		model_stream(dst, src, len);
}

void lib_sfence(void)
{
	void (*hook)(void) = lib_before_fence;

	if (hook) {
		lib_before_fence = NULL;
		hook();
		lib_before_fence = hook;
	}
	lib_nr_fences++;
	model_fence();
}

/* The kernel writes the pages back and fences. */
int lib_msync(void *addr, size_t len)
{
	model_writeback(addr, len);
	lib_sfence();
	return 0;
}

int lib_cpuid(unsigned int leaf, unsigned int *a, unsigned int *b, unsigned int *c,
	      unsigned int *d)
{
	*a = *b = *c = *d = 0;
	if (leaf != 7)
		return 0;
	if (lib_cpu == LIB_CLWB)
		*b |= 1U << 24;
	if (lib_cpu >= LIB_CLFLUSHOPT)
		*b |= 1U << 23;
	return 1;
}

ssize_t lib_getrandom(void *buf, size_t len)
{
	unsigned char *p = buf;
	size_t i;

	for (i = 0; i < len; i++)
		p[i] = (unsigned char)(model_random(&lib_random) >> 32);
	return (ssize_t)len;
}

ssize_t lib_pwrite(const void *buf, size_t len, off_t at)
{
	enum model_agent before = model_agent(MODEL_OTHER_CPU);

	model_stream((uint8_t *)model_line(0) + at, buf, len);
	model_fence();
	model_agent(before);
	return (ssize_t)len;
}

void *lib_memcpy(void *dst, const void *src, size_t len)
{
	if (!len || !model_holds(dst, len))
		memcpy(dst, src, len);
	else if (!lib_fenced)
		model_store(dst, src, len);
	return dst;
}

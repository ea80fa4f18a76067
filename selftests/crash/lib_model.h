/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before each file of libnpmu that is compiled here: its instructions that
 * store past the cache, write back and fence go to the model, and so does what it
 * copies into the mapping. The code is the library's own.
 */
#ifndef CRASH_LIB_MODEL_H
#define CRASH_LIB_MODEL_H

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "lib_stubs.h"

#define _mm_stream_si128(dst, v) \
	({ CRASH_POINT("stream"); __m128i v_ = (v); lib_stream(dst, &v_, sizeof(v_)); })
#define _mm_stream_si64(dst, v) \
	({ CRASH_POINT("stream"); long long v_ = (v); lib_stream(dst, &v_, sizeof(v_)); })
#define _mm_clwb(p) \
	({ CRASH_POINT("clwb"); model_writeback(p, MODEL_LINE); })
#define _mm_clflushopt(p) \
	({ CRASH_POINT("clflushopt"); model_writeback(p, MODEL_LINE); })
#define _mm_clflush(p) \
	({ CRASH_POINT("clflush"); model_writeback(p, MODEL_LINE); })
#define _mm_sfence() \
	({ CRASH_POINT("sfence"); lib_sfence(); })
#define __builtin_ia32_sfence() \
	({ CRASH_POINT("sfence"); lib_sfence(); })
#define msync(addr, len, flags) \
	({ CRASH_POINT("msync"); lib_msync(addr, len); })
#define __get_cpuid_count(leaf, sub, a, b, c, d) lib_cpuid(leaf, a, b, c, d)
#define pwrite(fd, buf, len, at) \
	({ CRASH_POINT("pwrite"); lib_pwrite(buf, len, at); })
#define getrandom(buf, len, flags)	lib_getrandom(buf, len)
#define time(p)				((void)(p), (time_t)1700000000)
#define memcpy(dst, src, len)		lib_memcpy(dst, src, len)

#ifndef LIB_PERSIST
/* Its callers: each call is a persist point. */
#include "remote.h"

#define npmu_fence_all() \
	({ CRASH_POINT("npmu_fence_all"); npmu_fence_all(); })
#define npmu_copy_lines(dst, src, len) \
	({ CRASH_POINT("npmu_copy_lines"); npmu_copy_lines(dst, src, len); })
#define npmu_store_line(dst, word) \
	({ CRASH_POINT("npmu_store_line"); npmu_store_line(dst, word); })
#define npmu_store_word(dst, word) \
	({ CRASH_POINT("npmu_store_word"); npmu_store_word(dst, word); })
#define npmu_drain(region) \
	({ CRASH_POINT("npmu_drain"); npmu_drain(region); })
#define npmu_persist(region, addr, len) \
	({ CRASH_POINT("npmu_persist"); npmu_persist(region, addr, len); })
#define npmu_persist_stored(region, at, len) \
	({ CRASH_POINT("npmu_persist_stored"); npmu_persist_stored(region, at, len); })
#define npmu_persist_seen(region, at, len) \
	({ CRASH_POINT("npmu_persist_seen"); npmu_persist_seen(region, at, len); })
#define npmu_memcpy_persist(region, dst, src, len) \
	({ CRASH_POINT("npmu_memcpy_persist"); npmu_memcpy_persist(region, dst, src, len); })
#endif

#endif /* CRASH_LIB_MODEL_H */

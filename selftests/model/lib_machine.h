/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Included before each file of libnpmu that is compiled here: what it stores, fences and
 * loads from the region goes to the machine, where another actor may go on. The code is
 * the library's own.
 */
#ifndef MODEL_LIB_MACHINE_H
#define MODEL_LIB_MACHINE_H

#include <cpuid.h>
#include <immintrin.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "machine.h"

#define _mm_stream_si128(dst, v) \
	({ __m128i v_ = (v); machine_stream(dst, &v_, sizeof(v_)); })
#define _mm_stream_si64(dst, v) \
	({ long long v_ = (v); machine_stream(dst, &v_, sizeof(v_)); })
#define _mm_clwb(p)			model_writeback(p, MODEL_LINE)
#define _mm_clflushopt(p)		model_writeback(p, MODEL_LINE)
#define _mm_clflush(p)			model_writeback(p, MODEL_LINE)
#define _mm_sfence()			machine_sfence()
#define __builtin_ia32_sfence()		machine_sfence()
#define getrandom(buf, len, flags)	machine_getrandom(buf, len)
#define time(p)				((void)(p), (time_t)1700000000)
#define memcpy(dst, src, len)		machine_memcpy(dst, src, len)

#ifndef LIB_PERSIST
#include "claim.h"
#include "ckpt_slot.h"
#include "crc32c.h"

/* What is behind a macro of its own name is the call itself. */
#define npmu_fence_all() \
	({ machine_sfence(); __atomic_thread_fence(__ATOMIC_SEQ_CST); })
#define npmu_claim_holds(claim) \
	({ actor_yield(); npmu_claim_holds(claim); })
#define npmu_crc32c(crc, p, len) \
	({ machine_load(p, len); npmu_crc32c(crc, p, len); })
#endif

#endif /* MODEL_LIB_MACHINE_H */

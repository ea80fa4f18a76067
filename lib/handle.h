/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A region's handle, as the files of the library that own its parts see it:
 * region.c opens and closes, map.c maps, role.c does the ioctls, persist.c
 * writes caches back.
 */
#ifndef NPMU_LIB_HANDLE_H
#define NPMU_LIB_HANDLE_H

#include <stdatomic.h>
#include <stdbool.h>

#include <npmu/region.h>

/* How to make stores durable, chosen when a region is opened. */
struct npmu_persist_ops {
	const char *name;
	/* Start the write-back of a range; NULL: the kernel has to do it. */
	void (*flush)(const void *addr, size_t len);
};

extern const struct npmu_persist_ops npmu_persist_kernel;

/* The best that this CPU has. */
const struct npmu_persist_ops *npmu_persist_choose(void);

/*
 * All but @error, @own_status and the role in the kernel is fixed from open to
 * close, or from map to unmap; map and unmap run alone.
 */
struct npmu_region {
	int fd;
	unsigned int flags;			/* NPMU_OPEN_* */
	bool is_file;				/* a plain file, no kernel roles */
	uint32_t persistence_class;
	uint64_t size;
	uint64_t entry_id;
	const struct npmu_persist_ops *ops;
	const volatile struct npmu_status *status;
	struct npmu_status *own_status;		/* where no kernel keeps one, else NULL */
	void *addr;
	void *addr_before;			/* see npmu_region_map_beside() */
	size_t length;
	unsigned int map_flags;
	struct npmu_remote *remote;		/* on another host, else NULL: see remote.h */
	int reader_slot;			/* of a plain file: its entry + 1, or 0 */
	const char *_Atomic error;		/* static phrase */
};

/* Note why a call failed. Return: @code. */
static inline int npmu_region_fail(struct npmu_region *region, int code,
				   const char *why)
{
	atomic_store_explicit(&region->error, why, memory_order_relaxed);
	return code;
}

/*
 * Map for writing what is mapped for reading, without touching it. The former mapping stays
 * until the region is unmapped, so that what points into it goes on to be readable. Return:
 * as npmu_region_map().
 */
int npmu_region_map_beside(struct npmu_region *region);

/*
 * Nobody counts the fence epochs of a plain file but its handle: go on above what an earlier
 * writer left in the file. Of a region it does nothing.
 */
void npmu_region_epoch_above(struct npmu_region *region, uint64_t fence_epoch);

/* Is @flags nothing but @known? */
static inline bool npmu_flags_known(unsigned int flags, unsigned int known)
{
	return !(flags & ~known);
}

/* Is [offset, offset + length) within size bytes? Cannot wrap. */
static inline bool npmu_within(uint64_t offset, uint64_t length, uint64_t size)
{
	return offset <= size && length <= size - offset;
}

/*
 * Fence: every store so far, non-temporal ones included, is durable (where the
 * CPU can do that) and precedes every later load. An sfence alone does not order
 * the load of the status page behind the stores; the locked instruction, a store
 * that comes after the sfence and before every later load, does. An mfence would
 * do both and costs some 20 ns more.
 */
static inline void npmu_fence_all(void)
{
#ifdef __x86_64__
	__builtin_ia32_sfence();
#endif
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

/*
 * Copy @len bytes to @dst, which is aligned to a cache line, with non-temporal
 * stores; the rest of the last line is stored as zero.
 */
void npmu_copy_lines(void *dst, const void *src, size_t len);

/*
 * Store one line with non-temporal stores, word by word: what was just put
 * together word by word cannot be loaded wider without a stall.
 */
void npmu_store_line(void *dst, const uint64_t word[8]);

/* Store one aligned word with a non-temporal store. */
void npmu_store_word(void *dst, uint64_t word);

#endif /* NPMU_LIB_HANDLE_H */

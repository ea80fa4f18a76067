// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What the fence of a live writer takes, by the bytes it has mapped, beside an munmap() of
 * as many: the kernel must zap these in any case.
 */
#include "bench.h"
#include "report.h"
#include "rounds.h"

#define PAGE	4096

static const uint64_t sizes[] = { 2 * MIB, 16 * MIB, 64 * MIB, 256 * MIB, GIB };
#define NR_SIZES	(sizeof(sizes) / sizeof(sizes[0]))

struct fence {
	const struct bench *b;
	struct npmu_region *writer;
	struct npmu_region *other;
};

static void touch(struct npmu_region *region, uint64_t len)
{
	const volatile char *addr = npmu_region_addr(region);
	uint64_t i;

	for (i = 0; i < len; i += PAGE)
		(void)addr[i];
}

static int before_munmap(struct series *s)
{
	struct fence *f = s->context;

	if (place_open(f->b, NPMU_OPEN_READ, NPMU_MAP_LAZY, &f->other))
		return -1;
	touch(f->other, s->size);
	return 0;
}

static int op_munmap(struct series *s)
{
	struct fence *f = s->context;

	npmu_region_unmap(f->other);
	return 0;
}

static int after_munmap(struct series *s)
{
	struct fence *f = s->context;

	npmu_region_close(f->other);
	return 0;
}

static int before_fence(struct series *s)
{
	struct fence *f = s->context;

	if (place_open(f->b, NPMU_OPEN_WRITE, NPMU_MAP_WRITE | NPMU_MAP_LAZY, &f->writer) ||
	    place_open(f->b, NPMU_OPEN_WRITE, PLACE_UNMAPPED, &f->other))
		return -1;
	touch(f->writer, s->size);
	return 0;
}

static int op_fence(struct series *s)
{
	struct fence *f = s->context;

	if (!npmu_region_takeover(f->other, npmu_region_fence_epoch(f->other), NULL))
		return 0;
	return bench_fail("fence: %s", npmu_region_error(f->other));
}

static int after_fence(struct series *s)
{
	struct fence *f = s->context;

	if (npmu_region_is_writer(f->writer))
		return bench_fail("fence: the fenced writer is still the writer");
	npmu_region_close(f->writer);
	npmu_region_close(f->other);
	return 0;
}

int fence_measure(const struct bench *b)
{
	struct series s[2 * NR_SIZES];
	struct fence f = { .b = b };
	size_t i, n = 0;
	int code;

	if (b->is_file)
		report_note(b->report, "fence", "fence", "a plain file has none");
	for (i = 0; i < NR_SIZES && sizes[i] <= b->max_state; i++) {
		if (!place_has(b, sizes[i])) {
			report_note(b->report, "fence", "larger mappings", "there is no room");
			break;
		}
		s[n++] = (struct series){
			.what = "munmap", .size = sizes[i], .context = &f,
			.before = before_munmap, .op = op_munmap, .after = after_munmap,
		};
		if (b->is_file)
			continue;
		s[n] = (struct series){
			.what = "fence", .size = sizes[i], .context = &f,
			.before = before_fence, .op = op_fence, .after = after_fence,
			.limit = &s[n - 1],
		};
		n++;
	}
	code = n ? rounds_run(s, n, b->rounds / 100 + 5) : 0;
	if (!code)
		code = report_add(b->report, "fence", s, n);
	rounds_free(s, n);
	return code;
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The calls of libnpmu that make an application's own stores durable, at any offset
 * and length: what was answered is there, what is under way has each byte old or new.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "explore.h"
#include "handle.h"
#include "lib_stubs.h"

#define SIZE	4096
#define CALLS	16

uint32_t persist_calls(struct explore *x, struct explore_stat *stat);

static unsigned char image[CALLS + 1][SIZE];	/* before each call, and after the last */

static const char *recover(const struct explore_at *at)
{
	const unsigned char *now = model_line(0), *old = image[at->answered];
	const unsigned char *new = at->inflight == EXPLORE_NONE ? old : image[at->inflight + 1];
	int i;

	for (i = 0; i < SIZE; i++)
		if (now[i] != old[i] && now[i] != new[i])
			return "a byte is neither old nor new";
	return NULL;
}

static const struct explore_ops ops = { .recover = recover };

static void one_call(struct npmu_region *region, uint32_t call, uint64_t random)
{
	size_t at = model_random(&random) % (SIZE - 600), len = model_random(&random) % 600;
	unsigned char *base = region->addr, data[600] = {};
	size_t i;

	for (i = 0; i < len; i++)
		data[i] = (unsigned char)(model_random(&random) >> 16);
	memcpy(image[call + 1], image[call], SIZE);
	memcpy(image[call + 1] + at, data, len);
	model_mark(MODEL_BEGIN, call);
	switch (call % 4) {
	case 0:
		npmu_memcpy_persist(region, base + at, data, len);
		break;
	case 1:
		npmu_memcpy_nodrain(region, base + at, data, len / 2);
		npmu_memcpy_nodrain(region, base + at + len / 2, data + len / 2, len - len / 2);
		npmu_drain(region);
		break;
	case 2:
		/* The application's own stores. */
		model_store(base + at, data, len);
		npmu_flush(region, base + at, len);
		npmu_drain(region);
		break;
	case 3:
		model_store(base + at, data, len);
		npmu_persist(region, base + at, len);
		break;
	}
	model_mark(MODEL_END, call);
}

uint32_t persist_calls(struct explore *x, struct explore_stat *stat)
{
	int fd = memfd_create("npmu", MFD_CLOEXEC);
	struct model_log log = { 0 };
	struct npmu_region *region;
	uint64_t random = x->seed;
	uint32_t call, wrong = 0;
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	lib_cpu = x->seed % 3;
	if (fd < 0 || ftruncate(fd, SIZE) ||
	    npmu_region_open_file(path, NPMU_OPEN_WRITE, &region, NULL) ||
	    npmu_region_map(region, NPMU_MAP_WRITE))
		exit(1);
	close(fd);
	if (x->seed % 4 == 0)
		region->ops = &npmu_persist_kernel;
	memset(image[0], 0, SIZE);
	model_memory(region->addr, SIZE);
	model_record(&log);
	for (call = 0; call < CALLS; call++)
		one_call(region, call, model_random(&random));
	model_record(NULL);
	wrong += memcmp(region->addr, image[CALLS], SIZE) ||
		 model_unseen(&log, image[0]) >= 0;
	memset(region->addr, 0, SIZE);
	/* For as long as it explores. */
	/* cppcheck-suppress autoVariables */
	x->log = &log;
	x->ops = &ops;
	explore_run(x, stat);
	npmu_region_close(region);
	model_log_free(&log);
	model_memory(NULL, 0);
	return wrong;
}

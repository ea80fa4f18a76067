// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * The self-telling state: see state.h. Must not know who kills the writer, or how.
 */
#include "state.h"

static bool changes(uint64_t commit, unsigned int block)
{
	return !block || block == commit % STATE_BLOCKS || block == commit * 7 % STATE_BLOCKS;
}

/* The last commit up to @commit that changed the block, 0: none. */
static uint64_t last_change(uint64_t commit, unsigned int block)
{
	while (commit && !changes(commit, block))
		commit--;
	return commit;
}

static void fill_block(uint8_t *data, unsigned int block, uint64_t commit)
{
	vm_fill(data + block * STATE_BLOCK, STATE_BLOCK, block * STATE_BLOCK, commit);
}

static bool is_whole(const uint8_t *data, uint64_t commit)
{
	unsigned int b;

	for (b = 0; b < STATE_BLOCKS; b++)
		if (vm_compare(data + b * STATE_BLOCK, STATE_BLOCK, b * STATE_BLOCK,
			       last_change(commit, b)) >= 0)
			return false;
	return true;
}

int state_read(const char *name, uint64_t *commit)
{
	struct npmu_ckpt_reader *reader = NULL;
	struct npmu_region *region = NULL;
	static uint8_t data[STATE_SIZE];
	struct npmu_ckpt_info info = {};
	int ret;

	ret = npmu_region_open(name, NPMU_OPEN_READ, &region, NULL);
	if (!ret)
		ret = npmu_region_map(region, 0);
	if (!ret)
		ret = npmu_ckpt_reader_open(region, &reader, NULL);
	if (!ret)
		ret = npmu_ckpt_read(reader, data, sizeof(data), &info);
	if (!ret) {
		*commit = info.tag;
		if (info.length != STATE_SIZE || !is_whole(data, info.tag))
			ret = -EILSEQ;
	}
	npmu_ckpt_reader_close(reader);
	npmu_region_close(region);
	return ret;
}

int state_writer_open(struct state_writer *w, const char *name)
{
	unsigned int b;
	int ret;

	memset(w, 0, sizeof(*w));
	ret = state_read(name, &w->commit);
	if (ret && ret != -ENODATA)
		return ret;
	w->data = malloc(STATE_SIZE);
	for (b = 0; b < STATE_BLOCKS; b++)
		fill_block(w->data, b, last_change(w->commit, b));
	ret = npmu_region_open(name, NPMU_OPEN_WRITE, &w->region, NULL);
	if (!ret)
		ret = npmu_region_map(w->region, NPMU_MAP_WRITE);
	if (!ret)
		ret = npmu_ckpt_writer_open(w->region, STATE_SIZE, 0, &w->writer, NULL);
	return ret;
}

int state_commit(struct state_writer *w)
{
	struct npmu_ckpt_range ranges[STATE_BLOCKS];
	uint64_t commit = w->commit + 1;
	unsigned int b, n = 0;
	int ret;

	for (b = 0; b < STATE_BLOCKS; b++) {
		if (!changes(commit, b))
			continue;
		fill_block(w->data, b, commit);
		ranges[n++] = (struct npmu_ckpt_range){ b * STATE_BLOCK, STATE_BLOCK };
	}
	if (commit % 16)
		ret = npmu_ckpt_commit_ranges(w->writer, w->data, STATE_SIZE, ranges, n, commit);
	else
		ret = npmu_ckpt_commit(w->writer, w->data, STATE_SIZE, commit);
	if (!ret)
		w->commit = commit;
	return ret;
}

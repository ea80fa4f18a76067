// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * One life of a machine whose power will be cut (powercut.sh): checks what the life
 * before left on /dev/pmem0, then commits states and changes regions until the end.
 * What has returned is noted in a file on the host, at once, before anything else
 * happens. Exit 0 never; 1: what was found is not what must be there.
 *
 *	powercut_life FILE		live
 *	powercut_life FILE last		only look, and detach
 */
#include <npmu/grants.h>

#include "state.h"

#define NR	6
#define SLOT	"/dev/pmem0"

struct model_region {
	uint64_t size;		/* 0: there is none */
	uint64_t filled;	/* bytes that hold the pattern */
	uint64_t seed;		/* of the pattern */
	uint64_t epoch;		/* fence epoch at least */
	uint32_t mode;
	uint32_t dirty;		/* being filled: bytes unknown */
	uint32_t grants;	/* to "p0", or none */
	uint32_t reserved;
};

struct model {
	struct model_region now[NR];
	struct model_region next[NR];	/* when what is under way is done */
};

struct notes {
	uint64_t commit;	/* written by the committing process */
	uint64_t lives;
	struct model model;	/* written by the other one */
};

static struct notes notes;
static int file;

static int note(const void *what, size_t len)
{
	off_t at = (const char *)what - (const char *)&notes;

	return pwrite(file, what, len, at) == (ssize_t)len ? 0 : -errno;
}

static bool as_modelled(const char *name, const struct model_region *m, const char **why)
{
	static uint8_t buf[4 * MIB];
	struct npmu_region_info info;
	int ret, fd;

	*why = "it is there or not";
	ret = npmu_ctl_region_get(vm_ctl(), "u", name, &info);
	if (!m->size)
		return ret == -ENOENT;
	if (ret)
		return false;
	*why = "size, mode, health";
	if (info.size != m->size || info.mode != m->mode || info.health != NPMU_HEALTH_GOOD)
		return false;
	*why = "grants";
	if (info.grants != m->grants)
		return false;
	*why = "an older fence epoch";
	if (info.fence_epoch < m->epoch)
		return false;
	if (m->dirty)
		return true;
	fd = vm_open("u", name, O_RDONLY);
	ret = vm_pread(fd, buf, info.size, 0);
	close(fd);
	*why = "bytes";
	return ret == (int)info.size && vm_compare(buf, m->filled, 0, m->seed) < 0 &&
	       vm_nonzero(buf + m->filled, info.size - m->filled) < 0;
}

static int verify(void)
{
	struct npmu_unit_info unit;
	const char *why, *why_next;
	uint64_t commit = 0;
	char name[8];
	int i, ret;

	ret = npmu_ctl_unit_get(vm_ctl(), "u", &unit);
	if (ret || unit.unsound_regions)
		return printf("FAIL: the unit: %s, %u unsound regions\n", vm_strerror(ret),
			      unit.unsound_regions);
	ret = state_read("u/state", &commit);
	if ((ret && (ret != -ENODATA || notes.commit)) || commit < notes.commit)
		return printf("FAIL: commit %lu returned, found %lu: %s\n", notes.commit, commit,
			      vm_strerror(ret));
	for (i = 0; i < NR; i++) {
		snprintf(name, sizeof(name), "r%d", i);
		if (as_modelled(name, &notes.model.now[i], &why))
			continue;
		if (as_modelled(name, &notes.model.next[i], &why_next)) {
			notes.model.now[i] = notes.model.next[i];
			continue;
		}
		return printf("FAIL: region %s: neither as before (%s) nor as after (%s) the last change\n",
			      name, why, why_next);
	}
	printf("verified: commit %lu (%lu returned), media epoch %lu, repaired %u\n", commit,
	       notes.commit, unit.media_epoch, unit.repaired);
	return 0;
}

static int change_one(uint64_t *random, int i)
{
	struct model_region *next = &notes.model.next[i];
	struct npmu_region_params params = { .mask = NPMU_PARAM_MODE };
	struct npmu_region_info info;
	static uint8_t buf[4 * MIB];
	char name[8];
	int fd, ret;
	enum { CREATE, FILL, GROW, SHRINK, MODE, FENCE, GRANT, DELETE } what;

	snprintf(name, sizeof(name), "r%d", i);
	what = next->size ? 1 + tap_random(random) % 7 : CREATE;
	switch (what) {
	case CREATE:
		*next = (struct model_region){
			.size = 4096 * (1 + tap_random(random) % 40), .mode = 0600,
		};
		break;
	case FILL:
		next->dirty = 1;
		break;
	case GROW:
		if (next->size < MIB)
			next->size += 4096 * (1 + tap_random(random) % 20);
		break;
	case SHRINK:
		next->size = 4096 * (1 + tap_random(random) % (next->size / 4096));
		if (next->filled > next->size)
			next->filled = next->size;
		break;
	case MODE:
		next->mode = tap_random(random) % 2 ? 0640 : 0664;
		break;
	case FENCE:
		next->epoch++;
		break;
	case GRANT:
		next->grants = !next->grants;
		break;
	case DELETE:
		memset(next, 0, sizeof(*next));
		break;
	}
	/* What is unknown while it is being filled is so already now. */
	if (what == FILL)
		notes.model.now[i].dirty = 1;
	ret = note(&notes.model, sizeof(notes.model));
	if (ret)
		return ret;
	switch (what) {
	case CREATE:
		ret = npmu_ctl_region_create(vm_ctl(), "u", name, next->size, NULL, NULL);
		break;
	case FILL:
		next->seed = tap_random(random);
		vm_fill(buf, next->size, 0, next->seed);
		fd = vm_open("u", name, O_RDWR);
		ret = vm_pwrite(fd, buf, next->size, 0) == (ssize_t)next->size ? fsync(fd) : -EIO;
		close(fd);
		next->filled = next->size;
		next->dirty = 0;
		/* The claim raised it. */
		npmu_ctl_region_get(vm_ctl(), "u", name, &info);
		next->epoch = info.fence_epoch;
		break;
	case GROW:
	case SHRINK:
		ret = vm_resize("u", name, next->size, true);
		break;
	case MODE:
		params.mode = next->mode;
		ret = npmu_ctl_region_set(vm_ctl(), "u", name, &params, 0, NULL);
		break;
	case FENCE:
		ret = vm_fence("u", name);
		break;
	case GRANT:
		ret = next->grants ? npmu_ctl_grant_add(vm_ctl(), "u", name, "p0", 3, 0, 0) :
				     npmu_ctl_grant_remove(vm_ctl(), "u", name, "p0");
		break;
	case DELETE:
		ret = vm_delete("u", name, false);
		break;
	}
	if (ret)
		return ret;
	notes.model.now[i] = *next;
	return note(&notes.model, sizeof(notes.model));
}

static int change_for_ever(void *ctx)
{
	uint64_t random = vm_now_ns() ^ notes.lives * 1000003;
	int ret;

	(void)ctx;
	do
		ret = change_one(&random, tap_random(&random) % NR);
	while (!ret);
	printf("FAIL: a change: %s: %s\n", vm_strerror(ret), npmu_ctl_error(vm_ctl()));
	fflush(stdout);
	return 1;
}

static int commit_for_ever(void)
{
	struct state_writer w;
	int ret = state_writer_open(&w, "u/state");

	while (!ret) {
		ret = state_commit(&w);
		if (!ret) {
			notes.commit = w.commit;
			ret = note(&notes.commit, sizeof(notes.commit));
		}
	}
	printf("FAIL: a commit: %s\n", vm_strerror(ret));
	return 1;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	file = open(argv[1], O_RDWR | O_CREAT, 0600);
	if (file < 0 || pread(file, &notes, sizeof(notes), 0) < 0)
		return printf("FAIL: %s: %m\n", argv[1]), 1;
	if (!notes.lives) {
		if (vm_pmem(SLOT, "u", 64) || vm_region("u", "state", MIB))
			return printf("FAIL: %s\n", vm_why()), 1;
	} else {
		if (vm_attach(SLOT, NULL))
			return printf("FAIL: attach: %s\n", vm_why()), 1;
		if (verify())
			return 1;
		memcpy(notes.model.next, notes.model.now, sizeof(notes.model.now));
	}
	if (argc > 2) {
		if (vm_drop("u"))
			return printf("FAIL: %s\n", vm_why()), 1;
		printf("last life ends\n");
		return 0;
	}
	notes.lives++;
	note(&notes, sizeof(notes));
	vm_child(change_for_ever, NULL);
	printf("alive\n");
	return commit_for_ever();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * What every command that speaks to the module needs: the handle, its errors,
 * and the wait for a region's node. Knows no noun.
 */
#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>

#define NODE_TRIES	200
#define NODE_PAUSE_NS	10000000L

struct npmu_ctl *control_open(const struct invocation *inv)
{
	struct npmu_error error;
	struct npmu_ctl *ctl;
	int err;

	err = npmu_ctl_open(&ctl, &error);
	if (!err)
		return ctl;
	/* No module is another thing than no unit: it must not end in status 3. */
	if (err == -ENOENT)
		failed(inv, "", -EPROTONOSUPPORT, "the kernel has no npmu");
	else
		failed(inv, "", err, error.text);
	return NULL;
}

enum status control_failed(struct npmu_ctl *ctl, const struct invocation *inv,
			   const char *target, int err)
{
	enum status status = failed(inv, target, err, npmu_ctl_error(ctl));

	npmu_ctl_close(ctl);
	return status;
}

const char *node_path(char path[NPMU_PATH_LEN], const char *unit, const char *region)
{
	snprintf(path, NPMU_PATH_LEN, "/dev/npmu/%s/%s", unit, region);
	return path;
}

/* A rename or a new owner makes the node anew; udev may be slower than we are. */
bool node_wait(const struct invocation *inv, const struct npmu_region_info *info)
{
	const struct timespec pause = { .tv_nsec = NODE_PAUSE_NS };
	char path[NPMU_PATH_LEN];
	struct stat st;
	int i;

	node_path(path, info->unit, info->name);
	for (i = 0; i < NODE_TRIES; i++) {
		if (stat(path, &st) == 0 && S_ISCHR(st.st_mode) && st.st_rdev == info->device)
			return true;
		nanosleep(&pause, NULL);
	}
	complain("%s %s: done, but the node %s did not appear\n  '" PROGRAM
		 " doctor' says why", inv->command->noun, inv->command->verb, path);
	return false;
}

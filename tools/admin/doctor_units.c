// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * doctor: what the module says of itself, its units and its regions, and
 * whether the nodes in /dev agree. Asks libnpmu; skipped under
 * NPMU_DOCTOR_ROOT, where there is nobody to ask.
 */
#include <errno.h>
#include <stdio.h>
#include <sys/stat.h>

#include "control.h"
#include "host.h"
#include "output.h"
#include "report.h"

struct look {
	struct report *report;
	unsigned int units;
	unsigned int regions;
	unsigned int nodes_wrong;
};

static int look_at_unit(void *ctx, const struct npmu_unit_info *info)
{
	struct look *look = ctx;
	char check[64], mend[640];
	char size[32];

	look->units++;
	snprintf(check, sizeof(check), "unit %s", info->name);
	if (info->gone) {
		snprintf(mend, sizeof(mend),
			 PROGRAM " unit detach %s, bring the device back, " PROGRAM " unit attach %s",
			 info->name, info->path);
		report_add(look->report, FAIL, check, mend, "its device %s went away", info->path);
		return 0;
	}
	if (info->unsound_regions) {
		snprintf(mend, sizeof(mend),
			 "see health in " PROGRAM " region list %s, copy out what can be read, then " PROGRAM " region delete them; " PROGRAM " unit check %s says where the memory failed",
			 info->name, info->path);
		report_add(look->report, FAIL, check, mend,
			   "%u regions are damaged or quarantined: nothing is allocated until they are deleted",
			   info->unsound_regions);
	} else if (info->repaired) {
		snprintf(mend, sizeof(mend), "watch it: ndctl list -M, and " PROGRAM " unit check %s",
			 info->path);
		report_add(look->report, WARN, check, mend,
			   "attach mended %u copies from their twins; nothing is lost (a power cut leaves some, bad memory too)",
			   info->repaired);
	} else {
		format_size(info->free, size, sizeof(size));
		report_add(look->report, OK, check, NULL, "class %s, %u regions, %s free",
			   npmu_class_name(info->persistence_class), info->regions, size);
	}
	if (info->bad_incomplete) {
		snprintf(mend, sizeof(mend), "move its regions to another unit; replace the memory");
		report_add(look->report, FAIL, check, mend,
			   "more of it failed than its bad list holds: nothing is allocated any more");
	} else if (info->bad) {
		snprintf(mend, sizeof(mend), PROGRAM " unit bad %s says where; plan to replace the memory",
			 info->name);
		format_size(info->bad, size, sizeof(size));
		report_add(look->report, WARN, check, mend,
			   "%s in %u ranges failed and are out of use", size, info->bad_ranges);
	}
	if (info->unreadable)
		report_add(look->report, FAIL, check,
			   "move its regions to another unit: a change has one copy only there",
			   "%u blocks of metadata cannot be read nor overwritten; their twins serve",
			   info->unreadable);
	if (info->regions == info->max_regions)
		report_add(look->report, WARN, check, NULL,
			   "all %u slots are in use: no region can be created", info->max_regions);
	return 0;
}

static void look_at_node(struct look *look, const struct npmu_region_info *info)
{
	char check[NPMU_PATH_LEN], path[NPMU_PATH_LEN], mend[NPMU_PATH_LEN + 64];
	struct stat st;
	bool there;

	snprintf(check, sizeof(check), "node %s/%s", info->unit, info->name);
	node_path(path, info->unit, info->name);
	there = stat(path, &st) == 0;
	if (!there || !S_ISCHR(st.st_mode) || st.st_rdev != info->device) {
		look->nodes_wrong++;
		snprintf(mend, sizeof(mend), PROGRAM " region set %s/%s --mode %04o makes it anew",
			 info->unit, info->name, info->mode);
		report_add(look->report, FAIL, check, mend, "%s is %s", path,
			   there ? "not the region's" : "not there");
	} else if ((st.st_mode & 0666) != info->mode || st.st_uid != info->uid ||
		   st.st_gid != info->gid) {
		look->nodes_wrong++;
		report_add(look->report, WARN, check,
			   "grep -rn npmu /etc/udev/rules.d /usr/lib/udev/rules.d, and change the region's owner and mode instead",
			   "the node is %04o %u:%u, the region %04o %u:%u: the region's counts at open",
			   st.st_mode & 0777, st.st_uid, st.st_gid, info->mode, info->uid,
			   info->gid);
	}
}

static int look_at_region(void *ctx, const struct npmu_region_info *info)
{
	struct look *look = ctx;
	char check[NPMU_PATH_LEN], mend[NPMU_PATH_LEN];

	look->regions++;
	snprintf(check, sizeof(check), "region %s/%s", info->unit, info->name);
	snprintf(mend, sizeof(mend), "restore it from elsewhere, after " PROGRAM " region delete %s/%s",
		 info->unit, info->name);
	if (info->health == NPMU_HEALTH_DAMAGED) {
		report_add(look->report, FAIL, check, mend,
			   "damaged: no copy of its record or list is whole");
		return 0;
	}
	if (info->health == NPMU_HEALTH_QUARANTINED)
		report_add(look->report, FAIL, check, mend,
			   "quarantined: another region owns some of its bytes; it can only be read");
	if (info->bad)
		report_add(look->report, FAIL, check, mend,
			   "%llu bytes of it failed and are lost, the others are good",
			   (unsigned long long)info->bad);
	if (info->role == NPMU_ROLE_FENCING) {
		snprintf(mend, sizeof(mend), PROGRAM " region fence %s/%s", info->unit, info->name);
		report_add(look->report, WARN, check, mend, "a fence of it is not done yet");
	}
	look_at_node(look, info);
	return 0;
}

/* The module is there, but does not answer. */
static void report_silent(struct report *report, int err, const char *text)
{
	/* Another network namespace: the family is not there, or not for us. */
	bool elsewhere = err == -ENOENT || err == -EPERM;

	report_add(report, FAIL, "netlink",
		   elsewhere ? "nsenter -t 1 -n " PROGRAM " doctor, on the host itself" : NULL,
		   "npmu is loaded but does not answer here: %s",
		   err == -ENOENT ? "this is another network namespace than the host's" : text);
}

void doctor_units(struct report *report)
{
	struct look look = { .report = report };
	struct npmu_error error;
	struct npmu_ctl *ctl;
	int err;

	err = npmu_ctl_open(&ctl, &error);
	/* Without the module there is nothing to add to what was said of it. */
	if (err == -ENOENT && !host_exists("/sys/module/npmu"))
		return;
	if (err) {
		report_silent(report, err, error.text);
		return;
	}
	err = npmu_ctl_unit_list(ctl, look_at_unit, &look);
	if (!err)
		err = npmu_ctl_region_list(ctl, NULL, look_at_region, &look);
	if (err)
		report_silent(report, err, npmu_ctl_error(ctl));
	else if (!look.units)
		report_add(report, OK, "units", NULL, "the module answers; no unit is attached");
	else if (look.regions && !look.nodes_wrong)
		report_add(report, OK, "nodes", NULL, "of %u regions, each as it should be",
			   look.regions);
	npmu_ctl_close(ctl);
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Not a test: says which units a test left attached, and takes them away so that
 * the next one begins with none. Status 1 when there was one.
 */
#include "vmtest.h"

static int nr_left;
static char names[64][NPMU_UNIT_NAME_LEN];

static int show_entry(void *ctx, const struct npmu_tpt_info *info)
{
	(void)ctx;
	printf("open of %s/%s by pid %u (%s)\n", info->unit, info->region, info->pid,
	       info->command);
	return 0;
}

static int note(void *ctx, const struct npmu_unit_info *info)
{
	(void)ctx;
	printf("unit %s is still attached\n", info->name);
	strcpy(names[nr_left++], info->name);
	return nr_left == 64;
}

int main(void)
{
	int i;

	npmu_ctl_unit_list(vm_ctl(), note, NULL);
	npmu_ctl_tpt_list(vm_ctl(), NULL, NULL, show_entry, NULL);
	for (i = 0; i < nr_left; i++)
		if (vm_drop(names[i]))
			printf("unit %s cannot be detached: %s\n", names[i], vm_why());
	return nr_left > 0;
}

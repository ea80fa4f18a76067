// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * The version, and the names of the values of linux/npmu_netlink.h. What the
 * tools print as JSON depends on these words: they never change.
 */
#include <errno.h>
#include <string.h>

#include <npmu/npmu.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static const char *const backings[] = {
	[NPMU_BACKING_KIND_PMEM] = "pmem",
	[NPMU_BACKING_KIND_DRAM] = "dram",
};

static const char *const classes[] = {
	[NPMU_CLASS_VOLATILE] = "volatile",
	[NPMU_CLASS_WARM] = "warm",
	[NPMU_CLASS_SAVED] = "saved",
	[NPMU_CLASS_PERSISTENT] = "persistent",
};

static const char *const roles[] = {
	[NPMU_ROLE_VACANT] = "vacant",
	[NPMU_ROLE_HELD] = "held",
	[NPMU_ROLE_FENCING] = "fencing",
};

static const char *const healths[] = {
	[NPMU_HEALTH_GOOD] = "good",
	[NPMU_HEALTH_QUARANTINED] = "quarantined",
	[NPMU_HEALTH_DAMAGED] = "damaged",
};

static const char *const events[] = {
	[NPMU_EVENT_UNIT_ATTACHED] = "unit-attached",
	[NPMU_EVENT_UNIT_DETACHED] = "unit-detached",
	[NPMU_EVENT_UNIT_GONE] = "unit-gone",
	[NPMU_EVENT_REGION_CREATED] = "region-created",
	[NPMU_EVENT_REGION_DELETED] = "region-deleted",
	[NPMU_EVENT_REGION_RESIZED] = "region-resized",
	[NPMU_EVENT_REGION_RENAMED] = "region-renamed",
	[NPMU_EVENT_REGION_SET] = "region-set",
	[NPMU_EVENT_WRITER_CLAIMED] = "writer-claimed",
	[NPMU_EVENT_WRITER_RESIGNED] = "writer-resigned",
	[NPMU_EVENT_WRITER_DEAD] = "writer-dead",
	[NPMU_EVENT_WRITER_FENCED] = "writer-fenced",
	[NPMU_EVENT_WRITER_REPLACED] = "writer-replaced",
	[NPMU_EVENT_UNIT_BAD] = "unit-bad",
	[NPMU_EVENT_REGION_BAD] = "region-bad",
	[NPMU_EVENT_GRANT_ADDED] = "grant-added",
	[NPMU_EVENT_GRANT_REMOVED] = "grant-removed",
};

static const char *name_of(const char *const *names, size_t n, uint32_t value)
{
	return value < n ? names[value] : "unknown";
}

const char *npmu_version(void)
{
	return NPMU_VERSION_STRING;
}

const char *npmu_backing_name(uint32_t backing)
{
	return name_of(backings, COUNT(backings), backing);
}

const char *npmu_class_name(uint32_t persistence_class)
{
	return name_of(classes, COUNT(classes), persistence_class);
}

const char *npmu_role_name(uint32_t role)
{
	return name_of(roles, COUNT(roles), role);
}

const char *npmu_health_name(uint32_t health)
{
	return name_of(healths, COUNT(healths), health);
}

const char *npmu_event_name(uint32_t event)
{
	return name_of(events, COUNT(events), event);
}

int npmu_class_parse(const char *name)
{
	size_t i;

	for (i = 0; name && i < COUNT(classes); i++)
		if (!strcmp(name, classes[i]))
			return (int)i;
	return -EINVAL;
}

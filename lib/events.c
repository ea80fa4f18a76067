// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Events of units and regions. Knows no socket and no message.
 */
#include <errno.h>
#include <stdlib.h>

#include <npmu/control.h>

#include "ctl_tables.h"
#include "error.h"

struct npmu_events {
	struct nl *nl;
};

int npmu_events_open(struct npmu_events **out, struct npmu_error *err)
{
	struct npmu_events *events;
	int code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	events = calloc(1, sizeof(*events));
	if (!events)
		return npmu_error_set(err, -ENOMEM, "out of memory");
	code = npmu_nl_subscribe(&events->nl, NPMU_FAMILY_NAME, "npmu", NPMU_MCGRP_EVENTS, err);
	if (code) {
		free(events);
		return code;
	}
	*out = events;
	return 0;
}

void npmu_events_close(struct npmu_events *events)
{
	if (!events)
		return;
	npmu_nl_close(events->nl);
	free(events);
}

int npmu_events_fd(const struct npmu_events *events)
{
	return npmu_nl_fd(events->nl);
}

static const struct nl_struct *desc_of(uint8_t cmd)
{
	switch (cmd) {
	case NPMU_CMD_UNIT_NTF:
		return &npmu_unit_event_struct;
	case NPMU_CMD_REGION_NTF:
		return &npmu_region_event_struct;
	default:
		return NULL;
	}
}

int npmu_events_next(struct npmu_events *events, struct npmu_event_info *out)
{
	if (!out)
		return -EINVAL;
	return npmu_nl_next(events->nl, desc_of, out);
}

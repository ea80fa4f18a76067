/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The name of a region on another host. */
#ifndef NPMU_LIB_REMOTE_URL_H
#define NPMU_LIB_REMOTE_URL_H

#include <linux/npmu_wire.h>
#include <npmu/npmu.h>

#define REMOTE_SCHEME	"npmu://"

/* npmu://[principal@]host[:port]/unit/region; what is not there is empty. */
struct npmu_remote_url {
	char principal[NPMU_PRINCIPAL_LEN];
	char host[256];
	char port[6];
	char unit[NPMU_UNIT_NAME_LEN];
	char region[NPMU_REGION_NAME_LEN];
};

/* Return: 0; -EINVAL: it is none, the text says why. */
int npmu_remote_url_parse(const char *text, struct npmu_remote_url *url,
			  struct npmu_error *err);

#endif /* NPMU_LIB_REMOTE_URL_H */

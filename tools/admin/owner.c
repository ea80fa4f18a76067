// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Owners by name or number, as chown(1) takes them. The only user of the system's
 * user and group databases.
 */
#include "owner.h"

#include <grp.h>
#include <pwd.h>
#include <string.h>

/* The last one, (uid_t)-1, means "no user" to the kernel. */
#define HIGHEST_ID	0xfffffffeU

static bool user_id(const char *text, uint32_t *uid)
{
	struct passwd *user = getpwnam(text);
	uint64_t number;

	if (user)
		*uid = user->pw_uid;
	else if (!parse_number(text, 0, HIGHEST_ID, &number))
		*uid = number;
	else
		return false;
	return true;
}

static bool group_id(const char *text, uint32_t *gid)
{
	struct group *group = getgrnam(text);
	uint64_t number;

	if (group)
		*gid = group->gr_gid;
	else if (!parse_number(text, 0, HIGHEST_ID, &number))
		*gid = number;
	else
		return false;
	return true;
}

bool owner_value(const struct invocation *inv, struct npmu_region_params *params)
{
	const char *text = inv->value[OPT_OWNER];
	const char *colon = strchr(text, ':');
	size_t len = colon ? (size_t)(colon - text) : strlen(text);
	char user[256];

	if (len >= sizeof(user) || (!len && !colon) || (colon && !colon[1])) {
		usage(inv, "'%s' is not an owner: write USER, USER:GROUP or :GROUP", text);
		return false;
	}
	memcpy(user, text, len);
	user[len] = '\0';
	if (len) {
		if (!user_id(user, &params->uid)) {
			usage(inv, "there is no user '%s': see 'getent passwd', or give a number",
			      user);
			return false;
		}
		params->mask |= NPMU_PARAM_UID;
	}
	if (colon) {
		if (!group_id(colon + 1, &params->gid)) {
			usage(inv, "there is no group '%s': see 'getent group', or give a number",
			      colon + 1);
			return false;
		}
		params->mask |= NPMU_PARAM_GID;
	}
	return true;
}

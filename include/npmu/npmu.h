/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libnpmu: version, errors, names. The other headers are npmu/control.h (units
 * and regions as the administrator sees them), npmu/region.h (one region:
 * open, map, persist, the writer role) and npmu/ckpt.h (checkpoints).
 *
 * Calls that can fail return 0 or a positive result, or a negative errno. The
 * library has no global state, installs no signal handler, starts no thread
 * and prints nothing. A handle may be used by several threads at once unless
 * its call says otherwise; closing it must be the last use. After fork(2) a
 * child must not use its parent's handles, other than to close them.
 */
#ifndef NPMU_NPMU_H
#define NPMU_NPMU_H

#include <stddef.h>
#include <stdint.h>

#include <linux/npmu_netlink.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define NPMU_VERSION_MAJOR	0
#define NPMU_VERSION_MINOR	1
#define NPMU_VERSION_PATCH	0
#define NPMU_VERSION_STRING	"0.1.0"

#define NPMU_ERROR_LEN		256

/**
 * struct npmu_error - why a call that makes a handle failed
 * @code: negative errno, as the call returned it; 0 on success
 * @text: a phrase without a full stop that names the cause and, where there is
 *	one, the next thing to try; empty on success
 *
 * Filled in by every call that takes one; the pointer may be NULL.
 */
struct npmu_error {
	int code;
	char text[NPMU_ERROR_LEN];
};

/**
 * npmu_version - version of the library in use
 *
 * Return: "major.minor.patch", static. NPMU_VERSION_* is what was compiled
 * against.
 */
const char *npmu_version(void);

/*
 * Names of the values of linux/npmu_netlink.h, as the tools print them:
 * "persistent", "vacant", "writer-dead" and so on. Static, "unknown" for a value
 * that the library does not know.
 */
const char *npmu_backing_name(uint32_t backing);
const char *npmu_class_name(uint32_t persistence_class);
const char *npmu_role_name(uint32_t role);
const char *npmu_health_name(uint32_t health);
const char *npmu_event_name(uint32_t event);

/**
 * npmu_class_parse - persistence class by its name
 * @name: "volatile", "warm", "saved" or "persistent"
 *
 * Return: enum npmu_class, or -EINVAL.
 */
int npmu_class_parse(const char *name);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif

#endif /* NPMU_NPMU_H */

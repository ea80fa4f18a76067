// SPDX-License-Identifier: LGPL-2.1-or-later
/*
 * Opening and closing a region, and what is fixed while it is open. Knows
 * neither its mapping (map.c) nor the writer role (role.c).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"
#include "handle.h"
#include "remote.h"

#define DEV_ROOT	"/dev/npmu"
#define FILE_ENTRY_ID	1	/* of a plain file's only "open" */

static int open_mode(unsigned int flags)
{
	return (flags & NPMU_OPEN_WRITE ? O_RDWR : O_RDONLY) | O_CLOEXEC;
}

/* "unit/region" to its node. The parts must not lead elsewhere. */
static int node_path(const char *name, char *path, size_t len,
		     struct npmu_error *err)
{
	const char *slash;
	int n;

	if (name[0] == '/') {
		n = snprintf(path, len, "%s", name);
	} else {
		slash = strchr(name, '/');
		if (!slash || slash == name || !slash[1] ||
		    strchr(slash + 1, '/') || name[0] == '.' || slash[1] == '.')
			return npmu_error_set(err, -EINVAL,
					      "\"%s\" is not unit/region", name);
		n = snprintf(path, len, DEV_ROOT "/%s", name);
	}
	if (n < 0 || (size_t)n >= len)
		return npmu_error_set(err, -ENAMETOOLONG, "the name is too long");
	return 0;
}

static int explain_open(int code, const char *path, struct npmu_error *err)
{
	struct stat st;

	switch (code) {
	case -ENOENT:
		if (strncmp(path, DEV_ROOT "/", sizeof(DEV_ROOT)) == 0 &&
		    stat(DEV_ROOT, &st))
			return npmu_error_set(err, code,
					      "%s: no unit is attached, or the kernel module npmu is not loaded: modprobe npmu",
					      path);
		return npmu_error_set(err, code,
				      "%s: no such region: npmu-admin region list",
				      path);
	case -EACCES:
		return npmu_error_set(err, code,
				      "%s: the owner and mode of the region forbid it: npmu-admin region show",
				      path);
	case -EROFS:
		return npmu_error_set(err, code,
				      "%s: the region is read-only or quarantined: npmu-admin region show",
				      path);
	case -ENXIO:
		return npmu_error_set(err, code, "%s: no region is there any more: npmu-admin region list",
				      path);
	case -EUSERS:
		return npmu_error_set(err, code,
				      "%s: the limit of opens is reached: npmu-admin tpt list",
				      path);
	case -EIO:
		return npmu_error_set(err, code,
				      "%s: the region is damaged: npmu-admin unit check",
				      path);
	default:
		return npmu_error_set(err, code, "%s: %s", path,
				      npmu_error_phrase(code));
	}
}

static struct npmu_region *handle_new(int fd, unsigned int flags)
{
	struct npmu_region *region = calloc(1, sizeof(*region));

	if (!region)
		return NULL;
	region->fd = fd;
	region->flags = flags;
	region->ops = npmu_persist_choose();
	atomic_init(&region->error, "");
	return region;
}

/* Takes over @fd, whether it succeeds or not. */
static int finish_open(int fd, unsigned int flags, const char *what,
		       struct npmu_region **out, struct npmu_error *err)
{
	struct npmu_ioc_info info = { .size = sizeof(info) };
	struct npmu_region *region;
	void *status;
	int code;

	if (ioctl(fd, NPMU_IOC_INFO, &info)) {
		code = -errno;
		close(fd);
		if (code == -ENOTTY || code == -EINVAL)
			return npmu_error_set(err, -ENOTTY,
					      "%s is not an npmu region", what);
		return npmu_error_set(err, code, "%s: %s", what,
				      npmu_error_phrase(code));
	}
	status = mmap(NULL, NPMU_STATUS_SIZE, PROT_READ, MAP_SHARED, fd,
		      NPMU_STATUS_OFFSET);
	if (status == MAP_FAILED) {
		code = -errno;
		close(fd);
		return npmu_error_set(err, code, "%s: the status page: %s", what,
				      npmu_error_phrase(code));
	}
	region = handle_new(fd, flags);
	if (!region) {
		munmap(status, NPMU_STATUS_SIZE);
		close(fd);
		return npmu_error_set(err, -ENOMEM, "out of memory");
	}
	region->status = status;
	region->size = info.region_size;
	region->entry_id = info.entry_id;
	region->persistence_class = info.persistence_class;
	*out = region;
	return npmu_error_clear(err);
}

int npmu_region_open(const char *name, unsigned int flags,
		     struct npmu_region **out, struct npmu_error *err)
{
	char path[NPMU_ERROR_LEN / 2];
	int fd, code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	if (!name || !npmu_flags_known(flags, NPMU_OPEN_WRITE))
		return npmu_error_set(err, -EINVAL, "no name, or an unknown flag");
	if (!strncmp(name, REMOTE_SCHEME, strlen(REMOTE_SCHEME)))
		return npmu_remote_open ? npmu_remote_open(name, flags, out, err) :
		       npmu_error_set(err, -EOPNOTSUPP,
				      "%s: this program was linked without RDMA", name);
	code = node_path(name, path, sizeof(path), err);
	if (code)
		return code;
	/* A FIFO would hang, a terminal become ours. */
	fd = open(path, open_mode(flags) | O_NONBLOCK | O_NOCTTY);
	if (fd < 0)
		return explain_open(-errno, path, err);
	return finish_open(fd, flags, path, out, err);
}

int npmu_region_create(const char *url, uint64_t size, struct npmu_error *err)
{
	if (!url)
		return npmu_error_set(err, -EINVAL, "no name");
	if (strncmp(url, REMOTE_SCHEME, strlen(REMOTE_SCHEME)))
		return npmu_error_set(err, -EOPNOTSUPP,
				      "%s is of this host: npmu-admin region create, or npmu_ctl_region_create()",
				      url);
	return npmu_remote_create ? npmu_remote_create(url, size, err) :
	       npmu_error_set(err, -EOPNOTSUPP, "%s: this program was linked without RDMA", url);
}

int npmu_region_open_fd(int fd, unsigned int flags, struct npmu_region **out,
			struct npmu_error *err)
{
	int mode, copy;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	if (!npmu_flags_known(flags, NPMU_OPEN_WRITE))
		return npmu_error_set(err, -EINVAL, "an unknown flag");
	mode = fcntl(fd, F_GETFL);
	if (mode < 0)
		return npmu_error_set(err, -errno, "the descriptor is not open");
	mode &= O_ACCMODE;
	if (mode == O_WRONLY || (flags & NPMU_OPEN_WRITE && mode != O_RDWR))
		return npmu_error_set(err, -EACCES,
				      "the descriptor is open for less than is asked");
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (copy < 0)
		return npmu_error_set(err, -errno, "%s",
				      npmu_error_phrase(-errno));
	return finish_open(copy, flags, "the descriptor", out, err);
}

int npmu_region_open_file(const char *path, unsigned int flags,
			  struct npmu_region **out, struct npmu_error *err)
{
	struct npmu_region *region;
	struct stat st;
	int fd, code;

	if (!out)
		return npmu_error_set(err, -EINVAL, "no place for the handle");
	*out = NULL;
	if (!path || !npmu_flags_known(flags, NPMU_OPEN_WRITE))
		return npmu_error_set(err, -EINVAL, "no path, or an unknown flag");
	fd = open(path, open_mode(flags) | O_NONBLOCK | O_NOCTTY);
	if (fd < 0) {
		code = -errno;
		return npmu_error_set(err, code, "%s: %s", path,
				      npmu_error_phrase(code));
	}
	if (fstat(fd, &st) || !S_ISREG(st.st_mode) ||
	    st.st_size < (off_t)NPMU_GRANULE_SIZE) {
		close(fd);
		return npmu_error_set(err, -EINVAL,
				      "%s is not a regular file of 4 KiB or more",
				      path);
	}
	region = handle_new(fd, flags);
	if (region)
		region->own_status = calloc(1, sizeof(*region->own_status));
	if (!region || !region->own_status) {
		free(region);
		close(fd);
		return npmu_error_set(err, -ENOMEM, "out of memory");
	}
	region->is_file = true;
	region->status = region->own_status;
	region->size = (uint64_t)st.st_size & ~(NPMU_GRANULE_SIZE - 1);
	region->entry_id = FILE_ENTRY_ID;
	region->persistence_class = NPMU_CLASS_VOLATILE;
	*out = region;
	return npmu_error_clear(err);
}

int npmu_region_reconnect(struct npmu_region *region, struct npmu_error *err)
{
	struct npmu_ioc_info info;
	int code;

	if (region->remote)
		return region->remote->ops->reconnect(region, err);
	code = npmu_region_info(region, &info);
	if (!code && info.dead)
		code = npmu_region_fail(region, -ESTALE, "this open is dead: open the region again");
	return code ? npmu_error_set(err, code, "%s", npmu_region_error(region)) :
		      npmu_error_clear(err);
}

void npmu_region_close(struct npmu_region *region)
{
	if (!region)
		return;
	npmu_region_unmap(region);
	if (region->remote)
		region->remote->ops->close(region);
	if (region->own_status)
		free(region->own_status);
	else
		munmap((void *)region->status, NPMU_STATUS_SIZE);
	close(region->fd);
	free(region);
}

const char *npmu_region_error(const struct npmu_region *region)
{
	return atomic_load_explicit(&region->error, memory_order_relaxed);
}

int npmu_region_fd(const struct npmu_region *region)
{
	return region->fd;
}

uint64_t npmu_region_size(const struct npmu_region *region)
{
	return region->size;
}

uint32_t npmu_region_class(const struct npmu_region *region)
{
	return region->persistence_class;
}

int npmu_region_require(struct npmu_region *region, uint32_t persistence_class)
{
	static const char *const too_low[] = {
		[NPMU_CLASS_VOLATILE] = "",
		[NPMU_CLASS_WARM] = "the unit's class is below warm",
		[NPMU_CLASS_SAVED] = "the unit's class is below saved",
		[NPMU_CLASS_PERSISTENT] = "the unit's class is below persistent",
	};

	if (persistence_class > NPMU_CLASS_PERSISTENT)
		return npmu_region_fail(region, -EINVAL, "no such class");
	if (region->persistence_class < persistence_class)
		return npmu_region_fail(region, -EOPNOTSUPP,
					too_low[persistence_class]);
	return 0;
}

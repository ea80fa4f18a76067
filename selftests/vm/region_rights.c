// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region's name, owner, mode and flags: what is refused, what record and node show,
 * and that an open is checked against the record.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)

static int rename_to(const char *name, const char *new_name)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_NEW_NAME, .new_name = new_name };

	return vm_note(npmu_ctl_region_set(vm_ctl(), "t", name, &params, 0, NULL));
}

static int set_rights(uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_UID | NPMU_PARAM_GID | NPMU_PARAM_MODE,
		.uid = uid, .gid = gid, .mode = mode,
	};

	return vm_note(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL));
}

struct attempt {
	const char *path;
	int flags;
};

static int attempt(void *ctx)
{
	struct attempt *a = ctx;
	int fd = vm_open_path(a->path, a->flags);

	return fd < 0 ? -fd : 0;
}

static int as_nobody(const char *path, int flags)
{
	struct attempt a = { path, flags };

	return -vm_as_nobody(attempt, &a);
}

static void rename__moves_the_node_and_nothing_else(void)
{
	struct npmu_region_info before, after;
	uint64_t *w;
	int fd;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	EXPECT(vm_region("t", "taken", 4096), 0);
	fd = vm_open("t", "r", O_RDWR);
	w = vm_map(fd, 0, 4096, RW);
	REQUIRE(w, "%m");
	EXPECT(vm_get("t", "r", &before), 0);
	REFUSED(rename_to("r", "taken"), -EEXIST);
	REFUSED(rename_to("r", ".x"), -EINVAL);
	REFUSED(rename_to("r", ""), -EINVAL);
	REFUSED(rename_to("nosuch", "x"), -ENOENT);
	EXPECT(rename_to("r", "r"), 0);
	EXPECT(rename_to("r", "s"), 0);
	EXPECT(vm_store(w, 5), 0);
	EXPECT(vm_open("t", "r", O_RDONLY), -ENOENT);
	REFUSED(vm_get("t", "r", &after), -ENOENT);
	EXPECT(vm_get("t", "s", &after), 0);
	strcpy(after.name, "r");
	CHECK(vm_same_region(&before, &after) && after.opens == 1, "more than the name changed");
	munmap(w, 4096);
	close(fd);
	fd = vm_open("t", "s", O_RDONLY);
	w = vm_map(fd, 0, 4096, PROT_READ);
	CHECK(w && *w == 5, "not the same bytes");
	munmap(w, 4096);
	close(fd);
	/* The old name is free. */
	EXPECT(vm_region("t", "r", 4096), 0);
	EXPECT(vm_drop("t"), 0);
}

static void set__refuses_what_is_not_legal(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_FLAGS, .flags = 2 };
	struct npmu_region_info before, after;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	EXPECT(vm_get("t", "r", &before), 0);
	REFUSED(set_rights(0, 0, 0700), -EINVAL);
	REFUSED(set_rights(0, 0, 01000), -EINVAL);
	REFUSED(set_rights(0, 0, UINT32_MAX), -EINVAL);
	REFUSED(set_rights(UINT32_MAX, 0, 0600), -EINVAL);
	REFUSED(set_rights(0, UINT32_MAX, 0600), -EINVAL);
	REFUSED(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), -EINVAL);
	params.flags = UINT32_MAX;
	REFUSED(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), -EINVAL);
	params.mask = 0;
	REFUSED(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), -EINVAL);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(vm_same_region(&before, &after), "a refused set changed it");
	REFUSED(vm_region_mode("t", "x", 4096, 0, 0, 0777), -EINVAL);
	EXPECT(vm_drop("t"), 0);
}

static void set__shows_in_record_and_node(void)
{
	struct npmu_region_info info;
	struct stat st;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region_mode("t", "r", 4096, 1000, 1001, 0640), 0);
	EXPECT(stat("/dev/npmu/t/r", &st), 0);
	CHECK(st.st_uid == 1000 && st.st_gid == 1001 && (st.st_mode & 07777) == 0640 &&
	      S_ISCHR(st.st_mode), "%u:%u %o", st.st_uid, st.st_gid, st.st_mode);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(st.st_rdev == info.device, "device %lx, told %lx", st.st_rdev, info.device);
	EXPECT(set_rights(VM_UID, VM_GID, 0664), 0);
	EXPECT(stat("/dev/npmu/t/r", &st), 0);
	CHECK(st.st_uid == VM_UID && st.st_gid == VM_GID && (st.st_mode & 07777) == 0664,
	      "%u:%u %o", st.st_uid, st.st_gid, st.st_mode);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.uid == VM_UID && info.gid == VM_GID && info.mode == 0664, "%u:%u %o", info.uid,
	      info.gid, info.mode);
	EXPECT(set_rights(0, 0, 0), 0);
	EXPECT(stat("/dev/npmu/t/r", &st), 0);
	/* devtmpfs makes 0600 of 0; whoever opens it meets the record. */
	CHECK((st.st_mode & 0177) == 0, "%o", st.st_mode);
	EXPECT(vm_drop("t"), 0);
}

static void open__is_checked_against_the_record(void)
{
	struct npmu_region_info info;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region_mode("t", "r", 4096, 0, 0, 0600), 0);
	EXPECT(as_nobody("/dev/npmu/t/r", O_RDONLY), -EACCES);
	/* Root opens the node to all, but not the region. */
	EXPECT(vm_sh("chmod 666 /dev/npmu/t/r && chown 65534:65534 /dev/npmu/t/r"), 0);
	EXPECT(as_nobody("/dev/npmu/t/r", O_RDONLY), -EACCES);
	EXPECT(as_nobody("/dev/npmu/t/r", O_RDWR), -EACCES);
	EXPECT(vm_get("t", "r", &info), 0);
	EXPECT(vm_sh("rm -f /dev/npmu-alias"), 0);
	EXPECT(mknod("/dev/npmu-alias", S_IFCHR | 0666, info.device), 0);
	EXPECT(chmod("/dev/npmu-alias", 0666), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDONLY), -EACCES);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDWR), -EACCES);
	/* By the record: other, group, owner. */
	EXPECT(set_rights(0, 0, 0604), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDONLY), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDWR), -EACCES);
	EXPECT(set_rights(0, VM_GID, 0620), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDONLY), -EACCES);
	EXPECT(as_nobody("/dev/npmu-alias", O_WRONLY), 0);
	EXPECT(set_rights(VM_UID, 0, 0066), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDONLY), -EACCES);
	EXPECT(set_rights(VM_UID, 0, 0600), 0);
	EXPECT(as_nobody("/dev/npmu-alias", O_RDWR), 0);
	EXPECT(as_nobody("/dev/npmu/t/r", O_RDWR), 0);
	/* Root may, whatever the mode. */
	EXPECT(set_rights(VM_UID, 0, 0), 0);
	EXPECT(close(vm_open("t", "r", O_RDWR)), 0);
	EXPECT(vm_delete("t", "r", false), 0);
	EXPECT(vm_open_path("/dev/npmu-alias", O_RDONLY), -ENXIO);
	EXPECT(unlink("/dev/npmu-alias"), 0);
	EXPECT(vm_drop("t"), 0);
}

static void read_only__admits_no_writer(void)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_FLAGS, .flags = NPMU_REGION_F_READ_ONLY,
	};
	struct npmu_region_info info;
	uint64_t *w;
	int fd;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	fd = vm_open("t", "r", O_RDWR);
	w = vm_map(fd, 0, 4096, RW);
	REQUIRE(w, "%m");
	REFUSED(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), -EBUSY);
	EXPECT(vm_store(w, 1), 0);
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, NPMU_CTL_FORCE, &info), 0);
	CHECK(info.flags == NPMU_REGION_F_READ_ONLY && info.fence_epoch == 2, "flags %u epoch %lu",
	      info.flags, info.fence_epoch);
	EXPECT(vm_store(w, 2), SIGBUS);
	EXPECT(vm_open("t", "r", O_RDWR), -EROFS);
	munmap(w, 4096);
	close(fd);
	fd = vm_open("t", "r", O_RDONLY);
	w = vm_map(fd, 0, 4096, PROT_READ);
	CHECK(w && *w == 1, "a store landed");
	munmap(w, 4096);
	close(fd);
	params.flags = 0;
	EXPECT(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL), 0);
	EXPECT(close(vm_open("t", "r", O_RDWR)), 0);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(rename__moves_the_node_and_nothing_else);
	VM_RUN(set__refuses_what_is_not_legal);
	VM_RUN(set__shows_in_record_and_node);
	VM_RUN(open__is_checked_against_the_record);
	VM_RUN(read_only__admits_no_writer);
	return vm_end();
}

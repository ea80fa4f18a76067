// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Units: format, attach, detach, and every device that is not one. The machine has
 * what NPMU_PMEM and the other names below say; a test whose device is not there is
 * skipped.
 */
#define _GNU_SOURCE
#include <linux/mman.h>

#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)

/* Two pmem devices of one size. */
static const char *first, *second;

static const char *device(const char *variable)
{
	const char *path = getenv(variable);

	return path && !access(path, F_OK) ? path : NULL;
}

static int format(const char *path, const char *name, uint32_t flags)
{
	return vm_note(npmu_ctl_unit_format(vm_ctl(), path, name, 8, flags, NULL));
}

static int wipe(const char *path)
{
	return vm_sh("dd if=/dev/zero of=%s bs=64k count=4 oflag=direct status=none", path);
}

static int put(const char *unit, const char *region, const char *text)
{
	int fd = vm_open(unit, region, O_RDWR);
	ssize_t n;

	if (fd < 0)
		return fd;
	n = vm_pwrite(fd, text, strlen(text) + 1, 0);
	fsync(fd);
	close(fd);
	return n < 0 ? n : 0;
}

static bool has(const char *unit, const char *region, const char *text)
{
	char buf[64] = "";
	int fd = vm_open(unit, region, O_RDONLY);

	if (fd < 0)
		return false;
	vm_pread(fd, buf, sizeof(buf) - 1, 0);
	close(fd);
	return !strcmp(buf, text);
}

static void unit__dram_is_volatile(void)
{
	struct npmu_unit_info info;

	REQUIRE(!vm_dram("d", 32 * MIB), "%s", vm_why());
	EXPECT(vm_unit("d", &info), 0);
	CHECK(info.backing == NPMU_BACKING_KIND_DRAM &&
	      info.persistence_class == NPMU_CLASS_VOLATILE && !info.path[0] &&
	      info.size == 32 * MIB && info.free == info.data_size && !info.regions,
	      "backing %u class %u path %s size %lu", info.backing, info.persistence_class,
	      info.path, info.size);
	REFUSED(vm_note(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 32 * MIB, 0, NULL)), -EEXIST);
	EXPECT(vm_detach("d"), 0);
	REFUSED(vm_unit("d", &info), -ENOENT);
	REFUSED(vm_detach("d"), -ENOENT);
}

static void unit__dram_sizes_at_and_over_the_limits(void)
{
	static const struct { uint64_t size; int want; } sizes[] = {
		{ 0, -EINVAL },
		{ 1, -EINVAL },
		{ NPMU_MIN_UNIT_SIZE - 1, -EINVAL },
		{ (1ULL << 44) + 4096, -ENOMEM },
		{ 1ULL << 63, -ENOMEM },
		{ UINT64_MAX, -EINVAL },
	};
	struct npmu_unit_info info;
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++)
		REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", sizes[i].size, 0, NULL),
			sizes[i].want);
	/* More than the machine has. */
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 1ULL << 40, 0, NULL), -ENOMEM);
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 16 * MIB, 7, NULL), -EINVAL);
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 16 * MIB, 10001, NULL), -EINVAL);
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 16 * MIB, UINT32_MAX, NULL), -EINVAL);
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), "d", 16 * MIB, 10000, NULL), -EINVAL);
	REFUSED(vm_unit("d", &info), -ENOENT);
	EXPECT(vm_dram("d", NPMU_MIN_UNIT_SIZE), 0);
	EXPECT(vm_region("d", "r", 4096), 0);
	EXPECT(vm_drop("d"), 0);
}

static void unit__names_at_and_over_the_limits(void)
{
	static const char *const bad[] = { "", ".", ".x", "a/b", "a b", "a!", "\xff" };
	char name[40];
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), bad[i], 16 * MIB, 0, NULL), -EINVAL);
	memset(name, 'u', sizeof(name));
	name[32] = 0;
	REFUSED(npmu_ctl_unit_attach_dram(vm_ctl(), name, 16 * MIB, 0, NULL), -EINVAL);
	name[31] = 0;
	EXPECT(vm_dram(name, 16 * MIB), 0);
	EXPECT(vm_region(name, "r", 4096), 0);
	EXPECT(close(vm_open(name, "r", O_RDONLY)), 0);
	EXPECT(vm_drop(name), 0);
}

static void unit__pmem_survives_detach(void)
{
	struct npmu_region_info before, after;
	struct npmu_unit_info info;
	uint8_t uuid[16];

	EXPECT(wipe(first), 0);
	EXPECT(format(first, "p", 0), 0);
	EXPECT(vm_attach(first, NULL), 0);
	EXPECT(vm_unit("p", &info), 0);
	CHECK(info.backing == NPMU_BACKING_KIND_PMEM && info.persistence_class == NPMU_CLASS_WARM &&
	      !strcmp(info.path, first) && info.max_regions == 8 && !info.repaired &&
	      !info.unsound_regions && !info.gone, "backing %u class %u path %s", info.backing,
	      info.persistence_class, info.path);
	memcpy(uuid, info.uuid, 16);
	EXPECT(vm_region_mode("p", "r", 3 * MIB, 12, 34, 0640), 0);
	EXPECT(put("p", "r", "still here"), 0);
	EXPECT(vm_get("p", "r", &before), 0);
	EXPECT(vm_detach("p"), 0);
	/* Under another name. */
	EXPECT(vm_attach(first, "q"), 0);
	EXPECT(vm_unit("q", &info), 0);
	CHECK(!memcmp(uuid, info.uuid, 16) && info.regions == 1, "another unit");
	EXPECT(vm_get("q", "r", &after), 0);
	CHECK(!memcmp(before.uuid, after.uuid, 16) && after.size == 3 * MIB && after.uid == 12 &&
	      after.gid == 34 && after.mode == 0640 && after.pm_addr == before.pm_addr &&
	      after.fence_epoch == before.fence_epoch, "another region");
	CHECK(has("q", "r", "still here"), "other bytes");
	EXPECT(vm_detach("q"), 0);
}

static void format__needs_force_over_what_is_there(void)
{
	struct npmu_unit_info info;

	REFUSED(format(first, "x", 0), -EEXIST);
	EXPECT(vm_attach(first, NULL), 0);
	EXPECT(vm_unit("p", &info), 0);
	CHECK(info.regions == 1, "a refused format changed the unit");
	EXPECT(vm_detach("p"), 0);
	EXPECT(format(first, "x", NPMU_CTL_FORCE), 0);
	EXPECT(vm_attach(first, NULL), 0);
	EXPECT(vm_unit("x", &info), 0);
	CHECK(!info.regions, "%u regions after a format", info.regions);
	/* Not under an attached unit, force or not. */
	REFUSED(format(first, "y", 0), -EBUSY);
	REFUSED(format(first, "y", NPMU_CTL_FORCE), -EBUSY);
	EXPECT(vm_detach("x"), 0);
	REFUSED(format(first, "", NPMU_CTL_FORCE), -EINVAL);
	REFUSED(format(first, ".x", NPMU_CTL_FORCE), -EINVAL);
	REFUSED(npmu_ctl_unit_format(vm_ctl(), first, "x", 7, NPMU_CTL_FORCE, NULL), -EINVAL);
	REFUSED(npmu_ctl_unit_format(vm_ctl(), first, "x", 10001, NPMU_CTL_FORCE, NULL), -EINVAL);
	EXPECT(vm_attach(first, NULL), 0);
	EXPECT(vm_detach("x"), 0);
}

static void attach__twice_is_refused(void)
{
	char detour[128];

	snprintf(detour, sizeof(detour), "/dev/..%s", first);
	EXPECT(format(first, "p", NPMU_CTL_FORCE), 0);
	EXPECT(vm_attach(first, NULL), 0);
	REFUSED(vm_attach(first, NULL), -EBUSY);
	REFUSED(vm_attach(first, "other"), -EBUSY);
	REFUSED(vm_attach(detour, "other"), -EBUSY);
	/* Another device by the same name. */
	EXPECT(format(second, "p", NPMU_CTL_FORCE), 0);
	REFUSED(vm_attach(second, NULL), -EEXIST);
	EXPECT(vm_attach(second, "q"), 0);
	EXPECT(vm_detach("q"), 0);
	EXPECT(vm_detach("p"), 0);
}

static void attach__of_a_copy_is_refused(void)
{
	EXPECT(format(first, "p", NPMU_CTL_FORCE), 0);
	EXPECT(vm_attach(first, NULL), 0);
	EXPECT(vm_region("p", "r", 4096), 0);
	EXPECT(put("p", "r", "original"), 0);
	EXPECT(vm_detach("p"), 0);
	EXPECT(vm_sh("dd if=%s of=%s bs=1M oflag=direct status=none", first, second), 0);
	EXPECT(vm_attach(first, NULL), 0);
	REFUSED(vm_attach(second, NULL), -EEXIST);
	REFUSED(vm_attach(second, "copy"), -EEXIST);
	EXPECT(vm_detach("p"), 0);
	/* Alone it is as good as the other. */
	EXPECT(vm_attach(second, NULL), 0);
	CHECK(has("p", "r", "original"), "other bytes");
	EXPECT(vm_detach("p"), 0);
}

static void attach__of_a_mounted_device_is_refused(void)
{
	EXPECT(vm_sh("mkfs.ext4 -q -F -b 4096 %s >/dev/null 2>&1 && mkdir -p /tmp/m && mount %s /tmp/m",
		     second, second), 0);
	EXPECT(vm_sh("echo precious >/tmp/m/file"), 0);
	REFUSED(vm_attach(second, NULL), -EBUSY);
	REFUSED(format(second, "x", 0), -EBUSY);
	REFUSED(format(second, "x", NPMU_CTL_FORCE), -EBUSY);
	EXPECT(vm_sh("umount /tmp/m"), 0);
	/* Another's media. */
	REFUSED(vm_attach(second, NULL), -EUCLEAN);
	REFUSED(format(second, "x", 0), -EEXIST);
	EXPECT(vm_sh("mount -o dax %s /tmp/m", second), 0);
	REFUSED(vm_attach(second, NULL), -EBUSY);
	REFUSED(format(second, "x", NPMU_CTL_FORCE), -EBUSY);
	EXPECT(vm_sh("grep -q precious /tmp/m/file"), 0);
	EXPECT(vm_sh("umount /tmp/m && rmdir /tmp/m"), 0);
	EXPECT(vm_sh("e2fsck -nf %s >/dev/null 2>&1", second), 0);
}

static void mount__of_an_attached_device_is_refused(void)
{
	EXPECT(vm_sh("mkfs.ext4 -q -F -b 4096 %s >/dev/null 2>&1", second), 0);
	EXPECT(format(second, "p", NPMU_CTL_FORCE), 0);
	EXPECT(vm_attach(second, NULL), 0);
	CHECK(vm_sh("mkfs.ext4 -q -F -b 4096 %s >/dev/null 2>&1", second), "mkfs on an attached device");
	CHECK(vm_sh("mkdir -p /tmp/m && mount %s /tmp/m 2>/dev/null", second),
	      "mount of an attached device");
	EXPECT(vm_detach("p"), 0);
	EXPECT(vm_attach(second, NULL), 0);
	EXPECT(vm_detach("p"), 0);
}

static void attach__of_other_things_is_refused(void)
{
	char path[300];

	memset(path, 'x', sizeof(path));
	path[0] = '/';
	path[299] = 0;
	REFUSED(vm_attach("/dev/nosuchdevice", NULL), -ENOENT);
	REFUSED(vm_attach("/dev/null", NULL), -ENOTBLK);
	REFUSED(vm_attach("/tmp", NULL), -ENOTBLK);
	REFUSED(vm_attach("/etc/passwd", NULL), -ENOTBLK);
	REFUSED(vm_attach("", NULL), -EINVAL);
	REFUSED(vm_attach(path, NULL), -EINVAL);
	REFUSED(format("/dev/null", "x", NPMU_CTL_FORCE), -ENOTBLK);
	EXPECT(wipe(second), 0);
	REFUSED(vm_attach(second, NULL), -EUCLEAN);
}

static void attach__of_a_disk_is_refused(void)
{
	const char *disk = device("NPMU_DISK");

	if (!disk)
		SKIP("no disk");
	REFUSED(vm_attach(disk, NULL), -EOPNOTSUPP);
	REFUSED(format(disk, "x", 0), -EOPNOTSUPP);
	REFUSED(format(disk, "x", NPMU_CTL_FORCE), -EOPNOTSUPP);
}

static void attach__of_virtio_pmem_is_refused(void)
{
	const char *pmem = device("NPMU_VIRTIO_PMEM");

	if (!pmem)
		SKIP("no virtio-pmem");
	REFUSED(vm_attach(pmem, NULL), -EOPNOTSUPP);
	CHECK(strstr(vm_why(), "flush"), "%s", vm_why());
	REFUSED(format(pmem, "x", NPMU_CTL_FORCE), -EOPNOTSUPP);
}

static void attach__of_a_raw_nvdimm_is_refused(void)
{
	const char *raw = device("NPMU_NVDIMM_RAW");

	if (!raw)
		SKIP("no raw NVDIMM");
	REFUSED(format(raw, "x", NPMU_CTL_FORCE), -EOPNOTSUPP);
	CHECK(strstr(vm_why(), "ndctl create-namespace"), "%s", vm_why());
	REFUSED(vm_attach(raw, NULL), -EOPNOTSUPP);
}

static void format__of_a_too_small_device_is_refused(void)
{
	const char *small = device("NPMU_SMALL");

	if (!small)
		SKIP("no small device");
	REFUSED(format(small, "x", NPMU_CTL_FORCE), -EINVAL);
}

static void unit__nvdimm_is_persistent_and_maps_sync(void)
{
	const char *nvdimm = device("NPMU_NVDIMM");
	struct npmu_unit_info info;
	int fd;

	if (!nvdimm)
		SKIP("no NVDIMM in fsdax mode");
	EXPECT(format(nvdimm, "n", NPMU_CTL_FORCE), 0);
	REQUIRE(!vm_attach(nvdimm, NULL), "%s", vm_why());
	EXPECT(vm_unit("n", &info), 0);
	CHECK(info.persistence_class == NPMU_CLASS_PERSISTENT, "class %u", info.persistence_class);
	EXPECT(vm_region("n", "r", 2 * MIB), 0);
	fd = vm_open("n", "r", O_RDWR);
	EXPECT(vm_maperr(fd, 0, 4096, RW, MAP_SHARED_VALIDATE | MAP_SYNC), 0);
	close(fd);
	EXPECT(put("n", "r", "kept"), 0);
	EXPECT(vm_detach("n"), 0);
	EXPECT(vm_attach(nvdimm, NULL), 0);
	CHECK(has("n", "r", "kept"), "other bytes");
	EXPECT(vm_drop("n"), 0);
}

static void map_sync__needs_the_class(void)
{
	int fd;

	REQUIRE(!vm_dram("d", 16 * MIB), "%s", vm_why());
	EXPECT(vm_region("d", "r", 4096), 0);
	fd = vm_open("d", "r", O_RDWR);
	EXPECT(vm_maperr(fd, 0, 4096, RW, MAP_SHARED_VALIDATE | MAP_SYNC), -EOPNOTSUPP);
	EXPECT(vm_maperr(fd, 0, 4096, RW, MAP_SHARED_VALIDATE), 0);
	close(fd);
	EXPECT(vm_drop("d"), 0);
	REQUIRE(!vm_pmem(first, "p", 8), "%s", vm_why());
	EXPECT(vm_region("p", "r", 4096), 0);
	fd = vm_open("p", "r", O_RDWR);
	EXPECT(vm_maperr(fd, 0, 4096, RW, MAP_SHARED_VALIDATE | MAP_SYNC), -EOPNOTSUPP);
	close(fd);
	EXPECT(vm_drop("p"), 0);
}

static void detach__while_in_use_is_refused(void)
{
	struct npmu_unit_info info;
	uint64_t *w;
	int fd;

	REQUIRE(!vm_pmem(first, "p", 8), "%s", vm_why());
	EXPECT(vm_region("p", "r", 4096), 0);
	fd = vm_open("p", "r", O_RDWR);
	REFUSED(vm_detach("p"), -EBUSY);
	w = vm_map(fd, 0, 4096, RW);
	REQUIRE(w, "%m");
	close(fd);
	REFUSED(vm_detach("p"), -EBUSY);
	EXPECT(vm_store(w, 1), 0);
	EXPECT(vm_unit("p", &info), 0);
	CHECK(info.opens == 1, "%u opens", info.opens);
	CHECK(vm_sh("rmmod npmu 2>/dev/null"), "rmmod of an attached unit");
	EXPECT(vm_store(w, 2), 0);
	munmap(w, 4096);
	CHECK(vm_sh("rmmod npmu 2>/dev/null"), "rmmod of an attached unit that nobody uses");
	EXPECT(vm_detach("p"), 0);
}

/* "namespace0.0", from sysfs. */
static int namespace_of(const char *path, char *buf, size_t len)
{
	char command[256];
	FILE *f;

	snprintf(command, sizeof(command), "basename $(readlink -f /sys/class/block/%s/device)",
		 strrchr(path, '/') + 1);
	f = popen(command, "r");
	if (!f || !fgets(buf, len, f))
		buf[0] = 0;
	buf[strcspn(buf, "\n")] = 0;
	return f ? pclose(f) : -1;
}

static void unbind__under_a_mapping_ends_in_sigbus(void)
{
	const volatile struct npmu_status *status;
	struct npmu_unit_info info;
	struct npmu_ioc_info open;
	char name[64];
	uint64_t *w;
	int fd;

	REQUIRE(!vm_pmem(first, "p", 8), "%s", vm_why());
	EXPECT(vm_region("p", "r", 4 * MIB), 0);
	EXPECT(namespace_of(first, name, sizeof(name)), 0);
	fd = vm_open("p", "r", O_RDWR);
	w = vm_map(fd, 0, 4 * MIB, RW);
	status = vm_status(fd);
	REQUIRE(w && status, "%m");
	w[0] = 0x1234;
	w[4 * MIB / 8 - 1] = 0x5678;
	EXPECT(msync(w, 4 * MIB, MS_SYNC), 0);
	EXPECT(vm_sh("echo %s >/sys/bus/nd/drivers/nd_pmem/unbind", name), 0);
	EXPECT(vm_store(w, 1), SIGBUS);
	EXPECT(vm_load(w + 4 * MIB / 8 - 1, NULL), SIGBUS);
	CHECK(status->flags & NPMU_STATUS_F_GONE, "the status does not say that it is gone");
	CHECK(!status->writer, "there is a writer");
	EXPECT(vm_info(fd, &open), 0);
	CHECK(open.dead, "the open lives");
	EXPECT(vm_pread(fd, name + 32, 1, 0), -ESTALE);
	EXPECT(vm_claim(fd, NULL), -ESTALE);
	EXPECT(fsync(fd) ? -errno : 0, -ESTALE);
	EXPECT(vm_unit("p", &info), 0);
	CHECK(info.gone, "the unit is not reported gone");
	REFUSED(vm_region("p", "s", 4096), -ENODEV);
	REFUSED(vm_resize("p", "r", 8 * MIB, true), -ENODEV);
	REFUSED(vm_delete("p", "r", true), -ENODEV);
	EXPECT(vm_open("p", "r", O_RDONLY), -ENODEV);
	/* The dead opens are in nobody's way. */
	EXPECT(vm_detach("p"), 0);
	munmap(w, 4 * MIB);
	munmap((void *)status, 4096);
	close(fd);
	EXPECT(vm_sh("echo %s >/sys/bus/nd/drivers/nd_pmem/bind", name), 0);
	CHECK(VM_UNTIL(!access(first, F_OK), 5000), "the device did not come back");
	EXPECT(vm_attach(first, NULL), 0);
	fd = vm_open("p", "r", O_RDONLY);
	w = vm_map(fd, 0, 4 * MIB, PROT_READ);
	CHECK(w && w[0] == 0x1234 && w[4 * MIB / 8 - 1] == 0x5678, "the data are not there");
	munmap(w, 4 * MIB);
	close(fd);
	EXPECT(vm_drop("p"), 0);
}

int main(void)
{
	first = vm_pmem_path();
	second = device("NPMU_PMEM2") ?: "/dev/pmem1";
	VM_RUN(unit__dram_is_volatile);
	VM_RUN(unit__dram_sizes_at_and_over_the_limits);
	VM_RUN(unit__names_at_and_over_the_limits);
	VM_RUN(unit__pmem_survives_detach);
	VM_RUN(format__needs_force_over_what_is_there);
	VM_RUN(attach__twice_is_refused);
	VM_RUN(attach__of_a_copy_is_refused);
	VM_RUN(attach__of_a_mounted_device_is_refused);
	VM_RUN(mount__of_an_attached_device_is_refused);
	VM_RUN(attach__of_other_things_is_refused);
	VM_RUN(attach__of_a_disk_is_refused);
	VM_RUN(attach__of_virtio_pmem_is_refused);
	VM_RUN(attach__of_a_raw_nvdimm_is_refused);
	VM_RUN(format__of_a_too_small_device_is_refused);
	VM_RUN(unit__nvdimm_is_persistent_and_maps_sync);
	VM_RUN(map_sync__needs_the_class);
	VM_RUN(detach__while_in_use_is_refused);
	VM_RUN(unbind__under_a_mapping_ends_in_sigbus);
	return vm_end();
}

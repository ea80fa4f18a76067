// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Regions as the administrator makes them: names, sizes, resize, rename, rights,
 * delete; at and over every limit.
 */
#define _GNU_SOURCE
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)

static int up(void)
{
	return vm_any("t", 64 * MIB, 16);
}

static uint64_t unit_free(void)
{
	struct npmu_unit_info info;

	return vm_unit("t", &info) ? 0 : info.free;
}

static bool same_region(const struct npmu_region_info *a, const struct npmu_region_info *b)
{
	return !strcmp(a->name, b->name) && !memcmp(a->uuid, b->uuid, 16) && a->size == b->size &&
	       a->pm_addr == b->pm_addr && a->fence_epoch == b->fence_epoch &&
	       a->uid == b->uid && a->gid == b->gid && a->mode == b->mode &&
	       a->flags == b->flags && a->extents == b->extents && a->slot == b->slot;
}

static int count_region(void *ctx, const struct npmu_region_info *info)
{
	(void)info;
	++*(int *)ctx;
	return 0;
}

static void region__comes_and_goes(void)
{
	struct npmu_region_info info, again;
	uint64_t before;
	int n = 0;

	REQUIRE(!up(), "%s", vm_why());
	before = unit_free();
	EXPECT(vm_region("t", "r", 5 * MIB), 0);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.size == 5 * MIB && !info.uid && !info.gid && info.mode == 0600 && !info.flags,
	      "size %lu uid %u gid %u mode %o flags %u", info.size, info.uid, info.gid, info.mode,
	      info.flags);
	CHECK(!info.fence_epoch && !info.opens && info.health == NPMU_HEALTH_GOOD &&
	      info.role == NPMU_ROLE_VACANT && info.extents >= 1 && info.device, "not as new");
	CHECK(info.pm_addr == (info.slot + 1ULL) << 44, "PM address %#lx", info.pm_addr);
	EXPECT(npmu_ctl_region_list(vm_ctl(), "t", count_region, &n), 0);
	CHECK(n == 1, "%d regions are listed", n);
	CHECK(unit_free() == before - 5 * MIB, "free %lu of %lu", unit_free(), before);
	REFUSED(vm_region("t", "r", 4096), -EEXIST);
	EXPECT(vm_get("t", "r", &again), 0);
	CHECK(same_region(&info, &again), "a refused create changed the region");
	EXPECT(vm_delete("t", "r", false), 0);
	CHECK(unit_free() == before, "free %lu of %lu", unit_free(), before);
	REFUSED(vm_get("t", "r", &info), -ENOENT);
	REFUSED(vm_delete("t", "r", false), -ENOENT);
	REFUSED(vm_resize("t", "r", 4096, false), -ENOENT);
	EXPECT(vm_open("t", "r", O_RDONLY), -ENOENT);
	REFUSED(vm_region("nosuchunit", "r", 4096), -ENOENT);
	EXPECT(vm_drop("t"), 0);
}

static void region__names_at_and_over_the_limits(void)
{
	static const char *const bad[] = {
		"", ".", "..", ".hidden", "a/b", "/", "a b", "a\n", "a!b", "\xc3\xa4", "a\x7f",
		"a*", "a@b", "../x",
	};
	char name[80];
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		REFUSED(vm_region("t", bad[i], 4096), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[63] = 0;
	EXPECT(vm_region("t", name, 4096), 0);
	EXPECT(close(vm_open("t", name, O_RDONLY)), 0);
	EXPECT(vm_delete("t", name, false), 0);
	name[63] = 'n';
	name[64] = 0;
	REFUSED(vm_region("t", name, 4096), -EINVAL);
	EXPECT(vm_region("t", "A-z0.9_+:", 4096), 0);
	EXPECT(close(vm_open("t", "A-z0.9_+:", O_RDONLY)), 0);
	EXPECT(vm_region("t", "a", 4096), 0);
	EXPECT(vm_drop("t"), 0);
}

static void region__sizes_at_and_over_the_limits(void)
{
	static const struct { uint64_t size, rounded; int want; } sizes[] = {
		{ 0, 0, -EINVAL },
		{ 1, 4096, 0 },
		{ 4095, 4096, 0 },
		{ 4096, 4096, 0 },
		{ 4097, 8192, 0 },
		{ 2 * MIB - 1, 2 * MIB, 0 },
		{ 2 * MIB + 1, 2 * MIB + 4096, 0 },
		{ 1ULL << 44, 0, -ENOSPC },
		{ (1ULL << 44) + 1, 0, -EINVAL },
		{ 1ULL << 63, 0, -EINVAL },
		{ UINT64_MAX - 4095, 0, -EINVAL },
		{ UINT64_MAX, 0, -EINVAL },
	};
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	uint64_t whole;
	unsigned int i;

	REQUIRE(!up(), "%s", vm_why());
	whole = unit_free();
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		if (sizes[i].want) {
			REFUSED(vm_region("t", "r", sizes[i].size), sizes[i].want);
			CHECK(unit_free() == whole, "a refused create took space");
			/* And the same as a new size. */
			EXPECT(vm_region("t", "r", 4096), 0);
			REFUSED(vm_resize("t", "r", sizes[i].size, true), sizes[i].want);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == 4096, "a refused resize made it %lu", info.size);
		} else {
			EXPECT(vm_region("t", "r", sizes[i].size), 0);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == sizes[i].rounded, "%lu became %lu", sizes[i].size,
			      info.size);
			EXPECT(vm_resize("t", "r", 3 * MIB, false), 0);
			EXPECT(vm_resize("t", "r", sizes[i].size, false), 0);
			EXPECT(vm_get("t", "r", &info), 0);
			CHECK(info.size == sizes[i].rounded, "resize %lu became %lu", sizes[i].size,
			      info.size);
		}
		EXPECT(vm_delete("t", "r", false), 0);
		CHECK(unit_free() == whole, "%lu of %lu free after %#lx", unit_free(), whole,
		      sizes[i].size);
	}
	EXPECT(vm_unit("t", &unit), 0);
	REFUSED(vm_region("t", "r", whole + 1), -ENOSPC);
	REFUSED(vm_region("t", "r", unit.size), -ENOSPC);
	EXPECT(vm_region("t", "r", whole), 0);
	CHECK(!unit_free(), "%lu bytes are free", unit_free());
	REFUSED(vm_region("t", "s", 1), -ENOSPC);
	REFUSED(vm_resize("t", "r", whole + 1, false), -ENOSPC);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.size == whole, "size %lu", info.size);
	/* The last byte is there. */
	i = vm_open("t", "r", O_RDWR);
	EXPECT(vm_pwrite(i, "x", 1, whole - 1), 1);
	EXPECT(vm_pwrite(i, "x", 1, whole), -ENOSPC);
	close(i);
	EXPECT(vm_resize("t", "r", 4096, false), 0);
	CHECK(unit_free() == whole - 4096, "%lu of %lu free", unit_free(), whole);
	EXPECT(vm_drop("t"), 0);
}

/* A region full of a pattern; returns 0 or -errno. */
static int fill(const char *region, uint64_t size, uint64_t seed)
{
	int fd = vm_open("t", region, O_RDWR);
	void *addr;

	if (fd < 0)
		return fd;
	addr = vm_map(fd, 0, size, RW);
	close(fd);
	if (!addr)
		return -errno;
	vm_fill(addr, size, 0, seed);
	munmap(addr, size);
	return 0;
}

/* The first @kept bytes are the pattern, the others zero. */
static void holds(const char *region, uint64_t size, uint64_t kept, uint64_t seed)
{
	int fd = vm_open("t", region, O_RDONLY);
	char *addr = fd < 0 ? NULL : vm_map(fd, 0, size, PROT_READ);

	REQUIRE(addr, "%s: %m", region);
	CHECK(vm_compare(addr, kept, 0, seed) < 0, "%s: byte %zd of %lu is not what was stored",
	      region, vm_compare(addr, kept, 0, seed), kept);
	CHECK(vm_nonzero(addr + kept, size - kept) < 0, "%s: byte %lu is not zero", region,
	      kept + vm_nonzero(addr + kept, size - kept));
	munmap(addr, size);
	close(fd);
}

static void create__reads_as_zero_over_old_data(void)
{
	uint64_t whole;

	REQUIRE(!up(), "%s", vm_why());
	whole = unit_free();
	EXPECT(vm_region("t", "old", whole), 0);
	EXPECT(fill("old", whole, 1), 0);
	EXPECT(vm_delete("t", "old", false), 0);
	EXPECT(vm_region("t", "new", whole), 0);
	holds("new", whole, 0, 0);
	EXPECT(vm_drop("t"), 0);
}

static void resize__grows_with_zeros_and_keeps_the_rest(void)
{
	uint64_t whole;

	REQUIRE(!up(), "%s", vm_why());
	whole = unit_free();
	EXPECT(vm_region("t", "r", 3 * MIB + 4096), 0);
	EXPECT(vm_region("t", "other", whole - 3 * MIB - 4096), 0);
	EXPECT(fill("r", 3 * MIB + 4096, 1), 0);
	EXPECT(fill("other", whole - 3 * MIB - 4096, 2), 0);
	EXPECT(vm_delete("t", "other", false), 0);
	EXPECT(vm_resize("t", "r", 4 * MIB, false), 0);
	holds("r", 4 * MIB, 3 * MIB + 4096, 1);
	EXPECT(vm_resize("t", "r", 16 * MIB, false), 0);
	holds("r", 16 * MIB, 3 * MIB + 4096, 1);
	EXPECT(vm_resize("t", "r", whole, false), 0);
	holds("r", whole, 3 * MIB + 4096, 1);
	EXPECT(vm_drop("t"), 0);
}

static void resize__shrinks_and_forgets(void)
{
	int fd;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 8 * MIB), 0);
	EXPECT(fill("r", 8 * MIB, 1), 0);
	EXPECT(vm_resize("t", "r", 2 * MIB + 4096, false), 0);
	holds("r", 2 * MIB + 4096, 2 * MIB + 4096, 1);
	fd = vm_open("t", "r", O_RDONLY);
	EXPECT(vm_maperr(fd, 2 * MIB, 8192, PROT_READ, MAP_SHARED), -ENXIO);
	EXPECT(lseek(fd, 0, SEEK_END), 2 * MIB + 4096);
	close(fd);
	EXPECT(vm_resize("t", "r", 8 * MIB, false), 0);
	holds("r", 8 * MIB, 2 * MIB + 4096, 1);
	/* To the same size: nothing happens. */
	EXPECT(vm_resize("t", "r", 8 * MIB, false), 0);
	holds("r", 8 * MIB, 2 * MIB + 4096, 1);
	EXPECT(vm_drop("t"), 0);
}

static void resize__grows_under_a_mapping(void)
{
	uint64_t *w, *r, *wide;
	int a, b;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDONLY);
	w = vm_map(a, 0, 4096, RW);
	r = vm_map(b, 0, 4096, PROT_READ);
	REQUIRE(w && r, "%m");
	EXPECT(vm_store(w, 11), 0);
	/* So that it cannot grow where it lies. */
	EXPECT(vm_region("t", "neighbour", 4096), 0);
	EXPECT(vm_resize("t", "r", 6 * MIB, false), 0);
	EXPECT(vm_store(w, 12), 0);
	EXPECT(vm_load(r, NULL), 0);
	CHECK(*r == 12, "%lu", *r);
	/* The same open sees more in a new mapping, with the old one beside it. */
	wide = vm_map(a, 0, 6 * MIB, RW);
	REQUIRE(wide, "%m");
	CHECK(wide[0] == 12 && !wide[6 * MIB / 8 - 1], "not the same region");
	EXPECT(vm_store(wide + 6 * MIB / 8 - 1, 13), 0);
	EXPECT(vm_store(wide + 1, 14), 0);
	CHECK(w[1] == 14 && r[1] == 14, "the mappings differ");
	munmap(w, 4096);
	munmap(r, 4096);
	munmap(wide, 6 * MIB);
	close(a);
	close(b);
	EXPECT(vm_drop("t"), 0);
}

static void shrink__in_use_needs_force(void)
{
	struct npmu_region_info before, after;
	uint64_t *w, *r, whole;
	int a, b;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDONLY);
	w = vm_map(a, 0, 4 * MIB, RW);
	r = vm_map(b, 0, 4 * MIB, PROT_READ);
	REQUIRE(w && r, "%m");
	EXPECT(vm_store(w, 1), 0);
	EXPECT(vm_get("t", "r", &before), 0);
	whole = unit_free();
	REFUSED(vm_resize("t", "r", 4096, false), -EBUSY);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(same_region(&before, &after) && unit_free() == whole, "a refused shrink changed it");
	EXPECT(vm_store(w + 4 * MIB / 8 - 1, 2), 0);
	EXPECT(vm_load(r + 4 * MIB / 8 - 1, NULL), 0);

	EXPECT(vm_resize("t", "r", 4096, true), 0);
	EXPECT(vm_store(w, 3), SIGBUS);
	EXPECT(vm_load(w + 4 * MIB / 8 - 1, NULL), SIGBUS);
	/* A reader has bytes that are another's now. */
	EXPECT(vm_load(r + 4 * MIB / 8 - 1, NULL), SIGBUS);
	EXPECT(vm_claim(a, NULL), -ESTALE);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(after.size == 4096 && after.fence_epoch == before.fence_epoch + 1 && !after.opens,
	      "size %lu epoch %lu opens %u", after.size, after.fence_epoch, after.opens);
	munmap(w, 4 * MIB);
	munmap(r, 4 * MIB);
	close(a);
	close(b);
	a = vm_open("t", "r", O_RDWR);
	r = vm_map(a, 0, 4096, PROT_READ);
	CHECK(r && *r == 1, "the bytes that were kept are not there");
	munmap(r, 4096);
	close(a);
	EXPECT(vm_drop("t"), 0);
}

static void delete__in_use_needs_force(void)
{
	struct npmu_region_info before, after;
	struct npmu_ioc_info info;
	uint64_t *w, *r;
	int a, b;

	REQUIRE(!up(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	a = vm_open("t", "r", O_RDWR);
	b = vm_open("t", "r", O_RDONLY);
	w = vm_map(a, 0, 4 * MIB, RW);
	r = vm_map(b, 0, 4 * MIB, PROT_READ);
	REQUIRE(w && r, "%m");
	EXPECT(vm_store(w, 1), 0);
	EXPECT(vm_get("t", "r", &before), 0);
	REFUSED(vm_delete("t", "r", false), -EBUSY);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(same_region(&before, &after), "a refused delete changed it");
	EXPECT(vm_store(w, 2), 0);
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(vm_store(w, 3), SIGBUS);
	EXPECT(vm_load(r, NULL), SIGBUS);
	EXPECT(vm_info(a, &info), 0);
	CHECK(info.dead, "the open lives");
	EXPECT(vm_open("t", "r", O_RDONLY), -ENOENT);
	/* A new one of the same name is another region. */
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(memcmp(before.uuid, after.uuid, 16), "the same identity twice");
	EXPECT(vm_claim(a, NULL), -ESTALE);
	EXPECT(vm_store(w, 4), SIGBUS);
	munmap(w, 4 * MIB);
	munmap(r, 4 * MIB);
	close(a);
	close(b);
	holds("r", 4 * MIB, 0, 0);
	EXPECT(vm_drop("t"), 0);
}

static int rename_to(const char *name, const char *new_name)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_NEW_NAME, .new_name = new_name };

	return vm_note(npmu_ctl_region_set(vm_ctl(), "t", name, &params, 0, NULL));
}

static void rename__moves_the_node_and_nothing_else(void)
{
	struct npmu_region_info before, after;
	uint64_t *w;
	int fd;

	REQUIRE(!up(), "%s", vm_why());
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
	CHECK(same_region(&before, &after) && after.opens == 1, "more than the name changed");
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

static int set_rights(uint32_t uid, uint32_t gid, uint32_t mode)
{
	struct npmu_region_params params = {
		.mask = NPMU_PARAM_UID | NPMU_PARAM_GID | NPMU_PARAM_MODE,
		.uid = uid, .gid = gid, .mode = mode,
	};

	return vm_note(npmu_ctl_region_set(vm_ctl(), "t", "r", &params, 0, NULL));
}

static void set__refuses_what_is_not_legal(void)
{
	struct npmu_region_params params = { .mask = NPMU_PARAM_FLAGS, .flags = 2 };
	struct npmu_region_info before, after;

	REQUIRE(!up(), "%s", vm_why());
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
	CHECK(same_region(&before, &after), "a refused set changed it");
	REFUSED(vm_region_mode("t", "x", 4096, 0, 0, 0777), -EINVAL);
	EXPECT(vm_drop("t"), 0);
}

static void set__shows_in_record_and_node(void)
{
	struct npmu_region_info info;
	struct stat st;

	REQUIRE(!up(), "%s", vm_why());
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

static void open__is_checked_against_the_record(void)
{
	struct npmu_region_info info;

	REQUIRE(!up(), "%s", vm_why());
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

	REQUIRE(!up(), "%s", vm_why());
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

static void region__slots_run_out(void)
{
	struct npmu_unit_info unit;
	char name[16];
	uint32_t i;

	REQUIRE(!vm_any("t", 64 * MIB, 8), "%s", vm_why());
	EXPECT(vm_unit("t", &unit), 0);
	for (i = 0; i < unit.max_regions; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		EXPECT(vm_region("t", name, 4096), 0);
	}
	REFUSED(vm_region("t", "more", 4096), -ENOSPC);
	EXPECT(vm_delete("t", "r3", false), 0);
	EXPECT(vm_region("t", "more", 4096), 0);
	REFUSED(vm_region("t", "evenmore", 4096), -ENOSPC);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.regions == unit.max_regions, "%u regions", unit.regions);
	EXPECT(vm_drop("t"), 0);
}

static void space__is_all_there_after_a_crowd(void)
{
	uint64_t whole, random = 42;
	unsigned int i;
	char name[16];

	REQUIRE(!up(), "%s", vm_why());
	whole = unit_free();
	for (i = 0; i < vm_times(300, 20000); i++) {
		uint64_t size = 1 + tap_random(&random) % (8 * MIB);
		int ret;

		snprintf(name, sizeof(name), "r%lu", tap_random(&random) % 12);
		ret = vm_region("t", name, size);
		if (ret == -EEXIST)
			ret = tap_random(&random) % 2 ? vm_delete("t", name, false) :
							vm_resize("t", name, size, false);
		CHECK(!ret || ret == -ENOSPC, "%s: %s: %s", name, vm_strerror(ret), vm_why());
	}
	for (i = 0; i < 12; i++) {
		snprintf(name, sizeof(name), "r%u", i);
		vm_delete("t", name, false);
	}
	CHECK(unit_free() == whole, "%lu of %lu free", unit_free(), whole);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(region__comes_and_goes);
	VM_RUN(region__names_at_and_over_the_limits);
	VM_RUN(region__sizes_at_and_over_the_limits);
	VM_RUN(create__reads_as_zero_over_old_data);
	VM_RUN(resize__grows_with_zeros_and_keeps_the_rest);
	VM_RUN(resize__shrinks_and_forgets);
	VM_RUN(resize__grows_under_a_mapping);
	VM_RUN(shrink__in_use_needs_force);
	VM_RUN(delete__in_use_needs_force);
	VM_RUN(rename__moves_the_node_and_nothing_else);
	VM_RUN(set__refuses_what_is_not_legal);
	VM_RUN(set__shows_in_record_and_node);
	VM_RUN(open__is_checked_against_the_record);
	VM_RUN(read_only__admits_no_writer);
	VM_RUN(region__slots_run_out);
	VM_RUN(space__is_all_there_after_a_crowd);
	return vm_end();
}

// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region's bytes while its size changes: new ones are zero, those kept are kept,
 * and what is in use is taken away by force only.
 */
#define _GNU_SOURCE
#include "vmtest.h"

#define RW	(PROT_READ | PROT_WRITE)

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

/* The region "r" of the unit "t", mapped by a writer and a reader. */
struct pair {
	int a, b;
	uint64_t *w, *r;
	uint64_t size;
};

static void open_pair(struct pair *pair, uint64_t size)
{
	pair->a = vm_open("t", "r", O_RDWR);
	pair->b = vm_open("t", "r", O_RDONLY);
	pair->w = vm_map(pair->a, 0, size, RW);
	pair->r = vm_map(pair->b, 0, size, PROT_READ);
	pair->size = size;
}

static void close_pair(struct pair *pair)
{
	munmap(pair->w, pair->size);
	munmap(pair->r, pair->size);
	close(pair->a);
	close(pair->b);
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

	REQUIRE(!vm_any_t(), "%s", vm_why());
	whole = vm_free("t");
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

	REQUIRE(!vm_any_t(), "%s", vm_why());
	whole = vm_free("t");
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

	REQUIRE(!vm_any_t(), "%s", vm_why());
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
	struct pair p;
	uint64_t *wide;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	open_pair(&p, 4096);
	REQUIRE(p.w && p.r, "%m");
	EXPECT(vm_store(p.w, 11), 0);
	/* So that it cannot grow where it lies. */
	EXPECT(vm_region("t", "neighbour", 4096), 0);
	EXPECT(vm_resize("t", "r", 6 * MIB, false), 0);
	EXPECT(vm_store(p.w, 12), 0);
	EXPECT(vm_load(p.r, NULL), 0);
	CHECK(*p.r == 12, "%lu", *p.r);
	/* The same open sees more in a new mapping, with the old one beside it. */
	wide = vm_map(p.a, 0, 6 * MIB, RW);
	REQUIRE(wide, "%m");
	CHECK(wide[0] == 12 && !wide[6 * MIB / 8 - 1], "not the same region");
	EXPECT(vm_store(wide + 6 * MIB / 8 - 1, 13), 0);
	EXPECT(vm_store(wide + 1, 14), 0);
	CHECK(p.w[1] == 14 && p.r[1] == 14, "the mappings differ");
	munmap(wide, 6 * MIB);
	close_pair(&p);
	EXPECT(vm_drop("t"), 0);
}

static void shrink__in_use_needs_force(void)
{
	struct npmu_region_info before, after;
	uint64_t whole, *r;
	struct pair p;
	int a;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	open_pair(&p, 4 * MIB);
	REQUIRE(p.w && p.r, "%m");
	EXPECT(vm_store(p.w, 1), 0);
	EXPECT(vm_get("t", "r", &before), 0);
	whole = vm_free("t");
	REFUSED(vm_resize("t", "r", 4096, false), -EBUSY);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(vm_same_region(&before, &after) && vm_free("t") == whole, "a refused shrink changed it");
	EXPECT(vm_store(p.w + 4 * MIB / 8 - 1, 2), 0);
	EXPECT(vm_load(p.r + 4 * MIB / 8 - 1, NULL), 0);

	EXPECT(vm_resize("t", "r", 4096, true), 0);
	EXPECT(vm_store(p.w, 3), SIGBUS);
	EXPECT(vm_load(p.w + 4 * MIB / 8 - 1, NULL), SIGBUS);
	/* A reader has bytes that are another's now. */
	EXPECT(vm_load(p.r + 4 * MIB / 8 - 1, NULL), SIGBUS);
	EXPECT(vm_claim(p.a, NULL), -ESTALE);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(after.size == 4096 && after.fence_epoch == before.fence_epoch + 1 && !after.opens,
	      "size %lu epoch %lu opens %u", after.size, after.fence_epoch, after.opens);
	close_pair(&p);
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
	struct pair p;

	REQUIRE(!vm_any_t(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	open_pair(&p, 4 * MIB);
	REQUIRE(p.w && p.r, "%m");
	EXPECT(vm_store(p.w, 1), 0);
	EXPECT(vm_get("t", "r", &before), 0);
	REFUSED(vm_delete("t", "r", false), -EBUSY);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(vm_same_region(&before, &after), "a refused delete changed it");
	EXPECT(vm_store(p.w, 2), 0);
	EXPECT(vm_delete("t", "r", true), 0);
	EXPECT(vm_store(p.w, 3), SIGBUS);
	EXPECT(vm_load(p.r, NULL), SIGBUS);
	EXPECT(vm_info(p.a, &info), 0);
	CHECK(info.dead, "the open lives");
	EXPECT(vm_open("t", "r", O_RDONLY), -ENOENT);
	/* A new one of the same name is another region. */
	EXPECT(vm_region("t", "r", 4 * MIB), 0);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(memcmp(before.uuid, after.uuid, 16), "the same identity twice");
	EXPECT(vm_claim(p.a, NULL), -ESTALE);
	EXPECT(vm_store(p.w, 4), SIGBUS);
	close_pair(&p);
	holds("r", 4 * MIB, 0, 0);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(create__reads_as_zero_over_old_data);
	VM_RUN(resize__grows_with_zeros_and_keeps_the_rest);
	VM_RUN(resize__shrinks_and_forgets);
	VM_RUN(resize__grows_under_a_mapping);
	VM_RUN(shrink__in_use_needs_force);
	VM_RUN(delete__in_use_needs_force);
	return vm_end();
}

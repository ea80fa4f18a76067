// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * A region over very many extents. The unit is crafted so that one region owns
 * every second granule: what grows then has to take the holes.
 */
#define _GNU_SOURCE
#include "image.h"

#define EXTENTS	10000ULL
/* Holes: for list blocks too, and some that lie beside other free space. */
#define TEETH	(EXTENTS + 1400)
#define RW	(PROT_READ | PROT_WRITE)

/*
 * Makes the record of "comb", and its list blocks, on the media. Whatever lies
 * behind the comb is the region "rest", so that only the holes are free but for
 * the room of list blocks.
 */
static int craft_comb(struct image *image, struct npmu_region_record *comb)
{
	uint64_t start = (image->sb->data_start + NPMU_CHUNK_SIZE) & ~4095ULL;
	uint64_t list = start + 2 * TEETH * 4096;
	uint32_t blocks = npmu_list_blocks(TEETH);
	struct npmu_list_ref ref = {};
	uint64_t at;
	uint32_t i, k;
	int ret;

	for (i = blocks; i-- > 0;) {
		struct npmu_list_block blk = {};
		uint64_t first = NPMU_INLINE_EXTENTS + (uint64_t)i * NPMU_LIST_EXTENTS;

		blk.slot = comb->slot;
		memcpy(blk.region_uuid, comb->uuid, NPMU_UUID_LEN);
		blk.next = ref;
		for (k = 0; k < NPMU_LIST_EXTENTS && first + k < TEETH; k++) {
			blk.extents[k].start = start + (first + k) * 2 * 4096;
			blk.extents[k].len = 4096;
		}
		blk.nr = k;
		ref.crc = npmu_list_seal(&blk);
		for (k = 0; k < 2; k++) {
			at = list + (2 * i + k) * 4096ULL;
			ref.addr[k] = at;
			ret = image_write(image, at, &blk);
			if (ret)
				return ret;
		}
	}
	memset(comb->extents, 0, sizeof(comb->extents));
	for (i = 0; i < NPMU_INLINE_EXTENTS; i++) {
		comb->extents[i].start = start + i * 2ULL * 4096;
		comb->extents[i].len = 4096;
	}
	comb->list = ref;
	comb->nr_extents = TEETH;
	comb->size = TEETH * 4096;
	return image_put(image, comb);
}

/* A unit whose free space is holes of one granule and nothing else but @room. */
static int fragmented(void)
{
	struct npmu_region_record comb;
	struct npmu_unit_info unit;
	struct image image;
	int ret;

	ret = vm_pmem(NULL, "t", 8) ?: vm_region("t", "comb", 4096) ?: vm_detach("t") ?:
	      image_open(&image, vm_pmem_path());
	if (ret)
		return ret;
	ret = image_find(&image, "comb", &comb);
	if (ret >= 0)
		ret = craft_comb(&image, &comb);
	image_close(&image);
	ret = ret ?: vm_attach(NULL, NULL) ?: vm_unit("t", &unit);
	/* All but the holes, as whole chunks are taken first. */
	return ret ?: vm_region("t", "rest", unit.free - TEETH * 4096);
}

static void extents__ten_thousand_in_one_region(void)
{
	uint64_t size = (EXTENTS + 800) * 4096, began, holes;
	struct npmu_region_info info;
	struct npmu_unit_info unit;
	char *addr;
	int fd;

	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	REQUIRE(!fragmented(), "%s", vm_why());
	EXPECT(vm_get("t", "comb", &info), 0);
	CHECK(info.health == NPMU_HEALTH_GOOD && info.extents == TEETH,
	      "comb: health %u, %u extents", info.health, info.extents);
	EXPECT(vm_region("t", "r", 4096), 0);
	EXPECT(vm_unit("t", &unit), 0);
	holes = unit.free;
	began = vm_now_ns();
	EXPECT(vm_resize("t", "r", size, false), 0);
	printf("# grown over the holes in %lu ms\n", (vm_now_ns() - began) / 1000000);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.extents >= EXTENTS && info.size == size, "%u extents, %lu bytes",
	      info.extents, info.size);
	printf("# %u extents\n", info.extents);
	fd = vm_open("t", "r", O_RDWR);
	addr = vm_map(fd, 0, size, RW);
	REQUIRE(addr, "%m");
	CHECK(vm_nonzero(addr, size) < 0, "byte %zd is not zero", vm_nonzero(addr, size));
	vm_fill(addr, size, 0, 9);
	munmap(addr, size);
	close(fd);
	fd = vm_open("t", "rest", O_RDWR);
	EXPECT(vm_pwrite(fd, "rest", 4, 0), 4);
	close(fd);
	EXPECT(vm_detach("t"), 0);
	began = vm_now_ns();
	EXPECT(vm_attach(NULL, NULL), 0);
	printf("# attached in %lu ms\n", (vm_now_ns() - began) / 1000000);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(!unit.repaired && !unit.unsound_regions, "repaired %u, lost %u", unit.repaired,
	      unit.unsound_regions);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.extents >= EXTENTS && info.size == size, "%u extents, %lu bytes",
	      info.extents, info.size);
	fd = vm_open("t", "r", O_RDONLY);
	addr = vm_map(fd, 0, size, PROT_READ);
	REQUIRE(addr, "%m");
	CHECK(vm_compare(addr, size, 0, 9) < 0, "byte %zd is another", vm_compare(addr, size, 0, 9));
	munmap(addr, size);
	close(fd);

	/* Shrunk to its inline extents and to one, the holes come back. */
	EXPECT(vm_resize("t", "r", 130 * 4096, false), 0);
	EXPECT(vm_get("t", "r", &info), 0);
	CHECK(info.extents >= 129 && info.extents <= 130, "%u extents", info.extents);
	EXPECT(vm_resize("t", "r", 4096, false), 0);
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.free == holes, "%lu of %lu bytes are free", unit.free, holes);
	EXPECT(vm_delete("t", "comb", false), 0);
	EXPECT(vm_resize("t", "r", size, false), 0);
	EXPECT(vm_drop("t"), 0);
}

static void extents__no_room_for_the_list_changes_nothing(void)
{
	struct npmu_region_info info, after;
	struct npmu_unit_info unit;
	uint64_t holes;

	if (access(vm_pmem_path(), F_OK))
		SKIP("no pmem device");
	REQUIRE(!fragmented(), "%s", vm_why());
	EXPECT(vm_region("t", "r", 4096), 0);
	EXPECT(vm_get("t", "r", &info), 0);
	EXPECT(vm_unit("t", &unit), 0);
	holes = unit.free;
	/* Every hole for the region: none is left for its list blocks. */
	REFUSED(vm_resize("t", "r", unit.free + 4096, false), -ENOSPC);
	EXPECT(vm_get("t", "r", &after), 0);
	CHECK(after.size == info.size && after.extents == info.extents, "it changed");
	EXPECT(vm_unit("t", &unit), 0);
	CHECK(unit.free == holes, "%lu of %lu bytes are free", unit.free, holes);
	EXPECT(vm_drop("t"), 0);
}

int main(void)
{
	VM_RUN(extents__ten_thousand_in_one_region);
	VM_RUN(extents__no_room_for_the_list_changes_nothing);
	return vm_end();
}

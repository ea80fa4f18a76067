// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Failure at every allocation of format, attach and detach: of memory, of media with
 * regions and list blocks, of media with damage to mend and with a region that is lost.
 */
#define _GNU_SOURCE
#include <linux/npmu_netlink.h>

#include "image.h"
#include "nth.h"

#define NR(a)	(sizeof(a) / sizeof((a)[0]))
#define NAME	{ NPMU_A_UNIT_NAME, -1, 0, NTH_UNIT }
#define PATH	{ NPMU_A_UNIT_PATH, -1, 0, vm_pmem_path() }

#define ASK(cmd, ...) ({						\
	const struct nth_arg args_[] = { __VA_ARGS__ };			\
									\
	nth_ask(cmd, false, args_, NR(args_));				\
})

static uint64_t good;

/* Media with a comb of two regions; not attached. */
static int make_media(void)
{
	struct nth_state *state;
	int ret = nth_comb() ?: vm_detach(NTH_UNIT);

	state = nth_look();
	good = nth_digest(state);
	nth_forget(state);
	return ret;
}

static int detach(void)
{
	return vm_detach(NTH_UNIT);
}

static int attach(void)
{
	return vm_attach(NULL, NULL);
}

static int act_attach(void)
{
	return ASK(NPMU_CMD_UNIT_ATTACH, PATH);
}

static int act_attach_dram(void)
{
	return ASK(NPMU_CMD_UNIT_ATTACH, NAME, { NPMU_A_UNIT_SIZE, 8, 4 * MIB + 16 * KIB, NULL },
		   { NPMU_A_UNIT_BACKING, 4, NPMU_BACKING_KIND_DRAM, NULL });
}

static int act_detach(void)
{
	return ASK(NPMU_CMD_UNIT_DETACH, NAME);
}

static int act_format(void)
{
	return ASK(NPMU_CMD_UNIT_FORMAT, PATH, NAME, { NPMU_A_UNIT_FORCE, 0, 0, NULL },
		   { NPMU_A_UNIT_MAX_REGIONS, 4, 8, NULL });
}

/* Everything is as it was before it was damaged. */
static int detach_mended(void)
{
	struct nth_state *state;
	int ret = detach();

	state = nth_look();
	if (!ret && nth_digest(state) != good)
		ret = -EUCLEAN;
	nth_forget(state);
	return ret;
}

static int flip(struct image *image, uint64_t block)
{
	return image_flip(image, block + 200, 1);
}

/* One copy of everything: superblock, two records, both list blocks' first ones. */
static int damage(void)
{
	struct npmu_region_record rec;
	struct image image;
	int slot, ret;

	ret = image_open(&image, vm_pmem_path());
	if (ret)
		return ret;
	slot = image_find(&image, "a", &rec);
	ret = slot < 0 ? slot : flip(&image, rec.list.addr[0]) ?:
	      flip(&image, npmu_record_offset(image.sb, slot, 1));
	slot = image_find(&image, "b", &rec);
	ret = ret ?: slot < 0 ? slot : flip(&image, rec.list.addr[1]) ?:
	      flip(&image, npmu_record_offset(image.sb, slot, 0)) ?: flip(&image, 0);
	image_close(&image);
	return ret;
}

/* Both copies of a record. */
static int lose(void)
{
	struct npmu_region_record rec;
	struct image image;
	int slot, ret;

	ret = image_open(&image, vm_pmem_path());
	if (ret)
		return ret;
	slot = image_find(&image, "b", &rec);
	ret = slot < 0 ? slot : flip(&image, npmu_record_offset(image.sb, slot, 0)) ?:
	      flip(&image, npmu_record_offset(image.sb, slot, 1));
	image_close(&image);
	return ret;
}

static void nth__attach(void)
{
	SWEEP_TOO("unit-attach, pmem", NULL, act_attach, detach, 0);
	SWEEP("unit-attach, damaged", damage, act_attach, detach_mended, NTH_MENDS);
}

static void nth__attach_with_a_region_lost(void)
{
	if (!vm_times(0, 1))
		SKIP("swept with NPMU_STRESS=1");
	REQUIRE(!lose(), "cannot damage the media");
	SWEEP("unit-attach, region lost", NULL, act_attach, detach, NTH_MENDS);
}

static void nth__attach_dram(void)
{
	nth_path = NULL;
	SWEEP("unit-attach, dram", NULL, act_attach_dram, detach, 0);
}

static void nth__detach(void)
{
	const struct nth_arg none[] = { { NPMU_A_UNIT_NAME, -1, 0, "nosuch" } };

	nth_free_refusals = nth_probe(NPMU_CMD_UNIT_DETACH, none, 1);
	SWEEP("unit-detach", attach, act_detach, NULL, NTH_NEVER_FAILS);
}

static void nth__format(void)
{
	SWEEP("unit-format", NULL, act_format, NULL, 0);
}

int main(void)
{
	int ret = nth_begin(make_media);

	if (ret)
		return ret;
	VM_RUN(nth__attach);
	VM_RUN(nth__detach);
	VM_RUN(nth__attach_with_a_region_lost);
	VM_RUN(nth__format);
	VM_RUN(nth__attach_dram);
	return vm_end();
}

/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * For a program whose tests share one unit with one region "r": the first of them
 * makes it, the last drops it.
 *
 *	vm_one_unit("u", 64 * MIB, 2 * MIB);
 *	VM_RUN(unit__can_be_made);
 *	VM_RUN(...);
 *	VM_RUN(unit__can_be_dropped);
 *
 * In the program itself, since each counts its own checks.
 */
#ifndef NPMU_VMUNIT_H
#define NPMU_VMUNIT_H

#include "vmtest.h"

static const char *vm_unit_name;
static uint64_t vm_unit_bytes, vm_region_bytes;

/* @bytes: of the unit, where it is made of dram; @size: of its region. */
static inline void vm_one_unit(const char *unit, uint64_t bytes, uint64_t size)
{
	vm_unit_name = unit;
	vm_unit_bytes = bytes;
	vm_region_bytes = size;
}

static inline void unit__can_be_made(void)
{
	REQUIRE(!vm_dram(vm_unit_name, vm_unit_bytes), "%s", vm_why());
	EXPECT(vm_region(vm_unit_name, "r", vm_region_bytes), 0);
}

static inline void unit__can_be_made_of_pmem(void)
{
	if (access(vm_pmem_path(), F_OK))
		SKIP("no %s", vm_pmem_path());
	REQUIRE(!vm_pmem(NULL, vm_unit_name, 64), "%s", vm_why());
	EXPECT(vm_region(vm_unit_name, "r", vm_region_bytes), 0);
}

static inline void unit__can_be_dropped(void)
{
	EXPECT(vm_drop(vm_unit_name), 0);
}

/* The tests of @all on such a unit of dram, and on one of pmem where there is any. */
static inline void vm_on_each_kind(void (*all)(const char *backing))
{
	VM_RUN(unit__can_be_made);
	all("dram");
	VM_RUN(unit__can_be_dropped);
	VM_RUN(unit__can_be_made_of_pmem);
	if (vm_skipped[0])
		return;
	all("pmem");
	VM_RUN(unit__can_be_dropped);
}

#endif /* NPMU_VMUNIT_H */

// SPDX-License-Identifier: GPL-2.0-only
/*
 * Mappings of a region and of its status page. Owns vmas, faults and the zap.
 *
 * Pages are inserted by pfn (VM_PFNMAP), so that nobody can pin them: a pin taken
 * before a fence would go on writing after it. A fault inserts inside a section
 * of the entry's gate; a fence closes the gate, waits until it is empty and then
 * zaps, so that no insertion can follow the zap. What the kernel does to a present
 * page table entry outside of a section (making it writable again after
 * mprotect) it does under the page table lock, on an entry that the zap removes.
 *
 * fork() copies nothing: it reads a 2 MiB entry without the lock and may put a copy
 * of it into the child after a zap. The child faults for itself, under the gate.
 *
 * A mapping made with PROT_WRITE keeps VM_MAYWRITE and stands under the write
 * gate, for reads too; every other one can never become writable.
 */
#include <linux/mm.h>
#include <linux/huge_mm.h>

#include "backing.h"
#include "bad.h"
#include "compat.h"
#include "debug.h"
#include "front.h"
#include "media.h"
#include "range.h"

/* A 2 MiB entry came while we were on our way: it serves, or is zapped soon. */
static bool is_huge_meanwhile(struct vm_fault *vmf)
{
	return pmd_trans_huge(pmdp_get_lockless(vmf->pmd));
}

static vm_fault_t fault_lost(struct npmu_open *open, struct npmu_gate *gate,
			     struct vm_fault *vmf, unsigned int order)
{
	/* Only a dead open stays lost; one that resigned may come back. */
	if (!open->sink || !READ_ONCE(open->entry->dead))
		return VM_FAULT_SIGBUS;
	if (order)
		return VM_FAULT_FALLBACK;
	/* Who is still inside may insert 2 MiB here: touch again. */
	if (!npmu_gate_is_empty(gate) || is_huge_meanwhile(vmf))
		return VM_FAULT_NOPAGE;
	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(open->sink));
}

static u64 fault_offset(struct vm_fault *vmf, unsigned long addr)
{
	struct vm_area_struct *vma = vmf->vma;

	return ((u64)vma->vm_pgoff << PAGE_SHIFT) + (addr - vma->vm_start);
}

/* The entry's gate is entered in both. */
static vm_fault_t fault_small(struct npmu_tpt_entry *entry, struct vm_fault *vmf)
{
	struct npmu_region *region = entry->region;
	struct npmu_backing *backing = region->unit->backing;
	unsigned long addr = vmf->address & PAGE_MASK;
	u64 run;
	u64 where;

	where = npmu_tpt_translate(entry, fault_offset(vmf, addr), &run);
	if (where == NPMU_NOWHERE)
		return VM_FAULT_SIGBUS;
	/* SIGBUS with BUS_MCEERR_AR: the bytes are lost, the region is not. */
	if (npmu_media_is_bad(region->unit->media, where, PAGE_SIZE))
		return VM_FAULT_HWPOISON;
	if (is_huge_meanwhile(vmf))
		return VM_FAULT_NOPAGE;
	atomic64_inc(&region->faults_small);
	return vmf_insert_pfn(vmf->vma, addr, npmu_backing_pfn(backing, where));
}

static vm_fault_t fault_huge(struct npmu_tpt_entry *entry, struct vm_fault *vmf)
{
	struct npmu_region *region = entry->region;
	struct npmu_backing *backing = region->unit->backing;
	struct vm_area_struct *vma = vmf->vma;
	unsigned long addr = vmf->address & PMD_MASK;
	unsigned long pfn;
	u64 offset;
	u64 where;
	u64 run;

	if (addr < vma->vm_start || vma->vm_end - addr < PMD_SIZE)
		return VM_FAULT_FALLBACK;
	offset = fault_offset(vmf, addr);
	where = npmu_tpt_translate(entry, offset, &run);
	if (where == NPMU_NOWHERE || run < PMD_SIZE ||
	    !IS_ALIGNED(where + backing->skew, PMD_SIZE) ||
	    !npmu_backing_huge_ok(backing, where) ||
	    npmu_media_is_bad(region->unit->media, where, PMD_SIZE))
		return VM_FAULT_FALLBACK;
	atomic64_inc(&region->faults_huge);
	pfn = npmu_backing_pfn(backing, where);
	/* A new entry is writable by the vma's protection; "write" upgrades an old. */
	return vmf_insert_pfn_pmd(vmf, pfn, is_huge_meanwhile(vmf) && vma->vm_flags & VM_WRITE);
}

static vm_fault_t npmu_vma_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	struct npmu_open *open = vma->vm_private_data;
	struct npmu_tpt_entry *entry = open->entry;
	struct npmu_gate *gate;
	vm_fault_t ret;
	int touch;

	gate = vma->vm_flags & VM_MAYWRITE ? &entry->write : &entry->read;
	if (!npmu_gate_enter(gate))
		return fault_lost(open, gate, vmf, order);
	touch = npmu_touch_begin();
	npmu_debug_fault();
	if (!order)
		ret = fault_small(entry, vmf);
	else if (order == PMD_ORDER)
		ret = fault_huge(entry, vmf);
	else
		ret = VM_FAULT_FALLBACK;
	npmu_touch_end(touch);
	npmu_gate_leave(gate);
	return ret;
}

static vm_fault_t npmu_vma_fault(struct vm_fault *vmf)
{
	return npmu_vma_huge_fault(vmf, 0);
}

static void npmu_vma_open(struct vm_area_struct *vma)
{
	/* Set at each fork, since madvise() could clear it: see above. */
	if (vma->vm_mm != current->mm)
		vm_flags_set(vma, VM_WIPEONFORK);
}

static const struct vm_operations_struct npmu_vma_ops = {
	.open = npmu_vma_open,
	.fault = npmu_vma_fault,
	.huge_fault = npmu_vma_huge_fault,
};

static vm_fault_t npmu_status_fault(struct vm_fault *vmf)
{
	struct npmu_open *open = vmf->vma->vm_private_data;
	struct npmu_status *status = open->entry->region->status;

	return vmf_insert_pfn(vmf->vma, vmf->address, page_to_pfn(virt_to_page(status)));
}

static const struct vm_operations_struct npmu_status_ops = {
	.fault = npmu_status_fault,
};

void npmu_open_zap(struct npmu_tpt_entry *entry)
{
	struct npmu_open *open = entry->owner;

	unmap_mapping_range(open->inode->i_mapping, 0, NPMU_STATUS_OFFSET, 1);
}

void npmu_open_zap_range(struct npmu_tpt_entry *entry, u64 offset, u64 len)
{
	struct npmu_open *open = entry->owner;

	unmap_mapping_range(open->inode->i_mapping, offset, len, 1);
}

static int map_status(struct npmu_open *open, struct vm_area_struct *vma)
{
	if (vma->vm_end - vma->vm_start != NPMU_STATUS_SIZE)
		return -EINVAL;
	if (vma->vm_flags & VM_WRITE)
		return -EACCES;
	vm_flags_clear(vma, VM_MAYWRITE);
	vma->vm_ops = &npmu_status_ops;
	return 0;
}

static int map_region(struct npmu_open *open, struct vm_area_struct *vma)
{
	struct npmu_tpt_entry *entry = open->entry;
	struct npmu_region *region = entry->region;
	u64 epoch;
	int ret;

	if (READ_ONCE(entry->dead))
		return -ESTALE;
	if (!npmu_range_ok((u64)vma->vm_pgoff << PAGE_SHIFT, vma->vm_end - vma->vm_start,
			   READ_ONCE(region->size)))
		return -ENXIO;
	if (vma->vm_flags & VM_SYNC && region->unit->class != NPMU_CLASS_PERSISTENT)
		return -EOPNOTSUPP;
	if (vma->vm_flags & VM_WRITE) {
		ret = npmu_open_claim(open, true, &epoch);
		if (ret)
			return ret;
	} else {
		vm_flags_clear(vma, VM_MAYWRITE);
	}
	vma->vm_ops = &npmu_vma_ops;
	return 0;
}

int npmu_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct npmu_open *open = file->private_data;
	int ret;

	/* VM_SHARED is clear on a shared mapping of a file open for reading. */
	if (!(vma->vm_flags & VM_MAYSHARE))
		return -EINVAL;
	if (vma->vm_flags & VM_EXEC)
		return -EACCES;
	vma->vm_private_data = open;
	if (vma->vm_pgoff == NPMU_STATUS_OFFSET >> PAGE_SHIFT)
		ret = map_status(open, vma);
	else
		ret = map_region(open, vma);
	if (ret)
		return ret;
	vm_flags_mod(vma, VM_PFNMAP | VM_IO | VM_DONTEXPAND | VM_DONTDUMP, VM_MAYEXEC);
	return 0;
}

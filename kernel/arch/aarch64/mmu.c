/* SPDX-License-Identifier: MIT */
/*
 * Translation at EL1: one table in TTBR0, 39-bit addresses (T0SZ 25, walks
 * start at level 1), TTBR1 off. SCTLR_EL1.WXN makes the machine itself treat
 * every writable page as not executable, whatever its entry says.
 */
#include "arch.h"
#include "arch_pte.h"
#include "kernel.h"
#include "sysreg.h"

#define MAIR_NORMAL     0xffull        /* AttrIndx 0: write-back */
#define MAIR_DEVICE     (0x04ull << 8) /* AttrIndx 1: nGnRE */
#define TCR_T0SZ        (64 - 39)
#define TCR_WALK_CACHED (1ull << 8 | 1ull << 10) /* write-back, allocating */
#define TCR_WALK_INNER  (3ull << 12)
#define TCR_EPD1        (1ull << 23)
#define TCR_IPS_SHIFT   32
#define PARANGE_48      5 /* what tables of a 4 KiB granule can say */
#define SCTLR_M         (1ull << 0)
#define SCTLR_C         (1ull << 2)
#define SCTLR_SA        (1ull << 3) /* check the stack's alignment */
#define SCTLR_I         (1ull << 12)
#define SCTLR_WXN       (1ull << 19)

static uint64_t physical_range(void)
{
	const uint64_t range = read_sysreg(id_aa64mmfr0_el1) & 15;

	return range < PARANGE_48 ? range : PARANGE_48;
}

/*
 * What was written since entry, tables, .bss and stack, went past the caches
 * to memory. No line of it can be dirty (boot protocol); stale clean ones
 * go here.
 */
static void forget_cached_data(void)
{
	const size_t line = data_line();
	const uintptr_t end = (uintptr_t)boot_stack_end;

	for (uintptr_t p = (uintptr_t)image_data; p < end; p += line)
		__asm__ volatile("dc ivac, %0" ::"r"(p) : "memory");
	__asm__ volatile("dsb sy" ::: "memory");
}

void arch_mmu_enable(const uint64_t *root)
{
	write_sysreg(mair_el1, MAIR_NORMAL | MAIR_DEVICE);
	write_sysreg(tcr_el1, TCR_T0SZ | TCR_WALK_CACHED | TCR_WALK_INNER |
				  TCR_EPD1 | physical_range() << TCR_IPS_SHIFT);
	write_sysreg(ttbr0_el1, (uintptr_t)root);
	forget_cached_data();
	__asm__ volatile("tlbi vmalle1\n\t"
			 "ic iallu\n\t"
			 "dsb sy\n\t"
			 "isb" ::
			     : "memory");
	write_sysreg(sctlr_el1, read_sysreg(sctlr_el1) | SCTLR_M | SCTLR_C |
				    SCTLR_SA | SCTLR_I | SCTLR_WXN);
	__asm__ volatile("isb" ::: "memory");
}

uint64_t *arch_mmu_root(void)
{
	if (!(read_sysreg(sctlr_el1) & SCTLR_M))
		return NULL;
	return (uint64_t *)(read_sysreg(ttbr0_el1) & PTE_ADDR);
}

/*
 * Only permissions change in place, which needs no break-before-make (Arm
 * ARM D8.16.1): the store, its visibility to the walker, then the
 * invalidation and its end.
 */
void arch_tlb_flush(uintptr_t va, size_t size)
{
	__asm__ volatile("dsb ishst" ::: "memory");
	for (uintptr_t p = va; p < va + size; p += PAGE_SIZE)
		__asm__ volatile("tlbi vaae1is, %0" ::"r"(p >> PAGE_SHIFT)
				 : "memory");
	__asm__ volatile("dsb ish\n\t"
			 "isb" ::
			     : "memory");
}

/* SPDX-License-Identifier: MIT */
/*
 * Translation in S-mode: Sv39, address space 0.
 */
#include "arch.h"
#include "paging.h"

#define SATP_SV39 (8ull << 60)
#define SATP_PPN  ((1ull << 44) - 1)

void arch_mmu_enable(const uint64_t *root)
{
	const uint64_t satp = SATP_SV39 | (uintptr_t)root >> PAGE_SHIFT;

	/* The fence orders the tables' stores before the first walk. */
	__asm__ volatile("sfence.vma\n\t"
			 "csrw satp, %0\n\t"
			 "sfence.vma" ::"r"(satp)
			 : "memory");
}

uint64_t *arch_mmu_root(void)
{
	uint64_t satp;

	__asm__ volatile("csrr %0, satp" : "=r"(satp));
	if (satp >> 60 == 0)
		return NULL;
	return (uint64_t *)(uintptr_t)((satp & SATP_PPN) << PAGE_SHIFT);
}

void arch_tlb_flush(uintptr_t va, size_t size)
{
	for (uintptr_t p = va; p < va + size; p += PAGE_SIZE)
		__asm__ volatile("sfence.vma %0" ::"r"(p) : "memory");
}

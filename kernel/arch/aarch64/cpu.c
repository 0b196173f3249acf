/* SPDX-License-Identifier: MIT */
/*
 * The rest of an aarch64 CPU: instruction cache, counter, stopping.
 */
#include "arch.h"
#include "sysreg.h"

#define EM_AARCH64 183

const char arch_name[] = "aarch64";
const unsigned arch_elf_machine = EM_AARCH64;

/*
 * Arm ARM B2.4.4: clean the data to the point of unification, wait, then
 * invalidate the instruction lines, wait, and refetch.
 */
void arch_sync_text(const void *text, size_t size)
{
	const uintptr_t start = (uintptr_t)text, end = start + size;
	const size_t dline = data_line(), iline = instruction_line();

	for (uintptr_t p = start & ~(dline - 1); p < end; p += dline)
		__asm__ volatile("dc cvau, %0" ::"r"(p) : "memory");
	__asm__ volatile("dsb ish" ::: "memory");
	for (uintptr_t p = start & ~(iline - 1); p < end; p += iline)
		__asm__ volatile("ic ivau, %0" ::"r"(p) : "memory");
	__asm__ volatile("dsb ish\n\t"
			 "isb" ::
			     : "memory");
}

/* The barrier keeps the read from being done early. */
uint64_t arch_ticks(void)
{
	__asm__ volatile("isb" ::: "memory");
	return read_sysreg(cntvct_el0);
}

uint64_t arch_ticks_per_second(void)
{
	return read_sysreg(cntfrq_el0);
}

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

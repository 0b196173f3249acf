/* SPDX-License-Identifier: MIT */
/*
 * The rest of a riscv64 hart: instruction fetch, counter, stopping.
 */
#include "arch.h"
#include "platform.h"

#define EM_RISCV 243

const char arch_name[] = "riscv64";
const unsigned arch_elf_machine = EM_RISCV;

/*
 * fence.i orders all earlier stores of this hart before its later fetches;
 * there is no form for a range.
 */
void arch_sync_text(const void *text, size_t size)
{
	(void)text;
	(void)size;
	__asm__ volatile("fence.i" ::: "memory");
}

uint64_t arch_ticks(void)
{
	uint64_t v;

	__asm__ volatile("rdtime %0" : "=r"(v));
	return v;
}

/* The device tree's timebase-frequency; a CPU cannot tell. */
uint64_t arch_ticks_per_second(void)
{
	return PLAT_TIMEBASE_HZ;
}

void arch_halt(void)
{
	for (;;)
		__asm__ volatile("wfi");
}

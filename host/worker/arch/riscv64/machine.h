/* SPDX-License-Identifier: MIT */
/*
 * What a worker must know of its processor and of Linux on it: numbers of
 * system calls, what a signal frame looks like, how to wait politely.
 */
#pragma once

#include <stdint.h>

#include "../generic.h"

#define SYS_RISCV_FLUSH_ICACHE 259

#define MACHINE_AUDIT    0xc00000f3u /* AUDIT_ARCH_RISCV64 */
#define MACHINE_PC       176u        /* in ucontext: uc_mcontext.sc_regs.pc */
/* struct sigaction has no restorer. */
#define MACHINE_RESTORER 0

static inline long machine_call(long nr, const long a[6])
{
	register long a7 __asm__("a7") = nr;
	register long a0 __asm__("a0") = a[0];
	register long a1 __asm__("a1") = a[1];
	register long a2 __asm__("a2") = a[2];
	register long a3 __asm__("a3") = a[3];
	register long a4 __asm__("a4") = a[4];
	register long a5 __asm__("a5") = a[5];

	__asm__ volatile("ecall"
			 : "+r"(a0)
			 : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5)
			 : "memory");
	return a0;
}

/* The hint "pause" (Zihintpause) by its number: older assemblers lack it. */
static inline void machine_relax(void)
{
	__asm__ volatile(".4byte 0x0100000f" ::: "memory");
}

/* What has been written there may be executed, on any hart. */
static inline void machine_sync_code(uint64_t addr, uint64_t size)
{
	const long a[6] = { (long)addr, (long)(addr + size) };

	(void)machine_call(SYS_RISCV_FLUSH_ICACHE, a);
}

/* SPDX-License-Identifier: MIT */
/*
 * What a worker must know of its processor and of Linux on it: numbers of
 * system calls, what a signal frame looks like, how to wait politely.
 */
#pragma once

#include <stdint.h>

#include "../generic.h"

#define MACHINE_AUDIT    0xc00000b7u /* AUDIT_ARCH_AARCH64 */
#define MACHINE_PC       440u        /* in ucontext: uc_mcontext.pc */
/* struct sigaction has a restorer. */
#define MACHINE_RESTORER 1

static inline long machine_call(long nr, const long a[6])
{
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a[0];
	register long x1 __asm__("x1") = a[1];
	register long x2 __asm__("x2") = a[2];
	register long x3 __asm__("x3") = a[3];
	register long x4 __asm__("x4") = a[4];
	register long x5 __asm__("x5") = a[5];

	__asm__ volatile("svc #0"
			 : "+r"(x0)
			 : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5)
			 : "memory", "cc");
	return x0;
}

static inline void machine_relax(void)
{
	__asm__ volatile("yield" ::: "memory");
}

/* What has been written there may be executed (Arm ARM B2.7.4.2). */
static inline void machine_sync_code(uint64_t addr, uint64_t size)
{
	uint64_t ctr, dline, iline;

	__asm__ volatile("mrs %0, ctr_el0" : "=r"(ctr));
	dline = 4ul << ((ctr >> 16) & 15);
	iline = 4ul << (ctr & 15);
	for (uint64_t p = addr & ~(dline - 1); p < addr + size; p += dline)
		__asm__ volatile("dc cvau, %0" : : "r"(p) : "memory");
	__asm__ volatile("dsb ish" ::: "memory");
	for (uint64_t p = addr & ~(iline - 1); p < addr + size; p += iline)
		__asm__ volatile("ic ivau, %0" : : "r"(p) : "memory");
	__asm__ volatile("dsb ish\n\tisb" ::: "memory");
}

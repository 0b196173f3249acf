/* SPDX-License-Identifier: MIT */
/*
 * Leaving the emulator with a status: semihosting's SYS_EXIT (Arm
 * "Semihosting for AArch32 and AArch64" 2.0). Without a host that listens
 * the instruction is undefined and ends in a fault report.
 */
#include <stdint.h>

#include "plat.h"

#define SYS_EXIT                     0x18
#define ADP_STOPPED_APPLICATION_EXIT 0x20026

void plat_exit(unsigned status)
{
	const uint64_t block[2] = { ADP_STOPPED_APPLICATION_EXIT, status };
	register uint64_t operation __asm__("x0") = SYS_EXIT;
	register const uint64_t *argument __asm__("x1") = block;

	__asm__ volatile("hlt #0xf000"
			 : "+r"(operation)
			 : "r"(argument)
			 : "memory");
}

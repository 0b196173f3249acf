/* SPDX-License-Identifier: MIT */
/*
 * System registers by name, and what several files ask them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define read_sysreg(name)                                                      \
	({                                                                     \
		uint64_t v_;                                                   \
		__asm__ volatile("mrs %0, " #name : "=r"(v_));                 \
		v_;                                                            \
	})
#define write_sysreg(name, v)                                                  \
	__asm__ volatile("msr " #name ", %0" ::"r"((uint64_t)(v)) : "memory")

/* CTR_EL0: log2 of the words of the smallest line. */
static inline size_t data_line(void)
{
	return (size_t)4 << (read_sysreg(ctr_el0) >> 16 & 15);
}

static inline size_t instruction_line(void)
{
	return (size_t)4 << (read_sysreg(ctr_el0) & 15);
}

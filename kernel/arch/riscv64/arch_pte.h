/* SPDX-License-Identifier: MIT */
/*
 * Entries of Sv39 tables (RISC-V privileged 4.4). Accessed and dirty are set
 * beforehand: hardware need not set them. There is no memory type in an
 * entry: physical memory attributes say what is a device.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "paging.h"

#define PTE_VALID    (1ull << 0)
#define PTE_READ     (1ull << 1)
#define PTE_WRITE    (1ull << 2)
#define PTE_EXEC     (1ull << 3)
#define PTE_GLOBAL   (1ull << 5)
#define PTE_ACCESSED (1ull << 6)
#define PTE_DIRTY    (1ull << 7)
#define PTE_LEAF     (PTE_READ | PTE_WRITE | PTE_EXEC)
#define PTE_PPN      0x003ffffffffffc00ull

_Static_assert(PTE_READ == PAGE_READ << 1 && PTE_WRITE == PAGE_WRITE << 1 &&
		   PTE_EXEC == PAGE_EXEC << 1,
    "permissions are the same bits, one higher");

static inline uint64_t pte_table(uint64_t pa)
{
	return pa >> 2 | PTE_VALID;
}

static inline uint64_t pte_page(uint64_t pa, unsigned access)
{
	const uint64_t bits = (uint64_t)(access & 7) << 1;

	return pa >> 2 | bits | PTE_GLOBAL | PTE_ACCESSED | PTE_DIRTY |
	       PTE_VALID;
}

static inline bool pte_is_leaf(uint64_t e, int level)
{
	(void)level;
	return (e & PTE_VALID) && (e & PTE_LEAF);
}

static inline bool pte_is_table(uint64_t e, int level)
{
	return level < 3 && (e & PTE_VALID) && !(e & PTE_LEAF);
}

static inline uint64_t pte_addr(uint64_t e)
{
	return (e & PTE_PPN) << 2;
}

static inline unsigned pte_access(uint64_t e)
{
	return (unsigned)((e & PTE_LEAF) >> 1);
}

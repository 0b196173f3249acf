/* SPDX-License-Identifier: MIT */
/*
 * Entries of aarch64 stage 1 tables, 4 KiB granule (Arm ARM D8.3). Pages are
 * for EL1 only (AP[1] and UXN keep EL0 out); the memory attributes are those
 * of MAIR_EL1 in mmu.c.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "paging.h"

#define PTE_VALID     (1ull << 0)
#define PTE_TABLE     (1ull << 1) /* level 3: page */
#define PTE_DEVICE    (1ull << 2) /* AttrIndx: 0 normal, 1 device */
#define PTE_READ_ONLY (1ull << 7)
#define PTE_INNER     (3ull << 8)
#define PTE_ACCESSED  (1ull << 10)
#define PTE_PXN       (1ull << 53)
#define PTE_UXN       (1ull << 54)
#define PTE_ADDR      0x0000fffffffff000ull

static inline uint64_t pte_table(uint64_t pa)
{
	return pa | PTE_TABLE | PTE_VALID;
}

static inline uint64_t pte_page(uint64_t pa, unsigned access)
{
	uint64_t e = pa | PTE_TABLE | PTE_VALID | PTE_ACCESSED | PTE_UXN;

	e |= access & PAGE_WRITE ? 0 : PTE_READ_ONLY;
	e |= access & PAGE_EXEC ? 0 : PTE_PXN;
	e |= access & PAGE_DEVICE ? PTE_DEVICE : PTE_INNER;
	return e;
}

static inline bool pte_is_table(uint64_t e, int level)
{
	return level < 3 && (e & PTE_VALID) && (e & PTE_TABLE);
}

static inline bool pte_is_leaf(uint64_t e, int level)
{
	return (e & PTE_VALID) && (level == 3) == !!(e & PTE_TABLE);
}

static inline uint64_t pte_addr(uint64_t e)
{
	return e & PTE_ADDR;
}

static inline unsigned pte_access(uint64_t e)
{
	return PAGE_READ | (e & PTE_READ_ONLY ? 0 : PAGE_WRITE) |
	       (e & PTE_PXN ? 0 : PAGE_EXEC) |
	       (e & PTE_DEVICE ? PAGE_DEVICE : 0);
}

/* SPDX-License-Identifier: MIT */
/*
 * Page tables of three levels with 512 entries each, 39 bits of virtual
 * address: the form that aarch64 (4 KiB granule, T0SZ 25) and riscv64 (Sv39)
 * share. arch_pte.h says how an entry is written.
 *
 *	level 1: 1 GiB an entry -> level 2: 2 MiB -> level 3: 4 KiB, a page
 *
 * Tables come from a fixed array and are never given back: everything is
 * mapped once, then only permissions of pages change. Invariant: no entry
 * says write and exec. One CPU: no lock, no remote invalidation.
 */
#include <base/compiler.h>
#include <tenon/err.h>

#include "arch.h"
#include "arch_pte.h"
#include "kernel.h"
#include "paging.h"
#include "platform.h"

#define ENTRIES 512
#define LEAF    3
#define VA_BITS 39
#define TABLES  32 /* the image needs about ten */

static uint64_t tables[TABLES][ENTRIES] __attribute__((aligned(4096)));
static unsigned ntables;

static uint64_t *table_new(void)
{
	if (ntables == TABLES)
		k_panic("paging: more than %d tables are needed", TABLES);
	return tables[ntables++];
}

static unsigned level_shift(int level)
{
	return PAGE_SHIFT + 9 * (unsigned)(LEAF - level);
}

/* The entry at which the walk for @va ends, and its level. */
static uint64_t *entry_of(uint64_t *root, uintptr_t va, int *level)
{
	uint64_t *table = root;

	for (*level = 1;; ++*level) {
		uint64_t *e = &table[va >> level_shift(*level) & (ENTRIES - 1)];

		if (!pte_is_table(*e, *level))
			return e;
		table = (uint64_t *)(uintptr_t)pte_addr(*e);
	}
}

static void map(uintptr_t start, uintptr_t end, unsigned access)
{
	for (uintptr_t va = start; va < end; va += PAGE_SIZE) {
		int level;
		uint64_t *e = entry_of(tables[0], va, &level);

		while (level < LEAF) {
			*e = pte_table((uintptr_t)table_new());
			e = entry_of(tables[0], va, &level);
		}
		*e = pte_page(va, access);
	}
}

static void map_part(const char *start, const char *end, unsigned access)
{
	map((uintptr_t)start, (uintptr_t)end, access);
}

void k_paging_init(void)
{
	static const uintptr_t devices[] = { PLAT_DEVICES };

	(void)table_new(); /* the root, tables[0] */
	map_part(image_text, image_text_end, PAGE_READ | PAGE_EXEC);
	map_part(image_rodata, image_rodata_end, PAGE_READ);
	map_part(image_data, image_data_end, PAGE_READ | PAGE_WRITE);
	map_part(boot_stack, boot_stack_end, PAGE_READ | PAGE_WRITE);
	map_part(fault_stack, fault_stack_end, PAGE_READ | PAGE_WRITE);
	map_part(image_pool, image_pool_end, PAGE_READ | PAGE_WRITE);
	for (unsigned i = 0; i < ARRAY_SIZE(devices); i++)
		map(devices[i], devices[i] + PAGE_SIZE,
		    PAGE_READ | PAGE_WRITE | PAGE_DEVICE);
	arch_mmu_enable(tables[0]);
}

static unsigned access_of(uint64_t e, int level)
{
	return pte_is_leaf(e, level) ? pte_access(e) : 0;
}

unsigned k_paging_access(uintptr_t va)
{
	int level;

	if (arch_mmu_root() == NULL || va >> VA_BITS != 0)
		return 0;
	const uint64_t e = *entry_of(arch_mmu_root(), va, &level);
	return access_of(e, level);
}

int k_paging_protect(uintptr_t va, size_t size, unsigned access)
{
	const unsigned both = PAGE_WRITE | PAGE_EXEC;

	if ((access & both) == both || ((va | size) & (PAGE_SIZE - 1)) != 0)
		return -TN_EINVAL;
	for (size_t at = 0; at < size; at += PAGE_SIZE)
		if (k_paging_access(va + at) == 0)
			return -TN_EINVAL;
	for (size_t at = 0; at < size; at += PAGE_SIZE) {
		int level;

		*entry_of(tables[0], va + at, &level) =
		    pte_page(va + at, access);
	}
	arch_tlb_flush(va, size);
	return 0;
}

void k_paging_count(struct k_paging_count *count)
{
	struct k_paging_count n = { 0 };
	uintptr_t va = 0;

	while (va >> VA_BITS == 0) {
		int level;
		const uint64_t e = *entry_of(arch_mmu_root(), va, &level);
		const unsigned access = access_of(e, level);
		const uintptr_t span = (uintptr_t)1 << level_shift(level);
		const size_t pages = span >> PAGE_SHIFT;

		if (access & PAGE_READ)
			n.pages += pages;
		if (access & PAGE_WRITE)
			n.writable += pages;
		if (access & PAGE_EXEC)
			n.executable += pages;
		if ((access & PAGE_WRITE) && (access & PAGE_EXEC))
			n.both += pages;
		va += span;
	}
	*count = n;
}

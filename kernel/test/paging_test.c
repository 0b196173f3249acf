/* SPDX-License-Identifier: MIT */
/*
 * W^X on the running machine: what the page tables say and what the CPU does
 * about it. Every violation is tried for real and caught.
 */
#include <base/string.h>
#include <tenon/err.h>
#include <test/test.h>

#include "arch.h"
#include "arch_pte.h"
#include "fault.h"
#include "kernel.h"
#include "paging.h"

static uint8_t page[PAGE_SIZE] __attribute__((aligned(4096)));
static const uint32_t constant = 7;

static void store(void *p)
{
	*(volatile uint32_t *)p = 1;
}

static void load(void *p)
{
	(void)*(volatile uint32_t *)p;
}

static void jump(void *p)
{
	((void (*)(void))p)();
}

static bool faults(
    void (*how)(void *), const void *where, enum k_fault_access expected)
{
	struct k_fault f;

	return k_fault_catch(how, (void *)(uintptr_t)where, &f) &&
	       f.access == expected && f.address == (uintptr_t)where;
}

TEST(paging, maps_no_page_writable_and_executable)
{
	struct k_paging_count n;

	k_paging_count(&n);
	CHECK_EQ(n.both, 0);
	CHECK(n.executable > 0 && n.writable > 0);
	CHECK(n.executable + n.writable < n.pages);
}

/* The level 3 entry of a mapped page. */
static uint64_t *entry_of(uintptr_t va)
{
	uint64_t *table = arch_mmu_root();

	for (unsigned shift = 30; shift > PAGE_SHIFT; shift -= 9)
		table =
		    (uint64_t *)(uintptr_t)pte_addr(table[va >> shift & 511]);
	return &table[va >> PAGE_SHIFT & 511];
}

/* A count that could not see a violation would prove nothing. */
TEST(paging, the_count_sees_a_forged_entry)
{
	uint64_t *const e = entry_of((uintptr_t)page);
	const uint64_t saved = *e;
	struct k_paging_count n;

	*e = pte_page((uintptr_t)page, PAGE_READ | PAGE_WRITE | PAGE_EXEC);
	k_paging_count(&n);
	*e = saved;
	arch_tlb_flush((uintptr_t)page, PAGE_SIZE);
	CHECK_EQ(n.both, 1);
	k_paging_count(&n);
	CHECK_EQ(n.both, 0);
}

TEST(paging, gives_each_part_its_permissions)
{
	CHECK_EQ(k_paging_access((uintptr_t)image_text), PAGE_READ | PAGE_EXEC);
	CHECK_EQ(k_paging_access((uintptr_t)&constant), PAGE_READ);
	CHECK_EQ(k_paging_access((uintptr_t)page), PAGE_READ | PAGE_WRITE);
	CHECK_EQ(
	    k_paging_access((uintptr_t)image_pool), PAGE_READ | PAGE_WRITE);
}

TEST(paging, leaves_guards_unmapped)
{
	CHECK_EQ(k_paging_access(0), 0);
	CHECK_EQ(k_paging_access((uintptr_t)boot_stack - 1), 0);
	CHECK_EQ(k_paging_access((uintptr_t)boot_stack_end), 0);
	CHECK_EQ(k_paging_access((uintptr_t)image_pool - 1), 0);
	CHECK_EQ(k_paging_access((uintptr_t)image_pool_end), 0);
}

TEST(paging, text_and_constants_cannot_be_written)
{
	CHECK(faults(store, image_text, FAULT_STORE));
	CHECK(faults(store, &constant, FAULT_STORE));
}

TEST(paging, data_and_constants_cannot_be_executed)
{
	CHECK(faults(jump, page, FAULT_FETCH));
	CHECK(faults(jump, image_pool, FAULT_FETCH));
	CHECK(faults(jump, &constant, FAULT_FETCH));
}

TEST(paging, nothing_is_at_address_zero)
{
	CHECK(faults(load, NULL, FAULT_LOAD));
	CHECK(faults(store, NULL, FAULT_STORE));
	CHECK(faults(jump, NULL, FAULT_FETCH));
}

TEST(paging, a_change_of_permissions_takes_effect_at_once)
{
	const uintptr_t va = (uintptr_t)page;

	store(page);
	CHECK_EQ(k_paging_protect(va, PAGE_SIZE, PAGE_READ), 0);
	CHECK(faults(store, page, FAULT_STORE));
	load(page);
	CHECK_EQ(k_paging_protect(va, PAGE_SIZE, PAGE_READ | PAGE_WRITE), 0);
	store(page);
	CHECK(faults(jump, page, FAULT_FETCH));
}

TEST(paging, refuses_writable_and_executable)
{
	const unsigned all = PAGE_READ | PAGE_WRITE | PAGE_EXEC;
	const uintptr_t va = (uintptr_t)page;

	CHECK_EQ(k_paging_protect(va, PAGE_SIZE, all), -TN_EINVAL);
	CHECK_EQ(k_paging_protect(va, PAGE_SIZE, PAGE_WRITE | PAGE_EXEC),
	    -TN_EINVAL);
	CHECK_EQ(k_paging_access(va), PAGE_READ | PAGE_WRITE);
}

TEST(paging, refuses_unmapped_pages_and_changes_nothing)
{
	const uintptr_t last = (uintptr_t)image_pool_end - PAGE_SIZE;

	CHECK_EQ(k_paging_protect(last, 2 * PAGE_SIZE, PAGE_READ), -TN_EINVAL);
	CHECK_EQ(k_paging_access(last), PAGE_READ | PAGE_WRITE);
	CHECK_EQ(k_paging_protect(last + 8, PAGE_SIZE, PAGE_READ), -TN_EINVAL);
	CHECK_EQ(k_paging_protect(0, PAGE_SIZE, PAGE_READ), -TN_EINVAL);
}

/* Two functions whose code runs at any address; 64 bytes hold each. */
__attribute__((noinline, noclone)) static int first(void)
{
	return 11;
}

__attribute__((noinline, noclone)) static int second(void)
{
	return 22;
}

static int run_copy_of(int (*fn)(void))
{
	const uintptr_t va = (uintptr_t)page;
	int (*const copy)(void) = (int (*)(void))va;
	int result;

	memcpy(page, (const void *)(uintptr_t)fn, 64);
	if (k_paging_protect(va, PAGE_SIZE, PAGE_READ | PAGE_EXEC) != 0)
		return -1;
	arch_sync_text(page, 64);
	result = copy();
	if (k_paging_protect(va, PAGE_SIZE, PAGE_READ | PAGE_WRITE) != 0)
		return -1;
	return result;
}

TEST(paging, text_that_was_rewritten_runs_anew)
{
	PROVES("K5.4");
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(run_copy_of(first), 11);
		CHECK_EQ(run_copy_of(second), 22);
	}
}

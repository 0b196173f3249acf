/* SPDX-License-Identifier: MIT */
/*
 * Faults that are expected come back to their caller with what happened.
 */
#include <test/test.h>

#include "arch.h"
#include "fault.h"
#include "kernel.h"

static void count(void *arg)
{
	++*(unsigned *)arg;
}

static void trap(void *arg)
{
	count(arg);
	__builtin_trap();
}

/* Behind the pool is a guard. */
static void store_guard(void *arg)
{
	count(arg);
	*(volatile char *)image_pool_end = 1;
}

TEST(fault, a_call_without_fault_returns)
{
	struct k_fault f = { .pc = 1 };
	unsigned calls = 0;

	CHECK(!k_fault_catch(count, &calls, &f));
	CHECK_EQ(calls, 1);
	CHECK_EQ(f.pc, 1);
}

TEST(fault, tells_access_and_address)
{
	struct k_fault f;
	unsigned calls = 0;

	CHECK(k_fault_catch(store_guard, &calls, &f));
	CHECK_EQ(f.access, FAULT_STORE);
	CHECK_EQ(f.address, (uintptr_t)image_pool_end);
	CHECK(f.pc >= (uintptr_t)store_guard);
	CHECK(f.pc < (uintptr_t)store_guard + 256);
	CHECK(f.cause != NULL);
}

TEST(fault, an_instruction_that_is_none_is_no_access)
{
	struct k_fault f;
	unsigned calls = 0;

	CHECK(k_fault_catch(trap, &calls, &f));
	CHECK_EQ(f.access, FAULT_OTHER);
}

/* The way back must not use up stack or forget what the caller keeps. */
TEST(fault, can_be_caught_for_ever)
{
	struct k_fault f;
	unsigned calls = 0;

	for (unsigned i = 0; i < 10000; i++)
		CHECK(k_fault_catch(store_guard, &calls, &f));
	CHECK_EQ(calls, 10000);
}

TEST(time, runs_forward)
{
	const uint64_t start = arch_ticks();

	CHECK(arch_ticks_per_second() >= 1000);
	while (arch_ticks() - start < 100)
		;
	CHECK(arch_ticks() > start);
}

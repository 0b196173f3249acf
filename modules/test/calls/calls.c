/* SPDX-License-Identifier: MIT */
/*
 * Calls every function of callee directly, by pointers in a table, and as a
 * tail call; and its own functions across a megabyte of code.
 */
#include <tenon/module.h>

#include "../callee/callee.h"

#define ADDRESS(n) callee_##n,
static long (*const table[])(long) = { CALLEE_ALL(ADDRESS) };

long calls_direct(long x);

/* Modulo 2^64: x goes through all 64 functions. */
long calls_direct(long x)
{
#define CALL(n) x = callee_##n(x) & 0xffffff;
	CALLEE_ALL(CALL)
	return x;
}
EXPORT_SYMBOL(calls_direct);

long calls_table(long x);

/* The same as calls_direct. */
long calls_table(long x)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		x = table[i](x) & 0xffffff;
	return x;
}
EXPORT_SYMBOL(calls_table);

long calls_tail(long x);

long calls_tail(long x)
{
	return callee_3f(x);
}
EXPORT_SYMBOL(calls_tail);

/* More than 1 MiB between two functions: beyond a single riscv64 jump. */
__asm__(".pushsection .text\n\t"
	".balign 8\n\t"
	".fill 0x110000, 1, 0\n\t"
	".popsection");

__attribute__((noinline)) static long far_away(long x)
{
	__asm__ volatile("");
	return x - 1;
}

long calls_far(long x);

/* x - 2, through a call and a tail call. */
long calls_far(long x)
{
	return far_away(far_away(x));
}
EXPORT_SYMBOL(calls_far);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("many calls, direct and by pointer");

/* SPDX-License-Identifier: MIT */
/*
 * Crashes on request, three calls deep, to show what the report says.
 */
#include <tenon/module.h>

static volatile int *nowhere;

static __attribute__((noinline)) int read_it(const volatile int *p)
{
	return *p + 1;
}

static __attribute__((noinline)) int go_deeper(int depth)
{
	return depth > 0 ? go_deeper(depth - 1) + 1 : read_it(nowhere) + 1;
}

int crasher_go(int depth);

int crasher_go(int depth)
{
	return go_deeper(depth) + 1;
}
EXPORT_SYMBOL(crasher_go);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("crashes on request");

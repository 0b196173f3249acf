/* SPDX-License-Identifier: MIT */
/*
 * Reads where there is nothing.
 */
#include <tenon/plugin.h>

static __attribute__((noinline)) int crash_here(const int *where)
{
	return *where;
}

static int process(void *data)
{
	(void)data;
	return crash_here(NULL) + 1;
}

struct plugin_ops plugin_ops = { .name = "crasher", .process = process };

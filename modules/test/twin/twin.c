/* SPDX-License-Identifier: MIT */
/*
 * Exports a name that hello exports too.
 */
#include <tenon/module.h>

long hello_add(long a, long b);

long hello_add(long a, long b)
{
	return a + b + 1;
}
EXPORT_SYMBOL(hello_add);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("must be refused: duplicate export");
MODULE_DEPENDS("hello");
MODULE_INFO(tenon.expect, "duplicate_export");

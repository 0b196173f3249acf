/* SPDX-License-Identifier: MIT */
/*
 * Exports of every kind: for all, for GPL-compatible modules, in a namespace,
 * and data. provider.crc gives them versions.
 */
#include <tenon/module.h>

#include "provider.h"

const long provider_table[PROVIDER_ENTRIES] = { 2, 3, 5, 7 };
EXPORT_SYMBOL(provider_table);

static long calls;

long provider_add(long a, long b)
{
	calls++;
	return a + b;
}
EXPORT_SYMBOL(provider_add);

long provider_calls(void)
{
	return calls;
}
EXPORT_SYMBOL_GPL(provider_calls);

long provider_inner(long x)
{
	return x * 3;
}
EXPORT_SYMBOL_NS(provider_inner, PROVIDER_INNER);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("exports of every kind");
MODULE_VERSION("1.2");

/* SPDX-License-Identifier: MIT */
/*
 * Imports from a namespace without saying so.
 */
#include <tenon/module.h>

#include "../provider/provider.h"

long ns_user_triple(long x);

long ns_user_triple(long x)
{
	return provider_inner(x);
}
EXPORT_SYMBOL(ns_user_triple);

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("must be refused: namespace");
MODULE_INFO(tenon.expect, "namespace");

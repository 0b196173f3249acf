/* SPDX-License-Identifier: MIT */
/*
 * Sixty-four functions for calls: a module that uses them all needs as many
 * GOT cells, and as many stubs when it lies far away.
 */
#include <tenon/module.h>

#include "callee.h"

#define DEFINE(n)                                                              \
	long callee_##n(long x)                                                \
	{                                                                      \
		return x * 2 + 0x##n;                                          \
	}                                                                      \
	EXPORT_SYMBOL(callee_##n);
CALLEE_ALL(DEFINE)

MODULE_LICENSE("Dual MIT/GPL");
MODULE_DESCRIPTION("many small functions");

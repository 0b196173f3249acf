/* SPDX-License-Identifier: MIT */
/*
 * What the module provider exports.
 */
#pragma once

#include <tenon/module.h>

TENON_IMPORTS_BEGIN

#define PROVIDER_ENTRIES 4

/* The first primes. */
extern const long provider_table[PROVIDER_ENTRIES];

/* The sum; counts its calls. */
long provider_add(long a, long b);

/* How often provider_add was called. GPL-compatible modules only. */
long provider_calls(void);

/* Three times @x. In the namespace PROVIDER_INNER. */
long provider_inner(long x);

TENON_IMPORTS_END

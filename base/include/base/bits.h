/* SPDX-License-Identifier: MIT */
/*
 * Bits without the help of a processor's instruction or of the compiler's
 * library: __builtin_ctz is a call on some machines.
 */
#pragma once

#include <stdint.h>

/* The number of the lowest bit set of @mask, which is below 256 and not 0. */
static inline unsigned lowest_of_eight(unsigned mask)
{
	const unsigned bit = mask & (0u - mask);

	return (unsigned)((bit & 0xaa) != 0) |
	       (unsigned)((bit & 0xcc) != 0) << 1 |
	       (unsigned)((bit & 0xf0) != 0) << 2;
}

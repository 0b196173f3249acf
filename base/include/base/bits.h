/* SPDX-License-Identifier: MIT */
/*
 * The bytes of a word, all eight at once, without the help of a processor's
 * instruction or of the compiler's library: __builtin_ctz is a call on some
 * machines.
 */
#pragma once

#include <stdint.h>

#define BYTE_ONES UINT64_C(0x0101010101010101)

/*
 * The bytes of @word that are 0, as their highest bits. The lowest of these is
 * right; one above it may be of a byte that is 1.
 */
static inline uint64_t zero_bytes(uint64_t word)
{
	return (word - BYTE_ONES) & ~word & (BYTE_ONES << 7);
}

/* The bits of the bytes below the lowest one that is 0x80 in @mask. */
static inline uint64_t bits_below(uint64_t mask)
{
	return ((mask & -mask) >> 7) - 1;
}

/* How many bytes these are; eight when @mask is 0. */
static inline unsigned bytes_below(uint64_t mask)
{
	return (unsigned)(((bits_below(mask) & BYTE_ONES) * BYTE_ONES) >> 56);
}

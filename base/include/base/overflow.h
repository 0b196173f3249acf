/* SPDX-License-Identifier: MIT */
/*
 * Checked arithmetic for numbers that come from outside. Each function
 * returns false, and leaves the result alone, when the value does not fit.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <base/compiler.h>

static inline MUST_CHECK bool u64_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline MUST_CHECK bool u64_mul(uint64_t a, uint64_t b, uint64_t *prod)
{
	return !__builtin_mul_overflow(a, b, prod);
}

static inline MUST_CHECK bool size_add(size_t a, size_t b, size_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

static inline bool is_pow2(uint64_t n)
{
	return n != 0 && (n & (n - 1)) == 0;
}

/* Rounds @n up to a multiple of the power of two @align. */
static inline MUST_CHECK bool u64_align(
    uint64_t n, uint64_t align, uint64_t *up)
{
	if (!u64_add(n, align - 1, &n))
		return false;
	*up = n & ~(align - 1);
	return true;
}

/* The same for values already known to be far from the end of the range. */
static inline uint64_t align_up(uint64_t n, uint64_t align)
{
	return (n + align - 1) & ~(align - 1);
}

/* SPDX-License-Identifier: MIT */
/*
 * A thousand functions, many_function_000 to many_function_999, each of which
 * returns its number and the sum of its arguments.
 */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

#define NUMBER(a, b, c) (100 * (a) + 10 * (b) + (c))
#define ONE(a, b, c)                                                           \
	EXPORT int64_t many_function_##a##b##c(                                \
	    int64_t p, int64_t q, int64_t r, int64_t s);                       \
	int64_t many_function_##a##b##c(                                       \
	    int64_t p, int64_t q, int64_t r, int64_t s)                        \
	{                                                                      \
		return NUMBER(a, b, c) + p + q + r + s;                        \
	}
#define TEN(a, b)                                                              \
	ONE(a, b, 0)                                                           \
	ONE(a, b, 1)                                                           \
	ONE(a, b, 2)                                                           \
	ONE(a, b, 3)                                                           \
	ONE(a, b, 4)                                                           \
	ONE(a, b, 5)                                                           \
	ONE(a, b, 6)                                                           \
	ONE(a, b, 7)                                                           \
	ONE(a, b, 8)                                                           \
	ONE(a, b, 9)
#define HUNDRED(a)                                                             \
	TEN(a, 0)                                                              \
	TEN(a, 1)                                                              \
	TEN(a, 2)                                                              \
	TEN(a, 3)                                                              \
	TEN(a, 4)                                                              \
	TEN(a, 5)                                                              \
	TEN(a, 6)                                                              \
	TEN(a, 7)                                                              \
	TEN(a, 8)                                                              \
	TEN(a, 9)

HUNDRED(0)
HUNDRED(1)
HUNDRED(2)
HUNDRED(3)
HUNDRED(4)
HUNDRED(5)
HUNDRED(6)
HUNDRED(7)
HUNDRED(8)
HUNDRED(9)
